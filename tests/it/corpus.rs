//! Real feeds against the oracle that comes with them (`shared/corpus`, outside the repository).
//!
//! What is left of differences stands in `tests/data/corpus-disagreements.md`, with the reason; the
//! list is held true from both sides. Where the folder is missing these tests say so and pass.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_in_result,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test may fail by panicking, in its helpers too, tells of its figures, and measures"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde_json::Value;
use tidings::domain::entry::{self, Entry, Item, ParsedFeed};
use tidings::feed::{dates, decode, parse};
use url::Url;

/// What remains, class by class, as a table of file, field and number of entries.
const DISAGREEMENTS: &str = include_str!("../data/corpus-disagreements.md");

/// What a group must reach, per thousand: files with the oracle's number of entries; entries that
/// agree with the oracle; entries that are right where the list says who is.
struct Floor {
    group: &'static str,
    files: usize,
    titles: usize,
    links: usize,
    dates: usize,
    right: usize,
}

const FLOORS: [Floor; 4] = [
    Floor { group: "real", files: 1000, titles: 999, links: 998, dates: 989, right: 1000 },
    Floor { group: "suite", files: 1000, titles: 997, links: 987, dates: 994, right: 1000 },
    Floor {
        group: "charsets, declared",
        files: 1000,
        titles: 997,
        links: 1000,
        dates: 1000,
        right: 1000,
    },
    Floor {
        group: "charsets, undeclared",
        files: 1000,
        titles: 972,
        links: 1000,
        dates: 1000,
        right: 977,
    },
];

/// No file may take longer to decode and parse in a release build.
const SLOWEST: Duration = Duration::from_millis(500);

/// A file and a field.
type Place = (String, String);

/// A feed whose guids and links are those of pages that many of its entries are about: nothing but
/// title and time tells them apart.
const SHARES_ALL: &str = "real/95915af061.dat";

/// One file of the corpus.
struct Sample {
    group: &'static str,
    file: String,
    body: Vec<u8>,
    /// What the oracle found; `None` where it raised an exception.
    told: Option<Vec<Value>>,
}

fn base() -> Url {
    Url::parse("https://feed.example.org/dir/feed.xml").expect("url")
}

/// All files of the corpus; `None`, and a word about it, when it isn't there.
fn samples() -> Option<Vec<Sample>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let places = [root.join("../shared/corpus"), root.join("../../shared/corpus")];
    let Some(corpus) = places.into_iter().find(|path: &PathBuf| path.is_dir()) else {
        println!("skipped: ../shared/corpus is not there");
        return None;
    };
    let mut samples = Vec::new();
    for part in ["real", "suite", "charsets"] {
        let oracle = corpus.join(format!("{part}.oracle.jsonl"));
        for line in std::fs::read_to_string(oracle).expect("oracle").lines() {
            let told: Value = serde_json::from_str(line).expect("a line of the oracle");
            let file = told["file"].as_str().expect("file").to_owned();
            let group = match part {
                "charsets" if file.contains("-undeclared") => "charsets, undeclared",
                "charsets" => "charsets, declared",
                part => part,
            };
            let body = std::fs::read(corpus.join(&file)).expect("body");
            samples.push(Sample { group, file, body, told: told["entries"].as_array().cloned() });
        }
    }
    assert!(samples.len() > 1000, "the corpus is not whole");
    Some(samples)
}

fn read(sample: &Sample) -> Result<parse::Parsed, parse::ParseFailure> {
    parse::parse(&decode::decode(&sample.body, None), &base())
}

#[derive(Default)]
struct Tally {
    files: usize,
    counts: usize,
    readers: BTreeMap<String, usize>,
    entries: usize,
    /// Entries that differ from the oracle, by field, and those of them that are our fault.
    differ: BTreeMap<&'static str, (usize, usize)>,
}

impl Tally {
    /// How many entries agree, and how many are right, per thousand, rounded down.
    fn shares(&self, field: &str) -> (usize, usize) {
        let (differ, ours) = self.differ.get(field).copied().unwrap_or_default();
        let share = |off: usize| (self.entries - off) * 1000 / std::cmp::max(self.entries, 1);
        (share(differ), share(ours))
    }

    fn told(&self, field: &str) -> String {
        let (agree, right) = self.shares(field);
        format!("{field} {agree}‰ ({right}‰)")
    }
}

