//! What systemd is told: ready, stopping, alive.
//!
//! Promises: the watchdog is fed only while the loops turn and the database answers; without
//! systemd nothing happens. Must not: fail the program because a notice could not be given.

use std::time::Duration;

use sd_notify::NotifyState;
use tracing::{debug, error};

use super::{Daemon, Error};

/// The daemon is up.
pub fn ready() {
    notify(&[NotifyState::Ready]);
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

/// Feeds systemd's watchdog twice in its period, if it has one.
pub(super) async fn watchdog_loop(daemon: &Daemon) -> Result<(), Error> {
    let Some(period) = sd_notify::watchdog_enabled().filter(|period| *period > Duration::ZERO)
    else {
        daemon.stop.drain.cancelled().await;
        return Ok(());
    };
    loop {
        match daemon.ailing().await {
            None => notify(&[NotifyState::Watchdog]),
            Some(why) => error!("the watchdog is not fed: {why}"),
        }
        tokio::select! {
            () = daemon.stop.drain.cancelled() => return Ok(()),
            () = tokio::time::sleep(period / 2) => {}
        }
    }
}
