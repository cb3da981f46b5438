//! Points 9 to 14: when, and how close together.

use std::collections::HashSet;

use chrono::TimeDelta;
use tidings::domain::entry::Wishes;
use tidings::store::feeds::FeedState;

use super::{
    DAY, HOUR, MINUTE, change, feed, good, is_about, not_modified, one_feed, poll_until, setup_of,
    wait, world_of,
};
use crate::feed_server::Answer;
use crate::world::blog;

#[tokio::test]
async fn point_09_hourly_with_validators_daily_without_and_as_often_as_the_owner_says() {
    let bare = || Answer::new(200, blog([1]));
    let world = one_feed("", [good()]).await;
    assert!(is_about(wait(&world).await, HOUR));
    let world = one_feed("", [bare()]).await;
    assert!(is_about(wait(&world).await, DAY));
    assert!(world.feed("blog").await.next_poll_why.contains("neither ETag nor Last-Modified"));
    // Who says how long its answer is good has been asked by that.
    let world = one_feed("", [bare().header("cache-control", "max-age=900")]).await;
    assert!(is_about(wait(&world).await, HOUR));
    let world = one_feed("interval = \"15m\"", [bare()]).await;
    assert!(is_about(wait(&world).await, MINUTE * 15));
    let world = one_feed("own = true\ninterval = \"1m\"", [bare()]).await;
    assert!(is_about(wait(&world).await, MINUTE));
    let world = one_feed("cron = \"30 9 * * 1-5\"", [bare()]).await;
    let at = world.feed("blog").await.next_poll_at;
    assert_eq!(at.format("%a %H:%M").to_string(), "Mon 08:30", "in the zone of its profile");
}

#[tokio::test]
async fn point_09_a_changed_interval_acts_at_once() {
    let mut world = one_feed("interval = \"1d\"", [good(), not_modified()]).await;
    world.rewrite("interval = \"1d\"", "interval = \"2h\"");
    world.restart().await;
    let next_at = world.poll().await.next_at.expect("it is asked again");
    assert_eq!(next_at - world.now(), HOUR * 2);
    // But not before the server's word is over.
    let fresh = good().header("cache-control", "max-age=36000");
    let mut world = one_feed("interval = \"1d\"", [fresh, not_modified()]).await;
    world.rewrite("interval = \"1d\"", "interval = \"2h\"");
    world.restart().await;
    let next_at = world.poll().await.next_at.expect("it is asked again");
    assert_eq!(next_at - world.now(), HOUR * 10);
}

#[tokio::test]
async fn point_10_an_answer_is_not_asked_for_again_while_it_is_fresh() {
    let date = |after: TimeDelta| {
        (crate::world::start() + after).format("%a, %d %b %Y %H:%M:%S GMT").to_string()
    };
    let table = [
        (good().header("cache-control", "public, max-age=7200"), HOUR * 2),
        (good().header("cache-control", "max-age=7200").header("age", "1800"), MINUTE * 90),
        (good().header("cache-control", "max-age=7200").header("age", "7000"), HOUR),
        (good().header("cache-control", "max-age=60"), HOUR),
        (good().header("cache-control", "max-age=31536000"), DAY),
        (good().header("cache-control", "no-cache, max-age=7200"), HOUR),
        (good().header("expires", date(HOUR * 3)).header("date", date(-HOUR)), HOUR * 4),
        (good().header("expires", date(HOUR * 3)).header("date", date(HOUR)), HOUR * 2),
        (good().header("expires", "0"), HOUR),
    ];
    for (answer, expected) in table {
        let world = one_feed("", [answer.clone()]).await;
        let told = wait(&world).await;
        assert!(is_about(told, expected), "{answer:?}: {told}");
        // And the same after a 304.
        let world = one_feed("", [good(), answer.clone().status(304)]).await;
        world.poll_again("blog").await;
        let told = wait(&world).await;
        assert!(is_about(told, expected), "{answer:?}: {told} after a 304");
    }
    let world = one_feed("", [good().header("cache-control", "max-age=7200")]).await;
    world.pass(HOUR * 2 - MINUTE);
    assert_eq!(world.poll().await.polled, 0);
    let why = world.feed("blog").await.next_poll_why;
    assert_eq!(why, "the server says that its answer stays fresh for 2 h");
}

#[tokio::test]
async fn point_11_what_the_feed_itself_wishes_holds_also_after_a_304() {
    let wish = |wishes: Wishes| move |state: FeedState| FeedState { wishes, ..state };
    let world = one_feed("", [good(), not_modified()]).await;
    let six_hours = Wishes { minutes: Some(360), ..Wishes::default() };
    change(&world, wish(six_hours)).await;
    world.poll_again("blog").await;
    assert!(is_about(wait(&world).await, HOUR * 6));
    assert_eq!(world.feed("blog").await.wishes, six_hours);
    // A wish beyond the cap, and one that forbids every hour.
    let never = Wishes { minutes: Some(u32::MAX), skip_hours: 0x00ff_ffff, skip_days: 0x7f };
    change(&world, wish(never)).await;
    world.poll_again("blog").await;
    assert!(is_about(wait(&world).await, DAY));
    // Only from midnight to one, GMT.
    let at_night = Wishes { minutes: None, skip_hours: 0x00ff_fffe, skip_days: 0 };
    change(&world, wish(at_night)).await;
    world.poll_again("blog").await;
    assert_eq!(world.feed("blog").await.next_poll_at.format("%H").to_string(), "00");
}

