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
//! * `path`: a link within the feed's own site without the site's name, if it is made of words. It
//!   survives a move to another name where there are no times;
//! * `day`: title and day of publishing, only where guid or link is missing. For items with both it
//!   would take a second "Weather warning" of the same day for the first;
//! * `title` and `text`: where there is neither guid nor link, whichever of the two stays;
//! * `self`: all that identifies it, for items whose other keys are shared.
//!
//! What is given up for this: an entry with a new guid under a link (or a new link under a guid) that
//! is already known counts as seen, unless the known one stands beside it in the same fetch. That is
//! the price for surviving regenerated guids and corrected links; where title and time are others too,
//! [`is_another`](super::is_another) has it asked about. And a link to the site's front page is never a
//! key, since whole feeds link there.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use aws_lc_rs::digest::{Context, SHA256};
use chrono::Timelike;
use url::Url;

use super::{Entry, Item, Key, ParsedFeed};
use crate::domain::hex::hex;

/// A title shorter than this, in bytes of its letters and digits, is too common to know an entry by.
const TITLE_MIN: usize = 12;
/// A text shorter than this, in bytes of its letters and digits, is no text to know an entry by.
const TEXT_MIN: usize = 40;

/// A guid, link or title longer than this, in bytes, is known by its hash, so that it is not hashed whole
/// for each key.
const SHORT_MAX: usize = 256;
/// Of more items than this that are one entry, the rest adds no keys.
const TWINS_MAX: usize = 8;

/// The entries of a feed, in its order. Items that are one entry are merged; the first one stays.
pub fn identify(feed: &ParsedFeed) -> Vec<Entry> {
    let site = feed.site.as_deref().map(normal_link);
    let mut different: Vec<Group<'_>> = Vec::new();
    let mut left: HashMap<Mark, usize> = HashMap::new();
    for item in &feed.items {
        let traits = Traits::of(item, site.as_deref());
        let marks = traits.marks();
        let twin = marks.sought.iter().find_map(|mark| left.get(mark)).copied();
        let at = twin.unwrap_or(different.len());
        match different.get_mut(at) {
            Some(group) => group.take(&traits),
            None => different.push(Group { item, keys: traits.candidates(), items: 1 }),
        }
        for mark in marks.left {
            left.entry(mark).or_insert(at);
        }
    }
    let mut shared: BTreeMap<&Key, usize> = BTreeMap::new();
    for key in different.iter().flat_map(|group| &group.keys) {
        *shared.entry(key).or_default() += 1;
    }
    different
        .iter()
        .map(|group| {
            let own = |key: &&Key| shared.get(*key).is_none_or(|count| *count < 2);
            Entry {
                keys: group.keys.iter().filter(own).cloned().collect(),
                item: group.item.clone(),
            }
        })
        .collect()
}

/// Items that are one entry.
struct Group<'a> {
    /// The first one.
    item: &'a Item,
    /// All that they are known by: whichever of them comes first next time, it is known.
    keys: Vec<Key>,
    items: usize,
}

impl Group<'_> {
    fn take(&mut self, traits: &Traits<'_>) {
        if self.items < TWINS_MAX {
            for key in traits.candidates() {
                if !self.keys.contains(&key) {
                    self.keys.push(key);
                }
            }
        }
        self.items += 1;
    }
}

