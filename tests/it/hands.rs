//! What persons do by hand, in processes of their own, beside a running daemon and without one; two
//! at once on the same post. The judge is the sandbox's books.

use serde_json::Value;
use tokio::time::Instant;

use super::process::{World, items};

const PROFILE: &str = "[[profile]]\nname = \"main\"\nplatforms = [\"twitter\"]\n";

async fn world() -> World {
    let world = World::new(|_| ()).await;
    world.configure("1s", &format!("{PROFILE}{}", world.feed("blog", "main", "")));
    world.show("blog", &[]);
    world
}

fn json(said: &str) -> Value {
    serde_json::from_str(said).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persons_word_reaches_the_running_daemon() {
    let world = world().await;
    let mut tidings = world.start();
    world.until_asked("blog", 1, &mut tidings).await;
    world.tell(&["pause", "blog", "--until", "2h"]).await;
    world.show("blog", &items("A", 4));
    world.until_queue(&mut tidings, Some("queued"), |posts| posts.len() == 4).await;
    assert_eq!(world.requests(), 0, "the feed is paused");
    world.tell(&["queue", "edit", "3", "--text", "By hand"]).await;
    world.tell(&["queue", "move", "3", "--first"]).await;
    world.tell(&["queue", "reschedule", "4", "--at", "3h"]).await;
    world.tell(&["queue", "skip", "1", "--json"]).await;
    let resumed = Instant::now();
    world.tell(&["resume", "blog"]).await;
    world.until("two are out", &mut tidings, |books| books.published().count() == 2).await;
    assert!(resumed.elapsed().as_secs() < 5, "it took {:?}", resumed.elapsed());
    let texts: Vec<String> =
        world.sandbox.read_books(|books| books.published().map(|post| post.text).collect());
    assert_eq!(texts.first().map(String::as_str), Some("By hand"));
    world.until_queue(&mut tidings, Some("posted"), |posts| posts.len() == 2).await;
    world.tell(&["pause", "--except-released"]).await;
    world.tell(&["queue", "reschedule", "4", "--asap"]).await;
    assert_eq!(world.requests(), 2, "nobody released it");
    world.tell(&["queue", "send-now", "4"]).await;
    world.until("it is out", &mut tidings, |books| books.published().count() == 3).await;
    world.tell(&["delete", "3", "--yes"]).await;
    tidings.stop().await;
    // And without a daemon.
    let refused = world.call(&["queue", "repost", "2"]).await;
    assert_eq!(refused.status.code(), Some(1));
    let refused = world.call(&["queue", "edit", "2", "--text", "x"]).await;
    assert_eq!(refused.status.code(), Some(1), "it is published");
    world.tell(&["resume"]).await;
    world.tell(&["delete", "2", "--yes", "--json"]).await;
    let gone = |post: &tidings::sandbox::Published| post.deleted;
    assert_eq!(world.sandbox.read_books(|books| books.published().filter(gone).count()), 2);
    let acts = json(&world.tell(&["history", "--acts", "--json"]).await);
    let deeds: Vec<&str> =
        acts.as_array().into_iter().flatten().filter_map(|act| act["what"].as_str()).collect();
    let wanted = [
        "delete",
        "delete",
        "resume",
        "delete",
        "delete",
        "send-now",
        "reschedule",
        "pause",
        "resume",
        "skip",
        "reschedule",
        "move",
        "edit",
        "pause",
    ];
    assert_eq!(deeds, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_on_one_post_double_and_lose_nothing() {
    let world = world().await;
    let mut tidings = world.start();
    world.until_asked("blog", 1, &mut tidings).await;
    world.tell(&["pause"]).await;
    world.show("blog", &items("B", 4));
    world.until_queue(&mut tidings, Some("queued"), |posts| posts.len() == 4).await;
    // Each pair is two processes at the same time.
    let pairs: [[&[&str]; 2]; 4] = [
        [&["queue", "skip", "1"], &["queue", "send-now", "1"]],
        [&["queue", "edit", "2", "--text", "One"], &["queue", "edit", "2", "--text", "Two"]],
        [&["queue", "move", "3", "--first"], &["queue", "move", "4", "--before", "3"]],
        [&["resume"], &["queue", "edit", "4", "--text", "At the last moment"]],
    ];
    for [one, other] in pairs {
        let (one, other) = tokio::join!(world.call(one), world.call(other));
        assert!(one.status.success() || other.status.success(), "{one:?} {other:?}");
    }
    let settled = |posts: &[Value]| posts.is_empty();
    world.until_queue(&mut tidings, Some("queued"), settled).await;
    world.until_queue(&mut tidings, Some("sending"), settled).await;
    let skipped = world.queue(Some("skipped")).await.len();
    let posted = world.queue(Some("posted")).await;
    assert_eq!(posted.len() + skipped, 4);
    let texts: Vec<String> =
        world.sandbox.read_books(|books| books.published().map(|post| post.text).collect());
    assert_eq!(texts.len(), posted.len());
    for post in &posted {
        let text = post["text"].as_str().unwrap_or_default();
        assert!(texts.iter().any(|out| out == text), "{text:?} is what went out: {texts:?}");
    }
    assert!(texts.iter().any(|text| text == "One" || text == "Two"));
    assert!(world.sandbox.read_books(tidings::sandbox::Books::doubles).is_empty());
    let (one, other) =
        tokio::join!(world.call(&["delete", "2", "--yes"]), world.call(&["delete", "2", "--yes"]));
    assert_ne!(one.status.success(), other.status.success(), "{one:?} {other:?}");
    tidings.stop().await;
}
