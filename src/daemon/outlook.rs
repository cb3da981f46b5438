//! What will be sent when: the queue, the ledger and the config put before the pure plan.
//!
//! Promises: the daemon, `plan` and `explain` ask here, so they can't disagree. Must not: change
//! anything.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::Error;
use super::passing::Passing;
use super::recipe::Recipe;
use crate::config::{Config, FeedPace, LanePace, Profile};
use crate::domain::breaker::Lane;
use crate::domain::cost::Usd;
use crate::domain::entry::Item;
use crate::domain::linkless::linkless;
use crate::domain::pace::Pace;
use crate::domain::plan::{
    self, Budget, Decision, FeedLimits, FeedPast, Limits, Past, Pay, Plan, Priority, Purse, Trace,
    Waiting, WhenSpent,
};
use crate::domain::select::filter::Subject;
use crate::store::Store;
use crate::store::line::{Depth, InLine};
use crate::store::posts::Post;

/// Posts of each feed, priority and kind that are looked at for a lane's next send: the first, and
/// a few that go where those before them expire or can't be paid.
const HEADS: u32 = 4;
/// Posts of a lane that may not be sent yet: only the nearest matter for its next send.
const LATER_MAX: u32 = 20;
/// Posts of a lane that a printed plan looks at, shared among its feeds.
const PLANNED_MAX: u32 = 10_000;
/// How far back sends are counted for caps: two days, so that any local day is whole.
const PAST: TimeDelta = TimeDelta::hours(49);

/// The database and the config, looked at together.
#[derive(Debug, Clone, Copy)]
pub struct Outlook<'a> {
    /// The database.
    pub store: &'a Store,
    /// The config.
    pub config: &'a Config,
}

/// All that the plan of a lane needs.
struct View<'a> {
    waiting: Vec<Waiting>,
    past: Past,
    pace: &'a Pace,
    budget: Option<Budget>,
    group: Option<Budget>,
    overall: Option<Budget>,
    feeds: Vec<FeedLimits>,
}

impl View<'_> {
    fn limits(&self) -> Limits<'_> {
        Limits {
            pace: self.pace,
            budget: self.budget,
            group: self.group,
            overall: self.overall,
            feeds: &self.feeds,
        }
    }
}

impl<'a> Outlook<'a> {
    /// What a lane does at `now` with what passes a person's pauses, were nothing else stopped.
    ///
    /// # Errors
    ///
    /// Where the database fails or the lane is unknown.
    pub async fn next_of(
        &self,
        lane: &Lane,
        now: DateTime<Utc>,
        passing: &Passing,
    ) -> Result<Decision, Error> {
        let view = self.view(lane, now, (HEADS, LATER_MAX), passing).await?;
        Ok(plan::decide(&view.waiting, &view.past, view.limits(), now))
    }

