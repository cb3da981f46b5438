//! What was sent lately, and what rolling windows say of it.
//!
//! Promises: a send more never frees an instant that was not free before. Must not: know of days,
//! slots or zones.

use chrono::{DateTime, TimeDelta, Utc};

use super::{X_CEILING, X_WINDOW, later};

/// What a lane, or one feed on it, sent lately.
#[derive(Debug, Clone, Default)]
pub struct Sends {
    last: Option<DateTime<Utc>>,
    all: Vec<DateTime<Utc>>,
}

impl Sends {
    /// From the latest send (in the order of sending, which a clock that was set back does not
    /// change) and the instants of the last 48 hours.
    pub fn new(last: Option<DateTime<Utc>>, mut all: Vec<DateTime<Utc>>) -> Self {
        all.sort_unstable();
        Self { last: last.or_else(|| all.last().copied()), all }
    }

    /// One more.
    pub fn record(&mut self, at: DateTime<Utc>) {
        self.last = Some(at);
        self.all.insert(self.before_or_at(at), at);
    }

    /// The latest in the order of sending.
    pub fn last(&self) -> Option<DateTime<Utc>> {
        self.last
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    /// How many came before an instant.
    pub(super) fn before(&self, at: DateTime<Utc>) -> usize {
        self.all.partition_point(|sent| *sent < at)
    }

    fn before_or_at(&self, at: DateTime<Utc>) -> usize {
        self.all.partition_point(|sent| *sent <= at)
    }

    /// The first one not before an instant.
    pub(super) fn first_from(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.all.get(self.before(at)).copied()
    }

    /// Those from one instant up to another, both included.
    pub(super) fn within(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> &[DateTime<Utc>] {
        self.all.get(self.before(from)..self.before_or_at(to)).unwrap_or_default()
    }

    /// The first instant not before `from` at which X takes one more.
    pub fn below_ceiling(&self, from: DateTime<Utc>) -> DateTime<Utc> {
        self.below(X_CEILING, X_WINDOW, from)
    }

    /// The first instant not before `from` at which one more makes at most `most` in any window of
    /// this length.
    ///
    /// Sends that lie ahead, because the clock was set back, count as long as they are closer than
    /// the window.
    pub(super) fn below(
        &self,
        most: usize,
        window: TimeDelta,
        from: DateTime<Utc>,
    ) -> DateTime<Utc> {
        let mut at = from;
        loop {
            let known = self.before(later(at, window));
            let full = known
                .checked_sub(most)
                .and_then(|index| self.all.get(index))
                .map(|oldest| later(*oldest, window));
            match full {
                Some(free) if free > at => at = free,
                Some(_) | None => return at,
            }
        }
    }
}
