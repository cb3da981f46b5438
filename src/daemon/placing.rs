//! An entry on a lane → its row in the queue.
//!
//! Promises: a post's identity is that of its entry on its lane, and with it its idempotency key. Must
//! not: choose, or word.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::lanes::Placed;
use super::news::News;
use super::recipe::Beside;
use super::{Daemon, Error};
use crate::config;
use crate::domain::breaker::Lane;
use crate::domain::entry::{Entry, Key};
use crate::domain::plan::Priority;
use crate::domain::post::State;
use crate::store::Tx;
use crate::store::posts::NewPost;

/// A new entry on one of its lanes.
#[derive(Clone, Copy)]
pub(super) struct FreshPost<'a> {
    pub(super) feed: &'a config::Feed,
    pub(super) entry: &'a Entry,
    /// The entry's number.
    pub(super) number: i64,
    pub(super) lane: &'a Lane,
    pub(super) beside: &'a Beside,
    /// How urgent it is.
    pub(super) priority: Priority,
}

/// Keeps a new post; one of a digest goes at the digest's instant, from which its expiry counts.
pub(super) async fn keep_post(
    tx: &mut Tx,
    fresh: &FreshPost<'_>,
    placed: &Placed,
    digest_at: Option<DateTime<Utc>>,
) -> Result<i64, Error> {
    let FreshPost { feed, entry, number, lane, beside, priority } = *fresh;
    let composed = &placed.composed;
    let mut uuid = uuid_of(feed, entry, lane).to_string();
    if tx.has_uuid(&uuid).await? {
        uuid = Uuid::new_v4().to_string();
    }
    let post = NewPost {
        uuid,
        entry_id: number,
        feed: &feed.name,
        lane,
        text: &composed.text,
        weighted_length: composed.weighted_length,
        has_link: composed.has_link,
        notes: &composed.notes.join("\n"),
        media: &beside.media,
        options: &beside.options,
        state: placed.state,
        reason: &placed.reason,
        priority,
        not_before: digest_at.unwrap_or(tx.now + feed.pace.embargo),
        expires_at: feed.expire_after.map(|after| digest_at.unwrap_or(tx.now) + after),
    };
    Ok(tx.insert_post(&post).await?)
}

impl Daemon {
    /// What to tell of a new post.
    pub(super) fn told(
        &self,
        post: i64,
        lane: &Lane,
        (placed, beside): (&Placed, &Beside),
    ) -> News {
        let Placed { composed, state, reason, .. } = placed;
        if *state == State::Skipped {
            return News::Settled {
                post,
                lane: lane.clone(),
                state: *state,
                reason: reason.clone(),
                url: None,
                by_lookup: false,
            };
        }
        News::Queued {
            post,
            lane: lane.clone(),
            state: *state,
            cost: self.config.cost(lane, composed.has_link, &beside.media),
            text: composed.text.clone(),
            weighted_length: composed.weighted_length,
        }
    }
}

/// The identity of a post, and with it its idempotency key: the same for the same entry on the same
/// lane, so that Ayrshare refuses it a second time also where our database was lost or restored.
fn uuid_of(feed: &config::Feed, entry: &Entry, lane: &Lane) -> Uuid {
    let mut hash = Sha256::new();
    let key = entry.keys.first().map_or("", Key::as_str);
    for part in ["tidings", feed.url.as_str(), key, &lane.profile, &lane.platform] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(hash.finalize()) {
        *to = from;
    }
    Uuid::new_v8(bytes)
}
