//! The config as a person meets it: files that load, and what is said about files that don't.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{TimeDelta, Timelike};
use proptest::prelude::*;
use secrecy::ExposeSecret;
use tidings::config::secret::{SecretRef, Secrets};
use tidings::config::{Complaints, Config, Environment, FirstRun, Period, WhenSpent, load};
use tidings::domain::cost::Usd;
use tidings::domain::pace::PostAt;
use tidings::domain::plan::Priority;

fn files(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(Path::new("tests/data/config").join(folder))
        .expect("the folder is there")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .collect();
    files.sort();
    files
}

fn no_variables() -> Environment {
    Environment::default()
}

fn variables(list: &[(&str, &str)]) -> Environment {
    list.iter().copied().collect()
}

/// Loads a text as if it stood in `tidings.toml`.
#[expect(
    clippy::unwrap_in_result,
    reason = "a test without a disk can't go on; the result is what is tested"
)]
fn load_bytes(bytes: &[u8], environment: &Environment) -> Result<Config, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tidings.toml");
    fs::write(&path, bytes).expect("written");
    load(&path, environment).map_err(|complaints| shown(&complaints, &path))
}

fn load_text(text: &str) -> Result<Config, String> {
    load_bytes(text.as_bytes(), &no_variables())
}

fn shown(complaints: &Complaints, path: &Path) -> String {
    complaints.to_string().replace(&path.display().to_string(), "tidings.toml")
}

const SMALLEST: &str = "[[profile]]\nname = \"main\"\nplatforms = [\"twitter\"]\n";

#[test]
fn every_invalid_file_gets_its_complaints() {
    let files = files("invalid");
    assert!(files.len() >= 25, "only {} files", files.len());
    for path in files {
        let complaints =
            load(&path, &no_variables()).expect_err(&format!("{} must not load", path.display()));
        let text = shown(&complaints, &path);
        assert!(!text.contains("HUSH"), "{}: {text}", path.display());
        let debug = format!("{complaints:?}");
        assert!(!debug.contains("HUSH"), "{}: {debug}", path.display());
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        insta::assert_snapshot!(name, text);
    }
}

#[test]
fn every_valid_file_loads() {
    let files = files("valid");
    assert!(!files.is_empty());
    for path in files {
        if let Err(complaints) = load(&path, &no_variables()) {
            panic!("{complaints}");
        }
    }
}

#[test]
fn the_example_loads_as_it_is() {
    let config = load(Path::new("config.example.toml"), &no_variables()).expect("loads");
    assert_eq!(config.warnings, [""; 0]);
    assert_eq!(config.profiles.len(), 1);
    assert_eq!(config.feeds.len(), 1);
}

/// What the example shows as defaults are the defaults; the rest of its keys are right, too.
#[test]
fn the_example_loads_with_every_line_uncommented() {
    let text = fs::read_to_string("config.example.toml").expect("read");
    let is_key = |line: &str| {
        line.split_once(" = ").is_some_and(|(key, _)| {
            key.trim_end().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        })
    };
    let mut seen_first_run = false;
    let uncommented: Vec<&str> = text
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.starts_with("first_run") && seen_first_run => line,
            Some(rest) if is_key(rest) => {
                seen_first_run |= rest.starts_with("first_run");
                rest
            }
            _ => line,
        })
        .collect();
    let config = load_text(&uncommented.join("\n")).expect("loads");
    assert_eq!(config.warnings, [""; 0]);
    assert_eq!(config.profiles[0].pace.post_at.len(), 3);
    let plain =
        load_text(&format!("{SMALLEST}[[feed]]\nname = \"a\"\nurl = \"https://a.example\""))
            .expect("loads");
    assert!(config.web.public_url.is_some() && plain.web.public_url.is_none());
    let shared = |config: &Config| {
        format!("{:?} {:?} {:?}", config.ayrshare, config.web.listen, config.prices)
    };
    assert_eq!(shared(&config), shared(&plain));
    assert_eq!(config.feeds[0].interval, plain.feeds[0].interval);
    assert_eq!(config.fetch.max_body, plain.fetch.max_body);
    assert_eq!(config.profiles[0].pace.min_gap, plain.profiles[0].pace.min_gap);
}

