//! The command line as its users meet it: the real binary, its words and its exit codes.

#![expect(clippy::panic, reason = "a test may fail by panicking, in its helpers too")]

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tidings::clock::Clock;
use tidings::domain::weight::weighted_length;
use tidings::sandbox::{Options, Sandbox};
use tokio::net::TcpListener;

use super::feed_server::{Answer, FeedServer};

/// A command that doesn't end within this time hangs.
const LONGEST: Duration = Duration::from_secs(90);

/// How a command ended and what it said.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    #[track_caller]
    pub(crate) fn expect(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self
    }
}

/// A folder to call the binary in, with nothing in the environment but what is given.
pub(crate) struct Home {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

impl Home {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let temporary = folder.path().join("tmp");
        std::fs::create_dir(&temporary).expect("a folder");
        let home = Self { folder, variables: Vec::new() };
        let temporary = temporary.display().to_string();
        home.with("TMPDIR", &temporary)
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn with_secrets(self) -> Self {
        self.with("AYRSHARE_API_KEY", "an-api-key")
            .with("X_API_KEY", "an-x-key")
            .with("X_API_SECRET", "an-x-secret")
            .with("WORKSHOP_KEY", "a-profile-key")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), text).expect("written");
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidings"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end, beside the servers of this test.
    pub(crate) async fn run(&self, args: &[&str]) -> Said {
        finish(self.command(args).spawn().expect("the binary starts")).await
    }

    /// All files below the folder, with what is in them.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let bytes = std::fs::read(&path).expect("read");
                    files.push((path, bytes));
                }
            }
        }
        files.sort();
        files
    }
}

/// A process that ends with its test, also when that fails.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Waits for the end of a process; ends it if it hangs.
async fn finish(child: Child) -> Said {
    let mut running = Running(child);
    let child = &mut running.0;
    let mut out = child.stdout.take().expect("piped");
    let mut err = child.stderr.take().expect("piped");
    let out = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        out.read_to_end(&mut bytes).map(|_| bytes)
    });
    let err = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        err.read_to_end(&mut bytes).map(|_| bytes)
    });
    let both = async { (out.await, err.await) };
    let Ok((out, err)) = tokio::time::timeout(LONGEST, both).await else {
        child.kill().expect("killed");
        panic!("the command hangs");
    };
    let text = |bytes: Result<std::io::Result<Vec<u8>>, _>| {
        String::from_utf8(bytes.expect("read").expect("read")).expect("UTF-8")
    };
    let (out, err) = (text(out), text(err));
    let code = child.wait().expect("it ended").code();
    Said { code, out, err }
}

pub(crate) async fn sandbox() -> Sandbox {
    sandbox_with(|_| {}).await
}

pub(crate) async fn sandbox_with(change: impl FnOnce(&mut Options)) -> Sandbox {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
    let mut options = Options::new(Clock::System, weighted_length);
    change(&mut options);
    Sandbox::start(listener, options).expect("starts")
}

/// An RSS feed with these titles, oldest first.
pub(crate) fn rss(name: &str, titles: &[&str]) -> Answer {
    let items: Vec<String> = titles
        .iter()
        .enumerate()
        .map(|(number, title)| {
            format!(
                "<item><guid>{name}-{number}</guid><title>{title}</title>\
                 <link>https://{name}.example.com/{number}</link>\
                 <pubDate>Thu, 19 Nov 2026 {:02}:00:00 GMT</pubDate></item>",
                number + 1
            )
        })
        .collect();
    let items = items.concat();
    let body = format!(
        "<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>{name}</title>\
         <link>https://{name}.example.com/</link><description>d</description>{items}</channel></rss>"
    );
    Answer::new(200, body).header("content-type", "application/rss+xml")
}

const PAGE: &str = "<!doctype html><html><head><title>Home</title>\
    <link rel=alternate type=application/rss+xml href=/blog.xml></head><body>Hello</body></html>";

/// Three feeds, two profiles, one of them on two networks.
struct World {
    home: Home,
    feeds: FeedServer,
    sandbox: Sandbox,
}

