//! Feeds that lead into private networks, that never end, or that try to write into the log.
//!
//! Promises: a canary behind each private address counts connections, so that "refused" is seen from
//! the other side; whatever a feed says, one event stays one line. Must not: leave the loopback
//! network.

#![expect(clippy::panic, reason = "a test may fail by panicking, in its helpers too")]

use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ipnet::IpNet;
use tidings::feed::fetch::{Credentials, Fetched, Limits, Visit, fetch_anew};
use tidings::http::{Options, Route, feed_client};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};
use url::Url;

use super::feed_server::{Answer, FeedServer};
use super::process::World;
use super::world::start;

/// Where the feed lies that may be asked.
const OPEN: &str = "127.0.0.1/32";
/// Longer than any hostile server of this file is listened to.
const TIMEOUT: Duration = Duration::from_millis(700);

/// Fetches once; what is not the one open address is private.
async fn fetch(url: &Url) -> Fetched {
    let allow: Vec<IpNet> = vec![OPEN.parse().expect("net")];
    let client = feed_client(&Options {
        user_agent: "tidings/test".into(),
        timeout: TIMEOUT,
        connect_timeout: TIMEOUT,
        allow_private: allow.clone(),
        route: Route::default(),
    })
    .expect("client");
    let visit = Visit {
        client: &client,
        url,
        credentials: &Credentials::none(url),
        limits: Limits {
            timeout: TIMEOUT,
            max_body: 1024 * 1024,
            allow_private: &allow,
            allow_http: false,
        },
        now: start(),
    };
    fetch_anew(&visit).await
}

fn why(fetched: Fetched) -> String {
    match fetched {
        Fetched::Failed { why, .. } => why,
        other @ (Fetched::New(_) | Fetched::Unchanged { .. } | Fetched::Gone) => {
            panic!("it was read: {other:?}")
        }
    }
}

/// A port on every address of the machine that counts who comes.
async fn canary() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("[::]:0").await.expect("port");
    let port = listener.local_addr().expect("address").port();
    let met = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&met);
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    (port, met)
}

/// Spellings of private addresses; most of them are 127.0.0.2.
const PRIVATE: [&str; 30] = [
    "127.0.0.2",
    "127.0.0.2.",
    "127.2",
    "127.0.2",
    "2130706434",
    "0177.0.0.2",
    "0177.0000.0000.0002",
    "0x7f000002",
    "0x7f.0.0.0x2",
    "0x7F.2",
    "017700000002",
    "１２７.0.0.2",
    "127。0。0。2",
    "%31%32%37.0.0.2",
    "user@127.0.0.2",
    "example.com@127.0.0.2",
    "example.com:80@127.0.0.2",
    "0",
    "0.0.0.0",
    "[::]",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.2]",
    "[::ffff:7f00:2]",
    "[::127.0.0.2]",
    "[64:ff9b::7f00:2]",
    "[2002:7f00:2::]",
    "169.254.169.254",
    "[fd00:ec2::254]",
    "100.100.100.200",
];

#[tokio::test]
async fn no_spelling_of_a_private_address_is_connected_to_by_name_or_by_redirect() {
    let (port, met) = canary().await;
    let server = FeedServer::start().await;
    let mut tries = 0;
    for host in PRIVATE {
        let text = format!("http://{host}:{port}/feed.xml");
        for status in [301, 302, 303, 307, 308] {
            server.script("/moved.xml", [Answer::redirect(status, &text)]);
            let why = why(fetch(&server.url("/moved.xml")).await);
            assert!(why.contains("private network"), "{text} by a redirect: {why}");
            tries += 1;
        }
        let url = Url::parse(&text).expect("an address");
        let why = why(fetch(&url).await);
        assert!(why.contains("private network"), "{text}: {why}");
        tries += 1;
    }
    // Names are judged by what they lead to at the moment of the connection.
    for host in ["localhost", "LOCALHOST", "localhost."] {
        let url = Url::parse(&format!("http://{host}:{port}/")).expect("an address");
        let fetched = fetch(&url).await;
        // 127.0.0.1 is open here, but its port for [::1] is not.
        assert!(matches!(fetched, Fetched::Failed { .. }), "{host}: {fetched:?}");
    }
    for other in ["file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "data:,x"] {
        server.script("/moved.xml", [Answer::redirect(302, other)]);
        why(fetch(&server.url("/moved.xml")).await);
    }
    let by_name = met.load(Ordering::SeqCst);
    println!("{tries} tries to reach private addresses: 0 connections");
    assert!(by_name <= 3, "only the open address was connected to: {by_name}");
}

