//! Text as it is compared: one form for what a reader takes for the same words.
//!
//! Promises: capitals, width, ligatures, typographic apostrophes, vowel points and characters that
//! nobody sees make no difference; folding twice changes nothing; the time is linear. Must not: know
//! of markup, or guess at spelling.

use unicode_normalization::UnicodeNormalization;

/// Folds a text: compatibility form, no capitals, one space where there was white space.
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut space_due = false;
    for sign in text.nfkc().filter(|sign| !is_silent(*sign)) {
        if sign.is_whitespace() {
            space_due = !out.is_empty();
            continue;
        }
        if space_due {
            out.push(' ');
            space_due = false;
        }
        match sign {
            '’' | '‘' | 'ʼ' | '`' => out.push('\''),
            '“' | '”' | '„' | '«' | '»' => out.push('"'),
            '‐' | '‑' | '–' | '—' => out.push('-'),
            // Through the capital, so that ß meets SS, and both sigmas of Greek meet.
            _ => out.extend(sign.to_uppercase().flat_map(char::to_lowercase)),
        }
    }
    // Lower case may have left what composes differently: the dot of `İ`.
    out.nfkc().filter(|sign| !is_silent(*sign)).collect()
}

/// Characters that change how a word looks and not what it says.
const fn is_silent(sign: char) -> bool {
    matches!(
        sign,
        // Soft hyphen, zero-width signs, marks of direction, variation selectors.
        '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
        // Arabic vowel points and the stretching stroke; Hebrew points; the dot that `İ` leaves.
        | '\u{640}' | '\u{64B}'..='\u{652}' | '\u{670}' | '\u{5B0}'..='\u{5BC}' | '\u{307}'
    )
}

/// Whether a script puts no spaces between words, or hangs endings on them, so that a word can't be
/// told from its neighbours by where it ends.
pub const fn is_unspaced(sign: char) -> bool {
    matches!(
        sign,
        // Thai, Lao, Tibetan, Burmese, Khmer; kana; Han; Hangul.
        '\u{E00}'..='\u{FFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}'
        | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30FF}' | '\u{31F0}'..='\u{31FF}'
        | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{3FFFF}' | '\u{1100}'..='\u{11FF}' | '\u{AC00}'..='\u{D7AF}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_reader_takes_for_the_same_folds_to_the_same() {
        for (one, other) in [
            ("Straße", "STRASSE"),
            ("ΟΔΟΣ", "οδος"),
            ("ﬁnal", "FINAL"),
            ("ＡＩ　２０２６", "ai 2026"),
            ("Don’t", "don't"),
            ("e\u{301}t\u{e9}", "été"),
            ("مُحَمَّد", "محمد"),
            ("محـــمد", "محمد"),
            ("Fuß\u{AD}ball", "fussball"),
            ("İstanbul", "istanbul"),
            ("a \u{200B}\n\t b", "A B"),
            ("❤️", "❤"),
        ] {
            assert_eq!(fold(one), fold(other), "{one} {other}");
        }
        assert_ne!(fold("cafe"), fold("café"), "an accent is a letter's own");
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in "\\PC*") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }
    }
}