    /// What a lane does from `now` until `until`, were nothing stopped.
    ///
    /// Of a queue that is longer than some thousand posts only the first of each feed are planned.
    ///
    /// # Errors
    ///
    /// Where the database fails or the lane is unknown.
    pub async fn plan_of(
        &self,
        lane: &Lane,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Plan, Error> {
        let view = self.view(lane, now, self.planned(lane).await?, &Passing::default()).await?;
        Ok(plan::plan(&view.waiting, &view.past, view.limits(), now, until))
    }

    /// How a queued post of a lane comes to its turn, and each rule that holds it until then;
    /// `None` where it is too far back in the queue to be planned.
    ///
    /// # Errors
    ///
    /// Where the database fails or the lane is unknown.
    pub async fn trace_of(
        &self,
        post: &Post,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<Trace>, Error> {
        let depth = self.planned(&post.lane).await?;
        let view = self.view(&post.lane, now, depth, &Passing::default()).await?;
        Ok(plan::trace(&view.waiting, &view.past, view.limits(), (now, until), post.id))
    }

    /// Whether the budgets pay for a post at `now`.
    ///
    /// # Errors
    ///
    /// Where the database fails or the lane is unknown.
    pub async fn pay_of(&self, post: &Post, now: DateTime<Utc>) -> Result<Pay, Error> {
        if post.life.send_now {
            return Ok(Pay::Full);
        }
        let purses = self.purses(&post.feed, &post.lane, now).await?;
        let waiting = Waiting {
            id: post.id,
            feed: 0,
            priority: priority_of(post),
            place: post.place,
            queued_at: post.queued_at,
            not_before: post.life.not_before,
            expires_at: post.life.expires_at,
            send_now: post.life.send_now,
            cost: self.cost_of(post),
            linkless: self.linkless_price(
                &post.lane,
                &post.text,
                post.has_link && !post.edited && post.life.sends == 0,
            ),
        };
        Ok(plan::pay(&waiting, purses.iter(), now))
    }

    /// What there is to pay a feed's posts on a lane from at `now`.
    pub(super) async fn purses(
        &self,
        feed: &str,
        lane: &Lane,
        now: DateTime<Utc>,
    ) -> Result<Vec<Purse>, Error> {
        let mut purses = Vec::new();
        for budget in self.config.budgets_of(feed, lane) {
            let spent = self.spent(budget, (lane, feed), now).await?;
            purses.push(Purse::new(budget, spent, now));
        }
        Ok(purses)
    }

    /// A lane's profile.
    ///
    /// # Errors
    ///
    /// Where the config doesn't know the lane.
    pub fn profile_of(&self, lane: &Lane) -> Result<&'a Profile, Error> {
        self.config
            .profile(&lane.profile)
            .filter(|profile| profile.platforms.contains(&lane.platform))
            .ok_or_else(|| Error::UnknownLane(lane.clone()))
    }

    /// What a post costs by the present prices.
    pub fn cost_of(&self, post: &Post) -> Usd {
        self.config.cost(&post.lane, post.has_link, &post.media)
    }

    async fn planned(&self, lane: &Lane) -> Result<(u32, u32), Error> {
        let feeds = u32::try_from(self.store.served(lane).await?.len()).unwrap_or(u32::MAX);
        let each = PLANNED_MAX / std::cmp::max(feeds, 1);
        Ok((std::cmp::max(each, HEADS), PLANNED_MAX))
    }

    async fn view(
        &self,
        lane: &Lane,
        now: DateTime<Utc>,
        (heads, others): (u32, u32),
        passing: &Passing,
    ) -> Result<View<'a>, Error> {
        let profile = self.profile_of(lane)?;
        let pace = profile.pace_on(&lane.platform);
        let pace = pace.ok_or_else(|| Error::UnknownLane(lane.clone()))?;
        // A feed that comes in line from here on is looked at the next time, which is at once.
        let (names, feeds, mut past) = self.feeds(lane, pace, now).await?;
        let newest = feeds.iter().any(|feed| feed.newest_first);
        let group = self.config.group_budget(profile);
        let budgets = [profile.budget, group, self.config.budget].into_iter().flatten();
        let mut budgets = budgets.chain(feeds.iter().filter_map(|feed| feed.budget));
        let depth = Depth {
            oldest: heads,
            newest: if newest { heads } else { 0 },
            others,
            texts: lane.is_x() && budgets.any(|one| one.when_spent == WhenSpent::DropLink),
        };
        let mut posts = self.store.in_line(lane, now, depth).await?;
        posts.retain(|post| passing.lets(&post.feed, post.released));
        if let Some(budget) = profile.budget {
            past.spent = self.spent(budget, (lane, ""), now).await?;
        }
        if let Some(budget) = group {
            past.spent_by_group = self.spent(budget, (lane, ""), now).await?;
        }
        if let Some(budget) = self.config.budget {
            past.spent_overall = self.spent(budget, (lane, ""), now).await?;
        }
        let waiting =
            posts.iter().filter_map(|post| Some(self.waiting(lane, post, *names.get(&post.feed)?)));
        Ok(View {
            waiting: waiting.collect(),
            past,
            pace: &pace.pace,
            budget: profile.budget,
            group,
            overall: self.config.budget,
            feeds,
        })
    }

    /// The feeds with posts on a lane: their places by name, their limits, and what they and the
    /// lane did.
    async fn feeds(
        &self,
        lane: &Lane,
        pace: &LanePace,
        now: DateTime<Utc>,
    ) -> Result<(HashMap<String, usize>, Vec<FeedLimits>, Past), Error> {
        let served = self.store.served(lane).await?;
        let sends = self.store.sends_of_lane(lane, now - PAST).await?;
        let names: HashMap<String, usize> =
            served.iter().enumerate().map(|(place, feed)| (feed.feed.clone(), place)).collect();
        let limits: Vec<FeedLimits> = served
            .iter()
            .map(|feed| match self.config.feed(&feed.feed) {
                Some(feed) => limits_of(&feed.pace, pace),
                None => FeedLimits { newest_first: pace.newest_first, ..FeedLimits::default() },
            })
            .collect();
        let mut feeds = Vec::with_capacity(served.len());
        for (feed, limits) in served.into_iter().zip(&limits) {
            let own = |(_, name): &&(DateTime<Utc>, String)| *name == feed.feed;
            feeds.push(FeedPast {
                sent: limits.caps.as_ref().map_or_else(Vec::new, |_| {
                    sends.iter().filter(own).map(|(at, _)| *at).collect()
                }),
                spent: match limits.budget {
                    None => Usd::ZERO,
                    Some(budget) => self.spent(budget, (lane, &feed.feed), now).await?,
                },
                served: feed.attempt,
                last_sent_at: feed.last_sent_at,
            });
        }
        let past = Past {
            last_sent_at: self.store.last_send_of_lane(lane).await?,
            sent: sends.into_iter().map(|(at, _)| at).collect(),
            feeds,
            ..Past::default()
        };
        Ok((names, limits, past))
    }

