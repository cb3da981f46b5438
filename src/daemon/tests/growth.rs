//! Tests: what is done for each post and each fetch is as much work with a hundred thousand posts as with
//! a thousand.
//!
//! Promises: what is compared are steps of SQLite's machine, no times. Must not: hold only where the
//! tables have no past: most posts are older than all that caps and twins look at.

use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};

use crate::config::{self, Config, Environment};
use crate::daemon::outlook::Outlook;
use crate::daemon::passing::Passing;
use crate::domain::backoff::{Backoff, Jitter};
use crate::domain::breaker::{Lane, X};
use crate::domain::cost::Usd;
use crate::domain::media::Media;
use crate::domain::options::Options;
use crate::domain::outcome::{Outcome, Receipt, Refusal};
use crate::domain::plan::{Decision, Priority};
use crate::domain::post::{Event, Rules, State, step};
use crate::store::attempts::Ended;
use crate::store::entries::NewEntry;
use crate::store::posts::{NewPost, PostFilter, Who};
use crate::store::{Store, Tx};

/// Feeds, and posts of each before there are copies.
const FEEDS: u32 = 10;
const POSTS: u32 = 10;
/// Posts on a page.
const PAGE: u32 = 50;
/// An item in a feed's next body, of which one is new.
const ITEMS: u32 = 20;

/// How often each piece of work is done; there are four connections.
const ROUNDS: u32 = 9;

const RULES: Rules = Rules {
    reconcile_after: TimeDelta::minutes(2),
    retry: Backoff { first: TimeDelta::minutes(1), max: TimeDelta::hours(1) },
    jitter: Jitter::NONE,
};

struct Place {
    _folder: tempfile::TempDir,
    store: Store,
    config: Config,
    lane: Lane,
    now: DateTime<Utc>,
}

impl Place {
    /// A database of so many times a hundred posts, one in ten of them published.
    async fn of(hundreds: u32) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut text = "[[profile]]\nname = \"main\"\nplatforms = [\"twitter\"]\n\
            min_gap = \"0s\"\nmax_per_day = 40\nbudget = { usd = 500.0, per = \"month\" }\n"
            .to_owned();
        for feed in 0..FEEDS {
            let feed = format!(
                "[[feed]]\nname = \"f{feed}\"\nurl = \"https://example.com/{feed}\"\n\
                 profiles = [\"main\"]\nmax_per_day = 10\n"
            );
            text.write_str(&feed).expect("a String takes it");
        }
        let file = folder.path().join("tidings.toml");
        std::fs::write(&file, text).expect("written");
        let keys = [("AYRSHARE_API_KEY", "a"), ("X_API_KEY", "b"), ("X_API_SECRET", "c")];
        let config =
            config::load(&file, &keys.into_iter().collect::<Environment>()).expect("right");
        let store = Store::open(&folder.path().join("tidings.db")).await.expect("a database");
        let now = DateTime::from_timestamp(1_795_348_800, 0).expect("an instant");
        let lane = Lane::new("main", X);
        let place = Self { _folder: folder, store, config, lane, now };
        let mut tx = place.store.begin(now - TimeDelta::hours(1)).await.expect("it begins");
        for number in 0..FEEDS * POSTS {
            let id = place.fetch(&mut tx, number).await;
            if number % 10 == 0 {
                place.claim(&mut tx, id).await;
                settle(&mut tx, id).await;
            }
        }
        tx.commit().await.expect("kept");
        place.store.multiply(hundreds - 1).await;
        place.store.maintain().await.expect("looked after");
        place
    }

    /// Looks whether an entry is known, and keeps it with its post, as intake does.
    async fn fetch(&self, tx: &mut Tx, number: u32) -> i64 {
        let feed = format!("f{}", number % FEEDS);
        let title = format!("Tidings number {number} of a whole long day");
        let (link, key) = (format!("https://example.com/{number}"), format!("link:{number}"));
        let entry = NewEntry {
            title: &title,
            link: Some(&link),
            link_key: Some(&key),
            item: "{}",
            said: "said",
            choice: "post",
            reason: "",
        };
        let since = tx.now - TimeDelta::days(3);
        let entry_id = tx.insert_entries(&feed, &[entry]).await.expect("kept");
        tx.insert_keys(&feed, &[(&key, entry_id)]).await.expect("kept");
        tx.twin_by_link(&key, &feed, &self.lane, since).await.expect("looked for");
        tx.twin_by_words(&key, &self.lane, since).await.expect("looked for");
        let uuid = format!("{entry_id:036}");
        assert!(!tx.has_uuid(&uuid).await.expect("looked for"));
        let post = NewPost {
            uuid,
            entry_id,
            feed: &feed,
            lane: &self.lane,
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
            expires_at: Some(tx.now + TimeDelta::days(9_000)),
        };
        let id = tx.insert_post(&post).await.expect("kept");
        tx.keep_words(id, &key).await.expect("kept");
        id
    }

    /// The intent to send, with all that is asked before it.
    async fn claim(&self, tx: &mut Tx, id: i64) {
        let post = tx.post(id).await.expect("read").expect("it is there");
        tx.open_breakers().await.expect("read");
        assert!(!tx.is_forgotten(id).await.expect("read"));
        let life = step(&post.life, &Event::Claim, &RULES, tx.now).expect("it may be sent");
        tx.save_life(&post, &life, Who::Daemon).await.expect("kept");
        tx.insert_attempt(&post, Usd::ZERO).await.expect("kept");
    }
}

