//! Entry → text that fits, as its feed's user wants it to read; by default the title, a line break,
//! the link.
//!
//! Promises: the text fits the limit; the link is whole, where there is to be one; no grapheme,
//! hashtag, mention or link is cut; nothing in a feed's words becomes a link, or a mention (unless
//! allowed); NFC, no control character but single line breaks (never a blank line, at which
//! Ayrshare would split a thread); the same ingredients give the same text. Must not: choose
//! media, know of prices or times.

use std::cmp;

use chrono_tz::Tz;
use thiserror::Error;
use unicode_segmentation::UnicodeSegmentation;

use super::defuse::{Allowed, Defused, defuse};
use super::entry::Item;
use super::link;
use super::links::links;
use super::template::{Fault, Kind, Part, Words};
use super::text::plain;
use super::visible;
pub use alt::alt_text;
use assemble::Bounds;
pub use digest::{compose_digest, names_all};
use fit::Fitted;
pub use manner::{Compose, LinkPolicy, Manner};
pub use platform::{Rules, Weigh, limit_of, rules_of};
pub use trial::{trial, trial_alt};
pub use written::{Flaw, Written, written};

mod alt;
mod assemble;
mod digest;
mod fit;
mod manner;
pub mod platform;
mod trial;
mod written;

/// Cashtags that X allows in one post.
const CASHTAGS_MAX: usize = 1;

/// How much of an entry's content a template gets, in characters: a long post of X.
const CONTENT_CHARS_MAX: usize = 25_000;

/// How much of any other text of an entry a template gets, in characters.
const TEXT_CHARS_MAX: usize = 2_000;

/// Authors and categories of an entry that a template gets.
const LIST_MAX: usize = 50;

/// What an entry offers, as published.
#[derive(Debug, Clone, Copy)]
pub struct Ingredients<'a> {
    /// The entry.
    pub item: &'a Item,
    /// The user's name of its feed.
    pub feed_name: &'a str,
    /// The feed's own title; taken where there is neither title nor summary.
    pub feed_title: &'a str,
}

impl<'a> Ingredients<'a> {
    /// What an item of a feed gives.
    pub fn of(item: &'a Item, feed_name: &'a str, feed_title: &'a str) -> Self {
        Self { item, feed_name, feed_title }
    }

    /// The summary; where there is none, the content stands in.
    fn summary(&self) -> &'a str {
        if self.item.summary.is_empty() { &self.item.content } else { &self.item.summary }
    }
}

/// Where a text goes, and how it should read there.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// Ayrshare's name of the platform.
    pub platform: &'a str,
    /// The profile's name.
    pub profile: &'a str,
    /// The profile's zone, in which a template shows dates.
    pub zone: Tz,
    /// How it should read.
    pub manner: &'a Manner,
    /// Whether `@name` in a feed's text may mention somebody. Off unless the user asks for it.
    pub allow_mentions: bool,
}

/// A text that is ready to be sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Composed {
    /// The text.
    pub text: String,
    /// Its length by the platform's measure, at most the limit.
    pub weighted_length: u32,
    /// Whether X will see a link in it; a post with one costs more (contract, section 9.2).
    pub has_link: bool,
    /// Whether words were left off at the end.
    pub cut: bool,
    /// What was cut, defused, skipped or replaced, each a sentence for a person.
    pub notes: Vec<String>,
}

/// Why an entry gives no text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unfit {
    /// Neither title, summary, feed title nor usable link.
    #[error("the entry has neither a title, a summary nor a usable link")]
    NothingToSay,
    /// The link by itself is longer than the platform allows; it is never cut.
    #[error("the link alone is {needed} characters long, and {limit} are allowed")]
    LinkTooLong {
        /// The link's length.
        needed: u32,
        /// The platform's limit.
        limit: u32,
    },
    /// There is no link, and not one word fits.
    #[error("not one word fits into {limit} characters")]
    NoRoom {
        /// The platform's limit.
        limit: u32,
    },
    /// The template can't be rendered for this entry.
    #[error("the template fails for this entry: {0}")]
    Template(Fault),
}

