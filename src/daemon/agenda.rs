//! When each lane has to be looked at, so that one lane's news costs no look at all the others.
//!
//! Promises: a lane whose time has come goes before those that are only looked at again; with so many
//! lanes to look at, what is due waits for a few of them, never for all. Must not: be needed; it is a
//! memory of what the database said, and may be forgotten at any time.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::breaker::Lane;

/// All lanes are looked at anew this often, whatever the agenda says.
const AGE_MAX: TimeDelta = TimeDelta::minutes(5);

/// The lanes, and when each is next.
#[derive(Debug)]
pub struct Agenda {
    /// When a lane is next by what was seen; `None`: only news of it can make it so.
    lanes: HashMap<Lane, Option<DateTime<Utc>>>,
    /// Lanes that are to be looked at whatever was seen.
    anew: HashSet<Lane>,
    begun_at: Option<DateTime<Utc>>,
    at_once: usize,
}

impl Default for Agenda {
    /// All lanes are looked at together.
    fn default() -> Self {
        Self::by(usize::MAX)
    }
}

impl Agenda {
    /// Nothing is known; so many lanes are looked at together.
    pub fn by(at_once: usize) -> Self {
        Self { lanes: HashMap::new(), anew: HashSet::new(), begun_at: None, at_once }
    }

    /// Has all lanes looked at again.
    pub fn clear(&mut self) {
        self.begun_at = None;
    }

    /// Has a lane looked at next.
    pub fn touch(&mut self, lane: &Lane) {
        self.put(lane.clone(), Some(DateTime::<Utc>::MIN_UTC));
    }

    /// Whether it was begun too long ago, or by a clock that was ahead.
    pub(super) fn is_old(&self, now: DateTime<Utc>) -> bool {
        self.begun_at.is_none_or(|at| now < at || now - at >= AGE_MAX)
    }

    /// These are all lanes; each is looked at, but what is due goes first.
    pub(super) fn begin(&mut self, lanes: Vec<Lane>, now: DateTime<Utc>) {
        self.anew = lanes.into_iter().collect();
        self.lanes.retain(|lane, _| self.anew.contains(lane));
        self.begun_at = Some(now);
    }

    /// The next lanes to look at, none of them busy.
    pub(super) fn take(&mut self, now: DateTime<Utc>, busy: &HashSet<Lane>) -> Vec<Lane> {
        let mut due: Vec<(DateTime<Utc>, &Lane)> = self
            .lanes
            .iter()
            .filter_map(|(lane, at)| Some(((*at)?, lane)))
            .filter(|(at, lane)| *at <= now && !busy.contains(*lane))
            .collect();
        due.sort_unstable();
        let mut taken: Vec<Lane> =
            due.into_iter().take(self.at_once).map(|(_, lane)| lane.clone()).collect();
        for lane in &taken {
            self.anew.remove(lane);
        }
        // A busy lane is looked at when its request is done.
        self.anew.retain(|lane| !busy.contains(lane));
        let left = self.at_once.saturating_sub(taken.len());
        let again: Vec<Lane> = self.anew.iter().take(left).cloned().collect();
        for lane in &again {
            self.anew.remove(lane);
        }
        taken.extend(again);
        taken
    }

    /// Notes when a lane is next.
    pub(super) fn put(&mut self, lane: Lane, next_at: Option<DateTime<Utc>>) {
        self.lanes.insert(lane, next_at);
    }

    /// When the next lane has to be looked at. A busy one is looked at when its request is done.
    pub(super) fn next_at(&self, busy: &HashSet<Lane>) -> Option<DateTime<Utc>> {
        if !self.anew.is_empty() {
            return self.begun_at;
        }
        let waiting = self.lanes.iter().filter(|(lane, _)| !busy.contains(*lane));
        waiting.filter_map(|(_, at)| *at).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(number: usize) -> Lane {
        Lane::new(format!("p{number:03}"), "twitter")
    }

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    fn begun(lanes: usize, at_once: usize) -> Agenda {
        let mut agenda = Agenda::by(at_once);
        assert!(agenda.is_old(at(0)), "nothing is known at first");
        agenda.begin((0..lanes).map(lane).collect(), at(0));
        agenda
    }

    /// Looks at everything that the agenda gives; `next` says when a lane is next.
    fn look(
        agenda: &mut Agenda,
        now: DateTime<Utc>,
        next: impl Fn(&Lane) -> Option<DateTime<Utc>>,
    ) -> Vec<Lane> {
        let mut seen = Vec::new();
        loop {
            let taken = agenda.take(now, &HashSet::new());
            assert!(taken.len() <= agenda.at_once);
            for lane in &taken {
                agenda.put(lane.clone(), next(lane));
            }
            seen.extend(taken);
            if agenda.next_at(&HashSet::new()).is_none_or(|at| at > now) {
                return seen;
            }
        }
    }

    #[test]
    fn every_lane_is_looked_at_once_a_few_at_a_time() {
        let mut agenda = begun(100, 8);
        let mut seen = look(&mut agenda, at(0), |_| None);
        seen.sort_unstable();
        assert_eq!(seen, (0..100).map(lane).collect::<Vec<_>>());
        assert!(agenda.take(at(1), &HashSet::new()).is_empty(), "nothing is due");
    }

    #[test]
    fn what_is_due_waits_for_no_look_at_all_lanes() {
        let mut agenda = begun(100, 8);
        look(&mut agenda, at(0), |one| (*one == lane(70)).then(|| at(300)));
        agenda.begin((0..100).map(lane).collect(), at(300));
        let taken = agenda.take(at(300), &HashSet::new());
        assert_eq!(taken.first(), Some(&lane(70)));
        assert_eq!(taken.len(), 8, "and others are looked at beside it");
        assert!(!agenda.anew.contains(&lane(70)), "once");
    }

    #[test]
    fn what_was_touched_goes_before_what_is_due_and_that_in_the_order_of_its_times() {
        let mut agenda = begun(6, 2);
        look(&mut agenda, at(0), |one| Some(at(if *one == lane(4) { 5 } else { 9 })));
        agenda.touch(&lane(3));
        assert_eq!(agenda.take(at(9), &HashSet::new()), [lane(3), lane(4)]);
    }

    #[test]
    fn a_busy_lane_is_left_alone_until_it_is_touched() {
        let mut agenda = begun(2, 8);
        let busy = HashSet::from([lane(0)]);
        assert_eq!(agenda.take(at(0), &busy), [lane(1)]);
        agenda.put(lane(1), None);
        assert_eq!(agenda.next_at(&busy), None);
        agenda.touch(&lane(0));
        assert!(agenda.take(at(0), &busy).is_empty());
        assert_eq!(agenda.take(at(0), &HashSet::new()), [lane(0)]);
    }

    #[test]
    fn a_lane_without_posts_is_forgotten_and_an_old_agenda_begins_anew() {
        let mut agenda = begun(2, 8);
        look(&mut agenda, at(0), |_| Some(at(10)));
        assert!(!agenda.is_old(at(299)));
        assert!(
            agenda.is_old(at(300)) && agenda.is_old(at(-1)),
            "also where the clock was set back"
        );
        agenda.begin(vec![lane(1)], at(300));
        assert_eq!(look(&mut agenda, at(300), |_| None), [lane(1)]);
        agenda.clear();
        assert!(agenda.is_old(at(301)));
    }
}