async fn settle(tx: &mut Tx, id: i64) {
    let post = tx.post(id).await.expect("read").expect("it is there");
    let outcome = Outcome::Posted(Receipt::default());
    let life = step(&post.life, &Event::Settle(outcome), &RULES, tx.now).expect("it was out");
    tx.save_life(&post, &life, Who::Daemon).await.expect("kept");
    let ended = Ended { outcome: "posted", refusal: &Refusal::default(), billed: true };
    tx.end_attempt(id, &ended).await.expect("kept");
}

/// The fewest steps that each piece of work took: a connection's first turn reads the schema, too.
async fn work(place: &Place) -> Vec<(&'static str, u64)> {
    let Place { store, now, lane, .. } = place;
    let steps = store.steps().await;
    let mut fewest: Vec<(&'static str, u64)> = Vec::new();
    for round in 0..ROUNDS {
        steps.take();
        let mut done = Vec::new();
        let mut note = |what| done.push((what, steps.take()));

        let outlook = Outlook { store, config: &place.config };
        let next = outlook.next_of(lane, *now, &Passing::default()).await.expect("decided");
        note("who is next");
        store.next_expiry_at().await.expect("read");
        note("next expiry");
        store.lookups(PAGE).await.expect("read");
        note("next lookup");
        let Decision::Send { id, .. } = next else { panic!("{next:?}") };
        let post = store.post(id).await.expect("read").expect("it is there");
        outlook.pay_of(&post, *now).await.expect("reckoned");
        let mut tx = store.begin(*now).await.expect("it begins");
        place.claim(&mut tx, id).await;
        tx.commit().await.expect("kept");
        note("claim");
        let mut tx = store.begin(*now).await.expect("it begins");
        settle(&mut tx, id).await;
        tx.commit().await.expect("kept");
        note("settle");

        let keys: Vec<String> = (0..ITEMS).map(|item| format!("link:{item}")).collect();
        let keys = keys.iter().map(String::as_str);
        let known = store.known_keys("f0", keys).await.expect("read");
        assert_eq!(known.len(), 2);
        store.said(known.values().copied()).await.expect("read");
        let mut tx = store.begin_fetched(*now).await.expect("it begins");
        place.fetch(&mut tx, 1_000 + round).await;
        tx.commit().await.expect("kept");
        note("a fetch with one new entry");

        let filter = PostFilter::default();
        store.settled_before(&filter, None, PAGE).await.expect("read");
        note("first page of the history");
        let long_ago = *now - TimeDelta::days(5);
        store.settled_before(&filter, Some((long_ago, 1)), PAGE).await.expect("read");
        note("a later page of the history");
        let queued = PostFilter { state: Some(State::Queued), ..filter };
        store.posts_after(&queued, 0, PAGE).await.expect("read");
        note("first page of the queue");
        fewest.resize(done.len(), ("", u64::MAX));
        for (least, one) in fewest.iter_mut().zip(done) {
            *least = (one.0, std::cmp::min(least.1, one.1));
        }
    }
    fewest
}

#[tokio::test]
async fn a_hundred_times_the_posts_are_no_more_work_for_each() {
    let few = work(&Place::of(10).await).await;
    let many = work(&Place::of(1_000).await).await;
    let mut grown = Vec::new();
    for ((what, few), (same, many)) in few.iter().zip(&many) {
        assert_eq!(what, same);
        println!("{what}: {few} steps with 1,000 posts, {many} with 100,000");
        if *many > few + few / 10 || *few == 0 {
            grown.push(format!("{what}: {few} steps with 1,000 posts, {many} with 100,000"));
        }
    }
    assert_eq!(grown, [""; 0]);
}
