//! A feed's habit: how long it is usually silent, and when it is silent for too long.
//!
//! Promises: without enough history nobody is worried. Must not: know why a feed is silent.

use chrono::{DateTime, TimeDelta, Utc};

/// With fewer times between two arrivals there is no habit yet.
const GAPS_MIN: usize = 6;
/// Nothing is worth a word before.
const SILENCE_MIN: TimeDelta = TimeDelta::days(1);
/// After so long even a rare feed is silent.
const SILENCE_MAX: TimeDelta = TimeDelta::days(90);

/// After which silence a feed is quieter than its habit: twice what it was silent at most, but for
/// the longest tenth of its pauses, and at least four times the usual pause.
///
/// `arrivals` are the times at which new entries were found, in any order; those of the first
/// reading, when everything is new, left out. `None` where they are too few to tell.
pub fn worrying_after(arrivals: &[DateTime<Utc>]) -> Option<TimeDelta> {
    let mut times = arrivals.to_vec();
    times.sort_unstable();
    times.dedup();
    let pairs = times.iter().zip(times.iter().skip(1));
    let mut gaps: Vec<TimeDelta> = pairs.map(|(one, next)| *next - *one).collect();
    gaps.sort_unstable();
    if gaps.len() < GAPS_MIN {
        return None;
    }
    let usual = *gaps.get(gaps.len() / 2)?;
    let long = *gaps.get(gaps.len() * 9 / 10)?;
    let worrying = std::cmp::max(long * 2, usual * 4);
    Some(worrying.clamp(SILENCE_MIN, SILENCE_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(hours: &[i64]) -> Vec<DateTime<Utc>> {
        hours.iter().map(|it| DateTime::UNIX_EPOCH + TimeDelta::hours(*it)).collect()
    }

    #[test]
    fn a_habit_needs_history_and_allows_for_its_own_pauses() {
        let after = |times: &[i64]| worrying_after(&hours(times)).map(|it| it.num_hours());
        assert_eq!(after(&[]), None);
        assert_eq!(after(&[0, 1, 2, 3, 4, 5]), None, "five pauses are no habit");
        assert_eq!(after(&[0, 0, 0, 0, 0, 0, 0, 0]), None, "one batch is no habit");
        assert_eq!(after(&[0, 1, 2, 3, 4, 5, 6]), Some(24), "never before a day");
        let daily: Vec<i64> = (0..20).map(|day| day * 24).collect();
        assert_eq!(after(&daily), Some(4 * 24));
        // Working days: the weekend is part of the habit.
        let working: Vec<i64> = (0..35).filter(|day| day % 7 < 5).map(|day| day * 24).collect();
        assert_eq!(after(&working), Some(6 * 24));
        let yearly: Vec<i64> = (0..8).map(|year| year * 24 * 365).collect();
        assert_eq!(after(&yearly), Some(90 * 24));
    }
}
