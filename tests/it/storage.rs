//! A disk that is full, that fails, that may only be read, and a database that is damaged.
//!
//! Promises: nothing is sent that can't be written down, what is wrong is said in words, and after
//! the cure everything is posted once; seen from outside, by the real program. Must not: need more
//! rights than a user has; what needs a tool that is missing says so.

#![expect(clippy::print_stdout, reason = "what is left out is said")]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use chrono::TimeDelta;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};
use tidings::clock::Clock;
use tokio::time::{Instant, sleep};

use super::judge::{Expected, expect, judge};
use super::process::{Tidings, World, items};

const LANES: [&str; 2] = ["twitter", "linkedin"];

/// Two lanes with three posts each that wait for their time, in a database that is closed in order.
async fn queued() -> (World, Vec<Expected>) {
    let world = World::new(|options| options.settings.keys_checked = false).await;
    let shown = items("d", 3);
    world.show("news", &shown);
    let day = (Clock::System.now() + TimeDelta::days(3)).format("%a").to_string();
    configure(&world, &format!("post_at = [\"{day} 12:00\"]"));
    world.tell(&["run", "--once"]).await;
    configure(&world, "");
    assert_eq!(world.requests(), 0, "they wait");
    (world, expect("primary", &LANES, &shown))
}

fn configure(world: &World, pace: &str) {
    let feed = world.feed("news", "main", "");
    let profile = "[[profile]]\nname = \"main\"\nplatforms = [\"twitter\", \"linkedin\"]";
    world.configure("1s", &format!("{profile}\n{pace}\n{feed}"));
}

/// After the cure: everything is out once, and the queue knows it.
async fn recovers(world: &World, expected: &[Expected], what: &str) {
    let mut daemon = world.start();
    let posts =
        world.until_queue(&mut daemon, Some("posted"), |posts| posts.len() == expected.len()).await;
    assert_eq!(posts.len(), expected.len(), "{what}");
    daemon.stop().await;
    let verdict = judge(&world.sandbox.books(), expected);
    assert!(verdict.is_innocent(), "{what}: {verdict:#?}");
}

fn has_strace() -> bool {
    let found = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).status();
    let found = found.is_ok_and(|status| status.success());
    if !found {
        println!("left out: strace is not installed, or may not trace here");
    }
    found
}

/// Lets a hurt daemon work until it ends, says `words`, or its time is over; gives its log.
async fn hurt(mut daemon: Tidings, words: &[&str]) -> String {
    let start = Instant::now();
    while daemon.status().is_none() && start.elapsed() < Duration::from_secs(20) {
        if words.iter().any(|word| daemon.log().contains(word)) {
            // Whatever it does on top of it, it does now.
            sleep(Duration::from_millis(200)).await;
            break;
        }
        sleep(Duration::from_millis(5)).await;
    }
    daemon.kill()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_takes_nothing_lets_nothing_be_sent_and_says_so() {
    if !has_strace() {
        return;
    }
    let cases = [
        ("pwrite64", "ENOSPC", "the disk is full or fails"),
        ("pwrite64", "EIO", "the disk is full or fails"),
        ("fdatasync,fsync", "EIO", "disk I/O error"),
        ("fdatasync,fsync", "ENOSPC", "disk I/O error"),
    ];
    for (calls, error, words) in cases {
        let what = format!("{calls} fail with {error}");
        let (world, expected) = queued().await;
        let rule = format!("inject={calls}:error={error}");
        let wrapper = ["strace", "-f", "-qq", "-o", "/dev/null", "-e"].map(str::to_owned);
        let daemon = world.start_under(
            &[&wrapper[..], &[format!("trace={calls}")], &["-e".into(), rule]].concat(),
        );
        let log = hurt(daemon, &[words]).await;
        assert!(log.contains(words), "{what}: {log}");
        assert_eq!(world.requests(), 0, "{what}: an intent was not on disk, and yet it was sent");
        recovers(&world, &expected, &what).await;
    }
}

/// Runs the daemon as somebody who may not write, also where the test is root's.
fn start_as_reader(world: &World) -> Option<Tidings> {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|it| it.stdout == b"0\n");
    if !is_root {
        return Some(world.start());
    }
    let wrapper = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    if !Command::new("setpriv").arg("--version").output().is_ok_and(|it| it.status.success()) {
        println!("left out: setpriv is not installed");
        return None;
    }
    Some(world.start_under(&wrapper.map(str::to_owned)))
}

