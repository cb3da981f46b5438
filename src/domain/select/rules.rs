//! What the config says about selection, and the part of it that looks at an entry alone.
//!
//! Promises: whatever is left out or held says by which rule; a filter leaves out before it holds.
//! Must not: know of other entries, posts or tables.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::filter::{Filter, Subject};
use super::{Choice, Reading, choose};
use crate::domain::entry::{Entry, Item};

/// Filters of a feed or a profile.
#[derive(Debug, Clone, Default)]
pub struct Filters {
    /// `include`: an entry is posted only if this holds.
    pub include: Option<Arc<Filter>>,
    /// `exclude`: an entry is not posted if this holds.
    pub exclude: Option<Arc<Filter>>,
    /// `hold`: what waits for a person.
    pub hold: Hold,
}

/// Which entries wait for a person.
#[derive(Debug, Clone, Default)]
pub enum Hold {
    /// None.
    #[default]
    None,
    /// All.
    All,
    /// Those for which this holds.
    If(Arc<Filter>),
}

/// What a feed's config says about its entries.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// `include`, `exclude`, `hold`
    pub filters: Filters,
    /// `max_age`: an entry that is older when it is first seen is not posted.
    pub max_age: Option<TimeDelta>,
    /// `language`: tags in lower case; an entry in another language is not posted. Empty for any.
    pub languages: Vec<String>,
    /// `on_update`
    pub on_update: OnUpdate,
    /// `settle`
    pub settle: Option<Settle>,
}

/// What becomes of a post that waits when its entry changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnUpdate {
    /// It goes out as it was first seen.
    Ignore,
    /// It gets the new words and waits for a person.
    Hold,
    /// It gets the new words.
    #[default]
    Rewrite,
}

/// How long an entry's words must have been the same before it is posted.
#[derive(Debug, Clone)]
pub struct Settle {
    /// How long.
    pub wait: TimeDelta,
    /// Entries that don't wait.
    pub unless: Option<Arc<Filter>>,
}

/// A headline that changes more often than this is posted all the same.
pub const SETTLE_RESTARTS_MAX: u32 = 6;

impl Filters {
    /// What they say about an entry; `whose` begins the sentence: `exclude`, `profile "main": exclude`.
    pub fn judge(&self, whose: &str, subject: &Subject) -> Choice {
        if let Some(exclude) = self.exclude.as_ref().filter(|it| it.holds(subject)) {
            return Choice::Skip { why: format!("{whose}exclude: {}", exclude.because(subject)) };
        }
        if let Some(include) = self.include.as_ref().filter(|it| !it.holds(subject)) {
            return Choice::Skip { why: format!("{whose}include: {}", include.because(subject)) };
        }
        let why = match &self.hold {
            Hold::All => format!("{whose}hold = \"all\""),
            Hold::If(filter) if filter.holds(subject) => {
                format!("{whose}hold: {}", filter.because(subject))
            }
            Hold::None | Hold::If(_) => return Choice::Post,
        };
        Choice::Hold { why: format!("{why}; it waits for your approval") }
    }
}

impl Selection {
    /// How long an entry has to stay as it is before it is posted.
    pub fn settles_for(&self, subject: &Subject) -> Option<TimeDelta> {
        let settle = self.settle.as_ref()?;
        let bypassed = settle.unless.as_ref().is_some_and(|filter| filter.holds(subject));
        (!bypassed).then_some(settle.wait)
    }

    /// What the feed's rules say about one item that is seen for the first time.
    pub fn screen(&self, item: &Item, feed_language: Option<&str>, now: DateTime<Utc>) -> Choice {
        let skip = |why| Choice::Skip { why };
        if let Some(why) = self.too_old(item, now) {
            return skip(why);
        }
        if let Some(why) = self.other_language(item, feed_language) {
            return skip(why);
        }
        self.filters.judge("", &Subject::of(item))
    }

    fn too_old(&self, item: &Item, now: DateTime<Utc>) -> Option<String> {
        let max_age = self.max_age?;
        let at = item.published.or(item.updated)?;
        (at < now - max_age)
            .then(|| format!("max_age: it is dated {}", at.format("%Y-%m-%d %H:%M UTC")))
    }

