//! A text without its links, for when the money does not reach for them.
//!
//! Promises: X sees no link in what comes out, and something is left to read. Must not: know of
//! budgets or prices.

use super::links::links;

/// The text without any link, and without the lines and spaces that stood for them alone; `None`
/// where nothing is left to say.
pub fn linkless(text: &str) -> Option<String> {
    let mut bare = text.to_owned();
    // What stood on both sides of a link may be one when put together.
    while let Some(link) = links(&bare).pop() {
        let (head, tail) = (bare.get(..link.start)?, bare.get(link.end..)?);
        bare = format!("{head} {tail}");
    }
    let lines = bare.lines().map(|line| line.split(' ').filter(|word| !word.is_empty()));
    let lines = lines.map(|words| words.collect::<Vec<_>>().join(" "));
    let bare = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    let says_something = bare.chars().any(char::is_alphanumeric) && links(&bare).is_empty();
    says_something.then_some(bare)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_link_goes_and_the_words_stay() {
        let table = [
            ("A title\nhttps://example.com/a", Some("A title")),
            ("See example.com for more\nhttps://example.com", Some("See for more")),
            ("https://example.com/a\nA title", Some("A title")),
            ("Two https://a.example.com https://b.example.com links", Some("Two links")),
            ("Nothing to leave out", Some("Nothing to leave out")),
            ("https://example.com/a", None),
            ("→ https://example.com/a", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(linkless(text).as_deref(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_link_is_left(text in "([a-z.:/ \n]|https://|example\\.com|é|\u{1f600}){0,40}") {
            if let Some(bare) = linkless(&text) {
                prop_assert!(links(&bare).is_empty());
                prop_assert_eq!(linkless(&bare), Some(bare));
            }
        }
    }
}
