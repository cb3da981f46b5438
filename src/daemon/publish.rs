//! Publishing: which lane sends which post now, the intent, the request, the settlement.
//!
//! Promises: a request leaves only after its attempt row is on disk; a lane has at most one request
//! out; whatever the answer, it is settled in one transaction. Must not: retry anything by itself;
//! what comes next is a row.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use tracing::{debug, info, warn};

use super::agenda::Agenda;
use super::news::News;
use super::passing::Passing;
use super::stops::strike;
use super::{Daemon, Error};
use crate::ayrshare::PostRequest;
use crate::domain::breaker::{Cause, Ending, Lane, Scope, is_due};
use crate::domain::media::Media;
use crate::domain::outcome::{self, Refusal, Reply, Sent};
use crate::domain::plan::Decision;
use crate::domain::post::{Event, State};
use crate::killpoint;
use crate::store::attempts::Ended;
use crate::store::breakers::Breaker;
use crate::store::posts::{Post, Who};

/// A lane whose stop is being probed by another lane looks again after this long.
const PROBE_PAUSE: TimeDelta = TimeDelta::seconds(1);
/// Posts that are expired in one transaction.
const EXPIRE_MAX: u32 = 500;

/// What is to be sent now, and when to look again.
#[derive(Debug, Default)]
pub struct Due {
    /// Lane and post, at most one for each lane.
    pub ready: Vec<(Lane, i64)>,
    /// When something becomes due by itself; `None`: only a change can make it so.
    pub next_at: Option<DateTime<Utc>>,
}

/// What one tick did.
#[derive(Debug, Default)]
pub struct PublishReport {
    /// Each post that was sent, and where it stands now.
    pub sent: Vec<(i64, State)>,
    /// When to look again.
    pub next_at: Option<DateTime<Utc>>,
}

/// What came of one send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Send {
    /// A request left, and the post stands here now.
    Settled(State),
    /// Somebody changed the post, or stopped the lane, before the intent was written.
    Overtaken,
}

impl Daemon {
    /// Sends what is due, every lane at once, and waits for all answers.
    ///
    /// # Errors
    ///
    /// Only where the database fails.
    pub async fn publish_tick(&self) -> Result<PublishReport, Error> {
        let due = self.due(&HashSet::new(), &mut Agenda::default()).await?;
        let sends = due
            .ready
            .iter()
            .map(|(lane, post)| async move { (*post, self.send(lane, *post).await) });
        let mut report = PublishReport { next_at: due.next_at, ..PublishReport::default() };
        for (post, sent) in join_all(sends).await {
            if let Send::Settled(state) = sent? {
                report.sent.push((post, state));
            }
        }
        Ok(report)
    }

    /// Which post each lane that is not `busy` sends now. Only lanes that the agenda gives for now
    /// are looked at; where it has more of them, the time to look again is now.
    ///
    /// # Errors
    ///
    /// Only where the database fails.
    pub async fn due(&self, busy: &HashSet<Lane>, agenda: &mut Agenda) -> Result<Due, Error> {
        let now = self.now();
        self.expire(now).await?;
        self.end_waits(now).await?;
        self.doubt_forgotten().await?;
        if agenda.is_old(now) {
            agenda.begin(self.store.lanes_in_line().await?, now);
        }
        let breakers = self.store.open_breakers().await?;
        let mut due = Due { next_at: self.store.next_expiry_at().await?, ..Due::default() };
        let mut probing: HashSet<(&Scope, Cause)> = HashSet::new();
        for lane in agenda.take(now, busy) {
            let over: Vec<&Breaker> =
                breakers.iter().filter(|breaker| holds(breaker, &lane)).collect();
            let probes =
                over.iter().any(|breaker| probing.contains(&(&breaker.scope, breaker.cause)));
            let next_at = if !self.config.has_lane(&lane) {
                None
            } else if let Err(next_at) = self.may_pass(&over, now) {
                next_at
            } else if probes {
                // Another lane is the probe; the breaker's next time is news.
                Some(now + PROBE_PAUSE)
            } else {
                self.gather(&lane, now).await?;
                let passing = Passing::under(&breakers, &lane);
                match self.outlook().next_of(&lane, now, &passing).await? {
                    Decision::Wait { until, .. } => Some(until),
                    Decision::Idle => None,
                    Decision::Send { id, due: since, .. } => {
                        self.tally.late(now - since);
                        probing.extend(over.iter().map(|breaker| (&breaker.scope, breaker.cause)));
                        due.ready.push((lane.clone(), id));
                        None
                    }
                }
            };
            agenda.put(lane, next_at);
        }
        due.next_at = earlier(due.next_at, agenda.next_at(busy));
        for breaker in breakers.iter().filter(|breaker| breaker.cause == Cause::Paused) {
            due.next_at = earlier(due.next_at, breaker.probe_at);
        }
        Ok(due)
    }

