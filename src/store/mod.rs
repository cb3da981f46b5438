//! The database: every SQL statement of the program, one file per table.
//!
//! Promises: one writer, each change in a `BEGIN IMMEDIATE` transaction that is on disk when its
//! commit returns (`synchronous=FULL`), but for what a fetch left, which is on disk with the next one
//! that is and so before anything of it is sent; all rows of one transaction carry one `now`. Must not:
//! decide anything; it knows the words and no logic, and no row type leaves this folder.

pub mod acts;
pub mod alerts;
pub mod attempts;
pub mod backup;
pub mod breakers;
pub mod costs;
pub mod digests;
pub mod disk;
pub mod entries;
pub mod feeds;
pub mod hosts;
pub mod line;
pub mod lock;
pub mod posts;
pub mod reload;
pub mod restore;
mod together;
pub mod twins;
pub mod watch;
pub mod websub;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, Sqlite, SqliteConnection, Transaction};
use together::Together;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::killpoint;

/// All migrations, in the order of their numbers; compiled in.
static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// The first SQLite without the WAL-reset corruption (3.7.0 to 3.51.2 have it).
const SQLITE_MIN: (u32, u32, u32) = (3, 51, 3);
/// How long a statement waits for another process's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How often, and after which pause, a database that is locked is opened anew.
const OPEN_TRIES: u32 = 2;
const OPEN_PAUSE: Duration = Duration::from_millis(200);
/// Connections that only read.
const READERS: u32 = 4;
/// The log is cut back to this size after a checkpoint, in bytes.
const JOURNAL_SIZE_LIMIT: &str = "67108864";

/// What can go wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It can't be opened.
    #[error("cannot open the database {}: {}", path.display(), hint(path, source))]
    Open {
        /// Where it should be.
        path: PathBuf,
        /// Why.
        source: sqlx::Error,
    },
    /// The library is one that corrupts databases.
    #[error("SQLite {found} can corrupt a database in WAL mode; 3.51.3 or newer is needed")]
    OldSqlite {
        /// Its version.
        found: String,
    },
    /// It can be read, but not be written.
    #[error("the database {} can't be written: check who owns it and its folder, and that the disk is not mounted read-only", path.display())]
    ReadOnly {
        /// Where it is.
        path: PathBuf,
    },
    /// A newer Tidings made it.
    #[error("the database {} was made by a newer Tidings (schema {version}): install that version again, or restore a backup from before the upgrade", path.display())]
    NewerSchema {
        /// Where it is.
        path: PathBuf,
        /// The schema that this program doesn't know.
        version: i64,
    },
    /// It is damaged.
    #[error("the database {} is damaged ({found}); nothing was changed: put a backup back with `tidings restore BACKUP`, which keeps this one aside", path.display())]
    Damaged {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        found: String,
    },
    /// Another program made it.
    #[error("{} is no database of Tidings: give a file that `tidings backup` made", path.display())]
    NotOurs {
        /// Where it is.
        path: PathBuf,
    },
    /// It can't be brought to this schema.
    #[error("cannot bring the database {} to this version's schema", path.display())]
    Migrate {
        /// Where it is.
        path: PathBuf,
        /// Why.
        source: sqlx::migrate::MigrateError,
    },
    /// A statement failed.
    #[error("cannot {what}")]
    Sql {
        /// What was attempted.
        what: &'static str,
        /// Why.
        source: sqlx::Error,
    },
    /// A row holds what this program never writes.
    #[error(
        "table {table} row {row}: column {column} holds {value:?}, which means nothing; restore a backup"
    )]
    Nonsense {
        /// The table.
        table: &'static str,
        /// The row's key.
        row: String,
        /// The column.
        column: &'static str,
        /// What it holds.
        value: String,
    },
    /// An update that must hit one row hit another number of rows.
    #[error("cannot {what}: {found} rows were changed where one was expected")]
    Rows {
        /// What was attempted.
        what: &'static str,
        /// How many rows it hit.
        found: u64,
    },
}

impl Error {
    /// Whether the disk is full: nothing is lost, and it goes on when there is room.
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::Sql { source: sqlx::Error::Database(error), .. } if error.code().as_deref() == Some("13"))
    }
}

/// The database of one Tidings.
#[derive(Debug, Clone)]
pub struct Store {
    path: PathBuf,
    write: SqlitePool,
    read: SqlitePool,
    together: Arc<Together>,
    /// Who keeps what a fetch left waits here for others who do, so that what must be on disk at once waits
    /// for one of them and not for all.
    fetched: Arc<Mutex<()>>,
}

