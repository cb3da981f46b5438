//! `tidings preview`: what would be posted, as the reader will see it; posts and keeps nothing.
//!
//! Promises: the same composing as the daemon's. Must not: write to the database, or need one.

use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use serde_json::{Value, json};
use url::Url;

use super::feeds::NO_FEEDS;
use super::out::{self, Tone};
use super::scratch::Scratch;
use super::setup::Place;
use super::{Done, Exit};
use crate::clock::Clock;
use crate::config::Config;
use crate::daemon::{feed_limits, feed_options};
use crate::domain::breaker::X;
use crate::domain::compose::{self, Composed, Ingredients};
use crate::domain::entry::{self, ParsedFeed};
use crate::feed::fetch::{Fetched, fetch_anew};
use crate::http;

#[derive(Debug, Args)]
pub(super) struct PreviewArgs {
    /// A feed's name in the config, or any feed's address; left out: all feeds of the config
    feed: Option<String>,
    /// How many entries of each feed to show, newest first
    #[arg(long, default_value_t = 3, value_name = "ENTRIES")]
    limit: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// One feed to show: its name, its address, the platforms of its profiles, whether mentions stay.
struct Source {
    name: String,
    url: Url,
    platforms: Vec<String>,
    allow_mentions: bool,
}

pub(super) async fn run(place: &Place, args: &PreviewArgs) -> Done {
    let config = match config(place, args)? {
        Ok(config) => config,
        Err(exit) => return Ok(exit),
    };
    if config.feeds.is_empty() && args.feed.is_none() {
        out::complain(NO_FEEDS);
    }
    let sources = match sources(&config, args.feed.as_deref()) {
        Ok(sources) => sources,
        Err(why) => {
            out::complain(&format!("error: {why}"));
            return Ok(Exit::Usage);
        }
    };
    let client = http::feed_client(&feed_options(&config.fetch))?;
    let mut shown = Vec::new();
    let mut failed = false;
    for source in &sources {
        let limits = feed_limits(&config.fetch);
        match fetch_anew(&client, &source.url, limits, Clock::System.now()).await {
            Fetched::New(new) => {
                if new.feed.items.is_empty() {
                    out::complain(&format!("feed {}: it has no entry yet", source.name));
                }
                shown.extend(show_feed(&config, source, &new.feed, args));
            }
            Fetched::Unchanged { .. } => {}
            Fetched::Gone => {
                failed = true;
                out::complain(&format!("feed {}: gone for good (410)", source.name));
            }
            Fetched::Failed { why, .. } => {
                failed = true;
                out::complain(&format!("feed {}: {why}", source.name));
            }
        }
    }
    if args.json {
        out::json(&shown)?;
    }
    Ok(if failed { Exit::Failed } else { Exit::Done })
}

/// The config; for an address alone there needs to be none.
fn config(place: &Place, args: &PreviewArgs) -> Result<Result<Arc<Config>, Exit>, anyhow::Error> {
    let is_address = |text: &str| Url::parse(text).is_ok_and(|url| url.has_host());
    if place.config.exists() || !args.feed.as_deref().is_some_and(is_address) {
        return Ok(place.config());
    }
    let scratch = Scratch::new("preview")?;
    let path = scratch.path().join("tidings.toml");
    std::fs::write(&path, "[[profile]]\nname = \"main\"\nplatforms = [\"twitter\"]\n")
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(Place { config: path, env: place.env.clone() }.config())
}

fn sources(config: &Config, wanted: Option<&str>) -> Result<Vec<Source>, String> {
    let of_feed = |feed: &crate::config::Feed| {
        let mut platforms: Vec<String> = Vec::new();
        for profile in feed.profiles.iter().filter_map(|name| config.profile(name)) {
            for platform in &profile.platforms {
                if !platforms.contains(platform) {
                    platforms.push(platform.clone());
                }
            }
        }
        Source {
            name: feed.name.clone(),
            url: feed.url.clone(),
            platforms,
            allow_mentions: feed.allow_mentions,
        }
    };
    let Some(wanted) = wanted else {
        return Ok(config.feeds.iter().map(of_feed).collect());
    };
    if let Some(feed) = config.feed(wanted) {
        return Ok(vec![of_feed(feed)]);
    }
    let url = Url::parse(wanted).map_err(|_| {
        let known: Vec<&str> = config.feeds.iter().map(|feed| feed.name.as_str()).collect();
        format!(
            "{wanted:?} is neither a feed of the config ({}) nor an address such as \
             https://blog.example.com/feed.xml",
            known.join(", ")
        )
    })?;
    Ok(vec![Source {
        name: url.host_str().unwrap_or("feed").to_owned(),
        url,
        platforms: vec![X.to_owned()],
        allow_mentions: false,
    }])
}

/// Shows the newest entries of a feed; gives them as JSON.
fn show_feed(
    config: &Config,
    source: &Source,
    feed: &ParsedFeed,
    args: &PreviewArgs,
) -> Vec<Value> {
    let mut entries = entry::identify(feed);
    // Newest first where the feed tells dates; its own order else.
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.item.published.or(entry.item.updated)));
    let mut shown = Vec::new();
    for entry in entries.iter().take(args.limit) {
        for platform in &source.platforms {
            let ingredients = Ingredients::of(&entry.item, &feed.title);
            let mut rules = compose::rules_of(platform);
            rules.allow_mentions = source.allow_mentions;
            match compose::compose(&ingredients, &rules) {
                Ok(composed) => {
                    let cost = config.prices.attempt(platform == X, composed.has_link);
                    if !args.json {
                        card(source, platform, &composed, (rules.limit, &cost.to_string()));
                    }
                    shown.push(json!({
                        "feed": source.name,
                        "platform": platform,
                        "text": composed.text,
                        "weighted_length": composed.weighted_length,
                        "limit": rules.limit,
                        "has_link": composed.has_link,
                        "cost_usd_micros": cost.micros(),
                        "notes": composed.notes,
                    }));
                }
                Err(unfit) => out::complain(&format!("feed {}: {unfit}", source.name)),
            }
        }
    }
    shown
}

/// One post as the reader will see it.
fn card(source: &Source, platform: &str, composed: &Composed, (limit, cost): (u32, &str)) {
    out::say(&out::tone(&format!("┌─ {} on {platform}", source.name), Tone::Head));
    for line in composed.text.lines() {
        out::say(&format!("│ {line}"));
    }
    let link = if composed.has_link { "with a link" } else { "without a link" };
    out::say(&format!("└─ {}/{limit}, {cost} {link}", composed.weighted_length));
    for note in &composed.notes {
        out::say(&format!("   {note}"));
    }
    out::say("");
}