/// Composes the text of an entry.
pub fn compose(ingredients: &Ingredients<'_>, setting: &Setting<'_>) -> Result<Composed, Unfit> {
    let manner = setting.manner;
    let rules = manner.rules(setting.platform, setting.allow_mentions);
    let mut notes = Vec::new();
    let has_links = manner.link != LinkPolicy::None;
    let published = ingredients.item.link.as_deref().filter(|_| has_links);
    let link = usable_link(published, manner, &mut notes);
    if let Some(link) = &link {
        let needed = rules.weigh.length(link);
        if needed > rules.limit {
            return Err(Unfit::LinkTooLong { needed, limit: rules.limit });
        }
    }
    let is_linkable = link.as_deref().is_some_and(|link| !links(link).is_empty());
    let bounds = Bounds { rules, has_links, is_linkable };
    let kitchen = Kitchen { ingredients, setting, link: link.as_deref() };
    let mut has_words = false;
    for source in Source::ALL {
        let Some(parts) = kitchen.parts(source)? else { continue };
        if !parts.iter().any(is_word) {
            if source == Source::Template {
                notes.push("the template gives no words for this entry".to_owned());
            }
            continue;
        }
        has_words = true;
        let (parts, defused) = disarmed(kitchen.whole(parts), bounds);
        if let Some(fitted) = fit::fit(parts, bounds) {
            if let Some(note) = source.note(manner.template.is_some()) {
                notes.push(note);
            }
            notes.extend(remarks(&defused, &fitted));
            return Ok(finished(fitted.text, fitted.left_off > 0, rules, notes));
        }
        notes.push(format!("nothing of the {} fits", source.name()));
    }
    match link.filter(|_| manner.link == LinkPolicy::Append) {
        Some(link) => {
            notes.push("the link stands alone".to_owned());
            Ok(finished(link, has_words, rules, notes))
        }
        None if has_words => Err(Unfit::NoRoom { limit: rules.limit }),
        None => Err(Unfit::NothingToSay),
    }
}

/// Where the words come from, in the order in which it is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Template,
    Title,
    Summary,
    FeedTitle,
}

impl Source {
    const ALL: [Self; 4] = [Self::Template, Self::Title, Self::Summary, Self::FeedTitle];

    fn name(self) -> &'static str {
        match self {
            Self::Template => "template",
            Self::Title => "title",
            Self::Summary => "summary",
            Self::FeedTitle => "feed's title",
        }
    }

    /// What a person should know where the words are not those that were wanted.
    fn note(self, has_template: bool) -> Option<String> {
        match self {
            Self::Template => None,
            Self::Title => has_template.then(|| "the title is used instead".to_owned()),
            Self::Summary | Self::FeedTitle => {
                Some(format!("there is no usable title: the {} is used", self.name()))
            }
        }
    }
}

/// All that a text is made of.
struct Kitchen<'a> {
    ingredients: &'a Ingredients<'a>,
    setting: &'a Setting<'a>,
    /// The link as it goes into the text.
    link: Option<&'a str>,
}

impl Kitchen<'_> {
    /// The parts that a source gives; `None` where there is no such source.
    fn parts(&self, source: Source) -> Result<Option<Vec<Part>>, Unfit> {
        let markup = match source {
            Source::Template => {
                let Some(template) = &self.setting.manner.template else { return Ok(None) };
                let words = self.words(template.uses("content"));
                return template.render(&words).map(Some).map_err(Unfit::Template);
            }
            Source::Title => &self.ingredients.item.title,
            Source::Summary => self.ingredients.summary(),
            Source::FeedTitle => self.ingredients.feed_title,
        };
        let kind = Kind::Feed { shrink: None };
        Ok(Some(vec![Part { text: self.plain(markup), kind }]))
    }

    /// With hashtags and link behind it, where the template has not printed them.
    fn whole(&self, mut parts: Vec<Part>) -> Vec<Part> {
        let manner = self.setting.manner;
        let mut add = |own: &str, text: String, kind| {
            parts.push(Part { text: own.to_owned(), kind: Kind::Own });
            parts.push(Part { text, kind });
        };
        let is_placed = manner.template.as_ref().is_some_and(|template| template.uses("hashtags"));
        let tags = self.hashtags();
        if !is_placed && !tags.is_empty() {
            add(" ", tags.join(" "), Kind::Tags);
        }
        let has_link = parts.iter().any(|part| part.kind == Kind::Link);
        if let Some(link) = self.link
            && manner.link == LinkPolicy::Append
            && !has_link
        {
            parts.push(Part { text: "\n".to_owned(), kind: Kind::Own });
            parts.push(Part { text: link.to_owned(), kind: Kind::Link });
        }
        parts
    }

    fn hashtags(&self) -> Vec<String> {
        let Some(hashtags) = &self.setting.manner.hashtags else { return Vec::new() };
        hashtags.of(self.categories().iter().map(String::as_str))
    }

    fn categories(&self) -> Vec<String> {
        let categories = self.ingredients.item.categories.iter().take(LIST_MAX);
        categories.map(|category| start(plain(category), TEXT_CHARS_MAX)).collect()
    }

    /// A publisher's text without the words that are the link itself.
    fn plain(&self, markup: &str) -> String {
        without_link(&plain(markup), self.ingredients.item.link.as_deref(), self.link)
    }

    fn words(&self, with_content: bool) -> Words<'_> {
        let item = self.ingredients.item;
        let text = |markup: &str| start(self.plain(markup), TEXT_CHARS_MAX);
        Words {
            title: text(&item.title),
            summary: text(self.ingredients.summary()),
            content: if with_content {
                start(self.plain(&item.content), CONTENT_CHARS_MAX)
            } else {
                String::new()
            },
            link: self.link,
            authors: item.authors.iter().take(LIST_MAX).map(|author| text(author)).collect(),
            categories: self.categories(),
            hashtags: self.hashtags(),
            language: text(item.language.as_deref().unwrap_or_default()),
            date: item.published.or(item.updated).map(|at| (at, self.setting.zone)),
            feed_name: self.ingredients.feed_name,
            feed_title: text(self.ingredients.feed_title),
            platform: self.setting.platform,
            profile: self.setting.profile,
            values: Some(&self.setting.manner.values),
        }
    }
}

