//! What will be sent when: the queue, the ledger and the config put before the pure plan.
//!
//! Promises: the daemon, `plan` and `explain` ask here, so they can't disagree. Must not: change
//! anything.

use chrono::{DateTime, TimeDelta, Utc};

use super::Error;
use crate::config::{Config, Profile};
use crate::domain::breaker::Lane;
use crate::domain::cost::Usd;
use crate::domain::plan::{self, Decision, Limits, Past, Plan, Priority, Waiting};
use crate::store::Store;
use crate::store::posts::Post;

/// Posts of a lane that are looked at for its next send: those first in line.
const IN_LINE_MAX: u32 = 200;
/// Posts of a lane that may not be sent yet: only the nearest matter for its next send.
const LATER_MAX: u32 = 20;
/// Posts of a lane that a printed plan looks at.
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

impl<'a> Outlook<'a> {
    /// What a lane does at `now`, were nothing stopped.
    ///
    /// # Errors
    ///
    /// Where the database fails or the lane is unknown.
    pub async fn next_of(&self, lane: &Lane, now: DateTime<Utc>) -> Result<Decision, Error> {
        let waiting = self.waiting_on(lane, now, (IN_LINE_MAX, LATER_MAX)).await?;
        let past = self.past(lane, now).await?;
        Ok(plan::decide(&waiting, &past, self.limits(lane)?, now))
    }

    /// What a lane does from `now` until `until`, were nothing stopped.
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
        let waiting = self.waiting_on(lane, now, (PLANNED_MAX, PLANNED_MAX)).await?;
        let past = self.past(lane, now).await?;
        Ok(plan::plan(&waiting, &past, self.limits(lane)?, now, until))
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
        let (prices, is_x) = (&self.config.prices, post.lane.is_x());
        prices.attempt(is_x, post.has_link).plus(prices.alt_texts(is_x, post.media.alt_texts()))
    }

    async fn waiting_on(
        &self,
        lane: &Lane,
        now: DateTime<Utc>,
        (in_line, later): (u32, u32),
    ) -> Result<Vec<Waiting>, Error> {
        let mut posts = self.store.in_line(lane, now, None, in_line).await?;
        if self.profile_of(lane)?.budget.is_some() {
            // Behind many that the budget can't pay, those without a link may pass.
            let cheap = self.store.in_line(lane, now, Some(false), in_line).await?;
            posts.extend(cheap);
            posts.sort_by_key(|post| post.id);
            posts.dedup_by_key(|post| post.id);
        }
        posts.extend(self.store.in_line_later(lane, now, later).await?);
        Ok(posts.iter().map(|post| self.waiting(post)).collect())
    }

    fn waiting(&self, post: &Post) -> Waiting {
        Waiting {
            id: post.id,
            priority: match post.priority {
                0 => Priority::Breaking,
                1 => Priority::Normal,
                _ => Priority::Low,
            },
            queued_at: post.queued_at,
            not_before: post.life.not_before,
            expires_at: post.life.expires_at,
            send_now: post.life.send_now,
            cost: self.cost_of(post),
        }
    }

    async fn past(&self, lane: &Lane, now: DateTime<Utc>) -> Result<Past, Error> {
        let profile = self.profile_of(lane)?;
        let spent = match profile.budget {
            None => Usd::ZERO,
            Some(budget) => {
                let since = plan::period_start(profile.pace.zone, budget.per, now);
                self.store.spent(&lane.profile, since).await?
            }
        };
        Ok(Past {
            last_sent_at: self.store.last_send_of_lane(lane).await?,
            sent: self.store.sends_of_lane(lane, now - PAST).await?,
            spent,
        })
    }

    fn limits(&self, lane: &Lane) -> Result<Limits<'a>, Error> {
        let profile = self.profile_of(lane)?;
        Ok(Limits { pace: &profile.pace, budget: profile.budget })
    }
}
