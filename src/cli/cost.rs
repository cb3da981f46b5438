//! `tidings cost`: what was spent, by whom, and how long the budgets last.
//!
//! Promises: the sums are those of the ledger, to the millionth of a dollar; days and months are those
//! of the first profile's zone, budgets count in their own. Must not: change anything.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::out::{self, Tone};
use super::setup::{Place, View, open};
use super::{Done, Exit, budgets};
use crate::daemon::costs::{Span, days_of, last_days, month_of};
use crate::domain::cost::Usd;
use crate::store::costs::Spending;

/// How far ahead the plan is asked when a budget ends: any budget's period.
const AHEAD: TimeDelta = TimeDelta::days(31);
/// Rows of one listing; the rest is one row. JSON has all.
const ROWS_MAX: usize = 100;
/// The row of profiles that are in no group.
const NO_GROUP: &str = "(no group)";
/// Months of `--by month` where no other time is asked for.
const MONTHS: u32 = 12;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    Day,
    Profile,
    Feed,
    Group,
    Month,
}

impl By {
    const fn head(self) -> &'static str {
        match self {
            Self::Day => "DAY",
            Self::Profile => "PROFILE",
            Self::Feed => "FEED",
            Self::Group => "GROUP",
            Self::Month => "MONTH",
        }
    }

    /// Whether its rows are spans of time, to be shown in their order.
    const fn is_of_time(self) -> bool {
        matches!(self, Self::Day | Self::Month)
    }
}

#[derive(Debug, Args)]
pub(super) struct CostArgs {
    /// What to add up by
    #[arg(long, value_enum, default_value = "profile")]
    by: By,
    /// This month, such as 2026-11; left out: the present one
    #[arg(long, value_parser = month, conflicts_with = "days")]
    month: Option<NaiveDate>,
    /// The last days, today included
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3660))]
    days: Option<u32>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The first day of a month such as 2026-11.
pub(super) fn month(text: &str) -> Result<NaiveDate, String> {
    NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d")
        .map_err(|_| "give a month such as 2026-11".to_owned())
}

/// A sum of the ledger.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    attempts: u64,
    deletions: u64,
    posted: u64,
    billed: Usd,
    risk: Usd,
}

impl Sum {
    fn add(&mut self, one: &Spending) {
        self.attempts += one.attempts;
        self.deletions += one.deletions;
        self.posted += one.posted;
        self.billed = self.billed.plus(one.billed);
        self.risk = self.risk.plus(one.risk);
    }

    fn join(&mut self, other: Self) {
        self.attempts += other.attempts;
        self.deletions += other.deletions;
        self.posted += other.posted;
        self.billed = self.billed.plus(other.billed);
        self.risk = self.risk.plus(other.risk);
    }

    fn cells(&self) -> [String; 4] {
        let risk = if self.risk == Usd::ZERO { String::new() } else { self.risk.to_string() };
        [self.posted.to_string(), self.attempts.to_string(), self.billed.to_string(), risk]
    }

    fn as_json(&self, name: &str) -> Value {
        json!({
            "name": name,
            "posted": self.posted,
            "attempts": self.attempts,
            "deletions": self.deletions,
            "billed_usd_micros": self.billed.micros(),
            "risk_usd_micros": self.risk.micros(),
        })
    }
}

pub(super) async fn run(place: &Place, args: &CostArgs) -> Done {
    let view = open!(place);
    let spans = spans(&view, args);
    let times: Vec<_> = spans.iter().map(|span| (span.from, span.to)).collect();
    let spendings = view.store.spending(&times).await?;
    let mut total = Sum::default();
    for one in &spendings {
        total.add(one);
    }
    let rows = rows(&view, args.by, (&spans, &spendings));
    let budgets = budgets::lines(&view, AHEAD).await?;
    let (from, to) = (spans.first(), spans.last());
    let day = |span: Option<&Span>| span.map_or_else(String::new, |it| it.first.to_string());
    let last = to.map_or_else(String::new, |it| it.last.to_string());
    if args.json {
        out::json(&json!({
            "from": from.map(|it| it.from),
            "to": to.map(|it| it.to),
            "zone": view.home_zone().name(),
            "by": args.by.head().to_lowercase(),
            "total": total.as_json("total"),
            "rows": rows.iter().map(|(name, sum)| sum.as_json(name)).collect::<Vec<_>>(),
            "budgets": budgets.iter().map(budgets::Line::as_json).collect::<Vec<_>>(),
        }))?;
        return Ok(Exit::Done);
    }
    out::say(&out::tone(
        &format!(
            "{} to {last} ({}): {} for {}, {}",
            day(from),
            view.home_zone().name(),
            total.billed,
            out::count(usize::try_from(total.posted).unwrap_or(usize::MAX), "post"),
            out::count(usize::try_from(total.attempts).unwrap_or(usize::MAX), "request"),
        ),
        Tone::Head,
    ));
    if total.deletions > 0 {
        let deletions = usize::try_from(total.deletions).unwrap_or(usize::MAX);
        out::say(&format!("among the cost: {} to delete", out::count(deletions, "request")));
    }
    if total.risk > Usd::ZERO {
        out::say(&format!(
            "AT RISK: X may have billed {} for requests that it refused; budgets count it",
            total.risk
        ));
    }
    say_rows(args.by, &rows);
    budgets::say(&budgets);
    Ok(Exit::Done)
}

