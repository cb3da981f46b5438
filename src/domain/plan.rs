//! Queue + pace + budget + now → what goes when.
//!
//! Promises: derived, never stored; the daemon's next send is the plan's first row. Must not: send,
//! or know what a text says.
//!
//! The order: what a person has sent at once; breaking posts; as a person put them; by priority;
//! among equals the feed that was served longest ago; of a feed the oldest post, or the newest where that is asked for. A post that isn't
//! ready yet holds nobody back, and neither does a feed whose own gap or cap holds it. A post that
//! the rest of the budget can't pay steps aside until the next period: cheaper ones behind it may
//! go, which costs it nothing, since money only comes back with the period. What costs nothing
//! always passes.

mod feeds;
mod forecast;
mod lane;
mod money;
mod queue;
mod rule;
#[cfg(test)]
mod tests;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::cost::Usd;
use super::pace::{HORIZON_DAYS, Pace, zone};
pub use feeds::{FeedLimits, FeedPast};
pub use forecast::{Spent, WARN_PERCENT};
use lane::Lane;
pub use money::{Budget, Pay, Period, Purse, WhenSpent, Whose, gathers, pay};
pub use rule::Rule;

/// How urgent a post is; the first goes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Priority {
    /// Before all others.
    Breaking,
    /// In its turn.
    #[default]
    Normal,
    /// When nothing else waits.
    Low,
}

impl Priority {
    /// All priorities, in the order in which they go.
    pub const ALL: [Self; 3] = [Self::Breaking, Self::Normal, Self::Low];

    /// The word in the config, the database and listings.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Breaking => "breaking",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }

    /// Reads what [`Priority::word`] wrote.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.word() == word)
    }
}

/// One queued post, as far as planning needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Its row; the older post has the lower one.
    pub id: i64,
    /// Its feed: a position in [`Limits::feeds`]. One that is not there has no limits.
    pub feed: usize,
    /// Its priority.
    pub priority: Priority,
    /// Where a person put it among those of its lane: below 0 before all others, above 0 behind
    /// them. Breaking posts go before all that aren't, wherever they were put.
    pub place: i64,
    /// Since when it is in the queue.
    pub queued_at: DateTime<Utc>,
    /// Not to be sent earlier.
    pub not_before: DateTime<Utc>,
    /// Not to be sent then or later.
    pub expires_at: Option<DateTime<Utc>>,
    /// Released by hand: only its `not_before` and X's ceiling hold it.
    pub send_now: bool,
    /// What one attempt costs.
    pub cost: Usd,
    /// What it would cost without its link; `None` where it has to stay as it is.
    pub linkless: Option<Usd>,
}

/// What is asked before whose turn it is: the lesser goes first.
type Urgency = (bool, i64, Priority);

impl Waiting {
    /// Breaking ones first, then as a person put them, then by priority.
    fn urgency(&self) -> Urgency {
        (self.priority != Priority::Breaking, self.place, self.priority)
    }

    /// Since when it may go.
    ///
    /// A post that was queued in the future was queued before the clock was set back: it counts as
    /// there since ever, unless a later `not_before` was wished for.
    fn ready_at(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        if self.queued_at <= now {
            std::cmp::max(self.queued_at, self.not_before)
        } else if self.not_before > self.queued_at {
            self.not_before
        } else {
            DateTime::<Utc>::MIN_UTC
        }
    }

    fn is_expired(&self, at: DateTime<Utc>) -> bool {
        self.expires_at.is_some_and(|expires| expires <= at)
    }
}

/// What the lane and its profile did lately.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    /// The lane's latest send in the order of sending: the one with the highest attempt id, which
    /// need not be the latest instant if the clock was set back.
    pub last_sent_at: Option<DateTime<Utc>>,
    /// The lane's sends (posted or possibly posted) of the last 48 hours and of the future.
    pub sent: Vec<DateTime<Utc>>,
    /// What the profile spent since [`period_start`] of its budget.
    pub spent: Usd,
    /// What all profiles spent since [`period_start`] of the overall budget.
    pub spent_overall: Usd,
    /// What the profiles of the group spent since [`period_start`] of its budget.
    pub spent_by_group: Usd,
    /// What each of [`Limits::feeds`] did.
    pub feeds: Vec<FeedPast>,
}

/// What holds a lane.
#[derive(Debug, Clone, Copy)]
pub struct Limits<'a> {
    /// The lane's pace.
    pub pace: &'a Pace,
    /// The profile's budget.
    pub budget: Option<Budget>,
    /// The budget of the profile's group.
    pub group: Option<Budget>,
    /// The budget of all profiles together.
    pub overall: Option<Budget>,
    /// What each feed of the lane may do.
    pub feeds: &'a [FeedLimits],
}

/// What a lane does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Send this post.
    Send {
        /// The post.
        id: i64,
        /// Since when it could have gone: its slot, or when it was ready and the gap over.
        due: DateTime<Utc>,
        /// Which rule let it go.
        rule: Rule,
        /// Whether it goes without its link, which the money doesn't reach for.
        without_link: bool,
    },
    /// Ask again at this instant, or when queue, config or clock change.
    Wait {
        /// When.
        until: DateTime<Utc>,
        /// Which rule holds it.
        rule: Rule,
        /// The post that goes next.
        id: i64,
    },
    /// Nothing waits that can be sent before it expires.
    Idle,
}

