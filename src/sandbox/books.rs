//! The sandbox's books: what was truly published, and every request that came in.
//!
//! Promises: a post stands here exactly if the simulated network has it, whatever the client was
//! told; nothing is forgotten before the caps; no secret is ever kept. Must not: read the time,
//! answer requests, or decide whether a post may pass.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::{Map, Value};

/// Posts that the books hold; a full sandbox refuses rather than forgets.
pub const POSTS_MAX: usize = 1_000_000;

/// Requests that the books hold; of more, the oldest are dropped (they stay counted).
pub const REQUESTS_MAX: usize = 100_000;

/// The first instant of X's own ids, in milliseconds since 1970.
const SNOWFLAKE_EPOCH_MS: i64 = 1_288_834_974_657;

/// A post that asks to be written into the books.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// The profile's name in the books (never its key).
    pub profile: String,
    /// The free text that history gives back.
    pub notes: Option<String>,
    /// The request's idempotency key.
    pub idempotency_key: Option<String>,
    /// The addresses of its media.
    pub media_urls: Vec<String>,
    /// What else came along: Ayrshare's own options, as they were sent.
    pub options: Map<String, Value>,
    /// One for each network that the request names.
    pub parts: Vec<Part>,
}

/// What became of a post on one network.
#[derive(Debug, Clone)]
pub struct Part {
    /// The network.
    pub platform: String,
    /// The text for it.
    pub text: String,
    /// Why the network or Ayrshare refused it; `None` if it was published.
    pub refused: Option<Refused>,
}

/// A refusal as history tells it.
#[derive(Debug, Clone)]
pub struct Refused {
    /// The code, if it has one.
    pub code: Option<i64>,
    /// The message.
    pub message: String,
}

/// One accepted `POST /post`.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Ayrshare's id.
    pub id: String,
    /// The network's id of each part; parts share it.
    pub network_id: i64,
    /// When it was accepted.
    pub at: DateTime<Utc>,
    /// Whether it was deleted afterwards.
    pub deleted: bool,
    /// What was asked, and what came of it.
    pub draft: Draft,
}

impl Entry {
    /// Whether any network refused it, which makes the whole an error.
    pub fn is_refused(&self) -> bool {
        self.draft.parts.iter().any(|part| part.refused.is_some())
    }

    /// The networks that it names.
    pub fn platforms(&self) -> impl Iterator<Item = &str> {
        self.draft.parts.iter().map(|part| part.platform.as_str())
    }
}

/// One post that is truly on a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Published {
    /// The profile's name in the books.
    pub profile: String,
    /// The network.
    pub platform: String,
    /// The text as it was sent.
    pub text: String,
    /// The reference of the sender.
    pub notes: Option<String>,
    /// The key that it came under.
    pub idempotency_key: Option<String>,
    /// The addresses of its media.
    pub media_urls: Vec<String>,
    /// Ayrshare's own options that came along.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub options: Map<String, Value>,
    /// When.
    pub at: DateTime<Utc>,
    /// Ayrshare's id.
    pub id: String,
    /// The network's id.
    pub network_id: String,
    /// Whether it was deleted afterwards.
    pub deleted: bool,
}

/// By what posts are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SameBy {
    /// They carry the same `notes`.
    Notes,
    /// They have the same text, under different notes or none.
    Text,
}

/// Something that was published more than once on one lane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Double {
    /// The profile's name in the books.
    pub profile: String,
    /// The network.
    pub platform: String,
    /// What they have in common.
    pub same_by: SameBy,
    /// The common notes or text.
    pub value: String,
    /// Ayrshare's ids of the posts, in order.
    pub ids: Vec<String>,
}

/// One request as it came in: presence of secrets, never their values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// Its number, from 1.
    pub n: u64,
    /// When.
    pub at: DateTime<Utc>,
    /// The HTTP method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The bearer token: `right`, `wrong` or `absent`.
    pub bearer: &'static str,
    /// The `Profile-Key`: `known`, `unknown` or `absent`.
    pub profile_key: &'static str,
    /// The profile's name in the books, once known.
    pub profile: Option<String>,
    /// `X-Twitter-OAuth1-Api-Key`: `present`, `empty` or `absent`.
    pub x_api_key: &'static str,
    /// `X-Twitter-OAuth1-Api-Secret`: `present`, `empty` or `absent`.
    pub x_api_secret: &'static str,
    /// Both together: `right`, `wrong` or `incomplete`.
    pub x_pair: &'static str,
    /// The networks that it names.
    pub platforms: Vec<String>,
    /// Its idempotency key.
    pub idempotency_key: Option<String>,
    /// Its reference.
    pub notes: Option<String>,
    /// The fault that it met.
    pub fault: Option<&'static str>,
    /// The HTTP status that it was answered with; none while it hangs or if the line was broken.
    pub answered: Option<u16>,
}

/// The books are full: [`POSTS_MAX`] posts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sandbox's books are full")]
pub struct Full;

