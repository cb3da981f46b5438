//! Feeds behind a login, headers, cookies or a proxy: each server is shown what is its own.

use tidings::config::{self, Environment};

use super::feed_server::{Answer, Asked, FeedServer};
use super::world::{Setup, World, blog};

const PROFILE: &str = "[[profile]]\nname = \"main\"\nplatforms = [\"twitter\"]\n";

async fn world(feed: &str) -> World {
    let text = format!(
        "{PROFILE}[[feed]]\nname = \"blog\"\nurl = \"SITE/blog\"\nfirst_run = \"all\"\n{feed}\n"
    );
    let mut setup = Setup::new(&text);
    setup.environment.extend([
        ("FEED_PASSWORD", "open sesame"),
        ("FEED_TOKEN", "the-feed-token"),
        ("FEED_SESSION", "the-session"),
        ("PROXY_PASSWORD", "the-proxy-password"),
    ]);
    setup.open().await
}

fn shown(asked: &Asked, name: &str) -> Option<String> {
    asked.headers.get(name).map(|value| value.to_str().expect("ASCII").to_owned())
}

fn only(feeds: &FeedServer) -> Asked {
    let asked = feeds.asked();
    assert_eq!(asked.len(), 1);
    asked.into_iter().next().expect("one")
}

const EVERYTHING: &str = r#"auth = { bearer = { env = "FEED_TOKEN" } }
headers = { "X-Client" = "tidings", "X-Token" = { env = "FEED_TOKEN" } }
cookies = { session = { env = "FEED_SESSION" }, other = { env = "FEED_TOKEN" } }"#;

#[tokio::test]
async fn a_feeds_server_is_shown_its_login_headers_and_cookies() {
    let world = world(EVERYTHING).await;
    world.offers("/blog", blog(1..3));
    assert_eq!(world.poll().await.new_entries, 2);
    let asked = only(&world.feeds);
    assert_eq!(shown(&asked, "authorization").as_deref(), Some("Bearer the-feed-token"));
    assert_eq!(shown(&asked, "x-client").as_deref(), Some("tidings"));
    assert_eq!(shown(&asked, "x-token").as_deref(), Some("the-feed-token"));
    let cookie = shown(&asked, "cookie");
    assert_eq!(cookie.as_deref(), Some("other=the-feed-token; session=the-session"));
    assert_eq!(asked.headers.get_all("cookie").iter().count(), 1);
}

#[tokio::test]
async fn a_login_by_user_and_password_is_basic() {
    let feed = r#"auth = { basic = { user = "aladdin", password = { env = "FEED_PASSWORD" } } }"#;
    let world = world(feed).await;
    world.offers("/blog", blog(1..3));
    assert_eq!(world.poll().await.new_entries, 2);
    let asked = only(&world.feeds);
    let basic = "Basic YWxhZGRpbjpvcGVuIHNlc2FtZQ==";
    assert_eq!(shown(&asked, "authorization").as_deref(), Some(basic));
}

#[tokio::test]
async fn another_server_is_shown_nothing_wherever_a_redirect_leads() {
    let world = world(EVERYTHING).await;
    let elsewhere = FeedServer::start().await;
    world.feeds.script("/blog", [Answer::redirect(302, elsewhere.url("/there").as_str())]);
    elsewhere.script("/there", [Answer::redirect(307, world.feeds.url("/back").as_str())]);
    world.offers("/back", blog(1..3));
    assert_eq!(world.poll().await.new_entries, 2);
    let there = only(&elsewhere);
    for name in ["authorization", "x-client", "x-token", "cookie"] {
        assert_eq!(shown(&there, name), None, "{name}");
        for asked in world.feeds.asked() {
            assert!(shown(&asked, name).is_some(), "{name} of {}", asked.path);
        }
    }
    assert_eq!(world.feeds.asked().len(), 2);
    // A refusal there names the reason.
    elsewhere.script("/there", [Answer::new(401, "")]);
    let report = world.poll_again("blog").await;
    assert_eq!(report.failed, 1);
    let why = world.feed("blog").await.last_error;
    assert!(why.contains("only to the server of its `url`"), "{why}");
}

