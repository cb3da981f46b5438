//! What decided when a feed is asked next, for a person.
//!
//! Promises: every decision has one sentence. Must not: decide.

use chrono::TimeDelta;

use super::Trouble;

/// What decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// The config's `interval`.
    Interval(TimeDelta),
    /// The config's `cron`.
    Cron,
    /// The feed's own pace.
    Adapted {
        /// Between two of its entries.
        pace: TimeDelta,
        /// Between two polls.
        wait: TimeDelta,
    },
    /// The server's `Cache-Control` or `Expires`.
    Fresh(TimeDelta),
    /// The feed's `ttl` or `sy:updatePeriod`.
    Wish(TimeDelta),
    /// The feed's `skipHours` or `skipDays`.
    Skip,
    /// The server gives no validators.
    NoValidators,
    /// The server's `Retry-After`.
    RetryAfter(TimeDelta),
    /// Failures in a row.
    Failing {
        /// How the last one was.
        trouble: Trouble,
        /// How many.
        failures: u32,
    },
}

impl Rule {
    /// The rule as a sentence that can follow "next poll at …:".
    pub fn sentence(&self) -> String {
        match self {
            Self::Interval(interval) => format!("it is asked every {}", span(*interval)),
            Self::Cron => "its `cron` says so".to_owned(),
            Self::Adapted { pace, wait } => format!(
                "it publishes every {} or so, and is therefore asked every {}",
                span(*pace),
                span(*wait)
            ),
            Self::Fresh(fresh) => {
                format!("the server says that its answer stays fresh for {}", span(*fresh))
            }
            Self::Wish(wish) => {
                format!("the feed asks to be read every {} at most", span(*wish))
            }
            Self::Skip => {
                "the feed asks to be left alone in the hours or on the days before (GMT)".to_owned()
            }
            Self::NoValidators => "the server gives neither ETag nor Last-Modified, so every \
                 request fetches all of it: once a day, unless you set its `interval`"
                .to_owned(),
            Self::RetryAfter(wait) => {
                format!("the server asks to be left alone for {}", span(*wait))
            }
            Self::Failing { trouble, failures } => {
                let what = match trouble {
                    Trouble::Passing => "it failed",
                    Trouble::Missing => "it was not found",
                    Trouble::Denied => "it was refused",
                };
                let times = match failures {
                    1 => "once".to_owned(),
                    more => format!("{more} times in a row"),
                };
                format!("{what} {times}, so it is asked less often")
            }
        }
    }
}

/// A duration as a person says it, in its two largest units.
pub fn span(time: TimeDelta) -> String {
    let mut left = std::cmp::max(time.num_seconds(), 0);
    let mut parts = Vec::new();
    for (unit, seconds) in [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)] {
        let count = left / seconds;
        left %= seconds;
        if count > 0 {
            parts.push(format!("{count} {unit}"));
        }
    }
    parts.truncate(2);
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}
