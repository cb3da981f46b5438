//! When posts go out: the keys of pace, of a profile, of one of its platforms, of a feed.
//!
//! Promises: what is given nearer wins: a platform's own key over the profile's, the profile's over
//! those of the defaults. Must not: know what waits.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use chrono::TimeDelta;
use chrono_tz::Tz;

use super::check_budget;
use super::check_filter::{Given, filter};
use super::complaints::{Complaints, Fault};
use super::section::Section;
use super::tree::{Node, Value};
use super::{Budget, FeedPace, LanePace, Whose, keys, times, values};
use crate::domain::pace::{Blackout, Ignores, Jitter, Pace, PostAt, QuietHours};
use crate::domain::plan::Priority;
use crate::domain::select::filter::Filter;

/// Bounds of `min_gap` and `embargo`.
const MIN_GAP: RangeInclusive<TimeDelta> = TimeDelta::zero()..=TimeDelta::days(31);
/// Without any gap a full queue would go out at once.
const MIN_GAP_DEFAULT: TimeDelta = TimeDelta::minutes(1);
/// X's own limit for one account on one day; no config lifts it.
const MAX_PER_DAY: RangeInclusive<usize> = 1..=2_400;
/// What X is said to allow an unverified account.
const MAX_PER_DAY_DEFAULT: u32 = 50;
/// X takes 100 in 15 minutes.
const MAX_PER_HOUR: RangeInclusive<usize> = 1..=400;
/// A slot that is later than its grace would be lost.
const JITTER: RangeInclusive<TimeDelta> = TimeDelta::zero()..=TimeDelta::minutes(30);
const IGNORES_REMEDY: &str =
    "what breaking posts can ignore is \"slots\", \"min_gap\" and \"quiet_hours\"";
const SPREAD_REMEDY: &str =
    "write true for the whole day outside the quiet hours, or the hours, as in \"08:00-22:00\"";

/// Whether the day's posts are spread over it.
#[derive(Debug, Clone, Copy)]
enum Spread {
    Off,
    OverTheDay,
    Within(QuietHours),
}

/// The keys of pace in one table, each if it was given and right.
#[derive(Debug, Clone, Default)]
pub(super) struct PaceKeys {
    pub(super) post_at: Option<Vec<PostAt>>,
    pub(super) min_gap: Option<TimeDelta>,
    pub(super) max_per_hour: Option<u32>,
    pub(super) max_per_day: Option<u32>,
    pub(super) quiet_hours: Option<Vec<QuietHours>>,
    pub(super) newest_first: Option<bool>,
    blackout: Option<Vec<Blackout>>,
    jitter: Option<TimeDelta>,
    spread: Option<Spread>,
    breaking_ignores: Option<Ignores>,
}

/// The keys of pace of a profile, and of its platforms.
#[derive(Debug, Clone, Default)]
pub(super) struct Paces {
    general: PaceKeys,
    of_platforms: BTreeMap<String, PaceKeys>,
}

impl Paces {
    pub(super) fn read(section: &Section<'_>, complaints: &mut Complaints) -> Self {
        let mut of_platforms = BTreeMap::new();
        if let Some(node) = section.node("pace") {
            let inner = Section::new(node, format!("{}: pace", section.place), complaints);
            inner.only(keys::PLATFORMS, complaints);
            for platform in keys::PLATFORMS {
                let Some(node) = inner.node(platform) else { continue };
                let own = Section::new(node, format!("{}.{platform}", inner.place), complaints);
                own.only(keys::PACE, complaints);
                of_platforms.insert(platform.to_owned(), PaceKeys::read(&own, complaints));
            }
        }
        Self { general: PaceKeys::read(section, complaints), of_platforms }
    }

    /// The platforms with keys of their own.
    pub(super) fn platforms(&self) -> impl Iterator<Item = &str> {
        self.of_platforms.keys().map(String::as_str)
    }

    /// The pace of a profile, whatever the platform.
    pub(super) fn general(&self, defaults: &Self, zone: Tz, profile: &str) -> Pace {
        self.general.clone().over(&defaults.general).pace(zone, profile)
    }

    /// The pace of one lane.
    pub(super) fn on(
        &self,
        defaults: &Self,
        zone: Tz,
        (profile, platform): (&str, &str),
    ) -> LanePace {
        let none = PaceKeys::default();
        let of = |paces: &Self| paces.of_platforms.get(platform).unwrap_or(&none).clone();
        let inherited = of(defaults).over(&defaults.general);
        let keys = of(self).over(&self.general).over(&inherited);
        LanePace {
            platform: platform.to_owned(),
            newest_first: keys.newest_first.unwrap_or(false),
            pace: keys.pace(zone, &format!("{profile}/{platform}")),
        }
    }
}

