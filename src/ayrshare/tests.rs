use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;
use crate::domain::backoff::ASKED_MAX;
use crate::domain::media::{Kind, Place};

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;
const SECRETS: [&str; 4] = ["api-key-value", "profile-key-value", "x-key-value", "x-secret-value"];

/// The secrets of a profile, owned.
struct Secrets([SecretString; 4]);

impl Secrets {
    fn new() -> Self {
        Self(SECRETS.map(SecretString::from))
    }

    fn credentials(&self) -> Credentials<'_> {
        let [api_key, profile_key, key, secret] = &self.0;
        Credentials { api_key, profile_key: Some(profile_key), x: Some(XPair { key, secret }) }
    }
}

fn http(timeout: Duration) -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(0)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .timeout(timeout)
        .build()
        .expect("a client")
}

fn client(address: SocketAddr) -> Client {
    let url = Url::parse(&format!("http://{address}/api/")).expect("an address");
    Client::new(http(Duration::from_secs(20)), &url)
}

static NO_OPTIONS: LazyLock<Options> = LazyLock::new(Options::default);

fn image(url: &str, alt: &str) -> Attachment {
    Attachment { url: url.into(), kind: Kind::Png, alt: alt.into(), place: Place::Content }
}

fn request(platform: &str) -> PostRequest<'_> {
    PostRequest {
        text: "Grüße",
        platform,
        media: &[],
        options: &NO_OPTIONS,
        idempotency_key: "k:1",
        notes: "tidings:1:g1",
    }
}

/// A server for one connection: reads the whole request, answers with these bytes, and closes.
async fn server(answer: Vec<u8>) -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let request = whole_request(&mut stream).await;
        stream.write_all(&answer).await.expect("written");
        stream.shutdown().await.expect("closed");
        request
    });
    (address, task)
}

async fn whole_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
                .unwrap_or(0);
            if body.len() >= length {
                return text.into_owned();
            }
        }
        let mut part = [0; 1024];
        let read = stream.read(&mut part).await.expect("a request");
        assert!(read > 0, "the request is cut");
        bytes.extend_from_slice(&part[..read]);
    }
}

fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}\r\n{body}").into_bytes()
}

