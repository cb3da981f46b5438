//! What a person's pauses let through on a lane.
//!
//! Promises: a post that a pause holds is neither chosen nor sent. Must not: know of stops that
//! Ayrshare caused; those hold whole lanes.

use std::collections::HashMap;

use crate::domain::breaker::{Lane, Scope};
use crate::store::breakers::Breaker;

/// What the pauses over a lane and over feeds let through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Passing {
    only_released: bool,
    /// Paused feeds, and whether their released posts pass.
    feeds: HashMap<String, bool>,
}

impl Passing {
    /// What these open breakers let through on a lane that may send at all.
    pub fn under(breakers: &[Breaker], lane: &Lane) -> Self {
        let feeds = breakers.iter().filter_map(|breaker| match &breaker.scope {
            Scope::Feed(name) => Some((name.clone(), breaker.except_released)),
            Scope::All | Scope::Profile(_) | Scope::Lane(_) => None,
        });
        Self {
            only_released: breakers.iter().any(|it| it.except_released && it.scope.covers(lane)),
            feeds: feeds.collect(),
        }
    }

    /// Whether a post of a feed passes; `released`: a person let it go.
    pub fn lets(&self, feed: &str, released: bool) -> bool {
        let by_feed =
            self.feeds.get(feed).is_none_or(|except_released| *except_released && released);
        by_feed && (released || !self.only_released)
    }
}
