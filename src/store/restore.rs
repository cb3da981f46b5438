//! Putting a backup back, and tables `restore` and `forgotten`: what may have been sent since.
//!
//! Promises: the old database is kept aside; the new one is checked, of a schema that is known, and
//! knows what it forgot before it has the name. Must not: run beside a daemon (the caller has the
//! lock).

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};

use super::backup::{self, BackupError, sync_folder};
use super::{Error, Store, Times, Tx, millis};

/// After a restore each new post is looked up first for so long, and longer where its feed was not
/// read since: a feed may show late what was posted before.
const DOUBT_NEW: TimeDelta = TimeDelta::days(2);

/// What was put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The last thing that the backup knows of.
    pub backup_at: DateTime<Utc>,
    /// Its posts that are looked up before they are sent.
    pub doubted: u64,
    /// Where the old database is, if there was one.
    pub aside: Option<PathBuf>,
}

/// Puts the backup in the file `from` in the place of the database at `to`.
///
/// # Errors
///
/// Where the backup is damaged, no database of Tidings, or newer than this program; the database
/// is then as it was.
pub async fn restore(from: &Path, to: &Path, now: DateTime<Utc>) -> Result<Restored, BackupError> {
    let fresh = beside(to, ".restoring");
    let made = make(from, &fresh, now).await;
    let (backup_at, doubted) = match made {
        Ok(made) => made,
        Err(error) => {
            clear(&fresh);
            return Err(error);
        }
    };
    let aside = put_aside(to, now).await?;
    let io = |source| BackupError::Io { what: "write", path: to.to_owned(), source };
    std::fs::rename(&fresh, to).and_then(|()| sync_folder(to)).map_err(io)?;
    Ok(Restored { backup_at, doubted, aside })
}

async fn make(
    from: &Path,
    fresh: &Path,
    now: DateTime<Utc>,
) -> Result<(DateTime<Utc>, u64), BackupError> {
    clear(fresh);
    if let Some(found) = backup::damage(from).await? {
        return Err(Error::Damaged { path: from.to_owned(), found }.into());
    }
    if !Store::is_ours(from).await? {
        return Err(Error::NotOurs { path: from.to_owned() }.into());
    }
    Store::snapshot(from, fresh).await?;
    let store = Store::open(fresh).await?;
    let mut tx = store.begin(now).await?;
    let made = tx.mark_restored().await?;
    tx.commit().await?;
    store.close().await;
    let io = |source| BackupError::Io { what: "write", path: fresh.to_owned(), source };
    let file = OpenOptions::new().write(true).open(fresh).map_err(io)?;
    file.sync_all().map_err(io)?;
    Ok(made)
}

/// Keeps the database and its log under another name; until the new one has the name, the old one
/// has it as well, so that no moment is without.
async fn put_aside(to: &Path, now: DateTime<Utc>) -> Result<Option<PathBuf>, BackupError> {
    if !to.exists() {
        return Ok(None);
    }
    // Its log is folded in, unless it is too damaged for that.
    if let Ok(old) = Store::open(to).await {
        old.close().await;
    }
    let aside = beside(to, &now.format(".before-%Y%m%d-%H%M%S").to_string());
    let io = |source| BackupError::Io { what: "keep aside", path: to.to_owned(), source };
    if std::fs::hard_link(to, &aside).is_err() {
        std::fs::copy(to, &aside).map_err(io)?;
    }
    for tail in ["-wal", "-shm"] {
        let log = beside(to, tail);
        if log.exists() {
            std::fs::rename(&log, beside(&aside, tail)).map_err(io)?;
        }
    }
    Ok(Some(aside))
}

/// A file beside a database, such as its log.
pub(super) fn beside(path: &Path, tail: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(tail);
    PathBuf::from(name)
}

fn clear(path: &Path) {
    for tail in ["", "-wal", "-shm", "-journal"] {
        // What is not there needs no removing.
        drop(std::fs::remove_file(beside(path, tail)));
    }
}

impl Store {
    /// When the backup was made that this database was put back from; `None` where it never was.
    pub async fn forgotten_since(&self) -> Result<Option<DateTime<Utc>>, Error> {
        let row = sqlx::query_scalar!("select backup_at from restore")
            .fetch_optional(&self.read)
            .await
            .map_err(|source| Error::Sql { what: "read what was put back", source })?;
        Times::of("restore", &1).maybe("backup_at", row)
    }

