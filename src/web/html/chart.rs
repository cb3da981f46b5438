//! The chart of what was spent day by day, as numbers for a drawing.
//!
//! Promises: whatever was spent, it fits; it is told in words, too. Must not: ask anything.

use crate::domain::cost::Usd;
use crate::web::view::Money;
use crate::web::view::cost::Cost;

const WIDTH: i64 = 760;
const HEIGHT: i64 = 240;
/// Room for the amounts at the left, for half a label at the right, and for the days below.
const LEFT: i64 = 64;
const RIGHT: i64 = 16;
const BELOW: i64 = 24;
const ABOVE: i64 = 16;
/// Days between two labels.
const LABEL_EVERY: usize = 7;

/// The drawing.
pub(super) struct Chart {
    pub(super) width: i64,
    pub(super) height: i64,
    pub(super) left: i64,
    pub(super) bars: Vec<Bar>,
    pub(super) lines: Vec<Line>,
    /// What the budgets allow for one day.
    pub(super) even: Option<Line>,
    /// All of it in words.
    pub(super) words: String,
}

pub(super) struct Bar {
    pub(super) x: i64,
    pub(super) y: i64,
    pub(super) width: i64,
    pub(super) height: i64,
    pub(super) middle: i64,
    pub(super) label: String,
    pub(super) words: String,
    pub(super) is_over: bool,
}

pub(super) struct Line {
    pub(super) y: i64,
    pub(super) words: String,
}

impl Chart {
    pub(super) fn of(cost: &Cost) -> Self {
        let even = cost.even_day.map(|it| it.0.micros());
        let most = cost.days.iter().map(|day| day.billed.0.micros()).max().unwrap_or(0);
        let top = nice(std::cmp::max(most, even.unwrap_or(0)));
        let room = HEIGHT - BELOW - ABOVE;
        let y = |micros: i64| {
            let share = i128::from(micros) * i128::from(room) / i128::from(top);
            HEIGHT - BELOW - i64::try_from(share).unwrap_or(room)
        };
        let count = i64::try_from(cost.days.len()).unwrap_or(1);
        let step = (WIDTH - LEFT - RIGHT) / std::cmp::max(count, 1);
        let from_last = cost.days.len();
        let bars = (0_i64..).zip(cost.days.iter().enumerate()).map(|(place, (index, day))| {
            let x = LEFT + place * step + 2;
            let billed = day.billed.0.micros();
            let posts = if day.posted == 1 { "post" } else { "posts" };
            let is_labelled = (from_last - 1 - index).is_multiple_of(LABEL_EVERY);
            Bar {
                x,
                y: y(billed),
                width: std::cmp::max(step - 4, 1),
                height: HEIGHT - BELOW - y(billed),
                middle: x + (step - 4) / 2,
                label: if is_labelled {
                    day.date.format("%-d %b").to_string()
                } else {
                    String::new()
                },
                words: format!("{}: {} for {} {posts}", day.date, day.billed, day.posted),
                is_over: even.is_some_and(|even| billed > even),
            }
        });
        let line = |micros| Line { y: y(micros), words: Usd::from_micros(micros).to_string() };
        Self {
            width: WIDTH,
            height: HEIGHT,
            left: LEFT,
            bars: bars.collect(),
            lines: [0, top / 2, top].map(line).into(),
            even: even.map(|micros| Line {
                y: y(micros),
                words: format!("budget, evenly: {} a day", Usd::from_micros(micros)),
            }),
            words: words(cost),
        }
    }
}

/// The chart in words.
fn words(cost: &Cost) -> String {
    let dearest =
        cost.days.iter().max_by_key(|day| day.billed.0).filter(|day| day.billed.0 > Usd::ZERO);
    let dearest = dearest.map_or_else(
        || "nothing was billed".to_owned(),
        |day| format!("the dearest day was {} with {}", day.date, day.billed),
    );
    let over = |even: Money| cost.days.iter().filter(|day| day.billed.0 > even.0).count();
    let even = cost.even_day.map_or_else(String::new, |even| {
        format!(
            "; on {} of them more than the {even} that the budgets come to for a day",
            over(even)
        )
    });
    format!("{} in {} days, {dearest}{even}", cost.total, cost.days.len())
}

/// The next round amount, such as $0.50, $2 or $10; never nothing.
fn nice(micros: i64) -> i64 {
    let mut unit: i64 = 10_000;
    loop {
        for factor in [1, 2, 5] {
            let amount = unit.saturating_mul(factor);
            if amount >= micros || amount == i64::MAX {
                return amount;
            }
        }
        unit = unit.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::view::cost::Day;

    fn cost(cents: &[i64], even: Option<i64>) -> Cost {
        let money = |cents: i64| Money(Usd::from_micros(cents * 10_000));
        let first = chrono::NaiveDate::from_ymd_opt(2026, 11, 1).expect("a day");
        let days = cents.iter().zip(first.iter_days()).map(|(cents, day)| Day {
            date: day,
            posted: 1,
            billed: money(*cents),
            risk: money(0),
        });
        Cost {
            days: days.collect(),
            total: money(cents.iter().sum()),
            posted: 0,
            budgets: Vec::new(),
            even_day: even.map(money),
            planned: money(0),
            planned_posts: 0,
        }
    }

    #[test]
    fn whatever_was_spent_fits() {
        for cents in [vec![0; 30], vec![20, 0, 140], vec![99_999_999; 30], vec![]] {
            let chart = Chart::of(&cost(&cents, Some(66)));
            assert_eq!(chart.bars.len(), cents.len());
            for bar in &chart.bars {
                assert!(bar.y >= 0 && bar.height >= 0 && bar.y + bar.height == HEIGHT - BELOW);
                assert!(bar.x >= LEFT && bar.x + bar.width <= WIDTH);
            }
        }
    }

    #[test]
    fn it_is_told_in_words() {
        let chart = Chart::of(&cost(&[20, 0, 140], Some(66)));
        insta::assert_snapshot!(chart.words, @"$1.60 in 3 days, the dearest day was 2026-11-03 with $1.40; on 1 of them more than the $0.66 that the budgets come to for a day");
        assert!(chart.bars.iter().map(|bar| bar.is_over).eq([false, false, true]));
        insta::assert_snapshot!(Chart::of(&cost(&[0, 0], None)).words, @"$0.00 in 2 days, nothing was billed");
    }
}
