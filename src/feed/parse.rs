//! Text → feed: which reader reads it, and within which limits.
//!
//! Promises: pure; ends soon, never panics, never recurses with the input. `feed-rs` reads what it
//! reads whole, our own reader what that refuses or reads short. Guid, link, title and dates come
//! from the same reader in either case, so that a feed's lapses in form change no identity.
//! Must not: repair what it does not name in `repairs`.

use url::Url;

use super::scan::{self, Scan};
use super::{json, library, salvage};
use crate::domain::entry::{Item, ParsedFeed};

/// How deep elements may be nested; ordinary feeds stay below twenty.
pub const DEPTH_MAX: usize = 64;
/// How long an `xml:base` may be, in bytes.
pub const XML_BASE_MAX: usize = 2048;
/// How many items a feed may have.
pub const ITEMS_MAX: usize = 5000;
/// How long one text of an item is kept, in characters.
pub const TEXT_MAX: usize = 512 * 1024;
/// How many authors, categories and media of one item are kept.
pub const LIST_MAX: usize = 64;
/// How long an address may be, in bytes; longer ones are dropped.
pub const ADDRESS_MAX: usize = 4096;

/// What is told of a document that ends in its middle: there was more, and it was not read.
pub const BREAKS_OFF: &str = "the document breaks off; the item it breaks off in is left out";

/// Who read the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// `feed-rs`.
    FeedRs,
    /// Our own reader of broken and odd XML.
    Salvage,
    /// Our own reader of JSON Feed.
    Json,
}

impl Reader {
    /// The word for it in the database and in listings.
    pub const fn word(self) -> &'static str {
        match self {
            Self::FeedRs => "feed-rs",
            Self::Salvage => "salvage",
            Self::Json => "json",
        }
    }
}

/// A feed that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// The feed.
    pub feed: ParsedFeed,
    /// Who read it.
    pub reader: Reader,
    /// What was wrong with it, for a person, one sentence each.
    pub repairs: Vec<String>,
}

/// Why a text gives no feed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseFailure {
    /// Nothing in it is of a feed.
    #[error("the body is neither RSS, Atom nor JSON Feed")]
    NotAFeed,
    /// Elements are nested too deep.
    #[error("elements are nested more than {DEPTH_MAX} deep")]
    TooDeep,
    /// Too many items.
    #[error("the feed has more than {ITEMS_MAX} items")]
    TooManyItems,
    /// An address base that is too long.
    #[error("an `xml:base` is longer than {XML_BASE_MAX} bytes")]
    LongBase,
    /// JSON that can't be read.
    #[error("the body is not well-formed JSON: {0}")]
    Json(String),
}

/// Reads a decoded feed. `base` is the address that it came from in the end.
pub fn parse(text: &str, base: &Url) -> Result<Parsed, ParseFailure> {
    if text.starts_with('{') {
        let feed = json::read(text, base)?;
        return Ok(Parsed { feed, reader: Reader::Json, repairs: Vec::new() });
    }
    let scan = scan::fence(text)?;
    let own = salvage::read(text, base)?;
    let mut repairs = Vec::new();
    if own.cut {
        repairs.push(BREAKS_OFF.to_owned());
    }
    let read = match scan {
        Scan::Sound(items) => library::read(text, base).map(|read| (items, read)),
        Scan::Broken(why) => Err(why),
    };
    let mut feed = own.feed;
    let reader = match read {
        Ok((items, read)) if read.len() == feed.items.len() => {
            if items > read.len() {
                let lost = items - read.len();
                repairs.push(format!("{lost} of {items} items are nested in others or unread"));
            }
            feed.items =
                feed.items.into_iter().zip(read).map(|(own, read)| joined(own, read)).collect();
            Reader::FeedRs
        }
        Ok((_, read)) => {
            repairs.push(format!(
                "feed-rs found {} of {} items; all were read by the salvage reader",
                read.len(),
                feed.items.len()
            ));
            Reader::Salvage
        }
        Err(why) => {
            repairs.push(format!("read by the salvage reader, since {why}"));
            Reader::Salvage
        }
    };
    Ok(Parsed { feed, reader, repairs })
}

/// One item as both readers saw it: what identifies it from ours, the rest from `feed-rs` where it
/// has it. When the two can't be the same item, ours alone.
fn joined(own: Item, read: Item) -> Item {
    let same = match (&own.guid, &read.guid, &own.link, &read.link) {
        (Some(own), Some(read), _, _) if own == read => true,
        (_, _, Some(own), Some(read)) => own == read,
        (_, _, _, _) => own.title == read.title,
    };
    if !same {
        return own;
    }
    let text = |own: String, read: String| if read.is_empty() { own } else { read };
    let list = |own: Vec<String>, read: Vec<String>| if read.is_empty() { own } else { read };
    Item {
        guid: own.guid,
        link: own.link,
        title: own.title,
        published: own.published,
        updated: own.updated,
        summary: text(own.summary, read.summary),
        content: text(own.content, read.content),
        authors: list(own.authors, read.authors),
        categories: list(own.categories, read.categories),
        language: own.language.or(read.language),
        media: if own.media.is_empty() { read.media } else { own.media },
    }
}

/// An address made absolute, if it is one of the web and not overlong.
pub(super) fn web_address(written: &str, base: &Url) -> Option<String> {
    let written = written.trim();
    if written.is_empty() || written.len() > ADDRESS_MAX {
        return None;
    }
    let url = base.join(written).ok()?;
    let host = url.host_str().is_some_and(|host| !host.is_empty());
    (matches!(url.scheme(), "http" | "https") && host)
        .then(|| String::from(url))
        .filter(|url| url.len() <= ADDRESS_MAX)
}

#[cfg(test)]
mod tests;
