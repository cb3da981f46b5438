use super::*;
use crate::domain::pace::{PostAt, QuietHours, SLOT_GRACE};
use chrono::Weekday;
use chrono_tz::Europe::Berlin;

mod order;
mod properties;
mod reasons;

const DAILY: [Weekday; 7] = [
    Weekday::Mon,
    Weekday::Tue,
    Weekday::Wed,
    Weekday::Thu,
    Weekday::Fri,
    Weekday::Sat,
    Weekday::Sun,
];

fn at(text: &str) -> DateTime<Utc> {
    let full = if text.len() == 16 { format!("{text}:00Z") } else { format!("{text}Z") };
    full.parse().expect("an instant")
}

fn slot(text: &str) -> PostAt {
    PostAt::Slot { days: DAILY.to_vec(), time: text.parse().expect("a time") }
}

fn quiet(from: &str, until: &str) -> QuietHours {
    QuietHours { from: from.parse().expect("a time"), until: until.parse().expect("a time") }
}

/// UTC, no slots, no gap, 50 a day, never quiet.
fn free() -> Pace {
    Pace { max_per_day: 50, ..Pace::unpaced(Tz::UTC) }
}

fn slotted(times: &[&str]) -> Pace {
    Pace { post_at: times.iter().map(|time| slot(time)).collect(), ..free() }
}

fn gapped(minutes: i64) -> Pace {
    Pace { min_gap: TimeDelta::minutes(minutes), ..free() }
}

/// Queued long ago, costs nothing.
fn post(id: i64) -> Waiting {
    Waiting {
        id,
        feed: 0,
        priority: Priority::Normal,
        place: 0,
        queued_at: at("2026-01-01T00:00"),
        not_before: at("2026-01-01T00:00"),
        expires_at: None,
        send_now: false,
        cost: Usd::ZERO,
        linkless: None,
    }
}

fn dear(id: i64, micros: i64) -> Waiting {
    Waiting { cost: Usd::from_micros(micros), ..post(id) }
}

/// Sends on this lane, in the order of sending.
fn past(sent: &[&str]) -> Past {
    Past {
        last_sent_at: sent.last().map(|last| at(last)),
        sent: sent.iter().map(|sent| at(sent)).collect(),
        ..Past::default()
    }
}

fn budget(micros: i64, per: Period) -> Budget {
    Budget {
        usd: Usd::from_micros(micros),
        per,
        zone: Tz::UTC,
        when_spent: WhenSpent::Hold,
        whose: Whose::Profile,
    }
}

fn limits(pace: &Pace) -> Limits<'_> {
    Limits { pace, budget: None, group: None, overall: None, feeds: &[] }
}

/// What is decided, in a line.
fn says(waiting: &[Waiting], past: &Past, limits: Limits<'_>, now: &str) -> String {
    let show = |at: DateTime<Utc>| at.format("%m-%dT%H:%M").to_string();
    match decide(waiting, past, limits, at(now)) {
        Decision::Send { id, rule, .. } => format!("send {id}: {}", rule.sentence()),
        Decision::Wait { until, rule, id } => {
            format!("{id} waits until {}: {}", show(until), rule.sentence())
        }
        Decision::Idle => "idle".to_owned(),
    }
}

#[test]
fn an_empty_lane_is_idle_and_a_free_one_sends_at_once() {
    let pace = free();
    let none = Past::default();
    assert_eq!(says(&[], &none, limits(&pace), "2026-03-02T08:00"), "idle");
    assert_eq!(
        says(&[post(2), post(1)], &none, limits(&pace), "2026-03-02T08:00"),
        "send 1: as soon as possible"
    );
}

#[test]
fn priority_goes_before_age_and_who_is_not_ready_holds_nobody() {
    let pace = free();
    let breaking = Waiting { priority: Priority::Breaking, ..post(9) };
    let low = Waiting { priority: Priority::Low, ..post(1) };
    let later = Waiting { not_before: at("2026-03-02T09:00"), ..breaking };
    let none = Past::default();
    let now = "2026-03-02T08:00";
    assert_eq!(
        says(&[low, post(3), breaking], &none, limits(&pace), now),
        "send 9: as soon as possible"
    );
    assert_eq!(
        says(&[low, post(3), later], &none, limits(&pace), now),
        "send 3: as soon as possible"
    );
    assert_eq!(
        says(&[later], &none, limits(&pace), now),
        "9 waits until 03-02T09:00: not before Mon 2 Mar 09:00"
    );
}

