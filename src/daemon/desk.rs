//! What a person does by hand: to posts, to sending, to feeds. The command line and the page use it.
//!
//! Promises: each act is one transaction, works beside a running daemon, and says what came of it.
//! Must not: send anything; it changes rows, and the daemon acts on them within a second.

use chrono::{DateTime, Utc};

use super::stops::close;
use super::{Error, turn};
use crate::config::Config;
use crate::domain::backoff::{Backoff, Jitter};
use crate::domain::breaker::{Cause, Scope};
use crate::domain::post::{Event, Rules, State};
use crate::store::Store;
use crate::store::breakers::Breaker;
use crate::store::posts::{Post, Who};

/// The desk of one person: the database, the config and the time of what is done.
#[derive(Debug)]
pub struct Desk<'a> {
    /// The database.
    pub store: &'a Store,
    /// The config.
    pub config: &'a Config,
    /// When it is done.
    pub now: DateTime<Utc>,
}

impl Desk<'_> {
    /// Approves, skips, retries or sends now one post; gives it as it is then.
    ///
    /// # Errors
    ///
    /// Where there is no such post, or it can't be done with a post in its state.
    pub async fn act(&self, id: i64, event: &Event) -> Result<Post, Error> {
        let mut tx = self.store.begin(self.now).await?;
        let Some(post) = tx.post(id).await? else {
            return Err(Error::NoSuchPost(id));
        };
        if post.text.is_empty() && *event != Event::Skip {
            return Err(Error::NothingToSend(id));
        }
        if post.life.state == State::Unconfirmed {
            // The person says whether it is out, and with it whether it was billed.
            tx.settle_ledger(id, *event == Event::Skip).await?;
        }
        let life = turn(&mut tx, &post, event, &self.rules(), Who::Person).await?;
        tx.by_hand().await?;
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
            turn(&mut tx, post, &Event::Approve, &self.rules(), Who::Person).await?;
        }
        tx.by_hand().await?;
        tx.commit().await?;
        Ok(held.len())
    }

    /// Stops sending, for one profile or for all.
    ///
    /// # Errors
    ///
    /// Where there is no such profile.
    pub async fn pause(
        &self,
        profile: Option<&str>,
        until: Option<DateTime<Utc>>,
    ) -> Result<Scope, Error> {
        let scope = self.scope(profile)?;
        let mut tx = self.store.begin(self.now).await?;
        let breaker = Breaker {
            scope: scope.clone(),
            cause: Cause::Paused,
            opened_at: self.now,
            closed_at: None,
            strikes: 0,
            probe_at: until,
            detail: "by `tidings pause`".to_owned(),
        };
        tx.save_breaker(&breaker).await?;
        tx.by_hand().await?;
        tx.commit().await?;
        Ok(scope)
    }

    /// Ends the stops of one profile and its lanes, or all stops; gives those that were open.
    ///
    /// # Errors
    ///
    /// Where there is no such profile.
    pub async fn resume(&self, profile: Option<&str>) -> Result<Vec<Breaker>, Error> {
        self.scope(profile)?;
        let mut tx = self.store.begin(self.now).await?;
        let mut ended = Vec::new();
        for breaker in tx.open_breakers().await? {
            let ends = match (&breaker.scope, profile) {
                (_, None) => true,
                (Scope::All, Some(_)) => false,
                (Scope::Profile(name), Some(wanted)) => name == wanted,
                (Scope::Lane(lane), Some(wanted)) => lane.profile == wanted,
            };
            if ends {
                close(&mut tx, Breaker { strikes: 0, ..breaker.clone() }).await?;
                ended.push(breaker);
            }
        }
        tx.by_hand().await?;
        tx.commit().await?;
        Ok(ended)
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
        }
        tx.by_hand().await?;
        tx.commit().await?;
        Ok(())
    }

    fn scope(&self, profile: Option<&str>) -> Result<Scope, Error> {
        let Some(name) = profile else {
            return Ok(Scope::All);
        };
        if self.config.profile(name).is_none() {
            let known: Vec<&str> =
                self.config.profiles.iter().map(|profile| profile.name.as_str()).collect();
            return Err(Error::NoSuchProfile { name: name.to_owned(), known: known.join(", ") });
        }
        Ok(Scope::Profile(name.to_owned()))
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
