//! `cargo torture sweep`: the program is ended, or refused, at its n-th system call, for each n.
//!
//! Promises: the points are counted first, by a run that is only watched, so it can be said how many
//! there are and how many were tried; after each point the program is started again, must settle
//! everything, and is judged by the books. Must not: count a point that the program never reached.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use sqlx::{Connection as _, SqliteConnection};
use tidings::clock::Clock;
use tidings::sandbox::Books;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::judge::{Expected, Verdict, expect, judge};
use super::process::{Item, World, items, sandbox};
use super::random::{Dice, PLATFORMS};

/// What to try.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// So many points, drawn by the seed; left out: every one there is
    #[arg(long)]
    points: Option<usize>,
    /// Decides which points
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Points at the same time
    #[arg(long, default_value_t = 6)]
    at_once: usize,
    /// Begins no point after this many minutes
    #[arg(long)]
    minutes: Option<u64>,
}

/// Where the program stands when it is hurt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Scene {
    /// No database yet: it makes one, migrates it, fetches, queues, and sends.
    Begin,
    /// Posts are queued: it sends.
    Send,
    /// The answer to one post was lost, another one never arrived: it looks up.
    Reconcile,
}

const SCENES: [Scene; 3] = [Scene::Begin, Scene::Send, Scene::Reconcile];

/// How it is hurt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Injury {
    /// `kill -9` as the call begins.
    Kill,
    /// The call fails with this error.
    Error(&'static str),
}

/// System calls of one kind, and how each of them is hurt.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Calls {
    names: &'static str,
    injuries: &'static [Injury],
}

const CALLS: [Calls; 5] = [
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
struct Point {
    scene: Scene,
    calls: &'static Calls,
    injury: Injury,
    n: usize,
    /// Whether the history shows posts late.
    late: bool,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scene, calls, injury, n, late } = self;
        write!(f, "{scene:?}, {injury:?} at call {n} of {}, late history: {late}", calls.names)
    }
}

/// How long the hurt program may go on.
const HURT_FOR: Duration = Duration::from_secs(12);
/// How long it may take to settle everything after a new start.
const SETTLED_WITHIN: Duration = Duration::from_mins(10);
/// What is published is written down within this time.
const A_MOMENT: Duration = Duration::from_millis(100);
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// One place in which points are tried one after the other: the feed keeps its address, the database
/// is put back, the sandbox is new each time.
struct Place {
    world: World,
    shown: Vec<Item>,
}

impl Place {
    async fn new() -> Self {
        let world = World::new(|_| {}).await;
        let shown = items("s", 2);
        world.show("news", &shown);
        let place = Self { world, shown };
        // Three days from now nothing of this is left.
        let later = Clock::System.now() + TimeDelta::days(3);
        place.configure(false, &format!("post_at = [\"{} 12:00\"]", later.format("%a")));
        place.world.tell(&["run", "--once"]).await;
        std::fs::rename(place.database(), place.template()).expect("the template");
        place
    }

    fn database(&self) -> PathBuf {
        self.world.path("tidings.db")
    }

    fn template(&self) -> PathBuf {
        self.world.path("queued.db")
    }

    fn expected(&self) -> Vec<Expected> {
        expect("primary", &PLATFORMS, &self.shown)
    }

    fn configure(&self, late: bool, pace: &str) {
        let profile = "[[profile]]\nname = \"main\"\nplatforms = [\"twitter\", \"linkedin\"]";
        let feed = self.world.feed("news", "main", "");
        self.world.configure(if late { "2s" } else { "1s" }, &format!("{profile}\n{pace}\n{feed}"));
    }

    /// Everything as the scene begins.
    async fn set(&mut self, scene: Scene, late: bool) {
        self.world.sandbox = sandbox(|options| {
            options.settings.keys_checked = false;
            options.settings.history_lag_seconds = u32::from(late);
        })
        .await;
        self.configure(late, "");
        for ending in ["", "-wal", "-shm", "-journal", ".lock"] {
            drop(std::fs::remove_file(self.world.path(&format!("tidings.db{ending}"))));
        }
        if scene != Scene::Begin {
            std::fs::copy(self.template(), self.database()).expect("the database");
        }
        if scene == Scene::Reconcile {
            for fault in ["lost-answer", "reset-before"] {
                self.world.sandbox.add_fault(fault).expect("a fault");
            }
            self.world.call(&["run", "--once"]).await;
        }
    }