#[test]
fn what_is_left_out_has_its_default() {
    let config =
        load(Path::new("tests/data/config/valid/smallest.toml"), &no_variables()).expect("loads");
    assert_eq!(config.ayrshare.base_url.as_str(), "https://api.ayrshare.com/api");
    assert_eq!(config.ayrshare.api_key, SecretRef::Env("AYRSHARE_API_KEY".into()));
    assert_eq!(config.ayrshare.timeout, TimeDelta::seconds(120));
    assert_eq!(config.ayrshare.reconcile_after, TimeDelta::minutes(3));
    assert_eq!(config.ayrshare.probe_after, TimeDelta::minutes(15));
    assert_eq!(config.store.path, Path::new("tidings.db"));
    assert_eq!(config.fetch.min_interval, TimeDelta::minutes(15));
    assert_eq!((config.fetch.concurrency, config.fetch.per_host), (64, 1));
    assert_eq!(config.fetch.max_body, 10 * 1024 * 1024);
    assert_eq!(config.fetch.contact, None);
    assert_eq!(config.web.listen, "127.0.0.1:8484".parse().ok());
    let [profile] = &config.profiles[..] else {
        panic!("one profile");
    };
    assert_eq!(profile.pace.zone, chrono_tz::UTC);
    assert_eq!(profile.pace.min_gap, TimeDelta::minutes(1));
    assert_eq!(profile.pace.max_per_day, 50);
    assert!(profile.pace.post_at.is_empty() && profile.pace.quiet_hours.is_empty());
    assert_eq!(profile.x_api_key, SecretRef::Env("X_API_KEY".into()));
    assert_eq!(profile.budget, None);
    let [feed] = &config.feeds[..] else {
        panic!("one feed");
    };
    assert_eq!(feed.profiles, ["main"]);
    assert_eq!(feed.interval, TimeDelta::hours(1));
    assert_eq!(feed.first_run, FirstRun::None);
    assert_eq!((feed.hold_above, feed.expire_after), (10, None));
    assert!(!feed.allow_mentions);
}

