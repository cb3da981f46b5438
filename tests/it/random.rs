//! Stories of a daemon that is killed at random moments, in any weather, while its feeds change.
//!
//! Promises: the same seed gives the same plan of kills, faults and feeds (not the same instants: the
//! processes are real); the judge reads the sandbox's books alone. Must not: help the daemon but as
//! a person would.

#![expect(
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking, in its helpers too"
)]

use std::fmt::{self, Write as _};
use std::time::Duration;

use serde_json::Value;
use sqlx::{Connection as _, SqliteConnection};
use tidings::sandbox::{Books, Duplicates, Profile, Seen};
use tokio::time::{Instant, sleep, timeout};

use super::judge::{Expected, Verdict, expect, judge, uuid_of};
use super::process::{Item, Tidings, World, is_post};
use super::wire::{self, Weather};

/// The networks of each profile.
pub(crate) const PLATFORMS: [&str; 2] = ["twitter", "linkedin"];

/// Who lives in a story.
const NAMES: [&str; 6] = ["pa", "pb", "pc", "pd", "pe", "pf"];

/// The longest answer in fair weather.
const LATENCY_MS_MAX: u64 = 80;

/// The longest wait for the fair end.
const SETTLED_WITHIN: Duration = Duration::from_mins(15);

/// Chance, by Marsaglia's xorshift; the same seed, the same story.
pub(crate) struct Dice(u64);

impl Dice {
    /// Zero is the one seed that gives nothing but zeros.
    pub(crate) fn of(seed: u64) -> Self {
        Self(std::cmp::max(seed, 1))
    }

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
    pub(crate) fn below(&mut self, length: usize) -> usize {
        let length = u64::try_from(length).expect("a length");
        usize::try_from(self.roll() % length).expect("a place")
    }

    fn one_of<T: Copy>(&mut self, choice: &[T]) -> T {
        choice[self.below(choice.len())]
    }
}

/// One round in six ends by SIGTERM, the others by a kill.
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
const LYING_HISTORY: [&str; 7] = [
    "history-500",
    "history-lost",
    "history-pending",
    "history-lag@1",
    "history-lag@180:5",
    "history-empty",
    "history-empty:3",
];

/// What else stands against doubles, and what stands against us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Net {
    /// Used idempotency keys are refused; the history lies now and then.
    Keys,
    /// A text that X has already is refused; the history lies now and then.
    Texts,
    /// Nothing is refused: only our own care prevents a double. The history does not lie, since
    /// nobody could help it then.
    None,
}

impl Net {
    fn history_faults(self) -> &'static [&'static str] {
        match self {
            Self::Keys | Self::Texts => &LYING_HISTORY,
            Self::None => &SILENT_HISTORY,
        }
    }
}

/// Whether the daemon may keep what it wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// As it is.
    Honest,
    /// After each kill, what was in flight is taken out of the database, as if no intent had been
    /// written: the judge must find guilt.
    Robbed,
}

/// What is to be told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Story {
    pub(crate) seed: u64,
    pub(crate) net: Net,
    pub(crate) kind: Kind,
    /// Starts of the daemon before the fair end.
    pub(crate) rounds: u64,
    /// How long an end after SIGTERM may take.
    pub(crate) patience: Duration,
}

/// How a story ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) story: Story,
    pub(crate) posts: usize,
    pub(crate) requests: usize,
    /// Answers that told nothing for certain, by the sandbox's faults.
    pub(crate) ambiguous: usize,
    /// Connections that the line broke.
    pub(crate) broken: usize,
    pub(crate) tally: Tally,
    pub(crate) verdict: Verdict,
}

