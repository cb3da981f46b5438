//! After a restore: what may have been sent in the time that the database forgot.
//!
//! Promises: each such post is looked up in Ayrshare's history before it is sent, under any of its
//! later keys too. Must not: send.

use chrono::{DateTime, Utc};
use tracing::{info, warn};

use super::{Daemon, Error};
use crate::domain::post::{Event, State};
use crate::store::posts::{Post, Who};

/// Posts that are put in doubt in one transaction.
const DOUBTED_AT_ONCE: u32 = 200;

impl Daemon {
    /// Puts queued posts in doubt that may have been sent, so that they are looked up.
    pub(super) async fn doubt_forgotten(&self) -> Result<(), Error> {
        loop {
            let ids = self.store.forgotten_in_line(DOUBTED_AT_ONCE).await?;
            if ids.is_empty() {
                return Ok(());
            }
            let since = self.store.forgotten_since().await?.unwrap_or_default();
            let mut tx = self.store.begin(self.now()).await?;
            let (mut doubted, mut held) = (0, 0);
            for id in ids {
                let Some(post) = tx.post(id).await?.filter(|it| it.life.state == State::Queued)
                else {
                    continue;
                };
                let may_be_told =
                    tx.is_digest(id).await? || self.may_gather(&post.feed, &post.lane);
                if may_be_told && post.life.sends == 0 && !post.life.doubtful {
                    // Its entries may be out in a digest of another name, which no look-up finds.
                    let why = "the database was restored from a backup, and what this post \
                               tells of may be out in a digest already: look on the network first";
                    let event = Event::Hold { why: why.to_owned() };
                    self.turn(&mut tx, &post, &event, Who::Daemon).await?;
                    tx.remember(id).await?;
                    held += 1;
                    continue;
                }
                let event = Event::Doubt(why(since));
                self.turn(&mut tx, &post, &event, Who::Daemon).await?;
                doubted += 1;
            }
            tx.commit().await?;
            if doubted > 0 {
                info!(posts = doubted, "{doubted} posts are looked up first: {}", why(since));
                self.wake();
            }
            if held > 0 {
                warn!(posts = held, "{held} posts are held: `tidings status` asks about them");
            }
        }
    }

    /// Since when a post may have been sent without being remembered; `None` where all is known.
    pub(super) async fn forgotten_since(
        &self,
        post: &Post,
    ) -> Result<Option<DateTime<Utc>>, Error> {
        if !self.store.is_forgotten(post.id).await? {
            return Ok(None);
        }
        Ok(self.store.forgotten_since().await?)
    }
}

fn why(since: DateTime<Utc>) -> String {
    let since = since.format("%Y-%m-%d %H:%M");
    format!("restored from a backup of {since} UTC: it may have been sent since")
}