#[test]
fn profiles_and_feeds_inherit_and_override() {
    let path = Path::new("tests/data/config/valid/agency.toml");
    let config = load(path, &no_variables()).expect("loads");
    assert_eq!(config.ayrshare.base_url.as_str(), "http://127.0.0.1:9000/api");
    assert_eq!(config.web.listen, "127.0.0.1:8485".parse().ok());
    let public_url = config.web.public_url.as_ref().expect("a public address");
    assert_eq!(public_url.as_str(), "https://tidings.agency.example/hooks/");
    assert_eq!(config.prices.post_with_link, Usd::from_micros(1_000_000));
    let one = config.profile("one").expect("one");
    assert_eq!(one.platforms, ["twitter", "linkedin"]);
    assert_eq!(one.pace.zone, chrono_tz::America::New_York);
    assert!(matches!(
        one.pace.post_at.as_slice(),
        [PostAt::Slot { days, time }, PostAt::Cron(_)] if days.len() == 5 && time.hour() == 8
    ));
    assert_eq!(one.budget.map(|budget| budget.per), Some(Period::Month));
    assert_eq!(one.x_api_key, SecretRef::Credential("agency-key".into()));
    let x = one.pace_on("twitter").expect("a pace");
    assert_eq!((x.pace.max_per_day, x.pace.max_per_hour), (12, Some(3)));
    assert_eq!((x.pace.jitter.most(), x.newest_first), (TimeDelta::minutes(5), true));
    assert_eq!(x.pace.blackout.len(), 2);
    assert!(x.pace.breaking_ignores.min_gap && !x.pace.breaking_ignores.quiet_hours);
    let linkedin = one.pace_on("linkedin").expect("a pace");
    assert_eq!(linkedin.pace.max_per_day, 2);
    assert_eq!(linkedin.pace.post_at.len(), 1, "the profile's own platform wins");
    assert!(linkedin.pace.jitter.is_none());
    // Twelve hours for two posts.
    assert_eq!(linkedin.pace.min_gap, TimeDelta::hours(6));
    let overall = config.budget.expect("a budget of all");
    assert_eq!((overall.per, overall.zone), (Period::Day, chrono_tz::Europe::Berlin));
    assert_eq!(overall.when_spent, WhenSpent::LowPriorityFirst);
    assert_eq!(config.prices.alt_text, Usd::from_micros(4_000));
    let pace = &config.feed("second").expect("second").pace;
    assert_eq!((pace.priority, pace.newest_first), (Priority::Breaking, Some(false)));
    assert_eq!((pace.max_per_hour, pace.max_per_day), (Some(2), Some(5)));
    assert_eq!((pace.min_gap, pace.embargo), (Some(TimeDelta::hours(1)), TimeDelta::minutes(30)));
    assert_eq!(pace.post_at.as_ref().map(Vec::len), Some(0));
    let own = pace.budget.expect("a budget of its own");
    assert_eq!((own.zone, own.when_spent), (chrono_tz::Asia::Kolkata, WhenSpent::DropLink));
    let two = config.profile("two").expect("two");
    assert_eq!(two.platforms, ["bluesky"]);
    assert_eq!((one.repost.after, one.repost.max_per_month), (TimeDelta::days(30), 4));
    assert_eq!((two.repost.after, two.repost.max_per_month), (TimeDelta::days(30), 0));
    assert!(two.pace.post_at.is_empty() && two.pace.quiet_hours.is_empty());
    let budget = two.budget.map(|budget| (budget.usd, budget.when_spent));
    assert_eq!(budget, Some((Usd::from_micros(500_000), WhenSpent::Digest)));
    assert_eq!(two.x_api_key, SecretRef::Env("TWO_X_API_KEY".into()));
    let [first, second, third] = &config.feeds[..] else {
        panic!("three feeds");
    };
    assert_eq!(first.interval, TimeDelta::minutes(150));
    assert_eq!(first.first_run, FirstRun::Latest(3));
    assert_eq!(first.expire_after, Some(TimeDelta::days(2)));
    assert_eq!(second.profiles, ["two", "one"]);
    assert_eq!(second.expire_after, None);
    let since = |run| match run {
        FirstRun::Since(at) => at.to_rfc3339(),
        FirstRun::None | FirstRun::All | FirstRun::Latest(_) => panic!("since"),
    };
    assert_eq!(since(second.first_run), "2026-11-01T00:00:00+00:00");
    assert_eq!(since(third.first_run), "2026-11-01T06:00:00+00:00");
    assert_eq!(config.fetch.hosts.gap, TimeDelta::zero());
    assert_eq!(config.fetch.hosts.grouping.together, ["tumblr.com"]);
    assert_eq!(config.fetch.hosts.grouping.apart, ["bridge.example.com"]);
    assert!(second.polling.adapt && second.polling.given.is_some() && !second.polling.own);
    assert!(third.polling.own && third.polling.allow_http && !third.polling.adapt);
    let rhythm = config.rhythm(third);
    assert_eq!(rhythm.cron.map(|(zone, _)| zone), Some(chrono_tz::America::New_York));
    assert!(config.rhythm(first).cron.is_none());
    insta::assert_snapshot!("warnings", config.warnings.join("\n"));
}

#[test]
fn what_is_hardly_meant_is_warned_of() {
    let text = r#"
        [ayrshare]
        timeout = "29s"
        [fetch]
        min_interval = "1s"
        [[profile]]
        name = "a"
        platforms = ["twitter"]
        post_at = ["23:00", "09:00"]
        quiet_hours = ["22:00-07:00"]
        budget = { usd = 0.1 }
        [[profile]]
        name = "b"
        platforms = ["twitter"]
        [[feed]]
        name = "x"
        url = "https://example.com/feed"
        profiles = ["a"]
        [[feed]]
        name = "y"
        url = "https://EXAMPLE.com/feed"
        profiles = ["b"]
    "#;
    let config = load_text(text).expect("loads");
    insta::assert_snapshot!("warnings_of_everything", config.warnings.join("\n"));
    let config = load_text(SMALLEST).expect("loads");
    insta::assert_snapshot!(
        config.warnings.join("\n"),
        @"there is no [[feed]] yet; add one with a name and a url"
    );
}