#[tokio::test]
async fn a_refused_login_says_what_to_check() {
    let told = async |feed: &str| {
        let world = world(feed).await;
        world.feeds.script("/blog", [Answer::new(401, "")]);
        assert_eq!(world.poll().await.failed, 1);
        world.feed("blog").await.last_error
    };
    assert!(told("").await.contains("or give the feed `auth`"));
    assert!(told(EVERYTHING).await.contains("is not accepted: check it"));
}

#[tokio::test]
async fn a_proxy_is_asked_in_the_servers_place() {
    let feed = r#"proxy = { url = "SITE", user = "me", password = { env = "PROXY_PASSWORD" } }
auth = { bearer = { env = "FEED_TOKEN" } }"#;
    let mut world = world(feed).await;
    world.rewrite(world.feeds.url("/blog").as_str(), "http://blog.invalid/feed.xml");
    world.restart().await;
    world.offers("http://blog.invalid/feed.xml", blog(1..3));
    assert_eq!(world.poll().await.new_entries, 2);
    let asked = only(&world.feeds);
    let login = "Basic bWU6dGhlLXByb3h5LXBhc3N3b3Jk";
    assert_eq!(shown(&asked, "proxy-authorization").as_deref(), Some(login));
    assert_eq!(shown(&asked, "authorization").as_deref(), Some("Bearer the-feed-token"));
    // The guard still refuses what it can see.
    world.rewrite("http://blog.invalid/feed.xml", "http://10.1.2.3/feed.xml");
    world.restart().await;
    assert_eq!(world.poll().await.failed, 1);
    let why = world.feed("blog").await.last_error;
    assert!(why.contains("fetch.allow_private"), "{why}");
    assert_eq!(world.feeds.asked().len(), 1);
}

#[tokio::test]
async fn a_feeds_own_way_goes_before_that_of_all() {
    let mut world = world("proxy = \"\"").await;
    // Nobody listens there.
    world.rewrite("[fetch]", "[fetch]\nproxy = \"http://127.0.0.1:9\"");
    world.restart().await;
    world.offers("/blog", blog(1..3));
    assert_eq!(world.poll().await.new_entries, 2);
    world.rewrite("proxy = \"\"", "");
    world.restart().await;
    assert_eq!(world.poll_again("blog").await.failed, 1);
}

#[tokio::test]
async fn a_file_of_certificates_that_is_none_is_told_at_the_start() {
    let world = world("").await;
    for (content, told) in [
        (None, "cannot read the ca_file"),
        (Some("no certificate"), "BEGIN CERTIFICATE"),
        (Some("-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n"), "is broken"),
    ] {
        let file = world.path("ca.pem");
        if let Some(content) = content {
            std::fs::write(&file, content).expect("written");
        }
        let mut config = (*world.daemon.config).clone();
        config.fetch.route.ca_file = Some(file);
        let secrets = world.secrets();
        let error = tidings::daemon::access::Access::new(&config, &[], &secrets.feeds)
            .expect_err("no certificate");
        let text = tidings::http::chain(&error);
        assert!(text.contains(told), "{text}");
    }
}

#[test]
fn credentials_that_travel_in_the_open_are_warned_of() {
    let text = format!(
        "{PROFILE}[[feed]]\nname = \"blog\"\nurl = \"http://blog.example/feed\"\n{EVERYTHING}\n"
    );
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("tidings.toml");
    std::fs::write(&file, &text).expect("written");
    let config = config::load(&file, &Environment::default()).expect("loads");
    assert!(config.warnings[0].contains("travels in the open"), "{:?}", config.warnings);
    let debug = format!("{config:?}");
    assert!(debug.contains("FEED_TOKEN"), "references are no secrets");
    std::fs::write(&file, text.replace("http://", "https://")).expect("written");
    assert_eq!(config::load(&file, &Environment::default()).expect("loads").warnings, [""; 0]);
}
