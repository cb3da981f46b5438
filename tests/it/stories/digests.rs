//! Several entries in one post, through the real daemon.

use chrono::{DateTime, TimeDelta, Utc};
use tidings::clock::Clock;
use tidings::domain::post::State;
use tidings::sandbox::Published;

use crate::world::{BLOG, Item, Setup, World, blog, cut, item, rss};

/// A blog with one digest a day, at 18:00 in UTC.
fn daily(more: &str) -> String {
    format!("{BLOG}digest = {{ every = \"daily 18:00\"{more} }}\n")
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

/// The numbers of the stories that a text tells of, in its order.
fn told(text: &str) -> Vec<i32> {
    let line = |line: &str| line.rsplit_once("The story of number ")?.1.parse().ok();
    text.lines().filter_map(line).collect()
}

fn times(published: &[Published]) -> Vec<DateTime<Utc>> {
    published.iter().map(|it| it.at).collect()
}

/// Each of these entries is out in one post, and that is the one the database names.
async fn assert_each_once(world: &World, entries: i32) {
    world.assert_agrees().await;
    let mut all: Vec<i32> = world.published().iter().flat_map(|it| told(&it.text)).collect();
    all.sort_unstable();
    assert_eq!(all, (1..=entries).collect::<Vec<_>>());
    for entry in 1..=i64::from(entries) {
        let posts = world.store().posts_of_entry(entry).await.expect("posts");
        let title = world.store().entry(entry).await.expect("read").expect("an entry").title;
        assert_eq!(posts.len(), 1, "{title}");
        assert!(posts.iter().all(|post| post.text.lines().any(|line| line.ends_with(&title))));
        assert!(posts.iter().all(|post| post.life.state == State::Posted), "{title}");
    }
}

#[tokio::test]
async fn what_comes_during_the_day_goes_out_in_the_evening_in_one_post() {
    let mut world = World::open(&daily(", title = \"Today\"")).await;
    world.offers("/blog", blog([2, 1]));
    world.poll().await;
    world.restart().await;
    world.offers("/blog", blog([3, 2, 1]));
    world.poll_again("blog").await;
    world.run_until(at("2026-11-16T17:59:59Z")).await;
    assert_eq!(world.published(), []);
    world.restart().await;
    world.run_until(at("2026-11-16T18:00:00Z")).await;
    let out = world.published();
    assert_eq!(times(&out), [at("2026-11-16T18:00:00Z")]);
    assert_eq!(
        out[0].text,
        "Today\n• The story of number 1\n• The story of number 2\n• The story of number 3\n\
         https://blog.example.com/1"
    );
    // What comes at the instant itself waits for the next one, and an evening without news is silent.
    world.run_until(at("2026-11-18T12:00:00Z")).await;
    world.offers("/blog", blog([4, 3, 2, 1]));
    world.poll_again("blog").await;
    world.run_until(at("2026-11-19T00:00:00Z")).await;
    let out = world.published();
    assert_eq!(times(&out), [at("2026-11-16T18:00:00Z"), at("2026-11-18T18:00:00Z")]);
    assert_eq!(out[1].text, "Today\nThe story of number 4\nhttps://blog.example.com/4");
    assert_each_once(&world, 4).await;
}

#[tokio::test]
async fn what_is_too_much_for_one_goes_with_the_next() {
    let world = World::open(&daily(", max = 3, link = \"none\"")).await;
    world.offers("/blog", blog((1..=7).rev()));
    world.run_until(at("2026-11-20T00:00:00Z")).await;
    let out = world.published();
    let told: Vec<Vec<i32>> = out.iter().map(|it| told(&it.text)).collect();
    assert_eq!(told, [vec![1, 2, 3], vec![4, 5, 6], vec![7]]);
    let days = [16, 17, 18].map(|day| at(&format!("2026-11-{day}T18:00:00Z")));
    assert_eq!(times(&out), days);
    assert_each_once(&world, 7).await;
    // Without a link X bills each as a post without one.
    for post in world.posts().await {
        assert!(!post.has_link && !post.text.contains("https://"), "{}", post.text);
        let attempts = world.store().attempts(post.id).await.expect("attempts");
        assert_eq!(attempts.iter().map(|it| it.cost.micros()).collect::<Vec<_>>(), [15_000]);
    }
}

#[tokio::test]
async fn without_entries_there_is_no_digest() {
    let world = World::open(&daily("")).await;
    world.offers("/blog", blog([]));
    world.run_until(at("2026-11-18T00:00:00Z")).await;
    assert_eq!((world.posts().await.len(), world.requests().len()), (0, 0));
}

#[tokio::test]
async fn a_time_that_the_clocks_leave_out_fires_right_after_the_gap_and_once() {
    let config = daily("")
        .replace("daily 18:00", "daily 02:30")
        .replace("min_gap", "time_zone = \"Europe/Berlin\"\nmin_gap");
    let mut setup = Setup::new(&config);
    setup.clock = Clock::manual(at("2027-03-27T20:00:00Z"));
    setup.options.clock = setup.clock.clone();
    let world = setup.open().await;
    let story = |n| Item { at: Some(at("2027-03-27T12:00:00Z")), ..item(n) };
    world.offers("/blog", rss(&[story(2), story(1)]));
    world.run_until(at("2027-03-28T12:00:00Z")).await;
    world.offers("/blog", rss(&[story(3), story(2), story(1)]));
    world.poll_again("blog").await;
    world.run_until(at("2027-03-30T00:00:00Z")).await;
    let out = world.published();
    assert_eq!(times(&out), [at("2027-03-28T01:00:00Z"), at("2027-03-29T00:30:00Z")]);
    assert_each_once(&world, 3).await;
}

#[tokio::test]
async fn a_digest_that_can_not_be_paid_waits_and_takes_nothing_more_in() {
    let config = daily("")
        .replace("\"daily 18:00\"", "[\"09:00\", \"18:00\"]")
        .replace("min_gap", "budget = { usd = 0.24, per = \"day\" }\nmin_gap");
    let world = World::open(&config).await;
    world.offers("/blog", blog([1]));
    world.run_until(at("2026-11-16T10:00:00Z")).await;
    world.offers("/blog", blog([2, 1]));
    world.poll_again("blog").await;
    world.run_until(at("2026-11-16T20:00:00Z")).await;
    assert_eq!(world.published().len(), 1, "the money of the day is spent");
    world.offers("/blog", blog([3, 2, 1]));
    world.poll_again("blog").await;
    world.run_until(at("2026-11-20T00:00:00Z")).await;
    let told: Vec<Vec<i32>> = world.published().iter().map(|it| told(&it.text)).collect();
    assert_eq!(told, [[1], [2], [3]]);
    assert_each_once(&world, 3).await;
}

#[tokio::test]
async fn wherever_the_program_ends_each_entry_is_out_once() {
    let mut world = World::open(&daily("")).await;
    let mut entries = 0;
    for polls in 1_usize..=40 {
        entries += 1;
        world.offers("/blog", blog((1..=entries).rev()));
        let feed = world.store().feed("blog").await.expect("read");
        let next = feed.map_or_else(|| world.now(), |feed| feed.next_poll_at);
        world.clock.set(std::cmp::max(next, world.now()));
        // Cut while it is read, while it grows, and while it is sent.
        drop(cut(world.daemon.poll_tick(), polls).await);
        world.restart().await;
        drop(cut(world.daemon.publish_tick(), polls).await);
        world.restart().await;
        world.run_for(TimeDelta::hours(5)).await;
    }
    world.run_for(TimeDelta::days(8)).await;
    assert_each_once(&world, entries).await;
    assert!(world.published().iter().any(|it| told(&it.text).len() > 3), "they were gathered");
}

#[tokio::test]
async fn a_changed_headline_changes_its_line() {
    let world = World::open(&daily("")).await;
    world.offers("/blog", blog([2, 1]));
    world.poll().await;
    let changed = Item { title: "Another story of number 2".to_owned(), ..item(2) };
    world.offers("/blog", rss(&[changed, item(1)]));
    world.poll_again("blog").await;
    world.run_until(at("2026-11-16T18:00:00Z")).await;
    let texts: Vec<String> = world.published().into_iter().map(|it| it.text).collect();
    assert_eq!(
        texts,
        ["• The story of number 1\n• Another story of number 2\nhttps://blog.example.com/1"]
    );
    world.assert_agrees().await;
}

#[tokio::test]
async fn a_digest_that_a_person_let_go_is_closed() {
    let world = World::open(&daily("")).await;
    world.offers("/blog", blog([2, 1]));
    world.poll().await;
    world.desk().act(1, &tidings::domain::post::Event::SendNow).await.expect("it goes");
    world.offers("/blog", blog([3, 2, 1]));
    world.poll_again("blog").await;
    world.run_until(at("2026-11-16T18:00:00Z")).await;
    let told: Vec<Vec<i32>> = world.published().iter().map(|it| told(&it.text)).collect();
    assert_eq!(told, [vec![1, 2], vec![3]]);
    assert_each_once(&world, 3).await;
}

#[tokio::test]
async fn each_entry_of_a_digest_counts_as_said_on_its_lane() {
    let config = daily("").replace(
        "[[feed]]",
        "[[feed]]\nname = \"wire\"\nurl = \"SITE/wire\"\nfirst_run = \"all\"\n[[feed]]",
    );
    let world = World::open(&config).await;
    world.offers("/wire", blog([]));
    world.offers("/blog", blog([3, 2, 1]));
    world.poll().await;
    let again = Item { guid: Some("of the wire".to_owned()), ..item(3) };
    world.offers("/wire", rss(&[again]));
    world.poll_again("wire").await;
    let posts = world.posts().await;
    let states: Vec<State> = posts.iter().map(|post| post.life.state).collect();
    assert_eq!(states, [State::Queued, State::Skipped]);
    assert!(posts[1].life.reason.contains("post 1 of feed blog"), "{}", posts[1].life.reason);
}

#[tokio::test]
async fn the_same_digest_on_a_second_account_is_held() {
    let config = daily("")
        .replace(
            "[[feed]]",
            "[[profile]]\nname = \"client\"\nplatforms = [\"twitter\"]\n\
             profile_key = { env = \"CLIENT_PROFILE_KEY\" }\n\
             x_api_key = { env = \"CLIENT_X_API_KEY\" }\n\
             x_api_secret = { env = \"CLIENT_X_API_SECRET\" }\n[[feed]]",
        )
        .replace("first_run", "profiles = [\"main\", \"client\"]\nfirst_run");
    let world = World::open(&config).await;
    world.offers("/blog", blog([2, 1]));
    world.run_until(at("2026-11-16T18:00:00Z")).await;
    assert_eq!(world.published().len(), 1);
    assert_eq!(world.states().await, [State::Posted, State::Held]);
    let held = world.post(2).await;
    assert_eq!(told(&held.text), [1, 2]);
    assert!(held.life.reason.contains("same_text"), "{}", held.life.reason);
}
