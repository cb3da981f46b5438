//! Which entry an item is.
//!
//! Promises: an item's keys depend on the item, and on its neighbours only so far as a key that two
//! different items of one fetch share is a key of neither. Must not: prefer a pretty rule over never
//! posting twice.
//!
//! The keys of an item, each of them enough to know it again:
//!
//! * `guid`, and `link` without what publishers change about a link;
//! * `pair`: guid and link together, or the one that there is with the time of publishing;
//! * `when`: title and time of publishing, to the second. It survives a move of the site, where guids
//!   and links all change and titles and times stay;
//! * `day`: title and day of publishing, only where guid or link is missing. For items with both it
//!   would take a second "Weather warning" of the same day for the first;
//! * `self`: all that identifies it, for items whose other keys are shared.
//!
//! What is given up for this: an entry with a new guid under a link (or a new link under a guid) that
//! is already known counts as seen, unless the known one stands beside it in the same fetch. That is
//! the price for surviving regenerated guids and corrected links. And a link to the site's front page
//! is never a key, since whole feeds link there.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use sha2::{Digest, Sha256};
use url::Url;

use super::{Entry, Item, Key, ParsedFeed};

/// A title shorter than this, in bytes of its letters and digits, is too common to know an entry by.
const TITLE_MIN: usize = 12;

/// The entries of a feed, in its order. Items that are one entry are merged; the first one stays.
pub fn identify(feed: &ParsedFeed) -> Vec<Entry> {
    let site = feed.site.as_deref().map(normal_link);
    let mut different: Vec<Traits<'_>> = Vec::new();
    // Only items that share guid, link or everything can be the same: look among those alone.
    let mut alike: HashMap<String, Vec<usize>> = HashMap::new();
    for item in &feed.items {
        let traits = Traits::of(item, site.as_deref());
        let groups = traits.groups();
        let twin = groups
            .iter()
            .filter_map(|group| alike.get(group))
            .flatten()
            .filter_map(|at| different.get(*at))
            .any(|other| traits.is_same_as(other));
        if !twin {
            for group in groups {
                alike.entry(group).or_default().push(different.len());
            }
            different.push(traits);
        }
    }
    let candidates: Vec<Vec<Key>> = different.iter().map(Traits::candidates).collect();
    let mut shared: BTreeMap<&Key, usize> = BTreeMap::new();
    for key in candidates.iter().flatten() {
        *shared.entry(key).or_default() += 1;
    }
    different
        .iter()
        .zip(&candidates)
        .map(|(traits, keys)| {
            let own = |key: &&Key| shared.get(key).is_none_or(|count| *count < 2);
            Entry { keys: keys.iter().filter(own).cloned().collect(), item: traits.item.clone() }
        })
        .collect()
}

/// What identifies an item, brought into one form.
struct Traits<'a> {
    item: &'a Item,
    guid: Option<String>,
    link: Option<String>,
    /// Whether the link is the item's own rather than the site's.
    own_link: bool,
    title: String,
    when: Option<String>,
    whole: String,
}

impl<'a> Traits<'a> {
    fn of(item: &'a Item, site: Option<&str>) -> Self {
        let guid =
            item.guid.as_deref().map(str::trim).filter(|guid| !guid.is_empty()).map(normal_guid);
        let link = item.link.as_deref().map(normal_link);
        let own_link =
            link.as_deref().is_some_and(|link| site != Some(link) && link.contains(['/', '?']));
        let at = item.published.or(item.updated);
        let when = at.map(|at| at.timestamp().to_string());
        let title = letters(&item.title);
        let mut whole = hash(&[
            guid.as_deref().unwrap_or_default(),
            item.link.as_deref().unwrap_or_default(),
            &title,
            when.as_deref().unwrap_or_default(),
        ]);
        // Where nothing else tells items apart, their texts have to.
        if when.is_none() || (guid.is_none() && !own_link) {
            let media: String = item.media.iter().map(|media| media.url.as_str()).collect();
            whole = hash(&[&whole, &letters(&item.summary), &letters(&item.content), &media]);
        }
        Self { item, guid, link, own_link, title, when, whole }
    }

    /// What items that may be the same have in common.
    fn groups(&self) -> Vec<String> {
        let when = self.when.as_deref().unwrap_or_default();
        let mut groups = vec![self.whole.clone()];
        match (&self.guid, &self.link) {
            (Some(guid), link) => {
                groups.push(hash(&["guid", guid, when]));
                groups.extend(link.as_deref().map(|link| hash(&["pair", guid, link])));
            }
            (None, Some(link)) => groups.push(hash(&["link", link, when])),
            (None, None) => {}
        }
        groups
    }

    /// Whether two items of one fetch are one entry. Feeds list entries twice, after an edit above
    /// all; yet in some feeds all guids or all links are the same.
    fn is_same_as(&self, other: &Self) -> bool {
        if self.whole == other.whole {
            return true;
        }
        let same_title = self.title == other.title && !self.title.is_empty();
        let same_date = self.when.is_some() && self.when == other.when;
        let undated = self.when.is_none() || other.when.is_none();
        let same_link = self.own_link && self.link == other.link;
        match (&self.guid, &other.guid) {
            (Some(guid), Some(others)) if guid == others => {
                let one_link = self.link.is_none() || other.link.is_none();
                (same_link && (same_title || same_date || undated))
                    || (same_date && (same_title || one_link))
            }
            (None, None) => same_link && (same_date || (same_title && self.when == other.when)),
            (Some(_) | None, Some(_)) | (Some(_), None) => false,
        }
    }

