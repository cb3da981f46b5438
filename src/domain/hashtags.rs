//! Hashtags of an entry's categories.
//!
//! Promises: each is one that X links whole: letters, marks, digits and `_`, with a letter among
//! them; none twice, whatever their case. Must not: know of texts or limits.

use std::collections::{BTreeMap, BTreeSet};

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The longest hashtag, in characters, its sign included: longer ones are no words.
const TAG_CHARS_MAX: usize = 60;

/// How the words of a category are written together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Case {
    /// `RustLang`: each word with a capital, the rest as it is.
    #[default]
    Camel,
    /// `rustlang`
    Lower,
    /// As it is, without what parts the words.
    Keep,
}

impl Case {
    /// By its word in the config.
    pub fn of(word: &str) -> Option<Self> {
        match word {
            "camel" => Some(Self::Camel),
            "lower" => Some(Self::Lower),
            "keep" => Some(Self::Keep),
            _ => None,
        }
    }
}

/// How categories become hashtags.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hashtags {
    /// Categories, in small letters, with the hashtag that the user wants for each.
    pub map: BTreeMap<String, String>,
    /// How many at most.
    pub max: usize,
    /// Categories and hashtags, in small letters, that are left out.
    pub deny: BTreeSet<String>,
    /// How words are written together.
    pub case: Case,
}

impl Hashtags {
    /// The hashtags of an entry, in the order of its categories, each with its sign.
    pub fn of<'a>(&self, categories: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let mut tags = Vec::new();
        for category in categories {
            if tags.len() >= self.max {
                break;
            }
            let small = folded(category);
            let mapped = self.map.get(&small).map(|wanted| tag(wanted, Case::Keep));
            let Some(tag) = mapped.unwrap_or_else(|| tag(category, self.case)) else {
                continue;
            };
            let name = folded(&tag);
            let name = name.trim_start_matches('#');
            let is_denied = self.deny.contains(&small) || self.deny.contains(name);
            if !is_denied && seen.insert(name.to_owned()) {
                tags.push(tag);
            }
        }
        tags
    }
}

/// A text in the form in which categories are compared.
pub fn folded(text: &str) -> String {
    text.trim().trim_start_matches('#').nfc().flat_map(char::to_lowercase).collect()
}

/// A hashtag of a text, with its sign. `None` where no letter is in it, or where it is too long.
pub fn tag(text: &str, case: Case) -> Option<String> {
    let text: String = text.nfc().take(4 * TAG_CHARS_MAX).collect();
    let mut tag = String::from("#");
    for word in text.split(|sign| !is_word(sign)).filter(|word| !word.is_empty()) {
        match case {
            Case::Camel => {
                let mut signs = word.chars();
                tag.extend(signs.next().into_iter().flat_map(char::to_uppercase));
                tag.push_str(signs.as_str());
            }
            Case::Lower => tag.push_str(&word.to_lowercase()),
            Case::Keep => tag.push_str(word),
        }
    }
    let tag: String = tag.nfc().collect();
    let first_is_mark = tag.chars().nth(1).is_some_and(is_combining_mark);
    let fits = tag.chars().count() <= TAG_CHARS_MAX && !first_is_mark;
    (fits && tag.chars().any(char::is_alphabetic)).then_some(tag)
}

/// Whether a character can stand in a hashtag. Of digits, those that stand for themselves.
fn is_word(sign: char) -> bool {
    let is_digit =
        sign.is_ascii_digit() || ('\u{660}'..='\u{E59}').contains(&sign) && sign.is_numeric();
    sign == '_'
        || is_digit
        || sign.is_alphabetic()
        || is_combining_mark(sign) && is_letter_mark(sign)
}

/// Marks that letters carry; those around digits and emoji (keycaps, circles) end a hashtag.
fn is_letter_mark(sign: char) -> bool {
    !matches!(sign, '\u{20D0}'..='\u{20FF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories_become_hashtags() {
        for (category, expected) in [
            ("Rust", Some("#Rust")),
            ("machine learning", Some("#MachineLearning")),
            ("NASA launch", Some("#NASALaunch")),
            ("C++ & C#", Some("#CC")),
            ("e\u{301}tude", Some("#Étude")),
            ("ストリート フード", Some("#ストリートフード")),
            ("الذكاء الاصطناعي", Some("#الذكاءالاصطناعي")),
            ("हिन्दी समाचार", Some("#हिन्दीसमाचार")),
            ("2026", None),
            ("Wahl 2026", Some("#Wahl2026")),
            ("1️⃣ 👍", None),
            ("", None),
            ("#tagged", Some("#Tagged")),
            ("$ACME", Some("#ACME")),
            ("a@b.com", Some("#ABCom")),
            ("\u{301}", None),
            ("x\u{200B}y", Some("#XY")),
        ] {
            assert_eq!(tag(category, Case::Camel).as_deref(), expected, "{category}");
        }
        assert_eq!(tag("Rust Lang", Case::Lower).as_deref(), Some("#rustlang"));
        assert_eq!(tag("iPhone apps", Case::Keep).as_deref(), Some("#iPhoneapps"));
        assert_eq!(tag(&"a".repeat(100), Case::Keep), None);
    }

    #[test]
    fn the_map_the_list_and_the_number_are_kept_to() {
        let hashtags = Hashtags {
            map: BTreeMap::from([("rust lang".to_owned(), "rustlang".to_owned())]),
            max: 3,
            deny: BTreeSet::from(["uncategorized".to_owned(), "internal".to_owned()]),
            case: Case::Camel,
        };
        assert_eq!(
            hashtags.of([
                "Uncategorized",
                "Rust Lang",
                "RUSTLANG",
                "2026",
                "Internal",
                "news",
                "a",
                "b"
            ]),
            ["#rustlang", "#News", "#A"]
        );
    }
}