impl Outcome {
    /// Whether a person was asked rarely, and only after many requests or look-ups that told nothing.
    pub(crate) fn asks_rarely(&self) -> bool {
        let of_design = ["sent several times", "its history does not show it"];
        let by_design = |reason: &String| of_design.iter().any(|design| reason.contains(design));
        let by_hand = self.tally.refused_and_killed + self.tally.undecided.len();
        self.tally.undecided.iter().all(by_design) && by_hand < self.posts / 10
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { kills, terms, in_flight_kills, in_flight_posts, .. } = self.tally;
        write!(
            f,
            "seed {:#x}, net {:?}: {} posts, {} requests; {kills} kills, {in_flight_kills} of them with \
             {in_flight_posts} posts in flight, {terms} SIGTERM; {} ambiguous answers, {} broken \
             connections; by hand: {} refused while killed, {} undecided, {} approved; {}",
            self.story.seed,
            self.story.net,
            self.posts,
            self.requests,
            self.ambiguous,
            self.broken,
            self.tally.refused_and_killed,
            self.tally.undecided.len(),
            self.tally.approved,
            self.verdict,
        )
    }
}

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
            let item = Item::new(token);
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

    /// The blog's software gives every item a new guid.
    fn storm(&mut self, dice: &mut Dice) {
        let storm = dice.roll();
        for item in &mut self.shown {
            item.guid = format!("{}-{storm:x}", item.token);
        }
    }

    fn edit(&mut self, dice: &mut Dice) {
        let at = dice.below(self.shown.len());
        self.shown[at].edition += 1;
    }
}

/// What the random story counts.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) kills: u64,
    pub(crate) terms: u64,
    pub(crate) in_flight_kills: u64,
    pub(crate) in_flight_posts: u64,
    /// Failed posts that the person sent again.
    pub(crate) refused_and_killed: usize,
    /// Held posts that the person approved.
    pub(crate) approved: usize,
    /// Unconfirmed posts that nobody but a person could settle, and why.
    pub(crate) undecided: Vec<String>,
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
            let mut deed = if out { "skip" } else { "retry" };
            match post["state"].as_str() {
                Some("held") => {
                    deed = "approve";
                    self.approved += 1;
                }
                Some("failed") => {
                    assert!(refused && !out, "failed without a refusal: {post:#?}");
                    self.refused_and_killed += 1;
                }
                Some("unconfirmed") => self.undecided.push(post["reason"].to_string()),
                other => panic!("{other:?} has no reason: {post:#?}"),
            }
            let number = post["post"].to_string();
            world.tell(&["queue", deed, &number]).await;
        }
    }
}

