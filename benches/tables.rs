//! What the database costs as it grows: who is next, a send's two transactions, a feed that was read, a page of
//! the history.
//!
//! `cargo bench --bench tables`: with 1,000, with 100,000 and with 1,000,000 posts, of which one in ten is
//! published. `TMPDIR` says where the databases are made.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures by the real time")]

use std::fmt::Write as _;
use std::hint::black_box;

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use criterion::{BenchmarkId, Criterion};
use tidings::config::{self, Config, Environment};
use tidings::daemon::outlook::Outlook;
use tidings::daemon::passing::Passing;
use tidings::domain::backoff::{Backoff, Jitter};
use tidings::domain::breaker::Lane;
use tidings::domain::cost::Usd;
use tidings::domain::media::Media;
use tidings::domain::options::Options;
use tidings::domain::outcome::{Outcome, Receipt, Refusal};
use tidings::domain::plan::Priority;
use tidings::domain::post::{Event, Rules, State, step};
use tidings::store::attempts::Ended;
use tidings::store::entries::NewEntry;
use tidings::store::feeds::FeedState;
use tidings::store::posts::{NewPost, PostFilter, Who};
use tidings::store::{Store, Tx};
use tokio::runtime::Runtime;
use uuid::Uuid;

/// Posts in the database.
const SIZES: [usize; 3] = [1_000, 100_000, 1_000_000];
/// Lanes that share them, and feeds of each lane.
const LANES: usize = 50;
const FEEDS: usize = 10;
/// Of so many posts one is published.
const PUBLISHED: usize = 10;
/// So many posts are made in one transaction.
const BATCH: usize = 10_000;
/// Posts on a page of the history.
const PAGE: u32 = 50;
/// Entries of a feed that is read for the first time.
const ENTRIES: usize = 20;

const RETRY: Backoff = Backoff { first: TimeDelta::minutes(1), max: TimeDelta::hours(1) };
const RULES: Rules =
    Rules { reconcile_after: TimeDelta::minutes(2), retry: RETRY, jitter: Jitter::NONE };

fn lane(number: usize) -> Lane {
    Lane::new(format!("p{}", number % LANES), "twitter")
}

fn feed(number: usize) -> String {
    format!("f{}", number % (LANES * FEEDS))
}

fn configured(folder: &std::path::Path) -> Result<Config, anyhow::Error> {
    let mut text = "[defaults.profile]\nplatforms = [\"twitter\"]\nmin_gap = \"0s\"\n".to_owned();
    for number in 0..LANES {
        writeln!(text, "[[profile]]\nname = \"p{number}\"")?;
    }
    for number in 0..LANES * FEEDS {
        writeln!(
            text,
            "[[feed]]\nname = \"{}\"\nurl = \"https://example.com/{number}\"\nprofiles = [\"{}\"]",
            feed(number),
            lane(number).profile
        )?;
    }
    let file = folder.join("tidings.toml");
    std::fs::write(&file, text)?;
    let keys = [("AYRSHARE_API_KEY", "a"), ("X_API_KEY", "b"), ("X_API_SECRET", "c")];
    Ok(config::load(&file, &keys.into_iter().collect::<Environment>())?)
}

/// Keeps an entry with its post.
async fn put(tx: &mut Tx, number: usize) -> Result<i64, anyhow::Error> {
    let title = format!("Tidings of day {number}");
    let link = format!("https://example.com/{number}");
    let entry = NewEntry {
        title: &title,
        link: Some(&link),
        link_key: None,
        item: "{}",
        said: "",
        choice: "post",
        reason: "",
    };
    let entry_id = tx.insert_entries(&feed(number), &[entry]).await?;
    tx.insert_keys(&feed(number), &[(&link, entry_id)]).await?;
    let post = NewPost {
        uuid: Uuid::new_v4().to_string(),
        entry_id,
        feed: &feed(number),
        lane: &lane(number),
        text: &format!("{title} {link}"),
        weighted_length: 44,
        has_link: true,
        notes: "",
        media: &Media::Chosen(Vec::new()),
        options: &Options::default(),
        state: State::Queued,
        reason: "",
        priority: Priority::Normal,
        not_before: tx.now,
        expires_at: None,
    };
    Ok(tx.insert_post(&post).await?)
}

/// The intent to send, as the daemon writes it.
async fn claim(store: &Store, id: i64, now: DateTime<Utc>) -> Result<(), anyhow::Error> {
    let mut tx = store.begin(now).await?;
    claim_in(&mut tx, id).await?;
    Ok(tx.commit().await?)
}

async fn claim_in(tx: &mut Tx, id: i64) -> Result<(), anyhow::Error> {
    let post = tx.post(id).await?.context("the post")?;
    let life = step(&post.life, &Event::Claim, &RULES, tx.now)?;
    tx.save_life(&post, &life, Who::Daemon).await?;
    tx.insert_attempt(&post, Usd::ZERO).await?;
    Ok(())
}

/// What its answer leaves.
async fn settle_in(tx: &mut Tx, id: i64) -> Result<(), anyhow::Error> {
    let post = tx.post(id).await?.context("the post")?;
    let outcome = Outcome::Posted(Receipt::default());
    let life = step(&post.life, &Event::Settle(outcome), &RULES, tx.now)?;
    tx.save_life(&post, &life, Who::Daemon).await?;
    let ended = Ended { outcome: "posted", refusal: &Refusal::default(), billed: true };
    tx.end_attempt(id, &ended).await?;
    Ok(())
}

/// A database of so many posts.
async fn fill(store: &Store, posts: usize, now: DateTime<Utc>) -> Result<(), anyhow::Error> {
    for first in (0..posts).step_by(BATCH) {
        let mut tx = store.begin(now).await?;
        for number in first..std::cmp::min(first + BATCH, posts) {
            let id = put(&mut tx, number).await?;
            if number.is_multiple_of(PUBLISHED) {
                claim_in(&mut tx, id).await?;
                settle_in(&mut tx, id).await?;
            }
        }
        tx.commit().await?;
    }
    Ok(())
}

