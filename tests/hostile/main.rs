//! `cargo test --release --test hostile`: each hostile input is fetched and read, down to the posts'
//! texts, in a process of its own, so that an abort is seen, and the processor time and the peak of
//! memory are those of this input. A program of its own, so that little has to be built for it.

#[path = "../it/hostile/bombs.rs"]
mod bombs;
#[expect(dead_code, reason = "the stories of tests/it use the rest")]
#[path = "../it/feed_server.rs"]
mod feed_server;
#[path = "../it/hostile/inputs.rs"]
mod inputs;

use std::fs;
use std::process::Command;
use std::time::Duration;

use chrono::DateTime;
use chrono_tz::Tz;
use tidings::config::Environment;
use tidings::domain::compose::{Compose, Ingredients, Setting, compose};
use tidings::domain::entry::{ParsedFeed, identify};
use tidings::feed::fetch::{Credentials, Fetched, Limits, Visit, fetch_anew};
use tidings::http::{Options, Route, feed_client};
use url::Url;

use feed_server::{Answer, FeedServer};
use inputs::{BODY_MAX, End, INPUTS};

/// What one input may cost in an optimised build, in milliseconds of processor time; or, on a slow machine,
/// so many times what the plainest one of its size costs.
const MILLISECONDS_MAX: u64 = 500;
const TIMES_MAX: u64 = 6;
const PLAINEST: &str = "a description of 10 MB";
/// Code that is not optimised is slower by about as much; the bound still tells linear time from
/// quadratic time.
const SLOWER: u64 = if cfg!(debug_assertions) { 40 } else { 1 };
/// What the whole process that reads it may hold at its peak, in kB.
const KILOBYTES_MAX: u64 = 200_000;
/// So many texts of a feed are composed: ten times what is held for a person by default.
const TEXTS_MAX: usize = 100;
/// Beyond its bounds an input is measured anew so often, and the least counts: on a busy machine the
/// same work takes more time.
const TRIES: usize = 4;
/// What is read where no input is given.
const ORDINARY: &str = "<rss version=\"2.0\"><channel><title>Blog</title>\
    <item><guid>2</guid><title>Second</title></item><item><guid>1</guid><title>First</title></item>\
    </channel></rss>";
/// Where the process of one input finds it.
const ADDRESS: &str = "TIDINGS_HOSTILE_ADDRESS";

/// The first number behind a name in a file of the system's.
fn number_in(file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Processor time of this process so far, in milliseconds. The system counts in hundredths.
fn processor_time() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().ok());
    ticks.sum::<Option<u64>>().map(|ticks| ticks * 10)
}

/// Identifies a feed and composes its first texts; gives how many entries and texts there are.
fn publish(feed: &ParsedFeed) -> (usize, usize) {
    let entries = identify(feed);
    let mut texts = 0;
    let plain = Compose::default();
    let setting = Setting {
        platform: "twitter",
        profile: "main",
        zone: Tz::UTC,
        manner: plain.manner("twitter"),
        allow_mentions: false,
    };
    for entry in entries.iter().take(TEXTS_MAX) {
        let ingredients = Ingredients::of(&entry.item, "feed", &feed.title);
        texts += usize::from(compose(&ingredients, &setting).is_ok());
    }
    (entries.len(), texts)
}

