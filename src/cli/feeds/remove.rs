//! `tidings feeds remove`: a feed leaves the config, and its queue as the person says.
//!
//! Promises: what waits is neither lost nor sent without a word. Must not: forget what was seen, so
//! that a feed that comes back posts nothing again.

use clap::Args;

use super::adding::write;
use crate::cli::out;
use crate::cli::setup::{Place, View, want};
use crate::cli::{Done, Exit};
use crate::clock::Clock;
use crate::config::edit::Draft;
use crate::domain::post::{Event, State};
use crate::store::Store;
use crate::store::posts::{Post, PostFilter};

/// Waiting posts of one feed that are looked at.
const POSTS_MAX: u32 = 100_000;

#[derive(Debug, Args)]
pub(in crate::cli) struct RemoveArgs {
    /// The feed's name
    feed: String,
    /// Leave out its posts that wait
    #[arg(long, conflicts_with = "keep_queue")]
    skip_queue: bool,
    /// Publish its posts that wait all the same
    #[arg(long)]
    keep_queue: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(place: &Place, args: &RemoveArgs) -> Done {
    let config = match place.config() {
        Ok(config) => config,
        Err(exit) => return Ok(exit),
    };
    let known = config.feeds.iter().map(|feed| feed.name.as_str());
    if let Err(exit) = want("feed", Some(&args.feed), known) {
        return Ok(exit);
    }
    let view = if config.store.path.exists() {
        let store = Store::open(&config.store.path).await?;
        Some(View { config, store, now: Clock::System.now(), by: place.caller() })
    } else {
        None
    };
    let waiting = match &view {
        Some(view) => waiting(view, &args.feed).await?,
        None => Vec::new(),
    };
    if !waiting.is_empty() && !args.skip_queue && !args.keep_queue {
        out::complain(&format!(
            "error: {} of feed {} wait: say --skip-queue to leave them out, or --keep-queue to \
             publish them all the same",
            out::count(waiting.len(), "post"),
            args.feed
        ));
        return Ok(Exit::Failed);
    }
    let mut draft = Draft::open(&place.config)?;
    draft.remove(&args.feed)?;
    let exit = write(&draft, place, args.dry_run, &format!("feed {} removed", args.feed))?;
    if exit == Exit::Done
        && args.skip_queue
        && let Some(view) = &view
    {
        skip(view, &waiting, args.dry_run).await?;
    } else if exit == Exit::Done && !waiting.is_empty() {
        out::say(&format!("{} stay in the queue", out::count(waiting.len(), "post")));
    }
    Ok(exit)
}

async fn waiting(view: &View, feed: &str) -> Result<Vec<Post>, anyhow::Error> {
    let mut waiting = Vec::new();
    for state in [State::Held, State::Queued, State::Sending, State::Unconfirmed] {
        let filter = PostFilter { state: Some(state), feed: Some(feed), profile: None };
        waiting.extend(view.store.posts(&filter, POSTS_MAX).await?);
    }
    Ok(waiting)
}

/// Leaves out what is not on its way yet.
async fn skip(view: &View, waiting: &[Post], dry_run: bool) -> Result<(), anyhow::Error> {
    let mut skipped = 0_usize;
    for post in waiting {
        let may = matches!(post.life.state, State::Held | State::Queued);
        // A daemon beside us may have taken it in the meantime.
        if may && (dry_run || view.desk().act(post.id, &Event::Skip).await.is_ok()) {
            skipped += 1;
        }
    }
    let verb = if dry_run { "would be left out" } else { "left out" };
    out::say(&format!("{} {verb}", out::count(skipped, "post")));
    let left = waiting.len().saturating_sub(skipped);
    if left > 0 {
        out::say(&format!(
            "{} on the way already: `tidings queue list` shows what becomes of them",
            out::count(left, "post")
        ));
    }
    Ok(())
}
