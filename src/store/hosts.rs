//! Table `host`: hosts that asked to be left alone.
//!
//! Promises: a wait is never made shorter. Must not: know what a host is.

use chrono::{DateTime, Utc};

use super::{Error, Store, Times, Tx, millis};

/// A host that asked to be left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostWait {
    /// Its name.
    pub name: String,
    /// Until when.
    pub until: DateTime<Utc>,
    /// What it said, for a person.
    pub why: String,
}

struct HostRow {
    name: String,
    wait_until: i64,
    why: String,
}

impl TryFrom<HostRow> for HostWait {
    type Error = Error;

    fn try_from(row: HostRow) -> Result<Self, Error> {
        let until = Times::of("host", &row.name).at("wait_until", row.wait_until)?;
        Ok(Self { name: row.name, until, why: row.why })
    }
}

impl Store {
    /// The hosts that are left alone at `now`, by name.
    pub async fn host_waits(&self, now: DateTime<Utc>) -> Result<Vec<HostWait>, Error> {
        let now = millis(now);
        sqlx::query_as!(HostRow, "select * from host where wait_until > ? order by name", now)
            .fetch_all(&self.read)
            .await
            .map_err(|source| Error::Sql { what: "read which hosts wait", source })?
            .into_iter()
            .map(TryInto::try_into)
            .collect()
    }

    /// Until when a host is left alone, if it is at `now`.
    pub async fn host_wait(
        &self,
        name: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<HostWait>, Error> {
        let now = millis(now);
        sqlx::query_as!(HostRow, "select * from host where name = ? and wait_until > ?", name, now)
            .fetch_optional(&self.read)
            .await
            .map_err(|source| Error::Sql { what: "read whether a host waits", source })?
            .map(TryInto::try_into)
            .transpose()
    }
}

impl Tx {
    /// Has a host left alone; waits that are over are forgotten.
    pub async fn save_host_wait(&mut self, wait: &HostWait) -> Result<(), Error> {
        let (now, until) = (millis(self.now), millis(wait.until));
        sqlx::query!("delete from host where wait_until <= ?", now)
            .execute(&mut *self.tx)
            .await
            .map_err(|source| Error::Sql { what: "forget which hosts waited", source })?;
        sqlx::query!(
            "insert into host (name, wait_until, why) values (?, ?, ?)
             on conflict (name) do update set wait_until = excluded.wait_until, why = excluded.why
             where excluded.wait_until > wait_until",
            wait.name,
            until,
            wait.why
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "save that a host waits", source })?;
        Ok(())
    }
}
