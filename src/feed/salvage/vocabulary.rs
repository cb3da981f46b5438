//! Which vocabulary an element's name is of.
//!
//! Promises: a known URI decides, in all the spellings seen in the wild; else the customary prefix.
//! Must not: know what an element means.

/// The vocabularies that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Vocabulary {
    /// RSS of every version and Atom of every version: their names mean the same to us.
    Core,
    /// `content:encoded`
    Content,
    /// Dublin Core, elements and terms.
    Dublin,
    /// Media RSS.
    Media,
    /// iTunes' words for podcasts.
    Itunes,
    /// How often a feed changes.
    Syndication,
    /// `feedburner:origLink`
    Feedburner,
    /// XHTML.
    Xhtml,
    /// Any other.
    Other,
}

impl Vocabulary {
    /// By URI, else by the prefix that it is bound to. An unknown one that the `root` makes the
    /// default is taken for the feed's own.
    pub(super) fn of(uri: &str, prefix: &str, root: bool) -> Self {
        let uri = uri.trim().to_ascii_lowercase();
        let has = |part: &str| uri.contains(part);
        if has("modules/content") {
            Self::Content
        } else if has("purl.org/dc/") {
            Self::Dublin
        } else if has("search.yahoo.com/mrss") || has("mediarss") || has("rss/media") {
            Self::Media
        } else if has("itunes.com/dtds") {
            Self::Itunes
        } else if has("modules/syndication") {
            Self::Syndication
        } else if has("feedburner.com/fb/ext") || has("rssnamespace.org/feedburner") {
            Self::Feedburner
        } else if has("1999/xhtml") {
            Self::Xhtml
        } else if has("modules/") {
            Self::Other
        } else if has("2005/atom")
            || has("purl.org/atom/ns")
            || has("purl.org/rss/")
            || has("purl.org/net/rss")
            || has("netscape.com/rdf/simple")
            || has("my.netscape.com")
            || has("backend.userland.com")
            || has("blogs.law.harvard.edu")
            || has("rss2")
            || (prefix.is_empty() && root)
        {
            Self::Core
        } else {
            Self::Other
        }
    }

    /// By the prefix alone, for documents that use one without binding it.
    pub(super) fn by_convention(prefix: &str) -> Self {
        match prefix {
            "" | "rss" | "atom" | "a10" => Self::Core,
            "content" => Self::Content,
            "dc" | "dcterms" => Self::Dublin,
            "media" => Self::Media,
            "itunes" => Self::Itunes,
            "sy" => Self::Syndication,
            "feedburner" => Self::Feedburner,
            "xhtml" => Self::Xhtml,
            _ => Self::Other,
        }
    }
}

/// The prefix of a name; empty when it has none.
pub(super) fn prefix(name: &str) -> &str {
    name.split_once(':').map_or("", |(prefix, _)| prefix)
}

fn without_prefix(name: &str) -> &str {
    name.split_once(':').map_or(name, |(_, local)| local)
}

/// The name without its prefix, in lower case.
pub(super) fn local_name(name: &str) -> String {
    without_prefix(name).to_ascii_lowercase()
}

/// Whether two names differ in nothing but prefix and case.
pub(super) fn same_local_name(one: &str, other: &str) -> bool {
    without_prefix(one).eq_ignore_ascii_case(without_prefix(other))
}
