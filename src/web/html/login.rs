//! Coming in, and leaving.
//!
//! Promises: a wrong password says nothing but that; each makes the next one wait longer. Must not:
//! show or keep a password.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use tracing::{info, warn};

use super::form::Sent;
use super::{Shell, rendered};
use crate::domain::told;
use crate::web::Web;
use crate::web::doors::{Entry, Visitor, cookie_of};
use crate::web::guard::{LOGIN, came_by_https};
use crate::web::serve::Peer;

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    shell: Shell,
    has_password: bool,
    fault: Option<String>,
}

fn shown(web: &Web, visitor: &Visitor, status: StatusCode, fault: Option<String>) -> Response {
    let shell = Shell { csrf: web.doors.word(visitor), ..Shell::bare("Log in") };
    rendered(status, &LoginPage { shell, has_password: web.doors.have_password(), fault })
}

pub(super) async fn page(
    State(web): State<Arc<Web>>,
    Extension(visitor): Extension<Visitor>,
) -> Response {
    if visitor.may {
        return Redirect::to("/").into_response();
    }
    shown(&web, &visitor, StatusCode::OK, None)
}

pub(super) async fn enter(
    State(web): State<Arc<Web>>,
    Extension(Peer(from)): Extension<Peer>,
    headers: HeaderMap,
    sent: Sent,
) -> Response {
    let now = web.daemon().now();
    let refuse = |status, fault: String| shown(&web, &sent.visitor, status, Some(fault));
    match web.doors.enter(sent.fields.password, from, now).await {
        Entry::Open(session) => {
            info!("somebody at {} logged in to the page", from.ip());
            let cookie = cookie_of(&session, came_by_https(&headers));
            ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()
        }
        Entry::Wrong => {
            warn!("somebody at {} gave a wrong password to the page", from.ip());
            refuse(StatusCode::FORBIDDEN, "The password is wrong.".to_owned())
        }
        Entry::Wait(wait) => {
            let fault = format!(
                "Too many wrong passwords: the next one is looked at in {}.",
                told::length(wait)
            );
            let seconds = std::cmp::max(wait.num_seconds(), 1).to_string();
            let page = refuse(StatusCode::TOO_MANY_REQUESTS, fault);
            ([(header::RETRY_AFTER, seconds)], page).into_response()
        }
        Entry::None => refuse(StatusCode::FORBIDDEN, "There is no password.".to_owned()),
    }
}

pub(super) async fn leave(State(web): State<Arc<Web>>, sent: Sent) -> Response {
    web.doors.leave(&sent.visitor);
    Redirect::to(LOGIN).into_response()
}
