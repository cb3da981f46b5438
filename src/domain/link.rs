//! The link of an entry, made such that X takes all of it and nothing else.
//!
//! Promises: what comes out is seen by [`links()`] as one link from its first to its last byte, or as
//! none at all; it leads where the published one leads. Must not: shorten, follow or judge it.

use std::fmt::Write as _;

use unicode_normalization::is_nfc;
use url::Url;

use super::links::links;
use super::visible;
pub use query::tagged;

mod query;

/// The longest link that is looked at, in bytes; X links none over 4,096 code units.
const LINK_BYTES_MAX: usize = 8_192;

/// What a browser takes no notice of within an address.
const SKIPPED: [char; 3] = ['\t', '\n', '\r'];

/// How much of a link is percent-encoded, from as little as can be to all that can be.
const ENCODINGS: [fn(char) -> bool; 4] = [
    |sign| !visible::shows(sign) || matches!(sign, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '}'),
    |sign| {
        !sign.is_ascii_graphic() || matches!(sign, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '}')
    },
    |sign| {
        !(sign.is_ascii_alphanumeric()
            || matches!(
                sign,
                '/' | '?' | '#' | '=' | '&' | '%' | '-' | '_' | '.' | '+' | ':' | '@' | ',' | ';'
            ))
    },
    |sign| {
        !(sign.is_ascii_alphanumeric() || matches!(sign, '/' | '#' | '=' | '&' | '%' | '-' | '_'))
    },
];

/// The link as it goes into a text. `None` if it is no http(s) address, or if X would link only a
/// part of it however it is written.
pub fn whole(link: &str) -> Option<String> {
    // An empty query leads nowhere else, and X leaves its sign outside of the link.
    let link = link.trim_matches(no_part_of_it).trim_end_matches('?');
    if link.len() > LINK_BYTES_MAX {
        return None;
    }
    let mut url = Url::parse(link).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    // Nobody's credentials go into a post.
    let has_user = !url.username().is_empty() || url.password().is_some();
    if has_user && (url.set_username("").is_err() || url.set_password(None).is_err()) {
        return None;
    }
    let is_clean = visible::tidy(split(link).0) == split(link).0 && !link.contains(SKIPPED);
    let as_published = (!has_user && has_scheme(link) && is_clean).then(|| link.to_owned());
    let candidates = as_published.into_iter().chain([String::from(url)]);
    let mut without_link = None;
    for candidate in candidates {
        for must_encode in ENCODINGS {
            let written = encoded(&candidate, must_encode);
            let seen = links(&written);
            if !is_nfc(&written) {
                continue;
            }
            if matches!(seen.as_slice(), [all] if *all == (0..written.len())) {
                return Some(written);
            }
            if seen.is_empty() {
                without_link.get_or_insert(written);
            }
        }
    }
    without_link
}

/// What a browser takes no notice of before and behind an address.
fn no_part_of_it(sign: char) -> bool {
    sign <= ' ' || sign.is_whitespace()
}

/// A link up to its host and port, and what is behind.
fn split(link: &str) -> (&str, &str) {
    let host = link.find("://").map_or(0, |at| at + 3);
    let tail = link.get(host..).and_then(|rest| rest.find(['/', '?', '#']));
    link.split_at_checked(tail.map_or(link.len(), |at| host + at)).unwrap_or((link, ""))
}

/// Whether a text starts like an address that a browser would not have to repair.
fn has_scheme(link: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| {
        link.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })
}

/// A link with some characters behind its host percent-encoded, as bytes of UTF-8.
fn encoded(link: &str, must_encode: fn(char) -> bool) -> String {
    let (head, tail) = split(link);
    let mut written = head.to_owned();
    let mut in_query = false;
    for sign in tail.chars() {
        let starts_query = sign == '?' && !in_query;
        in_query |= starts_query;
        if starts_query || !must_encode(sign) {
            written.push(sign);
        } else if sign == '+' && in_query {
            // In a query it stands for a space.
            written.push_str("%20");
        } else {
            let mut bytes = [0; 4];
            for byte in sign.encode_utf8(&mut bytes).bytes() {
                // Writing to a string does not fail.
                write!(written, "%{byte:02X}").unwrap_or_default();
            }
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_link_stays_as_it_is() {
        for link in [
            "https://example.com/a?b=c&d=e#f",
            "http://пример.рф/путь",
            "https://en.wikipedia.org/wiki/Rust_(language)",
            "HTTPS://Example.com",
        ] {
            assert_eq!(whole(link).as_deref(), Some(link));
        }
    }

    #[test]
    fn what_would_end_a_link_early_is_encoded() {
        for (link, written) in [
            ("https://example.com/a b", "https://example.com/a%20b"),
            ("https://example.com/what?", "https://example.com/what"),
            ("https://example.com/?a=b+c?", "https://example.com/?a=b+c"),
            ("https://example.com/?a?!b+c?d+", "https://example.com/?a%3F%21b%20c%3Fd%20"),
            ("https://example.com/wow!", "https://example.com/wow%21"),
            ("https://example.com/a.", "https://example.com/a%2E"),
            ("https://example.com/日本", "https://example.com/%E6%97%A5%E6%9C%AC"),
            ("https://example.com/((a", "https://example.com/%28%28a"),
            ("https://example.com#top", "https://example.com/#top"),
            ("https://me:pw@example.com/a", "https://example.com/a"),
            ("https://example.com/a\u{202E}b\"<c>", "https://example.com/a%E2%80%AEb%22%3Cc%3E"),
            ("https://example.com/a\n\tb\u{18}", "https://example.com/ab"),
            ("https://exam\nple.com", "https://example.com/"),
            ("\u{0}https://example.com/a", "https://example.com/a"),
        ] {
            assert_eq!(whole(link).as_deref(), Some(written), "{link}");
        }
    }

    #[test]
    fn what_x_does_not_link_is_not_linked_in_part() {
        for link in ["http://localhost:80/a.com", "http://10.0.0.1/?u=b.com", "https://intranet/x"]
        {
            let written = whole(link).expect("a text");
            assert!(links(&written).is_empty(), "{written}");
        }
        // Found by fuzzing: where X makes no link, what can't be seen in a name went into the text.
        for link in ["https://blog.example/\u{18}", "https://blog.exa\u{200B}mple/"] {
            assert_eq!(whole(link).as_deref(), Some("https://blog.example/"), "{link:?}");
        }
        assert_eq!(whole("https://blog.\u{202E}example"), None);
        assert_eq!(whole("mailto:a@b.com"), None);
        assert_eq!(whole("javascript:alert(1)"), None);
        assert_eq!(whole("not a link"), None);
        assert_eq!(whole("https://foo.com.internal/"), None);
    }
}
