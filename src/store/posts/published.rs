//! What becomes of published posts: deleted, corrected, repeated. Table `deletion`.
//!
//! Promises: a request to delete has a row before it leaves. Must not: decide what may be repeated.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::Post;
use super::row::posts;
use crate::domain::breaker::Lane;
use crate::domain::cost::Usd;
use crate::domain::deletion::Deletion;
use crate::store::{Error, Store, Times, Tx, millis, one_row};

/// What became of a post after it was published.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aftermath {
    /// When it was deleted on its network.
    pub deleted_at: Option<DateTime<Utc>>,
    /// Who had it deleted.
    pub deleted_by: Option<String>,
    /// When its entry's headline was changed by the feed.
    pub corrected_at: Option<DateTime<Utc>>,
    /// The headline since then.
    pub correction: String,
    /// The published post that this one repeats.
    pub repost_of: Option<i64>,
}

impl Store {
    /// Of these posts, those not known to be deleted for which a request to delete has no answer that
    /// tells; each with when the last such request was made.
    pub async fn maybe_deleted(&self, posts: &[i64]) -> Result<HashMap<i64, DateTime<Utc>>, Error> {
        let posts = serde_json::json!(posts).to_string();
        let rows = sqlx::query!(
            r#"select post_id as "post_id!: i64", max(asked_at) as "asked_at!: i64"
               from deletion
               where post_id in (select value from json_each(?))
                    and coalesce(outcome, 'unknown') = 'unknown'
                    and (select deleted_at from post where post.id = post_id) is null
               group by post_id"#,
            posts
        )
        .fetch_all(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "look for deletions without an answer", source })?;
        rows.into_iter()
            .map(|row| {
                let times = Times::of("deletion", &row.post_id);
                Ok((row.post_id, times.at("asked_at", row.asked_at)?))
            })
            .collect()
    }

    /// Published posts whose headline the feed changed since then, newest first, at most `limit`.
    pub async fn corrected(&self, since: DateTime<Utc>, limit: u32) -> Result<Vec<Post>, Error> {
        let since = millis(since);
        posts!(
            &self.read,
            "where corrected_at >= ? and deleted_at is null order by corrected_at desc limit ?",
            since,
            limit
        )
    }
}

impl Tx {
    /// Since when a request to delete a post is out, if one is.
    pub async fn open_deletion(&mut self, post: i64) -> Result<Option<DateTime<Utc>>, Error> {
        let row = sqlx::query_scalar!(
            "select asked_at from deletion where post_id = ? and outcome is null",
            post
        )
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "look for a deletion", source })?;
        Times::of("deletion", &post).maybe("asked_at", row)
    }

    /// Keeps that a post is to be deleted, before the request leaves.
    pub async fn begin_deletion(&mut self, post: &Post, who: &str, cost: Usd) -> Result<(), Error> {
        let (now, cost) = (millis(self.now), cost.micros());
        sqlx::query!(
            "insert into deletion (post_id, profile, feed, asked_at, who, cost_micros)
             values (?, ?, ?, ?, ?, ?)",
            post.id,
            post.lane.profile,
            post.feed,
            now,
            who,
            cost
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "keep a deletion", source })?;
        Ok(())
    }

    /// Keeps what came of it. What never left is not billed; what was refused is kept as a risk, as
    /// for attempts.
    pub async fn end_deletion(&mut self, post: i64, deletion: &Deletion) -> Result<(), Error> {
        let (now, word, message) = (millis(self.now), deletion.word(), deletion.message());
        let result = sqlx::query!(
            "update deletion
             set ended_at = ?1, outcome = ?2, message = ?3,
                cost_micros = iif(?2 in ('deleted', 'unknown'), cost_micros, 0),
                risk_micros = iif(?2 = 'refused', cost_micros, 0)
             where post_id = ?4 and outcome is null",
            now,
            word,
            message,
            post
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "keep the end of a deletion", source })?;
        one_row("keep the end of a deletion", &result)
    }

    /// Marks a published post as deleted.
    pub async fn mark_deleted(&mut self, post: i64, who: &str) -> Result<(), Error> {
        let now = millis(self.now);
        sqlx::query!(
            "update post set deleted_at = ?, deleted_by = ? where id = ? and deleted_at is null",
            now,
            who,
            post
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "mark a post as deleted", source })?;
        Ok(())
    }

    /// Marks the published posts of an entry, and the digests that it is in, as corrected by the
    /// feed; gives them.
    pub async fn mark_corrected(&mut self, entry: i64, title: &str) -> Result<Vec<Post>, Error> {
        let now = millis(self.now);
        sqlx::query!(
            "update post set corrected_at = ?2, correction = ?3
             where (entry_id = ?1 or id in (select post_id from digest_entry where entry_id = ?1))
                and state = 'posted' and deleted_at is null",
            entry,
            now,
            title
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "mark posts as corrected", source })?;
        posts!(
            &mut *self.tx,
            "where (entry_id = ?1 or id in (select post_id from digest_entry where entry_id = ?1))
                and state = 'posted' and deleted_at is null",
            entry
        )
    }

    /// All posts that repeat a published one, oldest first.
    pub async fn reposts_of(&mut self, post: i64) -> Result<Vec<Post>, Error> {
        posts!(&mut *self.tx, "where repost_of = ? order by id", post)
    }

    /// How many posts of a lane repeat published ones since then; not those that came to nothing.
    pub async fn reposts_since(&mut self, lane: &Lane, since: DateTime<Utc>) -> Result<i64, Error> {
        let since = millis(since);
        sqlx::query_scalar!(
            r#"select count(*) as "posts!: i64" from post indexed by post_reposts_of_lane
               where profile = ? and platform = ? and queued_at >= ? and repost_of is not null
                    and state not in ('skipped', 'expired', 'failed')"#,
            lane.profile,
            lane.platform,
            since
        )
        .fetch_one(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "count the reposts of a lane", source })
    }

    /// Keeps an entry once more, for a post that repeats its own; by no key of its feed it is known,
    /// so that the feed's entry stays the one that was seen. Gives its number.
    pub async fn repeat_entry(&mut self, entry: i64, reason: &str) -> Result<i64, Error> {
        let now = millis(self.now);
        let result = sqlx::query!(
            "insert into entry (feed, title, link, item, first_seen_at, choice, reason, link_key)
             select feed, title, link, item, ?, 'post', ?, link_key from entry where id = ?",
            now,
            reason,
            entry
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "keep an entry once more", source })?;
        one_row("keep an entry once more", &result)?;
        Ok(result.last_insert_rowid())
    }

    /// Marks a new post as the repetition of a published one, wanted by a person.
    pub async fn mark_repost(&mut self, post: i64, of: i64, edited: bool) -> Result<(), Error> {
        let result = sqlx::query!(
            "update post set repost_of = ?, edited = ?, released = 1, timed = 1 where id = ?",
            of,
            edited,
            post
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "mark a repost", source })?;
        one_row("mark a repost", &result)
    }
}
