//! `tidings preview`: what would be posted, as the reader will see it; posts and keeps nothing.
//!
//! Promises: the same filters, words and images as the daemon's. Must not: write to the database, or
//! need one but for `--diff`.

mod card;
mod diff;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::Value;
use url::Url;

use self::card::Fate;
use super::feeds::NO_FEEDS;
use super::out;
use super::progress::Progress;
use super::scratch::Scratch;
use super::setup::Place;
use super::{Done, Exit};
use crate::clock::Clock;
use crate::config::secret::FeedSecrets;
use crate::config::{Config, Feed, Named};
use crate::daemon::access::Access;
use crate::daemon::media;
use crate::daemon::recipe::Recipe;
use crate::domain::entry::{self, Entry, ParsedFeed};
use crate::domain::media::Media;
use crate::feed::find::{Found, How, find};

/// What a look at an address needs of a config where there is none.
const BARE: &str = "[[profile]]\nname = \"main\"\nplatforms = [\"twitter\"]\n\
    [[feed]]\nname = \"feed\"\nurl = \"https://example.com/feed.xml\"\n";
/// Cards of a first look.
pub(super) const NEXT: usize = 3;
/// Entries of each feed that are shown, and that are compared.
const LIMITS: (u32, u32) = (3, 20);

#[derive(Debug, Args)]
pub(super) struct PreviewArgs {
    /// A feed's name in the config, or any feed's address; left out: all feeds of the config
    feed: Option<String>,
    /// How many entries of each feed to show, newest first [default: 3, with --diff 20]
    #[arg(long, value_name = "ENTRIES", value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: Option<u32>,
    /// Compare with another config, by the entries in the database; asks no feed
    #[arg(long, value_name = "OTHER.toml")]
    diff: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(place: &Place, args: &PreviewArgs) -> Done {
    if let Some(other) = &args.diff {
        let limit = args.limit.unwrap_or(LIMITS.1);
        return diff::run(place, other, (args.feed.as_deref(), limit), args.json).await;
    }
    let config = match config(place, args)? {
        Ok(config) => config,
        Err(exit) => return Ok(exit),
    };
    if config.feeds.is_empty() && args.feed.is_none() {
        out::complain(NO_FEEDS);
    }
    let unlisted = match unlisted(&config, args.feed.as_deref()) {
        Ok(unlisted) => unlisted,
        Err(why) => {
            out::complain(&format!("error: {why}"));
            return Ok(Exit::Usage);
        }
    };
    // None where an address is wanted that the config does not have.
    let is_wanted = |feed: &&Feed| args.feed.as_ref().is_none_or(|wanted| feed.name == *wanted);
    let listed: Vec<&Feed> = config.feeds.iter().filter(is_wanted).collect();
    let secrets = match FeedSecrets::read(&config, listed.iter().copied(), &place.env) {
        Ok(secrets) => secrets,
        Err(complaints) => {
            out::complain(&complaints.to_string());
            return Ok(Exit::Usage);
        }
    };
    let access = Access::new(&config, listed.iter().copied(), &secrets)?;
    let mut shown = Vec::new();
    let mut failed = false;
    let now = Clock::System.now();
    let feeds = listed.into_iter().map(|feed| (&*config, feed));
    let mut progress = Progress::new("feed", config.feeds.len());
    for (of, feed) in feeds.chain(unlisted.iter().map(|(of, feed)| (of, feed))) {
        let visit = match &unlisted {
            None => access.visit(&config, feed, &feed.url, now),
            Some(_) => access.visit_any(&config, &feed.url, now),
        };
        progress.next(&feed.name);
        let found = find(&visit).await;
        progress.clear();
        match found {
            Ok(found) => {
                tell_found(feed, &found);
                if found.new.feed.items.is_empty() {
                    out::complain(&format!("feed {}: it has no entry yet", feed.name));
                }
                let look = Look { client: visit.client, now, silent: args.json };
                let parsed = &found.new.feed;
                let recipe = Recipe { config: of, feed, feed_title: &parsed.title };
                let limit = args.limit.unwrap_or(LIMITS.0);
                for entry in newest_of(parsed, usize::try_from(limit).unwrap_or(usize::MAX)) {
                    shown.extend(look.show(recipe, parsed, &entry).await);
                }
            }
            Err(missing) => {
                failed = true;
                out::complain(&format!("feed {}: {missing}", feed.name));
            }
        }
    }
    tell(&shown, args)?;
    Ok(if failed { Exit::Failed } else { Exit::Done })
}

/// What stands below the cards, or all of them as JSON.
fn tell(shown: &[Value], args: &PreviewArgs) -> Result<(), anyhow::Error> {
    if args.json {
        out::json(&shown)?;
    } else if !shown.is_empty() {
        out::say(
            "Shown as if each entry were new and nothing else queued: first_run, hold_above and what \
             was posted before are not looked at.",
        );
    }
    Ok(())
}

/// Says where the feed of a site was found, and what else there is.
fn tell_found(feed: &Feed, found: &Found) {
    if found.how == How::Itself {
        return;
    }
    out::complain(&format!(
        "feed {}: the feed of {} is {}, {}",
        feed.name,
        feed.url,
        found.url,
        found.how.words()
    ));
    for other in &found.others {
        out::complain(&format!("feed {}: the page names {other} too", feed.name));
    }
}

/// The config; for an address alone there needs to be none.
fn config(place: &Place, args: &PreviewArgs) -> Result<Result<Arc<Config>, Exit>, anyhow::Error> {
    let is_address = |text: &str| Url::parse(text).is_ok_and(|url| url.has_host());
    if place.config.exists() || !args.feed.as_deref().is_some_and(is_address) {
        return Ok(place.config());
    }
    Ok(Ok(Arc::new(bare()?)))
}

/// A config with nothing but one profile and one feed.
fn bare() -> Result<Config, anyhow::Error> {
    let scratch = Scratch::new("preview")?;
    let path = scratch.path().join("tidings.toml");
    std::fs::write(&path, BARE).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(crate::config::load(&path, &crate::config::Environment::default())?)
}

/// The feed of an address that the config does not have, in a config that has it.
fn unlisted(config: &Config, wanted: Option<&str>) -> Result<Option<(Config, Feed)>, String> {
    let Some(wanted) = wanted.filter(|wanted| config.feed(wanted).is_none()) else {
        return Ok(None);
    };
    let url = Url::parse(wanted).map_err(|_| {
        let known: Vec<&str> = config.feeds.iter().map(|feed| feed.name.as_str()).collect();
        format!(
            "{wanted:?} is neither a feed of the config ({}) nor an address such as \
             https://blog.example.com/feed.xml",
            known.join(", ")
        )
    })?;
    let mut bare = bare().map_err(|error| out::causes(&error))?;
    bare.fetch = config.fetch.clone();
    bare.prices = config.prices;
    let mut feed = bare.feeds.first().cloned().ok_or("the smallest config has no feed")?;
    url.host_str().unwrap_or("feed").clone_into(&mut feed.name);
    feed.url = url;
    bare.feeds = Named::new(vec![feed.clone()], |feed| &feed.name);
    Ok(Some((bare, feed)))
}

/// A look at a feed that was read.
struct Look<'a> {
    client: &'a reqwest::Client,
    now: DateTime<Utc>,
    /// Whether no card is printed.
    silent: bool,
}

