//! The waiting posts of a lane that go by the same pace, in the order of their turn.
//!
//! Promises: the feed that was served longest ago goes first among equal priorities; while time
//! goes forward each post is looked at a bounded number of times. Must not: know of slots or gaps.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use chrono::{DateTime, Utc};

use super::feeds::Books;
use super::money::Pay;
use super::{Rule, Urgency, Waiting};
use crate::domain::pace::Pace;

/// What a group's posts have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A person released them: neither money, feeds nor fairness hold them.
    Released,
    /// They are breaking; whether they pass the gaps.
    Breaking { without_gap: bool },
    /// All others.
    Plain,
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
    /// This rule holds it.
    Held(Rule),
    /// Expired.
    Gone,
}

/// A feed's place among the others: the urgency of its first post, when the feed was served, and
/// that post's rank in its feed's order.
pub(super) type Head = (Urgency, Option<i64>, i64, usize);

/// The ready posts of one feed.
#[derive(Debug, Default)]
struct Line {
    ready: BinaryHeap<Reverse<(Urgency, i64, usize)>>,
    head: Option<Head>,
    /// The feed's own limits hold it.
    blocked: bool,
}

/// Posts that go by the same pace. Numbers are positions in `posts`, or of feeds.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub(super) pace: Cow<'a, Pace>,
    pub(super) kind: Kind,
    /// When its last search found something: what is found next hardly comes earlier.
    pub(super) guess: DateTime<Utc>,
    /// What stood against a send when its last search found none.
    pub(super) stop: Option<Rule>,
    posts: &'a [Waiting],
    pending: BinaryHeap<Reverse<(DateTime<Utc>, usize)>>,
    lines: BTreeMap<usize, Line>,
    heads: BTreeSet<Head>,
    blocked: BTreeMap<(DateTime<Utc>, usize), Rule>,
    parked: BTreeMap<(DateTime<Utc>, usize), Rule>,
    too_dear: Vec<(usize, Rule)>,
    gone: Vec<usize>,
}

/// What comes up when nothing can go.
pub(super) struct Upcoming {
    /// A post gets ready.
    pub(super) ready: Option<DateTime<Utc>>,
    /// A budget is renewed or a feed's limits let go, and which.
    pub(super) freed: Option<(DateTime<Utc>, Rule)>,
}

impl<'a> Group<'a> {
    /// The posts at these positions, seen from `now`.
    pub(super) fn new(
        (pace, kind): (Cow<'a, Pace>, Kind),
        posts: &'a [Waiting],
        members: Vec<usize>,
        now: DateTime<Utc>,
    ) -> Self {
        let mut group = Self {
            pace,
            kind,
            guess: now,
            stop: None,
            posts,
            pending: BinaryHeap::new(),
            lines: BTreeMap::new(),
            heads: BTreeSet::new(),
            blocked: BTreeMap::new(),
            parked: BTreeMap::new(),
            too_dear: Vec::new(),
            gone: Vec::new(),
        };
        // Made a heap at once: linear, also for a million posts.
        let mut pending = Vec::with_capacity(members.len());
        for index in members {
            let Some(post) = posts.get(index) else { continue };
            let ready_at = group.ready_at(post, now);
            if post.is_expired(std::cmp::max(now, ready_at)) {
                group.gone.push(index);
            } else {
                pending.push(Reverse((ready_at, index)));
            }
        }
        group.pending = pending.into();
        group
    }

    pub(super) fn post(&self, index: usize) -> Option<&'a Waiting> {
        self.posts.get(index)
    }

    /// Since when a post may go. On a lane without slots jitter delays it, unless it would expire
    /// by that; with slots, the slots have jitter. The paces of breaking and released posts have none.
    /// What gets ready at once is delayed alike, so a feed's order is kept.
    pub(super) fn ready_at(&self, post: &Waiting, now: DateTime<Utc>) -> DateTime<Utc> {
        let ready_at = post.ready_at(now);
        let jitter = self.pace.jitter;
        if jitter.is_none() || !self.pace.post_at.is_empty() {
            return ready_at;
        }
        match ready_at.checked_add_signed(jitter.after(ready_at)) {
            Some(later) if !post.is_expired(later) => later,
            Some(_) | None => ready_at,
        }
    }

    /// The post whose turn it is at `at`, among those ready by `ready_by`, and how it is paid.
    pub(super) fn first(
        &mut self,
        now: DateTime<Utc>,
        (ready_by, at): (DateTime<Utc>, DateTime<Utc>),
        books: &Books<'_>,
    ) -> Option<(usize, Pay)> {
        self.admit(ready_by, at, books);
        while let Some((_, _, _, feed)) = self.heads.first().copied() {
            let line = self.lines.get(&feed)?;
            let Reverse((_, _, index)) = line.ready.peek().copied()?;
            let post = self.post(index)?;
            let ready_at = self.ready_at(post, now);
            if post.is_expired(at) {
                self.gone.push(index);
            } else if ready_at > ready_by {
                // Admitted by a search that led further than the lane went.
                self.pending.push(Reverse((ready_at, index)));
            } else {
                match self.pay(post, at, books) {
                    Pay::Later(until, rule) => drop(self.parked.insert((until, index), rule)),
                    Pay::Never(rule) => self.too_dear.push((index, rule)),
                    pay @ (Pay::Full | Pay::WithoutLink(_)) => {
                        let Some((until, rule)) = books.hold(feed, self.kind, at) else {
                            return Some((index, pay));
                        };
                        self.block(feed, until, rule, books);
                        continue;
                    }
                }
            }
            self.take(feed, books);
        }
        None
    }

