//! What the page's forms do.
//!
//! Promises: each act answers with the way back to where the form stood (303). Must not: show anything
//! but what could not be done.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::form::{Fields, Sent};
use super::pages;
use crate::daemon::desk::Manner;
use crate::domain::hand::Door;
use crate::web::Web;
use crate::web::acts::{Detail, Wish, scope, time};
use crate::web::trouble::Trouble;

/// Does something with a post.
pub(super) async fn act(
    State(web): State<Arc<Web>>,
    Path((id, act)): Path<(String, String)>,
    sent: Sent,
) -> Response {
    done(acted(&web, (&id, &act), sent).await)
}

async fn acted(web: &Web, (id, act): (&str, &str), sent: Sent) -> Result<Response, Trouble> {
    let id = number(id)?;
    let present = web.sitting();
    let fields = &sent.fields;
    let detail = Detail {
        text: Some(&fields.text),
        to: Fields::given(&fields.to),
        before: None,
        at: Fields::given(&fields.at),
    };
    let wish = Wish::parse(act, &detail, present.zone_of(id).await?)?;
    let typed = if let Wish::Edit(text) = &wish { Some(text.clone()) } else { None };
    match (present.act(id, wish, Door::Page).await, typed) {
        (Ok(_), _) => Ok(fields.back(&format!("{act}.{id}"))),
        // What was typed is not lost.
        (Err(trouble), Some(text)) if trouble.status != StatusCode::NOT_FOUND => {
            pages::corrected(web, &sent.visitor, id, (&text, &trouble)).await
        }
        (Err(trouble), _) => Err(trouble),
    }
}

/// Has feeds asked again.
pub(super) async fn refresh(State(web): State<Arc<Web>>, sent: Sent) -> Response {
    let feed = Fields::given(&sent.fields.feed);
    let asked = web.sitting().refresh(feed, Door::Page).await;
    done(asked.map(|_| sent.fields.back_to("/feeds", "refresh")))
}

/// Stops sending.
pub(super) async fn pause(State(web): State<Arc<Web>>, sent: Sent) -> Response {
    let paused = async {
        let present = web.sitting();
        let scope = scope(Fields::given(&sent.fields.profile), None)?;
        let until = Fields::given(&sent.fields.until);
        let until = until.map(|until| time(until, present.zone_for(&scope))).transpose()?;
        present.pause(&scope, until, (Manner::Everything, Door::Page)).await
    };
    done(paused.await.map(|_| sent.fields.back_to("/", "pause")))
}

/// Ends stops.
pub(super) async fn resume(State(web): State<Arc<Web>>, sent: Sent) -> Response {
    let resumed = async {
        let scope = scope(Fields::given(&sent.fields.profile), Fields::given(&sent.fields.feed))?;
        web.sitting().resume(&scope, Door::Page).await
    };
    done(resumed.await.map(|_| sent.fields.back_to("/", "resume")))
}

fn done(result: Result<Response, Trouble>) -> Response {
    result.unwrap_or_else(|trouble| trouble.page())
}

/// A post's number in a path.
pub(super) fn number(text: &str) -> Result<i64, Trouble> {
    text.parse().map_err(|_| Trouble::no_such_page())
}