/// The part of the test below that runs in a process of its own; by itself it reads an ordinary feed.
#[tokio::test]
async fn one_input_is_fetched_and_read() {
    let environment = Environment::of_process();
    let given = environment.get(ADDRESS);
    let server = FeedServer::start().await;
    server.script("/", [Answer::new(200, ORDINARY)]);
    let url = given.map_or_else(|| server.url("/"), |url| Url::parse(url).expect("url"));
    let loopback = ["127.0.0.0/8".parse().expect("net")];
    let client = feed_client(&Options {
        user_agent: "tidings/test".into(),
        timeout: Duration::from_mins(10),
        connect_timeout: Duration::from_mins(1),
        allow_private: loopback.to_vec(),
        route: Route::default(),
    });
    let client = client.expect("client");
    let before = processor_time();
    let nobody = Credentials::none(&url);
    let visit = Visit {
        client: &client,
        url: &url,
        credentials: &nobody,
        limits: Limits {
            timeout: Duration::from_mins(10),
            max_body: BODY_MAX,
            allow_private: &loopback,
            allow_http: false,
        },
        now: DateTime::UNIX_EPOCH,
    };
    let end = match fetch_anew(&visit).await {
        Fetched::New(new) => {
            let (entries, texts) = publish(&new.feed);
            format!("read by {}: {entries} entries, {texts} texts", new.reader.word())
        }
        Fetched::Failed { kind, why, .. } => {
            let why: String = why.chars().skip_while(|sign| *sign != ' ').take(90).collect();
            format!("refused: {kind:?},{why}")
        }
        other @ (Fetched::Unchanged { .. } | Fetched::Gone) => format!("{other:?}"),
    };
    let spent = processor_time().zip(before).map(|(after, before)| after - before);
    let peak = number_in("/proc/self/status", "VmHWM:");
    if given.is_some() {
        println!("\n{}\t{}\t{end}", spent.unwrap_or(0), peak.unwrap_or(0));
    } else {
        assert_eq!(end, "read by own: 2 entries, 2 texts");
    }
}

/// Milliseconds, kilobytes and end of one input's reading.
fn read_apart(url: &Url) -> Result<(u64, u64, String), String> {
    let output = std::env::current_exe().and_then(|program| {
        Command::new(program)
            .args(["--exact", "one_input_is_fetched_and_read", "--nocapture"])
            .env(ADDRESS, url.as_str())
            .output()
    });
    let output = output.map_err(|error| format!("it does not start: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let said = text.lines().find_map(|line| {
        let mut parts = line.splitn(3, '\t');
        let mut number = || parts.next()?.parse().ok();
        Some((number()?, number()?, parts.next()?.to_owned()))
    });
    match said {
        Some(said) if output.status.success() => Ok(said),
        _ => Err(format!("{}\n{text}\n{}", output.status, String::from_utf8_lossy(&output.stderr))),
    }
}

/// One reading; of several the cheapest, where the first one takes longer than it may.
fn measured(url: &Url, limit: u64) -> Result<(u64, u64, String), String> {
    let mut best = read_apart(url)?;
    for _ in 1..TRIES {
        if best.0 <= limit {
            break;
        }
        let again = read_apart(url)?;
        if again.0 < best.0 {
            best = again;
        }
    }
    Ok(best)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_input_aborts_or_takes_long_or_fills_the_memory() {
    if processor_time().is_none() {
        println!("no /proc here: time and memory are not measured, only that nothing aborts");
    }
    let server = FeedServer::start().await;
    let mut wrong = Vec::new();
    let mut limit = MILLISECONDS_MAX * SLOWER;
    let plainest = INPUTS.iter().find(|input| input.name == PLAINEST).expect("it is there");
    println!("{:>8} {:>6} {:>5}  input: end", "kB", "ms", "MB");
    for input in std::iter::once(plainest).chain(INPUTS) {
        let body = (input.make)();
        let size = body.len();
        let answer = Answer::new(200, body);
        let answer = if input.packed.is_empty() {
            answer
        } else {
            answer.header("content-encoding", input.packed)
        };
        server.script("/input", [answer]);
        let url = server.url("/input");
        let read = tokio::task::spawn_blocking(move || measured(&url, limit))
            .await
            .expect("it is waited for");
        let (spent, peak, end) = match read {
            Ok(read) => read,
            Err(why) => {
                println!("{:>8} {:>6} {:>5}  {}: ABORTED", size / 1000, "", "", input.name);
                wrong.push(format!("{}: {why}", input.name));
                continue;
            }
        };
        if input.name == PLAINEST {
            limit = std::cmp::max(limit, spent * TIMES_MAX);
        }
        println!("{:>8} {spent:>6} {:>5}  {}: {end}", size / 1000, peak / 1000, input.name);
        let ends = if end.starts_with("read") { End::Read } else { End::Refused };
        if ends != input.end || spent > limit || peak > KILOBYTES_MAX {
            wrong.push(format!("{}: {spent} ms, {peak} kB, {end}", input.name));
        }
    }
    assert_eq!(wrong, [""; 0]);
}