impl World {
    async fn new(extra: &str) -> Self {
        let feeds = FeedServer::start().await;
        feeds.script("/blog.xml", [rss("blog", &["First", "日本語の見出し", "Third &amp; last"])]);
        feeds.script("/news.xml", [rss("news", &["One", "Two", "Three", "Four"])]);
        feeds.script("/notes.xml", [rss("notes", &["A note"])]);
        feeds.script("/page", [Answer::new(200, PAGE).header("content-type", "text/html")]);
        let sandbox = sandbox().await;
        let home = Home::new().with_secrets();
        home.write(
            "tidings.toml",
            format!(
                r#"[ayrshare]
base_url = "{base_url}"
[fetch]
allow_private = ["127.0.0.0/8"]
host_gap = "0s"
[web]
listen = ""
[[profile]]
name = "main"
platforms = ["twitter"]
time_zone = "Europe/Berlin"
min_gap = "0s"
[[profile]]
name = "workshop"
platforms = ["twitter", "linkedin"]
profile_key = {{ env = "WORKSHOP_KEY" }}
same_text = "allow"
min_gap = "0s"
[defaults.feed]
first_run = "all"
[[feed]]
name = "blog"
url = "{blog}"
profiles = ["main"]
[[feed]]
name = "news"
url = "{news}"
profiles = ["workshop"]
hold_above = 20
[[feed]]
name = "notes"
url = "{notes}"
profiles = ["main", "workshop"]
{extra}"#,
                base_url = sandbox.url(),
                blog = feeds.url("/blog.xml"),
                news = feeds.url("/news.xml"),
                notes = feeds.url("/notes.xml"),
            ),
        );
        Self { home, feeds, sandbox }
    }

    /// What was truly published.
    fn published(&self) -> usize {
        self.sandbox.read_books(|books| books.published().count())
    }

    fn edit(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.home.path("tidings.toml")).expect("read");
        assert!(text.contains(from), "{from} is not in the config");
        self.home.write("tidings.toml", text.replace(from, to));
    }

    fn redact(&self, text: &str) -> String {
        let feeds = self.feeds.url("/");
        let sandbox = self.sandbox.address().to_string();
        let text = text.replace(feeds.as_str(), "http://feeds/").replace(&sandbox, "sandbox");
        let month = Clock::System.now().format("%B %Y").to_string();
        let text = text.replace(&month, "[month]");
        text.lines().map(redact_line).collect::<Vec<_>>().join("\n")
    }
}

/// Takes out of a line what differs from run to run: times, how far off they are, network ids.
fn redact_line(line: &str) -> String {
    let cells: Vec<String> = line
        .trim_end()
        .split("  ")
        .filter(|cell| !cell.is_empty())
        .map(|cell| {
            let cell = cell.trim_start();
            let ago = cell.ends_with(" ago") && cell.starts_with(|it: char| it.is_ascii_digit());
            let ahead = cell.strip_prefix("in ").is_some_and(|it| it.starts_with(char::is_numeric));
            if ago || ahead || cell == "now" { "[far]".to_owned() } else { redact_times(cell) }
        })
        .collect();
    let indent = if line.starts_with("  ") { "  " } else { "" };
    format!("{indent}{}", cells.join("  "))
}

/// Whether a distance in the past opens here: `(3 s ago)`.
fn is_ago(word: &str) -> bool {
    word.strip_prefix('(')
        .is_some_and(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()))
}

