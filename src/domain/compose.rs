//! Entry → text that fits: the title, a line break, the link.
//!
//! Promises: the text fits the limit; the link is whole and the only one; no grapheme, hashtag,
//! mention or link is cut; NFC, no control character but one line break (never a blank line, at
//! which Ayrshare would split a thread); the same ingredients give the same text. Must not: choose
//! media, know of prices or times.

use std::cmp;

use thiserror::Error;

use super::cut;
use super::defuse::{Defused, defuse};
use super::entry::Item;
use super::link;
use super::links::links;
use super::text::plain;
use super::weight::weighted_length;

/// What an entry offers, as published.
#[derive(Debug, Clone, Copy)]
pub struct Ingredients<'a> {
    /// The entry's title, markup and all.
    pub title: &'a str,
    /// The entry's summary, markup and all; taken where there is no title.
    pub summary: &'a str,
    /// The entry's page.
    pub link: Option<&'a str>,
    /// The feed's title; taken where there is neither title nor summary.
    pub feed_title: &'a str,
}

impl<'a> Ingredients<'a> {
    /// What an item gives; where it has no summary, its content stands in.
    pub fn of(item: &'a Item, feed_title: &'a str) -> Self {
        Self {
            title: &item.title,
            summary: if item.summary.is_empty() { &item.content } else { &item.summary },
            link: item.link.as_deref(),
            feed_title,
        }
    }
}

/// How a platform measures a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weigh {
    /// By X's weighted count.
    X,
    /// In UTF-16 code units, each link by its letters: never less than the characters or graphemes
    /// that other platforms count.
    Characters,
}

impl Weigh {
    /// How long a text is by this measure.
    pub fn length(self, text: &str) -> u32 {
        match self {
            Self::X => weighted_length(text),
            Self::Characters => u32::try_from(text.encode_utf16().count()).unwrap_or(u32::MAX),
        }
    }
}

/// What a text has to keep to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// The longest length, by `weigh`.
    pub limit: u32,
    /// Whether `@name` in a feed's text may mention somebody. Off unless the user asks for it.
    pub allow_mentions: bool,
    /// How length is measured.
    pub weigh: Weigh,
}

/// The rules of one of Ayrshare's platforms, by its name there (contract, section 1.2).
///
/// X counts by weight (contract, section 9.1). The other limits are the networks' own as they were
/// published; where a network has several, the one that holds without media is taken (Telegram's
/// captions of media end at 1,024) and for Reddit that of a title. `None` for an unknown name.
pub fn limit_of(platform: &str) -> Option<Rules> {
    let (limit, weigh) = match platform {
        "twitter" => (280, Weigh::X),
        "bluesky" | "reddit" => (300, Weigh::Characters),
        "facebook" => (63_206, Weigh::Characters),
        "gmb" => (1_500, Weigh::Characters),
        "instagram" | "tiktok" => (2_200, Weigh::Characters),
        "linkedin" => (3_000, Weigh::Characters),
        "pinterest" | "threads" => (500, Weigh::Characters),
        "snapchat" => (160, Weigh::Characters),
        "telegram" => (4_096, Weigh::Characters),
        "youtube" => (5_000, Weigh::Characters),
        _ => return None,
    };
    Some(Rules { limit, allow_mentions: false, weigh })
}

/// A text that is ready to be sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Composed {
    /// The text.
    pub text: String,
    /// Its length by the platform's measure, at most the limit.
    pub weighted_length: u32,
    /// Whether X will see a link in it; a post with one costs more (contract, section 9.2).
    pub has_link: bool,
    /// Whether words were left off at the end.
    pub cut: bool,
    /// What was cut, defused, skipped or replaced, each a sentence for a person.
    pub notes: Vec<String>,
}

/// Why an entry gives no text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unfit {
    /// Neither title, summary, feed title nor usable link.
    #[error("the entry has neither a title, a summary nor a usable link")]
    NothingToSay,
    /// The link by itself is longer than the platform allows; it is never cut.
    #[error("the link alone is {needed} characters long, and {limit} are allowed")]
    LinkTooLong {
        /// The link's length.
        needed: u32,
        /// The platform's limit.
        limit: u32,
    },
    /// There is no link, and not one word fits.
    #[error("not one word fits into {limit} characters")]
    NoRoom {
        /// The platform's limit.
        limit: u32,
    },
}

/// The rules of a platform; for one that nobody knows, the tightest that there are.
pub fn rules_of(platform: &str) -> Rules {
    limit_of(platform).unwrap_or(Rules {
        limit: 160,
        allow_mentions: false,
        weigh: Weigh::Characters,
    })
}

