//! Reading: the body of an answer → what it says, wherever it says it.
//!
//! Promises: every body gives one [`Answer`]; errors and successes are found at each place where
//! the contract (sections 2 and 5) has seen them, for one platform. Must not: judge; what a code
//! or a text means is `meaning`'s.

use serde_json::{Map, Value};

use super::Receipt;
use super::value::{
    Shape, Word, entries, id_text, is_true, number, one_line, same_platform, shape, word,
};

/// How deep errors may be nested in errors before they are no longer looked at.
const DEPTH_MAX: u8 = 6;
/// A `code` that says no more than that HTTP went well; 221, 272 and 288 are errors.
const HTTP_GOOD: [i64; 3] = [200, 201, 202];
/// The most errors that are read from one answer.
const COMPLAINTS_MAX: usize = 64;

/// What a body says about one platform.
#[derive(Debug, Default)]
pub(in crate::domain) struct Answer {
    /// What the body is.
    pub(in crate::domain) shape: Shape,
    /// The errors that concern the platform, or no platform in particular.
    pub(in crate::domain) complaints: Vec<Complaint>,
    /// Whether some `status` says error.
    pub(in crate::domain) said_error: bool,
    /// Whether some `status` says success.
    pub(in crate::domain) said_success: bool,
    /// A `status` that is neither: `pending`, `processing`, `scheduled`, …
    pub(in crate::domain) said_other: Option<String>,
    /// The platform's entry in `postIds`, if it is one of success.
    pub(in crate::domain) published: Option<Receipt>,
    /// Ayrshare's own id of the post; failed posts have one too.
    pub(in crate::domain) id: Option<String>,
    /// Whether there are errors or ids of other platforms.
    pub(in crate::domain) elsewhere: bool,
}

/// One error of an answer.
#[derive(Debug, Clone, Default)]
pub(in crate::domain) struct Complaint {
    /// Its code, if it is a number or written like one.
    pub(in crate::domain) code: Option<i64>,
    /// Its message on one line; empty if it has none.
    pub(in crate::domain) message: String,
    /// All its words in lower case, for matching; never the text of the post.
    pub(in crate::domain) words: String,
    /// Whether it names the platform.
    pub(in crate::domain) of_platform: bool,
    /// Whether Ayrshare says that the same content may be tried again.
    pub(in crate::domain) retry: bool,
    /// Whether it is an error for sure, and not just a message of an unknown kind.
    pub(in crate::domain) explicit: bool,
}

/// Where an object lies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It tells of a whole request or post.
    Post,
    /// It is an error because of where it lies.
    Error,
}

/// Where reading has come to.
#[derive(Clone, Copy)]
struct At {
    place: Place,
    /// Whether an object further out says that the same may be tried again.
    retry: bool,
    depth: u8,
}

impl At {
    const TOP: Self = Self { place: Place::Post, retry: false, depth: 0 };

    fn inside(self, place: Place) -> Self {
        Self { place, depth: self.depth + 1, ..self }
    }
}

/// An answer that is being read for one platform.
struct Reader<'a> {
    platform: &'a str,
    answer: Answer,
}

impl Answer {
    /// Reads a body for one platform.
    pub(in crate::domain) fn read(body: &str, platform: &str) -> Self {
        let mut reader = Reader::new(platform, shape(body));
        match serde_json::from_str::<Value>(body.trim_start_matches('\u{feff}')) {
            Ok(Value::Object(map)) => {
                reader.answer.shape = Shape::Object;
                reader.object(&map, At::TOP);
            }
            Ok(list @ Value::Array(_)) => {
                reader.answer.shape = Shape::OtherJson;
                reader.errors(&list, At::TOP);
            }
            Ok(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
                reader.answer.shape = Shape::OtherJson;
            }
            Err(_) => {}
        }
        reader.answer
    }

    /// Reads an item of the history.
    pub(in crate::domain) fn of_item(item: &Map<String, Value>, platform: &str) -> Self {
        let mut reader = Reader::new(platform, Shape::Object);
        reader.object(item, At::TOP);
        reader.answer
    }

    /// The receipt of a success: the network's part, with Ayrshare's id.
    pub(in crate::domain) fn receipt(&self) -> Receipt {
        Receipt { ayrshare_id: self.id.clone(), ..self.published.clone().unwrap_or_default() }
    }
}

impl<'a> Reader<'a> {
    fn new(platform: &'a str, shape: Shape) -> Self {
        Self { platform, answer: Answer { shape, ..Answer::default() } }
    }

    fn object(&mut self, map: &Map<String, Value>, at: At) {
        if at.depth > DEPTH_MAX {
            return;
        }
        let at = At { retry: at.retry || map.get("retryAvailable").is_some_and(is_true), ..at };
        if self.is_ours(map) == Some(false) {
            self.answer.elsewhere = true;
            return;
        }
        if at.place == Place::Post {
            self.note_status(map);
        }
        for key in ["errors", "error", "details"] {
            match map.get(key) {
                Some(Value::Object(empty)) if empty.is_empty() => {}
                // Beside a success they tell of the success.
                Some(_) if key == "details" && said_success(map) => {}
                Some(list @ (Value::Array(_) | Value::Object(_))) => {
                    self.errors(list, at.inside(Place::Error));
                }
                // A text beside "errors" is read with the object that it lies in.
                Some(text @ Value::String(_)) if key == "errors" => {
                    self.errors(text, at.inside(Place::Error));
                }
                Some(Value::Bool(true)) => self.answer.said_error = true,
                Some(Value::Bool(false) | Value::Null | Value::Number(_) | Value::String(_))
                | None => {}
            }
        }
        for post in entries(map.get("posts")) {
            if let Value::Object(post) = post {
                self.object(post, at.inside(Place::Post));
            } else {
                self.errors(post, at.inside(Place::Error));
            }
        }
        self.post_ids(map.get("postIds"), at);
        self.own_complaint(map, at);
    }

