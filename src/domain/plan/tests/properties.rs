//! Random paces and queues, played forward one decision at a time.

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate, NaiveTime};
use chrono_tz::{Africa, America, Australia};
use proptest::prelude::*;

use super::*;
use crate::domain::pace::{Blackout, Ignores, Jitter, Sends, X_WINDOW};

/// A lane as the daemon sees it.
#[derive(Debug, Clone)]
struct World {
    pace: Pace,
    budget: Option<Budget>,
    overall: Option<Budget>,
    feeds: Vec<FeedLimits>,
    waiting: Vec<Waiting>,
    start: DateTime<Utc>,
}

/// One send of the simulation.
#[derive(Debug, Clone, Copy)]
struct Sent {
    post: Waiting,
    at: DateTime<Utc>,
    rule: Rule,
    without_link: bool,
}

impl Sent {
    fn cost(&self) -> Usd {
        self.post.linkless.filter(|_| self.without_link).unwrap_or(self.post.cost)
    }
}

const DAYS: i64 = 12;

impl World {
    fn limits(&self) -> Limits<'_> {
        Limits {
            pace: &self.pace,
            budget: self.budget,
            group: None,
            overall: self.overall,
            feeds: &self.feeds,
        }
    }

    fn until(&self) -> DateTime<Utc> {
        self.start + TimeDelta::days(DAYS)
    }

    /// What the store would tell at `now`.
    fn past(&self, sent: &[Sent], now: DateTime<Utc>) -> Past {
        let recent = now - TimeDelta::hours(48);
        let money = |budget: Option<Budget>, of: Option<usize>| {
            let since = budget.map_or(now, |budget| period_start(budget.zone, budget.per, now));
            let of = |one: &&Sent| one.at >= since && of.is_none_or(|feed| one.post.feed == feed);
            sent.iter().filter(of).map(Sent::cost).sum()
        };
        let of_feed = |(feed, limits): (usize, &FeedLimits)| {
            let own: Vec<(i64, DateTime<Utc>)> = (1..)
                .zip(sent)
                .filter(|(_, one)| one.post.feed == feed)
                .map(|(turn, one)| (turn, one.at))
                .collect();
            FeedPast {
                served: own.last().map(|(turn, _)| *turn),
                last_sent_at: own.last().map(|(_, at)| *at),
                sent: own.iter().map(|(_, at)| *at).filter(|at| *at > recent).collect(),
                spent: money(limits.budget, Some(feed)),
            }
        };
        Past {
            last_sent_at: sent.last().map(|sent| sent.at),
            sent: sent.iter().map(|sent| sent.at).filter(|at| *at > recent).collect(),
            spent: money(self.budget, None),
            spent_by_group: Usd::ZERO,
            spent_overall: money(self.overall, None),
            feeds: self.feeds.iter().enumerate().map(of_feed).collect(),
        }
    }

    /// Asks [`decide`] until the end, each time `late` after the wait's end.
    fn run(&self, late: TimeDelta) -> Result<Vec<Sent>, TestCaseError> {
        let mut sent: Vec<Sent> = Vec::new();
        let mut waiting = self.waiting.clone();
        let mut now = self.start;
        let mut waited_for = None;
        for _ in 0..5_000 {
            if now >= self.until() {
                return Ok(sent);
            }
            let before = self.past(&sent, now);
            let decision = decide(&waiting, &before, self.limits(), now);
            // The plan up to the first send: more would take long, and is compared once at the end.
            let until = match decision {
                Decision::Send { .. } => now + TimeDelta::seconds(1),
                Decision::Wait { until, .. } => {
                    std::cmp::min(until + TimeDelta::seconds(1), self.until())
                }
                Decision::Idle => self.until(),
            };
            let first = plan(&waiting, &before, self.limits(), now, until);
            match decision {
                Decision::Send { id, due, rule, without_link } => {
                    let place = waiting.iter().position(|post| post.id == id);
                    let place = place.expect("the post waits");
                    let post = waiting.swap_remove(place);
                    prop_assert!(due <= now);
                    let row = first.rows.first().expect("a first row");
                    prop_assert_eq!(
                        (row.id, row.at, row.rule, row.without_link),
                        (id, now, rule, without_link)
                    );
                    self.check(post, &waiting, &before, now)?;
                    let rule = waited_for.take().unwrap_or(rule);
                    sent.push(Sent { post, at: now, rule, without_link });
                }
                Decision::Wait { until, rule, id } => {
                    prop_assert!(until > now);
                    if until < self.until() {
                        let row = first.rows.first().expect("a first row");
                        prop_assert_eq!((row.id, row.at, row.rule), (id, until, rule));
                    } else {
                        prop_assert!(first.rows.is_empty());
                    }
                    waited_for = Some(rule);
                    now = until + late;
                }
                Decision::Idle => {
                    prop_assert!(first.rows.is_empty());
                    return Ok(sent);
                }
            }
        }
        Err(TestCaseError::fail("it does not end"))
    }

    /// Whether either rule is right: a feed's own cap and the money may hold a post until the same
    /// instant, and which of them is found first depends on what was sent before.
    fn may_name_either(&self, post: Waiting, one: Rule, other: Rule) -> bool {
        let is_money = |rule| matches!(rule, Rule::Budget(_) | Rule::Reserve(..));
        let is_capped = self.feeds.get(post.feed).is_some_and(|limits| limits.caps.is_some());
        is_capped && is_money(one) != is_money(other)
    }

    /// What must hold of one send, seen from the queue it was taken from.
    fn check(
        &self,
        post: Waiting,
        others: &[Waiting],
        before: &Past,
        now: DateTime<Utc>,
    ) -> Result<(), TestCaseError> {
        prop_assert!(post.not_before <= now);
        prop_assert!(post.expires_at.is_none_or(|expires| expires > now));
        let purses = |feed: usize| {
            let own = self.feeds.get(feed).and_then(|limits| limits.budget);
            let own_spent = before.feeds.get(feed).map_or(Usd::ZERO, |past| past.spent);
            [(self.budget, before.spent), (self.overall, before.spent_overall), (own, own_spent)]
                .into_iter()
                .filter_map(move |(budget, spent)| Some(Purse::new(budget?, spent, now)))
                .collect::<Vec<_>>()
        };
        let lane = Sends::new(before.last_sent_at, before.sent.clone());
        let sendable = |other: &&Waiting| {
            if other.expires_at.is_some_and(|expires| expires <= now) {
                return false;
            }
            if other.send_now {
                return std::cmp::max(other.not_before, other.queued_at) <= now;
            }
            let pace = self.pace_of(other);
            let ready = std::cmp::max(other.not_before, other.queued_at);
            let delay = if pace.post_at.is_empty() && other.priority != Priority::Breaking {
                pace.jitter.most()
            } else {
                TimeDelta::zero()
            };
            let ready_by = slot_of(&pace, now).unwrap_or(now);
            let open = pace.opening(&lane, now, now + TimeDelta::seconds(1), &mut |_, _| {});
            let feed = &before.feeds[other.feed];
            let sends = Sends::new(feed.last_sent_at, feed.sent.clone());
            let caps = self.feeds[other.feed].caps.clone().map(|caps| Pace {
                min_gap: if other.priority == Priority::Breaking
                    && self.pace.breaking_ignores.min_gap
                {
                    TimeDelta::zero()
                } else {
                    caps.min_gap
                },
                ..caps
            });
            ready + delay <= ready_by
                && open.is_ok_and(|opening| opening.at == now)
                && matches!(
                    pay(other, purses(other.feed).iter(), now),
                    Pay::Full | Pay::WithoutLink(_)
                )
                && caps.is_none_or(|caps| matches!(caps.hold(&sends, now), Ok(None)))
        };
        // What a person released is in no feed's turn.
        let key = |post: &Waiting| {
            let served = before.feeds[post.feed].served.filter(|_| !post.send_now);
            let newest = self.feeds[post.feed].newest_first;
            let rank = if newest { -post.id } else { post.id };
            (!post.send_now, post.priority, served, rank)
        };
        let passed_over = others.iter().filter(sendable).find(|other| key(other) < key(&post));
        prop_assert!(passed_over.is_none(), "{:?} before {:?}", post, passed_over);
        Ok(())
    }

    /// The pace by which a post goes.
    fn pace_of(&self, post: &Waiting) -> Pace {
        let own = self.feeds[post.feed].pace.as_ref().unwrap_or(&self.pace);
        match (post.send_now, post.priority) {
            (true, _) => Pace::unpaced(self.pace.zone),
            (false, Priority::Breaking) => own.for_breaking(),
            (false, Priority::Normal | Priority::Low) => own.clone(),
        }
    }

    /// What must hold of all sends together.
    fn check_all(&self, sent: &[Sent]) -> Result<(), TestCaseError> {
        let mut slots = BTreeSet::new();
        for (index, one) in sent.iter().enumerate() {
            let before = &sent[..index];
            self.check_money(one, before)?;
            if one.post.send_now {
                continue;
            }
            self.check_hours(one)?;
            let pace = self.pace_of(&one.post);
            check_counts(&pace, one, &before.iter().collect::<Vec<_>>())?;
            if let Some(caps) = &self.feeds[one.post.feed].caps {
                let own: Vec<&Sent> =
                    before.iter().filter(|other| other.post.feed == one.post.feed).collect();
                let passes_gap =
                    one.post.priority == Priority::Breaking && self.pace.breaking_ignores.min_gap;
                let min_gap = if passes_gap { TimeDelta::zero() } else { caps.min_gap };
                check_counts(&Pace { min_gap, ..caps.clone() }, one, &own)?;
            }
            if !pace.post_at.is_empty() {
                let slot = slot_of(&pace, one.at);
                prop_assert!(slot.is_some(), "{} has no slot", one.at);
                // A feed with slots of its own may share an instant with the lane's.
                if self.feeds.iter().all(|feed| feed.pace.is_none()) {
                    prop_assert!(slots.insert(slot), "two posts in {:?}", slot);
                }
            }
        }
        for window in sent.windows(101) {
            prop_assert!(window[100].at - window[0].at >= X_WINDOW);
        }
        Ok(())
    }

    /// Neither in quiet hours nor on a blackout day.
    fn check_hours(&self, one: &Sent) -> Result<(), TestCaseError> {
        let local = one.at.with_timezone(&self.pace.zone);
        let (day, time) = (local.date_naive(), local.time());
        let pace = self.pace_of(&one.post);
        for span in &pace.quiet_hours {
            let quiet = if span.from < span.until {
                span.from <= time && time < span.until
            } else {
                !(span.until <= time && time < span.from)
            };
            prop_assert!(!quiet, "{} lies in {:?}", time, span);
        }
        for span in &pace.blackout {
            prop_assert!(day < span.from || span.to < day, "{} lies in {:?}", day, span);
        }
        Ok(())
    }

    /// No budget is overdrawn, whosever it is.
    fn check_money(&self, one: &Sent, before: &[Sent]) -> Result<(), TestCaseError> {
        if one.post.send_now || one.cost() == Usd::ZERO {
            return Ok(());
        }
        let own = self.feeds[one.post.feed].budget;
        for budget in [self.budget, self.overall, own].into_iter().flatten() {
            let since = period_start(budget.zone, budget.per, one.at);
            let counts = |other: &&Sent| {
                other.at >= since
                    && (budget.whose != Whose::Feed || other.post.feed == one.post.feed)
            };
            let spent: Usd = before.iter().filter(counts).map(Sent::cost).sum();
            prop_assert!(spent.plus(one.cost()) <= budget.usd);
            if budget.when_spent == WhenSpent::LowPriorityFirst {
                let share = match one.post.priority {
                    Priority::Breaking => 100,
                    Priority::Normal => 95,
                    Priority::Low => 80,
                };
                prop_assert!(spent.micros() * 100 < budget.usd.micros() * share);
            }
        }
        Ok(())
    }
}

