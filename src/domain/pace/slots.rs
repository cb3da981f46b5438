//! The instants of `post_at`.
//!
//! Promises: a local time that is missing fires at the first instant after the gap, one that comes
//! twice fires once; every search ends within [`HORIZON_DAYS`] days. Must not: know of gaps, caps
//! or quiet hours.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use chrono_tz::Tz;
use croner::Cron;

use super::zone::{instant, wall};
use super::{HORIZON_DAYS, PostAt};

/// The first slot after an instant, if there is one within [`HORIZON_DAYS`] days.
pub(crate) fn next(post_at: &[PostAt], zone: Tz, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let from = wall(zone, after);
    post_at.iter().filter_map(|line| next_local(line, from)).min().map(|local| instant(zone, local))
}

/// The last slot that is not after an instant, if there is one on the two days up to it.
pub(super) fn last(post_at: &[PostAt], zone: Tz, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let until = wall(zone, until);
    post_at
        .iter()
        .filter_map(|line| last_local(line, until))
        .max()
        .map(|local| instant(zone, local))
}

fn next_local(line: &PostAt, after: NaiveDateTime) -> Option<NaiveDateTime> {
    match line {
        PostAt::Slot { days, time } => after
            .date()
            .iter_days()
            .take(8)
            .filter(|day| days.contains(&day.weekday()))
            .map(|day| day.and_time(*time))
            .find(|local| *local > after),
        PostAt::Cron(cron) => after
            .date()
            .iter_days()
            .take(HORIZON_DAYS)
            .find_map(|day| next_on_day(cron, day, after)),
    }
}

fn last_local(line: &PostAt, until: NaiveDateTime) -> Option<NaiveDateTime> {
    let mut days =
        [0, 1].into_iter().filter_map(|back| until.date().checked_sub_days(Days::new(back)));
    match line {
        PostAt::Slot { days: on, time } => days
            .filter(|day| on.contains(&day.weekday()))
            .map(|day| day.and_time(*time))
            .find(|local| *local <= until),
        PostAt::Cron(cron) => days.find_map(|day| last_on_day(cron, day, until)),
    }
}

/// Whether a cron expression fires on a local day. Asked for each day because croner itself
/// searches thousands of years for an expression that never fires.
fn fires_on(cron: &Cron, day: NaiveDate) -> bool {
    let on = |answer: Result<bool, _>| answer.unwrap_or(false);
    on(cron.pattern.month_match(day.month()))
        && on(cron.pattern.year_match(day.year()))
        && on(cron.pattern.day_match(day.year(), day.month(), day.day()))
}

// Croner sees local times as if they were UTC, which has neither gaps nor doubled hours: its own
// treatment of them runs expressions with two fixed hours twice or not at all.

fn next_on_day(cron: &Cron, day: NaiveDate, after: NaiveDateTime) -> Option<NaiveDateTime> {
    if !fires_on(cron, day) {
        return None;
    }
    let midnight = day.and_time(NaiveTime::MIN);
    if midnight > after {
        return found(cron.find_next_occurrence(&midnight.and_utc(), true));
    }
    let evening = found(cron.find_previous_occurrence(&last_second(day)?.and_utc(), true))?;
    if evening <= after {
        return None;
    }
    let after = whole_seconds(after)?;
    found(cron.find_next_occurrence(&after.and_utc(), false))
}

fn last_on_day(cron: &Cron, day: NaiveDate, until: NaiveDateTime) -> Option<NaiveDateTime> {
    if !fires_on(cron, day) {
        return None;
    }
    let midnight = day.and_time(NaiveTime::MIN);
    let first = found(cron.find_next_occurrence(&midnight.and_utc(), true))?;
    if first > until {
        return None;
    }
    let until = std::cmp::min(whole_seconds(until)?, last_second(day)?);
    found(cron.find_previous_occurrence(&until.and_utc(), true))
}

fn found<E>(answer: Result<DateTime<Utc>, E>) -> Option<NaiveDateTime> {
    answer.ok().map(|at| at.naive_utc())
}

fn last_second(day: NaiveDate) -> Option<NaiveDateTime> {
    day.and_hms_opt(23, 59, 59)
}

fn whole_seconds(local: NaiveDateTime) -> Option<NaiveDateTime> {
    Some(DateTime::from_timestamp(local.and_utc().timestamp(), 0)?.naive_utc())
}
