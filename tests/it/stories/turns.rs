//! Whose turn it is, and what the money does to a post, through the real daemon.

use chrono::TimeDelta;
use tidings::domain::breaker::Lane;
use tidings::domain::post::State;

use crate::world::{BLOG, World, blog, start};

const DESK: &str = r#"
[[profile]]
name = "main"
platforms = ["twitter"]
time_zone = "Europe/Berlin"
min_gap = "20m"
max_per_day = 12
jitter = "5m"
quiet_hours = ["22:00-07:00"]
breaking_ignores = ["min_gap"]

[defaults.feed]
first_run = "all"
hold_above = 100

[[feed]]
name = "wire"
url = "SITE/wire"
max_per_day = 5

[[feed]]
name = "blog"
url = "SITE/blog"
order = "newest"
embargo = "45m"

[[feed]]
name = "alerts"
url = "SITE/alerts"
priority = "breaking"
"#;

/// A feed of these items, of another site than the others.
fn site(name: &str, numbers: impl IntoIterator<Item = i32>) -> String {
    blog(numbers)
        .replace("number", &format!("{name} number"))
        .replace("blog.example.com/", &format!("{name}.example.com/"))
}

#[tokio::test]
async fn the_first_row_of_the_plan_is_what_goes_next() {
    let world = World::open(DESK).await;
    world.offers("/wire", site("wire", (1..=8).rev()));
    world.offers("/blog", site("blog", (1..=8).rev()));
    world.offers("/alerts", site("alerts", (1..=2).rev()));
    world.poll().await;
    let lane = Lane::new("main", "twitter");
    let mut feeds = Vec::new();
    for _ in 0..18 {
        let outlook = world.daemon.outlook();
        let until = world.now() + TimeDelta::days(5);
        let plan = outlook.plan_of(&lane, world.now(), until).await.expect("a plan");
        let row = plan.rows.first().expect("a first row");
        let post = world.post(row.id).await;
        let trace = outlook.trace_of(&post, world.now(), until).await.expect("read");
        assert_eq!(trace.and_then(|trace| trace.goes), Some(*row));
        let sent = world.published().len();
        if row.at > world.now() {
            world.run_until(row.at - TimeDelta::milliseconds(1)).await;
        }
        assert_eq!(world.published().len(), sent, "nothing goes before {row:?}");
        world.pass(row.at - world.now());
        world.publish().await;
        assert_eq!(world.post(row.id).await.life.state, State::Posted, "{row:?}");
        let first = world.published().get(sent).cloned().expect("one went");
        assert_eq!((first.at, first.text), (row.at, post.text));
        feeds.push(post.feed);
    }
    // Breaking first; the blog waits for its embargo, then they take turns.
    assert_eq!(feeds[..6], ["alerts", "alerts", "wire", "wire", "blog", "wire"]);
    let blogs = world.posts().await.into_iter().filter(|post| post.feed == "blog");
    let mut blogs: Vec<_> = blogs.map(|post| (post.life.posted_at, post.id)).collect();
    blogs.sort_unstable();
    assert!(blogs.is_sorted_by(|one, other| one.1 > other.1), "the newest first: {blogs:?}");
    world.assert_agrees().await;
}

#[tokio::test]
async fn where_the_money_does_not_reach_a_post_goes_without_its_link() {
    let config = BLOG.replace(
        "min_gap = \"1s\"",
        "min_gap = \"1s\"\nbudget = { usd = 0.24, per = \"day\", when_spent = \"drop_link\" }",
    );
    let world = World::open(&config).await;
    world.offers("/blog", blog([5, 4, 3, 2, 1]));
    world.run_until_quiet().await;
    let out = world.published();
    let linked: Vec<bool> = out.iter().map(|it| it.text.contains("https://")).collect();
    assert_eq!(linked, [true, false, false, true, false]);
    let day = start().date_naive();
    let days: Vec<i64> = out.iter().map(|it| (it.at.date_naive() - day).num_days()).collect();
    assert_eq!(days, [0, 0, 0, 1, 1]);
    let post = world.post(2).await;
    assert!(!post.has_link && !post.edited);
    assert!(post.notes.contains("does not reach for the link"), "{}", post.notes);
    world.assert_agrees().await;
}

#[tokio::test]
async fn two_profiles_at_once_do_not_overdraw_the_money_that_they_share() {
    let config = r#"
[budget]
usd = 0.5
per = "day"

[[profile]]
name = "main"
platforms = ["twitter"]
min_gap = "1s"

[[profile]]
name = "client"
platforms = ["twitter"]
same_text = "allow"
min_gap = "1s"
profile_key = { env = "CLIENT_PROFILE_KEY" }
x_api_key = { env = "CLIENT_X_API_KEY" }
x_api_secret = { env = "CLIENT_X_API_SECRET" }

[[feed]]
name = "blog"
url = "SITE/blog"
profiles = ["main", "client"]
first_run = "all"
"#;
    let world = World::open(config).await;
    world.offers("/blog", blog([3, 2, 1]));
    world.run_until_quiet().await;
    let day = start().date_naive();
    let days: Vec<i64> =
        world.published().iter().map(|it| (it.at.date_naive() - day).num_days()).collect();
    assert_eq!(days, [0, 0, 1, 1, 2, 2], "half a dollar pays two a day");
    world.assert_agrees().await;
}

#[tokio::test]
async fn the_last_money_goes_to_one_of_two_profiles_only() {
    let config = BLOG.replace(
        "[[profile]]",
        "[budget]\nusd = 0.3\nper = \"day\"\n[[profile]]\nname = \"client\"\nplatforms = [\"twitter\"]\nsame_text = \"allow\"\n\
         profile_key = { env = \"CLIENT_PROFILE_KEY\" }\nx_api_key = { env = \"CLIENT_X_API_KEY\" }\n\
         x_api_secret = { env = \"CLIENT_X_API_SECRET\" }\n[[profile]]",
    );
    let config = config.replace("hold_above", "profiles = [\"main\", \"client\"]\nhold_above");
    let world = World::open(&config).await;
    world.offers("/blog", blog([1]));
    world.poll().await;
    // Both lanes are due in the same tick, and each sees the money.
    let report = world.publish().await;
    assert_eq!(report.sent.len(), 1);
    world.run_until_quiet().await;
    let out = world.published();
    assert_eq!(out.len(), 2);
    assert_eq!((out[1].at.date_naive() - out[0].at.date_naive()).num_days(), 1);
    world.assert_agrees().await;
}
