//! `tidings check`: config, secrets, database, clock and feeds, each fault by its name.
//!
//! Promises: posts nothing, changes nothing, and goes on after a fault. Must not: make a database.

use chrono::{DateTime, Utc};
use clap::Args;

use super::feeds::NO_FEEDS;
use super::out::{self, Tone};
use super::setup::Place;
use super::{Done, Exit};
use crate::clock::Clock;
use crate::config::Config;
use crate::config::secret::Secrets;
use crate::daemon::{feed_limits, feed_options};
use crate::feed::fetch::{Fetched, Limits, fetch_anew};
use crate::http;
use crate::store::Store;

/// No machine with a right clock shows an earlier time.
const BUILT_AFTER: DateTime<Utc> = match DateTime::from_timestamp(1_795_000_000, 0) {
    Some(at) => at,
    None => DateTime::UNIX_EPOCH,
};

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Leave the feeds unread
    #[arg(long)]
    no_feeds: bool,
}

/// What was found so far.
#[derive(Debug, Default)]
struct Report {
    faults: usize,
}

impl Report {
    fn good(text: &str) {
        out::say(&format!("{} {text}", out::tone("ok   ", Tone::Good)));
    }

    fn bad(&mut self, text: &str) {
        self.faults += 1;
        out::say(&format!("{} {text}", out::tone("FAULT", Tone::Bad)));
    }
}

pub(super) async fn run(place: &Place, args: &CheckArgs) -> Done {
    let config = match place.config() {
        Ok(config) => config,
        Err(exit) => return Ok(exit),
    };
    for warning in &config.warnings {
        out::complain(&format!("warning: {warning}"));
    }
    let mut report = Report::default();
    let mut wrong = false;
    Report::good(&format!(
        "config: {}, {} in {}",
        out::count(config.profiles.len(), "profile"),
        out::count(config.feeds.len(), "feed"),
        config.file.display()
    ));
    match Secrets::read(&config, &place.env) {
        Ok(secrets) => {
            for warning in &secrets.warnings {
                out::say(&format!("{} {warning}", out::tone("warn ", Tone::Waiting)));
            }
            Report::good("secrets: all there");
        }
        Err(complaints) => {
            let noun = if complaints.len() == 1 { "is" } else { "are" };
            report.bad(&format!("secrets: {} {noun} missing or wrong", complaints.len()));
            complaints
                .to_string()
                .lines()
                .filter(|line| !line.ends_with("nothing was started"))
                .for_each(|line| out::say(&format!("      {line}")));
            wrong = true;
        }
    }
    check_clock(&mut report);
    check_store(&mut report, &config).await;
    if !args.no_feeds {
        check_feeds(&mut report, &config).await?;
    }
    if report.faults == 0 {
        out::say("all is well: `tidings preview` shows what would be posted");
        return Ok(Exit::Done);
    }
    out::complain(&format!("{} found", out::count(report.faults, "fault")));
    // Secrets are a part of the config.
    Ok(if wrong { Exit::Usage } else { Exit::Failed })
}

fn check_clock(report: &mut Report) {
    let now = Clock::System.now();
    if now < BUILT_AFTER {
        report.bad(&format!("clock: it shows {}, which is long past: set it", now.to_rfc3339()));
    } else {
        Report::good(&format!("clock: {}", now.format("%Y-%m-%d %H:%M:%S UTC")));
    }
}

async fn check_store(report: &mut Report, config: &Config) {
    let path = &config.store.path;
    if !path.exists() {
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
        let folder = folder.unwrap_or_else(|| std::path::Path::new("."));
        match folder.metadata() {
            Ok(data) if data.is_dir() => {
                Report::good(&format!(
                    "database: {} will be made by the first run",
                    path.display()
                ));
            }
            Ok(_) | Err(_) => report.bad(&format!(
                "database: the folder {} is not there: make it, or set `store.path`",
                folder.display()
            )),
        }
        return;
    }
    match Store::open(path).await {
        Ok(store) => match store.integrity().await {
            Ok(None) => Report::good(&format!("database: {} is sound", path.display())),
            Ok(Some(what)) => report.bad(&format!(
                "database: {} is damaged ({what}): restore a backup",
                path.display()
            )),
            Err(error) => report.bad(&format!("database: {}", http::chain(&error))),
        },
        Err(error) => report.bad(&format!("database: {}", http::chain(&error))),
    }
}

async fn check_feeds(report: &mut Report, config: &Config) -> Result<(), anyhow::Error> {
    if config.feeds.is_empty() {
        report.bad(&format!("feeds: {NO_FEEDS}"));
    }
    let client = http::feed_client(&feed_options(&config.fetch))?;
    for feed in &config.feeds {
        let limits = Limits { allow_http: feed.polling.allow_http, ..feed_limits(&config.fetch) };
        match fetch_anew(&client, &feed.url, limits, Clock::System.now()).await {
            Fetched::New(new) => {
                Report::good(&format!(
                    "feed {}: {}, read by {}",
                    feed.name,
                    out::count(new.feed.items.len(), "entry"),
                    new.reader.word()
                ));
                for repair in &new.repairs {
                    out::say(&format!("      {repair}"));
                }
            }
            Fetched::Unchanged { .. } => Report::good(&format!("feed {}: unchanged", feed.name)),
            Fetched::Gone => report.bad(&format!(
                "feed {}: gone for good (410): remove it from the config",
                feed.name
            )),
            Fetched::Failed { why, .. } => report.bad(&format!("feed {}: {why}", feed.name)),
        }
    }
    Ok(())
}
