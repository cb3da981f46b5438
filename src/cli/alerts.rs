//! `tidings alerts`: what was told, and whether the receivers can be told at all.
//!
//! Promises: a test names each receiver and how it went. Must not: end or silence an alert.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::out::{self, Tone};
use super::setup::{Place, View, open, want};
use super::{Done, Exit};
use crate::clock::Clock;
use crate::config::alerts::AlertSecrets;
use crate::daemon::alerts::send::Teller;
use crate::domain::alert::render::{Message, Note};
use crate::domain::alert::{Kind, Severity};
use crate::store::alerts::Kept;

#[derive(Debug, Subcommand)]
pub(super) enum AlertsCommand {
    /// List the alerts, open and past, newest first
    List(ListArgs),
    /// Send a test message to each receiver of the config, or to one
    Test(TestArgs),
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Only those that are still open
    #[arg(long)]
    open: bool,
    /// How many alerts to look at
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct TestArgs {
    /// The name of one receiver; left out: all
    name: Option<String>,
}

pub(super) async fn run(place: &Place, command: &AlertsCommand) -> Done {
    match command {
        AlertsCommand::List(args) => list(place, args).await,
        AlertsCommand::Test(args) => test(place, args).await,
    }
}

async fn list(place: &Place, args: &ListArgs) -> Done {
    let view = open!(place);
    let mut alerts = view.store.told_alerts(args.limit).await?;
    alerts.retain(|alert| !args.open || alert.closed_at.is_none());
    if args.json {
        out::json(&alerts.iter().map(as_json).collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    if alerts.is_empty() {
        out::say(if args.open { "no alert is open" } else { "there was no alert yet" });
        return Ok(Exit::Done);
    }
    let zone = view.home_zone();
    for alert in &alerts {
        let ended = alert
            .closed_at
            .map_or_else(|| "open".to_owned(), |at| format!("over {}", out::clock_time(at, zone)));
        let tone = if alert.closed_at.is_none() { Tone::Bad } else { Tone::Good };
        let since = out::clock_time(alert.note.opened_at, zone);
        let head =
            format!("{since}  {}, {ended}  {}", alert.note.severity.word(), alert.note.title);
        out::say(&out::tone(&head, tone));
        if alert.closed_at.is_none() {
            out::say(&format!("  do: {}", alert.note.remedy));
        }
    }
    Ok(Exit::Done)
}

/// An alert for programs.
pub(super) fn as_json(alert: &Kept) -> Value {
    let note = &alert.note;
    json!({
        "kind": note.kind.word(),
        "key": note.key,
        "severity": note.severity.word(),
        "profiles": note.profiles,
        "title": note.title,
        "body": note.body,
        "remedy": note.remedy,
        "opened_at": note.opened_at,
        "told_at": alert.told_at,
        "closed_at": alert.closed_at,
    })
}

/// The open alerts that `status` does not tell in another place.
pub(super) async fn open_beside(view: &View) -> Result<Vec<Kept>, anyhow::Error> {
    let mut open = view.store.open_alerts().await?;
    open.retain(|alert| {
        let elsewhere = matches!(
            alert.note.kind,
            Kind::Stop | Kind::PostFailed | Kind::PostInDoubt | Kind::PostHeld
        );
        alert.told_at.is_some() && !elsewhere
    });
    Ok(open)
}

async fn test(place: &Place, args: &TestArgs) -> Done {
    let config = match place.config() {
        Ok(config) => config,
        Err(exit) => return Ok(exit),
    };
    let names = config.alerts.iter().map(|receiver| receiver.name.as_str());
    if let Err(exit) = want("alert", args.name.as_deref(), names) {
        return Ok(exit);
    }
    if config.alerts.is_empty() {
        out::complain(
            "error: the config names nobody to tell: add an [[alert]], as config.example.toml shows",
        );
        return Ok(Exit::Usage);
    }
    let secrets = match AlertSecrets::read(&config, &place.env) {
        Ok(secrets) => secrets,
        Err(complaints) => {
            out::complain(&complaints.to_string());
            return Ok(Exit::Usage);
        }
    };
    let teller = Teller::new(&secrets);
    let now = Clock::System.now();
    let mut exit = Exit::Done;
    let wanted = |name: &String| args.name.as_ref().is_none_or(|wanted| wanted == name);
    for receiver in config.alerts.iter().filter(|receiver| wanted(&receiver.name)) {
        let note = Note {
            kind: Kind::Test,
            key: Kind::Test.word().to_owned(),
            severity: Severity::Info,
            profiles: Vec::new(),
            title: "A test of Tidings' alerts".to_owned(),
            body: "Where you read this, alerts arrive.".to_owned(),
            remedy: "nothing".to_owned(),
            opened_at: now,
            ended_at: None,
        };
        let id = uuid::Uuid::new_v4().to_string();
        let message = Message { id, notes: vec![note], zone: receiver.zone };
        match teller.tell(receiver, &message, now).await {
            Ok(()) => out::say(&out::tone(&format!("{}: told", receiver.name), Tone::Good)),
            Err(why) => {
                exit = Exit::Failed;
                out::say(&out::tone(&format!("{}: failed: {why}", receiver.name), Tone::Bad));
            }
        }
    }
    Ok(exit)
}
