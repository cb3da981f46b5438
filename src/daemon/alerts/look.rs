//! What is wrong right now, as the database and the disk show it.
//!
//! Promises: each look costs a few short reads. Must not: change anything.

use chrono::{DateTime, TimeDelta, Utc};
use tracing::warn;

use super::super::{Daemon, Error};
use crate::config::Period;
use crate::domain::alert::conditions::{self, PostFacts, Spending};
use crate::domain::alert::{Alert, Kind, habit};
use crate::domain::breaker::X;
use crate::domain::cost::Usd;
use crate::domain::plan::{Budget, period_start};
use crate::domain::select::rules::OnUpdate;

/// A change of an entry is worth a word for so long.
const CORRECTIONS_FOR: TimeDelta = TimeDelta::days(2);
/// A feed is asked whether it is quiet only after so long.
const SILENCE_MIN: TimeDelta = TimeDelta::days(1);

/// What was looked at, and what was seen.
pub(super) struct Sight {
    pub(super) looked: Vec<Kind>,
    pub(super) seen: Vec<Alert>,
}

impl Daemon {
    /// Everything that is wrong at `now`; the habits of feeds only if they are asked for.
    pub(super) async fn look(&self, habits: bool, now: DateTime<Utc>) -> Result<Sight, Error> {
        let mut looked: Vec<Kind> = Kind::ALL
            .into_iter()
            .filter(|kind| !kind.is_event() && (habits || *kind != Kind::FeedQuiet))
            .collect();
        let mut seen = Vec::new();
        for stop in self.store.open_breakers().await? {
            seen.push(conditions::stop(&stop.scope, stop.cause, stop.opened_at, &stop.detail));
        }
        self.look_at_posts(now, &mut seen).await?;
        self.look_at_feeds(habits, &mut seen).await?;
        self.look_at_budgets(now, &mut seen).await?;
        match self.store.free_space().await {
            Ok(free) => seen.extend(conditions::disk_low(free, self.config.store.min_free)),
            Err(error) => {
                warn!("cannot tell how much room the disk has: {error}");
                looked.retain(|kind| *kind != Kind::DiskLow);
            }
        }
        Ok(Sight { looked, seen })
    }

    async fn look_at_posts(&self, now: DateTime<Utc>, seen: &mut Vec<Alert>) -> Result<(), Error> {
        for post in self.store.troubled_posts().await? {
            let facts = PostFacts {
                id: post.id,
                lane: &post.lane,
                text: &post.text,
                reason: &post.reason,
                since: post.since,
            };
            seen.push(if post.in_doubt {
                conditions::post_in_doubt(facts)
            } else {
                conditions::post_failed(facts)
            });
        }
        for held in self.store.held_by_feed().await? {
            let profiles = self.profiles_of(&held.feed);
            seen.push(conditions::posts_held(&held.feed, held.posts, &held.reason, profiles));
        }
        for it in self.store.changed_since_posted(now - CORRECTIONS_FOR).await? {
            let feed = self.config.feed(&it.feed);
            if feed.is_none_or(|feed| feed.select.on_update == OnUpdate::Ignore) {
                continue;
            }
            let facts =
                PostFacts { id: it.post, lane: &it.lane, text: &it.text, reason: "", since: it.at };
            seen.push(conditions::correction(facts, &it.title, it.url.as_deref()));
        }
        Ok(())
    }

    async fn look_at_feeds(&self, habits: bool, seen: &mut Vec<Alert>) -> Result<(), Error> {
        for trouble in self.store.feed_troubles().await? {
            // What is known of a feed that was taken out of the config is nobody's trouble.
            if self.config.feed(&trouble.feed).is_none() {
                continue;
            }
            let (feed, profiles) = (&trouble.feed, self.profiles_of(&trouble.feed));
            seen.push(match trouble.gone_at {
                Some(at) => conditions::feed_gone(feed, at, profiles),
                None => conditions::feed_failing(feed, &trouble.error, profiles),
            });
        }
        if !habits {
            return Ok(());
        }
        for silence in self.store.silent_feeds(self.now() - SILENCE_MIN).await? {
            let worrying = habit::worrying_after(&silence.arrivals);
            let (Some(worrying), Some(last)) = (worrying, silence.arrivals.first()) else {
                continue;
            };
            // What happened while nobody asked is not the feed's silence.
            if silence.last_good_at - *last < worrying || self.config.feed(&silence.feed).is_none()
            {
                continue;
            }
            let profiles = self.profiles_of(&silence.feed);
            seen.push(conditions::feed_quiet(&silence.feed, *last, worrying, profiles));
        }
        Ok(())
    }

    async fn look_at_budgets(
        &self,
        now: DateTime<Utc>,
        seen: &mut Vec<Alert>,
    ) -> Result<(), Error> {
        if let Some(budget) = self.config.budget {
            let spent = self.store.spent_overall(since(budget, now)).await?;
            let whose = "all profiles".to_owned();
            seen.extend(self.budget_alert(budget, spent, (whose, Vec::new()), now));
        }
        for profile in &self.config.profiles {
            let pays = profile.platforms.iter().any(|platform| platform == X);
            if let Some(budget) = profile.budget.filter(|_| pays) {
                let spent = self.store.spent(&profile.name, since(budget, now)).await?;
                let whose = (format!("profile {}", profile.name), vec![profile.name.clone()]);
                seen.extend(self.budget_alert(budget, spent, whose, now));
            }
        }
        for feed in &self.config.feeds {
            if let Some(budget) = feed.pace.budget {
                let spent = self.store.spent_by_feed(&feed.name, since(budget, now)).await?;
                let whose = (format!("feed {}", feed.name), feed.profiles.clone());
                seen.extend(self.budget_alert(budget, spent, whose, now));
            }
        }
        Ok(())
    }

    fn budget_alert(
        &self,
        budget: Budget,
        spent: Usd,
        (whose, profiles): (String, Vec<String>),
        now: DateTime<Utc>,
    ) -> Option<Alert> {
        conditions::budget(&Spending {
            whose,
            budget: budget.usd,
            per: match budget.per {
                Period::Day => "day",
                Period::Month => "month",
            },
            spent,
            next: self.config.prices.post_with_link,
            since: since(budget, now),
            profiles,
        })
    }

    fn profiles_of(&self, feed: &str) -> Vec<String> {
        self.config.feed(feed).map(|feed| feed.profiles.clone()).unwrap_or_default()
    }
}

fn since(budget: Budget, now: DateTime<Utc>) -> DateTime<Utc> {
    period_start(budget.zone, budget.per, now)
}
