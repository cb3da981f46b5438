//! What systemd is told: ready, stopping, alive.
//!
//! Promises: the watchdog is fed only while the loops turn and the database answers; without
//! systemd nothing happens. Must not: fail the program because a notice could not be given.

use std::time::Duration;

use sd_notify::NotifyState;
use tracing::{debug, error};

use super::Error;
use super::reload::Present;

/// The daemon is up.
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

/// Feeds systemd's watchdog twice in its period, if it has one.
pub(super) async fn watchdog_loop(present: &Present) -> Result<(), Error> {
    let daemon = present.get();
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
