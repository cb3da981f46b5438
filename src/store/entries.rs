//! Tables `entry` and `entry_key`: what was seen, by its identity.
//!
//! Promises: an entry is the same if any of its keys is. Must not: make keys.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;

use super::{Error, Store, Times, Tx, json, millis, nonsense, one_row};

/// So many of a feed's latest entries tell its pace.
const PACE_ENTRIES_MAX: u32 = 1000;

/// An entry as first seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenEntry {
    /// Its number here.
    pub id: i64,
    /// Its feed.
    pub feed: String,
    /// Its title, plain.
    pub title: String,
    /// Its page.
    pub link: Option<String>,
    /// The item as published, as JSON.
    pub item: String,
    /// When it was first seen.
    pub first_seen_at: DateTime<Utc>,
    /// When its title or link changed last since then; `title`, `link` and `item` are the newest.
    pub changed_at: Option<DateTime<Utc>>,
    /// How often they changed.
    pub changes: u32,
    /// What was chosen: `post`, `hold` or `skip`.
    pub choice: String,
    /// Why, for a person.
    pub reason: String,
}

/// A new entry.
#[derive(Debug, Clone, Copy)]
pub struct NewEntry<'a> {
    /// Its title, plain.
    pub title: &'a str,
    /// Its page.
    pub link: Option<&'a str>,
    /// Its link without what changes about a link, where it is a page of its own.
    pub link_key: Option<&'a str>,
    /// The item as published, as JSON.
    pub item: &'a str,
    /// The mark of `item`, by which a change is seen.
    pub said: &'a str,
    /// `post`, `hold` or `skip`.
    pub choice: &'a str,
    /// Why, for a person.
    pub reason: &'a str,
}

/// What a known entry says by now.
#[derive(Debug, Clone, Copy)]
pub struct Revision<'a> {
    /// Its title, plain.
    pub title: &'a str,
    /// Its page.
    pub link: Option<&'a str>,
    /// Its link without what changes about a link, where it is a page of its own.
    pub link_key: Option<&'a str>,
    /// The item as published, as JSON.
    pub item: &'a str,
    /// The mark of `item`.
    pub said: &'a str,
    /// Whether title or link are others than before.
    pub is_other: bool,
}

pub(super) struct EntryRow {
    pub(super) id: i64,
    pub(super) feed: String,
    pub(super) title: String,
    pub(super) link: Option<String>,
    pub(super) item: String,
    pub(super) first_seen_at: i64,
    pub(super) choice: String,
    pub(super) reason: String,
    pub(super) said: Option<String>,
    pub(super) changed_at: Option<i64>,
    pub(super) changes: i64,
    pub(super) link_key: Option<String>,
}

impl TryFrom<EntryRow> for SeenEntry {
    type Error = Error;

    fn try_from(row: EntryRow) -> Result<Self, Error> {
        let times = Times::of("entry", &row.id);
        // For look-ups alone.
        let (_said, _link_key) = (row.said, row.link_key);
        Ok(Self {
            first_seen_at: times.at("first_seen_at", row.first_seen_at)?,
            changed_at: times.maybe("changed_at", row.changed_at)?,
            changes: times.count("changes", row.changes)?,
            id: row.id,
            feed: row.feed,
            title: row.title,
            link: row.link,
            item: row.item,
            choice: row.choice,
            reason: row.reason,
        })
    }
}

impl Store {
    /// One entry by its number.
    pub async fn entry(&self, id: i64) -> Result<Option<SeenEntry>, Error> {
        sqlx::query_as!(EntryRow, "select * from entry where id = ?", id)
            .fetch_optional(&self.read)
            .await
            .map_err(|source| Error::Sql { what: "read an entry", source })?
            .map(TryInto::try_into)
            .transpose()
    }

