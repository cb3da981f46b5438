//! What a person changes in the queue beside a state: words and places.
//!
//! Promises: only of posts that wait, or failed. Must not: judge the words.

use super::Wording;
use super::row::{from_media, from_options};
use crate::domain::breaker::Lane;
use crate::store::{Error, Tx, one_row};

impl Tx {
    /// Gives a held, queued or failed post other words; its state was looked at in this
    /// transaction.
    pub async fn edit_post(&mut self, id: i64, wording: &Wording<'_>) -> Result<(), Error> {
        let (media, options) = (from_media(wording.media), from_options(wording.options));
        let result = sqlx::query!(
            "update post set text = ?, weighted_length = ?, has_link = ?, notes = ?, edited = ?,
                media = ?, options = ?
             where id = ? and state in ('held', 'queued', 'failed')",
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
        .map_err(|source| Error::Sql { what: "edit a post", source })?;
        one_row("edit a post", &result)
    }

    /// The waiting posts of a lane that a person put before all others, or behind them, in their
    /// order, at most `limit`.
    pub async fn placed(
        &mut self,
        lane: &Lane,
        first: bool,
        limit: u32,
    ) -> Result<Vec<i64>, Error> {
        sqlx::query_scalar!(
            "select id from post indexed by post_placed
             where profile = ? and platform = ? and place <> 0 and state in ('held', 'queued')
                and (place < 0) = ?
             order by place, id
             limit ?",
            lane.profile,
            lane.platform,
            first,
            limit,
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "read the order of a lane", source })
    }

    /// Puts a waiting post elsewhere among those of its lane; one that no longer waits stays.
    pub async fn put_post(&mut self, id: i64, place: i64) -> Result<(), Error> {
        sqlx::query!(
            "update post set place = ?1
             where id = ?2 and place <> ?1 and state in ('held', 'queued')",
            place,
            id
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "move a post", source })?;
        Ok(())
    }
}