#[test]
fn variables_win_over_the_file() {
    let text = format!(
        "[ayrshare]\napi_key = {{ file = \"/a\" }}\ntimeout = \"40s\"\n{SMALLEST}time_zone = \"UTC\"\n"
    );
    let environment = variables(&[
        ("TIDINGS__AYRSHARE__API_KEY", "{ env = \"OTHER\" }"),
        ("TIDINGS__AYRSHARE__TIMEOUT", "50s"),
        ("TIDINGS__FETCH__CONCURRENCY", "8"),
        ("TIDINGS__FETCH__MAX_BODY", "1048576"),
        ("TIDINGS__FETCH__ALLOW_PRIVATE", "[\"10.0.0.0/8\"]"),
        ("TIDINGS__WEB__LISTEN", "[::1]:9000"),
        ("TIDINGS__PRICES__POST", "0.02"),
        ("TIDINGS__DEFAULTS__PROFILE__TIME_ZONE", "Europe/Berlin"),
        ("TIDINGS__DEFAULTS__PROFILE__MIN_GAP", "7m"),
        ("TIDINGS__DEFAULTS__FEED__ALLOW_MENTIONS", "true"),
        ("STATE_DIRECTORY", "/var/lib/tidings:/other"),
        ("TIDINGS_LOG", "debug"),
    ]);
    let config = load_bytes(text.as_bytes(), &environment).expect("loads");
    assert_eq!(config.ayrshare.api_key, SecretRef::Env("OTHER".into()));
    assert_eq!(config.ayrshare.timeout, TimeDelta::seconds(50));
    assert_eq!(config.fetch.concurrency, 8);
    assert_eq!(config.fetch.max_body, 1_048_576);
    assert_eq!(config.fetch.allow_private.len(), 1);
    assert_eq!(config.web.listen, "[::1]:9000".parse().ok());
    assert_eq!(config.prices.post, Usd::from_micros(20_000));
    assert_eq!(config.profiles[0].pace.zone, chrono_tz::UTC);
    assert_eq!(config.profiles[0].pace.min_gap, TimeDelta::minutes(7));
    assert_eq!(config.store.path, Path::new("/var/lib/tidings/tidings.db"));
}

#[test]
fn variables_are_complained_about_by_name() {
    let environment = variables(&[
        ("TIDINGS__AYRSHARE__API_KEY", "HUSH-7PXRGZ1"),
        ("TIDINGS__AYRSHARE__TIMEOUT", "soon"),
        ("TIDINGS__FETCH__CONCURRENCY", "many"),
        ("TIDINGS__FETCH__CONCURENCY", "8"),
        ("TIDINGS__FETCH_TIMEOUT", "8"),
        ("TIDINGS__PROFILE__0__NAME", "a"),
        ("TIDINGS__FETCH__ALLOW_PRIVATE", "10.0.0.0/8"),
        ("TIDINGS__DEFAULTS__PROFILE__NAME", "a"),
        ("TIDINGS__", "HUSH"),
    ]);
    let text = load_bytes(SMALLEST.as_bytes(), &environment).expect_err("complaints");
    assert!(!text.contains("HUSH"), "{text}");
    insta::assert_snapshot!("variables", text);
}

#[test]
fn files_that_are_no_config_at_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("nothing.toml");
    let missing = load(&path, &no_variables()).expect_err("missing");
    let directory = load(folder.path(), &no_variables()).expect_err("a directory");
    let text = [
        shown(&missing, &path),
        shown(&directory, folder.path()),
        load_text("").expect_err("empty"),
        load_text("# nothing\n").expect_err("empty"),
        load_bytes(b"[web]\nlisten = \"\xff\"\n", &no_variables()).expect_err("not UTF-8"),
        load_bytes(b"[web]\nlisten = \"\0\"\n", &no_variables()).expect_err("a NUL"),
        load_bytes(&vec![b'#'; 8 * 1024 * 1024 + 1], &no_variables()).expect_err("too large"),
    ]
    .join("\n\n");
    insta::assert_snapshot!("no_config_at_all", text);
}

