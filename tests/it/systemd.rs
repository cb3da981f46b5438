//! What systemd hears and gives: a real notify socket, the real program, a folder of credentials.
//!
//! Promises: messages are asserted as systemd would read them. Must not: need systemd.

#![expect(clippy::panic, reason = "a test may fail by panicking, in its helpers too")]

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use super::process::{Tidings, World, items};

const X_ONLY: &str = "[[profile]]\nname = \"main\"\nplatforms = [\"twitter\"]\n";

struct Systemd {
    world: World,
    socket: UnixDatagram,
}

impl Systemd {
    async fn new() -> Self {
        let world = World::new(|_| {}).await;
        world.show("news", &items("n", 1));
        world.configure("1s", &format!("{X_ONLY}\n{}", world.feed("news", "main", "")));
        let socket = UnixDatagram::bind(world.path("notify")).expect("socket");
        socket.set_read_timeout(Some(Duration::from_secs(20))).expect("time-out");
        Self { world, socket }
    }

    fn start(&self, watchdog_usec: &str, more: &[(&str, &str)]) -> Tidings {
        let path = self.world.path("notify");
        let path = path.to_str().expect("path");
        let mut env = vec![("NOTIFY_SOCKET", path), ("WATCHDOG_USEC", watchdog_usec)];
        env.extend(more);
        self.world.start_with(&env)
    }

    /// The next message, as its lines.
    fn hears(&self, daemon: &Tidings) -> Vec<String> {
        let mut buffer = [0; 2048];
        let size = self.socket.recv(&mut buffer);
        let size = size.unwrap_or_else(|error| panic!("{error}\n{}", daemon.log()));
        let text = String::from_utf8_lossy(buffer.get(..size).unwrap_or_default()).into_owned();
        text.lines().map(str::to_owned).collect()
    }

    /// The next message that is neither a sign of life nor about what is going on.
    fn hears_of_state(&self, daemon: &Tidings) -> Vec<String> {
        loop {
            let lines = self.hears(daemon);
            let beside = |line: &String| line.starts_with("STATUS=") || line == "WATCHDOG=1";
            if !lines.iter().all(beside) {
                return lines;
            }
        }
    }

    /// Everything that comes until the log says `text`, and what is there then.
    async fn hears_until(&self, daemon: &mut Tidings, text: &str) -> Vec<String> {
        daemon.says(text).await;
        self.socket.set_nonblocking(true).expect("socket");
        let mut all = Vec::new();
        let mut buffer = [0; 2048];
        while let Ok(size) = self.socket.recv(&mut buffer) {
            all.push(
                String::from_utf8_lossy(buffer.get(..size).unwrap_or_default()).trim().to_owned(),
            );
        }
        self.socket.set_nonblocking(false).expect("socket");
        all
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_is_told_with_its_time_and_ended_with_ready_also_where_it_was_refused() {
    let systemd = Systemd::new().await;
    let daemon = systemd.start("0", &[]);
    assert_eq!(systemd.hears_of_state(&daemon), ["READY=1"]);
    for wrong in [false, true] {
        if wrong {
            std::fs::write(systemd.world.path("tidings.toml"), "speed = 3\n").expect("config");
        }
        daemon.signal("HUP");
        let told = systemd.hears_of_state(&daemon);
        assert_eq!(told.first().map(String::as_str), Some("RELOADING=1"), "{told:?}");
        let since = told.iter().find_map(|line| line.strip_prefix("MONOTONIC_USEC="));
        assert!(since.and_then(|it| it.parse::<u64>().ok()).is_some_and(|it| it > 0), "{told:?}");
        assert_eq!(systemd.hears_of_state(&daemon), ["READY=1"]);
    }
    daemon.terminate();
    assert_eq!(systemd.hears_of_state(&daemon), ["STOPPING=1"]);
    let (status, log) = daemon.exit_within(Duration::from_secs(20)).await;
    assert_eq!(status.code(), Some(0), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_going_on_is_told() {
    let systemd = Systemd::new().await;
    let daemon = systemd.start("400000", &[]);
    let status = loop {
        let lines = systemd.hears(&daemon);
        if let Some(status) = lines.iter().find_map(|line| line.strip_prefix("STATUS=")) {
            break status.to_owned();
        }
    };
    assert!(status.starts_with("1 feeds, 1 profiles; "), "{status}");
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stuck_loop_is_not_fed_for() {
    let systemd = Systemd::new().await;
    let mut daemon = systemd.start("600000", &[("TIDINGS_KILLPOINT", "looking:4")]);
    daemon.says("the watchdog is not fed: stuck: publish").await;
    // What was fed before is taken out; from here on nothing more may come.
    systemd.hears_until(&mut daemon, "killpoint looking reached").await;
    daemon.says_times("the watchdog is not fed: stuck: publish", 4).await;
    let fed = systemd.hears_until(&mut daemon, "not fed").await;
    assert!(!fed.contains(&"WATCHDOG=1".to_owned()), "{fed:?}");
    daemon.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_takes_no_write_is_not_fed_for_until_it_does() {
    let systemd = Systemd::new().await;
    let mut daemon = systemd.start("600000", &[]);
    systemd.world.until_asked("news", 2, &mut daemon).await;
    let other = rival(&systemd.world.path("tidings.db")).await;
    daemon.says("the watchdog is not fed: the database did not take a write in time").await;
    other.rollback().await.expect("let go");
    systemd.hears_until(&mut daemon, "not fed").await;
    while systemd.hears(&daemon) != ["WATCHDOG=1"] {}
    daemon.stop().await;
}

/// Another program that holds the one place to write.
async fn rival(database: &std::path::Path) -> sqlx::Transaction<'static, sqlx::Sqlite> {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(database);
    let pool = sqlx::SqlitePool::connect_with(options).await.expect("the database opens");
    pool.begin_with("begin immediate").await.expect("it is mine")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_are_read_from_their_folder() {
    let systemd = Systemd::new().await;
    let folder = systemd.world.path("credentials");
    std::fs::create_dir(&folder).expect("folder");
    for name in ["AYRSHARE_API_KEY", "X_API_KEY", "X_API_SECRET"] {
        std::fs::write(folder.join(name), format!("credential-{name}\n")).expect("credential");
    }
    let folder = folder.to_str().expect("path");
    let env = [
        ("CREDENTIALS_DIRECTORY", folder),
        ("AYRSHARE_API_KEY", ""),
        ("X_API_KEY", ""),
        ("X_API_SECRET", ""),
    ];
    let mut daemon = systemd.start("0", &env);
    let posted = |books: &tidings::sandbox::Books| books.published().count() == 1;
    systemd.world.until("it posts with them", &mut daemon, posted).await;
    daemon.stop().await;
}
