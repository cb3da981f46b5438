//! The program ends at every point at which a tick can be interrupted, and starts anew.

use tidings::domain::post::State;

use crate::world::{World, blog, cut};

/// How many of the entries are out, and that none is twice.
async fn settled(world: &World, entries: usize) {
    world.run_until_quiet().await;
    assert_eq!(world.states().await, vec![State::Posted; entries]);
    assert_eq!(world.published().len(), entries);
    world.assert_nothing_twice().await;
}

#[tokio::test]
async fn a_post_is_out_once_wherever_its_sending_was_cut_short() {
    let mut world = World::with_blog([1]).await;
    settled(&world, 1).await;
    let (mut recovered, mut entries) = (0, 1);
    // Which step a cut meets depends on the machine: so often until the request was out once.
    for polls in (1_usize..20).cycle().take(80) {
        entries += 1;
        world.offers("/blog", blog((1..=entries).rev()));
        world.poll_again("blog").await;
        let whole = cut(world.daemon.publish_tick(), polls).await.is_some();
        recovered += world.restart().await;
        settled(&world, usize::try_from(entries).expect("few")).await;
        if whole && recovered > 0 {
            break;
        }
    }
    assert!(entries > 5 && recovered > 0, "{entries} entries, {recovered} were under way");
}

#[tokio::test]
async fn a_post_is_out_once_wherever_its_look_up_was_cut_short() {
    let mut world = World::with_blog([1]).await;
    settled(&world, 1).await;
    let mut entries = 1;
    for polls in 1_usize.. {
        entries += 1;
        world.offers("/blog", blog((1..=entries).rev()));
        world.poll_again("blog").await;
        world.fault(if entries % 2 == 0 { "lost-answer" } else { "reset-before" });
        world.publish().await;
        let at = world.reconcile().await.next_at.expect("a look-up is due later");
        world.clock.set(at);
        let whole = cut(world.daemon.reconcile_tick(), polls).await.is_some();
        world.restart().await;
        settled(&world, usize::try_from(entries).expect("few")).await;
        if whole {
            break;
        }
    }
    assert!(entries > 5, "{entries} entries");
    world.assert_agrees().await;
}
