//! When a feed is asked next, and by which rule.
//!
//! Promises: never sooner than the interval, the server's freshness or a `Retry-After` allow; what
//! servers and feeds ask for is kept within caps, so that no feed is given up; feeds of one interval
//! spread. Must not: know of HTTP, draw random numbers or read a clock.

mod host;
mod moving;
mod rule;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;

use super::backoff::{ASKED_MAX, Backoff, Jitter};
use super::entry::Wishes;
use super::pace::{PostAt, next_time};

pub use host::{Grouping, host_of, host_wait};
pub use moving::Move;
pub use rule::{Rule, span};

/// No answer and no wish of a feed puts the next poll off for longer.
pub const HINT_MAX: TimeDelta = TimeDelta::hours(24);
/// How often a feed is asked whose server gives nothing to recognise an unchanged answer by.
const WITHOUT_VALIDATORS: TimeDelta = TimeDelta::hours(24);
/// `skipHours` and `skipDays` put a poll off by so many hours at most: a weekend and a night.
const SKIP_HOURS_MAX: u32 = 72;
/// Of the time between two entries, an adaptive feed is asked after this part.
const ASKED_PER_ENTRY: i32 = 4;
/// A wait is stretched by up to this part for the feed's own phase, and by as much at random.
const SPREAD_PART: i32 = 20;
/// Neither stretches it by more than this.
const SPREAD_MAX: TimeDelta = TimeDelta::minutes(30);
/// By how much a feed's own phase puts a cron time off.
const CRON_SPREAD: TimeDelta = TimeDelta::minutes(1);
/// A failing feed is asked at least this often,
const FAILING_MAX: TimeDelta = TimeDelta::hours(24);
/// one whose page is missing this often.
const MISSING_MAX: TimeDelta = TimeDelta::days(7);
/// After a refusal the first wait is up to this long.
const DENIED_FIRST: TimeDelta = TimeDelta::hours(4);
/// After so long without anything but 304 the feed is fetched whole once, should the server be stuck.
const WHOLE_AFTER: TimeDelta = TimeDelta::days(7);
/// Such a fetch that fails is not tried again sooner.
const WHOLE_AGAIN: TimeDelta = TimeDelta::days(1);

/// How the config has a feed asked.
#[derive(Debug, Clone)]
pub struct Rhythm {
    /// Between two polls, where nothing asks for longer.
    pub interval: TimeDelta,
    /// Whether the operator set `interval`.
    pub is_set: bool,
    /// Polls at these local times instead.
    pub cron: Option<(Tz, PostAt)>,
    /// Whether the interval follows the feed's own pace.
    pub adapt: bool,
    /// Whether the feed is the operator's own, who may ask it as often as they like.
    pub own: bool,
    /// Never more often than this; own feeds' shorter interval goes before it.
    pub min_interval: TimeDelta,
}

impl Rhythm {
    /// The shortest wait between two polls.
    pub fn shortest(&self) -> TimeDelta {
        if self.own { std::cmp::min(self.min_interval, self.interval) } else { self.min_interval }
    }

    /// When it would be asked after a poll at `last` if nothing but the config decided.
    pub fn next(&self, last: DateTime<Utc>) -> DateTime<Utc> {
        self.cron_after(last).unwrap_or(last + self.interval)
    }

    /// The latest time for which a poll can have been planned at `now`: one beyond it comes from a
    /// clock that was wrong.
    pub fn latest(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let usual = now + self.interval * 2 + MISSING_MAX * 2;
        self.cron_after(usual).map_or(usual, |at| at + CRON_SPREAD)
    }

    fn cron_after(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.cron.as_ref().and_then(|(zone, cron)| next_time(cron, *zone, at))
    }
}

/// What a good answer says about when to ask again.
#[derive(Debug, Clone, Copy, Default)]
pub struct Answer {
    /// For how long the server calls it fresh.
    pub fresh_for: Option<TimeDelta>,
    /// Whether it came with an `ETag` or a `Last-Modified`.
    pub has_validators: bool,
    /// What the feed wishes.
    pub wishes: Wishes,
    /// How far apart its entries came lately, if that is known.
    pub pace: Option<TimeDelta>,
}

