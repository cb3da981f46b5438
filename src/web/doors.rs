//! Who may come in: without a password whoever is on this machine, else who has password or token.
//!
//! Promises: what is closed stays closed until a right password or token came; guesses are slowed.
//! Must not: keep a password or token in clear beyond the comparison, or tell which one was near.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::{HeaderMap, header};
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{OnceCell, Semaphore};

use super::password::{self, PASSWORD_BYTES_MAX};
use super::sessions::{Seal, Sessions, is_name, new_name};
use super::throttle::Throttle;
use crate::config::secret::WebSecrets;

/// The cookie's name.
const COOKIE: &str = "tidings_session";
/// Passwords that are hashed at once; each takes 19 MiB.
const HASHES_MAX: usize = 2;

/// The doors of one process.
#[derive(Debug)]
pub(super) struct Doors {
    secrets: WebSecrets,
    /// Of the password, made when it is first needed.
    hash: OnceCell<SecretString>,
    seal: Seal,
    sessions: Mutex<Sessions>,
    throttle: Mutex<Throttle>,
    hashing: Semaphore,
}

/// Who asks.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    /// The session's name; a new one where the browser brought none.
    pub(super) session: String,
    /// Whether the browser has to be told of the session.
    pub(super) is_new: bool,
    /// Whether the page and the API are open to it.
    pub(super) may: bool,
    /// Whether it showed the token: no browser does that by itself.
    pub(super) by_token: bool,
}

/// What came of a password.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// It is right: the name of the new session.
    Open(String),
    /// It is wrong.
    Wrong,
    /// Too many wrong ones: it was not looked at.
    Wait(TimeDelta),
    /// There is no password.
    None,
}

impl Doors {
    pub(super) fn new(secrets: &WebSecrets) -> Self {
        Self {
            secrets: secrets.clone(),
            hash: OnceCell::new(),
            seal: Seal::new(),
            sessions: Mutex::default(),
            throttle: Mutex::default(),
            hashing: Semaphore::new(HASHES_MAX),
        }
    }

    /// Whether a password or a token is needed.
    pub(super) const fn are_closed(&self) -> bool {
        self.secrets.password.is_some() || self.secrets.token.is_some()
    }

    /// Whether one can log in at all.
    pub(super) const fn have_password(&self) -> bool {
        self.secrets.password.is_some()
    }

    /// Who asks, by the headers.
    pub(super) fn visitor(&self, headers: &HeaderMap, now: DateTime<Utc>) -> Visitor {
        let by_token = self.has_token(headers);
        let session = cookie(headers).map(str::to_owned);
        let is_new = session.is_none();
        let session = session.unwrap_or_else(new_name);
        let may = by_token
            || !self.are_closed()
            || (!is_new && locked(&self.sessions).knows(&session, now));
        Visitor { session, is_new, may, by_token }
    }

    fn has_token(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let (Some(shown), Some(token)) = (shown, &self.secrets.token) else { return false };
        let Some((scheme, shown)) = shown.split_once(' ') else { return false };
        scheme.eq_ignore_ascii_case("bearer")
            && self.seal.are_same(shown.trim(), token.expose_secret())
    }

    /// Looks at a password from a place.
    pub(super) async fn enter(
        &self,
        password: String,
        from: SocketAddr,
        now: DateTime<Utc>,
    ) -> Entry {
        let Some(secret) = &self.secrets.password else { return Entry::None };
        if let Err(wait) = locked(&self.throttle).admit(from.ip(), now) {
            return Entry::Wait(wait);
        }
        let hash = self.hash.get_or_try_init(async || {
            let secret = secret.clone();
            let made = hashing(move || password::hashed(secret.expose_secret()).ok()).await;
            made.flatten().map(SecretString::from).ok_or(())
        });
        let Ok(hash) = hash.await else { return Entry::Wrong };
        if password.len() > PASSWORD_BYTES_MAX {
            return Entry::Wrong;
        }
        // Closed only when the process ends.
        let _turn = self.hashing.acquire().await;
        let hash = hash.clone();
        let is_right = hashing(move || password::is_right(hash.expose_secret(), &password)).await;
        if is_right != Some(true) {
            return Entry::Wrong;
        }
        locked(&self.throttle).right(from.ip());
        Entry::Open(locked(&self.sessions).begin(now))
    }

    /// Logs a session out.
    pub(super) fn leave(&self, visitor: &Visitor) {
        locked(&self.sessions).end(&visitor.session);
    }

    /// The word that the visitor's forms carry.
    pub(super) fn word(&self, visitor: &Visitor) -> String {
        self.seal.word(&visitor.session)
    }

    /// Whether a form carries the visitor's word.
    pub(super) fn is_word(&self, visitor: &Visitor, word: &str) -> bool {
        !visitor.is_new && self.seal.are_same(&self.word(visitor), word)
    }
}

/// The header that tells a browser its session. `is_https`: only over https from then on.
pub(super) fn cookie_of(session: &str, is_https: bool) -> String {
    let secure = if is_https { "; Secure" } else { "" };
    format!("{COOKIE}={session}; Path=/; HttpOnly; SameSite=Strict{secure}")
}

/// The session in the browser's cookies.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == COOKIE && is_name(value)).then_some(value))
}

async fn hashing<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
