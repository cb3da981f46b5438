//! `feed-rs` and our own reader held against each other: over real feeds where they are there, and
//! over feeds that are made up here.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::domain::entry::{self, ParsedFeed};
use crate::domain::text::plain;

/// What an item says, in a form in which both readers have to agree: texts without their markup,
/// which `feed-rs` writes anew.
fn told(item: &Item) -> [(&'static str, Vec<String>); 10] {
    let date = |date: Option<chrono::DateTime<chrono::Utc>>| {
        date.iter().map(chrono::DateTime::to_rfc3339).collect::<Vec<_>>()
    };
    let text = |text: &str| Some(plain(text)).filter(|text| !text.is_empty()).into_iter().collect();
    let media = item.media.iter().map(|media| media.url.clone()).collect();
    [
        ("guid", item.guid.iter().cloned().collect()),
        ("link", item.link.iter().cloned().collect()),
        ("title", text(&item.title)),
        ("published", date(item.published)),
        ("updated", date(item.updated)),
        ("summary", text(&item.summary)),
        ("content", text(&item.content)),
        ("authors", item.authors.clone()),
        ("categories", item.categories.clone()),
        ("media", media),
    ]
}

/// The fault of `feed-rs` that a difference comes from; `None` when it has no such excuse.
fn fault(
    field: &str,
    own: &[String],
    read: &[String],
    item: &Item,
    other: &Item,
) -> Option<&'static str> {
    let known = |value: &String| own.contains(value);
    match field {
        // `rdf:about`, `dc:subject`, `itunes:keywords`, feed-level authors, `media:title`, media that
        // stand alone, enclosures beside Media RSS, links kept by a feed service, `dcterms:issued`.
        _ if read.is_empty() => Some("knows fewer words"),
        "summary" if own.concat().starts_with(&read.concat()) => {
            Some("ends a text at the first tag in it")
        }
        "categories" | "media" if read.iter().all(known) => Some("knows fewer words"),
        "media" if own.iter().all(|value| read.contains(value)) => Some("tells media twice"),
        "authors" if read.iter().all(|name| known(&name.replace(['(', ')'], ""))) => {
            Some("leaves brackets around names, or tells them twice")
        }
        "published" if other.published == item.updated => Some("takes `dc:date` for `published`"),
        "updated" if other.updated == other.published => Some("copies `published` to `updated`"),
        _ => None,
    }
}

/// Compares two readings item by item; gives the faults with their numbers.
fn compare(
    own: &[Item],
    read: &[Item],
    faults: &mut BTreeMap<String, usize>,
) -> Result<(), String> {
    for (item, other) in own.iter().zip(read) {
        for ((field, own), (_, read)) in told(item).into_iter().zip(told(other)) {
            if own == read {
                continue;
            }
            let Some(fault) = fault(field, &own, &read, item, other) else {
                return Err(format!("{field}: ours {own:?}, feed-rs {read:?}"));
            };
            *faults.entry(format!("{field}: feed-rs {fault}")).or_default() += 1;
        }
    }
    Ok(())
}

fn keys(feed: &ParsedFeed) -> Vec<Vec<entry::Key>> {
    entry::identify(feed).into_iter().map(|entry| entry.keys).collect()
}

#[test]
fn both_readers_say_the_same_of_real_feeds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let places = [root.join("../shared/corpus/real"), root.join("../../shared/corpus/real")];
    let Some(folder) = places.into_iter().find(|path| path.is_dir()) else {
        println!("skipped: ../shared/corpus is not there");
        return;
    };
    let (mut feeds, mut items, mut faults) = (0, 0, BTreeMap::new());
    for file in std::fs::read_dir(folder).expect("corpus") {
        let path = file.expect("file").path();
        let text = decode(&std::fs::read(&path).expect("body"), None);
        let Ok(parsed) = parse(&text, &base()) else { continue };
        if !matches!(parsed.reader, Reader::Own | Reader::FeedRs) {
            continue;
        }
        let own = salvage::read(&text, &base()).expect("read before").feed;
        let Ok(read) = library::read(&text, &base()) else { continue };
        if read.len() != own.items.len() {
            continue;
        }
        if let Err(difference) = compare(&own.items, &read, &mut faults) {
            panic!("{}: {difference}", path.display());
        }
        assert_eq!(
            keys(&own),
            keys(&parsed.feed),
            "{}: the reader changes identity",
            path.display()
        );
        feeds += 1;
        items += read.len();
    }
    println!("{items} items of {feeds} feeds, in which {faults:#?}");
    assert!(feeds > 200 && items > 4000, "{feeds} feeds with {items} items prove nothing");
}

/// A text as a publisher may write it: what it says, and how it stands in XML.
fn written() -> impl Strategy<Value = String> {
    let text = "[A-Za-z0-9][A-Za-z0-9 .,&<>'\"é漢😀-]{0,30}[A-Za-z0-9!]";
    (text, 0..4).prop_map(|(text, how)| {
        let sign = |c: char| match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            'a' | 'e' if how == 3 => format!("&#x{:x};", u32::from(c)),
            c => c.to_string(),
        };
        let escaped: String = text.chars().map(sign).collect();
        match how {
            1 => format!("<![CDATA[{}]]>", text.replace("]]>", "")),
            2 => format!("\n  {escaped}\n"),
            _ => escaped,
        }
    })
}

fn word() -> impl Strategy<Value = String> {
    "[A-Za-z][a-z0-9]{2,9}"
}

/// One entry in parts: an id, a title, a text and a longer one, names and instants.
#[derive(Debug, Clone)]
struct Made {
    id: String,
    title: String,
    summary: String,
    content: String,
    name: String,
    tags: Vec<String>,
    published: i64,
    updated: i64,
    media: Option<String>,
    offset: i32,
}

