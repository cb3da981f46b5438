//! The keys that select: filters, age, language, updates, settling; and those of a profile's lanes.
//!
//! Promises: a list or word that is empty lifts what is inherited. Must not: know what becomes of an
//! entry.

use std::ops::RangeInclusive;
use std::sync::Arc;

use chrono::TimeDelta;

use super::check_filter::{Given, filter};
use super::complaints::{Complaints, Fault, Talk};
use super::section::Section;
use super::tree::{Node, Value, quoted};
use super::{Feed, Profile, keys, values};
use crate::domain::breaker::X;
use crate::domain::select::filter::Filter;
use crate::domain::select::rules::{Filters, Hold, OnUpdate, Selection, Settle};
use crate::domain::select::twins::{LaneSelection, OnTwin, SameText};

/// Bounds of `max_age`.
const MAX_AGE: RangeInclusive<TimeDelta> = TimeDelta::minutes(1)..=TimeDelta::days(3_660);
/// Bounds of `settle`.
const SETTLE: RangeInclusive<TimeDelta> = TimeDelta::minutes(1)..=TimeDelta::days(1);
/// Bounds of `duplicates.window`.
const WINDOW: RangeInclusive<TimeDelta> = TimeDelta::minutes(1)..=TimeDelta::days(90);
/// Bounds of `same_text.stagger`.
const STAGGER: RangeInclusive<TimeDelta> = TimeDelta::minutes(1)..=TimeDelta::days(7);
const HOLD_REMEDY: &str =
    "accepted are \"none\", \"all\" and a filter such as [\"obituary\", { category = \"law\" }]";
const TWIN_REMEDY: &str = "accepted are \"skip\", \"hold\" and \"allow\"";
const SAME_TEXT_REMEDY: &str =
    "accepted are \"hold\", \"skip\", \"allow\" and { stagger = \"2h\" }";
const LANGUAGE_REMEDY: &str = "write a tag such as \"de\" or \"en-GB\"";

/// `include`, `exclude` and `hold`, each if it was given and right.
#[derive(Debug, Clone, Default)]
struct FilterKeys {
    include: Option<Given<Arc<Filter>>>,
    exclude: Option<Given<Arc<Filter>>>,
    hold: Option<Hold>,
}

impl FilterKeys {
    fn read(section: &Section<'_>, complaints: &mut Complaints) -> Self {
        Self {
            include: filter(section, "include", complaints),
            exclude: filter(section, "exclude", complaints),
            hold: hold(section, complaints),
        }
    }

    fn over(self, inherited: &Self) -> Filters {
        let inherited = inherited.clone();
        Filters {
            include: self.include.or(inherited.include).and_then(Given::value),
            exclude: self.exclude.or(inherited.exclude).and_then(Given::value),
            hold: self.hold.or(inherited.hold).unwrap_or_default(),
        }
    }
}

/// The selecting keys of a feed, each if it was given and right.
#[derive(Debug, Clone, Default)]
pub(super) struct FeedKeys {
    filters: FilterKeys,
    max_age: Option<Given<TimeDelta>>,
    languages: Option<Vec<String>>,
    on_update: Option<OnUpdate>,
    settle: Option<Given<Settle>>,
}

impl FeedKeys {
    /// Reads those of one table.
    pub(super) fn read(section: &Section<'_>, complaints: &mut Complaints) -> Self {
        let max_age = section.read("max_age", complaints, |node| {
            or_never(node, |node| values::duration(node, &MAX_AGE))
        });
        let on_update = section.read("on_update", complaints, |node| {
            const REMEDY: &str = "accepted are \"rewrite\", \"hold\" and \"ignore\"";
            match values::text(node, "a text", REMEDY)? {
                "rewrite" => Ok(OnUpdate::Rewrite),
                "hold" => Ok(OnUpdate::Hold),
                "ignore" => Ok(OnUpdate::Ignore),
                _ => Err(Fault::value("is nothing that can be done", REMEDY)),
            }
        });
        Self {
            filters: FilterKeys::read(section, complaints),
            max_age,
            languages: section.list("language", "[\"de\", \"en\"]", complaints, language),
            on_update,
            settle: settle(section, complaints),
        }
    }

    /// With what is inherited where nothing was given.
    pub(super) fn over(self, inherited: &Self) -> Selection {
        let defaults = inherited.clone();
        Selection {
            filters: self.filters.over(&inherited.filters),
            max_age: self.max_age.or(defaults.max_age).and_then(Given::value),
            languages: self.languages.or(defaults.languages).unwrap_or_default(),
            on_update: self.on_update.or(defaults.on_update).unwrap_or_default(),
            settle: self.settle.or(defaults.settle).and_then(Given::value),
        }
    }
}

/// The selecting keys of a profile, each if it was given and right.
#[derive(Debug, Clone, Default)]
pub(super) struct ProfileKeys {
    filters: FilterKeys,
    window: Option<TimeDelta>,
    same_link: Option<OnTwin>,
    like_title: Option<OnTwin>,
    same_text: Option<SameText>,
}

impl ProfileKeys {
    /// Reads those of one table.
    pub(super) fn read(section: &Section<'_>, complaints: &mut Complaints) -> Self {
        let mut read = Self {
            filters: FilterKeys::read(section, complaints),
            same_text: section.read("same_text", complaints, same_text),
            ..Self::default()
        };
        if let Some(node) = section.node("duplicates") {
            let inner = Section::new(node, format!("{}: duplicates", section.place), complaints);
            inner.only(keys::DUPLICATES, complaints);
            read.window = inner.read("window", complaints, |node| values::duration(node, &WINDOW));
            read.same_link = inner.read("same_link", complaints, twin);
            read.like_title = inner.read("like_title", complaints, twin);
        }
        read
    }

