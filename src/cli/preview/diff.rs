//! `tidings preview --diff`: which posts another config would make of the entries in the database.
//!
//! Promises: both configs judge the same entries, as first seen when they were; works on a copy of
//! the database. Must not: reach the network, or write where the daemon reads.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::card::{Fate, Sketch};
use crate::cli::out::{self, Tone};
use crate::cli::scratch::Scratch;
use crate::cli::setup::Place;
use crate::cli::{Done, Exit, shown};
use crate::config::Config;
use crate::daemon::recipe::Recipe;
use crate::domain::breaker::Lane;
use crate::domain::cost::Usd;
use crate::domain::entry::Item;
use crate::store::Store;
use crate::store::entries::SeenEntry;

/// Characters of a title that is shown.
const TITLE_CHARS_MAX: usize = 80;

/// What one config makes of all entries.
#[derive(Debug, Default, Clone, Copy)]
struct Total {
    posts: usize,
    held: usize,
    cost: Usd,
}

impl Total {
    fn add(&mut self, fate: Option<&Fate>) {
        if let Some(Fate::Post(sketch)) = fate {
            if sketch.held.is_some() {
                self.held += 1;
            } else {
                self.posts += 1;
                self.cost = self.cost.plus(sketch.cost);
            }
        }
    }

    fn sentence(self) -> String {
        let held = if self.held > 0 { format!(", {} held", self.held) } else { String::new() };
        format!("{} for {}{held}", out::count(self.posts, "post"), self.cost)
    }

    fn as_json(self) -> Value {
        json!({"posts": self.posts, "held": self.held, "cost_usd_micros": self.cost.micros()})
    }
}

/// An entry on a lane by both configs; `None` where a config has no such feed or lane.
struct Pair {
    lane: Lane,
    now: Option<Fate>,
    then: Option<Fate>,
}

pub(super) async fn run(
    place: &Place,
    other: &Path,
    (wanted, limit): (Option<&str>, u32),
    as_json: bool,
) -> Done {
    let other_place = Place { config: other.to_owned(), env: place.env.clone() };
    let (now, then) = match (place.config(), other_place.config()) {
        (Ok(now), Ok(then)) => (now, then),
        (Err(exit), _) | (_, Err(exit)) => return Ok(exit),
    };
    let mut feeds: BTreeSet<&str> =
        now.feeds.iter().chain(&then.feeds).map(|feed| feed.name.as_str()).collect();
    if let Some(wanted) = wanted {
        feeds.retain(|name| *name == wanted);
        if feeds.is_empty() {
            out::complain(&format!("error: neither config has a feed {wanted:?}"));
            return Ok(Exit::Usage);
        }
    }
    let path = &now.store.path;
    if !path.exists() {
        out::complain(&format!(
            "error: there is no database {} yet, and its entries are what is compared: start \
             `tidings run` first",
            path.display()
        ));
        return Ok(Exit::Failed);
    }
    let scratch = Scratch::new("diff")?;
    let copy = scratch.path().join("tidings.db");
    Store::snapshot(path, &copy).await?;
    let store = Store::open(&copy).await?;
    let mut totals = (Total::default(), Total::default());
    let (mut entries, mut changes, feeds_seen) = (0, Vec::new(), feeds.len());
    for name in feeds {
        let title = store.feed(name).await?.map(|feed| feed.title).unwrap_or_default();
        for entry in store.newest_entries(name, limit).await? {
            entries += 1;
            let Ok(item) = serde_json::from_str::<Item>(&entry.item) else { continue };
            for pair in pairs((&now, &then), &title, &entry, &item) {
                totals.0.add(pair.now.as_ref());
                totals.1.add(pair.then.as_ref());
                if !pair.is_same() {
                    if !as_json {
                        pair.show(&entry);
                    }
                    changes.push(pair.as_json(&entry));
                }
            }
        }
    }
    store.close().await;
    if as_json {
        out::json(&json!({
            "entries": entries,
            "changes": changes,
            "now": totals.0.as_json(),
            "then": totals.1.as_json(),
        }))?;
        return Ok(Exit::Done);
    }
    out::say(&format!(
        "{} of {} in the database, as if each were new: {}; now {}; with {} {}",
        out::count(entries, "entry"),
        out::count(feeds_seen, "feed"),
        out::count(changes.len(), "difference"),
        totals.0.sentence(),
        other.display(),
        totals.1.sentence()
    ));
    Ok(Exit::Done)
}

