//! `kill -9` before and after each durable step that is no post's own: a stop opens, a changed config
//! holds, a copy gets its name, the schema is brought up to date.
//!
//! Promises: what was durable before the kill is there after it, and nothing by halves; then all goes
//! on, and the sandbox's books tell whether anything was lost or doubled. The steps of a post are in
//! `kill`. Must not: wait for a state by sleeping.

#![expect(
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may fail by panicking, in its helpers too"
)]

use std::path::Path;

use serde_json::Value;
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};
use tidings::killpoint;
use tidings::sandbox::Books;

use super::judge::{Expected, expect, judge};
use super::process::{Tidings, World, items};
use super::random::PLATFORMS;

static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// So many migrations made the first database of which a copy is kept.
const OLD_STAGE: usize = 6;

const PROFILE: &str = "[[profile]]\nname = \"main\"\nplatforms = [\"twitter\", \"linkedin\"]\n";
const SLOW: &str =
    "[[profile]]\nname = \"main\"\nplatforms = [\"twitter\", \"linkedin\"]\nmin_gap = \"12h\"\n";

/// A world in which only our own care prevents a double, with feeds of two items each.
async fn world(feeds: &[&str]) -> (World, Vec<Expected>) {
    let world = World::new(|options| options.settings.keys_checked = false).await;
    let mut expected = Vec::new();
    for name in feeds {
        let shown = items(name, 2);
        world.show(name, &shown);
        expected.extend(expect("primary", &PLATFORMS, &shown));
    }
    configure(&world, PROFILE, feeds);
    (world, expected)
}

fn configure(world: &World, profile: &str, feeds: &[&str]) {
    let feeds: String = feeds.iter().map(|name| world.feed(name, "main", "")).collect();
    world.configure("1s", &format!("{profile}\n{feeds}"));
}

async fn held_at(daemon: &mut Tidings, place: &str) {
    assert!(killpoint::BESIDE.contains(&place));
    daemon.says(&format!("killpoint {place} reached")).await;
}

/// Runs until all is published, ends the daemon in order, and judges.
async fn ends_well(world: &World, mut daemon: Tidings, expected: &[Expected], story: &str) {
    let all = |books: &Books| books.published().count() >= expected.len();
    world.until(&format!("{story}: all is published"), &mut daemon, all).await;
    world.until_queue(&mut daemon, None, <[_]>::is_empty).await;
    let log = daemon.stop().await;
    let verdict = judge(&world.sandbox.books(), expected);
    assert!(verdict.is_innocent(), "{story}: {verdict:#?}\n{log}");
    println!("{story}: {verdict}");
}

async fn stops(world: &World) -> Value {
    let told = world.tell(&["status", "--json"]).await;
    serde_json::from_str::<Value>(&told).expect("JSON")["breakers"].clone()
}