    fn waiting(&self, lane: &Lane, post: &InLine, feed: usize) -> Waiting {
        Waiting {
            id: post.id,
            feed,
            priority: post.priority,
            place: post.place,
            queued_at: post.queued_at,
            not_before: post.not_before,
            expires_at: post.expires_at,
            send_now: post.send_now,
            cost: self.config.prices.attempt(lane.is_x(), post.has_link),
            linkless: self.linkless_price(lane, &post.text, post.has_link && post.is_ours),
        }
    }

    /// What a post would cost without its link, if it may and can go so.
    fn linkless_price(&self, lane: &Lane, text: &str, may: bool) -> Option<Usd> {
        if !may || !lane.is_x() {
            return None;
        }
        linkless(text).map(|_| self.config.prices.attempt(true, false))
    }

    /// What was spent of a budget in the period around `now`.
    async fn spent(
        &self,
        budget: Budget,
        (lane, feed): (&Lane, &str),
        now: DateTime<Utc>,
    ) -> Result<Usd, Error> {
        let since = plan::period_start(budget.zone, budget.per, now);
        Ok(match budget.whose {
            plan::Whose::Profile => self.store.spent(&lane.profile, since).await?,
            plan::Whose::Feed => self.store.spent_by_feed(feed, since).await?,
            plan::Whose::Group => {
                let group = self.config.profile(&lane.profile).and_then(|it| it.group.as_deref());
                let members = self.config.members(group.unwrap_or_default());
                self.store.spent_together(&members, since).await?
            }
            plan::Whose::All => self.store.spent_overall(since).await?,
        })
    }
}

/// When a post of a feed would go out on a lane of which nothing waits and nothing was sent, were it
/// queued at `now`, and which rule decides that. `None` where that is not before `until`.
pub fn first_turn(
    Recipe { config, feed, .. }: Recipe<'_>,
    lane: &Lane,
    (item, cost): (&Item, Usd),
    (now, until): (DateTime<Utc>, DateTime<Utc>),
) -> Option<plan::Row> {
    let profile = config.profile(&lane.profile)?;
    let pace = profile.pace_on(&lane.platform)?;
    let subject = Subject::of(item);
    let settle = feed.select.settles_for(&subject).unwrap_or_default();
    let waiting = Waiting {
        id: 0,
        feed: 0,
        priority: feed.pace.priority_of(&subject),
        place: 0,
        queued_at: now,
        not_before: now + std::cmp::max(settle, feed.pace.embargo),
        expires_at: feed.expire_after.map(|after| now + after),
        send_now: false,
        cost,
        linkless: None,
    };
    let past = Past { feeds: vec![FeedPast::default()], ..Past::default() };
    let feeds = [limits_of(&feed.pace, pace)];
    let limits = Limits {
        pace: &pace.pace,
        budget: profile.budget,
        group: config.group_budget(profile),
        overall: config.budget,
        feeds: &feeds,
    };
    plan::trace(&[waiting], &past, limits, (now, until), waiting.id)?.goes
}

/// What a feed may do on a lane of this pace.
fn limits_of(feed: &FeedPace, lane: &LanePace) -> FeedLimits {
    let own_hours = feed.post_at.is_some() || feed.quiet_hours.is_some();
    let pace = own_hours.then(|| {
        let mut pace = lane.pace.clone();
        pace.post_at = feed.post_at.clone().unwrap_or(pace.post_at);
        pace.quiet_hours = feed.quiet_hours.clone().unwrap_or(pace.quiet_hours);
        pace
    });
    let capped =
        feed.min_gap.is_some() || feed.max_per_hour.is_some() || feed.max_per_day.is_some();
    let caps = capped.then(|| Pace {
        min_gap: feed.min_gap.unwrap_or_default(),
        max_per_hour: feed.max_per_hour,
        max_per_day: feed.max_per_day.unwrap_or(u32::MAX),
        ..Pace::unpaced(lane.pace.zone)
    });
    FeedLimits {
        pace,
        caps,
        newest_first: feed.newest_first.unwrap_or(lane.newest_first),
        budget: feed.budget,
    }
}

fn priority_of(post: &Post) -> Priority {
    let place = usize::from(post.priority);
    Priority::ALL.get(place).copied().unwrap_or(Priority::Low)
}
