//! A running daemon takes over a changed config: by SIGHUP, and when a command wrote it.
//!
//! Promises: seen from outside, in the sandbox's books, in what feeds were asked, in `status` and
//! `queue`. Must not: wait for a state by sleeping.

use serde_json::Value;
use tidings::sandbox::Books;

use super::process::{Tidings, World, items};

const X_ONLY: &str = "[[profile]]\nname = \"main\"\nplatforms = [\"twitter\"]\n";
const SLOW: &str = "[[profile]]\nname = \"main\"\nplatforms = [\"twitter\"]\nmin_gap = \"12h\"\n";

fn out(books: &Books, token: &str) -> usize {
    books.published().filter(|post| post.text.contains(token)).count()
}

/// Two feeds with two items each; both are in the config from the start, or only the first.
async fn world(profile: &str, both: bool) -> World {
    let world = World::new(|_| {}).await;
    world.show("one", &items("a", 2));
    world.show("two", &items("b", 2));
    configure(&world, profile, both);
    world
}

fn configure(world: &World, profile: &str, both: bool) {
    let one = world.feed("one", "main", "");
    let two = if both { world.feed("two", "main", "") } else { String::new() };
    world.configure("1s", &format!("{profile}\n{one}{two}"));
}

async fn status(world: &World) -> Value {
    serde_json::from_str(&world.tell(&["status", "--json"]).await).expect("JSON")
}

