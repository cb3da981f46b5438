//! Local time ↔ instants, also where the clocks of a zone are changed.
//!
//! Promises: [`instant`] never goes back when the local time goes forward, so local times keep
//! their order; a missing one is the first instant after the gap, a doubled one is the first of
//! the two. Must not: know what the times are for.

use chrono::{DateTime, Datelike, Days, FixedOffset, LocalResult, Months, NaiveDate};
use chrono::{NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::{GapInfo, Tz};

/// The instant at which a local time fires.
pub fn instant(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) => at.to_utc(),
        LocalResult::Ambiguous(one, other) => std::cmp::min(one, other).to_utc(),
        LocalResult::None => GapInfo::new(&local, &zone)
            .and_then(|gap| gap.end)
            .map_or_else(|| local.and_utc(), |end| end.to_utc()),
    }
}

/// The latest local time, in whole seconds, that has fired by an instant: what the clock on the
/// wall shows, except that it stands still while an hour is run through for the second time.
pub(crate) fn wall(zone: Tz, at: DateTime<Utc>) -> NaiveDateTime {
    let local = at.with_timezone(&zone).naive_local();
    match zone.from_local_datetime(&local) {
        LocalResult::Ambiguous(one, other) if at >= std::cmp::max(one, other) => {
            let first = std::cmp::min(one, other).to_utc();
            let change = change(zone, first, at);
            change
                .naive_utc()
                .checked_add_offset(offset(zone, first))
                .and_then(|end| end.checked_sub_signed(TimeDelta::seconds(1)))
                .unwrap_or(local)
        }
        LocalResult::Single(_) | LocalResult::Ambiguous(_, _) | LocalResult::None => local,
    }
}

/// The local time of day that the clock on the wall shows.
pub(crate) fn time_of_day(zone: Tz, at: DateTime<Utc>) -> NaiveTime {
    at.with_timezone(&zone).time()
}

/// The local day of an instant. Days follow each other without a gap or an overlap.
pub fn day(zone: Tz, at: DateTime<Utc>) -> NaiveDate {
    wall(zone, at).date()
}

/// The first instant of a local day.
pub(crate) fn day_start(zone: Tz, day: NaiveDate) -> DateTime<Utc> {
    instant(zone, day.and_time(NaiveTime::MIN))
}

/// The first instant after a local day.
pub(crate) fn day_end(zone: Tz, day: NaiveDate) -> DateTime<Utc> {
    day.checked_add_days(Days::new(1))
        .map_or(DateTime::<Utc>::MAX_UTC, |next| day_start(zone, next))
}

/// The first day of the month of a day, and that of the next month.
pub(crate) fn month(day: NaiveDate) -> (NaiveDate, NaiveDate) {
    let first = day.with_day(1).unwrap_or(day);
    let next = first.checked_add_months(Months::new(1));
    (first, next.unwrap_or(NaiveDate::MAX))
}

/// The zone's offset from UTC at an instant.
pub(crate) fn offset(zone: Tz, at: DateTime<Utc>) -> FixedOffset {
    zone.offset_from_utc_datetime(&at.naive_utc()).fix()
}

/// The instant at which the offset of `to` came into force. It lies after `from`, which has
/// another offset.
pub(crate) fn change(zone: Tz, from: DateTime<Utc>, to: DateTime<Utc>) -> DateTime<Utc> {
    let new = offset(zone, to);
    let mut before = from.timestamp();
    let mut after = to.timestamp();
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        match DateTime::from_timestamp(middle, 0) {
            Some(at) if offset(zone, at) == new => after = middle,
            Some(_) | None => before = middle,
        }
    }
    DateTime::from_timestamp(after, 0).unwrap_or(to)
}
