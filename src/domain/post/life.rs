//! What of a post changes with its state.
//!
//! Promises: every fact of it is a column of the table. Must not: change anything; `step` does.

use chrono::{DateTime, Utc};

use super::{Rules, State};
use crate::domain::outcome::Receipt;

/// The part of a post that its life depends on. The text and the rest never change it.
#[expect(clippy::struct_excessive_bools, reason = "facts that hold side by side, no modes")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// Where it stands.
    pub state: State,
    /// The number inside the idempotency key, from 1.
    pub generation: u32,
    /// Whether an attempt under this generation has, or had, an unknown outcome.
    pub doubtful: bool,
    /// Whether an answer proved that a request under this key was accepted: never sent again
    /// without a person.
    pub accepted_before: bool,
    /// Definite failures since it was queued, not counting stops.
    pub refusals: u32,
    /// Requests sent under this generation.
    pub sends: u32,
    /// Not to be sent earlier.
    pub not_before: DateTime<Utc>,
    /// Not to be sent later.
    pub expires_at: Option<DateTime<Utc>>,
    /// To be sent at once, by hand: pace does not hold it back.
    pub send_now: bool,
    /// Let go by a person: a pause of all but released posts does not hold it back.
    pub released: bool,
    /// Whether a person said when it may go.
    pub timed: bool,
    /// Why it stands where it stands, for a person; empty when there is nothing to say.
    pub reason: String,
    /// What the look-ups of an unconfirmed post found so far.
    pub lookups: Lookups,
    /// What the network said when it was published.
    pub receipt: Receipt,
    /// When it was published, as far as we know.
    pub posted_at: Option<DateTime<Utc>>,
}

impl Life {
    /// Whether nothing more happens to it unless a person acts.
    pub fn needs_person(&self) -> bool {
        match self.state {
            State::Held | State::Failed => true,
            State::Unconfirmed => self.lookups.next_at.is_none(),
            State::Queued | State::Sending | State::Posted | State::Skipped | State::Expired => {
                false
            }
        }
    }
}

/// The look-ups of an unconfirmed post.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lookups {
    /// How many were made, of any result.
    pub made: u32,
    /// The first one that found nothing.
    pub first_absent_at: Option<DateTime<Utc>>,
    /// When to look next; `None` when a person has to settle it.
    pub next_at: Option<DateTime<Utc>>,
}

impl Lookups {
    /// Whether a look-up is due. A time further off than any pause was written by a clock that was
    /// ahead: it is due at once.
    pub fn is_due(&self, rules: &Rules, now: DateTime<Utc>) -> bool {
        let longest = std::cmp::max(super::doubt::LOOKUP_PAUSE_MAX, rules.reconcile_after);
        self.next_at.is_some_and(|at| at <= now || at > now + longest * 2)
    }
}
