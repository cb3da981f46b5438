//! What is said of a post: since when it was due, what delays it, why it stays.

use super::*;
use crate::domain::pace::Jitter;

fn queued(time: &str) -> Waiting {
    Waiting { queued_at: at(time), not_before: at(time), ..post(1) }
}

#[test]
fn priorities_are_read_as_they_are_written() {
    for priority in Priority::ALL {
        assert_eq!(Priority::parse(priority.word()), Some(priority));
    }
    assert_eq!(Priority::parse("urgent"), None);
}

#[test]
fn a_post_was_due_at_its_slot_or_when_it_was_ready_and_the_gap_over() {
    let due = |waiting, past: &Past, pace: &Pace| {
        let said = decide(&[waiting], past, limits(pace), at("2026-03-02T08:00"));
        let Decision::Send { due, .. } = said else { panic!("{said:?}") };
        due
    };
    let (none, seven) = (Past::default(), queued("2026-03-02T07:00"));
    assert_eq!(due(seven, &none, &free()), at("2026-03-02T07:00"));
    let sent = past(&["2026-03-02T07:30"]);
    assert_eq!(due(seven, &sent, &gapped(20)), at("2026-03-02T07:50"));
    assert_eq!(due(seven, &none, &slotted(&["07:45"])), at("2026-03-02T07:45"));
    // Nobody knows when a post was queued whose clock was ahead.
    let ahead = queued("2031-01-01T00:00");
    assert_eq!(due(ahead, &none, &free()), at("2026-03-02T08:00"));
}

#[test]
fn jitter_delays_what_has_no_slot_and_neither_haste_nor_an_end() {
    let jitter = Jitter::new(TimeDelta::minutes(30), "main/twitter");
    let now = "2026-03-02T12:00";
    let delay = jitter.after(at(now));
    assert!(delay > TimeDelta::minutes(1), "or nothing is tested");
    let later = at(now) + delay;
    let shown = later.format("03-02T%H:%M");
    let none = Past::default();
    let pace = Pace { jitter, ..free() };
    let says_now = |post| says(&[post], &none, limits(&pace), now);
    let held = format!("1 waits until {shown}: up to 30 min later, by jitter");
    assert_eq!(says_now(queued(now)), held);
    let breaking = Waiting { priority: Priority::Breaking, ..queued(now) };
    assert_eq!(says_now(breaking), "send 1: as soon as possible");
    assert_eq!(says_now(Waiting { send_now: true, ..queued(now) }), "send 1: released by hand");
    let ends = |at| Waiting { expires_at: Some(at), ..queued(now) };
    assert_eq!(says_now(ends(later)), "send 1: as soon as possible");
    assert_eq!(says_now(ends(later + TimeDelta::seconds(1))), held);
    // A slot has jitter of its own, and what is ready by it is in time.
    let slots = Pace { jitter, ..slotted(&["12:00"]) };
    let Decision::Wait { until, .. } = decide(&[queued(now)], &none, limits(&slots), at(now))
    else {
        panic!("the slot is delayed");
    };
    assert!(until <= at(now) + TimeDelta::minutes(30), "{until}");
}

/// The rules that hold a post, with the time until which they do, and when it goes.
fn steps(waiting: &[Waiting], limits: Limits<'_>, id: i64) -> Vec<String> {
    let span = (at("2026-03-02T08:00"), at("2026-03-05T00:00"));
    let trace = trace(waiting, &Past::default(), limits, span, id).expect("it waits");
    let show = |at: DateTime<Utc>| at.format("%d %H:%M").to_string();
    let step = |step: &Step| {
        format!("{} until {}", step.rule.word(), step.until.map_or_else(String::new, show))
    };
    let goes = trace.goes.map(|row| format!("goes {}", show(row.at)));
    trace.steps.iter().map(step).chain(goes).collect()
}

