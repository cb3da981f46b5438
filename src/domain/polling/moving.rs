//! When a permanent redirect is believed.
//!
//! Promises: only after the same answer many times over days. Must not: forget the configured
//! address, which stays in the config.

use chrono::{DateTime, TimeDelta, Utc};

/// A permanent redirect is believed after so many polls in a row that say the same,
const SEEN_MIN: u32 = 5;
/// over at least this long.
const SEEN_OVER: TimeDelta = TimeDelta::days(3);

/// A permanent redirect that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// Where it leads to.
    pub to: String,
    /// When it was seen first.
    pub since: DateTime<Utc>,
    /// How often in a row.
    pub seen: u32,
}

impl Move {
    /// What is known after an answer that told of this move, or of none.
    pub fn after(before: Option<Self>, told: Option<&str>, now: DateTime<Utc>) -> Option<Self> {
        let to = told?;
        Some(match before {
            Some(before) if before.to == to => {
                Self { seen: before.seen.saturating_add(1), ..before }
            }
            Some(_) | None => Self { to: to.to_owned(), since: now, seen: 1 },
        })
    }

    /// Whether it can be believed.
    pub fn is_proven(&self, now: DateTime<Utc>) -> bool {
        self.seen >= SEEN_MIN && now - self.since >= SEEN_OVER
    }
}
