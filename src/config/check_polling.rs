//! How feeds are asked: `interval`, `cron`, `adapt`, `own` and `allow_http` of a feed, and the hosts
//! of `[fetch]`.
//!
//! Promises: a feed ends with an interval or with a cron expression. Must not: know what an answer
//! says.

use std::ops::RangeInclusive;

use chrono::TimeDelta;
use sha2::{Digest, Sha256};

use super::complaints::{Complaints, Fault};
use super::section::Section;
use super::tree::Node;
use super::{Feed, Hosts, Polling, times, values};
use crate::domain::pace::PostAt;
use crate::domain::polling::Grouping;

/// The longest `interval`.
const INTERVAL_MAX: TimeDelta = TimeDelta::days(31);
const INTERVAL_DEFAULT: TimeDelta = TimeDelta::hours(1);
/// The shortest interval of an operator's own feed.
const OWN_INTERVAL_MIN: TimeDelta = TimeDelta::seconds(1);
/// Bounds of `host_gap`.
const HOST_GAP: RangeInclusive<TimeDelta> = TimeDelta::zero()..=TimeDelta::hours(1);
const HOST_GAP_DEFAULT: TimeDelta = TimeDelta::seconds(1);

/// The keys of one table, each if it was given and right.
#[derive(Debug, Clone, Default)]
pub(super) struct Keys {
    interval: Option<TimeDelta>,
    cron: Option<PostAt>,
    adapt: Option<bool>,
    own: Option<bool>,
    allow_http: Option<bool>,
}

impl Keys {
    /// Reads a table whose feed inherits `own` unless it says otherwise.
    pub(super) fn read(
        section: &Section<'_>,
        inherited: &Self,
        min_interval: TimeDelta,
        complaints: &mut Complaints,
    ) -> Self {
        let own = section.read("own", complaints, values::flag);
        let is_own = own.or(inherited.own).unwrap_or(false);
        let shortest = if is_own { OWN_INTERVAL_MIN } else { min_interval };
        let interval =
            section.read("interval", complaints, |node| interval(node, shortest, min_interval));
        let cron = section.read("cron", complaints, |node| {
            let typed = values::text(node, "a cron expression", times::CRON_REMEDY)?;
            times::cron(typed.trim())
        });
        let adapt = section.read("adapt", complaints, values::flag);
        if let Some(node) = section.node("cron") {
            let other = if section.node("interval").is_some() {
                Some("interval")
            } else {
                (adapt == Some(true)).then_some("adapt")
            };
            if let Some(other) = other {
                let fault = Fault::key(
                    format!("a feed is asked by `cron` or by `{other}`, not by both"),
                    format!("remove `cron` or `{other}`"),
                );
                section.complain("cron", node, &fault, complaints);
            }
        }
        Self {
            interval,
            cron,
            adapt,
            own,
            allow_http: section.read("allow_http", complaints, values::flag),
        }
    }

    /// The interval and the rest, of a feed with these keys that inherits those.
    pub(super) fn settle(self, inherited: &Self, min_interval: TimeDelta) -> (TimeDelta, Polling) {
        // An own `interval` goes before an inherited `cron`, and the other way round.
        let inherited_cron = inherited.cron.clone().filter(|_| self.interval.is_none());
        let cron = self.cron.or(inherited_cron);
        let interval = self.interval.or(inherited.interval);
        let polling = Polling {
            given: interval,
            adapt: self.adapt.or(inherited.adapt).unwrap_or(false) && cron.is_none(),
            cron,
            own: self.own.or(inherited.own).unwrap_or(false),
            allow_http: self.allow_http.or(inherited.allow_http).unwrap_or(false),
            settings: String::new(),
        };
        let default = std::cmp::max(INTERVAL_DEFAULT, min_interval);
        (interval.unwrap_or(default), polling)
    }
}

fn interval(node: &Node, shortest: TimeDelta, min_interval: TimeDelta) -> Result<TimeDelta, Fault> {
    let longest = std::cmp::max(INTERVAL_MAX, min_interval);
    let interval = values::duration(node, &(TimeDelta::zero()..=longest))?;
    if interval < shortest {
        let shown = values::show_duration(shortest);
        return Err(if shortest < min_interval {
            Fault::value("is too short", format!("\"{shown}\" is the shortest"))
        } else {
            Fault::value(
                format!("is below fetch.min_interval, which is \"{shown}\""),
                format!(
                    "give \"{shown}\" or more, lower min_interval in [fetch], or add `own = true` if the feed is yours"
                ),
            )
        });
    }
    Ok(interval)
}

/// A mark of all settings of a feed: another one means that somebody changed something.
pub(super) fn mark(feed: &Feed) -> String {
    let hash = Sha256::digest(format!("{feed:?}"));
    let head = hash.first_chunk().map_or(0, |head| u64::from_be_bytes(*head));
    format!("{head:016x}")
}

/// `host_gap`, `group_hosts` and `split_hosts` of `[fetch]`.
pub(super) fn hosts(section: &Section<'_>, complaints: &mut Complaints) -> Hosts {
    let mut names = |key, example| section.list(key, example, complaints, host).unwrap_or_default();
    let together = names("group_hosts", "[\"tumblr.com\"]");
    let apart = names("split_hosts", "[\"rsshub.example.com\"]");
    Hosts {
        gap: section
            .read("host_gap", complaints, |node| values::duration(node, &HOST_GAP))
            .unwrap_or(HOST_GAP_DEFAULT),
        grouping: Grouping { together, apart },
    }
}

/// A host's name, as addresses hold it.
fn host(node: &Node) -> Result<String, Fault> {
    const REMEDY: &str = "give a name such as \"tumblr.com\", without https:// and without a path";
    let typed = values::text(node, "the name of a host", REMEDY)?;
    match url::Host::parse(typed) {
        Ok(host) => Ok(host.to_string()),
        Err(_) => Err(Fault::value("is not the name of a host", REMEDY)),
    }
}
