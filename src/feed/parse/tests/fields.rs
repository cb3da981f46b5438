//! What is read of an item and of the feed beside what identifies it.

use chrono::{TimeZone, Utc};

use super::read;
use crate::domain::entry::{Item, Media, ParsedFeed, Wishes};

const SPACES: &str = "xmlns:media='http://search.yahoo.com/mrss/' xmlns:itunes='http://www.itunes.com/dtds/podcast-1.0.dtd' \
     xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:content='http://purl.org/rss/1.0/modules/content/' \
     xmlns:sy='http://purl.org/rss/1.0/modules/syndication/' xmlns:atom='http://www.w3.org/2005/Atom' \
     xmlns:feedburner='http://rssnamespace.org/feedburner/ext/1.0'";

fn feed(channel: &str) -> ParsedFeed {
    read(&format!("<rss version='2.0' {SPACES}><channel>{channel}</channel></rss>")).feed
}

fn item(inner: &str) -> Item {
    feed(&format!("<item><title>t</title>{inner}</item>")).items.remove(0)
}

fn atom(inner: &str) -> ParsedFeed {
    read(&format!("<feed xmlns='http://www.w3.org/2005/Atom' xml:lang='de'>{inner}</feed>")).feed
}

/// Each media in one line: role, address, kind, bytes, pixels and caption, as far as told.
fn media(item: &Item) -> Vec<String> {
    let one = |media: &Media| {
        let mut line = format!("{:?} {}", media.role, media.url);
        line.extend(media.kind.iter().map(|kind| format!(" {kind}")));
        line.extend(media.bytes.iter().map(|bytes| format!(" {bytes} B")));
        line.extend(media.pixels.iter().map(|(width, height)| format!(" {width}x{height}")));
        if media.alt.is_empty() { line } else { format!("{line} “{}”", media.alt) }
    };
    item.media.iter().map(one).collect()
}

#[test]
fn a_feed_tells_its_language_its_hubs_and_its_own_address() {
    let rss = feed(
        "<language> de-AT </language><atom:link rel='self' href='/own.xml'/><atom:link rel='hub' href='https://hub.example/'/>\
         <atom:link rel='hub' href='https://hub.example/'/><atom:link rel='hub' href='https://two.example/'/>",
    );
    let json = read(
        r#"{"version":"https://jsonfeed.org/version/1.1","title":"T","language":"de-AT","feed_url":"/own.xml",
        "hubs":[{"type":"WebSub","url":"https://hub.example/"},{"type":"rssCloud","url":"https://x.example/"},{"type":"websub","url":"https://two.example/"}],"items":[]}"#,
    )
    .feed;
    for feed in [rss, json] {
        assert_eq!(feed.language.as_deref(), Some("de-AT"));
        assert_eq!(feed.hubs, ["https://hub.example/", "https://two.example/"]);
        assert_eq!(feed.own_address.as_deref(), Some("https://blog.example/own.xml"));
    }
    let feed = atom(
        "<link rel='self hub' href='/own'/><link href='/'/><entry><title xml:lang='fr'>t</title></entry><entry xml:lang='it'><title>t</title></entry><entry/>",
    );
    assert_eq!(feed.language.as_deref(), Some("de"));
    assert_eq!(feed.hubs, ["https://blog.example/own"]);
    assert_eq!(feed.own_address.as_deref(), Some("https://blog.example/own"));
    assert_eq!(feed.site.as_deref(), Some("https://blog.example/"));
    let languages: Vec<_> = feed.items.iter().map(|item| item.language.as_deref()).collect();
    assert_eq!(languages, [Some("fr"), Some("it"), None]);
    assert_eq!(item("<dc:language>pl</dc:language>").language.as_deref(), Some("pl"));
}

#[test]
fn a_feed_tells_how_often_it_wants_to_be_asked() {
    let minutes = |inner: &str| feed(inner).wishes.minutes;
    for (inner, expected) in [
        ("", None),
        ("<ttl>60</ttl>", Some(60)),
        ("<ttl> 60 </ttl><ttl>5</ttl>", Some(60)),
        ("<ttl>soon</ttl>", None),
        ("<ttl>0</ttl>", None),
        ("<ttl>-5</ttl>", None),
        (
            "<sy:updatePeriod>\n hourly </sy:updatePeriod><sy:updateFrequency>1</sy:updateFrequency>",
            Some(60),
        ),
        (
            "<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>",
            Some(360),
        ),
        ("<sy:updatePeriod>weekly</sy:updatePeriod>", Some(10_080)),
        ("<sy:updateFrequency>2</sy:updateFrequency>", Some(720)),
        (
            "<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>0</sy:updateFrequency>",
            Some(60),
        ),
        (
            "<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>1000</sy:updateFrequency>",
            None,
        ),
        ("<ttl>30</ttl><sy:updatePeriod>hourly</sy:updatePeriod>", Some(60)),
        ("<ttl>90</ttl><sy:updatePeriod>hourly</sy:updatePeriod>", Some(90)),
        ("<item><title>t</title><ttl>5</ttl></item>", None),
    ] {
        assert_eq!(minutes(inner), expected, "{inner}");
    }
    let wishes = feed(
        "<skipHours><hour>0</hour><hour> 3 </hour><hour>24</hour><hour>99</hour><hour>x</hour></skipHours>\
         <skipDays><day>Monday</day><day>sunday</day><day>Someday</day></skipDays>",
    )
    .wishes;
    assert_eq!(wishes, Wishes { minutes: None, skip_hours: 0b1001, skip_days: 0b100_0001 });
}

