//! `tidings plan`: what goes out when, lane by lane, why then, and at which cost.
//!
//! Promises: shows what the daemon would do, from the same place, and says what it can't know; of
//! hundreds of lanes one line each. Must not: store anything.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use clap::Args;
use serde_json::{Value, json};

use super::budgets::{self, Line};
use super::out::{self, Tone};
use super::setup::{Place, View, open};
use super::{Done, Exit};
use crate::daemon::costs::LanePlan;
use crate::domain::breaker::Lane;
use crate::domain::cost::Usd;
use crate::domain::pace::zone;
use crate::domain::plan::Row;
use crate::domain::post::State;
use crate::store::posts::Heading;

/// Lanes that are shown post by post; of more than these each one has a line.
const LANES_WHOLE_MAX: usize = 12;
/// Lines of posts in one listing, shared among its lanes. JSON has all.
const ROWS_MAX: usize = 240;

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// How many days to look ahead
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=366))]
    days: u32,
    /// Only this profile
    #[arg(long)]
    profile: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(place: &Place, args: &PlanArgs) -> Done {
    let view = open!(place);
    if let Err(exit) = view.want_profile(args.profile.as_deref()) {
        return Ok(exit);
    }
    let until = view.now + TimeDelta::days(i64::from(args.days));
    let all = view.outlook().plans(view.now, until).await?;
    let headings = view.outlook().headings(&all).await?;
    let budgets = budgets::by_plans(&view, &all, &headings).await?;
    let is_wanted = |one: &LanePlan| args.profile.as_ref().is_none_or(|it| *it == one.lane.profile);
    let plans: Vec<LanePlan> = all.into_iter().filter(is_wanted).collect();
    let unknown = unknown(&view, &plans).await?;
    if args.json {
        out::json(&json!({
            "from": view.now,
            "until": until,
            "lanes": plans.iter().map(|one| as_json(one, &headings)).collect::<Vec<_>>(),
            "days": days(&view, &plans).iter().map(|(day, (posts, cost))| json!({
                "day": day,
                "posts": posts,
                "cost_usd_micros": cost.micros(),
            })).collect::<Vec<_>>(),
            "budgets": budgets.iter().map(Line::as_json).collect::<Vec<_>>(),
            "unknown": unknown,
        }))?;
        return Ok(Exit::Done);
    }
    if plans.is_empty() {
        out::say(
            "nothing is queued, so nothing is planned: `tidings feeds list` shows the next poll",
        );
    } else if plans.len() > LANES_WHOLE_MAX {
        say_lanes(&view, &plans, until);
    } else {
        for plan in &plans {
            show(&view, (plan, &headings), ROWS_MAX / plans.len(), until);
        }
    }
    say_days(&view, &plans);
    budgets::say(&budgets);
    for line in &unknown {
        out::say(&format!("\n{line}"));
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

/// The plan of one lane, for a person: its first posts.
pub(super) fn show(
    view: &View,
    (LanePlan { lane, plan }, headings): (&LanePlan, &HashMap<i64, Heading>),
    rows_max: usize,
    until: DateTime<Utc>,
) {
    out::say(&out::tone(
        &format!("{lane}: {}, {}", out::count(plan.rows.len(), "post"), cost_of(&plan.rows)),
        Tone::Head,
    ));
    let row = |row: &Row| {
        vec![
            out::when(row.at, view.zone(lane), view.now),
            row.id.to_string(),
            row.cost.to_string(),
            row.rule.sentence(),
            out::short(headings.get(&row.id).map_or("", |it| &it.text), 50),
        ]
    };
    let rows: Vec<Vec<String>> = plan.rows.iter().take(rows_max).map(row).collect();
    if !rows.is_empty() {
        out::say(&out::table(&["WHEN", "POST", "COST", "WHY THEN", "TEXT"], &rows));
    }
    if plan.rows.len() > rows_max {
        out::say(&format!(
            "… {} more, in `tidings plan --json`",
            out::count(plan.rows.len() - rows_max, "post")
        ));
    }
    if !plan.left.is_empty() {
        out::say(&format!(
            "{} not before {}: {}",
            out::count(plan.left.len(), "post"),
            out::clock_time(until, view.zone(lane)),
            why_left(plan)
        ));
    }
    out::say("");
}

/// Each lane in one line.
fn say_lanes(view: &View, plans: &[LanePlan], until: DateTime<Utc>) {
    let rows: Vec<Vec<String>> = plans
        .iter()
        .map(|LanePlan { lane, plan }| {
            let (next, why) = plan.rows.first().map_or_else(
                || ("-".to_owned(), why_left(plan)),
                |row| (out::when(row.at, view.zone(lane), view.now), row.rule.sentence()),
            );
            vec![
                lane.to_string(),
                plan.rows.len().to_string(),
                cost_of(&plan.rows).to_string(),
                plan.left.len().to_string(),
                next,
                why,
            ]
        })
        .collect();
    let planned: Usd = plans.iter().map(|one| cost_of(&one.plan.rows)).sum();
    let posts = plans.iter().map(|one| one.plan.rows.len()).sum();
    out::say(&out::tone(
        &format!(
            "{} lanes, {}, {planned} before {}; one of them post by post: `tidings plan --profile NAME`",
            plans.len(),
            out::count(posts, "post"),
            out::clock_time(until, view.home_zone()),
        ),
        Tone::Head,
    ));
    out::say(&out::table(&["LANE", "POSTS", "COST", "LATER", "NEXT", "WHY THEN"], &rows));
}

fn cost_of(rows: &[Row]) -> Usd {
    rows.iter().map(|row| row.cost).sum()
}

/// What keeps most of those that are left.
fn why_left(plan: &crate::domain::plan::Plan) -> String {
    plan.left.first().map(|(_, rule)| rule.sentence()).unwrap_or_default()
}

/// Posts and cost of each local day on which anything goes.
fn days(view: &View, plans: &[LanePlan]) -> BTreeMap<NaiveDate, (usize, Usd)> {
    let mut days = BTreeMap::new();
    for row in plans.iter().flat_map(|one| &one.plan.rows) {
        let day: &mut (usize, Usd) =
            days.entry(zone::day(view.home_zone(), row.at)).or_insert((0, Usd::ZERO));
        *day = (day.0 + 1, day.1.plus(row.cost));
    }
    days
}

fn say_days(view: &View, plans: &[LanePlan]) {
    let days = days(view, plans);
    // The heads of the lanes say it where there is one day, or nothing to pay.
    if days.len() < 2 || days.values().all(|(_, cost)| *cost == Usd::ZERO) {
        return;
    }
    let rows: Vec<Vec<String>> = days
        .iter()
        .map(|(day, (posts, cost))| {
            vec![day.format("%a %Y-%m-%d").to_string(), posts.to_string(), cost.to_string()]
        })
        .collect();
    out::say(&out::table(&["DAY", "POSTS", "COST"], &rows));
}

/// What the plan can't know, a sentence each.
async fn unknown(view: &View, plans: &[LanePlan]) -> Result<Vec<String>, anyhow::Error> {
    let mut lines = Vec::new();
    let counts = view.store.post_counts().await?;
    let is_planned = |lane: &Lane| plans.iter().any(|one| one.lane == *lane);
    let of = |state| -> i64 {
        let all = counts.iter().filter(|((_, it), _)| *it == state);
        all.map(|(_, posts)| *posts).sum()
    };
    let queued: i64 = counts
        .iter()
        .filter(|((lane, state), _)| *state == State::Queued && is_planned(lane))
        .map(|(_, posts)| *posts)
        .sum();
    let looked_at: usize = plans.iter().map(|one| one.plan.rows.len() + one.plan.left.len()).sum();
    let beyond = usize::try_from(queued).unwrap_or(0).saturating_sub(looked_at);
    if beyond > 0 {
        lines
            .push(format!("not planned: {} further back in the queue", out::count(beyond, "post")));
    }
    for (state, why) in [
        (State::Held, "once somebody approves them"),
        (State::Unconfirmed, "if they turn out not to be on the network"),
    ] {
        let posts = usize::try_from(of(state)).unwrap_or(0);
        if posts > 0 {
            let posts = out::count(posts, &format!("{} post", state.word()));
            lines.push(format!("not planned: {posts}, to go {why}"));
        }
    }
    if !plans.is_empty() {
        lines.push(
            "planned is what is queued by now: what feeds bring, and refused posts that go again, \
             come on top"
                .to_owned(),
        );
    }
    Ok(lines)
}

fn as_json(LanePlan { lane, plan }: &LanePlan, headings: &HashMap<i64, Heading>) -> Value {
    json!({
        "profile": lane.profile,
        "platform": lane.platform,
        "cost_usd_micros": cost_of(&plan.rows).micros(),
        "posts": plan.rows.iter().map(|row| json!({
            "post": row.id,
            "feed": headings.get(&row.id).map(|it| it.feed.as_str()),
            "at": row.at,
            "rule": row.rule.word(),
            "why": row.rule.sentence(),
            "cost_usd_micros": row.cost.micros(),
            "without_link": row.without_link,
        })).collect::<Vec<_>>(),
        "left": plan.left.iter().map(|(id, rule)| json!({
            "post": id,
            "feed": headings.get(id).map(|it| it.feed.as_str()),
            "rule": rule.word(),
            "why": rule.sentence(),
        })).collect::<Vec<_>>(),
    })
}
