//! What becomes of one entry on the lanes of its feed, as a card for a person and as JSON.
//!
//! Promises: the decisions are those of `daemon::recipe`. Must not: decide, or look at an image.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use url::Url;

use crate::cli::out::{self, Tone};
use crate::cli::shown;
use crate::daemon::outlook::first_turn;
use crate::daemon::recipe::Recipe;
use crate::domain::breaker::Lane;
use crate::domain::compose::Composed;
use crate::domain::cost::Usd;
use crate::domain::entry::Item;
use crate::domain::media::Media;
use crate::domain::options::Options;
use crate::domain::plan::Rule;
use crate::domain::select::Choice;
use crate::domain::text::plain;

/// How far ahead a post's turn is looked for.
const AHEAD: TimeDelta = TimeDelta::days(30);
/// How wide the text on a card is, in characters, unless a word is longer.
const CARD_CHARS: usize = 90;
/// Characters of a title that a card shows.
const TITLE_CHARS_MAX: usize = 80;

/// What becomes of an entry on the lanes of one network where it is the same.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Card {
    pub(super) fate: Fate,
    platform: String,
    /// In the order of the feed's `profiles`.
    profiles: Vec<String>,
}

/// What becomes of an entry on a lane.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fate {
    /// It is not posted, and why.
    Out(String),
    /// It is a post.
    Post(Box<Sketch>),
}

/// A post that is not there yet.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sketch {
    /// Why it would wait for a person, if it would.
    pub(super) held: Option<String>,
    pub(super) composed: Composed,
    pub(super) limit: u32,
    pub(super) media: Media,
    pub(super) options: Options,
    pub(super) cost: Usd,
    /// Domain and title of the linked page, where the network shows them.
    pub(super) page: Option<String>,
    /// When it would go, were nothing else queued or sent.
    turn: Option<(DateTime<Utc>, Rule)>,
}

impl Fate {
    /// What becomes of an item that is first seen at `now`; `language` is the whole feed's.
    pub(super) fn of(
        recipe: Recipe<'_>,
        (item, language): (&Item, Option<&str>),
        lane: &Lane,
        now: DateTime<Utc>,
    ) -> Self {
        let held = match recipe.screen(item, language, now, lane) {
            Choice::Skip { why } => return Self::Out(why),
            Choice::Hold { why } => Some(why),
            Choice::Post => None,
        };
        let composed = match recipe.compose(item, lane) {
            Ok(composed) => composed,
            Err(unfit) => return Self::Out(unfit.to_string()),
        };
        let beside = recipe.beside(item, lane);
        let options = beside.options.for_length(&lane.platform, composed.weighted_length);
        let cost = recipe.config.cost(lane, composed.has_link, &beside.media);
        let turn = first_turn(recipe, lane, (item, cost), (now, now + AHEAD));
        Self::Post(Box::new(Sketch {
            held,
            limit: recipe.config.length_limit(&recipe.feed.name, &lane.platform),
            media: beside.media,
            options,
            cost,
            page: page(item, &composed),
            turn: turn.map(|row| (row.at, row.rule)),
            composed,
        }))
    }
}

impl Sketch {
    /// With what was seen at the addresses of its images.
    pub(super) fn choose(
        &mut self,
        recipe: Recipe<'_>,
        lane: &Lane,
        (media, notes): (Media, &[String]),
    ) {
        self.cost = recipe.config.cost(lane, self.composed.has_link, &media);
        self.media = media;
        self.composed.notes.extend(notes.iter().cloned());
    }

    /// The line of the linked page, unless an image takes its place.
    fn page(&self) -> Option<&str> {
        let images = match &self.media {
            Media::None => 0,
            Media::Wished(wish) => wish.candidates.len(),
            Media::Chosen(attachments) => attachments.len(),
        };
        self.page.as_deref().filter(|_| images == 0)
    }

    fn when(&self, now: DateTime<Utc>) -> String {
        match (&self.held, self.turn) {
            (Some(_), _) => "after your approval".to_owned(),
            (None, None) => format!("not within {} days", AHEAD.num_days()),
            (None, Some((at, rule))) if at <= now => rule.sentence(),
            (None, Some((at, rule))) => format!("{}, {}", out::distance(at, now), rule.sentence()),
        }
    }
}

