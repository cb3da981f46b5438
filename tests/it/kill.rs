//! Each entry exactly once on each of its lanes, through `kill -9` at every named place, while a
//! request is out, during the recovery, and at a hundred random moments.
//!
//! Promises: the judge reads the sandbox's books and never our own word, and a test shows that it
//! can find guilt. The sandbox's gate for duplicate texts is always off; where nothing else is said
//! it forgets idempotency keys too, so that only our own care prevents a double. Must not: wait for
//! a state by sleeping.

#![expect(
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may fail by panicking, in its helpers too"
)]

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use serde_json::Value;
use tidings::killpoint;
use tidings::sandbox::{Books, Profile};
use tokio::time::{Instant, sleep, timeout};

use super::feed_server::Answer;
use super::process::{Item, Tidings, World, is_post, items, rss};

/// Stories that are told side by side; they mostly wait.
const AT_ONCE: usize = 6;

/// One entry on one lane, as it must be found in the books exactly once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Expected {
    profile: String,
    platform: String,
    token: String,
}

/// Every item on each of a profile's lanes.
fn expect(profile: &str, platforms: &[&str], items: &[Item]) -> Vec<Expected> {
    platforms
        .iter()
        .flat_map(|platform| {
            items.iter().map(|item| Expected {
                profile: profile.to_owned(),
                platform: (*platform).to_owned(),
                token: item.token.clone(),
            })
        })
        .collect()
}

/// What the judge found.
#[derive(Debug, Default, PartialEq, Eq)]
struct Verdict {
    lost: Vec<String>,
    doubled: Vec<String>,
    strange: Vec<String>,
}

impl Verdict {
    fn is_innocent(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lost {}, doubled {}", self.lost.len(), self.doubled.len())
    }
}

/// Our post's own part of a reference, whatever its generation.
fn uuid_of(notes: Option<&str>) -> Option<&str> {
    notes?.strip_prefix("tidings:")?.rsplit_once(':').map(|(uuid, _generation)| uuid)
}

/// Judges by what is truly published: each expected entry once on its lane, each of our references
/// once under whatever generation, nothing twice by the sandbox's own reckoning, nothing else.
fn judge(books: &Books, expected: &[Expected]) -> Verdict {
    let published: Vec<_> = books.published().collect();
    let mut verdict = Verdict::default();
    for one in expected {
        let on_lane = |it: &&tidings::sandbox::Published| {
            it.profile == one.profile && it.platform == one.platform && it.text.contains(&one.token)
        };
        match published.iter().filter(on_lane).count() {
            0 => verdict.lost.push(format!("{one:?}")),
            1 => {}
            times => verdict.doubled.push(format!("{times} times {one:?}")),
        }
    }
    let mut references: BTreeMap<&str, usize> = BTreeMap::new();
    for post in &published {
        match uuid_of(post.notes.as_deref()) {
            Some(uuid) => *references.entry(uuid).or_default() += 1,
            None => verdict.strange.push(format!("without our reference: {post:?}")),
        }
        if !expected.iter().any(|one| {
            post.profile == one.profile
                && post.platform == one.platform
                && post.text.contains(&one.token)
        }) {
            verdict.strange.push(format!("nobody expected {post:?}"));
        }
    }
    for (uuid, times) in references.into_iter().filter(|(_, times)| *times > 1) {
        verdict.doubled.push(format!("{times} times the reference {uuid}"));
    }
    verdict.doubled.extend(books.doubles().iter().map(|double| format!("{double:?}")));
    verdict
}

const PLATFORMS: [&str; 2] = ["twitter", "linkedin"];

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

/// Chance, by Marsaglia's xorshift; the same seed, the same story.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number from 1 to `sides`.
    fn up_to(&mut self, sides: u64) -> u64 {
        self.roll() % sides + 1
    }

    /// A place in a list of this length.
    fn below(&mut self, length: usize) -> usize {
        let length = u64::try_from(length).expect("a length");
        usize::try_from(self.roll() % length).expect("a place")
    }

    fn one_of<T: Copy>(&mut self, choice: &[T]) -> T {
        choice[self.below(choice.len())]
    }
}

