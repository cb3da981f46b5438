//! Feeds put into the config and taken out of it: one by one, as OPML, from Ayrshare.

use std::path::Path;

use serde_json::json;
use tidings::config::{self, Config, Environment};
use tidings::feed::opml;
use tidings::sandbox::{Sandbox, sample_feeds};

use super::cli::{Home, Said, rss, sandbox, sandbox_with};
use super::feed_server::{Answer, FeedServer};

const HEAD: &str = "# My feeds.\n[fetch]   # mind the guard\nallow_private = [\"127.0.0.0/8\"]\n\n\
    [web]\nlisten = \"\"\n\n[[profile]]\nname = \"main\"\nplatforms = [\"twitter\"]\nmin_gap = \"0s\"\n\n\
    # The end.\n";

fn page(links: &str) -> Answer {
    let page = format!("<!doctype html><html><head>{links}</head><body>Hello</body></html>");
    Answer::new(200, page).header("content-type", "text/html")
}

fn link(href: &str, title: &str) -> String {
    format!("<link rel=alternate type=application/rss+xml title=\"{title}\" href=\"{href}\">")
}

fn home(sandbox: &Sandbox, text: &str) -> Home {
    let home = Home::new()
        .with("AYRSHARE_API_KEY", "an-api-key")
        .with("X_API_KEY", "an-x-key")
        .with("X_API_SECRET", "an-x-secret")
        .with("CLIENT_KEY", "client-key");
    home.write("tidings.toml", format!("ayrshare.base_url = \"{}\"\n{text}", sandbox.url()));
    home
}

fn text(home: &Home) -> String {
    std::fs::read_to_string(home.path("tidings.toml")).expect("the config")
}

fn load(home: &Home) -> Config {
    config::load(&home.path("tidings.toml"), &Environment::default()).expect("the config loads")
}

