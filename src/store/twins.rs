//! What was posted already: the same link or nearly the same title on a lane, the same words on
//! another account. Table `post_words`.
//!
//! Promises: each look-up goes by an index and is bounded by a window of time. Must not: judge what
//! is alike.

use chrono::{DateTime, Utc};

use super::{Error, Times, Tx, millis};
use crate::domain::breaker::Lane;
use crate::domain::select::twins::Twin;

struct TwinRow {
    id: i64,
    feed: String,
    profile: String,
    from: i64,
}

impl TwinRow {
    fn twin(self) -> Result<Twin, Error> {
        let from = Times::of("post", &self.id).at("not_before", self.from)?;
        Ok(Twin { post: self.id, feed: self.feed, profile: self.profile, from })
    }
}

impl Tx {
    /// The last post of another feed on a lane whose entry, seen since then, has this link; not one
    /// that was left out, failed or expired.
    pub async fn twin_by_link(
        &mut self,
        link_key: &str,
        feed: &str,
        lane: &Lane,
        since: DateTime<Utc>,
    ) -> Result<Option<Twin>, Error> {
        let since = millis(since);
        sqlx::query_as!(
            TwinRow,
            r#"select post.id, post.feed, post.profile, post.not_before as "from"
               from entry indexed by entry_by_link
               join post on post.id in (
                    select id from post as own where own.entry_id = entry.id
                    union select post_id from digest_entry where entry_id = entry.id)
               where entry.link_key = ?1 and entry.first_seen_at >= ?2 and entry.feed <> ?3
                    and post.profile = ?4 and post.platform = ?5
                    and post.state in ('held', 'queued', 'sending', 'unconfirmed', 'posted')
               order by entry.first_seen_at desc, entry.id desc
               limit 1"#,
            link_key,
            since,
            feed,
            lane.profile,
            lane.platform,
        )
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "look for posts with the same link", source })?
        .map(TwinRow::twin)
        .transpose()
    }

    /// The last posts of a lane since then with the titles of their entries, at most `limit`; not
    /// those that were left out, failed or expired.
    pub async fn titles_on(
        &mut self,
        lane: &Lane,
        since: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<(Twin, String)>, Error> {
        let since = millis(since);
        let rows = sqlx::query!(
            r#"select post.id as "id!: i64", post.feed as "feed!: String",
                    post.profile as "profile!: String", post.not_before as "from!: i64", entry.title
               from post indexed by post_of_lane
               join entry on entry.id in (
                    select post.entry_id
                    union select entry_id from digest_entry where post_id = post.id)
               where post.profile = ?1 and post.platform = ?2 and post.queued_at >= ?3
                    and post.state in ('held', 'queued', 'sending', 'unconfirmed', 'posted')
               order by post.queued_at desc
               limit ?4"#,
            lane.profile,
            lane.platform,
            since,
            limit,
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "read the titles of a lane", source })?;
        rows.into_iter()
            .map(|row| {
                let post =
                    TwinRow { id: row.id, feed: row.feed, profile: row.profile, from: row.from };
                Ok((post.twin()?, row.title))
            })
            .collect()
    }

    /// The post of another profile on the same network with the same words since then that may go
    /// out last; not one that was left out, failed or expired.
    pub async fn twin_by_words(
        &mut self,
        key: &str,
        lane: &Lane,
        since: DateTime<Utc>,
    ) -> Result<Option<Twin>, Error> {
        let since = millis(since);
        sqlx::query_as!(
            TwinRow,
            r#"select post.id, post.feed, post.profile,
                    max(post.not_before, coalesce(post.posted_at, 0)) as "from!: i64"
               from post_words indexed by post_words_key
               join post on post.id = post_words.post_id
               where post_words.key = ?1 and post_words.at >= ?2
                    and post.profile <> ?3 and post.platform = ?4
                    and post.state in ('held', 'queued', 'sending', 'unconfirmed', 'posted')
               order by 4 desc, post.id desc
               limit 1"#,
            key,
            since,
            lane.profile,
            lane.platform,
        )
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "look for posts with the same words", source })?
        .map(TwinRow::twin)
        .transpose()
    }

    /// Forgets the hash of a post's words: it has none any more.
    pub async fn drop_words(&mut self, post: i64) -> Result<(), Error> {
        sqlx::query!("delete from post_words where post_id = ?", post)
            .execute(&mut *self.tx)
            .await
            .map_err(|source| Error::Sql { what: "forget the words of a post", source })?;
        Ok(())
    }

    /// Keeps the hash of a post's words, or replaces it.
    pub async fn keep_words(&mut self, post: i64, key: &str) -> Result<(), Error> {
        let now = millis(self.now);
        sqlx::query!(
            "insert into post_words (post_id, key, at) values (?, ?, ?)
             on conflict (post_id) do update set key = excluded.key",
            post,
            key,
            now,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "save the words of a post", source })?;
        Ok(())
    }
}
