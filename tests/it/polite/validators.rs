//! Points 1 to 8: validators.

use tidings::daemon::news::News;

use super::{
    DAY, HOUR, change, feed, good, half, not_modified, one_feed, poll_until, sent, world_of,
};
use crate::feed_server::Answer;
use crate::world::{World, blog};

const PAGE: &str = "<!doctype html><html><head><title>Maintenance</title></head></html>";

async fn poll_times(world: &World, times: usize) {
    for _ in 0..times {
        world.poll_again("blog").await;
    }
}

#[tokio::test]
async fn point_01_validators_go_back_byte_for_byte_also_after_a_restart() {
    let etag = b"W/\"caf\xe9  \\\"".as_slice();
    let mut world = one_feed(
        "",
        [
            Answer::new(200, blog([1]))
                .header("etag", etag)
                .header("last-modified", "sometime last  week"),
            not_modified(),
        ],
    )
    .await;
    world.restart().await;
    world.poll_again("blog").await;
    let asked = world.feeds.asked_for("/blog");
    assert_eq!(asked[1].headers["if-none-match"].as_bytes(), etag);
    assert_eq!(asked[1].headers["if-modified-since"].as_bytes(), b"sometime last  week");
}

#[tokio::test]
async fn point_02_both_validators_go_back_and_one_alone_where_there_is_one() {
    let both = good().header("last-modified", "Mon, 16 Nov 2026 05:00:00 GMT");
    let date = Answer::new(200, blog([2, 1])).header("last-modified", "yesterday");
    let world = one_feed("", [both, date, good(), not_modified()]).await;
    poll_times(&world, 3).await;
    assert_eq!(sent(&world, "if-none-match"), ["", "\"1\"", "", "\"1\""]);
    let dates = ["", "Mon, 16 Nov 2026 05:00:00 GMT", "yesterday", ""];
    assert_eq!(sent(&world, "if-modified-since"), dates);
}

#[tokio::test]
async fn point_03_every_200_replaces_both_validators_also_with_the_same_body() {
    let same = |etag: &str| Answer::new(200, blog([1])).header("etag", etag);
    let world = one_feed(
        "interval = \"1h\"",
        [
            good().header("last-modified", "yesterday"),
            same("\"2\""),
            same("\"3\"").header("last-modified", "today"),
            Answer::new(200, blog([1])),
            not_modified(),
        ],
    )
    .await;
    poll_times(&world, 4).await;
    assert_eq!(sent(&world, "if-none-match"), ["", "\"1\"", "\"2\"", "\"3\"", ""]);
    assert_eq!(sent(&world, "if-modified-since"), ["", "yesterday", "", "today", ""]);
}

#[tokio::test]
async fn point_04_a_304_brings_new_validators_each_for_itself() {
    let world = one_feed(
        "",
        [
            good().header("last-modified", "day 1"),
            not_modified().header("etag", "\"2\""),
            not_modified().header("last-modified", "day 3"),
            not_modified(),
            not_modified().header("cache-control", "max-age=7200"),
        ],
    )
    .await;
    poll_times(&world, 3).await;
    assert_eq!(sent(&world, "if-none-match"), ["", "\"1\"", "\"2\"", "\"2\""]);
    assert_eq!(sent(&world, "if-modified-since"), ["", "day 1", "day 1", "day 3"]);
    world.poll_again("blog").await;
    assert!(super::is_about(super::wait(&world).await, HOUR * 2), "and new freshness");
}

#[tokio::test]
async fn point_05_validators_belong_to_the_final_address() {
    let world = world_of(&feed("blog", "")).await;
    let (old, new) = (world.feeds.url("/old"), world.feeds.url("/new"));
    world.feeds.script(
        "/blog",
        [
            Answer::redirect(302, old.as_str()),
            Answer::redirect(302, old.as_str()),
            Answer::redirect(302, new.as_str()),
        ],
    );
    world.feeds.script("/old", [good(), not_modified()]);
    world
        .feeds
        .script("/new", [Answer::new(200, blog([1])).header("etag", "\"n\""), not_modified()]);
    world.poll().await;
    poll_times(&world, 3).await;
    let told = |path: &str| {
        let asked = world.feeds.asked_for(path);
        asked.iter().map(|it| it.header("if-none-match").unwrap_or_default()).collect::<Vec<_>>()
    };
    assert_eq!(told("/blog"), ["", "", "", ""], "a redirect has no validators");
    assert_eq!(told("/old"), ["", "\"1\""]);
    assert_eq!(told("/new"), ["", "\"n\""], "those of the old address are not sent to the new one");
}

