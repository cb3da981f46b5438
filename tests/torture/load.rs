//! `cargo torture load`: many feeds, many profiles and a long queue, for an hour of steady state.
//!
//! Promises: the daemon's own ticks on a real database, under a clock that is moved by hand; the
//! simulated Ayrshare and the feeds are in the same process, so their memory counts as ours. Must
//! not: be content with growth: of memory, of the database's log, or of a table that should stay.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, TimeDelta, Timelike as _, Utc};
use futures_util::future::join_all;
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};
use tidings::clock::Clock;
use tidings::config::secret::Secrets;
use tidings::config::{self, Environment};
use tidings::daemon::Daemon;
use tidings::daemon::agenda::Agenda;
use tidings::domain::breaker::Lane;
use tidings::domain::media::Media;
use tidings::domain::options;
use tidings::domain::plan::Priority;
use tidings::domain::post;
use tidings::domain::weight::weighted_length;
use tidings::sandbox::{Options, Sandbox};
use tidings::store::Store;
use tidings::store::entries::NewEntry;
use tidings::store::posts::NewPost;
use tokio::net::TcpListener;
use tokio::time::Instant;

/// How much there is.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Feeds
    #[arg(long, default_value_t = 10_000)]
    feeds: usize,
    /// Profiles, each with one lane
    #[arg(long, default_value_t = 500)]
    profiles: usize,
    /// Posts in the queue at the beginning
    #[arg(long, default_value_t = 1_000_000)]
    posts: usize,
    /// Minutes by the clock that is moved by hand
    #[arg(long, default_value_t = 60)]
    minutes: u32,
}

/// The clock moves by so much from tick to tick.
const STEP: TimeDelta = TimeDelta::seconds(15);
/// Feeds that share a host.
const FEEDS_OF_HOST: usize = 40;
/// Of so many feeds one has a new entry in each hour.
const LIVELY: usize = 20;
/// So many posts are put into the queue by one transaction.
const BATCH: usize = 10_000;
/// The log of the database may not be larger than this, in bytes.
const WAL_MAX: u64 = 64 * 1024 * 1024;
/// Between the first quarter and the end memory may grow by so many percent.
const GROWTH_MAX: u64 = 20;
/// Tables in which each new entry and each request leaves rows.
const GROWS: [&str; 6] = ["attempt", "entry", "entry_key", "post", "post_words", "transition"];

/// The feeds: each answers 304 but where it has something new. It keeps nothing.
struct Site {
    clock: Clock,
    began: DateTime<Utc>,
    asked: AtomicUsize,
    whole: AtomicUsize,
}

impl Site {
    /// How many entries a feed has: three from the start on, and one more where it is lively.
    fn entries(&self, feed: usize) -> usize {
        let minute = i64::try_from(feed / LIVELY % 60).expect("a minute");
        let is_out = self.clock.now() >= self.began + TimeDelta::minutes(minute + 1);
        3 + usize::from(feed.is_multiple_of(LIVELY) && is_out)
    }
}

async fn answer(State(site): State<Arc<Site>>, headers: HeaderMap, request: Request) -> Response {
    site.asked.fetch_add(1, Ordering::Relaxed);
    let Some(feed) = request.uri().path().strip_prefix("/f").and_then(|it| it.parse().ok()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let entries = site.entries(feed);
    let tag = format!("\"{entries}\"");
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response();
    }
    site.whole.fetch_add(1, Ordering::Relaxed);
    let mut text = format!("<rss version=\"2.0\"><channel><title>Feed {feed}</title>");
    for n in (1..=entries).rev() {
        write!(
            text,
            "<item><title>Feed {feed} tells of its matter {n}</title>\
             <link>https://example.com/{feed}/live/{n}</link><guid>live-{feed}-{n}</guid></item>"
        )
        .expect("text");
    }
    text.push_str("</channel></rss>");
    ([(header::ETAG, tag)], text).into_response()
}

/// What is measured at one moment.
struct Measure {
    /// Resident memory in kB.
    rss: u64,
    database: u64,
    wal: u64,
    rows: BTreeMap<String, i64>,
}

async fn measure(name: &'static str, path: &Path) -> Measure {
    let status = std::fs::read_to_string("/proc/self/status").expect("the memory is told");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    let rss = line.trim().trim_end_matches("kB").trim().parse().expect("kB");
    let file = format!("sqlite://{}?mode=ro", path.display());
    let mut database = SqliteConnection::connect(&file).await.expect("the database opens");
    let tables: Vec<String> = sqlx::query_scalar(
        "select name from sqlite_master where type = 'table' and name not like 'sqlite%'",
    )
    .fetch_all(&mut database)
    .await
    .expect("the tables");
    let mut rows = BTreeMap::new();
    for table in tables {
        let question = format!("select count(*) from \"{table}\"");
        let count = sqlx::query_scalar(AssertSqlSafe(question)).fetch_one(&mut database).await;
        rows.insert(table, count.expect("a count"));
    }
    database.close().await.expect("it closes");
    let measure = Measure { rss, database: size(path, ""), wal: size(path, "-wal"), rows };
    println!(
        "{name}: {} MB resident, database {} MB, its log {} MB",
        measure.rss / 1024,
        measure.database >> 20,
        measure.wal >> 20
    );
    measure
}