/// One line of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The post.
    pub id: i64,
    /// When it goes.
    pub at: DateTime<Utc>,
    /// Which rule decided that.
    pub rule: Rule,
    /// What it costs.
    pub cost: Usd,
    /// Whether it goes without its link, which the money doesn't reach for.
    pub without_link: bool,
}

/// What a lane sends when, if nothing changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// In the order of sending.
    pub rows: Vec<Row>,
    /// The posts that don't go before the horizon, by id, and why.
    pub left: Vec<(i64, Rule)>,
}

/// A rule that held a post for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The rule.
    pub rule: Rule,
    /// Until when; `None`: beyond the horizon.
    pub until: Option<DateTime<Utc>>,
}

/// How a post comes to its turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The rules that hold it, one after the other.
    pub steps: Vec<Step>,
    /// When it goes, and which rule decides that; `None`: not before the horizon.
    pub goes: Option<Row>,
}

/// What a lane does now. `waiting` may be in any order.
pub fn decide(
    waiting: &[Waiting],
    past: &Past,
    limits: Limits<'_>,
    now: DateTime<Utc>,
) -> Decision {
    let until = horizon(now);
    let mut lane = Lane::new(waiting, past, limits, now, until);
    if let Some(turn) = lane.next() {
        let id = turn.post.id;
        if turn.at > now {
            return Decision::Wait { until: turn.at, rule: turn.rule, id };
        }
        let without_link = turn.without_link;
        return Decision::Send { id, due: turn.due, rule: turn.rule, without_link };
    }
    let first = lane.left().into_iter().find(|(_, rule)| *rule != Rule::Expires);
    first.map_or(Decision::Idle, |(id, rule)| {
        let says_why = matches!(rule, Rule::TooDear(_) | Rule::NotBefore(_) | Rule::Blackout(_));
        Decision::Wait { until, rule: if says_why { rule } else { Rule::Never }, id }
    })
}

/// What a lane sends from `now` until before `until` (at most [`HORIZON_DAYS`] days), if nothing
/// changes: what [`decide`] would say, asked again after each send and at the end of each wait.
///
/// Money that the profile's other lanes will spend is not foreseen.
pub fn plan(
    waiting: &[Waiting],
    past: &Past,
    limits: Limits<'_>,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Plan {
    let mut lane = Lane::new(waiting, past, limits, now, std::cmp::min(until, horizon(now)));
    let mut rows = Vec::new();
    while let Some(turn) = lane.next() {
        lane.commit(&turn);
        rows.push(row(&turn));
    }
    let mut left = lane.left();
    left.sort_unstable_by_key(|(id, _)| *id);
    Plan { rows, left }
}

fn row(turn: &lane::Turn<'_>) -> Row {
    Row {
        id: turn.post.id,
        at: turn.at,
        rule: turn.rule,
        cost: turn.cost,
        without_link: turn.without_link,
    }
}

/// How one of the waiting posts comes to its turn: each rule that holds it, and until when.
/// `None` if it doesn't wait.
pub fn trace(
    waiting: &[Waiting],
    past: &Past,
    limits: Limits<'_>,
    (now, until): (DateTime<Utc>, DateTime<Utc>),
    id: i64,
) -> Option<Trace> {
    let traced = waiting.iter().find(|post| post.id == id)?;
    let mut lane = Lane::new(waiting, past, limits, now, std::cmp::min(until, horizon(now)));
    let ready_at = traced.ready_at(now);
    let mut steps = Vec::new();
    if ready_at > now {
        let rule = Rule::NotBefore(limits.pace.local(ready_at));
        steps.push(Step { rule, until: Some(ready_at) });
    }
    let mut others_until = None;
    while let Some(turn) = lane.next() {
        if turn.post.id == id {
            let others = others_until.filter(|at| *at > ready_at);
            steps.extend(others.map(|at| Step { rule: Rule::Queue, until: Some(at) }));
            let known = |step: &Step| steps.contains(step);
            let own: Vec<Step> = turn.steps.iter().filter(|step| !known(step)).copied().collect();
            steps.extend(own);
            return Some(Trace { steps, goes: Some(row(&turn)) });
        }
        others_until = Some(turn.at);
        lane.commit(&turn);
    }
    let rule = lane.left().into_iter().find(|(other, _)| *other == id).map(|(_, rule)| rule);
    steps.extend(rule.map(|rule| Step { rule, until: None }));
    Some(Trace { steps, goes: None })
}

/// The first instant of the next local day.
pub fn next_day_start(zone: Tz, now: DateTime<Utc>) -> DateTime<Utc> {
    zone::day_end(zone, zone::day(zone, now))
}

/// The first instant of the budget period that `now` lies in.
pub fn period_start(zone: Tz, per: Period, now: DateTime<Utc>) -> DateTime<Utc> {
    let day = zone::day(zone, now);
    match per {
        Period::Day => zone::day_start(zone, day),
        Period::Month => zone::day_start(zone, zone::month(day).0),
    }
}

/// The first instant after the budget period that `now` lies in.
pub fn period_end(zone: Tz, per: Period, now: DateTime<Utc>) -> DateTime<Utc> {
    let day = zone::day(zone, now);
    match per {
        Period::Day => zone::day_end(zone, day),
        Period::Month => zone::day_start(zone, zone::month(day).1),
    }
}

fn horizon(now: DateTime<Utc>) -> DateTime<Utc> {
    let days = i64::try_from(HORIZON_DAYS).unwrap_or(i64::MAX);
    TimeDelta::try_days(days)
        .and_then(|span| now.checked_add_signed(span))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}
