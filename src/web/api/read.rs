//! What programs can look at.
//!
//! Promises: a wrong parameter is refused, never passed over. Must not: change anything.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::daemon::Error;
use crate::domain::post::State as PostState;
use crate::web::Web;
use crate::web::trouble::Trouble;
use crate::web::view::lists::{Cursor, Wanted};

/// The most days that a plan looks ahead.
const DAYS_MAX: i64 = 366;

/// All parameters of any listing.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Asked {
    state: Option<String>,
    profile: Option<String>,
    feed: Option<String>,
    cursor: Option<String>,
    days: Option<i64>,
    from: Option<usize>,
    q: Option<String>,
}

type Query0 = Result<Query<Asked>, QueryRejection>;

impl Asked {
    fn of(query: Query0) -> Result<Self, Trouble> {
        query.map(|Query(asked)| asked).map_err(|_| {
            Trouble::wrong(
                "a parameter is unknown or can't be read",
                "look into /api/v1/openapi.json for the parameters",
            )
        })
    }

    fn wanted(&self) -> Result<Wanted, Trouble> {
        let state = |word: &String| {
            PostState::parse(word).ok_or_else(|| {
                let words: Vec<&str> = PostState::ALL.into_iter().map(PostState::word).collect();
                let remedy = format!("the states are {}", words.join(", "));
                Trouble::wrong("there is no such state", remedy)
            })
        };
        let cursor = |text: &String| {
            Cursor::parse(text).ok_or_else(|| {
                let remedy = "give the `next` of the page before as it was";
                Trouble::wrong("the cursor can't be read", remedy)
            })
        };
        Ok(Wanted {
            state: self.state.as_ref().map(state).transpose()?,
            feed: self.feed.clone(),
            profile: self.profile.clone(),
            cursor: self.cursor.as_ref().map(cursor).transpose()?,
        })
    }
}

/// A value or a fault as an answer.
pub(super) fn answer<T: Serialize>(result: Result<T, Trouble>) -> Response {
    match result {
        Ok(value) => Json(value).into_response(),
        Err(trouble) => trouble.json(),
    }
}

/// A post's number in a path.
pub(super) fn number(text: &str) -> Result<i64, Trouble> {
    text.parse().map_err(|_| Trouble::wrong("a post has a number", "give it in the path"))
}

fn shown<T: Serialize>(result: Result<T, Error>) -> Response {
    answer(result.map_err(Trouble::from))
}

pub(super) async fn status(State(web): State<Arc<Web>>) -> Response {
    let present = web.sitting();
    let now = present.view().now().await.map_err(Trouble::from);
    let ailing = present.daemon.ailing().await;
    answer(now.map(|now| {
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "healthy": ailing.is_none(),
            "ailing": ailing,
            "status": now,
        })
    }))
}

pub(super) async fn queue(State(web): State<Arc<Web>>, query: Query0) -> Response {
    match Asked::of(query).and_then(|asked| asked.wanted()) {
        Ok(wanted) => shown(web.sitting().view().queue(&wanted).await),
        Err(trouble) => trouble.json(),
    }
}

pub(super) async fn posts(State(web): State<Arc<Web>>, query: Query0) -> Response {
    match Asked::of(query).and_then(|asked| asked.wanted()) {
        Ok(wanted) => shown(web.sitting().view().posts(&wanted).await),
        Err(trouble) => trouble.json(),
    }
}

pub(super) async fn post(State(web): State<Arc<Web>>, Path(id): Path<String>) -> Response {
    let found = async {
        let id = number(&id)?;
        let present = web.sitting();
        let post = present.daemon.store.post(id).await?.ok_or_else(|| Trouble::no_such_post(id))?;
        Ok(present.view().told(&post).await?)
    };
    answer(found.await)
}

pub(super) async fn history(State(web): State<Arc<Web>>, query: Query0) -> Response {
    match Asked::of(query).and_then(|asked| asked.wanted()) {
        Ok(wanted) => shown(web.sitting().view().history(&wanted).await),
        Err(trouble) => trouble.json(),
    }
}

pub(super) async fn feeds(State(web): State<Arc<Web>>, query: Query0) -> Response {
    match Asked::of(query) {
        Ok(asked) => shown(web.sitting().view().feeds(asked.from.unwrap_or(0)).await),
        Err(trouble) => trouble.json(),
    }
}

pub(super) async fn plan(State(web): State<Arc<Web>>, query: Query0) -> Response {
    let asked = match Asked::of(query) {
        Ok(asked) => asked,
        Err(trouble) => return trouble.json(),
    };
    let days = asked.days.unwrap_or(7);
    if !(1..=DAYS_MAX).contains(&days) {
        let remedy = format!("give `days` from 1 to {DAYS_MAX}");
        return Trouble::wrong("so many days can't be planned", remedy).json();
    }
    shown(web.sitting().view().plan(days, asked.profile.as_deref()).await)
}

pub(super) async fn cost(State(web): State<Arc<Web>>) -> Response {
    shown(web.sitting().view().cost().await)
}

pub(super) async fn explain(State(web): State<Arc<Web>>, query: Query0) -> Response {
    let found = async {
        let q = Asked::of(query)?.q.unwrap_or_default();
        if q.trim().is_empty() {
            return Err(Trouble::wrong(
                "it is not said what to explain",
                "give `q`: a post's number, an entry's link, or a part of its title",
            ));
        }
        let found = web.sitting().view().explain(&q).await?;
        if found.is_empty() {
            return Err(Trouble::new(
                StatusCode::NOT_FOUND,
                "no entry has this link, and none has a title with these words",
                "look at /api/v1/feeds for when each feed was read last",
            ));
        }
        Ok(found)
    };
    answer(found.await)
}
