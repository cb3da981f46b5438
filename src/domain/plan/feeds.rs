//! What is known of the feeds of a lane, and of the money: limits, and what was sent and spent.
//!
//! Promises: a feed without limits costs nothing to ask about. Must not: know of posts that wait.

use chrono::{DateTime, Utc};

use super::money::{Pay, Purse, pay};
use super::queue::Kind;
use super::{Limits, Past, Rule, Waiting};
use crate::domain::cost::Usd;
use crate::domain::pace::{Brake, Pace, Sends};

/// What one feed may do on one lane.
#[derive(Debug, Clone, Default)]
pub struct FeedLimits {
    /// A pace with slots or quiet hours of its own, in place of the lane's.
    pub pace: Option<Pace>,
    /// Its own gap and caps, on top of the lane's.
    pub caps: Option<Pace>,
    /// Whether its newest post goes first.
    pub newest_first: bool,
    /// Its own budget.
    pub budget: Option<super::Budget>,
}

/// What one feed did lately.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedPast {
    /// The number of its latest attempt on the lane: the lower, the longer ago.
    pub served: Option<i64>,
    /// Its latest send on the lane, in the order of sending.
    pub last_sent_at: Option<DateTime<Utc>>,
    /// Its sends on the lane in the last 48 hours and in the future.
    pub sent: Vec<DateTime<Utc>>,
    /// What it spent on all lanes since the start of its budget's period.
    pub spent: Usd,
}

#[derive(Debug)]
struct Feed<'a> {
    limits: &'a FeedLimits,
    sends: Sends,
    served: Option<i64>,
    purse: Option<Purse>,
}

/// The lane's books, kept forward.
#[derive(Debug)]
pub(super) struct Books<'a> {
    feeds: Vec<Feed<'a>>,
    common: Vec<Purse>,
    turns: i64,
}

impl<'a> Books<'a> {
    pub(super) fn new(limits: Limits<'a>, past: &Past, now: DateTime<Utc>) -> Self {
        let none = FeedPast::default();
        let feeds: Vec<Feed<'a>> = limits
            .feeds
            .iter()
            .enumerate()
            .map(|(index, limits)| {
                let past = past.feeds.get(index).unwrap_or(&none);
                Feed {
                    limits,
                    sends: Sends::new(past.last_sent_at, past.sent.clone()),
                    served: past.served,
                    purse: limits.budget.map(|budget| Purse::new(budget, past.spent, now)),
                }
            })
            .collect();
        let profile = limits.budget.map(|budget| Purse::new(budget, past.spent, now));
        let overall = limits.overall.map(|budget| Purse::new(budget, past.spent_overall, now));
        let group = limits.group.map(|budget| Purse::new(budget, past.spent_by_group, now));
        let turns = feeds.iter().filter_map(|feed| feed.served).max().unwrap_or(0);
        Self { feeds, common: profile.into_iter().chain(group).chain(overall).collect(), turns }
    }

    pub(super) fn served(&self, feed: usize) -> Option<i64> {
        self.feeds.get(feed)?.served
    }

    pub(super) fn newest_first(&self, feed: usize) -> bool {
        self.feeds.get(feed).is_some_and(|feed| feed.limits.newest_first)
    }

    pub(super) fn pay(&self, post: &Waiting, at: DateTime<Utc>) -> Pay {
        let own = self.feeds.get(post.feed).and_then(|feed| feed.purse.as_ref());
        pay(post, self.common.iter().chain(own), at)
    }

    /// Which of a feed's own limits holds it, and until when.
    pub(super) fn hold(
        &self,
        feed: usize,
        kind: Kind,
        at: DateTime<Utc>,
    ) -> Option<(DateTime<Utc>, Rule)> {
        let feed = self.feeds.get(feed)?;
        let caps = feed.limits.caps.as_ref()?;
        let held = match kind {
            Kind::Released => return None,
            Kind::Breaking { without_gap: true } => {
                let caps = Pace { min_gap: chrono::TimeDelta::zero(), ..caps.clone() };
                caps.hold(&feed.sends, at)
            }
            Kind::Breaking { without_gap: false } | Kind::Plain => caps.hold(&feed.sends, at),
        };
        match held {
            Ok(held) => held.map(|(until, brake)| (until, of_feed(brake))),
            Err(_) => Some((DateTime::<Utc>::MAX_UTC, Rule::Never)),
        }
    }

    /// Counts a send.
    pub(super) fn record(&mut self, post: &Waiting, at: DateTime<Utc>, cost: Usd) {
        self.turns += 1;
        for purse in &mut self.common {
            purse.spend(at, cost);
        }
        if let Some(feed) = self.feeds.get_mut(post.feed) {
            feed.served = Some(self.turns);
            feed.sends.record(at);
            if let Some(purse) = &mut feed.purse {
                purse.spend(at, cost);
            }
        }
    }
}

/// The rule that a brake is when it holds one feed alone.
fn of_feed(brake: Brake) -> Rule {
    match brake {
        Brake::MinGap(gap) => Rule::FeedGap(gap),
        Brake::HourlyCap(posts) => Rule::FeedHourlyCap(posts),
        Brake::DailyCap(posts) => Rule::FeedDailyCap(posts),
        Brake::Slot(_)
        | Brake::QuietHours(_)
        | Brake::Blackout(_)
        | Brake::Jitter(_)
        | Brake::XCeiling
        | Brake::Never => brake.into(),
    }
}
