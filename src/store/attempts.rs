//! Table `attempt`: one request of one post; the ledger.
//!
//! Promises: an attempt's row is written before its request and settled once; what was spent holds the
//! requests to delete too. Must not: reckon costs.

use chrono::{DateTime, Utc};

use super::posts::Post;
use super::{Error, Store, Times, Tx, millis};
use crate::domain::breaker::Lane;
use crate::domain::cost::Usd;
use crate::domain::outcome::Refusal;

/// One request of one post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its number.
    pub id: i64,
    /// The post.
    pub post_id: i64,
    /// The generation in its key.
    pub generation: u32,
    /// When its row was written, just before the request left.
    pub started_at: DateTime<Utc>,
    /// When the answer was settled.
    pub ended_at: Option<DateTime<Utc>>,
    /// What the answer meant; `None` while the request is out.
    pub outcome: Option<String>,
    /// HTTP status.
    pub status: Option<i64>,
    /// Ayrshare's code.
    pub code: Option<i64>,
    /// What was said.
    pub message: String,
    /// What it cost at X; assumed while the outcome is unknown.
    pub cost: Usd,
}

struct AttemptRow {
    id: i64,
    post_id: i64,
    generation: i64,
    started_at: i64,
    ended_at: Option<i64>,
    outcome: Option<String>,
    status: Option<i64>,
    code: Option<i64>,
    message: String,
    cost_micros: i64,
}

impl TryFrom<AttemptRow> for Attempt {
    type Error = Error;

    fn try_from(row: AttemptRow) -> Result<Self, Error> {
        let times = Times::of("attempt", &row.id);
        Ok(Self {
            started_at: times.at("started_at", row.started_at)?,
            ended_at: times.maybe("ended_at", row.ended_at)?,
            generation: times.count("generation", row.generation)?,
            id: row.id,
            post_id: row.post_id,
            outcome: row.outcome,
            status: row.status,
            code: row.code,
            message: row.message,
            cost: Usd::from_micros(row.cost_micros),
        })
    }
}

impl Store {
    /// The attempts of a post, oldest first.
    pub async fn attempts(&self, post: i64) -> Result<Vec<Attempt>, Error> {
        sqlx::query_as!(
            AttemptRow,
            "select id, post_id, generation, started_at, ended_at, outcome, status, code, message,
                cost_micros
             from attempt where post_id = ? order by id",
            post
        )
        .fetch_all(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "read the attempts of a post", source })?
        .into_iter()
        .map(TryInto::try_into)
        .collect()
    }

    /// When a lane sent since `since`, and from which feed, oldest first: what is, may be, or is
    /// just being published.
    pub async fn sends_of_lane(
        &self,
        lane: &Lane,
        since: DateTime<Utc>,
    ) -> Result<Vec<(DateTime<Utc>, String)>, Error> {
        let since = millis(since);
        let rows = sqlx::query!(
            "select started_at, feed from attempt
             where profile = ? and platform = ? and started_at >= ?
                and (outcome is null or outcome in ('posted', 'unknown'))
             order by started_at",
            lane.profile,
            lane.platform,
            since
        )
        .fetch_all(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "read when a lane sent", source })?;
        let times = Times::of("attempt", &lane);
        rows.into_iter()
            .map(|row| Ok((times.at("started_at", row.started_at)?, row.feed)))
            .collect()
    }

    /// When a lane sent last, if ever: the last in the order of sending, whatever the clock did.
    pub async fn last_send_of_lane(&self, lane: &Lane) -> Result<Option<DateTime<Utc>>, Error> {
        let row = sqlx::query_scalar!(
            "select started_at from attempt
             where profile = ? and platform = ?
                and (outcome is null or outcome in ('posted', 'unknown'))
             order by id desc
             limit 1",
            lane.profile,
            lane.platform
        )
        .fetch_optional(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "read when a lane sent last", source })?;
        Times::of("attempt", &lane).maybe("started_at", row)
    }

    /// When the first and the last attempt left under a post's present key whose outcome is
    /// unknown.
    pub async fn doubts(&self, post: &Post) -> Result<Option<Doubts>, Error> {
        let row = sqlx::query!(
            r#"select min(started_at) as "first: i64", max(started_at) as "last: i64" from attempt
               where post_id = ? and generation = ? and outcome = 'unknown'"#,
            post.id,
            post.life.generation
        )
        .fetch_one(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "read when an attempt left", source })?;
        let times = Times::of("attempt", &post.id);
        let first = times.maybe("started_at", row.first)?;
        let last = times.maybe("started_at", row.last)?;
        Ok(first.zip(last).map(|(first, last)| Doubts { first, last }))
    }

    /// What a profile spent since `since` on all platforms, as budgets count it: what X billed, and
    /// what it may have billed for requests that it refused.
    pub async fn spent(&self, profile: &str, since: DateTime<Utc>) -> Result<Usd, Error> {
        let since = millis(since);
        let micros = sqlx::query_scalar!(
            r#"select coalesce(sum(cost_micros + risk_micros), 0)
                    + (select coalesce(sum(cost_micros + risk_micros), 0) from deletion
                       where profile = ?1 and asked_at >= ?2) as "micros!: i64"
               from attempt indexed by attempt_spent
               where profile = ?1 and started_at >= ?2"#,
            profile,
            since
        )
        .fetch_one(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "sum what a profile spent", source })?;
        Ok(Usd::from_micros(micros))
    }

    /// What several profiles spent since `since` together, as budgets count it.
    pub async fn spent_together(
        &self,
        profiles: &[&str],
        since: DateTime<Utc>,
    ) -> Result<Usd, Error> {
        let since = millis(since);
        let profiles = serde_json::json!(profiles).to_string();
        let micros = sqlx::query_scalar!(
            r#"select coalesce(sum(cost_micros + risk_micros), 0)
                    + (select coalesce(sum(cost_micros + risk_micros), 0) from deletion
                       where profile in (select value from json_each(?1)) and asked_at >= ?2)
                    as "micros!: i64"
               from json_each(?1) as one
               cross join attempt indexed by attempt_spent
               where profile = one.value and started_at >= ?2"#,
            profiles,
            since
        )
        .fetch_one(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "sum what a group spent", source })?;
        Ok(Usd::from_micros(micros))
    }

    /// What a feed spent since `since` on all lanes, as budgets count it.
    pub async fn spent_by_feed(&self, feed: &str, since: DateTime<Utc>) -> Result<Usd, Error> {
        let since = millis(since);
        let micros = sqlx::query_scalar!(
            r#"select coalesce(sum(cost_micros + risk_micros), 0)
                    + (select coalesce(sum(cost_micros + risk_micros), 0) from deletion
                       where feed = ?1 and asked_at >= ?2) as "micros!: i64"
               from attempt indexed by attempt_spent_by_feed
               where feed = ?1 and started_at >= ?2"#,
            feed,
            since
        )
        .fetch_one(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "sum what a feed spent", source })?;
        Ok(Usd::from_micros(micros))
    }

    /// What all profiles spent since `since`, as budgets count it.
    pub async fn spent_overall(&self, since: DateTime<Utc>) -> Result<Usd, Error> {
        let since = millis(since);
        let micros = sqlx::query_scalar!(
            r#"select coalesce(sum(cost_micros + risk_micros), 0)
                    + (select coalesce(sum(cost_micros + risk_micros), 0) from deletion
                       where asked_at >= ?1) as "micros!: i64"
               from attempt indexed by attempt_spent_overall
               where started_at >= ?1"#,
            since
        )
        .fetch_one(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "sum what was spent", source })?;
        Ok(Usd::from_micros(micros))
    }
}