/// What keeps polls apart.
#[derive(Debug, Clone, Copy)]
pub struct Spread {
    /// The feed's own share, the same each time: see [`phase`].
    pub phase: Jitter,
    /// A new share each time.
    pub jitter: Jitter,
}

/// The decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    /// When the feed is asked next.
    pub at: DateTime<Utc>,
    /// What decided.
    pub rule: Rule,
}

/// How a poll failed, as far as it matters for the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// What passes by itself: no connection, 5xx, an answer that can't be read.
    Passing,
    /// 404.
    Missing,
    /// 401, 403, or a check that only browsers pass.
    Denied,
}

/// When to ask again after a good answer.
pub fn after_answer(rhythm: &Rhythm, answer: &Answer, spread: Spread, now: DateTime<Utc>) -> Next {
    let bound = bound(rhythm, answer);
    let next = if let Some(next) = at_cron(rhythm, bound.clone(), spread, now) {
        next
    } else {
        let (base, rule) = base(rhythm, answer);
        let (wait, rule) = bound.filter(|(wait, _)| *wait > base).unwrap_or((base, rule));
        let most = std::cmp::min(wait / SPREAD_PART, SPREAD_MAX);
        let at = now + wait + spread.phase.share(most) + spread.jitter.share(most);
        Next { at, rule }
    };
    unskipped(next, answer.wishes)
}

/// Whether the feed's own pace can matter for when it is asked next: it takes a look into the database,
/// and most feeds wish for no more than they are given anyway.
pub fn wants_pace(rhythm: &Rhythm, wishes: Wishes) -> bool {
    let is_long = |minutes: u32| {
        rhythm.cron.is_some() || TimeDelta::minutes(minutes.into()) > rhythm.interval
    };
    rhythm.adapt || wishes.minutes.is_some_and(is_long)
}

/// The wait that config and pace ask for.
fn base(rhythm: &Rhythm, answer: &Answer) -> (TimeDelta, Rule) {
    match answer.pace.filter(|_| rhythm.adapt) {
        Some(pace) => {
            let longest = std::cmp::max(HINT_MAX, rhythm.shortest());
            let wait = (pace / ASKED_PER_ENTRY).clamp(rhythm.shortest(), longest);
            (wait, Rule::Adapted { pace, wait })
        }
        None => (rhythm.interval, Rule::Interval(rhythm.interval)),
    }
}

/// The longest wait that server or feed ask for.
fn bound(rhythm: &Rhythm, answer: &Answer) -> Option<(TimeDelta, Rule)> {
    let fresh = answer.fresh_for.map(|fresh| {
        let fresh = std::cmp::min(fresh, HINT_MAX);
        (fresh, Rule::Fresh(fresh))
    });
    let wish = answer.wishes.minutes.map(|minutes| {
        let wish = std::cmp::min(TimeDelta::minutes(minutes.into()), HINT_MAX);
        // Many programs print a wish that nobody chose: a feed that publishes more often than it
        // wants to be asked is not held to it.
        let wish = answer.pace.map_or(wish, |pace| std::cmp::min(wish, pace));
        (wish, Rule::Wish(wish))
    });
    let is_dear = !answer.has_validators && answer.fresh_for.is_none();
    let is_chosen = rhythm.is_set || rhythm.own || rhythm.cron.is_some();
    let dear = (is_dear && !is_chosen).then_some((WITHOUT_VALIDATORS, Rule::NoValidators));
    [fresh, wish, dear].into_iter().flatten().max_by_key(|(wait, _)| *wait)
}

/// The first cron time that the bound allows, and that keeps the shortest wait.
fn at_cron(
    rhythm: &Rhythm,
    bound: Option<(TimeDelta, Rule)>,
    spread: Spread,
    now: DateTime<Utc>,
) -> Option<Next> {
    let free = now + rhythm.shortest();
    // A poll that began late by the spread of its time must not lose the next time.
    let first = rhythm.cron_after(std::cmp::max(now, free - CRON_SPREAD))?;
    let (at, rule) = match bound {
        Some((wait, rule)) if now + wait > first => (rhythm.cron_after(now + wait)?, rule),
        Some(_) | None => (first, Rule::Cron),
    };
    Some(Next { at: std::cmp::max(at + spread.phase.share(CRON_SPREAD), free), rule })
}

