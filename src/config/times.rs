//! Times: zones, slots, cron expressions, quiet hours, dates.
//!
//! Promises: what is accepted can come about (a cron expression has a next time, quiet hours leave
//! some of the day). Must not: know what time it is.

use std::str::FromStr;

use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveTime, Timelike, Utc, Weekday};
use chrono_tz::{TZ_VARIANTS, Tz};
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

use super::complaints::Fault;
use super::keys;
use super::tree::{Node, Value};
use super::values::{text, wrong_type};
use crate::domain::pace::{Blackout, PostAt, QuietHours};

const ZONE_REMEDY: &str = "give an IANA name such as \"Europe/Berlin\"";
const POST_AT_REMEDY: &str = "write it as \"Mon-Fri 08:30\", \"Sat,Sun 10:00\", \"daily 09:00\", \"08:30\", or in cron's five fields as \"30 8 * * 1-5\"";
const QUIET_REMEDY: &str = "write it as \"22:00-07:00\"";
const BLACKOUT_REMEDY: &str = "write it as \"2026-12-31\" or \"2026-12-24..2026-12-26\"";
const SINCE_REMEDY: &str = "give a date such as \"2026-11-01\" (midnight in UTC) or a time such as \"2026-11-01T08:00:00Z\"";
/// What a cron expression looks like.
pub(super) const CRON_REMEDY: &str = "the five fields are minute, hour, day of the month, month, day of the week, e.g. \"30 8 * * 1-5\"";
/// The longest cron expression, in bytes.
const CRON_BYTES_MAX: usize = 200;
const MINUTES_OF_DAY: u32 = 24 * 60;

/// A time zone. `suggest` is whether to look for a similar name, which costs.
pub(super) fn zone(node: &Node, suggest: bool) -> Result<Tz, Fault> {
    let typed = text(node, "a time zone", ZONE_REMEDY)?;
    if let Ok(zone) = typed.parse() {
        return Ok(zone);
    }
    let names = TZ_VARIANTS.iter().map(|zone| zone.name());
    let near = suggest.then(|| keys::nearest(typed, names)).flatten();
    Err(Fault::value(
        "is not a time zone",
        near.map_or_else(|| ZONE_REMEDY.to_owned(), |near| format!("did you mean \"{near}\"?")),
    ))
}

/// A line of `post_at`.
pub(super) fn post_at(node: &Node) -> Result<PostAt, Fault> {
    let typed = text(node, "a text", POST_AT_REMEDY)?;
    let fields: Vec<&str> = typed.split_whitespace().collect();
    match fields.as_slice() {
        [time] => slot("daily", time),
        [days, time] => slot(days, time),
        [_, _, _, _, _] => cron(typed),
        _ => Err(Fault::value("is neither a slot nor a cron expression", POST_AT_REMEDY)),
    }
}

fn slot(days: &str, time: &str) -> Result<PostAt, Fault> {
    let time =
        local_time(time).ok_or_else(|| Fault::value("has no time that exists", POST_AT_REMEDY))?;
    let days = weekdays(days).ok_or_else(|| {
        Fault::value(
            "has days that are not understood",
            "days are Mon, Tue, Wed, Thu, Fri, Sat, Sun, as in \"Mon-Fri 08:30\" or \"Sat,Sun 10:00\"; or daily",
        )
    })?;
    Ok(PostAt::Slot { days, time })
}

/// Hours and minutes, two digits of minutes, one or two of hours.
fn local_time(text: &str) -> Option<NaiveTime> {
    let (hours, minutes) = text.split_once(':')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(hours) || !digits(minutes) || hours.len() > 2 || minutes.len() != 2 {
        return None;
    }
    NaiveTime::from_hms_opt(hours.parse().ok()?, minutes.parse().ok()?, 0)
}