    fn note_status(&mut self, map: &Map<String, Value>) {
        match word(map.get("status")) {
            Word::Success => self.answer.said_success = true,
            Word::Error => self.answer.said_error = true,
            Word::Other(said) => self.answer.said_other = Some(said),
            Word::Nothing => {}
        }
        if self.answer.id.is_none() {
            self.answer.id = map.get("id").and_then(id_text);
        }
    }

    /// Reads what lies where errors lie: objects, texts, or lists of them.
    fn errors(&mut self, value: &Value, at: At) {
        if at.depth > DEPTH_MAX {
            return;
        }
        match value {
            Value::Array(list) => {
                for item in list {
                    self.errors(item, at.inside(Place::Error));
                }
            }
            Value::Object(map) => self.object(map, at.inside(Place::Error)),
            Value::String(text) if !text.trim().is_empty() => self.complain(Complaint {
                message: one_line(text),
                words: text.to_lowercase(),
                retry: at.retry,
                explicit: true,
                ..Complaint::default()
            }),
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn post_ids(&mut self, value: Option<&Value>, at: At) {
        // Seen nowhere, yet plausible: `{"twitter": {...}}` or `{"twitter": "1"}`.
        if let Some(Value::Object(map)) = value
            && !map.contains_key("id")
            && !map.contains_key("status")
        {
            for (name, entry) in map {
                if same_platform(name, self.platform) {
                    self.post_id(entry, at);
                } else {
                    self.answer.elsewhere = true;
                }
            }
            return;
        }
        for entry in entries(value) {
            self.post_id(entry, at);
        }
    }

    fn post_id(&mut self, entry: &Value, at: At) {
        let Value::Object(map) = entry else {
            if let Some(id) = id_text(entry) {
                self.publish(Some(id), None);
            }
            return;
        };
        if self.is_ours(map) == Some(false) {
            self.answer.elsewhere = true;
            return;
        }
        let id = map.get("id").and_then(id_text);
        let url = map.get("postUrl").and_then(id_text);
        match word(map.get("status")) {
            Word::Success => self.publish(id, url),
            Word::Error => self.object(map, at.inside(Place::Error)),
            Word::Other(said) => self.answer.said_other = Some(said),
            Word::Nothing => {
                if id.is_some() {
                    self.publish(id, url);
                }
            }
        }
    }

    fn publish(&mut self, network_id: Option<String>, url: Option<String>) {
        if self.answer.published.is_none() {
            self.answer.published = Some(Receipt { ayrshare_id: None, network_id, url });
        }
    }

    /// The object itself as an error, beside those that lie in it.
    fn own_complaint(&mut self, map: &Map<String, Value>, at: At) {
        let status = word(map.get("status"));
        let texts = texts_under(map, &["message", "error", "detail", "details", "reason", "title"]);
        let message = texts.first().map(|text| one_line(text)).unwrap_or_default();
        // X's own errors carry their HTTP status as `status`.
        let native = map.get("status").and_then(number).filter(|n| *n >= 400);
        let code =
            map.get("code").and_then(number).filter(|code| !HTTP_GOOD.contains(code)).or(native);
        let names = texts_under(map, &["action", "code"]);
        // The action of every post is "post".
        let speaks =
            code.is_some() || !message.is_empty() || names.iter().any(|name| *name != "post");
        let is_one = match (at.place, &status) {
            (Place::Error, _) | (Place::Post, Word::Error | Word::Nothing) => speaks,
            (Place::Post, Word::Success | Word::Other(_)) => false,
        };
        if !is_one {
            // An error without a word is one all the same, unless it only wraps others.
            self.answer.said_error |= at.place == Place::Error && self.answer.complaints.is_empty();
            return;
        }
        let words = [texts, names].concat().join(" ").to_lowercase();
        self.complain(Complaint {
            code,
            message,
            words,
            of_platform: self.is_ours(map) == Some(true),
            retry: at.retry,
            explicit: at.place == Place::Error
                || code.is_some()
                || map.get("error").is_some_and(Value::is_string)
                || matches!(status, Word::Error),
        });
    }

    fn complain(&mut self, complaint: Complaint) {
        if self.answer.complaints.len() < COMPLAINTS_MAX {
            self.answer.complaints.push(complaint);
        }
    }

    /// Whether an object is about the platform; `None` if it names no platform.
    fn is_ours(&self, map: &Map<String, Value>) -> Option<bool> {
        let name = map.get("platform")?.as_str()?.trim();
        (!name.is_empty()).then(|| same_platform(name, self.platform))
    }
}

fn said_success(map: &Map<String, Value>) -> bool {
    matches!(word(map.get("status")), Word::Success)
}

/// The texts under some keys, in this order, without the empty ones.
fn texts_under<'a>(map: &'a Map<String, Value>, keys: &[&str]) -> Vec<&'a str> {
    keys.iter()
        .filter_map(|key| map.get(*key)?.as_str())
        .filter(|text| !text.trim().is_empty())
        .collect()
}
