//! A lane, played forward: one send after the other.
//!
//! Promises: the instants never go back; what is said about the first send doesn't depend on how
//! many more are asked for. Must not: know how posts or openings are found.

use std::borrow::Cow;

use chrono::{DateTime, TimeDelta, Utc};

use super::feeds::Books;
use super::money::Pay;
use super::queue::{Group, Head, Kind, Place};
use super::{Limits, Past, Priority, Rule, Step, Waiting};
use crate::domain::cost::Usd;
use crate::domain::pace::{Opening, Pace, Sends};

/// The next send.
pub(super) struct Turn<'a> {
    pub(super) post: &'a Waiting,
    pub(super) at: DateTime<Utc>,
    pub(super) due: DateTime<Utc>,
    pub(super) rule: Rule,
    pub(super) cost: Usd,
    pub(super) without_link: bool,
    /// The rules that held it, in turn.
    pub(super) steps: Vec<Step>,
    group: usize,
    order: Order,
}

/// Who goes first at the same instant: what was released, then by priority, then the feed that was
/// served longest ago, then the oldest (or, of feeds that begin with it, the newest).
type Order = (DateTime<Utc>, bool, Option<Head>);

/// A lane, played forward.
pub(super) struct Lane<'a> {
    pace: &'a Pace,
    sends: Sends,
    books: Books<'a>,
    groups: Vec<Group<'a>>,
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
        Self {
            pace: limits.pace,
            sends: Sends::new(past.last_sent_at, past.sent.clone()),
            books: Books::new(limits, past, now),
            groups: groups(waiting, limits, now),
            now,
            until,
        }
    }

    /// The next send before the end, if there is one.
    pub(super) fn next(&mut self) -> Option<Turn<'a>> {
        let mut best: Option<Turn<'a>> = None;
        // Who comes soonest is asked first: then the others need not be followed far.
        let mut turns: Vec<(DateTime<Utc>, usize)> =
            self.groups.iter().enumerate().map(|(place, group)| (group.guess, place)).collect();
        turns.sort_unstable();
        for (_, place) in turns {
            let until = best.as_ref().map_or(self.until, |turn| {
                std::cmp::min(self.until, turn.at + TimeDelta::nanoseconds(1))
            });
            let Some(turn) = self.search(place, until) else { continue };
            if best.as_ref().is_none_or(|best| turn.order < best.order) {
                best = Some(turn);
            }
        }
        best
    }

    /// The next send of a group, if it comes before `until`.
    fn search(&mut self, place: usize, until: DateTime<Utc>) -> Option<Turn<'a>> {
        let group = self.groups.get_mut(place)?;
        let (sends, books, now) = (&self.sends, &self.books, self.now);
        let mut from = now;
        let mut cause = None;
        let mut steps = Vec::new();
        loop {
            let opening = group.pace.opening(sends, from, until, &mut |brake, until| {
                steps.push(Step { rule: brake.into(), until: Some(until) });
            });
            let opening = match opening {
                Ok(opening) => opening,
                Err(brake) => {
                    group.stop = brake.map(Rule::from).or(cause);
                    group.guess = std::cmp::max(from, until);
                    return None;
                }
            };
            let first = group.first(now, (opening.ready_by(), opening.at), books);
            if let Some((index, pay)) = first {
                let post = group.post(index)?;
                let order = (opening.at, group.kind != Kind::Released, group.turn());
                let without_link = matches!(pay, Pay::WithoutLink(_));
                let cheap = post.linkless.filter(|_| without_link);
                group.guess = opening.at;
                return Some(Turn {
                    post,
                    at: opening.at,
                    due: due(group, (post, now), sends, &opening),
                    rule: rule(group, (post, now), (cause, pay), &opening),
                    cost: cheap.unwrap_or(post.cost),
                    without_link,
                    steps,
                    group: place,
                    order,
                });
            }
            let upcoming = group.upcoming();
            let ready = upcoming.ready.map(|at| (from_slot(group, &opening, at), at));
            let next = match (ready, upcoming.freed) {
                (Some((start, at)), freed) if freed.is_none_or(|(freed, _)| start <= freed) => {
                    let never = start == DateTime::<Utc>::MAX_UTC;
                    let rule = Rule::NotBefore(group.pace.local(at));
                    (start, Some(if never { Rule::Never } else { rule }), at)
                }
                (_, Some((freed, rule))) => (freed, Some(rule), freed),
                (_, None) => {
                    group.stop = None;
                    group.guess = DateTime::<Utc>::MAX_UTC;
                    return None;
                }
            };
            cause = next.1;
            steps.extend(cause.map(|rule| Step { rule, until: Some(next.2) }));
            from = next.0;
        }
    }

    pub(super) fn commit(&mut self, turn: &Turn<'a>) {
        self.sends.record(turn.at);
        self.books.record(turn.post, turn.at, turn.cost);
        self.now = turn.at;
        if let Some(group) = self.groups.get_mut(turn.group) {
            group.take(turn.post.feed, &self.books);
        }
        for group in &mut self.groups {
            group.refresh(turn.post.feed, &self.books);
        }
    }

    /// The posts that were not sent, those whose turn is next first, and why.
    pub(super) fn left(self) -> Vec<(i64, Rule)> {
        let (pace, until, now, books) = (self.pace, self.until, self.now, &self.books);
        let why = |post: &Waiting, place, stop: Option<Rule>| {
            let stopped = stop.unwrap_or(Rule::AsSoonAsPossible);
            if post.is_expired(until) {
                return Rule::Expires;
            }
            let unpaid = match books.pay(post, now) {
                Pay::Later(_, rule) | Pay::Never(rule) if !post.send_now => Some(rule),
                Pay::Later(..) | Pay::Never(_) | Pay::Full | Pay::WithoutLink(_) => None,
            };
            match place {
                Place::Behind | Place::Pending(_) if unpaid.is_some_and(Rule::is_for_ever) => {
                    unpaid.unwrap_or(stopped)
                }
                Place::Behind if unpaid.is_some() => unpaid.unwrap_or(stopped),
                Place::Behind if !stopped.is_for_ever() => Rule::Queue,
                Place::Pending(at) if at >= until => Rule::NotBefore(pace.local(at)),
                Place::First | Place::Behind | Place::Pending(_) => stopped,
                Place::Held(rule) => rule,
                Place::Gone => Rule::Expires,
            }
        };
        let mut left = Vec::new();
        for group in self.groups {
            let stop = group.stop;
            let places = group.places().into_iter();
            left.extend(places.map(|(post, place)| (post.id, why(post, place, stop))));
        }
        left
    }
}