/// The slot that a send used, by looking at all of the two days before.
fn slot_of(pace: &Pace, sent: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if pace.post_at.is_empty() {
        return None;
    }
    let first = pace.next_slot(sent - SLOT_GRACE - TimeDelta::seconds(1));
    std::iter::successors(first, |slot| pace.next_slot(*slot))
        .take_while(|slot| *slot <= sent)
        .last()
}

/// Not closer than the gap, not above a cap.
fn check_counts(pace: &Pace, one: &Sent, before: &[&Sent]) -> Result<(), TestCaseError> {
    let close = before.iter().find(|other| one.at - other.at < pace.min_gap);
    prop_assert!(close.is_none(), "{:?} is too close to {:?}", one, close);
    let day = |at: DateTime<Utc>| at.with_timezone(&pace.zone).date_naive();
    let count = |posts: usize| u32::try_from(posts).unwrap_or(u32::MAX);
    let today = before.iter().filter(|other| day(other.at) == day(one.at)).count();
    prop_assert!(count(today) < pace.max_per_day);
    if let Some(most) = pace.max_per_hour {
        let hour = before.iter().filter(|other| one.at - other.at < TimeDelta::hours(1)).count();
        prop_assert!(count(hour) < most);
    }
    Ok(())
}

fn clock(minutes: u32) -> NaiveTime {
    NaiveTime::from_num_seconds_from_midnight_opt(minutes % 1440 * 60, 0).expect("a time")
}