#[test]
fn media_are_kept_once_with_role_size_and_caption() {
    let found = item(
        "<enclosure url='/a.mp3' type='audio/mpeg' length='1234'/><itunes:image href='/cover.jpg'/>\
         <media:content url='/b.jpg' medium='image' fileSize='99' width='640' height='480'>\
         <media:title>beside</media:title><media:description type='plain'>A harbour</media:description>\
         <media:thumbnail url='/b-small.jpg' width='64' height='48'/></media:content>\
         <media:group><media:title>The group</media:title><media:content url='/c.mp4' type='video/mp4'/>\
         <media:content url='/d.mp4' medium='video'><media:title>Other cut</media:title></media:content></media:group>\
         <media:thumbnail url='/e.jpg' width='0' height='0'/><media:content url='/a.mp3' fileSize='77' width='1' height='2'/>\
         <media:description>Of them all</media:description><media:content url='javascript:x'/>",
    );
    assert_eq!(
        media(&found),
        [
            "Enclosure https://blog.example/a.mp3 audio/mpeg 1234 B 1x2",
            "Picture https://blog.example/cover.jpg image/*",
            "Content https://blog.example/b.jpg image/* 99 B 640x480 “A harbour”",
            "Thumbnail https://blog.example/b-small.jpg image/* 64x48 “A harbour”",
            "Content https://blog.example/c.mp4 video/mp4 “The group”",
            "Content https://blog.example/d.mp4 video/* “Other cut”",
            "Thumbnail https://blog.example/e.jpg image/* “Of them all”",
        ]
    );
    let long = "x".repeat(1001);
    let found = item(&format!(
        "<media:content url='/b'><media:title>short</media:title><media:description>{long}</media:description></media:content>"
    ));
    assert_eq!(found.media[0].alt, "short", "a whole text is no caption");
    assert_eq!(found.summary, long);
}

#[test]
fn what_many_share_is_not_copied_without_bound() {
    let media: Vec<_> = (0..64).map(|n| format!("<media:content url='/{n}.jpg'/>")).collect();
    let found = item(&format!("{}<media:title>Of them all</media:title>", media.concat()));
    assert_eq!(found.media.iter().filter(|media| !media.alt.is_empty()).count(), 4);
    let authors = format!("<author><name>{}</name></author>", "x".repeat(10_000)).repeat(64);
    let feed = atom(&format!("{authors}{}", "<entry><title>t</title></entry>".repeat(5)));
    assert!(feed.items.iter().all(|item| item.authors.concat().len() <= 800));
}

#[test]
fn media_of_atom_and_json_have_their_size() {
    let entry = atom(
        "<entry><title>t</title><link rel='enclosure' href='/a.mp3' type='audio/mpeg' length='7'/></entry>",
    );
    assert_eq!(media(&entry.items[0]), ["Enclosure https://blog.example/a.mp3 audio/mpeg 7 B"]);
    let json = read(
        r#"{"version":"1","items":[{"id":"1","image":"/i.png","attachments":[{"url":"/a.mp3","mime_type":"audio/mpeg","size_in_bytes":7,"title":"A & B"},{"mime_type":"x"}]}]}"#,
    );
    assert_eq!(
        media(&json.feed.items[0]),
        [
            "Picture https://blog.example/i.png image/*",
            "Enclosure https://blog.example/a.mp3 audio/mpeg 7 B “A &amp; B”",
        ]
    );
}

