//! The smaller endpoints: deleting, the account, analytics, validation, feeds.
//!
//! Promises: the shapes of the contract's sections 7 and 8. Must not: publish anything.

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::HeaderValue;
use axum::http::header::DATE;
use axum::response::{IntoResponse as _, Response};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::Inner;
use super::faults::{self, Asked, Fault, Rule, Target};
use super::gate::{Caller, XPair};
use super::history::no_such_post;
use super::line::{Break, Line};
use super::order::{Order, X};
use super::script::{Script, not_linked, relink};
use super::wire::{Answer, Place, Refusal, put};

/// Posts that one request deletes at most.
const DELETE_MAX: usize = 1000;

fn parse(body: &[u8], action: &'static str) -> Result<Value, Answer> {
    serde_json::from_slice(body).map_err(|_broken| {
        Refusal::gate(400, action, "The request body is not valid JSON.").answer(false, None)
    })
}

/// The fault that a request meets, if any.
fn fault(inner: &Inner, caller: &Caller, target: Target, platforms: &[String]) -> Option<Rule> {
    let mut state = inner.state();
    let asked = Asked { target, platforms, profile: &caller.profile };
    let rule = faults::take(&mut state.rules, asked)?;
    state.books.amend(caller.request, |seen| seen.fault = Some(rule.fault.name()));
    Some(rule)
}

/// What a refusal of a post says where it meets another request. With `nested` the network's words lie
/// under its name, as analytics have them.
fn refused(rule: &Rule, platforms: &[String], nested: bool) -> Option<Answer> {
    let platform = platforms.first().map_or("", String::as_str);
    let script = Script::of(rule.fault, rule.seconds, platform)?;
    let by_network = script.refused.map(|refusal| {
        if nested {
            let mut body = json!({"status": "error"});
            put(&mut body, platform, refusal.item());
            Answer::json(refusal.http, &body)
        } else {
            refusal.answer(false, Some(Place::Top))
        }
    });
    script.before.or(by_network).or(script.instead)
}

/// `GET /user`.
pub(super) async fn user(
    Shared(inner): Shared<Arc<Inner>>,
    Extension(caller): Extension<Caller>,
) -> Response {
    let rule = fault(&inner, &caller, Target::User, &[]);
    if let Some(answer) = rule.as_ref().and_then(|rule| refused(rule, &[], false)) {
        return answer.into_response();
    }
    let mut response = describe(&inner, caller).into_response();
    if let Some(rule) = rule.filter(|rule| rule.fault == Fault::DateOff) {
        let now = inner.options.clock.now() + TimeDelta::seconds(i64::from(rule.seconds));
        let date = now.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        response.headers_mut().extend(HeaderValue::from_str(&date).ok().map(|it| (DATE, it)));
    }
    response
}

fn describe(inner: &Inner, caller: Caller) -> Answer {
    let now = inner.options.clock.now().to_rfc3339();
    let mut user = json!({
        "created": {"_seconds": 1_660_000_000, "_nanoseconds": 0, "utc": "2022-08-08T23:06:40Z"},
        "email": "someone@example.com",
        "lastApiCall": now,
        "monthlyApiCalls": inner.state().books.requests_total(),
        "refId": "5b78",
        "title": caller.profile,
    });
    // Nothing linked: the field is absent, not empty (contract, section 8.1).
    if !caller.linked.is_empty() {
        let names: Vec<Value> = caller
            .linked
            .iter()
            .map(|platform| {
                json!({
                    "platform": platform,
                    "id": "1000000000000000001",
                    "username": "sandbox",
                    "displayName": "The Sandbox",
                    "profileUrl": format!("https://{platform}.com/sandbox"),
                    "userImage": format!("https://{platform}.com/sandbox.jpg"),
                    "created": "2022-08-08T23:06:40Z",
                })
            })
            .collect();
        put(&mut user, "activeSocialAccounts", caller.linked);
        put(&mut user, "displayNames", names);
    }
    Answer::json(200, &user)
}

