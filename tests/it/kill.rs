//! Each entry exactly once on each of its lanes, through `kill -9` at every named place, while a
//! request is out, during the recovery, and at a hundred random moments.
//!
//! Promises: the judge reads the sandbox's books and never our own word, and a test shows that it
//! can find guilt. The sandbox's gate for duplicate texts is always off; where nothing else is said
//! it forgets idempotency keys too, so that only our own care prevents a double. Must not: wait for
//! a state by sleeping.

#![expect(
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may fail by panicking, in its helpers too"
)]

use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use tidings::killpoint;
use tidings::sandbox::Books;
use tokio::time::{Instant, sleep};

use super::feed_server::Answer;
use super::judge::{Expected, expect, judge};
use super::process::{World, items, rss};
use super::random::{Kind, Net, Outcome, PLATFORMS, Story, tell};

/// Stories that are told side by side; they mostly wait.
const AT_ONCE: usize = 6;

const ONE_PROFILE: &str = "[[profile]]\nname = \"main\"\nplatforms = [\"twitter\", \"linkedin\"]\n";

/// What goes wrong beside the kill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weather {
    /// Nothing.
    Fair,
    /// The answers to the requests around the kill are lost, though the posts are published.
    LostAnswer,
    /// The history shows a post only two seconds later.
    LateHistory,
}

const WEATHERS: [Weather; 3] = [Weather::Fair, Weather::LostAnswer, Weather::LateHistory];

impl Weather {
    fn reconcile_after(self) -> &'static str {
        match self {
            Self::Fair | Self::LostAnswer => "1s",
            Self::LateHistory => "3s",
        }
    }

    /// A world in this weather, with a feed of four items for two lanes; the first fetch shows two.
    async fn world(self) -> (World, Vec<Expected>) {
        let world = World::new(|options| {
            options.settings.keys_checked = false;
            if self == Self::LateHistory {
                options.settings.history_lag_seconds = 2;
            }
        })
        .await;
        let all = items("k", 4);
        world
            .feeds
            .script("/news.xml", [Answer::new(200, rss(&all[..2])), Answer::new(200, rss(&all))]);
        world.configure(
            self.reconcile_after(),
            &format!("{ONE_PROFILE}\n{}", world.feed("news", "main", "")),
        );
        (world, expect("primary", &PLATFORMS, &all))
    }
}

/// Runs until every post is settled, ends the daemon in order, and judges.
async fn run_to_the_end(world: &World, expected: &[Expected], story: &str) {
    let mut daemon = world.start();
    world
        .until(&format!("{story}: all is published"), &mut daemon, |books| {
            books.published().count() >= expected.len()
        })
        .await;
    let posted =
        world.until_queue(&mut daemon, Some("posted"), |posts| posts.len() >= expected.len()).await;
    assert_eq!(posted.len(), expected.len(), "{story}");
    let unsettled = world.queue(None).await;
    assert!(unsettled.is_empty(), "{story}: {unsettled:#?}");
    let log = daemon.stop().await;
    let verdict = judge(&world.sandbox.books(), expected);
    assert!(verdict.is_innocent(), "{story}: {verdict:#?}\n{log}");
}

/// Holds the daemon at a place and ends it there.
async fn kill_at(world: &World, place: &str) {
    let mut daemon = world.start_until(place);
    let name = place.split(':').next().unwrap_or_default();
    daemon.says(&format!("killpoint {name} reached")).await;
    daemon.kill();
}

