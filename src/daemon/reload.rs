//! Taking over a changed config while the daemon runs.
//!
//! Promises: a config is taken over whole or not at all; what is in flight ends under the config it
//! began with; a fault is logged, kept for `status` and told. Must not: change what needs a restart
//! (the database, the address of the page).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tracing::{error, info, warn};

use super::news::News;
use super::pulse::Pulse;
use super::{Daemon, Error, systemd};
use crate::config::Config;
use crate::config::secret::Secrets;
use crate::http::chain;
use crate::killpoint;
use crate::store::watch::Watch;

/// How often the database is asked whether another process changed it.
const WATCH_EVERY: Duration = Duration::from_millis(400);

/// Reads config and secrets as at the start: both, or all complaints as one text for a person.
pub type Load = dyn Fn() -> Result<(Config, Secrets), String> + Send + Sync;

/// The daemon with the config of now: what every loop and every request asks anew at each turn.
#[derive(Clone)]
pub struct Present {
    daemon: Arc<watch::Sender<Arc<Daemon>>>,
    load: Option<Arc<Load>>,
    wanted: Arc<Notify>,
}

impl Present {
    /// A daemon that reads its config anew by `load`.
    pub fn new(daemon: Arc<Daemon>, load: Arc<Load>) -> Self {
        Self { load: Some(load), ..Self::fixed(daemon) }
    }

    /// A daemon that keeps its config.
    pub fn fixed(daemon: Arc<Daemon>) -> Self {
        Self { daemon: Arc::new(watch::Sender::new(daemon)), load: None, wanted: Arc::default() }
    }

    /// The daemon as it is now. Not to be kept over a wait.
    pub fn get(&self) -> Arc<Daemon> {
        Arc::clone(&self.daemon.borrow())
    }

    /// A listener to changes of the config.
    pub fn watch(&self) -> watch::Receiver<Arc<Daemon>> {
        self.daemon.subscribe()
    }

    /// Has the config read anew, soon.
    pub fn want_reload(&self) {
        self.wanted.notify_one();
    }

    /// Reads the config anew and takes it over. Says what was wrong where it was refused.
    ///
    /// # Errors
    ///
    /// Only where the database fails; the config is then as it was.
    pub async fn reload(&self) -> Result<Result<(), String>, Error> {
        let Some(load) = self.load.clone() else { return Ok(Ok(())) };
        let old = self.get();
        let loaded = tokio::task::spawn_blocking(move || load())
            .await
            .map_err(|error| Error::Panicked("reload", error.to_string()))?;
        let made = loaded.and_then(|(mut config, secrets)| {
            let restart = keep_fixed(&mut config, &old.config);
            let config = Arc::new(config);
            let fresh = old.under(Arc::clone(&config), secrets).map_err(|error| chain(&error))?;
            Ok((fresh, restart))
        });
        match made {
            Ok((fresh, restart)) => self.take_over(fresh, restart).await.map(Ok),
            Err(why) => {
                refuse(&old, &why).await?;
                Ok(Err(why))
            }
        }
    }

    async fn take_over(&self, fresh: Daemon, restart: Vec<&'static str>) -> Result<(), Error> {
        let mut tx = fresh.store.begin(fresh.now()).await?;
        let orphans = fresh.mind_orphans_in(&mut tx).await?;
        tx.save_reload(&restart.join(", ")).await?;
        killpoint::reach("reloading").await;
        tx.commit().await?;
        killpoint::reach("reloaded").await;
        let fresh = Arc::new(fresh);
        self.daemon.send_replace(Arc::clone(&fresh));
        let (feeds, profiles) = (fresh.config.feeds.len(), fresh.config.profiles.len());
        info!(feeds, profiles, "the config was read anew: feeds {feeds}, profiles {profiles}");
        for warning in &fresh.config.warnings {
            warn!("{warning}");
        }
        for key in &restart {
            warn!("`{key}` was changed, which needs a restart: until then it stays as it was");
        }
        orphans.log();
        fresh.look_again();
        fresh.tell(News::Reloaded { feeds, profiles, held: orphans.held, restart });
        Ok(())
    }
}

impl fmt::Debug for Present {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Present").field("config", &self.get().config.file).finish_non_exhaustive()
    }
}

/// What can't change while the daemon runs stays as it was; gives the keys that were changed.
fn keep_fixed(config: &mut Config, old: &Config) -> Vec<&'static str> {
    let mut changed = Vec::new();
    let mut keep = |differs: bool, key| {
        if differs {
            changed.push(key);
        }
    };
    keep(config.store.path != old.store.path, "store.path");
    keep(config.web.listen != old.web.listen, "web.listen");
    keep(config.web.public_url.is_some() != old.web.public_url.is_some(), "web.public_url");
    config.store.path.clone_from(&old.store.path);
    config.web.listen = old.web.listen;
    if config.web.public_url.is_some() != old.web.public_url.is_some() {
        config.web.public_url.clone_from(&old.web.public_url);
    }
    changed
}

/// The old config stays, and the fault is told.
async fn refuse(daemon: &Daemon, why: &str) -> Result<(), Error> {
    error!("the changed config was refused, the one before it stays in force: {why}");
    let mut tx = daemon.store.begin(daemon.now()).await?;
    tx.save_refusal(why).await?;
    tx.commit().await?;
    daemon.tell(News::ReloadRefused { why: why.to_owned() });
    Ok(())
}

/// Reads the config anew whenever it is wanted.
pub(super) async fn reload_loop(present: Present) -> Result<(), Error> {
    let drain = present.get().stop.drain.clone();
    loop {
        tokio::select! {
            () = drain.cancelled() => return Ok(()),
            () = present.wanted.notified() => {}
        }
        systemd::reloading();
        if let Err(error) = present.reload().await {
            error!(
                "the config could not be taken over, the one before it stays: {}",
                chain(&error)
            );
        }
        systemd::ready();
    }
}

/// Wakes the other loops when a person changed something in another process.
pub(super) async fn watch_loop(present: Present, mut watch: Watch) -> Result<(), Error> {
    let daemon = present.get();
    loop {
        tokio::select! {
            () = daemon.stop.drain.cancelled() => return Ok(()),
            () = tokio::time::sleep(WATCH_EVERY) => {}
        }
        match watch.changed().await {
            Ok(changed) => {
                Pulse::beat(&daemon.pulse.watch, daemon.now());
                if changed.by_hand {
                    daemon.look_again();
                }
                if changed.config {
                    present.want_reload();
                }
            }
            Err(error) => warn!("cannot see whether the database changed: {error}"),
        }
    }
}
