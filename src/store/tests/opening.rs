//! What a database says that can't be opened or written, and what keeps it quick.

use super::queue::{World, at};
use super::*;
use crate::store::entries::NewEntry;
use crate::store::feeds::FeedState;
use crate::store::watch::Changed;

async fn fails(pool: &SqlitePool, statement: &'static str) -> sqlx::Error {
    sqlx::raw_sql(statement).execute(pool).await.expect_err(statement)
}

const WRITE: &str = "update hand set acts = acts where id = 1";

#[tokio::test]
async fn an_error_says_what_to_do_about_it() {
    let world = World::new().await;
    let store = &world.store;
    let path = store.path();
    let hinted = |source: &sqlx::Error| (code_of(source), hint(path, source));

    let read_only = fails(&store.read, WRITE).await;
    let any = "check that its folder exists and that the file may be written";
    assert_eq!(hinted(&read_only), (Some(READ_ONLY), any));
    let unchecked = fails(&store.write, "insert into hand (id, acts) values (2, 0)").await;
    assert_eq!(code_of(&unchecked), Some(19), "without what extends it");

    let busy = {
        let _first = store.begin(at(0)).await.expect("it begins");
        let second = SqliteConnectOptions::new().filename(path).busy_timeout(Duration::ZERO);
        let mut second = second.connect().await.expect("a connection");
        sqlx::raw_sql("begin immediate").execute(&mut second).await.expect_err("one writer")
    };
    let (code, said) = hinted(&busy);
    assert_eq!(code, Some(BUSY));
    assert!(said.starts_with("another process"), "{said}");

    let folder = Store::open(world.folder.path()).await.expect_err("a folder").to_string();
    assert!(folder.contains("it is a directory"), "{folder}");
    let none = world.folder.path().join("none.db");
    std::fs::write(&none, "no database".repeat(999)).expect("written");
    let none = Store::open(&none).await.expect_err("no database").to_string();
    assert!(none.contains("no database of Tidings"), "{none}");
}

/// A database that may grow no further is SQLite's word for a full disk.
#[tokio::test]
async fn a_full_disk_is_known_and_no_reason_to_refuse_the_database() {
    let world = World::new().await;
    let store = &world.store;
    sqlx::raw_sql("pragma max_page_count = 1").execute(&store.write).await.expect("a setting");
    let item = "x".repeat(100_000);
    let mut tx = world.begin(0).await;
    let entry = NewEntry {
        title: "",
        link: None,
        link_key: None,
        item: &item,
        said: "",
        choice: "post",
        reason: "",
    };
    let error = tx.insert_entries("a", &[entry]).await.expect_err("no room");
    drop(tx);
    assert!(error.is_disk_full(), "{error:?}");
    let Error::Sql { source, .. } = &error else { panic!("{error:?}") };
    assert!(hint(store.path(), source).starts_with("the disk is full"));
    assert!(store.check_writable().await.is_ok());
    let other = Error::Sql { what: "write", source: fails(&store.read, WRITE).await };
    assert!(!other.is_disk_full());
}

#[tokio::test]
async fn a_database_that_may_only_be_read_is_refused() {
    let world = World::new().await;
    assert!(world.store.check_writable().await.is_ok());
    let only_read = Store { write: world.store.read.clone(), ..world.store.clone() };
    let refused = only_read.check_writable().await;
    assert!(matches!(refused, Err(Error::ReadOnly { .. })), "{refused:?}");
    // Any other trouble tells itself when it matters.
    world.store.close().await;
    assert!(world.store.check_writable().await.is_ok());
}

#[tokio::test]
async fn whoever_opens_a_database_of_today_waits_for_no_writer() {
    let world = World::new().await;
    let mut tx = world.begin(0).await;
    tx.by_hand().await.expect("written");
    let again = Store::open(world.store.path()).await;
    assert!(again.is_ok(), "{again:?}");
}

#[tokio::test]
async fn maintenance_folds_the_log_into_the_database() {
    let world = World::new().await;
    let size = || std::fs::metadata(world.store.path()).expect("a file").len();
    sqlx::raw_sql("pragma wal_autocheckpoint = 0").execute(&world.store.write).await.expect("set");
    sqlx::raw_sql("create table large as select zeroblob(1000000) as content")
        .execute(&world.store.write)
        .await
        .expect("written");
    let before = size();
    world.store.maintain().await.expect("maintained");
    assert!(size() >= before + 1_000_000, "{before} {}", size());
}

#[tokio::test]
async fn statistics_of_a_small_day_are_gone_after_the_start_and_maintenance_makes_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(&folder).await.expect("a database");
    let count = "select count(*) from sqlite_schema where name like 'sqlite_stat%'";
    let mut tx = store.begin(at(0)).await.expect("it begins");
    for name in ["a", "b", "c"] {
        let feed = FeedState::new(name, "https://a.example/", at(9));
        tx.save_feed(&feed).await.expect("kept");
    }
    tx.commit().await.expect("durable");
    assert_eq!(store.feed("a").await.expect("read").expect("there").name, "a");
    store.maintain().await.expect("maintained");
    let made: i64 = sqlx::query_scalar(count).fetch_one(&store.write).await.expect("counted");
    assert_eq!(made, 0);
    // As an earlier version, or a person, left it.
    let old = "analyze; delete from _sqlx_migrations where version = 20261122000150";
    sqlx::raw_sql(old).execute(&store.write).await.expect("made");
    store.close().await;
    let store = self::store(&folder).await.expect("a database");
    let left: i64 = sqlx::query_scalar(count).fetch_one(&store.write).await.expect("counted");
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_look_for_acts_by_hand_asks_the_database_only_after_a_write() {
    let world = World::new().await;
    let steps = world.store.steps().await;
    let mut watch = world.store.watch().await.expect("a watch");
    let nothing = Changed::default();
    assert_eq!(watch.changed().await.expect("looked"), nothing, "the first look says nothing");
    // One more in case something was written just after the first.
    assert_eq!(watch.changed().await.expect("looked"), nothing);
    steps.take();
    for _ in 0..10 {
        assert_eq!(watch.changed().await.expect("looked"), nothing);
    }
    assert_eq!(steps.take(), 0, "nobody wrote");
    for round in 0..3 {
        let mut tx = world.begin(round).await;
        tx.by_hand().await.expect("noted");
        tx.commit().await.expect("durable");
        let seen = watch.changed().await.expect("looked");
        assert!(seen.by_hand && !seen.config, "{seen:?}");
        assert_eq!(watch.changed().await.expect("looked"), nothing, "told once");
    }
}

#[tokio::test]
async fn a_look_for_acts_by_hand_that_failed_is_made_again() {
    let world = World::new().await;
    let mut watch = world.store.watch().await.expect("a watch");
    let moved = sqlx::raw_sql("alter table hand rename to lost").execute(&world.store.write).await;
    moved.expect("moved");
    for _ in 0..4 {
        watch.changed().await.expect_err("nobody writes, and nothing was seen yet");
    }
}
