//! Selection from outside: filters, twins, the same words on two accounts, changed entries, settling.

use chrono::TimeDelta;
use tidings::domain::post::{Event, State};
use tidings::store::posts::Wording;

use crate::world::{BLOG, Item, World, item, rss, start};

/// Two feeds for one account.
const TWO_FEEDS: &str = r#"
[[profile]]
name = "main"
platforms = ["twitter"]
min_gap = "1s"

[defaults.feed]
first_run = "all"
hold_above = 100

[[feed]]
name = "blog"
url = "SITE/blog"

[[feed]]
name = "wire"
url = "SITE/wire"
"#;

/// One feed for two accounts.
const TWO_ACCOUNTS: &str = r#"
[[profile]]
name = "main"
platforms = ["twitter"]
min_gap = "1s"

[[profile]]
name = "client"
platforms = ["twitter", "linkedin"]
profile_key = { env = "CLIENT_PROFILE_KEY" }
x_api_key = { env = "CLIENT_X_API_KEY" }
x_api_secret = { env = "CLIENT_X_API_SECRET" }
min_gap = "1s"

[[feed]]
name = "blog"
url = "SITE/blog"
profiles = ["main", "client"]
first_run = "all"
"#;

/// The blog with more lines for its feed.
fn blog_with(lines: &str) -> String {
    format!("{BLOG}{lines}\n")
}

fn titled(n: i32, title: &str) -> Item {
    Item { title: title.to_owned(), ..item(n) }
}

/// What is out, by its first line.
fn headlines(world: &World) -> Vec<String> {
    let first = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    world.published().iter().map(|it| first(&it.text)).collect()
}

async fn reasons(world: &World, state: State) -> Vec<String> {
    let posts = world.posts().await.into_iter().filter(|post| post.life.state == state);
    posts.map(|post| post.life.reason).collect()
}

/// A blog with one post that waits until noon, six hours ahead.
async fn waiting(lines: &str) -> World {
    let config = blog_with(lines).replace("min_gap = \"1s\"", "post_at = [\"daily 12:00\"]");
    let world = World::open(&config).await;
    world.offers("/blog", rss(&[titled(1, "Storm nears Brest")]));
    world.poll().await;
    world
}

