use proptest::prelude::*;

use super::*;
use crate::feed::decode::decode;

mod differential;
mod fields;

fn base() -> Url {
    Url::parse("https://blog.example/dir/feed.xml").expect("url")
}

fn read(text: &str) -> Parsed {
    parse(&decode(text.as_bytes(), None), &base()).expect(text)
}

/// Guid, link, title and day of each item, one line each.
fn lines(text: &str) -> Vec<String> {
    let or = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
    read(text)
        .feed
        .items
        .iter()
        .map(|item| {
            let day = item.published.or(item.updated);
            let day = day.map_or_else(|| "-".into(), |day| day.format("%F").to_string());
            format!("{} {} {} {day}", or(&item.guid), or(&item.link), item.title)
        })
        .collect()
}

#[test]
fn every_format_and_every_known_lapse_is_read() {
    let item = "<item><title>A &amp; B</title><link>/a</link><guid isPermaLink='false'>g</guid><pubDate>Fri, 20 Nov 2026 10:00:00 GMT</pubDate></item>";
    let expected = "g https://blog.example/a A & B 2026-11-20";
    let rss =
        |version: &str, inner: &str| format!("<rss {version}><channel>{inner}</channel></rss>");
    for text in [
        rss("version='2.0'", item),
        rss("", item),
        rss("version='2.01'", item),
        rss("version='0.94' xmlns='http://backend.userland.com/rss2'", item),
        rss("version='2.0' xmlns='http://unknown.example/'", item),
        format!("<rss version='2.0'><channel></channel>{item}</rss>"),
        rss("version='2.0'", &item.replace("&amp;", "&")),
        rss("version='2.0' xmlns:media='http://search.yahoo.com/mrss/'", &item.replace("</item>", "<media:title/><media:description></media:description></item>")),
        rss("version='2.0'", &item.replace("</item>", "<description><p>one<br>two</description></item>")),
        rss("version='2.0'", &item.replace("<link>", "<author>张三（zhang@x.cn）</author><link>")),
        rss("version='2.0'", &format!("{item}<item><title><![CDATA[cut")),
        format!("<!-- first -->\n<?xml version='1.0' encoding='gb2312'?>{}", rss("version='2.0'", item)),
        format!("<?xml version='1.0' encoding='utf-16'?>\n<!DOCTYPE rss [<!ENTITY x 'y'>]>{}", rss("version='2.0'", item)),
        "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/' xmlns:dc='http://purl.org/dc/elements/1.1/'><channel/><item rdf:about='g'><title>A &amp; B</title><link>/a</link><dc:date>2026-11-20</dc:date></item></rdf:RDF>".into(),
        "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://my.netscape.com/rdf/simple/0.9/' xmlns:dc='http://purl.org/dc/elements/1.1/'><item rdf:about='g'><title>A &amp; B</title><link>/a</link><dc:date>2026-11-20</dc:date></item></rdf:RDF>".into(),
        "<feed xmlns='http://www.w3.org/2005/Atom'><entry><id>g</id><title type='html'>A &amp; B</title><link rel='self' href='/self'/><link href='/a.json' type='application/json'/><link rel='alternate' type='text/html' href='/a'/><published>2026-11-20T10:00:00Z</published></entry></feed>".into(),
        "<feed version='0.3' xmlns='http://purl.org/atom/ns#'><entry><id>g</id><title>A &amp; B</title><link href='/a'/><issued>2026-11-20T10:00:00Z</issued></entry></feed>".into(),
        "<a:feed xmlns:a='http://www.w3.org/2005/Atom' xml:base='/x/'><a:entry><a:id>g</a:id><a:title type='markdown'>A &amp; B</a:title><a:link href='../a'/><a:updated>2026-11-20T10:00:00Z</a:updated><a:source><a:id>other</a:id><a:title>Other</a:title></a:source></a:entry></a:feed>".into(),
    ] {
        assert_eq!(lines(&text), [expected], "{text}");
    }
}

