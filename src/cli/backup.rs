//! `tidings backup` and `tidings restore`: the whole database, out and back.
//!
//! Promises: a backup may be made while the daemon works; a restore may not, and keeps the old
//! database aside. Must not: send or look anything up; the daemon does at its next start.

use std::path::PathBuf;

use clap::Args;

use super::out;
use super::setup::Place;
use super::{Done, Exit};
use crate::clock::Clock;
use crate::store::backup::{back_up, file_for};
use crate::store::lock::DaemonLock;
use crate::store::restore::restore as put_back;

#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// The file to write, or a folder, which gets a file with date and time
    path: PathBuf,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    /// The file that `tidings backup` made
    backup: PathBuf,
}

pub(super) async fn backup(place: &Place, args: &BackupArgs) -> Done {
    let config = match place.config() {
        Ok(config) => config,
        Err(exit) => return Ok(exit),
    };
    if !config.store.path.exists() {
        out::complain(&format!(
            "error: there is no database {} yet: start `tidings run` first",
            config.store.path.display()
        ));
        return Ok(Exit::Failed);
    }
    let file = file_for(&args.path, Clock::System.now());
    let bytes = back_up(&config.store.path, &file, args.force).await?;
    out::say(&format!("backed up to {}, {bytes} bytes, checked", file.display()));
    Ok(Exit::Done)
}

pub(super) async fn restore(place: &Place, args: &RestoreArgs) -> Done {
    let config = match place.config() {
        Ok(config) => config,
        Err(exit) => return Ok(exit),
    };
    let path = &config.store.path;
    if !args.backup.is_file() {
        out::complain(&format!("error: there is no file {}", args.backup.display()));
        return Ok(Exit::Failed);
    }
    let _lock = DaemonLock::take(path)?;
    let restored = put_back(&args.backup, path, Clock::System.now()).await?;
    let zone = config.home_zone();
    out::say(&format!(
        "restored from {}, which ends at {}",
        args.backup.display(),
        out::exact_time(restored.backup_at, zone)
    ));
    if let Some(aside) = &restored.aside {
        out::say(&format!("the database before it is kept as {}", aside.display()));
    }
    out::say(&format!(
        "{} may have been sent since: each is looked up in Ayrshare's history before it is sent, \
         and for two days so is each new one",
        out::count(usize::try_from(restored.doubted).unwrap_or(usize::MAX), "post")
    ));
    out::say("what was skipped, edited or approved since is forgotten: see `tidings queue list`");
    Ok(Exit::Done)
}