    /// Whether a post may have been sent in the time that is forgotten.
    pub async fn is_forgotten(&self, post: i64) -> Result<bool, Error> {
        let row = sqlx::query_scalar!("select post_id from forgotten where post_id = ?", post)
            .fetch_optional(&self.read)
            .await
            .map_err(|source| Error::Sql { what: "read what was put back", source })?;
        Ok(row.is_some())
    }

    /// Queued posts that may have been sent in the time that is forgotten, at most `limit`.
    pub async fn forgotten_in_line(&self, limit: u32) -> Result<Vec<i64>, Error> {
        sqlx::query_scalar!(
            r#"select id as "id!: i64" from post
             where state = 'queued' and id in (select post_id from forgotten)
             order by id limit ?"#,
            limit
        )
        .fetch_all(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "read what was put back", source })
    }
}

impl Tx {
    /// Marks what may have been sent since the backup that this database is; gives the last time
    /// that it knows of, and how many posts were marked.
    async fn mark_restored(&mut self) -> Result<(DateTime<Utc>, u64), Error> {
        let failed = |source| Error::Sql { what: "mark what may have been sent", source };
        let now = millis(self.now);
        let last = sqlx::query_scalar!(
            r#"select max(
                coalesce((select max(at) from transition), 0),
                coalesce((select max(started_at) from attempt), 0),
                coalesce((select max(queued_at) from post), 0)) as "at!: i64""#
        )
        .fetch_one(&mut *self.tx)
        .await
        .map_err(failed)?;
        let backup_at = std::cmp::min(last, now);
        sqlx::query!(
            "insert into restore (id, backup_at, restored_at) values (1, ?1, ?2)
             on conflict (id) do update
             set backup_at = min(backup_at, ?1), restored_at = ?2",
            backup_at,
            now
        )
        .execute(&mut *self.tx)
        .await
        .map_err(failed)?;
        let marked = sqlx::query!(
            "insert or ignore into forgotten (post_id) select id from post where state <> 'posted'"
        )
        .execute(&mut *self.tx)
        .await
        .map_err(failed)?;
        // What one look-up found before is of no use: it may have been sent again after it.
        sqlx::query!(
            "update post set lookups = 0, first_absent_at = null, next_lookup_at = ?
             where state = 'unconfirmed'",
            now
        )
        .execute(&mut *self.tx)
        .await
        .map_err(failed)?;
        let backup_at = Times::of("restore", &1).at("backup_at", backup_at)?;
        Ok((backup_at, marked.rows_affected()))
    }

    /// A new post after a restore: its entry may have been posted in the time that is forgotten.
    pub(super) async fn doubt_new(&mut self, post: i64, feed: &str) -> Result<(), Error> {
        let since = millis(self.now - DOUBT_NEW);
        sqlx::query!(
            "insert into forgotten (post_id)
             select ?1 from restore
             where restored_at > ?2 or not exists
                (select 1 from feed where name = ?3 and last_good_at >= restored_at)",
            post,
            since,
            feed
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "mark what may have been sent", source })?;
        Ok(())
    }

    /// Whether a post may have been sent in the time that is forgotten.
    pub async fn is_forgotten(&mut self, post: i64) -> Result<bool, Error> {
        let row = sqlx::query_scalar!("select post_id from forgotten where post_id = ?", post)
            .fetch_optional(&mut *self.tx)
            .await
            .map_err(|source| Error::Sql { what: "read what was put back", source })?;
        Ok(row.is_some())
    }

    /// What became of a post is known.
    pub async fn remember(&mut self, post: i64) -> Result<(), Error> {
        sqlx::query!("delete from forgotten where post_id = ?", post)
            .execute(&mut *self.tx)
            .await
            .map_err(|source| Error::Sql { what: "note what became of a post", source })?;
        Ok(())
    }

    /// Whether a post tells of several entries.
    pub async fn is_digest(&mut self, post: i64) -> Result<bool, Error> {
        let row = sqlx::query_scalar!(
            "select entry_id from digest_entry where post_id = ? limit 1",
            post
        )
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "read the entries of a digest", source })?;
        Ok(row.is_some())
    }
}
