//! Lost answers: what is looked up, when it is sent again, and when a person is asked.

use chrono::{DateTime, TimeDelta, Utc};
use tidings::domain::post::{Event, State};

use crate::world::{BLOG, Setup, World, blog, start};

const RECONCILE_AFTER: TimeDelta = TimeDelta::minutes(3);

fn look_ups(world: &World) -> Vec<DateTime<Utc>> {
    world.asked("GET", "/api/history").iter().map(|it| it.at).collect()
}

fn keys(world: &World) -> Vec<String> {
    world.requests().into_iter().filter_map(|it| it.idempotency_key).collect()
}

/// What the attempts of a post cost, in millionths of a dollar.
async fn costs(world: &World, post: i64) -> Vec<i64> {
    let attempts = world.store().attempts(post).await.expect("attempts");
    attempts.iter().map(|it| it.cost.micros()).collect()
}

/// One post that met a fault.
async fn one(fault: &str) -> World {
    let world = World::with_blog([1]).await;
    world.fault(fault);
    world.publish().await;
    world
}

#[tokio::test]
async fn a_lost_answer_is_found_in_the_history_within_a_minute() {
    let world = one("lost-answer").await;
    assert_eq!(world.post(1).await.life.state, State::Unconfirmed);
    assert_eq!(costs(&world, 1).await, [200_000], "assumed while nobody knows");
    world.run_until_quiet().await;
    assert!(world.now() - world.requests()[0].at <= TimeDelta::minutes(1));
    let post = world.post(1).await;
    assert_eq!(post.life.state, State::Posted);
    assert_eq!(post.life.receipt.ayrshare_id, world.published().first().map(|it| it.id.clone()));
    assert_eq!((look_ups(&world).len(), world.requests().len()), (1, 1));
    assert_eq!(costs(&world, 1).await, [200_000]);
    assert_eq!(counted(&world).await, (1, 1), "one post by one request");
    world.assert_agrees().await;
}

/// Posts and requests, as the ledger counts them.
async fn counted(world: &World) -> (u64, u64) {
    let span = (start(), world.now() + TimeDelta::seconds(1));
    let sums = world.store().spending(&[span]).await.expect("sums");
    (sums.iter().map(|it| it.posted).sum(), sums.iter().map(|it| it.attempts).sum())
}

#[tokio::test]
async fn what_is_absent_twice_far_enough_apart_is_sent_again_under_the_same_key() {
    for after in ["3m", "20m"] {
        let mut setup = Setup::new(BLOG);
        setup.ayrshare = format!("reconcile_after = \"{after}\"");
        let apart = TimeDelta::minutes(if after == "3m" { 3 } else { 20 });
        let world = setup.open().await;
        world.offers("/blog", blog([1]));
        world.poll().await;
        world.fault("reset-before");
        world.publish().await;
        world.run_until_quiet().await;
        let look_ups = look_ups(&world);
        let (first, last) = (look_ups[0], look_ups[look_ups.len() - 1]);
        assert!(look_ups.len() >= 2 && last - first >= apart, "{look_ups:?}");
        let sent: Vec<_> = world.requests().iter().map(|it| it.at).collect();
        assert_eq!(sent.len(), 2);
        assert!(sent[1] >= last && sent[1] - sent[0] < apart * 2, "{sent:?}");
        assert_eq!(keys(&world)[0], keys(&world)[1]);
        assert_eq!(costs(&world, 1).await, [0, 200_000]);
        world.assert_agrees().await;
    }
}

#[tokio::test]
async fn a_history_that_lags_for_hours_costs_a_refused_resend_and_no_second_post() {
    let mut setup = Setup::new(BLOG);
    setup.options.settings.history_lag_seconds = 5 * 3600;
    let world = setup.open().await;
    world.offers("/blog", blog([1]));
    world.poll().await;
    world.fault("lost-answer");
    world.run_for(TimeDelta::hours(4)).await;
    let keys = keys(&world);
    assert_eq!(keys.len(), 2, "sent again once");
    assert_eq!(keys[0], keys[1], "the key refuses it");
    let life = world.post(1).await.life;
    assert_eq!((life.state, life.accepted_before), (State::Unconfirmed, true));
    assert_eq!(world.published().len(), 1);
    world.run_until_quiet().await;
    assert_eq!(world.post(1).await.life.state, State::Posted);
    assert_eq!(world.requests().len(), 2, "never a third time");
    assert_eq!(costs(&world, 1).await.iter().sum::<i64>(), 200_000);
    assert_eq!(counted(&world).await, (1, 2), "one post by two requests");
    world.assert_agrees().await;
}

