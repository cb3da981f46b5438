//! `GET /history`, `GET /history/{id}` and `GET /post/{id}`: what the client may see of the books.
//!
//! Promises: the history shows a post only after the lag, an empty one is code 221 in a 400, and
//! results of more than 25 are up to a minute old. Must not: show another profile's posts.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, RawQuery, State as Shared};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use super::books::Entry;
use super::faults::{self, Asked, Fault, Target};
use super::gate::Caller;
use super::line::{Break, Line};
use super::settings::{Settings, Trap};
use super::wire::{Answer, Refusal, errors, first_text, post_ids, put, ref_id};
use super::{Inner, State};

/// The number of results without a `limit`; more are cached.
const LIMIT_DEFAULT: usize = 25;
/// The largest `limit`.
const LIMIT_MAX: usize = 1000;
/// How long results of more than [`LIMIT_DEFAULT`] are kept.
const CACHED_FOR: TimeDelta = TimeDelta::minutes(1);
/// Cached answers; when there are more, all are dropped.
const CACHED_MAX: usize = 100;

/// The states that can be asked for.
const STATUSES: [&str; 7] =
    ["awaiting approval", "deleted", "error", "paused", "pending", "processing", "success"];

/// What a client asks of the history.
#[derive(Debug, Clone)]
struct Query {
    limit: usize,
    platforms: Vec<String>,
    last_days: i64,
    start: Option<DateTime<Utc>>,
    end: Option<DateTime<Utc>>,
    status: Option<String>,
    scheduled: bool,
}

fn bad(what: &str) -> Refusal {
    Refusal::gate(400, "history", &format!("The {what} parameter is not valid."))
}

fn date(value: &str, what: &str) -> Result<Option<DateTime<Utc>>, Refusal> {
    let date = DateTime::parse_from_rfc3339(value).map_err(|_bad| bad(what))?;
    Ok(Some(date.to_utc()))
}

impl Query {
    /// Reads a query; `platforms` may be indexed, repeated, or parted by commas.
    fn parse(raw: &str) -> Result<Self, Refusal> {
        let mut query = Self {
            limit: LIMIT_DEFAULT,
            platforms: Vec::new(),
            last_days: 30,
            start: None,
            end: None,
            status: None,
            scheduled: false,
        };
        for (name, value) in url::form_urlencoded::parse(raw.as_bytes()) {
            match name.split('[').next().unwrap_or_default() {
                "limit" => {
                    let limit = value.parse().ok().filter(|n| (1..=LIMIT_MAX).contains(n));
                    query.limit = limit.ok_or_else(|| bad("limit"))?;
                }
                "platforms" => {
                    let names = value.split(',').map(str::trim).filter(|name| !name.is_empty());
                    query.platforms.extend(names.map(str::to_owned));
                }
                "lastDays" => {
                    let days = value.parse().ok().filter(|days| (0..=36_500).contains(days));
                    query.last_days = days.ok_or_else(|| bad("lastDays"))?;
                }
                "startDate" => query.start = date(&value, "startDate")?,
                "endDate" => query.end = date(&value, "endDate")?,
                "status" if STATUSES.contains(&&*value) => query.status = Some(value.into_owned()),
                "status" => return Err(bad("status")),
                "type" => match &*value {
                    "immediate" | "now" => {}
                    "scheduled" => query.scheduled = true,
                    _ => return Err(bad("type")),
                },
                _ => {}
            }
        }
        Ok(query)
    }

    /// The earliest instant that is asked for.
    fn since(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let both = self.start.is_some() && self.end.is_some();
        if both || self.last_days == 0 {
            return self.start;
        }
        let days = now - TimeDelta::days(self.last_days);
        Some(std::cmp::max(days, self.start.unwrap_or(days)))
    }

    fn asks_for(&self, entry: &Entry, status: &str, now: DateTime<Utc>) -> bool {
        let wanted: HashSet<&str> = self.platforms.iter().map(String::as_str).collect();
        let on = wanted.is_empty() || entry.platforms().any(|platform| wanted.contains(platform));
        let state = match &self.status {
            Some(wanted) => wanted == status,
            None => status != "deleted",
        };
        on && state
            && !self.scheduled
            && self.since(now).is_none_or(|since| entry.at >= since)
            && self.end.is_none_or(|end| entry.at <= end)
    }
}

/// `GET /history`.
pub(super) async fn list(
    Shared(inner): Shared<Arc<Inner>>,
    Extension(caller): Extension<Caller>,
    Extension(line): Extension<Line>,
    RawQuery(raw): RawQuery,
) -> Response {
    let raw = raw.unwrap_or_default();
    let query = match Query::parse(&raw) {
        Ok(query) => query,
        Err(refusal) => return refusal.answer(false, None).into_response(),
    };
    match look_up(&inner, &caller, &query, &raw) {
        Some(answer) => answer.into_response(),
        None => line.cut(Break::Close).await,
    }
}

