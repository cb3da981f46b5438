//! Emoji that X counts as one, by the tables that twitter-text reads (Unicode 11).
//!
//! Promises: a sequence is taken for one emoji only where the official implementation does so;
//! newer sequences are left in their parts, which count more. Must not: know of weights or links.

use tables::{
    CHILDREN, FLAGS, PARENTS, SEXED, SEXED_IF_STYLED, SINGLE_SEQUENCES, STYLED, STYLED_TRADES,
    TAGGED, TONED, TRADES, lies_in,
};

mod tables;

const JOINER: char = '\u{200D}';
const EMOJI_STYLE: char = '\u{FE0F}';
const KEYCAP: char = '\u{20E3}';
const BLACK_FLAG: char = '🏴';

/// How many characters of the start of `rest` are one emoji sequence. `None` for a single
/// character, emoji or not: it weighs the same either way.
pub fn sequence_length(rest: &[char]) -> Option<usize> {
    let first = *rest.first()?;
    joined(first, rest)
        .or_else(|| keycap(first, rest))
        .or_else(|| flag(first, rest))
        .or_else(|| dressed(first, rest))
}

/// Sequences held together by U+200D.
fn joined(first: char, rest: &[char]) -> Option<usize> {
    trade(first, rest)
        .or_else(|| sexed(first, rest))
        .or_else(|| couple(first, rest))
        .or_else(|| family(first, rest))
        .or_else(|| {
            SINGLE_SEQUENCES.iter().find_map(|sequence| {
                let length = sequence.chars().count();
                (rest.len() >= length && sequence.chars().eq(rest.iter().copied().take(length)))
                    .then_some(length)
            })
        })
}

/// A man or a woman, perhaps with a skin tone, in a trade.
fn trade(first: char, rest: &[char]) -> Option<usize> {
    let joiner = 1 + usize::from(is_tone(rest.get(1)));
    let sign = *rest.get(joiner + 1)?;
    if !matches!(first, '👨' | '👩') || rest.get(joiner) != Some(&JOINER) {
        return None;
    }
    if STYLED_TRADES.contains(&sign) {
        (rest.get(joiner + 2) == Some(&EMOJI_STYLE)).then_some(joiner + 3)
    } else {
        lies_in(sign, TRADES).then_some(joiner + 2)
    }
}

/// Somebody with a joined sign of sex, which the sign of emoji style has to follow.
fn sexed(first: char, rest: &[char]) -> Option<usize> {
    let is_toned = is_tone(rest.get(1));
    let is_styled = is_toned || rest.get(1) == Some(&EMOJI_STYLE);
    let joiner = if lies_in(first, SEXED) && (!is_toned || lies_in(first, TONED)) {
        1 + usize::from(is_toned)
    } else if lies_in(first, SEXED_IF_STYLED) && is_styled {
        2
    } else {
        return None;
    };
    let is_sign = matches!(rest.get(joiner + 1), Some('♀' | '♂'));
    (rest.get(joiner) == Some(&JOINER) && is_sign && rest.get(joiner + 2) == Some(&EMOJI_STYLE))
        .then_some(joiner + 3)
}

/// Two in love, with a heart or a kiss between.
fn couple(first: char, rest: &[char]) -> Option<usize> {
    let is_heart = matches!(rest, [_, JOINER, '❤', EMOJI_STYLE, JOINER, ..]);
    let is_kiss = matches!(rest.get(5..7), Some(['💋', JOINER]));
    let partner = if is_kiss { 7 } else { 5 };
    let fits = match (first, rest.get(partner)) {
        ('👨', Some('👨')) | ('👩', Some('👨' | '👩')) => true,
        (_, _) => false,
    };
    (is_heart && fits).then_some(partner + 1)
}

