//! Turns, limits of feeds, money near its end, and the trace of a post.

use super::*;
use crate::domain::pace::Ignores;
use proptest::prelude::*;

fn of(feed: usize, id: i64) -> Waiting {
    Waiting { feed, ..post(id) }
}

fn urgent(feed: usize, id: i64) -> Waiting {
    Waiting { priority: Priority::Breaking, ..of(feed, id) }
}

fn low(feed: usize, id: i64) -> Waiting {
    Waiting { priority: Priority::Low, ..of(feed, id) }
}

fn capped(max_per_day: u32) -> FeedLimits {
    let caps = Pace { max_per_day, ..Pace::unpaced(Berlin) };
    FeedLimits { caps: Some(caps), ..FeedLimits::default() }
}

fn with<'a>(pace: &'a Pace, feeds: &'a [FeedLimits]) -> Limits<'a> {
    Limits { feeds, ..limits(pace) }
}

/// The plan of two days, a line for each row.
fn planned(waiting: &[Waiting], past: &Past, limits: Limits<'_>) -> Vec<String> {
    let now = at("2026-03-02T08:00");
    let plan = plan(waiting, past, limits, now, now + TimeDelta::days(2));
    let show = |row: &Row| format!("{} {} {}", row.id, row.at.format("%d %H:%M"), row.rule.word());
    plan.rows.iter().map(show).collect()
}

fn ids(waiting: &[Waiting], past: &Past, limits: Limits<'_>) -> Vec<i64> {
    let now = at("2026-03-02T08:00");
    let plan = plan(waiting, past, limits, now, now + TimeDelta::days(30));
    plan.rows.iter().map(|row| row.id).collect()
}

#[test]
fn feeds_take_turns_and_the_one_that_waited_longest_begins() {
    let pace = gapped(20);
    let three = vec![FeedLimits::default(); 3];
    let waiting = [of(0, 1), of(0, 2), of(0, 3), of(1, 4), of(1, 5), of(2, 6)];
    assert_eq!(ids(&waiting, &Past::default(), with(&pace, &three)), [1, 4, 6, 2, 5, 3]);
    let served = |attempt| FeedPast { served: attempt, ..FeedPast::default() };
    let past =
        Past { feeds: vec![served(Some(9)), served(Some(4)), served(None)], ..Past::default() };
    assert_eq!(ids(&waiting, &past, with(&pace, &three)), [6, 4, 1, 5, 2, 3]);
    // Turns count within a priority only.
    let waiting = [of(0, 1), low(1, 2), low(2, 3), urgent(0, 4), urgent(0, 5)];
    assert_eq!(ids(&waiting, &past, with(&pace, &three)), [4, 5, 1, 3, 2]);
}

#[test]
fn a_feed_can_have_its_newest_go_first() {
    let pace = gapped(20);
    let feeds = [FeedLimits { newest_first: true, ..FeedLimits::default() }, FeedLimits::default()];
    let waiting = [of(0, 1), of(0, 2), of(0, 3), of(1, 4), of(1, 5)];
    assert_eq!(ids(&waiting, &Past::default(), with(&pace, &feeds)), [3, 4, 2, 5, 1]);
}

#[test]
fn breaking_posts_pass_slots_and_gaps_if_told_so_and_caps_never() {
    let ignores = Ignores { slots: true, ..Ignores::default() };
    let slots = Pace { breaking_ignores: ignores, max_per_day: 3, ..slotted(&["12:00", "15:00"]) };
    let slots = Pace { min_gap: TimeDelta::minutes(20), ..slots };
    let waiting = [of(0, 1), urgent(0, 2), urgent(0, 3)];
    let none = Past::default();
    assert_eq!(
        planned(&waiting, &none, limits(&slots)),
        ["2 02 08:00 as_soon_as_possible", "3 02 08:20 min_gap", "1 02 12:00 slot"]
    );
    let at_once = Pace { breaking_ignores: Ignores { min_gap: true, ..ignores }, ..slots };
    let waiting = [of(0, 1), urgent(0, 2), urgent(0, 3), urgent(0, 4), urgent(0, 5)];
    assert_eq!(
        planned(&waiting, &none, limits(&at_once)),
        [
            "2 02 08:00 as_soon_as_possible",
            "3 02 08:00 as_soon_as_possible",
            "4 02 08:00 as_soon_as_possible",
            "5 03 00:00 daily_cap",
            "1 03 12:00 slot"
        ]
    );
}