#[tokio::test]
async fn a_history_that_does_not_answer_proves_nothing() {
    for silence in ["history-500:*", "history-lost:*", "history-pending:*"] {
        for (fault, requests) in [("lost-answer", 1), ("reset-before", 2)] {
            if (silence, fault) == ("history-pending:*", "reset-before") {
                continue;
            }
            let world = one(fault).await;
            world.fault(silence);
            world.run_for(TimeDelta::hours(20)).await;
            assert_eq!(world.requests().len(), 1, "{silence}: never sent again");
            assert_eq!(world.post(1).await.life.state, State::Unconfirmed, "{silence}");
            assert!((10..60).contains(&look_ups(&world).len()), "{silence}");
            world.sandbox.clear_faults();
            world.run_until_quiet().await;
            assert_eq!(world.post(1).await.life.state, State::Posted, "{silence} {fault}");
            assert_eq!(world.requests().len(), requests, "{silence} {fault}");
            world.assert_agrees().await;
        }
    }
}

#[tokio::test]
async fn a_silence_between_two_empty_histories_does_not_count_as_one() {
    let world = one("lost-answer").await;
    world.fault("history-empty:1");
    world.fault("history-500:5");
    world.run_until_quiet().await;
    assert_eq!(world.requests().len(), 1);
    assert_eq!(world.post(1).await.life.state, State::Posted);
    world.assert_agrees().await;
}

#[tokio::test]
async fn what_the_history_calls_an_error_is_left_to_a_person() {
    let world = one("lost-answer").await;
    world.fault("history-error:*");
    world.run_for(TimeDelta::days(3)).await;
    let life = world.post(1).await.life;
    assert_eq!(life.state, State::Failed);
    assert!(!life.reason.is_empty());
    assert_eq!((world.requests().len(), world.published().len()), (1, 1), "not sent again");
    world.sandbox.clear_faults();
    world.desk().act(1, &Event::Skip).await.expect("it is left out");
    world.run_until_quiet().await;
    assert_eq!(world.published().len(), 1);
}

#[tokio::test]
async fn a_person_who_saw_the_post_on_the_network_settles_it_and_it_costs_once() {
    let world = one("key-reused").await;
    world.run_until_quiet().await;
    let life = world.post(1).await.life;
    assert_eq!((life.state, life.lookups.next_at), (State::Unconfirmed, None));
    world.desk().act(1, &Event::Skip).await.expect("it is taken as published");
    world.run_until_quiet().await;
    assert_eq!(world.post(1).await.life.state, State::Posted);
    assert_eq!(world.requests().len(), 1);
    assert_eq!(costs(&world, 1).await, [200_000]);
}

#[tokio::test]
async fn a_person_who_saw_no_post_on_the_network_has_it_sent_again_under_a_new_key() {
    let world = one("key-reused").await;
    world.run_until_quiet().await;
    assert!(world.desk().act(1, &Event::SendNow).await.is_err(), "first it must be settled");
    world.desk().act(1, &Event::Retry).await.expect("it is sent again");
    world.run_until_quiet().await;
    let keys = keys(&world);
    assert_eq!(keys.len(), 2);
    assert_ne!(keys[0], keys[1]);
    assert_eq!(costs(&world, 1).await, [0, 200_000]);
    world.assert_agrees().await;
}

#[tokio::test]
async fn after_four_requests_without_an_answer_a_person_is_asked() {
    let world = one("reset-before:*").await;
    world.run_for(TimeDelta::days(5)).await;
    let keys = keys(&world);
    assert_eq!(keys.len(), 4);
    assert!(keys.iter().all(|key| *key == keys[0]));
    let sent: Vec<_> = world.requests().iter().map(|it| it.at).collect();
    assert!(sent.windows(2).all(|pair| pair[1] - pair[0] >= RECONCILE_AFTER));
    let life = world.post(1).await.life;
    assert_eq!((life.state, life.lookups.next_at), (State::Unconfirmed, None));
    world.sandbox.clear_faults();
    world.desk().act(1, &Event::Retry).await.expect("it is sent again");
    world.run_until_quiet().await;
    assert_eq!(costs(&world, 1).await, [0, 0, 0, 0, 200_000]);
    world.assert_agrees().await;
}

#[tokio::test]
async fn a_restored_backup_publishes_nothing_again() {
    let mut world = World::with_blog([3, 2, 1]).await;
    let backup = world.path("backup.db");
    world.store().copy_to(&backup).await.expect("a backup");
    world.run_until_quiet().await;
    assert_eq!(world.published().len(), 3);
    world.restore(&backup).await;
    assert_eq!(world.states().await, [State::Queued; 3]);
    world.run_until_quiet().await;
    assert_eq!(world.published().len(), 3);
    assert_eq!(world.states().await, [State::Posted; 3], "found in the history");
    world.assert_nothing_twice().await;
}

#[tokio::test]
async fn a_doubtful_post_holds_nobody_back() {
    let world = World::with_blog([4, 3, 2, 1]).await;
    world.fault("lost-answer");
    world.fault("history-500:*");
    world.run_for(TimeDelta::minutes(10)).await;
    assert_eq!(world.published().len(), 4);
    assert_eq!(world.post(1).await.life.state, State::Unconfirmed);
    world.sandbox.clear_faults();
    world.run_until_quiet().await;
    world.assert_agrees().await;
}
