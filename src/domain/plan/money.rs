//! Budgets: what may be spent in a period, and whether a post can be paid.
//!
//! Promises: the tightest budget decides and is named; what costs nothing always passes. Must not:
//! know when a lane may send.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{Priority, Rule, Waiting, period_end};
use crate::domain::cost::Usd;

/// The period of a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// A local day.
    Day,
    /// A local calendar month.
    Month,
}

/// Whose money a budget counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// That of all lanes of a profile.
    Profile,
    /// That of a feed, on all its lanes.
    Feed,
    /// That of all profiles of a group.
    Group,
    /// All of it.
    All,
}

/// What becomes of a post that the rest of a budget can't pay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WhenSpent {
    /// It waits for the next period.
    #[default]
    Hold,
    /// It goes without its link if that can be paid; otherwise it waits.
    DropLink,
    /// It waits, and the program makes one post of all that a feed has waiting so.
    Digest,
    /// It waits. Once 80 % are spent posts of low priority wait too, and from 95 % on normal ones.
    LowPriorityFirst,
}

/// What may be spent in each period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// In each period.
    pub usd: Usd,
    /// The period.
    pub per: Period,
    /// The zone of the period's days.
    pub zone: Tz,
    /// What happens near its end.
    pub when_spent: WhenSpent,
    /// Whose money it is.
    pub whose: Whose,
}

impl Budget {
    /// Whether a post may be paid when so much is spent.
    fn admits(&self, spent: Usd, cost: Usd, priority: Priority) -> bool {
        cost <= Usd::ZERO
            || (spent.plus(cost) <= self.usd && !self.keeps_the_rest_from(spent, priority))
    }

    /// Whether what is left is reserved for more urgent posts.
    fn keeps_the_rest_from(&self, spent: Usd, priority: Priority) -> bool {
        let share = match (self.when_spent, priority) {
            (WhenSpent::LowPriorityFirst, Priority::Low) => LOW_PERCENT,
            (WhenSpent::LowPriorityFirst, Priority::Normal) => NORMAL_PERCENT,
            (WhenSpent::LowPriorityFirst, Priority::Breaking)
            | (WhenSpent::Hold | WhenSpent::DropLink | WhenSpent::Digest, _) => return false,
        };
        i128::from(spent.micros()) * 100 >= i128::from(self.usd.micros()) * share
    }

    /// The rule that keeps a post waiting which it does not admit.
    fn rule(&self, spent: Usd, cost: Usd, priority: Priority) -> Rule {
        if spent.plus(cost) <= self.usd {
            Rule::Reserve(*self, priority)
        } else {
            Rule::Budget(*self)
        }
    }
}

/// The share of a budget, in percent, from which on posts of low priority wait.
const LOW_PERCENT: i128 = 80;
/// The same for normal ones.
const NORMAL_PERCENT: i128 = 95;

/// A budget and what was spent of it.
#[derive(Debug, Clone, Copy)]
pub struct Purse {
    budget: Budget,
    /// In the period that ends at `end`.
    spent: Usd,
    end: DateTime<Utc>,
}

impl Purse {
    /// A budget of which so much was spent in the period around `now`.
    pub fn new(budget: Budget, spent: Usd, now: DateTime<Utc>) -> Self {
        Self { budget, spent, end: period_end(budget.zone, budget.per, now) }
    }

    fn spent_at(&self, at: DateTime<Utc>) -> Usd {
        if at < self.end { self.spent } else { Usd::ZERO }
    }

    fn end_at(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        if at < self.end { self.end } else { period_end(self.budget.zone, self.budget.per, at) }
    }

    /// Counts a send.
    pub(super) fn spend(&mut self, at: DateTime<Utc>, cost: Usd) {
        *self =
            Self { budget: self.budget, spent: self.spent_at(at).plus(cost), end: self.end_at(at) };
    }

    fn admits(&self, cost: Usd, priority: Priority, at: DateTime<Utc>) -> bool {
        self.budget.admits(self.spent_at(at), cost, priority)
    }

    fn admits_ever(&self, cost: Usd, priority: Priority) -> bool {
        self.budget.admits(Usd::ZERO, cost, priority)
    }

    fn drops_links(&self) -> bool {
        self.budget.when_spent == WhenSpent::DropLink
    }
}

/// Whether a post can be paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pay {
    /// As it is.
    Full,
    /// Without its link, because of this budget.
    WithoutLink(Budget),
    /// Not before this instant, by this rule.
    Later(DateTime<Utc>, Rule),
    /// In no period.
    Never(Rule),
}

/// Whether a post can be paid at an instant from all of the purses that it concerns.
pub fn pay<'a>(
    post: &Waiting,
    mut purses: impl Iterator<Item = &'a Purse> + Clone,
    at: DateTime<Utc>,
) -> Pay {
    let (cost, priority) = (post.cost, post.priority);
    let short = purses.clone().filter(|purse| !purse.admits(cost, priority, at));
    let Some(first) = short.clone().next() else {
        return Pay::Full;
    };
    let by_full = last_end(short.clone(), cost, priority, at);
    let full_ever = purses.clone().find(|purse| !purse.admits_ever(cost, priority));
    let Some(cheap) = post.linkless.filter(|_| short.clone().any(Purse::drops_links)) else {
        return full_ever.map_or(by_full, |purse| Pay::Never(Rule::TooDear(purse.budget)));
    };
    // Without its link: a purse that drops links has to pay that price only, all others the full
    // one, so that it is the reason for dropping it.
    let price = |purse: &Purse| if purse.drops_links() { cheap } else { cost };
    let still_short = purses.clone().filter(|purse| !purse.admits(price(purse), priority, at));
    if still_short.clone().next().is_none() {
        let reason = short.clone().find(|purse| purse.drops_links()).unwrap_or(first);
        return Pay::WithoutLink(reason.budget);
    }
    let cheap_ever = purses.find(|purse| !purse.admits_ever(price(purse), priority));
    match (full_ever, cheap_ever) {
        (Some(_), Some(purse)) => Pay::Never(Rule::TooDear(purse.budget)),
        (_, None) => last_end(still_short, cost, priority, at),
        (None, Some(_)) => by_full,
    }
}

/// Whether a post of this price waits for the money of a later period, and a budget that is short
/// has such posts gathered in one.
pub fn gathers(cost: Usd, priority: Priority, purses: &[Purse], at: DateTime<Utc>) -> bool {
    let mut short = purses.iter().filter(|purse| !purse.admits(cost, priority, at));
    priority != Priority::Breaking
        && purses.iter().all(|purse| purse.admits_ever(cost, priority))
        && short.any(|purse| purse.budget.when_spent == WhenSpent::Digest)
}

/// No money before the last of these periods is over.
fn last_end<'a>(
    short: impl Iterator<Item = &'a Purse>,
    cost: Usd,
    priority: Priority,
    at: DateTime<Utc>,
) -> Pay {
    let last = short.max_by_key(|purse| purse.end_at(at));
    last.map_or(Pay::Full, |purse| {
        Pay::Later(purse.end_at(at), purse.budget.rule(purse.spent_at(at), cost, priority))
    })
}