/// Changes the feeds and the weather between two rounds.
fn stir(world: &World, papers: &mut [Paper], net: Net, dice: &mut Dice) {
    for _ in 0..2 {
        let at = dice.below(papers.len());
        let paper = &mut papers[at];
        let burst = if dice.up_to(8) == 1 { 5 } else { 1 };
        (0..burst).for_each(|_| paper.grow());
        if dice.up_to(3) == 1 {
            paper.edit(dice);
        }
        if dice.up_to(12) == 1 {
            paper.storm(dice);
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
    let weather = if dice.up_to(2) == 1 { Weather::Fair } else { dice.one_of(&wire::BAD) };
    becomes(world, weather, dice.up_to(LATENCY_MS_MAX));
}

fn becomes(world: &World, weather: Weather, latency_ms: u64) {
    if let Some(wire) = &world.wire {
        wire.becomes(weather, latency_ms);
    }
}

/// Takes the intents of what is in flight out of the database.
async fn rob(world: &World) -> sqlx::Result<()> {
    let file = format!("sqlite://{}", world.path("tidings.db").display());
    let mut database = SqliteConnection::connect(&file).await?;
    for statement in [
        "delete from attempt where post_id in (select id from post where state = 'sending')",
        "update post set state = 'queued' where state = 'sending'",
    ] {
        sqlx::query(statement).execute(&mut database).await?;
    }
    database.close().await
}

/// Starts, lets it work until a random number of requests or a random time, and kills.
async fn one_round(world: &World, story: &Story, dice: &mut Dice, tally: &mut Tally) {
    // Mostly it is killed while a post is out, sometimes while it looks up or whatever it does then.
    let (posts_only, longest) = match dice.up_to(8) {
        1 => (false, 400),
        2 | 3 => (false, 1500),
        _ => (true, 2500),
    };
    let patience = Duration::from_millis(40 + dice.up_to(longest));
    let seen = || {
        if posts_only {
            u64::try_from(world.requests()).expect("few")
        } else {
            world.sandbox.read_books(Books::requests_total)
        }
    };
    let target = seen() + dice.up_to(4);
    let daemon = world.start();
    let work = async {
        while seen() < target {
            sleep(Duration::from_millis(1)).await;
        }
    };
    let _too_few_requests = timeout(patience, work).await.is_err();
    if dice.up_to(TERMINATED_ONE_IN) == 1 {
        tally.read(&terminate(world, daemon, story.patience).await);
        tally.terms += 1;
    } else {
        tally.read(&daemon.kill());
        tally.kills += 1;
    }
    world.sandbox.release();
}

/// Ends it in order; what hangs is released, so that it needs no patience.
async fn terminate(world: &World, daemon: Tidings, patience: Duration) -> String {
    daemon.terminate();
    let end = daemon.exit_within(patience);
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
async fn quieten(world: &World, expected: usize, patience: Duration, tally: &mut Tally) {
    world.sandbox.clear_faults();
    world.sandbox.release();
    becomes(world, Weather::Fair, 0);
    world.tell(&["resume"]).await;
    let mut daemon: Tidings = world.start();
    let start = Instant::now();
    loop {
        let open = world.queue(None).await;
        tally.settle_by_hand(world, &open).await;
        if open.is_empty() && world.queue(Some("posted")).await.len() >= expected {
            break;
        }
        daemon.check(&format!("all is settled: {open:#?}"), start, SETTLED_WITHIN);
        sleep(Duration::from_millis(200)).await;
    }
    tally.read(&daemon.stop_within(patience).await);
}

fn papers(world: &World) -> Vec<Paper> {
    let mut papers: Vec<Paper> =
        NAMES.into_iter().map(|name| Paper { name, ever: Vec::new(), shown: Vec::new() }).collect();
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

async fn world(net: Net) -> World {
    let world = World::new(|options| {
        options.settings.keys_checked = net == Net::Keys;
        if net == Net::Texts {
            options.settings.duplicates = Duplicates::X;
        }
        options.profiles = NAMES
            .map(|name| Profile {
                key: format!("key-of-{name}"),
                title: name.to_owned(),
                linked: PLATFORMS.map(str::to_owned).to_vec(),
            })
            .to_vec();
    });
    world.await.by_wire().await
}

/// Tells a story to its end.
pub(crate) async fn tell(story: Story) -> Outcome {
    let mut dice = Dice::of(story.seed);
    let world = world(story.net).await;
    let mut papers = papers(&world);
    let mut tally = Tally::default();
    for round in 0..story.rounds {
        stir(&world, &mut papers, story.net, &mut dice);
        if round % 3 == 2 {
            // An operator ends the stops of five minutes that three lost answers in a row make.
            // Killed before it had a database, there is nothing to resume.
            world.call(&["resume"]).await;
        }
        one_round(&world, &story, &mut dice, &mut tally).await;
        if story.kind == Kind::Robbed {
            // Killed before its first migration it has no tables yet.
            drop(rob(&world).await);
        }
    }
    let expected: Vec<Expected> =
        papers.iter().flat_map(|paper| expect(paper.name, &PLATFORMS, &paper.ever)).collect();
    quieten(&world, expected.len(), story.patience, &mut tally).await;
    let books = world.sandbox.books();
    let requests: Vec<&Seen> = books.requests().filter(|it| is_post(it)).collect();
    let definite = ["402", "429-retry-after"];
    let is_ambiguous = |it: &&&Seen| it.fault.is_some_and(|fault| !definite.contains(&fault));
    Outcome {
        story,
        posts: expected.len(),
        requests: requests.len(),
        ambiguous: requests.iter().filter(is_ambiguous).count(),
        broken: world.wire.as_ref().map_or(0, wire::Wire::broken),
        tally,
        verdict: judge(&books, &expected),
    }
}
