//! What happened since the start, counted for monitors.
//!
//! Promises: each piece of news counts once; the number of counters is bounded by the networks there
//! are. Must not: survive a restart; monitors know that counters begin anew.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use chrono::TimeDelta;

use super::news::News;
use crate::domain::post::State;

/// The upper bounds of the lateness histogram, in seconds.
pub const LATENESS_BOUNDS: [i64; 9] = [1, 5, 15, 60, 300, 900, 3_600, 21_600, 86_400];

/// The counters, shared.
#[derive(Debug, Default)]
pub struct Tally(Mutex<Counts>);

/// What was counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Fetches that answered, by how: `read`, `not modified`, `same body`.
    pub fetches: BTreeMap<&'static str, u64>,
    /// Fetches that failed.
    pub failed_fetches: u64,
    /// Entries that were new.
    pub new_entries: u64,
    /// Entries that were known.
    pub known_entries: u64,
    /// Requests by platform.
    pub requests: BTreeMap<String, u64>,
    /// How requests ended, by platform and by the state that the post came to.
    pub outcomes: BTreeMap<(String, State), u64>,
    /// Look-ups that settled a post, by the state that it came to.
    pub lookups: BTreeMap<State, u64>,
    /// Stops that began, by cause.
    pub stops: BTreeMap<&'static str, u64>,
    /// Sends within each of [`LATENESS_BOUNDS`], not summed up, and those beyond.
    pub lateness: [u64; LATENESS_BOUNDS.len() + 1],
    /// All lateness together, in milliseconds.
    pub lateness_sum_ms: u64,
}

impl Tally {
    /// What was counted so far.
    pub fn counts(&self) -> Counts {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts a piece of news.
    pub(super) fn note(&self, news: &News) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match news {
            News::Polled { how, new, known, .. } => {
                *counts.fetches.entry(how).or_default() += 1;
                counts.new_entries += u64::try_from(*new).unwrap_or(0);
                counts.known_entries += u64::try_from(*known).unwrap_or(0);
            }
            News::PollFailed { .. } => counts.failed_fetches += 1,
            News::Sending { lane, .. } => {
                *counts.requests.entry(lane.platform.clone()).or_default() += 1;
            }
            News::Settled { state, by_lookup: true, .. } => {
                *counts.lookups.entry(*state).or_default() += 1;
            }
            News::Settled { lane, state, by_lookup: false, .. } => {
                *counts.outcomes.entry((lane.platform.clone(), *state)).or_default() += 1;
            }
            News::Opened { cause, .. } => *counts.stops.entry(cause.word()).or_default() += 1,
            News::Found { .. }
            | News::Queued { .. }
            | News::Closed { .. }
            | News::Corrected { .. }
            | News::Reloaded { .. }
            | News::ReloadRefused { .. }
            | News::BackupFailed { .. }
            | News::DiskFull
            | News::DiskHasRoom => {}
        }
    }

    /// Counts a send that was due for so long.
    pub(super) fn late(&self, by: TimeDelta) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ms = std::cmp::max(by.num_milliseconds(), 0);
        let place = LATENESS_BOUNDS.iter().position(|bound| ms <= bound * 1000);
        if let Some(bucket) = counts.lateness.get_mut(place.unwrap_or(LATENESS_BOUNDS.len())) {
            *bucket += 1;
        }
        counts.lateness_sum_ms += u64::try_from(ms).unwrap_or(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lateness_falls_into_its_bucket() {
        let tally = Tally::default();
        for seconds in [-3, 0, 1, 2, 90_000] {
            tally.late(TimeDelta::seconds(seconds));
        }
        let counts = tally.counts();
        assert_eq!(counts.lateness, [3, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(counts.lateness_sum_ms, 90_003_000);
    }
}
