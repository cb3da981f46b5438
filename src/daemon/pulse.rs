//! The pulse of the loops: when each looked last.
//!
//! Promises: a loop that hangs is told by its name. Must not: wake or end anything.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};

/// A loop that didn't look for this long is not healthy.
const STUCK_AFTER: TimeDelta = TimeDelta::seconds(180);

/// When each loop looked last, in UTC milliseconds.
#[derive(Debug, Default)]
pub struct Pulse {
    pub(super) poll: AtomicI64,
    pub(super) publish: AtomicI64,
    pub(super) reconcile: AtomicI64,
    pub(super) watch: AtomicI64,
}

impl Pulse {
    /// The loops that didn't look for too long at `now`.
    pub fn stuck(&self, now: DateTime<Utc>) -> Vec<&'static str> {
        self.silent_since(now - STUCK_AFTER)
    }

    /// The loops that didn't look since then.
    pub(super) fn silent_since(&self, then: DateTime<Utc>) -> Vec<&'static str> {
        let limit = then.timestamp_millis();
        [
            ("poll", &self.poll),
            ("publish", &self.publish),
            ("reconcile", &self.reconcile),
            ("watch", &self.watch),
        ]
        .into_iter()
        .filter(|(_, at)| at.load(Ordering::Relaxed) < limit)
        .map(|(name, _)| name)
        .collect()
    }

    pub(super) fn beat(at: &AtomicI64, now: DateTime<Utc>) {
        at.store(now.timestamp_millis(), Ordering::Relaxed);
    }

    /// Before its first look a loop is as young as the program, not stuck.
    pub(super) fn begin(&self, now: DateTime<Utc>) {
        for at in [&self.poll, &self.publish, &self.reconcile, &self.watch] {
            Self::beat(at, now);
        }
    }
}