fn chmod(path: &Path, mode: &str) {
    let done = Command::new("chmod").arg(mode).arg(path).status().expect("chmod");
    assert!(done.success(), "chmod {mode} {}", path.display());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_may_only_be_read_is_refused_with_what_to_do() {
    let (world, expected) = queued().await;
    let folder = world.path("");
    for (mode_of_folder, mode_of_file) in [("a=rx", "a=r"), ("a=rwx", "a=r"), ("a=rx", "a=rw")] {
        let what = format!("folder {mode_of_folder}, file {mode_of_file}");
        drop(std::fs::remove_file(world.path("tidings.db.lock")));
        chmod(&world.path("tidings.toml"), "a=r");
        chmod(&world.path("tidings.db"), mode_of_file);
        chmod(&folder, mode_of_folder);
        let Some(daemon) = start_as_reader(&world) else {
            chmod(&folder, "u=rwx");
            return;
        };
        let (status, log) = daemon.exit_within(Duration::from_secs(20)).await;
        chmod(&folder, "u=rwx");
        chmod(&world.path("tidings.db"), "u=rw");
        drop(std::fs::remove_file(world.path("tidings.db.lock")));
        assert_eq!(status.code(), Some(1), "{what}: {log}");
        let says = ["may be written", "can't be written"].iter().any(|it| log.contains(it));
        assert!(says, "{what}: {log}");
        assert_eq!(world.requests(), 0, "{what}");
    }
    recovers(&world, &expected, "it may be written again").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_database_is_told_and_nothing_is_sent_twice() {
    let (world, expected) = queued().await;
    let file = world.path("tidings.db");
    let whole = std::fs::read(&file).expect("the database");
    let page = 4096;
    let pages = whole.len() / page;
    assert!(pages > 20, "{pages} pages");
    let mut told = 0;
    // The head of the file, each third page turned over, and a file that ends early.
    let turned = (0..pages).step_by(3).map(|at| (at * page, "turned"));
    for (at, how) in turned.chain([(whole.len() / 2, "cut off"), (page / 2, "cut off")]) {
        let mut bytes = whole.clone();
        if how == "cut off" {
            bytes.truncate(at);
        } else {
            bytes.iter_mut().skip(at).take(page).for_each(|byte| *byte = !*byte);
        }
        for ending in ["-wal", "-shm"] {
            drop(std::fs::remove_file(world.path(&format!("tidings.db{ending}"))));
        }
        std::fs::write(&file, bytes).expect("a damaged database");
        let before = world.sandbox.read_books(|books| books.published().count());
        let words = ["damaged", "malformed", "is published", "means nothing", "not a database"];
        let log = hurt(world.start(), &words).await;
        let after = world.sandbox.read_books(|books| books.published().count());
        let says = ["damaged", "malformed", "means nothing", "not a database"]
            .iter()
            .any(|word| log.contains(word));
        // A page that nobody needed is no harm; then it just goes on.
        assert!(says || log.contains(" runs with "), "byte {at} {how}: {log}");
        told += usize::from(says);
        if after > before {
            // What went out is out once; from here on the copy would not know of it.
            let verdict = judge(&world.sandbox.books(), &expected);
            assert!(verdict.doubled.is_empty(), "byte {at} {how}: {verdict:#?}\n{log}");
            break;
        }
    }
    println!("{told} damaged databases were told");
    assert!(told >= 2, "only {told} were told");
}

/// A database as a process leaves it that is killed in the middle of a change, before there is a log
/// beside it: pages are half written, and the journal beside it says how they were.
async fn half_done(world: &World) {
    let file = world.path("made.db");
    let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
    let mut made = SqliteConnection::connect_with(&options).await.expect("a database");
    for step in [
        "pragma journal_mode = delete",
        "create table filler (words text)",
        "pragma cache_size = 1",
        "begin immediate",
        "insert into filler with recursive n(i) as (select 1 union all select i + 1 from n where i < 400)
         select hex(randomblob(400)) from n",
    ] {
        sqlx::raw_sql(step).execute(&mut made).await.expect("a step");
    }
    for (from, to) in [("made.db", "tidings.db"), ("made.db-journal", "tidings.db-journal")] {
        std::fs::copy(world.path(from), world.path(to)).expect("a copy");
    }
    drop(made.close().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_was_half_made_when_its_process_was_killed_is_put_right() {
    let world = World::new(|_| {}).await;
    let shown = items("n", 2);
    world.show("news", &shown);
    configure(&world, "");
    half_done(&world).await;
    recovers(&world, &expect("primary", &LANES, &shown), "half made").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_holds_the_log_open_delays_nothing_and_the_log_shrinks_after_it() {
    let (world, _) = queued().await;
    let file = format!("sqlite://{}?mode=ro", world.path("tidings.db").display());
    let mut daemon = world.start();
    daemon.says(" runs with ").await;
    let mut reader = SqliteConnection::connect(&file).await.expect("a reader");
    let mut snapshot = reader.begin().await.expect("a snapshot");
    let seen: i64 = sqlx::query_scalar("select count(*) from post")
        .fetch_one(&mut *snapshot)
        .await
        .expect("a count");
    let more = items("d", 9);
    world.show("news", &more);
    let expected = expect("primary", &LANES, &more);
    world
        .until("all is out beside the reader", &mut daemon, |books| {
            books.published().count() == expected.len()
        })
        .await;
    let again: i64 = sqlx::query_scalar("select count(*) from post")
        .fetch_one(&mut *snapshot)
        .await
        .expect("a count");
    assert_eq!(seen, again, "the reader holds its snapshot");
    snapshot.rollback().await.expect("it ends");
    reader.close().await.expect("it closes");
    let length = || std::fs::metadata(world.path("tidings.db-wal")).map_or(0, |it| it.len());
    let held = length();
    daemon.stop().await;
    println!("the log had {held} bytes beside the reader, {} after the end", length());
    assert!(held > 0 && length() == 0, "{held} → {}", length());
    let verdict = judge(&world.sandbox.books(), &expected);
    assert!(verdict.is_innocent(), "{verdict:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_looks_waits_for_no_writer() {
    let (world, _) = queued().await;
    let file = format!("sqlite://{}", world.path("tidings.db").display());
    let mut writer = SqliteConnection::connect(&file).await.expect("a writer");
    let held = writer.begin_with("begin immediate").await.expect("the only writer");
    let began = Instant::now();
    assert_eq!(world.queue(None).await.len(), 6);
    assert!(began.elapsed() < Duration::from_secs(9), "it waited for the writer");
    held.rollback().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_a_dead_process_left_behind_holds_nobody_up() {
    let (world, expected) = queued().await;
    std::fs::write(world.path("tidings.db.lock"), "process 4194304").expect("a stale lock");
    recovers(&world, &expected, "a stale lock").await;
}
