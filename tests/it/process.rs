//! The real binary as a child, in a world of its own: sandbox, feed server, folder, config.
//!
//! Promises: the sandbox and the feeds outlive every kill; each wait has a deadline and fails with
//! the child's whole log; only own children are ended, and none is left behind. Must not: read the
//! daemon's database itself, which would mend in the daemon's place what a kill left.

#![expect(clippy::panic, reason = "a test may fail by panicking, in its helpers too")]

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tidings::clock::Clock;
use tidings::domain::weight::weighted_length;
use tidings::sandbox::{Books, Options, Sandbox};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use super::feed_server::{Answer, FeedServer};
use super::wire::Wire;

/// Every wait ends after this long.
const DEADLINE: Duration = Duration::from_secs(30);
/// The pause between two looks at something.
const LOOK_AGAIN: Duration = Duration::from_millis(3);
/// The pause between two calls of the command line, each of which is a process.
const CALL_AGAIN: Duration = Duration::from_millis(150);

/// What the child lives in.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) feeds: FeedServer,
    /// The line to the sandbox, where there is one that can break.
    pub(crate) wire: Option<Wire>,
    folder: TempDir,
}

impl World {
    /// A world with a [`sandbox`].
    pub(crate) async fn new(change: impl FnOnce(&mut Options)) -> Self {
        Self {
            sandbox: sandbox(change).await,
            feeds: FeedServer::start().await,
            wire: None,
            folder: tempfile::tempdir().expect("folder"),
        }
    }

    /// The same world, in which the daemon reaches the sandbox only by a line that can break.
    pub(crate) async fn by_wire(mut self) -> Self {
        self.wire = Some(Wire::to(self.sandbox.address()).await);
        self
    }

    fn base_url(&self) -> String {
        match &self.wire {
            Some(wire) => format!("http://{}/api", wire.address()),
            None => self.sandbox.url(),
        }
    }

    /// A file in the world's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes the config: short waits, no pace, and then the profiles and feeds of `rest`.
    pub(crate) fn configure(&self, reconcile_after: &str, rest: &str) {
        let text = format!(
            r#"[ayrshare]
base_url = "{}"
reconcile_after = "{reconcile_after}"
probe_after = "1s"

[store]
path = "{}"

[fetch]
min_interval = "1s"
host_gap = "0s"
allow_private = ["127.0.0.0/8"]

[web]
listen = ""

[defaults.profile]
min_gap = "0s"
max_per_day = 2400

[defaults.feed]
first_run = "all"
interval = "1s"
hold_above = 500

{rest}"#,
            self.base_url(),
            self.path("tidings.db").display(),
        );
        std::fs::write(self.path("tidings.toml"), text).expect("config");
    }

    /// A feed's table, for the config.
    pub(crate) fn feed(&self, name: &str, profile: &str, extra: &str) -> String {
        let url = self.feeds.url(&format!("/{name}.xml"));
        format!(
            "[[feed]]\nname = \"{name}\"\nurl = \"{url}\"\nprofiles = [\"{profile}\"]\n{extra}\n"
        )
    }

    /// What a feed shows from now on.
    pub(crate) fn show(&self, name: &str, items: &[Item]) {
        self.feeds.script(&format!("/{name}.xml"), [Answer::new(200, rss(items))]);
    }

    /// How often a feed was asked.
    pub(crate) fn asked(&self, name: &str) -> usize {
        let path = format!("/{name}.xml");
        self.feeds.asked().iter().filter(|asked| asked.path == path).count()
    }

    /// How many `POST /post` the sandbox saw.
    pub(crate) fn requests(&self) -> usize {
        self.sandbox.read_books(|books| books.requests().filter(|it| is_post(it)).count())
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidings"));
        command
            .env_clear()
            .env("AYRSHARE_API_KEY", "test-api-key")
            .env("X_API_KEY", "test-x-key")
            .env("X_API_SECRET", "test-x-secret")
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .args(args);
        command
    }

    /// Starts the daemon.
    pub(crate) fn start(&self) -> Tidings {
        self.start_with(&[])
    }

    /// Starts the daemon with variables of its own.
    pub(crate) fn start_with(&self, env: &[(&str, &str)]) -> Tidings {
        self.start_command(&["run"], env)
    }

    /// Starts a command with variables of its own.
    pub(crate) fn start_command(&self, args: &[&str], env: &[(&str, &str)]) -> Tidings {
        let mut command = self.command(args);
        command.envs(env.iter().copied());
        Tidings::new(command)
    }