fn assert_no_secret(text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

/// Posts once to a server that answers like this.
async fn post_to(answer: Vec<u8>) -> (Reply, String) {
    let (address, task) = server(answer).await;
    let secrets = Secrets::new();
    let client = client(address);
    let reply = client.post(secrets.credentials(), &request(X), NOW).await;
    assert_no_secret(&format!("{reply:?}"));
    (reply, task.await.expect("the server ends"))
}

#[tokio::test]
async fn a_post_to_x_carries_all_it_needs() {
    let (reply, sent) = post_to(answer("200 OK", "", r#"{"status":"success"}"#)).await;
    assert_eq!(
        reply,
        Reply::Answered { status: 200, retry_after: None, body: r#"{"status":"success"}"#.into() }
    );
    let (head, body) = sent.split_once("\r\n\r\n").expect("a request");
    assert!(head.starts_with("POST /api/post HTTP/1.1\r\n"), "{head}");
    let head = head.to_ascii_lowercase();
    for line in [
        "authorization: bearer api-key-value",
        "profile-key: profile-key-value",
        "x-twitter-oauth1-api-key: x-key-value",
        "x-twitter-oauth1-api-secret: x-secret-value",
        "content-type: application/json",
    ] {
        assert_eq!(head.lines().filter(|had| *had == line).count(), 1, "{line}");
    }
    assert_eq!(
        body,
        r#"{"post":"Grüße","platforms":["twitter"],"idempotencyKey":"k:1","notes":"tidings:1:g1"}"#
    );
}

#[tokio::test]
async fn secrets_travel_only_where_they_are_needed() {
    let secrets = Secrets::new();
    let plain = Credentials { profile_key: None, x: None, ..secrets.credentials() };
    let media = [image("https://example.com/a.png", "")];
    for (platform, credentials, with_profile) in
        [("linkedin", secrets.credentials(), true), ("linkedin", plain, false), (X, plain, false)]
    {
        let (address, task) = server(answer("200 OK", "", "{}")).await;
        let request = PostRequest { media: &media, ..request(platform) };
        client(address).post(credentials, &request, NOW).await;
        let sent = task.await.expect("the server ends");
        assert!(!sent.to_ascii_lowercase().contains("x-twitter"), "{sent}");
        assert_eq!(sent.to_ascii_lowercase().contains("profile-key"), with_profile);
        assert!(sent.contains(r#""mediaUrls":["https://example.com/a.png"]"#), "{sent}");
    }
}

#[test]
fn alt_texts_go_to_x_alone_and_options_stand_beside_our_own_fields() {
    let options: Options = serde_json::from_value(serde_json::json!({
        "shortenLinks": true,
        "twitterOptions": {"replySettings": "following"},
    }))
    .expect("options");
    let media = [image("https://e.example/a.png", "A house"), image("https://e.example/b.png", "")];
    let body = |platform, media: &[Attachment]| {
        let request = PostRequest { media, options: &options, ..request(platform) };
        serde_json::to_string(&wire::Post::new(&request)).expect("JSON")
    };
    insta::assert_snapshot!(body(X, &media), @r#"{"post":"Grüße","platforms":["twitter"],"mediaUrls":["https://e.example/a.png","https://e.example/b.png"],"idempotencyKey":"k:1","notes":"tidings:1:g1","shortenLinks":true,"twitterOptions":{"altText":["A house",""],"replySettings":"following"}}"#);
    insta::assert_snapshot!(body("linkedin", &media[..1]), @r#"{"post":"Grüße","platforms":["linkedin"],"mediaUrls":["https://e.example/a.png"],"idempotencyKey":"k:1","notes":"tidings:1:g1","shortenLinks":true,"twitterOptions":{"replySettings":"following"}}"#);
    let video = Attachment { kind: Kind::Mp4, ..image("https://e.example/film", "No") };
    insta::assert_snapshot!(body(X, &[video]), @r#"{"post":"Grüße","platforms":["twitter"],"mediaUrls":["https://e.example/film"],"isVideo":true,"idempotencyKey":"k:1","notes":"tidings:1:g1","shortenLinks":true,"twitterOptions":{"replySettings":"following"}}"#);
}

#[tokio::test]
async fn look_ups_ask_ayrshare_and_never_carry_x_keys() {
    let secrets = Secrets::new();
    let (address, task) = server(answer("200 OK", "", "[]")).await;
    client(address).history(secrets.credentials(), (X, 3, 25), NOW).await;
    let sent = task.await.expect("the server ends");
    let line = "GET /api/history?limit=25&platforms=twitter&lastDays=3 HTTP/1.1\r\n";
    assert!(sent.starts_with(line), "{sent}");
    assert!(sent.contains("api-key-value") && sent.contains("profile-key-value"));
    assert!(!sent.to_ascii_lowercase().contains("x-twitter"), "{sent}");

    let (address, task) = server(answer("200 OK", "", "{}")).await;
    client(address).user(secrets.credentials(), NOW).await;
    let sent = task.await.expect("the server ends");
    assert!(sent.starts_with("GET /api/user HTTP/1.1\r\n"), "{sent}");
    assert!(!sent.to_ascii_lowercase().contains("x-twitter"), "{sent}");
}

#[tokio::test]
async fn a_refused_connection_means_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let secrets = Secrets::new();
    let reply = client(address).post(secrets.credentials(), &request(X), NOW).await;
    let Reply::NotSent { why } = &reply else {
        panic!("{reply:?}");
    };
    assert!(why.to_lowercase().contains("refused"), "{why}");
    assert!(why.contains("/api/post"), "{why}");
    assert_no_secret(why);
}

#[tokio::test]
async fn a_key_that_no_header_can_carry_is_not_sent_and_not_told() {
    let broken = SecretString::from("broken-key\nvalue");
    let secrets = Secrets::new();
    let credentials = Credentials { api_key: &broken, ..secrets.credentials() };
    let address = SocketAddr::from(([127, 0, 0, 1], 9));
    let reply = client(address).user(credentials, NOW).await;
    let why = "the API key holds characters that no header can carry".to_owned();
    assert_eq!(reply, Reply::NotSent { why });
}

#[tokio::test]
async fn a_connection_closed_before_tls_means_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let task = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        drop(stream);
    });
    let url = Url::parse(&format!("https://{address}/api")).expect("an address");
    let secrets = Secrets::new();
    let client = Client::new(http(Duration::from_secs(20)), &url);
    let reply = client.post(secrets.credentials(), &request(X), NOW).await;
    assert!(matches!(reply, Reply::NotSent { .. }), "{reply:?}");
    task.await.expect("the server ends");
}

#[tokio::test]
async fn a_connection_that_ends_after_the_request_means_lost() {
    let (reply, _) = post_to(Vec::new()).await;
    assert!(matches!(reply, Reply::Lost { .. }), "{reply:?}");
    let (reply, _) = post_to(b"HTTP/1.1 200 OK\r\ncontent-le".to_vec()).await;
    assert!(matches!(reply, Reply::Lost { .. }), "{reply:?}");
    let (reply, _) = post_to(b"no HTTP at all\r\n\r\n".to_vec()).await;
    assert!(matches!(reply, Reply::Lost { .. }), "{reply:?}");
}

#[tokio::test]
async fn a_reset_at_any_point_after_connecting_means_lost() {
    for bytes_read in [0, 1, 64] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let task = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            stream.readable().await.expect("a request");
            let mut part = vec![0; bytes_read];
            stream.read_exact(&mut part).await.expect("a part");
            // Unread bytes turn the close into a reset.
            drop(stream);
        });
        let secrets = Secrets::new();
        let reply = client(address).post(secrets.credentials(), &request(X), NOW).await;
        assert!(matches!(reply, Reply::Lost { .. }), "{reply:?}");
        task.await.expect("the server ends");
    }
}

#[tokio::test]
async fn a_truncated_body_means_lost() {
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"status\":".to_vec();
    let (reply, _) = post_to(cut).await;
    let Reply::Lost { why } = reply else {
        panic!("{reply:?}");
    };
    assert!(why.starts_with("HTTP 200, then its body broke off"), "{why}");
    let cut = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"sta\r\n".to_vec();
    let (reply, _) = post_to(cut).await;
    assert!(matches!(reply, Reply::Lost { .. }), "{reply:?}");
}

#[tokio::test]
async fn an_answer_that_takes_too_long_means_lost() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        whole_request(&mut stream).await;
        stream.read(&mut [0; 1]).await
    });
    let url = Url::parse(&format!("http://{address}")).expect("an address");
    let client = Client::new(http(Duration::from_millis(300)), &url);
    let secrets = Secrets::new();
    let reply = client.post(secrets.credentials(), &request(X), NOW).await;
    let Reply::Lost { why } = &reply else {
        panic!("{reply:?}");
    };
    assert!(why.contains("timed out"), "{why}");
    assert!(task.await.expect("the server ends").is_ok());
}

