//! What a feed server might send to do harm. Every input of the measurements is here in full size, and
//! those that aim at our own readers, at the identity of entries and at the text of posts.

use std::fmt::Write as _;

use super::bombs::{brotli_of_zeros, gzip_of_zeros, zstd_of_zeros};

/// The largest body that the default `fetch.max_body` lets in.
pub(crate) const BODY_MAX: usize = 10 * 1024 * 1024;

/// How a reading of an input has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// As a feed.
    Read,
    /// Refused, with a reason.
    Refused,
}
use End::{Read, Refused};

/// One input: its name, how it has to end, its body, its `Content-Encoding`.
pub(crate) struct Input {
    pub(crate) name: &'static str,
    pub(crate) end: End,
    pub(crate) make: fn() -> Vec<u8>,
    pub(crate) packed: &'static str,
}

fn rss(inner: &str) -> Vec<u8> {
    format!(
        "<rss version=\"2.0\" xmlns:media=\"http://search.yahoo.com/mrss/\"><channel><title>t</title>{inner}</channel></rss>"
    )
    .into_bytes()
}

fn item(inner: &str) -> Vec<u8> {
    rss(&format!("<item><title>t</title>{inner}</item>"))
}

fn described(text: &str) -> Vec<u8> {
    item(&format!("<description>{text}</description>"))
}

fn nested(tag: &str, depth: usize) -> String {
    let name = tag.split(' ').next().unwrap_or_default();
    format!("{}x{}", format!("<{tag}>").repeat(depth), format!("</{name}>").repeat(depth))
}

/// What most inputs are filled up to: the largest body, less a little for what stands around it.
/// Where code is not optimised a fifth has to do, to keep the tests short.
const FULL: usize = if cfg!(debug_assertions) { BODY_MAX / 5 } else { BODY_MAX - 4096 };

/// As often as it fits.
fn filling(piece: &str) -> String {
    piece.repeat(FULL / piece.len())
}

fn numbered(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).map(one).collect()
}

fn items(count: usize) -> Vec<u8> {
    rss(&numbered(count, |n| format!("<item><title>t{n}</title><guid>{n}</guid></item>")))
}

/// As many items as are read, each of `size` bytes beside what tells it apart.
fn items_with(size: usize, one: impl Fn(usize, &str) -> String) -> Vec<u8> {
    let filler = "a".repeat(size);
    rss(&numbered(5000, |n| format!("<item>{}</item>", one(n, &filler))))
}

fn based(length: usize, entries: usize) -> Vec<u8> {
    format!(
        "<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:base=\"http://x.example/{}\">{}</feed>",
        "p/".repeat(length / 2),
        "<entry/>".repeat(entries)
    )
    .into_bytes()
}

fn entities(levels: usize, copies: usize) -> Vec<u8> {
    let mut text = "<!DOCTYPE r [<!ENTITY l0 \"lol\">".to_owned();
    for n in 1..levels {
        let inner = format!("&l{};", n - 1).repeat(copies);
        write!(text, "<!ENTITY l{n} \"{inner}\">").expect("text");
    }
    text.push_str("]>");
    let mut body = text.into_bytes();
    body.extend(described(&format!("&l{};", levels - 1)));
    body
}

fn json(items: &str) -> Vec<u8> {
    format!("{{\"version\":\"1\",\"title\":\"t\",\"items\":[{items}]}}").into_bytes()
}

const fn plain(name: &'static str, end: End, make: fn() -> Vec<u8>) -> Input {
    Input { name, end, make, packed: "" }
}