    /// All keys that the item would have if it were alone.
    fn candidates(&self) -> Vec<Key> {
        let mut keys = Vec::with_capacity(6);
        let mut add = |kind: &str, parts: &[&str]| {
            let key = Key(format!("{kind}:{}", hash(parts)));
            if !keys.contains(&key) {
                keys.push(key);
            }
        };
        if let Some(guid) = &self.guid {
            add("guid", &[guid]);
        }
        if let Some(link) = &self.link
            && self.own_link
        {
            add("link", &[link]);
        }
        match (&self.guid, &self.link, &self.when) {
            (Some(guid), Some(link), _) => add("pair", &[guid, link]),
            (Some(one), None, Some(when)) | (None, Some(one), Some(when)) => {
                add("pair", &[one, when]);
            }
            (Some(one), None, None) | (None, Some(one), None) => add("pair", &[one, &self.title]),
            (None, None, _) => {}
        }
        let both = self.guid.is_some() && self.own_link;
        if self.title.len() >= TITLE_MIN {
            match &self.when {
                Some(when) => add("when", &[&self.title, when]),
                None if self.guid.is_none() && self.link.is_none() => {
                    add("title", &[&self.title]);
                }
                None => {}
            }
            let day = self.item.published.or(self.item.updated);
            if let Some(day) = day.filter(|_| !both) {
                add("day", &[&self.title, &day.date_naive().to_string()]);
            }
        }
        add("self", &[&self.whole]);
        keys
    }
}

/// The first 96 bits of a hash over the parts, each told from the next.
fn hash(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.len().to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().iter().take(12).fold(String::with_capacity(24), |mut text, byte| {
        // Writing to a string can't fail.
        let _always_ok = write!(text, "{byte:02x}").is_ok();
        text
    })
}

/// The letters and digits of a text in lower case, without tags and references.
fn letters(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    // Once no `>` is left, no tag is: looking again at each `<` would take quadratic time.
    let mut tags_left = true;
    while let Some(c) = rest.chars().next() {
        if c == '<' && tags_left {
            if let Some((_, after)) = rest.split_once('>') {
                rest = after;
                continue;
            }
            tags_left = false;
        }
        rest = rest.split_at(c.len_utf8()).1;
        if c == '&' {
            rest = after_reference(rest).unwrap_or(rest);
        } else if c.is_alphanumeric() {
            out.extend(c.to_lowercase());
        }
    }
    out
}

/// What follows a character reference whose `&` was just passed, if it is one.
fn after_reference(text: &str) -> Option<&str> {
    let end = text.char_indices().take(9).find(|(_, c)| !(c.is_ascii_alphanumeric() || *c == '#'));
    let (at, _) = end?;
    text.split_at(at).1.strip_prefix(';')
}

/// A link without what changes while it leads to the same page.
///
/// That is scheme, `www.`, case of the host,
/// default port, user, fragment, tracking parameters, trailing slash. Anything that is no http(s)
/// address stays as it is.
pub fn normal_link(link: &str) -> String {
    let Ok(url) = Url::parse(link.trim()) else {
        return link.to_owned();
    };
    if !matches!(url.scheme(), "http" | "https") {
        return link.to_owned();
    }
    let host = url.host_str().unwrap_or_default();
    let host = host.strip_prefix("www.").unwrap_or(host);
    let mut out = host.trim_end_matches('.').to_owned();
    // 80 under https and 443 under http are what is left behind when only the scheme was changed.
    if let Some(port) = url.port().filter(|port| !matches!(port, 80 | 443)) {
        out.push(':');
        out.push_str(&port.to_string());
    }
    out.push_str(url.path().trim_end_matches('/'));
    let kept: Vec<&str> = url
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty() && !is_tracking(pair))
        .collect();
    if !kept.is_empty() {
        out.push('?');
        out.push_str(&kept.join("&"));
    }
    // Pages of one program in the browser are told apart by it.
    if let Some(route) = url.fragment().filter(|part| part.starts_with(['!', '/'])) {
        out.push('#');
        out.push_str(route);
    }
    out
}

/// A guid that is an address is normalised like one, but its fragment may be what tells it apart.
fn normal_guid(guid: &str) -> String {
    match guid.split_once('#') {
        Some((address, fragment)) => format!("{}#{fragment}", normal_link(address)),
        None => normal_link(guid),
    }
}

/// Whether a pair of a query only tells where the reader came from.
fn is_tracking(pair: &str) -> bool {
    const NAMES: [&str; 16] = [
        "fbclid", "gclid", "dclid", "gbraid", "wbraid", "msclkid", "yclid", "twclid", "igshid",
        "mc_cid", "mc_eid", "mkt_tok", "_hsenc", "_hsmi", "vero_id", "ocid",
    ];
    const PREFIXES: [&str; 4] = ["utm_", "pk_", "mtm_", "at_"];
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    let name = name.to_ascii_lowercase();
    let value = value.to_ascii_lowercase();
    NAMES.contains(&name.as_str())
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || (matches!(name.as_str(), "ref" | "source" | "src" | "partner" | "from" | "cmp")
            && matches!(value.as_str(), "rss" | "feed" | "rssfeed" | "atom"))
}

#[cfg(test)]
mod tests;
