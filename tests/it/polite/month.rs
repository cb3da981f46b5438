//! A month of polling with restarts, against servers of many habits, and its score sheet.
//!
//! The servers write the books: what they gave to each address, and what came back. Nothing here
//! asks the daemon how it behaved.

#![expect(clippy::indexing_slicing, reason = "a test may fail by panicking, in its helpers too")]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};

use super::{DAY, HOUR, MINUTE, setup_of};
use crate::feed_server::{Answer, Asked, FeedServer};
use crate::world::{blog, start};

/// The feeds, with more lines for their tables. Three are asked hourly, which is the default; the
/// others more seldom, so that the month takes seconds.
const FEEDS: [(&str, &str); 17] = [
    ("busy", ""),
    ("touchy", "interval = \"2h\""),
    ("quiet", "interval = \"4h\""),
    ("etag-only", "interval = \"4h\""),
    ("date-only", "interval = \"4h\""),
    ("max-age", ""),
    ("aged", ""),
    ("expires", ""),
    ("bare", ""),
    ("bare-set", "interval = \"6h\""),
    ("limited", ""),
    ("neighbour", "interval = \"3h\""),
    ("down", "interval = \"4h\""),
    ("flapping", "interval = \"3h\""),
    ("moved", "interval = \"4h\""),
    ("broken", "interval = \"4h\""),
    ("by-cron", "cron = \"7 */6 * * *\""),
];
/// Restarts come so far apart, at all times of the day.
const RESTART_EVERY: TimeDelta = TimeDelta::minutes(19 * 60 + 7);

/// What a server told last of one address, and what a fetcher made of it.
#[derive(Default)]
struct Book {
    etag: Option<Vec<u8>>,
    date: Option<Vec<u8>>,
    fresh_until: Option<DateTime<Utc>>,
    /// When a body was given last that a 304 stood for since.
    whole_at: Option<DateTime<Utc>>,
    asked_at: Vec<DateTime<Utc>>,
    unconditional: usize,
    /// Unconditional with a reason: after a week of 304, or after an answer that was no feed.
    excused: usize,
    excuse: bool,
    wrong: usize,
    inside_fresh: usize,
    inside_retry: usize,
    not_modified: usize,
}

impl Book {
    /// Writes down a request for an address whose validators mean something.
    fn note(&mut self, asked: &Asked) {
        let header = |name| asked.headers.get(name).map(|it| it.as_bytes().to_vec());
        let (etag, date) = (header("if-none-match"), header("if-modified-since"));
        if self.fresh_until.is_some_and(|until| asked.at < until) {
            self.inside_fresh += 1;
        }
        let has_any = self.etag.is_some() || self.date.is_some();
        if etag.is_none() && date.is_none() {
            let is_week_old = self.whole_at.is_some_and(|at| asked.at - at >= DAY * 7);
            if has_any && (is_week_old || self.excuse) {
                self.excused += 1;
                self.excuse = false;
            } else if has_any {
                self.unconditional += 1;
            }
        } else if etag != self.etag || date != self.date {
            self.wrong += 1;
        }
        self.asked_at.push(asked.at);
    }

    /// Whether the request shows that its sender knows the present state.
    fn is_known(&self, asked: &Asked, by_date: bool) -> bool {
        let etag = asked.headers.get("if-none-match").filter(|_| !by_date);
        match (etag, asked.headers.get("if-modified-since")) {
            (Some(etag), _) => Some(etag.as_bytes()) == self.etag.as_deref(),
            (None, Some(date)) => Some(date.as_bytes()) == self.date.as_deref(),
            (None, None) => false,
        }
    }
}

/// The state of a feed's site at an instant.
struct State {
    etag: Option<String>,
    date: Option<String>,
    body: String,
    more: Vec<(&'static str, String)>,
    fresh_for: Option<TimeDelta>,
    /// Whether the date alone decides, however often the other validator changes.
    by_date: bool,
}

#[derive(Default)]
struct Ledger {
    books: HashMap<&'static str, Book>,
    /// Until when each host wants to be left alone, by its `Host` header.
    closed: HashMap<String, DateTime<Utc>>,
}

type Books = Arc<Mutex<Ledger>>;

impl Ledger {
    fn note(&mut self, name: &'static str, asked: &Asked) -> &mut Book {
        let host = asked.header("host").expect("a host");
        let is_closed = self.closed.get(&host).is_some_and(|until| asked.at < *until);
        let book = self.books.entry(name).or_default();
        book.inside_retry += usize::from(is_closed);
        book.note(asked);
        book
    }

