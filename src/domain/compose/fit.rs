//! Makes parts fit: hashtags go first, then the parts that may shrink, one after the other.
//!
//! Promises: what fits is sound and has words; the user's own words, the link, and each link that the
//! user wrote stay whole, but for punctuation that would lead to nothing. Must not: defuse or judge.

use std::cmp::Reverse;

use unicode_segmentation::UnicodeSegmentation;

use super::assemble::{Bounds, Laid, assemble};
use crate::domain::cut;
use crate::domain::template::{Kind, Part};

/// Blanks that may vanish beside a part that is empty.
const SLACK: u32 = 2;

/// No text has so many characters for one unit of its length: an emoji sequence has ten for two.
const CHARS_PER_WEIGHT: usize = 16;

/// A text that fits, and what had to give way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fitted {
    pub(super) text: String,
    /// Characters that were left off.
    pub(super) left_off: usize,
    /// Hashtags that were left off, in order.
    pub(super) tags: Vec<String>,
}

/// The parts as a text within the bounds. `None` where that can't be, or where no words are left.
pub(super) fn fit(mut parts: Vec<Part>, bounds: Bounds) -> Option<Fitted> {
    let mut fitted = Fitted::default();
    let beyond = trim(&mut parts, bounds);
    let whole = assemble(&parts, bounds)?;
    if !whole.has_words() {
        return None;
    }
    if fits(&whole, bounds) {
        return Some(Fitted { text: whole.text, ..fitted });
    }
    let done = |parts: &[Part], fitted: &Fitted| {
        let laid = assemble(parts, bounds).filter(|laid| fits(laid, bounds) && laid.has_words())?;
        Some(Fitted { text: laid.text, ..fitted.clone() })
    };
    while let Some(tag) = last_tag(&mut parts) {
        fitted.tags.insert(0, tag);
        if let Some(done) = done(&parts, &fitted) {
            return Some(done);
        }
    }
    for index in shrinking(&parts, &whole, bounds) {
        let words = parts.get(index)?.text.clone();
        let with = |text: &str| {
            let mut parts = parts.clone();
            if let Some(part) = parts.get_mut(index) {
                text.clone_into(&mut part.text);
            }
            parts
        };
        let rest =
            assemble(&with(""), bounds).map_or(0, |laid| bounds.rules.weigh.length(&laid.text));
        let room = bounds.rules.limit.saturating_sub(rest).saturating_add(SLACK);
        let accept =
            |text: &str| assemble(&with(text), bounds).is_some_and(|laid| fits(&laid, bounds));
        let cut = cut::shorten(&words, room, bounds.rules, accept);
        let (text, left_off) = cut
            .map_or_else(|| (String::new(), words.chars().count()), |cut| (cut.text, cut.left_off));
        parts = with(&text);
        if text.is_empty() {
            close_up(&mut parts, index);
        }
        fitted.left_off += left_off + beyond.get(index).copied().unwrap_or(0);
        if let Some(done) = done(&parts, &fitted) {
            return Some(done);
        }
    }
    None
}

/// Takes away the punctuation that led to a part which is empty now: `: `, ` – `, ` (` and `)`.
fn close_up(parts: &mut [Part], index: usize) {
    let (before, behind) = parts.split_at_mut(index);
    let mut was_open = false;
    if let Some(part) = before.last_mut().filter(|part| part.kind == Kind::Own) {
        was_open = part.text.trim_end().ends_with('(');
        part.text.truncate(cut::without_loose_end(&part.text).len());
    }
    if let Some(part) = behind.get_mut(1).filter(|part| part.kind == Kind::Own) {
        let is_first = before.iter().all(|part| part.text.trim().is_empty());
        let loose: &[char] =
            if is_first { &[':', ' ', '–', '—', '-', ',', ';', '|'] } else { &[] };
        let rest = part.text.strip_prefix(')').filter(|_| was_open).unwrap_or(&part.text);
        part.text = rest.trim_start_matches(loose).to_owned();
    }
}

/// Takes off what can't fit in any case, so that a huge text costs no more than a long one. How many
/// characters that were, by part.
fn trim(parts: &mut [Part], bounds: Bounds) -> Vec<usize> {
    let most =
        usize::try_from(bounds.rules.limit).unwrap_or(usize::MAX).saturating_mul(CHARS_PER_WEIGHT);
    let trim_one = |part: &mut Part| {
        let Kind::Feed { .. } = part.kind else { return 0 };
        let Some((at, _)) = part.text.char_indices().nth(most) else { return 0 };
        let graphemes = part.text.grapheme_indices(true).map(|(start, _)| start);
        let end = graphemes.take_while(|start| *start <= at).last().unwrap_or(0);
        let beyond = part.text.get(end..).unwrap_or_default().chars().count();
        part.text.truncate(end);
        beyond
    };
    parts.iter_mut().map(trim_one).collect()
}

fn fits(laid: &Laid, bounds: Bounds) -> bool {
    bounds.rules.weigh.length(&laid.text) <= bounds.rules.limit
}

/// Takes off the last hashtag.
fn last_tag(parts: &mut [Part]) -> Option<String> {
    let part =
        parts.iter_mut().rev().find(|part| part.kind == Kind::Tags && !part.text.is_empty())?;
    let (rest, tag) = match part.text.rsplit_once(' ') {
        Some((rest, tag)) => (rest.to_owned(), tag.to_owned()),
        None => (String::new(), part.text.clone()),
    };
    part.text = rest;
    Some(tag)
}

/// The feed's parts in the order in which they give way: as the template says, then the longest.
/// What stands in a link of the user's is not among them.
fn shrinking(parts: &[Part], whole: &Laid, bounds: Bounds) -> Vec<usize> {
    let all = whole.own_links();
    let keeps_links = |index: usize| {
        let mut without = parts.to_vec();
        if let Some(part) = without.get_mut(index) {
            part.text.clear();
        }
        assemble(&without, bounds).is_some_and(|laid| laid.own_links() == all)
    };
    let mut order: Vec<(u8, Reverse<u32>, usize)> = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let Kind::Feed { shrink } = part.kind else { continue };
        if all.is_empty() || keeps_links(index) {
            let length = bounds.rules.weigh.length(&part.text);
            order.push((shrink.unwrap_or(u8::MAX), Reverse(length), index));
        }
    }
    order.sort_unstable();
    order.into_iter().map(|(_, _, index)| index).collect()
}
