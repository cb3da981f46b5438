//! The sandbox: a simulated Ayrshare, for `tidings sandbox`, `tidings demo` and the tests.
//!
//! Promises: it keeps to the contract (`ayrshare-contract.md`) at least as strictly as the real
//! one, misbehaves only as it was told to, and its books show what was truly published. Must not:
//! reach any network, read the time but through its clock, or show a secret that it was given.

mod account;
mod admin;
mod books;
mod faults;
mod fields;
mod gate;
mod history;
mod line;
mod order;
mod post;
mod script;
mod settings;
pub mod site;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post as post_to};
use axum::{Router, middleware};
use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
pub use account::sample_feeds;
pub use books::{Books, Double, Draft, Entry, Full, POSTS_MAX, Part, Published, REQUESTS_MAX};
pub use books::{Refused, SameBy, Seen};
pub use faults::{BadRule, Fault, Rule, Target, Times, listing};
pub use settings::{Duplicates, Settings, Trap};
pub use wire::Place;

/// The largest body of a request, in bytes; Ayrshare's own limit is not documented.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// Rules that wait at the same time.
const RULES_MAX: usize = 10_000;

/// The name in the books of the account that is used without a `Profile-Key`.
pub const PRIMARY: &str = "primary";

/// All networks that Ayrshare knows (contract, section 1.2).
pub const PLATFORMS: [&str; 13] = [
    "bluesky",
    "facebook",
    "gmb",
    "instagram",
    "linkedin",
    "pinterest",
    "reddit",
    "snapchat",
    "telegram",
    "threads",
    "tiktok",
    "twitter",
    "youtube",
];

/// One user profile that exists in the sandbox.
#[derive(Clone)]
pub struct Profile {
    /// Its `Profile-Key`.
    pub key: String,
    /// Its title, which is its name in the books.
    pub title: String,
    /// The networks that are linked with it.
    pub linked: Vec<String>,
}

/// What the sandbox accepts, and what it starts with.
#[derive(Clone)]
pub struct Options {
    /// Where it takes the time from.
    pub clock: Clock,
    /// Counts the weighted length of a text for X.
    pub weigh: fn(&str) -> u32,
    /// The API keys that are right; none means any that is not empty.
    pub api_keys: Vec<String>,
    /// The pairs of X key and secret that are right; none means any two that are not empty.
    pub x_pairs: Vec<(String, String)>,
    /// The profiles that exist; none means that any `Profile-Key` does. Such a profile is called
    /// `profile-1` and so on, in the order of first use.
    pub profiles: Vec<Profile>,
    /// The networks that are linked with the primary account and with profiles not listed.
    pub linked: Vec<String>,
    /// What `GET /feed` gives back.
    pub feeds: Vec<Value>,
    /// What can be changed later.
    pub settings: Settings,
    /// The faults that it starts with.
    pub rules: Vec<Rule>,
}

impl Options {
    /// Accepts any keys that are not empty, with every network linked and no fault.
    pub fn new(clock: Clock, weigh: fn(&str) -> u32) -> Self {
        Self {
            clock,
            weigh,
            api_keys: Vec::new(),
            x_pairs: Vec::new(),
            profiles: Vec::new(),
            linked: PLATFORMS.map(str::to_owned).to_vec(),
            feeds: Vec::new(),
            settings: Settings::default(),
            rules: Vec::new(),
        }
    }
}

/// A running sandbox; it stops when it is dropped.
pub struct Sandbox {
    address: SocketAddr,
    inner: Arc<Inner>,
    stop: CancellationToken,
    served: Option<JoinHandle<()>>,
}

/// What all requests share.
struct Inner {
    options: Options,
    state: Mutex<State>,
    /// Counts the releases; whoever hangs waits for a change.
    released: watch::Sender<u64>,
}

/// What requests change.
struct State {
    books: Books,
    rules: Vec<Rule>,
    settings: Settings,
    gate: gate::Counters,
    cached: HashMap<String, (DateTime<Utc>, wire::Answer)>,
}

