//! The pages that one looks at.
//!
//! Promises: a wrong query shows the page without it. Must not: change anything.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::acts::number;
use super::chart::Chart;
use super::{Shell, narrowed, rendered};
use crate::domain::post::State as PostState;
use crate::web::acts::Wish;
use crate::web::doors::Visitor;
use crate::web::trouble::Trouble;
use crate::web::view::card::Act;
use crate::web::view::cost::Cost;
use crate::web::view::explain::{Explained, Told};
use crate::web::view::feeds::Feeds;
use crate::web::view::lists::{Cursor, Page, Queue, Wanted};
use crate::web::view::now::{Now, Stop};
use crate::web::{Sitting, Web};

/// Profiles that a list offers; an agency has hundreds.
const PROFILES_MAX: usize = 500;

type Asked = Result<Query<HashMap<String, String>>, QueryRejection>;
type Shown = Result<Response, Trouble>;

#[derive(Template)]
#[template(path = "now.html")]
struct NowPage {
    shell: Shell,
    now: Now,
}

#[derive(Template)]
#[template(path = "queue.html")]
struct QueuePage {
    shell: Shell,
    queue: Queue,
    profile: String,
    feed: String,
    profiles: Vec<String>,
    back: String,
    narrow: String,
}

#[derive(Template)]
#[template(path = "posts.html")]
struct PostsPage {
    shell: Shell,
    page: Page,
    back: String,
    more: String,
}

#[derive(Template)]
#[template(path = "post.html")]
struct PostPage {
    shell: Shell,
    told: Told,
    back: String,
    flaw: Option<String>,
}

#[derive(Template)]
#[template(path = "history.html")]
struct HistoryPage {
    shell: Shell,
    page: Page,
    state: String,
    profile: String,
    feed: String,
    more: String,
}

#[derive(Template)]
#[template(path = "feeds.html")]
struct FeedsPage {
    shell: Shell,
    feeds: Feeds,
}

#[derive(Template)]
#[template(path = "cost.html")]
struct CostPage {
    shell: Shell,
    cost: Cost,
    chart: Chart,
}

#[derive(Template)]
#[template(path = "explain.html")]
struct ExplainPage {
    shell: Shell,
    found: Vec<Explained>,
    q: String,
    back: String,
}

#[derive(Template)]
#[template(path = "pause.html")]
struct PausePage {
    shell: Shell,
    stops: Vec<Stop>,
    profiles: Vec<String>,
}

/// What every page needs.
struct Frame<'a> {
    web: &'a Web,
    present: Sitting,
    visitor: Visitor,
    asked: HashMap<String, String>,
}

impl<'a> Frame<'a> {
    fn new(web: &'a Web, visitor: Visitor, asked: Asked) -> Self {
        let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
        Self { web, present: web.sitting(), visitor, asked }
    }

    async fn shell(&self, title: &str, path: &'static str) -> Result<Shell, Trouble> {
        let shell = Shell::of(self.web, &self.present, &self.visitor, (title, path)).await?;
        Ok(Shell { done: self.asked.get("done").and_then(|done| told(done)), ..shell })
    }

    fn given(&self, key: &str) -> Option<String> {
        self.asked.get(key).map(|it| it.trim().to_owned()).filter(|it| !it.is_empty())
    }

    fn wanted(&self) -> Wanted {
        Wanted {
            state: self.given("state").and_then(|word| PostState::parse(&word)),
            feed: self.given("feed"),
            profile: self.given("profile"),
            cursor: self.given("cursor").and_then(|text| Cursor::parse(&text)),
        }
    }

    fn profiles(&self) -> Vec<String> {
        let profiles = self.present.config.profiles.iter().take(PROFILES_MAX);
        profiles.map(|profile| profile.name.clone()).collect()
    }
}

/// What was done, by the word in the address: nothing that a stranger could write.
fn told(done: &str) -> Option<String> {
    match done {
        "refresh" => return Some("The feeds are asked now.".to_owned()),
        "pause" => return Some("Paused: nothing is sent.".to_owned()),
        "resume" => return Some("Resumed: what is due is sent.".to_owned()),
        _ => {}
    }
    let (act, post) = done.split_once('.')?;
    Wish::done(act, post.parse().ok()?)
}

fn answer(shown: Shown) -> Response {
    shown.unwrap_or_else(|trouble| trouble.page())
}

pub(super) async fn now(
    State(web): State<Arc<Web>>,
    Extension(visitor): Extension<Visitor>,
    asked: Asked,
) -> Response {
    let frame = Frame::new(&web, visitor, asked);
    let page = async {
        let shell = frame.shell("Now", "/").await?;
        let now = frame.present.view().now().await?;
        Ok(rendered(StatusCode::OK, &NowPage { shell, now }))
    };
    answer(page.await)
}

pub(super) async fn queue(
    State(web): State<Arc<Web>>,
    Extension(visitor): Extension<Visitor>,
    asked: Asked,
) -> Response {
    let frame = Frame::new(&web, visitor, asked);
    let page = async {
        let wanted = frame.wanted();
        let narrow = narrowed(&wanted);
        let page = QueuePage {
            shell: frame.shell("Queue", "/queue").await?,
            queue: frame.present.view().queue(&wanted).await?,
            back: format!("/queue?{}", narrow.trim_start_matches('&')),
            narrow,
            profile: wanted.profile.unwrap_or_default(),
            feed: wanted.feed.unwrap_or_default(),
            profiles: frame.profiles(),
        };
        Ok(rendered(StatusCode::OK, &page))
    };
    answer(page.await)
}

