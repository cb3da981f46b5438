//! Table `feed`: what the last fetch left for the next one.
//!
//! Promises: validators and the next poll change with the entries of the same fetch. Must not: fetch.

mod row;

use chrono::{DateTime, Utc};

use super::{Error, Store, Tx, json, maybe_millis, millis};
use crate::domain::entry::Wishes;
use crate::domain::polling::Move;
use row::{FeedRow, PollRow};

/// What is known of one feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedState {
    /// The feed's name in the config.
    pub name: String,
    /// The configured address that all this belongs to.
    pub url: String,
    /// The feed's own title.
    pub title: String,
    /// `ETag`, byte for byte.
    pub etag: Option<Vec<u8>>,
    /// `Last-Modified`, byte for byte.
    pub last_modified: Option<Vec<u8>>,
    /// The final address that both belong to.
    pub validators_url: Option<String>,
    /// Hash of the last good body.
    pub body_hash: Option<Vec<u8>>,
    /// Which reader served last.
    pub reader: String,
    /// What was repaired, a line each.
    pub repairs: String,
    /// When it was read for the first time; before that the first-run policy applies.
    pub first_read_at: Option<DateTime<Utc>>,
    /// When it was asked last.
    pub last_polled_at: Option<DateTime<Utc>>,
    /// When it answered well last.
    pub last_good_at: Option<DateTime<Utc>>,
    /// When it is asked next.
    pub next_poll_at: DateTime<Utc>,
    /// Failures in a row.
    pub failures: u32,
    /// What went wrong last; empty after a good answer.
    pub last_error: String,
    /// When the server said that it is gone for good.
    pub gone_at: Option<DateTime<Utc>>,
    /// The feed that was found where `url` is a site.
    pub found_url: Option<String>,
    /// Which rule set `next_poll_at`, for a person.
    pub next_poll_why: String,
    /// Until when the server called its last answer fresh.
    pub fresh_until: Option<DateTime<Utc>>,
    /// How often the feed itself wants to be asked.
    pub wishes: Wishes,
    /// The mark of the settings that the last good answer was asked with.
    pub settings: String,
    /// When a whole body came last.
    pub whole_at: Option<DateTime<Utc>>,
    /// Whether the next body must come whole, whatever the validators say.
    pub whole_next: bool,
    /// Where permanent redirects lead.
    pub moved: Option<Move>,
    /// The address that is asked instead of the configured one, once a move is proven.
    pub address: Option<String>,
}

impl FeedState {
    /// A feed that was never asked.
    pub fn new(name: &str, url: &str, next_poll_at: DateTime<Utc>) -> Self {
        Self {
            name: name.to_owned(),
            url: url.to_owned(),
            title: String::new(),
            etag: None,
            last_modified: None,
            validators_url: None,
            body_hash: None,
            reader: String::new(),
            repairs: String::new(),
            first_read_at: None,
            last_polled_at: None,
            last_good_at: None,
            next_poll_at,
            failures: 0,
            last_error: String::new(),
            gone_at: None,
            found_url: None,
            next_poll_why: String::new(),
            fresh_until: None,
            wishes: Wishes::default(),
            settings: String::new(),
            whole_at: None,
            whole_next: false,
            moved: None,
            address: None,
        }
    }

    /// Whether it is as it was before a poll, but for the times of the poll itself.
    pub fn is_but_polled(&self, before: Self) -> bool {
        let polled = Self {
            last_polled_at: self.last_polled_at,
            last_good_at: self.last_good_at,
            next_poll_at: self.next_poll_at,
            fresh_until: self.fresh_until,
            whole_at: self.whole_at,
            ..before
        };
        polled == *self
    }

    /// The address that is asked.
    pub fn asked(&self) -> &str {
        self.address.as_deref().unwrap_or(&self.url)
    }
}

