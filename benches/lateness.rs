//! How late a post is: from its due time to the moment at which its request is seen by the sandbox.
//!
//! Runs the real loops of the daemon under the system's clock, on 50 lanes: 1,000 posts that are due one
//! after the other, the same while 1,000 feeds are read for the first time, and 2,000 that are all due at
//! once. The judge is the sandbox's books.
//! `cargo bench --bench lateness` prints the figures.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use tidings::clock::Clock;
use tidings::config::secret::Secrets;
use tidings::config::{self, Environment};
use tidings::daemon::Daemon;
use tidings::daemon::reload::Present;
use tidings::domain::breaker::Lane;
use tidings::domain::media::Media;
use tidings::domain::options::Options as PostOptions;
use tidings::domain::plan::Priority;
use tidings::domain::post::State;
use tidings::domain::weight::weighted_length;
use tidings::sandbox::{Options, PLATFORMS, Profile, Sandbox};
use tidings::store::Store;
use tidings::store::entries::NewEntry;
use tidings::store::posts::NewPost;
use tokio::net::TcpListener;

mod site;

/// Its address is refused, so that it is asked once, in vain.
const FEED: &str = "bench";
const LANES: usize = 50;
/// What is measured: posts, the time between the due times of two, and feeds that are read meanwhile.
const ROUNDS: [Round; 3] = [
    Round { posts: 1_000, step: TimeDelta::milliseconds(25), feeds: 0 },
    Round { posts: 1_000, step: TimeDelta::milliseconds(5), feeds: 1_000 },
    Round { posts: 2_000, step: TimeDelta::zero(), feeds: 0 },
];
/// Before the first post: the daemon has begun by then.
const START: TimeDelta = TimeDelta::seconds(2);
/// After the last due time: longer than any post may be late.
const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::main]
async fn main() -> Result<(), anyhow::Error> {
    for round in ROUNDS {
        measure(round).await?;
    }
    Ok(())
}

#[derive(Clone, Copy)]
struct Round {
    posts: usize,
    step: TimeDelta,
    feeds: usize,
}

async fn measure(round: Round) -> Result<(), anyhow::Error> {
    let folder = tempfile::tempdir()?;
    let mut options = Options::new(Clock::System, weighted_length);
    options.api_keys = vec!["api-key".to_owned()];
    options.x_pairs = vec![("x-key".to_owned(), "x-secret".to_owned())];
    let key = |lane: usize| format!("key-{lane}");
    options.profiles = (0..LANES)
        .map(|lane| Profile {
            key: key(lane),
            title: name(lane),
            linked: PLATFORMS.map(str::to_owned).to_vec(),
        })
        .collect();
    let sandbox = Sandbox::start(TcpListener::bind("127.0.0.1:0").await?, options)?;
    let file = folder.path().join("tidings.toml");
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let feeds = (listener.local_addr()?, round.feeds);
    let site = Arc::new(site::Site::default());
    tokio::spawn(site::serve(listener, Arc::clone(&site)));
    std::fs::write(&file, text(folder.path(), sandbox.url().as_str(), feeds)?)?;
    let keys: Vec<(String, String)> =
        (0..LANES).map(|lane| (format!("KEY_{lane}"), key(lane))).collect();
    let own =
        [("AYRSHARE_API_KEY", "api-key"), ("X_API_KEY", "x-key"), ("X_API_SECRET", "x-secret")];
    let all = keys.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(own);
    let environment: Environment = all.collect();
    let config = config::load(&file, &environment)?;
    let secrets = Secrets::read(&config, &environment)?;
    let store = Store::open(&config.store.path).await?;
    // Those posts that are due while feeds are read are what is measured then.
    let start = if round.feeds == 0 { START } else { TimeDelta::milliseconds(200) };
    let due = fill(&store, round, Clock::System.now() + start).await?;
    let daemon = Arc::new(Daemon::new(Arc::new(config), secrets, store, Clock::System)?);
    let running = tokio::spawn(tidings::daemon::run::run(Present::fixed(Arc::clone(&daemon))));
    let sent = || sandbox.read_books(|books| books.published().count());
    let last = due.values().max().copied().context("there are posts")?;
    let until = last + TimeDelta::from_std(PATIENCE)?;
    let mut read_at = None;
    while sent() < round.posts && Clock::System.now() < until {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let are_read = site.whole.load(Ordering::Relaxed) >= u64::try_from(round.feeds)?;
        read_at = read_at.or_else(|| are_read.then(|| Clock::System.now()));
    }
    let read_at = read_at.context("all feeds were read")?;
    daemon.stop.drain.cancel();
    running.await??;
    let seen: Vec<(DateTime<Utc>, TimeDelta)> = sandbox.read_books(|books| {
        let posts = books.requests().filter(|seen| seen.path == "/api/post");
        let with_due = posts.filter_map(|seen| Some((seen, *due.get(seen.notes.as_ref()?)?)));
        with_due.map(|(seen, due)| (due, seen.at - due)).collect()
    });
    ensure!(seen.len() == round.posts, "{} of {} posts were seen", seen.len(), round.posts);
    let counts = |due: &DateTime<Utc>| round.feeds == 0 || *due < read_at;
    tell(seen.into_iter().filter(|(due, _)| counts(due)).map(|(_, late)| late).collect(), round)
}