#[test]
fn an_expired_post_is_never_sent_and_one_that_expires_while_waiting_neither() {
    let pace = Pace { quiet_hours: vec![quiet("22:00", "07:00")], ..free() };
    let until = |time: &str| Waiting { expires_at: Some(at(time)), ..post(1) };
    let none = Past::default();
    let now = "2026-03-02T08:00";
    assert_eq!(says(&[until(now)], &none, limits(&pace), now), "idle");
    assert_eq!(
        says(&[until("2026-03-02T08:01")], &none, limits(&pace), now),
        "send 1: as soon as possible"
    );
    let night = "2026-03-02T23:00";
    assert_eq!(says(&[until("2026-03-03T07:00")], &none, limits(&pace), night), "idle");
    assert_eq!(
        says(&[until("2026-03-03T07:00"), post(2)], &none, limits(&pace), night),
        "2 waits until 03-03T07:00: quiet until 07:00"
    );
}

#[test]
fn the_gap_the_cap_and_the_quiet_hours_say_until_when() {
    let gap = gapped(20);
    let sent = past(&["2026-03-02T08:00"]);
    assert_eq!(
        says(&[post(1)], &sent, limits(&gap), "2026-03-02T08:19:59"),
        "1 waits until 03-02T08:20: 20 min after the last post"
    );
    assert_eq!(
        says(&[post(1)], &sent, limits(&gap), "2026-03-02T08:20"),
        "send 1: as soon as possible"
    );
    let capped =
        Pace { zone: Berlin, max_per_day: 2, quiet_hours: vec![quiet("23:00", "06:00")], ..free() };
    // 23:30 UTC is the next day in Berlin.
    let sent = past(&["2026-03-01T23:30", "2026-03-02T08:00"]);
    assert_eq!(
        says(&[post(1)], &sent, limits(&capped), "2026-03-02T12:00"),
        "1 waits until 03-03T05:00: the 2 posts of the day are used up"
    );
    let sent = past(&["2026-03-01T22:30", "2026-03-02T08:00"]);
    assert_eq!(
        says(&[post(1)], &sent, limits(&capped), "2026-03-02T12:00"),
        "send 1: as soon as possible"
    );
}

#[test]
fn a_slot_lets_out_one_post_that_was_ready_by_then() {
    let pace = slotted(&["08:30", "12:00"]);
    let none = Past::default();
    let queued = |time: &str| Waiting { queued_at: at(time), not_before: at(time), ..post(1) };
    assert_eq!(
        says(&[post(1)], &none, limits(&pace), "2026-03-02T08:29:59"),
        "1 waits until 03-02T08:30: slot Mon 2 Mar 08:30"
    );
    assert_eq!(
        says(&[queued("2026-03-02T08:30")], &none, limits(&pace), "2026-03-02T08:30"),
        "send 1: slot Mon 2 Mar 08:30"
    );
    assert_eq!(
        says(&[queued("2026-03-02T08:30:01")], &none, limits(&pace), "2026-03-02T08:31"),
        "1 waits until 03-02T12:00: slot Mon 2 Mar 12:00"
    );
    let used = past(&["2026-03-02T08:30"]);
    assert_eq!(
        says(&[post(1)], &used, limits(&pace), "2026-03-02T08:31"),
        "1 waits until 03-02T12:00: slot Mon 2 Mar 12:00"
    );
    let before = past(&["2026-03-02T08:29"]);
    assert_eq!(
        says(&[post(1)], &before, limits(&pace), "2026-03-02T08:31"),
        "send 1: slot Mon 2 Mar 08:30"
    );
}

