//! The state machine of a post: the only place where a state changes.
//!
//! Promises: [`step`] is total; what is not allowed is [`Refused`] with the reason, and nothing
//! else changes a state. A generation goes up only after a definite failure or on a person's word,
//! and never while an attempt under it has an unknown outcome. Must not: know of tables or times
//! beyond the `now` it is given.

mod doubt;
mod hand;
mod life;

use chrono::{DateTime, TimeDelta, Utc};

use super::backoff::{Backoff, Jitter};
use super::outcome::{Outcome, Receipt, Refusal};
pub use doubt::{LOOKUPS_MAX, SENDS_MAX};
use doubt::{doubted, looked_up};
use hand::{queued, released, replayed, rescheduled};
pub use life::{Life, Lookups};

/// Where a post stands (design, "Words").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Awaits approval, or held by an anomaly.
    Held,
    /// Waits for its turn.
    Queued,
    /// Its attempt row is on disk and the request is out.
    Sending,
    /// Published.
    Posted,
    /// The outcome of the last attempt is not known.
    Unconfirmed,
    /// Dead letter; can be replayed by hand.
    Failed,
    /// Left out by a rule or a person, or told in a digest.
    Skipped,
    /// Too old to be sent.
    Expired,
}

impl State {
    /// All states, in the order of a post's life.
    pub const ALL: [Self; 8] = [
        Self::Held,
        Self::Queued,
        Self::Sending,
        Self::Unconfirmed,
        Self::Posted,
        Self::Failed,
        Self::Skipped,
        Self::Expired,
    ];

    /// The word in the database, in listings and in filters.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Posted => "posted",
            Self::Unconfirmed => "unconfirmed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Expired => "expired",
        }
    }

    /// Reads what [`State::word`] wrote.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// What a look-up in Ayrshare's history found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The post is there and published.
    Published(Receipt),
    /// The post is there and Ayrshare says that it failed.
    Failed(Refusal),
    /// The post is there and not finished.
    Pending,
    /// Nothing with our reference is there.
    Absent,
    /// The look-up itself did not work.
    NoAnswer(String),
}

/// What can happen to a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A person lets it go.
    Approve,
    /// It waits for a person before anything of it was sent: its entry changed.
    Hold {
        /// Why, for the person.
        why: String,
    },
    /// A lane takes it: its attempt row is written with this step.
    Claim,
    /// The answer of its attempt.
    Settle(Outcome),
    /// The program starts and finds it `sending`: the answer was lost with the last process.
    Recover,
    /// It may have been sent since the backup that the database was restored from; why, for a person.
    Doubt(String),
    /// A look-up of an unconfirmed post.
    LookUp {
        /// What it found.
        found: Found,
        /// When the first request with an unknown outcome left.
        sent_at: DateTime<Utc>,
    },
    /// Its entry is told in the digest of this post, so it does not go by itself.
    Gather {
        /// The digest.
        digest: i64,
    },
    /// Its time has passed.
    Expire,
    /// A person leaves it out; for an unconfirmed one: says that it is published.
    Skip,
    /// A person wants it sent again; for an unconfirmed one: says that it is not published.
    Retry,
    /// A person wants it out at once, whatever the pace says.
    SendNow,
    /// A person says when it may go, as the pace allows.
    Reschedule {
        /// Not before then.
        at: DateTime<Utc>,
    },
}

/// The times that the state machine needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Between the two look-ups that must both find nothing.
    pub reconcile_after: TimeDelta,
    /// The wait after a refusal that may pass later.
    pub retry: Backoff,
    /// The share of the wait to use, so that posts don't come back together.
    pub jitter: Jitter,
}

/// Definite failures before a post is a dead letter.
pub const REFUSALS_MAX: u32 = 5;

/// An event that does not fit the state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a post that is {} {what}", state.word())]
pub struct Refused {
    /// Where the post stands.
    pub state: State,
    /// What can't be done with it, as the end of the sentence.
    pub what: &'static str,
}

