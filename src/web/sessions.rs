//! Who is logged in, and the words that prove that a form came from our own page.
//!
//! Promises: a session is 244 random bits and lives in memory alone; the number of sessions is bounded;
//! tokens are compared in constant time. Must not: know passwords.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// A session that nobody used for so long is over.
const IDLE_MAX: TimeDelta = TimeDelta::hours(24);
/// A session is over after so long in any case.
const AGE_MAX: TimeDelta = TimeDelta::days(14);
/// Sessions at once; beyond them the one that was idle the longest ends.
const SESSIONS_MAX: usize = 64;
/// The length of a session's name.
const NAME_LENGTH: usize = 64;

/// The sessions that are logged in.
#[derive(Debug, Default)]
pub(super) struct Sessions(HashMap<String, Session>);

#[derive(Debug, Clone, Copy)]
struct Session {
    began_at: DateTime<Utc>,
    seen_at: DateTime<Utc>,
}

impl Session {
    fn is_over(&self, now: DateTime<Utc>) -> bool {
        now - self.seen_at > IDLE_MAX || now - self.began_at > AGE_MAX
    }
}

impl Sessions {
    /// Begins a session; gives its name.
    pub(super) fn begin(&mut self, now: DateTime<Utc>) -> String {
        self.0.retain(|_, session| !session.is_over(now));
        if self.0.len() >= SESSIONS_MAX
            && let Some(idle) =
                self.0.iter().min_by_key(|(_, it)| it.seen_at).map(|(name, _)| name.clone())
        {
            self.0.remove(&idle);
        }
        let name = new_name();
        self.0.insert(name.clone(), Session { began_at: now, seen_at: now });
        name
    }

    /// Whether a session is logged in; it is seen by this.
    pub(super) fn knows(&mut self, name: &str, now: DateTime<Utc>) -> bool {
        let session = self.0.get_mut(name).filter(|session| !session.is_over(now));
        session.map(|session| session.seen_at = now).is_some()
    }

    /// Ends a session.
    pub(super) fn end(&mut self, name: &str) {
        self.0.remove(name);
    }
}

/// A random name that nobody can guess.
pub(super) fn new_name() -> String {
    format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple())
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: impl IntoIterator<Item = u8>) -> String {
    let halves = bytes.into_iter().flat_map(|byte| [byte >> 4, byte & 15]);
    halves.filter_map(|half| char::from_digit(u32::from(half), 16)).collect()
}

/// Whether a cookie could be one of ours.
pub(super) fn is_name(text: &str) -> bool {
    text.len() == NAME_LENGTH && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What the process signs with; another one after each start.
#[derive(Debug)]
pub(super) struct Seal(String);

impl Seal {
    pub(super) fn new() -> Self {
        Self(new_name())
    }

    fn mac(&self, text: &str) -> Option<Hmac<Sha256>> {
        // A key of any length will do.
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()).ok()?;
        mac.update(text.as_bytes());
        Some(mac)
    }

    /// The word that a form of this session carries.
    pub(super) fn word(&self, session: &str) -> String {
        let mac = self.mac(session).map(|mac| mac.finalize().into_bytes());
        hex(mac.iter().flatten().copied())
    }

    /// Whether two texts are the same, in a time that tells nothing of either.
    pub(super) fn are_same(&self, one: &str, other: &str) -> bool {
        let (Some(one), Some(other)) = (self.mac(one), self.mac(other)) else { return false };
        one.verify_slice(&other.finalize().into_bytes()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_by_idleness_by_age_and_by_logging_out() {
        let mut sessions = Sessions::default();
        let start = DateTime::UNIX_EPOCH;
        let name = sessions.begin(start);
        assert!(is_name(&name));
        assert!(sessions.knows(&name, start + IDLE_MAX));
        assert!(!sessions.knows(&name, start + IDLE_MAX * 2 + TimeDelta::seconds(1)));
        let name = sessions.begin(start);
        let mut now = start;
        while now < start + AGE_MAX {
            assert!(sessions.knows(&name, now));
            now += IDLE_MAX;
        }
        assert!(!sessions.knows(&name, now + TimeDelta::seconds(1)), "too old");
        let name = sessions.begin(now);
        sessions.end(&name);
        assert!(!sessions.knows(&name, now));
        for number in 0..1000 {
            sessions.begin(now + TimeDelta::seconds(number));
        }
        assert_eq!(sessions.0.len(), SESSIONS_MAX);
    }

    #[test]
    fn words_belong_to_their_session_and_process() {
        let (seal, other) = (Seal::new(), Seal::new());
        assert_eq!(seal.word("a"), seal.word("a"));
        assert_ne!(seal.word("a"), seal.word("b"));
        assert_ne!(seal.word("a"), other.word("a"));
        assert!(seal.are_same("x", "x"));
        assert!(!seal.are_same("x", "y"));
        assert!(!is_name("../../etc/passwd"));
    }
}
