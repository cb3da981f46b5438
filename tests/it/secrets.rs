//! No secret comes out anywhere, whatever goes wrong, even at the most talkative level of the log.
//!
//! The real binary meets every fault of the sandbox with secrets that can be recognised. Then
//! everything that it left is searched: what it said, its files, its listings, the sandbox's books.

use std::io::{BufRead as _, BufReader};
use std::time::Duration;

use tidings::sandbox::{Fault, Sandbox, Target};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::cli::{Home, Running, rss, sandbox, sandbox_with};
use super::feed_server::FeedServer;

/// Random, with signs that change when they are percent-encoded.
const SECRETS: [(&str, &str); 8] = [
    ("AYRSHARE_API_KEY", "Q7ZK-M4WD/93XE+B81F-VNQ0TTR="),
    ("AYRSHARE_PROFILE_KEY", "p9F2_kLs7/Yb3+hWqZ1x-Gm8dRc="),
    ("X_API_KEY", "uTz5RkV0eXc8/Jn2+aLw6oHy4Bq="),
    ("X_API_SECRET", "nE3vCj7sKd1Mg9/Pf5x+Zr0wQ2tYhU8iLb6oA4="),
    ("FEED_TOKEN", "b7Gq/Zt4+Ws1XkP9_vJm3-Hc8RyUe="),
    ("FEED_PASSWORD", "mD5x+Tz8Qf2/Lw6_Ks9-Bn4VhYc1="),
    ("FEED_SESSION", "rN3j-Vp7+Cg5/Xd1_Ty8Zk6HwMb2="),
    ("PROXY_PASSWORD", "kW9s/Fh2+Rv6_Jx4-Pq8LdNz1Ty7="),
];

/// Runs at the same time.
const AT_ONCE: usize = 3;
/// What is waited for comes within this time, or never.
const LONGEST: Duration = Duration::from_mins(1);

const LISTINGS: [&[&str]; 8] = [
    &["status", "--json"],
    &["queue", "list", "--json"],
    &["queue", "show", "1", "--json"],
    &["queue", "show", "1"],
    &["plan", "--json"],
    &["explain", "1", "--json"],
    &["history", "--json"],
    &["feeds", "list", "--json"],
];

/// A secret in every form in which it may come out.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let bytes = secret.as_bytes();
    let escaped = |all: bool| -> String {
        bytes
            .iter()
            .map(|byte| {
                let plain = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
                if plain && !all { char::from(*byte).to_string() } else { format!("%{byte:02X}") }
            })
            .collect()
    };
    let hex = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let list = bytes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let mut forms = vec![
        secret.to_owned(),
        secret.chars().rev().collect(),
        escaped(false),
        escaped(false).to_lowercase(),
        escaped(true),
        hex.to_uppercase(),
        hex,
        list,
        // A half is as good as the whole for whoever wants to guess.
        secret.chars().take(14).collect(),
        secret.chars().skip(secret.len() - 14).collect(),
    ];
    // Base64 has three looks, by what stands before; the ends depend on the neighbours.
    for offset in 0..3 {
        let mut padded = vec![0; offset];
        padded.extend_from_slice(bytes);
        let coded = base64(&padded);
        let inner = coded.get(4..coded.len() - 4).expect("long enough").to_owned();
        forms.push(inner.replace('+', "-").replace('/', "_"));
        forms.push(inner);
    }
    forms.into_iter().map(String::into_bytes).collect()
}

fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let at = |index: usize| u32::from(three.get(index).copied().unwrap_or(0));
        let number = (at(0) << 16) | (at(1) << 8) | at(2);
        for place in 0..4 {
            let sign = usize::try_from((number >> (18 - 6 * place)) & 63).expect("six bits");
            let sign =
                if place > three.len() { b'=' } else { SIGNS.get(sign).copied().expect("64") };
            text.push(char::from(sign));
        }
    }
    text
}

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// Everything that came out, by where.
#[derive(Default)]
struct Trail(Vec<(String, Vec<u8>)>);

impl Trail {
    fn add(&mut self, place: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.0.push((place.into(), bytes.into()));
    }

    /// The files of a home: the database, its log, its index, its lock; not those of the test.
    fn add_files(&mut self, home: &Home) {
        for (path, bytes) in home.files() {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            if !name.starts_with("secret-") {
                self.add(name, bytes);
            }
        }
    }

    fn has(&self, wanted: &str) -> bool {
        self.0.iter().any(|(_, bytes)| holds(bytes, wanted.as_bytes()))
    }

