//! What a look-up at Ayrshare shows: `GET /history` for one post, `GET /user` for one profile.
//!
//! Promises: "absent" is said only where a whole, well-formed list proves it; anything that can't
//! be read is [`Found::NoAnswer`] or [`UserAnswer::NoAnswer`]. Must not: conclude from silence that
//! a post may be sent again.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use super::breaker::{Cause, Lane};
use super::outcome::answer::Answer;
use super::outcome::meaning::{Meaning, meaning};
use super::outcome::value::{Shape, number, one_line, same_platform};
use super::outcome::{Receipt, Refusal, Reply};
use super::post::Found;

/// How many items one page of the history holds at most: more would be cached for a minute
/// (contract, section 4.3).
pub const HISTORY_PAGE: usize = 25;
/// Ayrshare's code for an empty history, given as an error.
const NO_HISTORY: i64 = 221;
/// How far our clock and Ayrshare's may differ before a full page proves too much.
const CLOCKS_APART_MAX: TimeDelta = TimeDelta::minutes(5);

/// What `GET /history` shows of the post whose `notes` are `reference`; `sent_at` is when its first
/// request under this key left. The reference must be one of a single generation.
///
/// `limit` is how many items were asked for. A match counts wherever it is read. Absence counts only if the list is whole: shorter than a
/// page, or reaching back beyond `sent_at`.
pub fn in_history(
    reply: &Reply,
    reference: &str,
    page: (&str, usize),
    sent_at: DateTime<Utc>,
) -> Found {
    if reference.trim().is_empty() && matches!(reply, Reply::Answered { .. }) {
        return Found::NoAnswer("the post has no reference to look for".into());
    }
    search(reply, &|notes| notes.trim() == reference.trim(), page, sent_at)
}

/// Like [`in_history`], for a post that may have got further than we know: under its generation or
/// any later one.
pub fn in_history_from(
    reply: &Reply,
    (uuid, generation): (&str, u32),
    page: (&str, usize),
    sent_at: DateTime<Utc>,
) -> Found {
    let prefix = format!("tidings:{uuid}:");
    let is_it = |notes: &str| {
        let number = notes.trim().strip_prefix(&prefix).and_then(|it| it.parse::<u32>().ok());
        number.is_some_and(|number| number >= generation)
    };
    search(reply, &is_it, page, sent_at)
}

fn search(
    reply: &Reply,
    is_it: &dyn Fn(&str) -> bool,
    (platform, limit): (&str, usize),
    sent_at: DateTime<Utc>,
) -> Found {
    let (status, body) = match reply {
        Reply::Answered { status, body, .. } => (*status, body),
        Reply::NotSent { why } | Reply::Lost { why } => return Found::NoAnswer(one_line(why)),
    };
    let value = serde_json::from_str::<Value>(body).unwrap_or(Value::Null);
    let answer = Answer::read(body, platform);
    if says_empty(status, &value, &answer) {
        return Found::Absent;
    }
    let list = match (&value, value.get("history")) {
        (Value::Array(list), _) | (_, Some(Value::Array(list))) if is_good(status) => list,
        _ => return Found::NoAnswer(no_list(status, &value, &answer)),
    };
    let matches = list
        .iter()
        .filter_map(Value::as_object)
        .filter(|item| {
            let notes = item.get("notes").and_then(Value::as_str);
            notes.is_some_and(is_it)
        })
        .map(|item| found(item, platform));
    if let Some(best) = matches.min_by_key(rank) {
        return best;
    }
    if (value.is_object() && answer.said_error) || !list.iter().all(Value::is_object) {
        return Found::NoAnswer(no_list(status, &value, &answer));
    }
    let told = value.get("count").and_then(number).and_then(|count| usize::try_from(count).ok());
    let full = list.len() >= limit || told.is_some_and(|told| told > list.len());
    let reaches_back = list
        .iter()
        .filter_map(|item| instant(item.get("created")?))
        .any(|created| created <= sent_at - CLOCKS_APART_MAX);
    if full && !reaches_back {
        return Found::NoAnswer(format!(
            "the history shows only the newest {} posts, all younger than this one",
            list.len()
        ));
    }
    Found::Absent
}

/// Whether a look-up for `limit` items found nothing because older ones were cut off.
pub fn is_cut_off(reply: &Reply, limit: usize, found: &Found) -> bool {
    let Reply::Answered { body, .. } = reply else { return false };
    let value = serde_json::from_str::<Value>(body).unwrap_or(Value::Null);
    let list = value.get("history").unwrap_or(&value).as_array();
    matches!(found, Found::NoAnswer(_)) && list.is_some_and(|list| list.len() >= limit)
}

