//! What the pure parts cost: reading by format, text, identity, filters, wording, length, plan, answers.
//!
//! `cargo bench --bench parts`; `-- reading` for those with that word in their name.

use std::fmt::Write as _;
use std::hint::black_box;

use anyhow::{Context as _, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use criterion::{BenchmarkId, Criterion, Throughput};
use tidings::config::{self, Config, Environment};
use tidings::daemon::recipe::Recipe;
use tidings::domain::breaker::Lane;
use tidings::domain::cost::Usd;
use tidings::domain::entry::{Entry, Item, ParsedFeed, identify};
use tidings::domain::outcome::{Reply, Sent, classify};
use tidings::domain::pace::Pace;
use tidings::domain::plan::{FeedLimits, FeedPast, Limits, Past, Priority, Waiting, decide};
use tidings::domain::select::Reading;
use tidings::domain::select::rules::select;
use tidings::domain::text::plain;
use tidings::domain::weight::weighted_length;
use tidings::feed::decode::decode;
use tidings::feed::parse::parse;
use url::Url;

/// Rules of the feed.
const RULES: usize = 50;
/// Entries of a common feed.
const ENTRIES: usize = 20;
/// Entries of a body of about a megabyte.
const MANY: usize = 850;

fn words(number: usize) -> String {
    format!(
        "<p>What happened on day {number}, told at length.</p>{}",
        "<p>Some words of an entry, with <a href=\"/x\">a link</a> &amp; more.</p>".repeat(14)
    )
}

fn rss(entries: usize) -> String {
    let mut body = "<?xml version=\"1.0\" encoding=\"utf-8\"?><rss version=\"2.0\"><channel>\
                    <title>A feed</title><link>https://example.com/</link>"
        .to_owned();
    for number in 0..entries {
        // Writing to a string can't fail.
        let _always_ok = write!(
            body,
            "<item><title>Tidings of day {number}</title><link>https://example.com/{number}</link>\
             <guid isPermaLink=\"false\">id-{number}</guid><category>News</category>\
             <pubDate>Mon, 16 Nov 2026 08:00:00 GMT</pubDate>\
             <description><![CDATA[{}]]></description></item>",
            words(number)
        );
    }
    body + "</channel></rss>"
}

fn atom(entries: usize) -> String {
    let mut body = "<?xml version=\"1.0\"?><feed xmlns=\"http://www.w3.org/2005/Atom\">\
                    <title>A feed</title><id>urn:a</id>"
        .to_owned();
    for number in 0..entries {
        let _always_ok = write!(
            body,
            "<entry><title>Tidings of day {number}</title><link href=\"https://example.com/{number}\"/>\
             <id>urn:{number}</id><updated>2026-11-16T08:00:00Z</updated><category term=\"News\"/>\
             <content type=\"html\"><![CDATA[{}]]></content></entry>",
            words(number)
        );
    }
    body + "</feed>"
}

fn json(entries: usize) -> Result<String, anyhow::Error> {
    let items: Vec<serde_json::Value> = (0..entries)
        .map(|number| {
            serde_json::json!({
                "id": format!("id-{number}"), "title": format!("Tidings of day {number}"),
                "url": format!("https://example.com/{number}"), "tags": ["News"],
                "date_published": "2026-11-16T08:00:00Z", "content_html": words(number),
            })
        })
        .collect();
    let feed = serde_json::json!({
        "version": "https://jsonfeed.org/version/1.1", "title": "A feed", "items": items,
    });
    Ok(serde_json::to_string(&feed)?)
}

fn read(body: &str) -> Result<ParsedFeed, anyhow::Error> {
    Ok(parse(&decode(body.as_bytes(), None), &Url::parse("https://example.com/feed")?)?.feed)
}

fn reading(criterion: &mut Criterion) -> Result<(), anyhow::Error> {
    let base = Url::parse("https://example.com/feed")?;
    let mut group = criterion.benchmark_group("reading");
    for (format, body) in [("rss", rss(MANY)), ("atom", atom(MANY)), ("json", json(MANY)?)] {
        ensure!(read(&body)?.items.len() == MANY, "{format} is not read");
        group.throughput(Throughput::Bytes(u64::try_from(body.len())?));
        group.bench_function(format, |bench| {
            bench.iter(|| parse(&decode(black_box(body.as_bytes()), None), &base));
        });
    }
    group.finish();
    Ok(())
}

fn items(criterion: &mut Criterion) -> Result<(), anyhow::Error> {
    let html = words(1);
    let mut group = criterion.benchmark_group("text");
    group.throughput(Throughput::Bytes(u64::try_from(html.len())?));
    group.bench_function("plain", |bench| bench.iter(|| plain(black_box(&html))));
    group.finish();
    let mut group = criterion.benchmark_group("identity");
    for entries in [ENTRIES, 10 * ENTRIES] {
        let feed = read(&rss(entries))?;
        group.throughput(Throughput::Elements(u64::try_from(entries)?));
        group.bench_function(BenchmarkId::from_parameter(entries), |bench| {
            bench.iter(|| identify(black_box(&feed)));
        });
    }
    group.finish();
    let post =
        format!("{} https://example.com/a?b=c #tidings \u{1f600}", "Wörter 日本 ".repeat(16));
    criterion.bench_function("weighted length", |bench| {
        bench.iter(|| weighted_length(black_box(&post)));
    });
    Ok(())
}

/// One feed with many filters, for one profile.
fn configured() -> Result<Config, anyhow::Error> {
    let folder = tempfile::tempdir()?;
    let rules: Vec<String> = (0..RULES)
        .map(|number| {
            if number % 2 == 0 {
                format!("\"word{number}\"")
            } else {
                format!("{{ title = \"/^(video|live) {number}:/i\" }}")
            }
        })
        .collect();
    let text = format!(
        "[[profile]]\nname = \"main\"\nplatforms = [\"twitter\"]\n[[feed]]\nname = \"news\"\n\
         url = \"https://example.com/feed\"\nprofiles = [\"main\"]\nexclude = [{}]\n",
        rules.join(", ")
    );
    let file = folder.path().join("tidings.toml");
    std::fs::write(&file, text)?;
    let keys = [("AYRSHARE_API_KEY", "a"), ("X_API_KEY", "b"), ("X_API_SECRET", "c")];
    Ok(config::load(&file, &keys.into_iter().collect::<Environment>())?)
}

fn choosing(criterion: &mut Criterion) -> Result<(), anyhow::Error> {
    let config = configured()?;
    let feed = config.feed("news").context("the feed")?;
    let entries = identify(&read(&rss(ENTRIES))?);
    let unseen: Vec<&Entry> = entries.iter().collect();
    let now = DateTime::from_timestamp(1_795_348_800, 0).context("an instant")?;
    let last = Reading {
        feed: &feed.name,
        first_read_at: Some(now - TimeDelta::days(90)),
        had_entries: true,
        first_run: feed.first_run,
        hold_above: feed.hold_above,
        known: ENTRIES,
        renamed: false,
        last_read_at: Some(now - TimeDelta::hours(1)),
        now,
    };
    let mut group = criterion.benchmark_group("select");
    group.throughput(Throughput::Elements(u64::try_from(ENTRIES)?));
    group.bench_function(BenchmarkId::new("rules", RULES), |bench| {
        bench.iter(|| select(black_box(&unseen), &feed.select, None, &last));
    });
    group.finish();
    let recipe = Recipe { config: &config, feed, feed_title: "A feed" };
    let lane = Lane::new("main", "twitter");
    let item: &Item = &entries.first().context("an entry")?.item;
    ensure!(recipe.compose(item, &lane).is_ok(), "it can be worded");
    criterion.bench_function("compose", |bench| {
        bench.iter(|| recipe.compose(black_box(item), &lane));
    });
    Ok(())
}

/// A lane with so many posts, of ten feeds.
fn waiting(posts: usize, now: DateTime<Utc>) -> Result<Vec<Waiting>, anyhow::Error> {
    (0..posts)
        .map(|number| {
            Ok(Waiting {
                id: i64::try_from(number)?,
                feed: number % 10,
                priority: Priority::Normal,
                place: 0,
                queued_at: now - TimeDelta::hours(1),
                not_before: now - TimeDelta::hours(1),
                expires_at: None,
                send_now: false,
                cost: Usd::ZERO,
                linkless: None,
            })
        })
        .collect()
}

fn deciding(criterion: &mut Criterion) -> Result<(), anyhow::Error> {
    let now = DateTime::from_timestamp(1_795_348_800, 0).context("an instant")?;
    let pace = Pace { min_gap: TimeDelta::minutes(20), ..Pace::unpaced(Tz::UTC) };
    let feeds: Vec<FeedLimits> = (0..10).map(|_| FeedLimits::default()).collect();
    let limits = Limits { pace: &pace, budget: None, group: None, overall: None, feeds: &feeds };
    let past = Past { feeds: vec![FeedPast::default(); 10], ..Past::default() };
    let mut group = criterion.benchmark_group("plan");
    // The daemon shows it the first few of each feed; the last one is what it would be to show it all.
    for posts in [40, 1_000, 1_000_000] {
        let line = waiting(posts, now)?;
        group.sample_size(if posts > 1_000 { 10 } else { 100 });
        group.bench_function(BenchmarkId::new("decide", posts), |bench| {
            bench.iter(|| decide(black_box(&line), &past, limits, now));
        });
    }
    group.finish();
    let lane = Lane::new("main", "twitter");
    let sent =
        Sent { lane: &lane, doubtful_before: false, with_profile_key: false, with_media: false };
    let reply = Reply::Answered {
        status: 200,
        retry_after: None,
        body: "{\"status\":\"success\",\"errors\":[],\"postIds\":[{\"status\":\"success\",\"id\":\"1\",\
               \"postUrl\":\"https://x.com/a/status/1\",\"platform\":\"twitter\"}],\"id\":\"a\"}"
            .to_owned(),
    };
    criterion.bench_function("outcome", |bench| bench.iter(|| classify(black_box(&reply), &sent)));
    Ok(())
}

fn main() -> Result<(), anyhow::Error> {
    let mut criterion = Criterion::default().configure_from_args();
    reading(&mut criterion)?;
    items(&mut criterion)?;
    choosing(&mut criterion)?;
    deciding(&mut criterion)?;
    criterion.final_summary();
    Ok(())
}
