//! Parsed feed → entries, with our own identity.
//!
//! Promises: the same item gives the same keys, whatever its place in the feed, however often its
//! title is edited, and whatever the publisher does to scheme, `www.` or tracking parameters of its
//! link. Must not: invent anything random, or take an id that a parser made up.

mod identity;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use identity::{identify, normal_link};

/// One item of a feed with its identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is known by, at least one, none of them twice. An entry is seen when *any* of its
    /// keys is known; whoever keeps entries keeps all keys of each.
    pub keys: Vec<Key>,
    /// The item.
    pub item: Item,
}

/// Something that an entry is known by: a word for the kind and a hash, such as
/// `guid:3f2a…` (29 characters at most).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(String);

impl Key {
    /// As it stands in the database.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A feed as a reader of its format found it: text still as published, nothing cleaned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParsedFeed {
    /// The feed's own title, plain text.
    pub title: String,
    /// The site that the feed is of, absolute.
    pub site: Option<String>,
    /// Its items, in the feed's order.
    pub items: Vec<Item>,
}

/// One item as published.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Item {
    /// `guid`, `atom:id`, `rdf:about` or JSON Feed's `id`: the publisher's own words, never a
    /// parser's invention.
    pub guid: Option<String>,
    /// The item's page, absolute.
    pub link: Option<String>,
    /// The title as published, markup and all.
    pub title: String,
    /// The summary as published.
    pub summary: String,
    /// The content as published.
    pub content: String,
    /// Names of its authors.
    pub authors: Vec<String>,
    /// Its categories or tags.
    pub categories: Vec<String>,
    /// When the publisher says it was published.
    pub published: Option<DateTime<Utc>>,
    /// When the publisher says it was changed last.
    pub updated: Option<DateTime<Utc>>,
    /// Media attached to it: absolute addresses with their MIME type, if told.
    pub media: Vec<Media>,
}

/// Something attached to an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// Absolute address.
    pub url: String,
    /// MIME type as published.
    pub kind: Option<String>,
}