fn lines() -> impl Strategy<Value = PostAt> {
    let cron = prop::sample::select(vec![
        "*/20 * * * *",
        "15 2,12 * * *",
        "0 9-17 * * MON-FRI",
        "* 1-3 * * *",
        "0 8 1 * *",
        "*/7 * * * * *",
    ]);
    prop_oneof![
        3 => (1..128_u8, 0..1440_u32).prop_map(|(mask, minutes)| PostAt::Slot {
            days: DAILY.into_iter().enumerate()
                .filter(|(bit, _)| mask >> bit & 1 == 1)
                .map(|(_, day)| day)
                .collect(),
            time: clock(minutes),
        }),
        1 => cron.prop_map(|text| {
            let parser = croner::parser::CronParser::builder()
                .seconds(croner::parser::Seconds::Optional)
                .build();
            PostAt::Cron(Box::new(parser.parse(text).expect("a cron expression")))
        }),
    ]
}

fn paces() -> impl Strategy<Value = Pace> {
    (
        prop::sample::select(vec![
            Berlin,
            America::New_York,
            Australia::Lord_Howe,
            Africa::Casablanca,
            America::Havana,
            Tz::UTC,
        ]),
        prop::collection::vec(lines(), 0..4),
        prop::sample::select(vec![0, 0, 1, 20, 45, 300, 2_000]),
        prop::sample::select(vec![0, 1, 2, 5, 50, 500]),
        prop::collection::vec((0..1440_u32, 1..1300_u32), 0..3),
        (
            prop::option::weighted(0.3, 1..4_u32),
            prop::collection::vec((0..9_u64, 0..3_u64), 0..2),
            prop::sample::select(vec![0, 0, 0, 5, 25]),
            (prop::bool::ANY, prop::bool::ANY, prop::bool::weighted(0.2)),
        ),
    )
        .prop_map(|(zone, post_at, gap, max_per_day, quiet, more)| Pace {
            max_per_hour: more.0,
            // Days from the first of the month on; moved to the start by `worlds`.
            blackout: more
                .1
                .into_iter()
                .map(|(from, length)| {
                    let from = NaiveDate::default() + Days::new(from);
                    Blackout { from, to: from + Days::new(length) }
                })
                .collect(),
            jitter: Jitter::new(TimeDelta::minutes(more.2), "main/twitter"),
            breaking_ignores: Ignores { slots: more.3.0, min_gap: more.3.1, quiet_hours: more.3.2 },
            post_at,
            min_gap: TimeDelta::minutes(gap),
            max_per_day,
            quiet_hours: quiet
                .into_iter()
                .map(|(from, length)| QuietHours { from: clock(from), until: clock(from + length) })
                .collect(),
            ..Pace::unpaced(zone)
        })
}

