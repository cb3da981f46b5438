//! Images and options: the right ones go out, a bad one never holds a post up, and nothing goes out
//! twice.

use chrono::TimeDelta;
use serde_json::json;
use tidings::domain::media::Media;
use tidings::domain::post::State;
use tidings::sandbox::Published;

use crate::feed_server::Answer;
use crate::world::{BLOG, World, cut, start};

/// The n-th entry of a blog with pictures: one in its enclosure, two in its content.
fn entry(n: i32) -> String {
    format!(
        r#"<item><guid isPermaLink="false">g{n}</guid><title>The picture of number {n}</title>
        <link>SITE/page/{n}</link><pubDate>{}</pubDate>
        <enclosure url="SITE/cover.png" type="image/png" length="6"/>
        <description>&lt;img src="SITE/count.gif" width="1" height="1"&gt;
        &lt;img src="SITE/first.jpg" alt="A red house"&gt;&lt;img src="SITE/second.jpg"&gt;</description></item>"#,
        (start() - TimeDelta::hours(100) + TimeDelta::hours(n.into())).to_rfc2822()
    )
}

fn pictures(numbers: impl IntoIterator<Item = i32>) -> String {
    let entries: String = numbers.into_iter().map(entry).collect();
    format!(
        r#"<rss version="2.0"><channel><title>A blog</title><link>SITE/</link>{entries}</channel></rss>"#
    )
}

/// A world in which the blog has pictures and this `media`, with all of them in their place.
async fn with(media: &str) -> World {
    let world = World::open(&format!("{BLOG}media = {media}\n")).await;
    shows(&world, "/blog", &pictures([1]));
    for path in ["/cover.png", "/fallback.png"] {
        world.feeds.script(path, [Answer::image("image/png")]);
    }
    for path in ["/first.jpg", "/second.jpg"] {
        world.feeds.script(path, [Answer::image("image/jpeg")]);
    }
    world
}

/// A path shows this from now on, with `SITE` for the server's own address.
fn shows(world: &World, path: &str, body: &str) {
    let site = world.feeds.url("").to_string();
    world.feeds.script(path, [Answer::new(200, body.replace("SITE", site.trim_end_matches('/')))]);
}

/// The files that went out with a post.
fn names(post: &Published) -> Vec<&str> {
    post.media_urls.iter().filter_map(|url| url.rsplit('/').next()).collect()
}

/// The one post that is out, after everything came to rest.
async fn out(world: &World) -> Published {
    world.run_until_quiet().await;
    let mut published = world.published();
    assert_eq!(published.len(), 1);
    world.assert_agrees().await;
    published.pop().expect("a post")
}

/// The requests for images: their paths.
fn looks(world: &World) -> Vec<String> {
    let asked = world.feeds.asked();
    asked.into_iter().filter(|one| one.method == "HEAD").map(|one| one.path).collect()
}

