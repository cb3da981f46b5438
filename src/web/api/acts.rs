//! What programs can do.
//!
//! Promises: a body with a key that means nothing is refused. Must not: do more than the page.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::read::{answer, number};
use crate::daemon::desk::Manner;
use crate::domain::hand::Door;
use crate::web::Web;
use crate::web::acts::{Detail, Wish, scope, time};
use crate::web::trouble::Trouble;

/// What comes with an act on a post.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Body {
    text: Option<String>,
    to: Option<String>,
    before: Option<i64>,
    at: Option<String>,
}

/// What an act is for.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Which {
    profile: Option<String>,
    feed: Option<String>,
    until: Option<String>,
    except_released: bool,
}

/// A body of JSON; nothing for an empty one.
fn read<T: Default + DeserializeOwned>(body: &Bytes) -> Result<T, Trouble> {
    if body.is_empty() {
        return Ok(T::default());
    }
    serde_json::from_slice(body).map_err(|error| {
        let what = format!("the body is not what is expected: {error}");
        Trouble::wrong(what, "look into /api/v1/openapi.json for the keys")
    })
}

pub(super) async fn act(
    State(web): State<Arc<Web>>,
    Path((id, act)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let acted = async {
        let (id, body): (i64, Body) = (number(&id)?, read(&body)?);
        let present = web.sitting();
        let detail = Detail {
            text: body.text.as_deref(),
            to: body.to.as_deref(),
            before: body.before,
            at: body.at.as_deref(),
        };
        let wish = Wish::parse(&act, &detail, present.zone_of(id).await?)?;
        let post = present.act(id, wish, Door::Api).await?;
        let now = present.view();
        Ok(now.post(id).await?.unwrap_or_else(|| now.card(&post)))
    };
    answer(acted.await)
}

/// What a text would be as a post's: its length as the network counts, and what it would cost.
pub(super) async fn count(
    State(web): State<Arc<Web>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    let counted = async {
        let (id, body): (i64, Body) = (number(&id)?, read(&body)?);
        let text = body.text.unwrap_or_default();
        let checked = web.sitting().check(id, &text).await?;
        Ok(json!({
            "weighted_length": checked.weighted_length,
            "limit": checked.limit,
            "has_link": checked.has_link,
            "cost": checked.cost.to_string(),
            "cost_usd_micros": checked.cost.micros(),
            "complaint": checked.complaint.map(|flaw| flaw.to_string()),
        }))
    };
    answer(counted.await)
}

pub(super) async fn approve_all(State(web): State<Arc<Web>>, body: Bytes) -> Response {
    let approved = async {
        let which: Which = read(&body)?;
        let posts = web.sitting().approve_all(which.feed.as_deref(), Door::Api).await?;
        Ok(json!({ "approved": posts }))
    };
    answer(approved.await)
}

pub(super) async fn refresh(State(web): State<Arc<Web>>, body: Bytes) -> Response {
    let asked = async {
        let which: Which = read(&body)?;
        let feeds = web.sitting().refresh(which.feed.as_deref(), Door::Api).await?;
        Ok(json!({ "feeds": feeds }))
    };
    answer(asked.await)
}

pub(super) async fn pause(State(web): State<Arc<Web>>, body: Bytes) -> Response {
    let paused = async {
        let which: Which = read(&body)?;
        let present = web.sitting();
        let scope = scope(which.profile.as_deref(), which.feed.as_deref())?;
        let until = which.until.as_deref();
        let until = until.map(|text| time(text, present.zone_for(&scope))).transpose()?;
        let manner =
            if which.except_released { Manner::ExceptReleased } else { Manner::Everything };
        let breaker = present.pause(&scope, until, (manner, Door::Api)).await?;
        Ok(present.view().stop(&breaker))
    };
    answer(paused.await)
}

pub(super) async fn resume(State(web): State<Arc<Web>>, body: Bytes) -> Response {
    let resumed = async {
        let which: Which = read(&body)?;
        let scope = scope(which.profile.as_deref(), which.feed.as_deref())?;
        let present = web.sitting();
        let ended = present.resume(&scope, Door::Api).await?;
        let view = present.view();
        let ended: Vec<_> = ended.iter().map(|breaker| view.stop(breaker)).collect();
        Ok(json!({ "ended": ended }))
    };
    answer(resumed.await)
}