/// What a network shows of the page behind a text's link: its domain, and a title, for which the
/// entry's stands.
fn page(item: &Item, composed: &Composed) -> Option<String> {
    let link = item.link.as_deref().filter(|_| composed.has_link)?;
    let url = Url::parse(link).ok()?;
    let domain = url.host_str()?;
    let domain = domain.strip_prefix("www.").unwrap_or(domain);
    let title = out::short(&plain(&item.title), TITLE_CHARS_MAX);
    Some(if title.is_empty() { domain.to_owned() } else { format!("{domain}: {title}") })
}

/// A line of a text as several that are not wider than a card, broken between words.
fn folded(line: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in line.split(' ') {
        match lines.last_mut() {
            Some(last) if last.chars().count() + word.chars().count() < CARD_CHARS => {
                last.push(' ');
                last.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Puts what is the same on several lanes of a network on one card.
pub(super) fn gathered(fates: Vec<(Lane, Fate)>) -> Vec<Card> {
    let mut cards: Vec<Card> = Vec::new();
    for (Lane { profile, platform }, fate) in fates {
        match cards.iter_mut().find(|card| card.platform == platform && card.fate == fate) {
            Some(card) => card.profiles.push(profile),
            None => cards.push(Card { fate, platform, profiles: vec![profile] }),
        }
    }
    cards
}

impl Card {
    /// For a person.
    pub(super) fn show(&self, feed: &str, item: &Item, now: DateTime<Utc>) {
        let head = format!("{feed} → {} ({})", self.platform, self.profiles.join(", "));
        let sketch = match &self.fate {
            Fate::Out(why) => {
                out::say(&out::tone(&format!("╳─ {head}"), Tone::Head));
                out::say(&format!("   {}", out::short(&plain(&item.title), TITLE_CHARS_MAX)));
                out::say(&out::tone(&format!("   not posted: {why}"), Tone::Bad));
                out::say("");
                return;
            }
            Fate::Post(sketch) => sketch,
        };
        out::say(&out::tone(&format!("┌─ {head}"), Tone::Head));
        if let Some(why) = &sketch.held {
            out::say(&out::tone(&format!("│ HELD: {why}"), Tone::Bad));
        }
        for line in sketch.composed.text.lines().flat_map(folded) {
            out::say(&format!("│ {line}"));
        }
        if let Some(page) = sketch.page() {
            out::say(&format!("│ ┆ {page}"));
        }
        for line in shown::lines(&sketch.media, &sketch.options) {
            out::say(&format!("│ [{line}]"));
        }
        let link = if sketch.composed.has_link { "with a link" } else { "without a link" };
        let length = sketch.composed.weighted_length;
        let (limit, cost, when) = (sketch.limit, sketch.cost, sketch.when(now));
        out::say(&format!("└─ {length}/{limit} · {cost} {link} · {when}"));
        for note in &sketch.composed.notes {
            out::say(&format!("   {note}"));
        }
        out::say("");
    }

    pub(super) fn as_json(&self, feed: &str, item: &Item) -> Value {
        let mut fields = json!({
            "feed": feed,
            "title": plain(&item.title),
            "link": item.link,
            "platform": self.platform,
            "profiles": self.profiles,
        });
        let more = self.fate.as_json();
        if let (Value::Object(fields), Value::Object(more)) = (&mut fields, more) {
            fields.extend(more);
        }
        fields
    }
}

impl Fate {
    pub(super) fn as_json(&self) -> Value {
        let sketch = match self {
            Self::Out(why) => return json!({"choice": "skip", "reason": why}),
            Self::Post(sketch) => sketch,
        };
        json!({
            "choice": if sketch.held.is_some() { "hold" } else { "post" },
            "reason": sketch.held.as_deref().unwrap_or_default(),
            "text": sketch.composed.text,
            "weighted_length": sketch.composed.weighted_length,
            "limit": sketch.limit,
            "has_link": sketch.composed.has_link,
            "page": sketch.page(),
            "cost_usd_micros": sketch.cost.micros(),
            "at": sketch.turn.map(|(at, _)| at),
            "why_then": sketch.turn.map(|(_, rule)| rule.sentence()),
            "notes": sketch.composed.notes,
            "media": shown::as_json(&sketch.media),
            "options": sketch.options,
        })
    }
}
