//! The config while feeds are put into it: names, duplicates, one write at the end.
//!
//! Promises: a feed whose address is there already is not added a second time; what would not load
//! is not written. Must not: fetch.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use anyhow::Context as _;
use toml::Value;
use url::Url;

use crate::cli::out;
use crate::cli::setup::Place;
use crate::cli::{Done, Exit};
use crate::clock::Clock;
use crate::config::edit::{Draft, NewFeed};
use crate::config::{Complaints, Config, Environment};
use crate::domain::entry::normal_link;
use crate::store::Store;
use crate::store::lock::DaemonLock;

/// The longest name that the config takes, in characters.
const NAME_CHARS_MAX: usize = 64;

/// A feed to be added.
#[derive(Debug, Default)]
pub(in crate::cli) struct Offer {
    /// The name that it must have.
    pub(in crate::cli) name: Option<String>,
    /// What its name is made of, if it need not have a certain one.
    pub(in crate::cli) title: String,
    /// Keys beside `name` and `url`.
    pub(in crate::cli) keys: Vec<(String, Value)>,
}

/// What came of an offer.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli) enum Taken {
    /// Added under this name.
    Added(String),
    /// The feed of this name has the same address.
    There(String),
}

impl Taken {
    /// The feed's name.
    pub(in crate::cli) fn name(&self) -> &str {
        match self {
            Self::Added(name) | Self::There(name) => name,
        }
    }

    /// What is told of it.
    pub(in crate::cli) fn line(&self, url: &Url) -> String {
        match self {
            Self::Added(name) => format!("added     {name}: {url}"),
            Self::There(name) => format!("there     {name}: {url}"),
        }
    }
}

/// The config file while feeds are put into it.
pub(in crate::cli) struct Adding {
    pub(super) config: Arc<Config>,
    draft: Draft,
    names: HashSet<String>,
    /// Name by address, without what changes while it leads to the same feed.
    addresses: HashMap<String, String>,
    added: usize,
}

impl Adding {
    /// Reads the config file.
    ///
    /// # Errors
    ///
    /// [`Exit::Usage`] where it is wrong, after it was said why.
    pub(super) fn open(place: &Place) -> Result<Result<Self, Exit>, anyhow::Error> {
        let config = match place.config() {
            Ok(config) => config,
            Err(exit) => return Ok(Err(exit)),
        };
        let draft = Draft::open(&place.config)?;
        Ok(Ok(Self::of(config, draft)))
    }

    /// Over a draft and what it says.
    pub(in crate::cli) fn of(config: Arc<Config>, draft: Draft) -> Self {
        let names = config.feeds.iter().map(|feed| feed.name.clone()).collect();
        let address = |url: &Url| normal_link(url.as_str());
        let addresses =
            config.feeds.iter().map(|feed| (address(&feed.url), feed.name.clone())).collect();
        Self { config, draft, names, addresses, added: 0 }
    }

    /// The config before anything was added.
    pub(in crate::cli) const fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// The file as it would be written.
    pub(in crate::cli) fn text(&self) -> &str {
        self.draft.text()
    }

    /// What the file would say.
    ///
    /// # Errors
    ///
    /// All that would be wrong.
    pub(in crate::cli) fn check(&self, env: &Environment) -> Result<Config, Complaints> {
        self.draft.check(env)
    }

    /// The feed that has an address already.
    pub(super) fn at(&self, url: &Url) -> Option<&str> {
        self.addresses.get(&normal_link(url.as_str())).map(String::as_str)
    }

    /// Adds a feed, unless it is there.
    pub(in crate::cli) fn offer(
        &mut self,
        url: &Url,
        offer: Offer,
    ) -> Result<Taken, anyhow::Error> {
        if let Some(name) = self.at(url) {
            return Ok(Taken::There(name.to_owned()));
        }
        let name = offer.name.unwrap_or_else(|| self.free_name(&offer.title, url));
        let mut keys = vec![
            ("name".to_owned(), Value::String(name.clone())),
            ("url".to_owned(), Value::String(url.to_string())),
        ];
        keys.extend(offer.keys);
        self.draft.add(&NewFeed { keys }).with_context(|| format!("cannot add {name}"))?;
        self.names.insert(name.clone());
        self.addresses.insert(normal_link(url.as_str()), name.clone());
        self.added += 1;
        Ok(Taken::Added(name))
    }

    /// A name for a feed, made of its title or else its host, that no other feed has.
    pub(super) fn free_name(&self, title: &str, url: &Url) -> String {
        let words = |text: &str| {
            let clean = text.replace(|it: char| it == '/' || it.is_control(), " ");
            clean.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let mut base = words(title);
        if base.is_empty() {
            base = words(url.host_str().unwrap_or("feed"));
        }
        let numbered = (2..).map(|number| format!(" {number}"));
        std::iter::once(String::new())
            .chain(numbered)
            .map(|tail| {
                let room = NAME_CHARS_MAX - tail.len();
                let head: String = base.chars().take(room).collect();
                format!("{}{tail}", head.trim_end())
            })
            .find(|name| !self.names.contains(name))
            .unwrap_or(base)
    }

    /// Whether a name is taken.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Checks the whole new config, and writes it unless it is only a rehearsal.
    pub(super) async fn finish(self, place: &Place, dry_run: bool) -> Done {
        if self.added == 0 {
            out::say("nothing to add");
            return Ok(Exit::Done);
        }
        let done = format!("{} added", out::count(self.added, "feed"));
        write(&self.draft, place, dry_run, &done).await
    }
}

/// Writes a changed config, if it would load, and has a running daemon read it.
pub(super) async fn write(draft: &Draft, place: &Place, dry_run: bool, done: &str) -> Done {
    let config = match draft.check(&place.env) {
        Ok(config) => config,
        Err(complaints) => {
            out::complain(&complaints.to_string());
            out::complain("the config would not load with this, so it was left as it is");
            return Ok(Exit::Usage);
        }
    };
    if dry_run {
        out::say(&format!("{done} if it were not for --dry-run; nothing was written"));
        return Ok(Exit::Done);
    }
    draft.save()?;
    out::say(&format!("{done}; the rest of {} is as it was", place.config.display()));
    if DaemonLock::is_taken(&config.store.path) {
        let store = Store::open(&config.store.path).await?;
        let mut tx = store.begin(Clock::System.now()).await?;
        tx.config_changed().await?;
        tx.commit().await?;
        out::complain("the daemon that runs reads it now; `tidings status` tells if it can't");
    } else {
        out::complain("it counts from the next `tidings run` on");
    }
    Ok(Exit::Done)
}

/// The keys that the command line gives a feed.
pub(super) fn given(profiles: &[String], interval: Option<&str>) -> Vec<(String, Value)> {
    let mut keys = Vec::new();
    if !profiles.is_empty() {
        let names = profiles.iter().cloned().map(Value::String).collect();
        keys.push(("profiles".to_owned(), Value::Array(names)));
    }
    if let Some(interval) = interval {
        keys.push(("interval".to_owned(), Value::String(interval.to_owned())));
    }
    keys
}

/// An address as a person types it: `https://` may be left out.
pub(in crate::cli) fn address(typed: &str) -> Result<Url, String> {
    let whole = if typed.contains("://") { typed.to_owned() } else { format!("https://{typed}") };
    let url = Url::parse(whole.trim())
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| "it is no address such as https://blog.example.com".to_owned())?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds a user name or password (not shown here): take the part before the \
                    @ out, and give the feed `auth` with a reference"
            .to_owned());
    }
    Ok(url)
}
