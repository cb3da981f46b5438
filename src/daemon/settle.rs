//! Settling: what an answer leaves: post, attempt, ledger and breakers.
//!
//! Promises: one transaction; an answer that is known is not lost because the database fails for a
//! while. Must not: decide what the answer means.

use chrono::{DateTime, TimeDelta, Utc};
use tracing::{error, info, warn};

use super::media::noted;
use super::news::News;
use super::{Daemon, Error, stops};
use crate::domain::breaker::{Cause, Lane, Scope};
use crate::domain::media::Media;
use crate::domain::outcome::{Outcome, Refusal};
use crate::domain::post::{Event, State};
use crate::store::Tx;
use crate::store::attempts::Ended;
use crate::store::posts::{Post, Who};

/// After an answer could not be written it is tried again this much later.
const SETTLE_AGAIN: TimeDelta = TimeDelta::seconds(5);
/// Requests in a row on one lane without a usable answer, or refused for unknown reasons, before
/// the lane stops.
const IN_A_ROW: u32 = 3;
/// Posts in a row on one lane refused for whatever reason, before the lane stops: refused requests
/// wait for no gap, and X may bill them.
const DEAD_IN_A_ROW: u32 = 5;

impl Daemon {
    /// Settles, and tries again while the database fails: an answer that is known must not get lost
    /// because the disk is full for a while.
    pub(super) async fn settle_surely(
        &self,
        post: &Post,
        outcome: &Outcome,
    ) -> Result<State, Error> {
        loop {
            let error = match self.settle(post, outcome).await {
                Ok(state) => return Ok(state),
                Err(error @ (Error::Refused(_) | Error::NoSuchPost(_))) => return Err(error),
                Err(error) => error,
            };
            if self.stop.drain.is_cancelled() {
                return Err(error);
            }
            error!(
                post.id = post.id,
                "the answer for post {} can't be written, tried again in 5 s: {}",
                post.id,
                crate::http::chain(&error)
            );
            self.clock.sleep_until(self.now() + SETTLE_AGAIN).await;
        }
    }

    /// Writes what the answer meant: post, attempt, ledger and breakers in one transaction.
    async fn settle(&self, post: &Post, outcome: &Outcome) -> Result<State, Error> {
        let mut tx = self.store.begin(self.now()).await?;
        let Some(present) = tx.post(post.id).await? else {
            return Err(Error::NoSuchPost(post.id));
        };
        let life =
            self.turn(&mut tx, &present, &Event::Settle(outcome.clone()), Who::Daemon).await?;
        let refusal = refusal_of(outcome);
        let ended = Ended { outcome: word(outcome), refusal: &refusal, billed: is_billed(outcome) };
        let sent_at = tx.end_attempt(post.id, &ended).await?;
        if life.state == State::Posted {
            tx.settle_ledger(post.id, true).await?;
        }
        if let Outcome::WithoutMedia(refusal) = outcome {
            let note = format!("its media were left out: {}", refusal.message);
            let notes = noted(&present.notes, &[note]);
            tx.save_media(post.id, &Media::Chosen(Vec::new()), &notes).await?;
        }
        let stops = self.stops(&mut tx, (&post.lane, sent_at), outcome).await?;
        stops::commit(tx, &stops).await?;
        log_settled(post, outcome, &life.reason);
        self.tell(News::Settled {
            post: post.id,
            lane: post.lane.clone(),
            state: life.state,
            reason: life.reason,
            url: life.receipt.url,
            by_lookup: false,
        });
        self.tell_stops(stops);
        Ok(life.state)
    }

