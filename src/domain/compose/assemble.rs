//! Parts → one text, and whether that is sound.
//!
//! Promises: no grapheme is made or changed where two parts meet; no blank line, no white space at
//! the ends; no link begins in a feed's words. Must not: shorten anything.

use std::ops::Range;

use unicode_normalization::is_nfc;
use unicode_segmentation::GraphemeCursor;

use super::platform::Rules;
use crate::domain::defuse::{SPACER, is_live, spaced};
use crate::domain::links::links;
use crate::domain::template::{Kind, Part};

/// Characters on each side of a seam that are looked at.
const SEAM_CHARS: usize = 64;

/// Behind the scheme of an address.
const SCHEME_END: &str = "://";

/// What a text has to keep to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Length and mentions.
    pub(super) rules: Rules,
    /// Whether there may be any link.
    pub(super) has_links: bool,
    /// Whether X makes a link of the entry's link.
    pub(super) is_linkable: bool,
}

/// A text, and whose its pieces are.
#[derive(Debug, Clone, Default)]
pub(super) struct Laid {
    /// The text.
    pub(super) text: String,
    spans: Vec<(Range<usize>, Kind)>,
}

/// How far parts are kept from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Distance {
    /// As they are.
    None,
    /// An invisible space behind a feed's words, a blank around the link.
    Seams,
    /// And invisible spaces behind the dots of a feed's words.
    Dots,
}

/// The parts as one sound text. `None` where that can't be.
pub(super) fn assemble(parts: &[Part], bounds: Bounds) -> Option<Laid> {
    [Distance::None, Distance::Seams, Distance::Dots]
        .into_iter()
        .map(|distance| lay(parts, bounds, distance))
        .find(|laid| laid.is_sound(bounds))
}

fn lay(parts: &[Part], bounds: Bounds, distance: Distance) -> Laid {
    let mut laid = Laid::default();
    let mut before = None;
    let mut due = None;
    for part in parts {
        let is_feeds = matches!(part.kind, Kind::Feed { .. } | Kind::Tags);
        let text = if distance == Distance::Dots && (is_feeds || !bounds.has_links) {
            spaced(&part.text)
        } else {
            part.text.clone()
        };
        let mut start = None;
        for (at, sign) in text.char_indices() {
            if matches!(sign, ' ' | '\n') {
                let is_line = due == Some('\n') || sign == '\n';
                due = (!laid.text.is_empty()).then_some(if is_line { '\n' } else { ' ' });
                continue;
            }
            let is_tight = due.is_none();
            laid.text.extend(due.take());
            if start.is_none() {
                let seam = Seam { before, kind: part.kind, is_tight, distance };
                let rest = text.get(at..).unwrap_or_default();
                laid.text.extend(seam.filling(&laid.text, rest, bounds));
                start = Some(laid.text.len());
            }
            laid.text.push(sign);
        }
        if let Some(start) = start {
            laid.spans.push((start..laid.text.len(), part.kind));
            before = Some(part.kind);
        }
    }
    laid
}

/// Where two parts meet.
struct Seam {
    before: Option<Kind>,
    kind: Kind,
    is_tight: bool,
    distance: Distance,
}

impl Seam {
    /// What has to stand between the text so far and the rest.
    fn filling(&self, so_far: &str, rest: &str, bounds: Bounds) -> Option<char> {
        let before = self.before?;
        let (last, next) = (so_far.chars().next_back()?, rest.chars().next()?);
        if self.is_tight && self.distance != Distance::None {
            if before == Kind::Link || self.kind == Kind::Link {
                return Some(' ');
            }
            // What the user began as an address may go on in the feed's words.
            let word = so_far.rsplit([' ', '\n']).next().unwrap_or_default();
            if before != Kind::Own || !word.contains(SCHEME_END) || !bounds.has_links {
                return Some(SPACER);
            }
        }
        let both_own = before == Kind::Own && self.kind == Kind::Own;
        let mentions = bounds.rules.allow_mentions || both_own;
        let is_live = self.is_tight && !both_own && is_live(last, next, mentions);
        (is_live || !holds(so_far, rest)).then_some(SPACER)
    }
}

/// Whether two texts can stand side by side without one changing the other.
fn holds(so_far: &str, rest: &str) -> bool {
    let start = so_far.char_indices().rev().nth(SEAM_CHARS - 1).map_or(0, |(at, _)| at);
    let mut around: String = so_far.get(start..).unwrap_or_default().to_owned();
    let seam = around.len();
    around.extend(rest.chars().take(SEAM_CHARS));
    let is_boundary = GraphemeCursor::new(seam, around.len(), true).is_boundary(&around, 0);
    is_boundary == Ok(true) && is_nfc(&around)
}

impl Laid {
    /// Whose the character at a byte is.
    fn kind_at(&self, at: usize) -> Option<Kind> {
        self.spans.iter().find(|(span, _)| span.contains(&at)).map(|(_, kind)| *kind)
    }

    /// Whether a link that begins in the user's words ends there, or begins as an address.
    fn is_meant(&self, link: &Range<usize>) -> bool {
        let goes_on = self.spans.iter().any(|(span, kind)| {
            *kind != Kind::Own && link.start < span.start && span.start < link.end
        });
        !goes_on || self.text.get(link.clone()).is_some_and(|text| text.contains(SCHEME_END))
    }

    fn is_sound(&self, bounds: Bounds) -> bool {
        let found = links(&self.text);
        let all_meant = found.iter().all(|link| match self.kind_at(link.start) {
            Some(Kind::Link) => self.spans.iter().any(|(span, _)| span == link),
            Some(Kind::Own) => {
                bounds.has_links
                    && self.is_meant(link)
                    && !self
                        .spans
                        .iter()
                        .any(|(span, kind)| *kind == Kind::Link && link.contains(&span.start))
            }
            Some(Kind::Feed { .. } | Kind::Tags) | None => false,
        });
        let all_there = self
            .spans
            .iter()
            .filter(|(_, kind)| *kind == Kind::Link)
            .all(|(span, _)| !bounds.is_linkable || found.contains(span));
        all_meant && all_there && is_nfc(&self.text)
    }

    /// The links that the user wrote.
    pub(super) fn own_links(&self) -> Vec<&str> {
        links(&self.text)
            .into_iter()
            .filter(|link| self.kind_at(link.start) == Some(Kind::Own))
            .filter_map(|link| self.text.get(link))
            .collect()
    }

    /// Whether there is anything to read beside the link and hashtags.
    pub(super) fn has_words(&self) -> bool {
        self.spans.iter().any(|(span, kind)| {
            matches!(kind, Kind::Own | Kind::Feed { .. })
                && self
                    .text
                    .get(span.clone())
                    .is_some_and(|text| text.chars().any(crate::domain::visible::shows))
        })
    }
}