/// One or two parents and one or two children.
fn family(first: char, rest: &[char]) -> Option<usize> {
    let second = after_joiner(rest, 1);
    let has_two = second.is_some_and(|second| PARENTS.contains(&(first, second)));
    if !has_two && !matches!(first, '👨' | '👩') {
        return None;
    }
    let at = if has_two { 3 } else { 1 };
    let elder = after_joiner(rest, at).filter(|child| matches!(child, '👦' | '👧'))?;
    let has_younger =
        after_joiner(rest, at + 2).is_some_and(|younger| CHILDREN.contains(&(elder, younger)));
    Some(if has_younger { at + 4 } else { at + 2 })
}

/// The character behind a joiner at `at`.
fn after_joiner(rest: &[char], at: usize) -> Option<char> {
    (rest.get(at) == Some(&JOINER)).then(|| rest.get(at + 1).copied()).flatten()
}

/// A digit, `#` or `*` on a key.
fn keycap(first: char, rest: &[char]) -> Option<usize> {
    if !matches!(first, '#' | '*' | '0'..='9') {
        return None;
    }
    let cap = 1 + usize::from(rest.get(1) == Some(&EMOJI_STYLE));
    (rest.get(cap) == Some(&KEYCAP)).then_some(cap + 1)
}

/// The flag of a country or of a part of Great Britain.
fn flag(first: char, rest: &[char]) -> Option<usize> {
    if first == BLACK_FLAG {
        let tags: String = rest.iter().skip(1).take(6).filter_map(|tag| untagged(*tag)).collect();
        return tags.strip_suffix('\u{7F}').is_some_and(|name| TAGGED.contains(&name)).then_some(7);
    }
    let (one, two) = (regional(first)?, regional(*rest.get(1)?)?);
    FLAGS.iter().any(|(letter, others)| *letter == one && others.contains(two)).then_some(2)
}

/// The ASCII character that a tag character stands for.
fn untagged(tag: char) -> Option<char> {
    u32::from(tag).checked_sub(0xE0000).and_then(char::from_u32).filter(char::is_ascii)
}

/// The letter that a regional indicator stands for.
fn regional(sign: char) -> Option<char> {
    let offset = u32::from(sign).checked_sub(0x1F1E6)?;
    char::from_u32(u32::from('A') + offset).filter(char::is_ascii_uppercase)
}

/// One emoji with the sign of emoji style, a skin tone, or both.
fn dressed(first: char, rest: &[char]) -> Option<usize> {
    let is_styled = lies_in(first, STYLED) && rest.get(1) == Some(&EMOJI_STYLE);
    let tone = if is_styled { 2 } else { 1 };
    let is_toned = lies_in(first, TONED) && is_tone(rest.get(tone));
    (is_styled || is_toned).then_some(tone + usize::from(is_toned))
}

fn is_tone(sign: Option<&char>) -> bool {
    matches!(sign, Some('🏻'..='🏿'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(text: &str) -> Option<usize> {
        sequence_length(&text.chars().collect::<Vec<_>>())
    }

    #[test]
    fn sequences_are_taken_whole() {
        for text in [
            "👨‍👩‍👧‍👦",
            "👩‍👦",
            "👩‍❤️‍💋‍👨",
            "👨‍❤️‍👨",
            "👩🏽‍🚀",
            "👨‍⚕️",
            "🏃🏿‍♀️",
            "🕵️‍♂️",
            "🏳️‍🌈",
            "🏴‍☠️",
            "👁‍🗨",
            "🇩🇪",
            "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
            "1️⃣",
            "#⃣",
            "☝🏻",
            "✌️",
            "©️",
        ] {
            assert_eq!(length(text), Some(text.chars().count()), "{text}");
        }
    }

    #[test]
    fn what_came_later_or_is_none_stays_in_parts() {
        for text in ["🧑‍💻", "🇽🇽", "🏴󠁵󠁳󠁴󠁸󠁿", "👩‍👨‍👦", "a", "1", "😀", "©", ""]
        {
            assert_eq!(length(text), None, "{text}");
        }
        assert_eq!(length("👨‍👦‍👧"), Some(3));
    }
}
