//! What page and API show, built in one place: so both say the same.
//!
//! Promises: every listing is bounded; times and money carry their number and their words. Must not:
//! change anything, or know HTML.

pub(super) mod card;
pub(super) mod cost;
pub(super) mod explain;
pub(super) mod feeds;
pub(super) mod lists;
pub(super) mod now;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Serialize, Serializer};

use crate::config::Config;
use crate::daemon::outlook::Outlook;
use crate::domain::breaker::{Lane, Scope};
use crate::domain::cost::Usd;
use crate::domain::told;
use crate::store::Store;
use crate::store::breakers::Breaker;
use crate::store::posts::Post;

/// Database and config at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) store: &'a Store,
    pub(super) config: &'a Config,
    pub(super) now: DateTime<Utc>,
}

impl View<'_> {
    pub(super) fn outlook(&self) -> Outlook<'_> {
        Outlook { store: self.store, config: self.config }
    }

    /// A time of a lane, in its profile's zone.
    fn moment(&self, at: DateTime<Utc>, lane: &Lane) -> Moment {
        Moment::new(at, self.config.zone(&lane.profile), self.now)
    }

    /// A time of no lane, in the first profile's zone.
    fn at_home(&self, at: DateTime<Utc>) -> Moment {
        Moment::new(at, self.home_zone(), self.now)
    }

    fn home_zone(&self) -> Tz {
        self.config.profiles.first().map_or(Tz::UTC, |profile| profile.pace.zone)
    }
}

/// An instant: in JSON as it is, on the page in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) at: DateTime<Utc>,
    /// With its offset.
    pub(super) exact: String,
    /// How far off it was when the page was made.
    pub(super) distance: String,
    /// As a field for date and time wants it, in the zone that `exact` is in.
    pub(super) field: String,
}

impl Moment {
    fn new(at: DateTime<Utc>, zone: Tz, now: DateTime<Utc>) -> Self {
        Self {
            at,
            exact: told::clock_time(at, zone),
            distance: told::distance(at, now),
            field: at.with_timezone(&zone).format("%Y-%m-%dT%H:%M").to_string(),
        }
    }

    /// As `datetime` of a `time` element.
    pub(super) fn machine(&self) -> String {
        self.at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.at.serialize(serializer)
    }
}

/// An amount: in JSON its millionths of a dollar, on the page in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Money(pub(super) Usd);

impl std::fmt::Display for Money {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.micros().serialize(serializer)
    }
}

/// Whether a stop holds all posts of a lane.
fn holds_lane(breaker: &Breaker, lane: &Lane) -> bool {
    !breaker.except_released && breaker.scope.covers(lane)
}

/// The stop that holds a post, if one does: of its lane, or a pause of its feed.
fn stop_of<'b>(breakers: &'b [Breaker], post: &Post) -> Option<&'b Breaker> {
    breakers.iter().find(|breaker| {
        let reaches = match &breaker.scope {
            Scope::Feed(feed) => *feed == post.feed,
            Scope::All | Scope::Profile(_) | Scope::Lane(_) => breaker.scope.covers(&post.lane),
        };
        reaches && !(breaker.except_released && post.life.released)
    })
}

/// The address if a browser may be sent there: http or https. A feed could say `javascript:`.
fn web_address(url: &str) -> Option<String> {
    let parsed = url::Url::parse(url).ok()?;
    matches!(parsed.scheme(), "http" | "https").then(|| parsed.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_web_is_linked() {
        for url in ["javascript:alert(1)", "JAVASCRIPT:alert(1)", "data:text/html,x", "x", "/y", ""]
        {
            assert_eq!(web_address(url), None, "{url}");
        }
        assert_eq!(
            web_address("https://a.example/\"><b").as_deref(),
            Some("https://a.example/%22%3E%3Cb")
        );
    }
}