/// X refuses the keys of the first request on its lane. That stop waits for a person.
async fn killed_around_a_stop(place: &str) {
    let (world, expected) = world(&["news"]).await;
    world.sandbox.add_fault("403-permission:1,platform=twitter").expect("a fault");
    let mut daemon = world.start_until(place);
    held_at(&mut daemon, place).await;
    daemon.kill();
    let mut daemon = world.start();
    daemon.says(" runs with ").await;
    if place == "stopped" {
        let before = stops(&world).await;
        assert!(before.to_string().contains("permission"), "a stop stays a stop: {before:#}");
        // The other lane is none of its business, and lets time pass.
        let other =
            |books: &Books| books.published().filter(|it| it.platform == "linkedin").count() == 2;
        world.until("the other lane goes on", &mut daemon, other).await;
        let refused = world.sandbox.read_books(|books| {
            books.requests().filter(|it| it.platforms.iter().any(|on| on == "twitter")).count()
        });
        assert_eq!(refused, 1, "and nothing passes it");
        assert!(stops(&world).await.to_string().contains("permission"));
        world.tell(&["resume"]).await;
    } else {
        // What X said died with the process, but the history has it: a person is asked.
        let asked = |posts: &[Value]| posts.iter().any(|post| post["state"] == "failed");
        let failed = world.until_queue(&mut daemon, Some("failed"), asked).await;
        assert_eq!(failed.len(), 1, "{failed:#?}");
        world.tell(&["queue", "retry", &failed[0]["post"].to_string()]).await;
    }
    ends_well(&world, daemon, &expected, place).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_around_a_stop_it_is_there_or_not_and_each_entry_is_posted_once() {
    for place in ["stopping", "stopped"] {
        killed_around_a_stop(place).await;
    }
}

/// One feed of two goes while its posts are queued and requests of the other one are out.
async fn killed_around_a_reload(place: &str) {
    let (world, expected) = world(&["stays", "goes"]).await;
    configure(&world, SLOW, &["stays", "goes"]);
    world.sandbox.add_fault("hang:2").expect("a fault");
    let mut daemon = world.start_until(place);
    let out = |books: &Books| books.requests().filter(|it| it.answered.is_none()).count() == 2;
    world.until("a request is out on each lane", &mut daemon, out).await;
    let of_goes = |posts: &[Value]| posts.iter().filter(|it| it["feed"] == "goes").count();
    let queued = world.until_queue(&mut daemon, Some("queued"), |posts| posts.len() == 6).await;
    let waiting = of_goes(&queued);
    assert!(waiting > 0, "{queued:#?}");
    configure(&world, SLOW, &["stays"]);
    daemon.signal("HUP");
    held_at(&mut daemon, place).await;
    daemon.kill();
    world.sandbox.release();
    let held = of_goes(&world.queue(Some("held")).await);
    assert_eq!(held, if place == "reloaded" { waiting } else { 0 }, "{place}: whole or not at all");
    // The config on the disk is the new one, with either kill.
    let mut daemon = world.start();
    daemon.says(" runs with 1 feed ").await;
    // It says so first, and holds them right after.
    let asked_about = |posts: &[Value]| of_goes(posts) == waiting;
    world.until_queue(&mut daemon, Some("held"), asked_about).await;
    assert_eq!(of_goes(&world.queue(Some("queued")).await), 0, "{place}");
    configure(&world, PROFILE, &["stays", "goes"]);
    daemon.signal("HUP");
    daemon.says("the config was read anew: feeds 2").await;
    ends_well(&world, daemon, &expected, place).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_around_a_reload_it_holds_whole_or_not_at_all_and_each_entry_is_posted_once() {
    for place in ["reloading", "reloaded"] {
        killed_around_a_reload(place).await;
    }
}

async fn open(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path);
    SqliteConnection::connect_with(&options).await.expect("it opens")
}

async fn one(database: &mut SqliteConnection, question: &'static str) -> String {
    sqlx::query_scalar(question).fetch_one(database).await.expect("an answer")
}

/// How many posts a copy holds, which must be whole.
async fn posts_in(copy: &Path) -> String {
    let mut database = open(copy).await;
    assert_eq!(one(&mut database, "pragma integrity_check").await, "ok", "{}", copy.display());
    one(&mut database, "select cast(count(*) as text) from post").await
}

/// A copy is made, by a command beside the daemon, while posts go out.
async fn killed_around_a_backup(place: &str) {
    let (world, expected) = world(&["news"]).await;
    world.sandbox.add_fault("hang:2").expect("a fault");
    let mut daemon = world.start();
    let out = |books: &Books| books.requests().filter(|it| it.answered.is_none()).count() == 2;
    world.until("a request is out on each lane", &mut daemon, out).await;
    let (copy, half) = (world.path("copy.db"), world.path("copy.db.part"));
    for is_second in [false, true] {
        let before = std::fs::read(&copy).ok();
        let mut command =
            world.start_command(&["backup", "copy.db", "--force"], &[("TIDINGS_KILLPOINT", place)]);
        held_at(&mut command, place).await;
        command.kill();
        if place == "backing-up" {
            // What has the name is what had it before.
            assert_eq!(std::fs::read(&copy).ok(), before, "second: {is_second}");
            assert!(half.exists());
            let given = world.call(&["restore", "copy.db.part"]).await;
            assert_eq!(given.status.code(), Some(1), "not beside a daemon in any case");
            // The next one makes it whole.
            world.tell(&["backup", "copy.db", "--force"]).await;
        }
        assert!(!half.exists());
        assert_eq!(posts_in(&copy).await, "4", "{place}, second: {is_second}");
    }
    world.sandbox.release();
    ends_well(&world, daemon, &expected, place).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_around_a_backup_a_half_copy_is_never_taken_for_a_whole_one() {
    for place in ["backing-up", "backed-up"] {
        killed_around_a_backup(place).await;
    }
}

/// The schema, as SQLite tells it, and which migrations it says to have.
async fn schema(path: &Path) -> (Vec<String>, Vec<i64>) {
    let mut database = open(path).await;
    let tables = sqlx::query_scalar(
        "select coalesce(sql, name) from sqlite_master where name not like 'sqlite%' order by name",
    );
    let tables = tables.fetch_all(&mut database).await.expect("the tables");
    let versions = sqlx::query_scalar("select version from _sqlx_migrations order by version");
    (tables, versions.fetch_all(&mut database).await.expect("the versions"))
}

/// An old database is brought to this schema by the daemon's start.
async fn killed_around_a_migration(place: &str) {
    let (world, expected) = world(&["news"]).await;
    let path = world.path("tidings.db");
    let some = MIGRATOR.iter().take(OLD_STAGE).cloned().collect();
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut old = SqliteConnection::connect_with(&options).await.expect("it opens");
    Migrator::with_migrations(some).run(&mut old).await.expect("an old stage");
    old.close().await.expect("it closes");
    let before = schema(&path).await;
    for _again in 0..2 {
        let mut daemon = world.start_until(place);
        if place == "migrated" && schema(&path).await != before {
            // From the second start on there is nothing to do.
            daemon.says(" runs with ").await;
        } else {
            held_at(&mut daemon, place).await;
        }
        daemon.kill();
        let after = schema(&path).await;
        if place == "migrating" {
            assert_eq!(after, before, "all of it or nothing");
        } else {
            let todays: Vec<i64> = MIGRATOR.iter().map(|it| it.version).collect();
            assert_eq!(after.1, todays);
        }
    }
    ends_well(&world, world.start(), &expected, place).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_around_a_migration_the_schema_is_the_old_one_or_todays() {
    for place in ["migrating", "migrated"] {
        killed_around_a_migration(place).await;
    }
}

#[test]
fn every_place_beside_the_posts_has_its_story() {
    let own = include_str!("matrix.rs");
    for place in killpoint::BESIDE {
        assert!(own.matches(&format!("\"{place}\"")).count() >= 1, "{place} has no story");
    }
}
