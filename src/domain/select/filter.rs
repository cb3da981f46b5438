//! Filters: which entries a rule of the config means.
//!
//! Promises: `not`, `any` and `all` are those of logic; what is said about a match names the words
//! and the place. Must not: read a config, or decide what becomes of an entry.

use std::sync::Arc;

use super::pattern::{Pattern, Text};
use crate::domain::entry::Item;
use crate::domain::text::plain;

/// Characters of an entry's text that filters look at.
const TEXT_CHARS_MAX: usize = 50_000;
/// Authors and categories that filters look at, each.
const NAMES_MAX: usize = 100;
/// Parts of a filter that a reason names.
const REASONS_MAX: usize = 3;

/// A part of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Title, categories and text: what most words are meant for.
    Anywhere,
    /// The title.
    Title,
    /// Summary and content.
    Text,
    /// Any of its authors.
    Author,
    /// Any of its categories.
    Category,
    /// The address of its page.
    Link,
}

impl Field {
    /// The fields that have a name of their own in the config.
    pub const NAMED: [(&'static str, Self); 5] = [
        ("title", Self::Title),
        ("text", Self::Text),
        ("author", Self::Author),
        ("category", Self::Category),
        ("link", Self::Link),
    ];

    const fn place(self) -> &'static str {
        match self {
            Self::Anywhere => "in it",
            Self::Title => "in the title",
            Self::Text => "in the text",
            Self::Author => "among the authors",
            Self::Category => "among the categories",
            Self::Link => "in the link",
        }
    }
}

/// A rule over an entry.
#[derive(Debug, Clone)]
pub enum Filter {
    /// At least one of these holds; none of none does.
    Any(Vec<Self>),
    /// All of these hold.
    All(Vec<Self>),
    /// This does not hold.
    Not(Arc<Self>),
    /// The field has the pattern in it.
    Has(Field, Pattern),
}

/// An entry as filters see it: plain text, folded once.
#[derive(Debug, Clone, Default)]
pub struct Subject {
    title: Text,
    text: Text,
    authors: Vec<Text>,
    categories: Vec<Text>,
    link: Option<Text>,
}

impl Subject {
    /// Makes an item ready.
    pub fn of(item: &Item) -> Self {
        let names = |names: &[String]| {
            names.iter().take(NAMES_MAX).map(|name| Text::new(plain(name))).collect()
        };
        let mut text = plain(&item.summary);
        let content = plain(&item.content);
        if content != text {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&content);
        }
        Self {
            title: Text::new(plain(&item.title)),
            text: Text::new(text.chars().take(TEXT_CHARS_MAX).collect()),
            authors: names(&item.authors),
            categories: names(&item.categories),
            link: item.link.clone().map(Text::new),
        }
    }

    /// Where in a field the pattern is, if it is there at all.
    fn find(&self, field: Field, pattern: &Pattern) -> Option<Field> {
        let has = |field: Field| match field {
            Field::Anywhere => false,
            Field::Title => pattern.is_in(&self.title),
            Field::Text => pattern.is_in(&self.text),
            Field::Author => self.authors.iter().any(|text| pattern.is_in(text)),
            Field::Category => self.categories.iter().any(|text| pattern.is_in(text)),
            Field::Link => self.link.as_ref().is_some_and(|text| pattern.is_in(text)),
        };
        match field {
            Field::Anywhere => {
                [Field::Title, Field::Category, Field::Text].into_iter().find(|it| has(*it))
            }
            Field::Title | Field::Text | Field::Author | Field::Category | Field::Link => {
                has(field).then_some(field)
            }
        }
    }
}

impl Filter {
    /// Whether it holds for an entry.
    pub fn holds(&self, subject: &Subject) -> bool {
        match self {
            Self::Any(filters) => filters.iter().any(|filter| filter.holds(subject)),
            Self::All(filters) => filters.iter().all(|filter| filter.holds(subject)),
            Self::Not(filter) => !filter.holds(subject),
            Self::Has(field, pattern) => subject.find(*field, pattern).is_some(),
        }
    }