/// What identifies an item, brought into one form.
struct Traits<'a> {
    item: &'a Item,
    guid: Option<String>,
    link: Option<String>,
    /// Whether the link is the item's own rather than the site's.
    own_link: bool,
    /// The link's path within the site, if the site's name is before it and words are in it.
    path: Option<String>,
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
        let path = site.zip(link.as_deref()).and_then(|(site, link)| path_within(site, link));
        let path = path.filter(|_| own_link).map(str::to_owned);
        let at = item.published.or(item.updated);
        let when = at.map(|at| at.timestamp().to_string());
        let (guid, link) = (guid.map(short), link.map(short));
        let title = short(letters(&item.title));
        // As published, since items of one page may differ in what `normal_link` takes away.
        let published = item.link.as_deref().filter(|link| link.len() <= SHORT_MAX);
        let mut whole = hash(&[
            guid.as_deref().unwrap_or_default(),
            published.or(link.as_deref()).unwrap_or_default(),
            &title,
            when.as_deref().unwrap_or_default(),
        ]);
        // Where nothing else tells items apart, their texts have to.
        if when.is_none() || (guid.is_none() && !own_link) {
            let media: String = item.media.iter().map(|media| media.url.as_str()).collect();
            whole = hash(&[&whole, &letters(&item.summary), &letters(&item.content), &media]);
        }
        Self { item, guid, link, own_link, path, title, when, whole }
    }

    /// By what two items of one fetch are known to be one entry. Feeds list entries twice, after an
    /// edit above all; yet in some feeds all guids or all links are the same.
    fn marks(&self) -> Marks {
        let mut marks = Marks::default();
        marks.both(&["whole", &self.whole]);
        let title = Some(self.title.as_str()).filter(|title| !title.is_empty());
        let link = self.link.as_deref().filter(|_| self.own_link);
        let when = self.when.as_deref();
        let Some(guid) = self.guid.as_deref() else {
            match (link, when, title) {
                (Some(link), Some(when), _) => marks.both(&["link, when", link, when]),
                (Some(link), None, Some(title)) => marks.both(&["link, title", link, title]),
                (_, _, _) => {}
            }
            return marks;
        };
        if let Some(link) = link {
            if let Some(title) = title {
                marks.both(&["guid, link, title", guid, link, title]);
            }
            if let Some(when) = when {
                marks.both(&["guid, link, when", guid, link, when]);
            }
            // Of two, at least one has no date.
            marks.lacking(when.is_none(), &["guid, link", guid, link]);
        }
        if let Some(when) = when {
            if let Some(title) = title {
                marks.both(&["guid, when, title", guid, when, title]);
            }
            // Of two, at least one has no link.
            marks.lacking(self.link.is_none(), &["guid, when", guid, when]);
        }
        marks
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
        if let Some(path) = &self.path {
            add("path", &[path]);
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
        let titled = self.title.len() >= TITLE_MIN;
        let nameless = self.guid.is_none() && !self.own_link;
        let at = self.item.published.or(self.item.updated);
        // Many a feed knows days alone; a title of any length is enough where it knows the time.
        let timed = at.is_some_and(|at| at.num_seconds_from_midnight() != 0);
        match &self.when {
            Some(when) if titled || (timed && !self.title.is_empty()) => {
                add("when", &[&self.title, when]);
            }
            None if titled && self.guid.is_none() && self.link.is_none() => {
                add("title", &[&self.title]);
            }
            Some(_) | None => {}
        }
        if let Some(day) = at.filter(|_| titled && !both) {
            add("day", &[&self.title, &day.date_naive().to_string()]);
        }
        if nameless {
            let text = letters(&self.item.summary) + &letters(&self.item.content);
            if text.len() >= TEXT_MIN {
                add("text", &[&text]);
            }
        }
        add("self", &[&self.whole]);
        keys
    }
}

/// What an item leaves for those after it, and what it seeks from those before it. An item that finds
/// what it seeks is the same entry as the one that left it, and so are those that find what it leaves.
#[derive(Default)]
struct Marks {
    left: Vec<Mark>,
    sought: Vec<Mark>,
}

impl Marks {
    /// Two items that both have this are one.
    fn both(&mut self, parts: &[&str]) {
        let mark = mark(parts);
        self.left.push(mark);
        self.sought.push(mark);
    }

    /// Two items that both have this are one if at least one of them lacks something.
    fn lacking(&mut self, lacks: bool, parts: &[&str]) {
        let any = mark(&[&["any"], parts].concat());
        let lacking = mark(&[&["lacking"], parts].concat());
        if lacks {
            self.left.push(lacking);
            self.sought.push(any);
        } else {
            self.sought.push(lacking);
        }
        self.left.push(any);
    }
}

/// What an item is compared by with others of its fetch. It is never kept, so a quick hash will do.
type Mark = (u64, u64);

fn mark(parts: &[&str]) -> Mark {
    let by = |seed: u8| {
        let mut hasher = DefaultHasher::new();
        (seed, parts).hash(&mut hasher);
        hasher.finish()
    };
    (by(0), by(1))
}

/// The path and query of a normal link that begins with the name of a normal site, if there are
/// letters enough in it to make it one of its kind.
fn path_within<'a>(site: &str, link: &'a str) -> Option<&'a str> {
    let host = site.split(['/', '?', '#']).next().filter(|host| !host.is_empty())?;
    let path = link.strip_prefix(host).filter(|path| path.starts_with(['/', '?']))?;
    let words = path.chars().filter(|sign| sign.is_alphabetic()).count();
    (words >= TITLE_MIN).then_some(path)
}

/// A text, or its hash where it is long.
fn short(text: String) -> String {
    if text.len() > SHORT_MAX { hash(&[&text]) } else { text }
}

/// The first 96 bits of a hash over the parts, each told from the next.
fn hash(parts: &[&str]) -> String {
    let mut hasher = Context::new(&SHA256);
    for part in parts {
        hasher.update(&part.len().to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hex(hasher.finish().as_ref().get(..12).unwrap_or_default())
}

/// The letters and digits of a text in lower case, without tags and references.
pub(super) fn letters(text: &str) -> String {
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
        } else if c.is_ascii() {
            if c.is_ascii_alphanumeric() {
                out.push(c.to_ascii_lowercase());
            }
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
pub(super) fn normal_guid(guid: &str) -> String {
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
