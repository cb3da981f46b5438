//! What a form of the page sends.
//!
//! Promises: nothing of a form is looked at whose word is not the visitor's (CSRF); a form leads back to
//! our own pages alone. Must not: act.

use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form, RequestExt as _};
use serde::Deserialize;

use crate::web::Web;
use crate::web::doors::Visitor;
use crate::web::trouble::Trouble;

/// All fields that any form has.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Fields {
    csrf: String,
    back: String,
    pub(super) text: String,
    pub(super) at: String,
    pub(super) to: String,
    pub(super) profile: String,
    pub(super) feed: String,
    pub(super) until: String,
    pub(super) password: String,
}

/// A form that came from our own page, in this visitor's session.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) fields: Fields,
    pub(super) visitor: Visitor,
}

impl FromRequest<Arc<Web>> for Sent {
    type Rejection = Response;

    async fn from_request(mut request: Request, web: &Arc<Web>) -> Result<Self, Response> {
        let Ok(Extension(visitor)) = request.extract_parts::<Extension<Visitor>>().await else {
            return Err(StatusCode::INTERNAL_SERVER_ERROR.into_response());
        };
        let Form(fields) = request.extract::<Form<Fields>, _>().await.map_err(|refused| {
            Trouble::new(refused.status(), "the form can't be read", "load the page again").page()
        })?;
        if !web.doors.is_word(&visitor, &fields.csrf) {
            return Err(Trouble::new(
                StatusCode::FORBIDDEN,
                "the form is from before the daemon started, or not from this page",
                "load the page again and repeat it; cookies have to be allowed",
            )
            .page());
        }
        Ok(Self { fields, visitor })
    }
}

impl Fields {
    /// A field that may be left empty.
    pub(super) fn given(field: &str) -> Option<&str> {
        Some(field.trim()).filter(|text| !text.is_empty())
    }

    /// Back to where the form stood, with what was done.
    pub(super) fn back(&self, done: &str) -> Response {
        self.back_to("/", done)
    }

    /// As [`Self::back`]; a form that doesn't say where it stood leads to `usual`.
    pub(super) fn back_to(&self, usual: &str, done: &str) -> Response {
        let path = if is_ours(&self.back) { self.back.as_str() } else { usual };
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let kept = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("done="));
        let query: Vec<&str> = kept.collect();
        let and = if query.is_empty() { "" } else { "&" };
        Redirect::to(&format!("{path}?{}{and}done={done}", query.join("&"))).into_response()
    }
}

/// Whether a path leads to our own page.
fn is_ours(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/?&=%.-_+".contains(&byte);
    path.starts_with('/') && !path.starts_with("//") && path.len() < 512 && path.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_leads_to_our_own_pages_alone() {
        for path in ["/", "/queue?profile=a%20b&feed=c", "/posts/7"] {
            assert!(is_ours(path), "{path}");
        }
        for path in
            ["", "//evil.example", "https://evil.example", "/\\evil", "/a\r\nx: y", "javascript:x"]
        {
            assert!(!is_ours(path), "{path}");
        }
        let to = |back: &str| {
            let fields = Fields { back: back.to_owned(), ..Fields::default() };
            let response = fields.back("skip.7");
            response.headers()["location"].to_str().expect("text").to_owned()
        };
        assert_eq!(to("/queue?feed=a&done=edit.1"), "/queue?feed=a&done=skip.7");
        assert_eq!(to("//evil.example"), "/?done=skip.7");
    }
}
