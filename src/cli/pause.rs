//! `tidings pause` and `tidings resume`: the kill switch.
//!
//! Promises: works beside a running daemon, which obeys within a second. Must not: touch the queue.

use chrono::{DateTime, Utc};
use clap::Args;

use super::out;
use super::setup::{Place, open};
use super::{Done, Exit};
use crate::domain::breaker::Cause;

#[derive(Debug, Args)]
pub(super) struct PauseArgs {
    /// Only this profile; left out: everything
    profile: Option<String>,
    /// Until this time, such as 2026-11-24T08:00:00Z or 2026-11-24T09:00:00+01:00
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<DateTime<Utc>>,
}

#[derive(Debug, Args)]
pub(super) struct ResumeArgs {
    /// Only this profile; left out: everything
    profile: Option<String>,
}

fn time(text: &str) -> Result<DateTime<Utc>, String> {
    DateTime::parse_from_rfc3339(text)
        .map(|at| at.to_utc())
        .map_err(|_| "give date, time and offset, such as 2026-11-24T08:00:00Z".to_owned())
}

pub(super) async fn pause(place: &Place, args: &PauseArgs) -> Done {
    let view = open!(place);
    if args.until.is_some_and(|until| until <= view.now) {
        out::complain("error: --until lies in the past");
        return Ok(Exit::Usage);
    }
    if let Err(exit) = view.want_profile(args.profile.as_deref()) {
        return Ok(exit);
    }
    let scope = view.desk().pause(args.profile.as_deref(), args.until).await?;
    let until = args.until.map_or_else(
        || "until `tidings resume`".to_owned(),
        |until| format!("until {}", out::when(until, view.home_zone(), view.now)),
    );
    out::say(&format!("paused {} {until}; the queue keeps filling", out::reach(&scope)));
    Ok(Exit::Done)
}

pub(super) async fn resume(place: &Place, args: &ResumeArgs) -> Done {
    let view = open!(place);
    if let Err(exit) = view.want_profile(args.profile.as_deref()) {
        return Ok(exit);
    }
    let ended = view.desk().resume(args.profile.as_deref()).await?;
    if ended.is_empty() {
        out::say("nothing was stopped");
    }
    for breaker in &ended {
        out::say(&format!(
            "no longer stopped: {} ({})",
            out::reach(&breaker.scope),
            breaker.cause.sentence()
        ));
        if breaker.cause != Cause::Paused {
            out::say(&format!("  if it comes back: {}", breaker.cause.remedy()));
        }
    }
    if let Some(name) = &args.profile {
        let over = view.store.open_breakers().await?;
        for breaker in over.iter().filter(|it| it.scope == crate::domain::breaker::Scope::All) {
            out::say(&format!(
                "{name} still waits, since everything is stopped: {}; `tidings resume` ends that",
                breaker.cause.sentence()
            ));
        }
    }
    Ok(Exit::Done)
}