/// `POST /analytics/social`.
pub(super) async fn analytics(
    Shared(inner): Shared<Arc<Inner>>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Answer {
    let body = match parse(&body, "analytics") {
        Ok(body) => body,
        Err(answer) => return answer,
    };
    let platforms = body.get("platforms").and_then(Value::as_array);
    let names: Vec<&str> = platforms.into_iter().flatten().filter_map(Value::as_str).collect();
    if names.is_empty() {
        return Refusal::gate(400, "analytics", "Missing platforms parameter").answer(false, None);
    }
    let asked: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let rule = fault(&inner, &caller, Target::Analytics, &asked);
    if let Some(answer) = rule.and_then(|rule| refused(&rule, &asked, true)) {
        return answer;
    }
    if names.contains(&X)
        && let Some(refusal) = caller.x.refusal()
    {
        return refusal.answer(false, None);
    }
    let now = inner.options.clock.now().to_rfc3339();
    let mut answer = json!({"status": "success"});
    let mut failed = 0;
    for name in &names {
        let linked = caller.linked.iter().any(|linked| linked == name);
        let refusal = if !linked {
            Some(not_linked(name))
        } else if *name == X && caller.x == XPair::Wrong {
            Some(relink())
        } else {
            None
        };
        failed += usize::from(refusal.is_some());
        let part = refusal.map_or_else(
            || {
                json!({
                    "analytics": {"name": "The Sandbox", "username": "sandbox", "verified": false, "tweetCount": 1, "listedCount": 0, "protected": false},
                    "lastUpdated": now,
                    "nextUpdate": now,
                })
            },
            |refusal| refusal.item(),
        );
        put(&mut answer, name, part);
    }
    if failed == 0 {
        return Answer::json(200, &answer);
    }
    if failed == names.len() {
        put(&mut answer, "status", "error");
        return Answer::json(400, &answer);
    }
    put(&mut answer, "status", "partial");
    Answer::json(200, &answer)
}

/// `POST /validate/post`.
pub(super) async fn validate(
    Shared(inner): Shared<Arc<Inner>>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Answer {
    let order = match Order::parse(&body) {
        Ok(order) => order,
        Err(refusal) => return refusal.answer(false, None),
    };
    let rule = fault(&inner, &caller, Target::Validate, &order.platforms);
    if let Some(answer) = rule.and_then(|rule| refused(&rule, &order.platforms, false)) {
        return answer;
    }
    if order.targets_x()
        && let Some(refusal) = caller.x.refusal()
    {
        return refusal.answer(false, None);
    }
    let premium = inner.state().settings.premium;
    let mut warnings = Vec::new();
    for platform in &order.platforms {
        if let Some(refusal) = order.fault_on(platform, inner.options.weigh, premium) {
            return refusal.answer(false, None);
        }
        if !caller.linked.contains(platform) {
            warnings.push(not_linked(platform).item());
        }
    }
    let mut answer = json!({
        "status": "success",
        "message": "No validation issues were found with this post. This is only an Ayrshare validation test and the post may still return an error by the social networks.",
    });
    if !warnings.is_empty() {
        put(&mut answer, "warnings", warnings);
    }
    Answer::json(200, &answer)
}

/// `GET /feed`.
pub(super) async fn feeds(Shared(inner): Shared<Arc<Inner>>) -> Answer {
    Answer::json(200, &json!({"status": "success", "feeds": inner.options.feeds}))
}

/// `DELETE /post`.
pub(super) async fn delete(
    Shared(inner): Shared<Arc<Inner>>,
    Extension(caller): Extension<Caller>,
    Extension(line): Extension<Line>,
    body: Bytes,
) -> Response {
    let body = match parse(&body, "delete") {
        Ok(body) => body,
        Err(answer) => return answer.into_response(),
    };
    let bulk = body.get("bulk").and_then(Value::as_array).into_iter().flatten();
    let ids: Vec<&str> =
        bulk.chain(body.get("id")).filter_map(Value::as_str).take(DELETE_MAX).collect();
    let Some(first) = ids.first() else {
        let refusal = Refusal::gate(400, "delete", "Missing id parameter");
        return refusal.answer(false, None).into_response();
    };
    let platforms: Vec<String> = {
        let state = inner.state();
        let entry = state.books.find(&caller.profile, first);
        entry.into_iter().flat_map(|it| it.platforms().map(str::to_owned)).collect()
    };
    let rule = fault(&inner, &caller, Target::Delete, &platforms);
    if let Some(answer) = rule.as_ref().and_then(|rule| refused(rule, &platforms, false)) {
        return answer.into_response();
    }
    let error = || Answer::html(500, "Internal Server Error").into_response();
    match rule.map(|rule| rule.fault) {
        Some(Fault::DeleteRefused) => {
            let words = "The social network did not delete the post.";
            let refusal = Refusal { code: Some(382), ..Refusal::gate(400, "delete", words) };
            refusal.answer(false, None).into_response()
        }
        Some(Fault::DeleteServerError) => error(),
        Some(Fault::DeleteNotFound) => no_such_post("delete").into_response(),
        Some(Fault::DeleteServerErrorAfter) => {
            take_down(&inner, &caller, &ids);
            error()
        }
        Some(Fault::DeleteLost) => {
            take_down(&inner, &caller, &ids);
            line.cut(Break::Close).await
        }
        _ => take_down(&inner, &caller, &ids).into_response(),
    }
}

fn take_down(inner: &Inner, caller: &Caller, ids: &[&str]) -> Answer {
    let mut state = inner.state();
    let mut answer = json!({"status": "success", "code": 200});
    for id in ids {
        let Some(entry) = state.books.find(&caller.profile, id) else {
            return no_such_post("delete");
        };
        if entry.platforms().any(|platform| platform == X)
            && let Some(refusal) = caller.x.refusal()
        {
            return refusal.answer(false, None);
        }
        for platform in entry.platforms() {
            let network_id = entry.network_id.to_string();
            let part = json!({"action": "delete", "status": "success", "id": network_id});
            put(&mut answer, platform, part);
        }
        if !state.books.delete(&caller.profile, id) {
            let refusal = Refusal {
                code: Some(383),
                ..Refusal::gate(400, "delete", "The post was already deleted.")
            };
            return refusal.answer(false, None);
        }
        put(&mut answer, "id", *id);
    }
    Answer::json(200, &answer)
}

/// Five feeds of a site, each in another of the shapes that the contract knows (section 7.1).
pub fn sample_feeds(site: &str) -> Vec<Value> {
    let site = site.trim_end_matches('/');
    vec![
        json!({
            "autoHashtag": false,
            "created": "2022-05-16T23:20:03.405Z",
            "description": "An older feed: it tells only its site",
            "id": "_3yhtyd88",
            "image": {"height": "32", "link": site, "title": "A site", "width": "32", "url": format!("{site}/icon.png")},
            "link": site,
            "title": "A site",
        }),
        json!({"id": "4HZhptaD5", "title": "By rssURL", "websiteLink": site, "rssURL": format!("{site}/substack/feed"), "type": "substack", "useFirstImage": true, "autoHashtag": true}),
        json!({"id": "vVYX3cgJ7", "title": "By feedURL", "feedURL": format!("{site}/news.xml"), "type": "rss", "useFirstImage": false, "autoHashtag": false}),
        json!({"id": "RDFbD_fl5", "title": "By url", "url": format!("{site}/notes"), "type": "rss", "autoHashtag": {"max": 3}}),
        json!({"id": "yT1", "title": null, "url": format!("{site}/feeds/videos.xml"), "type": "youtube"}),
    ]
}
