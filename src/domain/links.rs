//! Where X turns text into links, by the published rules of twitter-text.
//!
//! Promises: the same links at the same places as the official implementation (npm `twitter-text`
//! 3.1.0), with and without a scheme, in time linear in the text. Must not: follow, fetch or judge
//! a link; know of weights or limits.
//!
//! The published rules are regular expressions over UTF-16 that back-track; here they are a scan. A
//! domain is labels joined by dots, and ends behind the last dot that a known top-level domain
//! follows. With a scheme a label may hold any script; without one, only the parts written in ASCII
//! and accented Latin letters are linked.

use std::ops::Range;

use domain::{Domains, latin_domains};
use path::{path_end, port_end, query_end};
use punycode::{LABEL_LENGTH_MAX, ascii_length};
use units::{NEVER_BEFORE, is, is_alphanumeric, is_any_of, is_folded, lies_in, run};

mod domain;
mod path;
mod punycode;
mod units;

/// The longest link in UTF-16 code units, its scheme counted twice (twitter-text,
/// `MAX_URL_LENGTH`).
const LINK_UNITS_MAX: usize = 4096;

/// The longest slug of a `t.co` address; with a longer one it is no link (twitter-text,
/// `MAX_TCO_SLUG_LENGTH`).
const SHORT_SLUG_MAX: usize = 40;

/// What a link without a scheme counts as, for [`LINK_UNITS_MAX`].
const ASSUMED_SCHEME_UNITS: usize = "https://".len();

/// The byte ranges that X links, in order and without overlap. The text is taken as it is: X itself
/// looks at the NFC form, so bring it into that form first.
pub fn links(text: &str) -> Vec<Range<usize>> {
    found(text).into_iter().map(|link| link.range).collect()
}

/// One link, with what counting needs to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where it lies, in bytes.
    pub range: Range<usize>,
    /// UTF-16 code units at its end that are counted beside it. Not zero only for a scheme-less
    /// link whose domain goes on in another script: the official count ends such a link too early.
    pub uncounted: usize,
}

/// As [`links`], with what counting needs.
pub fn found(text: &str) -> Vec<Found> {
    if !text.contains('.') {
        return Vec::new();
    }
    let units: Vec<u16> = text.encode_utf16().collect();
    let mut spans = Vec::new();
    let mut domains = Domains::new(&units);
    let mut at = 0;
    while at < units.len() {
        match link_from(&mut domains, at) {
            None => at += 1,
            Some(candidate) => {
                candidate.spans(&units, &mut spans);
                at = candidate.end;
            }
        }
    }
    in_bytes(text, &spans)
}

/// A link in UTF-16 code units.
struct Span {
    start: usize,
    end: usize,
    uncounted: usize,
}

/// Turns spans of code units into ranges of bytes, in one pass.
fn in_bytes(text: &str, spans: &[Span]) -> Vec<Found> {
    let mut ends = text.char_indices().map(|(byte, _)| byte).chain([text.len()]);
    let mut widths = text.chars().map(char::len_utf16);
    let (mut byte, mut unit) = (ends.next().unwrap_or(0), 0);
    let mut byte_of = |wanted: usize| {
        while unit < wanted {
            unit += widths.next().unwrap_or(1);
            byte = ends.next().unwrap_or(text.len());
        }
        byte
    };
    spans
        .iter()
        .map(|span| Found {
            range: byte_of(span.start)..byte_of(span.end),
            uncounted: span.uncounted,
        })
        .collect()
}

/// What the rules match at one place, before the checks that follow a match.
struct Candidate {
    /// The code unit in front of it, if it does not open the text.
    before: Option<u16>,
    start: usize,
    domain: Range<usize>,
    has_scheme: bool,
    has_path: bool,
    end: usize,
}

impl Candidate {
    /// Adds the links that this match gives: none, one, or several where a scheme-less domain mixes
    /// scripts.
    fn spans(&self, units: &[u16], spans: &mut Vec<Span>) {
        if !self.is_valid(units) {
            return;
        }
        if self.has_scheme {
            let end = match short_link(units, self.start, self.end) {
                ShortLink::No => self.end,
                ShortLink::Until(end) => end,
                ShortLink::TooLong => return,
            };
            spans.push(Span { start: self.start, end, uncounted: 0 });
            return;
        }
        if self.before.is_some_and(|unit| is_any_of(unit, b"-_./")) {
            return;
        }
        let first = spans.len();
        spans.extend(self.latin_domains(units));
        if spans.len() > first
            && self.has_path
            && let Some(last) = spans.last_mut()
        {
            last.uncounted = self.domain.end.saturating_sub(last.end);
            last.end = self.end;
        }
    }

    fn is_valid(&self, units: &[u16]) -> bool {
        let scheme =
            if self.has_scheme { self.domain.start - self.start } else { ASSUMED_SCHEME_UNITS };
        if scheme + (self.end - self.start) > LINK_UNITS_MAX {
            return false;
        }
        let domain = units.get(self.domain.clone()).unwrap_or_default();
        let is_punycode = domain.starts_with(&[0x78, 0x6E, 0x2D, 0x2D]);
        if is_punycode && latin_domains(domain).is_empty() {
            return false;
        }
        domain
            .split(|unit| is(*unit, b'.'))
            .all(|label| (1..=LABEL_LENGTH_MAX).contains(&ascii_length(label)))
    }

