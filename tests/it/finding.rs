//! A site in the place of a feed: its feed is found, kept, and looked for anew when it fails.

use super::feed_server::Answer;
use super::world::{World, blog};

const SITE: &str = r#"
[[profile]]
name = "main"
platforms = ["twitter"]
min_gap = "1s"
[[feed]]
name = "blog"
url = "SITE/"
first_run = "all"
hold_above = 100
"#;

fn page(links: &str) -> Answer {
    let page = format!("<!doctype html><html><head>{links}</head><body>Hello</body></html>");
    Answer::new(200, page).header("content-type", "text/html")
}

fn link(href: &str, title: &str) -> String {
    format!("<link rel=alternate type=application/rss+xml title=\"{title}\" href=\"{href}\">")
}

fn asked_of(world: &World) -> Vec<String> {
    world.feeds.asked().into_iter().map(|asked| asked.path).collect()
}

#[tokio::test]
async fn a_site_is_asked_once_and_its_feed_from_then_on() {
    let world = World::open(SITE).await;
    let links = [link("/comments/feed", "Comments"), link("/news", "News")].concat();
    world.feeds.script("/", [page(&links)]);
    world.offers("/news", blog(1..3));
    world.offers("/comments/feed", blog(7..9));
    assert_eq!(world.poll().await.new_entries, 2);
    world.offers("/news", blog(1..4));
    assert_eq!(world.poll_again("blog").await.new_entries, 1);
    world.poll_again("blog").await;
    assert_eq!(asked_of(&world), ["/", "/news", "/news", "/news"]);
    let state = world.feed("blog").await;
    assert_eq!(state.found_url, Some(world.feeds.url("/news").to_string()));
    world.run_until_quiet().await;
    assert_eq!(world.published().len(), 3);
    world.assert_agrees().await;
}

#[tokio::test]
async fn it_is_found_after_a_restart_too_and_forgotten_with_the_address() {
    let mut world = World::open(SITE).await;
    world.feeds.script("/", [page(&link("/news", ""))]);
    world.offers("/news", blog(1..3));
    world.poll().await;
    world.restart().await;
    world.poll_again("blog").await;
    assert_eq!(asked_of(&world), ["/", "/news", "/news"]);
    let site = world.feeds.url("/").to_string();
    world.rewrite(&format!("url = \"{site}\""), &format!("url = \"{site}other\""));
    world.offers("/other", blog(1..4));
    world.restart().await;
    assert_eq!(world.poll().await.new_entries, 1);
    assert_eq!(world.feed("blog").await.found_url, None);
}

#[tokio::test]
async fn usual_places_are_tried_when_the_page_names_none_and_seldom() {
    let world = World::open(SITE).await;
    world.feeds.script("/", [page("")]);
    assert_eq!(world.poll().await.failed, 1);
    let first = asked_of(&world);
    assert_eq!(first.len(), 8, "{first:?}");
    let why = world.feed("blog").await.last_error;
    assert!(why.contains("names no feed"), "{why}");
    // The next polls ask the page alone.
    world.poll_again("blog").await;
    world.poll_again("blog").await;
    assert_eq!(asked_of(&world).len(), 10);
    // Some failures later once more, and then it is there.
    world.offers("/atom.xml", blog(1..3));
    assert_eq!(world.poll_again("blog").await.new_entries, 2);
    let found = world.feed("blog").await.found_url;
    assert_eq!(found, Some(world.feeds.url("/atom.xml").to_string()));
    for _ in 0..10 {
        world.poll_again("blog").await;
    }
    let guesses = asked_of(&world).iter().filter(|path| *path == "/feed").count();
    assert_eq!(guesses, 2);
}

#[tokio::test]
async fn a_found_feed_that_fails_again_and_again_is_looked_for_anew() {
    let world = World::open(SITE).await;
    world.feeds.script("/", [page(&link("/old", ""))]);
    world.offers("/old", blog(1..3));
    world.poll().await;
    world.feeds.script("/old", [Answer::new(404, "")]);
    world.feeds.script("/", [page(&link("/new", ""))]);
    world.offers("/new", blog(1..4));
    for _ in 0..3 {
        assert_eq!(world.poll_again("blog").await.failed, 1);
    }
    assert_eq!(world.poll_again("blog").await.new_entries, 1, "what was seen stays seen");
    let found = world.feed("blog").await.found_url;
    assert_eq!(found, Some(world.feeds.url("/new").to_string()));
}

#[tokio::test]
async fn a_found_feed_that_is_gone_does_not_retire_the_site() {
    let world = World::open(SITE).await;
    world.feeds.script("/", [page(&link("/old", ""))]);
    world.offers("/old", blog(1..3));
    world.poll().await;
    world.feeds.script("/old", [Answer::new(410, "")]);
    world.feeds.script("/", [page(&link("/new", ""))]);
    world.offers("/new", blog(1..4));
    assert_eq!(world.poll_again("blog").await.failed, 1);
    assert_eq!(world.feed("blog").await.gone_at, None);
    assert_eq!(world.poll_again("blog").await.new_entries, 1);
}

#[tokio::test]
async fn a_server_that_has_enough_ends_the_search() {
    let world = World::open(SITE).await;
    world.feeds.script("/", [page("")]);
    world.feeds.script("/feed", [Answer::new(429, "")]);
    assert_eq!(world.poll().await.failed, 1);
    assert_eq!(asked_of(&world), ["/", "/feed"]);
}
