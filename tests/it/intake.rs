//! Fetching, reading and surviving feeds, against a server that answers by script.

#![expect(
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test may fail by panicking, in its helpers too"
)]

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ipnet::IpNet;
use reqwest::Client;
use tidings::feed::fetch::{
    Ask, Credentials, FailureKind, Fetched, Limits, New, Sameness, Validators, fetch,
};
use tidings::feed::parse::Reader;
use tidings::http::{Options, Route, feed_client};
use url::Url;

use super::feed_server::{Answer, FeedServer};
use super::hostile::bombs::gzip_of_zeros;

const FEED: &str = r#"<rss version="2.0"><channel><title>T</title><link>/</link>
    <item><title>One</title><link>/1</link><guid isPermaLink="false">g1</guid></item></channel></rss>"#;

fn loopback() -> Vec<IpNet> {
    vec!["127.0.0.0/8".parse().expect("net")]
}

fn client(timeout: Duration) -> Client {
    feed_client(&Options {
        user_agent: "tidings/test (+https://example.com)".into(),
        timeout,
        connect_timeout: timeout,
        allow_private: loopback(),
        route: Route::default(),
    })
    .expect("client")
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).expect("date")
}

/// What one feed remembers between fetches.
struct Feed {
    url: Url,
    validators: Validators,
    validators_url: Option<String>,
    body_hash: Option<Vec<u8>>,
    max_body: usize,
    allow: Vec<IpNet>,
    client: Client,
    timeout: Duration,
}

impl Feed {
    fn new(url: Url) -> Self {
        Self {
            url,
            validators: Validators::default(),
            validators_url: None,
            body_hash: None,
            max_body: 1_000_000,
            allow: loopback(),
            client: client(Duration::from_secs(10)),
            timeout: Duration::from_secs(10),
        }
    }

    async fn fetch(&self) -> Fetched {
        let ask = Ask {
            url: &self.url,
            validators: &self.validators,
            validators_url: self.validators_url.as_deref(),
            body_hash: self.body_hash.as_deref(),
            limits: Limits {
                timeout: self.timeout,
                max_body: self.max_body,
                allow_private: &self.allow,
                allow_http: false,
            },
            credentials: &Credentials::none(&self.url),
            now: now(),
        };
        fetch(&self.client, &ask).await
    }

    /// Fetches something new and remembers what it came with.
    async fn fetch_new(&mut self) -> New {
        let new = match self.fetch().await {
            Fetched::New(new) => *new,
            other => panic!("{other:?}"),
        };
        self.validators = new.validators.clone();
        self.validators_url = Some(new.final_url.to_string());
        self.body_hash = Some(new.body_hash.clone());
        new
    }

