//! How a daemon lives beside others: signals, a second daemon, people at the command line, systemd,
//! restarts.
//!
//! Promises: everything is seen from outside, in the sandbox's books, in what the feed server was
//! asked, in exit codes, and in what `tidings` itself tells. Must not: wait for a state by sleeping;
//! that something does *not* happen is told by something later that did.

use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;
use sqlx::{Connection as _, SqliteConnection};
use tidings::sandbox::Books;
use tidings::store::lock::DaemonLock;
use tokio::time::{Instant, sleep};

use super::process::{Item, Tidings, World, items};

const X_ONLY: &str = "[[profile]]\nname = \"main\"\nplatforms = [\"twitter\"]\n";

/// One lane to X and one feed of `count` items, with more keys for both.
async fn world(count: usize, profile: &str, feed: &str) -> (World, Vec<Item>) {
    let world = World::new(|_| {}).await;
    let shown = items("n", count);
    world.show("news", &shown);
    world.configure("1s", &format!("{X_ONLY}{profile}\n{}", world.feed("news", "main", feed)));
    (world, shown)
}

fn is_out(books: &Books) -> bool {
    books.requests().any(|it| it.fault.is_some() && it.answered.is_none())
}

fn published(books: &Books, token: &str) -> usize {
    books.published().filter(|post| post.text.contains(token)).count()
}

