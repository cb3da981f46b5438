//! The time: the system's, or one moved by hand. Nobody else reads it.
//!
//! Promises: [`Clock::now`] is UTC in whole milliseconds (what the database keeps), and
//! [`Clock::sleep_until`] returns once `now` has reached the instant, also when a clock moved by
//! hand jumps over it. Must not: decide anything.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use tokio::sync::watch;

/// Where the time comes from.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that stands still until it is moved.
    Manual(Arc<watch::Sender<DateTime<Utc>>>),
}

/// How long a sleeper on the system's clock waits at most before it looks again: the wall clock may
/// have been set, and a suspended machine's timers may not have run.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

impl Clock {
    /// A clock that stands at `start`.
    pub fn manual(start: DateTime<Utc>) -> Self {
        Self::Manual(Arc::new(watch::Sender::new(start)))
    }

    /// The present, in whole milliseconds.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the time")]
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            Self::System => Utc::now().trunc_subsecs(3),
            Self::Manual(time) => *time.borrow(),
        }
    }

    /// Moves a manual clock, forward or back; the system's clock stays as it is.
    pub fn advance(&self, by: TimeDelta) {
        if let Self::Manual(time) = self {
            time.send_modify(|now| *now += by);
        }
    }

    /// Sets a manual clock; the system's clock stays as it is.
    pub fn set(&self, to: DateTime<Utc>) {
        if let Self::Manual(time) = self {
            time.send_replace(to);
        }
    }

    /// Waits until the clock shows `at` or later.
    pub async fn sleep_until(&self, at: DateTime<Utc>) {
        match self {
            Self::System => loop {
                let Ok(left) = (at - self.now()).to_std() else {
                    return;
                };
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(std::cmp::min(left, LOOK_AGAIN)).await;
            },
            Self::Manual(time) => {
                // The sender lives in `self`, so the channel can't close while we wait.
                let mut moved = time.subscribe();
                let _closed = moved.wait_for(|now| *now >= at).await.is_err();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleeper_wakes_when_a_manual_clock_jumps_over_its_instant() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH);
        let at = DateTime::UNIX_EPOCH + TimeDelta::hours(1);
        let sleeper = {
            let clock = clock.clone();
            tokio::spawn(async move { clock.sleep_until(at).await })
        };
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(TimeDelta::hours(2));
        sleeper.await.expect("the sleeper wakes");
        clock.sleep_until(at).await;
    }
}
