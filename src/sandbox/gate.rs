//! The door of `/api`: who calls, with which keys, and how often.
//!
//! Promises: every request is written into the books before anything else happens to it, with the
//! presence of its secrets and never their values. Must not: know what a request wants.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Request, State as Shared};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::books::Seen;
use super::wire::{Answer, Refusal};
use super::{Inner, Options, PRIMARY};

/// The header with the X app's key.
const X_KEY: &str = "x-twitter-oauth1-api-key";
/// The header with the X app's secret.
const X_SECRET: &str = "x-twitter-oauth1-api-secret";

/// The window of the rate limit (contract, section 6.1).
const RATE_WINDOW: TimeDelta = TimeDelta::minutes(5);
/// The window in which refusals by the rate limit are counted.
const SUSPEND_WINDOW: TimeDelta = TimeDelta::hours(24);
/// So many of them suspend the profile.
const SUSPEND_AFTER: u32 = 1000;

/// What the X headers of a request are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum XPair {
    Neither,
    OnlyKey,
    OnlySecret,
    Right,
    Wrong,
}

impl XPair {
    /// Why a request that targets X is refused at once; a wrong pair is refused by X only.
    pub(super) fn refusal(self) -> Option<Refusal> {
        let one = |has: &str, lacks: &str| {
            Refusal::gate(
                400,
                "post",
                &format!(
                    "You provided X-Twitter-OAuth1-{has} but not X-Twitter-OAuth1-{lacks}. Both headers are required."
                ),
            )
        };
        match self {
            Self::Neither => Some(Refusal::gate(
                419,
                "x_credentials_required",
                "X (Twitter) requires your own API credentials. Provide the X-Twitter-OAuth1-Api-Key and X-Twitter-OAuth1-Api-Secret headers.",
            )),
            Self::OnlyKey => Some(one("Api-Key", "Api-Secret")),
            Self::OnlySecret => Some(one("Api-Secret", "Api-Key")),
            Self::Right | Self::Wrong => None,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Neither | Self::OnlyKey | Self::OnlySecret => "incomplete",
            Self::Right => "right",
            Self::Wrong => "wrong",
        }
    }
}

/// Who calls.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// The profile's name in the books.
    pub(super) profile: String,
    /// Whether a `Profile-Key` came along, which wraps the answer in `posts[]`.
    pub(super) wrapped: bool,
    /// The networks linked with the profile.
    pub(super) linked: Vec<String>,
    /// The X headers.
    pub(super) x: XPair,
    /// The request's number in the books.
    pub(super) request: u64,
}

/// Requests in a window of time.
#[derive(Debug, Clone, Copy, Default)]
struct Window {
    start: DateTime<Utc>,
    count: u32,
}

impl Window {
    fn add(&mut self, now: DateTime<Utc>, length: TimeDelta) -> u32 {
        if now - self.start >= length || now < self.start {
            *self = Self { start: now, count: 0 };
        }
        self.count = self.count.saturating_add(1);
        self.count
    }
}

/// What the gate remembers of the profiles.
#[derive(Debug, Default)]
pub(super) struct Counters {
    /// The names given to `Profile-Key`s that no option lists.
    names: HashMap<String, String>,
    requests: HashMap<String, Window>,
    refusals: HashMap<String, Window>,
}

/// `Profile-Key`s that get a name of their own; further ones share the last.
const NAMES_MAX: usize = 100_000;

impl Counters {
    fn name(&mut self, key: &str) -> String {
        let n = std::cmp::min(self.names.len(), NAMES_MAX) + 1;
        let name = format!("profile-{n}");
        if n > NAMES_MAX {
            return self.names.get(key).cloned().unwrap_or(name);
        }
        let known = self.names.entry(key.to_owned());
        known.or_insert(name).clone()
    }
}

fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or_default().trim())
}

fn presence(value: Option<&str>) -> &'static str {
    match value {
        None => "absent",
        Some("") => "empty",
        Some(_) => "present",
    }
}

fn x_pair(headers: &HeaderMap, options: &Options) -> XPair {
    let full = |name| value(headers, name).filter(|value| !value.is_empty());
    match (full(X_KEY), full(X_SECRET)) {
        (None, None) => XPair::Neither,
        (Some(_), None) => XPair::OnlyKey,
        (None, Some(_)) => XPair::OnlySecret,
        (Some(key), Some(secret)) => {
            let mut pairs = options.x_pairs.iter();
            let listed = pairs.any(|pair| pair.0 == key && pair.1 == secret);
            if listed || options.x_pairs.is_empty() { XPair::Right } else { XPair::Wrong }
        }
    }
}

