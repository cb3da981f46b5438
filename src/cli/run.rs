//! `tidings run`: the daemon.
//!
//! Promises: a rehearsal (`--sandbox`, `--dry-run`) never touches the real database and never
//! reaches Ayrshare. Must not: decide what is due; it starts the loops or calls their ticks once.

mod log;
mod rehearsal;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

use super::out;
use super::setup::Place;
use super::{Done, Exit};
use crate::clock::Clock;
use crate::config::secret::Secrets;
use crate::config::{self, Config, Environment};
use crate::daemon::poll::PollReport;
use crate::daemon::reload::Present;
use crate::daemon::run::Stop;
use crate::daemon::{self, Daemon};
use crate::domain::post::State;
use crate::store::lock::DaemonLock;
use crate::store::{self, Store};
use crate::web;
use rehearsal::Rehearsal;

/// Rounds of `--once` in which something was sent; a queue longer than this waits for the next run.
const ONCE_ROUNDS_MAX: usize = 10_000;

/// How long the end may wait for a database that another process holds.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// Publish to the simulated Ayrshare, with a database of its own beside the real one
    #[arg(long)]
    sandbox: bool,
    /// Change and publish nothing: work on a copy of the database, against the simulated Ayrshare
    #[arg(long)]
    dry_run: bool,
    /// Poll what is due, publish what is due, and end
    #[arg(long)]
    once: bool,
}

impl RunArgs {
    const fn is_dry(&self) -> bool {
        self.dry_run
    }
}

pub(super) async fn run(place: &Place, args: &RunArgs) -> Done {
    log::init(&place.env);
    keep_to_itself();
    let config = match place.config() {
        Ok(config) => config,
        Err(exit) => return Ok(exit),
    };
    for warning in &config.warnings {
        warn!("{warning}");
    }
    let simulated = args.sandbox || args.dry_run;
    let secrets = match read_secrets(&config, &place.env, simulated) {
        Ok(secrets) => secrets,
        Err(complaints) => {
            out::complain(&complaints);
            return Ok(Exit::Usage);
        }
    };
    for warning in &secrets.warnings {
        warn!("{warning}");
    }
    let rehearsal = if simulated { Some(Rehearsal::new(&config, args).await?) } else { None };
    let config = rehearsal.as_ref().map_or(config, |it| Arc::clone(&it.config));
    // A signal while the database is being opened is heard, too.
    let stop = Stop::default();
    listen_to_signals(stop.clone())?;
    let hangups = signal(SignalKind::hangup()).context("cannot listen to SIGHUP")?;
    let lock = DaemonLock::take(&config.store.path)?;
    let store = tokio::select! {
        opened = open(&config.store.path) => opened?,
        // A large database takes its time, and another process may hold it locked. Nothing has begun.
        () = stop.drain.cancelled() => return Ok(Exit::Done),
    };
    let mut daemon = Daemon::new(Arc::clone(&config), secrets, store, Clock::System)?;
    daemon.stop = stop;
    let daemon = Arc::new(daemon);
    let exit = if args.once {
        once(&daemon, simulated).await?
    } else {
        let place = place.clone();
        let base_url = config.ayrshare.base_url.clone();
        let load = move || {
            let mut config =
                config::load(&place.config, &place.env).map_err(|it| it.to_string())?;
            let secrets = read_secrets(&config, &place.env, simulated)?;
            if simulated {
                config.ayrshare.base_url = base_url.clone();
            }
            Ok((config, secrets))
        };
        forever(&Present::new(Arc::clone(&daemon), Arc::new(load)), hangups).await?;
        Exit::Done
    };
    if let Some(rehearsal) = rehearsal {
        rehearsal.end(&daemon.store).await?;
    }
    // Where another process holds the database, the log is folded in at the next start.
    if tokio::time::timeout(CLOSE_WITHIN, daemon.store.close()).await.is_err() {
        warn!("the database is held by another process, so it is left as it is: nothing is lost");
    }
    drop(lock);
    Ok(exit)
}

/// A core file would hold the secrets, so the kernel writes none of this process; nor may others of
/// its user look into it.
fn keep_to_itself() {
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        warn!("a crash of this process may leave a core file, which would hold secrets: {error}");
    }
}

/// The database, checked and brought to this schema.
async fn open(path: &Path) -> Result<Store, store::Error> {
    Store::check(path).await?;
    let store = Store::open(path).await?;
    store.check_writable().await?;
    Ok(store)
}

/// The secrets of the config, or their stand-ins; all complaints as one text.
fn read_secrets(config: &Config, env: &Environment, simulated: bool) -> Result<Secrets, String> {
    let read = if simulated { Secrets::sandbox } else { Secrets::read };
    read(config, env).map_err(|complaints| complaints.to_string())
}