fn size(path: &Path, ending: &str) -> u64 {
    std::fs::metadata(format!("{}{ending}", path.display())).map_or(0, |file| file.len())
}

fn profile_of(args: &Args, feed: usize) -> String {
    format!("p{}", feed % args.profiles)
}

/// The config: feeds on many hosts, which are one server.
fn config_text(args: &Args, sandbox: &str, port: u16, database: &Path) -> String {
    let mut text = format!(
        "[ayrshare]\nbase_url = \"{sandbox}\"\n[store]\npath = \"{}\"\n[web]\nlisten = \"\"\n\
         [fetch]\nhost_gap = \"0s\"\nmin_interval = \"15m\"\nallow_private = [\"127.0.0.0/8\"]\n\
         [defaults.profile]\nplatforms = [\"twitter\"]\nmin_gap = \"20m\"\n\
         [defaults.feed]\ninterval = \"20m\"\nfirst_run = \"none\"\n",
        database.display()
    );
    for profile in 0..args.profiles {
        write!(text, "[[profile]]\nname = \"p{profile}\"\n").expect("text");
    }
    for feed in 0..args.feeds {
        let host = feed / FEEDS_OF_HOST;
        write!(
            text,
            "[[feed]]\nname = \"f{feed}\"\nurl = \"http://127.{}.{}.1:{port}/f{feed}\"\n\
             profiles = [\"{}\"]\n",
            1 + host / 250,
            host % 250,
            profile_of(args, feed)
        )
        .expect("text");
    }
    text
}

/// Puts the posts into the queue, each with its entry, in big transactions.
async fn fill(args: &Args, store: &Store, now: DateTime<Utc>) {
    let (media, options) = (Media::Chosen(Vec::new()), options::Options::default());
    for first in (0..args.posts).step_by(BATCH) {
        let mut tx = store.begin(now).await.expect("a transaction");
        for n in first..std::cmp::min(first + BATCH, args.posts) {
            let feed = n % args.feeds;
            let (name, title) =
                (format!("f{feed}"), format!("Feed {feed} tells of its matter {n}"));
            let link = format!("https://example.com/{feed}/{n}");
            let item = format!("{{\"title\":\"{title}\",\"link\":\"{link}\"}}");
            let entry = NewEntry {
                title: &title,
                link: Some(&link),
                link_key: None,
                item: &item,
                said: "",
                choice: "post",
                reason: "",
            };
            let entry_id = tx.insert_entries(&name, &[entry]).await.expect("an entry");
            tx.insert_keys(&name, &[(&format!("guid:{n}"), entry_id)]).await.expect("a key");
            let text = format!("{title} {link}");
            let new = NewPost {
                uuid: format!("00000000-0000-8000-8000-{n:012}"),
                entry_id,
                feed: &name,
                lane: &Lane::new(profile_of(args, feed), "twitter"),
                text: &text,
                weighted_length: weighted_length(&text),
                has_link: true,
                notes: "",
                media: &media,
                options: &options,
                state: post::State::Queued,
                reason: "",
                priority: Priority::Normal,
                not_before: now,
                expires_at: None,
            };
            tx.insert_post(&new).await.expect("a post");
        }
        tx.commit().await.expect("they are kept");
    }
}

