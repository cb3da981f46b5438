//! Caps, blackout days and jitter.

use super::*;
use crate::domain::pace::{Blackout, Ignores};

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

fn black(from: &str, to: &str) -> Blackout {
    Blackout { from: day(from), to: day(to) }
}

fn sends(sent: &[&str]) -> Sends {
    Sends::new(None, sent.iter().map(|sent| at(sent)).collect())
}

/// The first opening after an instant.
fn opens(pace: &Pace, sends: &Sends, from: &str) -> Opening {
    let until = at(from) + TimeDelta::days(40);
    pace.opening(sends, at(from), until, &mut |_, _| {}).expect("an opening")
}

/// Zone, blackout, an instant, and when the lane opens.
const BLACKOUT_CASES: [(Tz, (&str, &str), &str, &str); 10] = [
    // A day of 23 hours, and one of 25.
    (Europe::Berlin, ("2026-03-29", "2026-03-29"), "2026-03-28T22:59:59Z", "2026-03-28T22:59:59Z"),
    (Europe::Berlin, ("2026-03-29", "2026-03-29"), "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
    (Europe::Berlin, ("2026-10-25", "2026-10-25"), "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
    (
        America::New_York,
        ("2026-03-08", "2026-03-08"),
        "2026-03-08T05:00:00Z",
        "2026-03-09T04:00:00Z",
    ),
    // Half an hour more, and a change of its own before Ramadan.
    (
        Australia::Lord_Howe,
        ("2026-04-05", "2026-04-05"),
        "2026-04-04T13:00:00Z",
        "2026-04-05T13:30:00Z",
    ),
    (
        Africa::Casablanca,
        ("2026-02-15", "2026-02-15"),
        "2026-02-14T23:00:00Z",
        "2026-02-16T00:00:00Z",
    ),
    // A day that never was, alone and at the end of a span.
    (Pacific::Apia, ("2011-12-30", "2011-12-30"), "2011-12-30T09:59:59Z", "2011-12-30T09:59:59Z"),
    (Pacific::Apia, ("2011-12-29", "2011-12-30"), "2011-12-30T09:59:59Z", "2011-12-30T10:00:00Z"),
    // A leap day, and the turn of a year.
    (Tz::UTC, ("2028-02-29", "2028-02-29"), "2028-02-29T12:00:00Z", "2028-03-01T00:00:00Z"),
    (Tz::UTC, ("2026-12-24", "2027-01-01"), "2026-12-24T00:00:00Z", "2027-01-02T00:00:00Z"),
];

#[test]
fn blackout_days_are_those_of_the_wall() {
    for (zone, (from, to), now, opening) in BLACKOUT_CASES {
        let pace = Pace { blackout: vec![black(from, to)], ..Pace::unpaced(zone) };
        assert_eq!(
            opens(&pace, &Sends::default(), now).at,
            at(opening),
            "{zone} {from}..{to} {now}"
        );
    }
}

#[test]
fn a_slot_on_a_blackout_day_is_not_made_up_for() {
    let blackout = vec![black("2026-03-28", "2026-03-29"), black("2026-03-30", "2026-03-30")];
    let pace =
        Pace { blackout, ..pace(Europe::Berlin, vec![slot("02:30"), slot("23:50")], Vec::new()) };
    let opening = opens(&pace, &Sends::default(), "2026-03-28T02:00:00Z");
    assert_eq!(pace.local(opening.at).to_string(), "2026-03-31 02:30:00 CEST");
    assert_eq!(opening.brake, Some(Brake::Blackout(pace.local(at("2026-03-30T22:00:00Z")))));
}

#[test]
fn an_hour_is_an_hour_whatever_the_clocks_do() {
    // The hour from two to three comes twice in Berlin: the second one is another hour.
    let pace = Pace { max_per_hour: Some(2), ..Pace::unpaced(Europe::Berlin) };
    let before = sends(&["2026-10-25T00:10:00Z", "2026-10-25T00:40:00Z"]);
    let opening = opens(&pace, &before, "2026-10-25T00:50:00Z");
    assert_eq!(
        (opening.at, opening.brake),
        (at("2026-10-25T01:10:00Z"), Some(Brake::HourlyCap(2)))
    );
    // And in spring it is left out: from 01:30 to 03:30 there is one hour.
    let before = sends(&["2026-03-29T00:30:00Z", "2026-03-29T00:40:00Z"]);
    assert_eq!(opens(&pace, &before, "2026-03-29T01:10:00Z").at, at("2026-03-29T01:30:00Z"));
    // A clock that was set back finds the sends ahead of it, and waits for them, or passes over.
    assert_eq!(opens(&pace, &before, "2026-03-29T00:00:00Z").at, at("2026-03-29T01:30:00Z"));
    assert_eq!(opens(&pace, &before, "2026-03-28T12:00:00Z").at, at("2026-03-28T12:00:00Z"));
}

/// Zone, what was sent, an instant, and when the lane opens again with two posts a day.
const CAP_CASES: [(Tz, [&str; 2], &str, &str); 7] = [
    (
        Europe::Berlin,
        ["2026-03-28T23:00:00Z", "2026-03-29T12:00:00Z"],
        "2026-03-29T13:00:00Z",
        "2026-03-29T22:00:00Z",
    ),
    (
        Europe::Berlin,
        ["2026-03-28T22:59:59Z", "2026-03-29T12:00:00Z"],
        "2026-03-29T13:00:00Z",
        "2026-03-29T13:00:00Z",
    ),
    (
        Europe::Berlin,
        ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"],
        "2026-10-25T02:00:00Z",
        "2026-10-25T23:00:00Z",
    ),
    (
        America::New_York,
        ["2026-11-01T04:00:00Z", "2026-11-02T04:59:59Z"],
        "2026-11-02T04:59:59Z",
        "2026-11-02T05:00:00Z",
    ),
    (
        Australia::Lord_Howe,
        ["2026-10-03T13:30:00Z", "2026-10-04T12:59:59Z"],
        "2026-10-04T12:59:59Z",
        "2026-10-04T13:00:00Z",
    ),
    (
        Africa::Casablanca,
        ["2026-03-22T00:00:00Z", "2026-03-22T22:59:00Z"],
        "2026-03-22T22:59:30Z",
        "2026-03-22T23:00:00Z",
    ),
    (
        Pacific::Apia,
        ["2011-12-29T10:00:00Z", "2011-12-30T09:59:00Z"],
        "2011-12-30T09:59:30Z",
        "2011-12-30T10:00:00Z",
    ),
];

#[test]
fn a_day_is_a_day_of_the_zone() {
    for (zone, sent, now, opening) in CAP_CASES {
        let pace = Pace { max_per_day: 2, ..Pace::unpaced(zone) };
        assert_eq!(opens(&pace, &sends(&sent), now).at, at(opening), "{zone} {sent:?} {now}");
    }
}

#[test]
fn jitter_keeps_out_of_quiet_hours_and_of_the_next_day_and_slot() {
    let span = vec![quiet("22:00", "07:00")];
    let base = pace(Europe::Berlin, Vec::new(), span);
    let mut late = std::collections::BTreeSet::new();
    for lane in 0..200 {
        let jitter = Jitter::new(TimeDelta::minutes(5), &format!("main/{lane}"));
        // Just before the quiet hours.
        let slots = Pace { jitter, post_at: vec![slot("21:57"), slot("21:58")], ..base.clone() };
        let opening = opens(&slots, &Sends::default(), "2026-03-28T20:30:00Z");
        assert_eq!(opening.slot, Some(at("2026-03-28T20:57:00Z")));
        assert!(opening.at < at("2026-03-28T20:58:00Z"), "{} is in the next slot", opening.at);
        let second = opens(&slots, &sends(&["2026-03-28T20:57:30Z"]), "2026-03-28T20:57:30Z");
        assert!(second.at < at("2026-03-28T21:00:00Z"), "{} is quiet", second.at);
        // Just before midnight.
        let slots =
            Pace { jitter, post_at: vec![slot("23:58")], quiet_hours: Vec::new(), ..base.clone() };
        let opening = opens(&slots, &Sends::default(), "2026-03-28T20:30:00Z");
        assert!(opening.at < at("2026-03-28T23:00:00Z"), "{} is the next day", opening.at);
        // As the quiet hours end, also in the night that loses an hour.
        let plain = Pace { jitter, ..base.clone() };
        let end = at("2026-03-29T05:00:00Z");
        let opening = opens(&plain, &Sends::default(), "2026-03-28T23:00:00Z");
        assert!(opening.at >= end && opening.at - end <= TimeDelta::minutes(5));
        assert_eq!(opens(&plain, &Sends::default(), "2026-03-29T05:00:00Z").at, opening.at);
        late.insert(opening.at);
    }
    assert!(late.len() > 50, "only {} instants for 200 lanes", late.len());
}

#[test]
fn breaking_posts_ignore_what_they_are_told_to() {
    let ignores = Ignores { slots: true, min_gap: true, quiet_hours: false };
    let pace = Pace {
        min_gap: TimeDelta::hours(1),
        breaking_ignores: ignores,
        jitter: Jitter::new(TimeDelta::minutes(5), "main"),
        ..pace(Tz::UTC, vec![slot("12:00")], vec![quiet("22:00", "07:00")])
    };
    let urgent = pace.for_breaking();
    let before = sends(&["2026-03-02T08:00:00Z"]);
    assert_eq!(opens(&urgent, &before, "2026-03-02T08:00:00Z").at, at("2026-03-02T08:00:00Z"));
    assert_eq!(opens(&urgent, &before, "2026-03-02T23:00:00Z").at, at("2026-03-03T07:00:00Z"));
    let ignores = Ignores { quiet_hours: true, ..ignores };
    let urgent = Pace { breaking_ignores: ignores, ..pace }.for_breaking();
    assert_eq!(opens(&urgent, &before, "2026-03-02T23:00:00Z").at, at("2026-03-02T23:00:00Z"));
}

proptest! {
    #[test]
    fn an_opening_stays_where_it_is_however_often_it_is_asked_for(
        zone in prop::sample::select(ZONES.to_vec()),
        now in changes(),
        (jitter, gap, slots) in (0..1_800_i64, 0..7_200_i64, prop::bool::ANY),
        before in prop::collection::vec(0..90_000_i64, 0..6),
        (from, length) in (0..1440_u32, 1..900_u32),
        asked in 0..1_000_i64,
    ) {
        let clock = |minutes: u32| {
            NaiveTime::from_num_seconds_from_midnight_opt(minutes % 1440 * 60, 0).expect("a time")
        };
        let post_at = if slots { vec![slot("02:30"), slot("02:40"), cron("7 */5 * * *")] } else { Vec::new() };
        let pace = Pace {
            min_gap: TimeDelta::seconds(gap),
            max_per_day: 3,
            max_per_hour: Some(2),
            jitter: Jitter::new(TimeDelta::seconds(jitter), "main/twitter"),
            ..pace(zone, post_at, vec![QuietHours { from: clock(from), until: clock(from + length) }])
        };
        let sends = Sends::new(None, before.iter().map(|back| now - TimeDelta::seconds(*back)).collect());
        let ask = |from: DateTime<Utc>| pace.opening(&sends, from, now + TimeDelta::days(9), &mut |_, _| {});
        let opening = ask(now).expect("an opening within days");
        // Asked again on the way there.
        let between = now + (opening.at - now) * i32::try_from(asked).expect("small") / 1_000;
        let again = ask(between).expect("the same opening");
        prop_assert_eq!((again.at, again.slot), (opening.at, opening.slot));
        // Without jitter it would have come earlier by no more than the jitter of gap and rest.
        let bare = Pace { jitter: Jitter::NONE, ..pace.clone() };
        let earliest = bare.opening(&sends, now, now + TimeDelta::days(9), &mut |_, _| {});
        prop_assert!(earliest.expect("an opening").at <= opening.at);
        prop_assert!(!pace.is_quiet(opening.at));
        let close = before.iter().map(|back| now - TimeDelta::seconds(*back)).max();
        prop_assert!(close.is_none_or(|last| opening.at - last >= pace.min_gap));
    }

    #[test]
    fn a_delay_is_within_its_bounds_and_always_the_same(most in 0..1_800_i64, now in instants()) {
        let jitter = Jitter::new(TimeDelta::seconds(most), "main/twitter");
        let delay = jitter.after(now);
        prop_assert!(delay >= TimeDelta::zero() && delay <= TimeDelta::seconds(most));
        prop_assert_eq!(delay, Jitter::new(TimeDelta::seconds(most), "main/twitter").after(now));
    }
}