#[track_caller]
fn ended(said: Said, code: i32) -> Said {
    assert_eq!(said.code, Some(code), "{}\n{}", said.out, said.err);
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_becomes_a_feed_of_the_config_and_leaves_it_again() {
    let (feeds, sandbox) = (FeedServer::start().await, sandbox().await);
    let links = [link("/comments", "Comments"), link("/news.xml", "News"), link("/b.xml", "B")];
    feeds.script("/", [page(&links.concat())]);
    feeds.script("/news.xml", [rss("The/News", &["One", "Two"])]);
    let home = home(&sandbox, HEAD);
    let before = text(&home);
    let site = feeds.url("/");
    let dry = ended(home.run(&["feeds", "add", site.as_str(), "--dry-run"]).await, 0);
    assert!(dry.out.contains("nothing was written"), "{}", dry.out);
    assert_eq!(text(&home), before);
    let args = ["feeds", "add", site.as_str(), "--interval", "30m", "--first-run", "latest=1"];
    let said = ended(home.run(&args).await, 0);
    assert!(said.out.contains("named by the page"), "{}", said.out);
    assert!(said.out.contains("the page names") && said.out.contains("/b.xml too"), "{}", said.out);
    assert!(said.err.contains("from the next `tidings run` on"), "{}", said.err);
    let after = text(&home);
    assert_eq!(
        after.strip_prefix(&before).expect("the rest is as it was"),
        format!(
            "\n[[feed]]\nname = \"The News\"\nurl = \"{}\"\ninterval = \"30m\"\nfirst_run = {{ latest = 1 }}\n",
            feeds.url("/news.xml")
        )
    );
    // The same once more, in another spelling, is not a second one.
    let again = format!("{}?utm_source=x", feeds.url("/news.xml"));
    let said = ended(home.run(&["feeds", "add", &again, "--unasked"]).await, 0);
    assert!(said.out.contains("feed The News has this address already"), "{}", said.out);
    ended(home.run(&["feeds", "remove", "The News"]).await, 0);
    assert_eq!(text(&home), before);
    assert_eq!(home.files().len(), 1, "nothing is left beside the config");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_and_changes_nothing() {
    let (feeds, sandbox) = (FeedServer::start().await, sandbox().await);
    feeds.script("/feed", [rss("news", &["One"])]);
    feeds.script("/bare", [page("")]);
    let home = home(&sandbox, HEAD);
    let before = text(&home);
    let feed = feeds.url("/feed").to_string();
    let bare = feeds.url("/bare").to_string();
    for (args, code, told) in [
        (vec!["add", "nonsense://x"], 2, "it is no address"),
        (vec!["add", "https://me:hunter2@a.example/"], 2, "take the part before the @ out"),
        (vec!["add", &feed, "--interval", "1s"], 2, "is below fetch.min_interval"),
        (vec!["add", &feed, "--profile", "nope"], 2, "there is no profile \"nope\""),
        (vec!["add", &feed, "--first-run", "some"], 2, "give none, all, latest=3"),
        (vec!["remove", "nope"], 2, "there is no feed \"nope\""),
        (vec!["import", "nowhere.opml"], 1, "cannot read nowhere.opml"),
        (vec!["import", "tidings.toml"], 1, "it is no OPML"),
        (vec!["import"], 2, "required"),
    ] {
        let mut all = vec!["feeds"];
        all.extend(args);
        let said = ended(home.run(&all).await, code);
        assert!(said.err.contains(told), "{all:?}: {}", said.err);
        assert!(!said.err.contains("hunter2"), "{}", said.err);
        assert_eq!(text(&home), before, "{all:?}");
    }
    // The usual places of the site are tried before it is given up; there is one at its root.
    let said = ended(home.run(&["feeds", "add", &bare, "--dry-run"]).await, 0);
    assert!(said.out.contains("in a usual place"), "{}", said.out);
    feeds.script("/feed", [Answer::new(404, "")]);
    let said = ended(home.run(&["feeds", "add", &bare]).await, 1);
    assert!(said.err.contains("names no feed") && said.err.contains("--unasked"), "{}", said.err);
    home.write("other.toml", "nonsense");
    ended(home.run(&["feeds", "add", &feed, "--config", "other.toml"]).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feeds_queue_is_never_dropped_or_sent_without_a_word() {
    let (feeds, sandbox) = (FeedServer::start().await, sandbox().await);
    feeds.script("/feed", [rss("news", &["One", "Two", "Three"])]);
    let with_feed = format!(
        "{}\n[[feed]]\nname = \"news\"\nurl = \"{}\"\nfirst_run = \"all\"\n",
        HEAD,
        feeds.url("/feed")
    );
    // Nothing goes out by itself before the first of January.
    let with_feed = with_feed.replace("min_gap = \"0s\"", "post_at = [\"0 0 1 1 *\"]");
    let home = home(&sandbox, &with_feed);
    ended(home.run(&["run", "--once"]).await, 0);
    let before = text(&home);
    let said = ended(home.run(&["feeds", "remove", "news"]).await, 1);
    assert!(said.err.contains("3 posts of feed news wait: say --skip-queue"), "{}", said.err);
    assert_eq!(text(&home), before);
    let said = ended(home.run(&["feeds", "remove", "news", "--skip-queue", "--dry-run"]).await, 0);
    assert!(said.out.contains("3 posts would be left out"), "{}", said.out);
    assert_eq!(text(&home), before);
    let said = ended(home.run(&["feeds", "remove", "news", "--keep-queue"]).await, 0);
    assert!(said.out.contains("3 posts stay in the queue"), "{}", said.out);
    assert!(!text(&home).contains("[[feed]]"));
    ended(home.run(&["queue", "send-now", "1"]).await, 0);
    ended(home.run(&["run", "--once"]).await, 0);
    assert_eq!(sandbox.read_books(|books| books.published().count()), 1, "the kept queue goes on");
    // The feed comes back, nothing is new, and it goes for good.
    home.write("tidings.toml", &before);
    ended(home.run(&["run", "--once"]).await, 0);
    let said = ended(home.run(&["feeds", "remove", "news", "--skip-queue"]).await, 0);
    assert!(said.out.contains("2 posts left out"), "{}", said.out);
    ended(home.run(&["run", "--once"]).await, 0);
    assert_eq!(sandbox.read_books(|books| books.published().count()), 1);
}

/// Every key that a feed can have, and inherited ones.
const RICH: &str = r#"
[defaults.feed]
interval = "2h"
expire_after = "3d"

[[profile]]
name = "second"
platforms = ["linkedin"]

[[feed]]
name = "one & <only>"
url = "https://one.example/feed?a=1&b=2"
profiles = ["main", "second"]
interval = "45m"
first_run = { since = 2026-11-01 }
hold_above = 3
allow_mentions = true
folder = "News / The \"World\""
auth = { basic = { user = "me", password = { env = "ONE_PASSWORD" } } }
headers = { "X-Client" = "it's mine", "X-Token" = { file = "/run/secrets/one" } }
cookies = { session = { credential = "one" } }
proxy = { url = "http://proxy.example", user = "us", password = { env = "PROXY_PASSWORD" } }
ca_file = "/etc/our \\ ca.pem"

[[feed]]
name = "two"
url = "https://two.example/"
profiles = ["second"]
expire_after = "never"
first_run = { latest = 2 }
folder = "News"

[[feed]]
name = "three"
url = "https://three.example/"
profiles = ["main"]
"#;

#[tokio::test(flavor = "multi_thread")]
async fn opml_goes_out_and_in_without_loss() {
    let sandbox = sandbox().await;
    let from = home(&sandbox, &format!("{HEAD}{RICH}"));
    let said = ended(from.run(&["feeds", "export"]).await, 0);
    ended(from.run(&["feeds", "export", "out.opml"]).await, 0);
    let opml = std::fs::read(from.path("out.opml")).expect("written");
    assert!(said.out.contains("xmlUrl=\"https://one.example/feed?a=1&amp;b=2\""), "{}", said.out);
    let said = ended(from.run(&["feeds", "export", "out.opml"]).await, 1);
    assert!(said.err.contains("cannot write out.opml"), "{}", said.err);
    // Into a config that has other defaults: what counted there counts here.
    let other = "\n[defaults.feed]\ninterval = \"6h\"\n[[profile]]\nname = \"second\"\nplatforms = [\"linkedin\"]\n";
    let to = home(&sandbox, &format!("{HEAD}{other}"));
    to.write("in.opml", &opml);
    let said = ended(to.run(&["feeds", "import", "in.opml", "--with-access"]).await, 0);
    assert!(said.out.contains("3 feeds added"), "{}", said.out);
    let (left, right) = (load(&from), load(&to));
    assert_eq!(format!("{:#?}", left.feeds), format!("{:#?}", right.feeds));
    // And again, now from there: the same list.
    ended(to.run(&["feeds", "export", "out.opml"]).await, 0);
    let again = std::fs::read(to.path("out.opml")).expect("written");
    assert_eq!(opml::read(&again).expect("OPML"), opml::read(&opml).expect("OPML"));
    let said = ended(to.run(&["feeds", "import", "in.opml"]).await, 0);
    assert!(said.out.contains("nothing to add"), "{}", said.out);
    // A stranger's file could send our secrets to a stranger.
    let careful = home(&sandbox, &format!("{HEAD}{other}"));
    careful.write("in.opml", &opml);
    let said = ended(careful.run(&["feeds", "import", "in.opml"]).await, 0);
    assert!(said.out.contains("without auth (--with-access takes it)"), "{}", said.out);
    assert!(!text(&careful).contains("PASSWORD"));
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_choose_profiles() {
    let sandbox = sandbox().await;
    let home = home(
        &sandbox,
        &format!("{HEAD}[[profile]]\nname = \"second\"\nplatforms = [\"linkedin\"]\n"),
    );
    home.write(
        "in.opml",
        "<opml><body><outline text='News'><outline text='World'>\
         <outline text='a' xmlUrl='https://a.example/feed'/></outline>\
         <outline text='b' xmlUrl='https://b.example/feed'/></outline>\
         <outline text='b' xmlUrl='https://c.example/feed' />\
         <outline text='piped' xmlUrl='|script.sh'/></body></opml>",
    );
    let said = ended(home.run(&["feeds", "import", "in.opml"]).await, 2);
    assert!(
        said.err.contains("left as it is") || said.err.contains("left as it was"),
        "{}",
        said.err
    );
    let args =
        ["feeds", "import", "in.opml", "--profile", "main", "--folder-profile", "World=second"];
    let said = ended(home.run(&args).await, 0);
    assert!(said.out.contains("left out  piped: it is no address"), "{}", said.out);
    let feeds: Vec<String> = load(&home)
        .feeds
        .iter()
        .map(|it| {
            format!("{} {} {}", it.name, it.profiles.join("+"), it.folder.as_deref().unwrap_or("-"))
        })
        .collect();
    assert_eq!(feeds, ["a second News / World", "b main News", "b 2 main -"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn feeds_of_ayrshare_come_over_in_all_their_shapes() {
    let feeds = FeedServer::start().await;
    feeds.script("/", [page(&link("/found.xml", "Site"))]);
    for (path, name) in [
        ("/found.xml", "found"),
        ("/substack/feed", "substack"),
        ("/news.xml", "news"),
        ("/notes.xml", "notes"),
        ("/feeds/videos.xml", "videos"),
    ] {
        feeds.script(path, [rss(name, &["One"])]);
    }
    // Ayrshare takes sites as `url`, too.
    feeds.script("/notes", [page(&link("/notes.xml", "Notes"))]);
    let site = feeds.url("/").to_string();
    let sandbox = sandbox_with(|options| {
        options.feeds = sample_feeds(&site);
        options.feeds.push(json!({"id": "x", "title": "Nowhere"}));
    })
    .await;
    let home = home(&sandbox, HEAD);
    let before = text(&home);
    let dry = ended(home.run(&["feeds", "import", "--ayrshare", "--dry-run"]).await, 0);
    assert!(dry.out.contains("5 feeds added if it were not for --dry-run"), "{}", dry.out);
    assert_eq!(text(&home), before);
    let said = ended(home.run(&["feeds", "import", "--ayrshare"]).await, 0);
    assert!(said.out.contains("left out  Nowhere: Ayrshare tells no address"), "{}", said.out);
    assert!(said.err.contains("no network gets an entry from both"), "{}", said.err);
    let rows: Vec<String> =
        load(&home).feeds.iter().map(|it| format!("{} {}", it.name, it.url.path())).collect();
    assert_eq!(
        rows,
        [
            "A site /found.xml",
            "By rssURL /substack/feed",
            "By feedURL /news.xml",
            "By url /notes.xml",
            "127.0.0.1 /feeds/videos.xml"
        ]
    );
    let after = text(&home);
    assert!(after.starts_with(&before));
    assert_eq!(after.matches("\nmedia = { max = 1 }\n").count(), 1, "{after}");
    assert_eq!(after.matches("options = { autoHashtag = { max = 3 } }").count(), 2, "{after}");
    let loaded = load(&home);
    assert_eq!(loaded.feeds.iter().filter(|it| !it.options.is_empty()).count(), 2);
    let said = ended(home.run(&["feeds", "import", "--ayrshare"]).await, 0);
    assert!(said.out.contains("nothing to add"), "{}", said.out);
    assert_eq!(text(&home), after);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_of_two_profiles_at_ayrshare_goes_to_both() {
    let feeds = FeedServer::start().await;
    feeds.script("/feed", [rss("news", &["One"])]);
    let feed = feeds.url("/feed").to_string();
    let sandbox = sandbox_with(|options| {
        options.feeds = vec![json!({"id": "1", "title": "News", "rssURL": feed})];
        options.profiles = vec![tidings::sandbox::Profile {
            key: "client-key".to_owned(),
            title: "client".to_owned(),
            linked: vec!["linkedin".to_owned()],
        }];
    })
    .await;
    let client = "[[profile]]\nname = \"client\"\nplatforms = [\"linkedin\"]\nprofile_key = { env = \"CLIENT_KEY\" }\n";
    let home = home(&sandbox, &format!("{HEAD}{client}"));
    ended(home.run(&["feeds", "import", "--ayrshare"]).await, 0);
    let config = load(&home);
    assert_eq!(config.feeds.len(), 1);
    assert_eq!(config.feeds[0].profiles, ["main", "client"]);
    let asked = |key: Option<&str>| {
        sandbox.read_books(|books| books.requests().filter(|it| it.path == "/api/feed").count())
            > usize::from(key.is_some())
    };
    assert!(asked(None) && asked(Some("client-key")), "both profiles were asked");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_config_keeps_its_mode_and_a_link_stays_one() {
    use std::os::unix::fs::PermissionsExt as _;
    let sandbox = sandbox().await;
    let home = home(&sandbox, HEAD);
    let real = home.path("tidings.toml");
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).expect("mode");
    let link = home.path("link.toml");
    std::os::unix::fs::symlink(&real, &link).expect("a link");
    let args = ["feeds", "add", "https://a.example/feed", "--unasked", "--config", "link.toml"];
    ended(home.run(&args).await, 0);
    assert!(link.symlink_metadata().expect("there").file_type().is_symlink());
    let mode = real.metadata().expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    assert_eq!(load(&home).feeds.len(), 1);
}

/// Real lists, where they are there: as many feeds as there are addresses in them.
#[test]
fn real_lists_are_read_whole() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let places = ["../shared/corpus/opml", "../../shared/corpus/opml"];
    let Some(entries) = places.iter().find_map(|it| std::fs::read_dir(root.join(it)).ok()) else {
        println!("skipped: ../shared/corpus/opml is not there");
        return;
    };
    let (mut files, mut feeds) = (0, 0);
    for entry in entries {
        let path = entry.expect("an entry").path();
        let bytes = std::fs::read(&path).expect("read");
        let found = opml::read(&bytes).expect("OPML").feeds;
        let text = String::from_utf8_lossy(&bytes);
        // Not what stands in comments or is empty.
        let addresses = text.matches("xmlUrl=\"").count() - text.matches("xmlUrl=\"\"").count();
        assert_eq!(found.len(), addresses, "{}", path.display());
        assert!(found.iter().all(|it| !it.address.contains("&amp;")), "{}", path.display());
        let written = opml::write(&found, chrono::DateTime::UNIX_EPOCH);
        assert_eq!(
            opml::read(written.as_bytes()).expect("OPML").feeds,
            found,
            "{}",
            path.display()
        );
        files += 1;
        feeds += found.len();
    }
    println!("{files} lists, {feeds} feeds");
    assert!(files > 0);
}
