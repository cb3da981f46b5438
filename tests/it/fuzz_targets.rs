//! What is fuzzed, and what must hold of it whatever comes in. Used by the tests here, which feed it
//! a fixed sequence of broken seeds, and by `fuzz/`, which looks for more.

use std::collections::BTreeSet;

use chrono::DateTime;
use chrono_tz::Tz;
use reqwest::header::{CACHE_CONTROL, EXPIRES, HeaderMap, HeaderValue, RETRY_AFTER};
use tidings::domain::compose::{Compose, Ingredients, Setting, compose, rules_of};
use tidings::domain::entry::{Item, ParsedFeed, identify, normal_link};
use tidings::domain::text::plain;
use tidings::feed::decode::decode;
use tidings::feed::freshness::{FRESH_MAX, fresh_for, retry_after};
use tidings::feed::parse::{ITEMS_MAX, parse};
use url::Url;

/// A target: what it is called, as its folder of seeds is, and what it does with an input.
pub(crate) type Target = (&'static str, fn(&[u8]));

/// All targets.
pub(crate) const TARGETS: [Target; 6] = [
    ("feed", feed),
    ("text", text),
    ("identity", identity),
    ("compose", composing),
    ("headers", headers),
    ("websub", websub),
];

/// The platforms whose texts are composed: by X's count and by characters.
const PLATFORMS: [&str; 2] = ["twitter", "linkedin"];

/// Runs one target by its name.
pub(crate) fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|(found, _)| *found == name);
    target.expect("a target of this name").1(data);
}

/// Decode, repair, parse: ends with a feed within its limits, the same one each time.
fn feed(data: &[u8]) {
    let base = Url::parse("https://feed.example/feed.xml").expect("an address");
    // The first byte chooses what the server says of the body.
    let (kind, body) = data.split_first().map_or((0, data), |(kind, body)| (*kind, body));
    let kinds =
        [None, Some("text/xml; charset=iso-8859-1"), Some("text/html"), Some("application/json")];
    let text = decode(body, kinds.into_iter().cycle().nth(kind.into()).flatten());
    let Ok(parsed) = parse(&text, &base) else { return };
    assert!(parsed.feed.items.len() <= ITEMS_MAX, "more items than are allowed");
    for link in parsed.feed.items.iter().filter_map(|item| item.link.as_deref()) {
        assert!(link.starts_with("http"), "a link that is none: {link}");
    }
    assert_eq!(parse(&text, &base).as_ref(), Ok(&parsed), "the same text, another feed");
    holds(&parsed.feed);
}

/// What must hold of the identity of a feed's entries.
fn holds(feed: &ParsedFeed) {
    let entries = identify(feed);
    assert!(entries.len() <= feed.items.len(), "more entries than items");
    let mut all = BTreeSet::new();
    for entry in &entries {
        assert!(!entry.keys.is_empty(), "an entry that nothing identifies");
        for key in &entry.keys {
            assert!(all.insert(key), "two entries of one key");
            assert!(key.as_str().len() <= 30, "a long key: {key}");
        }
    }
    let mut reversed = feed.clone();
    reversed.items.reverse();
    let mirrored = identify(&reversed);
    let backwards: BTreeSet<_> = mirrored.iter().flat_map(|entry| &entry.keys).collect();
    let known = |entry: &&tidings::domain::entry::Entry| {
        entry.keys.iter().any(|key| backwards.contains(key))
    };
    assert_eq!(entries.iter().filter(known).count(), entries.len(), "the order told entries apart");
}

/// Markup → plain text: no control character, no end without it, nothing grows without bound.
fn text(data: &[u8]) {
    let markup = String::from_utf8_lossy(data);
    let text = plain(&markup);
    assert!(!text.contains(|sign: char| sign.is_control()), "a control character in {text:?}");
    assert!(text.len() <= markup.len() * 8 + 8, "{} bytes became {}", markup.len(), text.len());
    for tag in ["<script>", "<b>", "<a href"] {
        let once =
            markup.contains(tag) && markup.matches('<').count() == 1 && markup.ends_with('>');
        assert!(!once || !text.contains(tag), "{tag} stays in {text:?}");
    }
}

