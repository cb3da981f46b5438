//! `compose` of `[[feed]]` and `[defaults.feed]`.
//!
//! Promises: each template has been tried with sample entries; a fault in one is told with its line
//! and column. Must not: compose a real entry.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::complaints::{Complaints, Fault};
use super::section::Section;
use super::source::Source;
use super::tree::{Node, Table, Value, quoted};
use super::{keys, values};
use crate::domain::breaker::X;
use crate::domain::compose::{Compose, LinkPolicy, Manner, Unfit, trial};
use crate::domain::hashtags::{self, Case, Hashtags};
use crate::domain::template::Template;

/// Bounds of `max_length`: a link and some words; the longest post of any platform.
const MAX_LENGTH: RangeInclusive<usize> = 40..=63_206;
/// Bounds of `hashtags.max`.
const HASHTAGS_MAX: RangeInclusive<usize> = 1..=10;
/// Ayrshare's own feeds had three.
const HASHTAGS_MAX_DEFAULT: usize = 3;
/// Custom values, hashtags in a map.
const ENTRIES_MAX: usize = 200;
/// The longest custom value, in characters.
const VALUE_CHARS_MAX: usize = 500;
const TEMPLATE_REMEDY: &str = "for example `template = \"{{ title }}\"`";
const LINK_REMEDY: &str = "accepted are \"append\", \"none\" and \"template\"";
const HASHTAGS_REMEDY: &str = "for example `hashtags = { from = \"categories\", max = 2 }`";
const UTM_REMEDY: &str = "for example `utm = { source = \"x\", medium = \"social\" }`";

/// The keys of one table, each if it was given and right.
#[derive(Debug, Clone, Default)]
struct Layer {
    template: Option<Source>,
    link: Option<LinkPolicy>,
    utm: Option<Vec<(String, String)>>,
    strip_tracking: Option<bool>,
    max_length: Option<u32>,
    long_posts: Option<bool>,
    hashtags: Option<Hashtags>,
    values: BTreeMap<String, String>,
}

/// `compose` of one feed, or of the defaults.
#[derive(Debug, Clone, Default)]
struct Layers {
    general: Layer,
    platforms: BTreeMap<String, Layer>,
}

impl Layers {
    /// What counts for a platform, the nearest first.
    fn of(&self, platform: &str) -> [Option<&Layer>; 2] {
        let own = self.platforms.get(platform);
        [own.or_else(|| self.platforms.get(keys::COMPOSE_DEFAULT)), Some(&self.general)]
    }
}

/// The defaults' `compose`, for the feeds to inherit.
pub(super) struct Composing {
    layers: Layers,
    compose: Compose,
}

impl Composing {
    /// Of `[defaults.feed]`.
    pub(super) fn new(defaults: &Section<'_>, complaints: &mut Complaints) -> Self {
        let layers = read(defaults, complaints).unwrap_or_default();
        let compose = resolved(&Layers::default(), &layers, complaints);
        Self { layers, compose }
    }

    /// Of feeds that say nothing of their own.
    pub(super) fn default(&self) -> &Compose {
        &self.compose
    }

    /// Of a feed.
    pub(super) fn of_feed(&self, feed: &Section<'_>, complaints: &mut Complaints) -> Compose {
        match read(feed, complaints) {
            Some(own) => resolved(&own, &self.layers, complaints),
            None => self.compose.clone(),
        }
    }
}

/// The manners of all platforms that are named.
fn resolved(own: &Layers, inherited: &Layers, complaints: &mut Complaints) -> Compose {
    let named: BTreeSet<&String> = own.platforms.keys().chain(inherited.platforms.keys()).collect();
    let mut manner = |platform: &str| {
        let layers: Vec<&Layer> =
            own.of(platform).into_iter().chain(inherited.of(platform)).flatten().collect();
        let tried_on = if platform == keys::COMPOSE_DEFAULT { X } else { platform };
        manner(&layers, tried_on, complaints)
    };
    Compose {
        default: manner(keys::COMPOSE_DEFAULT),
        platforms: named
            .into_iter()
            .filter(|platform| *platform != keys::COMPOSE_DEFAULT)
            .map(|platform| (platform.clone(), manner(platform)))
            .collect(),
    }
}

