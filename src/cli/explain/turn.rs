//! The stage between the queue and the network, told: what stops a post, and each rule that moves it.
//!
//! Promises: asks the same plan as the daemon. Must not: say anything of a post that is not queued.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::cli::out;
use crate::cli::setup::View;
use crate::domain::plan::{Step, Trace};
use crate::domain::post::State;
use crate::store::breakers::Breaker;
use crate::store::posts::Post;

/// How far ahead a post's turn is looked for.
const AHEAD: TimeDelta = TimeDelta::days(30);
/// Rules of one post that are told one by one: the last ones, which say when it goes.
const STEPS_MAX: usize = 12;

/// How a queued post stands.
enum Turn {
    /// The config doesn't know its lane any more.
    NoLane,
    /// It is too far back in the queue.
    Unplanned,
    /// The plan has it.
    Traced(Trace),
}

async fn turn(view: &View, post: &Post) -> Result<Turn, anyhow::Error> {
    if !view.config.has_lane(&post.lane) {
        return Ok(Turn::NoLane);
    }
    let trace = view.outlook().trace_of(post, view.now, view.now + AHEAD).await?;
    Ok(trace.map_or(Turn::Unplanned, Turn::Traced))
}

async fn stops(view: &View, post: &Post) -> Result<Vec<Breaker>, anyhow::Error> {
    let mut stops = view.store.open_breakers().await?;
    stops.retain(|breaker| breaker.scope.covers(&post.lane));
    Ok(stops)
}

/// When a queued post's turn comes, and each rule that holds it until then.
pub(super) async fn say(view: &View, post: &Post) -> Result<(), anyhow::Error> {
    if post.life.state != State::Queued {
        return Ok(());
    }
    for breaker in stops(view, post).await? {
        out::say(&format!("  stopped: {}; {}", breaker.cause.sentence(), breaker.cause.remedy()));
    }
    let trace = match turn(view, post).await? {
        Turn::NoLane => {
            out::say("  planned: never, the config does not know its lane any more");
            return Ok(());
        }
        Turn::Unplanned => {
            out::say("  planned: it is too far back in the queue to say when");
            return Ok(());
        }
        Turn::Traced(trace) => trace,
    };
    let zone = view.zone(&post.lane);
    let skipped = trace.steps.len().saturating_sub(STEPS_MAX);
    if skipped > 0 {
        out::say(&format!("  waits: {skipped} times before, see --json"));
    }
    for Step { rule, until } in trace.steps.iter().skip(skipped) {
        let until = until.map_or_else(
            || "not within 30 days".to_owned(),
            |at| format!("until {}", out::clock_time(at, zone)),
        );
        out::say(&format!("  waits: {until}: {}", rule.sentence()));
    }
    if let Some(row) = trace.goes {
        let at = out::when(row.at, zone, view.now);
        let cost = if row.without_link {
            format!(", {} without its link", row.cost)
        } else {
            String::new()
        };
        out::say(&format!("  planned: {at}, {}{cost}", row.rule.sentence()));
    } else {
        let why = trace.steps.last().map(|it| it.rule.sentence()).unwrap_or_default();
        out::say(&format!("  planned: not within 30 days, {why}"));
    }
    Ok(())
}

/// The same for machines; null for a post that is not queued.
pub(super) async fn as_json(view: &View, post: &Post) -> Result<Value, anyhow::Error> {
    if post.life.state != State::Queued {
        return Ok(Value::Null);
    }
    let stops: Vec<Value> = stops(view, post)
        .await?
        .iter()
        .map(|it| json!({ "scope": it.scope.to_string(), "cause": it.cause.word() }))
        .collect();
    Ok(match turn(view, post).await? {
        Turn::NoLane => json!({ "stops": stops, "goes": null, "why": "no_lane" }),
        Turn::Unplanned => json!({ "stops": stops, "goes": null, "why": "far_back" }),
        Turn::Traced(trace) => json!({
            "stops": stops,
            "steps": trace.steps.iter().map(|Step { rule, until }| json!({
                "rule": rule.word(),
                "why": rule.sentence(),
                "until": until,
            })).collect::<Vec<_>>(),
            "goes": trace.goes.map(|row| json!({
                "at": row.at,
                "rule": row.rule.word(),
                "why": row.rule.sentence(),
                "cost_usd_micros": row.cost.micros(),
                "without_link": row.without_link,
            })),
        }),
    })
}
