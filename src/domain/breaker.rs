//! Breakers: a stop with a cause, over a lane, a profile or everything.
//!
//! Promises: each cause says how it ends (by itself, by a probe, or by a person) and what a person
//! should do about it. Must not: open or close anything; that is the store's and the daemon's part.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

use super::backoff::ASKED_MAX;

/// How wide a stop reaches.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// The whole program: nothing is sent.
    All,
    /// Every lane of one profile, by its name.
    Profile(String),
    /// One profile on one platform.
    Lane(Lane),
    /// All posts of one feed, by its name. Only a person stops a feed.
    Feed(String),
}

/// One profile on one platform; it sends one post at a time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lane {
    /// The profile's name in the config.
    pub profile: String,
    /// Ayrshare's name of the network (X is `twitter`).
    pub platform: String,
}

/// The platform that needs the user's own keys in each request.
pub const X: &str = "twitter";

impl Lane {
    /// A lane from its two names.
    pub fn new(profile: impl Into<String>, platform: impl Into<String>) -> Self {
        Self { profile: profile.into(), platform: platform.into() }
    }

    /// Whether requests of this lane target X, and so carry the X headers (contract, section 1.1).
    pub fn is_x(&self) -> bool {
        self.platform == X
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.profile, self.platform)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Profile(name) => write!(f, "profile:{name}"),
            Self::Lane(lane) => write!(f, "lane:{lane}"),
            Self::Feed(name) => write!(f, "feed:{name}"),
        }
    }
}

impl Scope {
    /// Reads what [`Scope`]'s `Display` wrote; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "all" {
            return Some(Self::All);
        }
        if let Some(name) = text.strip_prefix("profile:") {
            return Some(Self::Profile(name.to_owned()));
        }
        if let Some(name) = text.strip_prefix("feed:") {
            return Some(Self::Feed(name.to_owned()));
        }
        let (profile, platform) = text.strip_prefix("lane:")?.rsplit_once('/')?;
        Some(Self::Lane(Lane::new(profile, platform)))
    }

    /// Whether a stop of this scope holds the given lane. One of a feed holds single posts.
    pub fn covers(&self, lane: &Lane) -> bool {
        match self {
            Self::All => true,
            Self::Profile(name) => *name == lane.profile,
            Self::Lane(own) => own == lane,
            Self::Feed(_) => false,
        }
    }
}

/// Why sending stopped (design, point 5 of what must always hold; contract, sections 2.4 and 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// A person said `tidings pause`.
    Paused,
    /// 401: Ayrshare refuses the API key.
    ApiKey,
    /// 402 at X: the prepaid credit is used up.
    NoCredit,
    /// 402 at X: the spending limit is reached; nothing passes before the cycle turns.
    SpendingLimit,
    /// 402 at Ayrshare: the subscription is not paid or does not cover this.
    Payment,
    /// 403: Ayrshare suspended the profile.
    Suspended,
    /// 403: the X app may not write, or was changed after linking.
    Permission,
    /// 403 of a kind that is not known.
    Forbidden,
    /// Something else than Ayrshare answers: a wrong address, a proxy, a maintenance page.
    Address,
    /// 419 or 400: an X header is missing or refused.
    Headers,
    /// 156: the network is not linked with Ayrshare.
    NotLinked,
    /// 272: X no longer accepts the link; it has to be made anew.
    Relink,
    /// 169: the Ayrshare plan lacks a feature that the post needs.
    Plan,
    /// 429: too many requests; pauses the profile for a while.
    RateLimit,
    /// Several posts in a row were refused for reasons nobody knows.
    Refusals,
    /// Several requests in a row got no answer that can be trusted.
    Unanswered,
    /// No connection to Ayrshare can be made; nothing leaves.
    Unreachable,
}

/// How a stop can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By itself when the time is over.
    Wait,
    /// `GET /user` is asked at growing intervals; a good answer closes the breaker.
    AskUser,
    /// One due post is let through at growing intervals; success closes the breaker, the same
    /// refusal keeps it open, and the post goes back to the queue unburnt.
    TryOne,
    /// Only a person ends it: `tidings resume`.
    Person,
}

impl Cause {
    /// All causes, for listings and round-trip tests.
    pub const ALL: [Self; 17] = [
        Self::Paused,
        Self::ApiKey,
        Self::NoCredit,
        Self::SpendingLimit,
        Self::Payment,
        Self::Suspended,
        Self::Permission,
        Self::Forbidden,
        Self::Address,
        Self::Headers,
        Self::NotLinked,
        Self::Relink,
        Self::Plan,
        Self::RateLimit,
        Self::Refusals,
        Self::Unanswered,
        Self::Unreachable,
    ];

