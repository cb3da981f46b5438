//! Many profiles: from folders and from rows.

use std::fs;
use std::path::Path;

use tidings::clock::Clock;
use tidings::config::secret::SecretRef;
use tidings::config::{Config, Environment, load};

/// Writes files into a folder and loads its `tidings.toml`.
#[expect(
    clippy::unwrap_in_result,
    reason = "a test without a disk can't go on; the result is what is tested"
)]
fn load_files(folder: &Path, files: &[(&str, &str)]) -> Result<Config, String> {
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, text).expect("written");
    }
    let path = folder.join("tidings.toml");
    let place = format!("{}/", folder.display());
    load(&path, &Environment::default())
        .map_err(|complaints| complaints.to_string().replace(&place, ""))
}

const ROWS: &str = "\
# one client a line
name,profile_key,platforms,time_zone,max_per_day,post_at,feed.url,feed.interval
bakery,env:BAKERY_KEY,twitter; bluesky,Europe/Vienna,7,Mon-Fri 08:30; 12:00,https://bakery.example.com/feed.xml https://bakery.example.com/offers.xml,2h
4711,,twitter,,,,https://cologne.example.com/feed.xml,
quiet one,credential:quiet-key,twitter,UTC,,,,
";

#[test]
fn clients_come_from_folders_and_rows() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = load_files(
        folder.path(),
        &[
            ("tidings.toml", "include = [\"profiles.d\", \"clients.csv\"]\n[defaults.profile]\ntime_zone = \"Asia/Tokyo\"\n"),
            ("profiles.d/b.toml", "[[profile]]\nname = \"b\"\nplatforms = [\"twitter\"]\n[[feed]]\nname = \"b\"\nurl = \"https://b.example.com/feed\"\nprofiles = [\"b\"]\n"),
            ("profiles.d/a.toml", "[[profile]]\nname = \"a\"\nplatforms = [\"twitter\"]\n"),
            ("profiles.d/.a.toml.swp", "not ours"),
            ("profiles.d/README", "not ours"),
            ("clients.csv", ROWS),
        ],
    )
    .expect("loads");
    let names: Vec<&str> = config.profiles.iter().map(|profile| profile.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "bakery", "4711", "quiet one"]);
    let bakery = config.profile("bakery").expect("there");
    assert_eq!(bakery.platforms, ["twitter", "bluesky"]);
    assert_eq!(bakery.profile_key, Some(SecretRef::Env("BAKERY_KEY".to_owned())));
    assert_eq!(bakery.pace.zone.name(), "Europe/Vienna");
    assert_eq!((bakery.pace.max_per_day, bakery.pace.post_at.len()), (7, 2));
    assert_eq!(config.profile("4711").expect("there").pace.zone.name(), "Asia/Tokyo");
    let feeds: Vec<_> = config
        .feeds
        .iter()
        .map(|feed| {
            format!(
                "{} {} {} {}",
                feed.name,
                feed.url,
                feed.profiles.join(","),
                feed.interval.num_minutes()
            )
        })
        .collect();
    insta::assert_snapshot!(feeds.join("\n"), @r#"
    b https://b.example.com/feed b 60
    bakery https://bakery.example.com/feed.xml bakery 120
    bakery-2 https://bakery.example.com/offers.xml bakery 120
    4711 https://cologne.example.com/feed.xml 4711 60
    "#);
}