/// Puts a poll off, hour by hour, until the feed's `skipHours` and `skipDays` allow it. A feed that
/// skips every hour or every day says nothing.
fn unskipped(next: Next, wishes: Wishes) -> Next {
    const HOURS: u32 = 0x00ff_ffff;
    const DAYS: u8 = 0x7f;
    let hours = if wishes.skip_hours & HOURS == HOURS { 0 } else { wishes.skip_hours };
    let days = if wishes.skip_days & DAYS == DAYS { 0 } else { wishes.skip_days };
    let skips = |at: DateTime<Utc>| {
        (hours >> at.hour()) & 1 == 1 || (days >> at.weekday().num_days_from_monday()) & 1 == 1
    };
    if !skips(next.at) {
        return next;
    }
    let later = |hours: u32| next.at + TimeDelta::hours(hours.into());
    let at = (1..SKIP_HOURS_MAX).map(later).find(|at| !skips(*at));
    Next { at: at.unwrap_or_else(|| later(SKIP_HOURS_MAX)), rule: Rule::Skip }
}

/// When to ask again after so many failures in a row, the last one of this kind.
pub fn after_failure(
    rhythm: &Rhythm,
    (trouble, failures): (Trouble, u32),
    asked: Option<TimeDelta>,
    jitter: Jitter,
    now: DateTime<Utc>,
) -> Next {
    // Of a delay at least a half is used, so the first is never below the shortest wait.
    let first = rhythm.shortest() * 2;
    let (first, max) = match trouble {
        Trouble::Passing => (first, FAILING_MAX),
        Trouble::Missing => (first, MISSING_MAX),
        Trouble::Denied => (std::cmp::max(first, DENIED_FIRST), FAILING_MAX),
    };
    let max = std::cmp::max(max, rhythm.interval);
    let wait = Backoff { first, max }.delay(failures, jitter, None);
    match asked.map(|asked| std::cmp::min(asked, ASKED_MAX)) {
        Some(asked) if asked > wait => {
            // Not all at the same instant, and not one of them before it.
            let late = std::cmp::min(asked / SPREAD_PART, SPREAD_MAX);
            Next { at: now + asked + jitter.share(late), rule: Rule::RetryAfter(asked) }
        }
        Some(_) | None => Next { at: now + wait, rule: Rule::Failing { trouble, failures } },
    }
}

/// Whether a feed is due to be fetched whole, whatever its validators say, when its last whole body
/// came at `whole_at`.
pub fn wants_whole(whole_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    whole_at.is_some_and(|at| now - at >= WHOLE_AFTER)
}

/// What to note in place of `whole_at` when such a fetch failed: it is due again tomorrow.
pub fn whole_failed(now: DateTime<Utc>) -> DateTime<Utc> {
    now + WHOLE_AGAIN - WHOLE_AFTER
}

/// A feed's own phase, from its address.
pub fn phase(address: &str) -> Jitter {
    // FNV-1a: spreads similar addresses well.
    let hash = address.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    Jitter::from_random(hash)
}

/// How far apart a feed's entries came: `entries` of them since `since`. Unknown until it was
/// watched for some days.
pub fn pace(entries: u32, since: DateTime<Utc>, now: DateTime<Utc>) -> Option<TimeDelta> {
    let watched = now - since;
    let count = i32::try_from(std::cmp::max(entries, 1)).unwrap_or(i32::MAX);
    (watched >= PACE_FROM).then(|| watched / count)
}

/// A feed's pace is unknown before it was watched for so long.
const PACE_FROM: TimeDelta = TimeDelta::days(3);
/// A feed's pace is that of this long.
pub const PACE_OVER: TimeDelta = TimeDelta::days(14);