    fn place(&self, name: &str) -> bool {
        self.0.iter().any(|(place, bytes)| place == name && !bytes.is_empty())
    }

    /// Which secret came out where.
    fn leaks(&self) -> Vec<String> {
        let mut leaks = Vec::new();
        for (name, secret) in SECRETS {
            for form in forms(secret) {
                for (place, bytes) in self.0.iter().filter(|(_, bytes)| holds(bytes, &form)) {
                    let text = String::from_utf8_lossy(bytes);
                    let form = String::from_utf8_lossy(&form);
                    let line = text.lines().find(|line| line.contains(&*form)).unwrap_or_default();
                    leaks.push(format!("{name} in {place} as {form}: {line}"));
                }
            }
        }
        leaks
    }
}

fn config(sandbox: &Sandbox, feeds: &FeedServer) -> String {
    format!(
        r#"[ayrshare]
base_url = "{}"
timeout = "1s"
reconcile_after = "1s"
probe_after = "1s"
[fetch]
allow_private = ["127.0.0.0/8"]
[web]
listen = ""
[[profile]]
name = "main"
platforms = ["twitter"]
min_gap = "0s"
profile_key = {{ env = "AYRSHARE_PROFILE_KEY" }}
[[feed]]
name = "blog"
url = "{}"
first_run = "all"
auth = {{ bearer = {{ env = "FEED_TOKEN" }} }}
headers = {{ "X-Token" = {{ env = "FEED_TOKEN" }} }}
cookies = {{ session = {{ env = "FEED_SESSION" }} }}
[[feed]]
name = "beside"
url = "http://feeds.invalid/beside.xml"
auth = {{ basic = {{ user = "me", password = {{ env = "FEED_PASSWORD" }} }} }}
proxy = {{ url = "{}", user = "me", password = {{ env = "PROXY_PASSWORD" }} }}
"#,
        sandbox.url(),
        feeds.url("/blog.xml"),
        feeds.url("/"),
    )
}

fn home_with_secrets() -> Home {
    SECRETS
        .into_iter()
        .fold(Home::new(), |home, (name, secret)| home.with(name, secret))
        .with("RUST_LOG", "trace")
}

/// The binary meets one fault; gives all that came out of it.
async fn meet(fault: Fault) -> Trail {
    let feeds = FeedServer::start().await;
    feeds.script("/blog.xml", [rss("blog", &["Control string one", "Control string two"])]);
    let beside = [rss("beside", &["Control string three"])];
    feeds.script("http://feeds.invalid/beside.xml", beside);
    let sandbox = sandbox_with(|options| {
        // Only the right secrets pass, so that they are known to have been sent.
        let [(_, api_key), (_, profile_key), (_, x_key), (_, x_secret), ..] = SECRETS;
        options.api_keys = vec![api_key.to_owned()];
        options.x_pairs = vec![(x_key.to_owned(), x_secret.to_owned())];
        options.profiles = vec![tidings::sandbox::Profile {
            key: profile_key.to_owned(),
            title: "client".to_owned(),
            linked: vec!["twitter".to_owned()],
        }];
        let seconds = if fault.takes_seconds() { "@2" } else { "" };
        let rule = format!("{}{seconds}:*", fault.name()).parse().expect("a rule");
        options.rules = match fault.target() {
            Target::Post | Target::Delete | Target::User | Target::Validate | Target::Analytics => {
                vec![rule]
            }
            Target::History => vec!["lost-answer:*".parse().expect("a rule"), rule],
        };
    })
    .await;
    let home = home_with_secrets();
    home.write("tidings.toml", config(&sandbox, &feeds));
    let mut trail = Trail::default();
    match fault.target() {
        Target::Post | Target::Delete | Target::User | Target::Validate | Target::Analytics => {
            let said = home.run(&["run", "--once"]).await;
            assert!(said.code == Some(0) || said.code == Some(1), "{}", said.err);
            trail.add("stdout", said.out);
            trail.add("stderr", said.err);
            if fault.target() == Target::Delete {
                let said = home.run(&["delete", "1", "--yes"]).await;
                assert_eq!(said.code, Some(1), "{}", said.err);
                trail.add("stdout of delete", said.out);
                trail.add("stderr of delete", said.err);
            }
        }
        Target::History => trail.add("stderr", look_up(&home).await),
    }
    let right = sandbox.read_books(|books| {
        books.requests().filter(|it| it.method == "POST" && it.x_pair == "right").count()
    });
    assert!(right > 0, "{}: the secrets were sent", fault.name());
    let asked = feeds.asked();
    for header in ["authorization", "x-token", "cookie", "proxy-authorization"] {
        let shown = asked.iter().any(|asked| asked.headers.contains_key(header));
        assert!(shown, "{}: {header} was sent to the feed's server", fault.name());
    }
    // Killed and not closed, the database has its log and its index still.
    trail.add_files(&home);
    for args in LISTINGS {
        let said = home.run(args).await;
        assert_eq!(said.code, Some(0), "{args:?}: {}", said.err);
        trail.add(args.join(" "), said.out);
        trail.add(format!("stderr of {}", args.join(" ")), said.err);
    }
    let books = format!("{}books", sandbox.admin_url());
    let client = tidings::http::loopback_client(LONGEST).expect("a client");
    let books = client.get(books).send().await.expect("asked").text().await.expect("books");
    assert!(books.contains("requestsTotal"), "{books}");
    trail.add("books", books);
    trail
}