#[test]
fn authors_are_names() {
    for (inner, expected) in [
        ("<author>jane@site.example (Jane Doe)</author>", vec!["Jane Doe"]),
        ("<author>Jane <![CDATA[& John]]></author>", vec!["Jane & John"]),
        ("<author>jane@site.example</author>", vec![]),
        (
            "<dc:creator><![CDATA[Jane]]></dc:creator><dc:creator>John</dc:creator><author>x@y.example (Jane)</author>",
            vec!["Jane", "John"],
        ),
        ("<itunes:author>The Show</itunes:author>", vec!["The Show"]),
        ("<itunes:author>The Show</itunes:author><author>Jane</author>", vec!["Jane"]),
        (
            "<atom:author><atom:email>jane@site.example</atom:email><atom:name>Jane</atom:name><atom:uri>/jane</atom:uri></atom:author>",
            vec!["Jane"],
        ),
    ] {
        assert_eq!(item(inner).authors, expected, "{inner}");
    }
    let feed = atom(
        "<author><name>Anna</name></author><entry><title>t</title></entry>\
         <entry><title>t</title><author><name>Bert</name></author></entry>\
         <entry><title>t</title><source><author><name>Else</name></author></source></entry>",
    );
    let authors: Vec<_> = feed.items.iter().map(|item| item.authors.join(",")).collect();
    assert_eq!(authors, ["Anna", "Bert", "Anna"]);
    let json = read(
        r#"{"version":"1","authors":[{"name":"Anna"}],"items":[{"id":"1"},{"id":"2","author":{"name":"Bert"}}]}"#,
    );
    let authors: Vec<_> = json.feed.items.iter().map(|item| item.authors.join(",")).collect();
    assert_eq!(authors, ["Anna", "Bert"]);
}

#[test]
fn categories_are_labels() {
    let found = item(
        "<category domain='x'>One</category><category>One</category><category/><dc:subject>Two &amp; a half</dc:subject>\
         <itunes:keywords>three, four,,One</itunes:keywords><atom:category term='5' label='Five'/><atom:category term='six'/>",
    );
    assert_eq!(found.categories, ["One", "Two & a half", "three", "four", "Five", "six"]);
}

#[test]
fn summary_and_content_are_told_apart() {
    let texts = |inner: &str| {
        let item = item(inner);
        (item.summary, item.content)
    };
    let pair = |summary: &str, content: &str| (summary.to_owned(), content.to_owned());
    assert_eq!(
        texts(
            "<description>s</description><content:encoded><![CDATA[<p>c</p>]]></content:encoded><itunes:summary>i</itunes:summary>"
        ),
        pair("s", "<p>c</p>")
    );
    assert_eq!(texts("<content:encoded>c</content:encoded>"), pair("", "c"));
    assert_eq!(
        texts(
            "<media:description>m</media:description><itunes:subtitle>sub</itunes:subtitle><itunes:summary>i</itunes:summary>"
        ),
        pair("i", "")
    );
    assert_eq!(
        texts("<media:group><media:description>m</media:description></media:group>"),
        pair("m", "")
    );
    let entry = atom(
        "<entry><title type='text'>a &lt; b</title><summary type='html'>&lt;b>s&lt;/b></summary>\
         <content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><p>c &amp; d</p></div></content></entry>",
    );
    let entry = &entry.items[0];
    assert_eq!(entry.title, "a &lt; b");
    assert_eq!(entry.summary, "<b>s</b>");
    assert!(entry.content.contains("<p>c &amp; d</p>"), "{}", entry.content);
}

#[test]
fn the_best_link_is_taken_wherever_it_stands() {
    let link = |inner: &str| item(inner).link;
    let original = "<feedburner:origLink>https://blog.example/post</feedburner:origLink>";
    let proxy = "https://feedproxy.example/~r/post";
    assert_eq!(link(&format!("{original}<link>{proxy}</link>")).as_deref(), Some(proxy));
    assert_eq!(
        link(&format!("{original}<guid>https://blog.example/?p=1</guid>")).as_deref(),
        Some("https://blog.example/post")
    );
    let entry = |inner: &str| atom(&format!("<entry>{inner}</entry>")).items.remove(0).link;
    for (inner, expected) in [
        (
            "<link rel='self' href='/s'/><link rel='via' href='/v'/><link rel='alternate' href='/a'/>",
            Some("/a"),
        ),
        (
            "<link type='application/json' href='/j'/><link rel='alternate' type='text/html' href='/a'/>",
            Some("/a"),
        ),
        ("<link rel='replies' href='/r'/>", None),
        ("<link rel='enclosure' href='/e.mp3'/><id>https://blog.example/id</id>", Some("/id")),
        ("<link rel='enclosure' href='/e.mp3'/><id>tag:x,2026:1</id>", Some("/e.mp3")),
    ] {
        let expected = expected.map(|path| format!("https://blog.example{path}"));
        assert_eq!(entry(inner), expected, "{inner}");
    }
}

#[test]
fn a_date_in_the_future_is_kept_as_published() {
    let found =
        item("<pubDate>Fri, 20 Nov 2099 10:00:00 GMT</pubDate><dc:date>2026-11-20</dc:date>");
    assert_eq!(found.published, Utc.with_ymd_and_hms(2099, 11, 20, 10, 0, 0).single());
}