    fn other_language(&self, item: &Item, feed_language: Option<&str>) -> Option<String> {
        if self.languages.is_empty() {
            return None;
        }
        let tag = item.language.as_deref().or(feed_language)?.trim().to_lowercase();
        let tag = tag.replace('_', "-");
        let fits = |wanted: &String| {
            let rest = tag.strip_prefix(wanted.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        if tag.is_empty() || self.languages.iter().any(fits) {
            return None;
        }
        // The tag is a publisher's word: only as much of it as a tag can have.
        let shown: String =
            tag.chars().filter(|it| it.is_ascii_alphanumeric() || *it == '-').take(35).collect();
        Some(format!("language: it is in {shown:?}"))
    }

    fn is_idle(&self) -> bool {
        let Filters { include, exclude, hold } = &self.filters;
        include.is_none()
            && exclude.is_none()
            && matches!(hold, Hold::None)
            && self.max_age.is_none()
            && self.languages.is_empty()
    }
}

/// Decides about the unseen entries of a fetch, given in the feed's order; one choice for each. What
/// a filter leaves out counts neither for the first run nor as part of a burst.
pub fn select(
    new: &[&Entry],
    selection: &Selection,
    feed_language: Option<&str>,
    reading: &Reading<'_>,
) -> Vec<Choice> {
    if selection.is_idle() {
        return choose(new, reading);
    }
    let screened: Vec<Choice> =
        new.iter().map(|entry| selection.screen(&entry.item, feed_language, reading.now)).collect();
    let pairs = new.iter().zip(&screened);
    let passing: Vec<&Entry> = pairs
        .filter(|(_, choice)| !matches!(choice, Choice::Skip { .. }))
        .map(|(entry, _)| *entry)
        .collect();
    let mut chosen = choose(&passing, reading).into_iter();
    screened
        .into_iter()
        .map(|screened| match screened {
            Choice::Skip { .. } => screened,
            Choice::Post | Choice::Hold { .. } => match chosen.next() {
                Some(chosen) => chosen.and(screened),
                None => screened,
            },
        })
        .collect()
}

impl Choice {
    /// Both at once: what leaves out wins, then what holds; two holds name both reasons.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Post, other) | (Self::Hold { .. }, other @ Self::Skip { .. }) => other,
            (this, Self::Post) | (this @ Self::Skip { .. }, _) => this,
            (Self::Hold { why }, Self::Hold { why: more }) if why == more => Self::Hold { why },
            (Self::Hold { why }, Self::Hold { why: more }) => {
                Self::Hold { why: format!("{why}; and {more}") }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::FirstRun;
    use super::super::filter::Field;
    use super::super::pattern::Pattern;
    use super::*;
    use crate::domain::entry::{ParsedFeed, identify};

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).expect("date")
    }

    fn has(typed: &str) -> Arc<Filter> {
        Arc::new(Filter::Has(Field::Anywhere, Pattern::parse(typed).expect("a pattern")))
    }

    fn entries(titles: &[&str]) -> Vec<Entry> {
        let items = titles.iter().enumerate().map(|(n, title)| Item {
            guid: Some(n.to_string()),
            title: (*title).to_owned(),
            published: Some(now() - TimeDelta::hours(n.try_into().expect("small"))),
            ..Item::default()
        });
        identify(&ParsedFeed { items: items.collect(), ..ParsedFeed::default() })
    }

    fn reading(first_run: FirstRun, is_first: bool) -> Reading<'static> {
        Reading {
            feed: "blog",
            first_read_at: (!is_first).then_some(DateTime::UNIX_EPOCH),
            had_entries: !is_first,
            first_run,
            hold_above: 2,
            known: 10,
            renamed: false,
            last_read_at: None,
            now: now(),
        }
    }

    fn letters(entries: &[Entry], selection: &Selection, reading: &Reading<'_>) -> String {
        let new: Vec<&Entry> = entries.iter().collect();
        select(&new, selection, None, reading)
            .iter()
            .map(|choice| match choice {
                Choice::Post => 'P',
                Choice::Hold { .. } => 'H',
                Choice::Skip { .. } => 'S',
            })
            .collect()
    }

