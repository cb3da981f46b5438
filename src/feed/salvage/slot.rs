//! What an element's text is to its item or feed.
//!
//! Promises: one answer for each name, by vocabulary. Must not: read a text.

use super::capture::Kind;
use super::site;
use super::vocabulary::Vocabulary;
use crate::feed::tokens::attribute;

/// Where a text goes. The numbers are ranks: the lower one wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    Title(usize),
    Link(usize),
    Guid {
        permalink: bool,
    },
    Summary(usize),
    Content(usize),
    Published(usize),
    Updated(usize),
    /// A name, or a mail address with a name.
    Author(usize),
    Category,
    /// Categories with commas between them.
    Keywords,
    Language,
    /// What the media beside it show.
    Caption {
        is_title: bool,
    },
    Ttl,
    UpdatePeriod,
    UpdateFrequency,
    SkipHour,
    SkipDay,
}

/// An item's own `link`.
pub(super) const LINK: usize = 0;
/// Atom's link to a web page.
pub(super) const ALTERNATE_PAGE: usize = 1;
/// Atom's link to something that it doesn't name.
pub(super) const ALTERNATE_UNTYPED: usize = 2;
/// Atom's link to another form of the entry.
pub(super) const ALTERNATE: usize = 3;
/// The link that a feed service kept when it put its own in place.
pub(super) const ORIGINAL: usize = 4;
/// A guid that is an address.
pub(super) const PERMALINK: usize = 5;
/// Something attached.
pub(super) const ENCLOSURE: usize = 6;
/// Links that lead to no page of the entry.
pub(super) const NO_PAGE: usize = 7;

/// Where the text of an item's child goes.
pub(super) fn of_item(words: Vocabulary, local: &str, tag: &str) -> Option<Slot> {
    use Vocabulary::{Content, Core, Dublin, Feedburner, Itunes, Xhtml};
    Some(match (words, local) {
        (Core, "title") => Slot::Title(0),
        (Dublin, "title") => Slot::Title(1),
        (Itunes, "title") => Slot::Title(3),
        (Core, "link") => Slot::Link(site::rank_of_text(tag)),
        (Core, "url") => Slot::Link(LINK),
        (Feedburner, "origlink") => Slot::Link(ORIGINAL),
        (Core, "guid") => Slot::Guid {
            permalink: attribute(tag, "isPermaLink")
                .is_none_or(|value| !value.trim().eq_ignore_ascii_case("false")),
        },
        (Core, "id") => Slot::Guid { permalink: true },
        (Core, "description" | "summary") => Slot::Summary(0),
        (Dublin, "description") => Slot::Summary(1),
        (Itunes, "summary") => Slot::Summary(2),
        (Itunes, "subtitle") => Slot::Summary(3),
        (Content, "encoded") => Slot::Content(0),
        (Core, "content" | "content_encoded" | "fullcontent") => Slot::Content(1),
        (Xhtml, "body" | "div") => Slot::Content(2),
        (Core, "pubdate" | "published") => Slot::Published(0),
        (Core | Dublin, "issued") => Slot::Published(1),
        (Core | Dublin, "created") => Slot::Published(2),
        (Core, "updated") => Slot::Updated(0),
        (Core | Dublin, "modified") => Slot::Updated(1),
        // Nobody says which date it is: with a date of publishing beside it, that of a change.
        (Dublin, "date") => Slot::Updated(2),
        (Core, "date") => Slot::Updated(3),
        (Core, "lastbuilddate") => Slot::Updated(4),
        (Dublin, "creator") => Slot::Author(0),
        (Itunes, "author") => Slot::Author(1),
        (Core, "category") | (Dublin, "subject") => Slot::Category,
        (Itunes, "keywords") => Slot::Keywords,
        (Dublin, "language") => Slot::Language,
        _ => return None,
    })
}

/// Where the text of a Media RSS element goes.
pub(super) fn of_media(local: &str) -> Option<Slot> {
    match local {
        "title" => Some(Slot::Caption { is_title: true }),
        "description" => Some(Slot::Caption { is_title: false }),
        _ => None,
    }
}

/// Where the text of a channel's child goes.
pub(super) fn of_feed(words: Vocabulary, local: &str) -> Option<Slot> {
    match (words, local) {
        (Vocabulary::Core, "title") => Some(Slot::Title(0)),
        (Vocabulary::Core, "link") => Some(Slot::Link(LINK)),
        (Vocabulary::Core | Vocabulary::Dublin, "language") => Some(Slot::Language),
        (Vocabulary::Core, "ttl") => Some(Slot::Ttl),
        (Vocabulary::Syndication, "updateperiod") => Some(Slot::UpdatePeriod),
        (Vocabulary::Syndication, "updatefrequency") => Some(Slot::UpdateFrequency),
        _ => None,
    }
}

/// Where the text of a child of `skipHours` or `skipDays` goes.
pub(super) fn of_skips(local: &str) -> Option<Slot> {
    match local {
        "hour" => Some(Slot::SkipHour),
        "day" => Some(Slot::SkipDay),
        _ => None,
    }
}

/// What a text is. Only Atom tells; in RSS all is markup.
pub(super) fn kind(words: Vocabulary, local: &str, tag: &str) -> Kind {
    if words != Vocabulary::Core || !matches!(local, "title" | "summary" | "content") {
        return Kind::Markup;
    }
    let told = |name| attribute(tag, name).map(|value| value.trim().to_ascii_lowercase());
    let mode = told("mode");
    match told("type").as_deref() {
        _ if mode.as_deref() == Some("base64") => Kind::Base64,
        Some("text" | "text/plain") => Kind::Plain,
        // Of another type than text, and no markup: then it is in base64, by the rule of Atom.
        Some(kind)
            if kind.contains('/')
                && !kind.starts_with("text/")
                && !["xml", "html", "json"].iter().any(|part| kind.contains(part)) =>
        {
            Kind::Base64
        }
        Some(_) | None => Kind::Markup,
    }
}
