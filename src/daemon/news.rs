//! What just happened, for whoever wants to tell it: the log, the demo, later the page.
//!
//! Promises: nothing in here is a secret, and nobody has to listen. Must not: carry decisions; the
//! database alone is the truth.

use chrono::{DateTime, Utc};

use crate::domain::breaker::{Cause, Lane, Scope};
use crate::domain::cost::Usd;
use crate::domain::post::State;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// A feed was read.
    Polled {
        /// Its name.
        feed: String,
        /// Entries that were never seen before.
        new: usize,
        /// Entries that were known.
        known: usize,
        /// How it went, for a person: `read`, `not modified`, `same body`.
        how: &'static str,
        /// When it is asked next.
        next_at: DateTime<Utc>,
    },
    /// A feed could not be read.
    PollFailed {
        /// Its name.
        feed: String,
        /// What went wrong and what to do.
        why: String,
        /// Failures in a row.
        failures: u32,
        /// When it is asked next; `None` when it is gone for good.
        next_at: Option<DateTime<Utc>>,
    },
    /// An entry was seen for the first time.
    Found {
        /// Its feed.
        feed: String,
        /// Its title, plain.
        title: String,
        /// `post`, `hold` or `skip`.
        choice: &'static str,
        /// Why; empty for `post`.
        reason: String,
    },
    /// A post was made of an entry.
    Queued {
        /// Its number.
        post: i64,
        /// Where it goes.
        lane: Lane,
        /// `queued`, `held` or `failed`.
        state: State,
        /// Its text.
        text: String,
        /// Its length as the platform counts.
        weighted_length: u32,
        /// What it will cost.
        cost: Usd,
    },
    /// The intent is on disk and the request leaves.
    Sending {
        /// Its number.
        post: i64,
        /// Where it goes.
        lane: Lane,
        /// The number inside its key.
        generation: u32,
        /// What it costs.
        cost: Usd,
        /// Which header names go with it; values never.
        headers: Vec<&'static str>,
    },
    /// A post's state changed after a request or a look-up.
    Settled {
        /// Its number.
        post: i64,
        /// Where it goes.
        lane: Lane,
        /// Where it stands now.
        state: State,
        /// Why; empty when published.
        reason: String,
        /// The address on the network, if told.
        url: Option<String>,
        /// Whether a look-up in the history told it, rather than an answer.
        by_lookup: bool,
    },
    /// The feed changed the headline of what is published already. Nothing is sent for it.
    Corrected {
        /// The post's number.
        post: i64,
        /// Where it is.
        lane: Lane,
        /// The headline as it was.
        before: String,
        /// The headline as it is.
        after: String,
    },
    /// A stop began.
    Opened {
        /// How wide it reaches.
        scope: Scope,
        /// Why.
        cause: Cause,
        /// What was said.
        detail: String,
        /// When it is probed or ends by itself.
        probe_at: Option<DateTime<Utc>>,
    },
    /// A changed config was taken over.
    Reloaded {
        /// Feeds that it has.
        feeds: usize,
        /// Profiles that it has.
        profiles: usize,
        /// Posts that are held, since their feed or lane is gone.
        held: usize,
        /// Keys whose change needs a restart.
        restart: Vec<&'static str>,
    },
    /// A changed config was refused; the one before it holds.
    ReloadRefused {
        /// All complaints.
        why: String,
    },
    /// The backup by the calendar failed; it is tried again in an hour.
    BackupFailed {
        /// What went wrong and what to do.
        why: String,
    },
    /// The disk is full: nothing is taken in and nothing is sent.
    DiskFull,
    /// The disk has room again, and all goes on.
    DiskHasRoom,
    /// A stop ended.
    Closed {
        /// How wide it reached.
        scope: Scope,
        /// Why it was.
        cause: Cause,
    },
}
