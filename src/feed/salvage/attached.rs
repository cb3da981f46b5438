//! What is attached to an item.
//!
//! Promises: each address once, with all that the feed says of it in any place; a caption belongs to
//! the media of the element that it stands in. Must not: fetch, or judge what is a good picture.

use url::Url;

use super::capture::tidy;
use super::site::absolute;
use crate::domain::entry::{Media, Role};
use crate::feed::parse::LIST_MAX;
use crate::feed::references::decoded;
use crate::feed::tokens::attribute;

/// A description longer than this, in characters, is of the item rather than of a picture in it. It
/// is also the longest alternative text that X takes.
const CAPTION_MAX: usize = 1000;

/// How many media take over the caption of the element around them: as many as a post can show.
const CAPTIONED_MAX: usize = 4;

/// The media of one item, with the captions of the elements that are open.
#[derive(Default)]
pub(super) struct Attached {
    media: Vec<Media>,
    captions: Vec<Caption>,
}

#[derive(Default)]
struct Caption {
    depth: usize,
    title: String,
    description: String,
}

impl Attached {
    pub(super) const fn len(&self) -> usize {
        self.media.len()
    }

    pub(super) fn into_media(self) -> Vec<Media> {
        self.media
    }

    /// `enclosure`, and Atom's link of that kind.
    pub(super) fn enclosure(&mut self, url: String, tag: &str) {
        let length = attribute(tag, "length").or_else(|| attribute(tag, "fileSize"));
        self.attach(Media {
            url,
            kind: attribute(tag, "type").map(clean),
            role: Role::Enclosure,
            bytes: length.and_then(number),
            ..Media::default()
        });
    }

    /// `itunes:image`.
    pub(super) fn picture(&mut self, tag: &str, base: &Url) {
        let address = attribute(tag, "href").or_else(|| attribute(tag, "url"));
        if let Some(url) = address.and_then(|address| absolute(address, base)) {
            let kind = Some("image/*".to_owned());
            self.attach(Media { url, kind, role: Role::Picture, ..Media::default() });
        }
    }

    /// `media:content` and `media:thumbnail`.
    pub(super) fn media(&mut self, local: &str, tag: &str, base: &Url) {
        let role = match local {
            "content" => Role::Content,
            "thumbnail" => Role::Thumbnail,
            _ => return,
        };
        let Some(url) = attribute(tag, "url").and_then(|address| absolute(address, base)) else {
            return;
        };
        let kind = match (attribute(tag, "type"), attribute(tag, "medium"), role) {
            (Some(kind), _, Role::Content) => Some(clean(kind)),
            (_, _, Role::Thumbnail) | (None, Some("image"), _) => Some("image/*".to_owned()),
            (None, Some("video"), _) => Some("video/*".to_owned()),
            (None, Some("audio"), _) => Some("audio/*".to_owned()),
            _ => None,
        };
        let side = |name| attribute(tag, name).and_then(number);
        let pixels = side("width").zip(side("height"));
        let pixels = pixels.filter(|(width, height)| *width > 0 && *height > 0);
        let bytes = attribute(tag, "fileSize").and_then(number);
        self.attach(Media { url, kind, role, bytes, pixels, alt: String::new() });
    }

    fn attach(&mut self, new: Media) {
        let kind = new.kind.filter(|kind| !kind.is_empty());
        // Many write 0 for "unknown".
        let bytes = new.bytes.filter(|bytes| *bytes > 0);
        if let Some(known) = self.media.iter_mut().find(|media| media.url == new.url) {
            known.kind = known.kind.take().or(kind);
            known.bytes = known.bytes.or(bytes);
            known.pixels = known.pixels.or(new.pixels);
        } else if self.media.len() < LIST_MAX {
            self.media.push(Media { kind, bytes, ..new });
        }
    }

    /// Keeps a caption that stands in the element at this depth.
    pub(super) fn caption(&mut self, depth: usize, is_title: bool, text: String) {
        if self.captions.last().is_none_or(|caption| caption.depth != depth) {
            self.captions.push(Caption { depth, ..Caption::default() });
        }
        let Some(caption) = self.captions.last_mut() else {
            return;
        };
        let place = if is_title { &mut caption.title } else { &mut caption.description };
        if place.is_empty() && text.chars().count() <= CAPTION_MAX {
            *place = text;
        }
    }

    /// The element at this depth, in which the media from `first` on stand, ends.
    pub(super) fn end(&mut self, depth: usize, first: usize) {
        if self.captions.last().is_none_or(|caption| caption.depth != depth) {
            return;
        }
        let Some(caption) = self.captions.pop() else {
            return;
        };
        let alt = if caption.description.is_empty() { caption.title } else { caption.description };
        let bare = self.media.iter_mut().skip(first).filter(|media| {
            media.alt.is_empty() && matches!(media.role, Role::Content | Role::Thumbnail)
        });
        bare.take(CAPTIONED_MAX).for_each(|media| media.alt.clone_from(&alt));
    }
}

fn clean(kind: &str) -> String {
    tidy(&decoded(kind))
}

fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.trim().trim_end_matches("px").parse().ok()
}