#[tokio::test]
async fn redirects_are_answers_and_bodies_are_bounded_and_clean() {
    let (reply, _) = post_to(answer("302 Found", "location: /elsewhere\r\n", "")).await;
    assert!(matches!(reply, Reply::Answered { status: 302, .. }), "{reply:?}");

    let (reply, _) = post_to(answer("401 Unauthorized", "", "api-key-value, x-secret-value")).await;
    assert!(matches!(reply, Reply::Answered { body, .. } if body == "[secret], [secret]"));

    let (address, task) =
        server(answer("400 Bad Request", "", &"y".repeat(ANSWER_BYTES_MAX))).await;
    let secrets = Secrets::new();
    let reply = client(address).user(secrets.credentials(), NOW).await;
    assert!(matches!(reply, Reply::Answered { body, .. } if body.len() == ANSWER_BYTES_MAX));
    task.await.expect("the server ends");

    let mut latin = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n".to_vec();
    latin.extend_from_slice(&[b'a', 0xff]);
    let (reply, _) = post_to(latin).await;
    assert!(matches!(reply, Reply::Answered { body, .. } if body == "a\u{fffd}"));
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        whole_request(&mut stream).await;
        let head = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";
        stream.write_all(head).await.expect("written");
        while stream.write_all(&[b'z'; 8192]).await.is_ok() {}
    });
    let secrets = Secrets::new();
    let reply = client(address).post(secrets.credentials(), &request(X), NOW).await;
    assert!(matches!(reply, Reply::Answered { body, .. } if body.len() == ANSWER_BYTES_MAX));
    task.await.expect("the server ends");
}

#[tokio::test]
async fn the_wait_is_read_in_both_forms() {
    for (header, expected) in [
        ("retry-after: 90\r\n", Some(TimeDelta::seconds(90))),
        ("retry-after: Thu, 01 Jan 1970 00:02:00 GMT\r\n", Some(TimeDelta::minutes(2))),
        ("retry-after: soon\r\n", None),
        ("", None),
    ] {
        let (reply, _) = post_to(answer("429 Too Many Requests", header, "")).await;
        assert!(
            matches!(reply, Reply::Answered { retry_after, .. } if retry_after == expected),
            "{header} {reply:?}"
        );
    }
}

#[test]
fn waits_are_never_negative_nor_longer_than_a_day() {
    for (text, expected) in [
        ("0", Some(TimeDelta::zero())),
        (" 7 ", Some(TimeDelta::seconds(7))),
        ("86401", Some(ASKED_MAX)),
        ("99999999999999999999999999", Some(ASKED_MAX)),
        ("Thu, 01 Jan 1970 00:00:30 GMT", Some(TimeDelta::seconds(30))),
        ("Thursday, 01-Jan-70 00:00:30 GMT", Some(TimeDelta::seconds(30))),
        ("Thu Jan  1 00:00:30 1970", Some(TimeDelta::seconds(30))),
        ("Wed, 31 Dec 1969 00:00:00 GMT", Some(TimeDelta::zero())),
        ("Fri, 31 Dec 9999 23:59:59 GMT", Some(ASKED_MAX)),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
    ] {
        assert_eq!(wire::retry_after(text, NOW), expected, "{text}");
    }
}

#[test]
fn debug_shows_no_secret() {
    let secrets = Secrets::new();
    let credentials = secrets.credentials();
    let headers = headers(credentials, true).expect("headers");
    assert_eq!(headers.len(), 5);
    for text in [
        format!("{credentials:?}"),
        format!("{:?}", credentials.x),
        format!("{headers:?}"),
        format!("{:?}", client(SocketAddr::from(([127, 0, 0, 1], 9)))),
        format!("{:?}", request(X)),
    ] {
        assert_no_secret(&text);
    }
}
