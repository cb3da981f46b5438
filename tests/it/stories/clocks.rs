//! A clock that is set forward or back, a machine that slept, a zone that changes its rules of the
//! day: no flood, nothing early, no lane that stands still.

use chrono::{DateTime, TimeDelta, Timelike as _, Utc};
use chrono_tz::Europe::Berlin;

use crate::world::{World, blog};

/// One post every two hours, on the hour.
const EVEN_HOURS: &str = r#"
[[profile]]
name = "main"
platforms = ["twitter"]
time_zone = "Europe/Berlin"
post_at = ["00:00", "02:00", "04:00", "06:00", "08:00", "10:00", "12:00", "14:00", "16:00", "18:00", "20:00", "22:00"]
min_gap = "30m"
max_per_day = 12

[[feed]]
name = "blog"
url = "SITE/blog"
first_run = "all"
hold_above = 100
"#;

/// What the loops do at the latest each minute, while the clock runs.
async fn hours(world: &World, hours: i64) {
    for _ in 0..hours * 6 {
        world.pass(TimeDelta::minutes(10));
        tick(world).await;
    }
}

async fn tick(world: &World) {
    world.poll().await;
    world.publish().await;
    world.reconcile().await;
}

fn times(world: &World) -> Vec<DateTime<Utc>> {
    world.requests().iter().map(|seen| seen.at).collect()
}

#[tokio::test]
async fn a_clock_that_jumps_floods_nothing_posts_nothing_early_and_stops_no_lane() {
    let jumps = [
        TimeDelta::hours(1),
        TimeDelta::hours(-1),
        TimeDelta::days(1),
        TimeDelta::days(-1),
        // A suspend: the wall clock goes on without us.
        TimeDelta::hours(8),
        // A leap second that is taken back.
        TimeDelta::seconds(-1),
    ];
    for jump in jumps {
        let world = World::open(EVEN_HOURS).await;
        world.offers("/blog", blog(1..=60));
        hours(&world, 9).await;
        let before = times(&world);
        assert!((4..=5).contains(&before.len()), "{jump}: {before:?}");
        world.pass(jump);
        let from = world.now();
        tick(&world).await;
        hours(&world, 2).await;
        let at_once = times(&world).len() - before.len();
        assert!(at_once <= 2, "{jump}: {at_once} posts within two hours: a flood");
        hours(&world, 30).await;
        let all = times(&world);
        let after: Vec<_> = all.iter().skip(before.len()).copied().collect();
        for at in &after {
            let even = at.with_timezone(&Berlin).hour().is_multiple_of(2) && at.minute() < 10;
            assert!(even, "{jump} at {from}: off its slot, {at}: {after:?}");
        }
        for pair in after.windows(2) {
            if let [one, two] = pair {
                assert!(*two - *one >= TimeDelta::minutes(110), "{jump}: {one} and {two}");
            }
        }
        // A step back shows hours a second time; what was posted in them stays posted.
        let waits = std::cmp::max(-jump, TimeDelta::zero()) + TimeDelta::hours(3);
        let first = after.first().copied().expect("the lane goes on");
        assert!(first - from <= waits, "{jump}: the lane stood still until {first}");
        assert!(after.len() >= 3, "{jump}: {} posts in 32 hours", after.len());
        world.assert_agrees().await;
    }
}

#[tokio::test]
async fn a_zone_that_moves_under_the_queue_posts_at_the_new_local_times() {
    let mut world = World::open(EVEN_HOURS).await;
    world.offers("/blog", blog(1..=40));
    hours(&world, 5).await;
    let before = times(&world).len();
    // Half an hour off every other zone: its even hours are our half hours.
    world.rewrite("Europe/Berlin", "Asia/Kolkata");
    world.restart().await;
    hours(&world, 24).await;
    let after: Vec<_> = times(&world).into_iter().skip(before).collect();
    assert!((11..=12).contains(&after.len()), "{after:?}");
    for at in &after {
        assert!((30..40).contains(&at.minute()), "not on the new hour: {at}");
    }
    world.assert_agrees().await;
}
