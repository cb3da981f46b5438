//! How far a budget reaches: by what was spent of late, and by the plan.
//!
//! Promises: speaks of the budget's present period only, since money comes back with the next one. Must
//! not: know what feeds will bring; it says what holds if the rate, or the queue, stays as it is.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Budget, Row, Rule, period_end};
use crate::domain::cost::Usd;

/// The share of a budget, in percent, from which on it is told.
pub const WARN_PERCENT: u32 = 80;

/// What of a budget's period is spent, and how fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// The budget.
    pub budget: Budget,
    /// Since the period began.
    pub spent: Usd,
    /// In the time before now that [`Spent::lately_days`] tells.
    pub lately: Usd,
    /// Over how many days `lately` was spent.
    pub lately_days: u32,
}

impl Spent {
    /// How much of the budget is spent, in percent, rounded down; more than 100 after the config
    /// made it smaller.
    pub fn percent(&self) -> u32 {
        let whole = std::cmp::max(i128::from(self.budget.usd.micros()), 1);
        let share = i128::from(self.spent.micros()) * 100 / whole;
        u32::try_from(std::cmp::max(share, 0)).unwrap_or(u32::MAX)
    }

    /// Whether so much is spent that it should be told.
    pub fn is_near_its_end(&self) -> bool {
        self.percent() >= WARN_PERCENT
    }

    /// What is left.
    pub fn left(&self) -> Usd {
        let left = self.budget.usd.micros().saturating_sub(self.spent.micros());
        Usd::from_micros(std::cmp::max(left, 0))
    }

    /// When nothing is left if as much is spent as lately; `None`: not before the period ends.
    pub fn ends_by_rate(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let end = period_end(self.budget.zone, self.budget.per, now);
        let left = i128::from(self.left().micros());
        if left == 0 {
            return Some(now);
        }
        let lately = i128::from(self.lately.micros());
        if lately <= 0 {
            return None;
        }
        let over = i128::from(TimeDelta::days(i64::from(self.lately_days)).num_milliseconds());
        let after = i64::try_from(left * over / lately).ok().and_then(TimeDelta::try_milliseconds);
        after.and_then(|after| now.checked_add_signed(after)).filter(|at| *at < end)
    }

