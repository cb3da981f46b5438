//! What becomes a post: the first run, later entries, edits, bursts and rebuilt feeds.

use chrono::TimeDelta;
use tidings::domain::post::State;

use crate::world::{BLOG, Item, World, blog, item, rss, start};

#[tokio::test]
async fn the_first_run_posts_what_its_policy_says_and_later_entries_all_go_out() {
    let since = (start() - TimeDelta::hours(98)).format("%Y-%m-%dT%H:%M:%SZ");
    for (policy, expected) in [
        ("\"none\"".to_owned(), vec![]),
        ("\"all\"".to_owned(), vec![1, 2, 3]),
        ("{ latest = 1 }".to_owned(), vec![3]),
        (format!("{{ since = \"{since}\" }}"), vec![2, 3]),
    ] {
        let config = BLOG.replace("first_run = \"all\"", &format!("first_run = {policy}"));
        let world = World::open(&config).await;
        world.offers("/blog", blog([3, 2, 1]));
        world.run_until_quiet().await;
        let links = |world: &World| -> Vec<String> {
            let link = |text: &str| text.lines().last().unwrap_or_default().to_owned();
            world.published().iter().map(|it| link(&it.text)).collect()
        };
        let expected: Vec<_> = expected.iter().filter_map(|n| item(*n).link).collect();
        assert_eq!(links(&world), expected, "{policy}");
        world.offers("/blog", blog([5, 4, 3, 2, 1]));
        let report = world.poll_again("blog").await;
        assert_eq!((report.new_entries, report.posts), (2, 2), "{policy}");
        world.run_until_quiet().await;
        assert_eq!(links(&world).len(), expected.len() + 2, "{policy}");
        assert_eq!(links(&world).last(), item(5).link.as_ref(), "the oldest goes first");
        world.assert_agrees().await;
    }
}

#[tokio::test]
async fn what_is_edited_reordered_or_gone_and_back_is_not_posted_again() {
    let world = World::with_blog([3, 2, 1]).await;
    world.run_until_quiet().await;
    let edited = Item { title: "A better title for number 2".into(), ..item(2) };
    let redated = Item { at: Some(start()), ..item(1) };
    for body in [
        rss(&[item(3), edited, redated]),
        blog([1, 3, 2]),
        blog([3]),
        blog([]),
        blog([2]),
        blog([3, 2, 1, 2]),
    ] {
        world.offers("/blog", body.clone());
        world.poll_again("blog").await;
        world.run_until_quiet().await;
        assert_eq!(world.published().len(), 3, "{body}");
    }
    world.assert_agrees().await;
}

#[tokio::test]
async fn a_site_that_moves_to_https_or_to_another_address_is_known_again() {
    let http = |n: i32| Item {
        guid: None,
        link: Some(format!("http://www.blog.example.com/{n}/?utm_source=rss")),
        ..item(n)
    };
    let mut world = World::open(BLOG).await;
    world.offers("/blog", rss(&[http(2), http(1)]));
    world.run_until_quiet().await;
    assert_eq!(world.published().len(), 2);
    let https = |n: i32| Item { guid: None, ..item(n) };
    world.offers("/blog", rss(&[https(2), https(1)]));
    assert_eq!(world.poll_again("blog").await.new_entries, 0);
    world.offers("/moved", rss(&[https(3), https(2), https(1)]));
    world.rewrite("/blog", "/moved");
    world.restart().await;
    let report = world.poll().await;
    assert_eq!((report.polled, report.new_entries), (1, 1), "a new address is asked at once");
    world.run_until_quiet().await;
    assert_eq!(world.published().len(), 3);
    world.assert_agrees().await;
}

#[tokio::test]
async fn a_burst_is_held_until_somebody_lets_it_go() {
    let world = World::open(&BLOG.replace("hold_above = 100", "hold_above = 3")).await;
    world.offers("/blog", blog([2, 1]));
    world.run_until_quiet().await;
    world.offers("/blog", blog((1..=7).rev()));
    world.poll_again("blog").await;
    world.run_for(TimeDelta::days(1)).await;
    assert_eq!(world.published().len(), 2);
    let posts = world.posts().await;
    let held: Vec<_> = posts.iter().filter(|post| post.life.state == State::Held).collect();
    assert_eq!(held.len(), 5);
    assert!(held.iter().all(|post| post.life.reason.contains("hold_above")));
    assert_eq!(world.desk().approve_all(Some("another")).await.expect("approves"), 0);
    assert_eq!(world.desk().approve_all(Some("blog")).await.expect("approves"), 5);
    world.run_until_quiet().await;
    assert_eq!(world.published().len(), 7);
    world.assert_agrees().await;
}

#[tokio::test]
async fn a_feed_that_is_rebuilt_from_scratch_is_held() {
    let world = World::with_blog([3, 2, 1]).await;
    world.run_until_quiet().await;
    let anew = |n: i32| Item {
        guid: Some(format!("https://new.example.com/?p={n}")),
        title: format!("Rebuilt: {}", item(n).title),
        link: Some(format!("https://new.example.com/articles/{n}")),
        at: Some(world.now()),
    };
    world.offers("/blog", rss(&[anew(3), anew(2), anew(1)]));
    world.poll_again("blog").await;
    world.run_for(TimeDelta::days(1)).await;
    assert_eq!(world.published().len(), 3);
    let held = world.states().await.iter().filter(|state| **state == State::Held).count();
    assert_eq!(held, 3);
    world.assert_agrees().await;
}
