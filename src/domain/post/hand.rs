//! What a person's word does to a post that waits, or that is to be sent again.
//!
//! Promises: a post that a person released or timed says so. Must not: judge whether the act fits.

use chrono::{DateTime, Utc};

use super::{Life, State, next_generation};

pub(super) fn queued(life: &Life, now: DateTime<Utc>, reason: &str) -> Life {
    Life {
        state: State::Queued,
        not_before: if life.timed { life.not_before } else { std::cmp::min(life.not_before, now) },
        reason: reason.to_owned(),
        ..life.clone()
    }
}

/// Let go by a person. A time that a person said stays.
pub(super) fn released(life: &Life, now: DateTime<Utc>, reason: &str) -> Life {
    Life { released: true, ..queued(life, now, reason) }
}

/// Given another time, also where it was to go at once: from then on its pace decides.
pub(super) fn rescheduled(life: &Life, at: DateTime<Utc>) -> Life {
    Life { not_before: at, timed: true, send_now: false, ..life.clone() }
}

/// Back to the start under a new key: only on a person's word. A post that was left out or expired
/// while its key was doubtful keeps the key: nobody said that it is not published.
pub(super) fn replayed(life: &Life, now: DateTime<Utc>, reason: &str) -> Life {
    let keeps_key = life.doubtful && matches!(life.state, State::Expired | State::Skipped);
    let again = released(life, now, reason);
    Life {
        refusals: 0,
        sends: 0,
        expires_at: None,
        not_before: now,
        timed: false,
        ..if keeps_key { again } else { next_generation(&again) }
    }
}
