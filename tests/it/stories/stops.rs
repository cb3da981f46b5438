//! Stops: how wide they reach, how they end, and whom they leave alone.

#![expect(clippy::indexing_slicing, reason = "a test may fail by panicking, in its helpers too")]

use chrono::{DateTime, TimeDelta, Utc};
use tidings::domain::breaker::Scope;
use tidings::domain::post::State;
use tokio::net::TcpListener;

use crate::world::{BLOG, Setup, World, blog};

/// Three lanes of two profiles, all fed by one blog.
const LANES: &str = r#"
[defaults.profile]
same_text = "allow"
min_gap = "1s"

[[profile]]
name = "main"
platforms = ["twitter", "linkedin"]

[[profile]]
name = "client"
platforms = ["twitter"]
profile_key = { env = "CLIENT_PROFILE_KEY" }

[[feed]]
name = "blog"
url = "SITE/blog"
profiles = ["main", "client"]
first_run = "all"
hold_above = 100
"#;

const NONE: [&str; 0] = [];

async fn three_lanes() -> World {
    let world = World::open(LANES).await;
    world.offers("/blog", blog([3, 2, 1]));
    world.poll().await;
    world
}

/// When requests to publish came in for a profile of the books on a platform.
fn times(world: &World, profile: &str, platform: &str) -> Vec<DateTime<Utc>> {
    let of = |it: &tidings::sandbox::Seen| {
        it.profile.as_deref() == Some(profile) && it.platforms == [platform]
    };
    world.requests().iter().filter(|it| of(it)).map(|it| it.at).collect()
}

fn minutes_between(times: &[DateTime<Utc>]) -> Vec<i64> {
    times.windows(2).map(|pair| (pair[1] - pair[0]).num_minutes()).collect()
}

fn out(world: &World, profile: &str, platform: &str) -> usize {
    let on = |it: &&tidings::sandbox::Published| it.profile == profile && it.platform == platform;
    world.published().iter().filter(on).count()
}

#[tokio::test]
async fn an_empty_account_stops_its_lane_alone_and_is_tried_with_one_post_at_growing_intervals() {
    let world = three_lanes().await;
    world.fault("402:*,platform=twitter,profile=primary");
    world.run_for(TimeDelta::minutes(10)).await;
    assert_eq!(world.stops().await, ["lane:main/twitter no_credit"]);
    assert_eq!(out(&world, "primary", "linkedin"), 3, "another network goes on");
    assert_eq!(out(&world, "client", "twitter"), 3, "another profile goes on");
    assert_eq!(times(&world, "primary", "twitter").len(), 1);
    world.offers("/blog", blog([4, 3, 2, 1]));
    world.run_for(TimeDelta::hours(22)).await;
    assert_eq!(out(&world, "client", "twitter"), 4);
    let tries = times(&world, "primary", "twitter");
    assert_eq!(minutes_between(&tries), [15, 30, 60, 120, 240, 360, 360]);
    let waiting = world.states().await.iter().filter(|it| **it == State::Queued).count();
    assert_eq!(waiting, 4, "the queue keeps filling, and nothing is burnt");
    assert_eq!(world.posts().await.iter().map(|it| it.life.refusals).max(), Some(0));
    world.sandbox.clear_faults();
    let probe_at = world.breakers().await[0].probe_at.expect("it is tried again");
    assert!(probe_at > world.now());
    world.run_until(probe_at - TimeDelta::seconds(1)).await;
    assert_eq!(times(&world, "primary", "twitter").len(), tries.len(), "not before its time");
    world.clock.set(probe_at);
    assert_eq!(world.publish().await.sent.len(), 1, "one post is let through");
    assert_eq!(world.stops().await, NONE);
    world.run_until_quiet().await;
    assert_eq!(out(&world, "primary", "twitter"), 4);
    world.assert_agrees().await;
}

#[tokio::test]
async fn too_many_requests_pause_the_whole_profile_as_long_as_was_asked_and_no_other() {
    for (fault, pause) in [("429", 5), ("429-retry-after@1200", 20), ("429-retry-after@7", 5)] {
        let world = three_lanes().await;
        world.fault(&format!("{fault},platform=twitter,profile=primary"));
        let begin = world.now();
        world.publish().await;
        assert_eq!(world.stops().await, ["profile:main rate_limit"], "{fault}");
        world.run_until(begin + TimeDelta::minutes(pause) - TimeDelta::seconds(1)).await;
        // The request on the other network left before the pause began.
        assert_eq!(times(&world, "primary", "linkedin").len(), 1, "{fault}");
        assert_eq!(times(&world, "primary", "twitter").len(), 1, "{fault}");
        assert_eq!(out(&world, "client", "twitter"), 3, "{fault}");
        world.run_until_quiet().await;
        assert_eq!(times(&world, "primary", "twitter")[1], begin + TimeDelta::minutes(pause));
        assert_eq!(world.stops().await, NONE);
        assert_eq!(world.published().len(), 9);
        world.assert_agrees().await;
    }
}

