//! OPML: the list of feeds that readers exchange.
//!
//! Promises: reading never fails on form, ends in linear time, and takes at most [`FEEDS_MAX`] feeds;
//! what [`write()`] writes, [`read()`] reads back whole. Must not: check an address, or know what a
//! setting means.

use chrono::{DateTime, Utc};
use html_escape::decode_html_entities;

use super::decode::decode;
use super::tokens::{Token, Tokens, attribute, attributes};

/// The largest list, in bytes.
pub const BYTES_MAX: usize = 16 * 1024 * 1024;
/// Feeds of one list.
pub const FEEDS_MAX: usize = 10_000;
/// Folders within folders; what lies deeper counts to the last of them.
const DEPTH_MAX: usize = 16;
/// Characters of a title or a folder's name that are kept.
const TITLE_MAX: usize = 200;
/// Our attributes belong to this.
const NAMESPACE: &str = "urn:tidings:opml:1";

/// One feed of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline {
    /// What it is called; may be empty.
    pub title: String,
    /// Its address as written.
    pub address: String,
    /// The folders that it lies in, the outermost first.
    pub folders: Vec<String>,
    /// Our own attributes: key and value, as written.
    pub settings: Vec<(String, String)>,
}

/// A list that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct List {
    /// Its feeds, in its order.
    pub feeds: Vec<Outline>,
    /// Feeds beyond [`FEEDS_MAX`], which were left out.
    pub cut: usize,
}

/// The text is no OPML.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no OPML: there is neither <opml> nor <outline> in it")]
pub struct NotOpml;

/// Reads a list.
///
/// # Errors
///
/// Where nothing in it is of a list.
pub fn read(bytes: &[u8]) -> Result<List, NotOpml> {
    let text = without_markup_in_values(&decode(bytes, None));
    let mut list = List::default();
    let mut prefix = "tidings".to_owned();
    // The folder that each open outline is; a feed is none.
    let mut open: Vec<Option<String>> = Vec::new();
    let mut is_opml = false;
    for token in Tokens::new(&text) {
        match token {
            Token::Start { name, attributes: given, .. } if name.eq_ignore_ascii_case("opml") => {
                is_opml = true;
                prefix = our_prefix(given).unwrap_or(prefix);
            }
            Token::Start { name, attributes: given, closed } if is_outline(name) => {
                is_opml = true;
                let title = title_of(given);
                let address = value(given, "xmlUrl").filter(|it| !it.is_empty());
                let is_feed = address.is_some();
                if let Some(address) = address {
                    if list.feeds.len() < FEEDS_MAX {
                        let folders = open.iter().take(DEPTH_MAX).flatten().cloned().collect();
                        let settings = settings_of(given, &prefix);
                        list.feeds.push(Outline {
                            title: title.clone(),
                            address,
                            folders,
                            settings,
                        });
                    } else {
                        list.cut += 1;
                    }
                }
                if !closed {
                    open.push((!is_feed && !title.is_empty()).then_some(title));
                }
            }
            Token::End(name) if is_outline(name) => {
                open.pop();
            }
            Token::Start { .. } | Token::End(_) | Token::Text(_) | Token::Data(_) | Token::Cut => {}
        }
    }
    if is_opml { Ok(list) } else { Err(NotOpml) }
}

/// Nothing but outlines matters here. Many lists hold unescaped markup in their descriptions, which
/// would end the tag that it stands in: every other `<` becomes a reference.
fn without_markup_in_values(text: &str) -> String {
    let mut whole = String::with_capacity(text.len());
    for (number, piece) in text.split('<').enumerate() {
        if number > 0 {
            let ours = ["outline", "/outline", "opml", "/opml", "!", "?"].iter().any(|start| {
                piece.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
            });
            whole.push_str(if ours { "<" } else { "&lt;" });
        }
        whole.push_str(piece);
    }
    whole
}

fn is_outline(name: &str) -> bool {
    name.eq_ignore_ascii_case("outline")
}

fn value(given: &str, name: &str) -> Option<String> {
    attribute(given, name).map(|value| decode_html_entities(value.trim()).into_owned())
}

/// `title`, or else `text`, on one line.
fn title_of(given: &str) -> String {
    let named = |name| value(given, name).filter(|it| !it.trim().is_empty());
    let title = named("title").or_else(|| named("text")).unwrap_or_default();
    let words: Vec<&str> = title.split_whitespace().collect();
    words.join(" ").chars().filter(|it| !it.is_control()).take(TITLE_MAX).collect()
}

/// The prefix that a document binds to our namespace.
fn our_prefix(given: &str) -> Option<String> {
    attributes(given)
        .find(|(_, uri)| *uri == NAMESPACE)
        .and_then(|(name, _)| name.strip_prefix("xmlns:"))
        .map(str::to_owned)
}