    /// Takes out what [`Group::first`] answered, or what can't go.
    pub(super) fn take(&mut self, feed: usize, books: &Books<'_>) {
        if let Some(line) = self.lines.get_mut(&feed) {
            line.ready.pop();
        }
        self.refresh(feed, books);
    }

    /// Puts a feed in its place among the others anew.
    pub(super) fn refresh(&mut self, feed: usize, books: &Books<'_>) {
        let Some(line) = self.lines.get_mut(&feed) else { return };
        if let Some(head) = line.head.take() {
            self.heads.remove(&head);
        }
        let Some(Reverse((urgency, rank, _))) = line.ready.peek().copied() else { return };
        if !line.blocked {
            let served = if self.kind == Kind::Released { None } else { books.served(feed) };
            let head = (urgency, served, rank, feed);
            line.head = Some(head);
            self.heads.insert(head);
        }
    }

    /// The order of a group's first feed among equal instants.
    pub(super) fn turn(&self) -> Option<Head> {
        self.heads.first().copied()
    }

    /// What comes up after an instant at which nothing could go.
    pub(super) fn upcoming(&self) -> Upcoming {
        let parked = self.parked.first_key_value().map(|((at, _), rule)| (*at, *rule));
        let blocked = self.blocked.first_key_value().map(|((at, _), rule)| (*at, *rule));
        Upcoming {
            ready: self.pending.peek().map(|Reverse((at, _))| *at),
            freed: match (parked, blocked) {
                (Some(one), Some(other)) => Some(if other.0 < one.0 { other } else { one }),
                (one, other) => one.or(other),
            },
        }
    }

    /// All that were not taken, and where they stand; those that could go come first, in order.
    pub(super) fn places(self) -> Vec<(&'a Waiting, Place)> {
        let mut in_line: Vec<(Head, Urgency, i64, usize)> = Vec::new();
        let rules: BTreeMap<usize, Rule> =
            self.blocked.iter().map(|((_, feed), rule)| (*feed, *rule)).collect();
        let mut places = Vec::new();
        let mut put = |index: usize, place| {
            places.extend(self.posts.get(index).map(|post| (post, place)));
        };
        for (feed, line) in self.lines {
            for Reverse((urgency, rank, index)) in line.ready {
                match (line.head, rules.get(&feed)) {
                    (Some(head), _) => in_line.push((head, urgency, rank, index)),
                    (None, Some(rule)) => put(index, Place::Held(*rule)),
                    (None, None) => put(index, Place::Behind),
                }
            }
        }
        in_line.sort_unstable();
        let mut place = Place::First;
        for (_, _, _, index) in in_line {
            put(index, place);
            place = Place::Behind;
        }
        for Reverse((at, index)) in self.pending.into_sorted_vec().into_iter().rev() {
            put(index, Place::Pending(at));
        }
        for ((_, index), rule) in self.parked {
            put(index, Place::Held(rule));
        }
        for (index, rule) in self.too_dear {
            put(index, Place::Held(rule));
        }
        for index in self.gone {
            put(index, Place::Gone);
        }
        places
    }

    fn pay(&self, post: &Waiting, at: DateTime<Utc>, books: &Books<'_>) -> Pay {
        if self.kind == Kind::Released { Pay::Full } else { books.pay(post, at) }
    }

    /// What got ready, affordable or unblocked stands in line from now on.
    fn admit(&mut self, ready_by: DateTime<Utc>, at: DateTime<Utc>, books: &Books<'_>) {
        let mut changed = BTreeSet::new();
        let mut joining = Vec::new();
        while let Some(Reverse((ready_at, index))) = self.pending.peek().copied() {
            if ready_at > ready_by {
                break;
            }
            self.pending.pop();
            joining.push(index);
        }
        while let Some(entry) = self.parked.first_entry() {
            if entry.key().0 > at {
                break;
            }
            joining.push(entry.remove_entry().0.1);
        }
        for index in joining {
            let Some(post) = self.posts.get(index) else { continue };
            let rank = if books.newest_first(post.feed) { -post.id } else { post.id };
            let line = self.lines.entry(post.feed).or_default();
            line.ready.push(Reverse((post.urgency(), rank, index)));
            changed.insert(post.feed);
        }
        while let Some(entry) = self.blocked.first_entry() {
            if entry.key().0 > at {
                break;
            }
            let feed = entry.remove_entry().0.1;
            if let Some(line) = self.lines.get_mut(&feed) {
                line.blocked = false;
            }
            changed.insert(feed);
        }
        for feed in changed {
            self.refresh(feed, books);
        }
    }

    fn block(&mut self, feed: usize, until: DateTime<Utc>, rule: Rule, books: &Books<'_>) {
        self.blocked.insert((until, feed), rule);
        if let Some(line) = self.lines.get_mut(&feed) {
            line.blocked = true;
        }
        self.refresh(feed, books);
    }
}
