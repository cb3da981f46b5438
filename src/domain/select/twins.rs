//! What a lane or an account has had already: the same link, the same story, the same words.
//!
//! Promises: whatever is left out or held for it names the other post. Must not: look anything up;
//! the caller brings what it found.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::Choice;
use super::filter::Subject;
use super::rules::Filters;
use crate::domain::entry::{Item, ParsedFeed, normal_link};
use crate::domain::fold::fold;
use crate::domain::links::links;

/// What a profile's config says about the entries that come to its lanes.
#[derive(Debug, Clone)]
pub struct LaneSelection {
    /// `include`, `exclude`, `hold`
    pub filters: Filters,
    /// `duplicates.window`: how long a post counts as a twin of a later one.
    pub window: TimeDelta,
    /// `duplicates.same_link`: another feed's post on the lane has the same link.
    pub same_link: OnTwin,
    /// `duplicates.like_title`: a post on the lane has nearly the same title.
    pub like_title: OnTwin,
    /// `same_text`: another profile's post on X has the same words.
    pub same_text: SameText,
}

impl Default for LaneSelection {
    fn default() -> Self {
        Self {
            filters: Filters::default(),
            window: TimeDelta::days(3),
            same_link: OnTwin::Skip,
            like_title: OnTwin::Allow,
            same_text: SameText::Hold,
        }
    }
}

/// What becomes of a twin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnTwin {
    /// It is posted all the same.
    Allow,
    /// It waits for a person.
    Hold,
    /// It is left out.
    Skip,
}

/// What becomes of a text that another account on X has too, which X's rules forbid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameText {
    /// It is posted all the same.
    Allow,
    /// It waits for a person.
    Hold,
    /// It is left out.
    Skip,
    /// It is posted so much later than the other one may be.
    Stagger(TimeDelta),
}

/// A post that is there already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Twin {
    /// Its number.
    pub post: i64,
    /// Its feed.
    pub feed: String,
    /// Its profile.
    pub profile: String,
    /// From when on it may be, or was, sent.
    pub from: DateTime<Utc>,
}

impl LaneSelection {
    /// What the filters of this profile say about an entry.
    pub fn judge(&self, profile: &str, subject: &Subject) -> Choice {
        self.filters.judge(&format!("profile {profile}: "), subject)
    }

    /// What the same link on the lane means.
    pub fn of_link(&self, twin: &Twin) -> Choice {
        let Twin { post, feed, .. } = twin;
        judged(self.same_link, || {
            format!("same_link: post {post} of feed {feed} has the same link on this lane")
        })
    }

    /// What nearly the same title on the lane means.
    pub fn of_title(&self, twin: &Twin) -> Choice {
        let Twin { post, feed, .. } = twin;
        judged(self.like_title, || {
            format!("like_title: post {post} of feed {feed} tells nearly the same on this lane")
        })
    }

    /// What the same words on another profile's X account mean, and from when on they may be sent.
    pub fn of_text(&self, twin: &Twin) -> (Choice, Option<DateTime<Utc>>) {
        let Twin { post, profile, .. } = twin;
        let why = || {
            format!(
                "same_text: post {post} says the same on X for profile {profile}, and X forbids \
                 the same text on several accounts; give each profile words of its own, or set \
                 `same_text`"
            )
        };
        match self.same_text {
            SameText::Allow => (Choice::Post, None),
            SameText::Hold => (Choice::Hold { why: why() }, None),
            SameText::Skip => (Choice::Skip { why: why() }, None),
            SameText::Stagger(gap) => (Choice::Post, Some(twin.from + gap)),
        }
    }
}

fn judged(rule: OnTwin, why: impl FnOnce() -> String) -> Choice {
    match rule {
        OnTwin::Allow => Choice::Post,
        OnTwin::Hold => Choice::Hold { why: why() },
        OnTwin::Skip => Choice::Skip { why: why() },
    }
}

/// The links of one fetch: which of them are a page of one entry alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pages {
    /// Links that several items have, and the site's own.
    shared: HashSet<String>,
}