fn redact_times(cell: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut distance = false;
    for word in cell.split(' ') {
        let is_date = word.len() == 10
            && word
                .char_indices()
                .all(|(at, it)| if at == 4 || at == 7 { it == '-' } else { it.is_ascii_digit() });
        let is_clock =
            word.contains(':') && word.chars().all(|it| it.is_ascii_digit() || it == ':');
        if is_date {
            words.pop();
            words.push("[time]".to_owned());
        } else if is_clock && words.last().is_some_and(|last| last == "[time]") {
        } else if word.starts_with("(now)") || word.starts_with("(in") || is_ago(word) || distance {
            // A distance in parentheses ends with the parenthesis.
            distance = !word.contains(')');
            if let Some((_, rest)) = word.split_once(')') {
                words.push(format!("(far){rest}"));
            }
        } else if let Some((head, id)) = word.split_once("/status/")
            && id.starts_with(|it: char| it.is_ascii_digit())
        {
            let rest = id.trim_start_matches(|it: char| it.is_ascii_digit());
            words.push(format!("{head}/status/[id]{rest}"));
        } else if let Some((at, rest)) = word.split_once(',')
            && chrono::DateTime::parse_from_rfc3339(at).is_ok()
        {
            words.push(format!("[time],{rest}"));
        } else {
            words.push(word.to_owned());
        }
    }
    let text = words.join(" ");
    // Lanes send side by side, so the numbers of their attempts may be swapped.
    let text = match text.split_once("attempt ") {
        Some((head, rest)) if rest.contains("key generation") => {
            let rest = rest.trim_start_matches(|it: char| it.is_ascii_digit());
            format!("{head}attempt [n]{rest}")
        }
        Some(_) | None => text,
    };
    match text.split_once("next poll ") {
        Some((head, _)) => format!("{head}next poll [far]"),
        None => text,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_ends_well() {
    let home = Home::new();
    let said = home.run(&["demo"]).await;
    said.expect(0);
    assert!(said.out.contains("found = posted, each once"), "{}", said.out);
    assert!(said.out.contains("1 answer lost and found by look-up, 1 stop met and lifted"));
    for secret in ["demo-api-key", "demo-x-key", "demo-x-secret", "demo-profile-key"] {
        assert!(!said.out.contains(secret) && !said.err.contains(secret));
    }
    assert_eq!(home.files(), [], "nothing is left behind");
}

/// Every command, with its subcommands.
const COMMANDS: [&str; 43] = [
    "",
    "demo",
    "init",
    "run",
    "check",
    "preview",
    "explain",
    "plan",
    "cost",
    "report",
    "queue",
    "queue list",
    "queue show",
    "queue approve",
    "queue skip",
    "queue retry",
    "queue send-now",
    "queue edit",
    "queue move",
    "queue reschedule",
    "queue repost",
    "delete",
    "history",
    "status",
    "pause",
    "resume",
    "backup",
    "restore",
    "alerts",
    "alerts list",
    "alerts test",
    "feeds",
    "feeds list",
    "feeds refresh",
    "feeds add",
    "feeds remove",
    "feeds import",
    "feeds export",
    "web",
    "web password",
    "sandbox",
    "man",
    "completions",
];

#[tokio::test(flavor = "multi_thread")]
async fn help_says_what_there_is() {
    let home = Home::new();
    for command in COMMANDS.into_iter().chain(["health"]) {
        let mut args: Vec<&str> = command.split_whitespace().collect();
        args.push("--help");
        let said = home.run(&args).await;
        said.expect(0);
        assert_eq!(said.err, "");
        let name = format!("help_{}", command.replace([' ', '-'], "_"));
        insta::assert_snapshot!(name.trim_end_matches('_'), said.out);
        // Every command that a help lists has its own one here.
        let listed = said.out.lines().skip_while(|line| *line != "Commands:").skip(1);
        for line in listed.take_while(|line| !line.is_empty()) {
            let Some(word) = line.strip_prefix("  ").filter(|it| !it.starts_with(' ')) else {
                continue;
            };
            let word = word.split_whitespace().next().unwrap_or_default();
            let whole = format!("{command} {word}");
            let known = COMMANDS.contains(&whole.trim()) || word == "health";
            assert!(known, "{whole} has no test of its help");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_message_names_a_command_that_is_not_there() {
    fn walk(folder: &Path, texts: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, texts);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                texts.push(std::fs::read_to_string(path).expect("read"));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = vec![std::fs::read_to_string(root.join("config.example.toml")).expect("read")];
    walk(&root.join("src"), &mut texts);
    let mut hints: Vec<String> = Vec::new();
    for text in &texts {
        for (_, rest) in
            text.match_indices("`tidings ").map(|(at, start)| text.split_at(at + start.len()))
        {
            let hint = rest.split('`').next().unwrap_or_default();
            let words: Vec<&str> = hint
                .split_whitespace()
                .take_while(|word| word.chars().all(|it| it.is_ascii_lowercase() || it == '-'))
                .take_while(|word| !word.starts_with("--"))
                .collect();
            hints.push(words.join(" "));
        }
    }
    hints.sort();
    hints.dedup();
    assert!(hints.len() > 10, "{hints:?}");
    let unknown: Vec<&String> = hints
        .iter()
        .filter(|hint| !(COMMANDS.contains(&hint.as_str()) || *hint == "health"))
        .collect();
    assert!(unknown.is_empty(), "messages name commands that are not there: {unknown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_usage_ends_with_2_and_says_what_is_right() {
    let home = Home::new();
    for (args, told) in [
        (&[][..], "Start with `tidings demo`"),
        (&["bogus"], "unrecognized subcommand 'bogus'"),
        (&["queue"], "Usage: tidings queue"),
        (&["queue", "retry", "x"], "give a number, as `tidings queue list` shows it"),
        (&["queue", "list", "--state", "lost"], "the states are held, queued"),
        (&["queue", "approve"], "<POST|--feed <FEED>|--all>"),
        (&["pause", "--until", "tomorrow"], "such as 2h"),
        (&["plan", "--days", "0"], "0 is not in 1..=366"),
        (&["history", "--limit", "0"], "0 is not in 1.."),
        (&["sandbox", "--fault", "nope"], "`tidings sandbox --help` lists the faults"),
        (&["sandbox", "--listen", "nope"], "invalid socket address"),
    ] {
        let said = home.run(args).await;
        said.expect(2);
        assert!(said.err.contains(told), "{args:?}: {}", said.err);
        assert_eq!(said.out, "", "{args:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_config_ends_with_2_and_names_the_file() {
    let home = Home::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/config/invalid");
    let mut files = 0;
    for entry in std::fs::read_dir(folder).expect("the folder") {
        let path = entry.expect("an entry").path();
        let path = path.to_str().expect("UTF-8");
        let said = home.run(&["check", "--config", path]).await;
        said.expect(2);
        assert!(said.err.contains(path), "{path}: {}", said.err);
        assert!(said.err.contains("nothing was started"), "{path}: {}", said.err);
        assert!(!said.err.contains("HUSH"), "{path}: {}", said.err);
        assert_eq!(said.out, "", "{path}");
        files += 1;
    }
    assert!(files >= 30, "only {files} files");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_faults_of_a_config_are_told_at_once() {
    let home = Home::new();
    home.write(
        "tidings.toml",
        "[ayrshare]\ntimeout = \"soon\"\n[[profile]]\nname = \"a\"\nplatforms = [\"twiter\"]\n\
         [[feed]]\nname = \"f\"\nurl = \"ftp://x\"\nprofiles = [\"b\"]\ncolour = 1\n",
    );
    for command in [&["run", "--once"][..], &["status"], &["check"], &["preview"]] {
        let said = home.run(command).await;
        said.expect(2);
        for told in ["timeout", "twiter", "ftp", "\"b\"", "colour", "tidings.toml:2", "5 problems"]
        {
            assert!(said.err.contains(told), "{command:?}, {told}: {}", said.err);
        }
    }
    let said = home.run(&["status", "--config", "elsewhere.toml"]).await;
    said.expect(2);
    assert!(said.err.contains("elsewhere.toml: there is no such file"), "{}", said.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_missing_secrets_are_told_at_once() {
    let world = World::new("").await;
    let home = Home::new();
    let text = std::fs::read(world.home.path("tidings.toml")).expect("read");
    home.write("tidings.toml", text);
    for (command, place) in [(&["run", "--once"][..], "err"), (&["check", "--no-feeds"], "out")] {
        let said = home.run(command).await;
        said.expect(2);
        let text = if place == "err" { &said.err } else { &said.out };
        for name in ["AYRSHARE_API_KEY", "X_API_KEY", "X_API_SECRET", "WORKSHOP_KEY"] {
            assert!(text.contains(&format!("variable {name}: is not set")), "{name}: {text}");
        }
    }
    assert!(!home.path("tidings.db").exists(), "nothing was started");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_posts_nothing() {
    let world = World::new("").await;
    // One run waits out the gap between requests to one host.
    world.edit("host_gap = \"0s\"", "host_gap = \"1s\"");
    let said = world.home.run(&["run", "--once"]).await;
    said.expect(0);
    // Three on main, four on each of workshop's two lanes, and the note on all three.
    assert_eq!(world.published(), 14, "{}\n{}", said.out, said.err);
    assert_eq!(said.out, "asked 3 feeds: 8 new entries, 14 new posts; sent 14 posts: 14 posted\n");
    let said = world.home.run(&["run", "--once"]).await;
    said.expect(0);
    assert_eq!(said.out, "no feed was due; sent nothing\n");
    world.home.run(&["feeds", "refresh"]).await.expect(0);
    let said = world.home.run(&["run", "--once"]).await;
    said.expect(0);
    assert_eq!(said.out, "asked 3 feeds: 0 new entries, 0 new posts; sent nothing\n");
    assert_eq!(world.published(), 14);
    assert!(world.sandbox.read_books(|books| books.doubles().is_empty()));
}

/// A world in which something is posted, something waits, and something needs a person.
async fn lived_in() -> World {
    let world = World::new("").await;
    world.edit("hold_above = 20", "hold_above = 2");
    world.feeds.script("/news.xml", [rss("news", &["One"])]);
    let said = world.home.run(&["run", "--once"]).await;
    said.expect(0);
    world.feeds.script("/blog.xml", [rss("blog", &["First", "Second", "Third", "Later"])]);
    world.edit("time_zone = \"Europe/Berlin\"", "time_zone = \"Europe/Berlin\"\nmax_per_day = 4");
    // More at once than is usual: held for a person.
    world.feeds.script("/news.xml", [rss("news", &["One", "Two", "Three", "Four"])]);
    world.home.run(&["feeds", "refresh"]).await.expect(0);
    let said = world.home.run(&["run", "--once"]).await;
    said.expect(0);
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_read_well() {
    let world = lived_in().await;
    for command in [
        "status",
        "queue list",
        "queue list --state posted --profile main",
        "queue show 1",
        "queue show 4",
        "plan",
        "cost",
        "cost --by feed --days 2",
        "report --profile main",
        "report --profile main --csv",
        "explain First",
        "explain Later",
        "history --profile main",
        "feeds list",
    ] {
        let args: Vec<&str> = command.split_whitespace().collect();
        let said = world.home.run(&args).await;
        said.expect(0);
        assert_eq!(said.err, "", "{command}");
        assert!(!said.out.contains('\u{1b}'), "no colour into a pipe");
        let name = command.replace(" --", "_").replace([' ', '-'], "_");
        insta::assert_snapshot!(name, world.redact(&said.out));
    }
    for command in [
        "status",
        "queue list",
        "queue show 1",
        "plan",
        "cost",
        "cost --by feed --days 2",
        "explain First",
        "history",
        "feeds list",
        "preview blog",
    ] {
        let mut args: Vec<&str> = command.split_whitespace().collect();
        args.push("--json");
        let said = world.home.run(&args).await;
        said.expect(0);
        let json: Value = serde_json::from_str(&said.out).expect("JSON");
        let filled = match &json {
            Value::Array(all) => !all.is_empty(),
            Value::Object(fields) => !fields.is_empty(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        };
        assert!(filled, "{command}: {json}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_doubt_or_corrected_after_publishing_is_told_with_what_to_do() {
    let world = World::new("").await;
    world.home.run(&["run", "--once"]).await.expect(0);
    let changed = ["First, corrected", "日本語の見出し", "Third &amp; last"];
    world.feeds.script("/blog.xml", [rss("blog", &changed)]);
    world.home.run(&["feeds", "refresh", "blog"]).await.expect(0);
    world.home.run(&["run", "--once"]).await.expect(0);
    let listed = world.home.run(&["queue", "list", "--state", "posted", "--json"]).await;
    let listed: Value = serde_json::from_str(&listed.expect(0).out).expect("JSON");
    let first = listed.as_array().and_then(|all| all.iter().find(|it| it["correction"] != ""));
    let id = first.unwrap_or_else(|| panic!("{listed}"))["post"].to_string();
    let status = world.home.run(&["status"]).await.expect(0).out.clone();
    assert!(status.contains(&format!("CORRECTED post {id} on main/twitter")), "{status}");
    assert!(status.contains("\"First, corrected\"\n"), "{status}");
    assert!(status.contains("`tidings delete POST` takes it down"), "{status}");
    let status = world.home.run(&["status", "--json"]).await.expect(0).out.clone();
    let status: Value = serde_json::from_str(&status).expect("JSON");
    assert_eq!(status["corrections"]["count"], 1);
    assert_eq!(status["corrections"]["latest"][0]["headline"], "First, corrected");
    world.sandbox.add_fault("delete-lost").expect("a fault");
    let said = world.home.run(&["delete", &id, "--yes"]).await;
    said.expect(1);
    assert!(said.err.contains("nobody can tell whether"), "{}", said.err);
    let doubt = format!(
        "unknown whether it is down: look at the network, or say `tidings delete {id}` again"
    );
    for args in [&["history"][..], &["queue", "show", &id]] {
        let said = world.home.run(args).await.expect(0).out.clone();
        assert!(said.contains(&doubt), "{args:?}: {said}");
    }
    let shown = world.home.run(&["queue", "show", &id, "--json"]).await.expect(0).out.clone();
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    assert!(shown["maybe_deleted_at"].is_string(), "{shown}");
    world.home.run(&["delete", &id, "--yes"]).await.expect(0);
    for args in [&["history"][..], &["queue", "show", &id], &["status"]] {
        let said = world.home.run(args).await.expect(0).out.clone();
        assert!(!said.contains(&doubt) && !said.contains("CORRECTED"), "{args:?}: {said}");
    }
    let cost = world.home.run(&["cost"]).await.expect(0).out.clone();
    assert!(cost.contains("among the cost: 2 requests to delete"), "{cost}");
    let gone = |post: &tidings::sandbox::Published| post.deleted;
    assert_eq!(world.sandbox.read_books(|books| books.published().filter(gone).count()), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_names_the_filter_and_the_change() {
    let world = World::new("exclude = [{ title = \"a note\" }]\n").await;
    world.edit("same_text = \"allow\"", "exclude = [\"two\"]\nhold = [\"/^Fo/\"]");
    world.home.run(&["run", "--once"]).await.expect(0);
    world.feeds.script("/news.xml", [rss("news", &["One", "Two", "Three", "Five"])]);
    world.home.run(&["feeds", "refresh", "news"]).await.expect(0);
    world.home.run(&["run", "--once"]).await.expect(0);
    let mut told = String::new();
    for title in ["A note", "Two", "Five"] {
        let said = world.home.run(&["explain", title]).await;
        said.expect(0);
        told.push_str(&world.redact(&said.out));
        told.push('\n');
    }
    insta::assert_snapshot!("explain_selection", told);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_read_a_feed_and_what_was_repaired_is_told() {
    let world = World::new("").await;
    let broken = "<rss version='2.0'><channel><title>b</title><item><guid>1</guid><title>First</title>\
        <link>https://blog.example.com/1</link></item></chan\u{1b}nel><item><guid>2";
    world.feeds.script("/blog.xml", [Answer::new(200, broken)]);
    world.home.run(&["run", "--once"]).await.expect(0);
    for command in ["feeds list", "explain First"] {
        let args: Vec<&str> = command.split(' ').collect();
        let said = world.home.run(&args).await.expect(0).clone();
        let line = "by our own reader, since the feed is not as its format wants it: the document breaks \
            off; the item that it breaks off in is left out; it is not well-formed: ill-formed document";
        assert!(said.out.contains(line), "{}", said.out);
        assert!(!said.out.contains('\u{1b}'), "{}", said.out);
        let said = world.home.run(&[args.as_slice(), &["--json"]].concat()).await.expect(0).clone();
        let json: Value = serde_json::from_str(&said.out).expect("JSON");
        let one = json.as_array().and_then(|all| all.iter().find(|it| it["feed"] == "blog"));
        let one = one.unwrap_or_else(|| panic!("{json}"));
        assert_eq!(one["reader"], "salvage");
        assert_eq!(one["repairs"].as_array().map(Vec::len), Some(2), "{one}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_has_enough_is_no_fault() {
    let world = lived_in().await;
    for args in [&["queue", "list"][..], &["history", "--json"], &["sandbox", "--help"]] {
        let mut child = world.home.command(args).spawn().expect("starts");
        // Gone before the first byte.
        drop(child.stdout.take());
        child.stdout = None;
        let mut err = String::new();
        child.stderr.take().expect("piped").read_to_string(&mut err).expect("read");
        assert_eq!(child.wait().expect("ended").code(), Some(0), "{args:?}: {err}");
        assert_eq!(err, "", "{args:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_is_changed_by_hand() {
    let world = lived_in().await;
    let before = world.published();
    let run = async |args: &[&str]| world.home.run(args).await;
    for args in [&["queue", "show", "999"], &["queue", "skip", "999"]] {
        let said = run(args).await;
        said.expect(1);
        assert!(said.err.contains("there is no post 999: `tidings queue list`"), "{}", said.err);
    }
    for (args, told) in [
        (&["queue", "list", "--feed", "nope"][..], "there is no feed \"nope\""),
        (&["queue", "approve", "--feed", "nope"], "there are blog, news, notes"),
        (&["feeds", "refresh", "nope"], "there is no feed \"nope\""),
        (&["pause", "nope"], "there are main, workshop"),
        (&["resume", "nope"], "there is no profile \"nope\""),
        (&["pause", "--until", "2020-01-01T00:00:00Z"], "lies in the past"),
    ] {
        let said = run(args).await;
        said.expect(2);
        assert!(said.err.contains(told), "{args:?}: {}", said.err);
    }
    let said = run(&["queue", "skip", "1"]).await;
    said.expect(1);
    assert!(said.err.contains("a post that is posted can't be skipped"), "{}", said.err);

    let said = run(&["pause", "workshop", "--until", "2100-01-01T00:00:00Z"]).await;
    said.expect(0);
    assert!(said.out.contains("paused profile workshop until Fri 2100-01-01 00:00 +00:00"));
    let said = run(&["queue", "approve", "--feed", "news"]).await;
    assert_eq!(said.expect(0).out, "approved 6 posts\n");
    run(&["run", "--once"]).await.expect(0);
    assert_eq!(world.published(), before, "nothing goes while it is paused");
    let said = run(&["resume", "workshop"]).await;
    assert_eq!(said.expect(0).out, "no longer stopped: profile workshop (paused by hand)\n");
    assert_eq!(run(&["resume"]).await.expect(0).out, "nothing was stopped\n");
    run(&["run", "--once"]).await.expect(0);
    assert_eq!(world.published(), before + 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_changes_nothing_and_tells_everything() {
    let world = World::new("").await;
    let database = |world: &World| {
        let files = world.home.files();
        files.into_iter().filter(|(path, _)| !path.ends_with("tidings.toml")).collect::<Vec<_>>()
    };
    let said = world.home.run(&["run", "--dry-run", "--once"]).await;
    said.expect(0);
    assert_eq!(database(&world), [], "no database was made");
    for told in ["would publish on main/twitter", "│ First", "14 posts would have been published"]
    {
        assert!(said.out.contains(told), "{told}: {}", said.out);
    }
    world.home.run(&["run", "--once"]).await.expect(0);
    let published = world.published();
    let before = database(&world);
    world.feeds.script("/notes.xml", [rss("notes", &["A note", "Another note"])]);
    world.home.run(&["feeds", "refresh"]).await.expect(0);
    let refreshed = database(&world);
    assert_ne!(before, refreshed, "the comparison sees a change");
    let said = world.home.run(&["run", "--dry-run", "--once"]).await;
    said.expect(0);
    assert!(said.out.contains("│ Another note"), "{}", said.out);
    assert!(said.out.contains("3 posts would have been published"), "{}", said.out);
    assert_eq!(world.published(), published);
    let data = |files: Vec<(PathBuf, Vec<u8>)>| {
        files.into_iter().find(|(path, _)| path.ends_with("tidings.db")).expect("the database")
    };
    assert_eq!(data(database(&world)), data(refreshed));
    assert_eq!(std::fs::read_dir(world.home.path("tmp")).expect("tmp").count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_none_is_told_and_ends_with_1() {
    let world = World::new("").await;
    let home = &world.home;
    let said = home.run(&["status"]).await;
    said.expect(1);
    assert!(said.err.contains("there is no database tidings.db yet: start `tidings run`"));

    home.run(&["run", "--once"]).await.expect(0);
    let path = home.path("tidings.db");
    {
        let url = format!("sqlite://{}", path.display());
        let pool = sqlx::SqlitePool::connect(&url).await.expect("opened");
        sqlx::query(
            "insert into _sqlx_migrations (version, description, success, checksum, execution_time) \
             values (99999999999999, 'from the future', 1, x'00', 0)",
        )
        .execute(&pool)
        .await
        .expect("inserted");
        pool.close().await;
    }
    let commands = [
        &["status"][..],
        &["queue", "list"],
        &["run", "--once"],
        &["run", "--dry-run", "--once"],
        &["check", "--no-feeds"],
    ];
    let every = async |what: &str, told: &str| {
        for args in commands {
            let said = home.run(args).await;
            said.expect(1);
            let text = format!("{}{}", said.out, said.err);
            assert!(text.contains(told), "{what}, {args:?}: {text}");
        }
    };
    every("newer", "was made by a newer Tidings (schema 99999999999999)").await;
    std::fs::remove_file(&path).expect("removed");
    std::fs::write(&path, vec![0xA5; 20_000]).expect("written");
    every("damaged", "damaged").await;
    std::fs::remove_file(&path).expect("removed");
    std::fs::create_dir(&path).expect("made");
    every("directory", "it is a directory; set `store.path` to a file in it").await;
    world.edit("[fetch]", "[store]\npath = \"nowhere/tidings.db\"\n[fetch]");
    let said = home.run(&["run", "--once"]).await;
    said.expect(1);
    assert!(said.err.contains("check that its folder exists"), "{}", said.err);
    assert!(said.err.contains("No such file or directory"), "{}", said.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_in_place_of_a_feed_leads_to_the_feed() {
    let world = World::new("").await;
    world.edit(world.feeds.url("/notes.xml").as_str(), world.feeds.url("/page").as_str());
    let feed = world.feeds.url("/blog.xml");
    let said = world.home.run(&["preview", "notes"]).await;
    let told = format!("{} is {feed}, named by the page", world.feeds.url("/page"));
    assert!(said.expect(0).err.contains(&told), "{}", said.err);
    let said = world.home.run(&["check"]).await;
    let told = format!("its feed is {feed}, named by the page");
    assert!(said.expect(0).out.contains(&told), "{}", said.out);
    let said = world.home.run(&["preview", feed.as_str(), "--limit", "1"]).await;
    assert!(said.expect(0).out.contains("│ Third & last"), "{}", said.out);
    let said = world.home.run(&["preview", "nope"]).await;
    assert!(said.expect(2).err.contains("neither a feed of the config"), "{}", said.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn health_tells_whether_a_daemon_runs() {
    let world = World::new("").await;
    let said = world.home.run(&["health"]).await;
    assert_eq!(said.expect(1).out, "no daemon is running: `tidings run` starts it\n");
}
