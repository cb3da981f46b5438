//! The fields of `POST /post` that the sandbox looks at beside text and networks: media and options.
//!
//! Promises: what the contract says of a field's type and limits is held against every request;
//! fields that it does not list are ignored, as Ayrshare seems to do. Must not: share a list with
//! the client, whose mistakes it is to find.

use serde_json::{Map, Value};

use super::order::{X, bad_media};
use super::wire::Refusal;

/// Images of one post on X.
const X_MEDIA_MAX: usize = 4;
/// The longest alt text, in characters.
const ALT_TEXT_MAX: usize = 1_000;

/// The type of a field.
#[derive(Debug, Clone, Copy)]
enum Type {
    Flag,
    Text,
    Texts,
    Table,
    /// `true`, or a table with `max` and `position`.
    Hashtags,
    /// A text or texts.
    Words,
    /// Minutes and answers.
    Poll,
    Comment,
}

/// Contract, section 1.2.
const FIELDS: [(&str, Type); 25] = [
    ("isVideo", Type::Flag),
    ("validateScheduled", Type::Flag),
    ("idempotencyKey", Type::Text),
    ("notes", Type::Text),
    ("shortenLinks", Type::Flag),
    ("autoHashtag", Type::Hashtags),
    ("autoSchedule", Type::Table),
    ("autoRepost", Type::Table),
    ("requiresApproval", Type::Flag),
    ("firstComment", Type::Comment),
    ("disableComments", Type::Flag),
    ("unsplash", Type::Words),
    ("twitterOptions", Type::Table),
    ("faceBookOptions", Type::Table),
    ("instagramOptions", Type::Table),
    ("linkedInOptions", Type::Table),
    ("tikTokOptions", Type::Table),
    ("gmbOptions", Type::Table),
    ("youTubeOptions", Type::Table),
    ("pinterestOptions", Type::Table),
    ("threadsOptions", Type::Table),
    ("redditOptions", Type::Table),
    ("telegramOptions", Type::Table),
    ("blueskyOptions", Type::Table),
    ("snapchatOptions", Type::Table),
];

/// Contract, section 1.3.
const X_FIELDS: [(&str, Type); 13] = [
    ("thread", Type::Flag),
    ("threadNumber", Type::Flag),
    ("longPost", Type::Flag),
    ("longVideo", Type::Flag),
    ("altText", Type::Texts),
    ("poll", Type::Poll),
    ("replySettings", Type::Text),
    ("subscribersOnly", Type::Flag),
    ("blockCountries", Type::Texts),
    ("allowCountries", Type::Texts),
    ("subTitleUrl", Type::Text),
    ("subTitleLanguage", Type::Text),
    ("subTitleName", Type::Text),
];

/// What is told of a post beside its text, as it was sent.
const OUR_OWN: [&str; 5] = ["post", "platforms", "mediaUrls", "notes", "idempotencyKey"];

impl Type {
    fn fits(self, value: &Value) -> bool {
        let texts = |value: &Value| {
            value.as_array().is_some_and(|items| items.iter().all(Value::is_string))
        };
        match self {
            Self::Flag => value.is_boolean(),
            Self::Text => value.is_string(),
            Self::Texts => texts(value),
            Self::Table => value.is_object(),
            Self::Hashtags => {
                let max = value.get("max").map(Value::as_u64);
                let position = value.get("position").map(Value::as_str);
                value == &Value::Bool(true)
                    || value == &Value::Bool(false)
                    || value.is_object()
                        && max.is_none_or(|max| max.is_some_and(|max| (1..=10).contains(&max)))
                        && position.is_none_or(|word| matches!(word, Some("auto" | "end")))
            }
            Self::Words => value.is_string() || texts(value),
            Self::Poll => {
                value.get("duration").is_some_and(Value::is_u64)
                    && value.get("options").is_some_and(texts)
            }
            Self::Comment => value.get("comment").is_some_and(Value::is_string),
        }
    }
}

/// Why a body is refused for the type of a field.
pub(super) fn wrong_type(body: &Value) -> Option<Refusal> {
    let wrong = |fields: &[(&str, Type)], table: &Value| {
        fields.iter().find_map(|(name, kind)| {
            let value = table.get(name)?;
            (!kind.fits(value))
                .then(|| Refusal::checks(None, format!("The {name} parameter is not valid.")))
        })
    };
    wrong(&FIELDS, body).or_else(|| wrong(&X_FIELDS, body.get("twitterOptions")?))
}

/// The fields beside text, networks, media and references.
pub(super) fn options(body: &Value) -> Map<String, Value> {
    let mut fields = body.as_object().cloned().unwrap_or_default();
    fields.retain(|name, _| !OUR_OWN.contains(&name.as_str()));
    fields
}

/// Why the media, or options that go with them, are refused on a network.
pub(super) fn fault_on(
    platform: &str,
    media: &[String],
    options: &Map<String, Value>,
) -> Option<Refusal> {
    if !media.iter().all(|address| is_reachable(address)) {
        return Some(bad_media());
    }
    if platform != X {
        return None;
    }
    if media.len() > X_MEDIA_MAX {
        return Some(Refusal::checks(None, "X (Twitter) takes up to 4 images or videos."));
    }
    let own = options.get("twitterOptions")?;
    for field in ["quoteTweetId", "replyToId"] {
        if own.get(field).is_some() {
            let refusal = Refusal::network(403, format!("You are not permitted to use {field}."));
            return Some(refusal);
        }
    }
    let alt = own.get("altText").and_then(Value::as_array)?;
    let is_video = |address: &String| {
        let path = address.split('?').next().unwrap_or_default();
        let ending = path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        matches!(ending.as_str(), "mp4" | "mov")
    };
    let forced = options.get("isVideo").and_then(Value::as_bool).unwrap_or(false);
    if forced || media.iter().any(is_video) {
        return Some(Refusal::checks(None, "Alt text is not available for videos."));
    }
    let long = |text: &Value| text.as_str().is_some_and(|text| text.chars().count() > ALT_TEXT_MAX);
    if alt.len() > media.len() || alt.iter().any(long) {
        return Some(Refusal::checks(None, "The altText parameter is not valid."));
    }
    None
}

/// Whether Ayrshare could fetch it: https and percent-encoded. Only the sample site on this very
/// machine, which has no certificate, may be http.
fn is_reachable(address: &str) -> bool {
    let here = ["http://127.0.0.1:", "http://[::1]:"];
    let scheme = address.starts_with("https://") || here.iter().any(|it| address.starts_with(it));
    let plain = |letter: char| letter.is_ascii_graphic() && !"\"<>\\^`{|}".contains(letter);
    scheme && address.chars().all(plain)
}