/// The start of a text, in whole graphemes.
fn start(text: String, chars_max: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(chars_max) else { return text };
    let graphemes = text.grapheme_indices(true).map(|(at, _)| at);
    let end = graphemes.take_while(|at| *at <= end).last().unwrap_or(0);
    text.get(..end).unwrap_or_default().to_owned()
}

/// Whether a part has something to read.
fn is_word(part: &Part) -> bool {
    matches!(part.kind, Kind::Own | Kind::Feed { .. }) && part.text.chars().any(visible::shows)
}

/// The parts without effects that nobody meant, and what was done to them.
fn disarmed(mut parts: Vec<Part>, bounds: Bounds) -> (Vec<Part>, Defused) {
    let mut all = Defused::default();
    let mut cashtags = CASHTAGS_MAX;
    for part in &mut parts {
        let allowed = match part.kind {
            Kind::Own => Allowed { mentions: true, cashtags, links: bounds.has_links },
            Kind::Feed { .. } => {
                Allowed { mentions: bounds.rules.allow_mentions, cashtags: 0, links: false }
            }
            Kind::Link | Kind::Tags => continue,
        };
        let defused = defuse(&part.text, allowed);
        cashtags = cashtags.saturating_sub(defused.cashtags_kept);
        all.mentions += defused.mentions;
        all.cashtags += defused.cashtags;
        all.links.extend(defused.links);
        part.text = defused.text;
    }
    (parts, all)
}

fn finished(text: String, cut: bool, rules: Rules, notes: Vec<String>) -> Composed {
    Composed {
        weighted_length: rules.weigh.length(&text),
        has_link: !links(&text).is_empty(),
        text,
        cut,
        notes,
    }
}

/// The link as it goes into the text, with a note if that is not how it was published.
fn usable_link(
    published: Option<&str>,
    manner: &Manner,
    notes: &mut Vec<String>,
) -> Option<String> {
    let published = published.map(str::trim).filter(|link| !link.is_empty())?;
    let published = link::tagged(published, manner.strip_tracking, &manner.utm);
    let published = published.as_ref();
    let written = link::whole(published);
    match &written {
        None => notes.push(
            "the link is left out: not an http(s) address that can be posted whole".to_owned(),
        ),
        Some(written) if written != published => {
            notes.push(
                "the link is written with percent-encoding, so that it stays whole".to_owned(),
            );
        }
        Some(written) if links(written).is_empty() => {
            notes.push("X does not make a link of this address".to_owned());
        }
        Some(_) => (),
    }
    written
}

/// Plain text without the words that are the link itself.
fn without_link(plain: &str, published: Option<&str>, written: Option<&str>) -> String {
    let same: Vec<&str> = [published, written].into_iter().flatten().map(bare).collect();
    if same.is_empty() {
        return plain.to_owned();
    }
    let words: Vec<&str> = plain
        .split(' ')
        .filter(|word| !same.iter().any(|link| bare(word).eq_ignore_ascii_case(link)))
        .collect();
    words.join(" ")
}

/// An address without what does not change where it leads.
fn bare(link: &str) -> &str {
    let link = link.trim();
    let link = link.split_once("://").map_or(link, |(_, rest)| rest);
    link.strip_prefix("www.").unwrap_or(link).trim_end_matches('/')
}

/// What a person should know of how the words were changed.
fn remarks(defused: &Defused, fitted: &Fitted) -> Vec<String> {
    /// Names told in one note.
    const NAMES_MAX: usize = 5;

    let mut notes = Vec::new();
    if !fitted.tags.is_empty() {
        notes.push(format!("no room for {}", fitted.tags.join(" ")));
    }
    if fitted.left_off > 0 {
        notes.push(format!("cut: {} characters were left off", fitted.left_off));
    }
    if defused.mentions > 0 {
        notes.push(format!("mentions defused: {}", defused.mentions));
    }
    if defused.cashtags > 0 {
        notes.push(format!("cashtags defused: {}", defused.cashtags));
    }
    if !defused.links.is_empty() {
        let shown = defused.links.get(..cmp::min(NAMES_MAX, defused.links.len()));
        let more = defused.links.len().saturating_sub(NAMES_MAX);
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        notes
            .push(format!("kept from being links: {}{rest}", shown.unwrap_or_default().join(", ")));
    }
    notes
}

#[cfg(test)]
mod tests;
