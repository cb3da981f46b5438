//! How times, lengths of time and numbers of things are told to a person, everywhere alike.
//!
//! Promises: a time is never told without its offset. Must not: know what is told.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::breaker::Scope;

/// How wide a stop reaches, for a person.
pub fn reach(scope: &Scope) -> String {
    match scope {
        Scope::All => "everything".to_owned(),
        Scope::Profile(name) => format!("profile {name}"),
        Scope::Lane(lane) => lane.to_string(),
        Scope::Feed(name) => format!("feed {name}"),
    }
}

/// A time in a zone, with its offset, and how far off it is.
pub fn when(at: DateTime<Utc>, zone: Tz, now: DateTime<Utc>) -> String {
    format!("{} ({})", clock_time(at, zone), distance(at, now))
}

/// A time in a zone, with its offset.
pub fn clock_time(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%a %Y-%m-%d %H:%M %:z").to_string()
}

/// A time in a zone to the second, with its offset.
pub fn exact_time(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%a %Y-%m-%d %H:%M:%S %:z").to_string()
}

/// How far off a time is: `in 2 h 10 min`, `3 days ago`, `now`.
pub fn distance(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let span = at - now;
    if span.abs() < TimeDelta::seconds(1) {
        return "now".to_owned();
    }
    let length = length(span.abs());
    if span > TimeDelta::zero() { format!("in {length}") } else { format!("{length} ago") }
}

/// A length of time in its two largest units.
pub fn length(span: TimeDelta) -> String {
    let (days, hours) = (span.num_days(), span.num_hours() % 24);
    let (minutes, seconds) = (span.num_minutes() % 60, span.num_seconds() % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) if minutes < 5 && seconds > 0 => format!("{minutes} min {seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, 0) => format!("{hours} h"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        (1, 0, _) => "1 day".to_owned(),
        (1, _, _) => format!("1 day {hours} h"),
        (_, _, _) => format!("{days} days"),
    }
}

/// `1 post`, `2 posts`, `3 entries`.
pub fn count(number: usize, one: &str) -> String {
    match one.strip_suffix("ry") {
        _ if number == 1 => format!("1 {one}"),
        Some(stem) => format!("{number} {stem}ries"),
        None => format!("{number} {one}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_read_like_speech() {
        let now = DateTime::UNIX_EPOCH;
        let far = |seconds| distance(now + TimeDelta::seconds(seconds), now);
        assert_eq!(far(0), "now");
        assert_eq!(far(42), "in 42 s");
        assert_eq!(far(-95), "1 min 35 s ago");
        assert_eq!(far(7800), "in 2 h 10 min");
        assert_eq!(far(86_400 + 3 * 3600), "in 1 day 3 h");
        assert_eq!(far(-9 * 86_400), "9 days ago");
    }

    #[test]
    fn words_have_their_plural() {
        assert_eq!(count(1, "entry"), "1 entry");
        assert_eq!(count(0, "entry"), "0 entries");
        assert_eq!(count(1, "post"), "1 post");
        assert_eq!(count(2, "feed"), "2 feeds");
    }
}