#[test]
fn a_feeds_own_limits_hold_it_and_nobody_else() {
    let pace = Pace { zone: Berlin, ..gapped(60) };
    let feeds = [capped(1), FeedLimits::default()];
    let waiting = [of(0, 1), of(0, 2), of(1, 3), of(1, 4)];
    // The feed's day ends at 23:00 UTC.
    assert_eq!(
        planned(&waiting, &Past::default(), with(&pace, &feeds)),
        [
            "1 02 08:00 as_soon_as_possible",
            "3 02 09:00 min_gap",
            "4 02 10:00 min_gap",
            "2 02 23:00 feed_daily_cap"
        ]
    );
    let gap = Pace { min_gap: TimeDelta::hours(3), max_per_hour: Some(1), ..Pace::unpaced(Berlin) };
    let gap = [FeedLimits { caps: Some(gap), ..FeedLimits::default() }];
    let sent = FeedPast {
        last_sent_at: Some(at("2026-03-02T07:50")),
        sent: vec![at("2026-03-02T07:50")],
        ..FeedPast::default()
    };
    let past = Past { feeds: vec![sent], ..Past::default() };
    assert_eq!(
        says(&[of(0, 1)], &past, with(&pace, &gap), "2026-03-02T08:00"),
        "1 waits until 03-02T10:50: 3 h after the last post of its feed"
    );
}

#[test]
fn a_feed_can_have_slots_of_its_own() {
    let pace = gapped(20);
    let own = Pace { post_at: vec![slot("08:10"), slot("17:00")], ..pace.clone() };
    let feeds = [FeedLimits { pace: Some(own), ..FeedLimits::default() }, FeedLimits::default()];
    let waiting = [of(0, 1), of(0, 2), of(1, 3), of(1, 4)];
    assert_eq!(
        planned(&waiting, &Past::default(), with(&pace, &feeds)),
        [
            "3 02 08:00 as_soon_as_possible",
            "1 02 08:20 min_gap",
            "4 02 08:40 min_gap",
            "2 02 17:00 slot"
        ]
    );
}

#[test]
fn only_what_a_later_period_pays_and_a_gathering_budget_holds_is_gathered() {
    let now = at("2026-03-02T08:00");
    let purse = |when_spent, micros, spent| {
        let budget = Budget { when_spent, ..budget(micros, Period::Day) };
        Purse::new(budget, Usd::from_micros(spent), now)
    };
    let digest = |spent| purse(WhenSpent::Digest, 500_000, spent);
    let hold = |spent| purse(WhenSpent::Hold, 500_000, spent);
    let (dear, normal) = (Usd::from_micros(200_000), Priority::Normal);
    let table = [
        (vec![digest(300_000)], dear, normal, false),
        (vec![digest(300_001)], dear, normal, true),
        (vec![digest(300_001)], dear, Priority::Low, true),
        (vec![digest(300_001)], dear, Priority::Breaking, false),
        (vec![digest(300_001)], Usd::from_micros(15_000), normal, false),
        (vec![digest(500_000)], Usd::ZERO, normal, false),
        // Another budget is the one that is short, or both are.
        (vec![digest(0), hold(500_000)], dear, normal, false),
        (vec![digest(500_000), hold(500_000)], dear, normal, true),
        // No period pays it, so nothing is won.
        (vec![purse(WhenSpent::Digest, 100_000, 0)], dear, normal, false),
        (vec![digest(500_000), purse(WhenSpent::Hold, 100_000, 0)], dear, normal, false),
        (vec![], dear, normal, false),
    ];
    for (purses, cost, priority, expected) in table {
        assert_eq!(gathers(cost, priority, &purses, now), expected, "{purses:?} {cost}");
    }
}