/// The spans of time that are added up.
fn spans(view: &View, args: &CostArgs) -> Vec<Span> {
    let (zone, now) = (view.home_zone(), view.now);
    let today = last_days(zone, now, 1).last().map_or_else(|| now.date_naive(), |it| it.first);
    let days = match (args.month, args.days) {
        (Some(month), _) => days_of(zone, month),
        (None, Some(days)) => last_days(zone, now, days),
        (None, None) if args.by == By::Month => {
            let back = chrono::Months::new(MONTHS - 1);
            let months = (0..MONTHS).filter_map(|month| {
                let first = today.checked_sub_months(back)?.with_day(1)?;
                Some(month_of(zone, first.checked_add_months(chrono::Months::new(month))?))
            });
            return months.collect();
        }
        (None, None) => days_of(zone, today),
    };
    match args.by {
        By::Day => days,
        By::Month => joined(days, |day| (day.year(), day.month())),
        By::Profile | By::Feed | By::Group => joined(days, |_| ()),
    }
}

/// Neighbouring spans that are alike as one.
fn joined<K: PartialEq>(days: Vec<Span>, key: impl Fn(NaiveDate) -> K) -> Vec<Span> {
    let mut all: Vec<Span> = Vec::new();
    for day in days {
        match all.last_mut().filter(|last| key(last.first) == key(day.first)) {
            Some(last) => (last.last, last.to) = (day.last, day.to),
            None => all.push(day),
        }
    }
    all
}

/// The sums by name: of time in its order, of all others the dearest first.
fn rows(view: &View, by: By, (spans, spendings): (&[Span], &[Spending])) -> Vec<(String, Sum)> {
    let name_of = |span: &Span| match by {
        By::Month => span.first.format("%Y-%m").to_string(),
        By::Day | By::Profile | By::Feed | By::Group => span.first.to_string(),
    };
    let mut sums: BTreeMap<String, Sum> = BTreeMap::new();
    if by.is_of_time() {
        sums.extend(spans.iter().map(|span| (name_of(span), Sum::default())));
    }
    for one in spendings {
        let name = match by {
            By::Profile => one.profile.clone(),
            By::Feed => one.feed.clone(),
            By::Group => {
                let group = view.config.profile(&one.profile).and_then(|it| it.group.clone());
                group.unwrap_or_else(|| NO_GROUP.to_owned())
            }
            By::Day | By::Month => spans.get(one.span).map_or_else(String::new, name_of),
        };
        sums.entry(name).or_default().add(one);
    }
    let mut rows: Vec<(String, Sum)> = sums.into_iter().collect();
    if !by.is_of_time() {
        rows.sort_by_key(|(_, sum)| std::cmp::Reverse((sum.billed, sum.posted)));
    }
    rows
}

fn say_rows(by: By, rows: &[(String, Sum)]) {
    if rows.is_empty() {
        out::say("nothing was sent in that time");
        return;
    }
    let (shown, rest) = rows.split_at(std::cmp::min(rows.len(), ROWS_MAX));
    let line = |name: &str, sum: &Sum| [&[name.to_owned()], sum.cells().as_slice()].concat();
    let mut lines: Vec<Vec<String>> = shown.iter().map(|(name, sum)| line(name, sum)).collect();
    if !rest.is_empty() {
        let mut sum = Sum::default();
        for (_, one) in rest {
            sum.join(*one);
        }
        lines.push(line(&format!("… {} more, in --json", rest.len()), &sum));
    }
    out::say(&out::table(&[by.head(), "POSTS", "REQUESTS", "COST", "AT RISK"], &lines));
}

/// The cost of today and of this month, for one line.
pub(super) async fn in_short(view: &View) -> Result<String, anyhow::Error> {
    let zone = view.home_zone();
    let today = last_days(zone, view.now, 1);
    let first = today.first().map_or_else(|| view.now.date_naive(), |it| it.first);
    let month = month_of(zone, first);
    let times: Vec<(DateTime<Utc>, DateTime<Utc>)> =
        today.iter().chain([&month]).map(|span| (span.from, span.to)).collect();
    let spendings = view.store.spending(&times).await?;
    let sum = |span| -> Usd {
        spendings.iter().filter(|one| one.span == span).map(|one| one.billed).sum()
    };
    Ok(format!("cost: {} today, {} this month", sum(0), sum(1)))
}