#[tokio::test]
async fn an_image_is_taken_from_where_the_user_says_first() {
    for (media, expected, looked) in [
        ("{}", vec!["cover.png"], vec!["/cover.png"]),
        (r#"{ from = ["content", "enclosure"] }"#, vec!["first.jpg"], vec!["/first.jpg"]),
        (
            r#"{ from = ["content"], max = 4 }"#,
            vec!["first.jpg", "second.jpg"],
            vec!["/first.jpg", "/second.jpg"],
        ),
        (
            r#"{ from = [], fallback = "SITE/fallback.png" }"#,
            vec!["fallback.png"],
            vec!["/fallback.png"],
        ),
        ("{ from = [] }", vec![], vec![]),
    ] {
        let world = with(media).await;
        assert_eq!(names(&out(&world).await), expected, "{media}");
        assert_eq!(looks(&world), looked, "{media}");
    }
}

#[tokio::test]
async fn nothing_is_attached_or_asked_for_where_nobody_wants_it() {
    let world = World::open(BLOG).await;
    shows(&world, "/blog", &pictures([1]));
    assert_eq!(names(&out(&world).await), [""; 0]);
    assert_eq!(world.feeds.asked().len(), 1, "the feed alone");
}

#[tokio::test]
async fn a_bad_image_is_left_out_with_a_note_and_the_post_goes_out() {
    let large = Answer::image("image/png").header("content-length", "5000001");
    for (answer, why) in [
        (Answer::new(404, ""), "404"),
        (Answer::new(405, ""), "refuses HEAD"),
        (Answer::image("image/svg+xml"), "only JPEG"),
        (Answer::image("text/html"), "only JPEG"),
        (large, "5.1 MB"),
        (Answer::redirect(302, "http://10.0.0.1/cover.png"), "private network"),
        (Answer::redirect(302, "http://169.254.169.254/latest"), "private network"),
        (Answer::redirect(302, "file:///etc/passwd"), "file"),
        (Answer::redirect(302, "/cover.png"), "redirects more than"),
    ] {
        let world = with(r#"{ from = ["enclosure"] }"#).await;
        world.feeds.script("/cover.png", [answer]);
        assert_eq!(names(&out(&world).await), [""; 0], "{why}");
        let notes = world.post(1).await.notes;
        assert!(
            notes.contains("image cover.png (enclosure) left out") && notes.contains(why),
            "{notes}"
        );
    }
    // The next one of its place, or of the next place, or the fallback stands in.
    let world =
        with(r#"{ from = ["enclosure", "content"], fallback = "SITE/fallback.png" }"#).await;
    world.feeds.script("/cover.png", [Answer::new(404, "")]);
    world.feeds.script("/first.jpg", [Answer::new(500, "")]);
    assert_eq!(names(&out(&world).await), ["second.jpg"]);
}

#[tokio::test]
async fn an_image_that_moved_goes_out_by_its_new_address() {
    let world = with("{}").await;
    world.feeds.script("/cover.png", [Answer::redirect(301, "/new%20cover.png?w=1")]);
    world.feeds.script("/new%20cover.png?w=1", [Answer::image("image/png")]);
    assert_eq!(names(&out(&world).await), ["new%20cover.png?w=1"]);
}

#[tokio::test]
async fn a_page_is_read_for_its_image_only_where_that_is_asked_for() {
    let page = r#"<html><head><meta property="og:image" content="/og.jpg"></head>"#;
    let world = with(r#"{ from = ["content", "page"] }"#).await;
    for path in ["/first.jpg", "/second.jpg"] {
        world.feeds.script(path, [Answer::new(404, "")]);
    }
    world.feeds.script("/page/1", [Answer::new(200, page).header("content-type", "text/html")]);
    world.feeds.script("/og.jpg", [Answer::image("image/jpeg")]);
    assert_eq!(names(&out(&world).await), ["og.jpg"]);

    let world = with("{}").await;
    world.feeds.script("/cover.png", [Answer::new(404, "")]);
    out(&world).await;
    assert!(world.feeds.asked().iter().all(|one| !one.path.starts_with("/page")));

    // A page that says nothing, is none, or leads into a private network.
    for answer in [
        Answer::new(200, "<p>nothing</p>"),
        Answer::new(200, "%PDF").header("content-type", "application/pdf"),
        Answer::redirect(302, "http://192.168.0.1/"),
        Answer::new(500, ""),
    ] {
        let world = with(r#"{ from = ["page"] }"#).await;
        world.feeds.script("/page/1", [answer]);
        assert_eq!(names(&out(&world).await), [""; 0]);
        assert!(world.post(1).await.notes.contains("(page) left out"));
    }
}

#[tokio::test]
async fn an_alt_text_goes_to_x_and_is_in_the_ledger_and_nowhere_else() {
    let world = with(r#"{ from = ["content"], max = 2 }"#).await;
    let post = out(&world).await;
    let alt = json!({"altText": ["A red house", "The picture of number 1"]});
    assert_eq!(post.options.get("twitterOptions"), Some(&alt));
    let spent = world.store().spent("main", start()).await.expect("the sum");
    assert_eq!(spent.micros(), 15_000 + 2 * 5_000);

    let world = with(r#"{ from = ["content"], alt = false }"#).await;
    assert!(out(&world).await.options.is_empty());
    let spent = world.store().spent("main", start()).await.expect("the sum");
    assert_eq!(spent.micros(), 15_000);
}

#[tokio::test]
async fn a_video_goes_out_only_on_request_alone_and_without_alt_text() {
    for (media, expected) in [
        ("{ from = [\"enclosure\"], video = true }", vec!["film"]),
        ("{ from = [\"enclosure\"] }", vec![]),
    ] {
        let world = with(media).await;
        let film =
            pictures([1]).replace("cover.png\" type=\"image/png\"", "film\" type=\"video/mp4\"");
        shows(&world, "/blog", &film);
        world.feeds.script("/film", [Answer::image("video/mp4")]);
        let post = out(&world).await;
        assert_eq!(names(&post), expected);
        assert_eq!(post.options.get("isVideo"), (!expected.is_empty()).then_some(&json!(true)));
        assert_eq!(post.options.get("twitterOptions"), None);
    }
}

#[tokio::test]
async fn refused_media_are_left_out_once_and_the_text_is_out_once() {
    let world = with("{}").await;
    world.fault("136");
    let post = out(&world).await;
    assert_eq!(names(&post), [""; 0]);
    assert_eq!(post.options.get("twitterOptions"), None, "no alt text without an image");
    let keys: Vec<_> = world.requests().into_iter().map(|seen| seen.idempotency_key).collect();
    assert_eq!(keys.len(), 2);
    assert_ne!(keys[0], keys[1], "a new key after a definite refusal");
    let kept = world.post(1).await;
    assert_eq!(kept.life.state, State::Posted);
    assert!(kept.notes.contains("its media were left out: Media URLs invalid"), "{}", kept.notes);
    // Budgets count the refused one, too, with its image's alt text: X may bill it.
    let spent = world.store().spent("main", start()).await.expect("the sum");
    assert_eq!(spent.micros(), 15_000 + 5_000 + 15_000);
}

#[tokio::test]
async fn media_that_are_refused_again_and_again_end_as_a_dead_letter() {
    let world = with("{}").await;
    world.fault("136:*");
    world.run_until_quiet().await;
    assert_eq!(world.states().await, [State::Failed]);
    assert_eq!(world.requests().len(), 2);
    world.assert_agrees().await;
}

#[tokio::test]
async fn a_refusal_of_media_proves_nothing_about_a_request_in_doubt() {
    let mut world = with("{}").await;
    world.releases = true;
    // Published, and the answer lost; the history shows it late, so it is sent again: refused.
    world.fault("lost-answer");
    world.fault("history-empty:2");
    world.fault("136,after=1");
    world.run_until_quiet().await;
    assert_eq!(world.states().await, [State::Posted]);
    assert_eq!(world.published().len(), 1);
    world.assert_nothing_twice().await;
}

#[tokio::test]
async fn a_post_that_is_sent_again_under_its_key_shows_what_it_showed_before() {
    let world = with("{}").await;
    world.fault("reset-before");
    world.publish().await;
    world.poll().await;
    world.publish().await;
    assert_eq!(world.states().await, [State::Unconfirmed]);
    world.feeds.script("/cover.png", [Answer::new(404, "")]);
    assert_eq!(names(&out(&world).await), ["cover.png"]);
    assert_eq!(looks(&world).len(), 1, "it was settled before the first request");
    let keys: Vec<_> = world.requests().into_iter().map(|seen| seen.idempotency_key).collect();
    assert_eq!((keys.len(), &keys[0]), (2, &keys[1]));
}

#[tokio::test]
async fn a_silent_host_of_images_delays_no_other_lane_and_its_own_for_ten_seconds() {
    let world = World::open(
        r#"
[[profile]]
name = "main"
platforms = ["twitter"]

[[profile]]
name = "client"
platforms = ["twitter"]
profile_key = { env = "CLIENT_PROFILE_KEY" }
x_api_key = { env = "CLIENT_X_API_KEY" }
x_api_secret = { env = "CLIENT_X_API_SECRET" }

[defaults.feed]
first_run = "all"

[[feed]]
name = "slow"
url = "SITE/slow"
profiles = ["main"]
media = { from = ["enclosure", "content"] }

[[feed]]
name = "quick"
url = "SITE/quick"
profiles = ["client"]
"#,
    )
    .await;
    shows(&world, "/slow", &pictures([1]));
    shows(&world, "/quick", &pictures([2]));
    world.feeds.script("/cover.png", [Answer::silent()]);
    world.feeds.script("/first.jpg", [Answer::image("image/jpeg")]);
    world.poll().await;
    let watch = async {
        while world.published().is_empty() || looks(&world).is_empty() {
            tokio::task::yield_now().await;
        }
        let out = world.published();
        world.pass(TimeDelta::seconds(10));
        out
    };
    let (_report, before) = tokio::join!(world.publish(), watch);
    let profiles: Vec<&str> = before.iter().map(|post| post.profile.as_str()).collect();
    assert_eq!(profiles, ["client"], "the other lane was not held up");
    let late = world.published().pop().expect("a post");
    assert_eq!((late.profile.as_str(), late.media_urls.len()), ("primary", 0));
    assert_eq!(late.at, start() + TimeDelta::seconds(10));
    assert_eq!(looks(&world), ["/cover.png"], "nothing more is asked when the time is over");
    world.assert_agrees().await;
}

#[tokio::test]
async fn wherever_the_sending_is_cut_short_a_post_is_out_once_with_its_image() {
    let mut world = with("{}").await;
    out(&world).await;
    let (mut settled, mut entries, mut recovered) = (0, 1, 0);
    for polls in (1_usize..40).cycle().take(120) {
        entries += 1;
        shows(&world, "/blog", &pictures((1..=entries).rev()));
        world.poll_again("blog").await;
        let whole = cut(world.daemon.publish_tick(), polls).await.is_some();
        recovered += world.restart().await;
        let last = world.posts().await.pop().expect("a post");
        let queued = last.life.state == State::Queued;
        settled += i32::from(queued && matches!(last.media, Media::Chosen(_)));
        world.run_until_quiet().await;
        assert!(world.published().iter().all(|post| names(post) == ["cover.png"]));
        assert_eq!(world.published().len(), usize::try_from(entries).expect("few"));
        world.assert_nothing_twice().await;
        if whole && recovered > 0 && settled > 0 {
            break;
        }
    }
    assert!(recovered > 0 && settled > 0, "{recovered} were under way, {settled} were settled");
}

#[tokio::test]
async fn options_go_out_to_the_networks_that_they_are_for() {
    let config = r#"
[[profile]]
name = "client"
platforms = ["twitter", "linkedin"]
profile_key = { env = "CLIENT_PROFILE_KEY" }
x_api_key = { env = "CLIENT_X_API_KEY" }
x_api_secret = { env = "CLIENT_X_API_SECRET" }

[profile.options]
shortenLinks = true
disableComments = true

[profile.options.twitterOptions]
replySettings = "following"
subscribersOnly = false

[[feed]]
name = "blog"
url = "SITE/blog"
first_run = "all"

[feed.options]
autoHashtag = { max = 2, position = "end" }
firstComment = { comment = "More" }
twitterOptions = { replySettings = "verified" }
linkedInOptions = { visibility = "public" }
"#;
    let world = World::open(config).await;
    shows(&world, "/blog", &pictures([1]));
    world.run_until_quiet().await;
    let sent = |platform: &str| {
        let posts = world.published();
        let post = posts.into_iter().find(|post| post.platform == platform).expect("a post");
        serde_json::Value::Object(post.options)
    };
    let hashtags = json!({"max": 2, "position": "end"});
    assert_eq!(
        sent("twitter"),
        json!({
            "shortenLinks": true,
            "autoHashtag": hashtags,
            "twitterOptions": {"replySettings": "verified", "subscribersOnly": false},
        })
    );
    assert_eq!(
        sent("linkedin"),
        json!({
            "shortenLinks": true,
            "autoHashtag": hashtags,
            "disableComments": true,
            "firstComment": {"comment": "More"},
            "linkedInOptions": {"visibility": "public"},
        })
    );
    world.assert_agrees().await;
}

/// What the publisher says of an image is better than what a template can know of it.
#[tokio::test]
async fn a_template_describes_the_images_that_nobody_described() {
    let template = r#""{{ feed.name }}: {{ title }}{% if 'number 2' in title %}{{ categories[0] }}{% endif %}""#;
    let world = with(&format!(r#"{{ from = ["content"], max = 4, alt = {template} }}"#)).await;
    shows(&world, "/blog", &pictures([2, 1]));
    world.run_until_quiet().await;
    let mut published = world.published();
    published.sort_by(|one, other| one.text.cmp(&other.text));
    let alts: Vec<_> =
        published.iter().map(|post| post.options["twitterOptions"]["altText"].clone()).collect();
    let first = json!(["A red house", "blog: The picture of number 1"]);
    assert_eq!(alts, [first, json!(["A red house", "The picture of number 2"])]);
    let posts = world.posts().await;
    let noted: Vec<_> =
        posts.iter().filter(|post| post.notes.contains("alt text: the title is used")).collect();
    assert_eq!(noted.len(), 1, "the second one's template failed");
    world.assert_agrees().await;
}
