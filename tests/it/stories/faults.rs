//! Every way in which the sandbox can misbehave on a post, and where the post ends.

#![expect(clippy::indexing_slicing, reason = "a test may fail by panicking, in its helpers too")]

use chrono::TimeDelta;
use tidings::domain::breaker::Scope;
use tidings::domain::breaker::{Cause, Ending};
use tidings::domain::post::State;
use tidings::sandbox::{Fault, Target};

use crate::world::World;

/// What the contract asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Posted by the answer itself.
    Posted,
    /// Unconfirmed, found in the history, posted with one request.
    Found,
    /// Unconfirmed, absent twice, sent again under the same key.
    Resent,
    /// Unconfirmed, in the history as refused, failed.
    FoundRefused,
    /// Refused for good, and failed.
    Failed,
    /// Refused for now, posted later under a new key.
    Retried,
    /// Behind a stop of this cause and scope, and posted when it is over.
    Stopped(Cause, &'static str),
    /// Never sent again without a person.
    Person,
}

const LANE: &str = "lane:main/twitter";

const TABLE: [(Fault, End); 41] = [
    (Fault::LostAnswer, End::Found),
    (Fault::LostRefusal, End::FoundRefused),
    (Fault::BrokenAnswer, End::Found),
    (Fault::Slow, End::Posted),
    (Fault::Hang, End::Posted),
    (Fault::ServerErrorAfter, End::Found),
    (Fault::GatewayTimeoutAfter, End::Found),
    (Fault::EmptyAfter, End::Found),
    (Fault::Garbage, End::Found),
    (Fault::ResetBefore, End::Resent),
    (Fault::HangBefore, End::Resent),
    (Fault::ServerErrorBefore, End::Resent),
    (Fault::BadGateway, End::Resent),
    (Fault::Unavailable, End::Resent),
    (Fault::EmptyBefore, End::Resent),
    (Fault::Unauthorized, End::Stopped(Cause::ApiKey, "all")),
    (Fault::NoCredit, End::Stopped(Cause::NoCredit, LANE)),
    (Fault::NoCreditNested, End::Stopped(Cause::NoCredit, LANE)),
    (Fault::SpendingLimit, End::Stopped(Cause::SpendingLimit, LANE)),
    (Fault::SpendingLimitNested, End::Stopped(Cause::SpendingLimit, LANE)),
    (Fault::Unpaid, End::Stopped(Cause::Payment, "all")),
    (Fault::Permission, End::Stopped(Cause::Permission, LANE)),
    (Fault::PermissionNested, End::Stopped(Cause::Permission, LANE)),
    (Fault::Suspended, End::Stopped(Cause::Suspended, "profile:main")),
    (Fault::HeadersMissing, End::Stopped(Cause::Headers, LANE)),
    (Fault::HeaderMissing, End::Stopped(Cause::Headers, LANE)),
    (Fault::GenericRetryable, End::Retried),
    (Fault::Generic, End::Failed),
    (Fault::DuplicateStatus, End::Failed),
    (Fault::LongPost, End::Failed),
    (Fault::TooLong, End::Failed),
    (Fault::BadMedia, End::Failed),
    (Fault::Similar, End::Failed),
    (Fault::NotLinked, End::Stopped(Cause::NotLinked, LANE)),
    (Fault::WrongPlan, End::Stopped(Cause::Plan, LANE)),
    (Fault::Relink, End::Stopped(Cause::Relink, LANE)),
    (Fault::UnknownCode, End::Failed),
    (Fault::RateLimit, End::Stopped(Cause::RateLimit, "profile:main")),
    (Fault::RateLimitRetryAfter, End::Stopped(Cause::RateLimit, "profile:main")),
    (Fault::KeyReused, End::Person),
    (Fault::KeyForgotten, End::Posted),
];

/// A world in which the first of two posts has met a fault.
async fn met(fault: Fault) -> World {
    let mut world = World::with_blog([2, 1]).await;
    world.releases = true;
    let seconds = if fault.takes_seconds() { "@600" } else { "" };
    world.fault(&format!("{}{seconds}", fault.name()));
    world.publish().await;
    assert_eq!(world.requests().len(), 1);
    assert_eq!(world.requests()[0].fault, Some(fault.name()));
    world
}

fn all(wanted: impl Fn(End) -> bool) -> Vec<(Fault, End)> {
    let rows: Vec<_> = TABLE.into_iter().filter(|(_, end)| wanted(*end)).collect();
    assert!(!rows.is_empty());
    rows
}

/// What became of the two posts, and with how many requests in all.
async fn rest(world: &World, what: &str) -> (State, usize) {
    let states = world.states().await;
    assert_eq!(states.len(), 2);
    assert_eq!(states[1], State::Posted, "{what}: the post behind it");
    (states[0], world.requests().len())
}

#[test]
fn the_table_has_every_fault_of_a_post() {
    let posts = Fault::ALL.iter().filter(|fault| fault.target() == Target::Post);
    assert_eq!(posts.copied().collect::<Vec<_>>(), TABLE.map(|(fault, _)| fault));
}