    /// All that an entry is known by, in the order of the alphabet.
    pub async fn keys_of_entry(&self, entry: &SeenEntry) -> Result<Vec<String>, Error> {
        sqlx::query_scalar!(
            "select key from entry_key where feed = ? and entry_id = ? order by key",
            entry.feed,
            entry.id
        )
        .fetch_all(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "read what an entry is known by", source })
    }

    /// The newest entries whose link is, or whose title holds, this text; at most `limit`.
    pub async fn find_entries(&self, text: &str, limit: u32) -> Result<Vec<SeenEntry>, Error> {
        sqlx::query_as!(
            EntryRow,
            "select * from entry
             where link = ?1 or instr(lower(title), lower(?1)) > 0
             order by id desc
             limit ?2",
            text,
            limit
        )
        .fetch_all(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "search the entries", source })?
        .into_iter()
        .map(TryInto::try_into)
        .collect()
    }

    /// The newest entries of a feed, newest first, at most `limit`.
    pub async fn newest_entries(&self, feed: &str, limit: u32) -> Result<Vec<SeenEntry>, Error> {
        sqlx::query_as!(
            EntryRow,
            "select * from entry where feed = ? order by id desc limit ?",
            feed,
            limit
        )
        .fetch_all(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "read the newest entries of a feed", source })?
        .into_iter()
        .map(TryInto::try_into)
        .collect()
    }

    /// How many entries were seen, by feed.
    pub async fn entries_by_feed(&self) -> Result<HashMap<String, i64>, Error> {
        let rows =
            sqlx::query!(r#"select feed, count(*) as "entries!: i64" from entry group by feed"#)
                .fetch_all(&self.read)
                .await
                .map_err(|source| Error::Sql { what: "count the entries", source })?;
        Ok(rows.into_iter().map(|row| (row.feed, row.entries)).collect())
    }

    /// How many entries of a feed were first seen after an instant, up to a thousand.
    pub async fn entries_since(&self, feed: &str, since: DateTime<Utc>) -> Result<u32, Error> {
        let since = millis(since);
        let count = sqlx::query_scalar!(
            "select count(*) from
                (select first_seen_at from entry where feed = ? order by id desc limit ?)
             where first_seen_at > ?",
            feed,
            PACE_ENTRIES_MAX,
            since
        )
        .fetch_one(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "count the latest entries of a feed", source })?;
        Times::of("entry", &feed).count("count", count)
    }

    /// Whether a feed had an entry before.
    pub async fn has_entries(&self, feed: &str) -> Result<bool, Error> {
        let row = sqlx::query_scalar!("select id from entry where feed = ? limit 1", feed)
            .fetch_optional(&self.read)
            .await
            .map_err(|source| Error::Sql { what: "look for entries of a feed", source })?;
        Ok(row.is_some())
    }

    /// The entries of a feed that have one of these keys: key → number of the entry.
    pub async fn known_keys<'k>(
        &self,
        feed: &str,
        keys: impl IntoIterator<Item = &'k str>,
    ) -> Result<HashMap<String, i64>, Error> {
        let keys: Vec<&str> = keys.into_iter().collect();
        let list = serde_json::Value::from(keys).to_string();
        // One row for all of them: each row is a message between two threads.
        let known = sqlx::query_scalar!(
            r#"select json_group_object(key, entry_id) as "known!: String" from entry_key
               where feed = ?1 and key in (select value from json_each(?2))"#,
            feed,
            list
        )
        .fetch_one(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "look up the identity of entries", source })?;
        read_back("key", &known)
    }

    /// What these entries said when they were read last: number → hash, `None` for one that was kept
    /// before hashes were.
    pub async fn said(
        &self,
        entries: impl IntoIterator<Item = i64>,
    ) -> Result<HashMap<i64, Option<String>>, Error> {
        let numbers: Vec<i64> = entries.into_iter().collect();
        let list = serde_json::Value::from(numbers).to_string();
        let said = sqlx::query_scalar!(
            r#"select json_group_object(id, said) as "said!: String" from entry
               where id in (select value from json_each(?))"#,
            list
        )
        .fetch_one(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "look for changed entries", source })?;
        read_back("said", &said)
    }
}

/// Columns that a statement gave as one object.
fn read_back<T: DeserializeOwned>(column: &'static str, object: &str) -> Result<T, Error> {
    serde_json::from_str(object).map_err(|error| nonsense("entry", &"*", column, &error))
}

impl Tx {
    /// One entry by its number, as it is now.
    pub async fn entry(&mut self, id: i64) -> Result<Option<SeenEntry>, Error> {
        sqlx::query_as!(EntryRow, "select * from entry where id = ?", id)
            .fetch_optional(&mut *self.tx)
            .await
            .map_err(|source| Error::Sql { what: "read an entry", source })?
            .map(TryInto::try_into)
            .transpose()
    }

    /// Keeps what a known entry says by now.
    pub async fn revise_entry(&mut self, id: i64, revision: &Revision<'_>) -> Result<(), Error> {
        let now = millis(self.now);
        let result = sqlx::query!(
            "update entry
             set title = ?, link = ?, link_key = ?, item = ?, said = ?,
                changed_at = case when ?6 then ?7 else changed_at end, changes = changes + ?6
             where id = ?8",
            revision.title,
            revision.link,
            revision.link_key,
            revision.item,
            revision.said,
            revision.is_other,
            now,
            id,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "save the change of an entry", source })?;
        one_row("save the change of an entry", &result)
    }

    /// Keeps new entries of a feed in their order; gives the number of the first one, from which the
    /// others count on.
    pub async fn insert_entries(
        &mut self,
        feed: &str,
        entries: &[NewEntry<'_>],
    ) -> Result<i64, Error> {
        let failed = |source| Error::Sql { what: "save entries", source };
        let last = sqlx::query_scalar!(r#"select max(id) as "id: i64" from entry"#)
            .fetch_one(&mut *self.tx)
            .await
            .map_err(failed)?;
        let first = last.unwrap_or(0).saturating_add(1);
        if entries.is_empty() {
            return Ok(first);
        }
        let now = millis(self.now);
        let rows: Vec<_> = entries
            .iter()
            .map(|it| (it.title, it.link, it.link_key, it.item, it.said, it.choice, it.reason))
            .collect();
        let rows = json(&rows);
        sqlx::query!(
            "insert into entry (id, feed, title, link, link_key, item, said, choice, reason,
                first_seen_at)
             select ?1 + key, ?2, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4,
                value ->> 5, value ->> 6, ?3
             from jsonb_each(?4)",
            first,
            feed,
            now,
            rows,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(failed)?;
        Ok(first)
    }

    /// Adds keys to entries. A key that the feed knows already stays with its entry.
    pub async fn insert_keys(&mut self, feed: &str, keys: &[(&str, i64)]) -> Result<(), Error> {
        if keys.is_empty() {
            return Ok(());
        }
        let list = json(keys);
        sqlx::query!(
            "insert into entry_key (feed, key, entry_id)
             select ?1, value ->> 0, value ->> 1 from jsonb_each(?2) where true
             on conflict do nothing",
            feed,
            list
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "save the identity of entries", source })?;
        Ok(())
    }
}