/// Runs until it is told to stop.
async fn forever(present: &Present, hangups: Signal) -> Result<(), anyhow::Error> {
    listen_to_hangups(present.clone(), hangups);
    let daemon = present.get();
    if let Some(address) = daemon.config.web.listen {
        let listener = web::bind(address).await.with_context(|| {
            format!(
                "cannot listen on {address} (`web.listen`): take another port, or \"\" for none"
            )
        })?;
        info!("the page is at http://{address}/");
        let served = present.clone();
        tokio::spawn(async move {
            if let Err(error) = web::serve(listener, served).await {
                warn!("the page is not there any more: {error}");
            }
        });
    }
    info!(
        feeds = daemon.config.feeds.len(),
        profiles = daemon.config.profiles.len(),
        database = %daemon.config.store.path.display(),
        "tidings {} runs with {} and {}",
        env!("CARGO_PKG_VERSION"),
        out::count(daemon.config.feeds.len(), "feed"),
        out::count(daemon.config.profiles.len(), "profile"),
    );
    daemon::run::run(present.clone()).await?;
    info!("stopped");
    Ok(())
}

/// One round: poll what is due, look up what is due, send until nothing more is due.
async fn once(daemon: &Daemon, simulated: bool) -> Result<Exit, anyhow::Error> {
    daemon.recover().await?;
    daemon.begin().await?;
    let polled = daemon.poll_round().await?;
    let looked_up = daemon.reconcile_tick().await?.looked_up.len();
    let mut sent = Vec::new();
    for _ in 0..ONCE_ROUNDS_MAX {
        if daemon.stop.drain.is_cancelled() {
            break;
        }
        let report = daemon.publish_tick().await?;
        if report.sent.is_empty() {
            break;
        }
        sent.extend(report.sent);
    }
    // Who can't be told now is told by the next run.
    daemon.alert_tick().await?;
    let mut parts = vec![tell_polled(&polled), tell_sent(&sent)];
    if looked_up > 0 {
        parts.push(format!("looked up {}", out::count(looked_up, "post")));
    }
    let counts = daemon.store.post_counts().await?;
    let waiting = |states: &[State]| {
        let posts = counts.iter().filter(|((_, state), _)| states.contains(state));
        usize::try_from(posts.map(|(_, posts)| posts).sum::<i64>()).unwrap_or_default()
    };
    let hint = |command: &str| if simulated { String::new() } else { format!(" (`{command}`)") };
    let queued = waiting(&[State::Queued]);
    if queued > 0 {
        let verb = if queued == 1 { "waits for its" } else { "wait for their" };
        parts.push(format!("{queued} {verb} time{}", hint("tidings plan")));
    }
    let open = waiting(&[State::Held, State::Failed, State::Unconfirmed]);
    if open > 0 {
        let verb = if open == 1 { "is" } else { "are" };
        parts.push(format!(
            "{open} {verb} held, failed or unconfirmed{}",
            hint("tidings queue list")
        ));
    }
    out::say(&parts.join("; "));
    let posted = sent.iter().all(|(_, state)| *state == State::Posted);
    Ok(if polled.failed == 0 && posted { Exit::Done } else { Exit::Failed })
}

fn tell_polled(polled: &PollReport) -> String {
    if polled.polled == 0 {
        return "no feed was due".to_owned();
    }
    let failed =
        if polled.failed == 0 { String::new() } else { format!(" ({} failed)", polled.failed) };
    format!(
        "asked {}{failed}: {}, {}",
        out::count(polled.polled, "feed"),
        out::count(polled.new_entries, "new entry"),
        out::count(polled.posts, "new post"),
    )
}

fn tell_sent(sent: &[(i64, State)]) -> String {
    if sent.is_empty() {
        return "sent nothing".to_owned();
    }
    let states: Vec<String> = State::ALL
        .into_iter()
        .filter_map(|state| {
            let posts = sent.iter().filter(|(_, it)| *it == state).count();
            (posts > 0).then(|| format!("{posts} {}", state.word()))
        })
        .collect();
    format!("sent {}: {}", out::count(sent.len(), "post"), states.join(", "))
}

/// SIGHUP has the config read anew.
fn listen_to_hangups(present: Present, mut hangups: Signal) {
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            present.want_reload();
        }
    });
}

/// The first signal drains, the second one waits for nothing.
fn listen_to_signals(stop: Stop) -> Result<(), anyhow::Error> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen to SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen to SIGINT")?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if stop.drain.is_cancelled() {
                warn!("told twice to stop: what is in flight is looked up at the next start");
                stop.abort.cancel();
            } else {
                info!(
                    "stopping: a request in flight may take {} s; a second signal stops at once",
                    daemon::run::GRACE.as_secs()
                );
                stop.drain.cancel();
            }
        }
    });
    Ok(())
}
