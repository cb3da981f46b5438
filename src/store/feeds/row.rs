//! Rows of table `feed` as they are read and written.
//!
//! Promises: what is written is read back the same. Must not: reach the database.

use serde::Serialize;

use super::{FeedState, PollTime};
use crate::domain::entry::Wishes;
use crate::domain::hex::hex;
use crate::domain::polling::Move;
use crate::store::{Error, Times, maybe_millis, millis, nonsense};

pub(super) struct FeedRow {
    pub(super) name: String,
    pub(super) url: String,
    pub(super) title: String,
    pub(super) etag: Option<Vec<u8>>,
    pub(super) last_modified: Option<Vec<u8>>,
    pub(super) validators_url: Option<String>,
    pub(super) body_hash: Option<Vec<u8>>,
    pub(super) reader: String,
    pub(super) repairs: String,
    pub(super) first_read_at: Option<i64>,
    pub(super) last_polled_at: Option<i64>,
    pub(super) last_good_at: Option<i64>,
    pub(super) next_poll_at: i64,
    pub(super) failures: i64,
    pub(super) last_error: String,
    pub(super) gone_at: Option<i64>,
    pub(super) found_url: Option<String>,
    pub(super) next_poll_why: String,
    pub(super) fresh_until: Option<i64>,
    pub(super) wish_minutes: Option<i64>,
    pub(super) skip_hours: i64,
    pub(super) skip_days: i64,
    pub(super) settings: String,
    pub(super) whole_at: Option<i64>,
    pub(super) whole_next: i64,
    pub(super) moved_to: Option<String>,
    pub(super) moved_since: Option<i64>,
    pub(super) moved_seen: i64,
    pub(super) address: Option<String>,
}

/// A row as `save_feeds` takes it; bytes in hexadecimal.
#[derive(Serialize)]
pub(super) struct Saved<'a> {
    name: &'a str,
    url: &'a str,
    title: &'a str,
    etag: Option<String>,
    last_modified: Option<String>,
    validators_url: Option<&'a str>,
    body_hash: Option<String>,
    reader: &'a str,
    repairs: &'a str,
    first_read_at: Option<i64>,
    last_polled_at: Option<i64>,
    last_good_at: Option<i64>,
    next_poll_at: i64,
    failures: u32,
    last_error: &'a str,
    gone_at: Option<i64>,
    found_url: Option<&'a str>,
    next_poll_why: &'a str,
    fresh_until: Option<i64>,
    wish_minutes: Option<u32>,
    skip_hours: u32,
    skip_days: u8,
    settings: &'a str,
    whole_at: Option<i64>,
    whole_next: u8,
    moved_to: Option<&'a str>,
    moved_since: Option<i64>,
    moved_seen: u32,
    address: Option<&'a str>,
}

impl<'a> Saved<'a> {
    pub(super) fn of(feed: &'a FeedState) -> Self {
        let moved = feed.moved.as_ref();
        let hex = |bytes: &Option<Vec<u8>>| bytes.as_deref().map(hex);
        Self {
            name: &feed.name,
            url: &feed.url,
            title: &feed.title,
            etag: hex(&feed.etag),
            last_modified: hex(&feed.last_modified),
            validators_url: feed.validators_url.as_deref(),
            body_hash: hex(&feed.body_hash),
            reader: &feed.reader,
            repairs: &feed.repairs,
            first_read_at: maybe_millis(feed.first_read_at),
            last_polled_at: maybe_millis(feed.last_polled_at),
            last_good_at: maybe_millis(feed.last_good_at),
            next_poll_at: millis(feed.next_poll_at),
            failures: feed.failures,
            last_error: &feed.last_error,
            gone_at: maybe_millis(feed.gone_at),
            found_url: feed.found_url.as_deref(),
            next_poll_why: &feed.next_poll_why,
            fresh_until: maybe_millis(feed.fresh_until),
            wish_minutes: feed.wishes.minutes,
            skip_hours: feed.wishes.skip_hours,
            skip_days: feed.wishes.skip_days,
            settings: &feed.settings,
            whole_at: maybe_millis(feed.whole_at),
            whole_next: u8::from(feed.whole_next),
            moved_to: moved.map(|it| it.to.as_str()),
            moved_since: maybe_millis(moved.map(|it| it.since)),
            moved_seen: moved.map_or(0, |it| it.seen),
            address: feed.address.as_deref(),
        }
    }
}

pub(super) struct PollRow {
    pub(super) name: String,
    pub(super) url: String,
    pub(super) next_poll_at: i64,
    pub(super) gone_at: Option<i64>,
    pub(super) last_polled_at: Option<i64>,
    pub(super) fresh_until: Option<i64>,
    pub(super) failures: i64,
    pub(super) settings: String,
    pub(super) address: Option<String>,
}

impl TryFrom<PollRow> for PollTime {
    type Error = Error;

    fn try_from(row: PollRow) -> Result<Self, Error> {
        let times = Times::of("feed", &row.name);
        let at = times.at("next_poll_at", row.next_poll_at)?;
        Ok(Self {
            next_at: row.gone_at.is_none().then_some(at),
            last_at: times.maybe("last_polled_at", row.last_polled_at)?,
            fresh_until: times.maybe("fresh_until", row.fresh_until)?,
            failures: times.count("failures", row.failures)?,
            name: row.name,
            url: row.url,
            settings: row.settings,
            address: row.address,
        })
    }
}

impl TryFrom<FeedRow> for FeedState {
    type Error = Error;

    fn try_from(row: FeedRow) -> Result<Self, Error> {
        let times = Times::of("feed", &row.name);
        let moved_since = times.maybe("moved_since", row.moved_since)?;
        let seen = times.count("moved_seen", row.moved_seen)?;
        let wishes = Wishes {
            minutes: row.wish_minutes.map(|it| times.count("wish_minutes", it)).transpose()?,
            skip_hours: times.count("skip_hours", row.skip_hours)?,
            skip_days: u8::try_from(row.skip_days)
                .map_err(|_| nonsense("feed", &row.name, "skip_days", &row.skip_days))?,
        };
        Ok(Self {
            wishes,
            moved: row.moved_to.zip(moved_since).map(|(to, since)| Move { to, since, seen }),
            next_poll_why: row.next_poll_why,
            fresh_until: times.maybe("fresh_until", row.fresh_until)?,
            settings: row.settings,
            whole_at: times.maybe("whole_at", row.whole_at)?,
            whole_next: row.whole_next == 1,
            address: row.address,
            first_read_at: times.maybe("first_read_at", row.first_read_at)?,
            last_polled_at: times.maybe("last_polled_at", row.last_polled_at)?,
            last_good_at: times.maybe("last_good_at", row.last_good_at)?,
            next_poll_at: times.at("next_poll_at", row.next_poll_at)?,
            failures: times.count("failures", row.failures)?,
            gone_at: times.maybe("gone_at", row.gone_at)?,
            name: row.name,
            url: row.url,
            title: row.title,
            etag: row.etag,
            last_modified: row.last_modified,
            validators_url: row.validators_url,
            body_hash: row.body_hash,
            reader: row.reader,
            repairs: row.repairs,
            last_error: row.last_error,
            found_url: row.found_url,
        })
    }
}