/// When requests left under one key whose outcome is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Doubts {
    /// The first one.
    pub first: DateTime<Utc>,
    /// The last one.
    pub last: DateTime<Utc>,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy)]
pub struct Ended<'a> {
    /// `posted`, `retry`, `unsent`, `dead`, `stop` or `unknown`.
    pub outcome: &'a str,
    /// What was said.
    pub refusal: &'a Refusal,
    /// Whether it is, or has to be taken as, billed.
    pub billed: bool,
}

impl Tx {
    /// Writes the intent to send: durable before the first byte leaves. Gives its number.
    pub async fn insert_attempt(&mut self, post: &Post, cost: Usd) -> Result<i64, Error> {
        let now = millis(self.now);
        let cost = cost.micros();
        let result = sqlx::query!(
            "insert into attempt (post_id, profile, platform, feed, generation, started_at,
                cost_micros)
             values (?, ?, ?, ?, ?, ?, ?)",
            post.id,
            post.lane.profile,
            post.lane.platform,
            post.feed,
            post.life.generation,
            now,
            cost,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "write the intent to send", source })?;
        Ok(result.last_insert_rowid())
    }

    /// Writes how the one open attempt of a post ended; gives when it left.
    ///
    /// X charges for requests and promises no refund for those that it refuses (contract, section
    /// 9.2): what got so far that it may have been asked is kept as a risk, which budgets count.
    pub async fn end_attempt(
        &mut self,
        post: i64,
        ended: &Ended<'_>,
    ) -> Result<DateTime<Utc>, Error> {
        let now = millis(self.now);
        let status = ended.refusal.status.map(i64::from);
        let started = sqlx::query_scalar!(
            "update attempt
             set ended_at = ?1, outcome = ?2, status = ?3, code = ?4, message = ?5,
                risk_micros = iif(not ?6 and ?2 in ('dead', 'retry'), cost_micros, 0),
                cost_micros = iif(?6, cost_micros, 0)
             where post_id = ?7 and outcome is null
             returning started_at",
            now,
            ended.outcome,
            status,
            ended.refusal.code,
            ended.refusal.message,
            ended.billed,
            post,
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "write how an attempt ended", source })?;
        match started.as_slice() {
            [at] => Times::of("attempt", &post).at("started_at", *at),
            rows => Err(Error::Rows {
                what: "write how an attempt ended",
                found: u64::try_from(rows.len()).unwrap_or(u64::MAX),
            }),
        }
    }

    /// Corrects the ledger once an unknown outcome is settled: of the attempts with an unknown
    /// outcome only the last one was billed, and only if the post is `published`.
    pub async fn settle_ledger(&mut self, post: i64, published: bool) -> Result<(), Error> {
        sqlx::query!(
            "update attempt set cost_micros = 0
             where post_id = ?1 and outcome = 'unknown'
                and (not ?2 or id < (select max(id) from attempt
                    where post_id = ?1 and outcome in ('unknown', 'posted')))",
            post,
            published,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "correct the ledger", source })?;
        Ok(())
    }

    /// The outcomes of the lane's last ended attempts, newest first: `(outcome, code)`.
    pub async fn last_outcomes(
        &mut self,
        lane: &Lane,
        limit: u32,
    ) -> Result<Vec<(String, Option<i64>)>, Error> {
        let rows = sqlx::query!(
            r#"select outcome as "outcome!", code from attempt
               where profile = ? and platform = ? and outcome is not null
               order by id desc
               limit ?"#,
            lane.profile,
            lane.platform,
            limit
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "read the last outcomes of a lane", source })?;
        Ok(rows.into_iter().map(|row| (row.outcome, row.code)).collect())
    }
}
