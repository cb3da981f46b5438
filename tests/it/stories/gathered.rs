//! What waits for a spent budget is gathered in one post, through the real daemon.

use chrono::{DateTime, TimeDelta, Utc};
use tidings::domain::cost::Usd;
use tidings::domain::post::{Event, State};
use tidings::store::restore::restore;

use crate::world::{BLOG, Item, World, blog, cut, item, rss, start};

/// A blog with money for two posts with a link in a month.
fn gathering() -> String {
    BLOG.replace(
        "min_gap = \"1s\"",
        "min_gap = \"1s\"\nbudget = { usd = 0.5, per = \"month\", when_spent = \"digest\" }",
    )
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

/// A story that the feed tells after the first hour.
fn late(n: i32) -> Item {
    Item { at: Some(start() + TimeDelta::minutes(60 + i64::from(n))), ..item(n) }
}

fn told(text: &str) -> Vec<i32> {
    let line = |line: &str| line.rsplit_once("story of number ")?.1.parse().ok();
    text.lines().filter_map(line).collect()
}

/// The entries of each published post, by the sandbox's books.
fn out(world: &World) -> Vec<Vec<i32>> {
    world.published().iter().map(|it| told(&it.text)).collect()
}

/// Each entry up to this one is out once, and the ledger is what the books show.
async fn assert_each_once(world: &World, entries: i32) {
    world.assert_agrees().await;
    let mut all: Vec<i32> = out(world).concat();
    all.sort_unstable();
    assert_eq!(all, (1..=entries).collect::<Vec<_>>());
    let mut ledger = Usd::ZERO;
    for post in world.posts().await {
        assert!(matches!(post.life.state, State::Posted | State::Skipped), "post {}", post.id);
        for attempt in world.store().attempts(post.id).await.expect("attempts") {
            ledger = ledger.plus(attempt.cost);
        }
    }
    let posts = i64::try_from(world.published().len()).expect("few");
    assert_eq!(ledger, Usd::from_micros(200_000 * posts));
    assert_eq!(world.store().spent("main", start()).await.expect("the sum"), ledger);
}

#[tokio::test]
async fn what_the_month_can_not_pay_goes_out_in_one_post_when_the_next_one_begins() {
    let mut world = World::open(&gathering()).await;
    world.offers("/blog", blog([4, 3, 2, 1]));
    world.run_for(TimeDelta::hours(1)).await;
    assert_eq!(out(&world), [[1], [2]], "the money of the month is spent");
    assert_eq!(world.store().digest_entries(3).await.expect("read").len(), 2);
    let joined = world.post(4).await;
    assert_eq!(
        (joined.life.state, joined.life.reason.as_str()),
        (State::Skipped, "told in the digest of post 3")
    );
    world.restart().await;
    // New entries join while it waits, and a changed headline changes its line.
    world.offers("/blog", rss(&[late(7), late(6), late(5), item(4), item(3), item(2), item(1)]));
    world.poll_again("blog").await;
    world.run_for(TimeDelta::hours(2)).await;
    let changed = Item { title: "Another story of number 5".to_owned(), ..late(5) };
    world.offers("/blog", rss(&[late(8), late(7), late(6), changed, item(4), item(3)]));
    world.poll_again("blog").await;
    world.run_until(at("2026-11-30T23:59:59Z")).await;
    assert_eq!(world.published().len(), 2);
    let digest = world.post(3).await;
    assert!(digest.notes.contains("6 entries are gathered in one post"), "{}", digest.notes);
    world.restart().await;
    world.run_until_quiet().await;
    let published = world.published();
    assert_eq!(out(&world), [vec![1], vec![2], vec![3, 4, 5, 6, 7, 8]]);
    assert_eq!(published[2].at, at("2026-12-01T00:00:00Z"));
    assert_eq!(
        published[2].text,
        "• The story of number 3\n• The story of number 4\n• Another story of number 5\n• The story of \
         number 6\n• The story of number 7\n• The story of number 8\nhttps://blog.example.com/3"
    );
    assert_each_once(&world, 8).await;
    // Its entry can't be out by itself as well.
    for event in [Event::Retry, Event::SendNow] {
        let refused = world.desk().act(5, &event).await.expect_err("it is told elsewhere");
        assert!(refused.to_string().contains("told in the digest of post 3"), "{refused}");
    }
}

#[tokio::test]
async fn what_a_person_changed_and_what_is_too_much_for_one_waits_as_it_is() {
    let world = World::open(&gathering()).await;
    world.offers("/blog", blog([2, 1]));
    world.run_for(TimeDelta::hours(1)).await;
    let stories: Vec<Item> = (3..=15).rev().map(late).chain([item(2), item(1)]).collect();
    world.offers("/blog", rss(&stories));
    world.poll_again("blog").await;
    let later = at("2026-12-02T00:00:00Z");
    world.desk().act(3, &Event::Reschedule { at: later }).await.expect("it is put off");
    world.publish().await;
    let digests: Vec<usize> = {
        let mut counts = Vec::new();
        for post in world.posts().await {
            counts.push(world.store().digest_entries(post.id).await.expect("read").len());
        }
        counts.into_iter().filter(|count| *count > 0).collect()
    };
    assert_eq!(digests.iter().sum::<usize>(), 12, "{digests:?}");
    assert!(
        digests.len() == 2 && digests.iter().all(|count| (2..=10).contains(count)),
        "{digests:?}"
    );
    world.run_until_quiet().await;
    assert!(out(&world).contains(&vec![3]));
    assert_each_once(&world, 15).await;
}

#[tokio::test]
async fn a_digest_waits_as_long_as_its_newest_entry_and_says_what_it_took_along() {
    let config = gathering().replace("hold_above", "expire_after = \"2d\"\nhold_above");
    let world = World::open(&config).await;
    world.offers("/blog", blog([4, 3, 2, 1]));
    world.run_for(TimeDelta::days(1)).await;
    world.offers("/blog", blog([5, 4, 3, 2, 1]));
    world.poll_again("blog").await;
    world.publish().await;
    let (digest, newest) = (world.post(3).await, world.post(5).await);
    assert_eq!(digest.life.expires_at, newest.life.expires_at);
    world.run_for(TimeDelta::days(3)).await;
    let digest = world.post(3).await;
    assert_eq!(digest.life.state, State::Expired);
    assert_eq!(world.store().digest_entries(3).await.expect("read").len(), 3);
    world.assert_agrees().await;
}

#[tokio::test]
async fn wherever_the_program_ends_each_gathered_entry_is_out_once() {
    let mut world = World::open(&gathering()).await;
    let mut entries = 0;
    for polls in 1_usize..=30 {
        entries += 1;
        world.offers("/blog", blog((1..=entries).rev()));
        let feed = world.store().feed("blog").await.expect("read");
        let next = feed.map_or_else(|| world.now(), |feed| feed.next_poll_at);
        world.clock.set(std::cmp::max(next, world.now()));
        drop(cut(world.daemon.poll_tick(), polls).await);
        world.restart().await;
        drop(cut(world.daemon.publish_tick(), polls).await);
        world.restart().await;
        world.run_for(TimeDelta::hours(20)).await;
    }
    world.run_until_quiet().await;
    assert_each_once(&world, entries).await;
    assert!(out(&world).iter().any(|entries| entries.len() > 3), "they were gathered");
}

#[tokio::test]
async fn after_a_restore_a_person_is_asked_what_a_digest_told() {
    let mut world = World::open(&gathering()).await;
    world.offers("/blog", blog([4, 3, 2, 1]));
    world.poll().await;
    let backup = world.path("backup.db");
    world.store().copy_to(&backup).await.expect("a backup");
    world.run_until_quiet().await;
    assert_eq!(out(&world), [vec![1], vec![2], vec![3, 4]]);
    let put_back = world.path("put-back.db");
    restore(&backup, &put_back, world.now()).await.expect("it is put back");
    world.restore(&put_back).await;
    world.run_until_quiet().await;
    assert_eq!(world.published().len(), 3);
    assert_eq!(world.states().await, [State::Held; 4], "no look-up finds what a digest told");
    assert!(world.post(4).await.life.reason.contains("restored from a backup"));
}
