//! Posts page by page, and their number: for the page, the API and monitors.
//!
//! Promises: each look is bounded and goes by an index. Must not: change anything.

use chrono::{DateTime, Utc};

use super::row::posts;
use super::{Post, PostFilter};
use crate::domain::breaker::Lane;
use crate::domain::post::State;
use crate::store::{Error, Store, Times, maybe_millis, nonsense};

/// How many posts of a lane are in a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Census {
    /// The lane.
    pub lane: Lane,
    /// The state.
    pub state: State,
    /// How many.
    pub posts: u64,
    /// When the oldest of them was queued.
    pub oldest_at: DateTime<Utc>,
}

impl Store {
    /// Posts behind the one of number `after`, in the order of their numbers, at most `limit`.
    pub async fn posts_after(
        &self,
        filter: &PostFilter<'_>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Post>, Error> {
        let state = filter.state.map(State::word);
        posts!(
            &self.read,
            "where id > ?1 and (?2 is null or state = ?2) and (?3 is null or feed = ?3)
                and (?4 is null or profile = ?4)
             order by id
             limit ?5",
            after,
            state,
            filter.feed,
            filter.profile,
            limit
        )
    }

    /// What was settled before an instant and a number, newest first, at most `limit`; from the
    /// newest on without `before`.
    pub async fn settled_before(
        &self,
        filter: &PostFilter<'_>,
        before: Option<(DateTime<Utc>, i64)>,
        limit: u32,
    ) -> Result<Vec<Post>, Error> {
        let at = maybe_millis(before.map(|(at, _)| at)).unwrap_or(i64::MAX);
        let id = before.map_or(i64::MAX, |(_, id)| id);
        let state = filter.state.map(State::word);
        posts!(
            &self.read,
            "indexed by post_settled
             where state in ('posted', 'failed', 'skipped', 'expired')
                and (changed_at, id) < (?1, ?2) and (?3 is null or state = ?3)
                and (?4 is null or feed = ?4) and (?5 is null or profile = ?5)
             order by changed_at desc, id desc
             limit ?6",
            at,
            id,
            state,
            filter.feed,
            filter.profile,
            limit
        )
    }

    /// How many posts each lane has in each state, and how old they are.
    pub async fn census(&self) -> Result<Vec<Census>, Error> {
        let rows = sqlx::query!(
            r#"select profile as "profile!", platform as "platform!", state as "state!",
                  count(*) as "posts!: i64", min(queued_at) as "oldest!: i64"
               from post indexed by post_census
               group by profile, platform, state"#
        )
        .fetch_all(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "count the posts", source })?;
        rows.into_iter()
            .map(|row| {
                let times = Times::of("post", &"any");
                Ok(Census {
                    state: State::parse(&row.state)
                        .ok_or_else(|| nonsense("post", &"any", "state", &row.state))?,
                    posts: u64::from(times.count("count", row.posts)?),
                    oldest_at: times.at("queued_at", row.oldest)?,
                    lane: Lane::new(row.profile, row.platform),
                })
            })
            .collect()
    }
}
