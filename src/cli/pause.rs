//! `tidings pause` and `tidings resume`: the kill switch.
//!
//! Promises: works beside a running daemon, which obeys within a second. Must not: touch the queue.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use clap::Args;
use serde_json::{Value, json};

use super::setup::{Place, View, open};
use super::{Done, Exit, out, times};
use crate::daemon::desk::Manner;
use crate::domain::breaker::{Cause, Scope};
use crate::store::breakers::Breaker;

#[derive(Debug, Args)]
#[group(multiple = false)]
struct Which {
    /// A profile or a feed by its name, or `all`; left out: all
    #[arg(value_name = "all|PROFILE|FEED")]
    what: Option<String>,
    /// This profile, where a feed has the same name
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// This feed, where a profile has the same name
    #[arg(long, value_name = "NAME")]
    feed: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct PauseArgs {
    #[command(flatten)]
    which: Which,
    /// Until this time: 2h, 18:30, "2026-11-24 09:00" in the profile's zone, or with an offset
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Hold everything but what a person releases: posts that were approved, sent again or sent
    /// now by hand still go
    #[arg(long)]
    except_released: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ResumeArgs {
    #[command(flatten)]
    which: Which,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Which {
    /// What is meant; `None`, after it was said why, where that can't be told.
    fn scope(&self, view: &View) -> Result<Scope, Exit> {
        if let Some(name) = &self.profile {
            view.want_profile(Some(name))?;
            return Ok(Scope::Profile(name.clone()));
        }
        if let Some(name) = &self.feed {
            view.want_feed(Some(name))?;
            return Ok(Scope::Feed(name.clone()));
        }
        let Some(name) = self.what.as_deref().filter(|name| *name != "all") else {
            return Ok(Scope::All);
        };
        let config = &view.config;
        match (config.profile(name).is_some(), config.feed(name).is_some()) {
            (true, true) => {
                out::complain(&format!(
                    "error: {name:?} is a profile and a feed: say --profile {name} or --feed {name}"
                ));
                Err(Exit::Usage)
            }
            (true, false) => Ok(Scope::Profile(name.to_owned())),
            (false, true) => Ok(Scope::Feed(name.to_owned())),
            (false, false) => {
                view.want_profile(Some(name))?;
                Ok(Scope::All)
            }
        }
    }
}

/// The zone in which a person types times for a scope.
fn zone_of(view: &View, scope: &Scope) -> Tz {
    match scope {
        Scope::All => view.home_zone(),
        Scope::Profile(name) => view.config.zone(name),
        Scope::Lane(lane) => view.zone(lane),
        Scope::Feed(name) => {
            let profile = view.config.feed(name).and_then(|feed| feed.profiles.first());
            profile.map_or_else(|| view.home_zone(), |profile| view.config.zone(profile))
        }
    }
}

/// The instant that `--until` means; complains where there is none, or it is over.
fn until(view: &View, typed: Option<&str>, zone: Tz) -> Result<Option<DateTime<Utc>>, Exit> {
    let Some(typed) = typed else { return Ok(None) };
    let Some(at) = times::read(typed, zone, view.now) else {
        out::complain(&format!("error: --until {typed:?} is not a time; {}", times::FORMS));
        return Err(Exit::Usage);
    };
    if at <= view.now {
        out::complain(&format!(
            "error: --until lies in the past: {}",
            out::when(at, zone, view.now)
        ));
        return Err(Exit::Usage);
    }
    Ok(Some(at))
}

pub(super) async fn pause(place: &Place, args: &PauseArgs) -> Done {
    let view = open!(place);
    let scope = match args.which.scope(&view) {
        Ok(scope) => scope,
        Err(exit) => return Ok(exit),
    };
    let zone = zone_of(&view, &scope);
    let until = match until(&view, args.until.as_deref(), zone) {
        Ok(until) => until,
        Err(exit) => return Ok(exit),
    };
    let manner = if args.except_released { Manner::ExceptReleased } else { Manner::Everything };
    let breaker = view.desk().pause(&scope, until, manner).await?;
    if args.json {
        out::json(&as_json(&breaker))?;
        return Ok(Exit::Done);
    }
    let until = until.map_or_else(
        || "until `tidings resume`".to_owned(),
        |until| format!("until {}", out::when(until, zone, view.now)),
    );
    let but = if args.except_released { "; what you approve or send now still goes" } else { "" };
    out::say(&format!("paused {} {until}; the queue keeps filling{but}", out::reach(&scope)));
    Ok(Exit::Done)
}

pub(super) async fn resume(place: &Place, args: &ResumeArgs) -> Done {
    let view = open!(place);
    let scope = match args.which.scope(&view) {
        Ok(scope) => scope,
        Err(exit) => return Ok(exit),
    };
    let ended = view.desk().resume(&scope).await?;
    let over: Vec<Breaker> = view.store.open_breakers().await?;
    if args.json {
        let list = |all: &[Breaker]| all.iter().map(as_json).collect::<Vec<_>>();
        out::json(&json!({"ended": list(&ended), "still_stopped": list(&over)}))?;
        return Ok(Exit::Done);
    }
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
    let name = match &scope {
        Scope::All => return Ok(Exit::Done),
        Scope::Profile(name) | Scope::Feed(name) => name.clone(),
        Scope::Lane(lane) => lane.to_string(),
    };
    for breaker in over.iter().filter(|it| it.scope == Scope::All) {
        out::say(&format!(
            "{name} still waits, since everything is stopped: {}; `tidings resume` ends that",
            breaker.cause.sentence()
        ));
    }
    Ok(Exit::Done)
}

fn as_json(breaker: &Breaker) -> Value {
    json!({
        "scope": breaker.scope.to_string(),
        "cause": breaker.cause.word(),
        "since": breaker.opened_at,
        "until": breaker.probe_at,
        "except_released": breaker.except_released,
        "detail": breaker.detail,
    })
}
