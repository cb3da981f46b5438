//! What systemd is told: ready, reloading, stopping, alive, and what is going on.
//!
//! Promises: the watchdog is fed only while each loop turns when it is asked to and the database
//! takes a write; without systemd nothing happens. Must not: fail the program because a notice
//! could not be given.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sd_notify::NotifyState;
use tokio::task::JoinHandle;
use tracing::{debug, error};

use super::reload::Present;
use super::{Daemon, Error};
use crate::domain::post::State;
use crate::http::chain;
use crate::store;

/// Without a watchdog what is going on is told this often.
const TELL_EVERY: Duration = Duration::from_mins(1);

/// The daemon is up, or has read its config anew.
pub fn ready() {
    notify(&[NotifyState::Ready]);
}

/// The daemon reads its config anew; [`ready`] ends it.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(since) => notify(&[NotifyState::Reloading, since]),
        Err(error) => debug!("the monotonic clock could not be read: {error}"),
    }
}

/// The daemon drains.
pub fn stopping() {
    notify(&[NotifyState::Stopping]);
}

fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        debug!("systemd could not be told: {error}");
    }
}

/// Feeds systemd's watchdog twice in its period, if it has one, and tells what is going on.
pub(super) async fn watchdog_loop(present: &Present) -> Result<(), Error> {
    let drain = present.get().stop.drain.clone();
    let watchdog = sd_notify::watchdog_enabled().filter(|period| *period > Duration::ZERO);
    let pause = watchdog.map_or(TELL_EVERY, |period| period / 2);
    let mut check = watchdog.map(|_| Check::begin(&present.get()));
    let mut told = String::new();
    // The first sign of life must not wait for the second half of the period.
    if let Some(check) = &mut check {
        let written = (&mut check.probe).await;
        check.written = Some(written.unwrap_or(Ok(())));
    }
    loop {
        let daemon = present.get();
        if let Some(check) = &mut check {
            match check.ailment(&daemon).await {
                None => notify(&[NotifyState::Watchdog]),
                Some(why) => error!("the watchdog is not fed: {why}"),
            }
            check.again(&daemon);
        }
        let now = status(&daemon).await.unwrap_or_else(|error| chain(&error));
        if now != told {
            notify(&[NotifyState::Status(&now)]);
            told = now;
        }
        tokio::select! {
            () = drain.cancelled() => return Ok(()),
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// One look at the daemon's life, begun a while before it is judged.
struct Check {
    asked_at: DateTime<Utc>,
    probe: JoinHandle<Result<(), store::Error>>,
    written: Option<Result<(), store::Error>>,
}

impl Check {
    fn begin(daemon: &Daemon) -> Self {
        let (store, now) = (daemon.store.clone(), daemon.now());
        let probe = tokio::spawn(async move { store.beat(now).await });
        // All loops began before.
        Self { asked_at: DateTime::UNIX_EPOCH, probe, written: None }
    }

    /// Why the daemon is not well, if it is not.
    async fn ailment(&mut self, daemon: &Daemon) -> Option<String> {
        let silent = daemon.pulse.silent_since(self.asked_at);
        if !silent.is_empty() {
            return Some(format!("stuck: {}", silent.join(", ")));
        }
        if self.written.is_none() && self.probe.is_finished() {
            self.written = Some((&mut self.probe).await.unwrap_or(Ok(())));
        }
        match &self.written {
            None => Some("the database did not take a write in time".to_owned()),
            // Starting again would not make room.
            Some(Err(error)) if !error.is_disk_full() => {
                Some(format!("the database takes no write: {}", chain(error)))
            }
            Some(_) => None,
        }
    }

    /// Asks all loops for a sign of life, and the database for a write, unless one is still out.
    fn again(&mut self, daemon: &Daemon) {
        self.asked_at = daemon.now();
        daemon.nudge();
        if self.written.is_some() {
            let asked_at = self.asked_at;
            *self = Self { asked_at, ..Self::begin(daemon) };
        }
    }
}

/// What is going on, in a line.
async fn status(daemon: &Daemon) -> Result<String, Error> {
    let counts = daemon.store.post_counts().await?;
    let of = |state: State| -> i64 {
        counts.iter().filter(|((_, it), _)| *it == state).map(|(_, posts)| posts).sum()
    };
    let asks = of(State::Held) + of(State::Failed);
    let mut line = vec![format!(
        "{} feeds, {} profiles; {} posts queued",
        daemon.config.feeds.len(),
        daemon.config.profiles.len(),
        of(State::Queued)
    )];
    for (number, what) in [(of(State::Unconfirmed), "looked up"), (asks, "need you")] {
        if number > 0 {
            line.push(format!("{number} {what}"));
        }
    }
    let stops = daemon.store.open_breakers().await?;
    if let Some(stop) = stops.first() {
        line.push(format!("STOPPED {}: {}", stop.scope, stop.cause.sentence()));
    }
    if daemon.is_full() {
        line.push("the disk is full".to_owned());
    }
    Ok(line.join("; "))
}