/// Serves one kind of bytes for ever to whoever comes.
async fn endless(head: &'static str, piece: &'static [u8], pause: Duration) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
    let address = listener.local_addr().expect("address");
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 4096];
                drop(client.read(&mut request).await);
                drop(client.write_all(head.as_bytes()).await);
                while client.write_all(piece).await.is_ok() {
                    sleep(pause).await;
                }
            });
        }
    });
    Url::parse(&format!("http://{address}/feed.xml")).expect("url")
}

#[tokio::test]
async fn servers_that_never_come_to_an_end_are_left() {
    let moment = Duration::from_millis(20);
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let cases = [
        ("one byte after the other", "HTTP/1.1 200 OK\r\n\r\n", &b"<"[..], moment),
        ("one chunk after the other", chunked, b"1\r\n<\r\n", moment),
        ("a status that never ends", "", b"HTTP/1.1 200 O", moment),
        ("one header after the other", "HTTP/1.1 200 OK\r\n", b"x: y\r\n", Duration::ZERO),
        ("a header without end", "HTTP/1.1 200 OK\r\nx: ", &[b'y'; 4096], Duration::ZERO),
        ("chunks without end", chunked, b"4\r\n<!--\r\n", Duration::ZERO),
        ("interim answers for ever", "", b"HTTP/1.1 100 Continue\r\n\r\n", Duration::ZERO),
    ];
    for (name, head, piece, pause) in cases {
        let url = endless(head, piece, pause).await;
        let began = Instant::now();
        let why = why(fetch(&url).await);
        let took = began.elapsed();
        println!("{name}: {} ms, {why}", took.as_millis());
        assert!(took < TIMEOUT * 6, "{name} took {took:?}");
    }
}

/// What a feed may try to write elsewhere: lines, colours, the window's title, a bell, an order.
const NASTY: &str = "Calm\r\n2026-11-22T00:00:00Z ERROR forged&#10;{\"level\":\"ERROR\"}\n\u{1b}[31mred\u{9b}2J\
                     \u{1b}]0;title\u{7}\u{2028}next\u{2029}end\u{85}x\u{0}\u{202e}dne";

const LISTINGS: [&[&str]; 8] = [
    &["queue", "list"],
    &["queue", "show", "1"],
    &["history"],
    &["explain", "1"],
    &["feeds", "list"],
    &["status"],
    &["plan"],
    &["queue", "list", "--json"],
];

