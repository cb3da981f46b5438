//! Points 15 to 19: what answers mean.

use chrono::TimeDelta;
use tidings::store::feeds::FeedState;
use tidings::store::hosts::HostWait;
use url::Url;

use super::{
    DAY, HOUR, MINUTE, feed, good, is_about, not_modified, one_feed, poll_until, setup_of, wait,
    world_of,
};
use crate::feed_server::{Answer, FeedServer};
use crate::world::{World, blog};

fn two_feeds() -> String {
    feed("blog", "") + &feed("other", "")
}

async fn two() -> World {
    let setup = setup_of(&two_feeds(), "host_gap = \"0s\"");
    let world = setup.open().await;
    world.feeds.script("/blog", [good(), not_modified()]);
    world.feeds.script("/other", [good(), not_modified()]);
    world.poll().await;
    world
}

/// Feed `blog`, and feed `other` on a host of its own, with that host and its address.
async fn two_hosts() -> (World, FeedServer, Url) {
    let mut setup = setup_of(&feed("blog", ""), "");
    let there = FeedServer::under(setup.clock.clone()).await;
    let other = there.host(9).await.join("/other").expect("url");
    let feed = format!("[[feed]]\nname = \"other\"\nurl = \"{other}\"\n");
    setup.config.push_str(&feed);
    (setup.open().await, there, other)
}

#[tokio::test]
async fn point_15_retry_after_holds_for_the_whole_host_in_both_forms_and_over_restarts() {
    for status in [429, 503] {
        for in_seconds in [true, false] {
            let mut world = two().await;
            let refused_at = world.feed("blog").await.next_poll_at;
            let value = if in_seconds {
                "18000".to_owned()
            } else {
                (refused_at + HOUR * 5).format("%a, %d %b %Y %H:%M:%S GMT").to_string()
            };
            let refusal = Answer::new(status, "later").header("retry-after", value);
            world.feeds.script("/blog", [refusal, not_modified()]);
            world.poll_again("blog").await;
            let asked = world.feeds.asked().len();
            for _ in 0..9 {
                world.pass(MINUTE * 33);
                world.restart().await;
                assert_eq!(world.poll().await.polled, 0, "neither it nor its neighbour");
            }
            assert_eq!(world.feeds.asked().len(), asked);
            world.pass(HOUR);
            world.poll().await;
            assert!(world.feeds.asked().len() > asked, "and then they are asked again");
        }
    }
}

#[tokio::test]
async fn point_15_a_turn_that_begins_after_the_refusal_of_another_does_not_go_on() {
    let feeds: String = ["a", "b", "c", "d"].map(|name| feed(name, "")).concat();
    let world = setup_of(&feeds, "host_gap = \"0s\"\nper_host = 2").open().await;
    let refusal = Answer::new(429, "").header("retry-after", "7200");
    world.feeds.script("/a", [refusal]);
    for path in ["/b", "/c", "/d"] {
        world.feeds.script(path, [good()]);
    }
    let due = world.daemon.poll_due().await.expect("due");
    assert_eq!(due.hosts.iter().map(|turn| turn.feeds.len()).collect::<Vec<_>>(), [2, 2]);
    // As when the second one waits for a permit while the first one is refused.
    let mut asked = Vec::new();
    for turn in &due.hosts {
        asked.push(world.daemon.poll_host(turn).await.expect("asked").len());
    }
    assert_eq!(asked, [1, 0]);
    assert_eq!(world.feeds.asked().len(), 1);
}

#[tokio::test]
async fn point_15_a_refusal_by_way_of_another_host_holds_at_once() {
    let (world, there, other) = two_hosts().await;
    let moved = other.join("/moved").expect("url");
    world.feeds.script("/blog", [Answer::redirect(302, moved.as_str())]);
    there.script("/moved", [Answer::new(429, "").header("retry-after", "7200")]);
    there.script("/other", [good()]);
    let mut due = world.daemon.poll_due().await.expect("due").hosts;
    // The one that is sent on goes first; the host itself was found free before.
    due.sort_by_key(|turn| turn.feeds != ["blog"]);
    let mut asked = Vec::new();
    for turn in &due {
        asked.push(world.daemon.poll_host(turn).await.expect("asked").len());
    }
    assert_eq!((asked, there.asked_for("/other").len()), (vec![1, 0], 0));
}

