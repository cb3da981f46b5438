//! Parsed feed → entries, with our own identity.
//!
//! Promises: the same item gives the same keys, whatever its place in the feed, however often its
//! title is edited, and whatever the publisher does to scheme, `www.` or tracking parameters of its
//! link. Must not: invent anything random, or take an id that a parser made up.

mod identity;
mod reuse;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use identity::{identify, normal_link};
pub use reuse::is_another;

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
/// `guid:3f2a…` (30 characters at most).
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
    /// The language of the whole feed as published, such as `de-AT`.
    pub language: Option<String>,
    /// How often its publisher wants to be asked.
    pub wishes: Wishes,
    /// Where changes are announced (WebSub): the hubs, absolute.
    pub hubs: Vec<String>,
    /// The address that the feed gives as its own (`rel="self"`), absolute.
    pub own_address: Option<String>,
    /// Its items, in the feed's order.
    pub items: Vec<Item>,
}

/// How often a feed's publisher wants to be asked, as the feed itself says it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wishes {
    /// The longest of `ttl` and `sy:updatePeriod` over `sy:updateFrequency`, in minutes.
    pub minutes: Option<u32>,
    /// `skipHours`: one bit for each hour of GMT, the lowest for midnight to one.
    pub skip_hours: u32,
    /// `skipDays`: one bit for each day of GMT, the lowest for Monday.
    pub skip_days: u8,
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
    /// The item's language as published, where it tells its own.
    pub language: Option<String>,
    /// Media attached to it: absolute addresses with what the feed says of them.
    pub media: Vec<Media>,
}

/// Something attached to an item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Media {
    /// Absolute address.
    pub url: String,
    /// MIME type as published.
    pub kind: Option<String>,
    /// In which element it stood.
    pub role: Role,
    /// Its size in bytes, where the feed tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Width and height in pixels, where the feed tells both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pixels: Option<(u32, u32)>,
    /// What it shows, in the publisher's words (`media:description`, `media:title`); empty for none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub alt: String,
}

/// Where in an item its media stood.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// `enclosure`, Atom's `rel="enclosure"`, a JSON Feed attachment.
    #[default]
    Enclosure,
    /// `media:content`.
    Content,
    /// `media:thumbnail`.
    Thumbnail,
    /// The item's own picture: `itunes:image`, JSON Feed's `image` and `banner_image`.
    Picture,
}
