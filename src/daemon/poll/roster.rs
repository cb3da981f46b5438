//! Which hosts are asked now, and which of their feeds: kept from one look to the next, so that a poll
//! costs the same among ten feeds and ten thousand.
//!
//! Promises: a host is asked by as many connections as it may be, with its gap between requests, and
//! not at all while it wants to be left alone; the longest overdue goes first. Must not: read the
//! clock or the database.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::super::publish::earlier;
use super::{HostTurn, PollDue};

/// When what is due.
type Agenda = BTreeSet<(DateTime<Utc>, String)>;

/// All feeds by their hosts.
#[derive(Debug)]
pub(in crate::daemon) struct Roster {
    hosts: HashMap<String, Host>,
    /// Hosts that are not being asked, by the time at which they are next.
    agenda: Agenda,
    /// Turns that are out, by host.
    out: HashMap<String, usize>,
    /// The feeds of these turns.
    busy: HashSet<String>,
    gap: TimeDelta,
    per_host: usize,
    /// See [`HostTurn`].
    heard: u64,
}

/// What is known of one host.
#[derive(Debug, Default)]
struct Host {
    /// Its feeds that are not being asked, by the time at which they are due.
    feeds: Agenda,
    /// When one of its feeds was asked last.
    last_at: Option<DateTime<Utc>>,
    /// Until when it wants to be left alone.
    wait_until: Option<DateTime<Utc>>,
    /// Where it stands in the agenda.
    stands_at: Option<DateTime<Utc>>,
}

impl Roster {
    /// An empty one, for hosts with so many connections and such a gap between requests.
    pub(super) fn new(per_host: usize, gap: TimeDelta, heard: u64) -> Self {
        Self {
            hosts: HashMap::new(),
            agenda: Agenda::new(),
            out: HashMap::new(),
            busy: HashSet::new(),
            gap,
            per_host: std::cmp::max(per_host, 1),
            heard,
        }
    }

    /// The same, but that what an older one has out stays out.
    pub(super) fn after(self, older: &Self) -> Self {
        Self { out: older.out.clone(), busy: older.busy.clone(), ..self }
    }

    /// A feed of a host that is due at a time, and when it was asked last.
    pub(super) fn file(
        &mut self,
        host: &str,
        (feed, at): (&str, DateTime<Utc>),
        last_at: Option<DateTime<Utc>>,
    ) {
        let host = self.hosts.entry(host.to_owned()).or_default();
        host.last_at = std::cmp::max(host.last_at, last_at);
        if !self.busy.contains(feed) {
            host.feeds.insert((at, feed.to_owned()));
        }
    }

    /// That a host wants to be left alone until a time, or not any more.
    pub(super) fn leave_alone(&mut self, host: &str, until: Option<DateTime<Utc>>) {
        if let Some(host) = self.hosts.get_mut(host) {
            host.wait_until = until;
        }
    }

    /// Puts a host to its place in the agenda, after what was filed.
    pub(super) fn settle(&mut self, name: &str, now: DateTime<Utc>) {
        let Some(host) = self.hosts.get_mut(name) else { return };
        if let Some(at) = host.stands_at.take() {
            self.agenda.remove(&(at, name.to_owned()));
        }
        // While a host is being asked, its other feeds wait for their turn.
        if self.out.contains_key(name) {
            return;
        }
        let Some((at, _)) = host.feeds.first() else { return };
        let gap_end = host.last_at.filter(|at| *at <= now).map(|at| at + self.gap);
        let free = std::cmp::max(host.wait_until, gap_end).filter(|free| *free > now);
        let at = free.map_or(*at, |free| std::cmp::max(*at, free));
        host.stands_at = Some(at);
        self.agenda.insert((at, name.to_owned()));
    }

    /// Puts every host to its place.
    pub(super) fn settle_all(&mut self, now: DateTime<Utc>) {
        let names: Vec<String> = self.hosts.keys().cloned().collect();
        for name in names {
            self.settle(&name, now);
        }
    }

    /// Takes turns whose time has come, about as many as there is room for; they are out until
    /// [`Roster::back`].
    pub(in crate::daemon) fn take(&mut self, now: DateTime<Utc>, room: usize) -> PollDue {
        let mut due = PollDue::default();
        while due.hosts.len() < room && self.agenda.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, name)) = self.agenda.pop_first() else { break };
            let Some(host) = self.hosts.get_mut(&name) else { continue };
            host.stands_at = None;
            let feeds = host.take(now, (self.gap > TimeDelta::zero()).then_some(self.per_host));
            let later = host.feeds.first().map(|(at, _)| std::cmp::max(*at, now + self.gap));
            due.next_at = earlier(due.next_at, later);
            let size = std::cmp::max(feeds.len().div_ceil(self.per_host), 1);
            self.busy.extend(feeds.iter().cloned());
            for feeds in feeds.chunks(size) {
                *self.out.entry(name.clone()).or_default() += 1;
                let (host, feeds) = (name.clone(), feeds.to_vec());
                due.hosts.push(HostTurn { host, feeds, heard: self.heard });
            }
        }
        let next = self.agenda.first().map(|(at, _)| *at).filter(|at| *at > now);
        due.next_at = earlier(due.next_at, next);
        due
    }

    /// That a turn is over; its feeds are to be filed anew.
    pub(super) fn back(&mut self, turn: &HostTurn) {
        if let Some(out) = self.out.get_mut(&turn.host) {
            *out -= 1;
            if *out == 0 {
                self.out.remove(&turn.host);
            }
        }
        for feed in &turn.feeds {
            self.busy.remove(feed);
        }
    }
}

