//! `tidings feeds export`: the feeds of the config as OPML, with every key that they have.
//!
//! Promises: `feeds import` makes the same feeds of it. Must not: read a secret; references to
//! secrets are all that is written.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use toml::{Table, Value};

use super::import::FOLDERS;
use crate::cli::out;
use crate::cli::setup::Place;
use crate::cli::{Done, Exit};
use crate::clock::Clock;
use crate::config::edit::{Draft, inline};
use crate::feed::opml::{self, Outline};

#[derive(Debug, Args)]
pub(in crate::cli) struct ExportArgs {
    /// The file to write, which must not be there yet; left out: standard output
    file: Option<PathBuf>,
}

pub(super) fn run(place: &Place, args: &ExportArgs) -> Done {
    if let Err(exit) = place.config() {
        return Ok(exit);
    }
    let feeds: Vec<Outline> = Draft::open(&place.config)?.feeds()?.iter().map(outline_of).collect();
    let text = opml::write(&feeds, Clock::System.now());
    let Some(file) = &args.file else {
        out::say(text.trim_end());
        return Ok(Exit::Done);
    };
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(file)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write {}", file.display()))?;
    out::say(&format!("{} in {}", out::count(feeds.len(), "feed"), file.display()));
    Ok(Exit::Done)
}

fn outline_of(feed: &Table) -> Outline {
    let text = |key: &str| feed.get(key).and_then(Value::as_str).unwrap_or_default();
    let folder = text("folder");
    let own = |key: &str| matches!(key, "url" | "folder");
    Outline {
        title: text("name").to_owned(),
        address: text("url").to_owned(),
        folders: folder.split(FOLDERS).filter(|it| !it.is_empty()).map(str::to_owned).collect(),
        settings: feed
            .iter()
            .filter(|(key, _)| !own(key))
            .map(|(key, value)| (key.clone(), inline(value)))
            .collect(),
    }
}
