//! Shortens words until they fit.
//!
//! Promises: ends at a word's end where one is near, otherwise between graphemes; never inside a
//! hashtag, mention or cashtag. Must not: know what stands around the words.

use std::cmp;
use std::collections::HashSet;

use unicode_segmentation::UnicodeSegmentation;

use super::compose::platform::Rules;
use super::defuse::SPACER;
use super::visible;

/// What stands for the words that were left off.
pub const ELLIPSIS: char = '…';

/// A blank is taken for the cut if this many hundredths of the room, or more, stay in front of it.
/// Scripts without blanks, and very long words, are cut at the nearest other word boundary.
const ROOM_KEPT_PERCENT_MIN: usize = 60;

/// Cuts that are tried. Only an end that happens to be a top-level domain asks for another one.
const TRIES_MAX: usize = 64;

/// Words that were shortened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The words that are left, with [`ELLIPSIS`] behind them.
    pub text: String,
    /// Characters that were left off.
    pub left_off: usize,
}

/// The longest start of the words that fits into `room` together with the ellipsis, and that
/// `accept` takes. `None` if nothing of the words fits.
pub fn shorten(words: &str, room: u32, rules: Rules, accept: impl Fn(&str) -> bool) -> Option<Cut> {
    let room = room.checked_sub(rules.weigh.length(&ELLIPSIS.to_string()))?;
    let mut end = longest(words, room, rules);
    for _ in 0..TRIES_MAX {
        let cut = ending(words, end)?;
        let kept = without_loose_end(words.get(..cut).unwrap_or_default());
        if !kept.chars().any(visible::shows) {
            return None;
        }
        let text = format!("{kept}{ELLIPSIS}");
        if accept(&text) {
            let left_off = words.get(kept.len()..).unwrap_or_default().chars().count();
            return Some(Cut { text, left_off });
        }
        end = previous(words, cmp::min(kept.len(), cut))?;
    }
    None
}

/// A start of a text with the ellipsis that says so.
pub fn ended(start: &str) -> String {
    format!("{}{ELLIPSIS}", without_loose_end(start))
}

/// A start of the words without what would look lost at its end, in whole graphemes.
pub fn without_loose_end(start: &str) -> &str {
    let is_loose_grapheme = |grapheme: &str| grapheme.chars().all(is_loose);
    let end = start
        .grapheme_indices(true)
        .rev()
        .find(|(_, grapheme)| !is_loose_grapheme(grapheme))
        .map_or(0, |(at, grapheme)| at + grapheme.len());
    start.get(..end).unwrap_or_default()
}

/// Punctuation and space that would look lost in front of the ellipsis.
fn is_loose(sign: char) -> bool {
    sign.is_whitespace()
        || matches!(sign, SPACER | ',' | ';' | ':' | '-' | '–' | '—' | '(' | '[' | '{' | '/' | '&')
        || matches!(sign, '«' | '„' | '“' | '‘' | '…' | '、' | '，' | '「' | '（')
}

/// The end of the longest start, in whole graphemes, that is no longer than `room`.
fn longest(words: &str, room: u32, rules: Rules) -> usize {
    let mut used = 0_u32;
    words
        .grapheme_indices(true)
        .find_map(|(start, grapheme)| {
            used = used.saturating_add(rules.weigh.length(grapheme));
            (used > room).then_some(start)
        })
        .unwrap_or(words.len())
}

/// The end of the start that is one grapheme shorter.
fn previous(words: &str, end: usize) -> Option<usize> {
    words.get(..end)?.grapheme_indices(true).next_back().map(|(start, _)| start)
}

/// The best place for a cut at `end` or before.
fn ending(words: &str, end: usize) -> Option<usize> {
    let room = words.get(..end)?;
    if words.get(end..).is_some_and(|rest| rest.starts_with(' ') || rest.is_empty()) {
        return Some(end);
    }
    let blank = room
        .grapheme_indices(true)
        .rev()
        .find(|(_, grapheme)| grapheme.starts_with(' '))
        .map_or(0, |(at, _)| at);
    if blank * 100 >= end * ROOM_KEPT_PERCENT_MIN && blank > 0 {
        return Some(blank);
    }
    // Word boundaries of scripts without blanks; only those that are grapheme boundaries too.
    let last_word = room.get(blank..)?;
    let graphemes: HashSet<usize> = last_word.grapheme_indices(true).map(|(at, _)| at).collect();
    let boundary = words
        .get(blank..)?
        .split_word_bound_indices()
        .map(|(at, _)| at)
        .take_while(|at| *at <= last_word.len())
        .filter(|at| *at == last_word.len() || graphemes.contains(at))
        .last()
        .filter(|at| *at > 0)
        .unwrap_or(last_word.len());
    let cut = outside_tag(words, blank + boundary);
    words
        .grapheme_indices(true)
        .map(|(at, _)| at)
        .take_while(|at| *at <= cut)
        .last()
        .filter(|at| *at > 0)
}

/// A place at `cut`, or before the hashtag, mention or cashtag that `cut` would split.
fn outside_tag(words: &str, cut: usize) -> usize {
    let (before, behind) = words.split_at_checked(cut).unwrap_or((words, ""));
    let is_tag = |sign: char| {
        sign.is_alphanumeric()
            || matches!(sign, '_' | SPACER)
            || !visible::shows(sign) && !sign.is_whitespace()
    };
    if !behind.starts_with(is_tag) {
        return cut;
    }
    let sign = before.trim_end_matches(is_tag);
    let start = sign.trim_end_matches(['#', '＃', '@', '＠', '$']);
    if start.len() < sign.len() { start.len() } else { cut }
}