impl Pages {
    /// Those of a feed.
    pub fn of(feed: &ParsedFeed) -> Self {
        let mut seen = HashSet::new();
        let mut shared: HashSet<String> =
            feed.site.as_deref().map(normal_link).into_iter().collect();
        for link in feed.items.iter().filter_map(|item| item.link.as_deref()).map(normal_link) {
            if !seen.insert(link.clone()) {
                shared.insert(link);
            }
        }
        Self { shared }
    }

    /// By what an item's page is known in every feed; `None` for none of its own.
    pub fn key(&self, item: &Item) -> Option<String> {
        let link = normal_link(item.link.as_deref()?);
        (link.contains(['/', '?']) && !self.shared.contains(&link)).then_some(link)
    }
}

/// The words of a text without its links and without what makes no difference to a reader: what X
/// would take for the same. `None` if there are no words.
pub fn words_alone(text: &str) -> Option<String> {
    let mut rest = String::new();
    let mut from = 0;
    for link in links(text) {
        rest.push_str(text.get(from..link.start).unwrap_or_default());
        rest.push(' ');
        from = link.end;
    }
    rest.push_str(text.get(from..).unwrap_or_default());
    let words: String = fold(&rest)
        .split(|sign: char| !sign.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    (!words.is_empty()).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn twin() -> Twin {
        Twin {
            post: 7,
            feed: "wire".into(),
            profile: "main".into(),
            from: DateTime::from_timestamp(1_800_000_000, 0).expect("date"),
        }
    }

    #[test]
    fn a_twin_is_named_in_the_reason() {
        let rules = LaneSelection { like_title: OnTwin::Hold, ..LaneSelection::default() };
        let (text, _) = rules.of_text(&twin());
        insta::assert_snapshot!(
            [rules.of_link(&twin()), rules.of_title(&twin()), text]
                .map(|choice| format!("{choice:?}"))
                .join("\n"),
            @r#"
            Skip { why: "same_link: post 7 of feed wire has the same link on this lane" }
            Hold { why: "like_title: post 7 of feed wire tells nearly the same on this lane" }
            Hold { why: "same_text: post 7 says the same on X for profile main, and X forbids the same text on several accounts; give each profile words of its own, or set `same_text`" }
            "#
        );
    }

    #[test]
    fn a_page_is_known_in_every_feed_unless_several_items_share_it() {
        let item = |link: &str| Item { link: Some(link.to_owned()), ..Item::default() };
        let links = [
            "https://www.example.com/1/?utm_source=rss",
            "https://example.com/live",
            "http://example.com/live/",
            "https://example.com/blog",
            "https://example.com/",
        ];
        let items: Vec<Item> = links.into_iter().map(item).collect();
        let site = Some("https://example.com/blog/".to_owned());
        let pages = Pages::of(&ParsedFeed { items: items.clone(), site, ..ParsedFeed::default() });
        let keys: Vec<Option<String>> = items.iter().map(|item| pages.key(item)).collect();
        assert_eq!(keys, [Some("example.com/1".to_owned()), None, None, None, None]);
    }

    #[test]
    fn a_staggered_text_comes_after_its_twin() {
        let gap = TimeDelta::hours(2);
        let rules = LaneSelection { same_text: SameText::Stagger(gap), ..LaneSelection::default() };
        assert_eq!(rules.of_text(&twin()), (Choice::Post, Some(twin().from + gap)));
    }

    #[test]
    fn texts_are_compared_without_links_and_looks() {
        for (one, other, same) in [
            (
                "Storm closes the harbour\nhttps://a.example.com/1",
                "Storm closes the harbour\nhttps://b.example.com/2?x=1",
                true,
            ),
            ("Storm closes the harbour", "STORM closes the harbour!", true),
            ("Storm closes the harbour", "Storm closes the port", false),
            ("停電、東京", "停電 東京\nhttps://a.example.com", true),
        ] {
            assert_eq!(words_alone(one) == words_alone(other), same, "{one} | {other}");
        }
        assert_eq!(words_alone("https://a.example.com/1"), None);
        assert_eq!(words_alone("🚨"), None);
    }
}
