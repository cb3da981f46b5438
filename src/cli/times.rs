//! Times as a person types them.
//!
//! Promises: a local time that does not exist is the first instant after it, one that comes twice the
//! first of the two, as everywhere. Must not: read the clock.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use chrono_tz::Tz;

use crate::config::span;
use crate::domain::pace::{local_day, local_instant};

/// What a person may type for a time.
pub(super) const FORMS: &str = "give a span such as 2h or 1d, a time of day such as 18:30, a date and time such as \
     \"2026-11-24 09:00\", or one with its offset such as 2026-11-24T09:00:00+01:00";

/// The instant that a text means at `now`, in a zone: a span from now on, a time of day that comes
/// next, a local date with or without a time, or an instant with its offset.
pub(super) fn read(text: &str, zone: Tz, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.to_utc());
    }
    if let Some(span) = span(text) {
        return now.checked_add_signed(span);
    }
    let time = |text: &str| {
        ["%H:%M", "%H:%M:%S"].iter().find_map(|form| NaiveTime::parse_from_str(text, form).ok())
    };
    if let Some(time) = time(text) {
        let today = local_day(zone, now);
        let days = [Some(today), today.checked_add_days(Days::new(1))];
        let times = days.into_iter().flatten().map(|day| local_instant(zone, day.and_time(time)));
        return times.filter(|at| *at > now).min();
    }
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(local_instant(zone, day.and_time(NaiveTime::MIN)));
    }
    let forms = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"];
    let local = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())?;
    Some(local_instant(zone, local))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_in_the_zone() {
        let now = DateTime::parse_from_rfc3339("2026-10-24T20:00:00Z").expect("a time").to_utc();
        let table = [
            ("2h", "2026-10-24T22:00:00Z"),
            ("1d", "2026-10-25T20:00:00Z"),
            ("2026-11-24T09:00:00+01:00", "2026-11-24T08:00:00Z"),
            ("2026-11-24 09:00", "2026-11-24T08:00:00Z"),
            ("2026-11-24T09:00", "2026-11-24T08:00:00Z"),
            ("2026-11-24", "2026-11-23T23:00:00Z"),
            // It is 22:00 in Berlin.
            ("23:15", "2026-10-24T21:15:00Z"),
            ("21:15", "2026-10-25T20:15:00Z"),
            // The clocks go back this night: 02:30 comes twice.
            ("02:30", "2026-10-25T00:30:00Z"),
            // And forward in March: 02:30 does not come.
            ("2027-03-28 02:30", "2027-03-28T01:00:00Z"),
        ];
        for (text, at) in table {
            let found = read(text, Tz::Europe__Berlin, now);
            let found = found.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
            assert_eq!(found.as_deref(), Some(at), "{text}");
        }
        for bad in ["", "tomorrow", "25:00", "2026-13-01", "-2h", "99999999999999d"] {
            assert_eq!(read(bad, Tz::Europe__Berlin, now), None, "{bad}");
        }
    }
}