#[test]
fn a_trace_names_nothing_that_held_for_no_time_or_another_post() {
    let pace = free();
    assert_eq!(steps(&[queued("2026-03-02T08:00")], limits(&pace), 1), ["goes 02 08:00"]);
    let half_past = Waiting { not_before: at("2026-03-02T08:30"), ..post(1) };
    let both = [half_past, Waiting { id: 2, ..half_past }];
    assert_eq!(steps(&both, limits(&pace), 2), ["not_before until 02 08:30", "goes 02 08:30"]);
    // Of the other post it is known from the first that it expires before it is ready.
    let spent = Limits { budget: Some(budget(100_000, Period::Day)), ..limits(&pace) };
    let gone = Waiting {
        not_before: at("2026-03-02T10:00"),
        expires_at: Some(at("2026-03-02T09:00")),
        ..post(9)
    };
    let waiting = [dear(1, 100_000), dear(2, 100_000), gone];
    assert_eq!(
        steps(&waiting, spent, 2),
        ["queue until 02 08:00", "budget until 03 00:00", "goes 03 00:00"]
    );
}

#[test]
fn what_is_ready_at_a_slot_goes_with_it() {
    let pace = slotted(&["12:00", "15:00"]);
    let at_three = Waiting { not_before: at("2026-03-02T15:00"), ..post(1) };
    assert_eq!(
        says(&[at_three], &Past::default(), limits(&pace), "2026-03-02T08:00"),
        "1 waits until 03-02T15:00: slot Mon 2 Mar 15:00"
    );
}

/// What the plan of two hours leaves, and why.
fn left(waiting: &[Waiting], past: &Past, limits: Limits<'_>) -> Vec<String> {
    let now = at("2026-03-02T08:00");
    let plan = plan(waiting, past, limits, now, now + TimeDelta::hours(2));
    plan.left.iter().map(|(id, rule)| format!("{id} {}", rule.word())).collect()
}

#[test]
fn what_stays_is_told_what_holds_it_longest() {
    let none = Past::default();
    let pace = gapped(600);
    let month = Limits { budget: Some(budget(1_000_000, Period::Month)), ..limits(&pace) };
    // The money that was spent holds the third, also when its turn comes; none will ever pay the last.
    let later = Waiting { not_before: at("2026-03-02T10:00"), ..post(4) };
    let too_dear = Waiting { not_before: at("2026-05-01T00:00"), ..dear(5, 2_000_000) };
    let waiting = [dear(1, 600_000), post(2), dear(3, 600_000), later, too_dear];
    assert_eq!(
        left(&waiting, &none, month),
        ["2 min_gap", "3 budget", "4 not_before", "5 too_dear"]
    );
    // Money does not hold what a person released.
    let many = Past {
        last_sent_at: Some(at("2026-03-02T08:00")),
        sent: (0..10)
            .flat_map(|n| [at("2026-03-02T08:00") + TimeDelta::minutes(14 * n); 100])
            .collect(),
        ..Past::default()
    };
    let released = Waiting { send_now: true, ..dear(1, 2_000_000) };
    assert_eq!(left(&[released], &many, month), ["1 x_ceiling"]);
}

/// A leap day's slot comes again after four years, which is as good as never.
#[test]
fn after_the_last_slot_in_sight_nobody_is_told_to_wait_for_others() {
    let leap = PostAt::Cron(Box::new("0 8 29 2 *".parse().expect("cron")));
    let pace = Pace { post_at: vec![leap], ..free() };
    let (now, none) = ("2028-02-29T08:00", Past::default());
    let waiting = [post(1), post(2), post(3)];
    let plan = plan(&waiting, &none, limits(&pace), at(now), at("2028-03-02T08:00"));
    assert_eq!(plan.rows.len(), 1);
    assert_eq!(plan.left, [(2, Rule::Never), (3, Rule::Never)]);
    let late = Waiting { not_before: at("2028-02-29T08:10"), ..post(1) };
    assert_eq!(
        says(&[late], &none, limits(&pace), now),
        "1 waits until 03-05T08:00: no slot outside the quiet hours and caps in the next 370 days"
    );
}

