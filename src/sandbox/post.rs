//! `POST /post`: checks a request, writes it into the books, and answers as it is told to.
//!
//! Promises: what is published is in the books before the answer begins, whatever becomes of the
//! answer. Must not: publish what the contract refuses, unless a fault says so.

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};

use super::books::{Draft, Part, Refused};
use super::faults::{self, Asked, Rule, Target};
use super::gate::{Caller, XPair};
use super::line::{Break, Line};
use super::order::{Order, X};
use super::script::{
    Delivery, KeyRule, Script, duplicate_status, key_reused, not_linked, relink, similar,
};
use super::settings::Duplicates;
use super::wire::{Answer, Refusal, post_answer};
use super::{Inner, Options, State};

/// The span of the duplicate gate (contract, section 4.4).
const DUPLICATE_WINDOW: TimeDelta = TimeDelta::hours(48);

/// The networks that the duplicate gate leaves alone.
const WITHOUT_GATE: [&str; 3] = ["pinterest", "reddit", "telegram"];

/// `POST /post`.
pub(super) async fn publish(
    Shared(inner): Shared<Arc<Inner>>,
    Extension(caller): Extension<Caller>,
    Extension(line): Extension<Line>,
    body: Bytes,
) -> Response {
    // Subscribed before the post is accepted, so that no release can slip by.
    let mut released = inner.released.subscribe();
    let now = inner.options.clock.now();
    let (answer, delivery) = settle(&inner, &caller, &body, now);
    match delivery {
        Delivery::Whole => answer.into_response(),
        Delivery::Half => line.cut(Break::Cut(answer.cut_in_half())).await,
        Delivery::Closed => line.cut(Break::Close).await,
        Delivery::Reset => line.cut(Break::Reset).await,
        Delivery::After(seconds) => {
            let at = now + TimeDelta::seconds(i64::from(seconds));
            tokio::select! {
                () = inner.options.clock.sleep_until(at) => {}
                _released = released.changed() => {}
            }
            answer.into_response()
        }
        Delivery::OnRelease => {
            let _gone = released.changed().await.is_err();
            answer.into_response()
        }
        Delivery::Never => {
            let _gone = released.changed().await.is_err();
            line.cut(Break::Close).await
        }
    }
}

/// Everything that happens in one instant: the fault is chosen, the post published or not.
fn settle(inner: &Inner, caller: &Caller, body: &[u8], now: DateTime<Utc>) -> (Answer, Delivery) {
    let mut guard = inner.state();
    let state = &mut *guard;
    let order = match Order::parse(body) {
        Ok(order) => order,
        Err(refusal) => {
            let answer = refusal.answer(caller.wrapped, state.settings.error_place);
            return (answer, Delivery::Whole);
        }
    };
    let asked =
        Asked { target: Target::Post, platforms: &order.platforms, profile: &caller.profile };
    let rule = faults::take(&mut state.rules, asked);
    state.books.amend(caller.request, |seen| {
        seen.platforms.clone_from(&order.platforms);
        seen.idempotency_key.clone_from(&order.idempotency_key);
        seen.notes.clone_from(&order.notes);
        seen.fault = rule.as_ref().map(|rule| rule.fault.name());
    });
    let script = rule.as_ref().and_then(|rule| {
        let first = order.platforms.first().map_or("", String::as_str);
        let platform = rule.platform.as_deref().unwrap_or(first);
        Script::of(rule.fault, rule.seconds, platform)
    });
    let mut script = script.unwrap_or_default();
    if let Some(answer) = script.before.take() {
        return (answer, script.delivery);
    }
    let job = Job { options: &inner.options, caller, order: &order, rule: rule.as_ref(), now };
    let answer = job.run(state, &script);
    (script.instead.take().unwrap_or(answer), script.delivery)
}

/// One request to publish, with all that is needed to judge it.
struct Job<'a> {
    options: &'a Options,
    caller: &'a Caller,
    order: &'a Order,
    rule: Option<&'a Rule>,
    now: DateTime<Utc>,
}

impl Job<'_> {
    fn run(&self, state: &mut State, script: &Script) -> Answer {
        let wrapped = self.caller.wrapped;
        if let Some(refusal) = self.refused_at_once(state, script.key) {
            return refusal.answer(wrapped, state.settings.error_place);
        }
        let mut refusals = Vec::new();
        let mut draft = Draft {
            profile: self.caller.profile.clone(),
            notes: self.order.notes.clone(),
            idempotency_key: self.order.idempotency_key.clone(),
            options: self.order.options.clone(),
            ..Draft::default()
        };
        for platform in &self.order.platforms {
            let forced = script.refused.clone().filter(|_| self.is_meant(platform));
            let refusal = forced.or_else(|| self.refusal_on(state, platform));
            draft.media_urls.extend(self.order.media_on(platform));
            draft.parts.push(Part {
                platform: platform.clone(),
                text: self.order.text_on(platform).to_owned(),
                refused: refusal.as_ref().map(|refusal| Refused {
                    code: refusal.code,
                    message: refusal.message.clone(),
                }),
            });
            refusals.extend(refusal.map(|refusal| (platform.clone(), refusal)));
        }
        match state.books.accept(draft, self.now) {
            Ok(entry) => post_answer(entry, &refusals, wrapped, &state.settings),
            Err(full) => Refusal::gate(503, "post", &full.to_string()).answer(wrapped, None),
        }
    }

    /// Whether the fault is for this network.
    fn is_meant(&self, platform: &str) -> bool {
        let wanted = self.rule.and_then(|rule| rule.platform.as_deref());
        wanted.is_none_or(|wanted| wanted == platform)
    }

    /// Why the request never becomes a post: X headers, date, key.
    fn refused_at_once(&self, state: &mut State, rule: KeyRule) -> Option<Refusal> {
        if self.order.targets_x()
            && let Some(refusal) = self.caller.x.refusal()
        {
            return Some(refusal);
        }
        if let Some(date) = &self.order.scheduled {
            match DateTime::parse_from_rfc3339(date) {
                Ok(date) if date <= self.now => {}
                Ok(_later) => {
                    let why = "The sandbox does not schedule posts: leave scheduleDate out.";
                    return Some(Refusal::checks(None, why));
                }
                Err(_bad) => return Some(Refusal::checks(None, "scheduleDate is not valid.")),
            }
        }
        let key = self.order.idempotency_key.as_deref();
        let free = match rule {
            KeyRule::Forgotten => true,
            KeyRule::Reused => false,
            KeyRule::Checked => {
                let free = key.is_none_or(|key| state.books.take_key(&self.caller.profile, key));
                free || !state.settings.keys_checked
            }
        };
        (!free).then(key_reused)
    }

    /// Why one network does not get the post.
    fn refusal_on(&self, state: &State, platform: &str) -> Option<Refusal> {
        let premium = state.settings.premium;
        let faulty = self.order.fault_on(platform, self.options.weigh, premium);
        if faulty.is_some() {
            return faulty;
        }
        if !self.caller.linked.iter().any(|linked| linked == platform) {
            return Some(not_linked(platform));
        }
        if platform == X && self.caller.x == XPair::Wrong {
            return Some(relink());
        }
        let text = self.order.text_on(platform);
        let lane = (self.caller.profile.as_str(), platform);
        let gated = !text.is_empty() && !WITHOUT_GATE.contains(&platform);
        if !gated || !state.books.is_duplicate(lane, text, DUPLICATE_WINDOW, self.now) {
            return None;
        }
        match state.settings.duplicates {
            Duplicates::Ayrshare => Some(similar()),
            Duplicates::X => Some(duplicate_status()),
            Duplicates::Off => None,
        }
    }
}