#[tokio::test]
async fn point_12_an_adaptive_feed_is_asked_by_the_pace_of_its_entries() {
    for (every, expected) in [(HOUR * 4, HOUR), (MINUTE * 20, MINUTE * 15), (DAY * 30, DAY)] {
        let world = world_of(&feed("blog", "adapt = true")).await;
        let start = world.now();
        world.feeds.behave("/blog", move |asked| {
            let count = (asked.at - start).num_minutes() / every.num_minutes();
            let count = i32::try_from(count).expect("few");
            Answer::new(200, blog((std::cmp::max(count - 90, 0)..=count).rev()))
                .header("etag", format!("\"{count}\""))
        });
        poll_until(&world, start + DAY * 5).await;
        world.poll_again("blog").await;
        let told = wait(&world).await;
        assert!(told >= expected * 9 / 10 && told <= expected * 6 / 5, "{every}: {told}");
        let why = world.feed("blog").await.next_poll_why;
        assert!(why.starts_with("it publishes every "), "{why}");
    }
}

#[tokio::test]
async fn point_13_feeds_of_one_interval_spread() {
    let names: Vec<String> = (0..40).map(|n| format!("f{n}")).collect();
    let setup =
        setup_of(&names.iter().map(|name| feed(name, "")).collect::<String>(), "host_gap = \"0s\"");
    let world = setup.open().await;
    for name in &names {
        world.feeds.script(&format!("/{name}"), [good()]);
    }
    assert_eq!(world.poll().await.polled, 40);
    let mut minutes = HashSet::new();
    for name in &names {
        let wait = world.feed(name).await.next_poll_at - world.now();
        assert!(is_about(wait, HOUR), "{wait}");
        minutes.insert(wait.num_seconds() / 20);
    }
    assert!(minutes.len() >= 10, "in how many thirds of a minute: {}", minutes.len());
}

#[tokio::test]
async fn point_13_a_restart_asks_nobody_before_its_time() {
    let mut world = one_feed("", [good(), not_modified()]).await;
    let next_at = world.feed("blog").await.next_poll_at;
    for _ in 0..5 {
        world.pass(MINUTE * 10);
        world.restart().await;
        assert_eq!(world.poll().await.polled, 0);
    }
    assert_eq!(world.feed("blog").await.next_poll_at, next_at);
    assert_eq!(world.feeds.asked().len(), 1);
}

#[tokio::test]
async fn point_14_one_request_at_a_time_to_a_host_with_a_gap_between_two() {
    let feeds: String = (0..12).map(|n| feed(&format!("f{n}"), "")).collect();
    let setup = setup_of(&feeds, "host_gap = \"5s\"");
    let mut world = setup.open().await;
    for n in 0..12 {
        world.feeds.script(&format!("/f{n}"), [good(), not_modified()]);
    }
    let end = world.now() + HOUR * 6;
    while world.now() < end {
        let report = world.poll().await;
        assert!(report.polled <= 1);
        // A restart changes nothing.
        if report.polled == 1 && world.feeds.asked().len().is_multiple_of(7) {
            world.restart().await;
        }
        let next_at = report.next_at.expect("there is always a next one");
        world.clock.set(std::cmp::max(next_at, world.now()));
    }
    let asked = world.feeds.asked();
    assert!(asked.len() >= 60, "{}", asked.len());
    assert!(asked.windows(2).all(|pair| pair[1].at - pair[0].at >= TimeDelta::seconds(5)));
}

/// On a host whose feeds are due faster than the gap lets them be asked, none is left out for good.
#[tokio::test]
async fn point_14_a_feed_that_was_never_asked_goes_before_those_that_wait_for_their_next_turn() {
    let mut world = one_feed("own = true\ninterval = \"1s\"", [good(), not_modified()]).await;
    let url = world.feeds.url("/late");
    world.feeds.script("/late", [good()]);
    world.rewrite("[[feed]]", &format!("[[feed]]\nname = \"late\"\nurl = \"{url}\"\n[[feed]]"));
    world.restart().await;
    world.pass(MINUTE);
    assert_eq!(world.poll().await.polled, 1);
    assert_eq!(world.feeds.asked_for("/late").len(), 1);
}

#[tokio::test]
async fn point_14_hosts_are_asked_side_by_side_and_can_be_grouped_and_split() {
    let run = async |fetch: &str, same: bool| {
        let mut setup = setup_of("", fetch);
        let other = |n: u8| format!("[[feed]]\nname = \"f{n}\"\nurl = \"HOST{n}\"\n");
        setup.config.push_str(&(0..3).map(other).collect::<String>());
        let feeds = crate::feed_server::FeedServer::under(setup.clock.clone()).await;
        for n in 0..3_u8 {
            feeds.script(&format!("/f{n}"), [good()]);
            let host = feeds.host(if same { 9 } else { 10 + n }).await;
            let url = host.join(&format!("/f{n}")).expect("url");
            setup.config = setup.config.replace(&format!("HOST{n}"), url.as_str());
        }
        setup.open().await.poll().await.polled
    };
    assert_eq!(run("", true).await, 1);
    assert_eq!(run("", false).await, 3);
    assert_eq!(run("per_host = 2", true).await, 2);
    assert_eq!(run("host_gap = \"0s\"", true).await, 3);
    assert_eq!(run("split_hosts = [\"127.0.0.9\"]", true).await, 3);
    assert_eq!(run("group_hosts = [\"0.0.10\", \"127.0.0.11\"]", false).await, 3);
}