#[tokio::test]
async fn only_what_the_filters_let_through_is_out_and_the_rest_says_by_which_rule() {
    let world = World::open(&blog_with(
        r#"
include = ["/storm|嵐|عاصفة|🚨/i"]
exclude = ["sponsored", { link = "blog.example.com/6" }]
hold = [{ title = "obituary" }]
"#,
    ))
    .await;
    let titles = [
        "Storm closes the harbour",
        "Sponsored: a storm-proof sofa",
        "東京に嵐が来る",
        "عاصفة قوية تضرب الساحل",
        "&lt;b&gt;STORM&lt;/b&gt; warning 🚨",
        "Storm in the shop",
        "A quiet day",
        "Obituary of a storm chaser",
    ];
    let items: Vec<Item> = (1..).zip(titles).map(|(n, title)| titled(n, title)).collect();
    world.offers("/blog", rss(&items));
    world.run_until_quiet().await;
    assert_eq!(headlines(&world).len(), 4, "{:?}", headlines(&world));
    assert_eq!(world.posts().await.len(), 5, "what the feed leaves out makes no post");
    let held = reasons(&world, State::Held).await;
    insta::assert_snapshot!(held.join("\n"), @r#"hold: "obituary" is in the title; it waits for your approval"#);
    let mut left_out = Vec::new();
    for title in ["sofa", "shop", "quiet"] {
        for entry in world.store().find_entries(title, 5).await.expect("entries") {
            left_out.push(format!("{}: {}", entry.choice, entry.reason));
        }
    }
    insta::assert_snapshot!(left_out.join("\n"), @r#"
    skip: exclude: "sponsored" is in the title
    skip: exclude: "blog.example.com/6" is in the link
    skip: include: "/storm|嵐|عاصفة|🚨/i" is not in it
    "#);
    world.assert_agrees().await;
}

#[tokio::test]
async fn a_profile_leaves_out_on_its_own_lanes_alone() {
    let config = TWO_ACCOUNTS.replace(
        "min_gap = \"1s\"\n\n[[feed]]",
        "min_gap = \"1s\"\nexclude = [\"storm\"]\n\n[[feed]]",
    );
    let world = World::open(&config).await;
    world.offers("/blog", rss(&[titled(1, "Storm closes the harbour")]));
    let report = world.poll().await;
    assert_eq!((report.new_entries, report.posts), (1, 1));
    world.run_until_quiet().await;
    assert_eq!(headlines(&world), ["Storm closes the harbour"]);
    let skipped = reasons(&world, State::Skipped).await;
    assert_eq!(skipped, ["profile client: exclude: \"storm\" is in the title"; 2]);
    // A person may send it all the same.
    let post = world.posts().await.into_iter().find(|it| it.lane.platform == "linkedin");
    let id = post.expect("a post").id;
    world.desk().act(id, &Event::Retry).await.expect("sent by hand");
    world.run_until_quiet().await;
    assert_eq!(world.published().len(), 2);
    world.assert_nothing_twice().await;
}

#[tokio::test]
async fn the_same_link_of_two_feeds_is_out_once_within_the_window() {
    let world = World::open(TWO_FEEDS).await;
    let wire = |n: i32| Item {
        guid: Some(format!("wire-{n}")),
        title: format!("Wire: {}", item(n).title),
        link: Some(format!("http://www.blog.example.com/{n}/?utm_source=wire")),
        ..item(n)
    };
    world.offers("/blog", rss(&[item(1), item(2)]));
    world.offers("/wire", rss(&[]));
    world.run_until_quiet().await;
    world.offers("/wire", rss(&[wire(2), wire(3)]));
    world.poll_again("wire").await;
    world.run_until_quiet().await;
    assert_eq!(world.published().len(), 3);
    let skipped = reasons(&world, State::Skipped).await;
    insta::assert_snapshot!(skipped.join("\n"), @"same_link: post 1 of feed blog has the same link on this lane");
    world.run_for(TimeDelta::days(4)).await;
    world.offers("/wire", rss(&[wire(1), wire(2), wire(3)]));
    world.poll_again("wire").await;
    world.run_until_quiet().await;
    assert_eq!(world.published().len(), 4, "the window is over");
    world.assert_agrees().await;
}

#[tokio::test]
async fn a_page_that_several_entries_share_is_no_twin() {
    let world = World::open(TWO_FEEDS).await;
    let live = |n: i32| Item { link: Some("https://blog.example.com/live".into()), ..item(n) };
    world.offers("/blog", rss(&[live(1), live(2)]));
    world.offers("/wire", rss(&[Item { guid: Some("w".into()), ..live(3) }]));
    world.run_until_quiet().await;
    assert_eq!(world.published().len(), 3);
}

#[tokio::test]
async fn nearly_the_same_title_waits_where_that_is_asked_for() {
    let rule = "min_gap = \"1s\"\nduplicates = { like_title = \"hold\" }";
    let world = World::open(&TWO_FEEDS.replace("min_gap = \"1s\"", rule)).await;
    let of = |title: &str, n: i32| Item {
        guid: Some(format!("wire-{n}")),
        link: Some(format!("https://wire.example.com/{n}")),
        ..titled(n, title)
    };
    world.offers("/blog", rss(&[titled(1, "Storm closes the harbour of Brest")]));
    world.offers("/wire", rss(&[]));
    world.run_until_quiet().await;
    world.offers(
        "/wire",
        rss(&[
            of("BREST: storm closes the harbour", 1),
            of("Episode 41: what the river said", 2),
            of("Episode 42: what the river said", 3),
            of("Episode 42 – what the river said", 4),
        ]),
    );
    world.poll_again("wire").await;
    world.run_until_quiet().await;
    assert_eq!(world.published().len(), 3, "{:?}", headlines(&world));
    assert_eq!(reasons(&world, State::Held).await.len(), 2);
}

#[tokio::test]
async fn two_accounts_on_x_do_not_say_the_same_unless_that_is_wanted() {
    for (rule, out, held) in
        [("", 2, 1), ("same_text = \"allow\"", 3, 0), ("same_text = \"skip\"", 2, 0)]
    {
        let config = TWO_ACCOUNTS.replace("[[feed]]", &format!("{rule}\n[[feed]]"));
        let world = World::open(&config).await;
        world.offers("/blog", rss(&[item(1)]));
        world.run_until_quiet().await;
        assert_eq!(world.published().len(), out, "{rule}");
        let reasons = reasons(&world, State::Held).await;
        assert_eq!(reasons.len(), held, "{rule}");
        if let [reason] = reasons.as_slice() {
            insta::assert_snapshot!(reason, @"same_text: post 1 says the same on X for profile main, and X forbids the same text on several accounts; give each profile words of its own, or set `same_text`");
        }
        world.assert_agrees().await;
    }
    let config = TWO_ACCOUNTS.replace("[[feed]]", "same_text = { stagger = \"2h\" }\n[[feed]]");
    let world = World::open(&config).await;
    world.offers("/blog", rss(&[item(1)]));
    world.run_until_quiet().await;
    let at: Vec<_> = world
        .published()
        .iter()
        .filter(|it| it.platform == "twitter")
        .map(|it| it.at - start())
        .collect();
    assert_eq!(at.len(), 2);
    assert!(at[1] - at[0] >= TimeDelta::hours(2), "{at:?}");
}

#[tokio::test]
async fn a_person_is_kept_from_the_words_of_another_account_unless_they_take_the_risk() {
    for (rule, refused) in [("", true), ("same_text = \"allow\"", false)] {
        let config = TWO_ACCOUNTS.replace("[[feed]]", &format!("{rule}\n[[feed]]"));
        let world = World::open(&config).await;
        world.offers("/blog", rss(&[item(1)]));
        world.poll().await;
        let posts = world.posts().await;
        let of = |profile: &str| {
            let found = posts.iter().find(|it| it.lane.profile == profile && it.lane.is_x());
            found.expect("its post on X").id
        };
        let (main, client) = (of("main"), of("client"));
        world.desk().edit(main, "Words of our own").await.expect("edited");
        let said = world.desk().edit(client, "words of our own!").await;
        assert_eq!(said.is_err(), refused, "{rule}");
        if let Err(why) = said {
            let why = why.to_string();
            assert!(why.contains(&format!("post {main} says the same on X")), "{why}");
            assert!(why.contains("--same-text"), "{why}");
            assert_ne!(world.post(client).await.text, "words of our own!");
        }
        let post =
            world.desk().edit_to_the_same(client, "words of our own!").await.expect("forced");
        assert_eq!(world.post(client).await.text, post.text, "{rule}");
        world.desk().edit(client, "Other words").await.expect("edited");
    }
}

#[tokio::test]
async fn a_post_that_waits_says_what_its_entry_says_by_now() {
    for (policy, expected) in [
        ("", vec!["Storm hits Brest"]),
        ("on_update = \"ignore\"", vec!["Storm nears Brest"]),
        ("on_update = \"hold\"", vec![]),
    ] {
        let world = waiting(policy).await;
        world.offers("/blog", rss(&[titled(1, "Storm hits Brest")]));
        let report = world.poll_again("blog").await;
        assert_eq!((report.new_entries, report.posts), (0, 0));
        world.run_until(start() + TimeDelta::hours(7)).await;
        assert_eq!(headlines(&world), expected, "{policy}");
        world.run_for(TimeDelta::days(2)).await;
        assert_eq!(headlines(&world), expected, "{policy}: once");
        let [entry] =
            world.store().find_entries("Brest", 5).await.expect("entries").try_into().expect("one");
        assert_eq!((entry.title.as_str(), entry.changes), ("Storm hits Brest", 1));
        if policy.contains("hold") {
            let held = reasons(&world, State::Held).await;
            insta::assert_snapshot!(held.join("\n"), @r#"on_update: its entry changed (it was "Storm nears Brest"): look at the new text, and approve it"#);
            world.desk().approve_all(None).await.expect("approved");
            world.run_for(TimeDelta::days(1)).await;
            assert_eq!(headlines(&world), ["Storm hits Brest"], "approved as it reads now");
        }
        world.assert_agrees().await;
    }
}

#[tokio::test]
async fn what_is_out_stays_as_it_is_and_the_change_is_known() {
    let world = World::with_blog([1]).await;
    world.run_until_quiet().await;
    world.offers("/blog", rss(&[titled(1, "A correction of number 1")]));
    world.poll_again("blog").await;
    world.run_for(TimeDelta::days(1)).await;
    assert_eq!(headlines(&world), [item(1).title]);
    let entry = world.store().entry(1).await.expect("read").expect("an entry");
    assert_eq!((entry.title.as_str(), entry.changes), ("A correction of number 1", 1));
    assert!(entry.changed_at.is_some_and(|at| at > entry.first_seen_at));
    world.assert_agrees().await;
}

#[tokio::test]
async fn what_a_person_wrote_or_let_go_is_not_rewritten_in_silence() {
    let world = waiting("").await;
    let mut tx = world.store().begin(world.now()).await.expect("a transaction");
    let post = world.post(1).await;
    let wording = Wording {
        media: &post.media,
        options: &post.options,
        text: "My own words",
        weighted_length: 12,
        has_link: false,
        notes: "",
        edited: true,
    };
    assert!(tx.reword_post(1, &wording).await.expect("reworded"));
    tx.commit().await.expect("kept");
    world.offers("/blog", rss(&[titled(1, "Storm hits Brest")]));
    world.poll_again("blog").await;
    assert_eq!(world.post(1).await.text, "My own words");

    let world = waiting("hold = \"all\"").await;
    world.desk().approve_all(None).await.expect("approved");
    world.offers("/blog", rss(&[titled(1, "Buy cheap watches")]));
    world.poll_again("blog").await;
    world.run_for(TimeDelta::days(2)).await;
    assert_eq!(headlines(&world), [""; 0]);
    let held = reasons(&world, State::Held).await;
    insta::assert_snapshot!(held.join("\n"), @r#"its entry changed after you let it go (it was "Storm nears Brest"): look at the new text, and approve it"#);
}

#[tokio::test]
async fn an_entry_that_a_filter_would_have_stopped_is_held_once_it_changes() {
    let world = waiting("exclude = [\"sponsored\"]").await;
    world.offers("/blog", rss(&[titled(1, "Sponsored: storm nears Brest")]));
    world.poll_again("blog").await;
    world.run_for(TimeDelta::days(1)).await;
    assert_eq!(headlines(&world), [""; 0]);
    let held = reasons(&world, State::Held).await;
    insta::assert_snapshot!(held.join("\n"), @r#"its entry changed: exclude: "sponsored" is in the title"#);
}

#[tokio::test]
async fn a_headline_is_out_once_it_has_settled_and_what_breaks_does_not_wait() {
    let lines = "settle = { wait = \"10m\", unless = { title = \"breaking\" } }";
    let world = World::open(&blog_with(lines)).await;
    world.offers("/blog", rss(&[titled(2, "Breaking: dam holds"), titled(1, "Storm nears Brest")]));
    world.poll().await;
    world.run_for(TimeDelta::minutes(5)).await;
    assert_eq!(headlines(&world), ["Breaking: dam holds"]);
    // The feed is asked again before the other one goes out, and finds it changed.
    world.offers("/blog", rss(&[titled(2, "Breaking: dam holds"), titled(1, "Storm hits Brest")]));
    world.run_for(TimeDelta::minutes(13)).await;
    assert_eq!(world.post(1).await.text.lines().next(), Some("Storm hits Brest"));
    assert_eq!(headlines(&world).len(), 1, "it changed, so it waits again");
    world.run_for(TimeDelta::minutes(20)).await;
    assert_eq!(headlines(&world), ["Breaking: dam holds", "Storm hits Brest"]);
    world.assert_agrees().await;
}

#[tokio::test]
async fn a_headline_that_never_settles_is_out_in_the_end() {
    let world = World::open(&blog_with("settle = \"15m\"")).await;
    for n in 0..30 {
        world.offers("/blog", rss(&[titled(1, &format!("Storm, {n} minutes old"))]));
        world.poll_again("blog").await;
        world.publish().await;
        world.run_for(TimeDelta::minutes(1)).await;
        if !world.published().is_empty() {
            break;
        }
    }
    assert_eq!(world.published().len(), 1);
    assert!(world.now() < start() + TimeDelta::hours(3), "{}", world.now());
}
