//! `tidings status`: what is: stops, lanes, feeds, what comes next, what needs a person.
//!
//! Promises: what is stopped and what needs a person comes first, each with what to do. Must not:
//! change anything; for a moment a file beside the database shows whether the disk has room.

use clap::Args;
use serde_json::json;

use super::feeds::{NO_FEEDS, health};
use super::out::{self, Tone};
use super::queue::{needs, needs_person, needs_together};
use super::setup::{Place, View, open};
use super::{Done, Exit, alerts, budgets, corrections, cost};
use crate::daemon::passing::Passing;
use crate::domain::alert::Kind;
use crate::domain::breaker::{Cause, Ending, Lane};
use crate::domain::plan::Decision;
use crate::domain::post::State;
use crate::store::alerts::Kept;
use crate::store::breakers::Breaker;
use crate::store::lock::DaemonLock;
use crate::store::posts::{Post, PostFilter};

/// Troubles that need a person and are shown one by one.
const SHOWN_MAX: usize = 10;

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

struct LaneStatus {
    lane: Lane,
    counts: Vec<(State, i64)>,
    next: String,
}

impl LaneStatus {
    fn count(&self, state: State) -> i64 {
        self.counts.iter().filter(|(it, _)| *it == state).map(|(_, posts)| posts).sum()
    }
}

pub(super) async fn run(place: &Place, args: &StatusArgs) -> Done {
    let view = open!(place);
    let running = DaemonLock::is_taken(view.store.path());
    let breakers = view.store.open_breakers().await?;
    let lanes = lanes(&view, &breakers).await?;
    let waiting = waiting_for_person(&view).await?;
    let open = alerts::open_beside(&view).await?;
    if args.json {
        return as_json(&view, running, (&breakers, &lanes, &waiting, &open)).await;
    }
    if running {
        out::say(&out::tone("the daemon is running", Tone::Good));
    } else {
        out::say(&out::tone("no daemon is running: `tidings run` starts it", Tone::Bad));
    }
    say_config(&view, running).await?;
    say_storage(&view).await?;
    for breaker in &breakers {
        say_breaker(&view, breaker);
    }
    for warning in budgets::warnings(&view).await? {
        out::say(&out::tone(&warning, Tone::Bad));
    }
    // Corrections are told below, with those that nobody is alerted of.
    for alert in open.iter().filter(|it| it.note.kind != Kind::Correction) {
        out::say(&out::tone(&format!("ALERT {}", alert.note.title), Tone::Bad));
        out::say(&format!("  do: {}", alert.note.remedy));
    }
    corrections::say(&view, &corrections::latest(&view).await?);
    say_waiting(&waiting);
    say_lanes(&lanes);
    out::say(&format!("\n{}", cost::in_short(&view).await?));
    say_feeds(&view).await?;
    Ok(Exit::Done)
}

/// Whether the daemon goes by the config as it is.
async fn say_config(view: &View, running: bool) -> Result<(), anyhow::Error> {
    let Some(reload) = view.store.reload().await?.filter(|_| running) else { return Ok(()) };
    let zone = view.home_zone();
    let read_at = out::clock_time(reload.read_at, zone);
    if let Some((at, why)) = &reload.refused {
        let at = out::clock_time(*at, zone);
        let line = format!("the config of {at} was refused; the one of {read_at} is in force");
        out::say(&out::tone(&line, Tone::Bad));
        why.lines().for_each(|line| out::say(&format!("  {line}")));
        out::say("  do: mend it, then `systemctl reload tidings` or `kill -HUP` the daemon");
    }
    if !reload.restart.is_empty() {
        let line = format!("changed, and counts only after a restart: {}", reload.restart);
        out::say(&out::tone(&line, Tone::Bad));
    }
    Ok(())
}

