//! `tidings preview`: what it shows is what the daemon would do.

use std::net::SocketAddr;

use serde_json::Value;
use tidings::sandbox::site::Site;
use tokio::net::TcpListener;

use super::cli::{Home, Said, rss};
use super::feed_server::FeedServer;

/// The sample site of the demo.
async fn site() -> Site {
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    Site::start(TcpListener::bind(address).await.expect("a port")).expect("the site starts")
}

/// A config for servers on this machine, with one X account.
fn config(more: &str) -> String {
    format!(
        "[ayrshare]\nbase_url = \"http://127.0.0.1:1\"\n[fetch]\nallow_private = [\"127.0.0.0/8\"]\n[web]\nlisten = \"\"\n[[profile]]\nname = \
         \"main\"\nplatforms = [\"twitter\"]\nmin_gap = \"0s\"\n{more}"
    )
}

fn ok(said: &Said) -> &str {
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{}", said.out);
    &said.out
}

fn json(said: &Said) -> Value {
    serde_json::from_str(ok(said)).expect("JSON")
}

/// The picture of text in README.md.
#[tokio::test(flavor = "multi_thread")]
async fn the_preview_of_the_sample_site_is_the_one_in_the_readme() {
    let site = site().await;
    let home = Home::new();
    let feed = format!("[[feed]]\nname = \"blog\"\nurl = \"{}\"\n", site.url("blog.xml"));
    home.write("tidings.toml", config(&feed));
    let said = home.run(&["preview"]).await;
    insta::assert_snapshot!("preview_sample", ok(&said));
    let readme = std::fs::read_to_string("README.md").expect("README.md");
    let (_, picture) = readme.split_once("```text\n┌─").expect("a picture of text");
    let (picture, _) = picture.split_once("\n```\n").expect("its end");
    assert_eq!(format!("┌─{picture}\n"), said.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_says_what_filters_networks_and_pace_make_of_an_entry() {
    let site = site().await;
    let home = Home::new();
    let text = config(
        "[[profile]]\nname = \"second\"\nplatforms = [\"twitter\", \"linkedin\"]\nhold = [\"chips\"]\n\
         [[feed]]\nname = \"blog\"\nurl = \"SITE\"\nprofiles = [\"main\", \"second\"]\n\
         exclude = [\"ASP.NET\"]\n[feed.compose.twitter]\nlink = \"none\"\n",
    );
    let text = text.replace("SITE", &site.url("blog.xml"));
    home.write("tidings.toml", &text);
    let said = home.run(&["preview", "--limit", "2"]).await;
    insta::assert_snapshot!("preview_filters", ok(&said));
    let cards = json(&home.run(&["preview", "blog", "--limit", "2", "--json"]).await);
    let told: Vec<String> = cards
        .as_array()
        .expect("cards")
        .iter()
        .map(|card| format!("{} {} {}", card["platform"], card["choice"], card["profiles"]))
        .collect();
    assert_eq!(
        told,
        [
            r#""twitter" "skip" ["main","second"]"#,
            r#""linkedin" "skip" ["second"]"#,
            r#""twitter" "post" ["main"]"#,
            r#""twitter" "hold" ["second"]"#,
            r#""linkedin" "hold" ["second"]"#,
        ]
    );
    home.write("tidings.toml", text.replace("exclude = [\"ASP.NET\"]", "embargo = \"1h\""));
    let said = home.run(&["preview", "--limit", "1"]).await;
    assert!(ok(&said).contains(" · in 1 h, not before "), "{}", said.out);
}

/// A blog and a news feed that the daemon has read, and a config to compare with.
async fn seen(feeds: &FeedServer) -> Home {
    feeds.script("/blog.xml", [rss("blog", &["First", "An advert", "Third"])]);
    feeds.script("/news.xml", [rss("news", &["One"])]);
    let home = Home::new().with_secrets();
    let text = "first_run = \"none\"\n";
    let feed = |name: &str| {
        let url = feeds.url(&format!("/{name}.xml"));
        format!("[[feed]]\nname = \"{name}\"\nurl = \"{url}\"\n{text}")
    };
    let (blog, news) = (feed("blog"), feed("news"));
    home.write("tidings.toml", config(&format!("{blog}{news}")));
    let changed = format!(
        "{blog}exclude = [\"advert\"]\nhold = [\"third\"]\n[feed.compose]\ntemplate = \"New: {{{{ title }}}}\"\n\
         [feed.compose.twitter]\nlink = \"none\"\n"
    );
    home.write("other.toml", config(&changed));
    assert_eq!(home.run(&["run", "--once"]).await.code, Some(0));
    home
}

#[tokio::test(flavor = "multi_thread")]
async fn a_difference_is_told_by_what_is_in_the_database_and_nothing_is_written() {
    let feeds = FeedServer::start().await;
    let home = seen(&feeds).await;
    let asked = feeds.asked().len();
    let database = || std::fs::read(home.path("tidings.db")).expect("the database");
    let before = database();
    let said = home.run(&["preview", "--diff", "other.toml"]).await;
    insta::assert_snapshot!("preview_diff", ok(&said));
    let told = json(&home.run(&["preview", "--diff", "other.toml", "--json"]).await);
    assert_eq!(told["entries"], 4);
    assert_eq!(told["changes"].as_array().map(Vec::len), Some(4));
    assert_eq!(told["now"]["cost_usd_micros"], 800_000);
    let same = home.run(&["preview", "--diff", "tidings.toml"]).await;
    assert!(ok(&same).contains("0 differences"), "{}", same.out);
    let one = home.run(&["preview", "news", "--diff", "other.toml", "--json"]).await;
    assert_eq!(json(&one)["entries"], 1);
    let newest = home.run(&["preview", "--diff", "other.toml", "--limit", "1", "--json"]).await;
    assert_eq!(json(&newest)["entries"], 2);
    assert_eq!(feeds.asked().len(), asked, "no feed is asked");
    assert_eq!(database(), before);
    let left = std::fs::read_dir(home.path("tmp")).expect("a folder").count();
    assert_eq!(left, 0, "the copy is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_difference_needs_two_good_configs_a_feed_and_a_database() {
    let home = Home::new();
    home.write(
        "tidings.toml",
        config("[[feed]]\nname = \"blog\"\nurl = \"https://a.example/f\"\n"),
    );
    home.write("bad.toml", "[[profil]]\n");
    for (args, code, words) in [
        (["bad.toml", "blog"], 2, "bad.toml:1"),
        (["none.toml", "blog"], 2, "none.toml"),
        (["tidings.toml", "news"], 2, "neither config has a feed \"news\""),
        (["tidings.toml", "blog"], 1, "there is no database"),
    ] {
        let [other, feed] = args;
        let said = home.run(&["preview", feed, "--diff", other]).await;
        assert_eq!(said.code, Some(code), "{}", said.err);
        assert!(said.err.contains(words), "{}", said.err);
    }
}