/// The first value that a layer gives.
fn nearest<T>(layers: &[&Layer], of: impl Fn(&Layer) -> Option<T>) -> Option<T> {
    layers.iter().find_map(|layer| of(layer))
}

/// One manner of several layers, the nearest first; tried with sample entries.
fn manner(layers: &[&Layer], platform: &str, complaints: &mut Complaints) -> Manner {
    let mut values = BTreeMap::new();
    for layer in layers.iter().rev() {
        values.extend(layer.values.clone());
    }
    let default = Manner::default();
    let mut manner = Manner {
        link: nearest(layers, |layer| layer.link).unwrap_or(default.link),
        utm: nearest(layers, |layer| layer.utm.clone()).unwrap_or_default(),
        strip_tracking: nearest(layers, |layer| layer.strip_tracking)
            .unwrap_or(default.strip_tracking),
        max_length: nearest(layers, |layer| layer.max_length),
        long_posts: nearest(layers, |layer| layer.long_posts).unwrap_or(false),
        hashtags: nearest(layers, |layer| layer.hashtags.clone()),
        values: Arc::new(values),
        template: None,
    };
    let Some(source) = nearest(layers, |layer| layer.template.clone()) else {
        return manner;
    };
    let template = match Template::new(&source.text, &manner.values) {
        Ok(template) => template,
        Err(fault) => {
            source.complain(&fault, complaints);
            return manner;
        }
    };
    if manner.link == LinkPolicy::Template && !template.uses("link") {
        let what = "link = \"template\", and the template has no {{ link }}";
        let remedy = "print {{ link }} where it should stand, or take \"append\" or \"none\"";
        complaints.add(&source.origin, format!("{}: {what}", source.place), remedy);
    }
    manner.template = Some(Arc::new(template));
    match trial(&manner, platform) {
        Ok(()) => {}
        Err(Unfit::Template(fault)) => source.complain(&fault, complaints),
        Err(unfit) => complaints.add(
            &source.origin,
            format!("{}: template: nothing can be posted of a sample entry: {unfit}", source.place),
            "leave more room for the entry's own words",
        ),
    }
    manner
}

/// `compose` in a feed's section.
fn read(feed: &Section<'_>, complaints: &mut Complaints) -> Option<Layers> {
    let node = feed.node("compose")?;
    let section = Section::new(node, format!("{}: compose", feed.place), complaints);
    let tables = keys::PLATFORMS.into_iter().chain([keys::COMPOSE_DEFAULT]);
    section.only(keys::COMPOSE.into_iter().chain(tables.clone()), complaints);
    let mut platforms = BTreeMap::new();
    for platform in tables {
        if let Some(node) = section.node(platform) {
            let inner = Section::new(node, format!("{}.{platform}", section.place), complaints);
            inner.only(keys::COMPOSE, complaints);
            platforms.insert(platform.to_owned(), layer(&inner, complaints));
        }
    }
    Some(Layers { general: layer(&section, complaints), platforms })
}

fn layer(section: &Section<'_>, complaints: &mut Complaints) -> Layer {
    let template = section.read("template", complaints, |node| {
        Source::read(section, "template", node, TEMPLATE_REMEDY)
    });
    Layer {
        template,
        link: section.read("link", complaints, |node| {
            match values::text(node, "a text", LINK_REMEDY)? {
                "append" => Ok(LinkPolicy::Append),
                "none" => Ok(LinkPolicy::None),
                "template" => Ok(LinkPolicy::Template),
                _ => Err(Fault::value("is no place for a link", LINK_REMEDY)),
            }
        }),
        utm: utm(section, complaints),
        strip_tracking: section.read("strip_tracking", complaints, values::flag),
        max_length: section.read("max_length", complaints, |node| {
            let length = values::whole(node, &MAX_LENGTH)?;
            Ok(u32::try_from(length).unwrap_or(u32::MAX))
        }),
        long_posts: section.read("long_posts", complaints, values::flag),
        hashtags: hashtags(section, complaints),
        values: texts(section, "values", complaints).unwrap_or_default(),
    }
}

