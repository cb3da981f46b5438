//! What can be changed while the sandbox runs: lag, limits, and which shape its answers take.
//!
//! Promises: the defaults keep to the contract's letter. Must not: hold a secret, since
//! `GET /sandbox/books` shows all of it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::wire::Place;

/// How a text that was published before is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Duplicates {
    /// By Ayrshare's own gate, code 137, for 48 hours.
    #[serde(rename = "137")]
    Ayrshare,
    /// By X, code 110, for 48 hours.
    #[serde(rename = "110")]
    X,
    /// Not at all: a double post gets through and shows in the books.
    #[serde(rename = "off")]
    Off,
}

/// A true but awkward shape of an answer (contract, sections 2.1 and 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trap {
    /// `postIds[]` without `postUrl`.
    NoPostUrl,
    /// `postIds[].id` is a number.
    NumericIds,
    /// `postIds[].id` is the word `pending`.
    PendingIds,
    /// `postIds[].warnings` is there.
    Warnings,
    /// `errors` is left out of a success.
    NoErrors,
    /// History items have only the six fields that are sure.
    SparseHistory,
    /// Dates in history are objects.
    DateObjects,
    /// Fields that nobody knows are everywhere.
    ExtraFields,
}

/// What can be changed while the sandbox runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// How long after its acceptance a post shows in the history.
    pub history_lag_seconds: u32,
    /// Requests of one profile in five minutes, as told in `x-ratelimit-max`.
    pub rate_limit_max: u32,
    /// Whether more than that are refused with 429.
    pub rate_limit_enforced: bool,
    /// Whether the reuse of an idempotency key is an error.
    pub keys_checked: bool,
    /// Whether the X accounts are Premium, so that long posts pass.
    pub premium: bool,
    /// What happens to a text that was published before.
    pub duplicates: Duplicates,
    /// Where the errors of a post lie; left out: where the contract puts them.
    pub error_place: Option<Place>,
    /// Awkward shapes to show.
    pub traps: BTreeSet<Trap>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            history_lag_seconds: 0,
            rate_limit_max: 300,
            rate_limit_enforced: false,
            keys_checked: true,
            premium: false,
            duplicates: Duplicates::Ayrshare,
            error_place: None,
            traps: BTreeSet::new(),
        }
    }
}
