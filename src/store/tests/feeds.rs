//! Feeds and their entries, and the stops of lanes.

use std::pin::pin;

use futures_util::poll;

use super::queue::{World, at};
use crate::domain::breaker::{Cause, Lane, Scope, X};
use crate::domain::post::State;
use crate::store::breakers::Breaker;
use crate::store::entries::NewEntry;
use crate::store::feeds::FeedState;
use crate::store::hosts::HostWait;

/// Two feeds; three entries of the first, a second apart.
async fn filled() -> World {
    let world = World::new().await;
    let mut tx = world.begin(0).await;
    for name in ["a", "b"] {
        tx.save_feed(&FeedState::new(name, "https://a.example/", at(9))).await.expect("kept");
    }
    for (second, said) in [(1, "one"), (2, "two"), (3, "three")] {
        tx.now = at(second);
        let entry = NewEntry {
            title: said,
            link: None,
            link_key: None,
            item: "{}",
            said,
            choice: "post",
            reason: "",
        };
        let id = tx.insert_entries("a", &[entry]).await.expect("kept");
        tx.insert_keys("a", &[(said, id), ("y", id)]).await.expect("kept");
    }
    tx.commit().await.expect("durable");
    world
}

#[tokio::test]
async fn entries_are_found_by_feed_time_and_key() {
    let world = filled().await;
    let store = &world.store;
    let newest = store.newest_entries("a", 2).await.expect("entries");
    assert_eq!(newest.iter().map(|it| it.title.as_str()).collect::<Vec<_>>(), ["three", "two"]);
    assert_eq!(store.entries_since("a", at(0)).await.expect("a number"), 3);
    assert_eq!(store.entries_since("a", at(1)).await.expect("a number"), 2);
    let counts = store.entries_by_feed().await.expect("numbers");
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), [("a".to_owned(), 3)]);
    let first = store.entry(1).await.expect("read").expect("there");
    assert_eq!(store.keys_of_entry(&first).await.expect("keys"), ["one", "y"]);
    let said = store.said([1, 3, 9]).await.expect("said");
    let said = |id| said.get(&id).cloned();
    assert_eq!([said(1), said(3)], ["one", "three"].map(|it| Some(Some(it.to_owned()))));
    assert_eq!(said(9), None);
}

#[tokio::test]
async fn feeds_are_found_by_name_and_address() {
    let world = filled().await;
    let store = &world.store;
    let names = |feeds: Vec<FeedState>| feeds.into_iter().map(|feed| feed.name).collect::<Vec<_>>();
    assert_eq!(names(store.feeds_at("https://a.example/").await.expect("feeds")), ["a", "b"]);
    assert_eq!(names(store.feeds_at("https://b.example/").await.expect("feeds")).len(), 0);
    let wanted = ["b".to_owned(), "c".to_owned()];
    assert_eq!(names(store.feeds_named(&wanted).await.expect("feeds")), ["b"]);
    let times = store.poll_times_of(&wanted).await.expect("times");
    assert_eq!(times.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["b"]);
    assert_eq!(times[0].next_at, Some(at(9)));
}

/// Its entries are known and its posts are its own under the new name as under the old one.
#[tokio::test]
async fn a_feed_takes_all_that_is_its_own_to_a_new_name() {
    let world = filled().await;
    let post = world.post(State::Queued).await;
    let mut tx = world.begin(9).await;
    tx.rename_feed("a", "c").await.expect("renamed");
    tx.rename_feed("feed", "d").await.expect("renamed");
    tx.commit().await.expect("durable");
    let feeds = world.store.feeds().await.expect("feeds");
    assert_eq!(feeds.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["b", "c"]);
    let known = world.store.known_keys("c", ["one", "two", "four"]).await.expect("keys");
    assert_eq!(known.len(), 2);
    assert!(world.store.known_keys("a", ["one"]).await.expect("keys").is_empty());
    assert!(world.store.has_entries("c").await.expect("read"));
    assert!(!world.store.has_entries("a").await.expect("read"));
    assert_eq!(world.store.post(post).await.expect("read").expect("there").feed, "d");
}

#[test]
fn a_feed_is_asked_where_it_was_asked_last() {
    let feed = FeedState::new("a", "https://a.example/", at(0));
    assert_eq!(feed.asked(), "https://a.example/");
    let proxied = FeedState { address: Some("https://b.example/".into()), ..feed };
    assert_eq!(proxied.asked(), "https://b.example/");
}