    /// Starts the daemon as the child of a tracer.
    pub(crate) fn start_under(&self, wrapper: &[String]) -> Tidings {
        self.start_command_under(wrapper, &["run"])
    }

    /// Starts a command as the child of a tracer.
    pub(crate) fn start_command_under(&self, wrapper: &[String], args: &[&str]) -> Tidings {
        let daemon = self.command(args);
        let (program, options) = wrapper.split_first().expect("a tracer");
        let mut command = Command::new(program);
        command.args(options).arg(daemon.get_program()).args(daemon.get_args()).env_clear();
        command.envs(daemon.get_envs().filter_map(|(name, value)| Some((name, value?))));
        // Fewer threads, so that the n-th call is mostly the same one.
        command.env("TOKIO_WORKER_THREADS", "1").stdin(Stdio::null());
        command.envs(std::env::vars_os().filter(|(name, _)| name == "PATH"));
        command.current_dir(self.folder.path());
        let mut tracer = Tidings::new(command);
        tracer.is_traced = true;
        tracer
    }

    /// Starts the daemon, to be held at a killpoint.
    pub(crate) fn start_until(&self, killpoint: &str) -> Tidings {
        self.start_with(&[("TIDINGS_KILLPOINT", killpoint)])
    }

    /// Calls the command line beside the daemon and waits for its end.
    pub(crate) async fn call(&self, args: &[&str]) -> Output {
        let mut command = self.command(args);
        tokio::task::spawn_blocking(move || command.output()).await.expect("call").expect("output")
    }

