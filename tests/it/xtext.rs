//! Weighted length and links against twitter-text's own cases and what its JavaScript says.
//!
//! The cases lie outside of the repository, in `../shared/x-text`: they hold other people's words.
//! Where that folder is missing these tests say so and pass.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "helpers of tests: a broken case file has to fail, a missing one to be told of"
)]

use std::fs;
use std::path::Path;

use tidings::domain::{links, weight};
use unicode_normalization::UnicodeNormalization;

/// Where our count is higher, on purpose.
const OVERCOUNTS: &str = include_str!("../data/xtext-overcounts.md");

/// One case of a conformance file.
#[derive(Default)]
struct Case {
    section: String,
    line: usize,
    text: String,
    expected: Vec<String>,
    indices: Vec<(usize, usize)>,
    weighted_length: Option<u32>,
}

fn shared(name: &str) -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/x-text").join(name);
    // A worktree lies one level deeper than the repository.
    let deeper = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/x-text").join(name);
    let text = fs::read_to_string(&path).or_else(|_| fs::read_to_string(&deeper)).ok();
    if text.is_none() {
        println!("skipped: {} is not there", path.display());
    }
    text
}

/// Reads the part of YAML in which the conformance files are written.
fn cases(yaml: &str) -> Vec<Case> {
    let mut section = String::new();
    let mut cases: Vec<Case> = Vec::new();
    for (index, line) in yaml.lines().enumerate() {
        let bare = line.trim();
        if bare.starts_with('#') {
            continue;
        }
        if line.starts_with("  ") && !line.starts_with("   ") && bare.ends_with(':') {
            bare.trim_end_matches(':').clone_into(&mut section);
        } else if bare.starts_with("- description:") {
            cases.push(Case { section: section.clone(), line: index + 1, ..Case::default() });
        } else if let Some(case) = cases.last_mut() {
            read_line(case, bare);
        }
    }
    cases
}

fn read_line(case: &mut Case, bare: &str) {
    if let Some(text) = bare.strip_prefix("text:") {
        case.text = scalar(text);
    } else if let Some(list) = bare.strip_prefix("expected: [") {
        case.expected = strings(list);
    } else if let Some(url) = bare.strip_prefix("- url:") {
        case.expected.push(scalar(url));
    } else if let Some(pair) = bare.strip_prefix("indices: [") {
        let (from, to) = pair.trim_end_matches(']').split_once(',').expect("a pair");
        case.indices.push((from.trim().parse().unwrap(), to.trim().parse().unwrap()));
    } else if let Some(length) = bare.strip_prefix("weightedLength:") {
        case.weighted_length = length.trim().parse().ok();
    } else if let Some(item) = bare.strip_prefix("- ") {
        case.expected.push(scalar(item));
    }
}

/// A scalar: plain, or in double quotes with escapes.
fn scalar(text: &str) -> String {
    let text = text.trim();
    text.strip_prefix('"').map_or_else(|| text.to_owned(), |quoted| unescaped(quoted).0)
}

/// Strings in double quotes, up to the end of a list.
fn strings(list: &str) -> Vec<String> {
    let mut rest = list;
    let mut items = Vec::new();
    while let Some((_, quoted)) = rest.split_once('"') {
        let (item, length) = unescaped(quoted);
        items.push(item);
        rest = quoted.get(length..).expect("a boundary");
    }
    items
}

/// What stands before the closing quotation mark, and how many bytes that and the mark were.
fn unescaped(quoted: &str) -> (String, usize) {
    let mut text = String::new();
    let mut chars = quoted.char_indices();
    while let Some((index, sign)) = chars.next() {
        match sign {
            '"' => return (text, index + 1),
            '\\' => match chars.next().expect("an escape").1 {
                'n' => text.push('\n'),
                mark @ ('u' | 'U') => {
                    let digits = if mark == 'u' { 4 } else { 8 };
                    let code: String =
                        (0..digits).filter_map(|_| chars.next()).map(|(_, digit)| digit).collect();
                    text.push(char::from_u32(u32::from_str_radix(&code, 16).unwrap()).unwrap());
                }
                other => text.push(other),
            },
            other => text.push(other),
        }
    }
    panic!("an open quotation mark: {quoted}")
}

fn seen(text: &str) -> Vec<String> {
    links::links(text).into_iter().filter_map(|range| text.get(range).map(str::to_owned)).collect()
}

/// The cases of some sections; asserts that each section has as many as it is known to have.
fn of_sections(yaml: &str, sections: &[(&str, usize)]) -> Vec<Case> {
    let cases: Vec<_> = cases(yaml)
        .into_iter()
        .filter(|case| sections.iter().any(|(name, _)| *name == case.section))
        .collect();
    for (name, count) in sections {
        assert_eq!(cases.iter().filter(|case| case.section == *name).count(), *count, "{name}");
    }
    cases
}

#[test]
fn weighted_lengths_are_those_of_the_conformance_cases() {
    let Some(yaml) = shared("conformance/validate.yml") else {
        return;
    };
    let sections = [
        ("WeightedTweetsWithDiscountedEmojiCounterTest", 22),
        ("UnicodeDirectionalMarkerCounterTest", 2),
    ];
    for case in of_sections(&yaml, &sections) {
        let expected = case.weighted_length.expect("a weighted length");
        assert_eq!(weight::weighted_length(&case.text), expected, "validate.yml:{}", case.line);
    }
}

#[test]
fn links_are_those_of_the_conformance_cases() {
    let Some(yaml) = shared("conformance/extract.yml") else {
        return;
    };
    let sections = [
        ("urls", 91),
        ("urls_with_indices", 10),
        ("urls_with_directional_markers", 2),
        ("tco_urls_with_params", 5),
    ];
    for case in of_sections(&yaml, &sections) {
        assert_eq!(seen(&case.text), case.expected, "extract.yml:{}", case.line);
        let indices: Vec<_> = links::links(&case.text)
            .into_iter()
            .map(|range| {
                (case.text[..range.start].chars().count(), case.text[..range.end].chars().count())
            })
            .collect();
        assert!(case.indices.is_empty() || indices == case.indices, "extract.yml:{}", case.line);
    }
}

#[test]
fn every_published_top_level_domain_is_linked() {
    let Some(yaml) = shared("conformance/tlds.yml") else {
        return;
    };
    for case in of_sections(&yaml, &[("country", 315), ("generic", 1259)]) {
        assert_eq!(seen(&case.text), case.expected, "tlds.yml:{}", case.line);
    }
}

#[test]
fn the_oracle_agrees_or_we_count_more_where_it_is_listed() {
    let Some(table) = shared("oracle.tsv") else {
        return;
    };
    let mut over = Vec::new();
    let mut count = 0;
    for (index, row) in table.lines().enumerate().skip(1) {
        let line = index + 1;
        let mut cells = row.split('\t');
        let text: String = serde_json::from_str(cells.next().unwrap()).unwrap();
        let expected: u32 = cells.next().unwrap().parse().unwrap();
        let urls: Vec<String> = serde_json::from_str(cells.nth(1).unwrap()).unwrap();
        let ours = weight::weighted_length(&text);
        assert!(ours >= expected, "oracle.tsv:{line}: {ours} is less than {expected}");
        if ours > expected {
            over.push(line);
        }
        assert_eq!(seen(&text.nfc().collect::<String>()), urls, "oracle.tsv:{line}");
        count += 1;
    }
    assert_eq!(count, 1179);
    let listed = format!("Number of cases: {}\n", over.len());
    assert!(OVERCOUNTS.ends_with(&listed), "counted more at {over:?}");
}
