//! Expiry, what a person releases or pauses, budgets and the ledger.

use chrono::{Datelike, TimeDelta, Timelike};
use chrono_tz::Europe::Berlin;
use tidings::daemon::desk::Manner;
use tidings::domain::breaker::Scope;
use tidings::domain::cost::Usd;
use tidings::domain::post::{Event, State};
use tidings::store::posts::PostFilter;

use crate::world::{BLOG, Item, World, blog, item, rss, start};

#[tokio::test]
async fn what_waits_too_long_behind_a_stop_expires_and_is_never_sent() {
    let config = BLOG.replace("hold_above = 100", "hold_above = 100\nexpire_after = \"2h\"");
    let world = World::open(&config).await;
    world.offers("/blog", blog([2, 1]));
    world.poll().await;
    world.fault("419");
    world.publish().await;
    world.run_until(start() + TimeDelta::minutes(119)).await;
    assert_eq!(world.states().await, [State::Queued; 2]);
    world.offers("/blog", blog([3, 2, 1]));
    world.run_until(start() + TimeDelta::minutes(121)).await;
    assert_eq!(world.states().await, [State::Expired, State::Expired, State::Queued]);
    assert!(world.posts().await[0].life.reason.contains("time passed"));
    world.desk().resume(&Scope::All).await.expect("it goes on");
    world.run_until_quiet().await;
    assert_eq!(world.states().await, [State::Expired, State::Expired, State::Posted]);
    assert_eq!(world.requests().len(), 2, "the refused one, and the young one");
    world.assert_agrees().await;
    // A person may want it all the same.
    world.desk().act(1, &Event::Retry).await.expect("it is sent again");
    world.run_until_quiet().await;
    assert_eq!(world.post(1).await.life.state, State::Posted);
    world.assert_agrees().await;
}

#[tokio::test]
async fn what_a_person_releases_goes_out_in_the_quiet_hours_and_nothing_else_does() {
    let config = BLOG.replace(
        "min_gap = \"1s\"",
        "min_gap = \"1s\"\ntime_zone = \"Europe/Berlin\"\nquiet_hours = [\"05:00-20:00\"]",
    );
    let world = World::open(&config).await;
    world.offers("/blog", blog([3, 2, 1]));
    world.run_for(TimeDelta::hours(1)).await;
    assert_eq!(world.published().len(), 0);
    world.desk().act(2, &Event::SendNow).await.expect("it is released");
    world.run_for(TimeDelta::hours(1)).await;
    let out = world.published();
    assert_eq!(out.len(), 1);
    assert!(out[0].text.contains("number 2"));
    assert_eq!(out[0].at, start() + TimeDelta::hours(1));
    world.run_until_quiet().await;
    let hours: Vec<u32> =
        world.published().iter().map(|it| it.at.with_timezone(&Berlin).hour()).collect();
    assert_eq!(hours, [8, 20, 20]);
    world.assert_agrees().await;
}

#[tokio::test]
async fn a_pause_holds_everything_until_its_end_or_until_somebody_resumes() {
    let mut world = World::with_blog([2, 1]).await;
    world.desk().pause(&Scope::All, None, Manner::Everything).await.expect("paused");
    world.run_for(TimeDelta::days(2)).await;
    world.restart().await;
    world.desk().act(1, &Event::SendNow).await.expect("released");
    world.run_for(TimeDelta::days(2)).await;
    assert_eq!(world.requests().len(), 0, "the kill switch holds released posts too");
    world.desk().resume(&Scope::All).await.expect("it goes on");
    world.run_until_quiet().await;
    assert_eq!(world.published().len(), 2);

    let until = world.now() + TimeDelta::hours(5);
    world
        .desk()
        .pause(&Scope::Profile("main".into()), Some(until), Manner::Everything)
        .await
        .expect("paused");
    world.offers("/blog", blog([3, 2, 1]));
    world.pass(TimeDelta::hours(2));
    world.run_until(until - TimeDelta::seconds(1)).await;
    assert_eq!((world.posts().await.len(), world.published().len()), (3, 2));
    world.run_until_quiet().await;
    assert_eq!(world.published().last().map(|it| it.at), Some(until));
    assert_eq!(world.stops().await, [""; 0]);
    world.assert_agrees().await;
}

#[tokio::test]
async fn a_success_does_not_end_a_pause() {
    let mut world = World::with_blog([2, 1]).await;
    world.releases = true;
    world.fault("lost-answer");
    world.publish().await;
    world.desk().pause(&Scope::All, None, Manner::Everything).await.expect("paused");
    world.run_for(TimeDelta::days(1)).await;
    assert_eq!(world.states().await, [State::Posted, State::Queued], "look-ups go on");
    assert_eq!(world.stops().await, ["all paused"]);
    world.desk().resume(&Scope::All).await.expect("it goes on");
    world.run_until_quiet().await;
    world.assert_agrees().await;
}

#[tokio::test]
async fn a_spent_budget_holds_posts_until_the_next_month_of_the_profile() {
    let config = BLOG.replace(
        "min_gap = \"1s\"",
        "min_gap = \"1s\"\ntime_zone = \"Europe/Berlin\"\n\
         budget = { usd = 0.5, per = \"month\", when_spent = \"hold\" }",
    );
    let world = World::open(&config).await;
    world.offers("/blog", blog([5, 4, 3, 2, 1]));
    world.run_until_quiet().await;
    let local: Vec<_> = world.published().iter().map(|it| it.at.with_timezone(&Berlin)).collect();
    let months: Vec<u32> = local.iter().map(Datelike::month).collect();
    assert_eq!(months, [11, 11, 12, 12, 1]);
    assert_eq!((local[2].day(), local[2].hour()), (1, 0), "as soon as the month turns");
    world.assert_agrees().await;
}

#[tokio::test]
async fn a_refused_attempt_costs_nothing_and_the_ledger_is_what_the_books_show() {
    let world = World::open(BLOG).await;
    let words = |n: i32| Item { link: None, ..item(n) };
    world.offers("/blog", rss(&[item(6), words(5), item(4), words(3), words(2), item(1)]));
    world.poll().await;
    for fault in ["lost-answer", "402", "reset-before", "132,after=2", "101-retryable,after=3"] {
        world.fault(fault);
    }
    world.run_until_quiet().await;
    let published = world.published();
    assert_eq!(published.len(), 5, "one was too long");
    let with_link = published.iter().filter(|it| it.text.contains("https://")).count();
    let cost = i64::try_from(with_link).expect("few") * 200_000
        + i64::try_from(published.len() - with_link).expect("few") * 15_000;
    let mut ledger = Usd::ZERO;
    for post in world.posts().await {
        for attempt in world.store().attempts(post.id).await.expect("attempts") {
            ledger = ledger.plus(attempt.cost);
        }
    }
    assert_eq!(ledger, Usd::from_micros(cost));
    // X may bill what it refused for good or for now, and budgets count on that.
    let spent = world.store().spent("main", start()).await.expect("the sum");
    assert!(spent > ledger, "{spent} against {ledger}");
    let failed = PostFilter { state: Some(State::Failed), ..PostFilter::default() };
    assert_eq!(world.store().posts(&failed, 10).await.expect("posts").len(), 1);
    world.assert_agrees().await;
}