/// Items out of bytes: a line each, its fields between tabs.
fn items(data: &[u8]) -> Vec<Item> {
    let text = String::from_utf8_lossy(data);
    let some = |field: Option<&str>| field.filter(|it| !it.is_empty()).map(str::to_owned);
    let one = |line: &str| {
        let mut fields = line.split('\t');
        Item {
            guid: some(fields.next()),
            link: some(fields.next()),
            title: fields.next().unwrap_or_default().to_owned(),
            published: fields
                .next()
                .and_then(|at| at.parse().ok())
                .and_then(|at| DateTime::from_timestamp(at, 0)),
            summary: fields.next().unwrap_or_default().to_owned(),
            ..Item::default()
        }
    };
    text.lines().take(64).map(one).collect()
}

/// Identity: every entry has keys, none shares one, order tells nothing.
fn identity(data: &[u8]) {
    let feed = ParsedFeed {
        site: Some("https://feed.example/".to_owned()),
        items: items(data),
        ..ParsedFeed::default()
    };
    holds(&feed);
    for link in feed.items.iter().filter_map(|item| item.link.as_deref()) {
        if let Some(rest) = link.strip_prefix("http://").filter(|_| Url::parse(link).is_ok()) {
            assert_eq!(normal_link(link), normal_link(&format!("https://{rest}")), "{link}");
        }
    }
}

/// Compose: what it gives fits, in one piece, without control characters but line breaks.
fn composing(data: &[u8]) {
    for item in items(data) {
        for platform in PLATFORMS {
            let rules = rules_of(platform);
            let plain = Compose::default();
            let setting = Setting {
                platform,
                profile: "main",
                zone: Tz::UTC,
                manner: plain.manner(platform),
                allow_mentions: false,
            };
            let ingredients = Ingredients::of(&item, "feed", "A feed");
            let Ok(composed) = compose(&ingredients, &setting) else { continue };
            assert!(rules.weigh.length(&composed.text) <= rules.limit, "too long: {composed:?}");
            let control = |sign: char| sign.is_control() && sign != '\n';
            assert!(!composed.text.contains(control), "a control character: {composed:?}");
            assert!(!composed.text.contains("\n\n"), "an empty line: {composed:?}");
        }
    }
}

/// `Cache-Control`, `Expires` and `Retry-After`: any value means a wait within its bounds, or nothing.
fn headers(data: &[u8]) {
    let now = DateTime::from_timestamp(1_800_000_000, 0).expect("an instant");
    let mut all = HeaderMap::new();
    for (line, name) in data.split(|byte| *byte == b'\n').zip([CACHE_CONTROL, EXPIRES, RETRY_AFTER])
    {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            all.insert(name, value);
        }
    }
    if let Some(fresh) = fresh_for(&all, now) {
        assert!(fresh > chrono::TimeDelta::zero() && fresh <= FRESH_MAX, "{fresh}");
    }
    if let Some(wait) = retry_after(&all, now) {
        assert!(wait >= chrono::TimeDelta::zero(), "{wait}");
    }
}

/// `Link` headers and the signature of a push: no value panics, and none passes by chance.
fn websub(data: &[u8]) {
    use tidings::feed::websub::{links, verifies};
    let base = Url::parse("https://feed.example/feed.xml").expect("an address");
    let text = String::from_utf8_lossy(data);
    let links = links(text.lines().take(16), &base);
    assert!(links.hubs.iter().all(Url::has_host), "a hub without a host");
    for line in text.lines().take(16) {
        assert!(!verifies(b"a secret of ours", line, data), "a signature by chance: {line}");
    }
}