/// The posts of a lane by what they go by: a person's release, their urgency, their feed's own
/// slots and quiet hours.
fn groups<'a>(waiting: &'a [Waiting], limits: Limits<'a>, now: DateTime<Utc>) -> Vec<Group<'a>> {
    let mut members: std::collections::BTreeMap<(Kind, Option<usize>), Vec<usize>> =
        std::collections::BTreeMap::new();
    let without_gap = limits.pace.breaking_ignores.min_gap;
    for (index, post) in waiting.iter().enumerate() {
        let own = limits.feeds.get(post.feed).and_then(|feed| feed.pace.as_ref());
        let own = own.map(|_| post.feed);
        let key = match (post.send_now, post.priority) {
            (true, _) => (Kind::Released, None),
            (false, Priority::Breaking) => (Kind::Breaking { without_gap }, own),
            (false, Priority::Normal | Priority::Low) => (Kind::Plain, own),
        };
        members.entry(key).or_default().push(index);
    }
    let made = members.into_iter().map(|((kind, feed), members)| {
        let own = feed.and_then(|feed| limits.feeds.get(feed)).and_then(|feed| feed.pace.as_ref());
        let pace = own.unwrap_or(limits.pace);
        let pace = match kind {
            Kind::Released => Cow::Owned(Pace::unpaced(pace.zone)),
            Kind::Breaking { .. } => Cow::Owned(pace.for_breaking()),
            Kind::Plain => Cow::Borrowed(pace),
        };
        Group::new((pace, kind), waiting, members, now)
    });
    made.collect()
}

/// Where to look for an opening for a post that gets ready then: it must have been ready by its
/// slot.
fn from_slot(group: &Group<'_>, opening: &Opening, ready_at: DateTime<Utc>) -> DateTime<Utc> {
    if opening.slot.is_none() {
        return ready_at;
    }
    let just_before = ready_at - TimeDelta::nanoseconds(1);
    let slot = group.pace.next_slot(std::cmp::max(opening.at, just_before));
    slot.unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// The rule to name: spent money first, then what moved the opening last.
fn rule(
    group: &Group<'_>,
    (post, now): (&Waiting, DateTime<Utc>),
    (cause, pay): (Option<Rule>, Pay),
    opening: &Opening,
) -> Rule {
    if let Pay::WithoutLink(budget) = pay {
        return Rule::WithoutLink(budget);
    }
    if let Some(money @ (Rule::Budget(_) | Rule::Reserve(..))) = cause {
        return money;
    }
    let slot = opening.slot.map(|slot| Rule::Slot(group.pace.local(slot)));
    let moved = opening.brake.map(Rule::from).or(slot).or(cause);
    let at_once = if group.kind == Kind::Released { Rule::SendNow } else { Rule::AsSoonAsPossible };
    let jittered = group.ready_at(post, now) > std::cmp::max(now, post.ready_at(now));
    match moved {
        Some(Rule::NotBefore(_)) if jittered => Rule::Jitter(group.pace.jitter.most()),
        moved => moved.unwrap_or(at_once),
    }
}

fn due(
    group: &Group<'_>,
    (post, now): (&Waiting, DateTime<Utc>),
    sends: &Sends,
    opening: &Opening,
) -> DateTime<Utc> {
    let ready_at = group.ready_at(post, now);
    let since = if ready_at == DateTime::<Utc>::MIN_UTC { now } else { ready_at };
    let gap_end = sends.last().and_then(|last| last.checked_add_signed(group.pace.min_gap));
    let since = std::cmp::max(since, gap_end.unwrap_or(DateTime::<Utc>::MIN_UTC));
    std::cmp::min(opening.at, opening.slot.unwrap_or(since))
}
