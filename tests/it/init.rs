//! `tidings init`: README's ten minutes, from the address of a site to a post, with no hand on the config.

use std::os::unix::fs::PermissionsExt as _;

use tidings::config::{self, Environment};
use tidings::sandbox::site::Site;
use tokio::net::TcpListener;

use super::cli::{Home, rss};
use super::feed_server::FeedServer;

async fn site() -> Site {
    Site::start(TcpListener::bind("127.0.0.1:0").await.expect("a port")).expect("the site starts")
}

/// A home whose feeds may lie on loopback, as those of the sample site do.
fn home() -> Home {
    Home::new()
        .with("TIDINGS__FETCH__ALLOW_PRIVATE", r#"["127.0.0.0/8"]"#)
        .with("TIDINGS__FETCH__HOST_GAP", "0s")
        .with("TIDINGS__WEB__LISTEN", "")
}

fn text(home: &Home, name: &str) -> String {
    std::fs::read_to_string(home.path(name)).expect(name)
}

fn mode(home: &Home, name: &str) -> u32 {
    std::fs::metadata(home.path(name)).expect(name).permissions().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_minutes_from_a_site_to_a_post() {
    let site = site().await;
    let home = home().with("TZ", "Europe/Vienna");
    let said = home.run(&["init", &site.url(""), "--first-run", "latest=1"]).await;
    let out = said.expect(0).out.clone();
    let config = text(&home, "tidings.toml");
    insta::assert_snapshot!(config.replace(&site.url(""), "SITE/"));
    insta::assert_snapshot!(out.replace(&site.url(""), "SITE/"));
    assert_eq!((mode(&home, "tidings.env"), mode(&home, "tidings.toml")), (0o600, 0o644));
    let env = text(&home, "tidings.env");
    // The person fills the three values in, and the shell reads them.
    let names: Vec<&str> = env
        .lines()
        .filter(|it| !it.starts_with('#'))
        .filter_map(|it| it.strip_suffix('='))
        .collect();
    assert_eq!(names, ["AYRSHARE_API_KEY", "X_API_KEY", "X_API_SECRET"]);
    home.run(&["check"]).await.expect(2);
    let home = names.iter().fold(home, |home, name| home.with(name, "a-value-of-the-person"));
    let checked = home.run(&["check"]).await;
    assert!(checked.expect(0).out.contains("all is well"), "{}", checked.out);
    let ran = home.run(&["run", "--sandbox", "--once"]).await;
    assert!(ran.expect(0).out.contains("sent 1 post: 1 posted"), "{}", ran.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_is_not_overwritten() {
    let site = site().await;
    let home = home();
    let address = site.url("blog.xml");
    let zone = ["--time-zone", "UTC"];
    home.write("tidings.toml", "# mine\n");
    home.write("tidings.env", "X_API_KEY=mine\n");
    let init = |more: &'static [&'static str]| {
        let mut args = vec!["init", address.as_str()];
        args.extend(zone);
        args.extend(more);
        args
    };
    let refused = home.run(&init(&[])).await;
    assert!(refused.expect(2).err.contains("--force"), "{}", refused.err);
    assert_eq!(text(&home, "tidings.toml"), "# mine\n");
    let forced = home.run(&init(&["--force"])).await;
    assert!(forced.expect(0).out.contains("kept "), "{}", forced.out);
    assert!(text(&home, "tidings.toml").contains("[[feed]]"));
    assert_eq!(text(&home, "tidings.env"), "X_API_KEY=mine\n", "secrets are never overwritten");
    let said = home.run(&init(&["--force", "--credentials", "secrets", "--budget", "0"])).await;
    said.expect(0);
    assert_eq!(mode(&home, "secrets"), 0o700);
    for name in ["AYRSHARE_API_KEY", "X_API_KEY", "X_API_SECRET"] {
        assert_eq!(mode(&home, &format!("secrets/{name}")), 0o600);
    }
    assert!(!text(&home, "tidings.toml").contains("\nbudget"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_what_is_missing_is_told_by_its_flag() {
    let home = home();
    let said = home.run(&["init", "--time-zone", "Mars/Base", "--budget", "some"]).await;
    let err = &said.expect(2).err;
    for flag in ["no feed is named", "--ayrshare FILE", "--time-zone", "--budget"] {
        assert!(err.contains(flag), "{flag}: {err}");
    }
    let said = home.run(&["init", "http://127.0.0.1:9/", "--time-zone", "UTC"]).await;
    assert!(said.expect(1).err.contains("nothing was written"), "{}", said.err);
    let said =
        home.run(&["init", "a.example", "--time-zone", "UTC", "--platform", "myspace"]).await;
    let said = said.expect(2);
    assert!(said.err.contains("myspace"), "{}", said.err);
    let left = home.files();
    assert_eq!(left, Vec::new(), "nothing was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_feeds_are_taken_whole() {
    let feeds = FeedServer::start().await;
    feeds.script("/a.xml", [rss("a", &["A1", "A2"])]);
    feeds.script("/b.xml", [rss("b", &["B1"])]);
    let home = home();
    home.write(
        "list.opml",
        format!(
            "<opml version=\"2.0\"><body><outline text=\"News\"><outline type=\"rss\" text=\"A\" xmlUrl=\"{}\"/></outline></body></opml>",
            feeds.url("/a.xml")
        ),
    );
    home.write(
        "feeds.json",
        format!(
            r#"{{"status":"success","feeds":[{{"title":"B","rssURL":"{}","useFirstImage":true}}]}}"#,
            feeds.url("/b.xml")
        ),
    );
    let args = [
        "init",
        "list.opml",
        "--ayrshare",
        "feeds.json",
        "--time-zone",
        "UTC",
        "--platform",
        "linkedin,twitter",
        "--profile",
        "agency",
    ];
    let said = home.run(&args).await;
    let out = &said.expect(0).out;
    // Nothing was read on the way, so the first feeds are asked for the cards.
    assert!(
        out.contains("A2") && out.contains("B1") && out.contains("→ linkedin (agency)"),
        "{out}"
    );
    let environment: Environment =
        [("TIDINGS__FETCH__ALLOW_PRIVATE", r#"["127.0.0.0/8"]"#)].into_iter().collect();
    let config = config::load(&home.path("tidings.toml"), &environment).expect("it loads");
    let names: Vec<&str> = config.feeds.iter().map(|feed| feed.name.as_str()).collect();
    assert_eq!(names, ["A", "B"]);
    assert_eq!(config.profiles[0].platforms, ["linkedin", "twitter"]);
    assert!(!config.feeds[1].media.from.is_empty(), "Ayrshare's first image is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_networks_need_no_x_keys() {
    let site = site().await;
    let home = home();
    let args =
        ["init", &site.url("news.atom"), "--platform", "linkedin", "--time-zone", "UTC", "--yes"];
    home.run(&args).await.expect(0);
    assert!(!text(&home, "tidings.env").contains("X_API_KEY"));
    assert!(!text(&home, "tidings.toml").contains("budget"));
}
