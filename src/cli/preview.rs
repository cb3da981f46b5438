//! `tidings preview`: what would be posted, as the reader will see it; posts and keeps nothing.
//!
//! Promises: the same composing as the daemon's. Must not: write to the database, or need one.

use std::sync::Arc;

use anyhow::Context;
use chrono_tz::Tz;
use clap::Args;
use serde_json::{Value, json};
use url::Url;

use super::feeds::NO_FEEDS;
use super::out::{self, Tone};
use super::scratch::Scratch;
use super::setup::Place;
use super::{Done, Exit, shown};
use crate::clock::Clock;
use crate::config::secret::FeedSecrets;
use crate::config::{Config, Feed};
use crate::daemon::access::Access;
use crate::daemon::media;
use crate::domain::breaker::{Lane, X};
use crate::domain::compose::{self, Compose, Composed, Ingredients, Setting};
use crate::domain::entry::{self, Item, ParsedFeed};
use crate::domain::media::{Media, MediaRules};
use crate::domain::options::Options;
use crate::feed::find::{Found, How, find};

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

/// One feed to show: its name, its address, a lane of each of its platforms with the zone of its
/// profile, and how its posts read.
struct Source {
    name: String,
    url: Url,
    lanes: Vec<(Lane, Tz, Options)>,
    compose: Compose,
    allow_mentions: bool,
    media: MediaRules,
}

/// What stands beside a text.
struct Beside<'a> {
    media: &'a Media,
    options: &'a Options,
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
    let in_config: Vec<&Feed> = sources.iter().filter_map(|it| config.feed(&it.name)).collect();
    let secrets = match FeedSecrets::read(&config, in_config.iter().copied(), &place.env) {
        Ok(secrets) => secrets,
        Err(complaints) => {
            out::complain(&complaints.to_string());
            return Ok(Exit::Usage);
        }
    };
    let access = Access::new(&config, in_config, &secrets)?;
    let mut shown = Vec::new();
    let mut failed = false;
    for source in &sources {
        let now = Clock::System.now();
        let visit = match config.feed(&source.name) {
            Some(feed) => access.visit(&config, feed, &source.url, now),
            None => access.visit_any(&config, &source.url, now),
        };
        match find(&visit).await {
            Ok(found) => {
                tell_found(source, &found);
                if found.new.feed.items.is_empty() {
                    out::complain(&format!("feed {}: it has no entry yet", source.name));
                }
                shown.extend(
                    show_feed(&config, (source, visit.client), &found.new.feed, args).await,
                );
            }
            Err(missing) => {
                failed = true;
                out::complain(&format!("feed {}: {missing}", source.name));
            }
        }
    }
    if args.json {
        out::json(&shown)?;
    }
    Ok(if failed { Exit::Failed } else { Exit::Done })
}

/// Says where the feed of a site was found, and what else there is.
fn tell_found(source: &Source, found: &Found) {
    if found.how == How::Itself {
        return;
    }
    out::complain(&format!(
        "feed {}: the feed of {} is {}, {}",
        source.name,
        source.url,
        found.url,
        found.how.words()
    ));
    for other in &found.others {
        out::complain(&format!("feed {}: the page names {other} too", source.name));
    }
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
    let of_feed = |feed: &Feed| {
        let mut lanes: Vec<(Lane, Tz, Options)> = Vec::new();
        for profile in feed.profiles.iter().filter_map(|name| config.profile(name)) {
            for lane in profile.lanes() {
                if !lanes.iter().any(|(known, _, _)| known.platform == lane.platform) {
                    let options = media::options(config, feed, &lane);
                    lanes.push((lane, profile.pace.zone, options));
                }
            }
        }
        Source {
            name: feed.name.clone(),
            url: feed.url.clone(),
            lanes,
            compose: feed.compose.clone(),
            allow_mentions: feed.allow_mentions,
            media: feed.media.clone(),
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
        lanes: vec![(Lane::new("main", X), Tz::UTC, Options::default())],
        compose: Compose::default(),
        allow_mentions: false,
        media: MediaRules::default(),
    }])
}

/// Shows the newest entries of a feed; gives them as JSON.
async fn show_feed(
    config: &Config,
    (source, client): (&Source, &reqwest::Client),
    feed: &ParsedFeed,
    args: &PreviewArgs,
) -> Vec<Value> {
    let mut entries = entry::identify(feed);
    // Newest first where the feed tells dates; its own order else.
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.item.published.or(entry.item.updated)));
    let mut shown = Vec::new();
    for entry in entries.iter().take(args.limit) {
        let (media, media_notes) = look(config, source, client, &entry.item).await;
        for (lane, zone, options) in &source.lanes {
            let ingredients = Ingredients::of(&entry.item, &source.name, &feed.title);
            let platform = &lane.platform;
            let manner = source.compose.manner(platform);
            let setting = Setting {
                platform,
                profile: &lane.profile,
                zone: *zone,
                manner,
                allow_mentions: source.allow_mentions,
            };
            let rules = manner.rules(platform, source.allow_mentions);
            match compose::compose(&ingredients, &setting) {
                Ok(mut composed) => {
                    composed.notes.extend(media_notes.iter().cloned());
                    let is_x = platform == X;
                    let cost = config
                        .prices
                        .attempt(is_x, composed.has_link)
                        .plus(config.prices.alt_texts(is_x, media.alt_texts()));
                    let beside = Beside { media: &media, options };
                    if !args.json {
                        let measures = (rules.limit, &*cost.to_string());
                        card(source, platform, (&composed, &beside), measures);
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
                        "media": shown::as_json(&media),
                        "options": options,
                    }));
                }
                Err(unfit) => out::complain(&format!("feed {}: {unfit}", source.name)),
            }
        }
    }
    shown
}

/// What an entry would show, looked at now, and what would be left out.
async fn look(
    config: &Config,
    source: &Source,
    client: &reqwest::Client,
    item: &Item,
) -> (Media, Vec<String>) {
    match media::wished(item, &source.media) {
        Media::Wished(wish) => {
            let allow_private = &config.fetch.allow_private;
            let choice = media::choose(client, &wish, allow_private, &Clock::System).await;
            (Media::Chosen(choice.attachments), choice.notes)
        }
        settled @ (Media::None | Media::Chosen(_)) => (settled, Vec::new()),
    }
}

/// One post as the reader will see it.
fn card(
    source: &Source,
    platform: &str,
    (composed, beside): (&Composed, &Beside<'_>),
    (limit, cost): (u32, &str),
) {
    out::say(&out::tone(&format!("┌─ {} on {platform}", source.name), Tone::Head));
    for line in composed.text.lines() {
        out::say(&format!("│ {line}"));
    }
    for line in shown::lines(beside.media, beside.options) {
        out::say(&format!("│ [{line}]"));
    }
    let link = if composed.has_link { "with a link" } else { "without a link" };
    out::say(&format!("└─ {}/{limit}, {cost} {link}", composed.weighted_length));
    for note in &composed.notes {
        out::say(&format!("   {note}"));
    }
    out::say("");
}