/// "Mon-Fri", "Sat,Sun", "daily"; in the week's order, each once. A span may run over Sunday.
fn weekdays(text: &str) -> Option<Vec<Weekday>> {
    if text.eq_ignore_ascii_case("daily") {
        return weekdays("mon-sun");
    }
    let mut days = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let last = Weekday::from_str(last).ok()?;
        let mut day = Weekday::from_str(first).ok()?;
        days.push(day);
        while day != last {
            day = day.succ();
            days.push(day);
        }
    }
    days.sort_by_key(Weekday::num_days_from_monday);
    days.dedup();
    Some(days)
}

/// A cron expression of five fields.
pub(super) fn cron(typed: &str) -> Result<PostAt, Fault> {
    if typed.len() > CRON_BYTES_MAX || !typed.is_ascii() {
        return Err(Fault::value("is not a cron expression", CRON_REMEDY));
    }
    let cron = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build()
        .parse(typed)
        .map_err(|error| {
            let error = error.to_string();
            let error = error.trim_end_matches('.');
            Fault::value(format!("is not a cron expression: {error}"), CRON_REMEDY)
        })?;
    if !comes_about(&cron) {
        return Err(Fault::value("names a day that never comes", CRON_REMEDY));
    }
    Ok(PostAt::Cron(Box::new(cron)))
}

/// Whether it has a next time, from a day that is as good as any.
fn comes_about(cron: &Cron) -> bool {
    cron.find_next_occurrence(&DateTime::<Utc>::UNIX_EPOCH, true).is_ok()
}

/// A line of `quiet_hours`.
pub(super) fn quiet_hours(node: &Node) -> Result<QuietHours, Fault> {
    let typed = text(node, "a text", QUIET_REMEDY)?;
    let (from, until) = typed
        .split_once('-')
        .and_then(|(from, until)| Some((local_time(from.trim())?, local_time(until.trim())?)))
        .ok_or_else(|| Fault::value("is not a span of the day", QUIET_REMEDY))?;
    if from == until {
        return Err(Fault::value(
            "ends when it begins",
            "give a span shorter than a day; to stop posting use `tidings pause`",
        ));
    }
    Ok(QuietHours { from, until })
}

/// Whether a local time lies in one of the spans.
pub(super) fn is_quiet(spans: &[QuietHours], time: NaiveTime) -> bool {
    spans.iter().any(|span| {
        if span.from < span.until {
            span.from <= time && time < span.until
        } else {
            span.from <= time || time < span.until
        }
    })
}

/// Whether the spans leave no minute of the day.
pub(super) fn always_quiet(spans: &[QuietHours]) -> bool {
    !spans.is_empty() && open_minutes(spans) == 0
}

/// How many minutes of the day lie in none of the spans.
pub(super) fn open_minutes(spans: &[QuietHours]) -> u32 {
    let open = |minute: &u32| {
        NaiveTime::from_num_seconds_from_midnight_opt(minute * 60, 0)
            .is_some_and(|time| !is_quiet(spans, time))
    };
    u32::try_from((0..MINUTES_OF_DAY).filter(open).count()).unwrap_or(MINUTES_OF_DAY)
}

/// A line of `blackout`: one day, or the first and the last.
pub(super) fn blackout(node: &Node) -> Result<Blackout, Fault> {
    let typed = text(node, "a text", BLACKOUT_REMEDY)?;
    let (from, to) = typed.split_once("..").unwrap_or((typed, typed));
    let day = |text: &str| NaiveDate::from_str(text.trim()).ok().filter(|day| in_reach(*day));
    let (Some(from), Some(to)) = (day(from), day(to)) else {
        return Err(Fault::value("is neither a day nor a span of days", BLACKOUT_REMEDY));
    };
    if to < from {
        return Err(Fault::value("ends before it begins", BLACKOUT_REMEDY));
    }
    Ok(Blackout { from, to })
}

/// Whether people and zones know of a day.
fn in_reach(day: NaiveDate) -> bool {
    (1970..=2200).contains(&day.year())
}

/// The way that a person writes a local time.
pub(super) fn show_time(time: NaiveTime) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}