/// When a feed is asked next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PollTime {
    /// The feed's name.
    pub name: String,
    /// The configured address that the time belongs to.
    pub url: String,
    /// When; `None` for a feed that is gone for good.
    pub next_at: Option<DateTime<Utc>>,
    /// When it was asked last.
    pub last_at: Option<DateTime<Utc>>,
    /// Until when the server called its last answer fresh.
    pub fresh_until: Option<DateTime<Utc>>,
    /// Failures in a row.
    pub failures: u32,
    /// The mark of the settings that the last good answer was asked with.
    pub settings: String,
    /// The address that is asked instead of the configured one.
    pub address: Option<String>,
}

impl Store {
    /// All feeds that were ever asked, by name.
    pub async fn feeds(&self) -> Result<Vec<FeedState>, Error> {
        sqlx::query_as!(FeedRow, "select * from feed order by name")
            .fetch_all(&self.read)
            .await
            .map_err(|source| Error::Sql { what: "read the feeds", source })?
            .into_iter()
            .map(TryInto::try_into)
            .collect()
    }

    /// The feeds that had this address when they were asked last.
    pub async fn feeds_at(&self, url: &str) -> Result<Vec<FeedState>, Error> {
        sqlx::query_as!(FeedRow, "select * from feed where url = ? order by name", url)
            .fetch_all(&self.read)
            .await
            .map_err(|source| Error::Sql { what: "read the feeds of an address", source })?
            .into_iter()
            .map(TryInto::try_into)
            .collect()
    }

    /// When each feed that was ever asked is asked next, and what that depends on.
    pub async fn poll_times(&self) -> Result<Vec<PollTime>, Error> {
        sqlx::query_as!(
            PollRow,
            "select name, url, next_poll_at, gone_at, last_polled_at, fresh_until, failures,
                settings, address
             from feed"
        )
        .fetch_all(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "read when feeds are due", source })?
        .into_iter()
        .map(TryInto::try_into)
        .collect()
    }

    /// The same of some feeds.
    pub async fn poll_times_of(&self, names: &[String]) -> Result<Vec<PollTime>, Error> {
        let names = json(names);
        sqlx::query_as!(
            PollRow,
            "select name, url, next_poll_at, gone_at, last_polled_at, fresh_until, failures,
                settings, address
             from feed where name in (select value from json_each(?))",
            names
        )
        .fetch_all(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "read when some feeds are due", source })?
        .into_iter()
        .map(TryInto::try_into)
        .collect()
    }

    /// Some feeds by their names.
    pub async fn feeds_named(&self, names: &[String]) -> Result<Vec<FeedState>, Error> {
        let names = json(names);
        sqlx::query_as!(
            FeedRow,
            "select * from feed where name in (select value from json_each(?))",
            names
        )
        .fetch_all(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "read some feeds", source })?
        .into_iter()
        .map(TryInto::try_into)
        .collect()
    }

    /// One feed by name.
    pub async fn feed(&self, name: &str) -> Result<Option<FeedState>, Error> {
        sqlx::query_as!(FeedRow, "select * from feed where name = ?", name)
            .fetch_optional(&self.read)
            .await
            .map_err(|source| Error::Sql { what: "read a feed", source })?
            .map(TryInto::try_into)
            .transpose()
    }
}