fn budgets(whose: Whose, weight: f64) -> impl Strategy<Value = Option<Budget>> {
    let some = (
        prop::sample::select(vec![0, 10_000, 100_000, 400_000, 5_000_000]),
        prop::bool::ANY,
        prop::sample::select(vec![
            WhenSpent::Hold,
            WhenSpent::DropLink,
            WhenSpent::Digest,
            WhenSpent::LowPriorityFirst,
        ]),
        prop::sample::select(vec![Berlin, Tz::UTC, America::New_York]),
    );
    prop::option::weighted(
        weight,
        some.prop_map(move |(micros, monthly, when_spent, zone)| {
            let per = if monthly { Period::Month } else { Period::Day };
            Budget { zone, when_spent, whose, ..budget(micros, per) }
        }),
    )
}

const FEEDS: usize = 4;

/// What each feed may do: mostly all that its lane does.
fn feeds(lane: Pace) -> impl Strategy<Value = Vec<FeedLimits>> {
    let feed = (
        prop::option::weighted(0.15, (prop::collection::vec(lines(), 0..3), 0..1440_u32)),
        prop::option::weighted(
            0.3,
            (
                prop::sample::select(vec![0, 30, 600]),
                prop::option::of(1..3_u32),
                prop::option::of(1..5_u32),
            ),
        ),
        prop::bool::weighted(0.2),
        budgets(Whose::Feed, 0.15),
    );
    let feed = feed.prop_map(move |(pace, caps, newest_first, budget)| FeedLimits {
        pace: pace.map(|(post_at, from)| Pace {
            post_at,
            quiet_hours: vec![QuietHours { from: clock(from), until: clock(from + 300) }],
            ..lane.clone()
        }),
        caps: caps.map(|(gap, max_per_hour, max_per_day)| Pace {
            min_gap: TimeDelta::minutes(gap),
            max_per_hour,
            max_per_day: max_per_day.unwrap_or(u32::MAX),
            ..Pace::unpaced(lane.zone)
        }),
        newest_first,
        budget,
    });
    prop::collection::vec(feed, FEEDS)
}