/// The newest entries of a feed, newest first where it tells dates; in its own order else.
fn newest_of(feed: &ParsedFeed, limit: usize) -> Vec<Entry> {
    let mut entries = entry::identify(feed);
    entries.sort_by_key(|entry| std::cmp::Reverse(dated(entry)));
    entries.truncate(limit);
    entries
}

fn dated(entry: &Entry) -> Option<DateTime<Utc>> {
    entry.item.published.or(entry.item.updated)
}

/// Shows the cards of the newest entries of several feeds, [`NEXT`] at most; gives how many entries.
pub(super) async fn newest(
    config: &Config,
    access: &Access,
    feeds: &[(&Feed, &ParsedFeed)],
) -> usize {
    let now = Clock::System.now();
    let mut entries: Vec<(&Feed, &ParsedFeed, Entry)> = feeds
        .iter()
        .flat_map(|(feed, parsed)| {
            newest_of(parsed, NEXT).into_iter().map(|it| (*feed, *parsed, it))
        })
        .collect();
    entries.sort_by_key(|(.., entry)| std::cmp::Reverse(dated(entry)));
    entries.truncate(NEXT);
    for (feed, parsed, entry) in &entries {
        let look = Look { client: access.client_of(Some(feed)), now, silent: false };
        let recipe = Recipe { config, feed, feed_title: &parsed.title };
        look.show(recipe, parsed, entry).await;
    }
    entries.len()
}

impl Look<'_> {
    /// Shows an entry on all lanes of its feed; gives its cards as JSON.
    async fn show(&self, recipe: Recipe<'_>, feed: &ParsedFeed, entry: &Entry) -> Vec<Value> {
        let (name, item) = (&recipe.feed.name, &entry.item);
        let mut fates = Vec::new();
        let mut seen: Vec<(Media, Media, Vec<String>)> = Vec::new();
        for lane in recipe.lanes() {
            let mut fate = Fate::of(recipe, (item, feed.language.as_deref()), &lane, self.now);
            if let Fate::Post(sketch) = &mut fate {
                if seen.iter().all(|(wished, ..)| *wished != sketch.media) {
                    let (chosen, notes) = self.choose(recipe, &sketch.media).await;
                    seen.push((sketch.media.clone(), chosen, notes));
                }
                let found = seen.iter().find(|(wished, ..)| *wished == sketch.media);
                if let Some((_, chosen, notes)) = found {
                    sketch.choose(recipe, &lane, (chosen.clone(), notes));
                }
            }
            fates.push((lane, fate));
        }
        let cards = card::gathered(fates);
        if !self.silent {
            for card in &cards {
                card.show(name, item, self.now);
            }
        }
        cards.iter().map(|card| card.as_json(name, item)).collect()
    }

    /// What would be shown of what is wished, looked at now, and what would be left out.
    async fn choose(&self, recipe: Recipe<'_>, media: &Media) -> (Media, Vec<String>) {
        let Media::Wished(wish) = media else {
            return (media.clone(), Vec::new());
        };
        let allow_private = &recipe.config.fetch.allow_private;
        let choice = media::choose(self.client, wish, allow_private, &Clock::System).await;
        (Media::Chosen(choice.attachments), choice.notes)
    }
}
