//! Links as markup tells them, and what a feed says of itself.
//!
//! Promises: addresses are absolute and http(s). Must not: choose among an item's links (the ranks
//! say which is better, the draft chooses).

use std::rc::Rc;

use html_escape::decode_html_entities;
use url::Url;

use super::draft::{Capture, Slot};
use crate::feed::parse::{LIST_MAX, web_address};
use crate::feed::tokens::attribute;

pub(super) const LINK: usize = 0;
pub(super) const ALTERNATE_PAGE: usize = 1;
pub(super) const ALTERNATE_UNTYPED: usize = 2;
pub(super) const ALTERNATE: usize = 3;
pub(super) const PERMALINK: usize = 4;
pub(super) const ENCLOSURE: usize = 5;
pub(super) const NO_PAGE: usize = 6;

/// Atom's `link`: its address and how well it will do as the entry's page.
pub(super) struct Link {
    pub(super) rank: usize,
    pub(super) address: String,
}

impl Link {
    pub(super) fn of(tag: &str, base: &Url) -> Option<Self> {
        let href = attribute(tag, "href")?;
        let rel = attribute(tag, "rel").map(|rel| rel.trim().to_ascii_lowercase());
        let kind = attribute(tag, "type").unwrap_or_default();
        let rank = match rel.as_deref() {
            None | Some("" | "alternate") if kind.contains("html") => ALTERNATE_PAGE,
            None | Some("" | "alternate") if kind.is_empty() => ALTERNATE_UNTYPED,
            None | Some("" | "alternate") => ALTERNATE,
            Some("enclosure") => ENCLOSURE,
            Some(_) => NO_PAGE,
        };
        Some(Self { rank, address: absolute(href, base)? })
    }
}

pub(super) fn absolute(written: &str, base: &Url) -> Option<String> {
    web_address(&decode_html_entities(written), base)
}

/// What the feed says of itself.
#[derive(Default)]
pub(super) struct Site {
    title: String,
    links: Vec<(usize, String)>,
}

impl Site {
    /// Atom's `link`, with its address in an attribute.
    pub(super) fn takes_link(&mut self, local: &str, tag: &str, base: &Url) -> bool {
        if local != "link" || attribute(tag, "href").is_none() {
            return false;
        }
        if let Some(link) = Link::of(tag, base)
            && link.rank <= ALTERNATE
            && self.links.len() < LIST_MAX
        {
            self.links.push((link.rank, link.address));
        }
        true
    }

    pub(super) fn store(&mut self, capture: Capture) {
        let base = Rc::clone(&capture.base);
        let slot = capture.slot;
        let text = capture.value();
        match slot {
            Slot::FeedTitle if self.title.is_empty() => self.title = text,
            Slot::FeedLink if self.links.len() < LIST_MAX => {
                self.links.extend(web_address(&text, &base).map(|address| (LINK, address)));
            }
            Slot::FeedTitle
            | Slot::FeedLink
            | Slot::Title(_)
            | Slot::Link
            | Slot::Guid { .. }
            | Slot::Summary(_)
            | Slot::Content(_)
            | Slot::Published(_)
            | Slot::Updated(_)
            | Slot::Author
            | Slot::Category => {}
        }
    }

    pub(super) fn finish(mut self) -> (String, Option<String>) {
        self.links.sort_by_key(|(rank, _)| *rank);
        let site = self.links.into_iter().next().map(|(_, address)| address);
        (self.title, site)
    }
}