#[test]
fn what_an_included_file_gets_wrong_is_told_with_its_name_and_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let complaints = load_files(
        folder.path(),
        &[
            ("tidings.toml", "include = [\"profiles.d\", \"gone\", \"rows.csv\", \"columns.csv\", \"short.csv\"]\n\n[[profile]]\nname = \"main\"\nplatforms = [\"twitter\"]\n"),
            ("profiles.d/a.toml", "\n[[profile]]\nname = \"main\"\nplatforms = [\"twiter\"]\n[fetch]\nper_host = 3\n"),
            ("profiles.d/b.toml", "[[profile]\n"),
            ("rows.csv", "name,platforms,max_per_day,profile_key\nx,twitter,lots,HUSH-pasted-secret\ny,twitter,,env:HUSH-pasted-secret\n"),
            ("columns.csv", "name,platfroms,feed.profiles,name\nz,twitter,z,z\n"),
            ("short.csv", "name,platforms\nz\n"),
        ],
    )
    .expect_err("wrong");
    assert!(!complaints.contains("HUSH"), "{complaints}");
    insta::assert_snapshot!(complaints, @r#"
    tidings.toml:1: include: gone is neither a folder nor a file that ends in .toml or .csv
        name a file that ends in .toml or .csv, or a folder of such files, from the config's own folder on
    profiles.d/a.toml:2: a second profile with the name "main" (line 3)
        give each its own name
    profiles.d/a.toml:4: profile "main": platforms = "twiter" is not a network that Ayrshare knows
        did you mean `twitter`?
    profiles.d/a.toml:5: `fetch` in an included file
        an included file holds [[profile]], [[feed]] and [group.…] only; the rest stands in the config itself
    profiles.d/b.toml:1: not TOML at column 11: unclosed array table, expected `]`
        every line is `key = value`, `[section]` or `[[section]]`; texts stand in "quotation marks"
    columns.csv:1: the column "name" comes twice
        name it once
    columns.csv:1: unknown column "feed.profiles"
        columns are the keys of [[profile]], and feed.url, feed.interval … for its feed
    columns.csv:1: unknown column "platfroms"
        did you mean `platforms`?
    rows.csv:2: profile "x": max_per_day = "lots" is out of bounds or not a whole number
        give a whole number from 1 to 2400
    rows.csv:2: profile "x": profile_key: expected a reference to a secret, found a text (not shown here)
        secrets don't belong in the config: put it into the environment variable AYRSHARE_PROFILE_KEY and write { env = "AYRSHARE_PROFILE_KEY" }, { file = "/run/secrets/ayrshare_profile_key" } or { credential = "ayrshare_profile_key" }
    rows.csv:3: profile "y": profile_key: the name in env is not a name of a variable (not shown here)
        capital letters, digits and underscores, so that a pasted secret isn't taken for a name: write { env = "AYRSHARE_PROFILE_KEY" }, { file = "/run/secrets/ayrshare_profile_key" } or { credential = "ayrshare_profile_key" }
    short.csv:2: not CSV: 1 cells where the first line has 2
        each row has as many cells as the first line; a comma in a cell needs "quotation marks" around it
    12 problems in tidings.toml and what it includes; nothing was started
    "#);
}

