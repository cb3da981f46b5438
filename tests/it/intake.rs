//! Fetching, reading and surviving feeds, against a server that answers by script.

#![expect(
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test may fail by panicking, in its helpers too"
)]

use std::fmt::Write as _;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ipnet::IpNet;
use reqwest::Client;
use tidings::feed::fetch::{Ask, FailureKind, Fetched, Limits, New, Sameness, Validators, fetch};
use tidings::feed::parse::Reader;
use tidings::http::{Options, feed_client};
use url::Url;

use super::feed_server::{Answer, FeedServer};

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
        self.body_hash = Some(new.body_hash.to_vec());
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
    assert_eq!(new.reader, Reader::FeedRs);
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

/// A gzip stream of so many stretches of 65,535 zeros, each packed by a fixed-code block: one zero
/// and 254 repetitions of it 258 times. Written by hand, so that no packer is needed.
fn gzip_of_zeros(blocks: usize) -> Vec<u8> {
    let mut bits: Vec<bool> = Vec::new();
    for _ in 0..blocks {
        // Not the last block, fixed codes: 0, then 01 with the low bit first.
        bits.extend([false, true, false]);
        // Literal 0: 0x30 in 8 bits, high bit first.
        bits.extend((0..8).rev().map(|bit| 0x30 >> bit & 1 == 1));
        for _ in 0..254 {
            // Length 258 (code 285: 0xc5 in 8 bits), distance 1 (code 0 in 5 bits).
            bits.extend((0..8).rev().map(|bit| 0xc5 >> bit & 1 == 1));
            bits.extend([false; 5]);
        }
        // End of block: 7 zero bits.
        bits.extend([false; 7]);
    }
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    for byte in bits.chunks(8) {
        let packed =
            byte.iter().enumerate().fold(0_u8, |packed, (at, bit)| packed | (u8::from(*bit) << at));
        out.push(packed);
    }
    out
}

fn rss(inner: &str) -> String {
    format!(
        "<rss version=\"2.0\" xmlns:media=\"http://search.yahoo.com/mrss/\"><channel><title>t</title>{inner}</channel></rss>"
    )
}

fn nested(tag: &str, depth: usize) -> String {
    format!("{}x{}", format!("<{tag}>").repeat(depth), format!("</{tag}>").repeat(depth))
}

fn items(count: usize) -> String {
    (0..count).fold(String::new(), |mut text, n| {
        write!(text, "<item><title>t{n}</title><guid>{n}</guid></item>").expect("text");
        text
    })
}