impl PaceKeys {
    fn read(section: &Section<'_>, complaints: &mut Complaints) -> Self {
        let of_feeds = Self::read_for_feed(section, complaints);
        let blackout_example = "[\"2026-12-24..2026-12-26\"]";
        let spread = section.read("spread", complaints, spread);
        if let (Some(Spread::Within(hours)), Some(node)) = (spread, section.node("spread")) {
            let outside = QuietHours { from: hours.until, until: hours.from };
            let mut spans = of_feeds.quiet_hours.clone().unwrap_or_default();
            spans.push(outside);
            if times::always_quiet(&spans) {
                let fault = Fault::key(
                    "they all lie in quiet_hours, so nothing could be posted",
                    "leave some of them",
                );
                section.complain("spread", node, &fault, complaints);
            }
        }
        Self {
            blackout: section.list("blackout", blackout_example, complaints, times::blackout),
            jitter: section.read("jitter", complaints, |node| values::duration(node, &JITTER)),
            spread,
            breaking_ignores: ignores(section, complaints),
            ..of_feeds
        }
    }

    /// Those keys that a feed can have as well.
    fn read_for_feed(section: &Section<'_>, complaints: &mut Complaints) -> Self {
        let mut count = |key, bounds: &RangeInclusive<usize>| {
            section.read(key, complaints, |node| {
                let number = values::whole(node, bounds)?;
                Ok(u32::try_from(number).unwrap_or(MAX_PER_DAY_DEFAULT))
            })
        };
        let max_per_hour = count("max_per_hour", &MAX_PER_HOUR);
        let max_per_day = count("max_per_day", &MAX_PER_DAY);
        let quiet_example = "[\"22:00-07:00\"]";
        let quiet_hours =
            section.list("quiet_hours", quiet_example, complaints, times::quiet_hours);
        if let (Some(spans), Some(node)) = (&quiet_hours, section.node("quiet_hours"))
            && times::always_quiet(spans)
        {
            let fault = Fault::key(
                "they cover the whole day, so nothing could be posted",
                "leave some of the day; to stop posting use `tidings pause`",
            );
            section.complain("quiet_hours", node, &fault, complaints);
        }
        Self {
            post_at: section.list("post_at", "[\"Mon-Fri 08:30\"]", complaints, times::post_at),
            min_gap: section.read("min_gap", complaints, |node| values::duration(node, &MIN_GAP)),
            max_per_hour,
            max_per_day,
            quiet_hours,
            newest_first: section.read("order", complaints, newest_first),
            ..Self::default()
        }
    }

    /// These, and where they say nothing, others.
    fn over(self, others: &Self) -> Self {
        Self {
            post_at: self.post_at.or_else(|| others.post_at.clone()),
            min_gap: self.min_gap.or(others.min_gap),
            max_per_hour: self.max_per_hour.or(others.max_per_hour),
            max_per_day: self.max_per_day.or(others.max_per_day),
            quiet_hours: self.quiet_hours.or_else(|| others.quiet_hours.clone()),
            newest_first: self.newest_first.or(others.newest_first),
            blackout: self.blackout.or_else(|| others.blackout.clone()),
            jitter: self.jitter.or(others.jitter),
            spread: self.spread.or(others.spread),
            breaking_ignores: self.breaking_ignores.or(others.breaking_ignores),
        }
    }

    fn pace(self, zone: Tz, lane: &str) -> Pace {
        let max_per_day = self.max_per_day.unwrap_or(MAX_PER_DAY_DEFAULT);
        let mut min_gap = self.min_gap.unwrap_or(MIN_GAP_DEFAULT);
        let mut quiet_hours = self.quiet_hours.unwrap_or_default();
        match self.spread {
            None | Some(Spread::Off) => {}
            Some(spread @ (Spread::OverTheDay | Spread::Within(_))) => {
                if let Spread::Within(hours) = spread {
                    quiet_hours.push(QuietHours { from: hours.until, until: hours.from });
                }
                min_gap = std::cmp::max(min_gap, even_gap(&quiet_hours, max_per_day));
            }
        }
        let slots_alone = Ignores { slots: true, ..Ignores::default() };
        Pace {
            zone,
            post_at: self.post_at.unwrap_or_default(),
            min_gap,
            max_per_hour: self.max_per_hour,
            max_per_day,
            quiet_hours,
            blackout: self.blackout.unwrap_or_default(),
            jitter: self.jitter.map_or(Jitter::NONE, |most| Jitter::new(most, lane)),
            breaking_ignores: self.breaking_ignores.unwrap_or(slots_alone),
        }
    }
}