/// Composes the text of an entry.
pub fn compose(ingredients: &Ingredients<'_>, rules: &Rules) -> Result<Composed, Unfit> {
    let mut notes = Vec::new();
    let link = usable_link(ingredients.link, &mut notes);
    let tail = link.as_deref().map_or_else(String::new, |link| format!("\n{link}"));
    if let Some(link) = &link {
        let needed = rules.weigh.length(link);
        if needed > rules.limit {
            return Err(Unfit::LinkTooLong { needed, limit: rules.limit });
        }
    }
    let sources = [
        ("title", ingredients.title),
        ("summary", ingredients.summary),
        ("feed's title", ingredients.feed_title),
    ];
    let mut has_words = false;
    for (name, markup) in sources {
        let words = without_link(&plain(markup), ingredients.link, link.as_deref());
        if words.is_empty() {
            continue;
        }
        has_words = true;
        let defused = defuse(&words, rules.allow_mentions);
        if let Some(fit) = cut::fit(&defused.text, &tail, *rules) {
            if name != "title" {
                notes.push(format!("there is no usable title: the {name} is used"));
            }
            notes.extend(remarks(&defused, fit.left_off));
            return Ok(finished(fit.text, fit.left_off > 0, *rules, notes));
        }
        notes.push(format!("nothing of the {name} fits"));
    }
    match link {
        Some(link) => {
            notes.push("the link stands alone".to_owned());
            Ok(finished(link, has_words, *rules, notes))
        }
        None if has_words => Err(Unfit::NoRoom { limit: rules.limit }),
        None => Err(Unfit::NothingToSay),
    }
}

fn finished(text: String, cut: bool, rules: Rules, notes: Vec<String>) -> Composed {
    Composed {
        weighted_length: rules.weigh.length(&text),
        has_link: !links(&text).is_empty(),
        text,
        cut,
        notes,
    }
}

/// The link as it goes into the text, with a note if that is not how it was published.
fn usable_link(published: Option<&str>, notes: &mut Vec<String>) -> Option<String> {
    let published = published.map(str::trim).filter(|link| !link.is_empty())?;
    let written = link::whole(published);
    match &written {
        None => notes.push(
            "the link is left out: not an http(s) address that can be posted whole".to_owned(),
        ),
        Some(written) if written != published => {
            notes.push(
                "the link is written with percent-encoding, so that it stays whole".to_owned(),
            );
        }
        Some(written) if links(written).is_empty() => {
            notes.push("X does not make a link of this address".to_owned());
        }
        Some(_) => (),
    }
    written
}

/// Plain text without the words that are the link itself.
fn without_link(plain: &str, published: Option<&str>, written: Option<&str>) -> String {
    let same: Vec<&str> = [published, written].into_iter().flatten().map(bare).collect();
    if same.is_empty() {
        return plain.to_owned();
    }
    let words: Vec<&str> = plain
        .split(' ')
        .filter(|word| !same.iter().any(|link| bare(word).eq_ignore_ascii_case(link)))
        .collect();
    words.join(" ")
}

/// An address without what does not change where it leads.
fn bare(link: &str) -> &str {
    let link = link.trim();
    let link = link.split_once("://").map_or(link, |(_, rest)| rest);
    link.strip_prefix("www.").unwrap_or(link).trim_end_matches('/')
}

