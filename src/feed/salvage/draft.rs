//! What an item's elements have told so far, and what becomes of it.
//!
//! Promises: the first value that says something wins within one rank (of dates the last one), a better rank wins over all;
//! links are absolute and http(s). Must not: look at more than the elements that it is given.

use std::rc::Rc;

use chrono::{DateTime, Utc};
use url::Url;

use super::super::dates;
use super::super::parse::{LIST_MAX, web_address};
use super::super::references::decoded;
use super::super::tokens::attribute;
use super::attached::Attached;
use super::capture::{Capture, tidy};
use super::person;
use super::site::{Link, absolute};
use super::slot::{ALTERNATE, ENCLOSURE, LINK, NO_PAGE, PERMALINK, Slot};
use super::vocabulary::Vocabulary;
use crate::domain::entry::Item;

/// What an item has told so far.
#[derive(Default)]
pub(super) struct Draft {
    about: Option<String>,
    guid: Option<String>,
    permalink: Option<String>,
    titles: [String; 4],
    links: Vec<(usize, String)>,
    summaries: [String; 5],
    contents: [String; 3],
    published: [Option<DateTime<Utc>>; 3],
    updated: [Option<DateTime<Utc>>; 5],
    authors: [Vec<String>; 2],
    categories: Vec<String>,
    language: Option<String>,
    pub(super) attached: Attached,
}

/// Puts a text into its place unless something is there already.
fn put(places: &mut [String], rank: usize, text: String) {
    if let Some(place) = places.get_mut(rank)
        && place.is_empty()
    {
        *place = text;
    }
}

/// Reads a date into its place. Of several, the last one counts: it was added when something changed.
fn put_date(places: &mut [Option<DateTime<Utc>>], rank: usize, text: &str) {
    if let Some(place) = places.get_mut(rank) {
        *place = dates::read(text).or(*place);
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
    /// What the item's own tag tells: `rdf:about`, and the words of CDF.
    pub(super) fn new(tag: &str, base: &Url) -> Self {
        let about = attribute(tag, "rdf:about").map(|about| tidy(&decoded(about)));
        let mut draft = Self { about, ..Self::default() };
        let href = attribute(tag, "href").and_then(|href| absolute(href, base));
        draft.links.extend(href.map(|address| (LINK, address)));
        put_date(&mut draft.updated, 1, attribute(tag, "lastmod").unwrap_or_default());
        draft
    }

    /// Whether all that identifies the item has been read.
    pub(super) fn is_identified(&self) -> bool {
        let dated = self.published.iter().any(Option::is_some);
        let titled = self.titles.iter().any(|title| !title.is_empty());
        let linked = self.links.iter().any(|(rank, _)| *rank <= ALTERNATE);
        self.guid.is_some() && linked && titled && dated
    }

    /// A person that an element of its own names.
    pub(super) fn author(&mut self, rank: usize, text: &str) {
        if let Some(authors) = self.authors.get_mut(rank)
            && let Some(name) = person::name(text)
        {
            add(authors, name);
        }
    }

    /// The language of an element of it; the first one counts.
    pub(super) fn language(&mut self, text: &str) {
        if self.language.is_none() {
            self.language = Some(tidy(text)).filter(|language| !language.is_empty());
        }
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
                    self.attached.enclosure(link.address.clone(), tag);
                }
                if link.rank <= ENCLOSURE {
                    self.links.push((link.rank, link.address));
                }
                true
            }
            (Vocabulary::Core, "enclosure") => {
                let address = attribute(tag, "url").or_else(|| attribute(tag, "href"));
                if let Some(address) = address.and_then(|address| absolute(address, base)) {
                    self.attached.enclosure(address.clone(), tag);
                    self.links.push((ENCLOSURE, address));
                }
                true
            }
            (Vocabulary::Core, "category") => {
                let term = attribute(tag, "label").or_else(|| attribute(tag, "term"));
                if let Some(term) = term {
                    add(&mut self.categories, tidy(&decoded(term)));
                }
                term.is_some()
            }
            (Vocabulary::Itunes, "image") => {
                self.attached.picture(tag, base);
                true
            }
            _ => false,
        }
    }

    pub(super) fn store(&mut self, capture: &Capture<'_>) {
        let base = Rc::clone(&capture.base);
        let (slot, depth) = (capture.slot, capture.depth);
        let text = capture.value();
        if text.is_empty() {
            return;
        }
        match slot {
            Slot::Title(rank) => put(&mut self.titles, rank, text),
            Slot::Link(rank) => {
                let address = web_address(&text, &base).filter(|_| rank < NO_PAGE);
                self.links.extend(address.map(|address| (rank, address)));
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
            Slot::Author(rank) => self.author(rank, &text),
            Slot::Category => add(&mut self.categories, text),
            Slot::Keywords => {
                text.split(',').for_each(|word| add(&mut self.categories, word.trim().to_owned()));
            }
            Slot::Language => self.language(&text),
            Slot::Caption { is_title } => {
                self.attached.caption(depth.saturating_sub(1), is_title, text.clone());
                if is_title {
                    put(&mut self.titles, 2, text);
                } else {
                    put(&mut self.summaries, 4, text);
                }
            }
            Slot::Ttl
            | Slot::UpdatePeriod
            | Slot::UpdateFrequency
            | Slot::SkipHour
            | Slot::SkipDay => {}
        }
    }

    pub(super) fn finish(self) -> Item {
        let mut links = self.links;
        links.extend(self.permalink.map(|address| (PERMALINK, address)));
        // The sort is stable: of one rank, the first one stays first.
        links.sort_by_key(|(rank, _)| *rank);
        let authors = self.authors.into_iter().find(|authors| !authors.is_empty());
        Item {
            guid: self.guid.or(self.about).filter(|guid| !guid.is_empty()),
            link: links.into_iter().next().map(|(_, address)| address),
            title: first(self.titles),
            summary: first(self.summaries),
            content: first(self.contents),
            authors: authors.unwrap_or_default(),
            categories: self.categories,
            published: self.published.into_iter().flatten().next(),
            updated: self.updated.into_iter().flatten().next(),
            language: self.language,
            media: self.attached.into_media(),
        }
    }
}
