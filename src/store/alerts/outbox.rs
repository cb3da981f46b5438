//! What receivers are to be told, and how far that got.
//!
//! Promises: a message keeps its identity and its content through all tries. Must not: send.

use chrono::{DateTime, Utc};

use super::super::{Error, Store, Times, Tx, millis};
use super::{AlertRow, Kept};
use crate::domain::alert::render::Note;

/// What lies ready for a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outbox {
    /// The message that is not through yet.
    pub message: Option<Due>,
    /// Notes that are in no message yet.
    pub waiting: u32,
    /// Messages that were made since.
    pub lately: u32,
    /// When the last message was made.
    pub last_at: Option<DateTime<Utc>>,
}

/// A message that is not through yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Its number.
    pub id: i64,
    /// Its identity for the receiver.
    pub uuid: String,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried next.
    pub next_at: DateTime<Utc>,
}

impl Store {
    /// What lies ready for a receiver; messages are counted from `since` on.
    pub async fn alert_outbox(
        &self,
        receiver: &str,
        since: DateTime<Utc>,
    ) -> Result<Outbox, Error> {
        let failed = |source| Error::Sql { what: "read what is to be told", source };
        let since = millis(since);
        let row = sqlx::query!(
            "select id, uuid, made_at, tries, next_at from alert_message
             where receiver = ? and ended_at is null",
            receiver
        )
        .fetch_optional(&self.read)
        .await
        .map_err(failed)?;
        let times = Times::of("alert_message", &receiver);
        let message = match row {
            None => None,
            Some(row) => Some(Due {
                id: row.id,
                uuid: row.uuid,
                made_at: times.at("made_at", row.made_at)?,
                tries: times.count("tries", row.tries)?,
                next_at: times.at("next_at", row.next_at)?,
            }),
        };
        let counts = sqlx::query!(
            r#"select
                (select count(*) from alert_note where receiver = ?1 and message is null)
                    as "waiting!: i64",
                (select count(*) from alert_message where receiver = ?1 and made_at > ?2)
                    as "lately!: i64",
                (select max(made_at) from alert_message where receiver = ?1) as "last_at: i64""#,
            receiver,
            since
        )
        .fetch_one(&self.read)
        .await
        .map_err(failed)?;
        Ok(Outbox {
            message,
            waiting: times.count("waiting", counts.waiting)?,
            lately: times.count("lately", counts.lately)?,
            last_at: times.maybe("made_at", counts.last_at)?,
        })
    }

    /// What a message tells, in the order in which it happened.
    pub async fn alert_notes(&self, message: i64) -> Result<Vec<Note>, Error> {
        let failed = |source| Error::Sql { what: "read what a message tells", source };
        let ends = sqlx::query_scalar!(
            "select is_end from alert_note where message = ? order by id",
            message
        )
        .fetch_all(&self.read)
        .await
        .map_err(failed)?;
        let alerts = sqlx::query_as!(
            AlertRow,
            "select alert.* from alert_note join alert on alert.id = alert_note.alert_id
             where alert_note.message = ? order by alert_note.id",
            message
        )
        .fetch_all(&self.read)
        .await
        .map_err(failed)?;
        ends.into_iter()
            .zip(alerts)
            .map(|(is_end, row)| {
                let note = Kept::try_from(row)?.note;
                let ended_at = note.ended_at.filter(|_| is_end == 1);
                Ok(Note { ended_at, ..note })
            })
            .collect()
    }

    /// Since when the next weekly report of a receiver counts.
    pub async fn weekly_since(&self, receiver: &str) -> Result<Option<DateTime<Utc>>, Error> {
        let since =
            sqlx::query_scalar!("select since from alert_weekly where receiver = ?", receiver)
                .fetch_optional(&self.read)
                .await
                .map_err(|source| Error::Sql { what: "read the last weekly report", source })?;
        Times::of("alert_weekly", &receiver).maybe("since", since)
    }
}

const WHAT: &str = "save what is to be told";

impl Tx {
    /// Puts down that a receiver is to be told of an alert, or of its end.
    pub async fn insert_note(
        &mut self,
        alert: i64,
        receiver: &str,
        is_end: bool,
    ) -> Result<(), Error> {
        sqlx::query!(
            "insert into alert_note (alert_id, receiver, is_end) values (?, ?, ?)
             on conflict do nothing",
            alert,
            receiver,
            is_end
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: WHAT, source })?;
        Ok(())
    }

    /// Makes a message of a receiver's first `limit` waiting notes.
    pub async fn make_message(
        &mut self,
        receiver: &str,
        uuid: &str,
        limit: u32,
    ) -> Result<(), Error> {
        let now = millis(self.now);
        let result = sqlx::query!(
            "insert into alert_message (uuid, receiver, made_at, next_at) values (?, ?, ?, ?)",
            uuid,
            receiver,
            now,
            now
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: WHAT, source })?;
        let message = result.last_insert_rowid();
        sqlx::query!(
            "update alert_note set message = ?
             where id in (select id from alert_note where receiver = ? and message is null
                order by id limit ?)",
            message,
            receiver,
            limit
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: WHAT, source })?;
        Ok(())
    }

    /// Keeps how a message ended: `sent` or `given_up`.
    pub async fn end_message(&mut self, id: i64, outcome: &str, error: &str) -> Result<(), Error> {
        let now = millis(self.now);
        sqlx::query!(
            "update alert_message
             set ended_at = ?, outcome = ?, last_error = ?, tries = tries + 1 where id = ?",
            now,
            outcome,
            error,
            id
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: WHAT, source })?;
        Ok(())
    }

    /// Keeps that a message did not get through, and when it is tried next.
    pub async fn retry_message(
        &mut self,
        id: i64,
        next_at: DateTime<Utc>,
        error: &str,
    ) -> Result<(), Error> {
        let next_at = millis(next_at);
        sqlx::query!(
            "update alert_message set next_at = ?, last_error = ?, tries = tries + 1 where id = ?",
            next_at,
            error,
            id
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: WHAT, source })?;
        Ok(())
    }

    /// Keeps since when the next weekly report of a receiver counts.
    pub async fn set_weekly_since(&mut self, receiver: &str) -> Result<(), Error> {
        let now = millis(self.now);
        sqlx::query!(
            "insert or replace into alert_weekly (receiver, since) values (?, ?)",
            receiver,
            now
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: WHAT, source })?;
        Ok(())
    }
}