const fn is_good(status: u16) -> bool {
    status >= 200 && status < 300
}

/// An empty history comes as an error: HTTP 400 with code 221 under `history` (contract, section
/// 5.1), and plausibly where other errors lie.
fn says_empty(status: u16, value: &Value, answer: &Answer) -> bool {
    let nested = value.get("history").and_then(|history| history.get("code"));
    let told = answer.complaints.iter().map(|complaint| complaint.code);
    let mut codes = told.chain(nested.map(number)).peekable();
    (is_good(status) || matches!(status, 400 | 404))
        && codes.peek().is_some()
        && codes.all(|code| code == Some(NO_HISTORY))
}

/// Why there is no list that proves anything.
fn no_list(status: u16, value: &Value, answer: &Answer) -> String {
    let nested = value.get("history").and_then(|history| history.get("message"));
    let told = answer.complaints.iter().map(|one| one.message.as_str());
    let message =
        nested.and_then(Value::as_str).into_iter().chain(told).find(|message| !message.is_empty());
    match message {
        Some(message) => one_line(&format!("HTTP {status}: {message}")),
        None if answer.shape == Shape::Object && is_good(status) => {
            format!("HTTP {status} without a whole list of posts")
        }
        None => answer.shape.describe(status),
    }
}

/// What one item with our reference says.
fn found(item: &Map<String, Value>, platform: &str) -> Found {
    let answer = Answer::of_item(item, platform);
    let refused = !answer.complaints.is_empty();
    let said = item
        .get("status")
        .and_then(Value::as_str)
        .map(|status| status.trim().to_lowercase())
        .unwrap_or_default();
    match said.as_str() {
        "success" if refused && answer.published.is_none() => Found::NoAnswer(
            "the history lists the post as published, with an error of the network".into(),
        ),
        // A deleted post was out; a person took it down.
        "success" | "deleted" => Found::Published(answer.receipt()),
        "pending" | "processing" | "awaiting approval" | "scheduled" | "paused" => Found::Pending,
        _ if answer.published.is_some() => Found::Published(answer.receipt()),
        "error" => failed(&answer, platform),
        other => Found::NoAnswer(one_line(&format!(
            "the history lists the post with the status \"{other}\""
        ))),
    }
}

/// An item of status error, unless its errors leave open what happened: a duplicate may be the
/// duplicate of our own earlier request, and only a person can tell.
fn failed(answer: &Answer, platform: &str) -> Found {
    let lane = Lane::new("", platform);
    for complaint in &answer.complaints {
        let doubt = match meaning(complaint, 400, &lane) {
            Meaning::KeyUsed | Meaning::Duplicate => "it may be a duplicate of itself",
            Meaning::Uncertain => "the network may have it all the same",
            Meaning::Stop(_)
            | Meaning::Retry
            | Meaning::DeadText
            | Meaning::Dead
            | Meaning::BadMedia
            | Meaning::Unfamiliar => continue,
        };
        return Found::NoAnswer(one_line(&format!(
            "the history lists the post as failed, but {doubt}: {}",
            complaint.message
        )));
    }
    match answer.complaints.first() {
        Some(complaint) => {
            Found::Failed(Refusal::of(complaint, None, "the history lists the post as failed"))
        }
        None if answer.elsewhere => {
            Found::NoAnswer("the history tells of other networks only".into())
        }
        None => Found::Failed(Refusal {
            message: "the history lists the post as failed, without a reason".into(),
            ..Refusal::default()
        }),
    }
}

/// Of several items with one reference the best news counts, and doubt before bad news.
fn rank(found: &Found) -> u8 {
    match found {
        Found::Published(Receipt { network_id: Some(_), .. }) => 0,
        Found::Published(_) => 1,
        Found::Pending => 2,
        Found::NoAnswer(_) => 3,
        Found::Failed(_) => 4,
        Found::Absent => 5,
    }
}

