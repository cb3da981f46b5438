//! What an answer to `DELETE /post` means (contract, section 8.5).
//!
//! Promises: a post counts as deleted only where the answer says so; what can't be read is unknown,
//! and asking again then does no harm. Must not: decide whether to ask again.

use serde_json::Value;

use super::outcome::Reply;
use super::outcome::value::one_line;

/// Ayrshare's code for a post that was deleted already.
const ALREADY: i64 = 383;
/// Ayrshare's code for a post that it doesn't know: it may be gone, or the profile key may be another.
const NOT_FOUND: i64 = 114;

/// What came of a request to delete a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deletion {
    /// It is gone.
    Deleted,
    /// It is still there, and why.
    Refused(String),
    /// No byte left, and why.
    Unsent(String),
    /// Nobody can tell, and why.
    Unknown(String),
}

impl Deletion {
    /// What an answer means.
    pub fn of(reply: &Reply) -> Self {
        let (status, body) = match reply {
            Reply::Answered { status, body, .. } => (*status, body),
            Reply::NotSent { why } => return Self::Unsent(one_line(why)),
            Reply::Lost { why } => return Self::Unknown(one_line(why)),
        };
        let Ok(value) = serde_json::from_str::<Value>(body) else {
            return Self::Unknown(format!("HTTP {status} with a body that is no JSON"));
        };
        let mut said = Said::default();
        said.read(&value, 0);
        let message = said.message.as_deref().map_or_else(
            || format!("HTTP {status} without a reason"),
            |message| one_line(&format!("HTTP {status}: {message}")),
        );
        if said.codes.contains(&ALREADY) {
            return Self::Deleted;
        }
        if said.codes.contains(&NOT_FOUND) {
            return Self::Unknown(message);
        }
        match status {
            200..=299 if said.success && !said.error => Self::Deleted,
            200..=299 if said.error => Self::Refused(message),
            400..=499 => Self::Refused(message),
            _ => Self::Unknown(message),
        }
    }

    /// The word in the database and in listings.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Refused(_) => "refused",
            Self::Unsent(_) => "unsent",
            Self::Unknown(_) => "unknown",
        }
    }

    /// Why it is not deleted; empty where it is.
    pub fn message(&self) -> &str {
        match self {
            Self::Deleted => "",
            Self::Refused(why) | Self::Unsent(why) | Self::Unknown(why) => why,
        }
    }
}

/// How deep an answer is read: networks, lists of posts, their errors.
const DEPTH_MAX: usize = 4;

/// What an answer says anywhere in it.
#[derive(Debug, Default)]
struct Said {
    success: bool,
    error: bool,
    codes: Vec<i64>,
    message: Option<String>,
}

impl Said {
    fn read(&mut self, value: &Value, depth: usize) {
        let children: Vec<&Value> = match value {
            Value::Object(fields) => {
                match fields.get("status").and_then(Value::as_str) {
                    Some("success") => self.success = true,
                    Some("error") => self.error = true,
                    Some(_) | None => {}
                }
                self.codes.extend(fields.get("code").and_then(Value::as_i64));
                let message = fields.get("message").and_then(Value::as_str);
                self.message = self.message.take().or_else(|| message.map(str::to_owned));
                fields.values().collect()
            }
            Value::Array(list) => list.iter().collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return,
        };
        if depth < DEPTH_MAX {
            for child in children {
                self.read(child, depth + 1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_says_so_is_deleted() {
        let table = [
            (
                200,
                r#"{"twitter":{"action":"delete","status":"success","id":"12"},"status":"success"}"#,
                "deleted",
            ),
            (200, r#"{"status":"success","id":"a","code":200}"#, "deleted"),
            (200, r#"{"twitter":{"status":"error","message":"no"},"status":"success"}"#, "refused"),
            (200, r#"{"status":"error","code":382,"message":"Delete refused"}"#, "refused"),
            (
                400,
                r#"{"action":"delete","status":"error","code":383,"message":"already"}"#,
                "deleted",
            ),
            (
                404,
                r#"{"action":"delete","status":"error","code":114,"message":"Post ID not found."}"#,
                "unknown",
            ),
            (419, r#"{"status":"error","message":"headers"}"#, "refused"),
            (429, "{}", "refused"),
            (200, "{}", "unknown"),
            (200, r#"{"status":"odd"}"#, "unknown"),
            (200, "<html>", "unknown"),
            (400, "<html>", "unknown"),
            (500, r#"{"status":"error"}"#, "unknown"),
            (302, r#"{"status":"success"}"#, "unknown"),
        ];
        for (status, body, word) in table {
            let reply = Reply::Answered { status, retry_after: None, body: body.to_owned() };
            assert_eq!(Deletion::of(&reply).word(), word, "{status} {body}");
        }
        let lost = Deletion::of(&Reply::Lost { why: "reset".into() });
        assert_eq!(lost, Deletion::Unknown("reset".into()));
        let unsent = Deletion::of(&Reply::NotSent { why: "refused".into() });
        assert_eq!(unsent.word(), "unsent");
    }
}
