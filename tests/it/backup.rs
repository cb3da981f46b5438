//! Backup and restore, and a disk that is full, with the real program; the sandbox refuses nothing
//! by itself: neither a key that comes again nor a text.
//!
//! Promises: judged by the sandbox's books. Must not: wait for a state by sleeping.

use std::fs::File;
use std::io::Write as _;
use std::process::Command;

use chrono::TimeDelta;
use tidings::daemon::news::News;
use tidings::sandbox::Books;

use super::process::{World, items};
use super::world;

const X_ONLY: &str = "[[profile]]\nname = \"main\"\nplatforms = [\"twitter\"]\n";

async fn trusting() -> World {
    World::new(|options| options.settings.keys_checked = false).await
}

fn out(books: &Books, token: &str) -> usize {
    books.published().filter(|post| post.text.contains(token)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_and_a_restore_after_more_sends_double_and_lose_nothing() {
    let world = trusting().await;
    let mut shown = items("n", 20);
    world.show("news", &shown);
    world.configure("1s", &format!("{X_ONLY}\n{}", world.feed("news", "main", "")));
    let mut daemon = world.start();
    world.until("it is at work", &mut daemon, |books| books.published().count() >= 3).await;
    let said = world.tell(&["backup", "copy.db"]).await;
    assert!(said.contains("backed up to copy.db"), "{said}");
    let at_backup = world.sandbox.books().published().count();
    // More goes out, of what the backup has in its queue and of what it never saw.
    shown.extend(items("later", 3));
    world.show("news", &shown);
    world.until("more is out", &mut daemon, |books| out(books, "later003") == 1).await;
    let at_kill = world.sandbox.books().published().count();
    assert!(at_kill >= at_backup + 3, "{at_backup} at the backup, {at_kill} at the kill");
    // What is found and not sent yet when it ends.
    world.tell(&["pause"]).await;
    shown.extend(items("waiting", 2));
    world.show("news", &shown);
    world.until_queue(&mut daemon, Some("queued"), |posts| posts.len() >= 2).await;
    let refused = world.call(&["restore", "copy.db"]).await;
    assert_eq!(refused.status.code(), Some(1), "not beside a daemon");
    daemon.kill();
    let said = world.tell(&["restore", "copy.db"]).await;
    assert!(said.contains("may have been sent since"), "{said}");
    shown.extend(items("fresh", 2));
    world.show("news", &shown);
    let mut daemon = world.start();
    world
        .until("all is out", &mut daemon, |books| {
            ["waiting001", "waiting002", "fresh001", "fresh002"].iter().all(|it| out(books, it) > 0)
        })
        .await;
    world.until_queue(&mut daemon, Some("unconfirmed"), <[_]>::is_empty).await;
    world.until_queue(&mut daemon, Some("queued"), <[_]>::is_empty).await;
    world.until_queue(&mut daemon, Some("posted"), |posts| posts.len() == shown.len()).await;
    daemon.stop().await;
    let books = world.sandbox.books();
    for item in &shown {
        assert_eq!(out(&books, &item.token), 1, "{}", item.token);
    }
    println!("{at_backup} posts were out at the backup, {at_kill} before the kill");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_whole_has_its_name_at_the_end_and_writes_over_nothing_unasked() {
    let world = trusting().await;
    world.show("news", &items("n", 1));
    world.configure("1s", &format!("{X_ONLY}\n{}", world.feed("news", "main", "")));
    let mut daemon = world.start();
    world.until("it is at work", &mut daemon, |books| out(books, "n001") == 1).await;
    world.tell(&["backup", "copy.db"]).await;
    let again = world.call(&["backup", "copy.db"]).await;
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("is there already"));
    world.tell(&["backup", "copy.db", "--force"]).await;
    std::fs::create_dir(world.path("many")).expect("folder");
    world.tell(&["backup", "many"]).await;
    let name = std::fs::read_dir(world.path("many")).expect("folder").next().expect("a file");
    let name = name.expect("a file").file_name().into_string().expect("a name");
    let stamp = name.strip_prefix("tidings-").and_then(|it| it.strip_suffix(".db"));
    assert_eq!(stamp.map(str::len), Some("20261122-033000".len()), "{name}");
    let lost = world.call(&["backup", "no/such/folder.db"]).await;
    assert_eq!(lost.status.code(), Some(1));
    assert!(!world.path("copy.db.part").exists());
    daemon.stop().await;
    // A copy that was damaged since, and a file that is something else, are refused; the database
    // stays.
    let before = std::fs::read(world.path("tidings.db")).expect("database");
    let mut copy = std::fs::read(world.path("copy.db")).expect("copy");
    let end = copy.len();
    copy[4096..end].fill(0xAA);
    std::fs::write(world.path("damaged.db"), copy).expect("copy");
    File::create(world.path("note.txt")).expect("file").write_all(b"my notes").expect("text");
    for file in ["damaged.db", "note.txt"] {
        let refused = world.call(&["restore", file]).await;
        assert_eq!(refused.status.code(), Some(1), "{file}");
        assert!(String::from_utf8_lossy(&refused.stderr).contains("is damaged"), "{refused:?}");
    }
    assert_eq!(std::fs::read(world.path("tidings.db")).expect("database"), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_database_is_told_at_the_start_and_left_as_it_is() {
    let world = trusting().await;
    world.show("news", &items("n", 1));
    world.configure("1s", &format!("{X_ONLY}\n{}", world.feed("news", "main", "")));
    let mut daemon = world.start();
    world.until("it is at work", &mut daemon, |books| out(books, "n001") == 1).await;
    daemon.stop().await;
    let mut bytes = std::fs::read(world.path("tidings.db")).expect("database");
    let end = bytes.len();
    bytes[8192..end].fill(0xAA);
    std::fs::write(world.path("tidings.db"), &bytes).expect("database");
    let (status, log) = world.start().exit_within(std::time::Duration::from_secs(20)).await;
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("is damaged") && log.contains("tidings restore"), "{log}");
    assert_eq!(std::fs::read(world.path("tidings.db")).expect("database"), bytes);
}

#[tokio::test]
async fn backups_are_made_by_the_calendar_kept_so_many_and_a_failure_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let copies = folder.path().join("copies");
    let config = format!(
        "[backup]\npath = \"{}\"\nat = \"03:30\"\nkeep = 2\n[[profile]]\nname = \"main\"\n\
         platforms = [\"twitter\"]\n",
        copies.display()
    );
    let world = world::World::open(&config).await;
    let mut news = world.daemon.listen();
    let due = || async { world.daemon.back_up_if_due().await.expect("the database answers") };
    let names = || {
        let files = std::fs::read_dir(&copies).expect("a folder");
        let mut names: Vec<_> = files.map(|it| it.expect("a file").file_name()).collect();
        names.sort();
        names
    };
    assert!(due().await, "the first one at once: it shows that it works");
    assert!(!due().await, "and then not before its time");
    let first = names();
    std::fs::write(copies.join("mine.db"), "a file of somebody else's").expect("a file");
    std::fs::write(copies.join("tidings-20200101-000000.db.part"), "broken off").expect("a file");
    for _ in 0..3 {
        world.pass(TimeDelta::days(1));
        assert!(due().await);
        assert!(!due().await);
    }
    assert_eq!(names().len(), 3, "two copies and what is not ours, no half one: {:?}", names());
    assert!(!names().contains(&first[0]));
    assert!(news.try_recv().is_err(), "nothing to tell");
    std::fs::remove_dir_all(&copies).expect("gone");
    std::fs::write(&copies, "in the way").expect("a file");
    world.pass(TimeDelta::days(1));
    assert!(due().await);
    let told = news.try_recv().expect("news");
    assert!(matches!(&told, News::BackupFailed { why } if why.contains("folder")), "{told:?}");
    let last = world.store().last_backup().await.expect("a note").expect("a backup");
    assert!(!last.failure.is_empty() && last.done_at < Some(last.tried_at));
    assert!(!due().await, "not over and over");
    std::fs::remove_file(&copies).expect("gone");
    world.pass(TimeDelta::minutes(61));
    assert!(due().await, "tried again after an hour");
    assert_eq!(names().len(), 1);
}

/// A folder on a disk of its own of eight megabytes, for root; it goes with the value.
struct Disk(std::path::PathBuf);

impl Disk {
    fn new(folder: std::path::PathBuf) -> Option<Self> {
        std::fs::create_dir(&folder).expect("folder");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"])
            .arg(&folder)
            .output()
            .ok()
            .filter(|it| it.status.success());
        mount.map(|_| Self(folder))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).output());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_stops_taking_in_and_all_goes_on_when_there_is_room() {
    let world = trusting().await;
    let Some(disk) = Disk::new(world.path("disk")) else {
        println!("left out: no small disk can be mounted here (that takes root)");
        return;
    };
    let mut shown = items("n", 2);
    world.show("news", &shown);
    world.configure("1s", &format!("{X_ONLY}\n{}", world.feed("news", "main", "")));
    let text = std::fs::read_to_string(world.path("tidings.toml")).expect("config");
    std::fs::write(world.path("tidings.toml"), text.replace("tidings.db", "disk/tidings.db"))
        .expect("config");
    let mut daemon = world.start();
    world.until("it is at work", &mut daemon, |books| out(books, "n002") == 1).await;
    let mut fill = File::create(disk.0.join("fill")).expect("a file");
    while fill.write_all(&[1; 512]).is_ok() {}
    shown.extend(items("later", 40));
    world.show("news", &shown);
    daemon.says("the disk is full").await;
    let told = world.tell(&["status"]).await;
    assert!(told.contains("the disk is full"), "{told}");
    drop(fill);
    std::fs::remove_file(disk.0.join("fill")).expect("room");
    daemon.says("the disk has room again").await;
    world.until("all is out", &mut daemon, |books| out(books, "later040") == 1).await;
    world.until_queue(&mut daemon, Some("posted"), |posts| posts.len() == shown.len()).await;
    daemon.stop().await;
    let books = world.sandbox.books();
    for item in &shown {
        assert_eq!(out(&books, &item.token), 1, "{}", item.token);
    }
}