/// The answer, or `None` if the line is to be broken.
fn look_up(inner: &Inner, caller: &Caller, query: &Query, raw: &str) -> Option<Answer> {
    let now = inner.options.clock.now();
    let mut guard = inner.state();
    let state = &mut *guard;
    let asked =
        Asked { target: Target::History, platforms: &query.platforms, profile: &caller.profile };
    let rule = faults::take(&mut state.rules, asked);
    state.books.amend(caller.request, |seen| {
        seen.platforms.clone_from(&query.platforms);
        seen.fault = rule.as_ref().map(|rule| rule.fault.name());
    });
    let mut view = View {
        lag: TimeDelta::seconds(i64::from(state.settings.history_lag_seconds)),
        status: None,
    };
    match rule.as_ref().map(|rule| (rule.fault, rule.seconds)) {
        Some((Fault::HistoryLost, _)) => return None,
        Some((Fault::HistoryServerError, _)) => {
            return Some(Answer::html(500, "Internal Server Error"));
        }
        Some((Fault::HistoryEmpty, _)) => return Some(empty()),
        Some((Fault::HistoryError, _)) => view.status = Some("error"),
        Some((Fault::HistoryPending, _)) => view.status = Some("processing"),
        Some((Fault::HistoryLag, seconds)) => view.lag = TimeDelta::seconds(i64::from(seconds)),
        Some(_) | None => {}
    }
    if query.limit <= LIMIT_DEFAULT || rule.is_some() {
        return Some(page(state, caller, query, &view, now));
    }
    let place = format!("{}?{raw}", caller.profile);
    if let Some((at, answer)) = state.cached.get(&place)
        && now - *at < CACHED_FOR
    {
        return Some(answer.clone());
    }
    let answer = page(state, caller, query, &view, now);
    if state.cached.len() >= CACHED_MAX {
        state.cached.clear();
    }
    state.cached.insert(place, (now, answer.clone()));
    Some(answer)
}

/// How the books are looked at.
struct View {
    lag: TimeDelta,
    /// The state that all posts seem to be in.
    status: Option<&'static str>,
}

fn status_of(entry: &Entry) -> &'static str {
    if entry.deleted {
        "deleted"
    } else if entry.is_refused() {
        "error"
    } else {
        "success"
    }
}

fn empty() -> Answer {
    Answer::json(
        400,
        &json!({"history": {"status": "error", "code": 221, "message": "No history found."}}),
    )
}

fn page(state: &State, caller: &Caller, query: &Query, view: &View, now: DateTime<Utc>) -> Answer {
    let visible = state.books.of_profile(&caller.profile);
    let items: Vec<Value> = visible
        .filter(|entry| entry.at + view.lag <= now)
        .map(|entry| (entry, view.status.unwrap_or_else(|| status_of(entry))))
        .filter(|(entry, status)| query.asks_for(entry, status, now))
        .take(query.limit)
        .map(|(entry, status)| item(entry, status, &state.settings))
        .collect();
    if items.is_empty() {
        return empty();
    }
    let mut body = json!({"count": items.len(), "history": items});
    if !state.settings.traps.contains(&Trap::SparseHistory) {
        put(&mut body, "lastUpdated", stamp(now));
        put(&mut body, "nextUpdate", stamp(now));
    }
    Answer::json(200, &body)
}

fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A post as the history shows it.
fn item(entry: &Entry, status: &str, settings: &Settings) -> Value {
    let platforms: Vec<&str> = entry.platforms().collect();
    let mut item = json!({
        "id": entry.id,
        "status": status,
        "platforms": platforms,
        "post": first_text(entry),
        "created": stamp(entry.at),
        "type": "now",
    });
    if let Some(notes) = &entry.draft.notes {
        put(&mut item, "notes", notes.as_str());
    }
    if settings.traps.contains(&Trap::SparseHistory) {
        return item;
    }
    let (ids, errors) = match status {
        "processing" => (Vec::new(), Vec::new()),
        // Told as an error although it was published: the network's own mistake.
        "error" if !entry.is_refused() => (
            Vec::new(),
            vec![
                json!({"action": "post", "status": "error", "code": 101, "message": "The social network could not process the post."}),
            ],
        ),
        _ => (post_ids(entry, settings), errors(entry)),
    };
    put(&mut item, "postIds", ids);
    put(&mut item, "errors", errors);
    put(&mut item, "refId", ref_id(entry));
    put(&mut item, "profileTitle", entry.draft.profile.as_str());
    put(&mut item, "mediaUrls", entry.draft.media_urls.clone());
    put(&mut item, "urls", json!([]));
    put(&mut item, "shortenLinks", false);
    let date = if settings.traps.contains(&Trap::DateObjects) {
        json!({"_seconds": entry.at.timestamp(), "_nanoseconds": 0, "utc": stamp(entry.at)})
    } else {
        json!(stamp(entry.at))
    };
    put(&mut item, "scheduleDate", date);
    item
}

/// 404: no post of this profile has the id.
pub(super) fn no_such_post(action: &'static str) -> Answer {
    let refusal = Refusal { code: Some(114), ..Refusal::gate(404, action, "Post ID not found.") };
    refusal.answer(false, None)
}

/// `GET /history/{id}` and `GET /post/{id}`, which show the same.
pub(super) async fn one(
    Shared(inner): Shared<Arc<Inner>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Answer {
    let state = inner.state();
    match state.books.find(&caller.profile, &id) {
        Some(entry) => Answer::json(200, &item(entry, status_of(entry), &state.settings)),
        None => no_such_post("get"),
    }
}