/// How long the ticks of each kind took.
#[derive(Default)]
struct Times(BTreeMap<&'static str, (Duration, Duration)>);

impl Times {
    fn add(&mut self, name: &'static str, took: Duration) {
        let (sum, worst) = self.0.entry(name).or_default();
        *sum += took;
        *worst = std::cmp::max(*worst, took);
    }
}

/// One turn of everything.
async fn tick(daemon: &Daemon, agenda: &mut Agenda, times: &mut Times) -> usize {
    let mut began = Instant::now();
    let mut lap = |name| times.add(name, std::mem::replace(&mut began, Instant::now()).elapsed());
    daemon.poll_tick().await.expect("polling goes on");
    lap("poll");
    // As its loop does: only lanes whose time has come are looked at, and all of them every few minutes.
    let due = daemon.due(&HashSet::new(), agenda).await.expect("publishing goes on");
    lap("choose");
    join_all(due.ready.iter().map(|(lane, post)| daemon.send(lane, *post))).await;
    due.ready.iter().for_each(|(lane, _)| agenda.touch(lane));
    lap("send");
    daemon.reconcile_tick().await.expect("reconciling goes on");
    lap("reconcile");
    if daemon.now().second() == 0 {
        daemon.alert_tick().await.expect("alerts go on");
        lap("alert");
    }
    due.ready.len()
}

/// A clock, the feeds, the simulated Ayrshare, and the daemon over a database in this folder.
async fn begin(args: &Args, folder: &Path) -> (Daemon, Sandbox, Arc<Site>) {
    let began = DateTime::from_timestamp(1_795_348_800, 0).expect("a time");
    let clock = Clock::manual(began);
    let mut options = Options::new(clock.clone(), weighted_length);
    options.settings.duplicates = tidings::sandbox::Duplicates::Off;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let sandbox = Sandbox::start(listener, options).expect("the sandbox");
    let (asked, whole) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let site = Arc::new(Site { clock: clock.clone(), began, asked, whole });
    let listener = TcpListener::bind("0.0.0.0:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let router = Router::new().fallback(answer).with_state(Arc::clone(&site));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let file = folder.join("tidings.toml");
    let text = config_text(args, &sandbox.url(), port, &folder.join("tidings.db"));
    std::fs::write(&file, text).expect("the config");
    let environment: Environment =
        [("AYRSHARE_API_KEY", "test-api-key"), ("X_API_KEY", "k"), ("X_API_SECRET", "s")]
            .into_iter()
            .collect();
    let config = config::load(&file, &environment).expect("the config is good");
    let secrets = Secrets::read(&config, &environment).expect("the secrets are there");
    let store = Store::open(&config.store.path).await.expect("the database opens");
    let daemon = Daemon::new(Arc::new(config), secrets, store, clock).expect("the daemon begins");
    (daemon, sandbox, site)
}

/// Whether what was measured is as it should be; tells what is not.
fn judge(quarter: &Measure, end: &Measure, wal: u64) -> bool {
    let mut is_good = true;
    let mut blame = |what: String| {
        println!("TOO MUCH: {what}");
        is_good = false;
    };
    let growth = end.rss.saturating_sub(quarter.rss) * 100 / quarter.rss;
    println!(
        "memory grew by {growth} % after the first quarter; the log was {} MB at most",
        wal >> 20
    );
    if growth > GROWTH_MAX {
        blame(format!("memory grew by {growth} %"));
    }
    if wal > WAL_MAX {
        blame(format!("the log of the database has {wal} bytes"));
    }
    for (table, rows) in &end.rows {
        let before = quarter.rows.get(table).copied().unwrap_or_default();
        println!("  {table}: {before} rows after a quarter, {rows} at the end");
        if *rows > before && !GROWS.contains(&table.as_str()) {
            blame(format!("table {table} grew from {before} to {rows} rows"));
        }
    }
    is_good
}

/// Fills the queue, lets the hour pass and judges.
pub(crate) async fn run(args: &Args) -> bool {
    let began = Instant::now();
    let folder = tempfile::tempdir().expect("a folder");
    let (daemon, sandbox, site) = begin(args, folder.path()).await;
    let path = daemon.store.path().to_owned();
    fill(args, &daemon.store, daemon.now()).await;
    println!("{} posts were queued within {} s", args.posts, began.elapsed().as_secs());
    daemon.begin().await.expect("it begins");
    drop(measure("start", &path).await);
    let (mut times, mut agenda) = (Times::default(), Agenda::default());
    let (mut sent, mut wal) = (0, 0);
    let end = daemon.now() + TimeDelta::minutes(args.minutes.into());
    let quarter_at = daemon.now() + TimeDelta::minutes(args.minutes.into()) / 4;
    let mut quarter = None;
    while daemon.now() < end {
        sent += tick(&daemon, &mut agenda, &mut times).await;
        daemon.clock.advance(STEP);
        wal = std::cmp::max(wal, size(&path, "-wal"));
        if quarter.is_none() && daemon.now() >= quarter_at {
            quarter = Some(measure("quarter", &path).await);
        }
    }
    let last = measure("end", &path).await;
    let published = sandbox.read_books(|books| books.published().count());
    println!(
        "{} feeds, {} profiles, {} minutes in {} s: feeds asked {} times ({} whole answers), {sent} \
         posts sent, {published} published",
        args.feeds,
        args.profiles,
        args.minutes,
        began.elapsed().as_secs(),
        site.asked.load(Ordering::Relaxed),
        site.whole.load(Ordering::Relaxed),
    );
    for (name, (sum, worst)) in times.0 {
        println!(
            "  {name}: {} ms in all, the longest tick {} ms",
            sum.as_millis(),
            worst.as_millis()
        );
    }
    let quarter = quarter.expect("a quarter passed");
    judge(&quarter, &last, wal) && sent == published && sent > 0
}