#[test]
fn a_short_stop_keeps_the_slot_and_a_long_one_loses_it_without_a_flood() {
    let pace = slotted(&["08:30", "08:40", "12:00", "23:50"]);
    let none = Past::default();
    let grace_end = "2026-03-02T12:30";
    assert_eq!(at(grace_end) - at("2026-03-02T12:00"), SLOT_GRACE);
    assert_eq!(says(&[post(1)], &none, limits(&pace), grace_end), "send 1: slot Mon 2 Mar 12:00");
    assert_eq!(
        says(&[post(1)], &none, limits(&pace), "2026-03-02T12:30:01"),
        "1 waits until 03-02T23:50: slot Mon 2 Mar 23:50"
    );
    // Two slots were missed: only the latest counts.
    let rows = plan(
        &[post(1), post(2)],
        &none,
        limits(&pace),
        at("2026-03-02T08:45"),
        at("2026-03-03T00:00"),
    );
    let times: Vec<_> = rows.rows.iter().map(|row| row.at).collect();
    assert_eq!(times, [at("2026-03-02T08:45"), at("2026-03-02T12:00")]);
    // The grace ends with the day.
    assert_eq!(
        says(&[post(1)], &none, limits(&pace), "2026-03-02T23:59"),
        "send 1: slot Mon 2 Mar 23:50"
    );
    assert_eq!(
        says(&[post(1)], &none, limits(&pace), "2026-03-03T00:00"),
        "1 waits until 03-03T08:30: slot Tue 3 Mar 08:30"
    );
}

#[test]
fn the_gap_wins_over_a_slot_within_its_grace() {
    let pace =
        Pace { min_gap: TimeDelta::minutes(20), ..slotted(&["08:00", "08:10", "09:00", "09:50"]) };
    let rows = plan(
        &[post(1), post(2), post(3), post(4)],
        &Past::default(),
        limits(&pace),
        at("2026-03-02T07:00"),
        at("2026-03-03T00:00"),
    );
    let rows: Vec<_> = rows
        .rows
        .iter()
        .map(|row| format!("{} {}", row.at.format("%H:%M"), row.rule.word()))
        .collect();
    assert_eq!(rows, ["08:00 slot", "08:20 min_gap", "09:00 slot", "09:50 slot"]);
}

#[test]
fn slots_in_quiet_hours_do_not_count_and_a_pace_without_opening_says_so() {
    let pace = Pace { quiet_hours: vec![quiet("22:00", "07:00")], ..slotted(&["06:50", "12:00"]) };
    let none = Past::default();
    assert_eq!(
        says(&[post(1)], &none, limits(&pace), "2026-03-02T06:55"),
        "1 waits until 03-02T12:00: slot Mon 2 Mar 12:00"
    );
    let never =
        "1 waits until 03-07T06:55: no slot outside the quiet hours and caps in the next 370 days";
    let covered = Pace { post_at: vec![slot("06:50"), slot("23:00")], ..pace };
    let always = Pace { quiet_hours: vec![quiet("07:00", "07:00")], ..free() };
    let no_posts = Pace { max_per_day: 0, ..free() };
    let impossible = Pace {
        post_at: vec![PostAt::Cron(Box::new("0 8 30 2 *".parse().expect("cron")))],
        ..free()
    };
    let for_ages = Pace { min_gap: TimeDelta::MAX, ..free() };
    let sent = past(&["2026-03-01T08:00"]);
    for pace in [covered, always, no_posts, impossible, for_ages] {
        assert_eq!(says(&[post(1)], &sent, limits(&pace), "2026-03-02T06:55"), never);
        let plan = plan(
            &[post(1), post(2)],
            &sent,
            limits(&pace),
            at("2026-03-02T06:55"),
            at("2036-03-02T00:00"),
        );
        assert_eq!(plan.rows, []);
        assert_eq!(plan.left.len(), 2);
    }
}

#[test]
fn what_a_person_released_passes_all_but_the_ceiling_of_x() {
    let pace = Pace {
        min_gap: TimeDelta::hours(5),
        max_per_day: 1,
        quiet_hours: vec![quiet("00:00", "00:00")],
        ..slotted(&["12:00"])
    };
    let budget = Some(budget(1, Period::Day));
    let released = Waiting { send_now: true, ..dear(7, 200_000) };
    let breaking = Waiting { priority: Priority::Breaking, ..post(1) };
    let sent = past(&["2026-03-02T07:59"]);
    let limits = Limits { budget, ..limits(&pace) };
    assert_eq!(
        says(&[breaking, released], &sent, limits, "2026-03-02T08:00"),
        "send 7: released by hand"
    );
    let many = Past {
        last_sent_at: Some(at("2026-03-02T07:59")),
        sent: vec![at("2026-03-02T07:59"); 100],
        ..Past::default()
    };
    assert_eq!(
        says(&[breaking, released], &many, limits, "2026-03-02T08:00"),
        "7 waits until 03-02T08:14: X takes at most 100 posts in 15 min"
    );
    let backing_off = Waiting { not_before: at("2026-03-02T08:10"), ..released };
    assert_eq!(
        says(&[backing_off], &sent, limits, "2026-03-02T08:00"),
        "7 waits until 03-02T08:10: not before Mon 2 Mar 08:10"
    );
}

