//! Tables `alert`, `alert_note`, `alert_message` and `alert_weekly`: what was found wrong, whom it has
//! to be told, and what was told.
//!
//! Promises: one open alert of a key; an alert is put down together with the notes to its receivers,
//! so that none is lost and none is told twice by us. Must not: decide what is wrong or who hears of it.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Error, Store, Times, Tx, maybe_millis, millis, nonsense};
use crate::domain::alert::render::Note;
use crate::domain::alert::{Alert, Kind, Known, Severity};

mod outbox;
mod sights;

pub use outbox::{Due, Outbox};
pub use sights::{Changed, HeldPosts, Silence, Trouble, TroubledPost};

/// An alert as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its number.
    pub id: i64,
    /// What is told of it.
    pub note: Note,
    /// Not told before.
    pub tell_at: DateTime<Utc>,
    /// When it was told, or would have been if anybody were to be told.
    pub told_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub closed_at: Option<DateTime<Utc>>,
    linger: TimeDelta,
    away_since: Option<DateTime<Utc>>,
}

impl Kept {
    /// The part that decides what becomes of it.
    pub fn known(&self) -> Known {
        Known {
            id: self.id,
            kind: self.note.kind,
            key: self.note.key.clone(),
            tell_at: self.tell_at,
            is_told: self.told_at.is_some(),
            linger: self.linger,
            away_since: self.away_since,
        }
    }
}

struct AlertRow {
    id: i64,
    kind: String,
    key: String,
    severity: String,
    profiles: String,
    title: String,
    body: String,
    remedy: String,
    opened_at: i64,
    tell_at: i64,
    told_at: Option<i64>,
    linger: i64,
    away_since: Option<i64>,
    closed_at: Option<i64>,
}

impl TryFrom<AlertRow> for Kept {
    type Error = Error;

    fn try_from(row: AlertRow) -> Result<Self, Error> {
        let wrong = |column, value: &String| nonsense("alert", &row.id, column, value);
        let times = Times::of("alert", &row.id);
        let closed_at = times.maybe("closed_at", row.closed_at)?;
        let note = Note {
            kind: Kind::parse(&row.kind).ok_or_else(|| wrong("kind", &row.kind))?,
            severity: Severity::parse(&row.severity)
                .ok_or_else(|| wrong("severity", &row.severity))?,
            profiles: serde_json::from_str(&row.profiles)
                .map_err(|_| wrong("profiles", &row.profiles))?,
            key: row.key,
            title: row.title,
            body: row.body,
            remedy: row.remedy,
            opened_at: times.at("opened_at", row.opened_at)?,
            ended_at: closed_at,
        };
        Ok(Self {
            id: row.id,
            note,
            tell_at: times.at("tell_at", row.tell_at)?,
            told_at: times.maybe("told_at", row.told_at)?,
            closed_at,
            linger: TimeDelta::try_milliseconds(row.linger).unwrap_or_default(),
            away_since: times.maybe("away_since", row.away_since)?,
        })
    }
}

impl Store {
    /// The open alerts, those that wait for their patience to be over included, oldest first.
    pub async fn open_alerts(&self) -> Result<Vec<Kept>, Error> {
        sqlx::query_as!(
            AlertRow,
            "select * from alert where closed_at is null order by opened_at, id"
        )
        .fetch_all(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "read the open alerts", source })?
        .into_iter()
        .map(TryInto::try_into)
        .collect()
    }

    /// The alerts that were told, the newest first, at most `limit`.
    pub async fn told_alerts(&self, limit: u32) -> Result<Vec<Kept>, Error> {
        sqlx::query_as!(
            AlertRow,
            "select * from alert where told_at is not null order by id desc limit ?",
            limit
        )
        .fetch_all(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "read the alerts", source })?
        .into_iter()
        .map(TryInto::try_into)
        .collect()
    }
}

const ALERT: &str = "save an alert";

impl Tx {
    /// The open alert of a key.
    pub async fn open_alert(&mut self, key: &str) -> Result<Option<Kept>, Error> {
        sqlx::query_as!(AlertRow, "select * from alert where key = ? and closed_at is null", key)
            .fetch_optional(&mut *self.tx)
            .await
            .map_err(|source| Error::Sql { what: "read an alert", source })?
            .map(TryInto::try_into)
            .transpose()
    }

    /// One alert.
    pub async fn alert(&mut self, id: i64) -> Result<Option<Kept>, Error> {
        sqlx::query_as!(AlertRow, "select * from alert where id = ?", id)
            .fetch_optional(&mut *self.tx)
            .await
            .map_err(|source| Error::Sql { what: "read an alert", source })?
            .map(TryInto::try_into)
            .transpose()
    }

    /// Puts down an alert that begins; gives its number.
    pub async fn insert_alert(&mut self, alert: &Alert) -> Result<i64, Error> {
        let (kind, severity) = (alert.kind.word(), alert.severity.word());
        let profiles = serde_json::Value::from(alert.profiles.clone()).to_string();
        let now = millis(self.now);
        let tell_at = millis(self.now + alert.patience);
        let linger = alert.linger.num_milliseconds();
        let result = sqlx::query!(
            "insert into alert
                (kind, key, severity, profiles, title, body, remedy, opened_at, tell_at, linger)
             values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            kind,
            alert.key,
            severity,
            profiles,
            alert.title,
            alert.body,
            alert.remedy,
            now,
            tell_at,
            linger,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: ALERT, source })?;
        Ok(result.last_insert_rowid())
    }

    /// Keeps that an alert is told.
    pub async fn alert_told(&mut self, id: i64) -> Result<(), Error> {
        let now = millis(self.now);
        sqlx::query!("update alert set told_at = ? where id = ?", now, id)
            .execute(&mut *self.tx)
            .await
            .map_err(|source| Error::Sql { what: ALERT, source })?;
        Ok(())
    }

    /// Keeps since when an alert is away, or that it is back.
    pub async fn alert_away(&mut self, id: i64, since: Option<DateTime<Utc>>) -> Result<(), Error> {
        let since = maybe_millis(since);
        sqlx::query!("update alert set away_since = ? where id = ?", since, id)
            .execute(&mut *self.tx)
            .await
            .map_err(|source| Error::Sql { what: ALERT, source })?;
        Ok(())
    }

    /// Ends an alert.
    pub async fn close_alert(&mut self, id: i64) -> Result<(), Error> {
        let now = millis(self.now);
        sqlx::query!("update alert set closed_at = ? where id = ?", now, id)
            .execute(&mut *self.tx)
            .await
            .map_err(|source| Error::Sql { what: ALERT, source })?;
        Ok(())
    }

    /// Forgets an alert that nobody heard of.
    pub async fn forget_alert(&mut self, id: i64) -> Result<(), Error> {
        sqlx::query!("delete from alert where id = ?", id)
            .execute(&mut *self.tx)
            .await
            .map_err(|source| Error::Sql { what: ALERT, source })?;
        Ok(())
    }

    /// Forgets alerts that ended, and messages that were made, before `limit`.
    pub async fn forget_old_alerts(&mut self, limit: DateTime<Utc>) -> Result<(), Error> {
        let limit = millis(limit);
        let what = "forget old alerts";
        sqlx::query!("delete from alert where closed_at < ?", limit)
            .execute(&mut *self.tx)
            .await
            .map_err(|source| Error::Sql { what, source })?;
        sqlx::query!("delete from alert_message where made_at < ?", limit)
            .execute(&mut *self.tx)
            .await
            .map_err(|source| Error::Sql { what, source })?;
        Ok(())
    }
}