impl Tx {
    /// Keeps what a fetch left, whole.
    pub async fn save_feed(&mut self, feed: &FeedState) -> Result<(), Error> {
        let moved = feed.moved.as_ref();
        let times = [feed.first_read_at, feed.last_polled_at, feed.last_good_at, feed.gone_at];
        let [first_read_at, last_polled_at, last_good_at, gone_at] = times.map(maybe_millis);
        let next_poll_at = millis(feed.next_poll_at);
        let fresh_until = maybe_millis(feed.fresh_until);
        let whole_at = maybe_millis(feed.whole_at);
        let moved_to = moved.map(|it| it.to.as_str());
        let moved_since = maybe_millis(moved.map(|it| it.since));
        let moved_seen = moved.map_or(0, |it| it.seen);
        sqlx::query!(
            "insert or replace into feed (
                name, url, title, etag, last_modified, validators_url, body_hash, reader, repairs,
                first_read_at, last_polled_at, last_good_at, next_poll_at, failures, last_error,
                gone_at, found_url, next_poll_why, fresh_until, wish_minutes, skip_hours,
                skip_days, settings, whole_at, whole_next, moved_to, moved_since, moved_seen,
                address)
             values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
                ?, ?)",
            feed.name,
            feed.url,
            feed.title,
            feed.etag,
            feed.last_modified,
            feed.validators_url,
            feed.body_hash,
            feed.reader,
            feed.repairs,
            first_read_at,
            last_polled_at,
            last_good_at,
            next_poll_at,
            feed.failures,
            feed.last_error,
            gone_at,
            feed.found_url,
            feed.next_poll_why,
            fresh_until,
            feed.wishes.minutes,
            feed.wishes.skip_hours,
            feed.wishes.skip_days,
            feed.settings,
            whole_at,
            feed.whole_next,
            moved_to,
            moved_since,
            moved_seen,
            feed.address,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "save a feed", source })?;
        Ok(())
    }

    /// Keeps when known feeds were asked and are asked next, and nothing else of them. Says whether all of
    /// them are known.
    pub async fn save_poll_times(&mut self, feeds: &[&FeedState]) -> Result<bool, Error> {
        let rows: Vec<_> = feeds
            .iter()
            .map(|feed| {
                let times =
                    [feed.last_polled_at, feed.last_good_at, feed.fresh_until, feed.whole_at];
                (&feed.name, millis(feed.next_poll_at), times.map(maybe_millis))
            })
            .collect();
        let rows = json(&rows);
        // Materialized, so that each row is taken apart once.
        let result = sqlx::query!(
            "with polled (name, next_at, at, good_at, fresh_until, whole_at) as materialized (
                select value ->> 0, value ->> 1, value ->> '$[2][0]', value ->> '$[2][1]',
                    value ->> '$[2][2]', value ->> '$[2][3]'
                from jsonb_each(?))
             update feed
             set next_poll_at = polled.next_at, last_polled_at = polled.at,
                last_good_at = polled.good_at, fresh_until = polled.fresh_until,
                whole_at = polled.whole_at
             from polled
             where feed.name = polled.name",
            rows
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "save when feeds are asked", source })?;
        Ok(usize::try_from(result.rows_affected()) == Ok(feeds.len()))
    }

    /// Gives a feed, with all that was seen of it, another name.
    pub async fn rename_feed(&mut self, old: &str, new: &str) -> Result<(), Error> {
        let failed = |source| Error::Sql { what: "rename a feed", source };
        sqlx::query!("update feed set name = ? where name = ?", new, old)
            .execute(&mut *self.tx)
            .await
            .map_err(failed)?;
        sqlx::query!("update entry set feed = ? where feed = ?", new, old)
            .execute(&mut *self.tx)
            .await
            .map_err(failed)?;
        sqlx::query!("update entry_key set feed = ? where feed = ?", new, old)
            .execute(&mut *self.tx)
            .await
            .map_err(failed)?;
        sqlx::query!("update post set feed = ? where feed = ?", new, old)
            .execute(&mut *self.tx)
            .await
            .map_err(failed)?;
        sqlx::query!("update or replace websub set feed = ? where feed = ?", new, old)
            .execute(&mut *self.tx)
            .await
            .map_err(failed)?;
        Ok(())
    }

    /// Sets when a feed is asked next.
    pub async fn set_poll_time(&mut self, name: &str, at: DateTime<Utc>) -> Result<(), Error> {
        let at = millis(at);
        sqlx::query!("update feed set next_poll_at = ? where name = ?", at, name)
            .execute(&mut *self.tx)
            .await
            .map_err(|source| Error::Sql { what: "set when a feed is asked", source })?;
        Ok(())
    }

    /// Has a feed asked again at once, also one that is gone. Says whether there is such a feed.
    pub async fn refresh_feed(&mut self, name: &str) -> Result<bool, Error> {
        let now = millis(self.now);
        let result = sqlx::query!(
            "update feed set next_poll_at = ?, gone_at = null where name = ?",
            now,
            name
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "refresh a feed", source })?;
        Ok(result.rows_affected() == 1)
    }
}
