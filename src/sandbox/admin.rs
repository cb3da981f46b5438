//! The sandbox's own pages under `/sandbox/`: its books, faults, releases and settings.
//!
//! Promises: all of it works without a key, and shows none. Must not: touch the simulated networks.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State as Shared;
use serde_json::{Value, json};

use super::Inner;
use super::books::{Published, Seen};
use super::faults::{Rule, listing};
use super::settings::Settings;
use super::wire::Answer;

/// `GET /sandbox/`.
pub(super) async fn index() -> Answer {
    let text = format!(
        "This is Tidings' sandbox: a simulated Ayrshare. Nothing that is posted here leaves it.\n\
         \n\
         \x20 /api                      what a client of Ayrshare uses as its base_url\n\
         \x20 GET    /sandbox/books     what was truly published, and every request\n\
         \x20 POST   /sandbox/faults    asks for faults: {{\"fault\":\"lost-answer:1\"}}, or a list\n\
         \x20 DELETE /sandbox/faults    takes them away\n\
         \x20 POST   /sandbox/release   ends all hangs\n\
         \x20 POST   /sandbox/settings  changes settings: {{\"historyLagSeconds\":30}}\n\
         \n\
         A fault is NAME[@SECONDS][:COUNT][,platform=P][,profile=P][,after=N].\n\
         Without a COUNT it acts once, with * for ever.\n\
         \n{}",
        listing()
    );
    Answer::text(200, text)
}

fn rules(rules: &[Rule]) -> Vec<String> {
    rules.iter().map(ToString::to_string).collect()
}

/// `GET /sandbox/books`.
pub(super) async fn books(Shared(inner): Shared<Arc<Inner>>) -> Answer {
    let state = inner.state();
    let posts: Vec<Published> = state.books.published().collect();
    let requests: Vec<&Seen> = state.books.requests().collect();
    Answer::json(
        200,
        &json!({
            "published": posts.len(),
            "posts": posts,
            "doubles": state.books.doubles(),
            "requestsTotal": state.books.requests_total(),
            "requests": requests,
            "faults": rules(&state.rules),
            "settings": state.settings,
        }),
    )
}

/// `GET /sandbox/faults`.
pub(super) async fn faults(Shared(inner): Shared<Arc<Inner>>) -> Answer {
    Answer::json(200, &json!({"faults": rules(&inner.state().rules)}))
}

fn bad(why: &str) -> Answer {
    Answer::json(400, &json!({"status": "error", "message": why}))
}

/// The rules in a body: a text, `{"fault": text}`, or a list of either.
fn parse(body: &Value) -> Result<Vec<Rule>, String> {
    if let Some(list) = body.as_array() {
        let parsed: Result<Vec<Vec<Rule>>, String> = list.iter().map(parse).collect();
        return Ok(parsed?.into_iter().flatten().collect());
    }
    let text = body.as_str().or_else(|| body.get("fault")?.as_str());
    let text = text.ok_or("a fault is a text, or {\"fault\": text}")?;
    let rule = text.parse().map_err(|why| format!("{why}"))?;
    Ok(vec![rule])
}

/// `POST /sandbox/faults`.
pub(super) async fn add_faults(Shared(inner): Shared<Arc<Inner>>, body: Bytes) -> Answer {
    let parsed = serde_json::from_slice(&body)
        .map_err(|why| why.to_string())
        .and_then(|body: Value| parse(&body));
    let added = parsed.and_then(|rules| inner.add_rules(rules).map_err(|why| why.to_string()));
    match added {
        Ok(()) => faults(Shared(inner)).await,
        Err(why) => bad(&why),
    }
}

/// `DELETE /sandbox/faults`.
pub(super) async fn clear_faults(Shared(inner): Shared<Arc<Inner>>) -> Answer {
    inner.state().rules.clear();
    faults(Shared(inner)).await
}

/// `POST /sandbox/release`.
pub(super) async fn release(Shared(inner): Shared<Arc<Inner>>) -> Answer {
    inner.release();
    Answer::json(200, &json!({"status": "success"}))
}

/// `GET /sandbox/settings`.
pub(super) async fn settings(Shared(inner): Shared<Arc<Inner>>) -> Answer {
    Answer::json(200, &json!(inner.state().settings))
}

/// `POST /sandbox/settings`: what is not named stays as it is.
pub(super) async fn change_settings(Shared(inner): Shared<Arc<Inner>>, body: Bytes) -> Answer {
    let mut state = inner.state();
    let mut merged = json!(state.settings);
    let changed = serde_json::from_slice(&body).and_then(|changes: serde_json::Map<_, _>| {
        if let Some(fields) = merged.as_object_mut() {
            fields.extend(changes);
        }
        serde_json::from_value::<Settings>(merged)
    });
    match changed {
        Ok(settings) => {
            state.settings = settings;
            Answer::json(200, &json!(state.settings))
        }
        Err(why) => bad(&why.to_string()),
    }
}