    /// When the plan has spent what is left, so that the next post has to wait, go without its link
    /// or into a digest; `None`: not before the period, or what is planned, ends.
    ///
    /// `rows` are those that this budget pays, in the order of time; `left` says whether it keeps
    /// posts beyond them.
    pub fn ends_by_plan<'a>(
        &self,
        rows: impl Iterator<Item = &'a Row>,
        left: impl Iterator<Item = &'a Rule>,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let end = period_end(self.budget.zone, self.budget.per, now);
        let mut spent = self.spent;
        let mut last = now;
        let mut is_short = false;
        for row in rows {
            is_short |= self.keeps(row.rule);
            if row.at >= end {
                break;
            }
            if row.cost == Usd::ZERO {
                continue;
            }
            spent = spent.plus(row.cost);
            // Other lanes spend of the same budget, which the plan of one lane does not foresee.
            if is_short || spent > self.budget.usd {
                return Some(last);
            }
            last = row.at;
        }
        (is_short || left.copied().any(|rule| self.keeps(rule))).then_some(last)
    }

    /// Whether a rule says that this budget kept a post back, or its link.
    fn keeps(&self, rule: Rule) -> bool {
        match rule {
            Rule::Budget(budget) | Rule::Reserve(budget, _) | Rule::WithoutLink(budget) => {
                budget == self.budget
            }
            Rule::AsSoonAsPossible
            | Rule::SendNow
            | Rule::NotBefore(_)
            | Rule::Slot(_)
            | Rule::QuietHours(_)
            | Rule::MinGap(_)
            | Rule::HourlyCap(_)
            | Rule::DailyCap(_)
            | Rule::Blackout(_)
            | Rule::Jitter(_)
            | Rule::FeedGap(_)
            | Rule::FeedHourlyCap(_)
            | Rule::FeedDailyCap(_)
            | Rule::XCeiling
            | Rule::TooDear(_)
            | Rule::Expires
            | Rule::Queue
            | Rule::Never => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::plan::{Period, WhenSpent, Whose};

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    fn usd(cents: i64) -> Usd {
        Usd::from_micros(cents * 10_000)
    }

    fn budget() -> Budget {
        Budget {
            usd: usd(100),
            per: Period::Month,
            zone: chrono_tz::Europe::Berlin,
            when_spent: WhenSpent::Hold,
            whose: Whose::Profile,
        }
    }

    fn spent(cents: i64, lately: i64) -> Spent {
        Spent { budget: budget(), spent: usd(cents), lately: usd(lately), lately_days: 7 }
    }

    const NOW: &str = "2026-11-15T12:00:00Z";

    #[test]
    fn a_share_is_told_from_four_fifths_on() {
        let told: Vec<(u32, bool)> = [0, 79, 80, 100, 130]
            .map(|cents| (spent(cents, 0).percent(), spent(cents, 0).is_near_its_end()))
            .to_vec();
        assert_eq!(told, [(0, false), (79, false), (80, true), (100, true), (130, true)]);
    }

    #[test]
    fn the_rate_of_the_last_days_says_when_it_ends() {
        let table = [
            // Nothing was spent lately, so nothing will be.
            ((20, 0), None),
            // 7 days for 70 cents: 30 cents are 3 days.
            ((70, 70), Some("2026-11-18T12:00:00Z")),
            // 80 cents at 5 cents a day: 16 days are more than the month has.
            ((20, 35), None),
            // 53 cents at 24 in 7 days are as long as the month has: 371 hours.
            ((47, 24), None),
            ((48, 24), Some("2026-11-30T16:00:00Z")),
            ((100, 35), Some(NOW)),
            ((130, 0), Some(NOW)),
        ];
        for ((cents, lately), expected) in table {
            assert_eq!(
                spent(cents, lately).ends_by_rate(at(NOW)),
                expected.map(at),
                "{cents} {lately}"
            );
        }
    }

    fn row(when: &str, cents: i64, rule: Rule) -> Row {
        Row { id: 1, at: at(when), rule, cost: usd(cents), without_link: false }
    }

    #[test]
    fn the_plan_says_when_it_ends() {
        let free = Rule::AsSoonAsPossible;
        let held = Rule::Budget(budget());
        let other = Rule::Budget(Budget { usd: usd(5), ..budget() });
        let (one, two) = ("2026-11-16T12:00:00Z", "2026-11-17T12:00:00Z");
        let next_month = "2026-12-01T00:00:00Z";
        let table: [(&[Row], &[Rule], Option<&str>); 10] = [
            (&[], &[], None),
            (&[row(one, 20, free), row(two, 20, free)], &[], None),
            // To the last cent.
            (&[row(one, 60, free), row(two, 20, free)], &[], None),
            // It keeps a post for the next month, whether that is planned or not.
            (&[row(one, 20, free), row(next_month, 20, held)], &[], Some(one)),
            (&[row(one, 20, free)], &[held], Some(one)),
            (&[], &[held], Some(NOW)),
            // The next month begins at midnight in Berlin, and has its own money.
            (&[row(one, 60, free), row("2026-11-30T23:00:00Z", 60, free)], &[], None),
            // Several lanes together.
            (&[row(one, 60, free), row(two, 60, free)], &[], Some(one)),
            // Another budget keeps it.
            (&[row(one, 20, free), row(next_month, 20, other)], &[other], None),
            // Without its link.
            (&[row(one, 20, free), row(two, 1, Rule::WithoutLink(budget()))], &[], Some(one)),
        ];
        for (rows, left, expected) in table {
            let ends = spent(20, 0).ends_by_plan(rows.iter(), left.iter(), at(NOW));
            assert_eq!(ends, expected.map(at), "{rows:?} {left:?}");
        }
    }
}