#[tokio::test]
async fn point_15_a_wait_of_a_clock_that_was_ahead_keeps_no_host_from_being_asked() {
    let (world, there, _) = two_hosts().await;
    world.feeds.script("/blog", [good()]);
    there.script("/other", [Answer::new(429, "").header("retry-after", "7200")]);
    let mut due = world.daemon.poll_due().await.expect("due").hosts;
    due.sort_by_key(|turn| turn.feeds == ["blog"]);
    let (refused, asked) = (due.first().expect("a host"), due.last().expect("another"));
    let mut tx = world.store().begin(world.now()).await.expect("it begins");
    let (name, until) = (asked.host.clone(), world.now() + DAY * 2);
    let wait = HostWait { name, until, why: "a clock that was ahead".to_owned() };
    tx.save_host_wait(&wait).await.expect("kept");
    tx.commit().await.expect("durable");
    // From here on it is looked whether a host was told to wait.
    assert_eq!(world.daemon.poll_host(refused).await.expect("asked").len(), 1);
    assert_eq!(world.daemon.poll_host(asked).await.expect("asked").len(), 1);
    assert_eq!(world.feeds.asked_for("/blog").len(), 1);
}

#[tokio::test]
async fn point_15_the_rest_of_a_host_is_not_asked_in_the_same_round() {
    let world = two().await;
    let refusal = Answer::new(429, "").header("retry-after", "7200");
    world.feeds.script("/blog", [refusal.clone()]);
    world.feeds.script("/other", [refusal]);
    world.pass(HOUR * 2);
    assert_eq!(world.poll().await.polled, 1);
}

#[tokio::test]
async fn point_15_a_retry_after_has_a_cap_and_a_429_without_one_backs_off() {
    let later = Answer::new(429, "").header("retry-after", "31536000");
    let world = one_feed("", [good(), later]).await;
    world.poll_again("blog").await;
    assert!(is_about(wait(&world).await, DAY), "a day is the most");
    let why = world.feed("blog").await.next_poll_why;
    assert_eq!(why, "the server asks to be left alone for 1 d");
    let world = two().await;
    world.feeds.script("/blog", [Answer::new(429, "")]);
    world.poll_again("blog").await;
    assert_eq!(world.poll().await.polled, 0);
    assert!(world.store().host_waits(world.now()).await.expect("waits").len() == 1);
    let first = wait(&world).await;
    for _ in 0..9 {
        world.poll_again("blog").await;
    }
    assert!(first >= MINUTE * 15 && wait(&world).await >= HOUR * 12, "the feed backs off");
    let waits = world.store().host_waits(world.now()).await.expect("waits");
    assert!(waits[0].until <= world.now() + MINUTE * 15, "its neighbours don't starve");
}

#[tokio::test]
async fn point_16_failures_are_waited_for_longer_and_longer_up_to_a_day_and_for_ever() {
    let world = one_feed("", [good(), Answer::new(500, "")]).await;
    let mut waits = Vec::new();
    for _ in 0..40 {
        world.poll_again("blog").await;
        waits.push(wait(&world).await);
    }
    assert!(waits.iter().all(|wait| *wait >= MINUTE * 15 && *wait <= DAY), "{waits:?}");
    assert!(waits.windows(3).take(5).all(|wait| wait[2] > wait[0]), "{waits:?}");
    assert!(waits.iter().skip(10).all(|wait| *wait >= HOUR * 12), "{waits:?}");
    world.feeds.script("/blog", [not_modified()]);
    world.poll_again("blog").await;
    assert!(is_about(wait(&world).await, HOUR), "one good answer makes it good again");
    // Nobody there at all is no other thing.
    let world = world_of("[[feed]]\nname = \"blog\"\nurl = \"http://127.0.0.1:1/blog\"\n").await;
    assert_eq!(world.poll().await.failed, 1);
    assert!(wait(&world).await >= MINUTE * 15);
}

#[tokio::test]
async fn point_17_a_permanent_move_is_followed_at_once_and_kept_after_days_of_proof() {
    for (status, is_kept) in [(301, true), (308, true), (302, false), (303, false), (307, false)] {
        let mut world = one_feed("", [good(), not_modified()]).await;
        let new = world.feeds.url("/new");
        world.feeds.script("/blog", [Answer::redirect(status, new.as_str())]);
        world.feeds.script(
            "/new",
            [Answer::new(200, blog([2, 1])).header("etag", "\"n\""), not_modified()],
        );
        assert_eq!(world.poll_again("blog").await.new_entries, 1, "{status}: followed at once");
        let end = world.now() + DAY * 3 - MINUTE;
        poll_until(&world, end).await;
        assert_eq!(world.feed("blog").await.address, None, "{status}: not proven before");
        world.restart().await;
        poll_until(&world, end + HOUR * 2).await;
        let address = world.feed("blog").await.address;
        assert_eq!(address, is_kept.then(|| new.to_string()), "{status}");
        let before = world.feeds.asked_for("/blog").len();
        world.poll_again("blog").await;
        let asked_there = world.feeds.asked_for("/blog").len() == before;
        assert_eq!(asked_there, is_kept, "{status}");
        // Nothing is posted twice, and what is known is known by the same name.
        assert_eq!(world.posts().await.len(), 2, "{status}");
        assert_eq!(
            world.feeds.asked_for("/new").last().and_then(|it| it.header("if-none-match")),
            Some("\"n\"".to_owned())
        );
    }
}

