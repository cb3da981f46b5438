//! What changes the queue: new posts, and each next life of one.
//!
//! Promises: a post's row and the note of its change are written together. Must not: choose the
//! next life; the state machine does.

use chrono::{DateTime, Utc};

use super::row::{from_media, from_options, posts};
use super::{NewPost, Post, Who, Wording};
use crate::domain::media::Media;
use crate::domain::plan::Priority;
use crate::domain::post::Life;
use crate::store::{Error, Tx, maybe_millis, millis, one_row};

impl Tx {
    /// Keeps a new post; gives its number.
    pub async fn insert_post(&mut self, post: &NewPost<'_>) -> Result<i64, Error> {
        let now = millis(self.now);
        let state = post.state.word();
        let priority = Priority::ALL.iter().position(|one| *one == post.priority);
        let priority = priority.and_then(|place| i64::try_from(place).ok());
        let not_before = millis(post.not_before);
        let expires_at = maybe_millis(post.expires_at);
        let (media, options) = (from_media(post.media), from_options(post.options));
        let result = sqlx::query!(
            "insert into post (uuid, entry_id, feed, profile, platform, state, text,
                weighted_length, has_link, notes, queued_at, not_before, expires_at, reason,
                changed_at, media, options, priority)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?11, ?15, ?16, ?17)",
            post.uuid,
            post.entry_id,
            post.feed,
            post.lane.profile,
            post.lane.platform,
            state,
            post.text,
            post.weighted_length,
            post.has_link,
            post.notes,
            now,
            not_before,
            expires_at,
            post.reason,
            media,
            options,
            priority,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "save a post", source })?;
        Ok(result.last_insert_rowid())
    }

    /// Whether a post of this identity is here.
    pub async fn has_uuid(&mut self, uuid: &str) -> Result<bool, Error> {
        let row = sqlx::query_scalar!("select id from post where uuid = ?", uuid)
            .fetch_optional(&mut *self.tx)
            .await
            .map_err(|source| Error::Sql { what: "look for a post's identity", source })?;
        Ok(row.is_some())
    }

    /// One post, as it is now.
    pub async fn post(&mut self, id: i64) -> Result<Option<Post>, Error> {
        Ok(posts!(&mut *self.tx, "where id = ?", id)?.pop())
    }

    /// All posts that were `sending` when the last process ended.
    pub async fn sending(&mut self) -> Result<Vec<Post>, Error> {
        posts!(&mut *self.tx, "where state = 'sending' order by id")
    }

    /// Held or queued posts whose time has passed, at most `limit`.
    pub async fn overdue(&mut self, limit: u32) -> Result<Vec<Post>, Error> {
        let now = millis(self.now);
        posts!(
            &mut *self.tx,
            "indexed by post_expiry
             where expires_at <= ? and expires_at is not null and state in ('held', 'queued')
             order by expires_at
             limit ?",
            now,
            limit
        )
    }

    /// Held posts of a feed, or of all feeds.
    pub async fn held(&mut self, feed: Option<&str>) -> Result<Vec<Post>, Error> {
        posts!(
            &mut *self.tx,
            "where state = 'held' and (?1 is null or feed = ?1) order by id",
            feed
        )
    }

    /// Held, queued and failed posts of a feed, or of all feeds.
    pub async fn unsettled(&mut self, feed: Option<&str>) -> Result<Vec<Post>, Error> {
        posts!(
            &mut *self.tx,
            "where state in ('held', 'queued', 'failed') and (?1 is null or feed = ?1) order by id",
            feed
        )
    }

    /// The posts of an entry, and the digests that it is in, that wait and were never sent.
    pub async fn unsent_of_entry(&mut self, entry: i64) -> Result<Vec<Post>, Error> {
        posts!(
            &mut *self.tx,
            "where (entry_id = ?1 or id in (select post_id from digest_entry where entry_id = ?1))
                and state in ('held', 'queued') and sends = 0 and doubtful = 0
             order by id",
            entry
        )
    }

    /// Whether a person let a post go.
    pub async fn was_released(&mut self, id: i64) -> Result<bool, Error> {
        let row = sqlx::query_scalar!(
            "select id from transition
             where post_id = ? and who = 'person' and to_state = 'queued'
             limit 1",
            id
        )
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "read the life of a post", source })?;
        Ok(row.is_some())
    }

    /// Puts a queued post off: it is not sent before then.
    pub async fn put_off(&mut self, id: i64, until: DateTime<Utc>) -> Result<(), Error> {
        let until = millis(until);
        sqlx::query!(
            "update post set not_before = max(not_before, ?) where id = ? and state = 'queued'",
            until,
            id
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "put a post off", source })?;
        Ok(())
    }

    /// Gives a held or queued post other words; false where it is in another state by now, and its
    /// words are what was, or may have been, sent.
    pub async fn reword_post(&mut self, id: i64, wording: &Wording<'_>) -> Result<bool, Error> {
        let (media, options) = (from_media(wording.media), from_options(wording.options));
        let result = sqlx::query!(
            "update post set text = ?, weighted_length = ?, has_link = ?, notes = ?, edited = ?,
                media = ?, options = ?
             where id = ? and state in ('held', 'queued') and sends = 0",
            wording.text,
            wording.weighted_length,
            wording.has_link,
            wording.notes,
            wording.edited,
            media,
            options,
            id,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "reword a post", source })?;
        Ok(result.rows_affected() == 1)
    }

    /// Keeps what a post shows beside its text, and the notes on it.
    pub async fn save_media(&mut self, id: i64, media: &Media, notes: &str) -> Result<(), Error> {
        let media = from_media(media);
        let result =
            sqlx::query!("update post set media = ?, notes = ? where id = ?", media, notes, id)
                .execute(&mut *self.tx)
                .await
                .map_err(|source| Error::Sql { what: "save the media of a post", source })?;
        one_row("save the media of a post", &result)
    }

    /// Keeps the next life of a post, and the change of its state.
    pub async fn save_life(&mut self, post: &Post, life: &Life, who: Who) -> Result<(), Error> {
        self.write_life(post, life).await?;
        if post.life.state == life.state && post.life.reason == life.reason {
            return Ok(());
        }
        let now = millis(self.now);
        let (from, to, who) = (post.life.state.word(), life.state.word(), who.word());
        sqlx::query!(
            "insert into transition (post_id, at, from_state, to_state, who, why)
             values (?, ?, ?, ?, ?, ?)",
            post.id,
            now,
            from,
            to,
            who,
            life.reason,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "write the change of a post", source })?;
        Ok(())
    }

    async fn write_life(&mut self, post: &Post, life: &Life) -> Result<(), Error> {
        let changed_at =
            millis(if post.life.state == life.state { post.changed_at } else { self.now });
        let (state, before) = (life.state.word(), post.life.state.word());
        let not_before = millis(life.not_before);
        let expires_at = maybe_millis(life.expires_at);
        let first_absent_at = maybe_millis(life.lookups.first_absent_at);
        let next_lookup_at = maybe_millis(life.lookups.next_at);
        let posted_at = maybe_millis(life.posted_at);
        let result = sqlx::query!(
            "update post
             set state = ?, generation = ?, doubtful = ?, accepted_before = ?, refusals = ?,
                sends = ?, not_before = ?, expires_at = ?, send_now = ?, released = ?,
                timed = ?, reason = ?, lookups = ?,
                first_absent_at = ?, next_lookup_at = ?, ayrshare_id = ?, network_id = ?, url = ?,
                posted_at = ?, changed_at = ?
             where id = ? and state = ?",
            state,
            life.generation,
            life.doubtful,
            life.accepted_before,
            life.refusals,
            life.sends,
            not_before,
            expires_at,
            life.send_now,
            life.released,
            life.timed,
            life.reason,
            life.lookups.made,
            first_absent_at,
            next_lookup_at,
            life.receipt.ayrshare_id,
            life.receipt.network_id,
            life.receipt.url,
            posted_at,
            changed_at,
            post.id,
            before,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "change the state of a post", source })?;
        one_row("change the state of a post", &result)
    }
}
