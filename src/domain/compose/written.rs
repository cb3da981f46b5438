//! A person's own text, held to the same rules as a composed one.
//!
//! Promises: what is sound keeps to the platform's limit, shows something, and has no control
//! character, no hidden one and no blank line; what the person wrote to be seen, mentions among it,
//! stays as it is. Must not: shorten anything.

use thiserror::Error;

use super::Rules;
use crate::domain::defuse::SPACER;
use crate::domain::links::links;
use crate::domain::visible;

/// Bytes of a text that are looked at: no platform takes a tenth of it.
const BYTES_MAX: usize = 1024 * 1024;

/// Why a text can't be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Flaw {
    /// There is nothing to see.
    #[error("the text is empty; to leave the post out, skip it")]
    Empty,
    /// It is longer than the platform allows.
    #[error(
        "the text is {length} long, and {limit} is the limit: shorten it by {}",
        length - limit
    )]
    TooLong {
        /// Its length, as the platform counts.
        length: u32,
        /// The longest that is allowed.
        limit: u32,
    },
}

/// A text as it would be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The text: NFC, white space folded, without blank lines and hidden characters.
    pub text: String,
    /// Its length, as the platform counts.
    pub weighted_length: u32,
    /// The longest that is allowed.
    pub limit: u32,
    /// Whether X will see a link in it.
    pub has_link: bool,
    /// Why it can't be sent; `None` where it can.
    pub flaw: Option<Flaw>,
}

/// What becomes of a person's text under the rules of a platform.
pub fn written(text: &str, rules: Rules) -> Written {
    let limit = rules.limit;
    if text.len() > BYTES_MAX {
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let flaw = Some(Flaw::TooLong { length, limit });
        return Written {
            text: String::new(),
            weighted_length: length,
            limit,
            has_link: false,
            flaw,
        };
    }
    let lines = text.split(['\n', '\r', '\u{2028}', '\u{2029}']);
    // The spacers are ours: they keep what the feed wrote from having effects.
    let lines = lines.map(|line| visible::tidy_but(line, SPACER));
    let lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
    let text = lines.join("\n");
    let weighted_length = rules.weigh.length(&text);
    let flaw = if text.is_empty() {
        Some(Flaw::Empty)
    } else if weighted_length > limit {
        Some(Flaw::TooLong { length: weighted_length, limit })
    } else {
        None
    };
    Written { weighted_length, limit, has_link: !links(&text).is_empty(), flaw, text }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::compose::rules_of;

    fn on_x(text: &str) -> Written {
        written(text, rules_of("twitter"))
    }

    #[test]
    fn a_persons_text_is_held_to_the_rules_of_composed_ones() {
        let table = [
            ("Plain words", "Plain words", 11, false),
            (" Two  words \r\n\r\n\tand a line ", "Two words\nand a line", 20, false),
            ("Hello @anna", "Hello @anna", 11, false),
            ("See example.com", "See example.com", 27, true),
            ("a\u{7}b\u{202E}c", "abc", 3, false),
            ("kept @\u{200B}name", "kept @\u{200B}name", 12, false),
            ("e\u{301}", "é", 1, false),
        ];
        for (text, sent, length, has_link) in table {
            let found = on_x(text);
            assert_eq!((found.text.as_str(), found.weighted_length), (sent, length), "{text:?}");
            assert_eq!((found.has_link, found.flaw), (has_link, None), "{text:?}");
        }
    }

    #[test]
    fn a_flaw_says_length_and_limit() {
        for empty in ["", " \n ", "\u{200B}", "\u{7}"] {
            assert_eq!(on_x(empty).flaw, Some(Flaw::Empty), "{empty:?}");
        }
        let long = on_x(&"x".repeat(300));
        assert_eq!(long.flaw, Some(Flaw::TooLong { length: 300, limit: 280 }));
        let said = long.flaw.map(|flaw| flaw.to_string());
        assert_eq!(
            said.as_deref(),
            Some("the text is 300 long, and 280 is the limit: shorten it by 20")
        );
        assert!(on_x(&"x".repeat(BYTES_MAX + 1)).flaw.is_some());
        assert_eq!(written(&"x".repeat(300), rules_of("bluesky")).flaw, None);
    }

    proptest! {
        #[test]
        fn what_is_sound_stays_as_it_is(text in "(\\PC|[ \n\r\t\u{0}\u{200B}\u{202E}@.a]){0,60}") {
            let once = on_x(&text);
            prop_assert_eq!(&on_x(&once.text).text, &once.text);
            prop_assert!(!once.text.contains("\n\n"));
            prop_assert!(once.text.chars().all(|sign| sign == '\n' || !sign.is_control()));
        }
    }
}
