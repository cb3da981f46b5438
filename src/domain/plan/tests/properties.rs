//! Random paces and queues, played forward one decision at a time.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate, NaiveTime};
use chrono_tz::{Africa, America, Australia};
use proptest::prelude::*;

use super::*;
use crate::domain::pace::X_WINDOW;

/// A lane as the daemon sees it.
#[derive(Debug, Clone)]
struct World {
    pace: Pace,
    budget: Option<Budget>,
    waiting: Vec<Waiting>,
    start: DateTime<Utc>,
}

/// One send of the simulation.
#[derive(Debug, Clone, Copy)]
struct Sent {
    post: Waiting,
    at: DateTime<Utc>,
    rule: Rule,
}

const DAYS: i64 = 12;

impl World {
    fn limits(&self) -> Limits<'_> {
        Limits { pace: &self.pace, budget: self.budget }
    }

    fn until(&self) -> DateTime<Utc> {
        self.start + TimeDelta::days(DAYS)
    }

    /// What the store would tell at `now`.
    fn past(&self, sent: &[Sent], now: DateTime<Utc>) -> Past {
        let recent = now - TimeDelta::hours(48);
        let since = self.budget.map_or(now, |budget| period_start(self.pace.zone, budget.per, now));
        Past {
            last_sent_at: sent.last().map(|sent| sent.at),
            sent: sent.iter().map(|sent| sent.at).filter(|at| *at > recent).collect(),
            spent: sent.iter().filter(|sent| sent.at >= since).map(|sent| sent.post.cost).sum(),
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
                Decision::Send { id, due, rule } => {
                    let place = waiting.iter().position(|post| post.id == id);
                    let place = place.expect("the post waits");
                    let post = waiting.swap_remove(place);
                    prop_assert!(due <= now);
                    let row = first.rows.first().expect("a first row");
                    prop_assert_eq!((row.id, row.at, row.rule), (id, now, rule));
                    self.check(post, &waiting, &before, now)?;
                    let rule = waited_for.take().unwrap_or(rule);
                    sent.push(Sent { post, at: now, rule });
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
        let ready_by = self.slot_of(now).filter(|_| !post.send_now).unwrap_or(now);
        let affordable = |other: &Waiting| {
            other.send_now
                || other.cost == Usd::ZERO
                || self.budget.is_none_or(|budget| before.spent.plus(other.cost) <= budget.usd)
        };
        let key = |post: &Waiting| (!post.send_now, post.priority, post.id);
        let passed_over = others.iter().find(|other| {
            let ready = std::cmp::max(other.not_before, other.queued_at);
            ready <= ready_by
                && other.expires_at.is_none_or(|expires| expires > now)
                && affordable(other)
                && key(other) < key(&post)
        });
        prop_assert!(passed_over.is_none(), "{:?} before {:?}", post, passed_over);
        Ok(())
    }

    /// The slot that a send used, by looking at all of the two days before.
    fn slot_of(&self, sent: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.pace.post_at.is_empty() {
            return None;
        }
        let first = self.pace.next_slot(sent - SLOT_GRACE - TimeDelta::seconds(1));
        std::iter::successors(first, |slot| self.pace.next_slot(*slot))
            .take_while(|slot| *slot <= sent)
            .last()
    }

    /// What must hold of all sends together.
    fn check_all(&self, sent: &[Sent]) -> Result<(), TestCaseError> {
        let zone = self.pace.zone;
        let paced: Vec<&Sent> = sent.iter().filter(|sent| !sent.post.send_now).collect();
        let mut by_day: BTreeMap<NaiveDate, u32> = BTreeMap::new();
        let mut paid: BTreeMap<NaiveDate, Usd> = BTreeMap::new();
        let mut slots = BTreeSet::new();
        for one in sent {
            let date = one.at.with_timezone(&zone).date_naive();
            let posts = by_day.entry(date).or_default();
            *posts += 1;
            let period = match self.budget.map(|budget| budget.per) {
                Some(Period::Month) => date.with_day(1).expect("a first day"),
                Some(Period::Day) | None => date,
            };
            let money = paid.entry(period).or_default();
            *money = money.plus(one.post.cost);
            if one.post.send_now {
                continue;
            }
            let time = one.at.with_timezone(&zone).time();
            for span in &self.pace.quiet_hours {
                let quiet = if span.from < span.until {
                    span.from <= time && time < span.until
                } else {
                    !(span.until <= time && time < span.from)
                };
                prop_assert!(!quiet, "{} lies in {:?}", time, span);
            }
            prop_assert!(*posts <= self.pace.max_per_day);
            if let Some(budget) = self.budget {
                prop_assert!(one.post.cost == Usd::ZERO || *money <= budget.usd);
            }
            if !self.pace.post_at.is_empty() {
                let slot = self.slot_of(one.at);
                prop_assert!(slot.is_some(), "{} has no slot", one.at);
                prop_assert!(slots.insert(slot), "two posts in {:?}", slot);
            }
        }
        for one in &paced {
            let before =
                sent.iter().filter(|other| other.at <= one.at && other.post.id != one.post.id);
            let close = before
                .filter(|other| one.at - other.at < self.pace.min_gap)
                .find(|other| !other.post.send_now);
            prop_assert!(close.is_none(), "{:?} is too close to {:?}", one, close);
        }
        for window in sent.windows(101) {
            prop_assert!(window[100].at - window[0].at >= X_WINDOW);
        }
        Ok(())
    }
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
    )
        .prop_map(|(zone, post_at, gap, max_per_day, quiet)| Pace {
            zone,
            post_at,
            min_gap: TimeDelta::minutes(gap),
            max_per_day,
            quiet_hours: quiet
                .into_iter()
                .map(|(from, length)| QuietHours { from: clock(from), until: clock(from + length) })
                .collect(),
        })
}