/// Every hostile input of the measurements, smaller where size is not the point, plus those that aim
/// at our own reader.
fn hostile() -> Vec<(&'static str, String)> {
    let item = |inner: &str| rss(&format!("<item><title>t</title>{inner}</item>"));
    let base = "p/".repeat(200_000);
    let lols: String = (1..10).fold(String::new(), |mut text, n| {
        let inner = format!("&l{};", n - 1).repeat(10);
        write!(text, "<!ENTITY l{n} \"{inner}\">").expect("text");
        text
    });
    let numbered = |count: usize, name: &str| {
        (0..count).fold(String::new(), |mut text, n| {
            write!(text, " {name}{n}=\"v{n}\"").expect("text");
            text
        })
    };
    let attributes = numbered(100_000, "a");
    let namespaces = numbered(20_000, "xmlns:n");
    vec![
        ("media:content nested", item(&nested("media:content", 1000))),
        ("media:group nested", item(&nested("media:group", 2000))),
        ("unknown nested", rss(&nested("a", 200_000))),
        ("description nested", item(&nested("description", 10_000))),
        ("html nested", item(&format!("<description>{}</description>", nested("b", 10_000)))),
        ("unclosed nested", rss(&"<a>".repeat(100_000))),
        ("xml:base", format!("<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:base=\"http://x/{base}\">{}</feed>", "<entry/>".repeat(4000))),
        ("xml:base nested", nested("a xml:base=\"http://x.example/p/\"", 5000)),
        ("empty items", rss(&"<item/>".repeat(300_000))),
        ("items", rss(&items(100_000))),
        ("items to the limit", rss(&items(5000))),
        ("items of one guid", rss(&"<item><guid>g</guid><link>http://x/a</link></item>".repeat(5000))),
        ("big description", item(&format!("<description>{}</description>", "lorem ".repeat(1_000_000)))),
        ("big attribute", item(&format!("<enclosure url=\"http://x/{}\"/>", "a".repeat(5_000_000)))),
        ("attributes", item(&format!("<category{attributes}>c</category>"))),
        ("namespaces", item(&format!("<x{namespaces}/>"))),
        ("categories", item(&"<category>c</category>".repeat(50_000))),
        ("references", item(&format!("<description>{}</description>", "&amp;".repeat(300_000)))),
        ("cdata", item(&format!("<description>{}</description>", "<![CDATA[x]]>".repeat(300_000)))),
        ("comment", rss(&format!("<!--{}-->", "c".repeat(5_000_000)))),
        ("billion laughs", format!("<!DOCTYPE r [<!ENTITY l0 \"lol\">{lols}]>{}", item("<description>&l9;</description>"))),
        ("external entity", format!("<!DOCTYPE r [<!ENTITY a SYSTEM \"file:///etc/hostname\">]>{}", item("<description>[&a;]</description>"))),
        ("long date", item(&format!("<pubDate>Thu, 01 Jan 2026 {}</pubDate>", "0".repeat(1_000_000)))),
        ("bad dates", rss(&"<item><pubDate>Thirtysomethingth of Never, 20256 25:61:61 GMT+99:99</pubDate></item>".repeat(5000))),
        ("author that panics", item("<author>张三（zhang@x.cn）</author>")),
        ("null reference", item("<description>&#0;&#x1F;</description>")),
        ("wrong close", rss("<item><a><b></a></item></b></a>")),
        ("no tag", "x".repeat(5_000_000)),
        ("open bracket", format!("<{}", "a".repeat(5_000_000))),
        ("open quotes", rss(&"<a \"".repeat(200_000))),
        ("declarations", rss(&"<!a>".repeat(500_000))),
        ("stray ends", rss(&format!("{}{}", "<a>".repeat(50), "</b>".repeat(100_000)))),
        ("brackets", rss(&"<".repeat(1_000_000))),
        ("title of brackets", item(&format!("<title><![CDATA[{}]]></title>", "<".repeat(500_000)))),
        ("json nested", format!("{{\"version\":\"1\",\"items\":[],\"x\":{}", "[".repeat(100_000))),
        ("json items", format!("{{\"version\":\"1\",\"items\":[{}{{}}]}}", "{},".repeat(100_000))),
    ]
}

#[test]
fn hostile_feeds_neither_abort_nor_panic_nor_take_long() {
    use tidings::domain::entry::identify;
    use tidings::feed::{decode::decode, parse::parse};
    let base = Url::parse("https://x.example/feed").expect("url");
    let mut refused = Vec::new();
    // A worker's usual stack.
    let worker = std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(move || {
        for (name, text) in hostile() {
            match parse(&decode(text.as_bytes(), None), &base) {
                Ok(parsed) => {
                    let entries = identify(&parsed.feed);
                    println!(
                        "{name}: {:?}, {} entries, {:?}",
                        parsed.reader,
                        entries.len(),
                        parsed.repairs
                    );
                }
                Err(why) => {
                    println!("{name}: {why}");
                    refused.push(name);
                }
            }
        }
        refused
    });
    let refused = worker.expect("a thread").join().expect("no panic");
    for name in [
        "media:content nested",
        "media:group nested",
        "xml:base",
        "empty items",
        "items",
        "json items",
    ] {
        assert!(refused.contains(&name), "{name}");
    }
    for name in [
        "items to the limit",
        "big description",
        "billion laughs",
        "author that panics",
        "null reference",
    ] {
        assert!(!refused.contains(&name), "{name}");
    }
}
