//! The callback of hubs (WebSub): what they verify, and what they push.
//!
//! Promises: only a path that was given to a hub is answered, and its body is read only then, up to
//! [`PUSH_MAX`]; a push that is not signed with our secret is dropped without a word. Must not: say
//! whether a signature was right.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::sync::Semaphore;
use tracing::warn;

use crate::daemon::websub::{Pushed, Verification};
use crate::daemon::{Daemon, Error};
use crate::http;

/// The largest push that is read, in bytes; a feed that pushes more is polled.
const PUSH_MAX: usize = 4 * 1024 * 1024;
/// So many pushes are read at once; the hub tries again with those beyond.
static READING: Semaphore = Semaphore::const_new(4);

/// What a hub asks, as it stands in the query.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(rename = "hub.mode", default)]
    mode: String,
    #[serde(rename = "hub.topic", default)]
    topic: String,
    #[serde(rename = "hub.challenge", default)]
    challenge: String,
    #[serde(rename = "hub.lease_seconds")]
    lease_seconds: Option<String>,
    #[serde(rename = "hub.reason", default)]
    reason: String,
}

/// A hub asks whether we asked it.
pub(super) async fn verify(
    State(daemon): State<Arc<Daemon>>,
    Path(token): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    let asked = Verification {
        mode: asked.mode,
        topic: asked.topic,
        challenge: asked.challenge,
        lease_seconds: asked.lease_seconds.and_then(|seconds| seconds.trim().parse().ok()),
        reason: asked.reason,
    };
    match daemon.verify(&token, &asked).await {
        // What comes back is the hub's own text: nothing that a browser would take for a page.
        Ok(Some(challenge)) => (
            [
                (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            ],
            challenge,
        )
            .into_response(),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => unavailable(&error).into_response(),
    }
}

/// A hub says that something is new.
pub(super) async fn push(
    State(daemon): State<Arc<Daemon>>,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> StatusCode {
    match daemon.expects_push(&token).await {
        Ok(true) => {}
        Ok(false) => return StatusCode::NOT_FOUND,
        Err(error) => return unavailable(&error),
    }
    let Ok(_reading) = READING.try_acquire() else {
        return StatusCode::SERVICE_UNAVAILABLE;
    };
    let Ok(body) = to_bytes(body, PUSH_MAX).await else {
        return StatusCode::PAYLOAD_TOO_LARGE;
    };
    let signature = headers.get("x-hub-signature").and_then(|value| value.to_str().ok());
    match daemon.pushed(&token, signature.unwrap_or_default(), &body).await {
        Ok(Pushed::Heeded | Pushed::Dropped) => StatusCode::ACCEPTED,
        Ok(Pushed::Unknown) => StatusCode::NOT_FOUND,
        Err(error) => unavailable(&error),
    }
}

fn unavailable(error: &Error) -> StatusCode {
    warn!("a hub can't be answered: {}", http::chain(error));
    StatusCode::SERVICE_UNAVAILABLE
}