/// One database: its store and config.
struct Place {
    _folder: tempfile::TempDir,
    store: Store,
    config: Config,
    now: DateTime<Utc>,
    posts: usize,
}

async fn place(posts: usize) -> Result<Place, anyhow::Error> {
    let folder = tempfile::tempdir()?;
    let config = configured(folder.path())?;
    let store = Store::open(&folder.path().join("tidings.db")).await?;
    let now = DateTime::from_timestamp(1_795_348_800, 0).context("an instant")?;
    fill(&store, posts, now).await?;
    store.maintain().await?;
    Ok(Place { _folder: folder, store, config, now: now + TimeDelta::hours(1), posts })
}

fn all(criterion: &mut Criterion, runtime: &Runtime, at: &Place) {
    let mut next = at.posts;
    let mut group = criterion.benchmark_group("tables");
    group.bench_function(BenchmarkId::new("who is next", at.posts), |bench| {
        let outlook = Outlook { store: &at.store, config: &at.config };
        let (passing, lane) = (Passing::default(), lane(7));
        bench
            .to_async(runtime)
            .iter(|| async { black_box(outlook.next_of(&lane, at.now, &passing).await) });
    });
    group.bench_function(BenchmarkId::new("next expiry", at.posts), |bench| {
        bench.to_async(runtime).iter(|| async { black_box(at.store.next_expiry_at().await) });
    });
    group.bench_function(BenchmarkId::new("claim and settle", at.posts), |bench| {
        bench.iter_custom(|times| {
            runtime.block_on(async {
                let mut tx = at.store.begin(at.now).await.expect("a transaction");
                let mut posts = Vec::new();
                for number in next..next + usize::try_from(times).unwrap_or(usize::MAX) {
                    posts.push(put(&mut tx, number).await.expect("a post"));
                }
                next += posts.len();
                tx.commit().await.expect("kept");
                let began = std::time::Instant::now();
                for id in posts {
                    claim(&at.store, id, at.now).await.expect("claimed");
                    let mut tx = at.store.begin(at.now).await.expect("a transaction");
                    settle_in(&mut tx, id).await.expect("settled");
                    tx.commit().await.expect("kept");
                }
                began.elapsed()
            })
        });
    });
    group.bench_function(BenchmarkId::new("a new entry with its post", at.posts), |bench| {
        bench.iter_custom(|times| {
            runtime.block_on(async {
                let began = std::time::Instant::now();
                for _ in 0..times {
                    let mut tx = at.store.begin_fetched(at.now).await.expect("a transaction");
                    put(&mut tx, next).await.expect("a post");
                    tx.commit().await.expect("kept");
                    next += 1;
                }
                began.elapsed()
            })
        });
    });
    let filter = PostFilter::default();
    group.bench_function(BenchmarkId::new("page of the history", at.posts), |bench| {
        bench
            .to_async(runtime)
            .iter(|| async { black_box(at.store.settled_before(&filter, None, PAGE).await) });
    });
    group.finish();
}

/// What the rows of a feed cost that is read for the first time, with five keys for each entry and with one.
fn cold(criterion: &mut Criterion, runtime: &Runtime, at: &Place) {
    let item = format!("{{\"content\":\"{}\"}}", "Words of an entry. ".repeat(50));
    let mut feed = 0_u64;
    let mut group = criterion.benchmark_group("tables");
    for keys_each in [5, 1] {
        let name = format!("a feed of {ENTRIES} new entries with {keys_each} keys each");
        group.bench_function(BenchmarkId::new(name, at.posts), |bench| {
            bench.iter_custom(|times| {
                runtime.block_on(async {
                    let began = std::time::Instant::now();
                    for _ in 0..times {
                        feed += 1;
                        keep_cold(at, (feed, keys_each), &item).await.expect("kept");
                    }
                    began.elapsed()
                })
            });
        });
    }
    group.finish();
}

async fn keep_cold(
    at: &Place,
    (number, keys_each): (u64, usize),
    item: &str,
) -> Result<(), anyhow::Error> {
    let feed = format!("cold-{number}");
    let entry = NewEntry {
        title: "A headline of the usual length, about this or that",
        link: Some("https://example.com/news/2026/a-headline-of-the-usual-length"),
        link_key: Some("0123456789abcdef0123456789abcdef"),
        item,
        said: "0123456789abcdef0123456789abcdef",
        choice: "skip",
        reason: "it was there when the feed was read for the first time",
    };
    let keys: Vec<String> = (0..ENTRIES * keys_each)
        .map(|_| format!("guid:{:024x}", Uuid::new_v4().as_u128() >> 32))
        .collect();
    let mut tx = at.store.begin_fetched(at.now).await?;
    let first = tx.insert_entries(&feed, &[entry; ENTRIES]).await?;
    let entries = (first..).flat_map(|entry| std::iter::repeat_n(entry, keys_each));
    let keys: Vec<(&str, i64)> = keys.iter().map(String::as_str).zip(entries).collect();
    tx.insert_keys(&feed, &keys).await?;
    tx.save_feed(&FeedState::new(&feed, "https://example.com/feed.xml", at.now)).await?;
    tx.commit().await?;
    Ok(())
}

fn main() -> Result<(), anyhow::Error> {
    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    let runtime = Runtime::new()?;
    for posts in SIZES {
        let at = runtime.block_on(place(posts))?;
        cold(&mut criterion, &runtime, &at);
        all(&mut criterion, &runtime, &at);
    }
    criterion.final_summary();
    Ok(())
}