#[test]
fn json_feeds_are_read_field_by_field() {
    let text = r#"{"version":1,"title":"T","items":[
        {"id":7,"url":"/a","title":"A < B","tags":"one","author":{"name":"N"},"image":"/i.png","date_published":"2026-11-20"},
        null,{"id":"https://blog.example/b","content_text":"x & y","authors":[{"name":"M"},5]}]}"#;
    let parsed = read(text);
    assert_eq!(parsed.reader, Reader::Json);
    assert_eq!(
        lines(text),
        [
            "7 https://blog.example/a A &lt; B 2026-11-20",
            "https://blog.example/b https://blog.example/b  -"
        ]
    );
    let first = &parsed.feed.items[0];
    assert_eq!(
        (first.authors.as_slice(), first.categories.as_slice()),
        (["N".to_owned()].as_slice(), ["one".to_owned()].as_slice())
    );
    assert_eq!(parsed.feed.items[1].content, "x &amp; y");
}

#[test]
fn odd_old_formats_are_read() {
    let atom = |inner: &str| {
        format!("<feed xmlns='http://www.w3.org/2005/Atom'><entry>{inner}</entry></feed>")
    };
    for (text, expected) in [
        (
            "<CHANNEL><ITEM HREF='/a' LASTMOD='2026-11-20T23:05:43-05:00'><TITLE>One</TITLE></ITEM></CHANNEL>".to_owned(),
            "- https://blog.example/a One 2026-11-21",
        ),
        (atom("<title mode='base64'> T25l\n</title>"), "- - One -"),
        (atom("<title type='application/octet-stream'>PGI+T25lPC9iPg==</title>"), "- - <b>One</b> -"),
        (atom("<title mode='base64'>One, plainly</title>"), "- - One, plainly -"),
        (atom("<link rel='enclosure'>https://x.example/e</link><link rel='alternate' type='text/html'>https://x.example/a</link>"), "- https://x.example/a  -"),
        (atom("<link rel='self'>https://x.example/e</link>"), "- -  -"),
    ] {
        assert_eq!(lines(&text), [expected], "{text}");
    }
    let picture = atom("<title>t</title><content type='image/png'>iVBORw0KGgo=</content>");
    assert_eq!(read(&picture).feed.items[0].content, "");
}

#[test]
fn what_a_document_breaks_off_in_is_left_out() {
    let known = "<title>One</title><link>/a</link><guid>g</guid><pubDate>Fri, 20 Nov 2026 10:00:00 GMT</pubDate>";
    for (inner, items, repair) in [
        (format!("<item>{known}</item><item>{known}<description>half a te"), 2, "the text that"),
        (
            format!("<item>{known}</item><item>{known}<description><![CDATA[half a te"),
            2,
            "the text that",
        ),
        (
            format!("<item>{known}</item><item><title>Two</title><description>half a te"),
            1,
            "the item that",
        ),
        (
            format!("<item>{known}</item><item>{}", known.replace("</pubDate>", "")),
            1,
            "the item that",
        ),
        (format!("<item>{known}</item><ite"), 1, "behind its last item"),
    ] {
        let parsed = read(&format!("<rss version='2.0'><channel>{inner}"));
        assert_eq!(parsed.feed.items.len(), items, "{inner}");
        assert!(parsed.feed.items.iter().all(|item| item.summary.is_empty()), "{inner}");
        assert!(parsed.repairs.iter().any(|found| found.contains(repair)), "{:?}", parsed.repairs);
    }
}

#[test]
fn what_was_repaired_is_one_line_each_and_bounded() {
    let name = "\u{1b}[31m".repeat(500);
    for text in [
        format!(
            "<rss version='2.0'><channel><item><title>t</title></item></a\n{name}></channel></rss>"
        ),
        format!(
            "<rss version='2.0'><channel><item><title>t</title></item></channel></rss></{name}>"
        ),
    ] {
        let parsed = read(&text);
        assert_eq!(parsed.reader, Reader::Salvage);
        assert!(!parsed.repairs.is_empty());
        for repair in parsed.repairs {
            assert!(
                !repair.contains(char::is_control) && repair.chars().count() <= 300,
                "{repair:?}"
            );
        }
    }
}

