use super::*;
use chrono::{NaiveDate, Timelike};
use chrono_tz::{Africa, America, Australia, Europe, Pacific};
use proptest::prelude::*;

mod limits;

const DAILY: [Weekday; 7] = [
    Weekday::Mon,
    Weekday::Tue,
    Weekday::Wed,
    Weekday::Thu,
    Weekday::Fri,
    Weekday::Sat,
    Weekday::Sun,
];

fn time(text: &str) -> NaiveTime {
    text.parse().expect("a time")
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

fn slot(text: &str) -> PostAt {
    PostAt::Slot { days: DAILY.to_vec(), time: time(text) }
}

fn cron(text: &str) -> PostAt {
    PostAt::Cron(Box::new(text.parse().expect("a cron expression")))
}

fn quiet(from: &str, until: &str) -> QuietHours {
    QuietHours { from: time(from), until: time(until) }
}

fn pace(zone: Tz, post_at: Vec<PostAt>, quiet_hours: Vec<QuietHours>) -> Pace {
    Pace { post_at, max_per_day: 1000, quiet_hours, ..Pace::unpaced(zone) }
}

/// The next slots after an instant, in local time with the offset.
fn slots_after(zone: Tz, post_at: Vec<PostAt>, from: &str, count: usize) -> Vec<String> {
    let pace = pace(zone, post_at, Vec::new());
    let slots = std::iter::successors(pace.next_slot(at(from)), |last| pace.next_slot(*last));
    slots.take(count).map(|slot| pace.local(slot).format("%m-%d %H:%M %:z").to_string()).collect()
}

#[test]
fn a_missing_local_time_fires_at_the_first_instant_after_the_gap() {
    let cases = [
        (Europe::Berlin, "2026-03-28T12:00:00Z", ["03-29 03:00 +02:00", "03-30 02:30 +02:00"]),
        (America::New_York, "2026-03-07T12:00:00Z", ["03-08 03:00 -04:00", "03-09 02:30 -04:00"]),
        (Africa::Casablanca, "2026-03-21T12:00:00Z", ["03-22 03:00 +01:00", "03-23 02:30 +01:00"]),
    ];
    for (zone, from, expected) in cases {
        for line in [slot("02:30"), cron("30 2 * * *")] {
            assert_eq!(slots_after(zone, vec![line], from, 2), expected, "{zone}");
        }
    }
    let lord_howe = slots_after(
        Australia::Lord_Howe,
        vec![slot("02:10"), slot("02:30"), cron("20 2 * * *")],
        "2026-10-03T00:00:00Z",
        4,
    );
    assert_eq!(
        lord_howe,
        ["10-04 02:30 +11:00", "10-05 02:10 +11:00", "10-05 02:20 +11:00", "10-05 02:30 +11:00"]
    );
}

#[test]
fn a_doubled_local_time_fires_once_the_first_time() {
    let cases = [
        (Europe::Berlin, "2026-10-24T12:00:00Z", ["10-25 02:30 +02:00", "10-26 02:30 +01:00"]),
        (America::New_York, "2026-10-31T12:00:00Z", ["11-01 02:30 -05:00", "11-02 02:30 -05:00"]),
        (Africa::Casablanca, "2026-02-14T12:00:00Z", ["02-15 02:30 +01:00", "02-16 02:30 +00:00"]),
    ];
    for (zone, from, expected) in cases {
        for line in [slot("02:30"), cron("30 2 * * *")] {
            assert_eq!(slots_after(zone, vec![line], from, 2), expected, "{zone}");
        }
    }
    assert_eq!(
        slots_after(America::New_York, vec![slot("01:30")], "2026-10-31T12:00:00Z", 2),
        ["11-01 01:30 -04:00", "11-02 01:30 -05:00"]
    );
    assert_eq!(
        slots_after(Australia::Lord_Howe, vec![slot("01:45")], "2026-04-04T00:00:00Z", 2),
        ["04-05 01:45 +11:00", "04-06 01:45 +10:30"]
    );
}

#[test]
fn repeating_cron_expressions_keep_the_same_two_rules() {
    assert_eq!(
        slots_after(Europe::Berlin, vec![cron("0,30 * * * *")], "2026-03-29T00:10:00Z", 3),
        ["03-29 01:30 +01:00", "03-29 03:00 +02:00", "03-29 03:30 +02:00"]
    );
    assert_eq!(
        slots_after(Europe::Berlin, vec![cron("*/30 * * * *")], "2026-10-25T00:10:00Z", 3),
        ["10-25 02:30 +02:00", "10-25 03:00 +01:00", "10-25 03:30 +01:00"]
    );
    // Two fixed hours: croner alone would leave the first out in spring and run it twice in autumn.
    assert_eq!(
        slots_after(Europe::Berlin, vec![cron("15 2,12 * * *")], "2026-03-28T12:00:00Z", 3),
        ["03-29 03:00 +02:00", "03-29 12:15 +02:00", "03-30 02:15 +02:00"]
    );
    assert_eq!(
        slots_after(Europe::Berlin, vec![cron("15 2,12 * * *")], "2026-10-24T12:00:00Z", 3),
        ["10-25 02:15 +02:00", "10-25 12:15 +01:00", "10-26 02:15 +01:00"]
    );
    // Asked in the middle of the hour that comes again.
    assert_eq!(
        slots_after(
            Europe::Berlin,
            vec![slot("02:40"), cron("*/5 * * * *")],
            "2026-10-25T01:20:00Z",
            1
        ),
        ["10-25 03:00 +01:00"]
    );
}

#[test]
fn a_skipped_day_sends_its_slots_as_the_next_one_begins() {
    assert_eq!(
        slots_after(
            Pacific::Apia,
            vec![slot("10:00"), cron("0 18 * * *")],
            "2011-12-30T00:00:00Z",
            4
        ),
        ["12-29 18:00 -10:00", "12-31 00:00 +14:00", "12-31 10:00 +14:00", "12-31 18:00 +14:00"]
    );
    let day = NaiveDate::from_ymd_opt(2011, 12, 29).expect("a day");
    assert_eq!(zone::day_end(Pacific::Apia, day), at("2011-12-30T10:00:00Z"));
}

#[test]
fn cron_and_weekdays_find_their_days() {
    let monday = PostAt::Slot { days: vec![Weekday::Mon, Weekday::Fri], time: time("08:30") };
    assert_eq!(
        slots_after(Tz::UTC, vec![monday], "2026-03-02T08:30:00Z", 3),
        ["03-06 08:30 +00:00", "03-09 08:30 +00:00", "03-13 08:30 +00:00"]
    );
    assert_eq!(
        slots_after(Tz::UTC, vec![cron("0 8 29 2 *")], "2027-06-01T00:00:00Z", 1),
        ["02-29 08:00 +00:00"]
    );
    assert_eq!(
        slots_after(Tz::UTC, vec![cron("0 8 L * *")], "2028-02-01T00:00:00Z", 2),
        ["02-29 08:00 +00:00", "03-31 08:00 +00:00"]
    );
    let never = slots_after(Tz::UTC, vec![cron("0 8 30 2 *")], "2027-06-01T00:00:00Z", 1);
    assert!(never.is_empty());
    let none = PostAt::Slot { days: Vec::new(), time: time("08:30") };
    assert!(slots_after(Tz::UTC, vec![none], "2027-06-01T00:00:00Z", 1).is_empty());
}

/// Zone, quiet hours, an instant, and when they let go from there.
const QUIET_CASES: [(Tz, (&str, &str), &str, &str); 11] = [
    // Over midnight, winter and summer.
    (Europe::Berlin, ("22:00", "07:00"), "2026-01-10T21:00:00Z", "2026-01-11T06:00:00Z"),
    (Europe::Berlin, ("22:00", "07:00"), "2026-07-10T22:00:00Z", "2026-07-11T05:00:00Z"),
    (Europe::Berlin, ("22:00", "07:00"), "2026-07-11T05:00:00Z", "2026-07-11T05:00:00Z"),
    // The night loses or gains an hour.
    (Europe::Berlin, ("22:00", "07:00"), "2026-03-28T21:00:00Z", "2026-03-29T05:00:00Z"),
    (Europe::Berlin, ("22:00", "07:00"), "2026-10-24T20:00:00Z", "2026-10-25T06:00:00Z"),
    // The end is missing, or comes twice: quiet again when the wall says so.
    (Europe::Berlin, ("22:00", "02:30"), "2026-03-28T21:00:00Z", "2026-03-29T01:00:00Z"),
    (Europe::Berlin, ("22:00", "02:30"), "2026-10-24T20:00:00Z", "2026-10-25T00:30:00Z"),
    (Europe::Berlin, ("22:00", "02:30"), "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z"),
    // The whole span is missing.
    (Europe::Berlin, ("02:00", "03:00"), "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z"),
    // Half an hour comes twice.
    (Australia::Lord_Howe, ("01:30", "02:00"), "2026-04-04T14:30:00Z", "2026-04-04T15:30:00Z"),
    // A day is skipped.
    (Pacific::Apia, ("20:00", "06:00"), "2011-12-30T08:00:00Z", "2011-12-30T16:00:00Z"),
];

#[test]
fn quiet_hours_end_by_the_clock_on_the_wall() {
    for (zone, (from, until), now, end) in QUIET_CASES {
        let pace = pace(zone, Vec::new(), vec![quiet(from, until)]);
        assert_eq!(pace.quiet_end(at(now)), Some(at(end)), "{zone} {from}-{until} {now}");
    }
}

#[test]
fn quiet_hours_that_never_end_are_found_out() {
    let all = pace(Europe::Berlin, Vec::new(), vec![quiet("07:00", "07:00")]);
    assert_eq!(all.quiet_end(at("2026-01-10T21:00:00Z")), None);
    let halves = vec![quiet("00:00", "12:00"), quiet("11:00", "00:00")];
    let halves = pace(Europe::Berlin, Vec::new(), halves);
    assert_eq!(halves.quiet_end(at("2026-03-28T21:00:00Z")), None);
    let but_a_minute = vec![quiet("02:31", "02:30")];
    let but_a_minute = pace(Europe::Berlin, Vec::new(), but_a_minute);
    assert_eq!(
        but_a_minute.quiet_end(at("2026-03-28T12:00:00Z")),
        Some(at("2026-03-30T00:30:00Z"))
    );
}

#[test]
fn days_follow_each_other_without_gap_or_overlap() {
    // São Paulo's day began at 01:00, Havana's midnight comes twice, and in St John's the clocks
    // went back over midnight.
    let cases = [
        (America::Sao_Paulo, (2018, 11, 4), "2018-11-04T03:00:00Z"),
        (America::Havana, (2026, 11, 1), "2026-11-01T04:00:00Z"),
        (America::St_Johns, (2010, 11, 7), "2010-11-07T02:30:00Z"),
    ];
    for (zone, (year, month, day), start) in cases {
        let date = NaiveDate::from_ymd_opt(year, month, day).expect("a day");
        let start = at(start);
        assert_eq!(zone::day_start(zone, date), start, "{zone}");
        let before = start - TimeDelta::milliseconds(1);
        assert_eq!(zone::day(zone, before), date.pred_opt().expect("a day"), "{zone}");
        for minutes in 0..180 {
            let within = start + TimeDelta::minutes(minutes);
            assert_eq!(zone::day(zone, within), date, "{zone} {within}");
        }
    }
}

#[test]
fn x_takes_a_hundred_in_any_quarter_of_an_hour() {
    let start = at("2026-03-02T08:00:00Z");
    let mut sends = Sends::default();
    for second in 0..100 {
        let now = start + TimeDelta::seconds(second);
        assert_eq!(sends.below_ceiling(now), now);
        sends.record(now);
    }
    let now = start + TimeDelta::seconds(100);
    assert_eq!(sends.below_ceiling(now), start + X_WINDOW);
    // The clock is set back by five minutes: still full, until the window is over.
    let back = now - TimeDelta::minutes(5);
    assert_eq!(sends.below_ceiling(back), start + X_WINDOW);
    // And by a year: those sends tell nothing about this time.
    let back = now - TimeDelta::days(365);
    assert_eq!(sends.below_ceiling(back), back);
}

/// The zones of the properties: both hemispheres, half an hour, no daylight saving, Ramadan.
const ZONES: [Tz; 6] = [
    Europe::Berlin,
    America::New_York,
    Australia::Lord_Howe,
    Africa::Casablanca,
    America::Havana,
    Tz::UTC,
];

fn instants() -> impl Strategy<Value = DateTime<Utc>> {
    // 2026 and 2027, in whole seconds.
    (1_767_225_600_i64..1_830_297_600)
        .prop_map(|seconds| DateTime::from_timestamp(seconds, 0).expect("an instant"))
}

/// Near a change of the clocks more often than chance would have it.
fn changes() -> impl Strategy<Value = DateTime<Utc>> {
    let known = [
        "2026-03-29T01:00:00Z",
        "2026-10-25T01:00:00Z",
        "2026-03-08T07:00:00Z",
        "2026-11-01T06:00:00Z",
        "2026-04-04T15:00:00Z",
        "2026-02-15T02:00:00Z",
        "2026-11-01T05:00:00Z",
    ];
    prop_oneof![
        instants(),
        (prop::sample::select(known.to_vec()), -10_800..10_800_i64)
            .prop_map(|(near, seconds)| at(near) + TimeDelta::seconds(seconds)),
    ]
}

proptest! {
    #[test]
    fn local_times_keep_their_order(zone in prop::sample::select(ZONES.to_vec()), now in changes()) {
        let wall = zone::wall(zone, now);
        prop_assert!(zone::instant(zone, wall) <= now);
        prop_assert!(zone::instant(zone, wall + TimeDelta::seconds(1)) > now);
    }

    #[test]
    fn the_next_slot_is_the_last_one_at_its_own_instant(
        zone in prop::sample::select(ZONES.to_vec()),
        now in changes(),
        minute in 0..60_u32,
        hour in 0..24_u32,
        which in 0..4_u32,
    ) {
        let line = match which {
            0 => slot(&format!("{hour:02}:{minute:02}")),
            1 => cron(&format!("{minute} {hour},13 * * *")),
            2 => cron(&format!("*/{} * * * *", minute + 1)),
            _ => cron(&format!("{minute} {hour} * * MON-FRI")),
        };
        let lines = [line];
        let next = slots::next(&lines, zone, now).expect("a slot within a year");
        prop_assert!(next > now);
        prop_assert_eq!(slots::last(&lines, zone, next), Some(next));
        let last = slots::last(&lines, zone, next - TimeDelta::seconds(1));
        prop_assert!(last.is_none_or(|last| last <= now), "{:?} lies between", last);
    }

    #[test]
    fn cron_fires_in_each_matching_local_minute(
        zone in prop::sample::select(ZONES.to_vec()),
        now in changes(),
        step in 1..40_u32,
        hours in prop::sample::select(vec!["*", "2", "1-3", "0,2,12"]),
    ) {
        let PostAt::Cron(expression) = cron(&format!("*/{step} {hours} * * *")) else {
            unreachable!("it is a cron expression");
        };
        let lines = [PostAt::Cron(expression.clone())];
        let next = slots::next(&lines, zone, now).expect("a slot within a year");
        // By brute force: the first matching local minute whose instant lies after now.
        let start = now.with_timezone(&zone).naive_local() - TimeDelta::hours(3);
        let start = start.date().and_hms_opt(start.hour(), start.minute(), 0).expect("a time");
        let found = (0..60 * 30)
            .map(|minutes| start + TimeDelta::minutes(minutes))
            .filter(|local| expression.is_time_matching(&local.and_utc()).expect("it matches or not"))
            .map(|local| zone::instant(zone, local))
            .find(|instant| *instant > now);
        prop_assert_eq!(found, Some(next));
    }

    #[test]
    fn quiet_hours_hold_until_their_end_and_no_longer(
        zone in prop::sample::select(ZONES.to_vec()),
        now in changes(),
        from in 0..1440_u32,
        length in 1..1439_u32,
    ) {
        let clock = |minutes: u32| {
            NaiveTime::from_num_seconds_from_midnight_opt(minutes % 1440 * 60, 0).expect("a time")
        };
        let span = QuietHours { from: clock(from), until: clock(from + length) };
        let pace = pace(zone, Vec::new(), vec![span]);
        let end = pace.quiet_end(now).expect("a day has minutes that aren't quiet");
        prop_assert!(!pace.is_quiet(end));
        let mut before = now;
        while before < end {
            prop_assert!(pace.is_quiet(before), "{} is not quiet, and {} is the end", before, end);
            before += TimeDelta::minutes(7);
        }
    }
}