fn name(lane: usize) -> String {
    format!("lane-{lane}")
}

fn text(
    folder: &Path,
    sandbox: &str,
    (site, feeds): (SocketAddr, usize),
) -> Result<String, anyhow::Error> {
    let mut text = format!(
        "[ayrshare]\nbase_url = \"{sandbox}\"\n[store]\npath = \"{}\"\n[web]\nlisten = \"\"\n\
         [fetch]\nconcurrency = 64\nper_host = 64\nhost_gap = \"0s\"\nallow_private = [\"127.0.0.0/8\"]\n\
         [defaults.profile]\nplatforms = [\"twitter\"]\nmin_gap = \"0s\"\n",
        folder.join("tidings.db").display()
    );
    for lane in 0..LANES {
        let profile = format!(
            "[[profile]]\nname = \"{}\"\nprofile_key = {{ env = \"KEY_{lane}\" }}\n",
            name(lane)
        );
        text.push_str(&profile);
    }
    let lanes: Vec<String> = (0..LANES).map(|lane| format!("\"{}\"", name(lane))).collect();
    // Posts of a feed that the config doesn't know would be held.
    let feed = format!(
        "[[feed]]\nname = \"{FEED}\"\nurl = \"https://10.0.0.1/\"\nprofiles = [{}]\n",
        lanes.join(", ")
    );
    text.push_str(&feed);
    for number in 0..feeds {
        // What a feed has when it is read for the first time is not posted.
        write!(
            text,
            "[[feed]]\nname = \"f{number}\"\nurl = \"http://{site}/{number}\"\nprofiles = [\"{}\"]\n",
            name(0)
        )?;
    }
    Ok(text)
}

/// Queues the posts, each for its own instant; gives the due time by the reference in its request.
async fn fill(
    store: &Store,
    round: Round,
    start: DateTime<Utc>,
) -> Result<HashMap<String, DateTime<Utc>>, anyhow::Error> {
    let mut tx = store.begin(Clock::System.now()).await?;
    let mut due = HashMap::new();
    let mut at = start;
    for number in 0..round.posts {
        let title = format!("Post number {number}");
        let entry = NewEntry {
            title: &title,
            link: None,
            link_key: None,
            item: "{}",
            said: "",
            choice: "post",
            reason: "",
        };
        let entry_id = tx.insert_entries(FEED, &[entry]).await?;
        let uuid = uuid::Uuid::new_v4().to_string();
        let post = NewPost {
            uuid: uuid.clone(),
            entry_id,
            feed: FEED,
            lane: &Lane::new(name(number % LANES), "twitter"),
            text: &title,
            weighted_length: weighted_length(&title),
            has_link: false,
            notes: "",
            media: &Media::None,
            options: &PostOptions::default(),
            state: State::Queued,
            reason: "",
            priority: Priority::Normal,
            not_before: at,
            expires_at: None,
        };
        tx.insert_post(&post).await?;
        // The database keeps milliseconds.
        due.insert(
            format!("tidings:{uuid}:1"),
            DateTime::from_timestamp_millis(at.timestamp_millis()).context("an instant")?,
        );
        at += round.step;
    }
    tx.commit().await?;
    Ok(due)
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn tell(mut late: Vec<TimeDelta>, round: Round) -> Result<(), anyhow::Error> {
    late.sort_unstable();
    let posts = late.len();
    if round.step.is_zero() {
        let last = late.last().context("there are posts")?;
        let per_second = f64::from(u32::try_from(posts)?) / last.as_seconds_f64();
        println!("{posts} posts due at once on {LANES} lanes: {per_second:.0} a second");
        return Ok(());
    }
    let share = |percent: usize| {
        let place = std::cmp::min(late.len() * percent / 100, late.len() - 1);
        late.get(place).map_or(0, TimeDelta::num_milliseconds)
    };
    let meanwhile = match round.feeds {
        0 => String::new(),
        feeds => format!(" while {feeds} feeds are read for the first time"),
    };
    println!(
        "lateness of {posts} posts on {LANES} lanes{meanwhile}: median {} ms, p99 {} ms, latest {} ms, \
         earliest {} ms",
        share(50),
        share(99),
        share(100),
        share(0)
    );
    Ok(())
}
