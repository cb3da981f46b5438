//! The body of `POST /post`, as far as the sandbox looks at it.
//!
//! Promises: unknown fields are ignored, and what is missing or unknown is refused with the
//! contract's words. Must not: know the caller or the books.

use serde_json::{Map, Value};

use super::wire::Refusal;
use super::{PLATFORMS, fields};

/// The network that needs the user's own keys in each request.
pub(super) use crate::domain::breaker::X;

/// X's limit of an ordinary post, in weighted characters.
const X_WEIGHT_MAX: u32 = 280;
/// X's limit of a long post.
const X_LONG_WEIGHT_MAX: u32 = 25_000;

/// A request to publish.
#[derive(Debug, Clone, Default)]
pub(super) struct Order {
    pub(super) platforms: Vec<String>,
    pub(super) notes: Option<String>,
    pub(super) idempotency_key: Option<String>,
    pub(super) scheduled: Option<String>,
    /// What goes along beside text, networks, media and references.
    pub(super) options: Map<String, Value>,
    post: Value,
    media: Value,
    thread: bool,
    long: bool,
}

fn text(body: &Value, field: &str) -> Option<String> {
    let text = body.get(field).and_then(Value::as_str);
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The part of a field that is for one network: the field itself, or what it has for the network.
fn part<'a>(field: &'a Value, platform: &str) -> &'a Value {
    match field {
        Value::Object(parts) => {
            parts.get(platform).or_else(|| parts.get("default")).unwrap_or(&Value::Null)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            field
        }
    }
}

impl Order {
    /// Reads a body, or says what it lacks.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let body: Value = serde_json::from_slice(body)
            .map_err(|_broken| Refusal::checks(None, "The request body is not valid JSON."))?;
        let missing = |what: &str| Refusal::checks(None, format!("Missing {what} parameter"));
        let platforms = body.get("platforms").and_then(Value::as_array);
        let platforms = platforms.ok_or_else(|| missing("platforms"))?;
        if platforms.is_empty() {
            return Err(missing("platforms"));
        }
        if let Some(refusal) = fields::wrong_type(&body) {
            return Err(refusal);
        }
        let mut order = Self {
            notes: text(&body, "notes"),
            idempotency_key: text(&body, "idempotencyKey"),
            scheduled: text(&body, "scheduleDate"),
            options: fields::options(&body),
            post: body.get("post").cloned().unwrap_or_default(),
            media: body.get("mediaUrls").cloned().unwrap_or_default(),
            ..Self::default()
        };
        for platform in platforms {
            let name = platform.as_str().unwrap_or_default();
            if !PLATFORMS.contains(&name) {
                return Err(Refusal::checks(
                    None,
                    format!("The platforms parameter has an unknown value: {platform}"),
                ));
            }
            order.platforms.push(name.to_owned());
        }
        let set = |flag: &str| {
            let options = body.get("twitterOptions");
            let flag = options.and_then(|options| options.get(flag));
            flag.and_then(Value::as_bool).unwrap_or(false)
        };
        order.thread = set("thread");
        order.long = set("longPost");
        for platform in &order.platforms {
            let has_text = part(&order.post, platform).is_string();
            if !has_text
                || (order.text_on(platform).is_empty() && order.media_on(platform).is_empty())
            {
                return Err(missing("post"));
            }
        }
        Ok(order)
    }

    /// Whether it goes to X, and so needs the X headers.
    pub(super) fn targets_x(&self) -> bool {
        self.platforms.iter().any(|platform| platform == X)
    }

    /// The text for one network.
    pub(super) fn text_on(&self, platform: &str) -> &str {
        part(&self.post, platform).as_str().unwrap_or_default()
    }

    /// The media for one network.
    pub(super) fn media_on(&self, platform: &str) -> Vec<String> {
        let media = part(&self.media, platform).as_array();
        let addresses = media.into_iter().flatten();
        addresses.map(|address| address.as_str().unwrap_or_default().to_owned()).collect()
    }

    /// What is wrong with the text or the media for one network, whoever sends it.
    pub(super) fn fault_on(
        &self,
        platform: &str,
        weigh: fn(&str) -> u32,
        premium: bool,
    ) -> Option<Refusal> {
        let refused = fields::fault_on(platform, &self.media_on(platform), &self.options);
        if refused.is_some() {
            return refused;
        }
        if platform != X {
            return None;
        }
        let text = self.text_on(platform);
        let weight =
            if self.thread { text.split("\n\n").map(weigh).max() } else { Some(weigh(text)) };
        let weight = weight.unwrap_or_default();
        let max = if premium && self.long { X_LONG_WEIGHT_MAX } else { X_WEIGHT_MAX };
        match weight.checked_sub(max) {
            None | Some(0) => None,
            Some(_) if self.long && !premium => Some(long_post()),
            Some(over) => Some(too_long(max, over)),
        }
    }
}

/// 111: a long post without Premium.
pub(super) fn long_post() -> Refusal {
    Refusal::checks(111, "X (Twitter) long posts require an X Premium account.")
}

/// 132: too long.
pub(super) fn too_long(max: u32, over: u32) -> Refusal {
    Refusal::checks(132, format!("Please shorten to {max} characters. Overage: {over} characters."))
}

/// 136: the media can't be fetched.
pub(super) fn bad_media() -> Refusal {
    Refusal::checks(
        136,
        "Media URLs invalid. Please verify the media is an externally accessible URL.",
    )
}
