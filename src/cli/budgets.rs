//! The budgets for a person and as JSON: what is spent of each, and how long the rest lasts.
//!
//! Promises: both forecasts, by the rate of the last days and by the plan; a warning from 80 % on.
//! Must not: reckon; it asks `daemon::costs`.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::out::{self, Tone};
use super::setup::View;
use crate::daemon::costs::{BudgetState, LanePlan, RATE_DAYS};
use crate::domain::plan::Period;
use crate::store::posts::Heading;

/// Budgets of one listing, those that are nearest to their end first. JSON has all.
const SHOWN_MAX: usize = 50;

/// A budget, and how long it lasts.
#[derive(Debug, Clone)]
pub(super) struct Line {
    state: BudgetState,
    by_rate: Option<DateTime<Utc>>,
    by_plan: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
}

impl Line {
    pub(super) fn as_json(&self) -> Value {
        let (state, spent) = (&self.state, &self.state.spent);
        json!({
            "whose": state.owner.kind(),
            "name": state.owner.name(),
            "budget_usd_micros": spent.budget.usd.micros(),
            "per": per(spent.budget.per),
            "spent_usd_micros": spent.spent.micros(),
            "spent_percent": spent.percent(),
            "left_usd_micros": spent.left().micros(),
            "since": state.since,
            "until": state.until,
            "ends_at_by_rate": self.by_rate,
            "ends_at_by_plan": self.by_plan,
            "warning": spent.is_near_its_end(),
        })
    }

    fn zone(&self) -> Tz {
        self.state.spent.budget.zone
    }

    fn day(&self, at: Option<DateTime<Utc>>) -> String {
        at.map_or_else(
            || "to its end".to_owned(),
            |at| {
                let now = if at <= self.now { "spent, " } else { "" };
                format!("{now}{}", at.with_timezone(&self.zone()).format("%a %Y-%m-%d"))
            },
        )
    }

    fn cells(&self) -> Vec<String> {
        let spent = &self.state.spent;
        vec![
            self.state.owner.to_string(),
            format!("{} per {}", spent.budget.usd, per(spent.budget.per)),
            format!("{} ({} %)", spent.spent, spent.percent()),
            spent.left().to_string(),
            self.state
                .until
                .with_timezone(&self.zone())
                .format("%a %Y-%m-%d %H:%M %:z")
                .to_string(),
            self.day(self.by_rate),
            self.day(self.by_plan),
        ]
    }

    /// The sentence from 80 % on.
    pub(super) fn warning(&self) -> Option<String> {
        let (state, spent) = (&self.state, &self.state.spent);
        spent.is_near_its_end().then(|| {
            format!(
                "BUDGET of {}: {} of {} per {} spent ({} %), {} left until {}",
                state.owner,
                spent.spent,
                spent.budget.usd,
                per(spent.budget.per),
                spent.percent(),
                spent.left(),
                out::when(state.until, self.zone(), self.now),
            )
        })
    }
}

const fn per(period: Period) -> &'static str {
    match period {
        Period::Day => "day",
        Period::Month => "month",
    }
}

/// All budgets with what the plan of the next days says of them.
pub(super) async fn lines(view: &View, ahead: TimeDelta) -> Result<Vec<Line>, anyhow::Error> {
    if view.outlook().budgets(view.now).await?.is_empty() {
        return Ok(Vec::new());
    }
    let plans = view.outlook().plans(view.now, view.now + ahead).await?;
    let headings = view.outlook().headings(&plans).await?;
    by_plans(view, &plans, &headings).await
}

/// All budgets with what these plans say of them; those that are nearest to their end first.
pub(super) async fn by_plans(
    view: &View,
    plans: &[LanePlan],
    headings: &std::collections::HashMap<i64, Heading>,
) -> Result<Vec<Line>, anyhow::Error> {
    let states = view.outlook().budgets(view.now).await?;
    let mut lines: Vec<Line> = states
        .into_iter()
        .map(|state| Line {
            by_rate: state.spent.ends_by_rate(view.now),
            by_plan: state.ends_by_plan(&view.config, (plans, headings), view.now),
            now: view.now,
            state,
        })
        .collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line.state.spent.percent()));
    Ok(lines)
}

/// All budgets as far as they are spent; nothing is planned for it.
pub(super) async fn warnings(view: &View) -> Result<Vec<String>, anyhow::Error> {
    let states = view.outlook().budgets(view.now).await?;
    let lines =
        states.into_iter().map(|state| Line { by_rate: None, by_plan: None, now: view.now, state });
    Ok(lines.filter_map(|line| line.warning()).collect())
}

/// The budgets as a table, below it the warnings.
pub(super) fn say(lines: &[Line]) {
    if lines.is_empty() {
        return;
    }
    let rows: Vec<Vec<String>> = lines.iter().take(SHOWN_MAX).map(Line::cells).collect();
    let rate = format!("LASTS, BY THE LAST {RATE_DAYS} DAYS");
    let heads = ["BUDGET OF", "LIMIT", "SPENT", "LEFT", "PERIOD ENDS", &rate, "BY THE PLAN"];
    out::say(&format!("\n{}", out::table(&heads, &rows)));
    if lines.len() > SHOWN_MAX {
        out::say(&format!("… {} more, in --json", lines.len() - SHOWN_MAX));
    }
    for warning in lines.iter().take(SHOWN_MAX).filter_map(Line::warning) {
        out::say(&out::tone(&format!("WARNING {warning}"), Tone::Bad));
    }
}