    /// The word for this cause in the database, in logs and in listings.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::ApiKey => "api_key",
            Self::NoCredit => "no_credit",
            Self::SpendingLimit => "spending_limit",
            Self::Payment => "payment",
            Self::Suspended => "suspended",
            Self::Permission => "permission",
            Self::Forbidden => "forbidden",
            Self::Address => "address",
            Self::Headers => "headers",
            Self::NotLinked => "not_linked",
            Self::Relink => "relink",
            Self::Plan => "plan",
            Self::RateLimit => "rate_limit",
            Self::Refusals => "refusals",
            Self::Unanswered => "unanswered",
            Self::Unreachable => "unreachable",
        }
    }

    /// Reads what [`Cause::word`] wrote.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.word() == word)
    }

    /// How a stop with this cause ends.
    pub const fn ending(self) -> Ending {
        match self {
            Self::RateLimit | Self::Unanswered | Self::Unreachable => Ending::Wait,
            Self::ApiKey | Self::Address | Self::NotLinked | Self::Suspended => Ending::AskUser,
            Self::NoCredit | Self::SpendingLimit => Ending::TryOne,
            Self::Paused
            | Self::Payment
            | Self::Permission
            | Self::Forbidden
            | Self::Headers
            | Self::Relink
            | Self::Plan
            | Self::Refusals => Ending::Person,
        }
    }

    /// What happened, in one sentence for a person.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Paused => "paused by hand",
            Self::ApiKey => "Ayrshare refuses the API key",
            Self::NoCredit => "the X account has no credit left",
            Self::SpendingLimit => "the spending limit at X is reached",
            Self::Payment => "Ayrshare asks for payment",
            Self::Suspended => "Ayrshare suspended the profile",
            Self::Permission => "the X app has no permission to write",
            Self::Forbidden => "Ayrshare forbids the request",
            Self::Address => "something else than Ayrshare answers",
            Self::Headers => "an X key header is missing or refused",
            Self::NotLinked => "the network is not linked with Ayrshare",
            Self::Relink => "X no longer accepts the link",
            Self::Plan => "the Ayrshare plan lacks a feature",
            Self::RateLimit => "Ayrshare's rate limit is reached",
            Self::Refusals => "several posts in a row were refused",
            Self::Unanswered => "several requests in a row got no usable answer",
            Self::Unreachable => "Ayrshare can't be reached",
        }
    }

    /// What a person should do, in one sentence.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Paused => "run `tidings resume` when sending may go on",
            Self::ApiKey => {
                "copy the API key from Ayrshare's dashboard (API Key page) into AYRSHARE_API_KEY and restart"
            }
            Self::NoCredit => {
                "load credit in the X developer console under Billing, Credits; Tidings tries again by itself"
            }
            Self::SpendingLimit => {
                "raise the spending limit in the X developer console, or wait for the next billing cycle; Tidings tries again by itself"
            }
            Self::Payment => {
                "settle the subscription in Ayrshare's dashboard under Billing, then run `tidings resume`"
            }
            Self::Suspended => {
                "ask Ayrshare's support why the profile was suspended; Tidings looks again by itself"
            }
            Self::Permission => {
                "set the X app to read and write and direct message, link X again in Ayrshare, then run `tidings resume`"
            }
            Self::Forbidden => {
                "read Ayrshare's message, mend what it names, then run `tidings resume`"
            }
            Self::Address => "check `base_url` and the proxy; Tidings looks again by itself",
            Self::Headers => {
                "give both X_API_KEY and X_API_SECRET (API key and secret of your X app), restart, then run `tidings resume`"
            }
            Self::NotLinked => {
                "link the network on Ayrshare's Social Accounts page; Tidings looks again by itself"
            }
            Self::Relink => {
                "unlink X on Ayrshare's Social Accounts page and link it again under your own X app, then run `tidings resume`"
            }
            Self::Plan => "choose an Ayrshare plan that has the feature, then run `tidings resume`",
            Self::RateLimit => "nothing: sending goes on by itself when the pause is over",
            Self::Refusals => {
                "read the refusals with `tidings queue list --state failed`, then run `tidings resume`"
            }
            Self::Unanswered => {
                "nothing yet: each post is looked up in Ayrshare's history, and sending goes on by itself"
            }
            Self::Unreachable => {
                "check this machine's network and `base_url`; Tidings tries again by itself"
            }
        }
    }
}

/// The longest a probe or a pause waits, however often it failed.
pub const PROBE_INTERVAL_MAX: TimeDelta = TimeDelta::hours(6);

