//! The life of a post whose outcome is unknown: look-ups, and the way back.
//!
//! Promises: it is sent again, under the same key, only after two look-ups that found nothing, at
//! least `reconcile_after` apart; never where an answer proved that a request was accepted. Must
//! not: raise the generation; only a person does that for a doubtful key.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Found, Life, Lookups, Rules, State, failed, posted};

/// Requests under one key before a person is asked.
pub const SENDS_MAX: u32 = 4;
/// Look-ups that found nothing before a person is asked.
pub const LOOKUPS_MAX: u32 = 40;
/// A request whose answer got lost is sent again by itself only within this time (contract, section
/// 12: nobody knows how long a key is remembered; X's and Ayrshare's own gates last 48 hours).
const RESEND_WITHIN: TimeDelta = TimeDelta::hours(24);
/// A history that never decided for so long leaves it to a person.
const ASKED_AFTER: TimeDelta = TimeDelta::hours(48);
/// Look-ups without an answer count for the length of the pause up to this many.
const UNANSWERED_MAX: u32 = 12;
/// The longest pause between two look-ups.
pub(super) const LOOKUP_PAUSE_MAX: TimeDelta = TimeDelta::hours(1);

/// The outcome is unknown: look for it in the history, first soon, then at growing intervals.
pub(super) fn doubted(life: &Life, why: &str, rules: &Rules, now: DateTime<Utc>) -> Life {
    Life {
        state: State::Unconfirmed,
        doubtful: true,
        reason: why.to_owned(),
        lookups: Lookups {
            made: 0,
            first_absent_at: None,
            next_at: Some(now + rules.reconcile_after / 12),
        },
        ..life.clone()
    }
}

pub(super) fn looked_up(
    life: &Life,
    (found, sent_at): (&Found, DateTime<Utc>),
    rules: &Rules,
    now: DateTime<Utc>,
) -> Life {
    let made = life.lookups.made.saturating_add(1);
    let again = |first_absent_at, reason: &str| {
        let next_at = (made < LOOKUPS_MAX).then(|| now + lookup_pause(made, rules.reconcile_after));
        Life {
            lookups: Lookups { made, first_absent_at, next_at },
            reason: reason.to_owned(),
            ..life.clone()
        }
    };
    let absent_again = |first: DateTime<Utc>| {
        let waiting = again(Some(first), "not in Ayrshare's history yet");
        let earliest = first + rules.reconcile_after;
        let next_at = waiting.lookups.next_at.map(|at| std::cmp::max(at, earliest));
        Life { lookups: Lookups { next_at, ..waiting.lookups }, ..waiting }
    };
    match found {
        Found::Published(receipt) => posted(life, receipt, now),
        // Networks report errors for posts that are out all the same (contract, section 3.3), so
        // after a lost answer nobody sends it again but a person.
        Found::Failed(refusal) => {
            failed(&Life { doubtful: false, accepted_before: false, ..life.clone() }, refusal)
        }
        Found::Pending => again(None, "Ayrshare is still working on it"),
        // A history that doesn't answer, or doesn't decide, proves nothing. After days of it a
        // person is asked.
        Found::NoAnswer(why) => {
            let made = std::cmp::max(life.lookups.made, std::cmp::min(made, UNANSWERED_MAX));
            Life {
                lookups: Lookups {
                    made,
                    next_at: (now - sent_at < ASKED_AFTER)
                        .then(|| now + lookup_pause(made, rules.reconcile_after)),
                    ..life.lookups
                },
                reason: format!("the history did not answer: {why}"),
                ..life.clone()
            }
        }
        Found::Absent if life.accepted_before => again(
            life.lookups.first_absent_at.or(Some(now)),
            "Ayrshare took an earlier request, and its history does not show it",
        ),
        Found::Absent => match life.lookups.first_absent_at {
            Some(first) if now - first >= rules.reconcile_after => {
                resent(life, (made, first), sent_at, now)
            }
            // Where the clock was set back since the first one: start over rather than believe it.
            first => absent_again(first.map_or(now, |first| std::cmp::min(first, now))),
        },
    }
}

/// Absent twice, far enough apart: sent again under the same key, so that a wrong "absent" is
/// refused by Ayrshare too. After [`SENDS_MAX`] requests, or when so much time has passed that
/// neither the history nor the memory of keys can be relied on, a person is asked instead.
fn resent(
    life: &Life,
    (made, first_absent): (u32, DateTime<Utc>),
    sent_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Life {
    let lookups = Lookups { made, first_absent_at: Some(first_absent), next_at: None };
    let asked = |reason: &str| Life { lookups, reason: reason.to_owned(), ..life.clone() };
    if life.sends >= SENDS_MAX {
        return asked("sent several times without ever getting an answer");
    }
    if now < sent_at || now - sent_at > RESEND_WITHIN {
        return asked("not in Ayrshare's history, but too long ago to send it again unasked");
    }
    Life {
        state: State::Queued,
        not_before: std::cmp::min(life.not_before, now),
        reason: "twice not in Ayrshare's history: sent again under the same key".into(),
        lookups,
        ..life.clone()
    }
}

/// The pause after the n-th look-up: a third of `reconcile_after`, doubling up to an hour.
fn lookup_pause(made: u32, reconcile_after: TimeDelta) -> TimeDelta {
    let factor = 1_i32 << std::cmp::min(made, 16);
    let pause = (reconcile_after / 6).checked_mul(factor).unwrap_or(LOOKUP_PAUSE_MAX);
    std::cmp::min(pause, LOOKUP_PAUSE_MAX)
}
