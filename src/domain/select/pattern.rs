//! What a filter looks for: words, or a regular expression.
//!
//! Promises: words match as a reader reads them, whatever the capitals, and whole words where the
//! script has spaces; a regular expression takes linear time and bounded memory, or is refused. Must
//! not: know where it is looked for.

use regex::{Regex, RegexBuilder};

use crate::domain::fold::{fold, is_unspaced};

/// The longest word or phrase, in characters.
pub const WORDS_CHARS_MAX: usize = 200;
/// The longest regular expression, in bytes.
const REGEX_BYTES_MAX: usize = 1_000;
/// The size that a regular expression may have once it is compiled, in bytes.
const REGEX_SIZE_MAX: usize = 256 * 1024;
/// Memory that one may take while it is matched, in bytes.
const REGEX_CACHE_MAX: usize = 512 * 1024;
/// Groups in groups of a regular expression.
const REGEX_DEPTH_MAX: u32 = 50;

/// What is looked for in one text.
#[derive(Debug, Clone)]
pub struct Pattern {
    typed: String,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Words {
        folded: String,
        /// Whether the first and the last word must begin and end where the text's do.
        whole: (bool, bool),
    },
    Regex(Regex),
}

/// Why a pattern can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPattern {
    /// Nothing to look for.
    #[error("has nothing in it to look for")]
    Empty,
    /// Longer than anybody needs.
    #[error("is too long")]
    TooLong,
    /// It is found in every text.
    #[error("is found in every text, even in an empty one")]
    MatchesAll,
    /// Compiled, it would take too much memory.
    #[error("is too large once it is compiled")]
    TooLarge,
    /// No regular expression.
    #[error("is no regular expression: {0}")]
    Syntax(String),
}

/// A text in both forms that patterns need.
#[derive(Debug, Clone, Default)]
pub struct Text {
    plain: String,
    folded: String,
}

impl Text {
    /// Makes a plain text ready.
    pub fn new(plain: String) -> Self {
        Self { folded: fold(&plain), plain }
    }

    /// As it was given.
    pub fn plain(&self) -> &str {
        &self.plain
    }
}

impl Pattern {
    /// Reads a pattern as typed: `/…/` and `/…/i` are regular expressions, all else is words. A `*`
    /// at either end of words lets them go on there.
    ///
    /// # Errors
    ///
    /// Where it would find everything or nothing, or is too large.
    pub fn parse(typed: &str) -> Result<Self, BadPattern> {
        let kind = match as_regex(typed) {
            Some((pattern, any_case)) => Kind::Regex(regex(pattern, any_case)?),
            None => words(typed)?,
        };
        Ok(Self { typed: typed.to_owned(), kind })
    }

    /// As it was typed.
    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// Whether it is in the text.
    pub fn is_in(&self, text: &Text) -> bool {
        match &self.kind {
            Kind::Regex(regex) => regex.is_match(&text.plain),
            Kind::Words { folded, whole } => has_words(&text.folded, folded, *whole),
        }
    }
}

/// The pattern between two slashes, and whether capitals make no difference.
fn as_regex(typed: &str) -> Option<(&str, bool)> {
    let rest = typed.strip_prefix('/')?;
    match rest.strip_suffix("/i") {
        Some(pattern) => Some((pattern, true)),
        None => rest.strip_suffix('/').map(|pattern| (pattern, false)),
    }
}

fn regex(pattern: &str, any_case: bool) -> Result<Regex, BadPattern> {
    if pattern.is_empty() {
        return Err(BadPattern::Empty);
    }
    if pattern.len() > REGEX_BYTES_MAX {
        return Err(BadPattern::TooLong);
    }
    let built = RegexBuilder::new(pattern)
        .case_insensitive(any_case)
        .size_limit(REGEX_SIZE_MAX)
        .dfa_size_limit(REGEX_CACHE_MAX)
        .nest_limit(REGEX_DEPTH_MAX)
        .build();
    let regex = built.map_err(|error| {
        if matches!(error, regex::Error::CompiledTooBig(_)) {
            return BadPattern::TooLarge;
        }
        BadPattern::Syntax(last_words(&error.to_string()))
    })?;
    if regex.is_match("") { Err(BadPattern::MatchesAll) } else { Ok(regex) }
}

/// The sentence at the end of a complaint that draws the pattern over several lines.
fn last_words(complaint: &str) -> String {
    let last = complaint.lines().last().unwrap_or_default();
    last.trim().trim_start_matches("error:").trim().to_owned()
}

fn words(typed: &str) -> Result<Kind, BadPattern> {
    if typed.chars().count() > WORDS_CHARS_MAX {
        return Err(BadPattern::TooLong);
    }
    let folded = fold(typed);
    let from_start = folded.strip_prefix('*');
    let rest = from_start.unwrap_or(&folded);
    let to_end = rest.strip_suffix('*');
    let rest = to_end.unwrap_or(rest).trim();
    if rest.is_empty() {
        return Err(BadPattern::Empty);
    }
    let whole = (from_start.is_none(), to_end.is_none());
    Ok(Kind::Words { folded: rest.to_owned(), whole })
}

