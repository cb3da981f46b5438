//! What follows a domain in a link: path and query.
//!
//! Promises: ends where X ends the link, before the punctuation of the sentence around it. Must not:
//! know of domains.

use super::units::{is, is_alphanumeric, is_any_of, is_path_unit, may_end_path, run};

/// Where the path ends that starts at `from`, or `from` if none does.
pub(super) fn path_end(units: &[u16], from: usize) -> usize {
    if !units.get(from).is_some_and(|unit| is(*unit, b'/')) {
        return from;
    }
    let mut at = from + 1;
    let mut end = at;
    while let Some(unit) = units.get(at).copied() {
        if is_path_unit(unit) {
            at += 1;
            if may_end_path(unit) {
                end = at;
            }
        } else if let Some(behind) = parentheses_end(units, at) {
            at = behind;
            end = at;
        } else {
            break;
        }
    }
    end
}

/// Where a parenthesis closes that opens at `from`: something inside, at most one more pair.
pub(super) fn parentheses_end(units: &[u16], from: usize) -> Option<usize> {
    let is_at = |at: usize, sign: u8| units.get(at).is_some_and(|unit| is(*unit, sign));
    if !is_at(from, b'(') {
        return None;
    }
    let first = run(units, from + 1, is_path_unit);
    if is_at(first, b')') {
        return (first > from + 1).then_some(first + 1);
    }
    if !is_at(first, b'(') {
        return None;
    }
    let inner = run(units, first + 1, is_path_unit);
    if inner == first + 1 || !is_at(inner, b')') {
        return None;
    }
    let last = run(units, inner + 1, is_path_unit);
    is_at(last, b')').then_some(last + 1)
}

/// Where the query ends that starts at `from`, or `from` if none does.
pub(super) fn query_end(units: &[u16], from: usize) -> usize {
    if !units.get(from).is_some_and(|unit| is(*unit, b'?')) {
        return from;
    }
    let all = run(units, from + 1, |unit| {
        is_alphanumeric(unit) || is_any_of(unit, b"!?*'@();:&=+$/%#[]-_.,~|")
    });
    units
        .get(from + 1..all)
        .and_then(|query| {
            query.iter().rposition(|unit| is_alphanumeric(*unit) || is_any_of(*unit, b"-_&=#/"))
        })
        .map_or(from, |last| from + 1 + last + 1)
}

/// Where the port ends that starts at `from`, or `from` if none does.
pub(super) fn port_end(units: &[u16], from: usize) -> usize {
    if !units.get(from).is_some_and(|unit| is(*unit, b':')) {
        return from;
    }
    let digits = run(units, from + 1, |unit| (0x30..=0x39).contains(&unit));
    if digits > from + 1 { digits } else { from }
}
