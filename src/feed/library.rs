//! The reader that `feed-rs` is.
//!
//! Promises: an id that `feed-rs` would make up never leaves this file, and its panics end here as
//! errors. Must not: be given a text that the fence has not let through.

use std::panic::{AssertUnwindSafe, catch_unwind};

use feed_rs::model;
use url::Url;

use super::dates;
use super::parse::{LIST_MAX, web_address};
use super::salvage::{name, tidy};
use crate::domain::entry::{Item, Media, Role};

/// Reads a document. The error says what `feed-rs` had against it.
pub(super) fn read(text: &str, base: &Url) -> Result<Vec<Item>, String> {
    let parse = || {
        feed_rs::parser::Builder::new()
            .base_uri(Some(base.as_str()))
            // An empty id marks an entry that has none.
            .id_generator(|_, _, _| String::new())
            .timestamp_parser(dates::read)
            .sanitize_content(false)
            .build()
            .parse(text.as_bytes())
    };
    // Nothing that the closure touches is looked at again after a panic.
    match catch_unwind(AssertUnwindSafe(parse)) {
        Ok(Ok(feed)) => Ok(feed.entries.into_iter().map(|entry| item(entry, base)).collect()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the parser panicked".to_owned()),
    }
}

fn item(entry: model::Entry, base: &Url) -> Item {
    let text = |text: Option<model::Text>| text.map(|text| tidy(&text.content));
    let pages = entry.links.iter().filter(|link| {
        matches!(link.rel.as_deref(), None | Some("alternate")) && link.target.is_none()
    });
    // Of several, the one that says it is a page; of those, the first.
    let page = pages.min_by_key(|link| match link.media_type.as_deref() {
        Some(kind) if kind.contains("html") => 0,
        None => 1,
        Some(_) => 2,
    });
    Item {
        guid: Some(tidy(&entry.id)).filter(|id| !id.is_empty()),
        link: page.and_then(|link| web_address(&link.href, base)),
        title: text(entry.title).unwrap_or_default(),
        summary: text(entry.summary).unwrap_or_default(),
        content: entry
            .content
            // An inline picture, for one, comes as its base64.
            .filter(|content| is_text(content.content_type.as_ref()))
            .and_then(|content| content.body)
            .map(|body| tidy(&body))
            .unwrap_or_default(),
        authors: entry
            .authors
            .into_iter()
            .filter_map(|person| name(&person.name?))
            .take(LIST_MAX)
            .collect(),
        categories: entry
            .categories
            .into_iter()
            .map(|category| tidy(&category.label.unwrap_or(category.term)))
            .take(LIST_MAX)
            .collect(),
        published: entry.published,
        updated: entry.updated,
        language: entry.language,
        media: media(entry.media, base),
    }
}

fn is_text(kind: &str) -> bool {
    kind.starts_with("text/") || kind.contains("xml") || kind.contains("html")
}

/// What `feed-rs` tells of media: not in which element they stood, nor which caption is whose.
fn media(objects: Vec<model::MediaObject>, base: &Url) -> Vec<Media> {
    let contents_of = |object: model::MediaObject| {
        let contents = object.content.into_iter().filter_map(|content| {
            Some(Media {
                url: content.url?.to_string(),
                kind: content.content_type.map(|kind| kind.to_string()),
                role: Role::Content,
                bytes: content.size.filter(|bytes| *bytes > 0),
                pixels: content.width.zip(content.height),
                alt: String::new(),
            })
        });
        let thumbnails = object.thumbnails.into_iter().map(|thumbnail| Media {
            pixels: thumbnail.image.width.zip(thumbnail.image.height),
            url: thumbnail.image.uri,
            kind: Some("image/*".to_owned()),
            role: Role::Thumbnail,
            ..Media::default()
        });
        contents.chain(thumbnails).collect::<Vec<_>>()
    };
    objects
        .into_iter()
        .flat_map(contents_of)
        .filter_map(|media| Some(Media { url: web_address(&media.url, base)?, ..media }))
        .take(LIST_MAX)
        .collect()
}