/// A post, in minutes around the start.
fn posts(start: DateTime<Utc>) -> impl Strategy<Value = Waiting> {
    (
        prop::sample::select(Priority::ALL.to_vec()),
        0..3_000_i64,
        prop::option::weighted(0.3, -2_000..15_000_i64),
        prop::option::weighted(0.3, -100..10_000_i64),
        prop::bool::weighted(0.05),
        prop::sample::select(vec![0, 15_000, 15_000, 200_000]),
        0..FEEDS,
    )
        .prop_map(move |(priority, age, not_before, expires, send_now, cost, feed)| {
            let queued_at = start - TimeDelta::minutes(age);
            Waiting {
                id: 0,
                feed,
                priority,
                place: 0,
                queued_at,
                not_before: not_before
                    .map_or(queued_at, |minutes| start + TimeDelta::minutes(minutes)),
                expires_at: expires.map(|minutes| start + TimeDelta::minutes(minutes)),
                send_now,
                cost: Usd::from_micros(cost),
                linkless: (cost == 200_000 && age % 2 == 0).then(|| Usd::from_micros(15_000)),
            }
        })
}

fn worlds(count: usize) -> impl Strategy<Value = World> {
    let starts = (
        prop::sample::select(vec![
            "2026-03-25T08:00",
            "2026-10-24T20:00",
            "2026-03-07T20:00",
            "2026-10-31T20:00",
            "2026-04-04T02:00",
            "2026-02-13T06:00",
            "2028-02-27T12:00",
            "2026-12-30T12:00",
        ]),
        0..2_880_i64,
    )
        .prop_map(|(text, minutes)| at(text) + TimeDelta::minutes(minutes));
    starts.prop_flat_map(move |start| {
        let first = start.date_naive();
        let paces = paces().prop_map(move |pace| {
            let move_to = |day: NaiveDate| first + (day - NaiveDate::default());
            let moved = pace.blackout.iter();
            let moved =
                moved.map(|span| Blackout { from: move_to(span.from), to: move_to(span.to) });
            Pace { blackout: moved.collect(), ..pace }
        });
        let with_feeds = paces.prop_flat_map(|pace| (Just(pace.clone()), feeds(pace)));
        let budgets = (budgets(Whose::Profile, 0.5), budgets(Whose::All, 0.2));
        let waiting = prop::collection::vec(posts(start), 1..count);
        (with_feeds, budgets, waiting).prop_map(move |((pace, feeds), budgets, waiting)| World {
            budget: budgets.0.map(|budget| Budget { zone: pace.zone, ..budget }),
            overall: budgets.1,
            feeds,
            pace,
            waiting: waiting
                .into_iter()
                .zip(1..)
                .map(|(post, id)| Waiting { id, ..post })
                .collect(),
            start,
        })
    })
}

