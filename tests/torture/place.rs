//! Where a point of the sweep is tried: sets the scene, hurts the program, and sees it recover.
//!
//! Promises: what is hurt is the real program under strace; whatever it left is settled by a daemon
//! that nobody hurts. Must not: look into a database before a daemon has opened it, which would mend
//! in its place what the point left.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use chrono::TimeDelta;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};
use tidings::clock::Clock;
use tidings::sandbox::Books;
use tokio::time::{Instant, sleep};

use super::judge::{Expected, Verdict, expect, judge};
use super::process::{Item, Tidings, World, items, sandbox};
use super::random::PLATFORMS;
use super::sweep::{CALLS, Calls, Injury, Point, Scene};

/// How long the hurt program may go on.
const HURT_FOR: Duration = Duration::from_secs(20);
/// How long it may go on after the call that failed. After an error of the database it waits for five
/// seconds; at one point in so many it gets the time for that, at the others the next start has to do.
const AFTER_ERROR: Duration = Duration::from_secs(2);
const AFTER_ERROR_LONG: Duration = Duration::from_secs(12);
const LONG_ONE_IN: usize = 8;
/// How long it may take to settle everything after a new start.
const SETTLED_WITHIN: Duration = Duration::from_mins(10);
/// What is published is written down within this time.
const A_MOMENT: Duration = Duration::from_millis(100);
const LOOK_AGAIN: Duration = Duration::from_millis(10);
const LOOK_AT_TRACE: Duration = Duration::from_millis(250);
/// What strace writes behind a call that it let fail.
const INJECTED: &str = "(INJECTED)";

const STAYS: &str = "news";
const LEAVES: &str = "leaves";

/// Points are tried here one after the other: the feeds keep their addresses, the database is put
/// back, the sandbox is new each time.
pub(crate) struct Place {
    world: World,
    stays: Vec<Item>,
    leaves: Vec<Item>,
}

/// Until when the hurt program may go on.
struct Patience {
    until: Instant,
    after_error: Duration,
    looked_at: Instant,
    saw_error: bool,
}

impl Patience {
    fn new(after_error: Duration) -> Self {
        let now = Instant::now();
        Self { until: now + HURT_FOR, after_error, looked_at: now, saw_error: false }
    }

    /// Whether it is over. Now and then it is looked whether the call has failed by now.
    fn is_over(&mut self, seen: &Path) -> bool {
        let now = Instant::now();
        if !self.saw_error && now - self.looked_at > LOOK_AT_TRACE {
            self.looked_at = now;
            self.saw_error =
                std::fs::read_to_string(seen).is_ok_and(|seen| seen.contains(INJECTED));
            if self.saw_error {
                self.until = std::cmp::min(self.until, now + self.after_error);
            }
        }
        now >= self.until
    }
}

/// How the hurt program ended, and what strace saw.
struct Hurt {
    /// `None`: it had to be ended.
    status: Option<ExitStatus>,
    seen: String,
}

impl Place {
    pub(crate) async fn new() -> Self {
        let world = World::new(|_| {}).await;
        let (stays, leaves) = (items("s", 2), items("l", 2));
        world.show(STAYS, &stays);
        world.show(LEAVES, &leaves);
        let place = Self { world, stays, leaves };
        // Three days from now nothing of this is left.
        let later = Clock::System.now() + TimeDelta::days(3);
        let slot = format!("post_at = [\"{} 12:00\"]", later.format("%a"));
        for (feeds, name) in [(&[STAYS][..], "one.db"), (&[STAYS, LEAVES], "two.db")] {
            place.configure(false, &slot, feeds);
            place.world.tell(&["run", "--once"]).await;
            std::fs::rename(place.database(), place.world.path(name)).expect("the template");
        }
        place
    }

    fn database(&self) -> PathBuf {
        self.world.path("tidings.db")
    }

    fn expected(&self, scene: Scene) -> Vec<Expected> {
        let mut all = expect("primary", &PLATFORMS, &self.stays);
        if scene == Scene::Reload {
            all.extend(expect("primary", &PLATFORMS, &self.leaves));
        }
        all
    }

    fn published(&self) -> usize {
        self.world.sandbox.read_books(|books| books.published().count())
    }

    fn configure(&self, late: bool, pace: &str, feeds: &[&str]) {
        let profile = "[[profile]]\nname = \"main\"\nplatforms = [\"twitter\", \"linkedin\"]";
        let feeds: String = feeds.iter().map(|name| self.world.feed(name, "main", "")).collect();
        let reconcile_after = if late { "2s" } else { "1s" };
        self.world.configure(reconcile_after, &format!("{profile}\n{pace}\n{feeds}"));
    }

