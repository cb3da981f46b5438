//! The waiting posts of a lane in the order of their turn, and the money for them.
//!
//! Promises: while time goes forward each post is looked at a bounded number of times: once when
//! it gets ready, once when it goes, and once for each budget period that it waits for.
//! Must not: know of slots, gaps or caps.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{Budget, Priority, Waiting, period_end, period_start};
use crate::domain::cost::Usd;

/// What a profile may still spend.
#[derive(Debug)]
pub(super) struct Purse {
    pub(super) budget: Option<Budget>,
    zone: Tz,
    spent: Usd,
    /// Of the current period.
    start: DateTime<Utc>,
    pub(super) end: DateTime<Utc>,
}

impl Purse {
    pub(super) fn new(budget: Option<Budget>, zone: Tz, spent: Usd, now: DateTime<Utc>) -> Self {
        let (start, end) = budget
            .map_or((DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC), |budget| {
                (period_start(zone, budget.per, now), period_end(zone, budget.per, now))
            });
        Self { budget, zone, spent, start, end }
    }

    /// Enters the period of an instant; true if it is a later one.
    pub(super) fn roll(&mut self, at: DateTime<Utc>) -> bool {
        let later = at >= self.end;
        if later {
            *self = Self::new(self.budget, self.zone, Usd::ZERO, at);
        }
        later
    }

    /// Counts a send, unless the purse is in a later period already.
    pub(super) fn spend(&mut self, at: DateTime<Utc>, cost: Usd) {
        if at >= self.start {
            self.spent = self.spent.plus(cost);
        }
    }

    fn affords(&self, cost: Usd) -> bool {
        self.fits(self.spent.plus(cost), cost)
    }

    fn affords_ever(&self, cost: Usd) -> bool {
        self.fits(cost, cost)
    }

    /// What costs nothing always passes.
    fn fits(&self, total: Usd, cost: Usd) -> bool {
        cost <= Usd::ZERO || self.budget.is_none_or(|budget| total <= budget.usd)
    }
}

/// Where a post of the queue stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// First of those that could go.
    First,
    /// Behind it.
    Behind,
    /// Not ready before this instant.
    Pending(DateTime<Utc>),
    /// Waits for the next budget period.
    Parked,
    /// Costs more than a whole period's budget.
    TooDear,
    /// Expired.
    Gone,
}

type ByTurn = Reverse<(Priority, i64, usize)>;
type ByTime = Reverse<(DateTime<Utc>, usize)>;

/// What comes up next when nothing can go now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// A post gets ready.
    Ready(DateTime<Utc>),
    /// A budget period begins.
    Renewed(DateTime<Utc>),
}

/// Posts, by where they stand. Numbers are positions in `posts`.
#[derive(Debug)]
pub(super) struct Queue<'a> {
    posts: &'a [Waiting],
    pending: BinaryHeap<ByTime>,
    ready: BinaryHeap<ByTurn>,
    parked: Vec<ByTurn>,
    too_dear: Vec<usize>,
    gone: Vec<usize>,
}

impl<'a> Queue<'a> {
    /// The posts that `choose` names, seen from `now`; the first question will not be about an
    /// earlier `ready_by` or `at` than these.
    pub(super) fn new(
        posts: &'a [Waiting],
        now: DateTime<Utc>,
        (ready_by, at): (DateTime<Utc>, DateTime<Utc>),
        purse: &Purse,
        choose: impl Fn(&Waiting) -> bool,
    ) -> Self {
        let mut queue = Self {
            posts,
            pending: BinaryHeap::new(),
            ready: BinaryHeap::new(),
            parked: Vec::new(),
            too_dear: Vec::new(),
            gone: Vec::new(),
        };
        // Collected first and made heaps after: linear, also for a million posts.
        let mut pending = Vec::new();
        let mut ready = Vec::new();
        for (index, post) in posts.iter().enumerate().filter(|(_, post)| choose(post)) {
            let ready_at = post.ready_at(now);
            if post.is_expired(std::cmp::max(at, ready_at)) {
                queue.gone.push(index);
            } else if ready_at > ready_by {
                pending.push(Reverse((ready_at, index)));
            } else if purse.affords(post.cost) {
                ready.push(Reverse((post.priority, post.id, index)));
            } else {
                queue.put_aside(index, post, purse);
            }
        }
        queue.pending = pending.into();
        queue.ready = ready.into();
        queue
    }