#[tokio::test]
async fn a_lost_answer_is_looked_up_and_the_post_is_out_once() {
    for (fault, end) in all(|end| matches!(end, End::Found | End::Resent | End::FoundRefused)) {
        let world = met(fault).await;
        let name = fault.name();
        assert_eq!(world.post(1).await.life.state, State::Unconfirmed, "{name}");
        assert_eq!(world.stops().await, [""; 0], "{name}");
        world.run_until_quiet().await;
        let (state, requests) = match end {
            End::Found => (State::Posted, 2),
            End::Resent => (State::Posted, 3),
            End::FoundRefused => (State::Failed, 2),
            End::Posted | End::Failed | End::Retried | End::Stopped(..) | End::Person => continue,
        };
        assert_eq!(rest(&world, name).await, (state, requests), "{name}");
        let key = format!("{}:1", world.post(1).await.uuid);
        let keys =
            world.requests().into_iter().filter(|it| it.idempotency_key.as_ref() == Some(&key));
        assert_eq!(keys.count(), requests - 1, "{name}: always the same key");
        assert_eq!(world.post(1).await.life.reason.is_empty(), state == State::Posted, "{name}");
        world.assert_agrees().await;
    }
}

#[tokio::test]
async fn an_answer_that_comes_late_or_without_a_look_at_the_key_is_an_answer() {
    for (fault, _) in all(|end| end == End::Posted) {
        let world = met(fault).await;
        assert_eq!(world.post(1).await.life.state, State::Posted, "{}", fault.name());
        world.run_until_quiet().await;
        assert_eq!(rest(&world, fault.name()).await, (State::Posted, 2), "{}", fault.name());
        world.assert_agrees().await;
    }
}

#[tokio::test]
async fn a_refusal_for_good_is_a_dead_letter_with_the_reason_and_blocks_nobody() {
    for (fault, _) in all(|end| end == End::Failed) {
        let world = met(fault).await;
        let life = world.post(1).await.life;
        assert_eq!(life.state, State::Failed, "{}", fault.name());
        assert!(life.reason.len() > 10, "{}: {}", fault.name(), life.reason);
        assert_eq!(world.stops().await, [""; 0], "{}", fault.name());
        world.run_until_quiet().await;
        assert_eq!(rest(&world, fault.name()).await, (State::Failed, 2), "{}", fault.name());
        world.assert_agrees().await;
    }
}

#[tokio::test]
async fn a_refusal_for_now_is_tried_again_later_under_a_new_key() {
    for (fault, _) in all(|end| end == End::Retried) {
        let world = met(fault).await;
        let life = world.post(1).await.life;
        assert_eq!(life.state, State::Queued, "{}", fault.name());
        assert!(life.not_before >= world.now() + TimeDelta::seconds(150));
        assert!(!life.reason.is_empty());
        world.run_until_quiet().await;
        assert_eq!(rest(&world, fault.name()).await, (State::Posted, 3), "{}", fault.name());
        assert_eq!(world.post(1).await.life.generation, 2);
        world.assert_agrees().await;
    }
}

#[tokio::test]
async fn a_stop_has_its_cause_and_its_scope_burns_nothing_and_ends_as_it_should() {
    for (fault, end) in all(|end| matches!(end, End::Stopped(..))) {
        let End::Stopped(cause, scope) = end else { continue };
        let name = fault.name();
        let world = met(fault).await;
        let life = world.post(1).await.life;
        assert_eq!((life.state, life.refusals, life.generation), (State::Queued, 0, 2), "{name}");
        assert!(!life.reason.is_empty());
        assert_eq!(world.stops().await, [format!("{scope} {}", cause.word())], "{name}");
        world.run_for(TimeDelta::minutes(4)).await;
        assert_eq!(world.requests().len(), 1, "{name}: nothing leaves for some minutes");
        if cause.ending() == Ending::Person {
            world.run_for(TimeDelta::days(7)).await;
            assert_eq!(world.requests().len(), 1, "{name}: only a person ends it");
            assert_eq!(world.desk().resume(&Scope::All).await.expect("it goes on").len(), 1);
        }
        world.run_until_quiet().await;
        assert_eq!(rest(&world, name).await, (State::Posted, 3), "{name}");
        assert_eq!(world.stops().await, [""; 0], "{name}");
        world.assert_agrees().await;
    }
}

#[tokio::test]
async fn a_key_that_was_used_before_is_left_to_a_person() {
    for (fault, _) in all(|end| end == End::Person) {
        let world = met(fault).await;
        assert_eq!(world.post(1).await.life.state, State::Unconfirmed);
        world.run_for(TimeDelta::days(7)).await;
        assert_eq!(rest(&world, fault.name()).await, (State::Unconfirmed, 2));
        let life = world.post(1).await.life;
        assert_eq!(life.lookups.next_at, None, "it waits for a person");
        assert!(!life.reason.is_empty());
        world.assert_nothing_twice().await;
    }
}