#[test]
fn real_feeds_are_read_as_the_oracle_reads_them() {
    let Some(samples) = samples() else { return };
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut found: BTreeMap<Place, usize> = BTreeMap::new();
    let mut slowest = (Duration::ZERO, "");
    let listed = listed();
    for sample in &samples {
        let Some(told) = &sample.told else { continue };
        let start = Instant::now();
        let parsed = read(sample);
        slowest = std::cmp::max(slowest, (start.elapsed(), &sample.file));
        let tally = tallies.entry(sample.group).or_default();
        tally.files += 1;
        let reader = parsed.as_ref().map_or("none", |parsed| parsed.reader.word());
        *tally.readers.entry(reader.to_owned()).or_default() += 1;
        let items = parsed.map(|parsed| parsed.feed.items);
        let silent = items.as_ref().is_ok_and(|items| items.is_empty() && !told.is_empty());
        assert!(!silent, "{} silently gives nothing", sample.file);
        let items = items.unwrap_or_default();
        let mut differ = |field: &'static str| {
            *found.entry((sample.file.clone(), field.to_owned())).or_default() += 1;
        };
        if items.len() != told.len() {
            differ("number");
            continue;
        }
        tally.counts += 1;
        for (item, told) in items.iter().zip(told) {
            tally.entries += 1;
            for field in differences(&sample.file, item, told) {
                let place = (sample.file.clone(), field.to_owned());
                let (all, ours) = tally.differ.entry(field).or_default();
                *all += 1;
                *ours += usize::from(listed.get(&place).is_none_or(|it| it.ours));
                differ(field);
            }
        }
    }
    for floor in FLOORS {
        let tally = &tallies[floor.group];
        println!(
            "{}: {} of {} files agree in number; of {} entries agree (are right, by the list): {}; readers {:?}",
            floor.group,
            tally.counts,
            tally.files,
            tally.entries,
            ["title", "link", "date", "published", "updated"].map(|it| tally.told(it)).join(", "),
            tally.readers,
        );
    }
    println!("slowest: {} in {:?}", slowest.1, slowest.0);
    hold_the_list_true(&found, &listed);
    for floor in FLOORS {
        let tally = &tallies[floor.group];
        assert!(tally.counts * 1000 >= floor.files * tally.files, "{}", floor.group);
        for (field, least) in
            [("title", floor.titles), ("link", floor.links), ("date", floor.dates)]
        {
            let (agree, right) = tally.shares(field);
            assert!(agree >= least, "{}: {field}s agree {agree}‰", floor.group);
            assert!(right >= floor.right, "{}: {field}s are right {right}‰", floor.group);
        }
    }
    // A debug build and a busy machine say nothing about time.
    assert!(cfg!(debug_assertions) || slowest.0 < SLOWEST, "{slowest:?}");
}

/// A listed difference.
struct Listed {
    entries: usize,
    /// Whether it is we who are wrong, rather than the oracle, or of another mind on purpose.
    ours: bool,
}

fn listed() -> BTreeMap<Place, Listed> {
    let mut listed = BTreeMap::new();
    let mut ours = false;
    for line in DISAGREEMENTS.lines() {
        if let Some(class) = line.strip_prefix("## ") {
            let blame = class.rsplit_once('(').map(|(_, blame)| blame.trim_end_matches(')'));
            assert!(matches!(blame, Some("oracle" | "choice" | "ours")), "no blame: {class}");
            ours = blame == Some("ours");
        }
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        if let [file, field, entries] = cells.as_slice()
            && let Ok(entries) = entries.parse()
        {
            let place = ((*file).to_owned(), (*field).to_owned());
            let before = listed.insert(place, Listed { entries, ours });
            assert!(before.is_none(), "{file} {field} is listed twice");
        }
    }
    assert!(!listed.is_empty(), "the list has no table");
    listed
}

/// Compares what was found with what is listed.
fn hold_the_list_true(found: &BTreeMap<Place, usize>, listed: &BTreeMap<Place, Listed>) {
    let line = |(file, field): &Place, entries: usize| format!("| {file} | {field} | {entries} |");
    let new: Vec<String> = found
        .iter()
        .filter(|(place, entries)| listed.get(place).is_none_or(|it| it.entries != **entries))
        .map(|(place, entries)| line(place, *entries))
        .collect();
    let gone: Vec<String> = listed
        .iter()
        .filter(|(place, it)| found.get(place) != Some(&it.entries))
        .map(|(place, it)| line(place, it.entries))
        .collect();
    assert!(
        new.is_empty() && gone.is_empty(),
        "tests/data/corpus-disagreements.md is not true any more; not in it:\n{}\nno longer so:\n{}",
        new.join("\n"),
        gone.join("\n")
    );
}

