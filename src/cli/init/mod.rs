//! `tidings init`: from the address of a site to a config, with a look at what it would post.
//!
//! Promises: what is written was checked as `check` does; nothing is asked where nobody sits; nothing
//! that is there is overwritten without `--force`, and secrets never. Must not: ask for a secret,
//! publish, or make a database.

mod answers;
mod asking;
mod written;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use toml::Value;

use self::answers::{Answers, Source};
use self::written::Vault;
use super::feeds::{Adding, ImportArgs, Offer, first_run, take_list, take_listing};
use super::preview::{self, NEXT};
use super::setup::Place;
use super::{Done, Exit, out};
use crate::ayrshare::feeds::listed;
use crate::clock::Clock;
use crate::config::edit::Draft;
use crate::config::secret::FeedSecrets;
use crate::config::{Config, Environment};
use crate::daemon::access::Access;
use crate::domain::entry::ParsedFeed;
use crate::feed::find::{How, find};
use crate::http::shown;

/// The file of the secrets, beside the config, unless somebody says otherwise.
const ENV_FILE: &str = "tidings.env";
/// The longest answer of Ayrshare's that is read from a file, in bytes.
const LISTING_BYTES_MAX: usize = 16 * 1024 * 1024;

#[derive(Debug, Clone, Default, Args)]
pub(super) struct InitArgs {
    /// Addresses of sites or feeds, or OPML files
    #[arg(value_name = "SITE, FEED or OPML")]
    sources: Vec<String>,
    /// The feeds that Ayrshare polls: its answer to GET /feed, saved in a file
    #[arg(long, value_name = "FILE")]
    ayrshare: Option<PathBuf>,
    /// The profile's name [default: main]
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// A network by Ayrshare's name; may be repeated [default: twitter, which is X]
    #[arg(long = "platform", value_name = "NETWORK")]
    platforms: Vec<String>,
    /// The zone of the profile's times, such as Europe/Berlin [default: this machine's]
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// What X may cost a month, in US dollars; 0 for no limit [default: 20]
    #[arg(long, value_name = "USD")]
    budget: Option<String>,
    /// What happens to entries that are there already: none, all, latest=3, since=2026-11-01
    #[arg(long, value_name = "RULE", value_parser = first_run)]
    first_run: Option<Value>,
    /// Where a file for the secrets is made [default: tidings.env beside the config]
    #[arg(long, value_name = "PATH", conflicts_with = "credentials")]
    env_file: Option<PathBuf>,
    /// Make a folder with a file for each secret instead, for systemd's credentials
    #[arg(long, value_name = "DIR")]
    credentials: Option<PathBuf>,
    /// Ask nothing: take the defaults
    #[arg(long, short)]
    yes: bool,
    /// Replace a config that is there; files for secrets are kept in any case
    #[arg(long)]
    force: bool,
}

pub(super) async fn run(place: &Place, args: &InitArgs) -> Done {
    if place.config.exists() && !args.force {
        out::complain(&format!(
            "error: {} is there already and was left as it is: `tidings feeds add` puts more feeds \
             into it, --force begins anew, --config names another file",
            place.config.display()
        ));
        return Ok(Exit::Usage);
    }
    let answers = match answers::gather(args, &place.env) {
        Ok(answers) => answers,
        Err(missing) => {
            for why in &missing {
                out::complain(&format!("error: {why}"));
            }
            out::complain("nothing was written");
            return Ok(Exit::Usage);
        }
    };
    let vault = vault(place, args);
    let text = written::config(&answers, args.first_run.as_ref(), vault.path());
    let draft = Draft::begin(&place.config, text)?;
    let begun = match draft.check(&place.env) {
        Ok(config) => Arc::new(config),
        Err(complaints) => return Ok(refused(&complaints.to_string())),
    };
    let access = Access::new(&begun, [], &FeedSecrets::read(&begun, [], &place.env)?)?;
    let mut adding = Adding::of(begun, draft);
    let Some(read) = take(&mut adding, &access, &answers).await? else {
        return Ok(Exit::Failed);
    };
    let config = match adding.check(&place.env) {
        Ok(config) => config,
        Err(complaints) => return Ok(refused(&complaints.to_string())),
    };
    if config.feeds.is_empty() {
        out::complain("error: no feed was found: nothing was written");
        return Ok(Exit::Failed);
    }
    if !written::save(&place.config, adding.text(), args.force)? {
        anyhow::bail!("{} came into being meanwhile: nothing was written", place.config.display());
    }
    out::say(&format!(
        "wrote     {}: {} to {} on {}, times in {}",
        place.config.display(),
        out::count(config.feeds.len(), "feed"),
        answers.profile,
        answers.platforms.join(", "),
        answers.zone.name(),
    ));
    for line in vault.make(&answers)? {
        out::say(&line);
    }
    show_next(&config, &place.env, &read).await?;
    steps(place, &answers, &vault);
    Ok(Exit::Done)
}