    /// What an outcome means for the breakers.
    async fn stops(
        &self,
        tx: &mut Tx,
        (lane, sent_at): (&Lane, DateTime<Utc>),
        outcome: &Outcome,
    ) -> Result<Vec<News>, Error> {
        let own = Scope::Lane(lane.clone());
        let opened = match outcome {
            Outcome::Posted(_) => return self.passed(tx, lane, sent_at).await,
            Outcome::Stop { cause, scope, after, refusal } => {
                self.open(tx, (scope, *cause), *after, &refusal.message).await?
            }
            Outcome::Unsent(refusal) => {
                self.open(tx, (&Scope::All, Cause::Unreachable), None, &refusal.message).await?
            }
            Outcome::Unknown { refusal, .. } => {
                let last = tx.last_outcomes(lane, IN_A_ROW).await?;
                if is_row(&last, IN_A_ROW, |(outcome, _)| outcome == "unknown") {
                    self.open(tx, (&own, Cause::Unanswered), None, &refusal.message).await?
                } else {
                    None
                }
            }
            Outcome::Dead(refusal) => {
                let last = tx.last_outcomes(lane, DEAD_IN_A_ROW).await?;
                let dead = |(outcome, _): &(String, Option<i64>)| outcome == "dead";
                let unfamiliar = |one: &(String, Option<i64>)| {
                    dead(one) && !Refusal { code: one.1, ..Refusal::default() }.is_familiar()
                };
                if is_row(&last, IN_A_ROW, unfamiliar) || is_row(&last, DEAD_IN_A_ROW, dead) {
                    self.open(tx, (&own, Cause::Refusals), None, &refusal.message).await?
                } else {
                    None
                }
            }
            Outcome::Retry { .. } | Outcome::WithoutMedia(_) => None,
        };
        Ok(opened.into_iter().collect())
    }
}

/// Whether the newest `count` all are so.
fn is_row<T>(last: &[T], count: u32, is: impl Fn(&T) -> bool) -> bool {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    last.get(..count).is_some_and(|newest| newest.iter().all(is))
}

const fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Posted(_) => "posted",
        Outcome::Retry { .. } | Outcome::WithoutMedia(_) => "retry",
        Outcome::Unsent(_) => "unsent",
        Outcome::Dead(_) => "dead",
        Outcome::Stop { .. } => "stop",
        Outcome::Unknown { .. } => "unknown",
    }
}

fn refusal_of(outcome: &Outcome) -> Refusal {
    match outcome {
        Outcome::Posted(_) => Refusal::default(),
        Outcome::Retry { refusal, .. }
        | Outcome::Unsent(refusal)
        | Outcome::WithoutMedia(refusal)
        | Outcome::Dead(refusal)
        | Outcome::Stop { refusal, .. }
        | Outcome::Unknown { refusal, .. } => refusal.clone(),
    }
}

/// What X bills: what is published, and what may be until that is known.
const fn is_billed(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Posted(_) | Outcome::Unknown { .. } => true,
        Outcome::Retry { .. }
        | Outcome::Unsent(_)
        | Outcome::WithoutMedia(_)
        | Outcome::Dead(_)
        | Outcome::Stop { .. } => false,
    }
}

fn log_settled(post: &Post, outcome: &Outcome, reason: &str) {
    let (id, lane) = (post.id, &post.lane);
    match outcome {
        Outcome::Posted(receipt) => info!(
            post.id = id,
            %lane,
            url = receipt.url.as_deref(),
            "post {id} is published on {lane}"
        ),
        Outcome::Retry { .. } => {
            warn!(post.id = id, %lane, "post {id} was refused for now, will be tried again: {reason}");
        }
        Outcome::Unsent(_) => {
            warn!(post.id = id, %lane, "post {id} did not leave, waits in the queue: {reason}");
        }
        Outcome::WithoutMedia(_) => {
            warn!(post.id = id, %lane, "post {id} was refused for its media, goes without: {reason}");
        }
        Outcome::Dead(_) => error!(
            post.id = id,
            %lane,
            "post {id} was refused and failed: {reason}; see `tidings queue show {id}`"
        ),
        Outcome::Stop { .. } => {
            warn!(post.id = id, %lane, "post {id} waits behind a stop: {reason}");
        }
        Outcome::Unknown { .. } => warn!(
            post.id = id,
            %lane,
            "post {id} has an unknown outcome, it is looked up in the history: {reason}"
        ),
    }
}
