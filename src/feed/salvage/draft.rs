//! What an item's elements have told so far, and what becomes of it.
//!
//! Promises: the first value that says something wins within one rank, a better rank wins over all;
//! links are absolute and http(s). Must not: look at more than the elements that it is given.

use std::rc::Rc;

use chrono::{DateTime, Utc};
use html_escape::decode_html_entities;
use url::Url;

use super::super::dates;
use super::super::parse::{LIST_MAX, TEXT_MAX, web_address};
use super::super::tokens::attribute;
use super::site::{ENCLOSURE, LINK, Link, PERMALINK, absolute};
use super::vocabulary::Vocabulary;
use crate::domain::entry::{Item, Media};

/// Where a text goes. The numbers are ranks: the lower one wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    FeedTitle,
    FeedLink,
    Title(usize),
    Link,
    Guid { permalink: bool },
    Summary(usize),
    Content(usize),
    Published(usize),
    Updated(usize),
    Author,
    Category,
}

/// The text of one element as it is gathered.
pub(super) struct Capture {
    pub(super) depth: usize,
    pub(super) slot: Slot,
    kind: &'static str,
    pub(super) base: Rc<Url>,
    plain: String,
    markup: String,
    tags: bool,
}

impl Capture {
    pub(super) fn new(depth: usize, slot: Slot, kind: &'static str, base: &Rc<Url>) -> Self {
        Self {
            depth,
            slot,
            kind,
            base: Rc::clone(base),
            plain: String::new(),
            markup: String::new(),
            tags: false,
        }
    }

    pub(super) fn open_tag(&mut self, local: &str, attributes: &str, closed: bool) {
        self.tags = true;
        for part in ["<", local, attributes, if closed { "/>" } else { ">" }] {
            self.markup.push_str(part);
        }
    }

    pub(super) fn close_tag(&mut self, local: &str) {
        for part in ["</", local, ">"] {
            self.markup.push_str(part);
        }
    }

    pub(super) fn text(&mut self, text: &str, data: bool) {
        self.markup.push_str(text);
        if data {
            self.plain.push_str(text);
        } else {
            self.plain.push_str(&decode_html_entities(text));
        }
    }

    /// The value: inner markup where there was any; else the text, escaped where the publisher says
    /// that it is no markup and nothing speaks against it.
    pub(super) fn value(self) -> String {
        let text = if self.tags { self.markup } else { self.plain };
        let looks_like_markup = text.contains("</") || text.contains("/>") || text.contains("<br");
        let text = if self.kind == "text" && !self.tags && !looks_like_markup {
            text.replace('<', "&lt;")
        } else {
            text
        };
        tidy(&text)
    }
}

