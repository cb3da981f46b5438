//! What goes over the wire: the body of `POST /post`, the forms of `Retry-After`.
//!
//! Promises: no optional field is sent empty. Must not: leave this folder.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::{Map, Value};

use super::PostRequest;
use crate::domain::backoff::ASKED_MAX;
use crate::domain::breaker::X;
use crate::domain::media::{Attachment, Kind, alt_texts};
use crate::domain::options::X_OPTIONS;
use crate::domain::weight::weighted_length;

/// The body of `POST /post` (contract, section 1.2), for one platform.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Post<'a> {
    #[serde(rename = "post")]
    text: &'a str,
    platforms: [&'a str; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    media_urls: Vec<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_video: bool,
    idempotency_key: &'a str,
    notes: &'a str,
    #[serde(flatten)]
    options: Map<String, Value>,
}

/// The body of `DELETE /post`.
#[derive(Debug, Serialize)]
pub(super) struct Delete<'a> {
    pub(super) id: &'a str,
}

impl<'a> Post<'a> {
    pub(super) fn new(request: &PostRequest<'a>) -> Self {
        let PostRequest { text, platform, media, options, idempotency_key, notes } = *request;
        // A video that its address does not show to be one.
        let hidden = |one: &Attachment| one.kind.is_video() && Kind::of_address(&one.url).is_none();
        Self {
            text,
            platforms: [platform],
            media_urls: media.iter().map(|one| one.url.as_str()).collect(),
            is_video: media.iter().any(hidden),
            idempotency_key,
            notes,
            options: with_alt_texts(
                options.clone().for_length(platform, weighted_length(text)).fields().clone(),
                platform,
                media,
            ),
        }
    }
}

/// The options, with the alt texts among X's own (contract, section 1.3); of other networks the
/// contract knows no alt texts.
fn with_alt_texts(
    mut options: Map<String, Value>,
    platform: &str,
    media: &[Attachment],
) -> Map<String, Value> {
    let texts = alt_texts(media);
    if platform == X && !texts.is_empty() {
        let own = options.entry(X_OPTIONS).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(own) = own {
            own.insert("altText".to_owned(), Value::from(texts));
        }
    }
    options
}

/// The wait that a `Retry-After` asks for: seconds or a date, from zero up to [`ASKED_MAX`].
pub(super) fn retry_after(value: &str, now: DateTime<Utc>) -> Option<TimeDelta> {
    let value = value.trim();
    let wait = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = value.parse().unwrap_or(i64::MAX);
        TimeDelta::try_seconds(seconds).unwrap_or(ASKED_MAX)
    } else {
        date(value)? - now
    };
    Some(wait.clamp(TimeDelta::zero(), ASKED_MAX))
}

/// The three forms of a date in HTTP: today's and two old ones (RFC 9110, section 5.6.7).
pub(super) fn date(value: &str) -> Option<DateTime<Utc>> {
    let old = |format| NaiveDateTime::parse_from_str(value, format).map(|date| date.and_utc());
    DateTime::parse_from_rfc2822(value)
        .map(|date| date.to_utc())
        .or_else(|_| old("%A, %d-%b-%y %H:%M:%S GMT"))
        .or_else(|_| old("%a %b %e %H:%M:%S %Y"))
        .ok()
}
