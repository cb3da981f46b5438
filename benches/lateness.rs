//! How late a post is: from its due time to the moment at which its request is seen by the sandbox.
//!
//! Runs the real loops of the daemon under the system's clock, on 50 lanes: 1,000 posts that are due one
//! after the other, and then 2,000 that are all due at once. The judge is the sandbox's books.
//! `cargo bench --bench lateness` prints the figures.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
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

/// Its address is refused, so that it is asked once, in vain.
const FEED: &str = "bench";
const LANES: usize = 50;
/// Posts, and the time between the due times of two.
const ONE_BY_ONE: (usize, TimeDelta) = (1_000, TimeDelta::milliseconds(25));
const AT_ONCE: (usize, TimeDelta) = (2_000, TimeDelta::zero());
/// Before the first post: the daemon has begun by then.
const START: TimeDelta = TimeDelta::seconds(2);
/// After the last due time: longer than any post may be late.
const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::main]
async fn main() -> Result<(), anyhow::Error> {
    for posts in [ONE_BY_ONE, AT_ONCE] {
        measure(posts).await?;
    }
    Ok(())
}

async fn measure((number, step): (usize, TimeDelta)) -> Result<(), anyhow::Error> {
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
    std::fs::write(&file, text(folder.path(), sandbox.url().as_str()))?;
    let keys: Vec<(String, String)> =
        (0..LANES).map(|lane| (format!("KEY_{lane}"), key(lane))).collect();
    let own =
        [("AYRSHARE_API_KEY", "api-key"), ("X_API_KEY", "x-key"), ("X_API_SECRET", "x-secret")];
    let all = keys.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(own);
    let environment: Environment = all.collect();
    let config = config::load(&file, &environment)?;
    let secrets = Secrets::read(&config, &environment)?;
    let store = Store::open(&config.store.path).await?;
    let due = fill(&store, (number, step), Clock::System.now() + START).await?;
    let daemon = Arc::new(Daemon::new(Arc::new(config), secrets, store, Clock::System)?);
    let running = tokio::spawn(tidings::daemon::run::run(Present::fixed(Arc::clone(&daemon))));
    let sent = || sandbox.read_books(|books| books.published().count());
    let last = due.values().max().copied().context("there are posts")?;
    let until = last + TimeDelta::from_std(PATIENCE)?;
    while sent() < number && Clock::System.now() < until {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    daemon.stop.drain.cancel();
    running.await??;
    let seen: Vec<TimeDelta> = sandbox.read_books(|books| {
        let posts = books.requests().filter(|seen| seen.path == "/api/post");
        posts.filter_map(|seen| Some(seen.at - *due.get(seen.notes.as_ref()?)?)).collect()
    });
    ensure!(seen.len() == number, "{} of {number} posts were seen", seen.len());
    tell(seen, step)
}

fn name(lane: usize) -> String {
    format!("lane-{lane}")
}

fn text(folder: &Path, sandbox: &str) -> String {
    let mut text = format!(
        "[ayrshare]\nbase_url = \"{sandbox}\"\n[store]\npath = \"{}\"\n[web]\nlisten = \"\"\n\
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
        "[[feed]]\nname = \"{FEED}\"\nurl = \"https://127.0.0.1/\"\nprofiles = [{}]\n",
        lanes.join(", ")
    );
    text.push_str(&feed);
    text
}

/// Queues the posts, each for its own instant; gives the due time by the reference in its request.
async fn fill(
    store: &Store,
    (number, step): (usize, TimeDelta),
    start: DateTime<Utc>,
) -> Result<HashMap<String, DateTime<Utc>>, anyhow::Error> {
    let mut tx = store.begin(Clock::System.now()).await?;
    let mut due = HashMap::new();
    let mut at = start;
    for number in 0..number {
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
        at += step;
    }
    tx.commit().await?;
    Ok(due)
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn tell(mut late: Vec<TimeDelta>, step: TimeDelta) -> Result<(), anyhow::Error> {
    late.sort_unstable();
    let posts = late.len();
    if step.is_zero() {
        let last = late.last().context("there are posts")?;
        let per_second = f64::from(u32::try_from(posts)?) / last.as_seconds_f64();
        println!("{posts} posts due at once on {LANES} lanes: {per_second:.0} a second");
        return Ok(());
    }
    let share = |percent: usize| {
        let place = std::cmp::min(late.len() * percent / 100, late.len() - 1);
        late.get(place).map_or(0, TimeDelta::num_milliseconds)
    };
    println!(
        "lateness of {posts} posts on {LANES} lanes: median {} ms, p99 {} ms, latest {} ms, earliest {} ms",
        share(50),
        share(99),
        share(100),
        share(0)
    );
    Ok(())
}