const GROUPS: &str = "\
include = [\"clients.csv\"]
[defaults.profile]
time_zone = \"Asia/Tokyo\"
platforms = [\"twitter\"]
max_per_day = 9
[defaults.feed]
interval = \"3h\"
[group.acme]
budget = { usd = 50.0, per = \"month\", time_zone = \"Europe/Vienna\" }
[group.acme.profile]
time_zone = \"Europe/Vienna\"
max_per_day = 5
[group.acme.feed]
interval = \"2h\"
breaking = { title = \"urgent\" }
[[profile]]
name = \"own\"
group = \"acme\"
max_per_day = 3
[[profile]]
name = \"other\"
[[feed]]
name = \"own\"
url = \"https://own.example.com/feed\"
profiles = [\"own\"]
interval = \"1h\"
[[feed]]
name = \"plain\"
url = \"https://plain.example.com/feed\"
profiles = [\"other\", \"own\"]
";

#[test]
fn a_group_hands_down_what_its_profiles_and_feeds_leave_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows = "name,group,feed.url\nbakery,acme,https://bakery.example.com/feed.xml\n";
    let config = load_files(folder.path(), &[("tidings.toml", GROUPS), ("clients.csv", rows)])
        .expect("loads");
    let told: Vec<String> = config
        .profiles
        .iter()
        .map(|it| {
            let group = it.group.as_deref().unwrap_or("-");
            format!("{} {group} {} {}", it.name, it.pace.zone.name(), it.pace.max_per_day)
        })
        .chain(config.feeds.iter().map(|it| {
            format!("{} {} {}", it.name, it.interval.num_minutes(), it.pace.breaking.is_some())
        }))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    own acme Europe/Vienna 3
    other - Asia/Tokyo 9
    bakery acme Europe/Vienna 5
    own 60 true
    plain 180 false
    bakery 120 true
    ");
    let own = config.profile("own").expect("there");
    let budget = config.group_budget(own).expect("a budget");
    assert_eq!(
        (budget.usd.to_string(), budget.zone.name()),
        ("$50.00".to_owned(), "Europe/Vienna")
    );
    assert_eq!(config.members("acme"), ["own", "bakery"]);
    assert!(config.group_budget(config.profile("other").expect("there")).is_none());
}

#[test]
fn a_fault_of_a_group_is_told_once_at_its_own_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = GROUPS
        .replace(
            "time_zone = \"Europe/Vienna\"\nmax",
            "time_zone = \"Europe/Wien\"\ncolour = 1\nmax",
        )
        .replace("interval = \"2h\"", "interval = \"2\"")
        .replace("usd = 50.0", "usd = 0")
        .replace("name = \"other\"", "name = \"other\"\ngroup = \"acne\"");
    let rows = "name,group\na,acme\nb,acme\nc,nobody\n";
    let complaints = load_files(folder.path(), &[("tidings.toml", &text), ("clients.csv", rows)])
        .expect_err("wrong");
    insta::assert_snapshot!(complaints, @r#"
    tidings.toml:9: group "acme": budget: usd = 0 lets nothing out
        leave the budget out for no limit, or use `tidings pause` to stop
    tidings.toml:11: profile "own": time_zone = "Europe/Wien" is not a time zone
        did you mean "Europe/Kiev"?
    tidings.toml:12: group "acme": profile: unknown key `colour`
        the keys here are platforms, profile_key, x_api_key, x_api_secret, time_zone, post_at, min_gap, max_per_hour, max_per_day, quiet_hours, blackout, jitter, spread, order, breaking_ignores, pace, budget, include, exclude, hold, duplicates, same_text, repost, options
    tidings.toml:23: profile "other": group = "acne" is not the name of a group
        did you mean "acme"?
    clients.csv:4: profile "c": group = "nobody" is not the name of a group
        begin it with [group.nobody], or leave the key out
    5 problems in tidings.toml and what it includes; nothing was started
    "#);
}

#[test]
fn five_hundred_profiles_and_five_thousand_feeds_load() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut rows = "name,platforms,profile_key,time_zone,feed.url\n".to_owned();
    for client in 0..500 {
        let feeds: Vec<String> =
            (0..10).map(|feed| format!("https://client-{client}.example.com/{feed}.xml")).collect();
        let row =
            format!("client-{client},twitter,env:KEY_{client},Europe/Berlin,{}\n", feeds.join(" "));
        rows.push_str(&row);
    }
    let files = [("tidings.toml", "include = [\"clients.csv\"]\n"), ("clients.csv", rows.as_str())];
    let start = Clock::System.now();
    let config = load_files(folder.path(), &files).expect("loads");
    let took = Clock::System.now() - start;
    println!("500 profiles and 5,000 feeds were loaded in {} ms", took.num_milliseconds());
    // Unoptimized, and on a machine that does other things: far from what is quadratic.
    assert!(took.num_seconds() < 30, "{took}");
    assert_eq!((config.profiles.len(), config.feeds.len()), (500, 5_000));
    assert_eq!(config.lanes().count(), 500);
    assert_eq!(config.feeds[4_999].name, "client-499-10");
    assert_eq!(config.feeds[4_999].profiles, ["client-499"]);
}