proptest! {
    #[test]
    fn all_promises_hold_and_the_plan_comes_true(world in worlds(30)) {
        let sent = world.run(TimeDelta::zero())?;
        world.check_all(&sent)?;
        let plan = plan(&world.waiting, &Past::default(), world.limits(), world.start, world.until());
        let planned: Vec<_> = plan.rows.iter().map(|row| (row.id, row.at)).collect();
        let simulated: Vec<_> = sent.iter().map(|sent| (sent.post.id, sent.at)).collect();
        prop_assert_eq!(planned, simulated);
        for (row, sent) in plan.rows.iter().zip(&sent) {
            prop_assert!(
                row.rule == sent.rule || world.may_name_either(sent.post, row.rule, sent.rule),
                "post {}: {:?} and {:?}", row.id, row.rule, sent.rule
            );
        }
        prop_assert_eq!(plan.rows.len() + plan.left.len(), world.waiting.len());
    }

    #[test]
    fn all_promises_hold_when_the_daemon_wakes_late(world in worlds(20), late in 1..5_000_i64) {
        let sent = world.run(TimeDelta::seconds(late))?;
        world.check_all(&sent)?;
    }
}

proptest! {
    #[test]
    fn a_jumping_clock_overfills_no_day_and_no_slot(
        world in worlds(40),
        jumps in prop::collection::vec(
            prop_oneof![Just(0_i64), -90..90_i64, -5_000..5_000_i64],
            1..80,
        ),
    ) {
        let zone = world.pace.zone;
        let mut sent: Vec<Sent> = Vec::new();
        let mut waiting = world.waiting.clone();
        let mut slots = BTreeSet::new();
        let mut now = world.start;
        for jump in jumps {
            let before = world.past(&sent, now);
            match decide(&waiting, &before, world.limits(), now) {
                Decision::Send { id, rule, without_link, .. } => {
                    let place = waiting.iter().position(|post| post.id == id);
                    let post = waiting.swap_remove(place.expect("the post waits"));
                    let day = next_day_start(zone, now);
                    let today = sent.iter().filter(|sent| next_day_start(zone, sent.at) == day);
                    if !post.send_now {
                        let today = u32::try_from(today.count()).expect("a small number");
                        prop_assert!(today < world.pace.max_per_day);
                        let pace = world.pace_of(&post);
                        let slot = slot_of(&pace, now);
                        let alone = world.feeds.iter().all(|feed| feed.pace.is_none());
                        let new = slot.is_none() || slots.insert(slot);
                        prop_assert!(new || !alone, "two in {:?}", slot);
                    }
                    sent.push(Sent { post, at: now, rule, without_link });
                }
                Decision::Wait { until, .. } => {
                    prop_assert!(until > now);
                    if until - now > TimeDelta::days(DAYS) {
                        break;
                    }
                    now = until;
                }
                Decision::Idle => {}
            }
            now += TimeDelta::minutes(jump);
        }
    }

    #[test]
    fn a_step_back_delays_a_post_by_two_gaps_at_most(
        gap in 0..600_i64,
        ahead in 0..1_000_000_i64,
        quarter in 0..4_i64,
    ) {
        let pace = gapped(gap);
        let now = at("2026-03-02T08:00") + TimeDelta::minutes(quarter * 15);
        let last = now + TimeDelta::minutes(ahead);
        let before = Past { last_sent_at: Some(last), sent: vec![last], ..Past::default() };
        match decide(&[post(1)], &before, limits(&pace), now) {
            Decision::Send { id, .. } => prop_assert_eq!(id, 1),
            Decision::Wait { until, .. } => prop_assert!(until - now <= pace.min_gap * 2),
            Decision::Idle => prop_assert!(false, "there is a post"),
        }
    }
}

#[test]
fn a_burst_keeps_below_the_ceiling_of_x() {
    let world = World {
        pace: Pace { max_per_day: 1_000, ..free() },
        budget: None,
        overall: None,
        feeds: vec![FeedLimits::default()],
        waiting: (1..=350).map(post).collect(),
        start: at("2026-03-02T08:00"),
    };
    let sent = world.run(TimeDelta::zero()).expect("all goes well");
    world.check_all(&sent).expect("all promises hold");
    let times: BTreeSet<_> = sent.iter().map(|sent| sent.at).collect();
    assert_eq!(sent.len(), 350);
    assert_eq!(times.len(), 4);
}