fn settings_of(given: &str, prefix: &str) -> Vec<(String, String)> {
    attributes(given)
        .filter_map(|(name, value)| {
            let key = name.strip_prefix(prefix)?.strip_prefix(':')?;
            Some((key.to_owned(), decode_html_entities(value).into_owned()))
        })
        .collect()
}

/// Writes a list as OPML 2.0.
pub fn write(feeds: &[Outline], now: DateTime<Utc>) -> String {
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<opml version=\"2.0\" xmlns:tidings=\"{NAMESPACE}\">\n\
         <head><title>Feeds of Tidings</title><dateCreated>{}</dateCreated></head>\n<body>\n",
        now.to_rfc2822()
    );
    let mut open: &[String] = &[];
    for feed in feeds {
        let common = open.iter().zip(&feed.folders).take_while(|(a, b)| a == b).count();
        text.push_str(&"</outline>\n".repeat(open.len() - common));
        for folder in feed.folders.iter().skip(common) {
            let folder = escaped(folder);
            text.extend(["<outline text=\"", &folder, "\" title=\"", &folder, "\">\n"]);
        }
        open = &feed.folders;
        let (title, address) = (escaped(&feed.title), escaped(&feed.address));
        text.extend(["<outline type=\"rss\" text=\"", &title, "\" title=\"", &title]);
        text.extend(["\" xmlUrl=\"", &address, "\""]);
        for (key, value) in &feed.settings {
            text.extend([" tidings:", key, "=\"", &escaped(value), "\""]);
        }
        text.push_str("/>\n");
    }
    text.push_str(&"</outline>\n".repeat(open.len()));
    text.push_str("</body>\n</opml>\n");
    text
}

/// A text as the value of an attribute; line breaks survive as references.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\r' => escaped.push_str("&#13;"),
            '\t' => escaped.push_str("&#9;"),
            // No other control character can stand in XML.
            letter if letter.is_control() => {}
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn odd_lists_are_read() {
        let text = "<OPML version=1><body><outline text='News &amp; more'>\
            <outline TEXT=\"a\" XMLURL='https://a.example/?x=1&amp;y=2'></outline>\
            <outline title='Deep'><outline type=rss title='' text='b' xmlUrl=\"https://b.example\"/></outline></outline>\
            <outline text=\"no feed\"/><outline xmlUrl='|~/script.py' title='piped'/>\
            <outline title='markup' description=\"<p>a <b>b</b></p> 'c\" xmlUrl='https://d.example'/>\
            <outline text=\"q\" description=\"the \"quoted\" isn't\" xmlUrl=\"https://e.example\"/>\
            <outline text=unclosed><outline xmlUrl=https://c.example>";
        let feeds: Vec<_> = read(text.as_bytes())
            .expect("OPML")
            .feeds
            .into_iter()
            .map(|it| (it.title, it.address, it.folders.join(" / ")))
            .collect();
        let row = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(
            feeds,
            [
                row("a", "https://a.example/?x=1&y=2", "News & more"),
                row("b", "https://b.example", "News & more / Deep"),
                row("piped", "|~/script.py", ""),
                row("markup", "https://d.example", ""),
                row("q", "https://e.example", ""),
                row("", "https://c.example", "unclosed"),
            ]
        );
        assert_eq!(read(b"<rss><channel/></rss>"), Err(NotOpml));
        assert_eq!(read(b""), Err(NotOpml));
    }

    #[test]
    fn a_list_has_limits() {
        let deep = "<outline text='f'>".repeat(100_000) + "<outline xmlUrl='https://a.example'/>";
        let list = read(deep.as_bytes()).expect("OPML");
        assert_eq!(list.feeds[0].folders.len(), DEPTH_MAX);
        let many = "<outline xmlUrl='https://a.example'/>".repeat(FEEDS_MAX + 5);
        let list = read(many.as_bytes()).expect("OPML");
        assert_eq!((list.feeds.len(), list.cut), (FEEDS_MAX, 5));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            rows in proptest::collection::vec(
                ("[^\\s\\p{Cc}]{1,9}", "\\PC{0,9}", proptest::collection::vec("[a-z<\"&']{1,3}", 0..3)),
                1..9,
            )
        ) {
            let feeds: Vec<Outline> = rows
                .into_iter()
                .map(|(word, value, folders)| Outline {
                    title: word.clone(),
                    address: format!("https://{word}"),
                    folders,
                    settings: vec![("key".to_owned(), format!("{value}\n\t\"{word}\""))],
                })
                .collect();
            let text = write(&feeds, DateTime::UNIX_EPOCH);
            prop_assert_eq!(read(text.as_bytes()).expect("OPML").feeds, feeds);
        }

        #[test]
        fn any_text_ends(text in "[<>/\"'= a-z:&;#0-9]{0,80}") {
            let _read = read(format!("<outline {text}").as_bytes());
        }
    }
}
