//! Takes the effect out of a publisher's text: mentions, cashtags, accidental links, markup.
//!
//! Promises: what comes out reads the same, holds no link, and (unless allowed) mentions nobody. Must
//! not: remove or change a visible character.
//!
//! The means is U+200B, an invisible space: behind `@` and `＠` it ends X's mention and Ayrshare's
//! count of mentions; behind `$` a cashtag (X refuses posts with more than one); behind `<` a tag
//! that Ayrshare would render; behind a dot it keeps a name from being a domain. It weighs 1 for X,
//! where U+2060 weighs 2. Hashtags do no harm and stay.

use unicode_normalization::char::is_combining_mark;

use super::links::links;

/// The invisible space.
pub const SPACER: char = '\u{200B}';

/// Rounds of taking links out. One does, but where a link shows only once another is gone.
const ROUNDS_MAX: usize = 4;

/// What a text may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowed {
    /// Mention somebody.
    pub mentions: bool,
    /// Have so many cashtags.
    pub cashtags: usize,
    /// Have links.
    pub links: bool,
}

/// A text without effect, and what was done to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Defused {
    /// The text, with spacers.
    pub text: String,
    /// How many mentions were taken out.
    pub mentions: usize,
    /// How many cashtags were taken out.
    pub cashtags: usize,
    /// How many cashtags were left.
    pub cashtags_kept: usize,
    /// What X would have linked, in order.
    pub links: Vec<String>,
}

/// Takes the effects out of plain text that it may not have.
pub fn defuse(plain: &str, allowed: Allowed) -> Defused {
    let mut defused = Defused::default();
    let mut signs = plain.chars().peekable();
    while let Some(sign) = signs.next() {
        defused.text.push(sign);
        let Some(next) = signs.peek().copied() else {
            break;
        };
        if !is_live(sign, next, allowed.mentions) {
            continue;
        }
        if sign == '$' && defused.cashtags_kept < allowed.cashtags {
            defused.cashtags_kept += 1;
            continue;
        }
        defused.mentions += usize::from(matches!(sign, '@' | '＠'));
        defused.cashtags += usize::from(sign == '$');
        defused.text.push(SPACER);
    }
    if !allowed.links {
        unlink(&mut defused);
    }
    defused
}

/// Whether two characters side by side begin a mention (unless allowed), a cashtag or a tag.
pub fn is_live(sign: char, next: char, allow_mentions: bool) -> bool {
    match sign {
        '@' | '＠' => !allow_mentions && (next.is_ascii_alphanumeric() || next == '_'),
        '$' => next.is_ascii_alphabetic(),
        '<' => next.is_ascii_alphabetic() || matches!(next, '/' | '!' | '?'),
        _ => false,
    }
}

/// Puts a spacer behind each dot of each link until there is none.
fn unlink(defused: &mut Defused) {
    for _ in 0..ROUNDS_MAX {
        let found = links(&defused.text);
        if found.is_empty() {
            return;
        }
        let mut text = String::with_capacity(defused.text.len() + 4 * found.len());
        let mut done = 0;
        for range in found {
            text.push_str(defused.text.get(done..range.start).unwrap_or_default());
            let link = defused.text.get(range.clone()).unwrap_or_default();
            text.push_str(&spaced(link));
            defused.links.push(link.replace(SPACER, ""));
            done = range.end;
        }
        text.push_str(defused.text.get(done..).unwrap_or_default());
        defused.text = text;
    }
    if !links(&defused.text).is_empty() {
        defused.text = spaced(&defused.text);
    }
}

/// Puts a spacer behind each dot that a letter or a digit follows. What else follows a dot can't
/// begin a top-level domain, and may belong to the dot's own grapheme.
pub fn spaced(link: &str) -> String {
    let mut text = String::with_capacity(2 * link.len());
    let mut signs = link.chars().peekable();
    while let Some(sign) = signs.next() {
        text.push(sign);
        let begins = |next: &char| next.is_alphanumeric() && !is_combining_mark(*next);
        if sign == '.' && signs.peek().is_some_and(begins) {
            text.push(SPACER);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::weight::weighted_length;

    /// A feed's words.
    fn defuse(plain: &str, mentions: bool) -> Defused {
        super::defuse(plain, Allowed { mentions, cashtags: 0, links: false })
    }

    #[test]
    fn of_the_users_own_words_only_what_never_may_be_goes() {
        let own = super::defuse(
            "$A via @us, $B <b> a.com",
            Allowed { mentions: true, cashtags: 1, links: true },
        );
        assert_eq!(own.text, "$A via @us, $\u{200B}B <\u{200B}b> a.com");
        assert_eq!((own.cashtags, own.cashtags_kept, own.links), (1, 1, Vec::new()));
    }

    #[test]
    fn mentions_cashtags_and_tags_lose_their_effect() {
        assert_eq!(defuse("by @bob", false).text, "by @\u{200B}bob");
        assert_eq!(defuse("by @bob", true).text, "by @bob");
        assert_eq!(defuse("＠bob RT@bob", false).mentions, 2);
        assert_eq!(defuse("a @ b, $5, $ACME #tag", false).text, "a @ b, $5, $\u{200B}ACME #tag");
        assert_eq!(defuse("a <b> c < d", false).text, "a <\u{200B}b> c < d");
    }

    #[test]
    fn accidental_links_are_taken_out_and_told() {
        for text in [
            "ASP.NET",
            "main.rs",
            "see https://www.a.com/b.c?d=e.f",
            "a@b.com",
            "$a.com",
            "x.com.y.com/z.com",
        ] {
            let defused = defuse(text, false);
            assert!(links(&defused.text).is_empty(), "{text}");
            assert_eq!(defused.text.replace(SPACER, ""), text);
        }
        assert_eq!(defuse("ASP.NET, main.rs", false).links, ["ASP.NET", "main.rs"]);
        assert_eq!(weighted_length(&defuse("ASP.NET", false).text), 8);
    }
}
