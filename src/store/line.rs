//! The queue as planning sees it: who is first in line on each lane, and when its feeds were served.
//!
//! Promises: as many index look-ups as there are feeds, however many posts wait. Must not: choose;
//! the plan does.

use chrono::{DateTime, Utc};

use super::{Error, Store, Times, millis, nonsense};
use crate::domain::breaker::Lane;
use crate::domain::plan::Priority;

/// A queued post, as far as planning needs it.
#[expect(clippy::struct_excessive_bools, reason = "facts that hold side by side, no modes")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InLine {
    /// Its number.
    pub id: i64,
    /// Its feed.
    pub feed: String,
    /// Its priority.
    pub priority: Priority,
    /// The text; empty where it was not asked for.
    pub text: String,
    /// Whether the platform will see a link in it.
    pub has_link: bool,
    /// Whether its text may be changed: nobody edited it, and it never left.
    pub is_ours: bool,
    /// When it was queued.
    pub queued_at: DateTime<Utc>,
    /// Not to be sent earlier.
    pub not_before: DateTime<Utc>,
    /// Not to be sent then or later.
    pub expires_at: Option<DateTime<Utc>>,
    /// To be sent at once, by hand.
    pub send_now: bool,
    /// Let go by a person.
    pub released: bool,
    /// Where a person put it among those of its lane.
    pub place: i64,
}

/// How much of a lane's queue is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Depth {
    /// Posts of each feed, priority and kind (with a link or without), from the oldest on.
    pub oldest: u32,
    /// The same from the newest on.
    pub newest: u32,
    /// Posts that may not be sent yet, the nearest first; and as many released ones, and ones that
    /// a person put first or last.
    pub others: u32,
    /// Whether the texts are wanted.
    pub texts: bool,
}

/// When a feed was served on a lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The feed.
    pub feed: String,
    /// The number of its latest attempt.
    pub attempt: Option<i64>,
    /// Its latest send, in the order of sending.
    pub last_sent_at: Option<DateTime<Utc>>,
}

struct Row {
    id: i64,
    feed: String,
    priority: i64,
    text: String,
    has_link: i64,
    is_ours: i64,
    queued_at: i64,
    not_before: i64,
    expires_at: Option<i64>,
    send_now: i64,
    released: i64,
    place: i64,
}

impl TryFrom<Row> for InLine {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let times = Times::of("post", &row.id);
        let place = usize::try_from(row.priority).ok();
        let priority = place.and_then(|place| Priority::ALL.get(place).copied());
        Ok(Self {
            priority: priority
                .ok_or_else(|| nonsense("post", &row.id, "priority", &row.priority))?,
            queued_at: times.at("queued_at", row.queued_at)?,
            not_before: times.at("not_before", row.not_before)?,
            expires_at: times.maybe("expires_at", row.expires_at)?,
            id: row.id,
            feed: row.feed,
            text: row.text,
            has_link: row.has_link != 0,
            is_ours: row.is_ours != 0,
            send_now: row.send_now != 0,
            released: row.released != 0,
            place: row.place,
        })
    }
}