/// Whether the last backup went well, and whether the disk takes a write.
async fn say_storage(view: &View) -> Result<(), anyhow::Error> {
    if !view.store.has_room() {
        let line = "the disk is full: nothing is taken in or sent until there is room; what is \
                    queued stays";
        out::say(&out::tone(line, Tone::Bad));
    }
    let Some(last) = view.store.last_backup().await?.filter(|it| !it.failure.is_empty()) else {
        return Ok(());
    };
    let zone = view.home_zone();
    let before = last.done_at.map_or_else(
        || "there is none".to_owned(),
        |at| format!("the last one is of {}", out::clock_time(at, zone)),
    );
    let at = out::clock_time(last.tried_at, zone);
    out::say(&out::tone(&format!("the backup of {at} failed: {}", last.failure), Tone::Bad));
    out::say(&format!("  {before}; tried again each hour"));
    Ok(())
}

fn say_breaker(view: &View, breaker: &Breaker) {
    let zone = view.home_zone();
    let next = breaker.probe_at.map_or_else(
        || "you end it".to_owned(),
        |at| {
            let does = match (breaker.cause, breaker.cause.ending()) {
                (Cause::Paused, _) | (_, Ending::Wait) => "goes on by itself",
                (_, Ending::AskUser) => "asks Ayrshare again",
                (_, Ending::TryOne) => "tries one post again",
                (_, Ending::Person) => "looks again",
            };
            format!("{does} {}", out::when(at, zone, view.now))
        },
    );
    out::say(&out::tone(
        &format!(
            "STOPPED {} since {}: {}; {next}",
            out::reach(&breaker.scope),
            out::clock_time(breaker.opened_at, zone),
            breaker.cause.sentence()
        ),
        Tone::Bad,
    ));
    if !breaker.detail.is_empty() {
        out::say(&format!("  said: {}", breaker.detail));
    }
    out::say(&format!("  do: {}", breaker.cause.remedy()));
}

fn say_waiting(waiting: &[Post]) {
    if waiting.is_empty() {
        return;
    }
    let waiting: Vec<&Post> = waiting.iter().collect();
    let lines = needs_together(&waiting);
    out::say("");
    for line in lines.iter().take(SHOWN_MAX) {
        out::say(&out::tone(line, Tone::Bad));
    }
    if lines.len() > SHOWN_MAX {
        out::say("… `tidings queue list` shows all");
    }
}

fn say_lanes(lanes: &[LaneStatus]) {
    let rows: Vec<Vec<String>> = lanes
        .iter()
        .map(|status| {
            let shown = |state| status.count(state).to_string();
            vec![
                status.lane.to_string(),
                shown(State::Queued),
                shown(State::Held),
                shown(State::Unconfirmed),
                shown(State::Failed),
                shown(State::Posted),
                status.next.clone(),
            ]
        })
        .collect();
    let heads = ["LANE", "QUEUED", "HELD", "UNCONFIRMED", "FAILED", "POSTED", "NEXT"];
    out::say(&format!("\n{}", out::table(&heads, &rows)));
}

async fn say_feeds(view: &View) -> Result<(), anyhow::Error> {
    if view.config.feeds.is_empty() {
        out::say(&format!("\n{NO_FEEDS}"));
        return Ok(());
    }
    let states = view.store.feeds().await?;
    let mut line: Vec<String> = Vec::new();
    for word in ["ok", "new", "failing", "gone"] {
        let number = view
            .config
            .feeds
            .iter()
            .filter(|feed| health(states.iter().find(|it| it.name == feed.name)) == word)
            .count();
        if number > 0 {
            line.push(format!("{number} {word}"));
        }
    }
    let next = states
        .iter()
        .filter(|state| state.gone_at.is_none() && view.config.feed(&state.name).is_some())
        .map(|state| state.next_poll_at)
        .min();
    let next =
        next.map_or_else(String::new, |at| format!("; next poll {}", out::distance(at, view.now)));
    out::say(&format!("\nfeeds: {}{next}", line.join(", ")));
    for state in states.iter().filter(|it| !it.last_error.is_empty()) {
        if view.config.feed(&state.name).is_some() {
            out::say(&out::tone(&format!("  {}: {}", state.name, state.last_error), Tone::Bad));
        }
    }
    Ok(())
}

/// All posts that wait for a person.
async fn waiting_for_person(view: &View) -> Result<Vec<Post>, anyhow::Error> {
    let mut waiting = Vec::new();
    for state in [State::Unconfirmed, State::Held, State::Failed] {
        let filter = PostFilter { state: Some(state), ..PostFilter::default() };
        let posts = view.store.posts(&filter, 1000).await?;
        waiting.extend(posts.into_iter().filter(needs_person));
    }
    Ok(waiting)
}

