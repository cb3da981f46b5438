//! How long a text is for X, by twitter-text's published configuration v3.
//!
//! Promises: exactly the weighted length of the official implementation, and never less. Must not:
//! know of limits or shorten anything.

use std::ops::RangeInclusive;

use unicode_normalization::UnicodeNormalization;

use super::{emoji, links};

/// What a link weighs, however long it is (`transformedURLLength`).
pub const LINK_WEIGHT: u32 = 23;

/// What a character weighs outside of [`LIGHT`], and a whole emoji sequence (`defaultWeight`).
const HEAVY_WEIGHT: u32 = 2;

/// The characters that weigh 1 (`ranges`): the alphabets up to Georgian, thin spaces and joiners,
/// dashes and quotation marks, primes.
const LIGHT: [RangeInclusive<char>; 4] = [
    '\u{0000}'..='\u{10FF}',
    '\u{2000}'..='\u{200D}',
    '\u{2010}'..='\u{201F}',
    '\u{2032}'..='\u{2037}',
];

/// The weighted length: NFC first, then 23 for each link, 2 for each emoji sequence, and 1 or 2 for
/// each other character.
pub fn weighted_length(text: &str) -> u32 {
    let text: String = text.nfc().collect();
    let chars: Vec<char> = text.chars().collect();
    let mut links = links::found(&text).into_iter().peekable();
    let (mut weight, mut index, mut byte) = (0_u32, 0, 0);
    while let Some(rest) = chars.get(index..).filter(|rest| !rest.is_empty()) {
        let (length, added) = if let Some(link) = links.next_if(|link| link.range.start <= byte) {
            let linked = text.get(byte..link.range.end).unwrap_or_default();
            let uncounted = u32::try_from(link.uncounted).unwrap_or(u32::MAX);
            let beside = uncounted.saturating_mul(HEAVY_WEIGHT);
            (linked.chars().count(), beside.saturating_add(LINK_WEIGHT))
        } else if let Some(length) = emoji::sequence_length(rest) {
            (length, HEAVY_WEIGHT)
        } else {
            (1, rest.first().copied().map_or(0, of_char))
        };
        weight = weight.saturating_add(added);
        byte += rest.iter().take(length).map(|sign| sign.len_utf8()).sum::<usize>();
        index += length;
    }
    weight
}

/// What one character weighs that is part of neither a link nor an emoji sequence.
fn of_char(sign: char) -> u32 {
    if LIGHT.iter().any(|range| range.contains(&sign)) { 1 } else { HEAVY_WEIGHT }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_weigh_one_or_two() {
        assert_eq!(weighted_length(""), 0);
        assert_eq!(weighted_length("Grüße, ქართული"), 14);
        assert_eq!(weighted_length("日本語"), 6);
        assert_eq!(weighted_length("“a” – b…"), 9);
        assert_eq!(weighted_length("a\u{200B}b"), 3);
        assert_eq!(weighted_length("a\u{2060}b"), 4);
        assert_eq!(weighted_length("e\u{301}"), 1);
    }

    #[test]
    fn links_weigh_the_same_however_long() {
        assert_eq!(weighted_length("docs.rs"), 23);
        assert_eq!(weighted_length("see main.rs and foo.md"), 55);
        assert_eq!(weighted_length(&format!("https://a.com/{}", "b".repeat(900))), 23);
        assert_eq!(weighted_length("(https://a.com/b)!"), 26);
    }

    #[test]
    fn an_emoji_sequence_weighs_two() {
        assert_eq!(weighted_length("👨‍👩‍👧‍👦🇩🇪🇫🇷1️⃣👍🏽"), 10);
        assert_eq!(weighted_length("🧑‍💻"), 5);
        assert_eq!(weighted_length("😀docs.rs😀"), 27);
    }

    #[test]
    fn hostile_text_ends() {
        for piece in ["a", "1", "👨‍👩‍👧‍👦", "🇩", "\u{200D}", "e\u{301}", "a.com "]
        {
            let count = 1_000_000 / piece.len();
            let weight = weighted_length(&piece.repeat(count));
            assert!(weight >= u32::try_from(count).expect("a small number"), "{piece}");
        }
    }
}
