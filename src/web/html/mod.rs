//! The page: plain HTML with forms, made of `templates/`; a small script makes it live.
//!
//! Promises: everything works without the script; whatever a feed says is escaped, since askama
//! escapes all and no template says otherwise (a test). Must not: decide what is shown; `view` does.

mod acts;
mod chart;
mod form;
mod login;
mod pages;

use std::sync::{Arc, LazyLock};

use askama::Template;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use sha2::{Digest as _, Sha256};
use tracing::warn;

use super::doors::Visitor;
use super::sessions::hex;
use super::trouble::Trouble;
use super::view::lists::Wanted;
use super::{Sitting, Web};
use crate::domain::breaker::{Cause, Scope};

const CSS: &str = include_str!("../../../templates/assets/tidings.css");
const JS: &str = include_str!("../../../templates/assets/tidings.js");
const ICON: &str = include_str!("../../../templates/assets/icon.svg");
/// Addresses that change with what is there, so that browsers may keep it.
static CSS_PATH: LazyLock<String> = LazyLock::new(|| versioned("/assets/tidings.css", CSS));
static JS_PATH: LazyLock<String> = LazyLock::new(|| versioned("/assets/tidings.js", JS));

/// All routes of the page.
pub(super) fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/", get(pages::now))
        .route("/queue", get(pages::queue))
        .route("/posts", get(pages::posts))
        .route("/posts/{id}", get(pages::post))
        .route("/posts/{id}/{act}", post(acts::act))
        .route("/history", get(pages::history))
        .route("/feeds", get(pages::feeds))
        .route("/feeds/refresh", post(acts::refresh))
        .route("/cost", get(pages::cost))
        .route("/explain", get(pages::explain))
        .route("/pause", get(pages::pausing).post(acts::pause))
        .route("/resume", post(acts::resume))
        .route("/login", get(login::page).post(login::enter))
        .route("/logout", post(login::leave))
        .route("/assets/tidings.css", get(async || asset("text/css; charset=utf-8", CSS)))
        .route("/assets/tidings.js", get(async || asset("text/javascript; charset=utf-8", JS)))
        .route("/assets/icon.svg", get(async || asset("image/svg+xml", ICON)))
}

fn asset(kind: &'static str, body: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, body).into_response()
}

fn versioned(path: &str, body: &str) -> String {
    let hash = Sha256::digest(body.as_bytes());
    let mark = hex(hash.iter().copied().take(6));
    format!("{path}?v={mark}")
}

/// How far a visitor came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Visit {
    /// To see how to come in, or that something is wrong.
    Outside,
    /// In, since the door is open.
    Inside,
    /// In by the password: one can leave again.
    LoggedIn,
}

/// What surrounds each page.
#[derive(Debug)]
struct Shell {
    title: String,
    path: &'static str,
    css: &'static str,
    js: &'static str,
    version: &'static str,
    csrf: String,
    visit: Visit,
    paused: bool,
    open: u64,
    /// Whether the page follows what happens.
    is_live: bool,
    /// What was just done.
    done: Option<String>,
    /// When it was made, by the daemon's clock.
    now: String,
}

/// One page of the navigation.
struct NavItem {
    path: &'static str,
    name: &'static str,
    here: bool,
    count: u64,
}

impl Shell {
    /// What surrounds a page where nothing is known of the visitor.
    fn bare(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            path: "",
            css: &CSS_PATH,
            js: &JS_PATH,
            version: env!("CARGO_PKG_VERSION"),
            csrf: String::new(),
            visit: Visit::Outside,
            paused: false,
            open: 0,
            is_live: false,
            done: None,
            now: String::new(),
        }
    }

    async fn of(
        web: &Web,
        present: &Sitting,
        visitor: &Visitor,
        (title, path): (&str, &'static str),
    ) -> Result<Self, Trouble> {
        let breakers = present.daemon.store.open_breakers().await?;
        let census = present.daemon.store.census().await?;
        let open = ["held", "failed", "unconfirmed"];
        let open = census.iter().filter(|one| open.contains(&one.state.word()));
        Ok(Self {
            path,
            csrf: web.doors.word(visitor),
            visit: if web.doors.have_password() { Visit::LoggedIn } else { Visit::Inside },
            paused: breakers.iter().any(|it| it.scope == Scope::All && it.cause == Cause::Paused),
            open: open.map(|one| one.posts).sum(),
            is_live: true,
            now: present.now.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
            ..Self::bare(title)
        })
    }

    /// Whether the visitor may see more than how to come in.
    fn is_inside(&self) -> bool {
        self.visit != Visit::Outside
    }

    fn can_leave(&self) -> bool {
        self.visit == Visit::LoggedIn
    }

    fn pages(&self) -> Vec<NavItem> {
        let pages = [
            ("/", "Now"),
            ("/queue", "Queue"),
            ("/history", "History"),
            ("/feeds", "Feeds"),
            ("/cost", "Cost"),
            ("/explain", "Explain"),
        ];
        let item = |(path, name)| NavItem {
            path,
            name,
            here: path == self.path,
            count: if path == "/queue" { self.open } else { 0 },
        };
        pages.into_iter().map(item).collect()
    }
}

/// A template as an answer.
fn rendered(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(page) => (status, Html(page)).into_response(),
        Err(error) => {
            warn!("a page can't be made: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[derive(Template)]
#[template(path = "fault.html")]
struct FaultPage<'a> {
    shell: Shell,
    what: &'a str,
    remedy: &'a str,
}

/// A fault as a page.
pub(super) fn fault_page(trouble: &Trouble) -> Response {
    let what = capital(&trouble.what);
    let remedy = capital(&trouble.remedy);
    let shell = Shell::bare(&what);
    rendered(trouble.status, &FaultPage { shell, what: &what, remedy: &remedy })
}

/// A sentence for a page begins with a capital letter.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// What is wanted of a listing, as a query that goes on with `&`.
fn narrowed(wanted: &Wanted) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (key, value) in [("profile", &wanted.profile), ("feed", &wanted.feed)] {
        if let Some(value) = value {
            query.append_pair(key, value);
        }
    }
    let query = query.finish();
    if query.is_empty() { query } else { format!("&{query}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_template_lets_anything_through_unescaped() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        let mut seen = 0;
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|ending| ending == "html") {
                let text = std::fs::read_to_string(&path).expect("a template");
                for word in
                    ["safe", "escape", "<style", "style=\"", "onclick", "javascript:", "http://"]
                {
                    assert!(!text.contains(word), "{word} in {}", path.display());
                }
                assert!(
                    !text.replace("<script src=", "").contains("<script"),
                    "{}",
                    path.display()
                );
                seen += 1;
            }
        }
        assert!(seen >= 12, "{seen}");
    }

    #[test]
    fn assets_are_addressed_by_what_they_are() {
        assert!(CSS_PATH.starts_with("/assets/tidings.css?v="));
        assert_ne!(versioned("/a", "1"), versioned("/a", "2"));
    }
}