/// A date, midnight in UTC, or an instant.
pub(super) fn since(node: &Node) -> Result<DateTime<Utc>, Fault> {
    let typed = match &node.value {
        Value::Text(text) | Value::Date(text) => text.trim(),
        Value::Number(_) | Value::Flag(_) | Value::List(_) | Value::Table(_) => {
            return Err(wrong_type(node, "a date", SINCE_REMEDY));
        }
    };
    let wrong = || Fault::key(format!("since = {} is not a date", node.shown()), SINCE_REMEDY);
    let instant = if let Ok(instant) = DateTime::parse_from_rfc3339(typed) {
        instant.to_utc()
    } else {
        let date = NaiveDate::from_str(typed).map_err(|_| wrong())?;
        date.and_time(NaiveTime::MIN).and_utc()
    };
    // Beyond these years our columns and other people's software no longer agree on a notation.
    let year = Duration::days(366);
    let far = DateTime::UNIX_EPOCH + year * 200;
    if instant < DateTime::UNIX_EPOCH || instant > far {
        return Err(wrong());
    }
    Ok(instant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::complaints::Origin;
    use proptest::prelude::*;

    fn typed(text: &str) -> Node {
        Node { origin: Origin::File, value: Value::Text(text.to_owned()), typed: None }
    }

    fn shown(text: &str) -> String {
        match post_at(&typed(text)) {
            Ok(PostAt::Slot { days, time }) => {
                let days: Vec<String> = days.iter().map(ToString::to_string).collect();
                format!("{} {}", days.join(","), show_time(time))
            }
            Ok(PostAt::Cron(cron)) => format!("cron {}", cron.as_str()),
            Err(fault) => fault.what,
        }
    }

    #[test]
    fn slots_read_as_a_person_writes_them() {
        let table = [
            ("Mon-Fri 08:30", "Mon,Tue,Wed,Thu,Fri 08:30"),
            ("Sat,Sun 10:00", "Sat,Sun 10:00"),
            ("daily 9:05", "Mon,Tue,Wed,Thu,Fri,Sat,Sun 09:05"),
            ("23:59", "Mon,Tue,Wed,Thu,Fri,Sat,Sun 23:59"),
            ("fri-mon,saturday 12:00", "Mon,Fri,Sat,Sun 12:00"),
            ("30 8 * * 1-5", "cron 30 8 * * 1-5"),
            ("24:00", "has no time that exists"),
            ("Mon 8.30", "has no time that exists"),
            ("Mo-Fr 08:30", "has days that are not understood"),
            ("Mon Tue 08:30", "is neither a slot nor a cron expression"),
            ("", "is neither a slot nor a cron expression"),
            ("0 0 30 2 *", "names a day that never comes"),
        ];
        for (text, expected) in table {
            assert_eq!(shown(text), expected, "{text}");
        }
        assert!(shown("61 8 * * *").starts_with("is not a cron expression: "));
        assert!(shown("a b c d e").starts_with("is not a cron expression: "));
    }

    #[test]
    fn quiet_hours_may_run_over_midnight_but_not_forever() {
        let span = |text| quiet_hours(&typed(text)).expect("a span");
        let at = |text| local_time(text).expect("a time");
        let night = [span("22:00-07:00")];
        assert!(is_quiet(&night, at("22:00")) && is_quiet(&night, at("06:59")));
        assert!(!is_quiet(&night, at("07:00")) && !is_quiet(&night, at("21:59")));
        assert!(!always_quiet(&night) && !always_quiet(&[]));
        assert!(always_quiet(&[span("22:00-07:00"), span("7:00-22:00")]));
        assert!(quiet_hours(&typed("07:00-07:00")).is_err());
    }

    proptest! {
        #[test]
        fn no_cron_expression_panics(fields in proptest::collection::vec("[0-9A-Z*/,#?LW+-]{1,6}", 5)) {
            let _read = post_at(&typed(&fields.join(" ")));
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let node = typed(&text);
            let _read = (post_at(&node), quiet_hours(&node), since(&node), zone(&node, true));
        }
    }
}