/// The fields in which an item differs from what the oracle told of it. A `date` is the first one
/// that there is.
fn differences(file: &str, item: &Item, told: &Value) -> Vec<&'static str> {
    let text = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
    let mut fields = Vec::new();
    let mut same = |field: &'static str, own: &str, other: &str| {
        if own != other {
            if std::env::args().any(|argument| argument == "--show-output") {
                println!("  {file} {field} {own:?} not {other:?}");
            }
            fields.push(field);
        }
    };
    same("title", &bare(&item.title), &bare(&text("title")));
    let link = item.link.clone().unwrap_or_default();
    same("link", &address(&link), &address(&text("link")));
    let shown = |date: Option<DateTime<Utc>>| date.map(|date| date.to_rfc3339());
    let or_none = |date: Option<DateTime<Utc>>| shown(date).unwrap_or_default();
    let (published, updated) = (dates::read(&text("published")), dates::read(&text("updated")));
    same("published", &or_none(item.published), &or_none(published));
    same("updated", &or_none(item.updated), &or_none(updated));
    same("date", &or_none(item.published.or(item.updated)), &or_none(published.or(updated)));
    fields
}

/// A title without markup, references and differences of white space.
fn bare(title: &str) -> String {
    let mut text = title.to_owned();
    for _ in 0..2 {
        text = html_escape::decode_html_entities(&text).into_owned();
    }
    let mut out = String::new();
    let mut inside = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '<' if chars
                .peek()
                .is_some_and(|next| next.is_alphabetic() || matches!(next, '/' | '!')) =>
            {
                inside = true;
            }
            '>' if inside => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn address(link: &str) -> String {
    let joined = base().join(link.trim()).map_or_else(|_| link.to_owned(), String::from);
    joined.to_lowercase().trim_end_matches('/').to_owned()
}

/// Each entry of `later` with the entries of `first` that it is taken for.
fn matches(first: &[Entry], later: &[Entry]) -> Vec<BTreeSet<usize>> {
    let mut known: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for (at, entry) in first.iter().enumerate() {
        for key in &entry.keys {
            known.entry(key.as_str()).or_default().insert(at);
        }
    }
    let taken = |entry: &Entry| {
        entry.keys.iter().filter_map(|key| known.get(key.as_str())).flatten().copied().collect()
    };
    later.iter().map(taken).collect()
}

#[test]
fn a_feed_read_again_reordered_or_with_other_titles_has_the_same_identities() {
    let Some(samples) = samples() else { return };
    let (mut entries, mut titled_only) = (0, 0);
    let (mut turned, mut retitled) = (Vec::new(), Vec::new());
    for sample in samples.iter().filter(|sample| sample.group == "real") {
        let Ok(parsed) = read(sample) else { continue };
        let feed = parsed.feed;
        let first = entry::identify(&feed);
        entries += first.len();
        assert_eq!(first, entry::identify(&read(sample).expect("read before").feed));

        let reversed =
            ParsedFeed { items: feed.items.iter().rev().cloned().collect(), ..feed.clone() };
        let later = entry::identify(&reversed);
        // Which items of one fetch are one entry may hang on their order; what must not is whether
        // an entry is known.
        let taken = matches(&first, &later);
        let new = taken.iter().filter(|taken| taken.is_empty()).count();
        let all: BTreeSet<usize> = taken.into_iter().flatten().collect();
        if new > 0 || all.len() != first.len() {
            turned.push(format!("{}: {new} of {} new", sample.file, later.len()));
        }

        let kept: Vec<Item> = first.iter().map(|entry| entry.item.clone()).collect();
        let edited = kept.iter().enumerate().map(|(at, item)| Item {
            title: format!("Quite another headline, number {at}"),
            ..item.clone()
        });
        let later = entry::identify(&ParsedFeed { items: edited.collect(), ..feed });
        if later.len() != first.len() {
            retitled.push(format!("{}: {} of {}", sample.file, later.len(), first.len()));
            continue;
        }
        for (at, taken) in matches(&first, &later).into_iter().enumerate() {
            let item = &first[at].item;
            // Nothing but the title is left to know such an item by.
            if item.guid.is_none() && item.link.is_none() {
                titled_only += 1;
            } else if taken != BTreeSet::from([at]) {
                retitled.push(format!("{}: {at} is taken for {taken:?}", sample.file));
            }
        }
    }
    println!(
        "{entries} entries keep their identity; {titled_only} of them have nothing but a title"
    );
    let other = |line: &String| !line.starts_with(SHARES_ALL);
    retitled.retain(other);
    turned.retain(other);
    assert!(retitled.is_empty(), "titles edited: {retitled:#?}");
    assert!(turned.is_empty(), "turned round: {turned:#?}");
    assert!(entries > 5000, "{entries} entries are too few to prove it");
}
