//! Posts that may be gathered in a digest, because the money does not reach for each.
//!
//! Promises: none that was, or may have been, sent, and none that a person edited, timed, moved or let
//! go. Must not: know what there is to spend.

use chrono::{DateTime, Utc};

use super::Post;
use super::row::posts;
use crate::domain::breaker::Lane;
use crate::domain::plan::Priority;
use crate::store::{Error, Store, Tx, millis};

/// Posts of a feed that are looked at for one digest.
const LOOSE_MAX: u32 = 50;

impl Store {
    /// The oldest posts of a feed on a lane that may go now and are in no digest.
    pub async fn loose(
        &self,
        (feed, lane): (&str, &Lane),
        priority: Priority,
        now: DateTime<Utc>,
    ) -> Result<Vec<Post>, Error> {
        let (now, priority) = (millis(now), number(priority));
        posts!(
            &self.read,
            "where profile = ?1 and platform = ?2 and feed = ?3 and priority = ?4
                and state = 'queued' and not_before <= ?5 and sends = 0 and generation = 1
                and doubtful = 0 and refusals = 0 and edited = 0 and send_now = 0
                and released = 0 and timed = 0 and place = 0 and repost_of is null
                and not exists (select 1 from forgotten where post_id = post.id)
                and not exists (select 1 from digest_entry as told where told.entry_id = post.entry_id
                    and told.profile = post.profile and told.platform = post.platform)
             order by id
             limit ?6",
            lane.profile,
            lane.platform,
            feed,
            priority,
            now,
            LOOSE_MAX
        )
    }

    /// The newest digest of a feed on a lane that may go now and may still be changed.
    pub async fn open_digest(
        &self,
        (feed, lane): (&str, &Lane),
        priority: Priority,
        now: DateTime<Utc>,
    ) -> Result<Option<Post>, Error> {
        let (now, priority) = (millis(now), number(priority));
        let found: Result<Vec<Post>, Error> = posts!(
            &self.read,
            "where profile = ?1 and platform = ?2 and feed = ?3 and priority = ?4
                and state = 'queued' and not_before <= ?5 and sends = 0 and generation = 1
                and doubtful = 0 and refusals = 0 and edited = 0 and send_now = 0
                and released = 0 and timed = 0 and place = 0 and repost_of is null
                and not exists (select 1 from forgotten where post_id = post.id)
                and exists (select 1 from digest_entry where post_id = post.id)
             order by id desc
             limit 1",
            lane.profile,
            lane.platform,
            feed,
            priority,
            now
        );
        Ok(found?.pop())
    }
}

impl Tx {
    /// Has a digest wait as long as a post whose entry it tells might have waited.
    pub async fn wait_as_long(&mut self, digest: i64, post: i64) -> Result<(), Error> {
        sqlx::query!(
            "update post
             set expires_at = (select iif(post.expires_at is null or other.expires_at is null, null,
                max(post.expires_at, other.expires_at)) from post as other where other.id = ?2)
             where id = ?1 and state = 'queued'",
            digest,
            post
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "have a digest wait longer", source })?;
        Ok(())
    }

    /// The digest that tells the entry of a post that does not go by itself any more.
    pub async fn told_in(&mut self, post: i64) -> Result<Option<i64>, Error> {
        sqlx::query_scalar!(
            r#"select told.post_id as "post_id!: i64" from post
               join digest_entry as told on told.entry_id = post.entry_id
                    and told.profile = post.profile and told.platform = post.platform
               where post.id = ?1 and told.post_id <> ?1"#,
            post
        )
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "look for the digest of an entry", source })
    }
}

/// As table `post` has it.
fn number(priority: Priority) -> i64 {
    match priority {
        Priority::Breaking => 0,
        Priority::Normal => 1,
        Priority::Low => 2,
    }
}