    pub(super) fn post(&self, index: usize) -> Option<&'a Waiting> {
        self.posts.get(index)
    }

    /// The post whose turn it is at `at`, among those ready by `ready_by`.
    pub(super) fn first(
        &mut self,
        ready_by: DateTime<Utc>,
        at: DateTime<Utc>,
        purse: &Purse,
    ) -> Option<usize> {
        while let Some(Reverse((ready_at, index))) = self.pending.peek().copied() {
            if ready_at > ready_by {
                break;
            }
            self.pending.pop();
            if let Some(post) = self.post(index) {
                self.ready.push(Reverse((post.priority, post.id, index)));
            }
        }
        while let Some(Reverse((_, _, index))) = self.ready.peek().copied() {
            let post = self.post(index)?;
            if post.is_expired(at) {
                self.gone.push(index);
            } else if purse.affords(post.cost) {
                return Some(index);
            } else {
                self.put_aside(index, post, purse);
            }
            self.ready.pop();
        }
        None
    }

    /// Takes out what [`Queue::first`] answered.
    pub(super) fn take(&mut self) {
        self.ready.pop();
    }

    /// A new period: what waited for money stands in line again.
    pub(super) fn unpark(&mut self) {
        self.ready.extend(self.parked.drain(..));
    }

    /// What comes up after an instant at which nothing could go.
    pub(super) fn next_event(&mut self, purse: &Purse) -> Option<Event> {
        while let Some(Reverse((ready_at, index))) = self.pending.peek().copied() {
            let post = self.post(index)?;
            if post.is_expired(ready_at) {
                self.gone.push(index);
            } else if !purse.affords_ever(post.cost)
                || (ready_at < purse.end && !purse.affords(post.cost))
            {
                self.put_aside(index, post, purse);
            } else {
                break;
            }
            self.pending.pop();
        }
        let renewed = (!self.parked.is_empty()).then_some(purse.end);
        match (self.pending.peek().copied(), renewed) {
            (Some(Reverse((ready, _))), Some(renewed)) if ready >= renewed => {
                Some(Event::Renewed(renewed))
            }
            (Some(Reverse((ready, _))), _) => Some(Event::Ready(ready)),
            (None, renewed) => renewed.map(Event::Renewed),
        }
    }

    /// All that were not taken, and where they stand; those that could go come first, in order.
    pub(super) fn places(self) -> Vec<(&'a Waiting, Place)> {
        let mut places = Vec::new();
        let mut put = |index, place| {
            if let Some(post) = self.posts.get(index) {
                places.push((post, place));
            }
        };
        let mut place = Place::First;
        for Reverse((_, _, index)) in self.ready.into_sorted_vec().into_iter().rev() {
            put(index, place);
            place = Place::Behind;
        }
        for Reverse((at, index)) in self.pending.into_sorted_vec().into_iter().rev() {
            put(index, Place::Pending(at));
        }
        let mut parked = self.parked;
        parked.sort_unstable_by_key(|Reverse(turn)| *turn);
        for Reverse((_, _, index)) in parked {
            put(index, Place::Parked);
        }
        for index in self.too_dear {
            put(index, Place::TooDear);
        }
        for index in self.gone {
            put(index, Place::Gone);
        }
        places
    }

    fn put_aside(&mut self, index: usize, post: &Waiting, purse: &Purse) {
        if purse.affords_ever(post.cost) {
            self.parked.push(Reverse((post.priority, post.id, index)));
        } else {
            self.too_dear.push(index);
        }
    }
}
