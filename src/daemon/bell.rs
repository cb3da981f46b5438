//! The bell: wakes what recurs by the calendar; for now, the nightly maintenance of the database.
//!
//! Promises: a missed ring is harmless, since nothing is due by it. Must not: decide what is due;
//! measured, the scheduler drops jobs when hundreds fall into one half-second, keeps a fixed offset
//! per job and forgets on restart, so no feed and no post hangs on it.

use std::sync::Arc;

use chrono::TimeDelta;
use tokio_cron_scheduler::{Job, JobScheduler};
use tracing::{debug, warn};

use super::{Daemon, Error};
use crate::http::chain;

/// At a quiet time of the day, off the hour, in UTC; the scheduler wants seconds first.
const MAINTENANCE: &str = "0 17 3 * * *";

/// What persons did by hand is kept for so long, and so many acts of it.
const ACTS_KEPT: (TimeDelta, u32) = (TimeDelta::days(730), 100_000);

/// Rings until the daemon drains.
pub(super) async fn ring(daemon: &Arc<Daemon>) -> Result<(), Error> {
    if let Err(error) = ring_until_drained(daemon).await {
        // Everything that must happen happens without the bell.
        warn!("the nightly maintenance is off: {}", chain(&error));
        daemon.stop.drain.cancelled().await;
    }
    Ok(())
}

async fn ring_until_drained(
    daemon: &Arc<Daemon>,
) -> Result<(), tokio_cron_scheduler::JobSchedulerError> {
    let mut scheduler = JobScheduler::new().await?;
    let own = Arc::clone(daemon);
    let job = Job::new_async(MAINTENANCE, move |_, _| {
        let daemon = Arc::clone(&own);
        Box::pin(async move { maintain(&daemon).await })
    })?;
    scheduler.add(job).await?;
    scheduler.start().await?;
    daemon.stop.drain.cancelled().await;
    scheduler.shutdown().await
}

async fn maintain(daemon: &Daemon) {
    if let Err(error) = daemon.prune_acts().await {
        warn!("what was done by hand long ago could not be forgotten: {}", chain(&error));
    }
    match daemon.store.maintain().await {
        Ok(()) => debug!("the database was maintained"),
        Err(error) => warn!("the database could not be maintained: {}", chain(&error)),
    }
}

impl Daemon {
    /// Forgets what persons did by hand so long ago, or so often since, that nobody asks any more.
    async fn prune_acts(&self) -> Result<(), Error> {
        let (age, kept) = ACTS_KEPT;
        let mut tx = self.store.begin(self.now()).await?;
        tx.prune_acts(self.now() - age, kept).await?;
        tx.commit().await?;
        Ok(())
    }
}
