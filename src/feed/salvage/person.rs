//! The name in what a feed says of a person.
//!
//! Promises: a mail address never comes out as a name. Must not: guess at names.

use super::capture::tidy;

/// How long a name may be, in characters; longer ones are cut.
const NAME_MAX: usize = 200;

/// How many authors of a whole feed its items take over. Each of thousands of items has a copy.
pub(in crate::feed) const FEED_AUTHORS_MAX: usize = 4;

/// The pairs of brackets that stand around a name or an address.
const BRACKETS: [(char, char); 4] = [('(', ')'), ('<', '>'), ('[', ']'), ('（', '）')];

/// The name: `jane@site.example (Jane)`, `Jane <jane@site.example>` and plain `Jane` are all Jane.
/// `None` when there is an address alone.
pub(in crate::feed) fn name(text: &str) -> Option<String> {
    let text = tidy(text);
    let rest = match address(&text) {
        None => text,
        Some((before, after)) => {
            let rest = format!("{before} {after}").replace("mailto:", "");
            let rest = BRACKETS.iter().fold(rest, |rest, (open, close)| {
                rest.replace(&format!("{open} {close}"), "").replace(&format!("{open}{close}"), "")
            });
            unwrapped(rest.trim().trim_end_matches([',', ';', ':']).trim_end()).to_owned()
        }
    };
    let name = rest.split_whitespace().collect::<Vec<_>>().join(" ");
    let name: String = name.chars().take(NAME_MAX).collect();
    Some(name).filter(|name| !name.is_empty())
}

/// What stands before and behind the first mail address.
fn address(text: &str) -> Option<(&str, &str)> {
    let inside = |c: char| c.is_ascii_alphanumeric() || ".-_+%".contains(c);
    text.match_indices('@').find_map(|(at, _)| {
        let (head, tail) = (text.get(..at)?, text.get(at + 1..)?);
        let before = head.trim_end_matches(inside);
        let after = tail.trim_start_matches(inside);
        let host = tail.strip_suffix(after)?;
        (before.len() < head.len() && host.trim_matches('.').contains('.'))
            .then_some((before, after))
    })
}

fn unwrapped(text: &str) -> &str {
    BRACKETS
        .iter()
        .find_map(|(open, close)| text.strip_prefix(*open)?.strip_suffix(*close))
        .unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_from_an_address() {
        for (text, expected) in [
            ("Jane Doe", Some("Jane Doe")),
            (" Jane\n  Doe ", Some("Jane Doe")),
            ("jane@site.example (Jane Doe)", Some("Jane Doe")),
            ("Jane Doe <jane@site.example>", Some("Jane Doe")),
            ("Jane (ACME) <mailto:jane@site.example>", Some("Jane (ACME)")),
            ("jane@site.example", None),
            ("<jane@site.example>", None),
            ("jane@site.example Jane", Some("Jane")),
            ("张三（zhang@site.example）", Some("张三")),
            ("zhang@site.example（张三）", Some("张三")),
            ("Jane (jane@site.example)", Some("Jane")),
            ("@jane", Some("@jane")),
            ("jane@home", Some("jane@home")),
            ("", None),
            (&"x".repeat(1000), Some("x".repeat(200).as_str())),
        ] {
            assert_eq!(name(text).as_deref(), expected, "{text}");
        }
    }
}
