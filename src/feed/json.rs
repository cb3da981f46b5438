//! JSON Feed, field by field.
//!
//! Promises: a field of another type than the format says spoils only itself; numbers do as ids.
//! Must not: ask for a version, or recurse with the input (`serde_json` stops at 128 levels).

use serde_json::{Map, Value};
use url::Url;

use super::dates;
use super::parse::{ITEMS_MAX, LIST_MAX, ParseFailure, VALUES_MAX, web_address};
use super::salvage::{FEED_AUTHORS_MAX, name, tidy};
use crate::domain::entry::{Item, Media, ParsedFeed, Role, Wishes};

/// Reads a JSON Feed.
pub(super) fn read(text: &str, base: &Url) -> Result<ParsedFeed, ParseFailure> {
    if is_crowded(text) {
        return Err(ParseFailure::TooManyValues);
    }
    let root: Value =
        serde_json::from_str(text).map_err(|error| ParseFailure::Json(error.to_string()))?;
    let root = root.as_object().ok_or(ParseFailure::NotAFeed)?;
    let items = match root.get("items") {
        Some(Value::Array(items)) => items.as_slice(),
        Some(_) | None if root.get("version").is_some_and(Value::is_string) => &[],
        Some(_) | None => return Err(ParseFailure::NotAFeed),
    };
    if items.len() > ITEMS_MAX {
        return Err(ParseFailure::TooManyItems);
    }
    let mut all_by = authors(root);
    all_by.truncate(FEED_AUTHORS_MAX);
    let items = items.iter().filter_map(Value::as_object).map(|fields| {
        let item = item(fields, base);
        if item.authors.is_empty() { Item { authors: all_by.clone(), ..item } } else { item }
    });
    Ok(ParsedFeed {
        title: text_of(root, "title"),
        site: address(root, "home_page_url", base),
        language: Some(text_of(root, "language")).filter(|language| !language.is_empty()),
        wishes: Wishes::default(),
        hubs: hubs(root, base),
        own_address: address(root, "feed_url", base),
        items: items.collect(),
    })
}

/// The hubs that speak WebSub.
fn hubs(root: &Map<String, Value>, base: &Url) -> Vec<String> {
    list(root, "hubs")
        .iter()
        .filter_map(Value::as_object)
        .filter(|hub| text_of(hub, "type").eq_ignore_ascii_case("websub"))
        .filter_map(|hub| address(hub, "url", base))
        .take(LIST_MAX)
        .collect()
}

/// Whether there are more values than [`VALUES_MAX`], each of which takes memory many times its length.
fn is_crowded(text: &str) -> bool {
    let mut quoted = false;
    let mut escaped = false;
    let mut values = 0_usize;
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b',' | b'[' | b'{' if !quoted => values += 1,
            _ => {}
        }
    }
    values > VALUES_MAX
}

fn item(fields: &Map<String, Value>, base: &Url) -> Item {
    let html = text_of(fields, "content_html");
    let date = |name| dates::read(&text_of(fields, name));
    let guid = fields.get("id").map(scalar).unwrap_or_default();
    Item {
        link: address(fields, "url", base)
            .or_else(|| Url::parse(&guid).ok().and_then(|_| web_address(&guid, base)))
            .or_else(|| address(fields, "external_url", base)),
        guid: Some(guid).filter(|guid| !guid.is_empty()),
        title: escaped(&text_of(fields, "title")),
        summary: escaped(&text_of(fields, "summary")),
        content: if html.is_empty() { escaped(&text_of(fields, "content_text")) } else { html },
        authors: authors(fields),
        categories: list(fields, "tags")
            .iter()
            .map(scalar)
            .filter(|tag| !tag.is_empty())
            .take(LIST_MAX)
            .collect(),
        published: date("date_published"),
        updated: date("date_modified"),
        language: Some(text_of(fields, "language")).filter(|language| !language.is_empty()),
        media: media(fields, base),
    }
}

/// Plain text as markup: the format's titles and texts are plain.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

fn authors(fields: &Map<String, Value>) -> Vec<String> {
    list(fields, "authors")
        .iter()
        .chain(fields.get("author"))
        .filter_map(|author| {
            name(&author.as_object().map_or_else(|| scalar(author), |it| text_of(it, "name")))
        })
        .take(LIST_MAX)
        .collect()
}

fn media(fields: &Map<String, Value>, base: &Url) -> Vec<Media> {
    let images = ["image", "banner_image"]
        .into_iter()
        .filter_map(|name| address(fields, name, base))
        .map(|url| Media {
            url,
            kind: Some("image/*".to_owned()),
            role: Role::Picture,
            ..Media::default()
        });
    let attachments =
        list(fields, "attachments").iter().filter_map(Value::as_object).filter_map(|attachment| {
            let kind = text_of(attachment, "mime_type");
            Some(Media {
                url: address(attachment, "url", base)?,
                kind: Some(kind).filter(|kind| !kind.is_empty()),
                role: Role::Enclosure,
                bytes: attachment
                    .get("size_in_bytes")
                    .and_then(Value::as_u64)
                    .filter(|bytes| *bytes > 0),
                pixels: None,
                alt: escaped(&text_of(attachment, "title")),
            })
        });
    images.chain(attachments).take(LIST_MAX).collect()
}

fn list<'a>(fields: &'a Map<String, Value>, name: &str) -> &'a [Value] {
    match fields.get(name) {
        Some(Value::Array(values)) => values,
        Some(value) => std::slice::from_ref(value),
        None => &[],
    }
}

fn text_of(fields: &Map<String, Value>, name: &str) -> String {
    fields.get(name).and_then(Value::as_str).map(tidy).unwrap_or_default()
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => tidy(text),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

fn address(fields: &Map<String, Value>, name: &str, base: &Url) -> Option<String> {
    web_address(&text_of(fields, name), base)
}