fn is_tame(text: &str) -> bool {
    !text.contains(|sign: char| sign.is_control() && sign != '\n' && sign != '\t')
        && !text.contains(['\u{2028}', '\u{2029}'])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_in_a_feed_writes_into_the_log_or_on_the_terminal() {
    for json in [false, true] {
        let world = World::new(|_| {}).await;
        let escaped = NASTY.replace('\u{0}', "");
        let body = format!(
            "<rss version=\"2.0\"><channel><title>{escaped}</title><item><title><![CDATA[{escaped}]]>\
             </title><guid>{escaped}</guid><author>{escaped}</author><category>{escaped}</category>\
             <link>https://example.com/1</link></item></channel></rss>"
        );
        world.feeds.script("/news.xml", [Answer::new(200, body)]);
        let refusing = Answer::new(404, escaped.clone()).header("x-reason", "plain");
        world.feeds.script("/gone.xml", [refusing]);
        let feeds = [world.feed("news", "main", ""), world.feed("gone", "main", "")].concat();
        world.configure(
            "1s",
            &format!("[[profile]]\nname = \"main\"\nplatforms = [\"twitter\"]\n{feeds}"),
        );
        let mut env = vec![("RUST_LOG", "trace")];
        if json {
            env.push(("JOURNAL_STREAM", "8:1"));
        }
        let mut daemon = world.start_with(&env);
        world.until("it is out", &mut daemon, |books| books.published().count() == 1).await;
        for listing in LISTINGS {
            let said = world.tell(listing).await;
            assert!(is_tame(&said), "{listing:?}: {said:?}");
        }
        let log = daemon.stop().await;
        assert!(log.lines().count() > 20, "{log}");
        for line in log.lines() {
            assert!(is_tame(line), "{line:?}");
            if json {
                let event: serde_json::Value = serde_json::from_str(line).expect(line);
                assert!(event.get("timestamp").is_some(), "{line}");
            } else {
                assert!(line.starts_with("20"), "an event begins with its time: {line:?}");
                assert!(!line.starts_with("2026-11-22T00:00:00Z ERROR forged"), "{line:?}");
            }
        }
        for post in world.sandbox.books().published() {
            assert!(is_tame(&post.text.replace('\n', "")), "{post:?}");
            assert!(!post.text.contains(['\u{202e}', '\u{9b}']), "{post:?}");
        }
    }
}

/// A world with a feed of one entry, for one lane.
async fn one_entry() -> World {
    let world = World::new(|_| {}).await;
    world.show("news", &super::process::items("n", 1));
    let feed = world.feed("news", "main", "");
    world.configure(
        "1s",
        &format!("[[profile]]\nname = \"main\"\nplatforms = [\"twitter\"]\n{feed}"),
    );
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_daemon_has_no_children_and_no_secret_on_its_command_line() {
    let world = one_entry().await;
    let mut daemon = world.start();
    world.until("it is out", &mut daemon, |books| books.published().count() == 1).await;
    let own = daemon.id();
    let Ok(line) = std::fs::read(format!("/proc/{own}/cmdline")) else {
        println!("left out: no /proc here");
        return;
    };
    let line = String::from_utf8_lossy(&line);
    assert!(line.contains("run") && !line.contains("test-"), "{line}");
    for thread in std::fs::read_dir(format!("/proc/{own}/task")).expect("threads") {
        let children = thread.expect("a thread").path().join("children");
        let children = std::fs::read_to_string(children).unwrap_or_default();
        assert_eq!(children, "", "whoever has children hands its environment on");
    }
    daemon.stop().await;
}

/// Allows core files, and becomes the command that follows.
const WITH_CORES: &str = "ulimit -c unlimited && exec \"$0\" \"$@\"";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_crashes_leaves_no_core_file() {
    let elsewhere = tempfile::tempdir().expect("a folder");
    let mut control = Command::new("sh");
    let control = control.args(["-c", WITH_CORES, "sh", "-c", "kill -ABRT $$"]);
    let crashed = control.current_dir(elsewhere.path()).status().expect("a shell");
    if !crashed.core_dumped() {
        println!("left out: nobody gets a core file here ({crashed})");
        return;
    }
    let world = one_entry().await;
    let shell = ["sh", "-c", WITH_CORES].map(str::to_owned);
    let mut daemon = world.start_command_under(&shell, &["run"]);
    world.until("it is out", &mut daemon, |books| books.published().count() == 1).await;
    let environment = std::fs::metadata(format!("/proc/{}/environ", daemon.id())).expect("/proc");
    assert_eq!(environment.uid(), 0, "its own user may not look into it");
    daemon.signal("ABRT");
    let (status, log) = daemon.exit_within(Duration::from_secs(20)).await;
    assert!(status.signal().is_some() && !status.core_dumped(), "{status}\n{log}");
    for file in std::fs::read_dir(world.path("")).expect("a folder") {
        let name = file.expect("a file").file_name().into_string().expect("a name");
        assert!(!name.starts_with("core"), "{name} holds the secrets");
    }
}
