//! This machine: clock, zone data, database, disk.
//!
//! Promises: leaves nothing behind, and makes no database. Must not: ask anybody else.

use std::path::Path;

use chrono::{DateTime, Utc};
use chrono_tz::{IANA_TZDB_VERSION, Tz};

use super::report::Report;
use crate::clock::Clock;
use crate::config::Config;
use crate::http;
use crate::store::Store;

/// No machine with a right clock shows an earlier time.
const BUILT_AFTER: DateTime<Utc> = match DateTime::from_timestamp(1_795_000_000, 0) {
    Some(at) => at,
    None => DateTime::UNIX_EPOCH,
};
/// Less room than this is a fault, in bytes: SQLite needs some for each transaction.
const ROOM_MIN: u64 = 64 * 1024 * 1024;

pub(super) fn clock(report: &mut Report) {
    let now = Clock::System.now();
    if now < BUILT_AFTER {
        report.bad("clock", format!("it shows {}, which is long past: set it", now.to_rfc3339()));
    } else {
        report.good("clock", now.format("%Y-%m-%d %H:%M:%S UTC").to_string());
    }
}

/// The zones of the profiles, and what they make of the present.
pub(super) fn zones(report: &mut Report, config: &Config) {
    let now = Clock::System.now();
    let mut zones: Vec<Tz> = config.profiles.iter().map(|profile| profile.pace.zone).collect();
    zones.sort_by_key(|zone| zone.name());
    zones.dedup();
    let shown: Vec<String> = zones
        .iter()
        .map(|zone| {
            format!("{}, where it is {}", zone.name(), now.with_timezone(zone).format("%H:%M %:z"))
        })
        .collect();
    report.good("zones", format!("data of {IANA_TZDB_VERSION} inside; {}", shown.join("; ")));
}

pub(super) async fn store(report: &mut Report, config: &Config) {
    let path = &config.store.path;
    if !path.exists() {
        folder(report, path);
        return;
    }
    let store = match Store::open(path).await {
        Ok(store) => store,
        Err(error) => {
            report.bad("database", http::chain(&error));
            return;
        }
    };
    match store.integrity().await {
        Ok(None) => report.good("database", format!("{} is sound", path.display())),
        Ok(Some(what)) => report
            .bad("database", format!("{} is damaged ({what}): restore a backup", path.display())),
        Err(error) => report.bad("database", http::chain(&error)),
    }
    disk(report, &store).await;
}

async fn disk(report: &mut Report, store: &Store) {
    match store.free_space().await {
        Ok(bytes) if bytes < ROOM_MIN => report.bad(
            "disk",
            format!(
                "{} MiB are left beside the database: make room, or nothing can be taken in",
                bytes / 1024 / 1024
            ),
        ),
        Ok(bytes) => report.good("disk", format!("{} MiB are left", bytes / 1024 / 1024)),
        Err(error) => report.warn("disk", format!("its room can't be told: {error}")),
    }
}

/// Whether a database could be made: by a file that is made and removed.
fn folder(report: &mut Report, path: &Path) {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    if !folder.is_dir() {
        report.bad(
            "database",
            format!("the folder {} is not there: make it, or set `store.path`", folder.display()),
        );
        return;
    }
    let trial = folder.join(format!(".tidings-check-{}", std::process::id()));
    let made = std::fs::write(&trial, b"").and_then(|()| std::fs::remove_file(&trial));
    match made {
        Ok(()) => {
            report.good("database", format!("{} will be made by the first run", path.display()));
        }
        Err(error) => report.bad(
            "database",
            format!(
                "nothing can be written into the folder {}: {error}: give it to the user that runs \
                 tidings, or set `store.path`",
                folder.display()
            ),
        ),
    }
}
