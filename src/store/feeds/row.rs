//! Rows of table `feed` as they are read and written.
//!
//! Promises: what is written is read back the same. Must not: reach the database.

use super::{FeedState, PollTime};
use crate::domain::entry::Wishes;
use crate::domain::polling::Move;
use crate::store::{Error, Times, nonsense};

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
