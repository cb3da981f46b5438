//! Table `hand`: what other processes changed, for the daemon that runs.
//!
//! Promises: a look costs no more than a look at a file while nobody writes. Must not: tell what was
//! changed.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use sqlx::Sqlite;

use super::{Error, Store, Tx};

/// See [`Store::watch`].
#[derive(Debug)]
pub struct Watch {
    connection: sqlx::pool::PoolConnection<Sqlite>,
    log: PathBuf,
    /// Length and time of the log at the last look, and whether they were others before.
    seen: Option<(u64, i64, i64)>,
    was_new: bool,
    version: Option<i64>,
    before: Option<(i64, i64)>,
}

/// What another process changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Changed {
    /// A person did something.
    pub by_hand: bool,
    /// A command wrote the config.
    pub config: bool,
}

impl Watch {
    /// What a person changed since the last call; the first call says nothing.
    pub async fn changed(&mut self) -> Result<Changed, Error> {
        if !self.is_written() {
            return Ok(Changed::default());
        }
        let failed = |source| Error::Sql { what: "watch the database", source };
        // Costs no read of the database while nobody writes.
        let version = sqlx::query_scalar::<_, i64>("pragma data_version")
            .fetch_one(&mut *self.connection)
            .await
            .map_err(failed)?;
        if self.version.replace(version) == Some(version) {
            return Ok(Changed::default());
        }
        let now = sqlx::query!("select acts, configs from hand where id = 1")
            .fetch_one(&mut *self.connection)
            .await
            .map_err(failed)?;
        let (acts, configs) =
            self.before.replace((now.acts, now.configs)).unwrap_or((now.acts, now.configs));
        Ok(Changed { by_hand: acts != now.acts, config: configs != now.configs })
    }

    /// Whether the database may have been written since the last look. A file's time is coarse, so
    /// that what was written just after a look may show no other time: the look after it asks again.
    fn is_written(&mut self) -> bool {
        let now = fs::metadata(&self.log).ok().map(|it| (it.len(), it.mtime(), it.mtime_nsec()));
        let is_new = now.is_none() || now != self.seen;
        self.seen = now;
        std::mem::replace(&mut self.was_new, is_new) || is_new
    }
}

impl Store {
    /// A connection that sees whether a person changed something by hand, in whichever process.
    pub async fn watch(&self) -> Result<Watch, Error> {
        let connection = self
            .read
            .acquire()
            .await
            .map_err(|source| Error::Sql { what: "watch the database", source })?;
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        let log = log.into();
        Ok(Watch { connection, log, seen: None, was_new: true, version: None, before: None })
    }
}

impl Tx {
    /// Tells a running daemon that a person changed something.
    pub async fn by_hand(&mut self) -> Result<(), Error> {
        sqlx::query!("update hand set acts = acts + 1 where id = 1")
            .execute(&mut *self.tx)
            .await
            .map_err(|source| Error::Sql { what: "note an act by hand", source })?;
        Ok(())
    }

    /// Tells a running daemon that the config's file was changed by a command.
    pub async fn config_changed(&mut self) -> Result<(), Error> {
        sqlx::query!("update hand set configs = configs + 1 where id = 1")
            .execute(&mut *self.tx)
            .await
            .map_err(|source| Error::Sql { what: "note a change of the config", source })?;
        Ok(())
    }
}
