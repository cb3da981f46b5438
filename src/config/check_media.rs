//! `media` of a feed: where its images come from.
//!
//! Promises: what is given is within the limits of the networks. Must not: look at an image.

use std::ops::RangeInclusive;

use super::complaints::{Complaints, Fault};
use super::section::Section;
use super::tree::Node;
use super::{keys, values};
use crate::domain::media::{IMAGES_MAX, Kind, MediaRules, Place, address};

const MAX: RangeInclusive<usize> = 1..=IMAGES_MAX;
/// No page is fetched unless that is asked for.
const FROM_DEFAULT: [Place; 3] = [Place::Enclosure, Place::Media, Place::Content];

/// The rules, if there are any.
pub(super) fn read(section: &Section<'_>, complaints: &mut Complaints) -> Option<MediaRules> {
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
    Some(MediaRules {
        from: from.unwrap_or_else(|| FROM_DEFAULT.to_vec()),
        max: inner.read("max", complaints, |node| values::whole(node, &MAX)).unwrap_or(1),
        fallback: inner.read("fallback", complaints, fallback),
        alt: inner.read("alt", complaints, values::flag).unwrap_or(true),
        video: inner.read("video", complaints, values::flag).unwrap_or(false),
    })
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
