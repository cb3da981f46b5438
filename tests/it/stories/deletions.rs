//! Published posts taken down: what each fault leaves, and what it costs.

use chrono::{Datelike as _, TimeDelta};
use tidings::domain::cost::Usd;
use tidings::domain::deletion::Deletion;
use tidings::domain::hand::{By, Door};
use tidings::domain::post::State;
use tidings::sandbox::{Fault, Target};

use crate::world::{BLOG, World, blog, start};

fn anna() -> By {
    By::new(Door::Command, "anna")
}

/// What the sandbox has of the posts: whether they are deleted.
fn down(world: &World) -> Vec<bool> {
    world.published().iter().map(|post| post.deleted).collect()
}

#[tokio::test]
async fn each_fault_of_a_deletion_is_told_as_it_is_and_a_second_try_does_no_harm() {
    // What is said, whether it is down by then, and what it costs and may cost, in millionths.
    let table = [
        (Fault::DeleteRefused, "refused", false, (0, 10_000)),
        (Fault::DeleteServerError, "unknown", false, (10_000, 0)),
        (Fault::DeleteServerErrorAfter, "unknown", true, (10_000, 0)),
        (Fault::DeleteLost, "unknown", true, (10_000, 0)),
        (Fault::DeleteNotFound, "unknown", false, (10_000, 0)),
    ];
    let all = Fault::ALL.iter().filter(|fault| fault.target() == Target::Delete);
    assert_eq!(all.copied().collect::<Vec<_>>(), table.map(|(fault, ..)| fault));
    for (fault, word, gone, (billed, risk)) in table {
        let name = fault.name();
        let world = World::with_blog(1..=1).await;
        world.run_until_quiet().await;
        let before = world.store().spending(&[(start(), world.now())]).await.expect("sums");
        assert!(before.iter().all(|it| it.deletions == 0), "{name}");
        world.fault(name);
        assert_eq!(world.daemon.delete(1, &anna()).await.expect("asked").word(), word, "{name}");
        assert_eq!(down(&world), [gone], "{name}");
        assert_eq!(world.post(1).await.aftermath.deleted_at, None, "{name}");
        let doubts = world.store().maybe_deleted(&[1, 2]).await.expect("doubts");
        assert_eq!(doubts.contains_key(&1), word == "unknown", "{name}");
        let until = world.now() + TimeDelta::seconds(1);
        let sums = world.store().spending(&[(start(), until)]).await.expect("sums");
        let of = |of: fn(&tidings::store::costs::Spending) -> Usd| -> i64 {
            sums.iter().filter(|it| it.deletions > 0).map(of).sum::<Usd>().micros()
        };
        assert_eq!((of(|it| it.billed), of(|it| it.risk)), (billed, risk), "{name}");
        if word == "unknown" {
            world.pass(TimeDelta::days(3));
            let why = world.desk().repost(1, None).await.expect_err("in doubt").to_string();
            assert!(why.contains("nobody can tell whether it is down"), "{name}: {why}");
        }
        assert_eq!(world.daemon.delete(1, &anna()).await.expect("asked"), Deletion::Deleted);
        assert_eq!(down(&world), [true], "{name}");
        assert!(world.store().maybe_deleted(&[1]).await.expect("doubts").is_empty(), "{name}");
        let twice = world.daemon.delete(1, &anna()).await.expect_err("gone").to_string();
        assert!(twice.contains("deleted already"), "{name}: {twice}");
        assert_eq!(world.asked("DELETE", "/api/post").len(), 2, "{name}");
        world.run_until_quiet().await;
        assert_eq!(world.requests().len(), 1, "{name}: nothing is sent again");
        world.assert_agrees().await;
    }
}

#[tokio::test]
async fn a_refusal_that_posts_meet_too_leaves_a_deletion_refused() {
    let world = World::with_blog(1..=1).await;
    world.run_until_quiet().await;
    for fault in ["419,on=delete", "429,on=delete"] {
        world.fault(fault);
        let said = world.daemon.delete(1, &anna()).await.expect("asked");
        assert_eq!(said.word(), "refused", "{fault}");
    }
    assert_eq!(down(&world), [false]);
}

#[tokio::test]
async fn a_deletion_uses_up_the_budget_and_the_next_post_waits() {
    let config = BLOG.replace(
        "min_gap = \"1s\"",
        "min_gap = \"1h\"\nbudget = { usd = 0.405, per = \"month\", when_spent = \"hold\" }",
    );
    let world = World::open(&config).await;
    world.offers("/blog", blog([2, 1]));
    world.run_for(TimeDelta::minutes(10)).await;
    assert_eq!(world.published().len(), 1);
    assert_eq!(world.daemon.delete(1, &anna()).await.expect("asked"), Deletion::Deleted);
    world.run_for(TimeDelta::hours(3)).await;
    assert_eq!(world.states().await, [State::Posted, State::Queued], "$0.195 are left of $0.405");
    let spent = Usd::from_micros(210_000);
    let store = world.store();
    assert_eq!(store.spent("main", start()).await.expect("sum"), spent);
    assert_eq!(store.spent_by_feed("blog", start()).await.expect("sum"), spent);
    assert_eq!(store.spent_overall(start()).await.expect("sum"), spent);
    assert_eq!(store.spent_together(&["main", "x"], start()).await.expect("sum"), spent);
    let sums = store.spending(&[(start(), world.now())]).await.expect("sums");
    let cost = sums.iter().map(tidings::store::costs::Spending::counted).sum::<Usd>();
    assert_eq!((cost, sums.iter().map(|it| it.deletions).sum::<u64>()), (spent, 1));
    world.run_until_quiet().await;
    let months: Vec<u32> = world.published().iter().map(|it| it.at.month()).collect();
    assert_eq!(months, [11, 12], "the other one goes when the month turns");
    world.assert_agrees().await;
}