/// Rounds of a random story; one in six ends by SIGTERM, the others by a kill.
const ROUNDS: u64 = 135;
const TERMINATED_ONE_IN: u64 = 6;

/// Faults of a post after which it can be published in the end. Those that lie about a key are left
/// out: then a person decides, by design.
const POST_FAULTS: [&str; 16] = [
    "lost-answer:2",
    "broken-answer",
    "slow@1:2",
    "hang:2",
    "500-after",
    "504-after",
    "empty-200",
    "garbage",
    "reset-before",
    "hang-before:2",
    "500-before",
    "502-html",
    "503",
    "empty-200-before",
    "429-retry-after@1",
    "402",
];

/// Faults of a history that may be silent but does not lie.
const SILENT_HISTORY: [&str; 3] = ["history-500", "history-lost", "history-pending"];

/// Faults of a history that also lies: that a post is absent which is published.
const LYING_HISTORY: [&str; 5] =
    ["history-500", "history-lost", "history-pending", "history-lag@1", "history-empty"];

/// What else stands against doubles, and what stands against us.
#[derive(Debug, Clone, Copy)]
enum Net {
    /// Used idempotency keys are refused; the history lies now and then.
    Keys,
    /// Nothing is refused: only our own care prevents a double. The history does not lie, since
    /// nobody could help it then.
    None,
}

impl Net {
    fn history_faults(self) -> &'static [&'static str] {
        match self {
            Self::Keys => &LYING_HISTORY,
            Self::None => &SILENT_HISTORY,
        }
    }
}

/// Fewer kills, or fewer that met posts in flight, and the story proves too little.
const KILLS_MIN: u64 = 100;
const IN_FLIGHT_MIN: u64 = 10;

/// Posts of a lane stay below what a page of the history shows.
const ITEMS_MAX: usize = 22;

/// A profile and its growing feed.
struct Paper {
    name: &'static str,
    ever: Vec<Item>,
    shown: Vec<Item>,
}

impl Paper {
    fn grow(&mut self) {
        if self.ever.len() < ITEMS_MAX {
            let token = format!("{}{:03}", self.name, self.ever.len() + 1);
            let item = Item { token, edition: 1 };
            self.ever.push(item.clone());
            self.shown.push(item);
        }
    }

    /// The oldest item leaves, if it was taken in, and the next one too: a feed of which nothing is
    /// known any more would be held for a person.
    fn drop_oldest(&mut self, books: &Books) {
        let is_known = |item: &Item| books.published().any(|post| post.text.contains(&item.token));
        if self.shown.len() > 4 && self.shown.iter().take(2).all(is_known) {
            self.shown.remove(0);
        }
    }

    fn edit(&mut self, dice: &mut Dice) {
        let at = dice.below(self.shown.len());
        self.shown[at].edition += 1;
    }
}

/// What the random story counts.
#[derive(Debug, Default)]
struct Tally {
    kills: u64,
    terms: u64,
    in_flight_kills: u64,
    in_flight_posts: u64,
    /// Failed posts that the person sent again.
    refused_and_killed: usize,
    /// Unconfirmed posts that nobody but a person could settle, and why.
    undecided: Vec<String>,
}

impl Tally {
    /// Learns from a start's log whether the kill before it met posts in flight.
    fn read(&mut self, log: &str) {
        let Some((before, _)) = log.split_once(" posts were in flight") else { return };
        let posts = before.rsplit(' ').next().and_then(|number| number.parse::<u64>().ok());
        self.in_flight_kills += 1;
        self.in_flight_posts += posts.unwrap_or(0);
    }