#[test]
fn when_the_money_is_short_the_link_goes_or_the_less_urgent_wait() {
    let pace = free();
    let drop = |micros| Budget { when_spent: WhenSpent::DropLink, ..budget(micros, Period::Day) };
    let linked = |id| Waiting { linkless: Some(Usd::from_micros(15_000)), ..dear(id, 200_000) };
    let spent = |micros| Past { spent: Usd::from_micros(micros), ..Past::default() };
    let now = "2026-03-02T08:00";
    let short = Limits { budget: Some(drop(250_000)), ..limits(&pace) };
    let rows = plan(
        &[linked(1), linked(2), linked(3), linked(4), linked(5)],
        &spent(0),
        short,
        at(now),
        at("2026-03-03T00:00"),
    )
    .rows;
    let shown: Vec<_> =
        rows.iter().map(|row| (row.id, row.cost.micros(), row.without_link)).collect();
    assert_eq!(
        shown,
        [(1, 200_000, false), (2, 15_000, true), (3, 15_000, true), (4, 15_000, true)]
    );
    assert_eq!(
        says(&[linked(1)], &spent(100_000), short, now),
        "send 1: budget $0.25 per day does not reach for the link, so it goes without"
    );
    assert_eq!(
        says(&[linked(1)], &spent(240_000), short, now),
        "1 waits until 03-03T00:00: budget $0.25 per day spent"
    );
    // What can't do without its link waits, and a budget that holds lets no link be dropped.
    assert_eq!(
        says(&[dear(1, 200_000)], &spent(100_000), short, now),
        "1 waits until 03-03T00:00: budget $0.25 per day spent"
    );
    let overall = Budget { whose: Whose::All, ..budget(150_000, Period::Month) };
    let both = Limits { overall: Some(overall), ..short };
    assert_eq!(
        says(&[linked(1)], &spent(100_000), both, now),
        "1 waits until 03-07T08:00: costs more than the budget of all profiles, $0.15 per month"
    );
    // A post whose price no period can pay goes without its link.
    let tiny = Limits { budget: Some(drop(100_000)), ..limits(&pace) };
    assert_eq!(
        says(&[linked(1)], &spent(0), tiny, now),
        "send 1: budget $0.10 per day does not reach for the link, so it goes without"
    );

    let first =
        Budget { when_spent: WhenSpent::LowPriorityFirst, ..budget(1_000_000, Period::Day) };
    let first = Limits { budget: Some(first), ..limits(&pace) };
    let cost = Usd::from_micros(15_000);
    let three = [low(0, 1), of(0, 2), urgent(0, 3)].map(|post| Waiting { cost, ..post });
    let goes = |spent_micros| {
        let past = spent(spent_micros);
        let out = |post: &&Waiting| {
            matches!(decide(&[**post], &past, first, at(now)), Decision::Send { .. })
        };
        three.iter().filter(out).map(|post| post.id).collect::<Vec<_>>()
    };
    assert_eq!(goes(799_999), [1, 2, 3]);
    assert_eq!(goes(800_000), [2, 3]);
    assert_eq!(goes(949_999), [2, 3]);
    assert_eq!(goes(950_000), [3]);
    assert!(goes(985_001).is_empty());
    assert_eq!(
        says(&three[..1], &spent(800_000), first, now),
        "1 waits until 03-03T00:00: 80 % of the budget $1.00 per day spent, the rest is for posts that aren't low"
    );
}