/// The text without control characters, trimmed and cut to a bound; characters that only exist
/// because windows-1252 was taken for Latin-1 are what they were meant to be.
pub(in crate::feed) fn tidy(text: &str) -> String {
    let text: String = text
        .trim()
        .chars()
        .filter_map(|c| match c {
            '\t' | '\n' => Some(c),
            '\r' => Some('\n'),
            '\u{80}'..='\u{9f}' => {
                let byte = [u8::try_from(u32::from(c)).ok()?];
                let (text, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(&byte);
                text.chars().next().filter(|c| !c.is_control())
            }
            c if c.is_control() => None,
            c => Some(c),
        })
        .take(TEXT_MAX)
        .collect();
    undoubled(text.trim()).unwrap_or_else(|| text.trim().to_owned())
}

/// Text that was UTF-8, was taken for windows-1252 and encoded again, as it was at first. Only where
/// *all* that is beyond ASCII reads as UTF-8 once more, which no sane text does.
fn undoubled(text: &str) -> Option<String> {
    if !text.contains(['Ã', 'Â', 'â', 'Å', 'Ä', 'Ð', 'Ñ']) {
        return None;
    }
    let (bytes, _, unmappable) = encoding_rs::WINDOWS_1252.encode(text);
    if unmappable {
        return None;
    }
    String::from_utf8(bytes.into_owned()).ok()
}

/// Where the text of an item's child goes.
pub(super) fn slot(words: Vocabulary, local: &str, tag: &str) -> Option<Slot> {
    Some(match (words, local) {
        (Vocabulary::Core, "title") => Slot::Title(0),
        (Vocabulary::Dublin, "title") => Slot::Title(1),
        (Vocabulary::Core, "link" | "url") => Slot::Link,
        (Vocabulary::Core, "guid") => Slot::Guid {
            permalink: attribute(tag, "isPermaLink")
                .is_none_or(|value| !value.trim().eq_ignore_ascii_case("false")),
        },
        (Vocabulary::Core, "id") => Slot::Guid { permalink: true },
        (Vocabulary::Core, "description" | "summary") => Slot::Summary(0),
        (Vocabulary::Dublin, "description") => Slot::Summary(1),
        (Vocabulary::Content, "encoded") => Slot::Content(0),
        (Vocabulary::Core, "content" | "content_encoded" | "fullcontent") => Slot::Content(1),
        (Vocabulary::Xhtml, "body" | "div") => Slot::Content(2),
        (Vocabulary::Core, "pubdate" | "published") => Slot::Published(0),
        (Vocabulary::Core | Vocabulary::Dublin, "issued") => Slot::Published(1),
        (Vocabulary::Dublin, "date") => Slot::Published(2),
        (Vocabulary::Core | Vocabulary::Dublin, "created" | "date") => Slot::Published(3),
        (Vocabulary::Core, "updated") => Slot::Updated(0),
        (Vocabulary::Core | Vocabulary::Dublin, "modified") => Slot::Updated(1),
        (Vocabulary::Core, "lastbuilddate") => Slot::Updated(2),
        (Vocabulary::Dublin, "creator") => Slot::Author,
        (Vocabulary::Core, "category") | (Vocabulary::Dublin, "subject") => Slot::Category,
        _ => return None,
    })
}

/// Where the text of a Media RSS element goes.
pub(super) fn media_slot(local: &str) -> Option<Slot> {
    match local {
        "title" => Some(Slot::Title(2)),
        "description" => Some(Slot::Summary(2)),
        _ => None,
    }
}

/// Whether a text is markup (`html`) or plain (`text`). Only Atom tells; in RSS all is markup.
pub(super) fn text_kind(words: Vocabulary, local: &str, tag: &str) -> &'static str {
    let told = attribute(tag, "type").map(str::to_ascii_lowercase);
    match (words, local, told.as_deref()) {
        (Vocabulary::Core, "title" | "summary" | "content", Some("text" | "text/plain")) => "text",
        _ => "html",
    }
}

/// What an item has told so far.
#[derive(Default)]
pub(super) struct Draft {
    about: Option<String>,
    guid: Option<String>,
    permalink: Option<String>,
    titles: [String; 3],
    links: Vec<(usize, String)>,
    summaries: [String; 3],
    contents: [String; 3],
    published: [Option<DateTime<Utc>>; 4],
    updated: [Option<DateTime<Utc>>; 3],
    authors: Vec<String>,
    categories: Vec<String>,
    media: Vec<Media>,
}

/// Puts a text into its place unless something is there already.
fn put(places: &mut [String], rank: usize, text: String) {
    if let Some(place) = places.get_mut(rank)
        && place.is_empty()
    {
        *place = text;
    }
}

/// Reads a date into its place unless one is there already.
fn put_date(places: &mut [Option<DateTime<Utc>>], rank: usize, text: &str) {
    if let Some(place) = places.get_mut(rank) {
        *place = place.or_else(|| dates::read(text));
    }
}

fn add(list: &mut Vec<String>, text: String) {
    if list.len() < LIST_MAX && !text.is_empty() && !list.contains(&text) {
        list.push(text);
    }
}

fn first(places: impl IntoIterator<Item = String>) -> String {
    places.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
}

impl Draft {
    pub(super) fn new(about: Option<&str>) -> Self {
        Self { about: about.map(|about| tidy(&decode_html_entities(about))), ..Self::default() }
    }

    pub(super) fn author(&mut self, text: &str) {
        add(&mut self.authors, tidy(&decode_html_entities(text)));
    }

