//! `tidings plan`: what goes out when, lane by lane, why then, and at which cost.
//!
//! Promises: shows what the daemon would do, from the same place. Must not: store anything.

use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use serde_json::json;

use super::out::{self, Tone};
use super::setup::{Place, View, open};
use super::{Done, Exit};
use crate::domain::breaker::Lane;
use crate::domain::cost::Usd;
use crate::domain::plan::Plan;

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// How many days to look ahead
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=366))]
    days: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(place: &Place, args: &PlanArgs) -> Done {
    let view = open!(place);
    let until = view.now + TimeDelta::days(i64::from(args.days));
    let lanes = lanes(&view, until).await?;
    if args.json {
        let lanes: Vec<_> = lanes.iter().map(|(lane, plan)| as_json(lane, plan)).collect();
        out::json(&lanes)?;
        return Ok(Exit::Done);
    }
    if lanes.is_empty() {
        out::say(
            "nothing is queued, so nothing is planned: `tidings feeds list` shows the next poll",
        );
    }
    for (lane, plan) in &lanes {
        show(&view, lane, plan, until).await?;
    }
    for breaker in view.store.open_breakers().await? {
        out::say(&out::tone(
            &format!(
                "STOPPED {}: {}; the plan holds once that is over; {}",
                out::reach(&breaker.scope),
                breaker.cause.sentence(),
                breaker.cause.remedy()
            ),
            Tone::Bad,
        ));
    }
    Ok(Exit::Done)
}

/// The plan of each lane that has something queued.
pub(super) async fn lanes(
    view: &View,
    until: DateTime<Utc>,
) -> Result<Vec<(Lane, Plan)>, anyhow::Error> {
    let mut lanes = Vec::new();
    for lane in view.store.lanes_in_line().await? {
        if view.config.has_lane(&lane) {
            let plan = view.outlook().plan_of(&lane, view.now, until).await?;
            lanes.push((lane, plan));
        }
    }
    lanes.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(lanes)
}

/// The plan of one lane, for a person.
pub(super) async fn show(
    view: &View,
    lane: &Lane,
    plan: &Plan,
    until: DateTime<Utc>,
) -> Result<(), anyhow::Error> {
    let total: Usd = plan.rows.iter().map(|row| row.cost).sum();
    out::say(&out::tone(
        &format!("{lane}: {}, {total}", out::count(plan.rows.len(), "post")),
        Tone::Head,
    ));
    let mut rows = Vec::with_capacity(plan.rows.len());
    for row in &plan.rows {
        let text = view.store.post(row.id).await?.map(|post| post.text).unwrap_or_default();
        rows.push(vec![
            out::when(row.at, view.zone(lane), view.now),
            row.id.to_string(),
            row.cost.to_string(),
            row.rule.sentence(),
            out::short(&text, 50),
        ]);
    }
    if !rows.is_empty() {
        out::say(&out::table(&["WHEN", "POST", "COST", "WHY THEN", "TEXT"], &rows));
    }
    if !plan.left.is_empty() {
        let why = plan.left.first().map(|(_, rule)| rule.sentence()).unwrap_or_default();
        out::say(&format!(
            "{} not before {}: {why}",
            out::count(plan.left.len(), "post"),
            out::clock_time(until, view.zone(lane))
        ));
    }
    out::say("");
    Ok(())
}

fn as_json(lane: &Lane, plan: &Plan) -> serde_json::Value {
    json!({
        "profile": lane.profile,
        "platform": lane.platform,
        "posts": plan.rows.iter().map(|row| json!({
            "post": row.id,
            "at": row.at,
            "why": row.rule.sentence(),
            "cost_usd_micros": row.cost.micros(),
        })).collect::<Vec<_>>(),
        "left": plan.left.iter().map(|(id, rule)| json!({
            "post": id,
            "why": rule.sentence(),
        })).collect::<Vec<_>>(),
    })
}
