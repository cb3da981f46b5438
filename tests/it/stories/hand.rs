//! What a person does to the queue, to sending, and to what is published.

use chrono::TimeDelta;
use tidings::daemon::desk::{Manner, Many, Place};
use tidings::domain::breaker::Scope;
use tidings::domain::deletion::Deletion;
use tidings::domain::hand::{By, Deed, Door};
use tidings::domain::post::{Event, State};

use super::super::world::{BLOG, World, blog, item, rss};

/// The texts that went out, first lines only.
fn told(world: &World) -> Vec<String> {
    let first = |text: String| text.lines().next().unwrap_or_default().to_owned();
    world.published().into_iter().map(|post| first(post.text)).collect()
}

#[tokio::test]
async fn an_edited_post_goes_out_as_the_person_wrote_it_and_is_told_apart() {
    let world = World::with_blog(1..=1).await;
    let desk = world.desk();
    let before = world.post(1).await;
    let long = desk.edit(1, &"x".repeat(281)).await.expect_err("too long").to_string();
    assert_eq!(long, "the text is 281 long, and 280 is the limit: shorten it by 1");
    assert!(desk.edit(1, " \n").await.expect_err("empty").to_string().contains("empty"));
    assert!(desk.edit(9, "x").await.expect_err("unknown").to_string().contains("no post 9"));
    assert_eq!(world.post(1).await, before, "nothing was changed");
    let live = desk.check_text(&before, "Hello @anna\n\nfrom us");
    assert_eq!((live.weighted_length, live.has_link), (19, false));
    assert_eq!(live.cost.to_string(), "$0.015");
    let post = desk.edit(1, "Hello @anna\n\nfrom us").await.expect("edited");
    assert_eq!(post, world.post(1).await);
    assert_eq!(
        (post.text.as_str(), post.has_link, post.edited),
        ("Hello @anna\nfrom us", false, true)
    );
    world.run_until_quiet().await;
    assert_eq!(told(&world), ["Hello @anna"]);
    world.assert_agrees().await;
    let refused = world.desk().edit(1, "again").await.expect_err("it is out").to_string();
    assert!(refused.contains("post 1 is published"), "{refused}");
    let acts = world.store().acts(Some(1), 10).await.expect("acts");
    let act = acts.first().expect("one act");
    assert_eq!((acts.len(), act.deed, act.by.name()), (1, Deed::Edit, "anna"));
    assert_eq!(
        (act.before.as_str(), act.after.as_str()),
        (before.text.as_str(), post.text.as_str())
    );
}

/// The same words by hand on another account are found by what comes later.
#[tokio::test]
async fn an_edit_renews_what_is_known_of_the_words() {
    let world = World::with_blog(1..=1).await;
    world.desk().edit(1, "Same words on two accounts").await.expect("edited");
    let mut tx = world.store().begin(world.now()).await.expect("begun");
    let lane = tidings::domain::breaker::Lane::new("other", "twitter");
    let key = |text: &str| {
        use sha2::{Digest as _, Sha256};
        let words = tidings::domain::select::twins::words_alone(text).expect("words");
        let bytes = Sha256::digest(words.as_bytes());
        let (head, _) = bytes.split_first_chunk::<16>().expect("sixteen bytes");
        format!("{:032x}", u128::from_be_bytes(*head))
    };
    let since = world.now() - TimeDelta::days(1);
    let found = tx.twin_by_words(&key("Same words on two accounts"), &lane, since).await;
    assert_eq!(found.expect("looked").map(|twin| twin.post), Some(1));
}

#[tokio::test]
async fn posts_go_in_the_order_that_a_person_wants() {
    let world = World::with_blog(1..=6).await;
    let desk = world.desk();
    desk.move_post(5, Place::First).await.expect("moved");
    desk.move_post(1, Place::Last).await.expect("moved");
    desk.move_post(6, Place::Before(3)).await.expect("moved");
    let texts: Vec<String> = world.posts().await.into_iter().map(|post| post.text).collect();
    let plan = desk_plan(&world).await;
    assert_eq!(plan, [5, 2, 6, 3, 4, 1]);
    let itself = desk.move_post(2, Place::Before(2)).await.expect_err("itself").to_string();
    assert!(itself.contains("before itself"), "{itself}");
    world.run_until_quiet().await;
    let sent: Vec<String> = world.published().into_iter().map(|post| post.text).collect();
    let wanted: Vec<&String> =
        plan.iter().filter_map(|id| texts.get(usize::try_from(id - 1).ok()?)).collect();
    assert_eq!(sent.iter().collect::<Vec<_>>(), wanted, "as the plan said");
    world.assert_agrees().await;
    let late = world.desk().move_post(2, Place::First).await.expect_err("it is out").to_string();
    assert!(late.contains("is posted, and only held and queued posts can be moved"), "{late}");
}

