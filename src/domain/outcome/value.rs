//! Values of JSON as Ayrshare writes them: words, numbers as text, ids, lists of one.
//!
//! Promises: every value is read as something; text for a person comes out on one line. Must not:
//! know where in an answer a value lies.

use serde_json::Value;

use crate::domain::breaker::X;

/// The longest message kept, in characters.
const MESSAGE_CHARS_MAX: usize = 500;

/// What a body is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::domain) enum Shape {
    /// A JSON object: the only shape that an answer of Ayrshare has.
    Object,
    /// JSON of another kind.
    OtherJson,
    /// It begins like JSON and can't be read to its end.
    BrokenJson,
    /// Markup, with its title if it has one.
    Html(Option<String>),
    /// Something else.
    Text(String),
    /// Nothing.
    #[default]
    Empty,
}

/// What a `status` says.
pub(in crate::domain) enum Word {
    Success,
    Error,
    Other(String),
    Nothing,
}

/// A list's entries, or the one thing that lies where a list could.
pub(in crate::domain) fn entries(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::Array(list)) => list,
        Some(Value::Null) | None => &[],
        Some(one @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_))) => {
            std::slice::from_ref(one)
        }
    }
}

/// Whether two names mean the same platform; X goes by two.
pub(in crate::domain) fn same_platform(name: &str, platform: &str) -> bool {
    let plain = |name: &str| match name.trim().to_ascii_lowercase() {
        name if name == "x" => X.to_owned(),
        name => name,
    };
    plain(name) == plain(platform)
}

/// A flag, also one written as text.
pub(in crate::domain) fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => *flag,
        Value::String(text) => text.eq_ignore_ascii_case("true"),
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

/// Reads a `status`.
pub(in crate::domain) fn word(status: Option<&Value>) -> Word {
    match status {
        Some(Value::String(said)) => match said.trim().to_ascii_lowercase() {
            said if said == "success" => Word::Success,
            said if matches!(said.as_str(), "error" | "failed" | "failure") => Word::Error,
            said if said.is_empty() => Word::Nothing,
            said => match said.parse::<i64>() {
                Ok(status) => number_word(status),
                Err(_) => Word::Other(one_line(&said)),
            },
        },
        Some(Value::Number(said)) => said.as_i64().map_or(Word::Nothing, number_word),
        Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => {
            Word::Nothing
        }
    }
}

fn number_word(status: i64) -> Word {
    if status >= 400 { Word::Error } else { Word::Nothing }
}

/// A whole number, also one written as text.
pub(in crate::domain) fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| {
            let text = number.to_string();
            text.strip_suffix(".0")?.parse().ok()
        }),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// An id as text; the word `pending` stands for an id that does not exist yet.
pub(in crate::domain) fn id_text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => one_line(text),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    (!text.is_empty() && !text.eq_ignore_ascii_case("pending")).then_some(text)
}

/// What a body that is no JSON is.
pub(in crate::domain) fn shape(body: &str) -> Shape {
    let body = body.trim_start_matches('\u{feff}').trim();
    if body.is_empty() {
        Shape::Empty
    } else if body.starts_with('<') {
        let title = body
            .split_once("<title>")
            .and_then(|(_, rest)| rest.split_once('<'))
            .map(|(title, _)| one_line(title))
            .filter(|title| !title.is_empty());
        Shape::Html(title)
    } else if body.starts_with(['{', '[', '"']) {
        Shape::BrokenJson
    } else {
        Shape::Text(one_line(body))
    }
}

impl Shape {
    /// What arrived, for a person, where no message came with it.
    pub(in crate::domain) fn describe(&self, status: u16) -> String {
        let line = match self {
            Self::Object => format!("HTTP {status} without a message"),
            Self::OtherJson => format!("HTTP {status} with JSON that is no answer of Ayrshare"),
            Self::BrokenJson => format!("HTTP {status} with broken JSON"),
            Self::Html(None) => format!("HTTP {status} with an HTML page instead of JSON"),
            Self::Html(Some(title)) => {
                format!("HTTP {status} with an HTML page instead of JSON: {title}")
            }
            Self::Text(text) => format!("HTTP {status} with text instead of JSON: {text}"),
            Self::Empty => format!("HTTP {status} with an empty body"),
        };
        one_line(&line)
    }
}

/// Text for a person on one line: white space becomes single blanks, control characters and those
/// that reorder text are gone, and it ends after [`MESSAGE_CHARS_MAX`] characters.
pub(in crate::domain) fn one_line(text: &str) -> String {
    let mut line = String::new();
    let mut chars = 0;
    let mut gap = false;
    for char in text.chars() {
        if char.is_whitespace() || char.is_control() {
            gap = chars > 0;
            continue;
        }
        if matches!(char, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
        {
            continue;
        }
        if chars + 2 >= MESSAGE_CHARS_MAX {
            line.push('…');
            break;
        }
        if gap {
            line.push(' ');
            chars += 1;
            gap = false;
        }
        line.push(char);
        chars += 1;
    }
    line
}