#[tokio::test]
async fn point_17_a_move_that_does_not_last_is_forgotten() {
    let world = one_feed("", [good(), not_modified()]).await;
    let (here, there) = (world.feeds.url("/here"), world.feeds.url("/there"));
    let mut polls = 0;
    world.feeds.behave("/blog", move |_| {
        polls += 1;
        Answer::redirect(301, if polls % 3 == 0 { there.as_str() } else { here.as_str() })
    });
    for path in ["/here", "/there"] {
        world.feeds.script(path, [good()]);
    }
    poll_until(&world, world.now() + DAY * 10).await;
    assert_eq!(world.feed("blog").await.address, None);
}

#[tokio::test]
async fn point_17_an_address_that_was_learned_is_left_when_it_fails() {
    let mut world = one_feed("", [good(), not_modified()]).await;
    let new = world.feeds.url("/new").to_string();
    for gone in [404, 410] {
        let learned = new.clone();
        super::change(&world, |state| FeedState { address: Some(learned), ..state }).await;
        world.feeds.script("/new", [Answer::new(gone, "")]);
        poll_until(&world, world.now() + DAY).await;
        let feed = world.feed("blog").await;
        assert_eq!((feed.address, feed.gone_at, feed.failures), (None, None, 0), "{gone}");
    }
    // The config learns the new address: the feed goes on as it was.
    super::change(&world, |state| FeedState { address: Some(new), ..state }).await;
    world.rewrite("/blog\"", "/new\"");
    world.feeds.script("/new", [good(), not_modified()]);
    world.restart().await;
    world.pass(DAY);
    assert_eq!(world.poll().await.new_entries, 0);
    assert_eq!(world.posts().await.len(), 1);
}

#[tokio::test]
async fn point_17_redirects_end_after_five_hops_and_not_at_a_page() {
    let world = one_feed("", [good()]).await;
    let page = "<!doctype html><html><body>The new site</body></html>";
    world.feeds.script("/page", [Answer::new(200, page).header("content-type", "text/html")]);
    for n in 0..7 {
        let next = world.feeds.url(&format!("/hop{}", n + 1));
        world.feeds.script(&format!("/hop{n}"), [Answer::redirect(301, next.as_str())]);
    }
    for (to, why) in [("/hop0", "redirects more than 5 times"), ("/page", "is a web page")] {
        let to = world.feeds.url(to);
        world.feeds.script("/blog", [Answer::redirect(301, to.as_str())]);
        assert_eq!(world.poll_again("blog").await.failed, 1);
        let feed = world.feed("blog").await;
        assert!(feed.last_error.contains(why), "{}", feed.last_error);
        assert_eq!(feed.moved, None, "a move to nowhere is none");
    }
    let hops = world.feeds.asked().iter().filter(|it| it.path.starts_with("/hop")).count();
    assert_eq!(hops, 5);
}

#[tokio::test]
async fn point_18_a_410_ends_it_and_a_404_is_asked_weekly_at_last() {
    let world = one_feed("", [good(), Answer::new(410, "")]).await;
    world.poll_again("blog").await;
    assert!(world.feed("blog").await.gone_at.is_some());
    world.pass(DAY * 300);
    assert_eq!(world.poll().await.polled, 0);
    let world = one_feed("", [good(), Answer::new(404, "")]).await;
    let mut waits = Vec::new();
    for _ in 0..20 {
        world.poll_again("blog").await;
        waits.push(wait(&world).await);
    }
    assert!(waits.iter().skip(12).all(|it| *it > DAY * 3 && *it <= DAY * 7), "{waits:?}");
    assert!(waits[0] <= HOUR, "a page that is missing for a moment is asked again soon");
}

#[tokio::test]
async fn point_19_who_refuses_is_asked_seldom_and_a_browser_check_has_its_own_name() {
    for status in [401, 403] {
        let world = one_feed("", [good(), Answer::new(status, "no")]).await;
        world.poll_again("blog").await;
        assert!(wait(&world).await >= HOUR * 2);
        world.poll_again("blog").await;
        assert!(wait(&world).await >= HOUR * 4);
        let why = world.feed("blog").await.last_error;
        assert!(why.contains("without logging in"), "{why}");
    }
    for status in [403, 429, 503] {
        let challenge = Answer::new(status, "").header("cf-mitigated", "challenge");
        let world = one_feed("", [good(), challenge]).await;
        world.poll_again("blog").await;
        assert!(wait(&world).await >= HOUR * 2);
        let why = world.feed("blog").await.last_error;
        assert!(why.contains("Cloudflare's browser check"), "{why}");
    }
    let world = one_feed("", [good(), Answer::new(403, "")]).await;
    world.poll_again("blog").await;
    world.pass(TimeDelta::minutes(90));
    assert_eq!(world.poll().await.polled, 0);
}
