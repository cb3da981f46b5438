//! Copies of the whole database, and table `backup`.
//!
//! Promises: a copy has its name only once it is whole, checked and on disk; the original is only
//! read, while others write to it. Must not: leave a half copy behind, or write over a file unasked.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use super::{BUSY_TIMEOUT, Error, Store, Times, Tx, extended_code_of, maybe_millis, millis};
use crate::killpoint;

/// What the copies of one folder are called: `tidings-20261122-033000.db`, in UTC.
const STAMP: &str = "tidings-%Y%m%d-%H%M%S.db";

/// What is put behind the name of a copy until it is whole.
const PART: &str = ".part";
/// A copy that is not whole after this time was broken off.
const HALF_KEPT: TimeDelta = TimeDelta::days(1);

/// The largest database that is checked at each start, in bytes: a second or two.
const CHECK_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// With less room than this, in bytes, the disk is as good as full.
const ROOM_BYTES: usize = 1024 * 1024;
/// SQLite's code for a database that can't be read before somebody who may write has rolled back its
/// journal (`SQLITE_READONLY_ROLLBACK`).
const HALF_DONE: u32 = 776;

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file is there.
    #[error("{} is there already: choose another name, or say --force", .0.display())]
    Exists(PathBuf),
    /// The copy is not whole.
    #[error(
        "the copy is damaged ({0}), so it was thrown away: check the disk, and the database with `tidings check`"
    )]
    Damaged(String),
    /// The file system.
    #[error("cannot {what} {}: check that the folder exists, may be written and has room", path.display())]
    Io {
        /// What was attempted.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] Error),
}

/// How the backup by the calendar went last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastBackup {
    /// When it was tried last.
    pub tried_at: DateTime<Utc>,
    /// When one was made last.
    pub done_at: Option<DateTime<Utc>>,
    /// Where that is.
    pub path: String,
    /// Why the last try failed; empty where it did not.
    pub failure: String,
}

/// The file for a copy made at `now`: `path` itself, or a dated one where that is a folder.
pub fn file_for(path: &Path, now: DateTime<Utc>) -> PathBuf {
    if path.is_dir() { path.join(now.format(STAMP).to_string()) } else { path.to_owned() }
}

/// Copies the database at `from`, as of now, to the file `to`; gives its size in bytes.
///
/// # Errors
///
/// Where the copy can't be made whole, or `to` is there and may not be replaced.
pub async fn back_up(from: &Path, to: &Path, replace: bool) -> Result<u64, BackupError> {
    if to.exists() && !replace {
        return Err(BackupError::Exists(to.to_owned()));
    }
    let mut part = to.as_os_str().to_owned();
    part.push(PART);
    let part = PathBuf::from(part);
    let made = make(from, &part).await;
    if made.is_ok() {
        killpoint::reach("backing-up").await;
    }
    let finished = match made {
        Ok(size) => finish(&part, to).map(|()| size),
        Err(error) => Err(error),
    };
    if finished.is_err() {
        // Nothing there to remove is as good.
        drop(std::fs::remove_file(&part));
    } else {
        killpoint::reach("backed-up").await;
    }
    finished
}

async fn make(from: &Path, part: &Path) -> Result<u64, BackupError> {
    let io = |what| move |source| BackupError::Io { what, path: part.to_owned(), source };
    if part.exists() {
        std::fs::remove_file(part).map_err(io("remove"))?;
    }
    Store::snapshot(from, part).await?;
    if let Some(found) = damage(part).await? {
        return Err(BackupError::Damaged(found));
    }
    std::fs::set_permissions(part, std::fs::Permissions::from_mode(0o600))
        .map_err(io("protect"))?;
    let file = OpenOptions::new().write(true).open(part).map_err(io("open"))?;
    file.sync_all().map_err(io("write"))?;
    Ok(file.metadata().map_err(io("read"))?.len())
}

fn finish(part: &Path, to: &Path) -> Result<(), BackupError> {
    std::fs::rename(part, to).and_then(|()| sync_folder(to)).map_err(|source| BackupError::Io {
        what: "write",
        path: to.to_owned(),
        source,
    })
}