/// A write transaction. It is rolled back unless [`Tx::commit`] is called.
#[derive(Debug)]
#[expect(clippy::struct_field_names, reason = "it is SQLite's transaction")]
pub struct Tx {
    tx: Transaction<'static, Sqlite>,
    /// The one time of everything written in it.
    pub now: DateTime<Utc>,
    /// Among those of fetches, whose turn it is; given on after the transaction's end.
    _turn: Option<OwnedMutexGuard<()>>,
}

impl Store {
    /// Opens the database, makes it if there is none, and brings it to this schema.
    ///
    /// # Errors
    ///
    /// Where it can't be opened, is newer than this program, or the SQLite library is unsafe.
    pub async fn open(path: &Path) -> Result<Self, Error> {
        // Processes that meet while a database is made may refuse each other at once, without the wait
        // that other locks have.
        for _ in 0..OPEN_TRIES {
            match Self::open_once(path).await {
                Err(Error::Open { source, .. }) if code_of(&source) == Some(BUSY) => {
                    tokio::time::sleep(OPEN_PAUSE).await;
                }
                other => return other,
            }
        }
        Self::open_once(path).await
    }

    async fn open_once(path: &Path) -> Result<Self, Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("journal_size_limit", JOURNAL_SIZE_LIMIT)
            .pragma("mmap_size", "0")
            .disable_statement_logging();
        let open = |source| Error::Open { path: path.to_owned(), source };
        let mut first = SqliteConnection::connect_with(&options).await.map_err(open)?;
        check_version(&mut first).await?;
        migrate(path, &mut first).await?;
        first.close().await.map_err(open)?;
        let write = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            // A file does not hang up; asking each time whether it is there costs a change of threads.
            .test_before_acquire(false)
            // After a failed commit SQLite may have ended the transaction by itself, of which the
            // connection's own count of transactions doesn't know: such a connection is of no use.
            .before_acquire(|connection, _| {
                Box::pin(async move { Ok(!connection.is_in_transaction()) })
            })
            .connect_with(options.clone())
            .await
            .map_err(open)?;
        let read = SqlitePoolOptions::new()
            .max_connections(READERS)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_with(options.pragma("query_only", "1"))
            .await
            .map_err(open)?;
        Ok(Self {
            path: path.to_owned(),
            write,
            read,
            together: Arc::default(),
            fetched: Arc::default(),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Begins a write transaction that is on disk when its commit returns; waits for the one before it.
    pub async fn begin(&self, now: DateTime<Utc>) -> Result<Tx, Error> {
        self.begin_by("pragma synchronous = full; begin immediate", now, None).await
    }

    /// Begins a write transaction of what a fetch left. When the power fails after its commit, it may be
    /// gone as a whole, and the feed gives the same again; nothing can have been sent of it, since the
    /// next transaction of [`Store::begin`] brings it to disk as well. Waits for all of its kind that
    /// came before, without a limit, and so for ever where whoever asks has one already;
    /// [`Store::begin`] waits for one of them at most.
    pub async fn begin_fetched(&self, now: DateTime<Utc>) -> Result<Tx, Error> {
        let turn = Arc::clone(&self.fetched).lock_owned().await;
        self.begin_by("pragma synchronous = normal; begin immediate", now, Some(turn)).await
    }

    async fn begin_by(
        &self,
        statement: &'static str,
        now: DateTime<Utc>,
        turn: Option<OwnedMutexGuard<()>>,
    ) -> Result<Tx, Error> {
        let tx = self
            .write
            .begin_with(statement)
            .await
            .map_err(|source| Error::Sql { what: "begin a transaction", source })?;
        Ok(Tx { tx, now, _turn: turn })
    }

    /// Refuses a database that can only be read, before anything is fetched for it. A disk that is
    /// full is no reason: it may have room again.
    ///
    /// # Errors
    ///
    /// [`Error::ReadOnly`].
    pub async fn check_writable(&self) -> Result<(), Error> {
        let tried = sqlx::query!("update hand set acts = acts where id = 1").execute(&self.write);
        match tried.await {
            Err(error) if code_of(&error) == Some(READ_ONLY) => {
                Err(Error::ReadOnly { path: self.path.clone() })
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// What keeps the database quick: a log that is folded in. Not statistics: by those of a day on which
    /// a table was small, whole tables are read until the next night.
    pub async fn maintain(&self) -> Result<(), Error> {
        sqlx::raw_sql("pragma wal_checkpoint(passive)")
            .execute(&self.write)
            .await
            .map_err(|source| Error::Sql { what: "maintain the database", source })?;
        Ok(())
    }

    /// Closes all connections; the log is folded into the database.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}

impl Tx {
    /// Makes everything in it durable.
    pub async fn commit(self) -> Result<(), Error> {
        self.tx.commit().await.map_err(|source| Error::Sql { what: "commit a transaction", source })
    }
}

/// SQLite's code for a database that another process has locked.
const BUSY: u32 = 5;
/// SQLite's code for a database that may not be written.
const READ_ONLY: u32 = 8;

/// SQLite's code of an error, without what extends it.
fn code_of(error: &sqlx::Error) -> Option<u32> {
    Some(extended_code_of(error)? & 0xff)
}

/// SQLite's code of an error, whole.
fn extended_code_of(error: &sqlx::Error) -> Option<u32> {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code)?;
    code.parse().ok()
}

/// What to do about a database that can't be opened.
fn hint(path: &Path, source: &sqlx::Error) -> &'static str {
    match code_of(source) {
        _ if path.is_dir() => "it is a directory; set `store.path` to a file in it",
        Some(11 | 26) => {
            "it is damaged, or no database of Tidings; `tidings restore BACKUP` puts a copy back, or \
             set `store.path` to another file"
        }
        Some(BUSY) => "another process has been writing to it for ten seconds; try again",
        Some(10 | 13) => {
            "the disk is full or fails; make room (`df`), or look into the machine's own log \
             (`dmesg`)"
        }
        _ => "check that its folder exists and that the file may be written",
    }
}

async fn check_version(connection: &mut SqliteConnection) -> Result<(), Error> {
    let found = sqlx::query_scalar::<_, String>("select sqlite_version()")
        .fetch_one(connection)
        .await
        .map_err(|source| Error::Sql { what: "ask SQLite for its version", source })?;
    let mut parts = found.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let version = (parts.next().unwrap_or(0), parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if version < SQLITE_MIN {
        return Err(Error::OldSqlite { found });
    }
    Ok(())
}

/// Whether the schema is this program's to the letter: whoever only looks then waits for no writer.
async fn is_current(connection: &mut SqliteConnection) -> bool {
    let applied = sqlx::query_as::<_, (i64, Vec<u8>)>(
        "select version, checksum from _sqlx_migrations where success order by version",
    )
    .fetch_all(connection)
    .await;
    // A new database has no such table.
    applied.is_ok_and(|applied| {
        MIGRATOR
            .iter()
            .map(|it| (it.version, &*it.checksum))
            .eq(applied.iter().map(|(version, checksum)| (*version, checksum.as_slice())))
    })
}

/// All in one transaction that only one process has at a time: the daemon and the command line may
/// meet a new database, or an old one, at the same moment.
async fn migrate(path: &Path, connection: &mut SqliteConnection) -> Result<(), Error> {
    if is_current(connection).await {
        return Ok(());
    }
    let open = |source| Error::Open { path: path.to_owned(), source };
    let mut tx = connection.begin_with("begin immediate").await.map_err(open)?;
    let Err(source) = MIGRATOR.run(&mut *tx).await else {
        killpoint::reach("migrating").await;
        tx.commit().await.map_err(open)?;
        killpoint::reach("migrated").await;
        return Ok(());
    };
    if let sqlx::migrate::MigrateError::VersionMissing(version) = source {
        return Err(Error::NewerSchema { path: path.to_owned(), version });
    }
    Err(Error::Migrate { path: path.to_owned(), source })
}

/// A time as the database keeps it: UTC milliseconds.
fn millis(at: DateTime<Utc>) -> i64 {
    at.timestamp_millis()
}

fn maybe_millis(at: Option<DateTime<Utc>>) -> Option<i64> {
    at.map(millis)
}

/// Rows, as a statement takes several at once by `json_each` or `jsonb_each`.
fn json<T: Serialize + ?Sized>(rows: &T) -> String {
    // Texts and numbers can always be written.
    serde_json::to_string(rows).unwrap_or_default()
}

/// What to say when a column holds something that means nothing.
fn nonsense(
    table: &'static str,
    row: &dyn ToString,
    column: &'static str,
    value: &dyn ToString,
) -> Error {
    Error::Nonsense { table, row: row.to_string(), column, value: value.to_string() }
}

/// A row's times, with the name of the row for the complaint.
struct Times {
    table: &'static str,
    row: String,
}

impl Times {
    fn of(table: &'static str, row: &dyn ToString) -> Self {
        Self { table, row: row.to_string() }
    }

    fn at(&self, column: &'static str, value: i64) -> Result<DateTime<Utc>, Error> {
        DateTime::from_timestamp_millis(value)
            .ok_or_else(|| nonsense(self.table, &self.row, column, &value))
    }

    fn maybe(
        &self,
        column: &'static str,
        value: Option<i64>,
    ) -> Result<Option<DateTime<Utc>>, Error> {
        value.map(|value| self.at(column, value)).transpose()
    }

    fn count(&self, column: &'static str, value: i64) -> Result<u32, Error> {
        u32::try_from(value).map_err(|_| nonsense(self.table, &self.row, column, &value))
    }
}

fn one_row(what: &'static str, result: &sqlx::sqlite::SqliteQueryResult) -> Result<(), Error> {
    match result.rows_affected() {
        1 => Ok(()),
        found => Err(Error::Rows { what, found }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    mod alerts;
    mod feeds;
    mod files;
    mod opening;
    mod queue;
    mod steps;

    async fn store(folder: &tempfile::TempDir) -> Result<Store, Error> {
        Store::open(&folder.path().join("tidings.db")).await
    }

    /// The WAL-reset corruption lives in 3.7.0 to 3.51.2; the lock file decides what is built in.
    #[tokio::test]
    async fn the_sqlite_that_is_built_in_does_not_corrupt() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(&folder).await.expect("a database");
        let found = sqlx::query_scalar::<_, String>("select sqlite_version()")
            .fetch_one(&store.read)
            .await
            .expect("a version");
        let parts: Vec<u32> = found.split('.').filter_map(|part| part.parse().ok()).collect();
        assert!(parts >= vec![SQLITE_MIN.0, SQLITE_MIN.1, SQLITE_MIN.2], "{found}");
    }

    #[tokio::test]
    async fn what_is_committed_is_synced_and_written_ahead() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(&folder).await.expect("a database");
        let ask = |pragma: &'static str| {
            let pool = store.write.clone();
            async move {
                let row = sqlx::query(pragma).fetch_one(&pool).await.expect("a setting");
                sqlx::Row::try_get::<i64, _>(&row, 0).map_err(|_| ())
            }
        };
        assert_eq!(ask("pragma synchronous").await, Ok(2), "FULL");
        assert_eq!(ask("pragma foreign_keys").await, Ok(1));
        assert_eq!(ask("pragma mmap_size").await, Ok(0));
        let mode: String = sqlx::query_scalar("pragma journal_mode")
            .fetch_one(&store.write)
            .await
            .expect("a mode");
        assert_eq!(mode, "wal");
    }

    #[tokio::test]
    async fn only_what_a_fetch_left_may_wait_for_the_next_sync() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(&folder).await.expect("a database");
        let now = DateTime::UNIX_EPOCH;
        let mut seen = Vec::new();
        for fetched in [true, false, true, true, false] {
            let begun =
                if fetched { store.begin_fetched(now).await } else { store.begin(now).await };
            let mut tx = begun.expect("it begins");
            let level = sqlx::query_scalar::<_, i64>("pragma synchronous")
                .fetch_one(&mut *tx.tx)
                .await
                .expect("a setting");
            tx.commit().await.expect("it commits");
            seen.push(level);
        }
        assert_eq!(seen, [1, 2, 1, 1, 2], "NORMAL is 1, FULL is 2");
    }

    /// SQLite ends a transaction by itself when the disk is full; the next one must begin all the
    /// same.
    #[tokio::test]
    async fn a_transaction_that_sqlite_ended_by_itself_does_not_block_the_next_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(&folder).await.expect("a database");
        for whole in [true, false] {
            let mut tx = store.begin(DateTime::UNIX_EPOCH).await.expect("it begins");
            sqlx::query("insert or rollback into hand (id, acts) values (1, 0)")
                .execute(&mut *tx.tx)
                .await
                .expect_err("there is one already");
            if whole {
                tx.commit().await.expect_err("nothing is left to commit");
            } else {
                drop(tx);
            }
            let mut tx = store.begin(DateTime::UNIX_EPOCH).await.expect("the next one begins");
            tx.by_hand().await.expect("it writes");
            tx.commit().await.expect("it commits");
        }
    }

    #[tokio::test]
    async fn a_database_of_a_newer_program_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let newer = store(&folder).await.expect("a database");
        sqlx::query(
            "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
             values (29990101000001, 'from the future', 1, x'00', 0)",
        )
        .execute(&newer.write)
        .await
        .expect("a newer schema");
        newer.close().await;
        let refused = store(&folder).await.expect_err("it is newer");
        assert!(matches!(refused, Error::NewerSchema { version: 29_990_101_000_001, .. }));
        assert!(refused.to_string().contains("newer Tidings"), "{refused}");
    }
}