fn utm(section: &Section<'_>, complaints: &mut Complaints) -> Option<Vec<(String, String)>> {
    let node = section.node("utm")?;
    let inner = Section::new(node, format!("{}: utm", section.place), complaints);
    inner.only(keys::UTM, complaints);
    let given = keys::UTM.into_iter().filter_map(|key| {
        let value = inner.read(key, complaints, |node| values::line(node, UTM_REMEDY))?;
        (!value.is_empty()).then(|| (format!("utm_{key}"), value))
    });
    Some(given.collect())
}

fn hashtags(section: &Section<'_>, complaints: &mut Complaints) -> Option<Hashtags> {
    let node = section.node("hashtags")?;
    let inner = Section::new(node, format!("{}: hashtags", section.place), complaints);
    inner.only(keys::HASHTAGS, complaints);
    inner.read("from", complaints, |node| match values::text(node, "a text", HASHTAGS_REMEDY)? {
        "categories" => Ok(()),
        _ => Err(Fault::value("is nothing that hashtags can be made of", HASHTAGS_REMEDY)),
    });
    let map = texts(&inner, "map", complaints).unwrap_or_default();
    for (category, wanted) in &map {
        if let (None, Some(node)) = (hashtags::tag(wanted, Case::Keep), inner.node("map")) {
            let fault = Fault::key(
                format!("{} = {} is no hashtag", quoted(category), quoted(wanted)),
                "a hashtag has letters, digits and `_`, with a letter among them",
            );
            inner.complain("map", node, &fault, complaints);
        }
    }
    let deny = inner.list("deny", "[\"uncategorized\"]", complaints, |node| {
        Ok(hashtags::folded(values::text(node, "a text", "give the name of a category")?))
    });
    let max = inner.read("max", complaints, |node| values::whole(node, &HASHTAGS_MAX));
    let case = inner.read("case", complaints, |node| {
        let remedy = "accepted are \"camel\" (MachineLearning), \"lower\" and \"keep\"";
        Case::of(values::text(node, "a text", remedy)?)
            .ok_or_else(|| Fault::value("is no way to write hashtags", remedy))
    });
    Some(Hashtags {
        map: map.into_iter().map(|(key, wanted)| (hashtags::folded(&key), wanted)).collect(),
        max: max.unwrap_or(HASHTAGS_MAX_DEFAULT),
        deny: deny.into_iter().flatten().collect(),
        case: case.unwrap_or_default(),
    })
}

/// A table whose keys the user chooses and whose values are texts.
fn texts(
    section: &Section<'_>,
    key: &str,
    complaints: &mut Complaints,
) -> Option<BTreeMap<String, String>> {
    section.read(key, complaints, |node| {
        let table = table_of(node)?;
        if table.len() > ENTRIES_MAX {
            return Err(Fault::key(
                format!("a table of {} entries", table.len()),
                format!("{ENTRIES_MAX} are the most"),
            ));
        }
        let text = |(name, node): (&String, &Node)| {
            let text = values::text(node, "a text", "write it in quotation marks")
                .map_err(|fault| Fault::key(format!("{name}: {}", fault.what), fault.remedy))?;
            if text.chars().count() > VALUE_CHARS_MAX {
                return Err(Fault::key(
                    format!("{name} is too long"),
                    format!("{VALUE_CHARS_MAX} characters are the most"),
                ));
            }
            Ok((name.clone(), text.to_owned()))
        };
        table.iter().map(text).collect()
    })
}

fn table_of(node: &Node) -> Result<&Table, Fault> {
    match &node.value {
        Value::Table(table) => Ok(table),
        Value::Text(_) | Value::Number(_) | Value::Flag(_) | Value::Date(_) | Value::List(_) => {
            Err(values::wrong_type(node, "a table", "for example `{ city = \"Graz\" }`"))
        }
    }
}