#[test]
fn a_spent_budget_holds_what_costs_until_the_next_period_of_the_zone() {
    let pace = Pace { zone: Berlin, ..free() };
    let in_berlin = |micros, per| Some(Budget { zone: Berlin, ..budget(micros, per) });
    let month = Limits { budget: in_berlin(20_000_000, Period::Month), ..limits(&pace) };
    let spent = |micros| Past { spent: Usd::from_micros(micros), ..Past::default() };
    let now = "2026-03-02T08:00";
    assert_eq!(
        says(&[dear(1, 200_000)], &spent(19_800_000), month, now),
        "send 1: as soon as possible"
    );
    // The month begins in summer time.
    assert_eq!(
        says(&[dear(1, 200_000)], &spent(19_800_001), month, now),
        "1 waits until 03-31T22:00: budget $20.00 per month spent"
    );
    assert_eq!(
        says(&[dear(1, 200_000), dear(2, 15_000)], &spent(19_900_000), month, now),
        "send 2: as soon as possible"
    );
    assert_eq!(
        says(&[dear(1, 200_000), post(2)], &spent(90_000_000), month, now),
        "send 2: as soon as possible"
    );
    let day = Limits { budget: in_berlin(100_000, Period::Day), ..month };
    assert_eq!(
        says(&[dear(1, 90_000)], &spent(20_000), day, now),
        "1 waits until 03-02T23:00: budget $0.10 per day spent"
    );
    assert_eq!(
        says(&[dear(1, 200_000)], &spent(0), day, now),
        "1 waits until 03-07T08:00: costs more than the budget $0.10 per day"
    );
}

#[test]
fn a_clock_that_was_set_back_neither_floods_nor_sticks() {
    let pace = gapped(20);
    // By a little: the gap after the last send is waited for.
    let sent = past(&["2026-03-02T08:05"]);
    assert_eq!(
        says(&[post(1)], &sent, limits(&pace), "2026-03-02T08:00"),
        "1 waits until 03-02T08:25: 20 min after the last post"
    );
    // By years: one post at once, and from it on the gap counts again.
    let sent = past(&["2031-03-02T08:00"]);
    assert_eq!(
        says(&[post(1)], &sent, limits(&pace), "2026-03-02T08:00"),
        "send 1: as soon as possible"
    );
    let sent = past(&["2031-03-02T08:00", "2026-03-02T08:00"]);
    assert_eq!(
        says(&[post(1)], &sent, limits(&pace), "2026-03-02T08:01"),
        "1 waits until 03-02T08:20: 20 min after the last post"
    );
    // Sends that lie ahead count for the cap of their own day.
    let capped = Pace { max_per_day: 2, ..free() };
    let sent = past(&["2026-03-02T18:00", "2026-03-02T19:00"]);
    assert_eq!(
        says(&[post(1)], &sent, limits(&capped), "2026-03-02T08:00"),
        "1 waits until 03-03T00:00: the 2 posts of the day are used up"
    );
    assert_eq!(
        says(&[post(1)], &sent, limits(&capped), "2026-03-01T23:00"),
        "send 1: as soon as possible"
    );
    // A slot stays used.
    let slots = slotted(&["08:30", "12:00"]);
    let sent = past(&["2026-03-02T08:31"]);
    assert_eq!(
        says(&[post(1)], &sent, limits(&slots), "2026-03-02T08:29"),
        "1 waits until 03-02T12:00: slot Mon 2 Mar 12:00"
    );
    // What was queued "in the future" was queued before the step.
    let queued = Waiting {
        queued_at: at("2031-01-01T00:00"),
        not_before: at("2031-01-01T00:00"),
        ..post(1)
    };
    let none = Past::default();
    assert_eq!(
        says(&[queued], &none, limits(&pace), "2026-03-02T08:00"),
        "send 1: as soon as possible"
    );
    assert_eq!(
        says(&[queued], &none, limits(&slots), "2026-03-02T08:00"),
        "1 waits until 03-02T08:30: slot Mon 2 Mar 08:30"
    );
    // A clock that jumps ahead lets out one post, not all that "should have gone" meanwhile.
    let sent = past(&["2026-03-02T08:00"]);
    let rows = plan(
        &[post(1), post(2)],
        &sent,
        limits(&pace),
        at("2026-04-02T08:00"),
        at("2026-04-03T08:00"),
    );
    let times: Vec<_> = rows.rows.iter().map(|row| row.at).collect();
    assert_eq!(times, [at("2026-04-02T08:00"), at("2026-04-02T08:20")]);
}