    /// The person: looks at the network, and says what is there.
    async fn settle_by_hand(&mut self, world: &World, posts: &[Value]) {
        for post in posts.iter().filter(|post| post["needs_person"] == true) {
            let uuid = post["uuid"].as_str().expect("uuid");
            let (out, refused) = world.sandbox.read_books(|books| {
                let out = books.published().any(|it| uuid_of(it.notes.as_deref()) == Some(uuid));
                let refused = books.entries().iter().any(|entry| {
                    entry.is_refused() && uuid_of(entry.draft.notes.as_deref()) == Some(uuid)
                });
                (out, refused)
            });
            match post["state"].as_str() {
                Some("failed") => {
                    assert!(refused && !out, "failed without a refusal: {post:#?}");
                    self.refused_and_killed += 1;
                }
                Some("unconfirmed") => self.undecided.push(post["reason"].to_string()),
                other => panic!("{other:?} has no reason: {post:#?}"),
            }
            let number = post["post"].to_string();
            let deed = if out { "skip" } else { "retry" };
            world.tell(&["queue", deed, &number]).await;
        }
    }
}

/// Changes the feeds and the weather between two rounds.
fn stir(world: &World, papers: &mut [Paper], net: Net, dice: &mut Dice) {
    for _ in 0..2 {
        let at = dice.below(papers.len());
        let paper = &mut papers[at];
        paper.grow();
        if dice.up_to(3) == 1 {
            paper.edit(dice);
        }
        if dice.up_to(2) == 1 {
            world.sandbox.read_books(|books| paper.drop_oldest(books));
        }
        world.show(paper.name, &paper.shown);
    }
    world.sandbox.clear_faults();
    for _ in 0..dice.up_to(3) {
        world.sandbox.add_fault(dice.one_of(&POST_FAULTS)).expect("a fault");
    }
    if dice.up_to(3) == 1 {
        world.sandbox.add_fault(dice.one_of(net.history_faults())).expect("a fault");
    }
}

/// Starts, lets it work until a random number of requests or a random time, and kills.
async fn one_round(world: &World, dice: &mut Dice, tally: &mut Tally) {
    let target = world.sandbox.read_books(Books::requests_total) + dice.up_to(9);
    let patience = Duration::from_millis(40 + dice.up_to(800));
    let daemon = world.start();
    let work = async {
        while world.sandbox.read_books(Books::requests_total) < target {
            sleep(Duration::from_millis(1)).await;
        }
    };
    let _too_few_requests = timeout(patience, work).await.is_err();
    if dice.up_to(TERMINATED_ONE_IN) == 1 {
        tally.read(&terminate(world, daemon).await);
        tally.terms += 1;
    } else {
        tally.read(&daemon.kill());
        tally.kills += 1;
    }
    world.sandbox.release();
}

/// Ends it in order; what hangs is released, so that it needs no patience.
async fn terminate(world: &World, daemon: Tidings) -> String {
    daemon.terminate();
    let end = daemon.exit_within(Duration::from_secs(30));
    let release = async {
        loop {
            world.sandbox.release();
            sleep(Duration::from_millis(20)).await;
        }
    };
    let (status, log) = tokio::select! {
        ended = end => ended,
        () = release => unreachable!("it never ends"),
    };
    // Before it listens to signals it dies of them, and nothing has begun.
    assert!(status.code() == Some(0) || !log.contains("runs with"), "{status}\n{log}");
    log
}

/// The fair end: no more faults and kills; a person settles what by design only a person can.
async fn quieten(world: &World, expected: usize, tally: &mut Tally) {
    world.sandbox.clear_faults();
    world.sandbox.release();
    world.tell(&["resume"]).await;
    let mut daemon: Tidings = world.start();
    let start = Instant::now();
    loop {
        let open = world.queue(None).await;
        tally.settle_by_hand(world, &open).await;
        if open.is_empty() && world.queue(Some("posted")).await.len() >= expected {
            break;
        }
        daemon.check(&format!("all is settled: {open:#?}"), start, Duration::from_secs(90));
        sleep(Duration::from_millis(200)).await;
    }
    tally.read(&daemon.stop().await);
}