async fn desk_plan(world: &World) -> Vec<i64> {
    let lane = world.post(1).await.lane;
    let until = world.now() + TimeDelta::days(1);
    let plan = world.daemon.outlook().plan_of(&lane, world.now(), until).await.expect("a plan");
    plan.rows.iter().map(|row| row.id).collect()
}

#[tokio::test]
async fn a_post_waits_for_the_time_that_a_person_said() {
    let world =
        World::open(&BLOG.replace("hold_above = 100", "hold_above = 100\nexpire_after = \"5h\""))
            .await;
    world.offers("/blog", blog(1..=2));
    world.poll().await;
    let at = world.now() + TimeDelta::hours(2);
    let late = world.now() + TimeDelta::hours(6);
    let refused = world.desk().reschedule(1, Some(late)).await.expect_err("expired").to_string();
    assert!(refused.contains("it expires at"), "{refused}");
    world.desk().reschedule(1, Some(at)).await.expect("rescheduled");
    world.run_for(TimeDelta::hours(1)).await;
    assert_eq!(world.published().len(), 1);
    world.run_for(TimeDelta::hours(2)).await;
    let published = world.published();
    assert_eq!(published.len(), 2);
    assert_eq!(published.get(1).map(|post| post.at), Some(at));
    let wrong = world.desk().reschedule(1, None).await.expect_err("it is out").to_string();
    assert!(wrong.contains("can't be given another time"), "{wrong}");
}

#[tokio::test]
async fn a_pause_may_spare_what_a_person_releases_and_may_be_of_one_feed() {
    let two = BLOG.to_owned()
        + "[[feed]]\nname = \"news\"\nurl = \"SITE/news\"\nfirst_run = \"all\"\nhold_above = 100\n";
    let world = World::open(&two).await;
    world.offers("/blog", blog(1..=2));
    world.offers("/news", rss(&[item(11), item(12)]));
    world.poll().await;
    let of = |feed: &'static str| {
        let world = &world;
        async move {
            let posts = world.posts().await;
            posts.into_iter().filter(|it| it.feed == feed).map(|it| it.id).collect::<Vec<_>>()
        }
    };
    let (blogs, news) = (of("blog").await, of("news").await);
    let feed = Scope::Feed("blog".into());
    world.desk().pause(&feed, None, Manner::Everything).await.expect("paused");
    world.run_until_quiet().await;
    let out = |ids: Vec<i64>, world: &World| {
        let (store, ids) = (world.store().clone(), ids);
        async move {
            let mut out = 0;
            for id in ids {
                let post = store.post(id).await.expect("read").expect("there");
                out += usize::from(post.life.state == State::Posted);
            }
            out
        }
    };
    assert_eq!(out(news, &world).await, 2, "another feed goes on");
    assert_eq!(out(blogs.clone(), &world).await, 0, "the paused one waits");
    let all = Scope::All;
    world.desk().pause(&all, None, Manner::ExceptReleased).await.expect("paused");
    world.desk().resume(&feed).await.expect("resumed");
    world.run_until_quiet().await;
    assert_eq!(out(blogs.clone(), &world).await, 0, "nobody let it go");
    world.desk().act(blogs[1], &Event::SendNow).await.expect("released");
    world.run_until_quiet().await;
    assert_eq!(out(blogs.clone(), &world).await, 1);
    world.desk().resume(&all).await.expect("resumed");
    world.run_until_quiet().await;
    assert_eq!(out(blogs, &world).await, 2);
    world.assert_agrees().await;
    assert!(world.desk().pause(&Scope::Feed("no".into()), None, Manner::Everything).await.is_err());
}

#[tokio::test]
async fn many_are_skipped_at_once_and_each_is_told() {
    let world = World::with_blog(1..=3).await;
    assert_eq!(world.desk().skip_all(Many::Feed("other")).await.expect("none"), 0);
    assert_eq!(world.desk().skip_all(Many::Feed("blog")).await.expect("all"), 3);
    world.run_until_quiet().await;
    assert_eq!(world.requests().len(), 0);
    assert_eq!(world.store().acts(None, 10).await.expect("acts").len(), 3);
}

