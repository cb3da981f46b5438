//! Posts whose feed or lane left the config: held with the reason until a person says, or until it
//! comes back.
//!
//! Promises: nothing of them is sent without a word, and nothing is dropped; what a person let go
//! is not held a second time. Must not: touch what may have been sent already.

use tracing::{info, warn};

use super::{Daemon, Error};
use crate::config::Config;
use crate::domain::breaker::Lane;
use crate::domain::post::{Event, State};
use crate::store::Tx;
use crate::store::posts::Who;

/// What became of posts whose feed or lane went or came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Orphans {
    /// Held, since the config doesn't know their feed or lane any more.
    pub held: usize,
    /// Queued again, since it does.
    pub back: usize,
}

impl Daemon {
    /// Holds the queued posts of feeds and lanes that the config does not know, and queues again
    /// those whose feed and lane are back.
    ///
    /// # Errors
    ///
    /// Only where the database fails.
    pub async fn mind_orphans(&self) -> Result<Orphans, Error> {
        let mut tx = self.store.begin(self.now()).await?;
        let orphans = self.mind_orphans_in(&mut tx).await?;
        tx.commit().await?;
        orphans.log();
        Ok(orphans)
    }

    pub(super) async fn mind_orphans_in(&self, tx: &mut Tx) -> Result<Orphans, Error> {
        let mut orphans = Orphans::default();
        for post in tx.orphans().await? {
            if gone(&self.config, &post.feed, &post.lane).is_some() {
                continue;
            }
            tx.adopt(post.id).await?;
            if post.life.state == State::Held {
                self.turn(tx, &post, &Event::Approve, Who::Daemon).await?;
                orphans.back += 1;
            }
        }
        for (feed, lane) in tx.queued_ways().await? {
            let Some(why) = gone(&self.config, &feed, &lane) else { continue };
            let event = Event::Hold { why };
            for post in tx.queued_on(&feed, &lane).await? {
                // What may be out already goes its way.
                if self.turn(tx, &post, &event, Who::Daemon).await.is_ok() {
                    tx.orphan(post.id).await?;
                    orphans.held += 1;
                }
            }
        }
        Ok(orphans)
    }
}

impl Orphans {
    pub(super) fn log(self) {
        let Self { held, back } = self;
        if held > 0 {
            warn!(
                posts = held,
                "{held} posts are held, since their feed or lane is no longer in the config: \
                 `tidings status` asks what to do with them"
            );
        }
        if back > 0 {
            info!(posts = back, "{back} posts are queued again: their feed and lane are back");
        }
    }
}

/// Why the config has no such way for a post, if it hasn't.
fn gone(config: &Config, feed: &str, lane: &Lane) -> Option<String> {
    let Some(known) = config.feed(feed) else {
        return Some(format!("its feed {feed} is no longer in the config"));
    };
    if !config.has_lane(lane) {
        return Some(format!("its lane {lane} is no longer in the config"));
    }
    (!known.profiles.contains(&lane.profile))
        .then(|| format!("its feed {feed} no longer goes to profile {}", lane.profile))
}