impl Store {
    /// The posts of a lane that may be first in line, in no order.
    #[expect(clippy::too_many_lines, reason = "one statement")]
    pub async fn in_line(
        &self,
        lane: &Lane,
        now: DateTime<Utc>,
        depth: Depth,
    ) -> Result<Vec<InLine>, Error> {
        let now = millis(now);
        // The first member walks the index from feed to feed, priority to priority, kind to kind:
        // each step is a look-up, which a comparison of all three at once would not be.
        let rows = sqlx::query_as!(
            Row,
            r#"with recursive
               line(id, feed, priority, has_link) as (
                  select * from (
                     select id, feed, priority, has_link from post indexed by post_turn
                     where profile = ?1 and platform = ?2 and state = 'queued'
                     order by feed, priority, has_link limit 1)
                  union all
                  select post.id, post.feed, post.priority, post.has_link
                  from line join post on post.id = coalesce(
                     (select other.id from post as other indexed by post_turn
                     where other.profile = ?1 and other.platform = ?2 and other.state = 'queued'
                        and other.feed = line.feed and other.priority = line.priority
                        and other.has_link > line.has_link
                     order by other.has_link limit 1),
                     (select other.id from post as other indexed by post_turn
                     where other.profile = ?1 and other.platform = ?2 and other.state = 'queued'
                        and other.feed = line.feed and other.priority > line.priority
                     order by other.priority, other.has_link limit 1),
                     (select other.id from post as other indexed by post_turn
                     where other.profile = ?1 and other.platform = ?2 and other.state = 'queued'
                        and other.feed > line.feed
                     order by other.feed, other.priority, other.has_link limit 1))),
               found(id) as (
                  select post.id from line join post on post.id in (
                     select head.id from post as head indexed by post_turn
                     where head.profile = ?1 and head.platform = ?2 and head.state = 'queued'
                        and head.feed = line.feed and head.priority = line.priority
                        and head.has_link = line.has_link and head.not_before <= ?3
                        and head.place = 0
                     order by head.id limit ?4)
                  union
                  select post.id from line join post on ?5 > 0 and post.id in (
                     select head.id from post as head indexed by post_turn
                     where head.profile = ?1 and head.platform = ?2 and head.state = 'queued'
                        and head.feed = line.feed and head.priority = line.priority
                        and head.has_link = line.has_link and head.not_before <= ?3
                        and head.place = 0
                     order by head.id desc limit ?5)
                  union
                  select id from (
                     select id from post indexed by post_not_before
                     where profile = ?1 and platform = ?2 and state = 'queued' and not_before > ?3
                     order by not_before, id limit ?6)
                  union
                  select id from (
                     select id from post indexed by post_released
                     where profile = ?1 and platform = ?2 and state = 'queued' and send_now = 1
                     order by id limit ?6)
                  union
                  select id from (
                     select id from post indexed by post_let_go
                     where profile = ?1 and platform = ?2 and state = 'queued' and released = 1
                        and not_before <= ?3
                     order by id limit ?6)
                  union
                  select id from (
                     select id from post indexed by post_placed
                     where profile = ?1 and platform = ?2 and place < 0 and place <> 0
                        and state in ('held', 'queued') and +state = 'queued' and not_before <= ?3
                     order by place, id limit ?6)
                  union
                  select id from (
                     select id from post indexed by post_placed
                     where profile = ?1 and platform = ?2 and place > 0 and place <> 0
                        and state in ('held', 'queued') and +state = 'queued' and not_before <= ?3
                     order by place, id limit ?6))
               select id, feed, priority, iif(?7, text, '') as "text!: String", has_link,
                  not edited and sends = 0 as "is_ours!: i64", queued_at, not_before, expires_at,
                  send_now, released, place
               from post where id in (select id from found)"#,
            lane.profile,
            lane.platform,
            now,
            depth.oldest,
            depth.newest,
            depth.others,
            depth.texts,
        )
        .fetch_all(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "read who is first in line", source })?;
        rows.into_iter().map(InLine::try_from).collect()
    }

    /// The feeds with queued posts on a lane, and when each was served there.
    pub async fn served(&self, lane: &Lane) -> Result<Vec<Served>, Error> {
        let rows = sqlx::query!(
            r#"with recursive line(feed) as (
                  select min(feed) from post indexed by post_turn
                  where profile = ?1 and platform = ?2 and state = 'queued'
                  union all
                  select (
                     select min(other.feed) from post as other indexed by post_turn
                     where other.profile = ?1 and other.platform = ?2 and other.state = 'queued'
                        and other.feed > line.feed)
                  from line where line.feed is not null)
               select line.feed as "feed!: String", (
                     select max(id) from attempt indexed by attempt_by_feed
                     where profile = ?1 and platform = ?2 and attempt.feed = line.feed
                  ) as "attempt: i64", (
                     select started_at from attempt indexed by attempt_by_feed
                     where profile = ?1 and platform = ?2 and attempt.feed = line.feed
                        and (outcome is null or outcome in ('posted', 'unknown'))
                     order by id desc
                     limit 1
                  ) as "last_sent_at: i64"
               from line where line.feed is not null"#,
            lane.profile,
            lane.platform,
        )
        .fetch_all(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "read when feeds were served", source })?;
        rows.into_iter()
            .map(|row| {
                let times = Times::of("attempt", &row.feed);
                let last_sent_at = times.maybe("started_at", row.last_sent_at)?;
                Ok(Served { feed: row.feed, attempt: row.attempt, last_sent_at })
            })
            .collect()
    }

    /// The lanes that have queued posts.
    pub async fn lanes_in_line(&self) -> Result<Vec<Lane>, Error> {
        // From lane to lane by the index: a queue of a million posts costs no more than its lanes.
        let rows = sqlx::query!(
            r#"with recursive line(profile, platform) as (
                  select * from (
                     select profile, platform from post indexed by post_turn
                     where state = 'queued'
                     order by profile, platform
                     limit 1)
                  union all
                  select post.profile, post.platform
                  from line join post on post.id = coalesce(
                     (select other.id from post as other indexed by post_turn
                     where other.state = 'queued' and other.profile = line.profile
                        and other.platform > line.platform
                     order by other.platform
                     limit 1),
                     (select other.id from post as other indexed by post_turn
                     where other.state = 'queued' and other.profile > line.profile
                     order by other.profile, other.platform
                     limit 1)))
               select profile as "profile!: String", platform as "platform!: String" from line"#
        )
        .fetch_all(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "read the lanes", source })?;
        Ok(rows.into_iter().map(|row| Lane::new(row.profile, row.platform)).collect())
    }
}
