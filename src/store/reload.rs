//! Table `reload`: how the config was taken over last.
//!
//! Promises: one row, written by the daemon alone. Must not: keep what could hold a secret.

use chrono::{DateTime, Utc};

use super::{Error, Store, Times, Tx, millis};

/// How the config was taken over last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reload {
    /// When the config that holds was read.
    pub read_at: DateTime<Utc>,
    /// When a later version was refused, and what is wrong with it.
    pub refused: Option<(DateTime<Utc>, String)>,
    /// What of it needs a restart, for a person; empty for nothing.
    pub restart: String,
}

impl Store {
    /// How the config was taken over last; `None` before the first start.
    pub async fn reload(&self) -> Result<Option<Reload>, Error> {
        let row = sqlx::query!("select read_at, refused_at, refusal, restart from reload")
            .fetch_optional(&self.read)
            .await
            .map_err(|source| Error::Sql { what: "read how the config was taken over", source })?;
        let times = Times::of("reload", &1);
        row.map(|row| {
            Ok(Reload {
                read_at: times.at("read_at", row.read_at)?,
                refused: times.maybe("refused_at", row.refused_at)?.map(|at| (at, row.refusal)),
                restart: row.restart,
            })
        })
        .transpose()
    }
}

impl Tx {
    /// The config was taken over; some of it may need a restart.
    pub async fn save_reload(&mut self, restart: &str) -> Result<(), Error> {
        let now = millis(self.now);
        sqlx::query!(
            "insert into reload (id, read_at, restart) values (1, ?1, ?2)
             on conflict (id) do update
             set read_at = ?1, restart = ?2, refused_at = null, refusal = ''",
            now,
            restart
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "write how the config was taken over", source })?;
        Ok(())
    }

    /// A new version of the config was refused.
    pub async fn save_refusal(&mut self, refusal: &str) -> Result<(), Error> {
        let now = millis(self.now);
        sqlx::query!("update reload set refused_at = ?, refusal = ?", now, refusal)
            .execute(&mut *self.tx)
            .await
            .map_err(|source| Error::Sql { what: "write why the config was refused", source })?;
        Ok(())
    }
}