/// Whether folded words stand in a folded text, as whole words where that is asked for.
fn has_words(text: &str, words: &str, (from_start, to_end): (bool, bool)) -> bool {
    let (Some(first), Some(last)) = (words.chars().next(), words.chars().next_back()) else {
        return false;
    };
    text.match_indices(words).any(|(at, found)| {
        let before = text.get(..at).and_then(|it| it.chars().next_back());
        let after = text.get(at + found.len()..).and_then(|it| it.chars().next());
        let parted =
            |edge: char, beside: Option<char>| beside.is_none_or(|it| !is_one_word(edge, it));
        (!from_start || parted(first, before)) && (!to_end || parted(last, after))
    })
}

/// Whether two neighbours belong to one word.
fn is_one_word(one: char, other: char) -> bool {
    let in_word = |sign: char| {
        (sign.is_alphanumeric() || unicode_normalization::char::is_combining_mark(sign))
            && !is_unspaced(sign)
    };
    in_word(one) && in_word(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(typed: &str, text: &str) -> bool {
        Pattern::parse(typed).expect("a pattern").is_in(&Text::new(text.to_owned()))
    }

    #[test]
    fn words_are_found_as_a_reader_reads_them() {
        for (typed, text, expected) in [
            ("sponsored", "Sponsored: a sofa", true),
            ("sponsored", "SPONSORED", true),
            ("sponsor", "Sponsored: a sofa", false),
            ("sponsor*", "Sponsored: a sofa", true),
            ("*sored", "Sponsored: a sofa", true),
            ("*sore", "Sponsored: a sofa", false),
            ("ad", "Adding a road", false),
            ("ad", "An ad-free day", true),
            ("breaking news", "Breaking   News today", true),
            ("breaking news", "Breaking: news today", false),
            ("C++", "C++26 is near", true),
            ("C++", "Plan C", false),
            ("#ad", "Nice sofa #ad", true),
            ("#ad", "Nice sofa #adorable", false),
            ("AT&T", "at&t buys", true),
            ("don't", "Don’t look", true),
            ("trump", "Trump's tower", true),
            ("straße", "IN DER STRASSE", true),
            ("café", "CAFE\u{301} closed", true),
            ("cafe", "Café closed", false),
            ("οδος", "ΟΔΟΣ", true),
            ("停電", "東京で大規模な停電が発生", true),
            ("AI", "生成AIの未来", true),
            ("AI", "ＡＩの未来", true),
            ("AI", "He said no", false),
            ("삼성", "삼성은 오늘", true),
            ("ข่าว", "อ่านข่าววันนี้", true),
            ("محمد", "قال مُحَمَّد اليوم", true),
            ("رئيس", "الرئيس يعلن", false),
            ("*رئيس", "الرئيس يعلن", true),
            ("🚨", "🚨🚨 Storm", true),
            ("👍", "👍🏽 well done", true),
            ("हिन्द", "हिन्दी में", false),
            ("हिन्दी", "हिन्दी में", true),
        ] {
            assert_eq!(finds(typed, text), expected, "{typed} in {text}");
        }
    }

    #[test]
    fn regular_expressions_stand_between_slashes() {
        for (typed, text, expected) in [
            ("/advert(isement)?s?/i", "Advertisement", true),
            ("/advert(isement)?s?/", "Advertisement", false),
            (r"/^\[video\]/i", "[Video] Storm", true),
            (r"/\d{4}年/", "2026年の予算", true),
            (r"/^\p{Lu}+$/", "ALL CAPITALS", false),
            ("/sport/", "a/sport/b", true),
        ] {
            assert_eq!(finds(typed, text), expected, "{typed} in {text}");
        }
    }

    #[test]
    fn what_would_hang_or_fill_the_memory_is_refused() {
        let why = |typed: &str| Pattern::parse(typed).expect_err(typed).to_string();
        insta::assert_snapshot!([
            why(""),
            why("*"),
            why(" \u{200B} "),
            why("//"),
            why("/.*/"),
            why("/(a/"),
            why(r"/(a)\1/"),
            why("/(?=a)b/"),
            why(r"/\w{500}/"),
            why("/((((a{100}){100}){100}){100})/"),
            why(&format!("/{}a{}/", "(".repeat(400), ")".repeat(400))),
            why(&format!("/{}/", "a".repeat(1_001))),
            why(&"a".repeat(201)),
        ].join("\n"), @r"
        has nothing in it to look for
        has nothing in it to look for
        has nothing in it to look for
        has nothing in it to look for
        is found in every text, even in an empty one
        is no regular expression: unclosed group
        is no regular expression: backreferences are not supported
        is no regular expression: look-around, including look-ahead and look-behind, is not supported
        is too large once it is compiled
        is too large once it is compiled
        is no regular expression: exceed the maximum number of nested parentheses/brackets (50)
        is too long
        is too long
        ");
    }

    #[test]
    fn an_expression_made_to_backtrack_takes_linear_time() {
        let text = Text::new("a".repeat(100_000));
        for typed in ["/(a+)+$b/", "/(a|aa)+b/", "/(.*a){20}b/", "/a?a?a?a?a?a?a?a?a?b/"] {
            assert!(!Pattern::parse(typed).expect(typed).is_in(&text), "{typed}");
        }
    }
}
