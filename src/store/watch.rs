//! Table `hand`: what other processes changed, for the daemon that runs.
//!
//! Promises: a look costs no more than a look at a file while nobody writes. Must not: tell what was
//! changed.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use sqlx::Sqlite;

use super::restore::beside;
use super::{Error, Store, Tx};

/// See [`Store::watch`].
#[derive(Debug)]
pub struct Watch {
    connection: sqlx::pool::PoolConnection<Sqlite>,
    log: PathBuf,
    /// Length and time of the log at the last look, and whether they were others before.
    seen: Option<(u64, i64, i64)>,
    was_new: bool,
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
        let log = fs::metadata(&self.log).ok().map(|it| (it.len(), it.mtime(), it.mtime_nsec()));
        // A file's time is coarse, so that what was written just after a look may show no other time:
        // the look after a new one asks again.
        let is_new = log.is_none() || log != self.seen;
        if !is_new && !self.was_new {
            return Ok(Changed::default());
        }
        let now = sqlx::query!("select acts, configs from hand where id = 1")
            .fetch_one(&mut *self.connection)
            .await
            .map_err(|source| Error::Sql { what: "watch the database", source })?;
        // Only now: where the database could not be asked, the next look asks.
        (self.seen, self.was_new) = (log, is_new);
        let (acts, configs) =
            self.before.replace((now.acts, now.configs)).unwrap_or((now.acts, now.configs));
        Ok(Changed { by_hand: acts != now.acts, config: configs != now.configs })
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
        let log = beside(&self.path, "-wal");
        Ok(Watch { connection, log, seen: None, was_new: true, before: None })
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
