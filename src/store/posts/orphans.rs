//! Table `orphan`: posts whose feed or lane left the config.
//!
//! Promises: a post is in it at most once. Must not: know the config.

use super::Post;
use super::row::posts;
use crate::domain::breaker::Lane;
use crate::store::{Error, Tx};

impl Tx {
    /// The feeds and lanes of all queued posts that are no orphans.
    pub async fn queued_ways(&mut self) -> Result<Vec<(String, Lane)>, Error> {
        let rows = sqlx::query!(
            "select distinct feed, profile, platform from post
             where state = 'queued' and id not in (select post_id from orphan)"
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "read where posts go", source })?;
        Ok(rows.into_iter().map(|row| (row.feed, Lane::new(row.profile, row.platform))).collect())
    }

    /// The queued posts of a feed on a lane that are no orphans.
    pub async fn queued_on(&mut self, feed: &str, lane: &Lane) -> Result<Vec<Post>, Error> {
        posts!(
            &mut *self.tx,
            "where state = 'queued' and feed = ? and profile = ? and platform = ?
                and id not in (select post_id from orphan)
             order by id",
            feed,
            lane.profile,
            lane.platform
        )
    }

    /// All orphans.
    pub async fn orphans(&mut self) -> Result<Vec<Post>, Error> {
        let ids = sqlx::query_scalar!("select post_id from orphan order by post_id")
            .fetch_all(&mut *self.tx)
            .await
            .map_err(|source| Error::Sql { what: "read the posts without a feed", source })?;
        let mut orphans = Vec::with_capacity(ids.len());
        for id in ids {
            orphans.extend(self.post(id).await?);
        }
        Ok(orphans)
    }

    /// Makes a post an orphan.
    pub async fn orphan(&mut self, id: i64) -> Result<(), Error> {
        sqlx::query!("insert or ignore into orphan (post_id) values (?)", id)
            .execute(&mut *self.tx)
            .await
            .map_err(|source| Error::Sql { what: "note that a post's feed is gone", source })?;
        Ok(())
    }

    /// A post is no orphan any more.
    pub async fn adopt(&mut self, id: i64) -> Result<(), Error> {
        sqlx::query!("delete from orphan where post_id = ?", id)
            .execute(&mut *self.tx)
            .await
            .map_err(|source| Error::Sql { what: "note that a post's feed is back", source })?;
        Ok(())
    }
}