    /// Sends one post of a lane: intent, request, settlement.
    ///
    /// # Errors
    ///
    /// Only where the database fails: the post is then `sending`, and becomes `unconfirmed` at the
    /// next start.
    pub async fn send(&self, lane: &Lane, id: i64) -> Result<Send, Error> {
        // Before the intent: after it nothing may end the send but an answer.
        let credentials = self.credentials(lane)?;
        if !self.prepare(id).await? {
            return Ok(Send::Overtaken);
        }
        killpoint::reach("prepared").await;
        killpoint::reach("claiming").await;
        let Some((post, doubtful_before)) = self.claim(lane, id).await? else {
            return Ok(Send::Overtaken);
        };
        self.tell(News::Sending {
            post: post.id,
            lane: lane.clone(),
            generation: post.life.generation,
            cost: self.outlook().cost_of(&post),
            headers: credentials.header_names(),
        });
        killpoint::reach("intended").await;
        let request = PostRequest {
            text: &post.text,
            platform: &lane.platform,
            media: post.media.attachments(),
            options: &post.options,
            idempotency_key: &post.key(),
            notes: &post.reference(),
        };
        let reply = tokio::select! {
            reply = self.ayrshare.post(credentials, &request, self.now()) => reply,
            () = self.stop.abort.cancelled() => {
                Reply::Lost { why: "the program was stopped before the answer came".into() }
            }
        };
        killpoint::reach("answered").await;
        let outcome = outcome::classify(
            &reply,
            &Sent {
                lane,
                doubtful_before,
                with_profile_key: credentials.profile_key.is_some(),
                with_media: !post.media.attachments().is_empty(),
            },
        );
        let state = self.settle_surely(&post, &outcome).await?;
        killpoint::reach("settled").await;
        Ok(Send::Settled(state))
    }

    /// Writes the intent. `None` where the post or the lane changed meanwhile.
    async fn claim(&self, lane: &Lane, id: i64) -> Result<Option<(Post, bool)>, Error> {
        let now = self.now();
        let mut tx = self.store.begin(now).await?;
        let Some(post) = tx.post(id).await? else {
            return Ok(None);
        };
        let open = tx.open_breakers().await?;
        let passes = Passing::under(&open, lane).lets(&post.feed, post.life.released);
        let over: Vec<Breaker> = open.into_iter().filter(|breaker| holds(breaker, lane)).collect();
        let is_open = matches!(post.media, Media::Wished(_));
        if post.life.state != State::Queued
            || is_open
            || !passes
            || tx.is_forgotten(id).await?
            || self.may_pass(&over.iter().collect::<Vec<_>>(), now).is_err()
        {
            return Ok(None);
        }
        let Some(post) = self.payable(&mut tx, post, now).await? else {
            return Ok(None);
        };
        // This post is the probe: the next one comes later, also if we die before its answer.
        for breaker in over {
            strike(&mut tx, breaker, self.config.ayrshare.probe_after).await?;
        }
        // After a refusal that may be wrong, a duplicate is evidence too (contract, section 3.3).
        let doubtful_before = post.life.doubtful || post.life.refusals > 0;
        let life = self.turn(&mut tx, &post, &Event::Claim, Who::Daemon).await?;
        let post = Post { life, ..post };
        tx.insert_attempt(&post, self.outlook().cost_of(&post)).await?;
        tx.commit().await?;
        debug!(post.id = post.id, lane = %lane, "the intent is on disk");
        Ok(Some((post, doubtful_before)))
    }

