//! The backup by the calendar.
//!
//! Promises: what is due is told by the database, so that a missed ring is made up for; a failed
//! one is told, and tried again after an hour. Must not: hold up sending: the copy only reads.

use chrono::{DateTime, TimeDelta, Utc};
use tracing::{error, info, warn};

use super::news::News;
use super::{Daemon, Error};
use crate::config::Backup;
use crate::domain::pace::next_time;
use crate::http::chain;
use crate::store::backup::{BackupError, LastBackup, back_up, file_for, prune};

/// After a failed backup the next try comes so much later.
const TRY_AGAIN: TimeDelta = TimeDelta::hours(1);

impl Daemon {
    /// Makes the backup of the config if its time has come; says whether one was made or tried.
    ///
    /// # Errors
    ///
    /// Only where the database fails; a backup that fails is news.
    pub async fn back_up_if_due(&self) -> Result<bool, Error> {
        let Some(wanted) = &self.config.backup else { return Ok(false) };
        let now = self.now();
        let last = self.store.last_backup().await?;
        if !self.is_backup_due(wanted, last.as_ref(), now) {
            return Ok(false);
        }
        let mut note = LastBackup {
            tried_at: now,
            failure: String::new(),
            done_at: last.as_ref().and_then(|it| it.done_at),
            path: last.map(|it| it.path).unwrap_or_default(),
        };
        // The try comes first: one that takes longer than a ring is not begun twice.
        self.note_backup(&note).await?;
        match self.back_up(wanted, now).await {
            Ok((path, bytes)) => {
                info!(bytes, "the database was backed up to {path}");
                note = LastBackup { done_at: Some(now), path, ..note };
                self.backup_worked().await?;
            }
            Err(failed) => {
                note.failure = chain(&failed);
                error!("the backup failed, tried again in an hour: {}", note.failure);
                self.backup_failed(&note.failure).await?;
                self.tell(News::BackupFailed { why: note.failure.clone() });
            }
        }
        self.note_backup(&note).await?;
        Ok(true)
    }

    fn is_backup_due(
        &self,
        wanted: &Backup,
        last: Option<&LastBackup>,
        now: DateTime<Utc>,
    ) -> bool {
        let Some(last) = last else { return true };
        // A try from the future was written by a clock that was ahead.
        if last.tried_at > now || (!last.failure.is_empty() && last.tried_at + TRY_AGAIN <= now) {
            return true;
        }
        let zone = self.config.home_zone();
        next_time(&wanted.at, zone, last.tried_at).is_some_and(|slot| slot <= now)
    }

    async fn back_up(
        &self,
        wanted: &Backup,
        now: DateTime<Utc>,
    ) -> Result<(String, u64), BackupError> {
        std::fs::create_dir_all(&wanted.path).map_err(|source| BackupError::Io {
            what: "make the folder",
            path: wanted.path.clone(),
            source,
        })?;
        let file = file_for(&wanted.path, now);
        let bytes = back_up(self.store.path(), &file, true).await?;
        if let Err(error) = prune(&wanted.path, wanted.keep) {
            warn!("old backups in {} could not be removed: {error}", wanted.path.display());
        }
        Ok((file.display().to_string(), bytes))
    }

    async fn note_backup(&self, note: &LastBackup) -> Result<(), Error> {
        let mut tx = self.store.begin(self.now()).await?;
        tx.save_backup(note).await?;
        tx.commit().await?;
        Ok(())
    }
}