pub(super) async fn posts(
    State(web): State<Arc<Web>>,
    Extension(visitor): Extension<Visitor>,
    asked: Asked,
) -> Response {
    let frame = Frame::new(&web, visitor, asked);
    let page = async {
        let wanted = frame.wanted();
        let state = wanted.state.map_or("", PostState::word);
        let title = if state.is_empty() {
            "All posts".to_owned()
        } else {
            format!("Posts that are {state}")
        };
        let more = format!("/posts?state={state}{}", narrowed(&wanted));
        let page = PostsPage {
            shell: frame.shell(&title, "/queue").await?,
            page: frame.present.view().posts(&wanted).await?,
            back: more.clone(),
            more,
        };
        Ok(rendered(StatusCode::OK, &page))
    };
    answer(page.await)
}

pub(super) async fn post(
    State(web): State<Arc<Web>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    asked: Asked,
) -> Response {
    let frame = Frame::new(&web, visitor, asked);
    let page = async { one_post(&frame, number(&id)?, None).await };
    answer(page.await)
}

/// The page of a post whose new text can't be sent, with what was typed and why not.
pub(super) async fn corrected(
    web: &Web,
    visitor: &Visitor,
    id: i64,
    typed: (&str, &Trouble),
) -> Shown {
    one_post(&Frame::new(web, visitor.clone(), Ok(Query(HashMap::new()))), id, Some(typed)).await
}

async fn one_post(frame: &Frame<'_>, id: i64, typed: Option<(&str, &Trouble)>) -> Shown {
    let found = frame.present.daemon.store.post(id).await?;
    let post = found.ok_or_else(|| Trouble::no_such_post(id))?;
    let mut told = frame.present.view().told(&post).await?;
    let mut status = StatusCode::OK;
    let mut shell = frame.shell(&format!("Post {id}"), "/queue").await?;
    let mut flaw = None;
    if let Some((text, trouble)) = typed {
        if told.card.can(Act::Edit) {
            let checked = frame.present.check(id, text).await?;
            told.card.typed = Some(text.to_owned());
            told.card.typed_length = Some(checked.weighted_length);
        }
        status = trouble.status;
        shell.is_live = false;
        flaw = Some(format!("{}: {}.", super::capital(&trouble.what), trouble.remedy));
    }
    let page = PostPage { shell, told, back: format!("/posts/{id}"), flaw };
    Ok(rendered(status, &page))
}

pub(super) async fn history(
    State(web): State<Arc<Web>>,
    Extension(visitor): Extension<Visitor>,
    asked: Asked,
) -> Response {
    let frame = Frame::new(&web, visitor, asked);
    let page = async {
        let wanted = frame.wanted();
        let state = wanted.state.map_or("", PostState::word).to_owned();
        let page = HistoryPage {
            shell: frame.shell("History", "/history").await?,
            page: frame.present.view().history(&wanted).await?,
            more: format!("/history?state={state}{}", narrowed(&wanted)),
            state,
            profile: wanted.profile.unwrap_or_default(),
            feed: wanted.feed.unwrap_or_default(),
        };
        Ok(rendered(StatusCode::OK, &page))
    };
    answer(page.await)
}

pub(super) async fn feeds(
    State(web): State<Arc<Web>>,
    Extension(visitor): Extension<Visitor>,
    asked: Asked,
) -> Response {
    let frame = Frame::new(&web, visitor, asked);
    let page = async {
        let from = frame.given("from").and_then(|from| from.parse().ok()).unwrap_or(0);
        let shell = frame.shell("Feeds", "/feeds").await?;
        let feeds = frame.present.view().feeds(from).await?;
        Ok(rendered(StatusCode::OK, &FeedsPage { shell, feeds }))
    };
    answer(page.await)
}

pub(super) async fn cost(
    State(web): State<Arc<Web>>,
    Extension(visitor): Extension<Visitor>,
    asked: Asked,
) -> Response {
    let frame = Frame::new(&web, visitor, asked);
    let page = async {
        let shell = frame.shell("Cost", "/cost").await?;
        let cost = frame.present.view().cost().await?;
        let chart = Chart::of(&cost);
        Ok(rendered(StatusCode::OK, &CostPage { shell, cost, chart }))
    };
    answer(page.await)
}

pub(super) async fn explain(
    State(web): State<Arc<Web>>,
    Extension(visitor): Extension<Visitor>,
    asked: Asked,
) -> Response {
    let frame = Frame::new(&web, visitor, asked);
    let page = async {
        let q = frame.given("q").unwrap_or_default();
        let shell = frame.shell("Explain", "/explain").await?;
        let found = frame.present.view().explain(&q).await?;
        let back =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("q", &q).finish();
        let page = ExplainPage { shell, found, q, back: format!("/explain?{back}") };
        Ok(rendered(StatusCode::OK, &page))
    };
    answer(page.await)
}

pub(super) async fn pausing(
    State(web): State<Arc<Web>>,
    Extension(visitor): Extension<Visitor>,
    asked: Asked,
) -> Response {
    let frame = Frame::new(&web, visitor, asked);
    let page = async {
        let shell = Shell { is_live: false, ..frame.shell("Pause and resume", "/pause").await? };
        let stops = frame.present.view().stops().await?;
        Ok(rendered(StatusCode::OK, &PausePage { shell, stops, profiles: frame.profiles() }))
    };
    answer(page.await)
}
