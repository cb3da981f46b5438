//! `cargo torture sweep`: the program is ended, or refused, at its n-th system call, for each n.
//!
//! Promises: the points are counted first, by a run that is only watched, so it can be said how many
//! there are and how many were tried; after each point the program is started again, must settle
//! everything, and is judged by the books. Must not: count a point that the program never reached.

use std::fmt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::place::Place;
use super::random::Dice;

/// What to try.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// So many points, drawn by the seed; left out: every one there is
    #[arg(long)]
    points: Option<usize>,
    /// Decides which points
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Points at the same time; they mostly wait
    #[arg(long, default_value_t = 24)]
    at_once: usize,
    /// Begins no point after this many minutes
    #[arg(long)]
    minutes: Option<u64>,
}

/// Where the program stands when it is hurt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scene {
    /// No database yet: it makes one, migrates it, fetches, queues, and sends.
    Begin,
    /// Posts are queued: it sends.
    Send,
    /// The answer to one post was lost, another one never arrived: it looks up.
    Reconcile,
    /// Requests are out, posts of two feeds are queued: one of the feeds leaves the config.
    Reload,
    /// Posts go out: `tidings backup`, beside the daemon.
    Backup,
}

const SCENES: [Scene; 5] =
    [Scene::Begin, Scene::Send, Scene::Reconcile, Scene::Reload, Scene::Backup];

/// How it is hurt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Injury {
    /// `kill -9` as the call begins.
    Kill,
    /// The call fails with this error.
    Error(&'static str),
}

/// System calls of one kind, and how each of them is hurt.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Calls {
    pub(crate) names: &'static str,
    injuries: &'static [Injury],
}

pub(crate) const CALLS: [Calls; 5] = [
    Calls {
        names: "pwrite64,fsync,fdatasync,ftruncate,unlink",
        injuries: &[Injury::Kill, Injury::Error("EIO"), Injury::Error("ENOSPC")],
    },
    Calls { names: "pread64", injuries: &[Injury::Kill, Injury::Error("EIO")] },
    Calls { names: "fcntl", injuries: &[Injury::Kill] },
    Calls {
        names: "connect,sendto,writev,recvfrom",
        injuries: &[Injury::Kill, Injury::Error("ECONNRESET")],
    },
    Calls { names: "write", injuries: &[Injury::Kill] },
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Point {
    pub(crate) scene: Scene,
    pub(crate) calls: &'static Calls,
    pub(crate) injury: Injury,
    pub(crate) n: usize,
    /// Whether the history shows posts late.
    pub(crate) late: bool,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scene, calls, injury, n, late } = self;
        write!(f, "{scene:?}, {injury:?} at call {n} of {}, late history: {late}", calls.names)
    }
}

/// Every point there is.
async fn all_points() -> Vec<Point> {
    let mut place = Place::new().await;
    let mut points = Vec::new();
    for scene in SCENES {
        let counted = place.count(scene).await;
        println!("{scene:?}: calls of the busiest thread: {counted:?}");
        for calls in &CALLS {
            for injury in calls.injuries {
                for n in 1..=counted.get(calls.names).copied().unwrap_or(0) {
                    for late in [false, true] {
                        points.push(Point { scene, calls, injury: *injury, n, late });
                    }
                }
            }
        }
    }
    points
}

fn has_strace() -> bool {
    let mut command = Command::new("strace");
    let quiet = command.args(["-qq", "-o", "/dev/null", "true"]);
    quiet.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|it| it.success())
}

/// Tries the points; whether nothing was lost or doubled at any of them.
pub(crate) async fn run(args: &Args) -> bool {
    if !has_strace() {
        println!("left out: strace is not installed, or may not trace here");
        return true;
    }
    let mut points = all_points().await;
    let began = Instant::now();
    let there_are = points.len();
    let mut dice = Dice::of(args.seed);
    for at in (1..points.len()).rev() {
        points.swap(at, dice.below(at + 1));
    }
    points.truncate(args.points.unwrap_or(there_are));
    let limit = args.minutes.map(|minutes| Duration::from_secs(60 * minutes));
    let left = Arc::new(Mutex::new(points));
    let mut workers: JoinSet<Sums> = JoinSet::new();
    for _ in 0..args.at_once {
        workers.spawn(work(Arc::clone(&left), began, limit));
    }
    let mut sums = Sums::default();
    while let Some(worker) = workers.join_next().await {
        match worker {
            Ok(of_worker) => sums.add(&of_worker),
            Err(error) => {
                println!("a point broke off: {error}");
                sums.broken_off += 1;
            }
        }
    }
    let minutes = began.elapsed().as_secs_f64() / 60.0;
    println!(
        "\nseed {}, {minutes:.1} minutes: {there_are} points, {} tried ({:.0} a minute), {} of them \
         reached (kill {}, error {}); {} broke off",
        args.seed,
        sums.tried,
        rate(sums.tried, minutes),
        sums.kills + sums.errors,
        sums.kills,
        sums.errors,
        sums.broken_off
    );
    println!("lost {}, doubled {}, unexpected {}", sums.lost, sums.doubled, sums.strange);
    sums.broken_off + sums.lost + sums.doubled + sums.strange == 0
}

fn rate(tried: usize, minutes: f64) -> f64 {
    f64::from(u32::try_from(tried).unwrap_or(u32::MAX)) / minutes
}

#[derive(Debug, Default)]
struct Sums {
    tried: usize,
    kills: usize,
    errors: usize,
    broken_off: usize,
    lost: usize,
    doubled: usize,
    strange: usize,
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.tried += other.tried;
        self.kills += other.kills;
        self.errors += other.errors;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.strange += other.strange;
    }
}

/// Takes points until none is left.
async fn work(left: Arc<Mutex<Vec<Point>>>, began: Instant, limit: Option<Duration>) -> Sums {
    let mut place = Place::new().await;
    let mut sums = Sums::default();
    while limit.is_none_or(|limit| began.elapsed() < limit) {
        let Some(point) = left.lock().await.pop() else { break };
        sums.tried += 1;
        let Some(verdict) = place.try_at(point).await else { continue };
        match point.injury {
            Injury::Kill => sums.kills += 1,
            Injury::Error(_) => sums.errors += 1,
        }
        sums.lost += verdict.lost.len();
        sums.doubled += verdict.doubled.len();
        sums.strange += verdict.strange.len();
        if !verdict.is_innocent() {
            println!("{point}: {verdict:#?}");
        }
    }
    sums
}