/// The pause must not depend on which of two answers came first.
#[tokio::test]
async fn a_success_that_was_under_way_when_a_stop_began_does_not_end_it() {
    for lane in ["platform=twitter", "platform=linkedin"] {
        let mut world = three_lanes().await;
        world.releases = true;
        world.fault(&format!("429,profile=primary,{lane}"));
        let slow =
            if lane == "platform=twitter" { "platform=linkedin" } else { "platform=twitter" };
        world.fault(&format!("hang,profile=primary,{slow}"));
        world.publish().await;
        assert_eq!(world.stops().await, ["profile:main rate_limit"], "{lane}");
        world.run_until_quiet().await;
        world.assert_agrees().await;
    }
}

#[tokio::test]
async fn a_look_up_that_finds_an_older_post_does_not_end_a_later_stop() {
    let world = World::with_blog([3, 2, 1]).await;
    world.fault("lost-answer");
    world.fault("272");
    world.publish().await;
    world.pass(TimeDelta::seconds(2));
    world.publish().await;
    assert_eq!(world.stops().await, ["lane:main/twitter relink"]);
    world.run_for(TimeDelta::days(2)).await;
    assert_eq!(world.post(1).await.life.state, State::Posted);
    assert_eq!(world.stops().await, ["lane:main/twitter relink"], "only a person ends it");
    assert_eq!(world.requests().len(), 2);
    world.desk().resume(&Scope::Profile("main".into())).await.expect("it goes on");
    world.run_until_quiet().await;
    assert_eq!(world.published().len(), 3);
    world.assert_agrees().await;
}

#[tokio::test]
async fn a_refused_api_key_stops_everything_until_get_user_says_that_it_is_right() {
    let mut setup = Setup::new(LANES);
    setup.environment.retain(|(name, _)| *name != "AYRSHARE_API_KEY");
    setup.environment.push(("AYRSHARE_API_KEY", "a-key-of-yesterday"));
    let mut world = setup.open().await;
    world.offers("/blog", blog([3, 2, 1]));
    world.poll().await;
    world.run_for(TimeDelta::hours(12)).await;
    let stops = ["all api_key", "profile:client api_key"];
    assert_eq!(world.stops().await, stops, "with a profile's key it may be that one");
    assert_eq!(world.requests().len(), 3, "one for each lane, all under way at once");
    let mut probes: Vec<_> = world.asked("GET", "/api/user").iter().map(|it| it.at).collect();
    assert_eq!(probes.len(), 2 * 5, "one for each stop");
    probes.dedup();
    assert_eq!(minutes_between(&probes), [30, 60, 120, 240]);
    assert_eq!(world.published().len(), 0);
    world.environment.retain(|(name, _)| *name != "AYRSHARE_API_KEY");
    world.environment.push(("AYRSHARE_API_KEY", "the-api-key"));
    world.restart().await;
    assert_eq!(world.stops().await, stops, "a stop survives the restart");
    world.publish().await;
    assert_eq!(world.requests().len(), 3);
    world.run_until_quiet().await;
    assert_eq!(world.stops().await, NONE);
    assert_eq!(world.published().len(), 9);
    assert!(world.posts().await.iter().all(|post| post.life.state == State::Posted));
    world.assert_nothing_twice().await;
}

#[tokio::test]
async fn a_network_that_is_not_linked_stops_its_lane_until_get_user_shows_the_link() {
    let mut setup = Setup::new(LANES);
    setup.options.linked = vec!["linkedin".to_owned()];
    let world = setup.open().await;
    world.offers("/blog", blog([3, 2, 1]));
    world.run_for(TimeDelta::hours(12)).await;
    assert_eq!(world.stops().await, ["lane:main/twitter not_linked"]);
    assert_eq!(times(&world, "primary", "twitter").len(), 1);
    assert_eq!(out(&world, "primary", "linkedin"), 3);
    assert_eq!(world.asked("GET", "/api/user").len(), 5);

    // The same stop where the network is linked again by the time it is asked.
    let world = three_lanes().await;
    world.fault("156,platform=twitter,profile=primary");
    world.run_for(TimeDelta::minutes(14)).await;
    assert_eq!(world.stops().await, ["lane:main/twitter not_linked"]);
    world.run_until_quiet().await;
    assert_eq!(world.asked("GET", "/api/user").len(), 1);
    assert_eq!(world.published().len(), 9);
    world.assert_agrees().await;
}

#[tokio::test]
async fn a_stop_for_a_person_survives_restarts_and_ends_with_the_resume_of_its_profile() {
    for fault in ["272", "403-permission", "419"] {
        let mut world = three_lanes().await;
        world.fault(&format!("{fault},platform=twitter,profile=primary"));
        world.run_for(TimeDelta::days(1)).await;
        for _ in 0..2 {
            world.restart().await;
            world.run_for(TimeDelta::days(1)).await;
        }
        assert_eq!(times(&world, "primary", "twitter").len(), 1, "{fault}");
        assert_eq!(world.published().len(), 6, "{fault}: the other lanes went on");
        assert_eq!(
            world.desk().resume(&Scope::Profile("client".into())).await.expect("no stop").len(),
            0
        );
        assert!(world.desk().resume(&Scope::Profile("nobody".into())).await.is_err());
        world.run_for(TimeDelta::days(1)).await;
        assert_eq!(world.published().len(), 6, "{fault}");
        assert_eq!(
            world.desk().resume(&Scope::Profile("main".into())).await.expect("its stop").len(),
            1
        );
        world.run_until_quiet().await;
        assert_eq!(world.published().len(), 9, "{fault}");
        world.assert_agrees().await;
    }
}

