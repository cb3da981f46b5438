//! A run against the simulated Ayrshare.
//!
//! Promises: the real database is at most read, the copy of a dry run goes at the end, and what a
//! dry run would publish is told whole. Must not: reach Ayrshare.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::net::TcpListener;
use tracing::info;

use super::super::scratch::Scratch;
use super::super::setup::View;
use super::super::{out, plan};
use super::RunArgs;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::cost::Usd;
use crate::domain::hand::{By, Door};
use crate::domain::post::State;
use crate::domain::weight::weighted_length;
use crate::sandbox::{Options, Sandbox};
use crate::store::Store;
use crate::store::posts::{Post, PostFilter};

/// Posts of a dry run that are shown.
const SHOWN_MAX: u32 = 1000;
/// How far ahead a dry run tells the plan.
const AHEAD: TimeDelta = TimeDelta::days(7);

/// The sandbox of one run, and a database that is not the real one.
pub(super) struct Rehearsal {
    pub(super) config: Arc<Config>,
    sandbox: Sandbox,
    copy: Option<Scratch>,
    started_at: DateTime<Utc>,
}

impl Rehearsal {
    pub(super) async fn new(config: &Config, args: &RunArgs) -> Result<Self, anyhow::Error> {
        let listener =
            TcpListener::bind("127.0.0.1:0").await.context("cannot start the sandbox")?;
        let sandbox = Sandbox::start(listener, Options::new(Clock::System, weighted_length))
            .context("cannot start the sandbox")?;
        let mut config = config.clone();
        config.ayrshare.base_url = sandbox.url().parse().context("the sandbox has no address")?;
        let real = config.store.path.clone();
        let copy = if args.is_dry() {
            let scratch = Scratch::new("dry-run")?;
            config.store.path = scratch.path().join("tidings.db");
            config.web.listen = None;
            copy(&real, &config.store.path).await?;
            Some(scratch)
        } else {
            config.store.path = real.with_extension("sandbox.db");
            None
        };
        info!(
            "a rehearsal: the sandbox at {} takes the posts, and the database is {}",
            sandbox.url(),
            config.store.path.display()
        );
        let started_at = Clock::System.now();
        Ok(Self { config: Arc::new(config), sandbox, copy, started_at })
    }

    /// Tells what would have been published, or where to look.
    pub(super) async fn end(self, store: &Store) -> Result<(), anyhow::Error> {
        if self.copy.is_some() {
            self.tell(store).await?;
        } else {
            out::complain(&format!(
                "nothing left this machine; to look at it: TIDINGS__STORE__PATH={} tidings status",
                self.config.store.path.display()
            ));
        }
        self.sandbox.shutdown().await;
        Ok(())
    }

    async fn tell(&self, store: &Store) -> Result<(), anyhow::Error> {
        let config = Arc::clone(&self.config);
        let by = By::new(Door::Command, "");
        let view = View { config, store: store.clone(), now: Clock::System.now(), by };
        let filter = PostFilter { state: Some(State::Posted), ..PostFilter::default() };
        let posts = store.posts(&filter, SHOWN_MAX).await?;
        let new = |post: &&Post| post.life.posted_at.is_some_and(|at| at >= self.started_at);
        let mut posts: Vec<&Post> = posts.iter().filter(new).collect();
        posts.sort_by_key(|post| (post.life.posted_at, post.id));
        let cost: Usd = posts.iter().map(|post| view.outlook().cost_of(post)).sum();
        for post in &posts {
            let limit = view.config.length_limit(&post.feed, &post.lane.platform);
            out::say(&format!(
                "\nwould publish on {}, {}/{limit}, {}:",
                post.lane,
                post.weighted_length,
                view.outlook().cost_of(post)
            ));
            post.text.lines().for_each(|line| out::say(&format!("  │ {line}")));
        }
        let until = view.now + AHEAD;
        let lanes = plan::lanes(&view, until).await?;
        if !lanes.is_empty() {
            out::say("\nand later:");
        }
        for (lane, plan) in &lanes {
            plan::show(&view, lane, plan, until).await?;
        }
        out::say(&format!(
            "dry run: {} would have been published, {cost}; nothing was, and the database is as \
             it was",
            out::count(posts.len(), "post")
        ));
        Ok(())
    }
}

async fn copy(real: &Path, copy: &Path) -> Result<(), anyhow::Error> {
    if real.exists() {
        Store::snapshot(real, copy).await?;
    }
    Ok(())
}
