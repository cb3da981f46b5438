//! What most commands begin with: the config, the database, the time.
//!
//! Promises: a wrong config ends the command with exit code 2 and all complaints at once. Must not:
//! make a database where none is.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{Exit, out};
use crate::clock::Clock;
use crate::config::{self, Config, Environment};
use crate::daemon::desk::Desk;
use crate::daemon::outlook::Outlook;
use crate::domain::breaker::Lane;
use crate::domain::hand::{By, Door};
use crate::store::Store;

/// Where the login of whoever called is looked for; behind `sudo` it is the person's own.
const LOGINS: [&str; 4] = ["SUDO_USER", "LOGNAME", "USER", "USERNAME"];

/// Where a command was called: its config file and its environment.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) config: PathBuf,
    pub(super) env: Environment,
}

impl Place {
    /// Loads the config; its complaints are printed. Its warnings are for `check` and `run`: they
    /// would only stand in the way of a look.
    ///
    /// # Errors
    ///
    /// [`Exit::Usage`] where it is wrong.
    pub(super) fn config(&self) -> Result<Arc<Config>, Exit> {
        match config::load(&self.config, &self.env) {
            Ok(config) => Ok(Arc::new(config)),
            Err(complaints) => {
                out::complain(&complaints.to_string());
                Err(Exit::Usage)
            }
        }
    }

    /// The person by their login, as the environment has it.
    pub(super) fn caller(&self) -> By {
        let login = LOGINS.iter().find_map(|name| self.env.get(name));
        By::new(Door::Command, login.unwrap_or_default())
    }

    /// Opens the database of the config for a look or an act by hand.
    ///
    /// # Errors
    ///
    /// An exit, after it was said why, where the config is wrong or there is no database.
    pub(super) async fn open(&self) -> Result<Result<View, Exit>, anyhow::Error> {
        let config = match self.config() {
            Ok(config) => config,
            Err(exit) => return Ok(Err(exit)),
        };
        if !config.store.path.exists() {
            out::complain(&format!(
                "error: there is no database {} yet: start `tidings run` first, or look with \
                 `tidings preview`",
                config.store.path.display()
            ));
            return Ok(Err(Exit::Failed));
        }
        let store = Store::open(&config.store.path).await?;
        Ok(Ok(View { config, store, now: Clock::System.now(), by: self.caller() }))
    }
}

/// Opens the view or returns with the exit.
macro_rules! open {
    ($place:expr) => {
        match $place.open().await? {
            Ok(view) => view,
            Err(exit) => return Ok(exit),
        }
    };
}
pub(super) use open;

/// The database and the config at one moment.
#[derive(Debug)]
pub(super) struct View {
    pub(super) config: Arc<Config>,
    pub(super) store: Store,
    pub(super) now: DateTime<Utc>,
    /// Who called.
    pub(super) by: By,
}

impl View {
    pub(super) fn outlook(&self) -> Outlook<'_> {
        Outlook { store: &self.store, config: &self.config }
    }

    pub(super) fn desk(&self) -> Desk<'_> {
        let by = self.by.clone();
        Desk { store: &self.store, config: &self.config, now: self.now, by }
    }

    /// Complains about a profile that the config does not have.
    ///
    /// # Errors
    ///
    /// [`Exit::Usage`] where it has not.
    pub(super) fn want_profile(&self, name: Option<&str>) -> Result<(), Exit> {
        let known = self.config.profiles.iter().map(|profile| profile.name.as_str());
        want("profile", name, known)
    }

    /// Complains about a feed that the config does not have.
    ///
    /// # Errors
    ///
    /// [`Exit::Usage`] where it has not.
    pub(super) fn want_feed(&self, name: Option<&str>) -> Result<(), Exit> {
        want("feed", name, self.config.feeds.iter().map(|feed| feed.name.as_str()))
    }

    /// The zone in which a lane's times are shown.
    pub(super) fn zone(&self, lane: &Lane) -> Tz {
        self.config.zone(&lane.profile)
    }

    /// The zone in which times of no lane are shown: the first profile's.
    pub(super) fn home_zone(&self) -> Tz {
        self.config.profiles.first().map_or(Tz::UTC, |profile| profile.pace.zone)
    }
}

/// Names of one complaint; an agency has hundreds.
const KNOWN_MAX: usize = 20;

pub(super) fn want<'a>(
    what: &str,
    wanted: Option<&str>,
    known: impl Iterator<Item = &'a str>,
) -> Result<(), Exit> {
    let Some(wanted) = wanted else { return Ok(()) };
    let known: Vec<&str> = known.collect();
    if known.contains(&wanted) {
        return Ok(());
    }
    let mut names: Vec<&str> = known.iter().copied().take(KNOWN_MAX).collect();
    if known.len() > KNOWN_MAX {
        names.push("…");
    }
    let there_are = if names.is_empty() {
        "there is none".to_owned()
    } else {
        format!("there {} {}", if known.len() == 1 { "is" } else { "are" }, names.join(", "))
    };
    out::complain(&format!("error: there is no {what} {wanted:?} in the config; {there_are}"));
    Err(Exit::Usage)
}
