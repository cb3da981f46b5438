//! How alike two headlines are: the same story told by two feeds.
//!
//! Promises: the same result whichever comes first; two headlines that give different numbers are
//! never alike (`Episode 41` and `Episode 42`); the time is linear in their lengths. Must not: know
//! what a word means.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use super::fold::{fold, is_unspaced};

/// Characters of a headline that are looked at.
const CHARS_MAX: usize = 400;
/// Fewer words than this are alike only if they are the same.
const WORDS_MIN: usize = 4;
/// Of all words of both, this share in percent must be in both.
const SHARED_MIN: usize = 60;

/// A headline, ready to be compared with many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headline {
    /// Hashes of its words, or of the pairs of characters where there are no words; sorted.
    words: Vec<u64>,
    /// Hashes of the numbers in it; sorted.
    numbers: Vec<u64>,
}

impl Headline {
    /// A headline, in plain text.
    pub fn of(title: &str) -> Self {
        let folded: String = fold(title).chars().take(CHARS_MAX).collect();
        let mut words = Vec::new();
        let mut numbers = Vec::new();
        for word in folded.split(|sign: char| !sign.is_alphanumeric()) {
            take(word, &mut words, &mut numbers);
        }
        for list in [&mut words, &mut numbers] {
            list.sort_unstable();
            list.dedup();
        }
        Self { words, numbers }
    }

    /// Whether both tell the same, as far as words show.
    pub fn is_like(&self, other: &Self) -> bool {
        if self.words.is_empty() || self.numbers != other.numbers {
            return false;
        }
        if self.words == other.words {
            return true;
        }
        if self.words.len() < WORDS_MIN || other.words.len() < WORDS_MIN {
            return false;
        }
        let (shared, all) = shared(&self.words, &other.words);
        shared * 100 >= all * SHARED_MIN
    }
}

/// The words of a run of letters and digits: itself, or each two neighbours where its script has no
/// spaces.
fn take(run: &str, words: &mut Vec<u64>, numbers: &mut Vec<u64>) {
    if run.is_empty() {
        return;
    }
    let digits = run.chars().filter(|sign| sign.is_numeric());
    let number: String = digits.collect();
    if !number.is_empty() {
        numbers.push(hash(&number));
    }
    if !run.chars().any(is_unspaced) {
        words.push(hash(run));
        return;
    }
    let signs: Vec<char> = run.chars().collect();
    if let [only] = signs.as_slice() {
        words.push(hash(only));
    }
    words.extend(signs.windows(2).map(hash));
}

/// How many words are in both, and how many there are in all.
fn shared(one: &[u64], other: &[u64]) -> (usize, usize) {
    let shared = one.iter().filter(|word| other.binary_search(word).is_ok()).count();
    (shared, one.len() + other.len() - shared)
}

fn hash(of: impl Hash) -> u64 {
    // Not kept anywhere, so it need not be the same in the next version.
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn alike(one: &str, other: &str) -> bool {
        Headline::of(one).is_like(&Headline::of(other))
    }

    #[test]
    fn one_story_in_two_feeds_is_alike_and_two_stories_are_not() {
        for (one, other, expected) in [
            ("Storm closes the harbour of Brest", "Storm Closes The Harbour Of Brest", true),
            ("Storm closes the harbour of Brest", "Brest: storm closes the harbour", true),
            (
                "Minister resigns over the bridge affair",
                "Minister resigns over the bridge affair – The Daily Post",
                true,
            ),
            (
                "Minister of transport resigns over the bridge affair",
                "Minister of transport resigns over bridge affair | The Post",
                true,
            ),
            ("Storm closes the harbour of Brest", "Storm opens the season of Nice", false),
            ("Episode 41: what the river said", "Episode 42: what the river said", false),
            (
                "Rate cut to 2.5 percent, says the bank",
                "Rate cut to 2.75 percent, says the bank",
                false,
            ),
            ("Weather warning", "Weather warning", true),
            ("Weather warning", "Weather report", false),
            ("東京で大規模な停電、交通に影響", "東京で大規模な停電 交通に影響", true),
            ("東京で大規模な停電、交通に影響", "大阪で新しい美術館が開館した", false),
            ("الرئيس يعلن عن خطة جديدة للمياه", "الرئيس يُعلن عن خطة جديدة للمياه", true),
            ("🚨 Breaking: dam holds, says the mayor", "Breaking: dam holds, says the mayor", true),
            ("🚨🚨", "🚨🚨", false),
            ("", "", false),
        ] {
            assert_eq!(alike(one, other), expected, "{one} | {other}");
        }
    }

    #[test]
    fn a_headline_of_any_length_is_bounded() {
        let long = "word ".repeat(1_000_000);
        assert!(Headline::of(&long).words.len() <= CHARS_MAX);
    }

    proptest! {
        #[test]
        fn it_is_the_same_from_both_sides(one in "\\PC{0,40}", other in "\\PC{0,40}") {
            prop_assert_eq!(alike(&one, &other), alike(&other, &one));
            prop_assert_eq!(alike(&one, &one), !Headline::of(&one).words.is_empty());
        }
    }
}