/// Runs the daemon until it has looked up a post, and kills it.
async fn look_up(home: &Home) -> String {
    let mut running = Running(home.command(&["run"]).spawn().expect("starts"));
    let child = &mut running.0;
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut lines = BufReader::new(child.stderr.take().expect("piped"));
    let reader = tokio::task::spawn_blocking(move || {
        let mut all = String::new();
        let mut line = String::new();
        while lines.read_line(&mut line).expect("read") > 0 {
            all.push_str(&line);
            // Whoever listened has heard enough.
            drop(tell.send(std::mem::take(&mut line)));
        }
        all
    });
    let looked_up = async {
        while let Some(line) = told.recv().await {
            let signs = [" looked up: ", "the history has it", "says the history"];
            if signs.iter().any(|sign| line.contains(sign)) {
                return true;
            }
        }
        false
    };
    let looked_up = tokio::time::timeout(LONGEST, looked_up).await;
    child.kill().expect("killed");
    child.wait().expect("ended");
    let all = reader.await.expect("read");
    assert_eq!(looked_up, Ok(true), "no look-up: {all}");
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn no_fault_brings_a_secret_out() {
    let mut left = Fault::ALL.iter().copied();
    assert!(left.len() > 40);
    let mut runs = JoinSet::new();
    let mut met = 0;
    let mut leaks = Vec::new();
    loop {
        while runs.len() < AT_ONCE
            && let Some(fault) = left.next()
        {
            runs.spawn(async move { (fault, meet(fault).await) });
        }
        let Some(done) = runs.join_next().await else { break };
        let (fault, trail) = done.expect("it ran");
        met += 1;
        for place in ["stderr", "tidings.db", "books", "queue list --json", "status --json"] {
            assert!(trail.place(place), "{}: {place} was not searched", fault.name());
        }
        // The search finds what is known to be there: in the log, the database, the listings.
        for control in ["Control string one", "tidings:", "twitter", "TRACE"] {
            assert!(trail.has(control), "{}: {control} was not found", fault.name());
        }
        leaks.extend(trail.leaks().into_iter().map(|leak| format!("{}: {leak}", fault.name())));
    }
    assert_eq!(met, Fault::ALL.len());
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
}

#[test]
fn the_search_finds_every_form() {
    assert_eq!(base64(b"Man"), "TWFu");
    assert_eq!(base64(b"light w"), "bGlnaHQgdw==");
    for (name, secret) in SECRETS {
        let escaped = secret.replace('/', "%2F").replace('+', "%2B").replace('=', "%3D");
        let basic = base64(format!("user:{secret}").as_bytes());
        let debug = format!("{:?}", secret.as_bytes());
        let cut = secret.get(3..18).expect("long enough");
        for (form, found) in [
            (secret, true),
            (&escaped, true),
            (&basic, true),
            (&debug, true),
            (secret.get(..16).expect("long enough"), true),
            (cut, false),
            ("nothing", false),
        ] {
            let mut trail = Trail::default();
            trail.add("log", format!("before {form} after"));
            let leaks = trail.leaks();
            assert_eq!(!leaks.is_empty(), found, "{name} as {form}: {leaks:?}");
            assert!(leaks.iter().all(|leak| leak.starts_with(name)));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_start_brings_no_secret_out() {
    let [(_, api_key), (_, profile_key), (_, x_key), (_, x_secret), ..] = SECRETS;
    let feeds = FeedServer::start().await;
    let sandbox = sandbox().await;
    let good = config(&sandbox, &feeds);
    let edit = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replacen(from, to, 1)
    };
    let configs = [
        // Typed where a reference belongs, in several wrong ways.
        edit("[ayrshare]", &format!("[ayrshare]\napi_key = \"{api_key}\"")),
        edit("[ayrshare]", &format!("[ayrshare]\napi_key = {{ env = \"{api_key}\" }}")),
        edit("[ayrshare]", &format!("[ayrshare]\nx_api_key = {{ value = \"{x_key}\" }}")),
        edit("[ayrshare]", &format!("[ayrshare]\nx_api_secret = [\"{x_secret}\"]")),
        edit(
            "[ayrshare]",
            &format!("[ayrshare]\nx_api_secret = {{ credential = \"{x_secret}\" }}"),
        ),
        edit("env = \"AYRSHARE_PROFILE_KEY\"", &format!("env = \"{profile_key}\"")),
        edit("[ayrshare]", &format!("[ayrshare]\napi_key = \"{api_key}")),
        edit("[ayrshare]", &format!("api_key = {api_key}\n[ayrshare]")),
        // A file that is not there, a directory, a file with more than the secret.
        edit("[ayrshare]", "[ayrshare]\napi_key = { file = \"nowhere\" }"),
        edit("[ayrshare]", "[ayrshare]\napi_key = { file = \".\" }"),
        edit("[ayrshare]", "[ayrshare]\napi_key = { file = \"secret-lines\" }"),
        edit("[ayrshare]", "[ayrshare]\napi_key = { file = \"secret-bytes\" }"),
        edit("[ayrshare]", "[ayrshare]\napi_key = { credential = \"ayrshare\" }"),
    ];
    let mut trail = Trail::default();
    for (number, text) in configs.iter().enumerate() {
        let home = home_with_secrets().with("TIDINGS__STORE__PATH", "tidings.db");
        home.write("secret-lines", format!("{api_key}\n{x_secret}\n"));
        home.write("secret-bytes", [api_key.as_bytes(), &[0xff, 0xfe]].concat());
        home.write("secret-config", text);
        for command in [&["run", "--once"][..], &["check", "--no-feeds"], &["status"]] {
            let mut args = command.to_vec();
            args.extend(["--config", "secret-config"]);
            let said = home.run(&args).await;
            let text = format!("{}{}", said.out, said.err);
            // `status` needs no secrets, so it may get as far as the missing database.
            let ends = if command == ["status"] { &[1, 2][..] } else { &[2] };
            let code = said.code.expect("it ended by itself");
            assert!(ends.contains(&code), "config {number}, {command:?}: {code}\n{text}");
            trail.add(format!("config {number}, {command:?}"), text);
        }
    }
    // The environment in the place of a key, and as a setting.
    let home = home_with_secrets().with("TIDINGS__AYRSHARE__API_KEY", api_key);
    home.write("secret-config", &good);
    let said = home.run(&["run", "--once", "--config", "secret-config"]).await;
    assert_eq!(said.code, Some(2), "{}", said.err);
    trail.add("variable", said.err);
    assert!(trail.has("secrets don't belong in the config"), "the search sees the complaints");
    let leaks = trail.leaks();
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_and_a_feed_that_lies_are_one_line_each() {
    let feeds = FeedServer::start().await;
    // feed-rs is asked for the words of the second one, and panics on its author.
    let item = "<item><guid>1</guid><title>T</title><link>https://a.example/1</link></item>\
        <item><guid>2</guid><link>https://a.example/2</link>\
        <author>\u{5f20}\u{4e09}\u{ff08}zhang@x.cn\u{ff09}</author></item>";
    let body = format!(
        "<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>t</title>\
         <link>https://a.example/</link><description>d</description>{item}</channel></rss>"
    );
    feeds.script("/blog.xml", [super::feed_server::Answer::new(200, body)]);
    feeds.script("http://feeds.invalid/beside.xml", [rss("beside", &["Beside"])]);
    let sandbox = sandbox().await;
    let home = home_with_secrets().with("RUST_LOG", "info");
    home.write("tidings.toml", config(&sandbox, &feeds));
    let said = home.run(&["run", "--once"]).await;
    let err = &said.err;
    assert_eq!(said.code, Some(0), "{err}");
    let panics: Vec<&str> = err.lines().filter(|line| line.contains("panicked at")).collect();
    assert_eq!(panics.len(), 1, "{err}");
    for line in err.lines() {
        assert!(line.starts_with("20") && line.contains('Z'), "not an event: {line}");
    }
}