/// One kill at the n-th arrival at a place, in some weather.
async fn killed_at(place: &'static str, arrival: usize, weather: Weather) {
    let story = format!("{place}:{arrival} in {weather:?}");
    let (world, expected) = weather.world().await;
    if weather == Weather::LostAnswer {
        world.sandbox.add_fault("lost-answer:2").expect("a fault");
    }
    // Nothing is looked up unless something is in doubt: an earlier kill sees to that. Where an
    // answer is lost anyway, it is in doubt without.
    if ["looked-up", "reconciled"].contains(&place) {
        match weather {
            Weather::Fair => kill_at(&world, "intended").await,
            Weather::LateHistory => kill_at(&world, "answered").await,
            Weather::LostAnswer => {}
        }
    }
    kill_at(&world, &format!("{place}:{arrival}")).await;
    run_to_the_end(&world, &expected, &story).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_place_each_entry_is_posted_once() {
    let mut stories = Vec::new();
    for place in killpoint::ALL {
        for arrival in [1, 2] {
            stories.extend(WEATHERS.map(|weather| killed_at(place, arrival, weather)));
        }
    }
    assert_eq!(stories.len(), 54);
    let told = stream::iter(stories).buffer_unordered(AT_ONCE).count().await;
    println!("{told} kills at named places: lost 0, doubled 0");
}

/// Kills while the request is out; whether it is published is the fault's.
async fn killed_while_out(fault: &'static str, weather: Weather) {
    let (world, expected) = weather.world().await;
    world.sandbox.add_fault(&format!("{fault}:2")).expect("a fault");
    let mut daemon = world.start();
    let is_out =
        |books: &Books| books.requests().any(|it| it.fault == Some(fault) && it.answered.is_none());
    world.until("a request is out", &mut daemon, is_out).await;
    daemon.kill();
    world.sandbox.release();
    world.sandbox.clear_faults();
    run_to_the_end(&world, &expected, &format!("{fault} in {weather:?}")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_the_request_is_out_each_entry_is_posted_once() {
    let mut stories = Vec::new();
    for fault in ["hang", "hang-before"] {
        for weather in [Weather::Fair, Weather::LateHistory] {
            stories.push(killed_while_out(fault, weather));
        }
    }
    assert_eq!(stream::iter(stories).buffer_unordered(AT_ONCE).count().await, 4);
}

/// Kills again and again during the recovery from the first kill.
async fn killed_while_recovering(first: &'static str, weather: Weather) {
    let (world, expected) = weather.world().await;
    kill_at(&world, first).await;
    for place in ["looked-up", "reconciled", "looked-up", "claiming", "intended", "looked-up"] {
        let mut daemon = world.start_until(place);
        let start = Instant::now();
        // A recovery that is through never arrives there.
        while !daemon.log().contains("killpoint") {
            daemon.check(place, start, Duration::from_secs(30));
            if world.sandbox.read_books(|books| books.published().count()) == expected.len() {
                break;
            }
            sleep(Duration::from_millis(3)).await;
        }
        daemon.kill();
    }
    run_to_the_end(&world, &expected, &format!("{first} and again in {weather:?}")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_again_during_the_recovery_each_entry_is_posted_once() {
    let mut stories = Vec::new();
    for first in ["intended", "answered", "settled"] {
        for weather in WEATHERS {
            stories.push(killed_while_recovering(first, weather));
        }
    }
    assert_eq!(stream::iter(stories).buffer_unordered(AT_ONCE).count().await, 9);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_judge_that_can_fail() {
    let (world, expected) = Weather::Fair.world().await;
    run_to_the_end(&world, &expected, "before the guilt").await;
    // A daemon that forgot everything posts everything again, and nothing here stops it.
    for name in ["tidings.db", "tidings.db-wal", "tidings.db-shm"] {
        drop(std::fs::remove_file(world.path(name)));
    }
    let mut daemon = world.start();
    world
        .until("all is published again", &mut daemon, |books| {
            books.published().count() >= 2 * expected.len()
        })
        .await;
    daemon.stop().await;
    let books = world.sandbox.books();
    let verdict = judge(&books, &expected);
    assert_eq!(verdict.lost.len(), 0, "{verdict:#?}");
    // Each by its token, and by its text and its reference in the sandbox's own reckoning.
    assert_eq!(verdict.doubled.len(), 3 * expected.len(), "{verdict:#?}");
    let mut more = expected.clone();
    more.push(Expected { token: "k005".into(), ..more[0].clone() });
    assert_eq!(judge(&books, &more).lost.len(), 1);
    assert_eq!(judge(&books, &expected[1..]).strange.len(), 2);
    println!("guilty, as it should be: {verdict}");
}

/// An end after SIGTERM: the grace for what is in flight, and a little more.
const ENDS_WITHIN: Duration = Duration::from_secs(30);

/// Fewer kills, or fewer that met posts in flight, and the story proves too little.
const KILLS_MIN: u64 = 100;
const IN_FLIGHT_MIN: u64 = 10;

/// A long story, which must end in innocence.
async fn random_story(seed: u64, net: Net) {
    let outcome: Outcome =
        tell(Story { seed, net, kind: Kind::Honest, rounds: 135, patience: ENDS_WITHIN }).await;
    println!("{outcome}");
    assert!(outcome.verdict.is_innocent(), "seed {seed:#x}: {:#?}", outcome.verdict);
    let tally = &outcome.tally;
    let enough = tally.kills >= KILLS_MIN && tally.in_flight_kills >= IN_FLIGHT_MIN;
    assert!(enough, "too little happened: {tally:?}");
    assert!(outcome.asks_rarely(), "{tally:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_random_moments_each_entry_is_posted_once() {
    random_story(0x5eed_2026_1121, Net::Keys).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_random_moments_without_any_net_each_entry_is_posted_once() {
    random_story(0x5eed_2026_1122, Net::None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_whose_intents_do_not_last_is_found_guilty() {
    let outcome = tell(Story {
        seed: 0x5eed_2026_1123,
        net: Net::None,
        kind: Kind::Robbed,
        rounds: 40,
        patience: ENDS_WITHIN,
    })
    .await;
    println!("guilty, as it should be: {outcome}");
    assert!(!outcome.verdict.doubled.is_empty(), "{outcome}");
}