async fn lanes(view: &View, breakers: &[Breaker]) -> Result<Vec<LaneStatus>, anyhow::Error> {
    let counts = view.store.post_counts().await?;
    let mut lanes: Vec<Lane> = view.config.lanes().collect();
    for (lane, _) in counts.keys() {
        if !lanes.contains(lane) {
            lanes.push(lane.clone());
        }
    }
    let mut all = Vec::with_capacity(lanes.len());
    for lane in lanes {
        let next = if !view.config.has_lane(&lane) {
            "never: the config does not know this lane".to_owned()
        } else if let Some(breaker) =
            breakers.iter().find(|it| it.scope.covers(&lane) && !it.except_released)
        {
            format!("stopped: {}", breaker.cause.sentence())
        } else {
            next_of(view, &lane, &Passing::under(breakers, &lane)).await?
        };
        let counts = counts
            .iter()
            .filter(|((of, _), _)| *of == lane)
            .map(|((_, state), posts)| (*state, *posts))
            .collect();
        all.push(LaneStatus { lane, counts, next });
    }
    Ok(all)
}

async fn next_of(view: &View, lane: &Lane, passing: &Passing) -> Result<String, anyhow::Error> {
    Ok(match view.outlook().next_of(lane, view.now, passing).await? {
        Decision::Idle => "nothing queued".to_owned(),
        Decision::Send { id, .. } => format!("post {id} now"),
        Decision::Wait { until, rule, id } => format!(
            "post {id} {}, {}",
            out::when(until, view.zone(lane), view.now),
            rule.sentence()
        ),
    })
}

async fn as_json(
    view: &View,
    running: bool,
    (breakers, lanes, waiting, open): (&[Breaker], &[LaneStatus], &[Post], &[Kept]),
) -> Done {
    let states = view.store.feeds().await?;
    let reload = view.store.reload().await?;
    let backup = view.store.last_backup().await?;
    let full = !view.store.has_room();
    out::json(&json!({
        "running": running,
        "disk_full": full,
        "backup": backup.map(|it| json!({
            "tried_at": it.tried_at,
            "done_at": it.done_at,
            "path": it.path,
            "failure": it.failure,
        })),
        "config": reload.map(|it| json!({
            "read_at": it.read_at,
            "refused_at": it.refused.as_ref().map(|(at, _)| *at),
            "refusal": it.refused.map(|(_, why)| why),
            "needs_restart": it.restart,
        })),
        "breakers": breakers.iter().map(|breaker| json!({
            "scope": breaker.scope.to_string(),
            "cause": breaker.cause.word(),
            "opened_at": breaker.opened_at,
            "probe_at": breaker.probe_at,
            "detail": breaker.detail,
            "sentence": breaker.cause.sentence(),
            "remedy": breaker.cause.remedy(),
        })).collect::<Vec<_>>(),
        "needs_person": waiting.iter().map(|post| json!({
            "post": post.id,
            "state": post.life.state.word(),
            "what": needs(post),
        })).collect::<Vec<_>>(),
        "corrections": corrections::as_json(&corrections::latest(view).await?),
        "alerts": open.iter().map(alerts::as_json).collect::<Vec<_>>(),
        "lanes": lanes.iter().map(|status| json!({
            "profile": status.lane.profile,
            "platform": status.lane.platform,
            "posts": State::ALL.into_iter()
                .map(|state| (state.word(), status.count(state)))
                .collect::<std::collections::BTreeMap<_, _>>(),
            "next": status.next,
        })).collect::<Vec<_>>(),
        "budgets": view.outlook().budgets(view.now).await?.iter().map(|state| json!({
            "whose": state.owner.kind(),
            "name": state.owner.name(),
            "spent_percent": state.spent.percent(),
            "until": state.until,
        })).collect::<Vec<_>>(),
        "feeds": view.config.feeds.iter().map(|feed| json!({
            "feed": feed.name,
            "health": health(states.iter().find(|it| it.name == feed.name)),
        })).collect::<Vec<_>>(),
    }))?;
    Ok(Exit::Done)
}