#[tokio::test]
async fn three_lost_answers_in_a_row_stop_the_lane_for_a_while() {
    let world = World::with_blog([6, 5, 4, 3, 2, 1]).await;
    world.fault("504-after:3");
    for _ in 0..3 {
        world.publish().await;
        world.pass(TimeDelta::seconds(1));
    }
    let third = world.now() - TimeDelta::seconds(1);
    assert_eq!(world.stops().await, ["lane:main/twitter unanswered"]);
    world.run_until(third + TimeDelta::minutes(5) - TimeDelta::seconds(1)).await;
    assert_eq!(world.requests().len(), 3);
    world.run_until_quiet().await;
    assert_eq!(world.requests().len(), 6);
    assert_eq!(world.requests()[3].at, third + TimeDelta::minutes(5));
    assert_eq!(world.stops().await, NONE);
    assert_eq!(world.published().len(), 6);
    world.assert_agrees().await;
}

#[tokio::test]
async fn three_refusals_that_nobody_knows_stop_the_lane_until_somebody_looks() {
    let world = World::with_blog([6, 5, 4, 3, 2, 1]).await;
    world.fault("unknown-code:*");
    world.run_for(TimeDelta::days(3)).await;
    assert_eq!(world.stops().await, ["lane:main/twitter refusals"]);
    assert_eq!(world.requests().len(), 3, "the rest of the queue is not burnt");
    world.sandbox.clear_faults();
    world.run_for(TimeDelta::days(3)).await;
    assert_eq!(world.requests().len(), 3);
    world.desk().resume(&Scope::All).await.expect("it goes on");
    world.run_until_quiet().await;
    let failed = world.states().await.iter().filter(|it| **it == State::Failed).count();
    assert_eq!((failed, world.published().len()), (3, 3));
    // Duplicates concern one post each, as long as they are few.
    let world = World::with_blog([6, 5, 4, 3, 2, 1]).await;
    world.fault("137:4");
    world.run_until_quiet().await;
    assert_eq!(world.stops().await, NONE);
    assert_eq!(world.published().len(), 2);
    world.assert_agrees().await;
}

#[tokio::test]
async fn five_refusals_in_a_row_stop_the_lane_whatever_they_are() {
    let world = World::with_blog([6, 5, 4, 3, 2, 1]).await;
    world.fault("137:*");
    world.run_for(TimeDelta::days(1)).await;
    assert_eq!(world.stops().await, ["lane:main/twitter refusals"]);
    assert_eq!(world.requests().len(), 5);
}

#[tokio::test]
async fn an_unreachable_ayrshare_burns_nothing() {
    let mut world = World::with_blog([3, 2, 1]).await;
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        format!("http://{}/api", listener.local_addr().expect("an address"))
    };
    let url = world.sandbox.url();
    world.rewrite(&url, &nobody);
    world.restart().await;
    world.run_for(TimeDelta::hours(30)).await;
    assert_eq!(world.stops().await, ["all unreachable"]);
    for post in world.posts().await {
        let life = post.life;
        assert_eq!((life.state, life.generation, life.sends), (State::Queued, 1, 0));
        assert_eq!((life.refusals, life.doubtful), (0, false));
    }
    let tries = world.store().attempts(1).await.expect("attempts");
    assert!((300..400).contains(&tries.len()), "{} tries", tries.len());
    world.rewrite(&nobody, &url);
    world.restart().await;
    assert_eq!(world.stops().await, ["all unreachable"]);
    world.run_until_quiet().await;
    assert_eq!(world.published().len(), 3);
    assert_eq!(world.requests().len(), 3);
    world.assert_agrees().await;
}

#[tokio::test]
async fn a_stop_that_comes_back_within_a_day_waits_longer() {
    let world = World::open(BLOG).await;
    world.offers("/blog", blog((1..=8).rev()));
    world.poll().await;
    world.fault("429:*");
    world.run_for(TimeDelta::hours(20)).await;
    let times: Vec<_> = world.requests().iter().map(|it| it.at).collect();
    let waits = minutes_between(&times);
    assert_eq!(waits.get(..6), Some(&[5, 10, 20, 40, 60, 60][..]));
    assert!(waits.iter().skip(6).all(|wait| *wait == 60), "never longer than an hour");
    world.sandbox.clear_faults();
    world.run_until_quiet().await;
    assert_eq!(world.published().len(), 8);
    world.assert_agrees().await;
}
