//! `cargo torture kill`: many random stories side by side until so many kills are reached.
//!
//! Promises: story N of seed S is always the same plan; each story's line and the sums are printed.
//! Must not: pass over a story that broke off.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::random::{Kind, Net, Outcome, Story, tell};

/// How long an end after SIGTERM may take: on a machine that is full of other work a process may get
/// no time at all. The tests of `tests/it` allow it 30 s.
const PATIENCE: Duration = Duration::from_mins(3);

/// What to do, and how long.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Ends after at least this many kills
    #[arg(long, default_value_t = 100)]
    kills: u64,
    /// The seed of all stories
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Begins no story after this many minutes
    #[arg(long)]
    minutes: Option<u64>,
    /// Stories at the same time
    #[arg(long, default_value_t = 4)]
    at_once: usize,
    /// Starts of the daemon in one story
    #[arg(long, default_value_t = 45)]
    rounds: u64,
    /// Takes away the intents of what was in flight after each kill: it must be found guilty
    #[arg(long)]
    guilty: bool,
}

/// The sums over all stories.
#[derive(Debug, Default)]
struct Sums {
    stories: u64,
    broken_off: u64,
    kills: u64,
    kills_in_flight: u64,
    posts_in_flight: u64,
    terms: u64,
    posts: usize,
    requests: usize,
    ambiguous: usize,
    broken: usize,
    by_hand: usize,
    lost: usize,
    doubled: usize,
    strange: usize,
}

impl Sums {
    fn add(&mut self, outcome: &Outcome) {
        let tally = &outcome.tally;
        self.stories += 1;
        self.kills += tally.kills;
        self.kills_in_flight += tally.in_flight_kills;
        self.posts_in_flight += tally.in_flight_posts;
        self.terms += tally.terms;
        self.posts += outcome.posts;
        self.requests += outcome.requests;
        self.ambiguous += outcome.ambiguous;
        self.broken += outcome.broken;
        self.by_hand += tally.refused_and_killed + tally.undecided.len() + tally.approved;
        self.lost += outcome.verdict.lost.len();
        self.doubled += outcome.verdict.doubled.len();
        self.strange += outcome.verdict.strange.len();
    }

    const fn is_innocent(&self) -> bool {
        self.broken_off == 0 && self.lost == 0 && self.doubled == 0 && self.strange == 0
    }
}

/// The story of a number: its seed, and by turns what stands against doubles.
fn story(args: &Args, number: u64) -> Story {
    // SplitMix64, so that neighbouring numbers have nothing in common.
    let mut mixed = args.seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let seed = std::cmp::max(mixed ^ (mixed >> 31), 1);
    let nets = [Net::None, Net::Keys, Net::Texts];
    let turn = usize::try_from(number % 3).expect("one of three");
    // With a net nothing is doubled even without intents.
    let (net, kind) =
        if args.guilty { (Net::None, Kind::Robbed) } else { (nets[turn], Kind::Honest) };
    Story { seed, net, kind, rounds: args.rounds, patience: PATIENCE }
}

/// Tells stories until enough kills are reached; whether nothing was lost or doubled.
pub(crate) async fn run(args: &Args) -> bool {
    let began = Instant::now();
    let limit = args.minutes.map(|minutes| Duration::from_secs(60 * minutes));
    let mut sums = Sums::default();
    let mut told: JoinSet<Outcome> = JoinSet::new();
    let mut number = 0;
    loop {
        let is_over = limit.is_some_and(|limit| began.elapsed() >= limit);
        // What is being told will give kills as well, about so many.
        let coming = u64::try_from(told.len()).expect("few") * args.rounds * 4 / 5;
        if told.len() < args.at_once && !is_over && sums.kills + coming < args.kills {
            number += 1;
            told.spawn(tell(story(args, number)));
            continue;
        }
        match told.join_next().await {
            None if is_over || sums.kills >= args.kills => break,
            None => {}
            Some(Ok(outcome)) => {
                println!("{outcome}");
                if !outcome.verdict.is_innocent() && !args.guilty {
                    println!("{:#?}", outcome.verdict);
                }
                sums.add(&outcome);
            }
            Some(Err(error)) => {
                println!("a story broke off: {error}");
                sums.broken_off += 1;
            }
        }
    }
    let minutes = began.elapsed().as_secs_f64() / 60.0;
    println!(
        "\nseed {}, {minutes:.1} minutes: {} stories, {} of them broke off; {} kills, {} of them \
         with {} posts in flight, {} SIGTERM",
        args.seed,
        sums.stories,
        sums.broken_off,
        sums.kills,
        sums.kills_in_flight,
        sums.posts_in_flight,
        sums.terms
    );
    println!(
        "{} posts by {} requests; {} ambiguous answers, {} broken connections; {} settled by hand",
        sums.posts, sums.requests, sums.ambiguous, sums.broken, sums.by_hand
    );
    println!("lost {}, doubled {}, unexpected {}", sums.lost, sums.doubled, sums.strange);
    println!("{}", if sums.is_innocent() { "innocent" } else { "GUILTY" });
    sums.is_innocent()
}