impl Host {
    /// Takes the feeds that are due, at most so many, the longest overdue first.
    fn take(&mut self, now: DateTime<Utc>, most: Option<usize>) -> Vec<String> {
        let mut feeds = Vec::new();
        while most.is_none_or(|most| feeds.len() < most)
            && self.feeds.first().is_some_and(|(at, _)| *at <= now)
            && let Some((_, feed)) = self.feeds.pop_first()
        {
            feeds.push(feed);
        }
        feeds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn roster(per_host: usize, gap: i64, feeds: &[(&str, &str, i64)]) -> Roster {
        let mut roster = Roster::new(per_host, TimeDelta::seconds(gap), 0);
        for (host, feed, due) in feeds {
            roster.file(host, (feed, at(*due)), None);
        }
        roster.settle_all(at(100));
        roster
    }

    fn names(due: &PollDue) -> Vec<String> {
        let mut names: Vec<String> = due
            .hosts
            .iter()
            .map(|turn| format!("{}: {}", turn.host, turn.feeds.join(" ")))
            .collect();
        names.sort();
        names
    }

    #[test]
    fn with_a_gap_a_host_is_asked_for_one_feed_the_longest_overdue() {
        let feeds = [("a", "a1", 50), ("a", "a2", 40), ("b", "b1", 60), ("c", "c1", 200)];
        let mut roster = roster(1, 10, &feeds);
        let due = roster.take(at(100), usize::MAX);
        assert_eq!(names(&due), ["a: a2", "b: b1"]);
        assert_eq!(due.next_at, Some(at(110)), "the next of a, after the gap");
        // While it is being asked, nothing more of it is taken, however often one looks.
        assert_eq!(names(&roster.take(at(120), usize::MAX)), Vec::<String>::new());
        let turn = due.hosts.into_iter().find(|turn| turn.host == "a").expect("a was asked");
        roster.back(&turn);
        roster.file("a", ("a2", at(5000)), Some(at(121)));
        roster.settle("a", at(122));
        assert_eq!(names(&roster.take(at(125), usize::MAX)), Vec::<String>::new(), "the gap");
        assert_eq!(names(&roster.take(at(131), usize::MAX)), ["a: a1"]);
    }

    #[test]
    fn without_a_gap_all_feeds_of_a_host_are_dealt_out_to_its_connections() {
        let feeds = [("a", "a1", 1), ("a", "a2", 2), ("a", "a3", 3), ("a", "a4", 300)];
        let mut roster = roster(2, 0, &feeds);
        let due = roster.take(at(100), usize::MAX);
        assert_eq!(names(&due), ["a: a1 a2", "a: a3"]);
        assert_eq!(due.next_at, Some(at(300)));
        for turn in &due.hosts {
            assert_eq!(names(&roster.take(at(100), usize::MAX)), Vec::<String>::new());
            roster.back(turn);
            for feed in &turn.feeds {
                roster.file("a", (feed, at(150)), Some(at(101)));
            }
            roster.settle("a", at(101));
        }
        assert_eq!(names(&roster.take(at(160), usize::MAX)), ["a: a1 a2", "a: a3"]);
    }

    #[test]
    fn a_host_that_wants_to_be_left_alone_is() {
        let mut roster = roster(1, 0, &[("a", "a1", 1)]);
        roster.leave_alone("a", Some(at(500)));
        roster.settle("a", at(100));
        let due = roster.take(at(100), usize::MAX);
        assert_eq!((names(&due), due.next_at), (Vec::new(), Some(at(500))));
        assert_eq!(names(&roster.take(at(500), usize::MAX)), ["a: a1"]);
    }

    #[test]
    fn what_is_out_stays_out_through_a_new_look_and_room_is_kept_to() {
        let feeds = [("a", "a1", 1), ("b", "b1", 2), ("c", "c1", 3)];
        let mut older = roster(1, 0, &feeds);
        let first = older.take(at(100), 1);
        assert_eq!(names(&first), ["a: a1"]);
        let mut newer = Roster::new(1, TimeDelta::zero(), 0).after(&older);
        for (host, feed, due) in feeds {
            newer.file(host, (feed, at(due)), None);
        }
        newer.settle_all(at(100));
        assert_eq!(names(&newer.take(at(100), 9)), ["b: b1", "c: c1"]);
        let turn = first.hosts.first().expect("a");
        newer.back(turn);
        newer.file("a", ("a1", at(700)), Some(at(101)));
        newer.settle("a", at(101));
        let due = newer.take(at(101), 9);
        assert_eq!((names(&due), due.next_at), (Vec::new(), Some(at(700))), "once, not twice");
    }
}