/// What was truly published, and what was asked.
#[derive(Debug, Clone, Default)]
pub struct Books {
    entries: Vec<Entry>,
    by_id: HashMap<String, usize>,
    by_profile: HashMap<String, Vec<usize>>,
    keys: HashSet<(String, String)>,
    texts: HashMap<(String, String, String), DateTime<Utc>>,
    requests: VecDeque<Seen>,
    requests_total: u64,
}

impl Books {
    /// Everything that is truly on a network, in the order of its publication.
    pub fn published(&self) -> impl Iterator<Item = Published> {
        self.entries.iter().flat_map(|entry| {
            let out = entry.draft.parts.iter().filter(|part| part.refused.is_none());
            out.map(|part| Published {
                profile: entry.draft.profile.clone(),
                platform: part.platform.clone(),
                text: part.text.clone(),
                notes: entry.draft.notes.clone(),
                idempotency_key: entry.draft.idempotency_key.clone(),
                media_urls: entry.draft.media_urls.clone(),
                options: entry.draft.options.clone(),
                at: entry.at,
                id: entry.id.clone(),
                network_id: entry.network_id.to_string(),
                deleted: entry.deleted,
            })
        })
    }

    /// What was published more than once on one lane: under the same notes, or with the same text.
    pub fn doubles(&self) -> Vec<Double> {
        let mut groups: BTreeMap<(String, String, bool, String), Vec<Published>> = BTreeMap::new();
        for post in self.published() {
            let lane = |same, value| (post.profile.clone(), post.platform.clone(), same, value);
            let by_text = lane(true, post.text.clone());
            if let Some(notes) = post.notes.clone() {
                groups.entry(lane(false, notes)).or_default().push(post.clone());
            }
            groups.entry(by_text).or_default().push(post);
        }
        let mut found = Vec::new();
        for ((profile, platform, is_text, value), posts) in groups {
            let notes: BTreeSet<_> = posts.iter().map(|post| post.notes.as_deref()).collect();
            let told_by_notes = is_text && notes.len() == 1 && !notes.contains(&None);
            if posts.len() < 2 || told_by_notes {
                continue;
            }
            let same_by = if is_text { SameBy::Text } else { SameBy::Notes };
            let ids = posts.into_iter().map(|post| post.id).collect();
            found.push(Double { profile, platform, same_by, value, ids });
        }
        found
    }

    /// All accepted posts, refused ones too, oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The posts of one profile, newest first.
    pub fn of_profile(&self, profile: &str) -> impl Iterator<Item = &Entry> {
        let places = self.by_profile.get(profile).map_or(&[][..], Vec::as_slice);
        places.iter().rev().filter_map(|place| self.entries.get(*place))
    }

    /// One post of a profile, by Ayrshare's id.
    pub fn find(&self, profile: &str, id: &str) -> Option<&Entry> {
        let entry = self.entries.get(*self.by_id.get(id)?)?;
        (entry.draft.profile == profile).then_some(entry)
    }

    /// Marks a post as deleted; whether it was not so before.
    pub fn delete(&mut self, profile: &str, id: &str) -> bool {
        let place = self.by_id.get(id).copied();
        let entry = place.and_then(|place| self.entries.get_mut(place));
        entry.is_some_and(|entry| {
            entry.draft.profile == profile && !std::mem::replace(&mut entry.deleted, true)
        })
    }

    /// Takes an idempotency key for a profile; whether it was free.
    pub fn take_key(&mut self, profile: &str, key: &str) -> bool {
        self.keys.insert((profile.to_owned(), key.to_owned()))
    }

    /// Whether the same or a similar text was published on this lane less than `window` ago.
    pub fn is_duplicate(
        &self,
        lane: (&str, &str),
        text: &str,
        window: TimeDelta,
        now: DateTime<Utc>,
    ) -> bool {
        let place = (lane.0.to_owned(), lane.1.to_owned(), normalise(text));
        self.texts.get(&place).is_some_and(|before| (now - *before).abs() < window)
    }

    /// Writes a post down, with an id even if every network refused it.
    pub fn accept(&mut self, draft: Draft, now: DateTime<Utc>) -> Result<&Entry, Full> {
        let place = self.entries.len();
        if place >= POSTS_MAX {
            return Err(Full);
        }
        for part in draft.parts.iter().filter(|part| part.refused.is_none()) {
            let lane = (draft.profile.clone(), part.platform.clone(), normalise(&part.text));
            self.texts.insert(lane, now);
        }
        let n = i64::try_from(place).unwrap_or(i64::MAX) + 1;
        let id = format!("sbx{:09x}{n:08}", now.timestamp());
        self.by_id.insert(id.clone(), place);
        self.by_profile.entry(draft.profile.clone()).or_default().push(place);
        let since = std::cmp::max(now.timestamp_millis() - SNOWFLAKE_EPOCH_MS, 0);
        let network_id = since.saturating_mul(1 << 22).saturating_add(n);
        let deleted = false;
        self.entries.push(Entry { id, network_id, at: now, deleted, draft });
        self.entries.last().ok_or(Full)
    }