/// What both configs make of an entry, on each lane that either has for its feed.
fn pairs(
    (now, then): (&Config, &Config),
    feed_title: &str,
    entry: &SeenEntry,
    item: &Item,
) -> Vec<Pair> {
    let recipe = |config: &'_ Config| -> Option<Vec<(Lane, Fate)>> {
        let recipe = Recipe { config, feed: config.feed(&entry.feed)?, feed_title };
        let fate = |lane: Lane| {
            let fate = Fate::of(recipe, (item, None), &lane, entry.first_seen_at);
            (lane, fate)
        };
        Some(recipe.lanes().map(fate).collect())
    };
    let mut pairs: Vec<Pair> = Vec::new();
    for (lane, fate) in recipe(now).unwrap_or_default() {
        pairs.push(Pair { lane, now: Some(fate), then: None });
    }
    for (lane, fate) in recipe(then).unwrap_or_default() {
        match pairs.iter_mut().find(|pair| pair.lane == lane) {
            Some(pair) => pair.then = Some(fate),
            None => pairs.push(Pair { lane, now: None, then: Some(fate) }),
        }
    }
    pairs
}

/// What goes out beside a text, for a person.
fn beside(sketch: &Sketch) -> Vec<String> {
    shown::lines(&sketch.media, &sketch.options)
}

fn post(fate: Option<&Fate>) -> Option<&Sketch> {
    match fate {
        Some(Fate::Post(sketch)) => Some(sketch),
        Some(Fate::Out(_)) | None => None,
    }
}

impl Pair {
    /// Whether the same is posted at the same cost, whenever that is; why nothing is posted does not
    /// matter.
    fn is_same(&self) -> bool {
        match (post(self.now.as_ref()), post(self.then.as_ref())) {
            (None, None) => true,
            (Some(now), Some(then)) => {
                now.held == then.held
                    && now.composed.text == then.composed.text
                    && (&now.media, &now.options) == (&then.media, &then.options)
                    && now.cost == then.cost
            }
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    fn show(&self, entry: &SeenEntry) {
        let title = out::short(&entry.title, TITLE_CHARS_MAX);
        out::say(&out::tone(&format!("{} → {}: {title}", entry.feed, self.lane), Tone::Head));
        let (now, then) = (post(self.now.as_ref()), post(self.then.as_ref()));
        if let (Some(now), Some(then)) = (now, then) {
            line("-", now.held != then.held, &state(now));
            line("+", now.held != then.held, &state(then));
            let texts = (&now.composed.text, &then.composed.text);
            let shows = (beside(now), beside(then));
            for (sign, text, other) in [("-", texts.0, texts.1), ("+", texts.1, texts.0)] {
                text.lines().for_each(|words| line(sign, text != other, words));
            }
            for (sign, lines, other) in [("-", &shows.0, &shows.1), ("+", &shows.1, &shows.0)] {
                let own = lines.iter().filter(|line| !other.contains(line));
                own.for_each(|words| line(sign, true, &format!("[{words}]")));
            }
            line("-", now.cost != then.cost, &now.cost.to_string());
            line("+", now.cost != then.cost, &then.cost.to_string());
        } else {
            for (sign, fate) in [("-", &self.now), ("+", &self.then)] {
                match fate {
                    None => line(sign, true, "not in this config"),
                    Some(Fate::Out(why)) => line(sign, true, &format!("not posted: {why}")),
                    Some(Fate::Post(sketch)) => {
                        line(sign, true, &format!("{}, {}", state(sketch), sketch.cost));
                        sketch.composed.text.lines().for_each(|words| line(sign, true, words));
                    }
                }
            }
        }
        out::say("");
    }

    fn as_json(&self, entry: &SeenEntry) -> Value {
        json!({
            "feed": entry.feed,
            "entry": entry.id,
            "title": entry.title,
            "profile": self.lane.profile,
            "platform": self.lane.platform,
            "now": self.now.as_ref().map(Fate::as_json),
            "then": self.then.as_ref().map(Fate::as_json),
        })
    }
}

fn state(sketch: &Sketch) -> String {
    sketch.held.as_ref().map_or_else(|| "posted".to_owned(), |why| format!("held: {why}"))
}

fn line(sign: &str, differs: bool, words: &str) {
    if differs {
        let tone = if sign == "-" { Tone::Bad } else { Tone::Good };
        out::say(&out::tone(&format!("  {sign} {words}"), tone));
    }
}