fn bearer(headers: &HeaderMap, options: &Options) -> &'static str {
    let Some(value) = value(headers, "authorization") else {
        return "absent";
    };
    let key = value.strip_prefix("Bearer ").unwrap_or_default().trim();
    let listed = options.api_keys.iter().any(|known| known == key);
    if listed || (options.api_keys.is_empty() && !key.is_empty()) { "right" } else { "wrong" }
}

/// The profile that a `Profile-Key` names: its name in the books and its links; `None` if unknown.
fn profile(inner: &Inner, key: Option<&str>) -> Option<(String, Vec<String>)> {
    let options = &inner.options;
    match key {
        None => Some((PRIMARY.to_owned(), options.linked.clone())),
        Some(key) if options.profiles.is_empty() => {
            Some((inner.state().gate.name(key), options.linked.clone()))
        }
        Some(key) => {
            let known = options.profiles.iter().find(|profile| profile.key == key)?;
            Some((known.title.clone(), known.linked.clone()))
        }
    }
}

/// Writes the request down, then refuses it or lets it through.
pub(super) async fn pass(
    Shared(inner): Shared<Arc<Inner>>,
    mut request: Request,
    next: Next,
) -> Response {
    let now = inner.options.clock.now();
    let headers = request.headers();
    let key = value(headers, "profile-key").filter(|key| !key.is_empty());
    let found = profile(&inner, key);
    let x = x_pair(headers, &inner.options);
    let bearer = bearer(headers, &inner.options);
    let number = inner.state().books.arrived(Seen {
        at: now,
        method: request.method().to_string(),
        path: format!("/api{}", request.uri().path()),
        bearer,
        profile_key: match (key, &found) {
            (None, _) => "absent",
            (Some(_), Some(_)) => "known",
            (Some(_), None) => "unknown",
        },
        profile: found.as_ref().map(|found| found.0.clone()),
        x_api_key: presence(value(headers, X_KEY)),
        x_api_secret: presence(value(headers, X_SECRET)),
        x_pair: x.word(),
        ..Seen::default()
    });
    let wrapped = key.is_some();
    let admitted = match (bearer, found) {
        ("right", Some((profile, linked))) => count(&inner, &profile, now).map(|rate| {
            let caller = Caller { profile, wrapped, linked, x, request: number };
            (caller, rate)
        }),
        ("right", None) => Err(Refusal::gate(
            403,
            "authorization",
            "The Profile-Key is not valid: no User Profile has it.",
        )),
        _ => Err(unauthorized()),
    };
    let response = match admitted {
        Ok((caller, rate)) => {
            request.extensions_mut().insert(caller);
            let mut response = next.run(request).await;
            let headers = response.headers_mut();
            headers.insert("x-ratelimit-max", HeaderValue::from(rate.max));
            headers.insert("x-ratelimit-count", HeaderValue::from(rate.count));
            response
        }
        Err(refusal) => refusal.answer(false, None).into_response(),
    };
    let status = response.status().as_u16();
    let mut state = inner.state();
    state.books.amend(number, |seen| seen.answered = Some(status));
    response
}

/// What the rate headers say.
struct Rate {
    max: u32,
    count: u32,
}

fn count(inner: &Inner, profile: &str, now: DateTime<Utc>) -> Result<Rate, Refusal> {
    let mut guard = inner.state();
    let state = &mut *guard;
    let window = state.gate.requests.entry(profile.to_owned()).or_default();
    let rate = Rate { max: state.settings.rate_limit_max, count: window.add(now, RATE_WINDOW) };
    if !state.settings.rate_limit_enforced || rate.count <= rate.max {
        return Ok(rate);
    }
    let refusals = state.gate.refusals.entry(profile.to_owned()).or_default();
    if refusals.add(now, SUSPEND_WINDOW) > SUSPEND_AFTER {
        return Err(suspended());
    }
    Err(too_many())
}

/// 401: the API key is refused.
pub(super) fn unauthorized() -> Refusal {
    Refusal::gate(
        401,
        "authorization",
        "Unauthorized: the API Key is missing or not valid. Please check the Authorization header.",
    )
}

/// 403: the profile is suspended.
pub(super) fn suspended() -> Refusal {
    Refusal::gate(403, "authorization", "This User Profile is suspended. Please contact support.")
}

/// 429: too many requests.
pub(super) fn too_many() -> Refusal {
    Refusal::gate(
        429,
        "request",
        "Too many requests: the rate limit is reached. Please try again later.",
    )
}

/// 404: no such route.
pub(super) async fn not_found() -> Answer {
    Answer::json(
        404,
        &json!({"action": "request", "status": "error", "code": 404, "message": "Endpoint not found."}),
    )
}

/// 405: the route exists, the method does not.
pub(super) async fn wrong_method() -> Answer {
    Answer::json(
        405,
        &json!({"action": "request", "status": "error", "code": 405, "message": "Method not allowed."}),
    )
}
