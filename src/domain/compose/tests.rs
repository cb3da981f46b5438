//! The rules of composing, each shown by texts; and what holds for any entry and template.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use chrono::DateTime;
use proptest::prelude::*;
use unicode_normalization::is_nfc;
use unicode_segmentation::UnicodeSegmentation;

use super::super::cut::ELLIPSIS;
use super::super::defuse::SPACER;
use super::super::hashtags::{Case, Hashtags};
use super::super::template::Template;
use super::*;

const LINK: &str = "https://example.com/a";

fn entry(title: &str, link: Option<&str>) -> Item {
    Item {
        title: title.to_owned(),
        summary: "<p>The summary.</p>".to_owned(),
        link: link.map(str::to_owned),
        ..Item::default()
    }
}

fn composed(item: &Item, platform: &str, manner: &Manner) -> Result<Composed, Unfit> {
    let setting = Setting {
        platform,
        profile: "main",
        zone: chrono_tz::Europe::Berlin,
        manner,
        allow_mentions: false,
    };
    compose(&Ingredients::of(item, "blog", "The feed"), &setting)
}

fn by_default(item: &Item, platform: &str) -> Result<Composed, Unfit> {
    composed(item, platform, &Manner::default())
}

/// A composed text with its length and notes, spacers made visible.
fn card(composed: Result<Composed, Unfit>) -> String {
    match composed {
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

fn shown(title: &str, link: Option<&str>) -> String {
    card(by_default(&entry(title, link), "twitter"))
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
    let of = |title: &str, summary: &str, feed_title, link: Option<&str>| {
        let item = Item { summary: summary.to_owned(), ..entry(title, link) };
        let manner = Manner::default();
        let setting = Setting {
            platform: "twitter",
            profile: "main",
            zone: Tz::UTC,
            manner: &manner,
            allow_mentions: false,
        };
        compose(&Ingredients::of(&item, "blog", feed_title), &setting).map(|composed| composed.text)
    };
    assert_eq!(of("<p></p>", "S", "F", Some(LINK)), Ok(format!("S\n{LINK}")));
    assert_eq!(of("\u{200D}", " ", "F", Some(LINK)), Ok(format!("F\n{LINK}")));
    assert_eq!(of("", "", "", Some(LINK)), Ok(LINK.to_owned()));
    assert_eq!(of("", "", "", None), Err(Unfit::NothingToSay));
    assert_eq!(of("", "", "", Some("mailto:x@y.com")), Err(Unfit::NothingToSay));
}

#[test]
fn elsewhere_a_link_counts_by_its_letters() {
    let link = format!("https://example.com/{}", "a".repeat(200));
    assert_eq!(
        by_default(&entry("T", Some(&link)), "snapchat"),
        Err(Unfit::LinkTooLong { needed: 220, limit: 160 })
    );
    let link = format!("https://example.com/{}", "a".repeat(139));
    let composed = by_default(&entry("T", Some(&link)), "snapchat").expect("a text");
    assert_eq!((composed.text.as_str(), composed.cut), (link.as_str(), true));
    assert_eq!(limit_of("myspace"), None);
}

#[test]
fn long_words_are_cut_with_care() {
    let text = |title: &str| by_default(&entry(title, None), "twitter").expect("a text").text;
    assert_eq!(text(&"a".repeat(300)), format!("{}…", "a".repeat(278)));
    assert_eq!(text(&"👩‍🚀".repeat(150)), format!("{}…", "👩‍🚀".repeat(139)));
    // A hashtag is left off whole.
    assert_eq!(
        text(&format!("{} #{}", "a".repeat(20), "b".repeat(300))),
        format!("{}…", "a".repeat(20))
    );
    // A cut never makes a link.
    let title = format!("{}.community", "a".repeat(60)).replace("community", &"comx".repeat(60));
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
        for platform in ["twitter", "telegram"] {
            let rules = limit_of(platform).expect("a platform");
            let composed = by_default(&entry(&text, Some(LINK)), platform).expect("a text");
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
        let item = Item { summary: summary.clone(), ..entry(&title, link) };
        let first = by_default(&item, platform);
        prop_assert_eq!(&first, &by_default(&item, platform));
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
        let sources: HashSet<String> = [title.as_str(), summary.as_str(), "The feed"]
            .into_iter()
            .flat_map(|source| {
                let clean = defuse(&plain(source), Allowed { mentions: false, cashtags: 0, links: false }).text;
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

/// An entry of the kinds found in feeds.
fn article() -> Item {
    Item {
        title: "Graz opens <em>Line 9</em>".to_owned(),
        summary: "<p>The tram runs from Monday. It stops at 12 places, via @grazlinien.</p>"
            .to_owned(),
        content: "<p>Long.</p>".repeat(30),
        link: Some("https://example.com/news/9?id=7&utm_source=rss#map".to_owned()),
        authors: vec!["Jane Doe".to_owned(), "Ola Nord".to_owned()],
        categories: vec!["Public Transport".to_owned(), "Graz".to_owned(), "2026".to_owned()],
        published: DateTime::parse_from_rfc3339("2026-11-21T23:30:00Z").ok().map(Into::into),
        language: Some("de-AT".to_owned()),
        ..Item::default()
    }
}

fn with_template(source: &str) -> Manner {
    let values = BTreeMap::from([
        ("city".to_owned(), "Graz".to_owned()),
        ("via".to_owned(), "via @us".to_owned()),
    ]);
    let template =
        Template::new(source, &values).unwrap_or_else(|fault| panic!("{source}: {fault:?}"));
    Manner { template: Some(Arc::new(template)), values: Arc::new(values), ..Manner::default() }
}

fn tags(max: usize) -> Hashtags {
    Hashtags { max, case: Case::Camel, ..Hashtags::default() }
}

fn templated(source: &str, item: &Item) -> String {
    card(composed(item, "twitter", &with_template(source)))
}

#[test]
fn a_template_says_how_a_post_reads() {
    let untitled = Item { title: String::new(), authors: Vec::new(), ..article() };
    let podcast =
        Item { title: String::new(), summary: String::new(), content: String::new(), ..article() };
    let fallback = "{% if title %}{{ title }}{% elif summary %}{{ summary | first_sentence }}{% else %}New: {{ feed.name }}{% endif %}";
    let all = [
        templated("{{ title }} ({{ author }}, {{ date | date(\"%d.%m.\") }})", &article()),
        templated(fallback, &article()),
        templated(fallback, &untitled),
        templated(fallback, &podcast),
        templated(
            "{{ title | upper }}\n\n{{ values.city }} {{ values.via }}\n{{ authors }}",
            &article(),
        ),
        templated("→ {{ title }}: {{ link }} #news", &article()),
        templated(
            "{% for c in categories %}[{{ c | lower }}] {% endfor %}{{ language }} {{ date }} {{ platform }}/{{ profile }}",
            &article(),
        ),
        templated("{{ summary | truncate(20) }} | {{ summary | truncate(words=3) }}", &article()),
        templated(
            "{{ title | regex_replace(\"(\\w+) (\\d)\", \"$2 of $1\") | replace(\"Graz\", \"Linz\") | title }}",
            &article(),
        ),
        templated(
            "{{ values.none | default(\"no value\") }}, {{ categories | first | hashtag }} {{ title | hashtag(\"lower\") }}",
            &article(),
        ),
        templated("{{ content | first_sentence }}", &podcast),
    ];
    insta::assert_snapshot!(all.join("\n\n"), @r##"
        Graz opens Line 9 (Jane Doe, 22.11.)
        https://example.com/news/9?id=7#map
        [60, link] 

        Graz opens Line 9
        https://example.com/news/9?id=7#map
        [41, link] 

        The tram runs from Monday.
        https://example.com/news/9?id=7#map
        [50, link] 

        New: blog
        https://example.com/news/9?id=7#map
        [33, link] 

        GRAZ OPENS LINE 9
        Graz via @us
        Jane Doe, Ola Nord
        https://example.com/news/9?id=7#map
        [73, link] 

        → Graz opens Line 9: https://example.com/news/9?id=7#map #news
        [51, link] 

        [public transport] [graz] [2026] de-AT 2026-11-22 twitter/main
        https://example.com/news/9?id=7#map
        [86, link] 

        The tram runs from… | The tram runs…
        https://example.com/news/9?id=7#map
        [62, link] 

        Linz Opens 9 Of Line
        https://example.com/news/9?id=7#map
        [44, link] 

        no value, #PublicTransport #grazopensline9
        https://example.com/news/9?id=7#map
        [66, link] 

        The feed
        https://example.com/news/9?id=7#map
        [32, link] the template gives no words for this entry; there is no usable title: the feed's title is used
        "##);
}

#[test]
fn the_users_words_have_effect_and_the_feeds_have_not() {
    let all = [
        templated("https://example.com/?q={{ title | urlencode }} <b>{{ summary }}", &article()),
        templated("{{ title }} @us and $ACME, $OTHER, docs.rs", &article()),
        templated("@{{ author }} ${{ author }} main{{ \".rs\" }} {{ \"main\" }}.rs", &article()),
    ];
    insta::assert_snapshot!(all.join("\n\n"), @r##"
        https://example.com/?q=Graz%20opens%20Line%209 <·b>The tram runs from Monday. It stops at 12 places, via @·grazlinien.
        https://example.com/news/9?id=7#map
        [119, link] mentions defused: 1

        Graz opens Line 9 @us and $ACME, $·OTHER, docs.rs
        https://example.com/news/9?id=7#map
        [89, link] cashtags defused: 1

        @·Jane Doe $·Jane Doe main·.rs main·.rs
        https://example.com/news/9?id=7#map
        [63, link] 
        "##);
}

#[test]
fn what_may_shrink_gives_way_first() {
    let long = Item {
        title: "Seven words make a title that fits".to_owned(),
        summary: "One more sentence. ".repeat(30),
        ..article()
    };
    let longer = Item { title: "A title of 日本語 goes on ".repeat(20), ..long.clone() };
    let all = [
        templated("{{ title }}: {{ summary | shrink }}", &long),
        templated("{{ title | shrink(2) }}: {{ summary | shrink }}", &longer),
        templated("{{ title | shrink }}: {{ summary | shrink(2) }}", &longer),
        templated("{{ title }} ({{ author }})", &longer),
        templated(
            "{{ title }}: {{ summary | shrink }} (https://example.com/?s={{ author | urlencode }})",
            &longer,
        ),
    ];
    insta::assert_snapshot!(all.join("\n\n"), @r##"
        Seven words make a title that fits: One more sentence. One more sentence. One more sentence. One more sentence. One more sentence. One more sentence. One more sentence. One more sentence. One more sentence. One more sentence. One more sentence. One more…
        https://example.com/news/9?id=7#map
        [279, link, cut] cut: 352 characters were left off

        A title of 日本語 goes on A title of 日本語 goes on A title of 日本語 goes on A title of 日本語 goes on A title of 日本語 goes on A title of 日本語 goes on A title of 日本語 goes on A title of 日本語 goes on A title of 日本語 goes on A title of 日本語…
        https://example.com/news/9?id=7#map
        [277, link, cut] cut: 807 characters were left off

        One more sentence. One more sentence. One more sentence. One more sentence. One more sentence. One more sentence. One more sentence. One more sentence. One more sentence. One more sentence. One more sentence. One more sentence. One more sentence. One…
        https://example.com/news/9?id=7#map
        [276, link, cut] cut: 778 characters were left off

        A title of 日本語 goes on A title of 日本語 goes on A title of 日本語 goes on A title of 日本語 goes on A title of 日本語 goes on A title of 日本語 goes on A title of 日本語 goes on A title of 日本語 goes on A title of 日本語 goes on A title… (Jane Doe)
        https://example.com/news/9?id=7#map
        [278, link, cut] cut: 245 characters were left off

        A title of 日本語 goes on A title of 日本語 goes on A title of 日本語 goes on A title of 日本語 goes on A title of 日本語 goes on A title of 日本語 goes on A title of 日本語 goes on A title of 日本語 goes on A title of 日本語… (https://example.com/?s=Jane%20Doe)
        https://example.com/news/9?id=7#map
        [277, link, cut] cut: 830 characters were left off
        "##);
}

#[test]
fn the_link_goes_where_the_policy_says() {
    let linked =
        Item { title: "On ASP.NET and https://example.com/news/9".to_owned(), ..article() };
    let with = |link, source: Option<&str>| {
        let manner = source.map_or_else(Manner::default, with_template);
        card(composed(&linked, "twitter", &Manner { link, ..manner }))
    };
    let utm = Manner { utm: vec![("utm_source".to_owned(), "x".to_owned())], ..Manner::default() };
    let all = [
        with(LinkPolicy::Append, None),
        with(LinkPolicy::None, None),
        with(LinkPolicy::Template, Some("{{ title }}, more: {{ link }}!")),
        with(LinkPolicy::Template, Some("{{ title }}{% if title == \"\" %}{{ link }}{% endif %}")),
        with(LinkPolicy::None, Some("{{ title }} {{ link }} at example.com")),
        with(LinkPolicy::Append, Some("{{ title }}{{ link }}{{ title }}")),
        with(LinkPolicy::Append, Some("({{ link }}) {{ title }}")),
        card(composed(&article(), "twitter", &utm)),
        card(composed(&article(), "twitter", &Manner { strip_tracking: false, ..utm })),
    ];
    insta::assert_snapshot!(all.join("\n\n"), @r##"
        On ASP.·NET and https://example.·com/news/9
        https://example.com/news/9?id=7#map
        [67, link] kept from being links: ASP.NET, https://example.com/news/9

        On ASP.·NET and https://example.·com/news/9
        [43] kept from being links: ASP.NET, https://example.com/news/9

        On ASP.·NET and https://example.·com/news/9, more: https://example.com/news/9?id=7#map!
        [75, link] kept from being links: ASP.NET, https://example.com/news/9

        On ASP.·NET and https://example.·com/news/9
        [43] kept from being links: ASP.NET, https://example.com/news/9

        On ASP.·NET and https://example.·com/news/9 at example.·com
        [59] kept from being links: ASP.NET, https://example.com/news/9, example.com

        On ASP.·NET and https://example.·com/news/9 https://example.com/news/9?id=7#map On ASP.·NET and https://example.·com/news/9
        [111, link] kept from being links: ASP.NET, https://example.com/news/9, ASP.NET, https://example.com/news/9

        (https://example.com/news/9?id=7#map) On ASP.·NET and https://example.·com/news/9
        [69, link] kept from being links: ASP.NET, https://example.com/news/9

        Graz opens Line 9
        https://example.com/news/9?id=7&utm_source=x#map
        [41, link] 

        Graz opens Line 9
        https://example.com/news/9?id=7&utm_source=rss#map
        [41, link]
        "##);
}

#[test]
fn hashtags_come_whole_or_not_at_all() {
    let with = |title: &str, source: Option<&str>, max| {
        let item = Item { title: title.to_owned(), ..article() };
        let manner = source.map_or_else(Manner::default, with_template);
        card(composed(&item, "twitter", &Manner { hashtags: Some(tags(max)), ..manner }))
    };
    let all = [
        with("A title", None, 3),
        with("A title", None, 1),
        with("A title", Some("{{ hashtags }} {{ title }}"), 3),
        with("A title", Some("{% for tag in hashtags %}{{ tag }}/{% endfor %}{{ title }}"), 3),
        with(&"word ".repeat(49), None, 3),
        with(&"word ".repeat(70), Some("{{ title }} {{ hashtags }}"), 3),
    ];
    insta::assert_snapshot!(all.join("\n\n"), @r##"
        A title #PublicTransport #Graz
        https://example.com/news/9?id=7#map
        [54, link] 

        A title #PublicTransport
        https://example.com/news/9?id=7#map
        [48, link] 

        #PublicTransport #Graz A title
        https://example.com/news/9?id=7#map
        [54, link] 

        #PublicTransport/#Graz/A title
        https://example.com/news/9?id=7#map
        [54, link] 

        word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word
        https://example.com/news/9?id=7#map
        [268, link] no room for #PublicTransport #Graz

        word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word…
        https://example.com/news/9?id=7#map
        [280, link, cut] no room for #PublicTransport #Graz; cut: 95 characters were left off
        "##);
}

#[test]
fn limits_are_the_platforms_or_lower() {
    let long = Item { title: "word ".repeat(6_000), ..article() };
    let length = |platform: &str, manner: &Manner| {
        composed(&long, platform, manner).expect("a text").weighted_length
    };
    let lower = Manner { max_length: Some(100), ..Manner::default() };
    let premium = Manner { long_posts: true, ..Manner::default() };
    assert!((90..=100).contains(&length("twitter", &lower)));
    assert!((24_900..=25_000).contains(&length("twitter", &premium)));
    assert!((270..=300).contains(&length("bluesky", &premium)));
    assert!(length("twitter", &Manner { max_length: Some(1_000), ..Manner::default() }) <= 280);
}

#[test]
fn titles_of_all_kinds_keep_to_their_template() {
    let of = |title: &str| {
        templated(
            "{{ feed.name }}: {{ title | shrink }} — {{ date | date(\"%H:%M\") }}",
            &Item { title: title.to_owned(), ..article() },
        )
    };
    let all = [
        of("東京で新しい図書館が開館、初日に千人が来場した"),
        of("افتتاح مكتبة جديدة في المدينة يوم الإثنين"),
        of("🎉👩‍🚀 Launch 🇦🇹 1️⃣"),
        of("<p>The &lt;b&gt; tag &amp;amp; <i>friends</i></p>"),
        of(&"Sechshundert Zeichen sind ein langer Titel, sehr lang. ".repeat(11)),
        of("\u{202E}evil\u{202C} t\u{0}itle\u{200B}"),
        of("e\u{301}te\u{301} ＠someone ＃tag $TSLA"),
    ];
    insta::assert_snapshot!(all.join("\n\n"), @r##"
        blog: 東京で新しい図書館が開館、初日に千人が来場した — 00:30
        https://example.com/news/9?id=7#map
        [84, link] 

        blog: افتتاح مكتبة جديدة في المدينة يوم الإثنين — 00:30
        https://example.com/news/9?id=7#map
        [79, link] 

        blog: 🎉👩‍🚀 Launch 🇦🇹 1️⃣ — 00:30
        https://example.com/news/9?id=7#map
        [55, link] 

        blog: The <·b> tag & friends — 00:30
        https://example.com/news/9?id=7#map
        [60, link] 

        blog: Sechshundert Zeichen sind ein langer Titel, sehr lang. Sechshundert Zeichen sind ein langer Titel, sehr lang. Sechshundert Zeichen sind ein langer Titel, sehr lang. Sechshundert Zeichen sind ein langer Titel, sehr lang. Sechshundert Zeichen… — 00:30
        https://example.com/news/9?id=7#map
        [280, link, cut] cut: 364 characters were left off

        blog: evil title — 00:30
        https://example.com/news/9?id=7#map
        [48, link] 

        blog: été ＠·someone ＃tag $·TSLA — 00:30
        https://example.com/news/9?id=7#map
        [65, link] mentions defused: 1; cashtags defused: 1
        "##);
}

fn any_template() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{{ title }}",
        "{{ title | shrink }}",
        "{{ summary | shrink(2) }}",
        "{{ title | upper }}",
        "{{ summary | first_sentence }}",
        "{{ link }}",
        "{{ hashtags }}",
        "{{ author }}",
        "{{ authors | join(\"/\") }}",
        "{{ title | truncate(30) }}",
        "{{ title | truncate(words=4) }}",
        "{{ title ~ summary }}",
        "{{ title | replace(\"a\", \"\u{301}\") }}",
        "{{ title | regex_replace(\".\", \"$0.\") }}",
        "{{ title | urlencode }}",
        "{{ title | hashtag }}",
        "{% if title %}yes {% endif %}",
        "{% for c in categories %}{{ c }}{% endfor %}",
        "{{ values.via }}",
        "{{ \"\\n\\n\" }}",
        "{{ feed.title }}",
        "{{ date }}",
        "e",
        "e\u{301}",
        "\u{301}",
        "🇩",
        "\u{200D}",
        "@",
        "$",
        "#",
        "<b>",
        " ",
        "\n",
        "\n\n",
        "https://example.com/?q=",
        "docs.rs",
        ".com",
        "a",
        "한",
        "ᄀ",
        "ᅡ",
        "(",
        ")",
        ".",
        "\u{202E}",
        "\t",
    ]);
    prop::collection::vec(piece, 1..9).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_entry_and_any_template_give_a_sound_text(
        title in any_text(),
        summary in any_text(),
        category in any_text(),
        link in any_link(),
        source in any_template(),
        policy in prop::sample::select(vec![LinkPolicy::Append, LinkPolicy::None, LinkPolicy::Template]),
        platform in prop::sample::select(vec!["twitter", "bluesky", "snapchat"]),
    ) {
        let item = Item { summary, categories: vec![category.clone(), "News".to_owned()], authors: vec![category], ..entry(&title, link) };
        let manner = Manner { link: policy, hashtags: Some(tags(3)), ..with_template(&source) };
        let first = composed(&item, platform, &manner);
        prop_assert_eq!(&first, &composed(&item, platform, &manner));
        let Ok(composed) = first else {
            // Only where the user's own words leave no room.
            prop_assert!(matches!(first, Err(Unfit::NoRoom { .. } | Unfit::NothingToSay)), "{:?}", first);
            return Ok(());
        };
        let text = composed.text.as_str();
        let rules = manner.rules(platform, false);
        prop_assert!(rules.weigh.length(text) <= rules.limit);
        prop_assert_eq!(rules.weigh.length(text), composed.weighted_length);
        prop_assert!(is_nfc(text), "{:?}", text);
        prop_assert!(!text.contains("\n\n") && text.trim() == text, "{:?}", text);
        prop_assert!(text.chars().all(|sign| sign == '\n' || !sign.is_control()), "{:?}", text);
        let turns = |sign| ('\u{202A}'..='\u{202E}').contains(&sign);
        prop_assert!(!text.chars().any(turns));
        let seen: Vec<&str> = links(text).into_iter().filter_map(|range| text.get(range)).collect();
        prop_assert_eq!(composed.has_link, !seen.is_empty());
        let written = link.and_then(link::whole);
        if policy == LinkPolicy::None {
            prop_assert!(seen.is_empty(), "{:?}", text);
        }
        if policy == LinkPolicy::Append && let Some(written) = &written {
            prop_assert!(text.contains(written.as_str()), "{:?}", text);
            prop_assert!(links(written).is_empty() || seen.contains(&written.as_str()), "{:?}", text);
        }
        // Nothing in the feed's words became a link: those that are there are the user's.
        for link in seen {
            let is_own = link.contains("https://example.com/?q=") || link.contains("docs.rs");
            prop_assert!(is_own || Some(link) == written.as_deref() || source.contains(".com"), "{link:?} in {text:?}");
        }
    }
}

#[test]
fn two_links_side_by_side_stay_two() {
    let item = entry("Title", Some("https://example.com/a"));
    let template = with_template("{{ title }} {{ link }}{{ link }}");
    let manner = Manner { link: LinkPolicy::Template, ..template };
    let text = composed(&item, "twitter", &manner).expect("a text").text;
    assert_eq!(text, "Title https://example.com/a https://example.com/a");
}
