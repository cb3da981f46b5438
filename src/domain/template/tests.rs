use super::*;

fn template(source: &str) -> Result<Template, Fault> {
    Template::new(source, &BTreeMap::new())
}

fn words() -> Words<'static> {
    Words {
        title: "A title".to_owned(),
        summary: "Word and word. ".repeat(130),
        content: "x ".repeat(12_500),
        categories: vec!["News".to_owned(); 50],
        ..Words::default()
    }
}

/// Whose parts a rendered text has.
fn parts(source: &str) -> Vec<(String, Kind)> {
    let template = template(source).expect("a template");
    let parts = template.render(&words()).expect("a text");
    parts.into_iter().map(|part| (part.text, part.kind)).collect()
}

#[test]
fn each_part_knows_whose_it_is() {
    let feeds = |text: &str, shrink| (text.to_owned(), Kind::Feed { shrink });
    let own = |text: &str| (text.to_owned(), Kind::Own);
    assert_eq!(
        parts("New: {{ 'on ' ~ title | shrink }} {{ title | shrink(3) | upper }}!"),
        [
            own("New: "),
            feeds("on ", None),
            feeds("A title", Some(1)),
            own(" "),
            feeds("A TITLE", Some(3)),
            own("!"),
        ]
    );
    assert_eq!(parts(" a \n\n\n  b  c {{ '' }}\n"), [own("a\nb c ")]);
}

#[test]
fn marks_of_an_entry_do_not_count() {
    let words = Words { title: "\u{10F000}a\u{10F011}b\u{10F003}".to_owned(), ..Words::default() };
    let parts = template("{{ title }}").and_then(|template| template.render(&words));
    let kind = Kind::Feed { shrink: None };
    assert_eq!(parts, Ok(vec![Part { text: "ab".to_owned(), kind }]));
}

/// What is said of a template that can't be, and where in it.
#[test]
fn what_can_not_be_is_told_with_its_place() {
    for (source, at, what) in [
        ("{{ titel }}", 3, "no variable `titel`"),
        ("é {{ title | uper }}", 14, "no filter `uper`"),
        ("{% if false %}{{ nothing }}{% endif %}", 17, "no variable `nothing`"),
        ("{{ feed.url }}", 8, "`feed` has no `url`"),
        ("{{ title.upper() }}", 9, "`title` has no `upper`"),
        ("{{ values.x }}", 10, "`values` has no `x`"),
        ("{{ title is odd }}", 12, "nothing can be asked by `is odd`"),
        ("{{ range(9) }}", 3, "no variable `range`"),
        ("{{ title * 9 }}", 9, "there is no multiplication"),
        ("{{ title[:5] }}", 9, "texts and lists can't be sliced"),
        ("{{ {'a': 1} }}", 3, "there are no tables"),
        ("{% set x = title %}", 3, "no statement `set`"),
        ("{% macro m() %}{% endmacro %}", 3, "no statement `macro`"),
        ("{% include 'x' %}", 3, "no statement `include`"),
        ("{% for x in categories recursive %}{% endfor %}", 23, "loops can't be recursive"),
        ("{{ title | regex_replace('(', '') }}", 25, "not a pattern: unclosed group"),
        (
            "{{ title | regex_replace(title) }}",
            11,
            "`regex_replace` wants a text in quotation marks",
        ),
        ("{{ title | regex_replace('\\bx') }}", 25, "`\\b` is a backspace in a text"),
        ("{{ date | date('%!') }}", 15, "\"%!\" is not a format of dates, such as \"%d.%m.%Y\""),
        ("\u{10F000}", 0, "a private character stands here"),
    ] {
        let fault = template(source).expect_err(source);
        assert_eq!((fault.at, fault.what.as_str()), (Some(at), what), "{source}");
    }
    for source in ["{{ title", "{% if title %}", "{{ title | }}", "{{ 'x }}", "{% endif %}", "{%"] {
        assert!(template(source).is_err(), "{source}");
    }
    assert!(template(&"x".repeat(TEMPLATE_BYTES_MAX + 1)).is_err());
}

#[test]
fn what_is_not_wrong_is_not_refused() {
    for source in [
        "{# no {{ titel }} here #}{{ title }}",
        "{%- for c in categories if c != 'x' -%}{{ loop.index }}: {{ c }}{%- endfor -%}",
        "{{ values.x | default('y') }}{% if values.x is defined %}z{% endif %}",
        "{{ 'a' if title and not summary else \"}}\" }}",
        "{{ title | truncate(20, words=3) | replace('\\n', ' ') }}",
        "{{ title | regex_replace('\\\\bword\\\\b', '$0') }} } { %} 100 %",
        "{{ categories[0] }}{{ (title) }}{{ title ~ '-' ~ summary }}",
        "{{ date | date('%d.%m.%Y %H:%M %Z') }}",
    ] {
        let rendered = template(source).and_then(|template| template.render(&words()));
        assert!(rendered.is_ok(), "{source}: {rendered:?}");
    }
}

#[test]
fn hostile_templates_end_with_a_fault() {
    let nested = "{% for a in content %}".repeat(8) + "x" + &"{% endfor %}".repeat(8);
    let lists = "{% for a in categories %}".repeat(6) + "{{ content }}" + &"{% endfor %}".repeat(6);
    let growing = format!("{{{{ content{} }}}}", " | replace('x', 'xxxxxxxx')".repeat(20));
    let joined = format!("{{{{ content{} }}}}", " ~ content".repeat(33));
    let printed = "{{ content }}".repeat(300);
    let big = "{{ title | regex_replace('(\\\\w{50}){50}') }}".to_owned();
    let many = "{{ content | regex_replace('(?:[ab]*a[ab]{400}c)|x') }}".to_owned();
    let deep = format!("{{{{ {}title{} }}}}", "(".repeat(1_000), ")".repeat(1_000));
    let negated = format!("{{{{ {}title }}}}", "not ".repeat(1_000));
    let minus = format!("{{{{ {}1 }}}}", "-".repeat(1_000));
    let blocks = "{% if title %}".repeat(120) + &"{% endif %}".repeat(120);
    let chain = format!("{{{{ title{} }}}}", " | upper".repeat(500));
    let members = format!("{{{{ loop{} }}}}", ".x".repeat(2_000));
    let divided = format!("{{{{ 1{} }}}}", "/1".repeat(1_000));
    let group =
        format!("{{{{ title | regex_replace('{}a{}') }}}}", "(".repeat(100), ")".repeat(100));
    let shrunk = "{{ title | shrink(0) }}".to_owned();
    for source in [
        nested, lists, growing, joined, printed, big, many, deep, negated, minus, blocks, chain,
        members, divided, group, shrunk,
    ] {
        let start: String = source.chars().take(60).collect();
        let outcome = template(&source).and_then(|template| template.render(&words()));
        assert!(outcome.is_err(), "{start}");
    }
}