/// What a stop that ends by itself waits at first (contract, section 6.1: the rate limit's window
/// is five minutes).
const fn first_pause(cause: Cause, base: TimeDelta) -> TimeDelta {
    match cause {
        Cause::RateLimit | Cause::Unanswered => TimeDelta::minutes(5),
        Cause::Unreachable => TimeDelta::seconds(30),
        Cause::Paused
        | Cause::ApiKey
        | Cause::NoCredit
        | Cause::SpendingLimit
        | Cause::Payment
        | Cause::Suspended
        | Cause::Permission
        | Cause::Forbidden
        | Cause::Address
        | Cause::Headers
        | Cause::NotLinked
        | Cause::Relink
        | Cause::Plan
        | Cause::Refusals => base,
    }
}

/// The longest wait of a cause, however often it came back. A try while nothing can be reached
/// costs nothing, so breaking news need not wait for hours after the network is back.
const fn longest_pause(cause: Cause) -> TimeDelta {
    match cause {
        Cause::Unreachable => TimeDelta::minutes(5),
        Cause::RateLimit | Cause::Unanswered => TimeDelta::hours(1),
        Cause::Paused
        | Cause::ApiKey
        | Cause::NoCredit
        | Cause::SpendingLimit
        | Cause::Payment
        | Cause::Suspended
        | Cause::Permission
        | Cause::Forbidden
        | Cause::Address
        | Cause::Headers
        | Cause::NotLinked
        | Cause::Relink
        | Cause::Plan
        | Cause::Refusals => PROBE_INTERVAL_MAX,
    }
}

/// Whether a probe, or the end of a wait, is due. A time further off than any wait can be was
/// written by a clock that was ahead: it is due at once.
pub fn is_due(probe_at: DateTime<Utc>, base: TimeDelta, now: DateTime<Utc>) -> bool {
    let longest = std::cmp::max(base, ASKED_MAX) + TimeDelta::hours(1);
    probe_at <= now || probe_at > now + longest
}

/// When a stop is probed, or ends by itself: its first pause, doubled for each strike before, at
/// most [`PROBE_INTERVAL_MAX`], and never before what the other side `asked` for (at most a day).
///
/// `None` for causes that only a person ends.
pub fn next_probe(
    cause: Cause,
    base: TimeDelta,
    strikes: u32,
    asked: Option<TimeDelta>,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    match cause.ending() {
        Ending::Person => None,
        Ending::Wait | Ending::AskUser | Ending::TryOne => {
            let first = first_pause(cause, base);
            let max = std::cmp::max(first, longest_pause(cause));
            let grown = first.checked_mul(1_i32 << std::cmp::min(strikes, 16)).unwrap_or(max);
            let asked = std::cmp::min(asked.unwrap_or(TimeDelta::zero()), ASKED_MAX);
            Some(now + std::cmp::max(std::cmp::min(grown, max), asked))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_scopes_survive_the_round_trip() {
        for cause in Cause::ALL {
            assert_eq!(Cause::parse(cause.word()), Some(cause));
        }
        for scope in
            [Scope::All, Scope::Profile("client: a/b".into()), Scope::Lane(Lane::new("a/b", X))]
        {
            assert_eq!(Scope::parse(&scope.to_string()), Some(scope));
        }
        assert_eq!(Scope::parse("lane:nothing"), None);
    }

    #[test]
    fn probes_grow_to_six_hours_and_never_beyond() {
        let now = DateTime::UNIX_EPOCH;
        let base = TimeDelta::minutes(15);
        let delays: Vec<i64> = (0..7)
            .filter_map(|strikes| next_probe(Cause::NoCredit, base, strikes, None, now))
            .map(|at| (at - now).num_minutes())
            .collect();
        assert_eq!(delays, [15, 30, 60, 120, 240, 360, 360]);
        assert_eq!(next_probe(Cause::Relink, base, 0, None, now), None);
        assert!(next_probe(Cause::ApiKey, base, u32::MAX, None, now).is_some());
    }

    #[test]
    fn a_pause_that_the_other_side_asks_for_is_kept_up_to_a_day() {
        let now = DateTime::UNIX_EPOCH;
        let pause = |asked| next_probe(Cause::RateLimit, TimeDelta::hours(1), 0, asked, now);
        assert_eq!(pause(None), Some(now + TimeDelta::minutes(5)));
        assert_eq!(pause(Some(TimeDelta::minutes(9))), Some(now + TimeDelta::minutes(9)));
        assert_eq!(pause(Some(TimeDelta::days(99))), Some(now + ASKED_MAX));
    }
}