    /// Runs the daemon under strace until all is out, it ends, or its time is over. Whether it ended
    /// by itself, and what strace saw.
    async fn watch(&self, options: &[String]) -> (bool, String) {
        let seen = self.world.path("strace");
        let mut wrapper = vec!["strace".to_owned(), "-f".into(), "-qq".into(), "-o".into()];
        wrapper.push(seen.display().to_string());
        wrapper.extend_from_slice(options);
        let mut daemon = self.world.start_under(&wrapper);
        let (start, all) = (Instant::now(), self.expected().len());
        let mut ended = false;
        while start.elapsed() < HURT_FOR {
            ended = daemon.has_ended();
            if ended {
                break;
            }
            if self.world.sandbox.read_books(|books| books.published().count()) >= all {
                sleep(A_MOMENT).await;
                break;
            }
            sleep(LOOK_AGAIN).await;
        }
        daemon.kill();
        (ended, std::fs::read_to_string(seen).unwrap_or_default())
    }

    /// How many calls of each kind the busiest thread makes.
    async fn count(&mut self, scene: Scene) -> BTreeMap<&'static str, usize> {
        self.set(scene, false).await;
        let names: Vec<&str> = CALLS.iter().map(|calls| calls.names).collect();
        let (_, seen) = self.watch(&["-e".to_owned(), format!("trace={}", names.join(","))]).await;
        let busiest = |calls: &'static Calls| {
            let mut threads: BTreeMap<&str, usize> = BTreeMap::new();
            for line in seen.lines() {
                let Some((thread, call)) = line.split_once(' ') else { continue };
                let name = call.trim_start().split('(').next().unwrap_or_default();
                if calls.names.split(',').any(|known| known == name) {
                    *threads.entry(thread).or_default() += 1;
                }
            }
            (calls.names, threads.into_values().max().unwrap_or(0))
        };
        CALLS.iter().map(busiest).collect()
    }

    /// Tries one point. `None` where the program never got there.
    async fn try_at(&mut self, point: Point) -> Option<Verdict> {
        self.set(point.scene, point.late).await;
        let names = point.calls.names;
        let injury = match point.injury {
            Injury::Kill => "signal=KILL".to_owned(),
            Injury::Error(error) => format!("error={error}"),
        };
        let options = [
            "-e".to_owned(),
            format!("trace={names}"),
            "-e".to_owned(),
            format!("inject={names}:{injury}:when={}", point.n),
        ];
        let (ended, seen) = self.watch(&options).await;
        let is_hit = match point.injury {
            Injury::Kill => ended,
            Injury::Error(_) => seen.contains("(INJECTED)"),
        };
        self.recover(point).await;
        let verdict = judge(&self.world.sandbox.books(), &self.expected());
        is_hit.then_some(verdict)
    }

    /// Starts it again, unhurt: all must be settled, and the database whole.
    async fn recover(&self, point: Point) {
        let expected = self.expected().len();
        let mut daemon = self.world.start();
        let start = Instant::now();
        loop {
            let out = |books: &Books| books.published().count() >= expected;
            if self.world.sandbox.read_books(out) && self.world.queue(None).await.is_empty() {
                break;
            }
            daemon.check(&format!("all is settled ({point})"), start, SETTLED_WITHIN);
            sleep(LOOK_AGAIN).await;
        }
        daemon.kill();
        let whole = integrity(&self.database()).await;
        assert_eq!(whole, "ok", "{point}");
    }
}

async fn integrity(database: &Path) -> String {
    let mut connection = SqliteConnection::connect(&format!("sqlite://{}", database.display()))
        .await
        .expect("the database opens");
    let said: String = sqlx::query_scalar("pragma integrity_check(1)")
        .fetch_one(&mut connection)
        .await
        .expect("the check");
    connection.close().await.expect("it closes");
    said
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
    let began = Instant::now();
    let mut points = all_points().await;
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
        "\nseed {}, {minutes:.1} minutes: {there_are} points, {} tried, {} of them reached (kill {}, \
         error {}); {} broke off",
        args.seed,
        sums.tried,
        sums.kills + sums.errors,
        sums.kills,
        sums.errors,
        sums.broken_off
    );
    println!("lost {}, doubled {}, unexpected {}", sums.lost, sums.doubled, sums.strange);
    sums.broken_off + sums.lost + sums.doubled + sums.strange == 0
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