#[test]
fn of_several_budgets_the_tightest_decides_and_is_named() {
    let pace = free();
    let feed = Budget { whose: Whose::Feed, ..budget(300_000, Period::Month) };
    let feeds = [FeedLimits { budget: Some(feed), ..FeedLimits::default() }, FeedLimits::default()];
    let limits = Limits { budget: Some(budget(500_000, Period::Day)), ..with(&pace, &feeds) };
    let dear = |feed, id| Waiting { cost: Usd::from_micros(200_000), ..of(feed, id) };
    assert_eq!(
        planned(&[dear(0, 1), dear(0, 2), dear(1, 3), dear(1, 4)], &Past::default(), limits),
        ["1 02 08:00 as_soon_as_possible", "3 02 08:00 as_soon_as_possible", "4 03 00:00 budget"]
    );
    let spent = FeedPast { spent: Usd::from_micros(200_000), ..FeedPast::default() };
    let past = Past { feeds: vec![spent], ..Past::default() };
    assert_eq!(
        says(&[dear(0, 1)], &past, limits, "2026-03-02T08:00"),
        "1 waits until 04-01T00:00: budget of its feed, $0.30 per month spent"
    );
}

#[test]
fn a_trace_names_each_rule_that_holds_a_post_and_until_when() {
    let pace = Pace { quiet_hours: vec![quiet("12:00", "14:00")], max_per_day: 3, ..gapped(180) };
    let waiting =
        [post(1), post(2), Waiting { not_before: at("2026-03-02T08:30"), ..post(3) }, post(4)];
    let shown = |id, until: &str| {
        let span = (at("2026-03-02T08:00"), at(until));
        let trace = trace(&waiting, &Past::default(), limits(&pace), span, id).expect("it waits");
        let step = |step: &Step| {
            let until =
                step.until.map_or_else(|| "?".to_owned(), |at| at.format("%d %H:%M").to_string());
            format!("{} until {until}", step.rule.word())
        };
        let goes = trace.goes.map(|row| format!("goes {}", row.at.format("%d %H:%M")));
        trace.steps.iter().map(step).chain(goes).collect::<Vec<_>>()
    };
    assert_eq!(shown(1, "2026-03-05T00:00"), ["goes 02 08:00"]);
    assert_eq!(
        shown(2, "2026-03-05T00:00"),
        ["queue until 02 08:00", "min_gap until 02 11:00", "goes 02 11:00"]
    );
    assert_eq!(
        shown(3, "2026-03-05T00:00"),
        [
            "not_before until 02 08:30",
            "queue until 02 11:00",
            "min_gap until 02 14:00",
            "goes 02 14:00"
        ]
    );
    assert_eq!(
        shown(4, "2026-03-05T00:00"),
        [
            "queue until 02 14:00",
            "min_gap until 02 17:00",
            "daily_cap until 03 00:00",
            "goes 03 00:00"
        ]
    );
    assert_eq!(shown(4, "2026-03-02T18:00"), ["daily_cap until ?"]);
    let nobody = trace(
        &waiting,
        &Past::default(),
        limits(&pace),
        (at("2026-03-02T08:00"), at("2026-03-05T00:00")),
        9,
    );
    assert_eq!(nobody, None);
}

/// Posts of three feeds, all ready, none expiring.
fn queues() -> impl Strategy<Value = Vec<Waiting>> {
    let one = (0..3_usize, prop::sample::select(Priority::ALL.to_vec()));
    prop::collection::vec(one, 1..25).prop_map(|posts| {
        let posts = posts.into_iter().zip(1..);
        posts.map(|((feed, priority), id)| Waiting { priority, ..of(feed, id) }).collect()
    })
}

