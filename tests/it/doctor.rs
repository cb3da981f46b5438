//! `tidings check --live`: each fault is provoked at the sandbox, told by its name, and publishes nothing.

use serde_json::Value;
use tidings::domain::diagnosis::Fault;
use tidings::sandbox::{Profile, Sandbox};

use super::cli::{Home, Said, rss, sandbox, sandbox_with};
use super::feed_server::{Answer, FeedServer};

fn home(base_url: &str, feed: &str) -> Home {
    let home = Home::new()
        .with("AYRSHARE_API_KEY", "an-api-key-of-the-doctor")
        .with("X_API_KEY", "an-x-key-of-the-doctor")
        .with("X_API_SECRET", "an-x-secret-of-the-doctor")
        .with("CLIENT_KEY", "a-profile-key-of-the-doctor");
    home.write(
        "tidings.toml",
        format!(
            "[ayrshare]\nbase_url = \"{base_url}\"\ntimeout = \"30s\"\n[fetch]\nallow_private = [\"127.0.0.0/8\"]\n\
             host_gap = \"0s\"\n[web]\nlisten = \"\"\n\
             [[profile]]\nname = \"main\"\nplatforms = [\"twitter\"]\ntime_zone = \"Europe/Berlin\"\n\
             [[profile]]\nname = \"client\"\nplatforms = [\"linkedin\"]\nprofile_key = {{ env = \"CLIENT_KEY\" }}\n\
             [[feed]]\nname = \"blog\"\nurl = \"{feed}\"\nprofiles = [\"main\"]\nfirst_run = \"all\"\n"
        ),
    );
    home
}

async fn examine(sandbox: &Sandbox, more: &[&str]) -> (Said, Value) {
    let home = home(&sandbox.url(), "http://127.0.0.1:9/unasked");
    let mut args = vec!["check", "--live", "--no-feeds", "--json"];
    args.extend(more);
    let said = home.run(&args).await;
    for secret in ["-key-of-the-doctor", "-secret-of-the-doctor"] {
        assert!(!said.out.contains(secret) && !said.err.contains(secret), "{}", said.out);
    }
    let report = serde_json::from_str(&said.out).expect("one document");
    (said, report)
}

/// The names of the faults, in the order in which they are told.
fn faults(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().expect("findings");
    findings.iter().filter_map(|it| it["fault"].as_str()).collect()
}

fn published(sandbox: &Sandbox) -> usize {
    sandbox.read_books(|books| books.published().count())
}