    /// Everything as the scene begins.
    async fn set(&mut self, scene: Scene, late: bool) {
        self.world.sandbox = sandbox(|options| {
            options.settings.keys_checked = false;
            options.settings.history_lag_seconds = u32::from(late);
        })
        .await;
        for name in ["tidings.db", "copy.db", "copy.db.part"] {
            for ending in ["", "-wal", "-shm", "-journal", ".lock"] {
                drop(std::fs::remove_file(self.world.path(&format!("{name}{ending}"))));
            }
        }
        let (template, feeds) = match scene {
            Scene::Begin => (None, &[STAYS][..]),
            Scene::Send | Scene::Reconcile | Scene::Backup => (Some("one.db"), &[STAYS][..]),
            Scene::Reload => (Some("two.db"), &[STAYS, LEAVES][..]),
        };
        self.configure(late, "", feeds);
        if let Some(template) = template {
            std::fs::copy(self.world.path(template), self.database()).expect("the database");
        }
        let faults: &[&str] = match scene {
            Scene::Begin | Scene::Send | Scene::Backup => &[],
            Scene::Reconcile => &["lost-answer", "reset-before"],
            Scene::Reload => &["hang:2"],
        };
        for fault in faults {
            self.world.sandbox.add_fault(fault).expect("a fault");
        }
        if scene == Scene::Reconcile {
            self.world.call(&["run", "--once"]).await;
        }
    }

    /// Runs a command under strace.
    fn start(&self, options: &[String], args: &[&str]) -> Tidings {
        let mut wrapper = vec!["strace".to_owned(), "-f".into(), "-qq".into(), "-o".into()];
        wrapper.push(self.world.path("strace").display().to_string());
        wrapper.extend_from_slice(options);
        self.world.start_command_under(&wrapper, args)
    }

