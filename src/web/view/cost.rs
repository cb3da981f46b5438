//! What was spent, day by day, against the budgets.
//!
//! Promises: budgets are counted as the plan counts them. Must not: draw; the chart's numbers are
//! made here, its shape by the template.

use chrono::{NaiveDate, TimeDelta};
use serde::Serialize;

use super::{Moment, Money, View};
use crate::daemon::Error;
use crate::daemon::costs::{BudgetState, Owner};
use crate::domain::cost::Usd;
use crate::domain::plan::Period;

/// Days of the chart, today among them.
pub(in crate::web) const DAYS: u32 = 30;
/// Budgets that are shown; an agency has hundreds.
const BUDGETS_MAX: usize = 200;
/// Days of a month, where a month's budget is told for a day.
const MONTH_DAYS: i64 = 30;

/// What was spent.
#[derive(Debug, Clone, Serialize)]
pub(in crate::web) struct Cost {
    pub(in crate::web) days: Vec<Day>,
    /// What all days cost together.
    #[serde(rename = "total_usd_micros")]
    pub(in crate::web) total: Money,
    pub(in crate::web) posted: u64,
    pub(in crate::web) budgets: Vec<BudgetStatus>,
    /// What the budgets come to for one day, if they were spent evenly.
    #[serde(rename = "even_day_usd_micros")]
    pub(in crate::web) even_day: Option<Money>,
    /// What the queue will cost, as it is.
    #[serde(rename = "planned_usd_micros")]
    pub(in crate::web) planned: Money,
    pub(in crate::web) planned_posts: usize,
}

/// A day.
#[derive(Debug, Clone, Serialize)]
pub(in crate::web) struct Day {
    #[serde(rename = "day")]
    pub(in crate::web) date: NaiveDate,
    pub(in crate::web) posted: u64,
    #[serde(rename = "billed_usd_micros")]
    pub(in crate::web) billed: Money,
    /// What X may have billed beside it, for requests that it refused.
    #[serde(rename = "risk_usd_micros")]
    pub(in crate::web) risk: Money,
}

/// A budget in its present period.
#[derive(Debug, Clone, Serialize)]
pub(in crate::web) struct BudgetStatus {
    pub(in crate::web) owner: String,
    pub(in crate::web) per: &'static str,
    #[serde(rename = "usd_micros")]
    pub(in crate::web) usd: Money,
    #[serde(rename = "spent_usd_micros")]
    pub(in crate::web) spent: Money,
    #[serde(rename = "left_usd_micros")]
    pub(in crate::web) left: Money,
    pub(in crate::web) percent: i64,
    pub(in crate::web) until: Moment,
}

impl BudgetStatus {
    /// `good`, `warn` from 80 % on, `bad` when it is spent.
    pub(in crate::web) const fn tone(&self) -> &'static str {
        match self.percent {
            ..80 => "good",
            80..100 => "warn",
            _ => "bad",
        }
    }
}

impl View<'_> {
    /// What was spent, and what is left.
    pub(in crate::web) async fn cost(&self) -> Result<Cost, Error> {
        let outlook = self.outlook();
        let zone = self.home_zone();
        let days: Vec<Day> = outlook
            .spent_by_day((zone, self.now), DAYS)
            .await?
            .into_iter()
            .map(|day| Day {
                date: day.day,
                posted: day.posted,
                billed: Money(day.billed),
                risk: Money(day.risk),
            })
            .collect();
        let states = outlook.budgets(self.now).await?;
        let mut planned = (Usd::ZERO, 0);
        for plan in outlook.plans(self.now, self.now + TimeDelta::days(31)).await? {
            let rows = &plan.plan.rows;
            planned.0 = planned.0.plus(rows.iter().map(|row| row.cost).sum());
            planned.1 += rows.len();
        }
        Ok(Cost {
            total: Money(days.iter().map(|day| day.billed.0).sum()),
            posted: days.iter().map(|day| day.posted).sum(),
            days,
            even_day: even_day(&states).map(Money),
            budgets: states.iter().take(BUDGETS_MAX).map(|state| self.budget(state)).collect(),
            planned: Money(planned.0),
            planned_posts: planned.1,
        })
    }

    fn budget(&self, state: &BudgetState) -> BudgetStatus {
        let (usd, spent) = (state.spent.budget.usd, state.spent.spent);
        let left = std::cmp::max(usd.micros().saturating_sub(spent.micros()), 0);
        BudgetStatus {
            owner: state.owner.to_string(),
            per: match state.spent.budget.per {
                Period::Day => "day",
                Period::Month => "month",
            },
            usd: Money(usd),
            spent: Money(spent),
            left: Money(Usd::from_micros(left)),
            percent: spent.micros().saturating_mul(100) / std::cmp::max(usd.micros(), 1),
            until: self.at_home(state.until),
        }
    }
}

/// What the budget of all, or else those of the profiles, come to for one day.
fn even_day(states: &[BudgetState]) -> Option<Usd> {
    let day = |state: &BudgetState| {
        let budget = state.spent.budget;
        match budget.per {
            Period::Day => budget.usd,
            // In whole cents: more would feign a precision that months don't have.
            Period::Month => Usd::from_micros(budget.usd.micros() / MONTH_DAYS / 10_000 * 10_000),
        }
    };
    let overall = states.iter().find(|state| state.owner == Owner::All).map(day);
    let profiles = states.iter().filter(|it| matches!(it.owner, Owner::Profile(_))).map(day);
    overall.or_else(|| Some(profiles.sum::<Usd>()).filter(|sum| *sum > Usd::ZERO))
}