/// The hours of a day that aren't quiet, shared among its posts.
fn even_gap(quiet_hours: &[QuietHours], max_per_day: u32) -> TimeDelta {
    let minutes = times::open_minutes(quiet_hours);
    TimeDelta::seconds(i64::from(minutes) * 60 / i64::from(std::cmp::max(max_per_day, 1)))
}

fn spread(node: &Node) -> Result<Spread, Fault> {
    match &node.value {
        Value::Flag(true) => Ok(Spread::OverTheDay),
        Value::Flag(false) => Ok(Spread::Off),
        Value::Text(text) => match text.as_str() {
            "true" => Ok(Spread::OverTheDay),
            "false" => Ok(Spread::Off),
            _ => times::quiet_hours(node)
                .map(Spread::Within)
                .map_err(|_| Fault::value("is not a span of the day", SPREAD_REMEDY)),
        },
        Value::Number(_) | Value::Date(_) | Value::List(_) | Value::Table(_) => {
            Err(values::wrong_type(node, "true or a span of hours", SPREAD_REMEDY))
        }
    }
}

fn newest_first(node: &Node) -> Result<bool, Fault> {
    const REMEDY: &str = "accepted are \"oldest\" and \"newest\"";
    match values::text(node, "a text", REMEDY)? {
        "oldest" => Ok(false),
        "newest" => Ok(true),
        _ => Err(Fault::value("is not an order", REMEDY)),
    }
}

fn ignores(section: &Section<'_>, complaints: &mut Complaints) -> Option<Ignores> {
    let words = section.list("breaking_ignores", "[\"slots\"]", complaints, |node| {
        let word = values::text(node, "a text", IGNORES_REMEDY)?;
        match word {
            "slots" | "min_gap" | "quiet_hours" => Ok(word.to_owned()),
            _ => Err(Fault::value("can't be ignored", IGNORES_REMEDY)),
        }
    })?;
    let has = |word| words.iter().any(|one| one == word);
    Some(Ignores { slots: has("slots"), min_gap: has("min_gap"), quiet_hours: has("quiet_hours") })
}

/// The keys of pace in the table of a feed, each if it was given and right.
#[derive(Debug, Clone, Default)]
pub(super) struct FeedPaceKeys {
    pace: PaceKeys,
    breaking: Option<Given<Arc<Filter>>>,
    priority: Option<Priority>,
    embargo: Option<TimeDelta>,
    budget: Option<Budget>,
}

impl FeedPaceKeys {
    pub(super) fn read(section: &Section<'_>, complaints: &mut Complaints) -> Self {
        const REMEDY: &str = "accepted are \"breaking\", \"normal\" and \"low\"";
        Self {
            pace: PaceKeys::read_for_feed(section, complaints),
            breaking: filter(section, "breaking", complaints),
            priority: section.read("priority", complaints, |node| {
                let word = values::text(node, "a text", REMEDY)?;
                Priority::parse(word).ok_or_else(|| Fault::value("is not a priority", REMEDY))
            }),
            embargo: section.read("embargo", complaints, |node| values::duration(node, &MIN_GAP)),
            budget: check_budget::of(section, Whose::Feed, complaints),
        }
    }

    /// The pace of a feed, with what it inherits.
    pub(super) fn pace(self, defaults: &Self) -> FeedPace {
        let keys = self.pace.over(&defaults.pace);
        FeedPace {
            breaking: self.breaking.or_else(|| defaults.breaking.clone()).and_then(Given::value),
            priority: self.priority.or(defaults.priority).unwrap_or_default(),
            newest_first: keys.newest_first,
            min_gap: keys.min_gap,
            max_per_hour: keys.max_per_hour,
            max_per_day: keys.max_per_day,
            post_at: keys.post_at,
            quiet_hours: keys.quiet_hours,
            embargo: self.embargo.or(defaults.embargo).unwrap_or_default(),
            budget: self.budget.or(defaults.budget),
        }
    }
}