/// Has the daemon take over what the config says now.
async fn reload(daemon: &mut Tidings, times: usize) {
    daemon.signal("HUP");
    daemon.says_times("the config was read anew", times).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_added_by_a_command_is_polled_without_a_restart_and_nothing_is_doubled() {
    let world = world(X_ONLY, false).await;
    world.sandbox.add_fault("slow@2").expect("a fault");
    let mut daemon = world.start();
    let in_flight = |books: &Books| books.requests().any(|it| it.answered.is_none());
    world.until("a request is out", &mut daemon, in_flight).await;
    let url = world.feeds.url("/two.xml").to_string();
    world.tell(&["feeds", "add", &url, "--name", "two", "--profile", "main"]).await;
    daemon.says("the config was read anew: feeds 2, profiles 1").await;
    world.until("all is out", &mut daemon, |books| books.published().count() == 4).await;
    daemon.stop().await;
    assert_eq!(world.requests(), 4, "what was in flight was neither lost nor sent again");
    assert!(world.sandbox.books().doubles().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_config_is_refused_and_told_until_it_is_right_again() {
    let world = world(X_ONLY, false).await;
    let mut daemon = world.start();
    world.until("it is at work", &mut daemon, |books| out(books, "a002") == 1).await;
    let good = std::fs::read_to_string(world.path("tidings.toml")).expect("config");
    let wrong = good.replace("interval = \"1s\"", "interval = \"never\"\nspeed = 3");
    std::fs::write(world.path("tidings.toml"), wrong).expect("config");
    daemon.signal("HUP");
    daemon.says("the changed config was refused").await;
    assert!(daemon.log().contains("speed"), "all complaints are told\n{}", daemon.log());
    // The old one is in force: its feed is polled, its posts go out.
    world.show("one", &items("a", 3));
    world.until("it goes on", &mut daemon, |books| out(books, "a003") == 1).await;
    std::fs::write(world.path("tidings.toml"), &good).expect("config");
    let told = status(&world).await["config"].clone();
    let refusal = told["refusal"].as_str().expect("a refusal");
    assert!(refusal.contains("never") && refusal.contains("speed"), "{refusal}");
    assert!(world.tell(&["status"]).await.contains("was refused; the one of"));
    reload(&mut daemon, 1).await;
    let told = status(&world).await["config"].clone();
    assert_eq!((&told["refusal"], &told["refused_at"]), (&Value::Null, &Value::Null));
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_posts_of_a_removed_feed_are_held_and_asked_about_and_come_back_with_it() {
    let world = world(SLOW, true).await;
    let mut daemon = world.start();
    daemon.says(" runs with ").await;
    let queued = world.until_queue(&mut daemon, Some("queued"), |posts| posts.len() == 3).await;
    let of_two = queued.iter().filter(|post| post["feed"] == "two").count();
    configure(&world, SLOW, false);
    reload(&mut daemon, 1).await;
    let held = world.queue(Some("held")).await;
    assert_eq!(held.len(), of_two, "{held:#?}");
    let asked = status(&world).await["needs_person"].to_string();
    assert!(asked.contains("its feed two is no longer in the config"), "{asked}");
    // It is polled no more: the other one is.
    let before = world.asked("two");
    world.until_asked("one", 3, &mut daemon).await;
    assert!(world.asked("two") <= before + 1, "at most the poll that was on its way");
    // One is let go all the same, and stays so through another reload and a restart.
    let first = held[0]["post"].to_string();
    world.tell(&["queue", "approve", &first]).await;
    reload(&mut daemon, 2).await;
    daemon.stop().await;
    let mut daemon = world.start();
    daemon.says(" runs with ").await;
    let held = world.queue(Some("held")).await;
    assert_eq!(held.len(), of_two - 1, "{held:#?}");
    configure(&world, SLOW, true);
    reload(&mut daemon, 1).await;
    assert!(world.queue(Some("held")).await.is_empty(), "with the feed its posts are back");
    assert_eq!(world.queue(Some("queued")).await.len(), 3);
    daemon.stop().await;
    assert_eq!(world.requests(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_posts_of_a_removed_profile_are_held_after_a_restart_as_well() {
    let two = format!(
        "{SLOW}[[profile]]\nname = \"other\"\nplatforms = [\"linkedin\"]\nmin_gap = \"12h\"\n"
    );
    let world = world(SLOW, false).await;
    let both = |world: &World| world.feed("one", "main\", \"other", "");
    world.configure("1s", &format!("{two}\n{}", both(&world)));
    let mut daemon = world.start();
    daemon.says(" runs with ").await;
    world.until_queue(&mut daemon, Some("queued"), |posts| posts.len() == 2).await;
    daemon.stop().await;
    configure(&world, SLOW, false);
    let mut daemon = world.start();
    daemon.says("are held, since their feed or lane is no longer in the config").await;
    let held = world.queue(Some("held")).await;
    assert_eq!(held.len(), 1, "{held:#?}");
    let asked = status(&world).await["needs_person"].to_string();
    assert!(asked.contains("its lane other/linkedin is no longer in the config"), "{asked}");
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_pace_acts_at_once_time_and_again() {
    let world = world(SLOW, false).await;
    let mut daemon = world.start();
    daemon.says(" runs with ").await;
    for round in 1..=6 {
        let shown = items("a", 1 + round);
        world.show("one", &shown);
        world.until_queue(&mut daemon, Some("queued"), |posts| posts.len() == 1).await;
        configure(&world, X_ONLY, false);
        reload(&mut daemon, 2 * round - 1).await;
        // By itself it would look at its lanes after a minute.
        let last = &shown[round].token;
        world.until(last, &mut daemon, |books| out(books, last) == 1).await;
        configure(&world, SLOW, false);
        reload(&mut daemon, 2 * round).await;
    }
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_change_while_it_runs_is_told_and_secrets_are_read_anew() {
    let world = World::new(|options| options.api_keys = vec!["second-key".to_owned()]).await;
    world.show("one", &items("a", 2));
    world.show("two", &items("b", 2));
    let write = |both, database: &str| {
        configure(&world, X_ONLY, both);
        let text = std::fs::read_to_string(world.path("tidings.toml")).expect("config");
        let text = text.replacen("[ayrshare]\n", "[ayrshare]\napi_key = { file = \"key\" }\n", 1);
        let text = text.replace("tidings.db", database);
        std::fs::write(world.path("tidings.toml"), text).expect("config");
    };
    std::fs::write(world.path("key"), "first-key").expect("key");
    write(false, "tidings.db");
    let mut daemon = world.start();
    daemon.says("stop").await;
    std::fs::write(world.path("key"), "second-key").expect("key");
    write(true, "elsewhere.db");
    reload(&mut daemon, 1).await;
    daemon.says("`store.path` was changed, which needs a restart").await;
    // The new key ends the stop, and the new feed's posts are among those that go out.
    world.until("all is out", &mut daemon, |books| books.published().count() == 4).await;
    assert!(!world.path("elsewhere.db").exists());
    daemon.stop().await;
}
