//! When the disk is full: nothing is taken in or sent, and it goes on by itself.
//!
//! Promises: told once, and once more when there is room; what is queued stays queued. Must not:
//! take another fault for a full disk.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tracing::{debug, info};

use super::news::News;
use super::reload::Present;
use super::{Daemon, Error};
use crate::http::chain;

/// How often it is tried whether there is room again.
const TRY_EVERY: Duration = Duration::from_secs(5);

impl Daemon {
    /// Whether the disk is full: no feed is asked and nothing is sent.
    pub fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// A write found the disk full.
    pub(super) fn note_full(&self) {
        if !self.full.swap(true, Ordering::Relaxed) {
            self.tell(News::DiskFull);
            self.room.notify_one();
        }
    }
}

/// Tries for room while the disk is full.
pub(super) async fn storage_loop(present: &Present) -> Result<(), Error> {
    let drain = present.get().stop.drain.clone();
    let room = Arc::clone(&present.get().room);
    loop {
        tokio::select! {
            () = drain.cancelled() => return Ok(()),
            () = room.notified() => {}
        }
        loop {
            tokio::select! {
                () = drain.cancelled() => return Ok(()),
                () = tokio::time::sleep(TRY_EVERY) => {}
            }
            let daemon = present.get();
            if !daemon.store.has_room() {
                continue;
            }
            match daemon.store.beat(daemon.now()).await {
                Ok(()) => {
                    daemon.full.store(false, Ordering::Relaxed);
                    info!("the disk has room again: taking in and sending go on");
                    daemon.tell(News::DiskHasRoom);
                    daemon.look_again();
                    break;
                }
                Err(error) => debug!("the disk is still full: {}", chain(&error)),
            }
        }
    }
}
