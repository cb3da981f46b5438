//! How the feeds are, in the words that the command line and the page share.
//!
//! Promises: says what the daemon will do. Must not: decide; it reads what was decided.

use chrono::{DateTime, Utc};

use crate::config::Config;
use crate::domain::polling::host_of;
use crate::store::feeds::FeedState;
use crate::store::hosts::HostWait;

/// The next poll of a feed that was asked before, and what set its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextPoll {
    /// When.
    pub at: DateTime<Utc>,
    /// Why then; empty where there is nothing to say.
    pub why: String,
}

/// How a feed is, in a word: `new`, `gone`, `failing` or `ok`.
pub fn health(state: Option<&FeedState>) -> &'static str {
    match state {
        None => "new",
        Some(FeedState { gone_at: Some(_), .. }) => "gone",
        Some(state) if state.failures > 0 => "failing",
        Some(_) => "ok",
    }
}

/// When a feed is asked next; `None` if it is gone for good.
pub fn next_poll(config: &Config, state: &FeedState, waits: &[HostWait]) -> Option<NextPoll> {
    if state.gone_at.is_some() {
        return None;
    }
    let host = state
        .asked()
        .parse()
        .map(|url| host_of(&url, &config.fetch.hosts.grouping))
        .unwrap_or_default();
    let wait = waits.iter().find(|wait| wait.name == host && wait.until > state.next_poll_at);
    Some(match wait {
        Some(wait) => NextPoll {
            at: wait.until,
            why: format!("its host {host} wants to be left alone: {}", wait.why),
        },
        None => NextPoll { at: state.next_poll_at, why: state.next_poll_why.clone() },
    })
}
