//! Published posts whose headline the feed changed afterwards, for `status`.
//!
//! Promises: the latest few and how many there are, of the last days. Must not: change or delete a post.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::out::{self, Tone};
use super::setup::View;
use crate::store::posts::Post;

/// How long a correction is shown.
const SHOWN_FOR: TimeDelta = TimeDelta::days(7);
/// Corrections that are shown one by one.
const SHOWN_MAX: usize = 5;
/// Corrections that are counted at most.
const COUNTED_MAX: u32 = 1_000;

/// The corrected posts, latest first.
pub(super) async fn latest(view: &View) -> Result<Vec<Post>, anyhow::Error> {
    Ok(view.store.corrected(view.now - SHOWN_FOR, COUNTED_MAX).await?)
}

pub(super) fn say(view: &View, posts: &[Post]) {
    for post in posts.iter().take(SHOWN_MAX) {
        let at = post.aftermath.corrected_at.unwrap_or(view.now);
        let line = format!(
            "CORRECTED post {} on {}, {}: the headline is now {:?}",
            post.id,
            post.lane,
            out::when(at, view.zone(&post.lane), view.now),
            out::short(&post.aftermath.correction, 80)
        );
        out::say(&out::tone(&line, Tone::Bad));
        if let Some(url) = &post.life.receipt.url {
            out::say(&format!("  {url}"));
        }
    }
    if posts.len() > SHOWN_MAX {
        let number = out::count(posts.len(), "post");
        out::say(&format!("… {number} corrected in the last 7 days; `tidings history` shows all"));
    }
    if !posts.is_empty() {
        out::say(
            "  do: look whether what is out is wrong; `tidings delete POST` takes it down; nothing \
             is posted anew by itself",
        );
    }
}

pub(super) fn as_json(posts: &[Post]) -> Value {
    json!({
        "count": posts.len(),
        "latest": posts.iter().take(SHOWN_MAX).map(|post| json!({
            "post": post.id,
            "profile": post.lane.profile,
            "platform": post.lane.platform,
            "corrected_at": post.aftermath.corrected_at,
            "headline": post.aftermath.correction,
            "url": post.life.receipt.url,
        })).collect::<Vec<_>>(),
    })
}