/// Makes a new name in a folder durable.
pub(super) fn sync_folder(file: &Path) -> io::Result<()> {
    let folder = file.parent().filter(|it| !it.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

/// What is wrong with the database in a file, if anything. The file is only read.
///
/// # Errors
///
/// Where it can't be read at all.
pub async fn damage(path: &Path) -> Result<Option<String>, Error> {
    check(path, "pragma integrity_check(1)").await
}

/// Like [`damage`], without a look at the order of indexes: the time of one read of the file.
///
/// # Errors
///
/// Where it can't be read at all.
pub async fn quick_damage(path: &Path) -> Result<Option<String>, Error> {
    check(path, "pragma quick_check(1)").await
}

async fn check(path: &Path, pragma: &'static str) -> Result<Option<String>, Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging();
    let found = match options.connect().await {
        Ok(mut connection) => {
            let found = sqlx::query_scalar::<_, String>(pragma).fetch_one(&mut connection).await;
            // What was found counts more than how it was let go.
            drop(connection.close().await);
            found
        }
        Err(error) => Err(error),
    };
    match found {
        Ok(found) => Ok((found != "ok").then_some(found)),
        Err(source) => {
            match extended_code_of(&source) {
                // Damaged, or no database at all.
                Some(11 | 26) => Ok(Some(source.to_string())),
                _ => Err(Error::Open { path: path.to_owned(), source }),
            }
        }
    }
}

/// Removes all copies of a folder but the newest `keep`, and what a copy left that was broken off;
/// gives how many copies went.
///
/// # Errors
///
/// Where the folder can't be read.
pub fn prune(folder: &Path, keep: usize) -> io::Result<usize> {
    let mut copies = Vec::new();
    let mut halves = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let stamp = name.strip_suffix(PART).unwrap_or(name);
        let Ok(at) = NaiveDateTime::parse_from_str(stamp, STAMP) else { continue };
        if stamp == name {
            copies.push((at, path));
        } else {
            halves.push((at, path));
        }
    }
    copies.sort();
    // One that is younger may still be written, by a person's command.
    let newest = copies.last().map(|(at, _)| *at);
    for (at, half) in halves {
        if newest.is_some_and(|newest| at + HALF_KEPT < newest) {
            std::fs::remove_file(half)?;
        }
    }
    let too_many = copies.len().saturating_sub(keep);
    let mut gone = 0;
    for (_, old) in copies.iter().take(too_many) {
        std::fs::remove_file(old)?;
        gone += 1;
    }
    Ok(gone)
}

impl Store {
    /// Checks a database before the daemon opens it; one that is not there yet is good. The file is
    /// only read.
    ///
    /// # Errors
    ///
    /// Where it is damaged, or can't be read.
    pub async fn check(path: &Path) -> Result<(), Error> {
        let size = std::fs::metadata(path).map_or(0, |file| file.len());
        // A larger one would hold the start up; its head is checked when it is opened.
        if size == 0 || size > CHECK_BYTES_MAX {
            return Ok(());
        }
        match quick_damage(path).await {
            Ok(None) => Ok(()),
            Ok(Some(found)) => Err(Error::Damaged { path: path.to_owned(), found }),
            // A process ended while it made the database: opening it takes back what was half done.
            Err(Error::Open { source, .. }) if extended_code_of(&source) == Some(HALF_DONE) => {
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Whether a file is a database that a Tidings made, of whatever version. It is only read.
    ///
    /// # Errors
    ///
    /// Where it can't be read.
    pub async fn is_ours(path: &Path) -> Result<bool, Error> {
        let open = |source| Error::Open { path: path.to_owned(), source };
        let mut connection = SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            .disable_statement_logging()
            .connect()
            .await
            .map_err(open)?;
        let tables = sqlx::query_scalar::<_, i64>(
            "select count(*) from sqlite_schema
             where type = 'table' and name in ('_sqlx_migrations', 'hand', 'post')",
        )
        .fetch_one(&mut connection)
        .await
        .map_err(open)?;
        connection.close().await.map_err(open)?;
        Ok(tables == 3)
    }

    /// Checks the whole database; says what is wrong with it, if anything.
    pub async fn integrity(&self) -> Result<Option<String>, Error> {
        let found = sqlx::query_scalar::<_, String>("pragma integrity_check(1)")
            .fetch_one(&self.read)
            .await
            .map_err(|source| Error::Sql { what: "check the database", source })?;
        Ok((found != "ok").then_some(found))
    }

    /// Writes a whole copy of the database, as of now, to a new file.
    pub async fn copy_to(&self, path: &Path) -> Result<(), Error> {
        let target = path.display().to_string();
        sqlx::query!("vacuum into ?", target)
            .execute(&self.write)
            .await
            .map_err(|source| Error::Sql { what: "copy the database", source })?;
        Ok(())
    }

    /// Writes a whole copy of the database at `from`, as of now, to a new file. The original is only
    /// read: its schema stays as it is.
    ///
    /// # Errors
    ///
    /// Where it can't be opened or copied.
    pub async fn snapshot(from: &Path, to: &Path) -> Result<(), Error> {
        let open = |source| Error::Open { path: from.to_owned(), source };
        let mut connection = SqliteConnectOptions::new()
            .filename(from)
            .read_only(true)
            .busy_timeout(BUSY_TIMEOUT)
            .disable_statement_logging()
            .connect()
            .await
            .map_err(open)?;
        let target = to.display().to_string();
        sqlx::query!("vacuum into ?", target).execute(&mut connection).await.map_err(open)?;
        connection.close().await.map_err(open)
    }

    /// How the backup by the calendar went last; `None` before the first.
    pub async fn last_backup(&self) -> Result<Option<LastBackup>, Error> {
        let row = sqlx::query!("select tried_at, done_at, path, failure from backup")
            .fetch_optional(&self.read)
            .await
            .map_err(|source| Error::Sql { what: "read how the backup went", source })?;
        let times = Times::of("backup", &1);
        row.map(|row| {
            Ok(LastBackup {
                tried_at: times.at("tried_at", row.tried_at)?,
                done_at: times.maybe("done_at", row.done_at)?,
                path: row.path,
                failure: row.failure,
            })
        })
        .transpose()
    }

    /// Whether there is room on the disk for more than a few rows. Writes a file beside the database
    /// for a moment.
    pub fn has_room(&self) -> bool {
        let mut name = self.path.as_os_str().to_owned();
        name.push(format!(".room-{}", std::process::id()));
        let file = PathBuf::from(name);
        let written = std::fs::write(&file, vec![1; ROOM_BYTES]);
        // Where it may not be written there is nothing to remove, and nothing is known.
        drop(std::fs::remove_file(&file));
        !written.is_err_and(|error| error.kind() == io::ErrorKind::StorageFull)
    }

    /// Writes a little, durably: whether the database takes a write.
    pub async fn beat(&self, now: DateTime<Utc>) -> Result<(), Error> {
        let mut tx = self.begin(now).await?;
        let now = millis(now);
        sqlx::query!("update beat set at = ? where id = 1", now)
            .execute(&mut *tx.tx)
            .await
            .map_err(|source| Error::Sql { what: "write to the database", source })?;
        tx.commit().await
    }
}

impl Tx {
    /// Keeps how the backup by the calendar goes.
    pub async fn save_backup(&mut self, last: &LastBackup) -> Result<(), Error> {
        let (tried_at, done_at) = (millis(last.tried_at), maybe_millis(last.done_at));
        sqlx::query!(
            "insert into backup (id, tried_at, done_at, path, failure) values (1, ?1, ?2, ?3, ?4)
             on conflict (id) do update
             set tried_at = ?1, done_at = ?2, path = ?3, failure = ?4",
            tried_at,
            done_at,
            last.path,
            last.failure
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "write how the backup went", source })?;
        Ok(())
    }
}