#[test]
fn the_plan_says_what_is_left_and_why() {
    let pace = Pace { min_gap: TimeDelta::hours(10), ..free() };
    let waiting = [
        post(1),
        post(2),
        post(3),
        post(4),
        Waiting { expires_at: Some(at("2026-03-02T09:00")), ..post(5) },
        Waiting { not_before: at("2026-05-01T12:00"), ..post(6) },
        dear(7, 2_000_000),
    ];
    let limits = Limits { budget: Some(budget(1_000_000, Period::Month)), ..limits(&pace) };
    let now = at("2026-03-02T08:00");
    let plan = plan(&waiting, &Past::default(), limits, now, at("2026-03-02T20:00"));
    let rows: Vec<_> = plan.rows.iter().map(|row| (row.id, row.at)).collect();
    assert_eq!(rows, [(1, now), (2, at("2026-03-02T18:00"))]);
    let left: Vec<_> =
        plan.left.iter().map(|(id, rule)| format!("{id}: {}", rule.sentence())).collect();
    assert_eq!(
        left,
        [
            "3: 10 h after the last post",
            "4: others go first",
            "5: expires before its turn",
            "6: not before Fri 1 May 12:00",
            "7: costs more than the budget $1.00 per month"
        ]
    );
}

#[test]
fn periods_are_those_of_the_zone() {
    let now = at("2026-03-31T22:30");
    assert_eq!(period_start(Berlin, Period::Month, now), at("2026-03-31T22:00"));
    assert_eq!(period_end(Berlin, Period::Month, now), at("2026-04-30T22:00"));
    assert_eq!(period_start(Berlin, Period::Day, now), at("2026-03-31T22:00"));
    assert_eq!(period_end(Berlin, Period::Day, now), at("2026-04-01T22:00"));
    let change = at("2026-10-25T01:30");
    assert_eq!(period_start(Berlin, Period::Day, change), at("2026-10-24T22:00"));
    assert_eq!(next_day_start(Berlin, change), at("2026-10-25T23:00"));
    let leap = at("2028-02-29T12:00");
    assert_eq!(next_day_start(Berlin, leap), at("2028-02-29T23:00"));
    assert_eq!(period_end(Berlin, Period::Month, leap), at("2028-02-29T23:00"));
}

#[test]
fn ten_thousand_posts_over_a_month_are_planned() {
    let pace = Pace {
        zone: Berlin,
        max_per_day: 1_000,
        quiet_hours: vec![quiet("23:00", "06:00")],
        ..gapped(1)
    };
    let waiting: Vec<_> = (1..=10_000).map(|id| dear(id, 15_000)).collect();
    let daily = Budget { zone: Berlin, ..budget(12_000_000, Period::Day) };
    let limits = Limits { budget: Some(daily), ..limits(&pace) };
    let now = at("2026-03-02T08:00");
    let until = now + TimeDelta::days(30);
    let plan = plan(&waiting, &Past::default(), limits, now, until);
    assert_eq!(plan.rows.len(), 10_000);
    let many: Vec<_> = (1..=100_000).map(|id| dear(id, 15_000)).collect();
    assert!(matches!(decide(&many, &Past::default(), limits, now), Decision::Send { id: 1, .. }));
}
