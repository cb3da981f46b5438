//! The checklist of polite fetching, a named test for each of its points, and a month of polling with
//! its score sheet.
//!
//! Point 6 (validators and entries together) is told by `stories::fetches` and `kill`, point 26 (no
//! private address, redirects included) by `intake`.

mod answers;
mod month;
mod packed;
mod request;
mod timing;
mod validators;

use chrono::{DateTime, TimeDelta, Utc};
use tidings::store::feeds::FeedState;

use super::feed_server::Answer;
use super::world::{Setup, World, blog};

const HOUR: TimeDelta = TimeDelta::hours(1);
const MINUTE: TimeDelta = TimeDelta::minutes(1);
const DAY: TimeDelta = TimeDelta::days(1);

const PROFILE: &str = r#"
[defaults.feed]
first_run = "all"
hold_above = 100

[[profile]]
name = "main"
platforms = ["twitter"]
time_zone = "Europe/Berlin"
min_gap = "1s"
"#;

/// A world as it is by default: gaps between requests to one host, and no interval given.
async fn world_of(feeds: &str) -> World {
    setup_of(feeds, "").open().await
}

/// The same, with more lines for `[fetch]`.
fn setup_of(feeds: &str, fetch: &str) -> Setup {
    let mut setup = Setup::new(&format!("{PROFILE}{feeds}"));
    setup.environment.retain(|(name, _)| *name != "TIDINGS__DEFAULTS__FEED__INTERVAL");
    Setup { fetch: fetch.to_owned(), ..setup }
}

/// One feed with more lines in its table, at `/blog`, and these answers.
async fn one_feed(lines: &str, answers: impl IntoIterator<Item = Answer>) -> World {
    let world = world_of(&feed("blog", lines)).await;
    world.feeds.script("/blog", answers);
    world.poll().await;
    world
}

fn feed(name: &str, lines: &str) -> String {
    format!("[[feed]]\nname = \"{name}\"\nurl = \"SITE/{name}\"\n{lines}\n")
}

/// The first half of a document.
fn half(text: &str) -> String {
    text.chars().take(text.len() / 2).collect()
}

/// A feed of one item, with a validator.
fn good() -> Answer {
    Answer::new(200, blog([1])).header("etag", "\"1\"")
}

fn not_modified() -> Answer {
    Answer::new(304, "")
}

/// How long after now a feed is asked next.
async fn wait(world: &World) -> TimeDelta {
    world.feed("blog").await.next_poll_at - world.now()
}

/// Whether a wait is the expected one, stretched by a tenth or an hour at most.
fn is_about(wait: TimeDelta, expected: TimeDelta) -> bool {
    wait >= expected && wait <= expected + std::cmp::min(expected / 10, HOUR)
}

/// The values of one header in all requests for the feed.
fn sent(world: &World, header: &str) -> Vec<String> {
    let asked = world.feeds.asked_for("/blog");
    asked.iter().map(|asked| asked.header(header).unwrap_or_default()).collect()
}

/// Polls the feed at its times until an instant.
async fn poll_until(world: &World, end: DateTime<Utc>) {
    loop {
        let next = world.poll().await.next_at;
        match next.filter(|at| *at < end) {
            Some(at) => world.clock.set(std::cmp::max(at, world.now())),
            None => break,
        }
    }
    world.clock.set(end);
}

/// Changes what is known of the feed.
async fn change(world: &World, how: impl FnOnce(FeedState) -> FeedState) {
    let state = how(world.feed("blog").await);
    let mut tx = world.store().begin(world.now()).await.expect("a transaction");
    tx.save_feed(&state).await.expect("it is saved");
    tx.commit().await.expect("a commit");
}
