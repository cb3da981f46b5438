//! `tidings health`: asks a running daemon whether it is well.
//!
//! Promises: exit code 0 only if a daemon runs and is well. Must not: read the database.

use std::time::Duration;

use super::out;
use super::setup::Place;
use super::{Done, Exit};
use crate::store::lock::DaemonLock;

/// A daemon that doesn't answer within this time is not well.
const TIMEOUT: Duration = Duration::from_secs(5);

pub(super) async fn run(place: &Place) -> Done {
    let config = match place.config() {
        Ok(config) => config,
        Err(exit) => return Ok(exit),
    };
    let Some(address) = config.web.listen else {
        // Without the page there is only the lock to look at.
        if DaemonLock::is_taken(&config.store.path) {
            out::say("a daemon is running; `web.listen` is off, so it can't be asked how it is");
            return Ok(Exit::Done);
        }
        out::say("no daemon is running: `tidings run` starts it");
        return Ok(Exit::Failed);
    };
    let client = crate::http::loopback_client(TIMEOUT)?;
    match client.get(format!("http://{address}/healthz")).send().await {
        Ok(answer) => {
            if answer.status().is_success() {
                out::say(&format!("the daemon at {address} is well"));
                return Ok(Exit::Done);
            }
            let said = answer.text().await.unwrap_or_default();
            out::say(&format!("the daemon at {address} is not well: {}", out::short(&said, 500)));
            Ok(Exit::Failed)
        }
        Err(error) => {
            out::say(&format!("no daemon answers at {address}: {}", crate::http::chain(&error)));
            Ok(Exit::Failed)
        }
    }
}