    /// Calls the command line, which must succeed.
    pub(crate) async fn tell(&self, args: &[&str]) -> String {
        let output = self.call(args).await;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "tidings {args:?}: {said}{complained}");
        said
    }

    /// `tidings queue list --json`, for one state, or for all that are not settled.
    pub(crate) async fn queue(&self, state: Option<&str>) -> Vec<Value> {
        let mut args = vec!["queue", "list", "--json"];
        if let Some(state) = state {
            args.extend(["--state", state]);
        }
        let said = self.tell(&args).await;
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
    }

    /// Waits until the books satisfy `look`.
    pub(crate) async fn until(
        &self,
        what: &str,
        child: &mut Tidings,
        look: impl Fn(&Books) -> bool,
    ) {
        let start = Instant::now();
        while !self.sandbox.read_books(&look) {
            child.check(what, start, DEADLINE);
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Waits until a feed was asked so many times more.
    pub(crate) async fn until_asked(&self, name: &str, more: usize, child: &mut Tidings) {
        let (start, wanted) = (Instant::now(), self.asked(name) + more);
        while self.asked(name) < wanted {
            child.check("the feed is asked", start, DEADLINE);
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Waits until the posts of a state satisfy `look`, and gives them.
    pub(crate) async fn until_queue(
        &self,
        child: &mut Tidings,
        state: Option<&str>,
        look: impl Fn(&[Value]) -> bool,
    ) -> Vec<Value> {
        let start = Instant::now();
        loop {
            let posts = self.queue(state).await;
            if look(&posts) {
                return posts;
            }
            child.check(&format!("the queue ({state:?}): {posts:#?}"), start, DEADLINE);
            sleep(CALL_AGAIN).await;
        }
    }
}

/// A sandbox that refuses nothing by itself but what `change` asks for: the gate for duplicate texts
/// is off, so that a double shows.
pub(crate) async fn sandbox(change: impl FnOnce(&mut Options)) -> Sandbox {
    let mut options = Options::new(Clock::System, weighted_length);
    options.settings.duplicates = tidings::sandbox::Duplicates::Off;
    change(&mut options);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
    Sandbox::start(listener, options).expect("sandbox")
}

/// Whether a request asks to publish.
pub(crate) fn is_post(seen: &tidings::sandbox::Seen) -> bool {
    seen.method == "POST" && seen.path == "/api/post"
}

/// One item of a feed. Its token is in its title and its link for ever; edition and guid change.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) token: String,
    pub(crate) edition: u32,
    pub(crate) guid: String,
}

impl Item {
    pub(crate) fn new(token: String) -> Self {
        Self { guid: token.clone(), token, edition: 1 }
    }
}

/// Items with the tokens `PREFIX001`, `PREFIX002` and so on.
pub(crate) fn items(prefix: &str, count: usize) -> Vec<Item> {
    (1..=count).map(|n| Item::new(format!("{prefix}{n:03}"))).collect()
}

/// A feed as a blog shows it: the newest item first.
pub(crate) fn rss(items: &[Item]) -> String {
    let mut text = String::from("<rss version=\"2.0\"><channel><title>Harbour news</title>");
    for Item { token, edition, guid } in items.iter().rev() {
        write!(
            text,
            "<item><title>Story {token}, edition {edition}</title>\
             <link>https://example.com/{token}</link>\
             <guid isPermaLink=\"false\">{guid}</guid></item>"
        )
        .expect("text");
    }
    text.push_str("</channel></rss>");
    text
}

/// A running `tidings`; it is killed when it is dropped.
pub(crate) struct Tidings {
    child: Child,
    /// Whether the child is a tracer, and the daemon is its child.
    is_traced: bool,
    log: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl Tidings {
    fn new(mut command: Command) -> Self {
        let mut child =
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("tidings starts");
        let stderr = child.stderr.take().expect("standard error");
        let log = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&log);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                kept.lock().expect("log").push(line);
            }
        });
        Self { child, is_traced: false, log, reader: Some(reader) }
    }

    /// Everything that it said so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().expect("log").join("\n")
    }

    /// Waits until it says `text`.
    pub(crate) async fn says(&mut self, text: &str) {
        self.says_times(text, 1).await;
    }

    /// Waits until it has said `text` so many times.
    pub(crate) async fn says_times(&mut self, text: &str, times: usize) {
        self.says_so(text, times, DEADLINE).await;
    }

    /// Waits until it says `text`, with a patience of one's own.
    pub(crate) async fn says_within(&mut self, text: &str, patience: Duration) {
        self.says_so(text, 1, patience).await;
    }

    async fn says_so(&mut self, text: &str, times: usize, patience: Duration) {
        let start = Instant::now();
        while self.log().matches(text).count() < times {
            self.check(&format!("it says {text:?}"), start, patience);
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Fails where it ended by itself, or the deadline is over.
    pub(crate) fn check(&mut self, what: &str, start: Instant, deadline: Duration) {
        if let Some(status) = self.child.try_wait().expect("state") {
            self.read_out();
            panic!("tidings ended ({status}) before: {what}\n{}", self.log());
        }
        assert!(start.elapsed() < deadline, "waited too long until: {what}\n{}", self.log());
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended by itself, if it did.
    pub(crate) fn status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("state")
    }

    /// `kill -9`; gives its log.
    pub(crate) fn kill(mut self) -> String {
        self.end();
        self.log()
    }

    /// SIGTERM.
    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    /// A signal by its name, as a service manager sends it.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args([&format!("-{name}"), &pid]).status().expect("kill");
        assert!(status.success(), "SIG{name} could not be sent");
    }

    /// A signal to what a tracer traces, if that is still there.
    pub(crate) fn signal_traced(&self, name: &str) {
        for child in self.traced().split_whitespace() {
            let mut kill = Command::new("kill");
            // It may be gone by now, which is nobody's business.
            drop(kill.args([&format!("-{name}"), child]).stderr(Stdio::null()).status());
        }
    }

    /// The processes that a tracer traces.
    fn traced(&self) -> String {
        let own = self.child.id();
        let children = format!("/proc/{own}/task/{own}/children");
        if self.is_traced {
            std::fs::read_to_string(children).unwrap_or_default()
        } else {
            String::new()
        }
    }

    /// Waits until it ends by itself, at most for `limit`; gives its status and its log.
    pub(crate) async fn exit_within(mut self, limit: Duration) -> (ExitStatus, String) {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("state") {
                self.read_out();
                return (status, self.log());
            }
            assert!(start.elapsed() < limit, "it does not end\n{}", self.log());
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Ends it as a service manager does: it must drain and say that all is well. Before it has
    /// begun it does not listen to signals yet, and would just die of them.
    pub(crate) async fn stop(self) -> String {
        self.stop_within(DEADLINE).await
    }

    /// The same with a patience of one's own.
    pub(crate) async fn stop_within(mut self, patience: Duration) -> String {
        self.says_within(" runs with ", patience).await;
        self.terminate();
        let (status, log) = self.exit_within(patience).await;
        assert_eq!(status.code(), Some(0), "{log}");
        log
    }

    fn end(&mut self) {
        // A tracer goes when what it traces is gone, and not the other way round.
        if !self.traced().is_empty() {
            self.signal_traced("KILL");
            drop(self.child.wait());
        }
        // One that is dead already needs no kill.
        drop(self.child.kill());
        drop(self.child.wait());
        self.read_out();
    }

    /// Waits for the last line.
    fn read_out(&mut self) {
        if let Some(reader) = self.reader.take() {
            drop(reader.join());
        }
    }
}

impl Drop for Tidings {
    fn drop(&mut self) {
        self.end();
    }
}
