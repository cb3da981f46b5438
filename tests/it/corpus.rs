//! Real feeds against the oracle that comes with them (`shared/corpus`, outside the repository).

#![expect(clippy::indexing_slicing, reason = "a test may fail by panicking, in its helpers too")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tidings::domain::entry::Item;
use tidings::feed::{dates, decode, parse};
use url::Url;

/// What a group must reach, in files with the oracle's number of entries, and in entries whose
/// title, link and date agree, per thousand.
struct Floor {
    group: &'static str,
    files: usize,
    titles: usize,
    links: usize,
    dates: usize,
}

const FLOORS: [Floor; 3] = [
    Floor { group: "real", files: 251, titles: 998, links: 998, dates: 991 },
    // Of two undeclared East Asian titles ours read as words and the oracle's do not.
    Floor { group: "suite", files: 743, titles: 987, links: 982, dates: 993 },
    // Half of these files declare no charset.
    Floor { group: "charsets", files: 114, titles: 985, links: 1000, dates: 998 },
];

#[derive(Default)]
struct Tally {
    files: usize,
    counts: usize,
    refused: Vec<String>,
    differ: Vec<String>,
    readers: BTreeMap<String, usize>,
    entries: usize,
    titles: usize,
    links: usize,
    dates: usize,
    examples: Vec<String>,
}

fn corpus() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    [root.join("../shared/corpus"), root.join("../../shared/corpus")]
        .into_iter()
        .find(|path| path.is_dir())
}

#[test]
fn real_feeds_are_read_as_the_oracle_reads_them() {
    let Some(corpus) = corpus() else {
        println!("skipped: ../shared/corpus is not there");
        return;
    };
    for floor in FLOORS {
        let tally = group(&corpus, floor.group);
        let share = |part: usize| part * 1000 / std::cmp::max(tally.entries, 1);
        println!(
            "{}: {} of {} files agree in number; of {} entries in them titles {}‰, links {}‰, dates {}‰; readers {:?}",
            floor.group,
            tally.counts,
            tally.files,
            tally.entries,
            share(tally.titles),
            share(tally.links),
            share(tally.dates),
            tally.readers
        );
        println!("  refused: {:?}\n  differ in number: {:?}", tally.refused, tally.differ);
        if std::env::args().any(|argument| argument == "--show-output") {
            println!("  {}", tally.examples.join("\n  "));
        }
        assert!(tally.files > 0, "{} is empty", floor.group);
        assert!(tally.counts >= floor.files, "{}: {}", floor.group, tally.counts);
        assert!(share(tally.titles) >= floor.titles, "{} titles", floor.group);
        assert!(share(tally.links) >= floor.links, "{} links", floor.group);
        assert!(share(tally.dates) >= floor.dates, "{} dates", floor.group);
    }
}

fn group(corpus: &Path, group: &str) -> Tally {
    let oracle =
        std::fs::read_to_string(corpus.join(format!("{group}.oracle.jsonl"))).expect("oracle");
    let base = Url::parse("https://feed.example.org/dir/feed.xml").expect("url");
    let mut tally = Tally::default();
    for line in oracle.lines() {
        let told: Value = serde_json::from_str(line).expect("a line of the oracle");
        let file = told["file"].as_str().expect("file");
        let Some(expected) = told["entries"].as_array() else {
            continue;
        };
        let body = std::fs::read(corpus.join(file)).expect("body");
        tally.files += 1;
        let parsed = match parse::parse(&decode::decode(&body, None), &base) {
            Ok(parsed) => parsed,
            Err(why) if expected.is_empty() => {
                tally.counts += 1;
                *tally.readers.entry(format!("none: {why}")).or_default() += 1;
                continue;
            }
            Err(why) => {
                tally.refused.push(format!("{file}: {why}"));
                continue;
            }
        };
        *tally.readers.entry(format!("{:?}", parsed.reader)).or_default() += 1;
        let items = &parsed.feed.items;
        if items.len() != expected.len() {
            tally.differ.push(format!("{file}: {} not {}", items.len(), expected.len()));
            continue;
        }
        tally.counts += 1;
        for (item, expected) in items.iter().zip(expected) {
            tally.entries += 1;
            compare(&mut tally, file, item, expected);
        }
    }
    tally
}

fn compare(tally: &mut Tally, file: &str, item: &Item, expected: &Value) {
    let text = |name: &str| expected[name].as_str().unwrap_or_default().to_owned();
    let (own, told) = (bare(&item.title), bare(&text("title")));
    if own == told {
        tally.titles += 1;
    } else {
        tally.examples.push(format!("{file} title {own:?} not {told:?}"));
    }
    let own = item.link.clone().unwrap_or_default();
    let told = text("link");
    if address(&own) == address(&told) {
        tally.links += 1;
    } else {
        tally.examples.push(format!("{file} link {own:?} not {told:?}"));
    }
    let own = item.published.or(item.updated);
    let told = [text("published"), text("updated")].iter().find_map(|date| dates::read(date));
    if own == told
        || (own.is_some() && (own == item.updated || item.updated == told) && told.is_some())
    {
        tally.dates += 1;
    } else {
        tally.examples.push(format!("{file} date {own:?} not {told:?}"));
    }
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
    let base = Url::parse("https://feed.example.org/dir/feed.xml").expect("url");
    let joined = base.join(link.trim()).map_or_else(|_| link.to_owned(), String::from);
    joined.to_lowercase().trim_end_matches('/').to_owned()
}
