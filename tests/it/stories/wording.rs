//! How posts read, from the config to what Ayrshare gets.

use tidings::domain::post::State;

use crate::world::{BLOG, World, blog};

#[tokio::test]
async fn each_network_gets_its_own_words_and_x_no_link() {
    let config = BLOG
        .replace("platforms = [\"twitter\"]", "platforms = [\"twitter\", \"linkedin\"]")
        + r#"
[feed.compose]
template = "{{ values.city }}, {{ date | date('%Y') }}: {{ title }} on {{ platform }}"
values = { city = "Graz" }
utm = { source = "tidings" }
[feed.compose.twitter]
link = "none"
"#;
    let world = World::open(&config).await;
    world.offers("/blog", blog([1]));
    world.run_until_quiet().await;
    let mut published: Vec<_> =
        world.published().into_iter().map(|it| (it.platform, it.text)).collect();
    published.sort();
    let year = world.now().format("%Y").to_string();
    let expected = |platform: &str, link: &str| {
        let text = format!("Graz, {year}: The story of number 1 on {platform}{link}");
        (platform.to_owned(), text)
    };
    let link = "\nhttps://blog.example.com/1?utm_source=tidings";
    assert_eq!(published, [expected("linkedin", link), expected("twitter", "")]);
    let posts = world.posts().await;
    let on_x = posts.iter().find(|post| post.lane.is_x()).expect("a post on X");
    assert!(!on_x.has_link, "billed as one without a link");
    world.assert_agrees().await;
}

/// A template can pass every trial and yet fail for an entry: then the post says why, and the others
/// go out.
#[tokio::test]
async fn an_entry_that_a_template_can_not_do_fails_alone_with_the_reason() {
    let config = BLOG.to_owned()
        + r#"
[feed.compose]
template = "{{ title }}{% if 'number 2' in title %}{{ categories[0] }}{% endif %}"
"#;
    let world = World::open(&config).await;
    world.offers("/blog", blog([3, 2, 1]));
    world.run_until_quiet().await;
    assert_eq!(world.published().len(), 2);
    let posts = world.posts().await;
    let failed: Vec<_> = posts.iter().filter(|post| post.life.state == State::Failed).collect();
    let [failed] = failed.as_slice() else { panic!("one has failed") };
    assert!(
        failed.life.reason.contains("the template fails for this entry"),
        "{}",
        failed.life.reason
    );
    world.assert_agrees().await;
}

/// Premium accounts may write more, and each such request says so.
#[tokio::test]
async fn a_long_post_is_asked_for_and_no_other() {
    let config = BLOG.to_owned()
        + r#"options = { twitterOptions = { replySettings = "verified" } }
[feed.compose]
long_posts = true
template = "{{ title }}{% if 'number 2' in title %} {{ [title, title, title, title, title, title, title, title, title, title, title, title, title, title] | join(' ') }}{% endif %}"
"#;
    let world = World::open(&config).await;
    world.sandbox.change(|settings| settings.premium = true);
    world.offers("/blog", blog([2, 1]));
    world.run_until_quiet().await;
    let published = world.published();
    assert_eq!(published.len(), 2);
    for post in published {
        let is_long = post.text.contains("number 2");
        assert_eq!(post.text.len() > 280, is_long);
        let mut expected = serde_json::json!({"replySettings": "verified"});
        if is_long {
            expected["longPost"] = true.into();
        }
        assert_eq!(post.options["twitterOptions"], expected, "{}", post.text);
    }
    world.assert_agrees().await;
}