pub(crate) const INPUTS: &[Input] = &[
    plain("an ordinary feed", Read, || items(20)),
    // Depth.
    plain("media:content nested 1,000 deep", Refused, || item(&nested("media:content", 1000))),
    plain("media:content nested 200,000 deep", Refused, || item(&nested("media:content", 200_000))),
    plain("media:group nested 2,000 deep", Refused, || item(&nested("media:group", 2000))),
    plain("media:group nested 200,000 deep", Refused, || item(&nested("media:group", 200_000))),
    plain("unknown elements nested 1,000,000 deep", Refused, || rss(&nested("a", 1_000_000))),
    plain("description nested 100,000 deep", Refused, || item(&nested("description", 100_000))),
    plain("xhtml nested 10,000 deep", Refused, || described(&nested("b", 10_000))),
    plain("escaped markup nested 500,000 deep", Read, || {
        described(&format!("<![CDATA[{}]]>", nested("b", 500_000)))
    }),
    plain("blocks nested 500,000 deep in a title", Read, || {
        rss(&format!("<item><title><![CDATA[{}]]></title></item>", nested("div", 500_000)))
    }),
    plain("elements that nothing closes", Refused, || rss(&filling("<a>"))),
    plain("items within items", Refused, || rss(&"<item>".repeat(100_000))),
    plain("JSON nested 100,000 deep", Refused, || {
        format!("{{\"version\":\"1\",\"items\":[],\"x\":{}", "[".repeat(100_000)).into_bytes()
    }),
    plain("JSON nested 5,000,000 deep", Refused, || {
        json(&format!("{{\"a\":{}", "[".repeat(BODY_MAX - 4096)))
    }),
    // Address bases.
    plain("xml:base of 100 kB, 40,000 entries", Refused, || based(100_000, 40_000)),
    plain("xml:base of 5 MB, 600,000 entries", Refused, || based(5_000_000, 600_000)),
    plain("xml:base of 2,000 bytes, 5,000 entries", Read, || based(2000, 5000)),
    plain("xml:base joined 5,000 deep", Refused, || {
        rss(&nested("a xml:base=\"http://x.example/p/\"", 5000))
    }),
    plain("xml:base that grows with each element", Read, || {
        rss(&format!(
            "<item>{}</item>",
            format!("<a xml:base=\"{}/\">", "p".repeat(2000)).repeat(50)
        ))
    }),
    // Numbers.
    plain("1,000,000 empty items", Refused, || rss(&"<item/>".repeat(1_000_000))),
    plain("100,000 items", Refused, || items(100_000)),
    plain("100,000 items in JSON", Refused, || {
        let all =
            numbered(100_000, |n| format!("{{\"id\":\"{n}\",\"content_text\":\"text {n}\"}},"));
        json(&format!("{all}{{}}"))
    }),
    plain("5,000 items of 2 kB", Read, || {
        items_with(1900, |n, filler| {
            format!("<guid>{n}</guid><title>t {n}</title><description>{filler}</description>")
        })
    }),
    plain("5,000 items of 2 kB in JSON", Read, || {
        let text = "lorem ".repeat(300);
        let one = |n| {
            format!(
                "{{\"id\":\"{n}\",\"url\":\"https://x.example/{n}\",\"content_html\":\"{text}\"}}"
            )
        };
        json(&(0..5000).map(one).collect::<Vec<_>>().join(","))
    }),
    plain("5,000 items of one guid and link", Read, || {
        items_with(900, |n, filler| {
            format!(
                "<guid>{filler}</guid><link>http://x.example/{filler}</link><title>title {n}</title><pubDate>{}</pubDate>",
                date(n)
            )
        })
    }),
    plain("5,000 items of one link", Read, || {
        items_with(1800, |n, filler| {
            format!(
                "<link>http://x.example/{filler}</link><title>title {n}</title><pubDate>{}</pubDate>",
                date(n)
            )
        })
    }),
    plain("5,000 items of one guid", Read, || {
        items_with(1800, |n, filler| {
            format!("<guid>{filler}</guid><title>title {n}</title><pubDate>{}</pubDate>", date(n))
        })
    }),
    plain("5,000 equal items", Read, || {
        items_with(1800, |_, filler| format!("<guid>g</guid><title>{filler}</title>"))
    }),
    plain("450,000 equal categories", Read, || item(&"<category>c</category>".repeat(450_000))),
    plain("300,000 different categories", Read, || {
        item(&numbered(300_000, |n| format!("<category>c{n}</category>")))
    }),
    plain("200,000 media", Read, || {
        item(&numbered(200_000, |n| format!("<enclosure url=\"http://x.example/{n}.jpg\"/>")))
    }),
    plain("200,000 links", Read, || {
        item(&numbered(200_000, |n| format!("<link>http://x.example/{n}</link>")))
    }),
    plain("200,000 hubs and links of the feed", Read, || {
        rss(&numbered(150_000, |n| format!("<atom:link xmlns:atom=\"http://www.w3.org/2005/Atom\" rel=\"hub\" href=\"http://x/{n}\"/>")).chars().take(BODY_MAX - 4096).collect::<String>().rsplit_once("<atom").map_or_else(String::new, |(whole, _)| whole.to_owned()))
    }),
    // Size.
    plain("a description of 10 MB", Read, || described(&filling("lorem "))),
    plain("a title of 10 MB", Read, || {
        rss(&format!("<item><title>{}</title></item>", filling("lorem ")))
    }),
    plain("a title of 10 MB with tags", Read, || {
        rss(&format!("<item><title><![CDATA[{}]]></title></item>", filling("<b>lorem</b> <i>")))
    }),
    plain("a title of 10 MB of brackets", Read, || {
        rss(&format!("<item><title><![CDATA[{}]]></title></item>", filling("<")))
    }),
    plain("a title of 10 MB escaped over and over", Read, || {
        rss(&format!("<item><title>{}</title></item>", filling("&amp;amp;lt;b&amp;amp;gt;")))
    }),
    plain("a title of 10 MB of open script elements", Read, || {
        rss(&format!("<item><title><![CDATA[{}]]></title></item>", filling("<script></a>")))
    }),
    plain("a title of 10 MB of open comments", Read, || {
        rss(&format!("<item><title><![CDATA[{}]]></title></item>", filling("<!- <a href=\"")))
    }),
    plain("a title of 10 MB without a space", Read, || {
        rss(&format!("<item><title>{}</title></item>", filling("a")))
    }),
    plain("a title of 10 MB of joined marks", Read, || {
        rss(&format!("<item><title>a{}</title></item>", filling("\u{301}")))
    }),
    plain("a title of 10 MB of mentions and addresses", Read, || {
        rss(&format!("<item><title>{}</title></item>", filling("@a example.com #b ")))
    }),
    plain("a title of 10 MB of dots", Read, || {
        rss(&format!("<item><title>{}</title></item>", filling("a.")))
    }),
    plain("an attribute of 10 MB", Read, || {
        item(&format!("<enclosure url=\"http://x/{}\"/>", filling("a")))
    }),
    plain("600,000 attributes", Read, || {
        item(&format!("<category{}>c</category>", numbered(600_000, |n| format!(" a{n}=\"v\""))))
    }),
    plain("300,000 namespaces", Read, || {
        item(&format!("<x{}/>", numbered(300_000, |n| format!(" xmlns:n{n}=\"u{n}\""))))
    }),
    plain("a link of 10 MB", Read, || {
        item(&format!("<link>http://x.example/{}</link>", filling("a/../")))
    }),
    plain("a guid of 10 MB", Read, || {
        item(&format!("<guid>{}</guid>", filling("http://x/?utm_a=b&amp;")))
    }),
    plain("a date of 10 MB", Read, || {
        item(&format!("<pubDate>Thu, 01 Jan 2026 {}</pubDate>", filling("0")))
    }),
    plain("90,000 dates that are none", Read, || {
        item(
            &"<pubDate>Thirtysomethingth of Never, 20256 25:61:61 GMT+99:99</pubDate>"
                .repeat(90_000),
        )
    }),
    plain("5,000 items with a date that is none", Read, || {
        items_with(1800, |n, filler| format!("<guid>{n}</guid><pubDate>{filler}</pubDate>"))
    }),
    // Markup.
    plain("2,000,000 references", Read, || described(&filling("&amp;"))),
    plain("2,000,000 references in an attribute", Read, || {
        item(&format!("<enclosure url=\"http://x/?{}\"/>", filling("&amp;")))
    }),
    plain("references that never end", Read, || described(&filling("&a"))),
    plain("700,000 CDATA sections", Read, || described(&filling("<![CDATA[x]]>"))),
    plain("a CDATA section of 10 MB", Read, || described(&format!("<![CDATA[{}]]>", filling("x")))),
    plain("a CDATA section without an end", Refused, || {
        described(&format!("<![CDATA[{}", filling("x")))
    }),
    plain("a comment of 10 MB", Read, || rss(&format!("<!--{}-->", filling("c")))),
    plain("a comment without an end", Refused, || rss(&format!("<!--{}", filling("<item/>")))),
    plain("600,000 comments", Read, || rss(&filling("<!--c-->"))),
    plain("comments that all lack their end", Read, || rss(&filling("<!-"))),
    plain("an instruction without an end", Read, || rss(&format!("<?{}", filling("<?x ")))),
    plain("600,000 instructions", Read, || rss(&filling("<?x y?>"))),
    plain("600,000 declarations", Read, || {
        let mut body = format!(
            "<!DOCTYPE r [{}]>",
            numbered(500_000, |n| format!("<!ENTITY e{n} \"\">"))
                .chars()
                .take(BODY_MAX - 8192)
                .collect::<String>()
        )
        .into_bytes();
        body.extend(item(""));
        body
    }),
    plain("2,000,000 open declarations", Read, || rss(&filling("<!a>"))),
    plain("2,000,000 declarations with a subset", Refused, || rss(&filling("<!a[>"))),
    plain("quotes that nothing closes", Read, || rss(&filling("<a \""))),
    plain("quotes that nothing closes, in one tag", Read, || {
        rss(&format!("<a {}", filling("b=\"c d='")))
    }),
    plain("stray ends", Read, || rss(&format!("{}{}", "<a>".repeat(50), filling("</b>")))),
    plain("brackets", Read, || rss(&filling("<"))),
    plain("end tags without a name", Read, || rss(&filling("</ "))),
    plain("one open tag", Refused, || format!("<{}", filling("a")).into_bytes()),
    plain("no tag", Refused, || filling("x").into_bytes()),
    plain("zeros", Refused, || vec![0; BODY_MAX]),
    plain("bytes that are no text", Refused, || [0xff, 0xfe, 0x80, 0xd8].repeat(BODY_MAX / 4)),
    plain("a web page of 10 MB of links", Refused, || {
        format!("<html>{}", filling("<link rel=alternate type=application/rss+xml href=/a>"))
            .into_bytes()
    }),
    plain("a web page of open tags", Refused, || {
        format!("<html>{}", filling("<link ")).into_bytes()
    }),
    plain("JSON of one text of 10 MB", Read, || {
        json(&format!("{{\"id\":\"1\",\"content_html\":\"{}\"}}", filling("\\u003c")))
    }),
    plain("JSON of 5,000,000 numbers", Refused, || json(&format!("1{}", filling(",1")))),
    plain("JSON of 500,000 keys", Refused, || {
        json(&format!("{{{}\"id\":1}}", numbered(500_000, |n| format!("\"k{n}\":1,"))))
    }),
    // Entities.
    plain("an entity bomb", Read, || entities(10, 10)),
    plain("a wide entity bomb", Read, || entities(3, 100_000)),
    plain("an external entity", Read, || {
        let mut body = b"<!DOCTYPE r [<!ENTITY a SYSTEM \"file:///etc/hostname\">]>".to_vec();
        body.extend(described("[&a;]"));
        body
    }),
    plain("an author that panics feed-rs", Read, || {
        item("<author>\u{5f20}\u{4e09}\u{ff08}zhang@x.cn\u{ff09}</author>")
    }),
    plain("a reference to nothing", Read, || described("&#0;&#x1F;&#xFFFFFFFFFF;")),
    // Bombs.
    Input {
        name: "a gzip bomb of 1 GB",
        end: Refused,
        make: || gzip_of_zeros(16_000),
        packed: "gzip",
    },
    Input {
        name: "a brotli bomb of 1 GB",
        end: Refused,
        make: || brotli_of_zeros(64),
        packed: "br",
    },
    Input {
        name: "a zstd bomb of 1 GB",
        end: Refused,
        make: || zstd_of_zeros(8192),
        packed: "zstd",
    },
    plain("11 MB", Refused, || vec![b' '; 11 * 1024 * 1024]),
];

fn date(n: usize) -> String {
    let at = chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::minutes(n.try_into().unwrap_or(0));
    at.to_rfc2822()
}
