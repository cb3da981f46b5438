//! What a person does by hand: to posts, to sending, to feeds. The command line and the page use it.
//!
//! Promises: each act is one transaction, works beside a running daemon, leaves a row that says who
//! did what, and says what came of it. Must not: send anything; it changes rows, and the daemon acts
//! on them within a second.

mod order;
mod repost;
mod stops;
mod words;

use chrono::{DateTime, Utc};

use super::outlook::Outlook;
use super::{Error, turn};
use crate::config::Config;
use crate::domain::backoff::{Backoff, Jitter};
use crate::domain::hand::{By, Deed};
use crate::domain::post::{Event, Life, Rules, State};
use crate::store::acts::{NewAct, On};
use crate::store::posts::{Post, Who};
use crate::store::{Store, Tx};
pub use order::Place;
pub use stops::Manner;
pub use words::Checked;

/// The desk of one person: the database, the config, the time of what is done, and the person.
#[derive(Debug)]
pub struct Desk<'a> {
    /// The database.
    pub store: &'a Store,
    /// The config.
    pub config: &'a Config,
    /// When it is done.
    pub now: DateTime<Utc>,
    /// Who does it.
    pub by: By,
}

/// Which posts an act is for, where it is for many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Many<'a> {
    /// Of all feeds.
    All,
    /// Of one feed.
    Feed(&'a str),
}

impl Desk<'_> {
    /// Approves, skips, retries or sends now one post; gives it as it is then.
    ///
    /// # Errors
    ///
    /// Where there is no such post, or it can't be done with a post in its state.
    pub async fn act(&self, id: i64, event: &Event) -> Result<Post, Error> {
        let mut tx = self.store.begin(self.now).await?;
        let post = wanted(&mut tx, id).await?;
        if post.text.is_empty() && *event != Event::Skip {
            return Err(Error::NothingToSend(id));
        }
        if let Some(digest) = tx.told_in(id).await? {
            return Err(Error::ToldElsewhere { post: id, digest });
        }
        if post.life.state == State::Unconfirmed {
            // The person says whether it is out, and with it whether it was billed.
            tx.settle_ledger(id, *event == Event::Skip).await?;
        }
        let life = self.turn(&mut tx, &post, event).await?;
        tx.commit().await?;
        Ok(Post { life, ..post })
    }

    /// Approves all held posts, or those of one feed; gives how many.
    ///
    /// # Errors
    ///
    /// Only where the database fails.
    pub async fn approve_all(&self, feed: Option<&str>) -> Result<usize, Error> {
        let mut tx = self.store.begin(self.now).await?;
        let held = tx.held(feed).await?;
        for post in &held {
            self.turn(&mut tx, post, &Event::Approve).await?;
        }
        tx.by_hand().await?;
        tx.commit().await?;
        Ok(held.len())
    }

    /// Skips all held, queued and failed posts, or those of one feed; gives how many.
    ///
    /// # Errors
    ///
    /// Only where the database fails.
    pub async fn skip_all(&self, which: Many<'_>) -> Result<usize, Error> {
        let feed = match which {
            Many::All => None,
            Many::Feed(name) => Some(name),
        };
        let mut tx = self.store.begin(self.now).await?;
        let waiting = tx.unsettled(feed).await?;
        for post in &waiting {
            self.turn(&mut tx, post, &Event::Skip).await?;
        }
        tx.by_hand().await?;
        tx.commit().await?;
        Ok(waiting.len())
    }

    /// Has posts sent also without their feed in the config.
    ///
    /// # Errors
    ///
    /// Only where the database fails.
    pub async fn keep_without_feed(&self, posts: &[i64]) -> Result<(), Error> {
        let mut tx = self.store.begin(self.now).await?;
        for post in posts {
            tx.orphan(*post).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Has feeds asked again at once, also those that are gone.
    ///
    /// # Errors
    ///
    /// Only where the database fails.
    pub async fn refresh(&self, feeds: &[&str]) -> Result<(), Error> {
        let mut tx = self.store.begin(self.now).await?;
        for name in feeds {
            tx.refresh_feed(name).await?;
            let on = On::Scope(format!("feed:{name}"));
            self.note(&mut tx, Deed::Refresh, &on, ("", "")).await?;
        }
        tx.by_hand().await?;
        tx.commit().await?;
        Ok(())
    }

    /// Has something happen to a post by hand, and keeps who did it.
    async fn turn(&self, tx: &mut Tx, post: &Post, event: &Event) -> Result<Life, Error> {
        let life = turn(tx, post, event, &self.rules(), Who::Person).await?;
        if let Some(deed) = deed(event) {
            let states = (post.life.state.word(), life.state.word());
            self.note(tx, deed, &On::Post(post.id), states).await?;
        }
        Ok(life)
    }

    async fn note(
        &self,
        tx: &mut Tx,
        deed: Deed,
        on: &On,
        (before, after): (&str, &str),
    ) -> Result<(), Error> {
        tx.note_act(&self.by, &NewAct { deed, on, before, after }).await?;
        Ok(())
    }

    fn outlook(&self) -> Outlook<'_> {
        Outlook { store: self.store, config: self.config }
    }

    /// A person's acts don't wait, so the times of the rules don't matter here.
    fn rules(&self) -> Rules {
        let reconcile_after = self.config.ayrshare.reconcile_after;
        Rules {
            reconcile_after,
            retry: Backoff { first: reconcile_after, max: reconcile_after },
            jitter: Jitter::NONE,
        }
    }
}

/// What a person's event is called; `None` for what only the daemon does, and for what is noted
/// with more than its states.
const fn deed(event: &Event) -> Option<Deed> {
    match event {
        Event::Approve => Some(Deed::Approve),
        Event::Skip => Some(Deed::Skip),
        Event::Retry => Some(Deed::Retry),
        Event::SendNow => Some(Deed::SendNow),
        Event::Reschedule { .. }
        | Event::Hold { .. }
        | Event::Gather { .. }
        | Event::Claim
        | Event::Settle(_)
        | Event::Recover
        | Event::Doubt(_)
        | Event::LookUp { .. }
        | Event::Expire => None,
    }
}

/// A time in an act or a complaint.
fn shown(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

async fn wanted(tx: &mut Tx, id: i64) -> Result<Post, Error> {
    tx.post(id).await?.ok_or(Error::NoSuchPost(id))
}