#[tokio::test]
async fn point_07_after_an_answer_that_cannot_be_read_one_request_asks_for_the_whole() {
    let page = Answer::new(200, PAGE).header("etag", "\"page\"");
    let world =
        one_feed("", [good(), page.clone(), page.clone(), page, good(), not_modified()]).await;
    poll_times(&world, 5).await;
    // The validators of the last good answer stay good: a 304 to them means what was read.
    assert_eq!(sent(&world, "if-none-match"), ["", "\"1\"", "", "\"1\"", "\"1\"", "\"1\""]);
    assert_eq!(world.feed("blog").await.failures, 0);
}

#[tokio::test]
async fn point_07_after_a_change_of_its_settings_the_feed_comes_whole_once() {
    let mut world = one_feed("", [good(), not_modified(), good(), not_modified()]).await;
    world.poll_again("blog").await;
    world.rewrite("name = \"blog\"", "name = \"blog\"\nallow_mentions = true");
    world.restart().await;
    poll_times(&world, 2).await;
    assert_eq!(sent(&world, "if-none-match"), ["", "\"1\"", "", "\"1\""]);
}

#[tokio::test]
async fn point_07_a_server_that_answers_304_for_ever_is_asked_for_the_whole_once_a_week() {
    let world = one_feed("", [good(), not_modified()]).await;
    // It says 304 whatever happens, and to a whole request as well, which is none of its rights.
    poll_until(&world, world.now() + DAY * 30).await;
    let asked = world.feeds.asked_for("/blog");
    let whole: Vec<_> =
        asked.iter().skip(1).filter(|it| it.header("if-none-match").is_none()).collect();
    assert!((20..=24).contains(&whole.len()), "daily after the first week: {}", whole.len());
    assert!(whole[0].at - asked[0].at >= DAY * 7);
    assert!(whole.windows(2).all(|pair| pair[1].at - pair[0].at >= DAY));
    // A server that is well is asked once a week.
    let world = one_feed("", [good()]).await;
    world.feeds.behave("/blog", |asked| {
        if asked.headers.contains_key("if-none-match") { not_modified() } else { good() }
    });
    poll_until(&world, world.now() + DAY * 30).await;
    let asked = world.feeds.asked_for("/blog");
    let whole = asked.iter().skip(1).filter(|it| it.header("if-none-match").is_none()).count();
    assert_eq!(whole, 4);
}

#[tokio::test]
async fn point_08_the_same_body_is_not_read_again() {
    let world = one_feed("interval = \"1h\"", [Answer::new(200, blog([1]))]).await;
    let mut news = world.daemon.listen();
    world.poll_again("blog").await;
    let told = news.try_recv().expect("news");
    assert!(matches!(told, News::Polled { how: "the same body", .. }), "{told:?}");
    // And what cannot be told by its body is not missed.
    world.offers("/blog", blog([2, 1]));
    assert_eq!(world.poll_again("blog").await.new_entries, 1);
}

#[tokio::test]
async fn point_20_what_is_no_feed_is_an_error_that_changes_nothing_known() {
    let cut = half(&blog([3, 2, 1]));
    for body in [PAGE, "", "  \n", "Sorry, we are closed.", "<rss version=\"2.0\"><chan"] {
        let bad = Answer::new(200, body).header("etag", "\"bad\"");
        let world = one_feed("", [good(), bad]).await;
        let before = world.feed("blog").await;
        assert_eq!(world.poll_again("blog").await.failed, 1, "{body:?}");
        let after = world.feed("blog").await;
        assert_eq!((after.failures, after.last_error.is_empty()), (1, false), "{body:?}");
        assert_eq!(
            (after.etag, after.body_hash, after.last_good_at),
            (before.etag, before.body_hash, before.last_good_at),
            "{body:?}"
        );
        // The items of before are not new when the feed is back, and the new ones are.
        world.feeds.script("/blog", [Answer::new(200, blog([2, 1])).header("etag", "\"2\"")]);
        assert_eq!(world.poll_again("blog").await.new_entries, 1, "{body:?}");
    }
    // A document that breaks off gives what it has, but not its validators.
    let world =
        one_feed("", [good(), Answer::new(200, cut).header("etag", "\"2\""), not_modified()]).await;
    assert_eq!(world.poll_again("blog").await.new_entries, 1);
    world.poll_again("blog").await;
    assert_eq!(sent(&world, "if-none-match"), ["", "\"1\"", "\"1\""]);
}

#[tokio::test]
async fn a_cut_feed_of_unknown_validators_comes_whole_next_time() {
    let world = one_feed("interval = \"1h\"", [good()]).await;
    change(&world, |state| tidings::store::feeds::FeedState {
        validators_url: Some("http://elsewhere.example/".to_owned()),
        ..state
    })
    .await;
    let cut = Answer::new(200, half(&blog([3, 2, 1]))).header("etag", "\"cut\"");
    world.feeds.script("/blog", [cut, good()]);
    poll_times(&world, 2).await;
    assert_eq!(sent(&world, "if-none-match"), ["", "", ""]);
}