    async fn fail(&self) -> (FailureKind, String) {
        match self.fetch().await {
            Fetched::Failed { kind, why, .. } => (kind, why),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn validators_go_back_byte_for_byte_and_follow_every_answer() {
    let server = FeedServer::start().await;
    let odd = b"W/\"a\xe9 b\"".as_slice();
    server.script(
        "/feed",
        [
            Answer::new(200, FEED).header("etag", odd).header("last-modified", "yesterday"),
            Answer::new(304, "").header("etag", "\"2\"").header("cache-control", "max-age=60"),
            Answer::new(200, FEED.replace("One", "Two")),
            Answer::new(200, FEED),
        ],
    );
    let mut feed = Feed::new(server.url("/feed"));
    let new = feed.fetch_new().await;
    assert_eq!(new.reader, Reader::Own);
    assert_eq!(new.feed.items[0].link.as_deref(), Some(server.url("/1").as_str()));
    let Fetched::Unchanged { validators, fresh_for, how, .. } = feed.fetch().await else {
        panic!("unchanged");
    };
    assert_eq!(how, Sameness::NotModified);
    assert_eq!(fresh_for, Some(TimeDelta::seconds(60)));
    assert_eq!(validators.etag.as_deref(), Some(b"\"2\"".as_slice()));
    assert_eq!(validators.last_modified.as_deref(), Some(b"yesterday".as_slice()));
    // A 200 without validators clears both.
    assert_eq!(feed.fetch_new().await.validators, Validators::default());
    feed.fetch_new().await;
    let asked = server.asked();
    assert_eq!(asked[1].headers["if-none-match"].as_bytes(), odd);
    assert_eq!(asked[1].headers["if-modified-since"], "yesterday");
    assert!(!asked[3].headers.contains_key("if-none-match"));
    for asked in &asked {
        assert_eq!(asked.headers["user-agent"], "tidings/test (+https://example.com)");
        assert!(asked.headers["accept"].to_str().expect("text").contains("application/rss+xml"));
        assert!(asked.headers["accept-encoding"].to_str().expect("text").contains("gzip"));
        for absent in ["cookie", "referer"] {
            assert!(!asked.headers.contains_key(absent));
        }
    }
}

#[tokio::test]
async fn the_same_body_is_unchanged_and_a_304_nobody_asked_for_is_none() {
    let server = FeedServer::start().await;
    server.script("/feed", [Answer::new(200, FEED)]);
    server.script("/lazy", [Answer::new(304, "")]);
    let mut feed = Feed::new(server.url("/feed"));
    feed.fetch_new().await;
    let again = feed.fetch().await;
    assert!(matches!(again, Fetched::Unchanged { how: Sameness::SameBody, .. }), "{again:?}");
    assert_eq!(Feed::new(server.url("/lazy")).fail().await.0, FailureKind::Status);
}

#[tokio::test]
async fn redirects_are_followed_five_times_and_validators_stay_with_their_address() {
    let server = FeedServer::start().await;
    for hop in 0..9 {
        let to = format!("/{}", hop + 1);
        server
            .script(&format!("/{hop}"), [Answer::redirect(if hop == 4 { 302 } else { 301 }, &to)]);
    }
    server.script("/9", [Answer::new(200, FEED).header("etag", "\"1\"")]);
    let mut feed = Feed::new(server.url("/6"));
    let new = feed.fetch_new().await;
    assert_eq!(new.final_url, server.url("/9"));
    assert_eq!(new.moved_to, Some(server.url("/9")));
    feed.body_hash = None;
    feed.fetch_new().await;
    let sent: Vec<(String, bool)> = server
        .asked()
        .iter()
        .map(|asked| (asked.path.clone(), asked.headers.contains_key("if-none-match")))
        .collect();
    assert_eq!(sent[4..7].iter().filter(|(_, conditional)| *conditional).count(), 0);
    assert_eq!(sent[7], ("/9".to_owned(), true));
    assert_eq!(Feed::new(server.url("/4")).fetch_new().await.moved_to, None);
    let (kind, why) = Feed::new(server.url("/3")).fail().await;
    assert_eq!(kind, FailureKind::Redirect, "{why}");
}

#[tokio::test]
async fn every_hop_is_guarded() {
    let server = FeedServer::start().await;
    for (path, to) in [
        ("/private", "http://10.0.0.1/feed"),
        ("/metadata", "http://169.254.169.254/latest"),
        ("/six", "http://[::1]/feed"),
        ("/file", "file:///etc/passwd"),
    ] {
        server.script(path, [Answer::redirect(302, to)]);
        let (kind, why) = Feed::new(server.url(path)).fail().await;
        assert_eq!(kind, FailureKind::Address, "{path}: {why}");
    }
    let mut feed = Feed::new(server.url("/private"));
    feed.allow.clear();
    let (kind, why) = feed.fail().await;
    assert_eq!(kind, FailureKind::Address);
    assert!(why.contains("fetch.allow_private"), "{why}");
    assert_eq!(server.asked().len(), 4, "the guarded request never left");
}

#[tokio::test]
async fn every_status_has_its_meaning() {
    let server = FeedServer::start().await;
    for (status, expected) in [
        (401, FailureKind::Denied),
        (403, FailureKind::Denied),
        (404, FailureKind::NotFound),
        (418, FailureKind::Status),
        (429, FailureKind::TooMany),
        (500, FailureKind::Server),
        (503, FailureKind::Server),
        (204, FailureKind::Status),
    ] {
        server.script("/s", [Answer::new(status, "").header("retry-after", "90")]);
        let Fetched::Failed { kind, why, retry_after, status: told, .. } =
            Feed::new(server.url("/s")).fetch().await
        else {
            panic!("{status}");
        };
        assert_eq!((kind, told), (expected, Some(status)), "{why}");
        assert_eq!(retry_after, Some(TimeDelta::seconds(90)));
        assert!(why.contains("/s answers"), "{why}");
    }
    server.script("/s", [Answer::new(410, "")]);
    assert!(matches!(Feed::new(server.url("/s")).fetch().await, Fetched::Gone));
}

#[tokio::test]
async fn a_page_an_empty_body_and_rubbish_are_errors_that_say_so() {
    let server = FeedServer::start().await;
    let page = "<!doctype html><html><head><link rel=alternate type='application/rss+xml' href='/real.xml'></head>";
    server.script("/page", [Answer::new(200, page).header("content-type", "text/html")]);
    server.script("/empty", [Answer::new(200, "  \n")]);
    server.script("/rubbish", [Answer::new(200, "hello")]);
    server.script("/json", [Answer::new(200, "{\"a\":1}")]);
    let (kind, why) = Feed::new(server.url("/page")).fail().await;
    assert_eq!(kind, FailureKind::NotAFeed);
    assert!(why.contains(server.url("/real.xml").as_str()), "{why}");
    assert_eq!(Feed::new(server.url("/empty")).fail().await.0, FailureKind::Empty);
    assert_eq!(Feed::new(server.url("/rubbish")).fail().await.0, FailureKind::NotAFeed);
    assert_eq!(Feed::new(server.url("/json")).fail().await.0, FailureKind::NotAFeed);
    // A feed in a page's clothes is a feed.
    server.script("/page", [Answer::new(200, FEED).header("content-type", "text/html")]);
    Feed::new(server.url("/page")).fetch_new().await;
}

#[tokio::test]
async fn a_body_without_end_runs_out_of_time_and_a_bomb_is_cut() {
    let server = FeedServer::start().await;
    server.script("/slow", [Answer::new(200, FEED).stalling()]);
    let bomb = gzip_of_zeros(40);
    server.script("/bomb", [Answer::new(200, bomb).header("content-encoding", "gzip")]);
    let mut feed = Feed::new(server.url("/slow"));
    feed.client = client(Duration::from_millis(300));
    let (kind, why) = feed.fail().await;
    assert_eq!(kind, FailureKind::Timeout, "{why}");
    let (kind, why) = Feed::new(server.url("/bomb")).fail().await;
    assert_eq!(kind, FailureKind::TooLarge, "{why}");
    let nobody = Url::parse("http://127.0.0.1:1/").expect("url");
    assert_eq!(Feed::new(nobody).fail().await.0, FailureKind::Network);
}
