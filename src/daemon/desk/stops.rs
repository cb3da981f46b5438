//! The kill switch: sending stopped and begun again by a person.
//!
//! Promises: a pause holds from its commit on, also a request that was about to be made. Must not:
//! touch the queue.

use chrono::{DateTime, Utc};

use super::Desk;
use crate::daemon::Error;
use crate::daemon::stops::close;
use crate::domain::breaker::{Cause, Scope};
use crate::domain::hand::Deed;
use crate::store::acts::On;
use crate::store::breakers::Breaker;

/// What a pause holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Manner {
    /// Everything.
    #[default]
    Everything,
    /// All but what a person approved, sent again or sent now.
    ExceptReleased,
}

impl Desk<'_> {
    /// Stops sending; a pause that is there already is replaced. Gives the stop.
    ///
    /// # Errors
    ///
    /// Where the config doesn't know the scope.
    pub async fn pause(
        &self,
        scope: &Scope,
        until: Option<DateTime<Utc>>,
        manner: Manner,
    ) -> Result<Breaker, Error> {
        self.want(scope)?;
        let mut tx = self.store.begin(self.now).await?;
        let before = tx.breaker(scope, Cause::Paused).await?;
        let before = before.filter(|breaker| breaker.closed_at.is_none());
        let except_released = manner == Manner::ExceptReleased;
        let by = self.by.name();
        let breaker = Breaker {
            scope: scope.clone(),
            cause: Cause::Paused,
            opened_at: self.now,
            closed_at: None,
            strikes: 0,
            probe_at: until,
            detail: if except_released {
                format!("by {by}; what a person releases still goes")
            } else {
                format!("by {by}")
            },
            except_released,
        };
        tx.save_breaker(&breaker).await?;
        let was = before.as_ref().map_or_else(|| "sending".to_owned(), words);
        let on = On::Scope(scope.to_string());
        self.note(&mut tx, Deed::Pause, &on, (&was, &words(&breaker))).await?;
        tx.commit().await?;
        Ok(breaker)
    }

    /// Ends all stops, those of a profile and its lanes, of one lane, or of a feed; gives those that
    /// were open.
    ///
    /// # Errors
    ///
    /// Where the config doesn't know the scope, and nothing of it is stopped.
    pub async fn resume(&self, scope: &Scope) -> Result<Vec<Breaker>, Error> {
        let mut tx = self.store.begin(self.now).await?;
        let mut ended = Vec::new();
        for breaker in tx.open_breakers().await? {
            let ends = match (scope, &breaker.scope) {
                (Scope::All, _) => true,
                (Scope::Profile(wanted), Scope::Lane(lane)) => lane.profile == *wanted,
                (Scope::Profile(_) | Scope::Lane(_) | Scope::Feed(_), other) => scope == other,
            };
            if ends {
                close(&mut tx, Breaker { strikes: 0, ..breaker.clone() }).await?;
                let on = On::Scope(breaker.scope.to_string());
                self.note(&mut tx, Deed::Resume, &on, (&words(&breaker), "sending")).await?;
                ended.push(breaker);
            }
        }
        if ended.is_empty() {
            self.want(scope)?;
        }
        tx.by_hand().await?;
        tx.commit().await?;
        Ok(ended)
    }

    fn want(&self, scope: &Scope) -> Result<(), Error> {
        let config = self.config;
        match scope {
            Scope::All => Ok(()),
            Scope::Profile(name) if config.profile(name).is_some() => Ok(()),
            Scope::Profile(name) => {
                let known: Vec<&str> = config.profiles.iter().map(|it| it.name.as_str()).collect();
                Err(Error::NoSuchProfile { name: name.clone(), known: known.join(", ") })
            }
            Scope::Lane(lane) if config.has_lane(lane) => Ok(()),
            Scope::Lane(lane) => Err(Error::UnknownLane(lane.clone())),
            Scope::Feed(name) if config.feed(name).is_some() => Ok(()),
            Scope::Feed(name) => Err(Error::NoSuchFeed(name.clone())),
        }
    }
}

/// A stop in the list of acts.
fn words(breaker: &Breaker) -> String {
    let what = if breaker.cause != Cause::Paused {
        breaker.cause.sentence()
    } else if breaker.except_released {
        "paused except for released posts"
    } else {
        "paused"
    };
    let until = breaker.probe_at.filter(|_| breaker.cause == Cause::Paused);
    let until =
        until.map(|at| format!(" until {}", at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)));
    format!("{what}{}", until.unwrap_or_default())
}
