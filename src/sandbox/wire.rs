//! The shapes of the sandbox's answers.
//!
//! Promises: every refusal can be put at each place where the contract has seen one (section 2.2).
//! Must not: decide what is refused.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::books::Entry;
use super::settings::{Settings, Trap};

/// Where the error of a post lies in the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// The answer itself is the error.
    Top,
    /// In `errors[]`.
    Errors,
    /// In `posts[]`.
    Posts,
    /// In `posts[].errors[]`.
    PostsErrors,
}

/// An answer before it becomes HTTP.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) body: String,
    pub(super) retry_after: Option<u32>,
}

impl Answer {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            content_type: "application/json; charset=utf-8",
            body: body.to_string(),
            retry_after: None,
        }
    }

    /// What a gateway in front of Ayrshare says when it is in trouble.
    pub(super) fn html(status: u16, words: &str) -> Self {
        Self {
            status,
            content_type: "text/html",
            body: format!(
                "<html>\r\n<head><title>{status} {words}</title></head>\r\n<body>\r\n<center><h1>{status} {words}</h1></center>\r\n</body>\r\n</html>\r\n"
            ),
            retry_after: None,
        }
    }

    pub(super) fn text(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            content_type: "text/plain; charset=utf-8",
            body: body.into(),
            retry_after: None,
        }
    }

    /// The answer as bytes on the wire, cut off in the middle of its body.
    pub(super) fn cut_in_half(&self) -> Vec<u8> {
        let head = format!(
            "HTTP/1.1 {} Sandbox\r\ncontent-type: {}\r\ncontent-length: {}\r\n\r\n",
            self.status,
            self.content_type,
            self.body.len()
        );
        let half = self.body.bytes().take(self.body.len() / 2);
        head.bytes().chain(half).collect()
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let content_type = HeaderValue::from_static(self.content_type);
        let mut response = (status, self.body).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Who refuses, which says where the error lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// Ayrshare before it looks at the post: always the answer itself.
    Gate,
    /// Ayrshare's checks of the post: the answer itself, or `posts[]`.
    Checks,
    /// The network: in `errors[]`.
    Network,
}

/// A refusal, wherever it will be put.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) http: u16,
    pub(super) by: By,
    pub(super) action: &'static str,
    pub(super) code: Option<i64>,
    pub(super) message: String,
    pub(super) retry_available: bool,
}

impl Refusal {
    pub(super) fn gate(http: u16, action: &'static str, message: &str) -> Self {
        Self {
            http,
            by: By::Gate,
            action,
            code: Some(i64::from(http)),
            message: message.to_owned(),
            retry_available: false,
        }
    }

    pub(super) fn checks(code: impl Into<Option<i64>>, message: impl Into<String>) -> Self {
        Self {
            http: 400,
            by: By::Checks,
            action: "post",
            code: code.into(),
            message: message.into(),
            retry_available: false,
        }
    }

    pub(super) fn network(code: i64, message: impl Into<String>) -> Self {
        Self { by: By::Network, ..Self::checks(code, message) }
    }

    pub(super) fn item(&self) -> Value {
        let mut item = json!({"action": self.action, "status": "error", "message": self.message});
        if let Some(code) = self.code {
            put(&mut item, "code", code);
        }
        if self.retry_available {
            put(&mut item, "retryAvailable", true);
        }
        item
    }

    /// The refusal of a request that never became a post.
    pub(super) fn answer(&self, wrapped: bool, place: Option<Place>) -> Answer {
        let natural = if wrapped { Place::Posts } else { Place::Top };
        let item = self.item();
        let body = match (self.by, place.unwrap_or(natural)) {
            (By::Gate, _) | (By::Checks | By::Network, Place::Top) => item,
            (By::Checks | By::Network, Place::Errors) => {
                json!({"status": "error", "errors": [item], "postIds": []})
            }
            (By::Checks | By::Network, Place::Posts) => json!({"status": "error", "posts": [item]}),
            (By::Checks | By::Network, Place::PostsErrors) => json!({
                "status": "error",
                "posts": [{"status": "error", "errors": [item], "postIds": []}],
            }),
        };
        Answer::json(self.http, &body)
    }
}

/// Sets a field of an object; anything else stays as it is.
pub(super) fn put(object: &mut Value, field: &str, value: impl Into<Value>) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(field.to_owned(), value.into());
    }
}

