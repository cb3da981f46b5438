//! Table `breaker`: stops with a cause; they survive restarts.
//!
//! Promises: one open stop for a scope and cause at most. Must not: decide when one ends.

use chrono::{DateTime, Utc};

use super::{Error, Store, Times, Tx, maybe_millis, millis, nonsense};
use crate::domain::breaker::{Cause, Lane, Scope};

/// A stop, open or closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breaker {
    /// How wide it reaches.
    pub scope: Scope,
    /// Why.
    pub cause: Cause,
    /// Since when.
    pub opened_at: DateTime<Utc>,
    /// When it was closed; `None` while it is open.
    pub closed_at: Option<DateTime<Utc>>,
    /// How often it failed a probe or came back.
    pub strikes: u32,
    /// When it is probed next or ends by itself; `None`: a person ends it.
    pub probe_at: Option<DateTime<Utc>>,
    /// What Ayrshare, or the person, said.
    pub detail: String,
    /// Whether posts that a person let go pass all the same.
    pub except_released: bool,
}

struct BreakerRow {
    scope: String,
    cause: String,
    opened_at: i64,
    closed_at: Option<i64>,
    strikes: i64,
    probe_at: Option<i64>,
    detail: String,
    except_released: i64,
}

impl TryFrom<BreakerRow> for Breaker {
    type Error = Error;

    fn try_from(row: BreakerRow) -> Result<Self, Error> {
        let times = Times::of("breaker", &format!("{} {}", row.scope, row.cause));
        Ok(Self {
            scope: Scope::parse(&row.scope)
                .ok_or_else(|| nonsense("breaker", &row.scope, "scope", &row.scope))?,
            cause: Cause::parse(&row.cause)
                .ok_or_else(|| nonsense("breaker", &row.scope, "cause", &row.cause))?,
            opened_at: times.at("opened_at", row.opened_at)?,
            closed_at: times.maybe("closed_at", row.closed_at)?,
            strikes: times.count("strikes", row.strikes)?,
            probe_at: times.maybe("probe_at", row.probe_at)?,
            detail: row.detail,
            except_released: row.except_released != 0,
        })
    }
}

/// All open breakers, oldest first, as this connection sees them.
async fn open_breakers(executor: impl sqlx::SqliteExecutor<'_>) -> Result<Vec<Breaker>, Error> {
    sqlx::query_as!(
        BreakerRow,
        "select * from breaker where closed_at is null order by opened_at, scope, cause"
    )
    .fetch_all(executor)
    .await
    .map_err(|source| Error::Sql { what: "read the breakers", source })?
    .into_iter()
    .map(TryInto::try_into)
    .collect()
}

impl Store {
    /// All open breakers, oldest first.
    pub async fn open_breakers(&self) -> Result<Vec<Breaker>, Error> {
        open_breakers(&self.read).await
    }
}

impl Tx {
    /// All open breakers, oldest first.
    pub async fn open_breakers(&mut self) -> Result<Vec<Breaker>, Error> {
        open_breakers(&mut *self.tx).await
    }

    /// All open breakers that hold a lane.
    pub async fn breakers_over(&mut self, lane: &Lane) -> Result<Vec<Breaker>, Error> {
        let open = self.open_breakers().await?;
        Ok(open.into_iter().filter(|breaker| breaker.scope.covers(lane)).collect())
    }

    /// Forgets how often the stops over a lane came back that were closed before `sent_at`.
    pub async fn clear_strikes(
        &mut self,
        lane: &Lane,
        sent_at: DateTime<Utc>,
    ) -> Result<(), Error> {
        let sent_at = millis(sent_at);
        let all = Scope::All.to_string();
        let profile = Scope::Profile(lane.profile.clone()).to_string();
        let lane = Scope::Lane(lane.clone()).to_string();
        sqlx::query!(
            "update breaker set strikes = 0
             where closed_at < ? and strikes > 0 and scope in (?, ?, ?)",
            sent_at,
            all,
            profile,
            lane
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "clear the strikes of a lane", source })?;
        Ok(())
    }

    /// One breaker, open or closed.
    pub async fn breaker(&mut self, scope: &Scope, cause: Cause) -> Result<Option<Breaker>, Error> {
        let (scope, cause) = (scope.to_string(), cause.word());
        sqlx::query_as!(
            BreakerRow,
            "select * from breaker where scope = ? and cause = ?",
            scope,
            cause
        )
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "read a breaker", source })?
        .map(TryInto::try_into)
        .transpose()
    }

    /// Keeps a breaker, new or changed.
    pub async fn save_breaker(&mut self, breaker: &Breaker) -> Result<(), Error> {
        let (scope, cause) = (breaker.scope.to_string(), breaker.cause.word());
        let opened_at = millis(breaker.opened_at);
        let closed_at = maybe_millis(breaker.closed_at);
        let probe_at = maybe_millis(breaker.probe_at);
        sqlx::query!(
            "insert or replace into breaker
                (scope, cause, opened_at, closed_at, strikes, probe_at, detail, except_released)
             values (?, ?, ?, ?, ?, ?, ?, ?)",
            scope,
            cause,
            opened_at,
            closed_at,
            breaker.strikes,
            probe_at,
            breaker.detail,
            breaker.except_released,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "save a breaker", source })?;
        Ok(())
    }
}