    /// What makes it hold, or what keeps it from holding: `"sponsored" is in the title`.
    pub fn because(&self, subject: &Subject) -> String {
        let all_of = |filters: &[Self], wanted: bool| {
            let mut all = filters.iter().filter(|filter| filter.holds(subject) == wanted);
            let first: Vec<String> =
                all.by_ref().take(REASONS_MAX).map(|filter| filter.because(subject)).collect();
            let more = all.count();
            let tail = if more > 0 { format!(", and {more} more") } else { String::new() };
            first.join(" and ") + &tail
        };
        let one_of = |filters: &[Self], wanted: bool| {
            let reason = filters.iter().find(|filter| filter.holds(subject) == wanted);
            reason.map_or_else(String::new, |filter| filter.because(subject))
        };
        match (self, self.holds(subject)) {
            (Self::Any(filters), true) => one_of(filters, true),
            (Self::Any(filters), false) => all_of(filters, false),
            (Self::All(filters), true) => all_of(filters, true),
            (Self::All(filters), false) => one_of(filters, false),
            (Self::Not(filter), _) => filter.because(subject),
            (Self::Has(field, pattern), _) => {
                let found = subject.find(*field, pattern);
                let not = if found.is_some() { "" } else { "not " };
                let place = found.unwrap_or(*field).place();
                format!("\"{}\" is {not}{place}", pattern.typed())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn has(field: Field, typed: &str) -> Filter {
        Filter::Has(field, Pattern::parse(typed).expect("a pattern"))
    }

    fn not(filter: Filter) -> Filter {
        Filter::Not(Arc::new(filter))
    }

    fn subject() -> Subject {
        Subject::of(&Item {
            title: "<b>Storm</b> closes the harbour".into(),
            summary: "All ferries <i>stay</i> in port.".into(),
            content: "All ferries <i>stay</i> in port.".into(),
            authors: vec!["Ada Byron".into()],
            categories: vec!["Weather".into(), "Brest &amp; around".into()],
            link: Some("https://example.com/sport/storm".into()),
            ..Item::default()
        })
    }

    #[test]
    fn each_field_is_looked_at_where_it_is_named() {
        let subject = subject();
        for (field, typed, expected) in [
            (Field::Title, "storm", true),
            (Field::Title, "ferries", false),
            (Field::Text, "ferries stay", true),
            (Field::Author, "byron", true),
            (Field::Author, "Ada Byron", true),
            (Field::Category, "brest & around", true),
            (Field::Category, "/^brest$/i", false),
            (Field::Link, "example.com", true),
            (Field::Link, "sport", true),
            (Field::Anywhere, "storm", true),
            (Field::Anywhere, "ferries", true),
            (Field::Anywhere, "weather", true),
            (Field::Anywhere, "byron", false),
            (Field::Anywhere, "sport", false),
        ] {
            assert_eq!(has(field, typed).holds(&subject), expected, "{field:?} {typed}");
        }
    }

    #[test]
    fn the_reason_names_words_and_place() {
        let subject = subject();
        let tree = Filter::All(vec![
            has(Field::Category, "weather"),
            not(has(Field::Author, "dpa")),
            Filter::Any(vec![has(Field::Title, "flood"), has(Field::Anywhere, "ferr*")]),
        ]);
        assert!(tree.holds(&subject));
        insta::assert_snapshot!(tree.because(&subject), @r#""weather" is among the categories and "dpa" is not among the authors and "ferr*" is in the text"#);
        let misses = Filter::Any(vec![has(Field::Title, "flood"), has(Field::Link, "/news/")]);
        insta::assert_snapshot!(misses.because(&subject), @r#""flood" is not in the title and "/news/" is not in the link"#);
    }

    fn any_filter() -> impl Strategy<Value = Filter> {
        let field = prop_oneof![
            Just(Field::Anywhere),
            Just(Field::Title),
            Just(Field::Text),
            Just(Field::Category)
        ];
        let leaf = (field, prop_oneof![Just("a"), Just("b*"), Just("/c|d/"), Just("停")])
            .prop_map(|(field, typed)| has(field, typed));
        leaf.prop_recursive(5, 40, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Filter::Any),
                prop::collection::vec(inner.clone(), 0..4).prop_map(Filter::All),
                inner.prop_map(not),
            ]
        })
    }

    fn any_subject() -> impl Strategy<Value = Subject> {
        ("[abcd停 ]{0,8}", "[abcd停 ]{0,8}", prop::collection::vec("[abcd停]{1,3}", 0..3)).prop_map(
            |(title, summary, categories)| {
                Subject::of(&Item { title, summary, categories, ..Item::default() })
            },
        )
    }

    proptest! {
        #[test]
        fn de_morgan_holds(
            filters in prop::collection::vec(any_filter(), 0..4),
            subject in any_subject(),
        ) {
            let negated: Vec<Filter> = filters.iter().cloned().map(not).collect();
            let none = not(Filter::Any(filters.clone()));
            prop_assert_eq!(none.holds(&subject), Filter::All(negated.clone()).holds(&subject));
            let some_not = not(Filter::All(filters.clone()));
            prop_assert_eq!(some_not.holds(&subject), Filter::Any(negated).holds(&subject));
            let twice = not(not(Filter::All(filters.clone())));
            prop_assert_eq!(twice.holds(&subject), Filter::All(filters).holds(&subject));
        }

        #[test]
        fn a_filter_without_empty_lists_always_gives_a_reason(
            filter in any_filter(),
            subject in any_subject(),
        ) {
            fn has_empty(filter: &Filter) -> bool {
                match filter {
                    Filter::Any(list) | Filter::All(list) => {
                        list.is_empty() || list.iter().any(has_empty)
                    }
                    Filter::Not(inner) => has_empty(inner),
                    Filter::Has(..) => false,
                }
            }
            prop_assert!(has_empty(&filter) || !filter.because(&subject).is_empty());
        }
    }
}