/// A send that got through says that what had stopped its lane before is over for good; it says nothing
/// of other lanes, nor of a stop that came back after it left.
#[tokio::test]
async fn strikes_are_forgotten_of_the_stops_over_a_lane_that_ended_before() {
    let world = World::new().await;
    let lane = |profile: &str| Lane::new(profile, X);
    let table = [
        (Scope::Lane(lane("main")), Some(50), 0),
        (Scope::Profile("main".into()), Some(50), 0),
        (Scope::All, Some(50), 0),
        (Scope::Lane(lane("other")), Some(50), 3),
        (Scope::Lane(lane("main")), Some(100), 3),
        (Scope::Lane(lane("main")), None, 3),
    ];
    for (scope, closed_at, strikes) in table {
        let mut tx = world.begin(0).await;
        let breaker = Breaker {
            scope: scope.clone(),
            cause: Cause::RateLimit,
            opened_at: at(0),
            closed_at: closed_at.map(at),
            strikes: 3,
            probe_at: None,
            detail: String::new(),
            except_released: true,
        };
        tx.save_breaker(&breaker).await.expect("kept");
        assert_eq!(tx.breaker(&scope, Cause::RateLimit).await.expect("read"), Some(breaker));
        tx.clear_strikes(&lane("main"), at(100)).await.expect("forgotten");
        let kept = tx.breaker(&scope, Cause::RateLimit).await.expect("read").expect("there");
        assert_eq!(kept.strikes, strikes, "{scope} {closed_at:?}");
        tx.commit().await.expect("durable");
    }
}

#[tokio::test]
async fn a_host_is_left_alone_as_long_as_it_asked_for_at_most() {
    let world = World::new().await;
    let wait =
        |name: &str, until| HostWait { name: name.into(), until: at(until), why: "429".into() };
    for (now, one) in
        [(0, wait("b", 20)), (0, wait("a", 90)), (1, wait("a", 30)), (20, wait("c", 99))]
    {
        let mut tx = world.begin(now).await;
        tx.save_host_wait(&one).await.expect("kept");
        tx.commit().await.expect("durable");
    }
    let store = &world.store;
    assert_eq!(store.host_wait("a", at(89)).await.expect("read"), Some(wait("a", 90)));
    assert_eq!(store.host_wait("a", at(90)).await.expect("read"), None);
    // What is over was forgotten when the last one came.
    let waits = store.host_waits(at(0)).await.expect("read");
    assert_eq!(waits, [wait("a", 90), wait("c", 99)]);
    assert_eq!(store.host_waits(at(95)).await.expect("read"), [wait("c", 99)]);
}

#[tokio::test]
async fn what_must_be_on_disk_waits_for_one_fetch_and_not_for_all_that_came_before() {
    let world = World::new().await;
    let first = world.store.begin_fetched(at(1)).await.expect("it begins");
    let mut second = pin!(world.store.begin_fetched(at(1)));
    assert!(poll!(&mut second).is_pending());
    let mut sending = pin!(world.store.begin(at(1)));
    assert!(poll!(&mut sending).is_pending());
    first.commit().await.expect("kept");
    assert!(poll!(&mut second).is_pending());
    sending.await.expect("it begins").commit().await.expect("kept");
    second.await.expect("it begins").commit().await.expect("kept");
}

#[tokio::test]
async fn entries_and_keys_are_read_back_as_they_were_whatever_is_in_them() {
    let world = World::new().await;
    let odd = [
        "a\u{0}b",
        "\"quoted\" and \\ and \\u0041",
        "[1,2]",
        "{\"a\":null}",
        "null",
        "1",
        "\u{1f600}\u{2028}\n",
        "",
    ];
    let entries = odd.map(|text| NewEntry {
        title: text,
        link: Some(text),
        link_key: None,
        item: text,
        said: text,
        choice: "post",
        reason: text,
    });
    let mut tx = world.begin(1).await;
    let first = tx.insert_entries("a", &entries).await.expect("kept");
    let keys: Vec<(&str, i64)> = odd.into_iter().zip(first..).collect();
    tx.insert_keys("a", &keys).await.expect("kept");
    tx.commit().await.expect("durable");
    for (text, number) in keys {
        let entry = world.store.entry(number).await.expect("read").expect("there");
        assert_eq!(entry.link.as_deref(), Some(text));
        for column in [&entry.title, &entry.item, &entry.reason] {
            assert_eq!(column, text);
        }
        assert_eq!(world.store.keys_of_entry(&entry).await.expect("read"), [text]);
    }
}