#[test]
fn hostile_files_are_refused_in_good_time() {
    let deep = [
        format!("a = {}{}", "[".repeat(100_000), "]".repeat(100_000)),
        format!("a = {}{}", "{a=".repeat(100_000), "}".repeat(100_000)),
        format!("[{}a]", "a.".repeat(100_000)),
        format!(
            "[{}a]\n{}a = {}1{}",
            "a.".repeat(70),
            "b.".repeat(70),
            "{c.d.e=".repeat(60),
            "}".repeat(60)
        ),
        "a = [".repeat(100_000),
        "]".repeat(1_000_000),
        "= \n".repeat(1_000_000),
        "\"".repeat(1_000_001),
        format!("a = {}", "9".repeat(1_000_000)),
        format!("[web]\nlisten = \"{}\"", "x".repeat(1_000_000)),
        format!("{} = 1", "k".repeat(1_000_000)),
    ];
    for text in deep {
        let complaints = load_text(&text).expect_err("complaints");
        assert!(complaints.len() < 100_000, "{}", complaints.len());
    }
}

const TWO_TABLES: &str = r#"
[[profile]]
name = "pNUMBER"
platforms = ["linkedin"]
profile_key = { env = "PNUMBER" }
post_at = ["Mon-Fri 08:30"]
[[feed]]
name = "fNUMBER"
url = "https://example.com/NUMBER"
profiles = ["pNUMBER"]
"#;

#[test]
fn ten_thousand_profiles_load_and_their_faults_are_cut() {
    let mut good = String::new();
    for n in 0..10_000 {
        good += &TWO_TABLES.replace("NUMBER", &n.to_string());
    }
    let config = load_text(&good).expect("loads");
    assert_eq!((config.profiles.len(), config.feeds.len()), (10_000, 10_000));
    let bad = good
        .replace("linkedin\"]", "linkedin\"]\ntime_zone = \"Europe/Berlinn\"")
        .replace("profiles = [\"p", "profiles = [\"q");
    let text = load_text(&bad).expect_err("complaints");
    assert!(
        text.ends_with("and 19950 more\n20000 problems in tidings.toml; nothing was started"),
        "{text}"
    );
}

#[test]
fn secrets_come_from_variables_files_and_credentials() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, value: &str| {
        let path = folder.path().join(name);
        fs::write(&path, value).expect("written");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = if name == "open" { 0o644 } else { 0o600 };
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
        }
        path.display().to_string()
    };
    let open = file("open", "open-value\r\n\n");
    file("x_api_key", "from-credentials\n");
    file("named", "named-value");
    let text = format!(
        r#"
        [[profile]]
        name = "a"
        platforms = ["twitter"]
        profile_key = {{ file = {open:?} }}
        [[profile]]
        name = "b"
        platforms = ["linkedin"]
        profile_key = {{ credential = "named" }}
        x_api_key = {{ env = "NOBODY_NEEDS_THIS" }}
        x_api_secret = {{ env = "NOR_THIS" }}
        "#
    );
    let environment = variables(&[
        ("AYRSHARE_API_KEY", "key-value "),
        ("X_API_SECRET", ""),
        ("X_API_SECRET_FILE", &open),
        ("CREDENTIALS_DIRECTORY", &folder.path().display().to_string()),
    ]);
    let config = load_text(&text).expect("loads");
    let secrets = Secrets::read(&config, &environment).expect("all are there");
    let a = secrets.profile("a").expect("a");
    let b = secrets.profile("b").expect("b");
    let x = a.x.as_ref().expect("posts to X");
    let value = |secret: &secrecy::SecretString| secret.expose_secret().to_owned();
    assert_eq!(value(&secrets.api_key), "key-value");
    assert_eq!(value(&x.key), "from-credentials");
    assert_eq!(value(&x.secret), "open-value");
    assert_eq!(a.profile_key.as_ref().map(value), Some("open-value".to_owned()));
    assert_eq!(b.profile_key.as_ref().map(value), Some("named-value".to_owned()));
    assert!(b.x.is_none());
    assert!(secrets.profile("c").is_none());
    if cfg!(unix) {
        assert_eq!(secrets.warnings.len(), 1);
        assert!(secrets.warnings[0].contains("every user of this machine can read"));
    }
    let debug = format!("{secrets:?} {environment:?}");
    assert!(!debug.contains("-value") && !debug.contains("from-cred"), "{debug}");
}