    /// What a well-behaved server of this state answers.
    fn answer(&mut self, name: &'static str, asked: &Asked, now: State) -> Answer {
        let book = self.note(name, asked);
        let bytes = |text: &Option<String>| text.clone().map(String::into_bytes);
        let (etag, date) = (bytes(&now.etag), bytes(&now.date));
        let etag_there = if now.by_date { None } else { etag.clone() };
        let there = Book { etag: etag_there, date: date.clone(), ..Book::default() };
        let mut answer = if there.is_known(asked, now.by_date) {
            book.not_modified += 1;
            Answer::new(304, "")
        } else {
            book.whole_at = Some(asked.at);
            Answer::new(200, now.body)
        };
        for (name, value) in [("etag", now.etag), ("last-modified", now.date)] {
            answer = value.into_iter().fold(answer, |answer, value| answer.header(name, value));
        }
        for (name, value) in now.more {
            answer = answer.header(name, value);
        }
        (book.etag, book.date, book.excuse) = (etag, date, false);
        book.fresh_until = now.fresh_for.map(|it| asked.at + std::cmp::min(it, DAY));
        answer.header("set-cookie", "visitor=1; Path=/; Max-Age=31536000")
    }
}

fn http_date(at: DateTime<Utc>) -> String {
    at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// A feed to which an entry comes each `every`.
fn growing(now: DateTime<Utc>, every: TimeDelta) -> State {
    let count = i32::try_from((now - start()).num_minutes() / every.num_minutes()).expect("few");
    State {
        etag: Some(format!("W/\"{count}\"")),
        date: Some(http_date(start() + every * count)),
        body: blog((std::cmp::max(count - 1, 1)..=count + 1).rev()),
        more: Vec::new(),
        fresh_for: None,
        by_date: false,
    }
}

/// How a feed of this name is at an instant, while its server is well.
fn state(name: &str, now: DateTime<Utc>) -> State {
    let turn = |every: TimeDelta| (now - start()).num_minutes() / every.num_minutes();
    match name {
        "quiet" => growing(now, DAY * 25),
        "etag-only" => State {
            // A new one with each deployment, whatever changed.
            etag: Some(format!("\"build {}\"", turn(HOUR * 12))),
            date: None,
            ..growing(now, HOUR * 36)
        },
        "date-only" => State { etag: None, ..growing(now, HOUR * 5) },
        "touchy" => State {
            etag: Some(format!("\"{}\"", turn(MINUTE * 50))),
            by_date: true,
            ..growing(now, HOUR * 9)
        },
        "max-age" => State {
            more: vec![("cache-control", "public, max-age=7200".to_owned())],
            fresh_for: Some(HOUR * 2),
            ..growing(now, HOUR * 3)
        },
        "aged" => State {
            more: vec![("cache-control", "max-age=36000".to_owned()), ("age", "25200".to_owned())],
            fresh_for: Some(HOUR * 3),
            ..growing(now, HOUR * 7)
        },
        "expires" => State {
            more: vec![("date", http_date(now)), ("expires", http_date(now + HOUR * 30))],
            fresh_for: Some(HOUR * 30),
            ..growing(now, HOUR * 7)
        },
        "bare" | "bare-set" => State { etag: None, date: None, ..growing(now, HOUR * 4) },
        _ => growing(now, HOUR * 11),
    }
}

/// What goes wrong with a server at an instant, if anything does.
fn fault(ledger: &mut Ledger, name: &'static str, asked: &Asked) -> Option<Answer> {
    let hours = (asked.at - start()).num_hours();
    let host = asked.header("host")?;
    let is_open = ledger.closed.get(&host).is_none_or(|until| asked.at >= *until);
    match name {
        // Twice a week it has had enough of its visitors for five hours.
        "limited" if hours % 84 == 50 && is_open => {
            ledger.note(name, asked);
            ledger.closed.insert(host, asked.at + HOUR * 5);
            Some(Answer::new(429, "slow down").header("retry-after", "18000"))
        }
        // Every fourth day it is down for eight hours, and knows it.
        "down" if hours % 96 >= 88 => {
            ledger.note(name, asked);
            let until = asked.at + HOUR * 8;
            ledger.closed.insert(host, until - TimeDelta::milliseconds(999));
            Some(Answer::new(503, "").header("retry-after", http_date(until)))
        }
        "flapping" if hours % 24 < 5 => {
            ledger.note(name, asked);
            Some(Answer::new(if hours % 2 == 0 { 500 } else { 502 }, "oops"))
        }
        "broken" if hours % 72 >= 67 => {
            let page = "<!doctype html><html><body>Back soon</body></html>";
            ledger.note(name, asked).excuse = true;
            Some(Answer::new(200, page).header("etag", "\"page\""))
        }
        "moved" => Some(Answer::redirect(301, "/moved-here")),
        _ => None,
    }
}

/// Starts the hosts; gives the feeds for the config. Each feed has a host of its own, save that
/// the one that limits its visitors has a neighbour.
async fn open_sites(server: &FeedServer, books: &Books) -> String {
    let mut config = String::new();
    let shared = server.host(20).await;
    for (host, (name, lines)) in (21..).zip(FEEDS) {
        let base = match name {
            "limited" | "neighbour" => shared.clone(),
            _ => server.host(host).await,
        };
        let url = base.join(name).expect("url");
        write!(config, "[[feed]]\nname = \"{name}\"\nurl = \"{url}\"\n{lines}\n").expect("text");
        let own = Arc::clone(books);
        server.behave(&format!("/{name}"), move |asked| {
            let mut ledger = own.lock().expect("books");
            fault(&mut ledger, name, asked)
                .unwrap_or_else(|| ledger.answer(name, asked, state(name, asked.at)))
        });
    }
    let own = Arc::clone(books);
    server.behave("/moved-here", move |asked| {
        let mut ledger = own.lock().expect("books");
        ledger.answer("moved", asked, state("moved", asked.at))
    });
    config
}

fn gaps(times: &[DateTime<Utc>]) -> Vec<TimeDelta> {
    let mut gaps: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    gaps.sort();
    gaps
}

/// The score sheet, a line for each feed.
fn sheet(books: &HashMap<&'static str, Book>) -> String {
    let mut text = format!(
        "{:<12}{:>9}{:>6}{:>12}{:>12}{:>15}{:>9}{:>7}{:>16}{:>20}\n",
        "FEED",
        "REQUESTS",
        "304",
        "MIN GAP",
        "MEDIAN GAP",
        "UNCONDITIONAL",
        "EXCUSED",
        "WRONG",
        "INSIDE MAX-AGE",
        "INSIDE RETRY-AFTER"
    );
    for (name, _) in FEEDS {
        let book = &books[name];
        let gaps = gaps(&book.asked_at);
        let minutes = |gap: TimeDelta| format!("{} min", gap.num_minutes());
        writeln!(
            text,
            "{name:<12}{:>9}{:>6}{:>12}{:>12}{:>15}{:>9}{:>7}{:>16}{:>20}",
            book.asked_at.len(),
            book.not_modified,
            minutes(gaps[0]),
            minutes(gaps[gaps.len() / 2]),
            book.unconditional,
            book.excused,
            book.wrong,
            book.inside_fresh,
            book.inside_retry,
        )
        .expect("text");
    }
    text
}

#[tokio::test]
async fn a_month_of_polling_leaves_a_clean_score_sheet() {
    let mut setup = setup_of("", "");
    let server = FeedServer::under(setup.clock.clone()).await;
    let books = Books::default();
    setup.config.push_str(&open_sites(&server, &books).await);
    let mut world = setup.open().await;
    let end = world.now() + DAY * 30;
    let mut restart_at = world.now() + RESTART_EVERY;
    let mut restarts = 0;
    while world.now() < end {
        let next_at = world.poll().await.next_at.expect("there is always a next poll");
        world.clock.set(std::cmp::max(next_at, world.now()));
        if world.now() >= restart_at {
            restart_at = world.now() + RESTART_EVERY;
            restarts += 1;
            world.restart().await;
        }
    }
    let ledger = books.lock().expect("books");
    let asked = server.asked();
    let with = |name: &str| asked.iter().filter(|it| it.headers.contains_key(name)).count();
    let (cookies, referrers) = (with("cookie"), with("referer"));
    let queries = asked.iter().filter(|it| it.path.contains('?')).count();
    println!(
        "30 days, {restarts} restarts, {} requests\n{}cookies {cookies}, referrers {referrers}, \
         query noise {queries}",
        asked.len(),
        sheet(&ledger.books)
    );
    assert!(restarts >= 30);
    assert_eq!((cookies, referrers, queries), (0, 0, 0));
    for (name, _) in FEEDS {
        let book = &ledger.books[name];
        let faults = (book.unconditional, book.wrong, book.inside_fresh, book.inside_retry);
        assert_eq!(faults, (0, 0, 0, 0), "{name}");
        assert!(gaps(&book.asked_at)[0] >= MINUTE * 15, "{name}");
        assert!(book.excused <= 10, "{name}: {}", book.excused);
    }
    // The sheet is worth something: each habit came about, and each feed was asked as it should be.
    let count = |name: &str| ledger.books[name].asked_at.len();
    assert!((600..=720).contains(&count("busy")), "hourly");
    assert!((28..=31).contains(&count("bare")) && (28..=31).contains(&count("expires")), "daily");
    assert!((105..=120).contains(&count("bare-set")));
    assert!((300..=360).contains(&count("max-age")) && (200..=240).contains(&count("aged")));
    assert_eq!(count("by-cron"), 121, "at each of its times, and once at the start");
    assert!(ledger.closed.len() == 2, "two hosts wanted to be left alone");
    assert!(ledger.books["touchy"].not_modified > 200);
    assert!(ledger.books["quiet"].excused == 3 && ledger.books["broken"].excused >= 9);
    assert_eq!(ledger.books["busy"].excused, 0);
    let host = |it: &&Asked| ["/limited", "/neighbour"].contains(&it.path.as_str());
    let shared: Vec<_> = asked.iter().filter(host).map(|it| it.at).collect();
    assert!(gaps(&shared)[0] >= TimeDelta::seconds(1), "a gap between two requests to one host");
    let before_move = asked.iter().filter(|it| it.path == "/moved").count();
    assert!(
        (15..=20).contains(&before_move),
        "three days, and then the new address: {before_move}"
    );
}