    /// With what is inherited where nothing was given.
    pub(super) fn over(self, inherited: &Self) -> LaneSelection {
        let default = LaneSelection::default();
        LaneSelection {
            filters: self.filters.over(&inherited.filters),
            window: self.window.or(inherited.window).unwrap_or(default.window),
            same_link: self.same_link.or(inherited.same_link).unwrap_or(default.same_link),
            like_title: self.like_title.or(inherited.like_title).unwrap_or(default.like_title),
            same_text: self.same_text.or(inherited.same_text).unwrap_or(default.same_text),
        }
    }
}

fn or_never<T>(
    node: &Node,
    read: impl FnOnce(&Node) -> Result<T, Fault>,
) -> Result<Given<T>, Fault> {
    if matches!(&node.value, Value::Text(text) if text == "never") {
        return Ok(Given::Nothing);
    }
    read(node).map(Given::Value)
}

fn language(node: &Node) -> Result<String, Fault> {
    let tag = values::text(node, "a text", LANGUAGE_REMEDY)?.to_lowercase();
    let is_part = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let starts_well = tag.split('-').next().is_some_and(|first| (2..=3).contains(&first.len()));
    if starts_well && tag.split('-').all(is_part) {
        return Ok(tag);
    }
    Err(Fault::value("is not a language", LANGUAGE_REMEDY))
}

fn settle(section: &Section<'_>, complaints: &mut Complaints) -> Option<Given<Settle>> {
    const REMEDY: &str =
        "write it as \"10m\", or as { wait = \"10m\", unless = { title = \"breaking\" } }";
    let node = section.node("settle")?;
    let Value::Table(table) = &node.value else {
        return section.read("settle", complaints, |node| {
            or_never(node, |node| {
                let wait = values::duration(node, &SETTLE)?;
                Ok(Settle { wait, unless: None })
            })
        });
    };
    let inner = Section::new(node, format!("{}: settle", section.place), complaints);
    inner.only(keys::SETTLE, complaints);
    if !table.contains_key("wait") {
        inner.missing("wait", REMEDY, complaints);
    }
    let wait = inner.read("wait", complaints, |node| values::duration(node, &SETTLE));
    let unless = filter(&inner, "unless", complaints).and_then(Given::value);
    Some(Given::Value(Settle { wait: wait?, unless }))
}

fn twin(node: &Node) -> Result<OnTwin, Fault> {
    match values::text(node, "a text", TWIN_REMEDY)? {
        "skip" => Ok(OnTwin::Skip),
        "hold" => Ok(OnTwin::Hold),
        "allow" => Ok(OnTwin::Allow),
        _ => Err(Fault::value("is nothing that can be done", TWIN_REMEDY)),
    }
}

fn same_text(node: &Node) -> Result<SameText, Fault> {
    if let Value::Table(table) = &node.value {
        return match (table.len(), table.get("stagger")) {
            (1, Some(gap)) => values::duration(gap, &STAGGER)
                .map(SameText::Stagger)
                .map_err(|fault| Fault::key(format!("stagger {}", fault.what), fault.remedy)),
            _ => Err(Fault::key("the table needs one key, stagger", SAME_TEXT_REMEDY)),
        };
    }
    match values::text(node, "a text or a table", SAME_TEXT_REMEDY)? {
        "skip" => Ok(SameText::Skip),
        "hold" => Ok(SameText::Hold),
        "allow" => Ok(SameText::Allow),
        _ => Err(Fault::value("is nothing that can be done", SAME_TEXT_REMEDY)),
    }
}

fn hold(section: &Section<'_>, complaints: &mut Complaints) -> Option<Hold> {
    let node = section.node("hold")?;
    if let Value::Text(text) = &node.value {
        match text.as_str() {
            "none" => return Some(Hold::None),
            "all" => return Some(Hold::All),
            _ => {
                let fault = Fault::value("is neither \"none\" nor \"all\"", HOLD_REMEDY);
                section.complain("hold", node, &fault, complaints);
                return None;
            }
        }
    }
    let filter = filter(section, "hold", complaints)?;
    Some(filter.value().map_or(Hold::None, Hold::If))
}

/// Says what is allowed and yet hardly meant.
pub(super) fn warn(profiles: &[Profile], feeds: &[Feed], talk: &mut Talk) {
    for feed in feeds {
        let of_feed = feed.profiles.iter().filter_map(|name| {
            profiles
                .iter()
                .find(|profile| profile.name == *name && profile.platforms.iter().any(|it| it == X))
        });
        let waits = of_feed.skip(1).find(|profile| profile.select.same_text == SameText::Hold);
        if let Some(profile) = waits {
            talk.warn(format!(
                "feed {}: several profiles post it on X, which forbids the same text on several accounts; where the texts are the same, posts of profile {} are held for you (its same_text says what happens to them)",
                quoted(&feed.name),
                quoted(&profile.name),
            ));
        }
        if feed.select.settle.is_some() && feed.select.on_update == OnUpdate::Ignore {
            talk.warn(format!(
                "feed {}: settle waits for the headline to stop changing, and on_update = \"ignore\" then posts the first one all the same",
                quoted(&feed.name)
            ));
        }
    }
}
