//! Which characters of a publisher's text may be seen by a reader.
//!
//! Promises: one line in NFC; no control character, nothing that hides text or turns its direction
//! around, white space folded; what Arabic, Hebrew, Indic scripts, flags and emoji need is kept. Must
//! not: know of markup.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Combining marks in a row that are kept. Real text needs fewer than ten; stacks of hundreds are
/// made to run over the lines above and below.
const MARKS_IN_A_ROW_MAX: usize = 16;

/// Tags in a flag between the black flag and the end tag: a country and its part (UTS 51, ED-14a).
const FLAG_TAGS_MAX: usize = 6;

const BLACK_FLAG: char = '🏴';
const END_TAG: char = '\u{E007F}';

/// One line of what can be seen of a text. Empty if nothing can.
pub fn tidy(text: &str) -> String {
    tidied(text, None)
}

/// As [`tidy`], but a hidden character that is one's own stays.
pub fn tidy_but(text: &str, own: char) -> String {
    tidied(text, Some(own))
}

fn tidied(text: &str, own: Option<char>) -> String {
    let mut line = String::with_capacity(text.len());
    let mut is_space_due = false;
    let mut marks = 0;
    let mut last = None;
    let mut rest = text;
    let mut signs = rest.chars();
    while let Some(sign) = signs.next() {
        rest = signs.as_str();
        if sign.is_whitespace() || sign == '\u{2800}' {
            is_space_due = !line.is_empty();
            continue;
        }
        marks = if is_combining_mark(sign) { marks + 1 } else { 0 };
        let is_dropped = is_hidden(sign) && Some(sign) != own;
        if is_dropped || marks > MARKS_IN_A_ROW_MAX || is_repeated_joiner(last, sign) {
            continue;
        }
        if is_space_due {
            line.push(' ');
            is_space_due = false;
        }
        line.push(sign);
        last = Some(sign);
        if sign == BLACK_FLAG {
            let tags = flag_tags(rest);
            line.extend(rest.chars().take(tags));
        }
    }
    if line.chars().any(shows) { line.nfc().collect() } else { String::new() }
}

/// Whether a character shows anything by itself.
pub fn shows(sign: char) -> bool {
    !(sign.is_whitespace()
        || is_hidden(sign)
        || is_mark_of_direction(sign)
        || is_joiner(sign)
        || is_combining_mark(sign))
}

/// Controls, non-characters, and characters of format that a title never needs: soft hyphen, zero
/// width space and word joiner, byte order mark, embeddings, overrides and isolates of direction,
/// fillers, annotation, musical and shorthand controls. Tag characters are among them; those of a
/// flag are kept by [`tidy`].
fn is_hidden(sign: char) -> bool {
    sign.is_control()
        || matches!(
            sign,
            '\u{AD}'
                | '\u{34F}'
                | '\u{3164}'
                | '\u{180B}'..='\u{180F}'
                | '\u{200B}'
                | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}'
                | '\u{FDD0}'..='\u{FDEF}'
                | '\u{FEFF}'
                | '\u{FFA0}'
                | '\u{FFF0}'..='\u{FFFC}'
                | '\u{1BCA0}'..='\u{1BCA3}'
                | '\u{1D173}'..='\u{1D17A}'
                | '\u{E0000}'..='\u{E00FF}'
                | '\u{E01F0}'..='\u{E0FFF}'
        )
        || u32::from(sign) & 0xFFFE == 0xFFFE
}

/// Marks that only tell on which side neutral signs belong; Arabic and Hebrew need them.
fn is_mark_of_direction(sign: char) -> bool {
    matches!(sign, '\u{61C}' | '\u{200E}' | '\u{200F}')
}

/// U+200C and U+200D, which Persian, Indic scripts and emoji need.
fn is_joiner(sign: char) -> bool {
    matches!(sign, '\u{200C}' | '\u{200D}')
}

fn is_repeated_joiner(last: Option<char>, sign: char) -> bool {
    is_joiner(sign) && last.is_none_or(is_joiner)
}

/// How many characters behind a black flag are the tags of one flag, the end tag included.
fn flag_tags(rest: &str) -> usize {
    let tags = rest
        .chars()
        .take(FLAG_TAGS_MAX + 1)
        .take_while(|tag| matches!(tag, '\u{E0030}'..='\u{E0039}' | '\u{E0061}'..='\u{E007A}'))
        .count();
    let is_flag = (3..=FLAG_TAGS_MAX).contains(&tags) && rest.chars().nth(tags) == Some(END_TAG);
    if is_flag { tags + 1 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_becomes_single_spaces() {
        assert_eq!(tidy(" a\u{A0}\u{3000}\r\n\tb\u{2029}c \u{2800}"), "a b c");
    }

    #[test]
    fn what_hides_or_turns_text_is_gone() {
        assert_eq!(tidy("a\0\u{7}\u{AD}\u{200B}\u{FEFF}\u{FFFF}b"), "ab");
        assert_eq!(tidy("\u{202E}evil\u{202C} \u{2066}x\u{2069}"), "evil x");
        assert_eq!(tidy("hi\u{E0041}\u{E0042}"), "hi");
        assert_eq!(tidy("\u{200D}\u{200E}\u{301} "), "");
    }

    #[test]
    fn what_scripts_and_emoji_need_stays() {
        for text in ["می‌خواهم", "ค่ำ", "👩‍🚀", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "א\u{200F}!", "क्‍ष", "葛󠄀"]
        {
            assert_eq!(tidy(text), text.nfc().collect::<String>());
        }
        assert_eq!(tidy("e\u{301}"), "é");
    }

    #[test]
    fn stacks_of_marks_are_cut() {
        assert!(tidy(&format!("a{}b", "\u{301}".repeat(500))).chars().count() < 20);
    }
}
