//! `media` of a feed: where its images come from.
//!
//! Promises: what is given is within the limits of the networks. Must not: look at an image.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::complaints::{Complaints, Fault};
use super::section::Section;
use super::source::Source;
use super::tree::{Node, Value};
use super::{keys, values};
use crate::domain::breaker::X;
use crate::domain::compose::{Compose, trial_alt};
use crate::domain::media::{Alt, IMAGES_MAX, Kind, MediaRules, Place, address};
use crate::domain::template::Template;

const MAX: RangeInclusive<usize> = 1..=IMAGES_MAX;
/// No page is fetched unless that is asked for.
const FROM_DEFAULT: [Place; 3] = [Place::Enclosure, Place::Media, Place::Content];

const ALT_REMEDY: &str = "give true, false or a template: `alt = \"{{ title }}\"`";

/// `media` of one feed, or of the defaults.
#[derive(Debug, Clone)]
pub(super) struct MediaKeys {
    rules: MediaRules,
    /// The template of the alt texts; what it may name is known once `compose` is.
    alt: Option<Source>,
}

impl MediaKeys {
    /// The rules of a feed whose posts read like this; alt texts go to X alone.
    pub(super) fn rules(&self, compose: &Compose, complaints: &mut Complaints) -> MediaRules {
        let mut rules = self.rules.clone();
        let Some(source) = &self.alt else {
            return rules;
        };
        let manner = compose.manner(X);
        let tried = Template::new(&source.text, &manner.values)
            .and_then(|template| trial_alt(manner, &template).map(|()| template));
        match tried {
            Ok(template) => rules.alt = Alt::Template(Arc::new(template)),
            Err(fault) => source.complain(&fault, complaints),
        }
        rules
    }
}

/// The keys, if there are any.
pub(super) fn read(section: &Section<'_>, complaints: &mut Complaints) -> Option<MediaKeys> {
    let node = section.node("media")?;
    let inner = Section::new(node, format!("{}: media", section.place), complaints);
    inner.only(keys::MEDIA, complaints);
    let from = inner.list("from", "[\"enclosure\", \"content\"]", complaints, place);
    if let (Some(places), Some(node)) = (&from, inner.node("from")) {
        let twice = places
            .iter()
            .enumerate()
            .any(|(at, place)| places.iter().take(at).any(|before| before == place));
        if twice {
            let fault = Fault::key("a place is named twice", "name each once, in your order");
            inner.complain("from", node, &fault, complaints);
        }
    }
    let alt = inner.read("alt", complaints, |node| alt(&inner, node));
    let rules = MediaRules {
        from: from.unwrap_or_else(|| FROM_DEFAULT.to_vec()),
        max: inner.read("max", complaints, |node| values::whole(node, &MAX)).unwrap_or(1),
        fallback: inner.read("fallback", complaints, fallback),
        alt: if matches!(alt, Some(Described::Flag(false))) { Alt::Off } else { Alt::Title },
        video: inner.read("video", complaints, values::flag).unwrap_or(false),
    };
    let alt = match alt {
        Some(Described::By(source)) => Some(source),
        Some(Described::Flag(_)) | None => None,
    };
    Some(MediaKeys { rules, alt })
}

/// `alt` as typed.
enum Described {
    Flag(bool),
    By(Source),
}

fn alt(section: &Section<'_>, node: &Node) -> Result<Described, Fault> {
    match &node.value {
        Value::Flag(_) => values::flag(node).map(Described::Flag),
        Value::Text(text) if text.contains("{{") => {
            Source::read(section, "alt", node, ALT_REMEDY).map(Described::By)
        }
        // The same words on every image would describe none of them.
        Value::Text(_) => Err(Fault::value("prints nothing of the entry", ALT_REMEDY)),
        Value::Number(_) | Value::Date(_) | Value::List(_) | Value::Table(_) => {
            Err(values::wrong_type(node, "true, false or a text", ALT_REMEDY))
        }
    }
}

fn place(node: &Node) -> Result<Place, Fault> {
    let words = || Place::ALL.map(Place::word);
    let all = || format!("images come from \"{}\"", words().join("\", \""));
    let typed = values::text(node, "the name of a place", &all())?;
    Place::parse(typed).ok_or_else(|| {
        let near = keys::nearest(typed, words());
        let remedy = near.map_or_else(all, |near| format!("did you mean \"{near}\"?"));
        Fault::value("is not a place where images come from", remedy)
    })
}

fn fallback(node: &Node) -> Result<String, Fault> {
    const REMEDY: &str = "give the https address of a JPEG, PNG, GIF or WebP image";
    let url = values::url(node, "https://example.com/card.png")?;
    if url.scheme() != "https" && !values::is_loopback(&url) {
        return Err(Fault::value("is not https", REMEDY));
    }
    let written = address(url.as_str()).ok_or_else(|| Fault::value("is too long", REMEDY))?;
    if Kind::of_address(&written).is_some_and(|kind| !kind.is_image()) {
        return Err(Fault::value("is no image that can be shown", REMEDY));
    }
    Ok(written)
}