/// The answer of a post that was written into the books.
pub(super) fn post_answer(
    entry: &Entry,
    refusals: &[(String, Refusal)],
    wrapped: bool,
    settings: &Settings,
) -> Answer {
    let Some((_, first)) = refusals.first() else {
        return success(entry, wrapped, settings);
    };
    let post_ids = post_ids(entry, settings);
    let alone = first.by != By::Network && post_ids.is_empty();
    let natural = match (wrapped, alone) {
        (false, true) => Place::Top,
        (false, false) => Place::Errors,
        (true, true) => Place::Posts,
        (true, false) => Place::PostsErrors,
    };
    let items: Vec<Value> = refusals
        .iter()
        .map(|(platform, refusal)| {
            let mut item = refusal.item();
            put(&mut item, "platform", platform.as_str());
            put(&mut item, "post", text_on(entry, platform));
            item
        })
        .collect();
    let mut single = items.first().cloned().unwrap_or_default();
    put(&mut single, "id", entry.id.as_str());
    let many = json!({"status": "error", "errors": items, "postIds": post_ids, "id": entry.id});
    let body = match settings.error_place.unwrap_or(natural) {
        Place::Top => single,
        Place::Errors => many,
        Place::Posts => json!({"status": "error", "posts": [single]}),
        Place::PostsErrors => json!({"status": "error", "posts": [many]}),
    };
    Answer::json(first.http, &body)
}

fn success(entry: &Entry, wrapped: bool, settings: &Settings) -> Answer {
    let mut post = json!({
        "status": "success",
        "errors": [],
        "postIds": post_ids(entry, settings),
        "id": entry.id,
        "refId": ref_id(entry),
        "post": first_text(entry),
    });
    if settings.traps.contains(&Trap::NoErrors)
        && let Some(fields) = post.as_object_mut()
    {
        fields.remove("errors");
    }
    if settings.traps.contains(&Trap::ExtraFields) {
        put(&mut post, "validate", true);
        put(&mut post, "xSomething", json!({"new": [1, null, "two"]}));
    }
    if wrapped {
        put(&mut post, "profileTitle", entry.draft.profile.as_str());
        post = json!({"status": "success", "posts": [post]});
    }
    Answer::json(200, &post)
}

/// The `postIds[]` of what was published.
pub(super) fn post_ids(entry: &Entry, settings: &Settings) -> Vec<Value> {
    let has = |trap| settings.traps.contains(&trap);
    let published = entry.draft.parts.iter().filter(|part| part.refused.is_none());
    published
        .map(|part| {
            let id = entry.network_id;
            let mut item = json!({"status": "success", "platform": part.platform});
            if has(Trap::PendingIds) {
                put(&mut item, "id", "pending");
            } else if has(Trap::NumericIds) {
                put(&mut item, "id", id);
            } else {
                put(&mut item, "id", id.to_string());
            }
            if !has(Trap::NoPostUrl) {
                let host = &part.platform;
                put(&mut item, "postUrl", format!("https://{host}.com/sandbox/status/{id}"));
            }
            if has(Trap::Warnings) {
                put(&mut item, "warnings", json!([{"code": 518, "message": "a warning"}]));
            }
            item
        })
        .collect()
}

/// The `errors[]` of what was refused, as history tells it.
pub(super) fn errors(entry: &Entry) -> Vec<Value> {
    let refused = entry.draft.parts.iter();
    refused
        .filter_map(|part| {
            let refused = part.refused.as_ref()?;
            let mut item = json!({
                "action": "post",
                "status": "error",
                "message": refused.message,
                "platform": part.platform,
            });
            if let Some(code) = refused.code {
                put(&mut item, "code", code);
            }
            Some(item)
        })
        .collect()
}

/// The reference that Ayrshare gives to a profile, made from its name.
pub(super) fn ref_id(entry: &Entry) -> String {
    let name = &entry.draft.profile;
    name.bytes().fold("5b".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

pub(super) fn first_text(entry: &Entry) -> &str {
    entry.draft.parts.first().map_or("", |part| part.text.as_str())
}

fn text_on<'a>(entry: &'a Entry, platform: &str) -> &'a str {
    let mut parts = entry.draft.parts.iter();
    let part = parts.find(|part| part.platform == platform);
    part.map_or("", |part| part.text.as_str())
}