    #[test]
    fn filters_leave_out_before_the_first_run_and_the_burst_are_counted() {
        let entries = entries(&["Ad: sofa", "Storm", "Ad: bed", "Flood", "Obituary"]);
        let exclude = Filters { exclude: Some(has("ad")), ..Filters::default() };
        let selection = Selection { filters: exclude, ..Selection::default() };
        let latest = reading(FirstRun::Latest(2), true);
        assert_eq!(letters(&entries, &selection, &latest), "SPSPS");
        let later = Reading { hold_above: 3, ..reading(FirstRun::None, false) };
        assert_eq!(letters(&entries, &selection, &later), "SPSPP");
        assert_eq!(letters(&entries, &Selection::default(), &later), "HHHHH");
        let only = Filters {
            include: Some(has("/storm|obit/i")),
            hold: Hold::If(has("obituary")),
            ..Filters::default()
        };
        let selection = Selection { filters: only, ..Selection::default() };
        assert_eq!(letters(&entries, &selection, &later), "SPSSH");
        let all = Filters { hold: Hold::All, ..Filters::default() };
        let selection = Selection { filters: all, ..Selection::default() };
        let roomy = Reading { hold_above: 9, ..later };
        assert_eq!(letters(&entries, &selection, &roomy), "HHHHH");
    }

    #[test]
    fn the_reasons_name_rule_words_and_place() {
        let [entry] = entries(&["Sponsored: a sofa"]).try_into().expect("one");
        let why = |filters: Filters| {
            let selection = Selection { filters, ..Selection::default() };
            let chosen = select(&[&entry], &selection, None, &reading(FirstRun::All, false));
            format!("{:?}", chosen.first().expect("a choice"))
        };
        let none = Filters::default;
        insta::assert_snapshot!([
            why(Filters { exclude: Some(has("sponsored")), ..none() }),
            why(Filters { include: Some(has("/storm/i")), ..none() }),
            why(Filters { hold: Hold::If(has("sofa")), ..none() }),
            why(Filters { hold: Hold::All, ..none() }),
        ].join("\n"), @r#"
        Skip { why: "exclude: \"sponsored\" is in the title" }
        Skip { why: "include: \"/storm/i\" is not in it" }
        Hold { why: "hold: \"sofa\" is in the title; it waits for your approval" }
        Hold { why: "hold = \"all\"; it waits for your approval" }
        "#);
    }

    #[test]
    fn age_and_language_count_only_where_the_feed_tells_them() {
        let selection = Selection {
            max_age: Some(TimeDelta::days(7)),
            languages: vec!["de".into(), "en-gb".into()],
            ..Selection::default()
        };
        let item = |age: Option<i64>, language: Option<&str>| Item {
            published: age.map(|days| now() - TimeDelta::days(days)),
            language: language.map(str::to_owned),
            ..Item::default()
        };
        for (age, own, feed, expected) in [
            (Some(1), None, None, None),
            (Some(8), None, None, Some("max_age: it is dated 2027-01-07 08:00 UTC")),
            (None, Some("de-AT"), None, None),
            (None, Some("EN_gb"), None, None),
            (None, Some("en"), None, Some("language: it is in \"en\"")),
            (None, Some("den"), None, Some("language: it is in \"den\"")),
            (None, None, Some("fr"), Some("language: it is in \"fr\"")),
            (None, Some("de"), Some("fr"), None),
            (None, Some(" "), Some("fr"), None),
        ] {
            let why = match selection.screen(&item(age, own), feed, now()) {
                Choice::Skip { why } => Some(why),
                Choice::Post | Choice::Hold { .. } => None,
            };
            assert_eq!(why.as_deref(), expected, "{age:?} {own:?} {feed:?}");
        }
    }

    /// What a person waits for: many rules over a large feed.
    #[test]
    fn fifty_rules_over_a_thousand_entries_are_cheap() {
        let rules: Vec<Filter> = (0..50)
            .map(|n| {
                let typed = if n % 2 == 0 {
                    format!("word{n} nobody wrote")
                } else {
                    format!("/w[o0]rd{n}x+$/i")
                };
                Filter::Has(Field::Anywhere, Pattern::parse(&typed).expect("a pattern"))
            })
            .collect();
        let filters = Filters { exclude: Some(Arc::new(Filter::Any(rules))), ..Filters::default() };
        let selection = Selection { filters, ..Selection::default() };
        let item = Item {
            title: "東京で大規模な停電 and a storm in the harbour of Brest".into(),
            summary: "<p>Ferries stay in port, says the mayor.</p>".repeat(20),
            ..Item::default()
        };
        for _ in 0..1_000 {
            assert_eq!(selection.screen(&item, None, now()), Choice::Post);
        }
    }
}