    /// Writes a request down and numbers it.
    pub fn arrived(&mut self, mut seen: Seen) -> u64 {
        self.requests_total += 1;
        seen.n = self.requests_total;
        if self.requests.len() >= REQUESTS_MAX {
            self.requests.pop_front();
        }
        self.requests.push_back(seen);
        self.requests_total
    }

    /// Adds to a request what is known only later.
    pub fn amend(&mut self, n: u64, change: impl FnOnce(&mut Seen)) {
        let first = self.requests.front().map_or(0, |seen| seen.n);
        let place = n.checked_sub(first).and_then(|place| usize::try_from(place).ok());
        if let Some(seen) = place.and_then(|place| self.requests.get_mut(place)) {
            change(seen);
        }
    }

    /// The requests that are still held, in the order of their arrival.
    pub fn requests(&self) -> impl ExactSizeIterator<Item = &Seen> {
        self.requests.iter()
    }

    /// How many requests came in altogether.
    pub const fn requests_total(&self) -> u64 {
        self.requests_total
    }
}

/// The text as the duplicate gate compares it: words in lower case, nothing between them. A text
/// without any letter or digit stands for itself.
fn normalise(text: &str) -> String {
    let mut words = text.split(|letter: char| !letter.is_alphanumeric());
    let mut plain = String::new();
    for word in words.by_ref().filter(|word| !word.is_empty()) {
        if !plain.is_empty() {
            plain.push(' ');
        }
        plain.push_str(&word.to_lowercase());
    }
    if plain.is_empty() { text.trim().to_owned() } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(notes: Option<&str>, text: &str) -> Draft {
        Draft {
            profile: "primary".into(),
            notes: notes.map(Into::into),
            parts: vec![Part { platform: "twitter".into(), text: text.into(), refused: None }],
            ..Draft::default()
        }
    }

    const START: DateTime<Utc> = DateTime::UNIX_EPOCH;

    #[test]
    fn what_was_published_twice_is_told_once_by_notes_or_by_text() {
        let mut books = Books::default();
        for (notes, text) in [
            (Some("ref:1"), "one"),
            (Some("ref:1"), "one"),
            (Some("ref:2"), "two"),
            (Some("ref:3"), "three"),
            (Some("ref:4"), "three"),
            (None, "four"),
            (None, "four"),
        ] {
            books.accept(draft(notes, text), START).expect("there is room");
        }
        let doubles = books.doubles();
        let told: Vec<_> = doubles
            .iter()
            .map(|double| (double.same_by, double.value.as_str(), double.ids.len()))
            .collect();
        assert_eq!(
            told,
            [(SameBy::Notes, "ref:1", 2), (SameBy::Text, "four", 2), (SameBy::Text, "three", 2)]
        );
    }

    #[test]
    fn a_refused_post_is_kept_but_not_published() {
        let mut books = Books::default();
        let mut refused = draft(Some("ref:1"), "one");
        for part in &mut refused.parts {
            part.refused = Some(Refused { code: Some(110), message: "no".into() });
        }
        let id = books.accept(refused, START).expect("there is room").id.clone();
        assert_eq!(books.published().count(), 0);
        assert!(books.doubles().is_empty());
        assert!(books.find("primary", &id).is_some_and(Entry::is_refused));
        assert!(books.find("other", &id).is_none());
        let window = TimeDelta::hours(48);
        assert!(!books.is_duplicate(("primary", "twitter"), "one", window, START));
    }

    #[test]
    fn similar_texts_are_duplicates_of_one_lane_within_the_window() {
        let mut books = Books::default();
        books.accept(draft(None, "Hello,  World!"), START).expect("there is room");
        let window = TimeDelta::hours(48);
        let ask = |lane, text, hours| {
            books.is_duplicate(lane, text, window, START + TimeDelta::hours(hours))
        };
        assert!(ask(("primary", "twitter"), "hello world", 47));
        assert!(!ask(("primary", "twitter"), "hello world", 48));
        assert!(!ask(("primary", "linkedin"), "hello world", 1));
        assert!(!ask(("other", "twitter"), "hello world", 1));
        assert!(!ask(("primary", "twitter"), "hello moon", 1));
    }

    #[test]
    fn old_requests_are_dropped_and_numbers_stay() {
        let mut books = Books::default();
        for _ in 0..=REQUESTS_MAX {
            books.arrived(Seen::default());
        }
        assert_eq!(books.requests().len(), REQUESTS_MAX);
        assert_eq!(books.requests_total(), 100_001);
        books.amend(100_001, |seen| seen.answered = Some(200));
        books.amend(1, |seen| seen.answered = Some(500));
        let answered: Vec<_> = books.requests().filter_map(|seen| seen.answered).collect();
        assert_eq!(answered, [200]);
    }
}