fn paces() -> impl Strategy<Value = Pace> {
    (0..90_i64, 1..8_u32, prop::bool::ANY, prop::bool::ANY, 0..20_i64).prop_map(
        |(gap, max_per_day, slots, quiet_nights, jitter)| Pace {
            min_gap: TimeDelta::minutes(gap),
            max_per_day,
            post_at: if slots {
                vec![slot("02:30"), slot("12:00"), slot("12:20")]
            } else {
                Vec::new()
            },
            quiet_hours: if quiet_nights { vec![quiet("22:00", "07:00")] } else { Vec::new() },
            jitter: crate::domain::pace::Jitter::new(TimeDelta::minutes(jitter), "main/twitter"),
            ..Pace::unpaced(Berlin)
        },
    )
}

proptest! {
    #[test]
    fn a_post_more_delays_no_post_of_higher_priority(
        pace in paces(),
        queue in queues(),
        (feed, low) in (0..3_usize, prop::bool::ANY),
    ) {
        let three = vec![FeedLimits::default(); 3];
        let now = at("2026-03-28T08:00");
        let times = |waiting: &[Waiting]| {
            let plan = plan(waiting, &Past::default(), with(&pace, &three), now, now + TimeDelta::days(90));
            plan.rows.into_iter().map(|row| (row.id, row.at)).collect::<std::collections::HashMap<_, _>>()
        };
        let priority = if low { Priority::Low } else { Priority::Normal };
        let mut more = queue.clone();
        more.push(Waiting { priority, ..of(feed, 100) });
        let (before, after) = (times(&queue), times(&more));
        prop_assert_eq!(before.len() + 1, after.len());
        for post in queue.iter().filter(|post| post.priority < priority) {
            prop_assert!(after[&post.id] <= before[&post.id], "{:?} is delayed", post);
        }
    }

    #[test]
    fn no_feed_starves(pace in paces(), posts in prop::collection::vec(0..5_usize, 5..40)) {
        let five = vec![FeedLimits::default(); 5];
        let waiting: Vec<_> = posts.iter().zip(1..).map(|(feed, id)| of(*feed, id)).collect();
        let now = at("2026-03-28T08:00");
        let plan = plan(&waiting, &Past::default(), with(&pace, &five), now, now + TimeDelta::days(90));
        prop_assert_eq!(plan.rows.len(), waiting.len());
        let order: Vec<usize> =
            plan.rows.iter().map(|row| waiting.iter().find(|post| post.id == row.id).expect("it waits").feed).collect();
        // Between two posts of a feed each other one that still waits is served.
        for (first, feed) in order.iter().enumerate() {
            let Some(next) = order[first + 1..].iter().position(|other| other == feed) else { continue };
            let second = first + 1 + next;
            for other in (0..5).filter(|other| other != feed) {
                let waits = order[second..].contains(&other);
                let served = order[first..second].contains(&other);
                prop_assert!(!waits || served, "feed {} is passed over", other);
            }
        }
    }
}

/// What a person put first or last goes so, across feeds and priorities; breaking news go before it.
#[test]
fn a_persons_order_goes_before_turns_and_priorities_but_not_before_breaking_news() {
    let put = |post: Waiting, place| Waiting { place, ..post };
    let posts = [
        put(of(0, 1), 1),
        of(0, 2),
        put(low(1, 3), -1),
        put(of(1, 4), -2),
        of(1, 5),
        low(2, 6),
        urgent(2, 7),
        put(urgent(2, 8), -1),
    ];
    let (pace, past) = (free(), Past::default());
    let feeds = [FeedLimits::default(), FeedLimits::default(), FeedLimits::default()];
    let limits = Limits { pace: &pace, budget: None, overall: None, group: None, feeds: &feeds };
    let now = at("2026-03-02T08:00");
    let rows = plan(&posts, &past, limits, now, now + TimeDelta::days(30)).rows;
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    assert_eq!(ids, [8, 7, 4, 3, 2, 5, 6, 1]);
    let first = decide(&posts[..6], &past, limits, now);
    assert!(matches!(first, Decision::Send { id: 4, .. }), "{first:?}");
}