    /// The parts of a scheme-less domain that are linked. The official code searches each part's
    /// text from the end of the last one, so the first place with the same text is taken.
    fn latin_domains(&self, units: &[u16]) -> Vec<Span> {
        let domain = units.get(self.domain.clone()).unwrap_or_default();
        let mut from = 0;
        let mut spans = Vec::new();
        for part in latin_domains(domain) {
            let name = domain.get(part.clone()).unwrap_or_default();
            let rest = domain.get(from..).unwrap_or_default();
            let start = rest
                .windows(name.len())
                .position(|window| window == name)
                .map_or(part.start, |offset| from + offset);
            from = start + name.len();
            spans.push(Span {
                start: self.domain.start + start,
                end: self.domain.start + from,
                uncounted: 0,
            });
        }
        spans
    }
}

/// The link whose preceding character is at `at`, or which opens the text when `at` is 0.
fn link_from(domains: &mut Domains<'_>, at: usize) -> Option<Candidate> {
    let before = domains.units().get(at).copied()?;
    let behind =
        (!lies_in(before, NEVER_BEFORE)).then(|| link_at(domains, at + 1, Some(before))).flatten();
    if behind.is_none() && at == 0 { link_at(domains, 0, None) } else { behind }
}

/// The link that starts at `start`.
fn link_at(domains: &mut Domains<'_>, start: usize, before: Option<u16>) -> Option<Candidate> {
    let units = domains.units();
    let scheme = scheme_length(units.get(start..)?);
    let domain_start = start + scheme;
    let domain_end = domains.domain_end(domain_start)?;
    let port_end = port_end(units, domain_end);
    let path_end = path_end(units, port_end);
    let end = query_end(units, path_end);
    Some(Candidate {
        before,
        start,
        domain: domain_start..domain_end,
        has_scheme: scheme > 0,
        has_path: path_end > port_end,
        end,
    })
}

/// Whether a link is one of X's own short ones, which end behind their slug and query.
enum ShortLink {
    No,
    Until(usize),
    TooLong,
}

fn short_link(units: &[u16], start: usize, end: usize) -> ShortLink {
    let link = units.get(start..end).unwrap_or_default();
    let scheme = scheme_length(link);
    let host = link.get(scheme..).unwrap_or_default().iter().zip(b"t.co/");
    if host.len() < 5 || !host.into_iter().all(|(unit, byte)| is_folded(*unit, *byte)) {
        return ShortLink::No;
    }
    let slug = scheme + 5;
    let slug_end = run(link, slug, is_alphanumeric);
    if slug_end == slug {
        ShortLink::No
    } else if slug_end - slug > SHORT_SLUG_MAX {
        ShortLink::TooLong
    } else {
        ShortLink::Until(start + query_end(link, slug_end))
    }
}

/// The length of `http://` or `https://` at the start, in any case; otherwise 0.
fn scheme_length(units: &[u16]) -> usize {
    [b"https://".as_slice(), b"http://"]
        .into_iter()
        .find(|scheme| {
            units.len() >= scheme.len()
                && units.iter().zip(*scheme).all(|(unit, byte)| is_folded(*unit, *byte))
        })
        .map_or(0, <[u8]>::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Vec<&str> {
        links(text).into_iter().filter_map(|range| text.get(range)).collect()
    }

    #[test]
    fn names_that_look_like_domains_are_links() {
        assert_eq!(seen("Why main.rs is small"), ["main.rs"]);
        assert_eq!(seen("ASP.NET and Node.js, docs.rs"), ["ASP.NET", "docs.rs"]);
        assert_eq!(seen("v1.2.3, e.g. this. And that"), [""; 0]);
        assert_eq!(seen("日本語example.com日本語"), ["example.com"]);
        assert_eq!(seen("почта.рф and пример.com"), [""; 0]);
    }

    #[test]
    fn signs_in_front_keep_a_name_from_being_a_link() {
        for text in
            ["@foo.com", "#foo.com", "$foo.com", "a@foo.com", "-foo.com", "_foo.com", "/foo.com"]
        {
            assert_eq!(seen(text), [""; 0], "{text}");
        }
        assert_eq!(seen("(foo.com)"), ["foo.com"]);
        assert_eq!(seen("\"foo.com\""), ["foo.com"]);
        assert_eq!(seen("😀foo.com"), ["foo.com"]);
    }

    #[test]
    fn a_link_ends_before_the_punctuation_behind_it() {
        assert_eq!(seen("see https://a.com/b(c)d, or"), ["https://a.com/b(c)d"]);
        assert_eq!(seen("(https://a.com/b)"), ["https://a.com/b"]);
        assert_eq!(seen("https://a.com/?q=1&r=!"), ["https://a.com/?q=1&r="]);
        assert_eq!(seen("https://a.com/a((b))c(d)?"), ["https://a.com/a((b))c(d)"]);
        assert_eq!(seen("https://a.com:80/ü/–"), ["https://a.com:80/ü/"]);
        assert_eq!(seen("https://a.com/日本"), ["https://a.com/"]);
    }

    #[test]
    fn labels_and_links_have_a_longest_length() {
        let label = "a".repeat(63);
        assert_eq!(seen(&format!("{label}.com")).len(), 1);
        assert_eq!(seen(&format!("a{label}.com")).len(), 0);
        let path = "a".repeat(4096 - 16 - "a.com/".len());
        assert_eq!(seen(&format!("https://a.com/{path}")).len(), 1);
        assert_eq!(seen(&format!("https://a.com/{path}a")).len(), 0);
    }

    #[test]
    fn hostile_text_ends() {
        for piece in [
            "a.",
            "a_.",
            "http://",
            "a.com",
            "a-",
            "(",
            "a.com/(((",
            "한.",
            "xn--",
            ".com",
            "@a.com ",
        ] {
            let text = piece.repeat(1_000_000 / piece.len());
            let found = links(&text);
            assert!(found.is_sorted_by(|one, other| one.end <= other.start), "{piece}");
        }
    }
}