    /// Waits until it is as wanted, the program ended, or its time is over.
    async fn wait(
        &self,
        hurt: &mut Tidings,
        patience: &mut Patience,
        is: impl Fn(&Tidings) -> bool,
    ) {
        let seen = self.world.path("strace");
        while !patience.is_over(&seen) && hurt.status().is_none() && !is(hurt) {
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Ends what is left of it.
    fn end(&self, mut hurt: Tidings) -> Hurt {
        let status = hurt.status();
        hurt.kill();
        Hurt {
            status,
            seen: std::fs::read_to_string(self.world.path("strace")).unwrap_or_default(),
        }
    }

    /// Runs what the scene is about under strace.
    async fn hurt(
        &self,
        (scene, late): (Scene, bool),
        options: &[String],
        after_error: Duration,
    ) -> Hurt {
        drop(std::fs::remove_file(self.world.path("strace")));
        let mut patience = Patience::new(after_error);
        let patience = &mut patience;
        if scene == Scene::Backup {
            let mut backup = self.start(options, &["backup", "copy.db", "--force"]);
            self.wait(&mut backup, patience, |_| false).await;
            return self.end(backup);
        }
        let mut daemon = self.start(options, &["run"]);
        let mut all = self.expected(scene).len();
        if scene == Scene::Reload {
            let are_out = |books: &Books| {
                books.requests().filter(|it| it.answered.is_none()).count() >= PLATFORMS.len()
            };
            self.wait(&mut daemon, patience, |_| self.world.sandbox.read_books(are_out)).await;
            self.configure(late, "", &[STAYS]);
            daemon.signal_traced("HUP");
            self.wait(&mut daemon, patience, |it| it.log().contains("config was read anew")).await;
            self.world.sandbox.clear_faults();
            self.world.sandbox.release();
            all -= self.leaves.len() * PLATFORMS.len();
        }
        self.wait(&mut daemon, patience, |_| self.published() >= all).await;
        if daemon.status().is_none() {
            sleep(A_MOMENT).await;
        }
        self.end(daemon)
    }

    /// How many calls of each kind the busiest thread makes.
    pub(crate) async fn count(&mut self, scene: Scene) -> BTreeMap<&'static str, usize> {
        self.set(scene, false).await;
        let names: Vec<&str> = CALLS.iter().map(|calls| calls.names).collect();
        let options = ["-e".to_owned(), format!("trace={}", names.join(","))];
        let beside = self.beside(scene).await;
        let seen = self.hurt((scene, false), &options, HURT_FOR).await.seen;
        drop(beside);
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

    /// The daemon beside which a backup is made; nobody hurts it.
    async fn beside(&self, scene: Scene) -> Option<Tidings> {
        if scene != Scene::Backup {
            return None;
        }
        let mut daemon = self.world.start();
        let start = Instant::now();
        while self.published() == 0 {
            daemon.check("it is at work", start, SETTLED_WITHIN);
            sleep(LOOK_AGAIN).await;
        }
        Some(daemon)
    }

    /// Tries one point. `None` where the program never got there.
    pub(crate) async fn try_at(&mut self, point: Point) -> Option<Verdict> {
        let Point { scene, late, n, .. } = point;
        self.set(scene, late).await;
        let names = point.calls.names;
        let injury = match point.injury {
            Injury::Kill => "signal=KILL".to_owned(),
            Injury::Error(error) => format!("error={error}"),
        };
        let options = [
            "-e".to_owned(),
            format!("trace={names}"),
            "-e".to_owned(),
            format!("inject={names}:{injury}:when={n}"),
        ];
        let had_copy = scene == Scene::Backup && n % 2 == 1;
        if had_copy {
            std::fs::copy(self.world.path("one.db"), self.world.path("copy.db")).expect("a copy");
        }
        let beside = self.beside(scene).await;
        let is_long = n.is_multiple_of(LONG_ONE_IN);
        let after_error = if is_long { AFTER_ERROR_LONG } else { AFTER_ERROR };
        let hurt = self.hurt((scene, late), &options, after_error).await;
        let is_hit = match point.injury {
            Injury::Kill => hurt.status.is_some_and(|status| !status.success()),
            Injury::Error(_) => hurt.seen.contains(INJECTED),
        };
        if scene == Scene::Backup {
            let is_done = hurt.status.is_some_and(|status| status.success());
            self.check_copy(point, had_copy || is_done).await;
        }
        self.recover(point, beside).await;
        let verdict = judge(&self.world.sandbox.books(), &self.expected(scene));
        is_hit.then_some(verdict)
    }

    /// A copy is whole or not there, and what is left of one is in nobody's way.
    async fn check_copy(&self, point: Point, must_be: bool) {
        let copy = self.world.path("copy.db");
        assert!(copy.exists() || !must_be, "{point}: there is no copy");
        if copy.exists() {
            self.check_whole(point, &copy).await;
        }
        if self.world.path("copy.db.part").exists() {
            self.world.tell(&["backup", "copy.db", "--force"]).await;
            assert!(!self.world.path("copy.db.part").exists(), "{point}: half a copy is left");
            self.check_whole(point, &copy).await;
        }
    }

    async fn check_whole(&self, point: Point, copy: &Path) {
        let mut database = read(copy).await;
        assert_eq!(integrity(&mut database).await, "ok", "the copy of {point}");
        let posts: i64 = sqlx::query_scalar("select count(*) from post")
            .fetch_one(&mut database)
            .await
            .expect("the posts");
        let all = self.expected(Scene::Backup).len();
        assert_eq!(usize::try_from(posts), Ok(all), "the copy of {point}");
    }

    /// Starts it again, unhurt: all must be settled, and the database whole.
    async fn recover(&self, point: Point, beside: Option<Tidings>) {
        self.world.sandbox.clear_faults();
        self.world.sandbox.release();
        let start = Instant::now();
        let mut daemon = beside.unwrap_or_else(|| self.world.start());
        daemon.says_within(" runs with ", SETTLED_WITHIN).await;
        if point.scene == Scene::Reload {
            // The feed comes back, and with it its posts.
            self.configure(point.late, "", &[STAYS, LEAVES]);
            daemon.signal("HUP");
            daemon.says_within("config was read anew: feeds 2", SETTLED_WITHIN).await;
        }
        let expected = self.expected(point.scene).len();
        let mut database = read(&self.database()).await;
        while self.published() < expected || unsettled(&mut database).await > 0 {
            daemon.check(&format!("all is settled ({point})"), start, SETTLED_WITHIN);
            sleep(LOOK_AGAIN).await;
        }
        database.close().await.expect("it closes");
        daemon.kill();
        let options = SqliteConnectOptions::new().filename(self.database());
        let mut database = SqliteConnection::connect_with(&options).await.expect("it opens");
        assert_eq!(integrity(&mut database).await, "ok", "{point}");
        database.close().await.expect("it closes");
    }
}

async fn read(database: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(database).read_only(true);
    SqliteConnection::connect_with(&options).await.expect("it opens")
}

async fn unsettled(database: &mut SqliteConnection) -> i64 {
    sqlx::query_scalar("select count(*) from post where state <> 'posted'")
        .fetch_one(database)
        .await
        .expect("the posts")
}

async fn integrity(database: &mut SqliteConnection) -> String {
    sqlx::query_scalar("pragma integrity_check(1)").fetch_one(database).await.expect("the check")
}