fn papers(world: &World) -> Vec<Paper> {
    let names = ["pa", "pb", "pc", "pd", "pe", "pf"];
    let mut papers: Vec<Paper> =
        names.into_iter().map(|name| Paper { name, ever: Vec::new(), shown: Vec::new() }).collect();
    let mut tables = String::new();
    for paper in &mut papers {
        (0..3).for_each(|_| paper.grow());
        world.show(paper.name, &paper.shown);
        std::fs::write(world.path(paper.name), format!("key-of-{}", paper.name)).expect("key");
        write!(
            tables,
            "[[profile]]\nname = \"{name}\"\nplatforms = [\"twitter\", \"linkedin\"]\n\
             profile_key = {{ file = \"{}\" }}\n{}",
            world.path(paper.name).display(),
            world.feed(paper.name, paper.name, ""),
            name = paper.name,
        )
        .expect("text");
    }
    world.configure("1s", &tables);
    papers
}

async fn random_story(seed: u64, net: Net) {
    let mut dice = Dice(seed);
    let world = World::new(|options| {
        options.settings.keys_checked = matches!(net, Net::Keys);
        options.profiles = ["pa", "pb", "pc", "pd", "pe", "pf"]
            .map(|name| Profile {
                key: format!("key-of-{name}"),
                title: name.to_owned(),
                linked: PLATFORMS.map(str::to_owned).to_vec(),
            })
            .to_vec();
    })
    .await;
    let mut papers = papers(&world);
    let mut tally = Tally::default();
    for round in 0..ROUNDS {
        stir(&world, &mut papers, net, &mut dice);
        if round % 6 == 5 {
            // An operator ends the stops of five minutes that three lost answers in a row make.
            world.tell(&["resume"]).await;
        }
        one_round(&world, &mut dice, &mut tally).await;
    }
    let expected: Vec<Expected> =
        papers.iter().flat_map(|paper| expect(paper.name, &PLATFORMS, &paper.ever)).collect();
    quieten(&world, expected.len(), &mut tally).await;
    let books = world.sandbox.books();
    let verdict = judge(&books, &expected);
    let requests: Vec<_> = books.requests().filter(|it| is_post(it)).collect();
    let definite = ["402", "429-retry-after"];
    let ambiguous = requests
        .iter()
        .filter(|it| it.fault.is_some_and(|fault| !definite.contains(&fault)))
        .count();
    println!(
        "seed {seed:#x}, net {net:?}: {} posts, {} requests; {} kills, {} of them with {} posts in \
         flight, {} SIGTERM; {ambiguous} ambiguous answers; by hand: {} refused while killed, {} \
         undecided; {verdict}",
        expected.len(),
        requests.len(),
        tally.kills,
        tally.in_flight_kills,
        tally.in_flight_posts,
        tally.terms,
        tally.refused_and_killed,
        tally.undecided.len(),
    );
    assert!(verdict.is_innocent(), "seed {seed:#x}: {verdict:#?}");
    let enough = tally.kills >= KILLS_MIN && tally.in_flight_kills >= IN_FLIGHT_MIN;
    assert!(enough, "too little happened: {tally:?}");
    // A person is asked rarely, and only after many requests or look-ups that told nothing.
    let of_design = ["sent several times", "its history does not show it"];
    for reason in &tally.undecided {
        assert!(of_design.iter().any(|design| reason.contains(design)), "{reason}");
    }
    let by_hand = tally.refused_and_killed + tally.undecided.len();
    assert!(by_hand < expected.len() / 10, "{tally:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_random_moments_each_entry_is_posted_once() {
    random_story(0x5eed_2026_1121, Net::Keys).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_random_moments_without_any_net_each_entry_is_posted_once() {
    random_story(0x5eed_2026_1122, Net::None).await;
}