/// The rule of the sandbox, and the name that the doctor gives it.
const CASES: [(&str, &str); 18] = [
    ("401:*,on=user,profile=primary", "api-key"),
    ("402-ayrshare:*,on=user", "payment"),
    ("403-suspended:1,on=user,profile=primary", "suspended"),
    ("429:1,on=user,profile=primary", "rate-limit"),
    ("503:1,on=user,profile=primary", "unclear"),
    ("156:1,on=validate,profile=primary", "not-linked"),
    ("169:1,on=validate,profile=primary", "plan"),
    ("419:1,on=validate,profile=primary", "missing-header"),
    ("400-header:1,on=validate,profile=primary", "pair-mismatch"),
    ("401-x:1,on=analytics", "wrong-app"),
    ("403-callback:1,on=analytics", "callback-urls"),
    ("403-permission:1,on=analytics", "read-only"),
    ("403-permission-nested:1,on=analytics", "read-only"),
    ("272:1,on=analytics", "relink"),
    ("402:1,on=analytics", "credits"),
    ("402-nested:1,on=analytics", "credits"),
    ("402-limit:1,on=analytics", "spending-limit"),
    ("402-limit-nested:1,on=analytics", "spending-limit"),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_is_provoked_and_told_by_its_name() {
    let mut met: Vec<&str> = Vec::new();
    for (rule, expected) in CASES {
        let sandbox = sandbox().await;
        sandbox.add_fault(rule).expect("a rule");
        let (said, report) = examine(&sandbox, &["--analytics"]).await;
        assert_eq!(faults(&report), [expected], "{rule}: {}", said.out);
        said.expect(1);
        assert_eq!(report["ok"], false);
        let findings = report["findings"].as_array().expect("findings");
        let fault = findings.iter().find(|it| it["fault"] == expected).expect("the finding");
        assert!(fault["steps"].as_array().is_some_and(|steps| !steps.is_empty()), "{fault}");
        assert_eq!(published(&sandbox), 0);
        met.push(expected);
    }
    // The rest, by what the sandbox is and not by a rule.
    let strict = sandbox_with(|options| {
        options.profiles =
            vec![Profile { key: "another".into(), title: "t".into(), linked: Vec::new() }];
    })
    .await;
    let (_, report) = examine(&strict, &[]).await;
    assert_eq!(faults(&report), ["profile-key"]);
    let page = FeedServer::start().await;
    page.script("/api/user", [Answer::new(302, "").header("location", "https://portal.example/")]);
    let home_of = |url: &str| home(url, "http://127.0.0.1:9/unasked");
    let args = ["check", "--live", "--no-feeds", "--json"];
    for (base_url, expected) in [
        (page.url("/api").to_string(), "address"),
        ("http://127.0.0.1:9/api".into(), "unreachable"),
    ] {
        let said = home_of(&base_url).run(&args).await;
        let report: Value = serde_json::from_str(&said.expect(1).out).expect("one document");
        assert_eq!(faults(&report), [expected], "{}", said.out);
        met.push(expected);
    }
    met.push("profile-key");
    let unmet: Vec<&str> =
        Fault::ALL.iter().map(|it| it.name()).filter(|name| !met.contains(name)).collect();
    // 403 of no known reason: the table of answers has it.
    assert_eq!(unmet, ["forbidden"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_set_up_is_told_as_such_and_costs_only_on_request() {
    let sandbox = sandbox().await;
    let feeds = FeedServer::start().await;
    let feed = rss("blog", &["One", "Two"]).header("etag", "\"1\"");
    feeds.script("/blog.xml", [feed.clone(), feed, Answer::new(304, "").header("etag", "\"1\"")]);
    let home = home(&sandbox.url(), feeds.url("/blog.xml").as_str());
    let said = home.run(&["check", "--live"]).await;
    let out = &said.expect(0).out;
    for told in [
        "ok    main/twitter: the API key is good, and it is linked as @sandbox",
        "ok    main/twitter: Ayrshare would take a post",
        "ok    client/linkedin: the API key is good",
        "ok    clock at Ayrshare: agrees",
        "ok    zones: data of 20",
        "Europe/Berlin, where it is",
        "ok    database: tidings.db will be made",
        "ok    feed blog: 2 entries",
        "all is well: `tidings run` may start",
    ] {
        assert!(out.contains(told), "{told}\n{out}");
    }
    let asked = |path: &str| {
        sandbox.read_books(|books| books.requests().filter(|it| it.path.ends_with(path)).count())
    };
    assert_eq!((asked("/user"), asked("/validate/post"), asked("/analytics/social")), (2, 2, 0));
    // The X keys go only where X is meant.
    let with_x = sandbox.read_books(|books| {
        books.requests().filter(|it| it.x_api_key == "present").map(|it| it.path.clone()).collect()
    });
    let with_x: Vec<String> = with_x;
    assert_eq!(with_x, ["/api/validate/post"]);
    home.run(&["run", "--once"]).await.expect(0);
    let said = home.run(&["check", "--live", "--analytics"]).await;
    let out = &said.expect(0).out;
    for told in
        ["X answers as @sandbox", "about $0.01 at X", "feed blog: unchanged since", "disk: "]
    {
        assert!(out.contains(told), "{told}\n{out}");
    }
    assert_eq!(asked("/analytics/social"), 1);
    assert_eq!(published(&sandbox), 1, "only the run published, and one for the pace's sake");
    assert_eq!(home.run(&["check", "--analytics"]).await.code, Some(2), "--analytics needs --live");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_wrong_is_told() {
    let sandbox = sandbox().await;
    sandbox.add_fault("date-off@600:1").expect("a rule");
    let (said, report) = examine(&sandbox, &[]).await;
    said.expect(1);
    let text = report["findings"].to_string();
    assert!(text.contains("clock is 10 min behind") || text.contains("clock is 9 min"), "{text}");
    assert_eq!(faults(&report), Vec::<&str>::new());
}
