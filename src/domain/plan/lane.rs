//! A lane, played forward: one send after the other.
//!
//! Promises: the instants never go back; what is said about the first send doesn't depend on how
//! many more are asked for. Must not: know how posts or openings are found.

use chrono::{DateTime, TimeDelta, Utc};

use super::queue::{Event, Place, Purse, Queue};
use super::{Limits, Past, Rule, Waiting};
use crate::domain::cost::Usd;
use crate::domain::pace::{Opening, Pace, Sends};

/// The next send.
pub(super) struct Turn<'a> {
    pub(super) post: &'a Waiting,
    pub(super) at: DateTime<Utc>,
    pub(super) due: DateTime<Utc>,
    pub(super) rule: Rule,
}

/// A lane, played forward.
pub(super) struct Lane<'a> {
    pace: &'a Pace,
    sends: Sends,
    purse: Purse,
    /// What a person released; it needs no budget.
    released: Queue<'a>,
    released_from: DateTime<Utc>,
    no_limit: Purse,
    others: Queue<'a>,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
}

impl<'a> Lane<'a> {
    pub(super) fn new(
        waiting: &'a [Waiting],
        past: &Past,
        limits: Limits<'a>,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Self {
        let pace = limits.pace;
        let sends = Sends::new(past.last_sent_at, past.sent.clone());
        let mut purse = Purse::new(limits.budget, pace.zone, past.spent, now);
        let no_limit = Purse::new(None, pace.zone, Usd::ZERO, now);
        let first = pace
            .opening(&sends, now, until)
            .map_or((now, now), |opening| (opening.ready_by(), opening.at));
        purse.roll(first.1);
        Self {
            released: Queue::new(waiting, now, (now, now), &no_limit, |post| post.send_now),
            others: Queue::new(waiting, now, first, &purse, |post| !post.send_now),
            released_from: now,
            pace,
            sends,
            purse,
            no_limit,
            now,
            until,
        }
    }

    /// The next send, or what stands against any before the end.
    pub(super) fn next(&mut self) -> Result<Turn<'a>, Option<Rule>> {
        let released = self.next_released();
        let until = released.as_ref().map_or(self.until, |turn| turn.at);
        match (self.next_other(until), released) {
            (Ok(turn), _) | (Err(_), Some(turn)) => Ok(turn),
            (Err(stop), None) => Err(stop),
        }
    }

    /// The next send of a released post. The search goes on where it found something last: what it
    /// found may have been overtaken by another post, and sends only ever push it back.
    fn next_released(&mut self) -> Option<Turn<'a>> {
        let mut from = std::cmp::max(self.now, self.released_from);
        loop {
            let at = self.sends.below_ceiling(from);
            if at >= self.until {
                return None;
            }
            self.released_from = at;
            let first = self.released.first(at, at, &self.no_limit);
            if let Some(post) = first.and_then(|index| self.released.post(index)) {
                let ready_at = post.ready_at(self.now);
                let rule = if at > std::cmp::max(self.now, ready_at) {
                    Rule::XCeiling
                } else if ready_at > self.now {
                    Rule::NotBefore(self.pace.local(ready_at))
                } else {
                    Rule::SendNow
                };
                let due = std::cmp::min(at, self.since(post));
                return Some(Turn { post, at, due, rule });
            }
            match self.released.next_event(&self.no_limit)? {
                Event::Ready(ready) | Event::Renewed(ready) => from = std::cmp::max(ready, at),
            }
        }
    }

    /// The next send of a post that nobody released, if it comes before `until`.
    fn next_other(&mut self, until: DateTime<Utc>) -> Result<Turn<'a>, Option<Rule>> {
        let mut from = self.now;
        let mut cause = None;
        loop {
            let opening = self
                .pace
                .opening(&self.sends, from, until)
                .map_err(|brake| brake.map(Rule::from).or(cause))?;
            if self.purse.roll(opening.at) {
                self.others.unpark();
            }
            let first = self.others.first(opening.ready_by(), opening.at, &self.purse);
            if let Some(post) = first.and_then(|index| self.others.post(index)) {
                return Ok(Turn {
                    post,
                    at: opening.at,
                    due: self.due(post, &opening),
                    rule: self.rule(cause, &opening),
                });
            }
            let event = self.others.next_event(&self.purse).ok_or(None)?;
            let at = match event {
                Event::Ready(at) => {
                    cause = Some(Rule::NotBefore(self.pace.local(at)));
                    at
                }
                Event::Renewed(at) => {
                    cause = self.purse.budget.map(Rule::Budget);
                    at
                }
            };
            from = if opening.slot.is_none() {
                at
            } else {
                let just_before = at - TimeDelta::nanoseconds(1);
                self.pace
                    .next_slot(std::cmp::max(opening.at, just_before))
                    .ok_or(Some(Rule::Never))?
            };
        }
    }

    /// The rule to name: spent money first, then what moved the opening last.
    fn rule(&self, cause: Option<Rule>, opening: &Opening) -> Rule {
        if let Some(budget @ Rule::Budget(_)) = cause {
            return budget;
        }
        let slot = opening.slot.map(|slot| Rule::Slot(self.pace.local(slot)));
        opening.brake.map(Rule::from).or(slot).or(cause).unwrap_or(Rule::AsSoonAsPossible)
    }

    fn due(&self, post: &Waiting, opening: &Opening) -> DateTime<Utc> {
        let gap_end = self.sends.last().and_then(|last| last.checked_add_signed(self.pace.min_gap));
        let since = std::cmp::max(self.since(post), gap_end.unwrap_or(DateTime::<Utc>::MIN_UTC));
        std::cmp::min(opening.at, opening.slot.unwrap_or(since))
    }

    fn since(&self, post: &Waiting) -> DateTime<Utc> {
        let ready_at = post.ready_at(self.now);
        if ready_at == DateTime::<Utc>::MIN_UTC { self.now } else { ready_at }
    }

    pub(super) fn commit(&mut self, turn: &Turn<'a>) {
        if turn.post.send_now {
            self.released.take();
        } else {
            self.others.take();
        }
        self.sends.record(turn.at);
        // A released post may be the first one of its budget period.
        if self.purse.roll(turn.at) {
            self.others.unpark();
        }
        self.purse.spend(turn.at, turn.post.cost);
        self.now = turn.at;
    }

    /// The posts that were not sent, those whose turn is next first, and why.
    pub(super) fn left(self, stop: Option<Rule>) -> Vec<(i64, Rule)> {
        let (pace, until, budget) = (self.pace, self.until, self.purse.budget);
        let why = |post: &Waiting, place, stop: Option<Rule>| {
            let stopped = stop.unwrap_or(Rule::AsSoonAsPossible);
            if post.is_expired(until) {
                return Rule::Expires;
            }
            match place {
                Place::Behind if !stopped.is_for_ever() => Rule::Queue,
                Place::Pending(at) if at >= until => Rule::NotBefore(pace.local(at)),
                Place::First | Place::Behind | Place::Pending(_) => stopped,
                Place::Parked => budget.map_or(stopped, Rule::Budget),
                Place::TooDear => budget.map_or(stopped, Rule::TooDear),
                Place::Gone => Rule::Expires,
            }
        };
        let released = self.released.places().into_iter();
        let others = self.others.places().into_iter();
        released
            .map(|(post, place)| (post.id, why(post, place, Some(Rule::XCeiling))))
            .chain(others.map(|(post, place)| (post.id, why(post, place, stop))))
            .collect()
    }
}
