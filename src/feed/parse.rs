//! Text → feed: which reader reads it, and within which limits.
//!
//! Promises: pure; ends soon, never panics, never recurses with the input. Our own reader reads every
//! feed, so that a feed's lapses in form change no identity; where it finds an item without words,
//! `feed-rs` is asked, too, and adds what it alone has found.
//! Must not: repair what it does not name in `repairs`.

use url::Url;

use super::salvage::End;
use super::scan::{self, Scan};
use super::{json, library, salvage};
use crate::domain::entry::{Item, ParsedFeed};

/// How deep elements may be nested; ordinary feeds stay below twenty.
pub const DEPTH_MAX: usize = 64;
/// How long an `xml:base` may be, in bytes.
pub const XML_BASE_MAX: usize = 2048;
/// How many items a feed may have.
pub const ITEMS_MAX: usize = 5000;
/// How many values a JSON Feed may have; the largest with [`ITEMS_MAX`] items stays below a half of it.
pub const VALUES_MAX: usize = 500_000;
/// How long one text of an item is kept, in characters.
pub const TEXT_MAX: usize = 512 * 1024;
/// How many authors, categories and media of one item are kept.
pub const LIST_MAX: usize = 64;
/// How long an address may be, in bytes; longer ones are dropped.
pub const ADDRESS_MAX: usize = 4096;

/// How long a sentence about a repair is, in characters: parsers quote the feed in their errors.
const REPAIR_MAX: usize = 300;
/// How it begins what is told of a document that ends in its middle: there was more, and it was not read.
pub const BREAKS_OFF: &str = "the document breaks off";

/// Who read the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Our own reader, a feed in good form.
    Own,
    /// Our own reader, a broken feed.
    Salvage,
    /// Our own reader and `feed-rs`.
    FeedRs,
    /// Our own reader of JSON Feed.
    Json,
}

impl Reader {
    /// The word for it in the database and in listings.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::FeedRs => "feed-rs",
            Self::Salvage => "salvage",
            Self::Json => "json",
        }
    }

    /// The reader whose word this is, as a sentence goes on after "read by".
    pub fn told(word: &str) -> &str {
        match word {
            "own" => "our own reader",
            "feed-rs" => "our own reader, and feed-rs where that found no words",
            "salvage" => "our own reader, since the feed is not as its format wants it",
            "json" => "our own reader of JSON Feed",
            word => word,
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
    /// Too many values in JSON.
    #[error("the JSON has more than {VALUES_MAX} values")]
    TooManyValues,
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
    repairs.extend(cut(own.end).map(str::to_owned));
    let mut feed = own.feed;
    let reader = match scan {
        Scan::Sound(items) => {
            if let Some(lost) = items.checked_sub(feed.items.len()).filter(|lost| *lost > 0) {
                repairs.push(format!("{lost} of {items} items are nested in others or unread"));
            }
            second_opinion(&mut feed.items, text, base)
        }
        Scan::Broken(why) => {
            repairs.push(format!("it is not well-formed: {why}"));
            Reader::Salvage
        }
    };
    Ok(Parsed { feed, reader, repairs: repairs.into_iter().map(|repair| shown(&repair)).collect() })
}

/// Has `feed-rs` read what we found no words in; it knows formats that we have not met.
fn second_opinion(items: &mut [Item], text: &str, base: &Url) -> Reader {
    let is_mute =
        |item: &Item| item.title.is_empty() && item.summary.is_empty() && item.content.is_empty();
    if !items.iter().any(is_mute) {
        return Reader::Own;
    }
    match library::read(text, base) {
        Ok(read) if read.len() == items.len() => {
            for (own, read) in items.iter_mut().zip(read) {
                *own = joined(std::mem::take(own), read);
            }
            Reader::FeedRs
        }
        Ok(_) | Err(_) => Reader::Own,
    }
}

/// A sentence with words of the feed in it, on one line and not too long.
fn shown(repair: &str) -> String {
    let line = salvage::tidy(repair).split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(REPAIR_MAX).collect()
}

/// What is said of a document that breaks off.
const fn cut(end: End) -> Option<&'static str> {
    match end {
        End::Whole => None,
        End::WithinTexts => {
            Some("the document breaks off; the text that it breaks off in is left out")
        }
        End::WithinItem => {
            Some("the document breaks off; the item that it breaks off in is left out")
        }
        End::BetweenItems => Some("the document breaks off, behind its last item"),
    }
}

/// One item as both readers saw it: ours, with what `feed-rs` alone has found. Ours knows more words,
/// and does not end a text at the first tag in it. When the two can't be the same item, ours alone.
fn joined(own: Item, read: Item) -> Item {
    let same = match (&own.guid, &read.guid, &own.link, &read.link) {
        (Some(own), Some(read), _, _) if own == read => true,
        (_, _, Some(own), Some(read)) => own == read,
        (_, _, _, _) => own.title == read.title,
    };
    if !same {
        return own;
    }
    let text = |own: String, read: String| if own.is_empty() { read } else { own };
    let list = |own: Vec<String>, read: Vec<String>| if own.is_empty() { read } else { own };
    Item {
        summary: text(own.summary, read.summary),
        content: text(own.content, read.content),
        authors: list(own.authors, read.authors),
        categories: list(own.categories, read.categories),
        language: own.language.or(read.language),
        media: if own.media.is_empty() { read.media } else { own.media },
        ..own
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
