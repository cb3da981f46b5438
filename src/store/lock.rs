//! One daemon per database.
//!
//! Promises: the lock dies with its process, however it dies. Must not: be taken by the command
//! line, which works beside the daemon.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often the lock is tried before somebody else is said to have it.
const TRIES: u32 = 20;
/// The pause between two tries.
const TRY_AGAIN: Duration = Duration::from_millis(10);

/// Held by the daemon as long as it lives.
#[derive(Debug)]
pub struct DaemonLock {
    _file: File,
}

/// Why the lock could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another daemon has it.
    #[error("another tidings works on this database already ({holder}): stop it first; {} is its lock", path.display())]
    Taken {
        /// The lock file.
        path: PathBuf,
        /// What the holder wrote about itself.
        holder: String,
    },
    /// The file can't be made or locked.
    #[error("cannot lock {}: check that its folder exists and may be written", path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl DaemonLock {
    /// Takes the lock beside the database, or says who has it.
    pub fn take(database: &Path) -> Result<Self, LockError> {
        let path = path_for(database);
        let io = |source| LockError::Io { path: path.clone(), source };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(io)?;
        match try_lock(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Nobody is as good as somebody who can't be read.
                drop(file.read_to_string(&mut holder));
                let holder = if holder.trim().is_empty() { "unknown" } else { holder.trim() };
                return Err(LockError::Taken { path: path.clone(), holder: holder.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        file.set_len(0).map_err(io)?;
        file.rewind().map_err(io)?;
        write!(file, "process {}", std::process::id()).map_err(io)?;
        Ok(Self { _file: file })
    }

    /// Whether a daemon works on this database now. Holds the lock for an instant to find out.
    pub fn is_taken(database: &Path) -> bool {
        let Ok(file) = File::open(path_for(database)) else {
            return false;
        };
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }
}

/// Tries again for a moment: whoever only looks holds the lock, too, while looking.
fn try_lock(file: &File) -> Result<(), TryLockError> {
    for _ in 1..TRIES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::park_timeout(TRY_AGAIN),
            done => return done,
        }
    }
    file.try_lock()
}

/// Beside the database itself, whatever name it was given by.
fn path_for(database: &Path) -> PathBuf {
    let real = std::fs::canonicalize(database).unwrap_or_else(|_| database.to_owned());
    let mut name = real.into_os_string();
    name.push(".lock");
    PathBuf::from(name)
}