    /// Children that say all in their attributes. `false`: their text is wanted.
    pub(super) fn takes_whole(
        &mut self,
        words: Vocabulary,
        local: &str,
        tag: &str,
        base: &Url,
    ) -> bool {
        match (words, local) {
            (Vocabulary::Core, "link") => {
                let Some(link) = Link::of(tag, base) else {
                    return false;
                };
                if link.rank == ENCLOSURE {
                    self.attach(link.address.clone(), attribute(tag, "type"));
                }
                if link.rank <= ENCLOSURE {
                    self.links.push((link.rank, link.address));
                }
                true
            }
            (Vocabulary::Core, "enclosure") => {
                let address = attribute(tag, "url").or_else(|| attribute(tag, "href"));
                if let Some(address) = address.and_then(|address| absolute(address, base)) {
                    self.attach(address.clone(), attribute(tag, "type"));
                    self.links.push((ENCLOSURE, address));
                }
                true
            }
            (Vocabulary::Core, "category") => {
                let term = attribute(tag, "label").or_else(|| attribute(tag, "term"));
                if let Some(term) = term {
                    add(&mut self.categories, tidy(&decode_html_entities(term)));
                }
                term.is_some()
            }
            _ => false,
        }
    }

    /// `media:content` and `media:thumbnail`.
    pub(super) fn media(&mut self, local: &str, tag: &str, base: &Url) {
        let medium = attribute(tag, "medium");
        let kind = match (local, attribute(tag, "type"), medium) {
            ("content", Some(kind), _) => Some(kind),
            ("content", None, Some("image")) | ("thumbnail", _, _) => Some("image/*"),
            ("content", None, Some("video")) => Some("video/*"),
            ("content", None, Some("audio")) => Some("audio/*"),
            ("content", None, _) => None,
            _ => return,
        };
        if let Some(address) = attribute(tag, "url").and_then(|address| absolute(address, base)) {
            self.attach(address, kind);
        }
    }

    fn attach(&mut self, url: String, kind: Option<&str>) {
        let known = self.media.iter().any(|media| media.url == url);
        if self.media.len() < LIST_MAX && !known {
            let kind = kind.map(tidy).filter(|kind| !kind.is_empty());
            self.media.push(Media { url, kind, ..Media::default() });
        }
    }

    pub(super) fn store(&mut self, capture: Capture) {
        let base = Rc::clone(&capture.base);
        let slot = capture.slot;
        let text = capture.value();
        if text.is_empty() {
            return;
        }
        match slot {
            Slot::FeedTitle | Slot::FeedLink => {}
            Slot::Title(rank) => put(&mut self.titles, rank, text),
            Slot::Link => {
                if let Some(address) = web_address(&text, &base) {
                    self.links.push((LINK, address));
                }
            }
            Slot::Guid { permalink } => {
                if permalink && self.permalink.is_none() && Url::parse(&text).is_ok() {
                    self.permalink = web_address(&text, &base);
                }
                self.guid.get_or_insert(text);
            }
            Slot::Summary(rank) => put(&mut self.summaries, rank, text),
            Slot::Content(rank) => put(&mut self.contents, rank, text),
            Slot::Published(rank) => put_date(&mut self.published, rank, &text),
            Slot::Updated(rank) => put_date(&mut self.updated, rank, &text),
            Slot::Author => add(&mut self.authors, text),
            Slot::Category => add(&mut self.categories, text),
        }
    }

    pub(super) fn finish(self) -> Item {
        let mut links = self.links;
        links.extend(self.permalink.map(|address| (PERMALINK, address)));
        // The sort is stable: of one rank, the first one stays first.
        links.sort_by_key(|(rank, _)| *rank);
        Item {
            guid: self.guid.or(self.about).filter(|guid| !guid.is_empty()),
            link: links.into_iter().next().map(|(_, address)| address),
            title: first(self.titles),
            summary: first(self.summaries),
            content: first(self.contents),
            authors: self.authors,
            categories: self.categories,
            published: self.published.into_iter().flatten().next(),
            updated: self.updated.into_iter().flatten().next(),
            language: None,
            media: self.media,
        }
    }
}