#[test]
fn secrets_are_complained_about_at_once_and_never_shown() {
    let text = r#"
        [[profile]]
        name = "a"
        platforms = ["twitter"]
        profile_key = { env = "A_KEY" }
        [[profile]]
        name = "b"
        platforms = ["twitter"]
        profile_key = { file = "/nowhere/at/all" }
        [[profile]]
        name = "c"
        platforms = ["linkedin"]
        profile_key = { credential = "c" }
        [[profile]]
        name = "d"
        platforms = ["linkedin"]
        profile_key = { env = "D_KEY" }
        [[profile]]
        name = "e"
        platforms = ["linkedin"]
        profile_key = { env = "E_KEY" }
        [[profile]]
        name = "f"
        platforms = ["linkedin"]
        profile_key = { env = "F_KEY" }
    "#;
    let long = "HUSH".repeat(10_000);
    let environment = variables(&[
        ("A_KEY", "SECRET\nSECRET"),
        ("D_KEY", long.as_str()),
        ("E_KEY", " \n"),
        ("F_KEY", "SECRÉT"),
        ("X_API_SECRET_FILE", "/nowhere/either"),
    ]);
    let config = load_text(text).expect("loads");
    let complaints = Secrets::read(&config, &environment).expect_err("complaints");
    let text = complaints.to_string();
    assert!(!text.contains("SECR\u{c9}T") && !text.contains("SECRETSECRET"), "{text}");
    insta::assert_snapshot!("secrets", text);
}

#[test]
fn the_sandbox_needs_no_secrets() {
    let config =
        load(Path::new("tests/data/config/valid/agency.toml"), &no_variables()).expect("loads");
    // But those that keep strangers from the page, which is as real as ever.
    let doors = [
        ("TIDINGS_WEB_PASSWORD", "correct horse battery"),
        ("TIDINGS_WEB_TOKEN", "0123456789abcdef0123456789abcdef"),
    ];
    let complaints = Secrets::sandbox(&config, &no_variables()).expect_err("complaints");
    assert_eq!(complaints.to_string().matches("of [web]").count(), 2, "{complaints}");
    let doors: Environment = doors.into_iter().collect();
    let secrets = Secrets::sandbox(&config, &doors).expect("no feed needs one");
    assert_eq!(secrets.api_key.expose_secret(), "sandbox-api-key");
    let one = secrets.profile("one").expect("one");
    let key = one.profile_key.as_ref().map(|key| key.expose_secret().to_owned());
    assert_eq!(key.as_deref(), Some("sandbox-profile-one"));
    let x = one.x.as_ref().expect("posts to X");
    assert_eq!(x.key.expose_secret(), "sandbox-x-key");
    assert_eq!(x.secret.expose_secret(), "sandbox-x-secret");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_text_like_toml_panics(
        text in r#"(\[{1,2}(profile|feed|fetch|defaults\.feed|ayrshare)\]{1,2}\n|(name|url|interval|post_at|budget|first_run|api_key|profiles) = ("[ -~]{0,12}"|[0-9eE._+-]{1,8}|\[[^\n]{0,8}\]|\{[^\n]{0,12}\}|true)\n|\PC{0,6}\n){0,12}"#
    ) {
        let _read = load_text(&text);
    }

    #[test]
    fn no_mutation_of_the_example_panics(
        base in prop::sample::select(vec![EXAMPLE, AGENCY]),
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..40, "\\PC{0,8}"), 1..8)
    ) {
        let mut chars: Vec<char> = base.chars().collect();
        for (at, length, insert) in cuts {
            let start = at.index(chars.len());
            let end = std::cmp::min(start + length, chars.len());
            chars.splice(start..end, insert.chars());
        }
        let _read = load_text(&chars.into_iter().collect::<String>());
    }
}

const EXAMPLE: &str = include_str!("../../config.example.toml");
const AGENCY: &str = include_str!("../data/config/valid/agency.toml");
