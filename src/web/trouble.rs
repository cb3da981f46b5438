//! What is wrong with a request, for a person or a program: what, and what to do.
//!
//! Promises: each fault has a remedy; the page gets HTML, everything else JSON or text. Must not: tell
//! of the inside of the program.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tracing::warn;

use super::html::fault_page;
use crate::daemon::Error;
use crate::domain::post::State;
use crate::http;

/// A fault.
#[derive(Debug, Clone)]
pub(super) struct Trouble {
    pub(super) status: StatusCode,
    pub(super) what: String,
    pub(super) remedy: String,
}

impl Trouble {
    pub(super) fn new(
        status: StatusCode,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { status, what: what.into(), remedy: remedy.into() }
    }

    pub(super) fn wrong(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, what, remedy)
    }

    pub(super) fn no_such_page() -> Self {
        Self::new(StatusCode::NOT_FOUND, "there is nothing here", "go back to the first page")
    }

    pub(super) fn no_such_post(id: i64) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            format!("there is no post {id}"),
            "look for it in the queue and the history",
        )
    }

    /// For a program.
    pub(super) fn json(&self) -> Response {
        let error = json!({ "error": { "what": self.what, "remedy": self.remedy } });
        (self.status, Json(error)).into_response()
    }

    /// For a person.
    pub(super) fn page(&self) -> Response {
        fault_page(self)
    }

    /// As the path wants it.
    pub(super) fn at(&self, path: &str) -> Response {
        if path.starts_with("/api/") {
            return self.json();
        }
        match path {
            "/metrics" | "/events" => {
                (self.status, format!("{}: {}\n", self.what, self.remedy)).into_response()
            }
            _ => self.page(),
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        let said = http::chain(&error);
        match error {
            Error::NoSuchPost(id) => Self::no_such_post(id),
            Error::Refused(refused) => Self::new(
                StatusCode::CONFLICT,
                refused.to_string(),
                match refused.state {
                    State::Unconfirmed => "say first whether it is on the network or not",
                    State::Held
                    | State::Queued
                    | State::Sending
                    | State::Posted
                    | State::Failed
                    | State::Skipped
                    | State::Expired => "look at it again: it changed in the meantime",
                },
            ),
            Error::NothingToSend(id) => Self::new(
                StatusCode::CONFLICT,
                format!("post {id} has no text, since nothing could be made of its entry"),
                "leave it out",
            ),
            Error::ToldElsewhere { post, digest } => Self::new(
                StatusCode::CONFLICT,
                format!("post {post} is told in the digest of post {digest}"),
                "look at the digest: sent by itself, the entry might be out twice",
            ),
            Error::NoSuchProfile { name, known } => Self::new(
                StatusCode::NOT_FOUND,
                format!("there is no profile {name:?}"),
                format!("there are {known}"),
            ),
            Error::NoSuchFeed(name) => Self::new(
                StatusCode::NOT_FOUND,
                format!("there is no feed {name:?} in the config"),
                "look at the feeds for their names",
            ),
            Error::CantChange { .. } | Error::UnknownLane(_) => {
                Self::new(StatusCode::CONFLICT, said, "look at it again before you go on")
            }
            Error::Text(flaw) => {
                Self::wrong(flaw.to_string(), "change the text, and save it again")
            }
            Error::Store(_)
            | Error::Http(_)
            | Error::Access(_)
            | Error::Ended(_)
            | Error::Panicked(..) => {
                warn!("a request to the page failed: {said}");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the database could not do it",
                    "try again; the log of the daemon says more",
                )
            }
        }
    }
}

impl From<crate::store::Error> for Trouble {
    fn from(error: crate::store::Error) -> Self {
        Error::from(error).into()
    }
}