impl Inner {
    /// The state, for a moment. A panic elsewhere leaves it as it is: each change is whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn release(&self) {
        self.released.send_modify(|count| *count += 1);
    }

    fn add_rules(&self, rules: Vec<Rule>) -> Result<(), TooManyRules> {
        let mut state = self.state();
        if state.rules.len() + rules.len() > RULES_MAX {
            return Err(TooManyRules);
        }
        state.rules.extend(rules);
        Ok(())
    }
}

/// More faults wait than the sandbox keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than 10000 faults wait already")]
struct TooManyRules;

impl Sandbox {
    /// Serves on `listener` until it is shut down or dropped. Call it inside a tokio runtime.
    pub fn start(listener: TcpListener, mut options: Options) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let state = State {
            books: Books::default(),
            rules: std::mem::take(&mut options.rules),
            settings: options.settings.clone(),
            gate: gate::Counters::default(),
            cached: HashMap::new(),
        };
        let inner =
            Arc::new(Inner { options, state: Mutex::new(state), released: watch::Sender::new(0) });
        let stop = CancellationToken::new();
        let served = tokio::spawn(line::serve(listener, router(&inner), stop.clone()));
        Ok(Self { address, inner, stop, served: Some(served) })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The `base_url` for a client of Ayrshare; it ends in `/api`.
    pub fn url(&self) -> String {
        format!("http://{}/api", self.address)
    }

    /// Where its own pages are: `/sandbox/`.
    pub fn admin_url(&self) -> String {
        format!("http://{}/sandbox/", self.address)
    }

    /// The books as they are now.
    pub fn books(&self) -> Books {
        self.inner.state().books.clone()
    }

    /// Looks at the books without copying them.
    pub fn read_books<T>(&self, read: impl FnOnce(&Books) -> T) -> T {
        read(&self.inner.state().books)
    }

    /// Asks for a fault, as in `--fault`.
    pub fn add_fault(&self, rule: &str) -> Result<(), BadRule> {
        let rule = rule.parse()?;
        self.inner.state().rules.push(rule);
        Ok(())
    }

    /// Takes all faults away that have not yet acted.
    pub fn clear_faults(&self) {
        self.inner.state().rules.clear();
    }

    /// The faults that have not yet acted.
    pub fn faults(&self) -> Vec<Rule> {
        self.inner.state().rules.clone()
    }

    /// Ends all hangs and slow answers.
    pub fn release(&self) {
        self.inner.release();
    }

    /// Changes the settings.
    pub fn change(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.inner.state().settings);
    }

    /// Ends every connection and waits until they are gone.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        if let Some(served) = self.served.take() {
            let _panicked = served.await.is_err();
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn router(inner: &Arc<Inner>) -> Router {
    let api = Router::new()
        .route("/post", post_to(post::publish).delete(account::delete))
        .route("/post/{id}", get(history::one))
        .route("/history", get(history::list))
        .route("/history/{id}", get(history::one))
        .route("/user", get(account::user))
        .route("/analytics/social", post_to(account::analytics))
        .route("/validate/post", post_to(account::validate))
        .route("/feed", get(account::feeds))
        .fallback(gate::not_found)
        .method_not_allowed_fallback(gate::wrong_method)
        .layer(middleware::from_fn_with_state(Arc::clone(inner), gate::pass));
    let own = Router::new()
        .route("/sandbox/", get(admin::index))
        .route("/sandbox/books", get(admin::books))
        .route(
            "/sandbox/faults",
            get(admin::faults).post(admin::add_faults).delete(admin::clear_faults),
        )
        .route("/sandbox/release", post_to(admin::release))
        .route("/sandbox/settings", get(admin::settings).post(admin::change_settings))
        .fallback(gate::not_found);
    own.nest("/api", api).layer(DefaultBodyLimit::max(BODY_BYTES_MAX)).with_state(Arc::clone(inner))
}