#[test]
fn where_money_and_a_feeds_cap_come_back_together_money_is_named() {
    let pace = free();
    let caps = Pace { max_per_day: 0, ..free() };
    let capped =
        FeedLimits { caps: Some(Pace { max_per_day: 1, ..caps }), ..FeedLimits::default() };
    let feeds = [FeedLimits::default(), capped];
    let limits =
        Limits { budget: Some(budget(100_000, Period::Day)), feeds: &feeds, ..limits(&pace) };
    let sent = FeedPast { sent: vec![at("2026-03-02T07:00")], ..FeedPast::default() };
    let past = Past {
        spent: Usd::from_micros(100_000),
        feeds: vec![FeedPast::default(), sent],
        ..Past::default()
    };
    let waiting = [dear(1, 100_000), Waiting { feed: 1, ..post(2) }];
    assert_eq!(
        says(&waiting, &past, limits, "2026-03-02T08:00"),
        "1 waits until 03-03T00:00: budget $0.10 per day spent"
    );
}

#[test]
fn the_last_of_a_budget_is_reserved_also_where_it_would_just_pay() {
    let first =
        Budget { when_spent: WhenSpent::LowPriorityFirst, ..budget(1_000_000, Period::Day) };
    let pace = free();
    let limits = Limits { budget: Some(first), ..limits(&pace) };
    let spent = |micros| Past { spent: Usd::from_micros(micros), ..Past::default() };
    let reserved = "95 % of the budget $1.00 per day spent, the rest is for breaking posts";
    let now = "2026-03-02T08:00";
    assert_eq!(
        says(&[dear(1, 15_000)], &spent(985_000), limits, now),
        format!("1 waits until 03-03T00:00: {reserved}")
    );
    assert_eq!(
        says(&[dear(1, 15_000)], &spent(985_001), limits, now),
        "1 waits until 03-03T00:00: budget $1.00 per day spent"
    );
}

/// The month pays the post without its link, the day of the profile pays nothing more: it goes
/// tomorrow, and does not wait for the next month.
#[test]
fn a_link_that_may_be_dropped_is_no_reason_to_wait_longer() {
    let pace = free();
    let month = Budget {
        when_spent: WhenSpent::DropLink,
        whose: Whose::All,
        ..budget(1_000_000, Period::Month)
    };
    let both = Limits {
        budget: Some(budget(300_000, Period::Day)),
        overall: Some(month),
        ..limits(&pace)
    };
    let past = Past {
        spent: Usd::from_micros(300_000),
        spent_overall: Usd::from_micros(900_000),
        ..Past::default()
    };
    let linked = Waiting { linkless: Some(Usd::from_micros(15_000)), ..dear(1, 200_000) };
    assert_eq!(
        says(&[linked], &past, both, "2026-03-02T08:00"),
        "1 waits until 03-03T00:00: budget of all profiles, $1.00 per month does not reach for the link, so it goes without"
    );
}

#[test]
fn a_rule_says_what_it_counts() {
    let digest = Budget { when_spent: WhenSpent::Digest, ..budget(1_000_000, Period::Day) };
    let table = [
        (
            Rule::Budget(digest),
            "budget $1.00 per day spent, what waits of a feed is gathered in one post",
        ),
        (Rule::DailyCap(1), "the one post of the day is used up"),
        (Rule::HourlyCap(2), "the 2 posts of an hour are used up"),
        (Rule::MinGap(TimeDelta::seconds(93_785)), "1 d 2 h 3 min 5 s after the last post"),
        (Rule::MinGap(TimeDelta::milliseconds(900)), "0 s after the last post"),
    ];
    for (rule, sentence) in table {
        assert_eq!(rule.sentence(), sentence);
    }
}
