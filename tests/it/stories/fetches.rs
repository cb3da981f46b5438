//! Polling over time: validators, failures, and feeds that are gone.

use chrono::TimeDelta;

use crate::feed_server::Answer;
use crate::hostile::inputs::{End, INPUTS};
use crate::world::{BLOG, World, blog, cut};

#[tokio::test]
async fn a_304_keeps_the_validators_and_a_200_replaces_them() {
    let world = World::open(BLOG).await;
    world.feeds.script(
        "/blog",
        [
            Answer::new(200, blog([1])).header("etag", "\"a\""),
            Answer::new(304, ""),
            Answer::new(200, blog([2, 1])).header("etag", "\"b\""),
            Answer::new(200, blog([3, 2, 1])),
            Answer::new(200, blog([3, 2, 1])),
        ],
    );
    world.poll().await;
    for _ in 0..4 {
        world.poll_again("blog").await;
    }
    let sent: Vec<Option<String>> = world
        .feeds
        .asked()
        .iter()
        .map(|asked| {
            let value = asked.headers.get("if-none-match")?;
            Some(value.to_str().expect("text").to_owned())
        })
        .collect();
    let (a, b) = (Some("\"a\"".to_owned()), Some("\"b\"".to_owned()));
    assert_eq!(sent, [None, a.clone(), a, b, None]);
    assert_eq!(world.posts().await.len(), 3);
}

/// Wherever the work stops, the validators are there if and only if the entries are.
#[tokio::test]
async fn validators_and_entries_are_kept_together_or_not_at_all() {
    let mut world = World::open(BLOG).await;
    let mut cuts = 0;
    for polls in 1_usize.. {
        let before = world.posts().await.len();
        let tag = format!("\"{polls}\"");
        // Always one new entry, so that the work does not grow.
        let body = blog((1..=i32::try_from(before).expect("few") + 1).rev());
        world.feeds.script("/blog", [Answer::new(200, body).header("etag", &tag)]);
        if polls > 1 {
            let mut tx = world.store().begin(world.now()).await.expect("a transaction");
            tx.refresh_feed("blog").await.expect("it is refreshed");
            tx.commit().await.expect("a commit");
        }
        let whole = cut(world.daemon.poll_tick(), polls).await.is_some();
        world.restart().await;
        let feed = world.store().feed("blog").await.expect("a feed");
        let tagged = feed.and_then(|feed| feed.etag) == Some(tag.into_bytes());
        assert_eq!(tagged, world.posts().await.len() > before, "cut after {polls} polls");
        if whole {
            assert!(tagged);
            break;
        }
        cuts += 1;
    }
    assert!(cuts > 5, "it was cut in many places");
}

#[tokio::test]
async fn a_failing_feed_is_asked_less_and_less_often_until_it_is_well() {
    let world = World::open(BLOG).await;
    world.feeds.script("/blog", [Answer::new(500, "oops")]);
    world.poll().await;
    let mut waits = Vec::new();
    for _ in 0..9 {
        waits.push(world.feed("blog").await.next_poll_at - world.now());
        world.poll_again("blog").await;
    }
    assert!(waits.iter().all(|wait| *wait >= TimeDelta::minutes(15)), "min_interval: {waits:?}");
    assert!(waits.iter().all(|wait| *wait <= TimeDelta::hours(24)), "{waits:?}");
    // Each wait is between a half and the whole of one that doubles.
    assert!(waits.windows(3).take(5).all(|wait| wait[2] > wait[0]), "{waits:?}");
    let feed = world.feed("blog").await;
    assert_eq!(feed.failures, 10);
    assert!(feed.last_error.contains("500"), "{}", feed.last_error);
    world.offers("/blog", blog([1]));
    world.poll_again("blog").await;
    let feed = world.feed("blog").await;
    assert_eq!((feed.failures, feed.last_error.as_str()), (0, ""));
    assert!(feed.next_poll_at - world.now() < TimeDelta::minutes(67));
    assert_eq!(world.posts().await.len(), 1, "the first run is the first good one");
}

#[tokio::test]
async fn a_feed_that_is_gone_is_left_alone_until_somebody_asks_again() {
    let world = World::with_blog([1]).await;
    world.feeds.script("/blog", [Answer::new(410, "gone")]);
    world.poll_again("blog").await;
    let asked = world.feeds.asked().len();
    assert!(world.feed("blog").await.gone_at.is_some());
    for _ in 0..10 {
        world.pass(TimeDelta::days(30));
        assert_eq!(world.poll().await.next_at, None);
    }
    assert_eq!(world.feeds.asked().len(), asked);
    world.offers("/blog", blog([2, 1]));
    let mut tx = world.store().begin(world.now()).await.expect("a transaction");
    assert!(tx.refresh_feed("blog").await.expect("it is refreshed"));
    tx.commit().await.expect("a commit");
    assert_eq!(world.poll().await.new_entries, 1);
    assert_eq!(world.feed("blog").await.gone_at, None);
}

#[tokio::test]
async fn a_server_that_asks_to_be_left_alone_for_hours_is() {
    for status in [429, 503] {
        let world = World::with_blog([1]).await;
        world.feeds.script("/blog", [Answer::new(status, "later").header("retry-after", "18000")]);
        world.poll_again("blog").await;
        let wait = world.feed("blog").await.next_poll_at - world.now();
        assert!(wait >= TimeDelta::hours(5), "{status}: {wait}");
        world.pass(TimeDelta::hours(4));
        assert_eq!(world.poll().await.polled, 0);
        world.offers("/blog", blog([2, 1]));
        assert_eq!(world.poll_again("blog").await.new_entries, 1);
    }
}

#[tokio::test]
async fn a_hostile_feed_stops_no_other() {
    let nasty = "\n[[feed]]\nname = \"nasty\"\nurl = \"SITE/nasty\"\nfirst_run = \"all\"\n";
    let world = World::open(&format!("{BLOG}{nasty}")).await;
    world.offers("/blog", blog([1]));
    world.run_until_quiet().await;
    for (round, input) in INPUTS.iter().filter(|input| input.name.contains("nested")).enumerate() {
        let mut answer = Answer::new(200, (input.make)());
        if !input.packed.is_empty() {
            answer = answer.header("content-encoding", input.packed);
        }
        world.feeds.script("/nasty", [answer]);
        let newest = i32::try_from(round).expect("few") + 2;
        world.offers("/blog", blog((1..=newest).rev()));
        world.desk().refresh(&["nasty", "blog"]).await.expect("asked again");
        world.pass(TimeDelta::hours(1));
        let report = world.poll().await;
        let failed = usize::from(input.end == End::Refused);
        assert_eq!((report.polled, report.failed), (2, failed), "{}", input.name);
        world.run_until_quiet().await;
        let of_blog =
            world.published().iter().filter(|it| it.text.contains("blog.example.com")).count();
        assert_eq!(i32::try_from(of_blog).expect("few"), newest, "{}", input.name);
    }
    world.assert_agrees().await;
}