fn refused(complaints: &str) -> Exit {
    out::complain(complaints);
    out::complain("nothing was written");
    Exit::Usage
}

fn vault(place: &Place, args: &InitArgs) -> Vault {
    match (&args.credentials, &args.env_file) {
        (Some(folder), _) => Vault::Credentials(folder.clone()),
        (None, Some(path)) => Vault::EnvFile(path.clone()),
        (None, None) => Vault::EnvFile(place.config.with_file_name(ENV_FILE)),
    }
}

/// Takes the feeds of all sources; gives those that were read on the way, or `None` where an address
/// has none.
async fn take(
    adding: &mut Adding,
    access: &Access,
    answers: &Answers,
) -> Result<Option<Vec<(String, ParsedFeed)>>, anyhow::Error> {
    let mut read = Vec::new();
    for source in &answers.sources {
        match source {
            Source::Address(url) => {
                let config = Arc::clone(adding.config());
                let found = match find(&access.visit_any(&config, url, Clock::System.now())).await {
                    Ok(found) => found,
                    Err(missing) => {
                        out::complain(&format!("error: {missing}"));
                        out::complain("nothing was written");
                        return Ok(None);
                    }
                };
                if found.how != How::Itself {
                    let how = found.how.words();
                    out::say(&format!(
                        "found     {}: the feed of {}, {how}",
                        found.url,
                        shown(url)
                    ));
                }
                for other in &found.others {
                    out::say(&format!("also      {other}: named by the page, and not taken"));
                }
                let title = found.new.feed.title.clone();
                let taken = adding.offer(&found.url, Offer { title, ..Offer::default() })?;
                out::say(&taken.line(&found.url));
                read.push((taken.name().to_owned(), found.new.feed));
            }
            Source::List(path) => {
                take_list(adding, path, &ImportArgs::default())?;
            }
            Source::Ayrshare(path) => {
                let body = super::feeds::read_file(path, LISTING_BYTES_MAX)?;
                let listing = listed(&String::from_utf8_lossy(&body)).with_context(|| {
                    format!("{} is not what Ayrshare answers to GET /feed", path.display())
                })?;
                take_listing(access, adding, &listing).await?;
            }
        }
    }
    Ok(Some(read))
}

/// The cards of the newest entries: of the feeds that were read, or else of the first ones.
async fn show_next(
    config: &Config,
    env: &Environment,
    read: &[(String, ParsedFeed)],
) -> Result<(), anyhow::Error> {
    let access =
        Access::new(config, &config.feeds, &FeedSecrets::read(config, &config.feeds, env)?)?;
    let mut feeds = Vec::new();
    let mut looked = Vec::new();
    if read.is_empty() {
        for feed in config.feeds.iter().take(NEXT) {
            match find(&access.visit(config, feed, &feed.url, Clock::System.now())).await {
                Ok(found) => looked.push((feed.name.clone(), found.new.feed)),
                Err(missing) => out::complain(&format!("feed {}: {missing}", feed.name)),
            }
        }
    }
    for (name, parsed) in read.iter().chain(&looked) {
        feeds.extend(config.feed(name).map(|feed| (feed, parsed)));
    }
    out::say("\nAs the newest entries would be posted, if they were new:\n");
    if preview::newest(config, &access, &feeds).await == 0 {
        out::say("(the feeds that were read have no entries yet)\n");
    }
    Ok(())
}

fn steps(place: &Place, answers: &Answers, vault: &Vault) {
    let option = if place.config.as_os_str() == "tidings.toml" {
        String::new()
    } else {
        format!(" --config {}", place.config.display())
    };
    out::say("Next:");
    out::say(&format!("  1. {}", vault.step(answers)));
    out::say(&format!("  2. tidings{option} check --live     asks Ayrshare too; posts nothing"));
    out::say(&format!(
        "  3. tidings{option} run              the daemon; with --dry-run it publishes nothing"
    ));
}
