//! What an answer's headers say about when to ask again.
//!
//! Promises: wrong or missing headers say nothing; what is said is kept within a day. Must not: read
//! a clock; an answer that tells its own date is measured by that.

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{AGE, CACHE_CONTROL, DATE, EXPIRES, HeaderMap, HeaderName, RETRY_AFTER};

use super::dates;

/// No answer keeps us away for longer.
pub const FRESH_MAX: TimeDelta = TimeDelta::hours(24);

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn seconds(text: &str) -> Option<TimeDelta> {
    let digits = text.trim().trim_matches('"');
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // More digits than fit are a long time all the same.
    let seconds = digits.parse::<i64>().unwrap_or(i64::MAX);
    Some(TimeDelta::seconds(std::cmp::min(seconds, 366 * 24 * 60 * 60)))
}

/// For how long the answer stays fresh: `max-age` less `Age`, else `Expires` less `Date`. `None` when
/// it says nothing, or that it is stale at once.
pub fn fresh_for(headers: &HeaderMap, now: DateTime<Utc>) -> Option<TimeDelta> {
    let mut max_age = None;
    for value in headers.get_all(CACHE_CONTROL) {
        for directive in value.to_str().unwrap_or_default().split(',') {
            let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                "no-cache" | "no-store" => return None,
                "max-age" => max_age = max_age.or_else(|| seconds(value)),
                _ => {}
            }
        }
    }
    let fresh = if let Some(max_age) = max_age {
        let age = text(headers, &AGE).and_then(seconds);
        max_age - age.unwrap_or(TimeDelta::zero())
    } else {
        let date = text(headers, &DATE).and_then(dates::read).unwrap_or(now);
        dates::read(text(headers, &EXPIRES)?)?.signed_duration_since(date)
    };
    (fresh > TimeDelta::zero()).then(|| std::cmp::min(fresh, FRESH_MAX))
}

/// How long `Retry-After` asks to wait, as seconds or as a date. The cap is the caller's.
pub fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<TimeDelta> {
    let value = text(headers, &RETRY_AFTER)?;
    let wait = seconds(value).or_else(|| Some(dates::read(value)?.signed_duration_since(now)))?;
    Some(std::cmp::max(wait, TimeDelta::zero()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| {
                (HeaderName::from_static(name), value.parse().expect("header value"))
            })
            .collect()
    }

    fn now() -> DateTime<Utc> {
        dates::read("2026-11-21T12:00:00Z").expect("date")
    }

    #[test]
    fn freshness_is_read_from_all_that_may_tell_it() {
        for (lines, expected) in [
            (vec![], None),
            (vec![("cache-control", "public, max-age=600")], Some(600)),
            (vec![("cache-control", "max-age=600"), ("age", "200")], Some(400)),
            (vec![("cache-control", "max-age=600"), ("age", "900")], None),
            (vec![("cache-control", "no-cache, max-age=600")], None),
            (vec![("cache-control", "max-age=soon")], None),
            (vec![("cache-control", "max-age=99999999999999999999")], Some(86_400)),
            (vec![("expires", "Sat, 21 Nov 2026 12:30:00 GMT")], Some(1800)),
            (
                vec![
                    ("expires", "Sat, 21 Nov 2026 12:30:00 GMT"),
                    ("date", "Sat, 21 Nov 2026 12:20:00 GMT"),
                ],
                Some(600),
            ),
            (vec![("expires", "0")], None),
            (
                vec![("cache-control", "max-age=60"), ("expires", "Sat, 21 Nov 2026 18:00:00 GMT")],
                Some(60),
            ),
        ] {
            let fresh = fresh_for(&headers(&lines), now());
            assert_eq!(fresh, expected.map(TimeDelta::seconds), "{lines:?}");
        }
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        for (value, expected) in [
            ("120", Some(120)),
            ("Sat, 21 Nov 2026 12:05:00 GMT", Some(300)),
            ("Sat, 21 Nov 2026 11:05:00 GMT", Some(0)),
            ("later", None),
            ("-5", None),
        ] {
            let wait = retry_after(&headers(&[("retry-after", value)]), now());
            assert_eq!(wait, expected.map(TimeDelta::seconds), "{value}");
        }
    }
}