#[tokio::test]
async fn a_deleted_post_is_gone_and_is_never_sent_again() {
    let world = World::with_blog(1..=2).await;
    let by = By::new(Door::Command, "anna");
    let early = world.daemon.delete(1, &by).await.expect_err("not out").to_string();
    assert!(early.contains("is queued, not published"), "{early}");
    world.run_until_quiet().await;
    assert_eq!(world.daemon.delete(1, &by).await.expect("asked"), Deletion::Deleted);
    let deletes = world.asked("DELETE", "/api/post");
    assert_eq!(deletes.len(), 1);
    assert_eq!(deletes.first().map(|seen| seen.x_pair), Some("right"));
    let gone: Vec<bool> = world.published().iter().map(|post| post.deleted).collect();
    assert_eq!(gone, [true, false]);
    let post = world.post(1).await;
    assert_eq!(post.life.state, State::Posted);
    assert_eq!(post.aftermath.deleted_by.as_deref(), Some("anna"));
    let twice = world.daemon.delete(1, &by).await.expect_err("gone").to_string();
    assert!(twice.contains("deleted already"), "{twice}");
    world.pass(TimeDelta::days(3));
    assert!(world.desk().repost(1, None).await.is_err());
    assert!(world.desk().act(1, &Event::Retry).await.is_err());
    world.run_until_quiet().await;
    world.assert_agrees().await;
    assert_eq!(world.requests().len(), 2);
}

#[tokio::test]
async fn a_published_post_is_repeated_once_by_hand_and_not_within_two_days() {
    let world = World::with_blog(1..=1).await;
    world.run_until_quiet().await;
    let early = world.desk().repost(1, None).await.expect_err("too soon").to_string();
    assert!(early.contains("less than 2 d 1 h before, and `repost.after`"), "{early}");
    let at = world.now() + TimeDelta::hours(50);
    let new = world.desk().repost(1, Some(at)).await.expect("queued");
    assert_eq!((new.id, new.aftermath.repost_of), (2, Some(1)));
    assert_ne!(new.uuid, world.post(1).await.uuid);
    let twice = world.desk().repost(1, Some(at)).await.expect_err("one waits").to_string();
    assert!(twice.contains("is repeated by post 2 already"), "{twice}");
    world.run_for(TimeDelta::hours(49)).await;
    assert_eq!(world.published().len(), 1);
    world.run_for(TimeDelta::hours(2)).await;
    assert_eq!(world.published().len(), 2, "the gate let it through");
    // Its feed offers the entry still, and nothing more comes of it.
    world.run_for(TimeDelta::days(3)).await;
    assert_eq!(world.published().len(), 2);
}

#[tokio::test]
async fn the_limits_of_reposts_are_those_of_the_config() {
    let config = BLOG.replace(
        "min_gap = \"1s\"",
        "min_gap = \"1s\"\nrepost = { after = \"10d\", max_per_month = 1 }",
    );
    let world = World::open(&config).await;
    world.offers("/blog", blog(1..=2));
    world.run_until_quiet().await;
    world.pass(TimeDelta::days(9));
    let early = world.desk().repost(1, None).await.expect_err("too soon").to_string();
    assert!(early.contains("less than 10 d before"), "{early}");
    world.pass(TimeDelta::days(2));
    world.desk().repost(1, None).await.expect("queued");
    let many = world.desk().repost(2, None).await.expect_err("one a month").to_string();
    assert!(many.contains("`repost.max_per_month` of profile main is 1"), "{many}");
    world.run_until_quiet().await;
    assert_eq!(world.published().len(), 3);
    world.pass(TimeDelta::days(31));
    world.desk().repost(2, None).await.expect("another month");
}

#[tokio::test]
async fn a_headline_that_is_changed_after_publishing_is_told_and_not_posted_again() {
    let world = World::with_blog(1..=1).await;
    world.run_until_quiet().await;
    let mut news = world.daemon.listen();
    let changed = blog(1..=1).replace("<title>", "<title>Corrected: ");
    world.offers("/blog", changed);
    world.poll_again("blog").await;
    world.run_until_quiet().await;
    assert_eq!(world.published().len(), 1);
    let post = world.post(1).await;
    assert!(post.aftermath.correction.starts_with("Corrected: "), "{post:?}");
    let mut told = 0;
    while let Ok(item) = news.try_recv() {
        told += usize::from(matches!(item, tidings::daemon::news::News::Corrected { post: 1, .. }));
    }
    assert_eq!(told, 1);
    let since = |days| world.now() - TimeDelta::days(days);
    let listed = world.store().corrected(since(7), 5).await.expect("corrections");
    assert_eq!(listed.iter().map(|it| it.id).collect::<Vec<_>>(), [1]);
    world.pass(TimeDelta::days(8));
    let listed = world.store().corrected(world.now() - TimeDelta::days(7), 5).await;
    assert!(listed.expect("corrections").is_empty(), "a week later it is settled");
}