/// What a person should know of how the words were changed.
fn remarks(defused: &Defused, left_off: usize) -> Vec<String> {
    /// Names told in one note.
    const NAMES_MAX: usize = 5;

    let mut notes = Vec::new();
    if left_off > 0 {
        notes.push(format!("cut: {left_off} characters were left off"));
    }
    if defused.mentions > 0 {
        notes.push(format!("mentions defused: {}", defused.mentions));
    }
    if defused.cashtags > 0 {
        notes.push(format!("cashtags defused: {}", defused.cashtags));
    }
    if !defused.links.is_empty() {
        let shown = defused.links.get(..cmp::min(NAMES_MAX, defused.links.len()));
        let more = defused.links.len().saturating_sub(NAMES_MAX);
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        notes
            .push(format!("kept from being links: {}{rest}", shown.unwrap_or_default().join(", ")));
    }
    notes
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use unicode_normalization::is_nfc;
    use unicode_segmentation::UnicodeSegmentation;

    use super::super::cut::ELLIPSIS;
    use super::super::defuse::SPACER;
    use super::*;

    const LINK: &str = "https://example.com/a";

    fn x() -> Rules {
        limit_of("twitter").expect("a platform")
    }

    fn entry<'a>(title: &'a str, link: Option<&'a str>) -> Ingredients<'a> {
        Ingredients { title, summary: "<p>The summary.</p>", link, feed_title: "The feed" }
    }

    /// A composed text with its length and notes, spacers made visible.
    fn shown(title: &str, link: Option<&str>) -> String {
        match compose(&entry(title, link), &x()) {
            Ok(composed) => format!(
                "{}\n[{}{}{}] {}",
                composed.text.replace(SPACER, "·"),
                composed.weighted_length,
                if composed.has_link { ", link" } else { "" },
                if composed.cut { ", cut" } else { "" },
                composed.notes.join("; "),
            ),
            Err(unfit) => format!("unfit: {unfit}"),
        }
    }

    #[test]
    fn titles_become_posts() {
        let long = "Word after word ".repeat(38);
        let cjk = "日本語の長い題名です。".repeat(20);
        let all = [
            shown("A title", Some(LINK)),
            shown("A title", None),
            shown("<b>Bold</b> &amp;amp; <i>new</i>", Some(LINK)),
            shown("عنوان بالعربية", Some(LINK)),
            shown("👩‍🚀👨‍👩‍👧‍👦 🇩🇪🏴󠁧󠁢󠁥󠁮󠁧󠁿 up", Some(LINK)),
            shown("By @bob for $ACME, ASP.NET & main.rs", Some(LINK)),
            shown("", Some("https://example.com/a b.")),
            shown("https://www.example.com/a/", Some(LINK)),
            shown("New: https://example.com/a (and b.com)", Some(LINK)),
            shown("The &lt;b&gt; tag, Vec&lt;T&gt;", Some("ftp://a.com")),
            shown("Intranet", Some("http://localhost/x")),
            shown(&long, Some(LINK)),
            shown(&cjk, Some(LINK)),
        ];
        insta::assert_snapshot!(all.join("\n\n"), @r#"
        A title
        https://example.com/a
        [31, link] 

        A title
        [7] 

        Bold & new
        https://example.com/a
        [34, link] 

        عنوان بالعربية
        https://example.com/a
        [38, link] 

        👩‍🚀👨‍👩‍👧‍👦 🇩🇪🏴󠁧󠁢󠁥󠁮󠁧󠁿 up
        https://example.com/a
        [36, link] 

        By @·bob for $·ACME, ASP.·NET & main.·rs
        https://example.com/a
        [64, link] mentions defused: 1; cashtags defused: 1; kept from being links: ASP.NET, main.rs

        The summary.
        https://example.com/a%20b%2E
        [36, link] the link is written with percent-encoding, so that it stays whole; there is no usable title: the summary is used

        The summary.
        https://example.com/a
        [36, link] there is no usable title: the summary is used

        New: (and b.·com)
        https://example.com/a
        [41, link] kept from being links: b.com

        The <·b> tag, Vec<·T>
        [21] the link is left out: not an http(s) address that can be posted whole

        Intranet
        http://localhost/x
        [27] X does not make a link of this address

        Word after word Word after word Word after word Word after word Word after word Word after word Word after word Word after word Word after word Word after word Word after word Word after word Word after word Word after word Word after word Word after…
        https://example.com/a
        [276, link, cut] cut: 357 characters were left off

        日本語の長い題名です。日本語の長い題名です。日本語の長い題名です。日本語の長い題名です。日本語の長い題名です。日本語の長い題名です。日本語の長い題名です。日本語の長い題名です。日本語の長い題名です。日本語の長い題名です。日本語の長い題名です。日本語の長い…
        https://example.com/a
        [280, link, cut] cut: 93 characters were left off
        "#);
    }

    #[test]
    fn what_has_no_words_falls_back() {
        let rules = x();
        let of = |title, summary, feed_title, link| {
            let ingredients = Ingredients { title, summary, link, feed_title };
            compose(&ingredients, &rules).map(|composed| composed.text)
        };
        assert_eq!(of("<p></p>", "S", "F", Some(LINK)), Ok(format!("S\n{LINK}")));
        assert_eq!(of("\u{200D}", " ", "F", Some(LINK)), Ok(format!("F\n{LINK}")));
        assert_eq!(of("", "", "", Some(LINK)), Ok(LINK.to_owned()));
        assert_eq!(of("", "", "", None), Err(Unfit::NothingToSay));
        assert_eq!(of("", "", "", Some("mailto:x@y.com")), Err(Unfit::NothingToSay));
    }

    #[test]
    fn elsewhere_a_link_counts_by_its_letters() {
        let rules = limit_of("snapchat").expect("a platform");
        let link = format!("https://example.com/{}", "a".repeat(200));
        assert_eq!(
            compose(&entry("T", Some(&link)), &rules),
            Err(Unfit::LinkTooLong { needed: 220, limit: 160 })
        );
        let link = format!("https://example.com/{}", "a".repeat(139));
        let composed = compose(&entry("T", Some(&link)), &rules).expect("a text");
        assert_eq!((composed.text.as_str(), composed.cut), (link.as_str(), true));
        assert_eq!(limit_of("myspace"), None);
    }

    #[test]
    fn long_words_are_cut_with_care() {
        let text = |title: &str| compose(&entry(title, None), &x()).expect("a text").text;
        assert_eq!(text(&"a".repeat(300)), format!("{}…", "a".repeat(278)));
        assert_eq!(text(&"👩‍🚀".repeat(150)), format!("{}…", "👩‍🚀".repeat(139)));
        // A hashtag is left off whole.
        assert_eq!(
            text(&format!("{} #{}", "a".repeat(20), "b".repeat(300))),
            format!("{}…", "a".repeat(20))
        );
        // A cut never makes a link.
        let title =
            format!("{}.community", "a".repeat(60)).replace("community", &"comx".repeat(60));
        assert!(links(&text(&title)).is_empty());
    }

    #[test]
    fn hostile_entries_end() {
        for piece in [
            "<",
            "a.com ",
            "@a",
            "$a.",
            "a\u{301}",
            "👩‍🚀",
            "&amp;lt;b&amp;gt;",
            "\u{202E}",
            "a.coma",
            "#a",
        ] {
            let text = piece.repeat(200_000 / piece.len());
            for platform in ["twitter", "facebook"] {
                let rules = limit_of(platform).expect("a platform");
                let composed = compose(&entry(&text, Some(LINK)), &rules).expect("a text");
                assert!(composed.weighted_length <= rules.limit);
            }
        }
    }

    fn any_text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            any::<char>().prop_map(String::from),
            "[a-z]{1,12}",
            "\\PC{1,20}",
            prop::sample::select(vec![
                " ",
                "  ",
                ".",
                "@",
                "＠",
                "#",
                "$",
                "<b>",
                "&lt;",
                "&amp;amp;",
                ".com",
                "http://",
                "example.com/x",
                "👩‍🚀",
                "🇩🇪",
                "\u{301}",
                "\u{200D}",
                "日本語",
                "नमस्ते",
                "\u{600}",
                "\n\n",
                "://",
                "한국",
                "…",
                "e\u{323}\u{301}",
            ])
            .prop_map(str::to_owned),
        ];
        prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
    }

    fn any_link() -> impl Strategy<Value = Option<&'static str>> {
        prop::sample::select(vec![
            None,
            Some(LINK),
            Some("https://example.com/a b?c=d e.#f!"),
            Some("http://пример.рф/путь/日本?q=(("),
            Some("http://localhost/a.com"),
            Some("example.com"),
            Some("https://en.wikipedia.org/wiki/A_(b)"),
        ])
    }

    proptest! {
        #[test]
        fn whatever_is_published_becomes_a_sound_text(
            title in any_text(),
            summary in any_text(),
            link in any_link(),
            platform in prop::sample::select(vec!["twitter", "bluesky", "snapchat"]),
        ) {
            let rules = limit_of(platform).expect("a platform");
            let ingredients = Ingredients { title: &title, summary: &summary, link, feed_title: "Feed" };
            let first = compose(&ingredients, &rules);
            prop_assert_eq!(&first, &compose(&ingredients, &rules));
            let composed = first.expect("a text");
            let text = composed.text.as_str();
            prop_assert!(rules.weigh.length(text) <= rules.limit);
            prop_assert_eq!(rules.weigh.length(text), composed.weighted_length);
            prop_assert!(is_nfc(text));
            prop_assert!(!text.contains("\n\n"));
            prop_assert!(text.matches(char::is_control).count() <= 1);

            let written = link.and_then(link::whole);
            let seen: Vec<_> = links(text).into_iter().filter_map(|range| text.get(range)).collect();
            let expected: Vec<_> = written.iter().filter(|link| !links(link).is_empty()).collect();
            prop_assert_eq!(&seen, &expected);
            prop_assert!(written.iter().all(|link| text.ends_with(link.as_str())));

            let words = text.strip_suffix(written.as_deref().unwrap_or("")).unwrap_or(text).trim_end_matches('\n');
            let kept = if composed.cut { words.strip_suffix(ELLIPSIS).unwrap_or(words) } else { words };
            let sources: HashSet<String> = [title.as_str(), summary.as_str(), "Feed"]
                .into_iter()
                .flat_map(|source| {
                    let clean = defuse(&plain(source), false).text;
                    clean.graphemes(true).map(str::to_owned).collect::<Vec<_>>()
                })
                .collect();
            for grapheme in kept.graphemes(true) {
                prop_assert!(grapheme == " " || sources.contains(grapheme), "{:?} in {:?}", grapheme, text);
            }
        }

        #[test]
        fn plain_text_has_no_control_characters(markup in any_text()) {
            let text = plain(&markup);
            prop_assert!(!text.contains(char::is_control));
            prop_assert!(is_nfc(&text));
        }
    }
}