/// The numbers of the posts.
fn numbers(posts: &[Value]) -> Vec<String> {
    posts.iter().map(|post| post["post"].to_string()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_lets_the_request_in_flight_finish_and_a_restart_sends_nothing_again() {
    let (world, mut shown) = world(1, "", "").await;
    world.sandbox.add_fault("slow@2").expect("a fault");
    let mut daemon = world.start();
    world.until("a request is out", &mut daemon, is_out).await;
    let log = daemon.stop().await;
    assert!(log.contains("post 1 is published"), "{log}");
    assert_eq!(numbers(&world.queue(Some("posted")).await), ["1"]);
    let mut daemon = world.start();
    // A second item shows that the lane is at work again.
    shown.extend(items("later", 1));
    world.show("news", &shown);
    world.until("the next is out", &mut daemon, |books| published(books, "later001") == 1).await;
    daemon.stop().await;
    assert_eq!(world.requests(), 2, "one request for each");
    assert!(world.sandbox.books().doubles().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sigterm_ends_a_start_that_waits_for_a_locked_database() {
    let (world, _) = world(1, "", "").await;
    world.tell(&["run", "--once"]).await;
    let lock = world.path("tidings.db.lock");
    std::fs::remove_file(&lock).expect("of the process that ended");
    let file = format!("sqlite://{}", world.path("tidings.db").display());
    let mut other = SqliteConnection::connect(&file).await.expect("it opens");
    sqlx::raw_sql("begin immediate").execute(&mut other).await.expect("it is locked");
    let mut daemon = world.start();
    let start = Instant::now();
    // It listens to signals before it makes its lock.
    while !lock.exists() {
        daemon.check("it makes its lock", start, Duration::from_secs(30));
        sleep(Duration::from_millis(3)).await;
    }
    daemon.terminate();
    let start = Instant::now();
    let (status, log) = daemon.exit_within(Duration::from_secs(40)).await;
    assert_eq!(status.code(), Some(0), "{log}");
    // Whoever waits for the lock gives up after ten seconds, time and again.
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}\n{log}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_sigterm_ends_at_once_and_the_post_is_reconciled_once() {
    let (world, _) = world(1, "", "").await;
    world.sandbox.add_fault("hang").expect("a fault");
    let mut daemon = world.start();
    world.until("a request is out", &mut daemon, is_out).await;
    daemon.terminate();
    daemon.says("a second signal stops at once").await;
    daemon.terminate();
    let start = Instant::now();
    let (status, log) = daemon.exit_within(Duration::from_secs(10)).await;
    let took = start.elapsed();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    println!("the second SIGTERM ended it within {} ms", took.as_millis());
    assert_eq!(numbers(&world.queue(Some("unconfirmed")).await), ["1"], "{log}");
    world.sandbox.release();
    let mut daemon = world.start();
    world.until_queue(&mut daemon, Some("posted"), |posts| posts.len() == 1).await;
    daemon.stop().await;
    assert_eq!(world.requests(), 1, "found in the history, not sent again");
    assert_eq!(world.sandbox.books().published().count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_daemon_on_the_same_database_is_refused_and_the_first_goes_on() {
    let (world, mut shown) = world(1, "", "").await;
    let mut first = world.start();
    world.until("the first is at work", &mut first, |books| published(books, "n001") == 1).await;
    let (status, log) = world.start().exit_within(Duration::from_secs(20)).await;
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("another tidings works on this database already"), "{log}");
    shown.extend(items("later", 1));
    world.show("news", &shown);
    world.until("the first goes on", &mut first, |books| published(books, "later001") == 1).await;
    first.stop().await;
    assert_eq!(world.requests(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_dies_with_its_process() {
    let (world, _) = world(1, "", "").await;
    let mut first = world.start();
    world.until("the first is at work", &mut first, |books| published(books, "n001") == 1).await;
    first.kill();
    let mut second = world.start();
    second.says("runs with 1 feed and 1 profile").await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_from_beside_stops_sending_and_a_resume_goes_on() {
    let (world, mut shown) = world(1, "", "").await;
    let mut daemon = world.start();
    world.until("it is at work", &mut daemon, |books| published(books, "n001") == 1).await;
    world.tell(&["pause"]).await;
    shown.extend(items("later", 2));
    world.show("news", &shown);
    world.until_queue(&mut daemon, Some("queued"), |posts| posts.len() == 2).await;
    // Each further poll wakes the loop that sends.
    world.until_asked("news", 2, &mut daemon).await;
    assert_eq!(world.requests(), 1, "nothing is sent while it is paused");
    world.tell(&["resume"]).await;
    let resumed = Instant::now();
    world
        .until("the rest is out", &mut daemon, |books| {
            published(books, "later001") == 1 && published(books, "later002") == 1
        })
        .await;
    println!("sent within {} ms after the resume", resumed.elapsed().as_millis());
    assert!(resumed.elapsed() < Duration::from_secs(5));
    daemon.stop().await;
    assert_eq!(world.requests(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_outlives_a_kill() {
    let (world, mut shown) = world(1, "", "").await;
    let mut daemon = world.start();
    world.until("it is at work", &mut daemon, |books| published(books, "n001") == 1).await;
    world.tell(&["pause", "main"]).await;
    daemon.kill();
    shown.extend(items("later", 1));
    world.show("news", &shown);
    let mut daemon = world.start();
    world.until_queue(&mut daemon, Some("queued"), |posts| posts.len() == 1).await;
    world.until_asked("news", 2, &mut daemon).await;
    assert_eq!(world.requests(), 1);
    world.tell(&["resume", "main"]).await;
    world.until("it goes on", &mut daemon, |books| published(books, "later001") == 1).await;
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn send_now_and_skip_act_while_the_daemon_runs() {
    let (world, _) = world(4, "min_gap = \"12h\"\n", "").await;
    let mut daemon = world.start();
    world.until("the first is out", &mut daemon, |books| published(books, "n001") == 1).await;
    let waiting = world.until_queue(&mut daemon, Some("queued"), |posts| posts.len() == 3).await;
    assert_eq!(numbers(&waiting).len(), 3);
    world.tell(&["queue", "skip", "2"]).await;
    world.tell(&["queue", "send-now", "3"]).await;
    world.until("post 3 is out", &mut daemon, |books| published(books, "n003") == 1).await;
    world.until_queue(&mut daemon, Some("posted"), |posts| posts.len() == 2).await;
    // A skipped post comes back only when a person says so.
    assert_eq!(numbers(&world.queue(Some("skipped")).await), ["2"]);
    assert_eq!(numbers(&world.queue(Some("queued")).await), ["4"]);
    world.tell(&["queue", "send-now", "2"]).await;
    world.until("post 2 is out", &mut daemon, |books| published(books, "n002") == 1).await;
    daemon.stop().await;
    let books = world.sandbox.books();
    assert_eq!(published(&books, "n004"), 0, "the pace holds the last one back");
    assert_eq!(world.requests(), 3);
    assert!(books.doubles().is_empty());
    let again = world.call(&["queue", "skip", "3"]).await;
    assert_eq!(again.status.code(), Some(1), "what is posted can't be skipped");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_post_is_sent_again_by_hand_under_a_new_key() {
    let (world, _) = world(1, "", "").await;
    world.sandbox.add_fault("unknown-code").expect("a fault");
    let mut daemon = world.start();
    daemon.says("was refused and failed").await;
    let failed = world.until_queue(&mut daemon, Some("failed"), |posts| posts.len() == 1).await;
    assert_eq!(failed[0]["needs_person"], true);
    world.tell(&["queue", "retry", "1"]).await;
    world.until("it is out", &mut daemon, |books| published(books, "n001") == 1).await;
    daemon.stop().await;
    let books = world.sandbox.books();
    let keys: Vec<_> = books.requests().filter_map(|it| it.idempotency_key.clone()).collect();
    assert_eq!(keys.len(), 2);
    assert_ne!(keys[0], keys[1]);
}

/// What systemd is told next.
fn told(socket: &UnixDatagram, daemon: &Tidings) -> String {
    loop {
        let mut buffer = [0; 512];
        let size = socket.recv(&mut buffer);
        assert!(size.is_ok(), "{size:?}\n{}", daemon.log());
        let told = String::from_utf8_lossy(&buffer).trim_matches(['\0', '\n']).to_owned();
        // What is going on is told beside, whenever it changes.
        if !told.starts_with("STATUS=") {
            return told;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn systemd_is_told_ready_alive_and_stopping() {
    let (world, _) = world(1, "", "").await;
    let path = world.path("notify");
    let socket = UnixDatagram::bind(&path).expect("socket");
    socket.set_read_timeout(Some(Duration::from_secs(20))).expect("time-out");
    let path = path.to_str().expect("path");
    let start = Instant::now();
    // Half a minute: the first sign of life must not wait for the second half.
    let daemon = world.start_with(&[("NOTIFY_SOCKET", path), ("WATCHDOG_USEC", "30000000")]);
    let mut said = vec![told(&socket, &daemon), told(&socket, &daemon)];
    said.sort();
    assert_eq!(said, ["READY=1", "WATCHDOG=1"], "{}", daemon.log());
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    daemon.terminate();
    assert_eq!(told(&socket, &daemon), "STOPPING=1");
    let (status, log) = daemon.exit_within(Duration::from_secs(20)).await;
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(!log.contains("the watchdog is not fed"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_watchdog_is_fed_again_and_again() {
    let (world, _) = world(1, "", "").await;
    let path = world.path("notify");
    let socket = UnixDatagram::bind(&path).expect("socket");
    socket.set_read_timeout(Some(Duration::from_secs(20))).expect("time-out");
    let path = path.to_str().expect("path");
    let daemon = world.start_with(&[("NOTIFY_SOCKET", path), ("WATCHDOG_USEC", "400000")]);
    let fed = (0..6).filter(|_| told(&socket, &daemon) == "WATCHDOG=1").count();
    assert_eq!(fed, 5, "all but the READY=1");
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_asks_no_feed_before_its_time() {
    let world = World::new(|_| {}).await;
    world.show("slow", &items("s", 2));
    world.show("quick", &items("q", 2));
    let feeds = [
        world.feed("slow", "main", "interval = \"1h\""),
        world.feed("quick", "main", "interval = \"1s\""),
    ];
    world.configure("1s", &format!("{X_ONLY}\n{}", feeds.concat()));
    let mut daemon = world.start();
    world.until("all is out", &mut daemon, |books| books.published().count() == 4).await;
    world.until_asked("quick", 1, &mut daemon).await;
    daemon.kill();
    for _ in 0..3 {
        let mut daemon = world.start();
        // The loop that polls is at work: the other feed's time came twice.
        world.until_asked("quick", 2, &mut daemon).await;
        daemon.kill();
    }
    assert_eq!(world.asked("slow"), 1, "once in an hour, whatever becomes of the process");
    assert_eq!(world.requests(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_may_look_at_a_database_that_is_just_being_made() {
    let mut looks = 0;
    for _ in 0..8 {
        let (world, _) = world(1, "", "").await;
        let mut daemon = world.start();
        let start = Instant::now();
        while world.requests() == 0 {
            daemon.check("the first post is sent", start, Duration::from_secs(30));
            for look in join_all((0..3).map(|_| world.call(&["status"]))).await {
                let complaint = String::from_utf8_lossy(&look.stderr).into_owned();
                let good = look.status.success() || complaint.contains("there is no database");
                assert!(good, "{complaint}\n{}", daemon.log());
                looks += usize::from(look.status.success());
            }
        }
        daemon.stop().await;
    }
    assert!(looks > 0, "nobody looked while it was made");
    println!("{looks} looks at databases that were just being made");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_looks_whether_a_daemon_runs_keeps_none_from_starting() {
    let (world, _) = world(1, "", "").await;
    let database = world.path("tidings.db");
    let over = AtomicBool::new(false);
    let looks = std::thread::scope(|scope| {
        let looker = scope.spawn(|| {
            let (mut looks, start) = (0_u64, Instant::now());
            while !over.load(Ordering::Relaxed) && start.elapsed() < Duration::from_secs(20) {
                let _taken = DaemonLock::is_taken(&database);
                looks += 1;
            }
            looks
        });
        let runtime = tokio::runtime::Handle::current();
        tokio::task::block_in_place(|| {
            for _ in 0..10 {
                let mut daemon = world.start();
                runtime.block_on(async {
                    daemon.says("runs with 1 feed").await;
                    daemon.stop().await;
                });
            }
        });
        over.store(true, Ordering::Relaxed);
        looker.join().expect("looker")
    });
    assert!(looks > 100, "{looks}");
}
