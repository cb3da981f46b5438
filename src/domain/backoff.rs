//! Attempt and jitter → delay, clamped.
//!
//! Promises: never below the first delay's half, never above the maximum, never overflows.
//! Must not: draw random numbers; the caller brings the jitter.

use chrono::TimeDelta;

/// A share of a delay between 0 and 1, in thousandths, drawn by the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jitter(u16);

impl Jitter {
    /// No jitter: the full delay.
    pub const NONE: Self = Self(1000);

    /// None of a span.
    pub const ZERO: Self = Self(0);

    /// From any number; only its remainder by 1001 counts.
    pub fn from_random(random: u64) -> Self {
        Self(u16::try_from(random % 1001).unwrap_or(1000))
    }

    /// This share of a span.
    pub fn share(self, span: TimeDelta) -> TimeDelta {
        (span / 1000).checked_mul(i32::from(self.0)).unwrap_or(span)
    }
}

/// Exponential backoff between two bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// After the first failure.
    pub first: TimeDelta,
    /// Never longer than this, unless the other side asked for more.
    pub max: TimeDelta,
}

/// The longest wait that another side can impose on us.
pub const ASKED_MAX: TimeDelta = TimeDelta::hours(24);

impl Backoff {
    /// The delay after the n-th failure (from 1): the first, doubled for each further failure, of
    /// which between a half and the whole is used. What the other side `asked` for is a lower
    /// bound, at most [`ASKED_MAX`].
    pub fn delay(self, failures: u32, jitter: Jitter, asked: Option<TimeDelta>) -> TimeDelta {
        let doublings = std::cmp::min(failures.saturating_sub(1), 20);
        let whole = self.first.checked_mul(1_i32 << doublings).unwrap_or(self.max);
        let whole = std::cmp::min(whole, self.max);
        let half = whole / 2;
        let part = half + jitter.share(half);
        let asked = std::cmp::min(asked.unwrap_or(TimeDelta::zero()), ASKED_MAX);
        std::cmp::max(part, asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BACKOFF: Backoff = Backoff { first: TimeDelta::minutes(1), max: TimeDelta::hours(1) };

    #[test]
    fn doubles_up_to_the_maximum() {
        let minutes: Vec<i64> =
            (1..=8).map(|n| BACKOFF.delay(n, Jitter::NONE, None).num_minutes()).collect();
        assert_eq!(minutes, [1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn what_the_other_side_asks_is_a_lower_bound_with_a_cap() {
        let asked = |by| BACKOFF.delay(1, Jitter::NONE, Some(by));
        assert_eq!(asked(TimeDelta::minutes(10)), TimeDelta::minutes(10));
        assert_eq!(asked(TimeDelta::seconds(1)), TimeDelta::minutes(1));
        assert_eq!(asked(TimeDelta::days(400)), ASKED_MAX);
    }

    proptest! {
        #[test]
        fn stays_within_its_bounds(failures: u32, random: u64) {
            let delay = BACKOFF.delay(failures, Jitter::from_random(random), None);
            prop_assert!(delay >= BACKOFF.first / 2);
            prop_assert!(delay <= BACKOFF.max);
        }
    }
}