#[test]
fn a_date_without_a_name_is_that_of_a_change() {
    let parsed = read(
        "<rss version='2.0' xmlns:dc='http://purl.org/dc/elements/1.1/'><channel><item><title>t</title><pubDate>Fri, 20 Nov 2026 10:00:00 GMT</pubDate><dc:date>2026-11-21</dc:date></item></channel></rss>",
    );
    let item = &parsed.feed.items[0];
    let day = |at: Option<chrono::DateTime<chrono::Utc>>| at.map(|at| at.format("%F").to_string());
    assert_eq!(day(item.published).as_deref(), Some("2026-11-20"));
    assert_eq!(day(item.updated).as_deref(), Some("2026-11-21"));
}

#[test]
fn links_come_from_where_they_are() {
    let item =
        |inner: &str| format!("<rss version='2.0'><channel><item>{inner}</item></channel></rss>");
    for (inner, expected) in [
        ("<guid>https://x.example/1</guid>", Some("https://x.example/1")),
        ("<guid isPermaLink='false'>https://x.example/1</guid>", None),
        ("<guid>tag:x,2026:1</guid>", None),
        ("<link>javascript:alert(1)</link>", None),
        ("<link>  https://x.example/a?b=1&amp;c=2 </link>", Some("https://x.example/a?b=1&c=2")),
        ("<enclosure url='/a.mp3' type='audio/mpeg'/>", Some("https://blog.example/a.mp3")),
        ("<link></link><guid>https://x.example/1</guid>", Some("https://x.example/1")),
    ] {
        let parsed = read(&item(inner));
        assert_eq!(parsed.feed.items[0].link.as_deref(), expected, "{inner}");
    }
}

#[test]
fn an_id_that_feed_rs_would_make_up_is_none_and_both_readers_agree_on_identity() {
    let sound = "<rss version='2.0'><channel><item><title>One</title><description>d</description></item></channel></rss>";
    let broken = sound.replace("</channel>", "<b></channel>");
    let (sound, broken) = (read(sound), read(&broken));
    assert_eq!((sound.reader, broken.reader), (Reader::Own, Reader::Salvage));
    assert_eq!(sound.feed.items[0].guid, None);
    assert_eq!(sound.feed, broken.feed);
    assert!(sound.repairs.is_empty() && broken.repairs.len() == 1, "{:?}", broken.repairs);
}

#[test]
fn media_are_attached_with_their_kind() {
    let parsed = read(
        "<rss version='2.0' xmlns:media='http://search.yahoo.com/mrss/'><channel><item><title>t</title>\
         <enclosure url='/a.mp3' type='audio/mpeg'/><media:group><media:content url='https://x.example/b' medium='image'>\
         <media:thumbnail url='/c.jpg'/></media:content></media:group></item></channel></rss>",
    );
    let media: Vec<_> = parsed.feed.items[0]
        .media
        .iter()
        .map(|media| (media.url.as_str(), media.kind.as_deref().unwrap_or("-")))
        .collect();
    assert_eq!(
        media,
        [
            ("https://blog.example/a.mp3", "audio/mpeg"),
            ("https://x.example/b", "image/*"),
            ("https://blog.example/c.jpg", "image/*"),
        ]
    );
}

#[test]
fn control_characters_and_doubled_utf8_are_mended() {
    let title = |text: &str| {
        let text = format!(
            "<rss version='2.0'><channel><item><title>{text}</title></item></channel></rss>"
        );
        read(&text).feed.items[0].title.clone()
    };
    assert_eq!(title("a\u{b}b&#150;c"), "ab–c");
    assert_eq!(title("transmissÃ£o"), "transmissão");
    assert_eq!(title("Ärger über Ã"), "Ärger über Ã");
    assert_eq!(title("Fish &nbsp;&eacute; <b>x</b>"), "Fish &nbsp;&eacute; <b>x</b>");
}

proptest! {
    #[test]
    fn any_text_is_read_without_harm(
        text in "(<(/?(rss|channel|item|entry|title|link|p|media:group)|[!?a&])( x='1'| y=\")?/?>|[ -~]{0,6}|<!\\[CDATA\\[|\\]\\]>){0,40}"
    ) {
        let _parsed = parse(&text, &base());
        let _parsed = parse(&format!("<rss><channel><item>{text}"), &base());
    }
}
