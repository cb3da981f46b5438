//! A quarter of a year with twenty feeds and three profiles, through both changes of summer time:
//! what the plan says beforehand is what the sandbox's books say afterwards, to the second and to the
//! cent.

use std::collections::HashMap;
use std::fmt::Write as _;
use tidings::domain::breaker::Scope;

use chrono::{DateTime, TimeDelta, Utc};
use tidings::daemon::outlook::Outlook;
use tidings::domain::breaker::{Cause, Lane};
use tidings::domain::cost::Usd;
use tidings::domain::post::State;

use crate::world::{Item, Setup, World, rss};

const FEEDS: usize = 20;
const WEEKS: i32 = 13;
/// What X bills for a post with a link and for one without, in millionths of a dollar.
const PRICES: (i64, i64) = (200_000, 15_000);

fn begin() -> DateTime<Utc> {
    "2027-01-04T05:00:00Z".parse().expect("an instant")
}

/// Three clients: one at fixed times, one whenever it may within a budget, one by cron that drops
/// what is stale. Each feed belongs to one of them.
fn config() -> String {
    let mut text = r#"
[[profile]]
name = "berlin"
platforms = ["twitter"]
time_zone = "Europe/Berlin"
post_at = ["Mon-Fri 08:30", "Mon-Fri 12:00", "daily 02:30", "Sat 10:00"]

[[profile]]
name = "new york"
platforms = ["twitter", "linkedin"]
profile_key = { env = "CLIENT_PROFILE_KEY" }
x_api_key = { env = "CLIENT_X_API_KEY" }
x_api_secret = { env = "CLIENT_X_API_SECRET" }
time_zone = "America/New_York"
min_gap = "3h"
max_per_day = 3
quiet_hours = ["21:00-07:00"]
budget = { usd = 5.0, per = "month" }

[[profile]]
name = "lord howe"
platforms = ["bluesky"]
time_zone = "Australia/Lord_Howe"
post_at = ["15 9 * * 1,3,5", "45 17 * * *"]
min_gap = "1h"

[defaults.feed]
interval = "1d"
first_run = "all"
"#
    .to_owned();
    for feed in 0..FEEDS {
        let (profile, more) = match feed % 3 {
            0 => ("berlin", ""),
            1 => ("new york", "expire_after = \"20d\""),
            _ => ("lord howe", "expire_after = \"5d\""),
        };
        let feed = format!(
            "[[feed]]\nname = \"feed-{feed}\"\nurl = \"SITE/{feed}\"\nprofiles = [\"{profile}\"]\n{more}\n"
        );
        text.push_str(&feed);
    }
    text
}

/// The items that a feed shows in a week: two new ones, and those of the two weeks before. Every
/// fifth feed has items without a link.
fn items(feed: usize, week: i32) -> Vec<Item> {
    let ages = (std::cmp::max(week - 2, 0)..=week).rev();
    ages.flat_map(|week| [(week, 1), (week, 0)])
        .map(|(week, nth)| Item {
            guid: Some(format!("{feed}-{week}-{nth}")),
            title: format!("Feed {feed}, week {week}, story {nth}"),
            link: (feed % 5 != 4).then(|| format!("https://feed-{feed}.example.com/{week}/{nth}")),
            at: Some(begin() + TimeDelta::weeks(week.into()) - TimeDelta::hours(1)),
        })
        .collect()
}

/// One row of a plan or of the books.
type Sent = (DateTime<Utc>, String, i64);

/// What goes out before an instant, by the plan as it stands now: when, where, which post.
async fn planned(world: &World, until: DateTime<Utc>) -> (Vec<Sent>, Usd) {
    let outlook = Outlook { store: world.store(), config: &world.daemon.config };
    let mut sent = Vec::new();
    let mut cost = 0;
    for lane in world.daemon.config.lanes() {
        let plan = outlook.plan_of(&lane, world.now(), until).await.expect("a plan");
        for row in plan.rows.iter().filter(|row| row.at < until) {
            cost += row.cost.micros();
            sent.push((row.at, lane.to_string(), row.id));
        }
    }
    sent.sort();
    (sent, Usd::from_micros(cost))
}

/// What went out since an instant, by the sandbox's books.
async fn published(world: &World, since: DateTime<Utc>) -> (Vec<Sent>, Usd) {
    let posts = world.posts().await;
    let by_uuid: HashMap<&str, (&Lane, i64)> =
        posts.iter().map(|post| (post.uuid.as_str(), (&post.lane, post.id))).collect();
    let mut cost = 0;
    let mut sent: Vec<Sent> = world
        .published()
        .into_iter()
        .filter(|it| it.at >= since)
        .map(|it| {
            let notes = it.notes.expect("a reference");
            let uuid = notes.split(':').nth(1).expect("a uuid").to_owned();
            let (lane, id) = by_uuid.get(uuid.as_str()).expect("a post of ours");
            assert_eq!(lane.platform, it.platform);
            if it.platform == "twitter" {
                cost += if it.text.contains("://") { PRICES.0 } else { PRICES.1 };
            }
            (it.at, lane.to_string(), *id)
        })
        .collect();
    sent.sort();
    (sent, Usd::from_micros(cost))
}

/// The ledger: all that was ever spent.
async fn ledger(world: &World) -> i64 {
    let mut spent = 0;
    for profile in &world.daemon.config.profiles {
        let since = DateTime::UNIX_EPOCH;
        spent += world.store().spent(&profile.name, since).await.expect("the ledger").micros();
    }
    spent
}

#[tokio::test]
async fn a_quarter_goes_as_planned_to_the_second_and_to_the_cent() {
    let setup = Setup::new(&config());
    setup.clock.set(begin());
    let mut world = setup.open().await;
    let mut told = String::new();
    let mut total = 0;
    for week in 0..WEEKS {
        let from = begin() + TimeDelta::weeks(week.into());
        let until = from + TimeDelta::weeks(1);
        world.clock.set(from);
        for feed in 0..FEEDS {
            world.offers(&format!("/{feed}"), rss(&items(feed, week)));
            world.desk().refresh(&[&format!("feed-{feed}")]).await.expect("asked again");
        }
        world.poll().await;
        if week % 4 == 3 {
            world.restart().await;
        }
        // In the seventh week X has no credit from Tuesday on, until Friday.
        if week == 6 {
            world.run_until(from + TimeDelta::days(1)).await;
            world.fault("402:*");
            world.run_until(from + TimeDelta::days(4)).await;
            assert!(
                world.breakers().await.iter().any(|it| it.cause == Cause::NoCredit),
                "the stop is seen"
            );
            world.sandbox.clear_faults();
            world.desk().resume(&Scope::All).await.expect("it goes on");
        }
        let now = world.now();
        let (plan, cost) = planned(&world, until).await;
        world.run_until(until - TimeDelta::milliseconds(1)).await;
        let (books, billed) = published(&world, now).await;
        assert_eq!(books, plan, "week {week}");
        assert_eq!(billed, cost, "week {week}");
        writeln!(told, "week {week}: {} posts, {billed}", books.len()).expect("told");
    }
    let (all, billed) = published(&world, begin()).await;
    total += billed.micros();
    assert_eq!(ledger(&world).await, total, "the ledger and the books agree to the cent");
    world.assert_nothing_twice().await;
    let mut states: Vec<(State, usize)> = Vec::new();
    for state in State::ALL {
        let posts = world.posts().await;
        states.push((state, posts.iter().filter(|post| post.life.state == state).count()));
    }
    println!("{told}in all {} posts, {billed}; {states:?}", all.len());
    assert!(all.len() > 300, "only {} posts", all.len());
}