/// The one way from a life to the next.
///
/// # Errors
///
/// [`Refused`] where the event does not fit the state; the life is then unchanged.
pub fn step(
    life: &Life,
    event: &Event,
    rules: &Rules,
    now: DateTime<Utc>,
) -> Result<Life, Refused> {
    let refused = |what| Err(Refused { state: life.state, what });
    match (life.state, event) {
        (State::Held, Event::Approve) => Ok(released(life, now, "")),
        (State::Queued, Event::Hold { why }) if life.sends == 0 && !life.doubtful => {
            let held = Life { state: State::Held, send_now: false, ..life.clone() };
            Ok(Life { released: false, reason: why.clone(), ..held })
        }
        (State::Queued, Event::Gather { digest }) if life.sends == 0 && !life.doubtful => {
            Ok(Life {
                state: State::Skipped,
                reason: format!("told in the digest of post {digest}"),
                ..life.clone()
            })
        }
        (State::Queued, Event::Doubt(why)) => Ok(doubted(life, why, rules, now)),
        (State::Queued, Event::Claim) => Ok(claimed(life)),
        (State::Sending, Event::Settle(outcome)) => Ok(settled(life, outcome, rules, now)),
        (State::Sending, Event::Recover) => {
            Ok(doubted(life, "the program ended while the request was out", rules, now))
        }
        (State::Unconfirmed, Event::LookUp { found, sent_at }) => {
            Ok(looked_up(life, (found, *sent_at), rules, now))
        }
        (State::Held | State::Queued, Event::Expire) => Ok(Life {
            state: State::Expired,
            reason: "its time passed before its turn came".into(),
            ..life.clone()
        }),
        (State::Held | State::Queued | State::Failed, Event::Skip) => {
            Ok(Life { state: State::Skipped, reason: "skipped by hand".into(), ..life.clone() })
        }
        // The person saw it on the network: then it is published, and never sent again.
        (State::Unconfirmed, Event::Skip) => Ok(Life {
            reason: "taken as published, by hand".into(),
            ..posted(life, &life.receipt, now)
        }),
        (State::Failed | State::Skipped | State::Expired | State::Unconfirmed, Event::Retry) => {
            Ok(replayed(life, now, "sent again by hand"))
        }
        (State::Held | State::Queued, Event::SendNow) => {
            let at_once = Life { not_before: now, timed: false, ..life.clone() };
            Ok(Life { send_now: true, ..released(&at_once, now, "released by hand") })
        }
        (State::Failed | State::Skipped | State::Expired, Event::SendNow) => {
            Ok(Life { send_now: true, ..replayed(life, now, "released by hand") })
        }
        (State::Held | State::Queued, Event::Reschedule { at }) => Ok(rescheduled(life, *at)),
        (_, Event::Approve) => refused("needs no approval"),
        (_, Event::Hold { .. }) => refused("can't be held any more"),
        (_, Event::Gather { .. }) => refused("can't go into a digest any more"),
        (_, Event::Claim) => refused("can't be claimed"),
        (_, Event::Settle(_) | Event::Recover) => refused("has no request out"),
        (_, Event::Doubt(_) | Event::LookUp { .. }) => refused("needs no look-up"),
        (_, Event::Expire) => refused("can't expire"),
        (_, Event::Skip) => refused("can't be skipped"),
        (_, Event::Retry) => refused("can't be sent again"),
        (_, Event::Reschedule { .. }) => {
            refused("can't be given another time: only one that is held or queued can")
        }
        (State::Unconfirmed, Event::SendNow) => refused(
            "can't be sent now: settle it first with `queue retry` (it is not on the network) or `queue skip` (it is)",
        ),
        (State::Sending | State::Posted, Event::SendNow) => refused("can't be sent now"),
    }
}

fn next_generation(life: &Life) -> Life {
    Life {
        generation: life.generation.saturating_add(1),
        doubtful: false,
        accepted_before: false,
        sends: 0,
        lookups: Lookups::default(),
        ..life.clone()
    }
}

fn claimed(life: &Life) -> Life {
    Life {
        state: State::Sending,
        sends: life.sends.saturating_add(1),
        reason: String::new(),
        lookups: Lookups::default(),
        ..life.clone()
    }
}

fn settled(life: &Life, outcome: &Outcome, rules: &Rules, now: DateTime<Utc>) -> Life {
    match outcome {
        Outcome::Posted(receipt) => posted(life, receipt, now),
        Outcome::Unknown { accepted_before, refusal } => Life {
            accepted_before: life.accepted_before || *accepted_before,
            ..doubted(life, &refusal.message, rules, now)
        },
        // Nothing left, so nothing is burnt: the breaker that this opens paces the next try.
        Outcome::Unsent(refusal) => Life {
            state: State::Queued,
            sends: life.sends.saturating_sub(1),
            reason: refusal.message.clone(),
            ..life.clone()
        },
        // The key may or may not have been looked at before this answer was given, so it proves
        // nothing about the earlier request: look again.
        Outcome::Retry { refusal, .. }
        | Outcome::WithoutMedia(refusal)
        | Outcome::Stop { refusal, .. }
            if life.doubtful =>
        {
            doubted(life, &refusal.message, rules, now)
        }
        Outcome::Retry { after, refusal } => {
            refused_once(&next_generation(life), *after, refusal, rules, now)
        }
        Outcome::WithoutMedia(refusal) => bared(&next_generation(life), refusal, now),
        // A stop burns nothing: the post waits in the queue behind the breaker.
        Outcome::Stop { refusal, .. } => {
            Life { state: State::Queued, reason: refusal.message.clone(), ..next_generation(life) }
        }
        Outcome::Dead(refusal) => failed(life, refusal),
    }
}

fn posted(life: &Life, receipt: &Receipt, now: DateTime<Utc>) -> Life {
    Life {
        state: State::Posted,
        reason: String::new(),
        receipt: receipt.clone(),
        posted_at: Some(now),
        lookups: Lookups { next_at: None, ..life.lookups },
        ..life.clone()
    }
}

fn failed(life: &Life, refusal: &Refusal) -> Life {
    Life {
        state: State::Failed,
        reason: refusal.message.clone(),
        lookups: Lookups { next_at: None, ..life.lookups },
        ..life.clone()
    }
}

fn refused_once(
    life: &Life,
    after: Option<TimeDelta>,
    refusal: &Refusal,
    rules: &Rules,
    now: DateTime<Utc>,
) -> Life {
    let counted = Life { refusals: life.refusals.saturating_add(1), ..life.clone() };
    if counted.refusals >= REFUSALS_MAX {
        return failed(&counted, refusal);
    }
    waiting(&counted, after, refusal, rules, now)
}

/// Refused for its media: the text goes at once, and the refusal counts.
fn bared(life: &Life, refusal: &Refusal, now: DateTime<Utc>) -> Life {
    let counted = Life { refusals: life.refusals.saturating_add(1), ..life.clone() };
    if counted.refusals >= REFUSALS_MAX {
        return failed(&counted, refusal);
    }
    let reason = format!("once more without media: {}", refusal.message);
    queued(&counted, now, &reason)
}

fn waiting(
    life: &Life,
    after: Option<TimeDelta>,
    refusal: &Refusal,
    rules: &Rules,
    now: DateTime<Utc>,
) -> Life {
    let delay = rules.retry.delay(life.refusals, rules.jitter, after);
    Life {
        state: State::Queued,
        not_before: now + delay,
        reason: refusal.message.clone(),
        ..life.clone()
    }
}

#[cfg(test)]
mod tests;
