//! The top-level domains that X links.
//!
//! Promises: exactly the 1,574 country and generic domains of twitter-text 3.1.0, internationalised
//! ones in their own script. Must not: grow by guesses: a name that X does not know is not linked.

use std::collections::HashSet;
use std::sync::LazyLock;

/// The longest of them, in characters (a test holds it true).
const CHARS_MAX: usize = 18;

/// One domain per word, lower case, sorted.
const LIST: &str = include_str!("tlds.txt");

/// The list, folded.
static KNOWN: LazyLock<HashSet<String>> = LazyLock::new(|| {
    LIST.split_whitespace().map(|name| name.chars().map(fold).collect()).collect()
});

/// How many UTF-16 code units of the start of `units` are a top-level domain: the longest that ends
/// where an ASCII letter, a digit, `@`, `+` or `-` does not follow.
pub fn length_at(units: &[u16]) -> Option<usize> {
    let mut name = String::new();
    let mut found = None;
    // All of them lie in the basic plane, so a surrogate ends the candidate.
    for (index, unit) in units.iter().take(CHARS_MAX).enumerate() {
        let Some(letter) = char::from_u32(u32::from(*unit)) else {
            break;
        };
        if matches!(letter, '.' | ' ' | '/') {
            break;
        }
        name.push(fold(letter));
        let ends = units.get(index + 1).is_none_or(|next| !goes_on(*next));
        if ends && KNOWN.contains(&name) {
            found = Some(index + 1);
        }
    }
    found
}

/// Whether a code unit behind a name makes it part of a longer word or of an address of mail.
fn goes_on(unit: u16) -> bool {
    u8::try_from(unit)
        .is_ok_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'@' | b'+' | b'-'))
}

/// Case folding as a JavaScript regular expression does it: to upper case where that is one
/// character, and never from beyond ASCII into ASCII.
fn fold(letter: char) -> char {
    let mut upper = letter.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) if letter.is_ascii() || !one.is_ascii() => one,
        (Some(_) | None, Some(_) | None) => letter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(text: &str) -> Option<usize> {
        length_at(&text.encode_utf16().collect::<Vec<_>>())
    }

    #[test]
    fn the_list_is_whole_sorted_and_short() {
        let names: Vec<_> = LIST.split_whitespace().collect();
        assert_eq!(names.len(), 1574);
        assert!(names.is_sorted());
        assert_eq!(KNOWN.len(), names.len());
        assert_eq!(names.iter().map(|name| name.chars().count()).max(), Some(CHARS_MAX));
    }

    #[test]
    fn a_name_ends_where_a_word_ends() {
        assert_eq!(length("com"), Some(3));
        assert_eq!(length("COM/path"), Some(3));
        assert_eq!(length("com中"), Some(3));
        assert_eq!(length("comx"), None);
        assert_eq!(length("com-x"), None);
        assert_eq!(length("com@x"), None);
        assert_eq!(length("community"), Some(9));
        assert_eq!(length("РФ"), Some(2));
        assert_eq!(length(""), None);
    }
}
