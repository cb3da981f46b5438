//! Files beside the database: copies and the lock.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::queue::World;
use super::*;
use crate::store::backup::{BackupError, back_up, damage, prune};
use crate::store::lock::{DaemonLock, LockError};

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// What a copy left that was broken off goes a day later, as the names of the copies tell it.
#[test]
fn the_oldest_copies_go_and_halves_that_nobody_writes_any_more() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str| fs::write(folder.path().join(name), "x").expect("written");
    for half in ["tidings-20260102-235959.db.part", "tidings-20260103-000000.db.part"] {
        write(half);
    }
    write("tidings-of-mine.db");
    assert_eq!(prune(folder.path(), 2).expect("pruned"), 0);
    assert_eq!(names(folder.path()).len(), 3, "without a copy nobody knows what day it is");
    for day in 1..=4 {
        write(&format!("tidings-2026010{day}-000000.db"));
    }
    assert_eq!(prune(folder.path(), 9).expect("pruned"), 0);
    assert_eq!(prune(folder.path(), 2).expect("pruned"), 2);
    assert_eq!(
        names(folder.path()),
        [
            "tidings-20260103-000000.db",
            "tidings-20260103-000000.db.part",
            "tidings-20260104-000000.db",
            "tidings-of-mine.db"
        ]
    );
}

#[tokio::test]
async fn a_copy_is_whole_private_and_writes_over_nothing_unasked() {
    let world = World::new().await;
    let to = world.folder.path().join("copy.db");
    let from = world.store.path();
    let size = back_up(from, &to, false).await.expect("a copy");
    let file = fs::metadata(&to).expect("a file");
    assert_eq!((file.len(), file.permissions().mode() & 0o777), (size, 0o600));
    assert_eq!(damage(&to).await.expect("it can be read"), None);
    assert!(Store::is_ours(&to).await.expect("it can be read"));
    let again = back_up(from, &to, false).await;
    assert!(matches!(again, Err(BackupError::Exists(_))), "{again:?}");
    back_up(from, &to, true).await.expect("another one in its place");
    let part = world.folder.path().join("copy.db.part");
    fs::write(&part, "what another one left").expect("written");
    back_up(from, &to, true).await.expect("a copy all the same");
    let folder = world.folder.path().join("folder");
    fs::create_dir(&folder).expect("a folder");
    assert!(back_up(from, &folder, true).await.is_err(), "no file takes a folder's place");
    let left = names(world.folder.path());
    assert!(!left.iter().any(|name| name.contains(".part")), "{left:?}");
}

#[tokio::test]
async fn what_is_no_database_is_told_before_it_is_opened_but_for_one_that_takes_long() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tidings.db");
    let check = async |bytes: u64| {
        let file = fs::File::create(&path).expect("a file");
        // Not written, so that it takes no room.
        file.set_len(bytes).expect("a length");
        drop(file);
        Store::check(&path).await
    };
    let most = 512 * 1024 * 1024;
    assert!(Store::check(&path).await.is_ok(), "there is none yet");
    assert!(check(0).await.is_ok());
    for bytes in [4096, most] {
        let damaged = check(bytes).await;
        assert!(matches!(damaged, Err(Error::Damaged { .. })), "{bytes}: {damaged:?}");
    }
    assert!(check(most + 1).await.is_ok(), "its head is looked at when it is opened");
    fs::write(&path, "no database, whatever its name says".repeat(99)).expect("written");
    assert!(damage(&path).await.expect("it can be read").is_some());
    let missing = damage(&folder.path().join("missing.db")).await;
    assert!(matches!(missing, Err(Error::Open { .. })), "{missing:?}");
    let world = World::new().await;
    assert!(Store::check(world.store.path()).await.is_ok(), "a whole one");
}

#[tokio::test]
async fn a_database_of_another_program_is_not_ours() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("other.db");
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut other = options.connect().await.expect("a database");
    sqlx::query("create table post (id integer)").execute(&mut other).await.expect("a table");
    other.close().await.expect("closed");
    assert!(!Store::is_ours(&path).await.expect("it can be read"));
}

/// An index that the schema forgot, so that its pages belong to nobody.
#[tokio::test]
async fn damage_in_the_middle_of_a_database_is_found() {
    let world = World::new().await;
    assert_eq!(world.store.integrity().await.expect("it can be read"), None);
    let spoil = "pragma writable_schema = on; delete from sqlite_schema where name = 'post_turn';";
    sqlx::raw_sql(spoil).execute(&world.store.write).await.expect("spoiled");
    world.store.close().await;
    assert!(damage(world.store.path()).await.expect("it can be read").is_some());
    let spoiled = Store::open(world.store.path()).await.expect("it opens");
    assert!(spoiled.integrity().await.expect("it can be read").is_some());
}

#[tokio::test]
async fn a_beat_is_written() {
    let world = World::new().await;
    world.store.beat(queue::at(7)).await.expect("it takes a write");
    let beat = sqlx::query_scalar::<_, i64>("select at from beat").fetch_one(&world.store.read);
    assert_eq!(beat.await.expect("a beat"), 7_000);
}

#[tokio::test]
async fn a_look_for_room_leaves_nothing_behind() {
    let world = World::new().await;
    let before = names(world.folder.path());
    assert!(world.store.has_room());
    assert_eq!(names(world.folder.path()), before);
    assert!(world.store.free_space().await.expect("it says") > 1);
}

#[test]
fn a_lock_is_taken_by_one_who_says_who_it_is_until_it_is_let_go() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("tidings.db");
    assert!(!DaemonLock::is_taken(&database));
    let lock = DaemonLock::take(&database).expect("it is free");
    assert!(DaemonLock::is_taken(&database));
    let refused = DaemonLock::take(&database);
    let Err(LockError::Taken { holder, .. }) = &refused else { panic!("{refused:?}") };
    assert_eq!(*holder, format!("process {}", std::process::id()));
    drop(lock);
    assert!(!DaemonLock::is_taken(&database));
    // Somebody who has not said yet who it is.
    let file = fs::File::create(folder.path().join("tidings.db.lock")).expect("a file");
    file.lock().expect("it is free");
    let refused = DaemonLock::take(&database);
    assert!(matches!(&refused, Err(LockError::Taken { holder, .. }) if holder == "unknown"));
}
