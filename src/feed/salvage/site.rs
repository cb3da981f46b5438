//! Links as markup tells them, and what a feed says of itself.
//!
//! Promises: addresses are absolute and http(s). Must not: choose among an item's links (the ranks
//! say which is better, the draft chooses).

use std::rc::Rc;

use url::Url;

use super::capture::{Capture, tidy};
use super::person;
use super::slot::{ALTERNATE, ALTERNATE_PAGE, ALTERNATE_UNTYPED, ENCLOSURE, LINK, NO_PAGE, Slot};
use crate::domain::entry::{ParsedFeed, Wishes};
use crate::feed::parse::{LIST_MAX, web_address};
use crate::feed::references::decoded;
use crate::feed::tokens::attribute;

/// Atom's `link`: its address and how well it will do as the entry's page.
pub(super) struct Link {
    pub(super) rank: usize,
    pub(super) address: String,
}

impl Link {
    pub(super) fn of(tag: &str, base: &Url) -> Option<Self> {
        let href = attribute(tag, "href")?;
        Some(Self { rank: rank(tag), address: absolute(href, base)? })
    }
}

/// How well a link will do, by what its tag says.
fn rank(tag: &str) -> usize {
    let rel = attribute(tag, "rel").map(|rel| rel.trim().to_ascii_lowercase());
    let kind = attribute(tag, "type").unwrap_or_default();
    match rel.as_deref() {
        None | Some("" | "alternate") if kind.contains("html") => ALTERNATE_PAGE,
        None | Some("" | "alternate") if kind.is_empty() => ALTERNATE_UNTYPED,
        None | Some("" | "alternate") => ALTERNATE,
        Some("enclosure") => ENCLOSURE,
        Some(_) => NO_PAGE,
    }
}

/// The same for a link with its address as its text: RSS's own, or one of Atom gone wrong.
pub(super) fn rank_of_text(tag: &str) -> usize {
    if tag.contains("rel") { rank(tag) } else { LINK }
}

pub(super) fn absolute(written: &str, base: &Url) -> Option<String> {
    web_address(&decoded(written), base)
}

/// What the feed says of itself.
#[derive(Default)]
pub(super) struct Site {
    title: String,
    links: Vec<(usize, String)>,
    language: Option<String>,
    hubs: Vec<String>,
    own_address: Option<String>,
    authors: Vec<String>,
    ttl: Option<u32>,
    period: Option<u32>,
    frequency: Option<u32>,
    wishes: Wishes,
}

impl Site {
    /// Atom's `link`, with its address in an attribute.
    pub(super) fn takes_link(&mut self, local: &str, tag: &str, base: &Url) -> bool {
        if local != "link" || attribute(tag, "href").is_none() {
            return false;
        }
        let Some(link) = Link::of(tag, base) else {
            return true;
        };
        let rel = attribute(tag, "rel").unwrap_or_default().to_ascii_lowercase();
        for word in rel.split_whitespace() {
            let hubs = &mut self.hubs;
            match word {
                "hub" if hubs.len() < LIST_MAX && !hubs.contains(&link.address) => {
                    hubs.push(link.address.clone());
                }
                "self" if self.own_address.is_none() => {
                    self.own_address = Some(link.address.clone());
                }
                _ => {}
            }
        }
        if link.rank <= ALTERNATE && self.links.len() < LIST_MAX {
            self.links.push((link.rank, link.address));
        }
        true
    }

    /// An author of the whole feed.
    pub(super) fn author(&mut self, text: &str) {
        if self.authors.len() < person::FEED_AUTHORS_MAX {
            self.authors.extend(person::name(text));
        }
    }

    /// The language of an element around all items; the first one counts.
    pub(super) fn language(&mut self, text: &str) {
        if self.language.is_none() {
            self.language = Some(tidy(text)).filter(|language| !language.is_empty());
        }
    }

    pub(super) fn store(&mut self, capture: &Capture<'_>) {
        let base = Rc::clone(&capture.base);
        let slot = capture.slot;
        let text = capture.value();
        match slot {
            Slot::Title(_) if self.title.is_empty() => self.title = text,
            Slot::Link(rank) if self.links.len() < LIST_MAX => {
                self.links.extend(web_address(&text, &base).map(|address| (rank, address)));
            }
            Slot::Author(_) => self.author(&text),
            Slot::Language => self.language(&text),
            Slot::Ttl => self.ttl = self.ttl.or_else(|| text.parse().ok()),
            Slot::UpdatePeriod => self.period = self.period.or_else(|| minutes(&text)),
            Slot::UpdateFrequency => self.frequency = self.frequency.or_else(|| text.parse().ok()),
            Slot::SkipHour => {
                // Midnight is written as 0 by some and as 24 by others.
                let hour = text.parse::<u32>().ok().filter(|hour| *hour <= 24);
                self.wishes.skip_hours |= hour.map_or(0, |hour| 1 << (hour % 24));
            }
            Slot::SkipDay => {
                let day = text.parse::<chrono::Weekday>().ok();
                self.wishes.skip_days |= day.map_or(0, |day| 1 << day.num_days_from_monday());
            }
            Slot::Title(_)
            | Slot::Link(_)
            | Slot::Guid { .. }
            | Slot::Summary(_)
            | Slot::Content(_)
            | Slot::Published(_)
            | Slot::Updated(_)
            | Slot::Category
            | Slot::Keywords
            | Slot::Caption { .. } => {}
        }
    }

    /// Puts what the feed said of itself beside its items. Items without an author are by the feed's.
    pub(super) fn finish(mut self, feed: &mut ParsedFeed) {
        self.links.sort_by_key(|(rank, _)| *rank);
        let every = match (self.period, self.frequency) {
            (None, None) => None,
            (period, frequency) => {
                let times = frequency.unwrap_or(1);
                period.or(Some(DAY)).map(|minutes| minutes.checked_div(times).unwrap_or(minutes))
            }
        };
        let longest = std::cmp::max(self.ttl, every).filter(|minutes| *minutes > 0);
        feed.title = self.title;
        feed.site = self.links.into_iter().next().map(|(_, address)| address);
        feed.language = self.language;
        feed.hubs = self.hubs;
        feed.own_address = self.own_address;
        feed.wishes = Wishes { minutes: longest, ..self.wishes };
        for item in feed.items.iter_mut().filter(|item| item.authors.is_empty()) {
            item.authors.clone_from(&self.authors);
        }
    }
}

const DAY: u32 = 24 * 60;

/// The minutes of `sy:updatePeriod`.
fn minutes(period: &str) -> Option<u32> {
    Some(match period.to_ascii_lowercase().as_str() {
        "hourly" => 60,
        "daily" => DAY,
        "weekly" => 7 * DAY,
        "monthly" => 30 * DAY,
        "yearly" => 365 * DAY,
        _ => return None,
    })
}