fn made() -> impl Strategy<Value = Made> {
    let texts = (word(), written(), written(), written());
    let names = (word(), vec(word(), 0..3));
    let times = (946_684_800..4_102_444_800_i64, 946_684_800..4_102_444_800_i64, -12..13_i32);
    (texts, names, times, proptest::option::of(word())).prop_map(
        |((id, title, summary, content), (name, mut tags), (published, updated, offset), media)| {
            tags.sort();
            tags.dedup();
            Made { id, title, summary, content, name, tags, published, updated, media, offset }
        },
    )
}

impl Made {
    fn at(&self, seconds: i64) -> chrono::DateTime<chrono::FixedOffset> {
        let zone = chrono::FixedOffset::east_opt(self.offset * 3600).expect("zone");
        chrono::DateTime::from_timestamp(seconds, 0).expect("time").with_timezone(&zone)
    }

    fn tags(&self, written: impl Fn(&str) -> String) -> String {
        self.tags.iter().map(|tag| written(tag)).collect()
    }

    fn rss(&self) -> String {
        let enclosure = |name: &String| {
            format!("<enclosure url='https://m.example/{name}.mp3' type='audio/mpeg' length='5'/>")
        };
        format!(
            "<item><guid isPermaLink='false'>{}</guid><link>https://x.example/{}?a=1&amp;b=2</link><title>{}</title>\
             <description>{}</description><content:encoded>{}</content:encoded><dc:creator>{}</dc:creator>{}\
             <pubDate>{}</pubDate>{}</item>",
            self.id,
            self.id,
            self.title,
            self.summary,
            self.content,
            self.name,
            self.tags(|tag| format!("<category>{tag}</category>")),
            self.at(self.published).to_rfc2822(),
            self.media.as_ref().map(enclosure).unwrap_or_default(),
        )
    }

    fn rdf(&self) -> String {
        format!(
            "<item rdf:about='https://x.example/{}'><link>https://x.example/{}</link><title>{}</title>\
             <description>{}</description><content:encoded>{}</content:encoded><dc:creator>{}</dc:creator>\
             <dc:date>{}</dc:date></item>",
            self.id,
            self.id,
            self.title,
            self.summary,
            self.content,
            self.name,
            self.at(self.published).to_rfc3339(),
        )
    }

    fn atom(&self) -> String {
        let media = |name: &String| {
            format!(
                "<media:group><media:content url='https://m.example/{name}.jpg' medium='image'/></media:group>"
            )
        };
        format!(
            "<entry><id>tag:x.example,2026:{}</id><link rel='self' href='/self'/><link rel='alternate' href='/{}'/>\
             <title type='html'>{}</title><summary type='html'>{}</summary><content type='html'>{}</content>\
             <author><name>{}</name><email>a@x.example</email></author>{}<published>{}</published><updated>{}</updated>{}</entry>",
            self.id,
            self.id,
            self.title,
            self.summary,
            self.content,
            self.name,
            self.tags(|tag| format!("<category term='{tag}'/>")),
            self.at(self.published).to_rfc3339(),
            self.at(self.updated).to_rfc3339(),
            self.media.as_ref().map(media).unwrap_or_default(),
        )
    }

    fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "id": self.id, "url": format!("https://x.example/{}", self.id), "title": self.name,
            "summary": format!("{} {}", self.id, self.name), "content_text": self.id, "authors": [{ "name": self.name }],
            "tags": self.tags, "date_published": self.at(self.published).to_rfc3339(),
            "date_modified": self.at(self.updated).to_rfc3339(),
        })
    }
}

/// Reads a document with both readers and compares them.
fn agree(document: &str, own: &[Item]) -> Result<(), TestCaseError> {
    let read = library::read(document, &base()).map_err(TestCaseError::fail)?;
    prop_assert_eq!(own.len(), read.len());
    compare(own, &read, &mut BTreeMap::new()).map_err(TestCaseError::fail)
}

const SPACES: &str = "xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:content='http://purl.org/rss/1.0/modules/content/' \
     xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns:media='http://search.yahoo.com/mrss/'";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn both_readers_say_the_same_of_feeds_made_up_here(entries in vec(made(), 1..4)) {
        let all = |one: fn(&Made) -> String| entries.iter().map(one).collect::<String>();
        for document in [
            format!("<rss version='2.0' {SPACES}><channel><title>T</title>{}</channel></rss>", all(Made::rss)),
            format!("<rdf:RDF xmlns='http://purl.org/rss/1.0/' {SPACES}><channel><title>T</title></channel>{}</rdf:RDF>", all(Made::rdf)),
            format!("<feed xmlns='http://www.w3.org/2005/Atom' {SPACES}><title>T</title>{}</feed>", all(Made::atom)),
        ] {
            let own = salvage::read(&document, &base()).expect("a feed").feed;
            agree(&document, &own.items)?;
            let parsed = parse(&document, &base()).expect("a feed");
            prop_assert_eq!(parsed.reader, Reader::Own);
            prop_assert!(parsed.repairs.is_empty(), "{:?}", parsed.repairs);
            prop_assert_eq!(keys(&own), keys(&parsed.feed));
        }
        let items: Vec<_> = entries.iter().map(Made::json).collect();
        let document = serde_json::json!({ "version": "https://jsonfeed.org/version/1.1", "title": "T", "items": items });
        let document = document.to_string();
        let own = parse(&document, &base()).expect("a feed").feed;
        agree(&document, &own.items)?;
    }
}