fn budgets() -> impl Strategy<Value = Option<Budget>> {
    let some =
        (prop::sample::select(vec![0, 10_000, 100_000, 400_000, 5_000_000]), prop::bool::ANY);
    prop::option::of(some.prop_map(|(micros, monthly)| {
        budget(micros, if monthly { Period::Month } else { Period::Day })
    }))
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
    )
        .prop_map(move |(priority, age, not_before, expires, send_now, cost)| {
            let queued_at = start - TimeDelta::minutes(age);
            Waiting {
                id: 0,
                priority,
                queued_at,
                not_before: not_before
                    .map_or(queued_at, |minutes| start + TimeDelta::minutes(minutes)),
                expires_at: expires.map(|minutes| start + TimeDelta::minutes(minutes)),
                send_now,
                cost: Usd::from_micros(cost),
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
        let waiting = prop::collection::vec(posts(start), 1..count);
        (paces(), budgets(), waiting).prop_map(move |(pace, budget, waiting)| World {
            pace,
            budget,
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
        let planned: Vec<_> = plan.rows.iter().map(|row| (row.id, row.at, row.rule)).collect();
        let simulated: Vec<_> = sent.iter().map(|sent| (sent.post.id, sent.at, sent.rule)).collect();
        prop_assert_eq!(planned, simulated);
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
                Decision::Send { id, rule, .. } => {
                    let place = waiting.iter().position(|post| post.id == id);
                    let post = waiting.swap_remove(place.expect("the post waits"));
                    let day = next_day_start(zone, now);
                    let today = sent.iter().filter(|sent| next_day_start(zone, sent.at) == day);
                    if !post.send_now {
                        let today = u32::try_from(today.count()).expect("a small number");
                        prop_assert!(today < world.pace.max_per_day);
                        let slot = world.slot_of(now);
                        prop_assert!(slot.is_none() || slots.insert(slot), "two in {:?}", slot);
                    }
                    sent.push(Sent { post, at: now, rule });
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
        let before = Past { last_sent_at: Some(last), sent: vec![last], spent: Usd::ZERO };
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
        waiting: (1..=350).map(post).collect(),
        start: at("2026-03-02T08:00"),
    };
    let sent = world.run(TimeDelta::zero()).expect("all goes well");
    world.check_all(&sent).expect("all promises hold");
    let times: BTreeSet<_> = sent.iter().map(|sent| sent.at).collect();
    assert_eq!(sent.len(), 350);
    assert_eq!(times.len(), 4);
}
