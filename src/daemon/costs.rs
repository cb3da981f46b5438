//! What was spent, what of each budget is left, and how long that lasts.
//!
//! Promises: `cost`, `plan`, `status` and the page ask here, so they can't disagree; budgets are counted
//! as the plan counts them. Must not: change anything.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use super::Error;
use super::outlook::Outlook;
use crate::domain::breaker::Lane;
use crate::domain::cost::Usd;
use crate::domain::pace::zone;
use crate::domain::plan::{Plan, Row, Rule, Spent, period_end, period_start};
use crate::store::posts::Heading;

/// Over how many days the rate is taken that a forecast goes on with.
pub const RATE_DAYS: u32 = 7;

/// What one local day cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayCost {
    /// The day.
    pub day: NaiveDate,
    /// Posts that got out.
    pub posted: u64,
    /// What X billed, or has to be taken as billed.
    pub billed: Usd,
    /// What X may have billed beside it for requests that it refused.
    pub risk: Usd,
}

/// Whose budget it is, by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// All profiles together.
    All,
    /// A profile.
    Profile(String),
    /// A feed.
    Feed(String),
}

impl Owner {
    /// Whether it pays for a feed's posts on a lane.
    fn pays(&self, lane: &Lane, feed: &str) -> bool {
        match self {
            Self::All => true,
            Self::Profile(name) => *name == lane.profile,
            Self::Feed(name) => name == feed,
        }
    }

    /// The word for machines.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Profile(_) => "profile",
            Self::Feed(_) => "feed",
        }
    }

    /// Its name; none where it is all of them.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::All => None,
            Self::Profile(name) | Self::Feed(name) => Some(name),
        }
    }
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name() {
            None => f.write_str("all profiles"),
            Some(name) => write!(f, "{} {name}", self.kind()),
        }
    }
}

/// A budget in its present period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetState {
    /// Whose it is.
    pub owner: Owner,
    /// What of it is spent, and how fast.
    pub spent: Spent,
    /// When its period began.
    pub since: DateTime<Utc>,
    /// When its period ends, and money comes back.
    pub until: DateTime<Utc>,
}

/// What a lane sends when, as far as it is planned.
#[derive(Debug, Clone)]
pub struct LanePlan {
    /// The lane.
    pub lane: Lane,
    /// Its plan.
    pub plan: Plan,
}

impl Outlook<'_> {
    /// What each of the last `days` local days cost, the oldest first, today last; days without a
    /// cost are among them.
    ///
    /// # Errors
    ///
    /// Where the database fails.
    pub async fn spent_by_day(
        &self,
        (zone, now): (Tz, DateTime<Utc>),
        days: u32,
    ) -> Result<Vec<DayCost>, Error> {
        let spans = last_days(zone, now, days);
        let times: Vec<_> = spans.iter().map(|(_, from, to)| (*from, *to)).collect();
        let mut costs: Vec<DayCost> = spans
            .iter()
            .map(|(day, _, _)| DayCost { day: *day, posted: 0, billed: Usd::ZERO, risk: Usd::ZERO })
            .collect();
        for spending in self.store.spending(&times).await? {
            if let Some(cost) = costs.get_mut(spending.span) {
                cost.posted += spending.posted;
                cost.billed = cost.billed.plus(spending.billed);
                cost.risk = cost.risk.plus(spending.risk);
            }
        }
        Ok(costs)
    }

    /// What of each budget is spent at `now`: that of all profiles first, then those of profiles,
    /// then those of feeds.
    ///
    /// # Errors
    ///
    /// Where the database fails.
    pub async fn budgets(&self, now: DateTime<Utc>) -> Result<Vec<BudgetState>, Error> {
        let overall = self.config.budget.map(|budget| (Owner::All, budget));
        let profiles =
            self.config.profiles.iter().filter_map(|profile| {
                Some((Owner::Profile(profile.name.clone()), profile.budget?))
            });
        let feeds = self
            .config
            .feeds
            .iter()
            .filter_map(|feed| Some((Owner::Feed(feed.name.clone()), feed.pace.budget?)));
        let mut states = Vec::new();
        for (owner, budget) in overall.into_iter().chain(profiles).chain(feeds) {
            let since = period_start(budget.zone, budget.per, now);
            let lately = now - TimeDelta::days(i64::from(RATE_DAYS));
            states.push(BudgetState {
                spent: Spent {
                    budget,
                    spent: self.spent_since(&owner, since).await?,
                    lately: self.spent_since(&owner, lately).await?,
                    lately_days: RATE_DAYS,
                },
                since,
                until: period_end(budget.zone, budget.per, now),
                owner,
            });
        }
        Ok(states)
    }

    /// The plan of each lane that has something queued, until before `until`, by the names of the
    /// lanes.
    ///
    /// # Errors
    ///
    /// Where the database fails.
    pub async fn plans(
        &self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<LanePlan>, Error> {
        let mut plans = Vec::new();
        for lane in self.store.lanes_in_line().await? {
            if self.config.has_lane(&lane) {
                let plan = self.plan_of(&lane, now, until).await?;
                plans.push(LanePlan { lane, plan });
            }
        }
        plans.sort_by(|one, other| one.lane.cmp(&other.lane));
        Ok(plans)
    }

    /// What listings show of all posts of some plans.
    ///
    /// # Errors
    ///
    /// Where the database fails.
    pub async fn headings(&self, plans: &[LanePlan]) -> Result<HashMap<i64, Heading>, Error> {
        let planned = plans.iter().flat_map(|it| it.plan.rows.iter().map(|row| row.id));
        let left = plans.iter().flat_map(|it| it.plan.left.iter().map(|(id, _)| *id));
        let posts: Vec<i64> = planned.chain(left).collect();
        Ok(self.store.headings(&posts).await?)
    }

    async fn spent_since(&self, owner: &Owner, since: DateTime<Utc>) -> Result<Usd, Error> {
        Ok(match owner {
            Owner::All => self.store.spent_overall(since).await?,
            Owner::Profile(name) => self.store.spent(name, since).await?,
            Owner::Feed(name) => self.store.spent_by_feed(name, since).await?,
        })
    }
}

impl BudgetState {
    /// When the plans have spent what is left; see [`Spent::ends_by_plan`]. `headings` tells the feed
    /// of each planned post.
    pub fn ends_by_plan(
        &self,
        plans: &[LanePlan],
        headings: &HashMap<i64, Heading>,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let feed = |id: &i64| headings.get(id).map_or("", |it| it.feed.as_str());
        let mut rows: Vec<&Row> = Vec::new();
        let mut left: Vec<&Rule> = Vec::new();
        for LanePlan { lane, plan } in plans {
            let pays = |id: &i64| self.owner.pays(lane, feed(id));
            rows.extend(plan.rows.iter().filter(|row| pays(&row.id)));
            left.extend(plan.left.iter().filter(|(id, _)| pays(id)).map(|(_, rule)| rule));
        }
        rows.sort_by_key(|row| (row.at, row.id));
        self.spent.ends_by_plan(rows.into_iter(), left.into_iter(), now)
    }
}

/// The last local days, today last: each with its first instant and the first one after it.
pub fn last_days(
    zone: Tz,
    now: DateTime<Utc>,
    days: u32,
) -> Vec<(NaiveDate, DateTime<Utc>, DateTime<Utc>)> {
    let today = zone::day(zone, now);
    let back = (0..days).rev();
    let day = |back| today.checked_sub_days(chrono::Days::new(u64::from(back)));
    back.filter_map(day)
        .map(|day| (day, zone::day_start(zone, day), zone::day_end(zone, day)))
        .collect()
}
