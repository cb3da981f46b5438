//! Where domains begin and end.
//!
//! Promises: the longest domain that X sees at a place, in time linear over all places. Must not: know
//! what stands before a domain or behind it.

use std::ops::Range;

use super::super::tlds;
use super::units::{
    ACCENTED, is, is_alphanumeric, is_any_of, is_folded, is_label_unit, lies_in, run,
};

/// Finds domains, and remembers the label and the chain of labels that it looked at last: starts
/// come in rising order, so that each code unit is looked at a few times at most.
pub(super) struct Domains<'a> {
    units: &'a [u16],
    label: Label,
    chain: Chain,
}

/// A run of what labels are made of, and where it ends.
#[derive(Clone, Copy, Default)]
struct Label {
    from: usize,
    /// The first code unit behind it.
    end: usize,
    /// Its last underscore.
    underscore: Option<usize>,
    /// Where the top-level domain ends that follows it, if a dot and one do.
    domain_end: Option<usize>,
}

/// Whole labels that follow each other.
#[derive(Clone, Copy, Default)]
struct Chain {
    /// The dots that it spans, first and last.
    dots: Option<(usize, usize)>,
    /// The last dot in it that a top-level domain follows, and that domain's end.
    best: Option<(usize, usize)>,
}

impl<'a> Domains<'a> {
    /// Nothing looked at yet.
    pub(super) fn new(units: &'a [u16]) -> Self {
        Self { units, label: Label::default(), chain: Chain::default() }
    }

    /// The text that it looks at.
    pub(super) fn units(&self) -> &'a [u16] {
        self.units
    }

    /// Where the longest domain ends that starts at `start`.
    pub(super) fn domain_end(&mut self, start: usize) -> Option<usize> {
        if start < self.label.from || start >= self.label.end {
            self.label = self.label_at(start);
        }
        let label = self.label;
        if !is_label(self.units, start, label.end) || !self.is_dot(label.end) {
            return None;
        }
        let further = self.chain_from(label.end).best;
        match further {
            Some((dot, end)) if dot > label.end => Some(end),
            Some(_) | None => label
                .domain_end
                .filter(|_| label.underscore.is_none_or(|underscore| underscore < start)),
        }
    }

    fn is_dot(&self, at: usize) -> bool {
        self.units.get(at).is_some_and(|unit| is(*unit, b'.'))
    }

    fn label_at(&self, from: usize) -> Label {
        let end = run(self.units, from, |unit| is_label_unit(unit) || is_any_of(unit, b"-_"));
        let whole = self.units.get(from..end).unwrap_or_default();
        let underscore = whole.iter().rposition(|unit| is(*unit, b'_'));
        let domain_end = self.is_dot(end).then(|| top_level_end(self.units, end + 1)).flatten();
        Label { from, end, underscore: underscore.map(|offset| from + offset), domain_end }
    }

    /// The chain of whole labels behind the dot at `dot`.
    fn chain_from(&mut self, dot: usize) -> Chain {
        if self.chain.dots.is_some_and(|(first, last)| (first..=last).contains(&dot)) {
            return self.chain;
        }
        let (mut last, mut best) = (dot, None);
        loop {
            let label = self.label_at(last + 1);
            if !is_label(self.units, last + 1, label.end) || !self.is_dot(label.end) {
                break;
            }
            last = label.end;
            if label.underscore.is_none()
                && let Some(end) = label.domain_end
            {
                best = Some((last, end));
            }
        }
        self.chain = Chain { dots: Some((dot, last)), best };
        self.chain
    }
}

/// Whether the code units between are a label: not empty, neither hyphen nor underscore at its ends.
fn is_label(units: &[u16], start: usize, end: usize) -> bool {
    let label = units.get(start..end).unwrap_or_default();
    let is_end = |unit: Option<&u16>| unit.is_some_and(|unit| is_label_unit(*unit));
    is_end(label.first()) && is_end(label.last())
}

/// Where the top-level domain ends that starts at `from`: a known one, or one in punycode.
fn top_level_end(units: &[u16], from: usize) -> Option<usize> {
    let rest = units.get(from..)?;
    let length = tlds::length_at(rest).or_else(|| {
        let prefix = rest.get(..4)?;
        let is_prefix = prefix.iter().zip(b"xn--").all(|(unit, byte)| is_folded(*unit, *byte));
        let end = run(rest, 4, |unit| is_alphanumeric(unit) || is(unit, b'-'));
        (is_prefix && end > 4).then_some(end)
    })?;
    Some(from + length)
}

/// The parts of a domain that hold only ASCII and accented Latin letters and end in a top-level
/// domain.
pub(super) fn latin_domains(domain: &[u16]) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut at = 0;
    while at < domain.len() {
        let start = at;
        let mut best = None;
        loop {
            let end = run(domain, at, |unit| {
                is_alphanumeric(unit) || is(unit, b'-') || lies_in(unit, ACCENTED)
            });
            if end == at || !domain.get(end).is_some_and(|unit| is(*unit, b'.')) {
                at = end + 1;
                break;
            }
            at = end + 1;
            best = top_level_end(domain, at).or(best);
        }
        if let Some(end) = best {
            parts.push(start..end);
            at = end;
        }
    }
    parts
}