/// A point in time as Ayrshare writes it: text, or an object with `utc` or `_seconds`.
fn instant(value: &Value) -> Option<DateTime<Utc>> {
    match value {
        Value::String(text) => {
            let text = text.trim();
            DateTime::parse_from_rfc3339(text)
                .or_else(|_| DateTime::parse_from_rfc2822(text))
                .map(|at| at.to_utc())
                .ok()
                .or_else(|| {
                    let naive = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")
                        .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f"));
                    Some(naive.ok()?.and_utc())
                })
        }
        Value::Object(map) => map.get("utc").and_then(instant).or_else(|| {
            let seconds = map.get("_seconds").or_else(|| map.get("seconds"))?;
            DateTime::from_timestamp(number(seconds)?, 0)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    }
}

/// What `GET /user` says about a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserAnswer {
    /// Ayrshare refuses the API key or the profile key.
    KeyRefused(Refusal),
    /// Ayrshare suspended the profile.
    Suspended(Refusal),
    /// The keys are good and the platform is linked.
    Linked {
        /// The account's name on the network, if it was told.
        username: Option<String>,
    },
    /// The keys are good and the platform is not linked.
    NotLinked,
    /// Nothing can be concluded; why not.
    NoAnswer(String),
}

impl UserAnswer {
    /// Whether it shows that a stop with this cause is over.
    pub const fn ends(&self, cause: Cause) -> bool {
        match self {
            Self::Linked { .. } => {
                matches!(
                    cause,
                    Cause::ApiKey | Cause::Address | Cause::Suspended | Cause::NotLinked
                )
            }
            Self::NotLinked => matches!(cause, Cause::ApiKey | Cause::Address | Cause::Suspended),
            Self::Suspended(_) => matches!(cause, Cause::ApiKey | Cause::Address),
            Self::KeyRefused(_) => matches!(cause, Cause::Address),
            Self::NoAnswer(_) => false,
        }
    }
}

/// What an answer of `GET /user` says about one platform of the profile.
pub fn about_user(reply: &Reply, platform: &str) -> UserAnswer {
    let (status, body) = match reply {
        Reply::Answered { status, body, .. } => (*status, body),
        Reply::NotSent { why } | Reply::Lost { why } => return UserAnswer::NoAnswer(one_line(why)),
    };
    let answer = Answer::read(body, platform);
    if matches!(status, 200..=499) && (answer.said_error || !is_good(status)) {
        return user_refused(&answer, status, platform);
    }
    let value = serde_json::from_str::<Value>(body).unwrap_or(Value::Null);
    match value.as_object() {
        Some(user) if is_good(status) => user_linked(user, platform),
        Some(_) | None => UserAnswer::NoAnswer(answer.shape.describe(status)),
    }
}

fn user_refused(answer: &Answer, status: u16, platform: &str) -> UserAnswer {
    let lane = Lane::new("", platform);
    let ours = answer.shape.describe(status);
    let nameless = super::outcome::answer::Complaint::default();
    let complaints = if answer.complaints.is_empty() {
        std::slice::from_ref(&nameless)
    } else {
        answer.complaints.as_slice()
    };
    let means = |cause| {
        complaints
            .iter()
            .find(|complaint| meaning(complaint, status, &lane) == Meaning::Stop(cause))
            .map(|complaint| Refusal::of(complaint, Some(status), &ours))
    };
    if let Some(refusal) = means(Cause::ApiKey) {
        return UserAnswer::KeyRefused(refusal);
    }
    if let Some(refusal) = means(Cause::Suspended) {
        return UserAnswer::Suspended(refusal);
    }
    let said = complaints.iter().find(|one| !one.message.is_empty());
    UserAnswer::NoAnswer(
        said.map_or(ours, |one| one_line(&format!("HTTP {status}: {}", one.message))),
    )
}

fn user_linked(user: &Map<String, Value>, platform: &str) -> UserAnswer {
    let names = user.get("displayNames").and_then(Value::as_array);
    let name = names.into_iter().flatten().find(|name| {
        let of = name.get("platform").and_then(Value::as_str);
        of.is_some_and(|of| same_platform(of, platform))
    });
    let linked = match user.get("activeSocialAccounts") {
        Some(Value::Array(accounts)) => accounts
            .iter()
            .filter_map(Value::as_str)
            .any(|account| same_platform(account, platform)),
        // The list is left out altogether when nothing is linked (contract, section 8.1).
        None | Some(Value::Null) => {
            let known = ["refId", "email", "title", "created", "displayNames"];
            if !known.iter().any(|key| user.contains_key(*key)) {
                return UserAnswer::NoAnswer("the answer does not describe a user".into());
            }
            name.is_some()
        }
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            return UserAnswer::NoAnswer("the list of linked networks can't be read".into());
        }
    };
    if !linked {
        return UserAnswer::NotLinked;
    }
    let username = name
        .and_then(|name| {
            let own = name.get("username").and_then(Value::as_str);
            own.or_else(|| name.get("displayName")?.as_str())
        })
        .map(one_line)
        .filter(|name| !name.is_empty());
    UserAnswer::Linked { username }
}

#[cfg(test)]
mod tests;
