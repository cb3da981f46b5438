//! `tidings feeds import`: the feeds of an OPML file into the config.
//!
//! Promises: says of each feed what became of it; writes once, at the end. Must not: take logins,
//! headers, cookies or proxies from a file, unless the person says that it is their own: a
//! reference to a secret in it would send the secret wherever the file says.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use toml::Value;

use super::adding::{Adding, Offer, Taken, address, given};
use crate::cli::Done;
use crate::cli::out;
use crate::cli::setup::{Place, want};
use crate::config::edit::value_of;
use crate::config::{is_of_access, is_of_feed};
use crate::feed::opml::{self, BYTES_MAX, Outline};

/// Between the names of folders within folders.
pub(super) const FOLDERS: &str = " / ";
/// Characters of `folder`.
const FOLDER_CHARS_MAX: usize = 200;

#[derive(Debug, Default, Args)]
pub(in crate::cli) struct ImportArgs {
    /// An OPML file; - reads standard input
    #[arg(required_unless_present = "ayrshare", conflicts_with = "ayrshare")]
    file: Option<PathBuf>,
    /// Take the feeds that Ayrshare itself polls for your profiles
    #[arg(long)]
    ayrshare: bool,
    /// The profile that their entries go to; may be repeated. With --ayrshare: whose feeds are taken
    #[arg(long = "profile", value_name = "PROFILE")]
    pub(super) profiles: Vec<String>,
    /// The profile of a folder's feeds; may be repeated
    #[arg(long = "folder-profile", value_name = "FOLDER=PROFILE", value_parser = pair)]
    folder_profiles: Vec<(String, String)>,
    /// How often they are asked, e.g. 30m
    #[arg(long)]
    pub(super) interval: Option<String>,
    /// Take logins, headers, cookies and proxies along: only from a file that you wrote yourself
    #[arg(long)]
    with_access: bool,
    /// Say what would be added, and write nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

fn pair(typed: &str) -> Result<(String, String), String> {
    typed
        .rsplit_once('=')
        .map(|(folder, profile)| (folder.to_owned(), profile.to_owned()))
        .ok_or_else(|| "give it as FOLDER=PROFILE".to_owned())
}

pub(super) async fn run(place: &Place, args: &ImportArgs) -> Done {
    let mut adding = match Adding::open(place)? {
        Ok(adding) => adding,
        Err(exit) => return Ok(exit),
    };
    let named = args.profiles.iter().chain(args.folder_profiles.iter().map(|(_, it)| it));
    for profile in named {
        let known = adding.config.profiles.iter().map(|profile| profile.name.as_str());
        if let Err(exit) = want("profile", Some(profile), known) {
            return Ok(exit);
        }
    }
    let Some(file) = &args.file else {
        return super::ayrshare::run(place, adding, args).await;
    };
    take_list(&mut adding, file, args)?;
    adding.finish(place, args.dry_run).await
}

/// Takes the feeds of an OPML file, and says of each what became of it.
pub(in crate::cli) fn take_list(
    adding: &mut Adding,
    file: &Path,
    args: &ImportArgs,
) -> Result<(), anyhow::Error> {
    let list = opml::read(&read_file(file, BYTES_MAX)?)
        .with_context(|| format!("cannot read feeds from {}", file.display()))?;
    let mut left_out = 0_usize;
    for outline in &list.feeds {
        match take(adding, outline, args)? {
            Ok(line) => out::say(&line),
            Err(line) => {
                left_out += 1;
                out::say(&line);
            }
        }
    }
    if list.cut > 0 {
        left_out += list.cut;
        out::say(&format!("left out  {} beyond the first {}", list.cut, opml::FEEDS_MAX));
    }
    if left_out > 0 {
        out::complain(&format!("{} left out", out::count(left_out, "feed")));
    }
    Ok(())
}

/// Takes one feed; gives the line that says so, or why not.
fn take(
    adding: &mut Adding,
    outline: &Outline,
    args: &ImportArgs,
) -> Result<Result<String, String>, anyhow::Error> {
    let url = match address(&outline.address) {
        Ok(url) => url,
        Err(why) => {
            let title = if outline.title.is_empty() { "a feed" } else { &outline.title };
            return Ok(Err(format!("left out  {title}: {why}")));
        }
    };
    let (mut keys, unread) = settings(outline, args.with_access);
    let name = position(&keys, "name").map(|at| keys.remove(at).1);
    let name = name.as_ref().and_then(Value::as_str).map(str::to_owned);
    let profiles =
        folder_profile(outline, args).map_or_else(|| args.profiles.clone(), |it| vec![it]);
    for (key, value) in given(&profiles, args.interval.as_deref()) {
        if let Some(at) = position(&keys, &key) {
            keys.remove(at);
        }
        keys.push((key, value));
    }
    if !outline.folders.is_empty() {
        let folder: String = outline.folders.join(FOLDERS).chars().take(FOLDER_CHARS_MAX).collect();
        keys.push(("folder".to_owned(), Value::String(folder.trim().to_owned())));
    }
    // A name that is taken by another feed is numbered.
    let title = name.clone().unwrap_or_else(|| outline.title.clone());
    let name = name.filter(|name| !adding.has(name));
    Ok(Ok(match adding.offer(&url, Offer { name, title, keys })? {
        Taken::Added(name) if unread.is_empty() => format!("added     {name}: {url}"),
        Taken::Added(name) => format!("added     {name}: {url}; without {}", unread.join(", ")),
        Taken::There(name) => format!("there     {name}: {url}"),
    }))
}

fn position(keys: &[(String, Value)], wanted: &str) -> Option<usize> {
    keys.iter().position(|(key, _)| key == wanted)
}

/// The keys that our own attributes carry, and those that are not taken.
fn settings(outline: &Outline, with_access: bool) -> (Vec<(String, Value)>, Vec<String>) {
    let mut keys: Vec<(String, Value)> = Vec::new();
    let mut unread = Vec::new();
    for (key, text) in &outline.settings {
        let known = is_of_feed(key) && !matches!(key.as_str(), "url" | "folder");
        match value_of(text).filter(|_| known && position(&keys, key).is_none()) {
            Some(_) if is_of_access(key) && !with_access => {
                unread.push(format!("{key} (--with-access takes it)"));
            }
            Some(value) => keys.push((key.clone(), value)),
            None => unread.push(key.clone()),
        }
    }
    (keys, unread)
}

/// The profile that the command line gives the innermost of a feed's folders.
fn folder_profile(outline: &Outline, args: &ImportArgs) -> Option<String> {
    let whole = outline.folders.join(FOLDERS);
    let of = |wanted: &str| args.folder_profiles.iter().find(|(folder, _)| folder == wanted);
    of(&whole)
        .or_else(|| outline.folders.iter().rev().find_map(|folder| of(folder)))
        .map(|(_, profile)| profile.clone())
}

/// A whole file, or standard input for `-`.
pub(in crate::cli) fn read_file(file: &Path, most: usize) -> Result<Vec<u8>, anyhow::Error> {
    let limit = u64::try_from(most).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let read = if file == Path::new("-") {
        std::io::stdin().take(limit + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes))
    };
    read.with_context(|| format!("cannot read {}", file.display()))?;
    if bytes.len() > most {
        anyhow::bail!("{} is larger than {} MiB", file.display(), most / 1024 / 1024);
    }
    Ok(bytes)
}
