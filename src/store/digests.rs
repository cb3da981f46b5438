//! Table `digest_entry`: which entries a digest tells of.
//!
//! Promises: an entry is in one digest of a lane at most. Must not: word a digest, or choose one.

use super::entries::{EntryRow, SeenEntry};
use super::{Error, Store, Times, Tx, millis, nonsense};
use crate::domain::breaker::Lane;
use crate::domain::digest::Waiting;

/// Digests of one feed that wait on one lane; more than that are hundreds of days ahead.
const WAITING_MAX: u32 = 1_000;

impl Store {
    /// The entries of a digest, in their order; none where the post is no digest.
    pub async fn digest_entries(&self, post: i64) -> Result<Vec<SeenEntry>, Error> {
        sqlx::query_as!(
            EntryRow,
            "select entry.* from digest_entry join entry on entry.id = digest_entry.entry_id
             where digest_entry.post_id = ? order by digest_entry.place",
            post
        )
        .fetch_all(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "read the entries of a digest", source })?
        .into_iter()
        .map(TryInto::try_into)
        .collect()
    }
}

impl Tx {
    /// The digests of a feed that wait on a lane for a later instant and were never sent.
    pub async fn waiting_digests(
        &mut self,
        feed: &str,
        lane: &Lane,
    ) -> Result<Vec<Waiting>, Error> {
        let now = millis(self.now);
        let rows = sqlx::query!(
            r#"select id, not_before, edited,
                    (select count(*) from digest_entry where post_id = post.id) as "entries!: i64"
               from post
               where state = 'queued' and profile = ?1 and platform = ?2 and feed = ?3
                    and not_before > ?4 and sends = 0 and send_now = 0
                    and exists (select 1 from digest_entry where post_id = post.id)
               order by not_before, id
               limit ?5"#,
            lane.profile,
            lane.platform,
            feed,
            now,
            WAITING_MAX,
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "look for digests that wait", source })?;
        rows.into_iter()
            .map(|row| {
                Ok(Waiting {
                    post: row.id,
                    at: Times::of("post", &row.id).at("not_before", row.not_before)?,
                    entries: usize::try_from(row.entries)
                        .map_err(|_| nonsense("digest_entry", &row.id, "place", &row.entries))?,
                    edited: row.edited != 0,
                })
            })
            .collect()
    }

    /// Puts an entry behind the others of a digest.
    pub async fn join_digest(&mut self, post: i64, entry: i64, lane: &Lane) -> Result<(), Error> {
        sqlx::query!(
            "insert into digest_entry (post_id, place, entry_id, profile, platform)
             select ?1, count(*), ?2, ?3, ?4 from digest_entry where post_id = ?1",
            post,
            entry,
            lane.profile,
            lane.platform,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "add an entry to a digest", source })?;
        Ok(())
    }

    /// The entries of a digest, in their order, as they are now; none where the post is no digest.
    pub async fn digest_entries(&mut self, post: i64) -> Result<Vec<SeenEntry>, Error> {
        sqlx::query_as!(
            EntryRow,
            "select entry.* from digest_entry join entry on entry.id = digest_entry.entry_id
             where digest_entry.post_id = ? order by digest_entry.place",
            post
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "read the entries of a digest", source })?
        .into_iter()
        .map(TryInto::try_into)
        .collect()
    }
}