    /// Whether a lane may send under these breakers: under none, or as the probe of one that tries.
    /// Otherwise when to look again; a stop that `GET /user` ends is news when it does.
    fn may_pass(&self, over: &[&Breaker], now: DateTime<Utc>) -> Result<(), Option<DateTime<Utc>>> {
        let base = self.config.ayrshare.probe_after;
        let tries = |breaker: &Breaker| {
            breaker.cause.ending() == Ending::TryOne
                && breaker.probe_at.is_some_and(|at| is_due(at, base, now))
        };
        if over.iter().all(|breaker| tries(breaker)) {
            return Ok(());
        }
        let times = over.iter().filter_map(|breaker| breaker.probe_at);
        Err(times.filter(|at| *at > now).min())
    }

    /// Marks as expired what waited too long.
    async fn expire(&self, now: DateTime<Utc>) -> Result<(), Error> {
        if self.store.next_expiry_at().await?.is_none_or(|at| at > now) {
            return Ok(());
        }
        let mut tx = self.store.begin(now).await?;
        let overdue = tx.overdue(EXPIRE_MAX).await?;
        for post in &overdue {
            self.turn(&mut tx, post, &Event::Expire, Who::Daemon).await?;
        }
        tx.commit().await?;
        for post in overdue {
            info!(post.id = post.id, lane = %post.lane, "post {} expired unsent", post.id);
        }
        Ok(())
    }

    /// After a start: what was `sending` when the last process ended has an unknown outcome.
    ///
    /// # Errors
    ///
    /// Only where the database fails.
    pub async fn recover(&self) -> Result<usize, Error> {
        let mut tx = self.store.begin(self.now()).await?;
        let sending = tx.sending().await?;
        let refusal = Refusal {
            message: "the program ended before the answer was settled".into(),
            ..Refusal::default()
        };
        for post in &sending {
            self.turn(&mut tx, post, &Event::Recover, Who::Daemon).await?;
            let ended = Ended { outcome: "unknown", refusal: &refusal, billed: true };
            tx.end_attempt(post.id, &ended).await?;
            warn!(
                post.id = post.id,
                lane = %post.lane,
                "post {} was being sent when the program ended: its outcome is looked up",
                post.id
            );
        }
        tx.commit().await?;
        Ok(sending.len())
    }

    /// After a start: the config may have changed since the last one.
    ///
    /// # Errors
    ///
    /// Only where the database fails.
    pub async fn begin(&self) -> Result<(), Error> {
        let mut tx = self.store.begin(self.now()).await?;
        let orphans = self.mind_orphans_in(&mut tx).await?;
        tx.save_reload("").await?;
        tx.commit().await?;
        orphans.log();
        Ok(())
    }
}

/// Whether a stop holds a whole lane. A pause with exceptions, and one of a feed, holds single posts.
fn holds(breaker: &Breaker, lane: &Lane) -> bool {
    !breaker.except_released && breaker.scope.covers(lane)
}

/// The earlier of two times, either of which may be missing.
pub(super) fn earlier(
    one: Option<DateTime<Utc>>,
    other: Option<DateTime<Utc>>,
) -> Option<DateTime<Utc>> {
    match (one, other) {
        (Some(one), Some(other)) => Some(std::cmp::min(one, other)),
        (one, other) => one.or(other),
    }
}
