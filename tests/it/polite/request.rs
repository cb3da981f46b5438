//! Points 21 to 25: how a request looks.

use std::time::Duration;

use super::{feed, good, not_modified, one_feed, packed, sent, setup_of};
use crate::feed_server::Answer;
use crate::world::blog;

#[tokio::test]
async fn point_21_the_agent_is_named_with_its_operator_and_is_always_the_same() {
    let setup = setup_of(&feed("blog", ""), "contact = \"https://example.com/about\"");
    let world = setup.open().await;
    world.feeds.script("/blog", [good(), Answer::new(500, ""), not_modified()]);
    world.poll().await;
    for _ in 0..4 {
        world.poll_again("blog").await;
    }
    let expected = concat!("tidings/", env!("CARGO_PKG_VERSION"), " (+https://example.com/about)");
    assert_eq!(sent(&world, "user-agent"), [expected; 5]);
}

#[tokio::test]
async fn point_22_packed_bodies_are_asked_for_unpacked_and_capped_while_they_stream() {
    let small = packed::all(blog([1]).as_bytes());
    let large = packed::all(&[b' '; 5000]);
    for ((name, small), (_, large)) in small.into_iter().zip(large) {
        let answer = |body| Answer::new(200, body).header("content-encoding", name);
        let world = one_feed("interval = \"1h\"", [answer(small)]).await;
        assert!(sent(&world, "accept-encoding")[0].contains(name));
        assert_eq!(world.posts().await.len(), 1, "{name}");
        let world = setup_of(&feed("blog", ""), "max_body = \"4 KiB\"").open().await;
        world.feeds.script("/blog", [answer(large)]);
        world.poll().await;
        let why = world.feed("blog").await.last_error;
        assert!(why.contains("larger than 4096 bytes unpacked"), "{name}: {why}");
    }
}

#[tokio::test]
async fn point_23_nothing_is_sent_that_a_feed_does_not_need() {
    let with_cookie = good().header("set-cookie", "id=1; Path=/; Max-Age=99999999");
    let world = one_feed("", [with_cookie]).await;
    let there = world.feeds.url("/there");
    let away = Answer::redirect(302, there.as_str()).header("set-cookie", "id=2; Path=/");
    world.feeds.script("/blog", [away, not_modified()]);
    world.feeds.script("/there", [good().header("refresh", "1")]);
    world.poll_again("blog").await;
    world.poll_again("blog").await;
    let asked = world.feeds.asked();
    assert_eq!(asked.len(), 4);
    for asked in &asked {
        assert!(
            asked
                .header("accept")
                .expect("accept")
                .starts_with("application/atom+xml, application/rss+xml")
        );
        for name in ["cookie", "referer", "cache-control", "pragma", "authorization"] {
            assert_eq!(asked.header(name), None, "{name}");
        }
        assert!(!asked.path.contains('?'), "{}", asked.path);
    }
}

#[tokio::test]
async fn point_24_a_connection_is_kept_and_all_hops_share_one_time_out() {
    let world = one_feed("", [good(), not_modified()]).await;
    world.poll_again("blog").await;
    let asked = world.feeds.asked();
    assert_eq!(asked[0].peer, asked[1].peer, "the second request came on the same connection");
    // Each hop is quick enough, all of them are not.
    let setup = setup_of(&feed("blog", ""), "timeout = \"1s\"");
    let world = setup.open().await;
    let slow = Duration::from_millis(400);
    for (from, to) in [("/blog", "/a"), ("/a", "/b"), ("/b", "/c")] {
        let to = world.feeds.url(to);
        world.feeds.script(from, [Answer::redirect(302, to.as_str()).late(slow)]);
    }
    world.feeds.script("/c", [good().late(slow)]);
    assert_eq!(world.poll().await.failed, 1);
    let why = world.feed("blog").await.last_error;
    assert!(why.contains("did not answer in full within 1 s"), "{why}");
}
