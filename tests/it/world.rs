//! A world to tell stories in: a feed server, the sandbox and the real daemon, under one clock that
//! is moved by hand. The judge is the sandbox's books, never our own word.

use std::convert::Infallible;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use chrono::{DateTime, TimeDelta, Utc};
use tempfile::TempDir;
use tidings::clock::Clock;
use tidings::config::secret::Secrets;
use tidings::config::{self, Environment};
use tidings::daemon::Daemon;
use tidings::daemon::desk::Desk;
use tidings::daemon::poll::PollReport;
use tidings::daemon::publish::PublishReport;
use tidings::daemon::reconcile::ReconcileReport;
use tidings::domain::hand::{By, Door};
use tidings::domain::post::State;
use tidings::domain::weight::weighted_length;
use tidings::sandbox::{Books, Options, PLATFORMS, Profile, Published, Sandbox, Seen};
use tidings::store::Store;
use tidings::store::breakers::Breaker;
use tidings::store::feeds::FeedState;
use tidings::store::posts::{Post, PostFilter};
use tokio::net::TcpListener;

use super::feed_server::{Answer, FeedServer};
pub(crate) use super::items::{Item, blog, item, rss, start};

/// One blog for one X account, posted as fast as it goes.
pub(crate) const BLOG: &str = r#"
[[profile]]
name = "main"
platforms = ["twitter"]
min_gap = "1s"

[[feed]]
name = "blog"
url = "SITE/blog"
first_run = "all"
hold_above = 100
"#;

/// Rounds after which a story that doesn't come to rest is broken.
const ROUNDS_MAX: usize = 3000;
/// What X bills for a post with a link and for one without, in millionths of a dollar.
const PRICES: (i64, i64) = (200_000, 15_000);

/// How a world begins.
pub(crate) struct Setup {
    /// The config, with `SITE` for the feed server's address.
    pub(crate) config: String,
    /// More lines for `[ayrshare]`.
    pub(crate) ayrshare: String,
    /// More lines for `[fetch]`. One tick asks all feeds of a host, as long as there is no gap.
    pub(crate) fetch: String,
    pub(crate) options: Options,
    pub(crate) environment: Vec<(&'static str, &'static str)>,
    pub(crate) clock: Clock,
}

impl Setup {
    pub(crate) fn new(config: &str) -> Self {
        let clock = Clock::manual(start());
        let mut options = Options::new(clock.clone(), weighted_length);
        let pair = |key: &str, secret: &str| (key.to_owned(), secret.to_owned());
        options.api_keys = vec!["the-api-key".to_owned()];
        options.x_pairs =
            vec![pair("main-x-key", "main-x-secret"), pair("client-x-key", "client-x-secret")];
        options.profiles = vec![Profile {
            key: "the-profile-key".to_owned(),
            title: "client".to_owned(),
            linked: PLATFORMS.map(str::to_owned).to_vec(),
        }];
        Self {
            config: config.to_owned(),
            ayrshare: String::new(),
            fetch: "host_gap = \"0s\"".to_owned(),
            options,
            environment: vec![
                ("AYRSHARE_API_KEY", "the-api-key"),
                ("X_API_KEY", "main-x-key"),
                ("X_API_SECRET", "main-x-secret"),
                ("CLIENT_PROFILE_KEY", "the-profile-key"),
                ("CLIENT_X_API_KEY", "client-x-key"),
                ("CLIENT_X_API_SECRET", "client-x-secret"),
                // The feed server gives validators only where a story is about them.
                ("TIDINGS__DEFAULTS__FEED__INTERVAL", "1h"),
            ],
            clock,
        }
    }

    pub(crate) async fn open(self) -> World {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let sandbox = Sandbox::start(listener, self.options).expect("the sandbox starts");
        let feeds = FeedServer::under(self.clock.clone()).await;
        let folder = tempfile::tempdir().expect("a folder");
        let site = feeds.url("").to_string();
        let text = format!(
            "[ayrshare]\nbase_url = \"{}\"\n{}\n[store]\npath = \"{}\"\n[fetch]\nallow_private = \
             [\"127.0.0.0/8\"]\n{}\n[web]\nlisten = \"\"\n{}",
            sandbox.url(),
            self.ayrshare,
            folder.path().join("tidings.db").display(),
            self.fetch,
            self.config.replace("SITE", site.trim_end_matches('/')),
        );
        let file = folder.path().join("tidings.toml");
        std::fs::write(&file, text).expect("the config is written");
        let daemon = begin(&file, &self.environment, &self.clock).await;
        World {
            file,
            environment: self.environment,
            clock: self.clock,
            sandbox,
            feeds,
            daemon,
            releases: false,
            folder,
        }
    }
}

async fn begin(file: &Path, environment: &[(&str, &str)], clock: &Clock) -> Daemon {
    let environment: Environment = environment.iter().copied().collect();
    let config = config::load(file, &environment).expect("the config is good");
    let secrets = Secrets::read(&config, &environment).expect("the secrets are there");
    let store = Store::open(&config.store.path).await.expect("the database opens");
    Daemon::new(Arc::new(config), secrets, store, clock.clone()).expect("the daemon begins")
}

pub(crate) struct World {
    file: PathBuf,
    pub(crate) environment: Vec<(&'static str, &'static str)>,
    pub(crate) clock: Clock,
    pub(crate) sandbox: Sandbox,
    pub(crate) feeds: FeedServer,
    pub(crate) daemon: Daemon,
    /// Whether answers that hang or dawdle are let go as soon as they do.
    pub(crate) releases: bool,
    folder: TempDir,
}

impl World {
    pub(crate) async fn open(config: &str) -> Self {
        Setup::new(config).open().await
    }

    /// A blog that offers these items, read once, nothing sent yet.
    pub(crate) async fn with_blog(numbers: impl IntoIterator<Item = i32>) -> Self {
        let world = Self::open(BLOG).await;
        world.offers("/blog", blog(numbers));
        world.poll().await;
        world
    }

    /// From now on a path of the feed server answers with this body.
    pub(crate) fn offers(&self, path: &str, body: String) {
        self.feeds.script(path, [Answer::new(200, body)]);
    }

    pub(crate) fn fault(&self, rule: &str) {
        self.sandbox.add_fault(rule).expect("a fault");
    }

    pub(crate) fn pass(&self, time: TimeDelta) {
        self.clock.advance(time);
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub(crate) fn store(&self) -> &Store {
        &self.daemon.store
    }

    pub(crate) fn desk(&self) -> Desk<'_> {
        Desk {
            store: &self.daemon.store,
            config: &self.daemon.config,
            now: self.now(),
            by: By::new(Door::Page, "anna"),
        }
    }

    pub(crate) async fn poll(&self) -> PollReport {
        self.daemon.poll_tick().await.expect("polling goes on")
    }

    pub(crate) async fn publish(&self) -> PublishReport {
        tokio::select! {
            report = self.daemon.publish_tick() => report.expect("publishing goes on"),
            never = self.release_hangs(), if self.releases => match never {},
        }
    }

    async fn release_hangs(&self) -> Infallible {
        let hangs = |seen: &Seen| seen.fault.is_some() && seen.answered.is_none();
        loop {
            if self.sandbox.read_books(|books| books.requests().any(hangs)) {
                self.sandbox.release();
            }
            tokio::task::yield_now().await;
        }
    }

    pub(crate) async fn reconcile(&self) -> ReconcileReport {
        self.daemon.reconcile_tick().await.expect("reconciling goes on")
    }

    /// Moves the clock to the feed's next poll, and polls.
    pub(crate) async fn poll_again(&self, feed: &str) -> PollReport {
        if let Some(feed) = self.store().feed(feed).await.expect("a feed") {
            self.clock.set(std::cmp::max(feed.next_poll_at, self.now()));
        }
        self.poll().await
    }

    /// Ticks, and moves the clock to what is due next, until nothing is due any more.
    pub(crate) async fn run_until_quiet(&self) {
        self.run(None).await;
    }

    /// As [`Self::run_until_quiet`], but not beyond an instant, at which the clock then stands.
    pub(crate) async fn run_until(&self, end: DateTime<Utc>) {
        self.run(Some(end)).await;
    }

    pub(crate) async fn run_for(&self, time: TimeDelta) {
        self.run(Some(self.now() + time)).await;
    }

    async fn run(&self, end: Option<DateTime<Utc>>) {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS_MAX {
            self.poll().await;
            let published = self.publish().await;
            let reconciled = self.reconcile().await;
            if !published.sent.is_empty() || !reconciled.looked_up.is_empty() {
                continue;
            }
            let next_at = [published.next_at, reconciled.next_at].into_iter().flatten().min();
            rounds.push(next_at);
            match (next_at, end) {
                (Some(at), end) if end.is_none_or(|end| at <= end) => {
                    self.clock.set(std::cmp::max(at, self.now()));
                }
                (_, Some(end)) => {
                    self.clock.set(std::cmp::max(end, self.now()));
                    return;
                }
                (_, None) => return,
            }
        }
        let last = rounds.len().saturating_sub(5);
        assert_eq!(rounds.get(last..), None, "the story comes to rest at {}", self.now());
    }

    /// The same daemon once more, with its page: by its address hubs reach it.
    pub(crate) async fn served(&self) -> (Arc<Daemon>, std::net::SocketAddr) {
        let daemon = Arc::new(begin(&self.file, &self.environment, &self.clock).await);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(tidings::web::serve(listener, Arc::clone(&daemon)));
        (daemon, address)
    }

    /// The program ends and starts anew on the same database.
    pub(crate) async fn restart(&mut self) -> usize {
        self.daemon.store.close().await;
        self.daemon = begin(&self.file, &self.environment, &self.clock).await;
        self.daemon.recover().await.expect("it recovers")
    }

    /// The program ends, and starts anew on the database as a backup has it.
    pub(crate) async fn restore(&mut self, backup: &Path) {
        self.daemon.store.close().await;
        let database = self.folder.path().join("tidings.db");
        for tail in ["-wal", "-shm"] {
            let mut name = database.clone().into_os_string();
            name.push(tail);
            // After a clean end they are gone already.
            drop(std::fs::remove_file(name));
        }
        std::fs::copy(backup, database).expect("the backup is copied");
        self.daemon = begin(&self.file, &self.environment, &self.clock).await;
        self.daemon.recover().await.expect("it recovers");
    }

    /// The secrets of the config as it is.
    pub(crate) fn secrets(&self) -> Secrets {
        let environment: Environment = self.environment.iter().copied().collect();
        Secrets::read(&self.daemon.config, &environment).expect("the secrets are there")
    }

    /// A path in the world's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Changes the config's text; it takes effect with the next restart.
    pub(crate) fn rewrite(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(&self.file).expect("the config");
        assert!(text.contains(from), "{from} is in the config");
        std::fs::write(&self.file, text.replace(from, to)).expect("the config is written");
    }

    pub(crate) async fn feed(&self, name: &str) -> FeedState {
        self.store().feed(name).await.expect("a feed").expect("the feed is known")
    }

    pub(crate) async fn posts(&self) -> Vec<Post> {
        self.store().posts(&PostFilter::default(), 100_000).await.expect("posts")
    }

    pub(crate) async fn post(&self, id: i64) -> Post {
        self.store().post(id).await.expect("a post").expect("the post is there")
    }

    pub(crate) async fn states(&self) -> Vec<State> {
        self.posts().await.iter().map(|post| post.life.state).collect()
    }

    pub(crate) async fn breakers(&self) -> Vec<Breaker> {
        self.store().open_breakers().await.expect("breakers")
    }

    /// The open stops, as `scope cause`.
    pub(crate) async fn stops(&self) -> Vec<String> {
        let name = |it: &Breaker| format!("{} {}", it.scope, it.cause.word());
        self.breakers().await.iter().map(name).collect()
    }

    pub(crate) fn books(&self) -> Books {
        self.sandbox.books()
    }

    pub(crate) fn published(&self) -> Vec<Published> {
        self.sandbox.read_books(|books| books.published().collect())
    }

    /// The requests to publish.
    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.asked("POST", "/api/post")
    }

    pub(crate) fn asked(&self, method: &str, path: &str) -> Vec<Seen> {
        let wanted = |seen: &&Seen| seen.method == method && seen.path == path;
        self.sandbox.read_books(|books| books.requests().filter(wanted).cloned().collect())
    }

    /// What the books say against us: posts that are out twice, or out and yet not known to be.
    pub(crate) async fn assert_nothing_twice(&self) {
        let books = self.books();
        assert_eq!(books.doubles(), [], "published twice");
        for post in self.posts().await {
            let times = of(&post, books.published().map(|it| it.notes));
            assert!(times <= 1, "post {} is out {times} times", post.id);
            if post.life.state == State::Posted {
                assert_eq!(times, 1, "post {} is said to be out", post.id);
            }
        }
    }

    /// Posts, attempts, changes and ledger agree with the books, and nothing is out twice. Not for
    /// posts that a person settled, or about which the history lied.
    pub(crate) async fn assert_agrees(&self) {
        self.assert_nothing_twice().await;
        let (books, requests) = (self.books(), self.requests());
        let posts = self.posts().await;
        let out = posts.iter().filter(|post| post.life.state == State::Posted).count();
        assert_eq!(books.published().count(), out, "what is out is known to be");
        for post in &posts {
            let attempts = self.store().attempts(post.id).await.expect("attempts");
            let left = attempts.iter().filter(|it| it.outcome.as_deref() != Some("unsent"));
            let arrived = of(post, requests.iter().map(|seen| seen.notes.clone()));
            assert_eq!(arrived, left.count(), "requests of post {}", post.id);
            assert!(attempts.iter().all(|it| it.ended_at.is_some()), "an attempt is open");
            if post.life.state != State::Unconfirmed {
                let alt = 5_000 * i64::try_from(post.media.alt_texts()).expect("few");
                let price = alt + if post.has_link { PRICES.0 } else { PRICES.1 };
                let billed = post.life.state == State::Posted && post.lane.is_x();
                let cost: i64 = attempts.iter().map(|it| it.cost.micros()).sum();
                assert_eq!(cost, if billed { price } else { 0 }, "the ledger of post {}", post.id);
            }
            self.assert_chain(post).await;
        }
    }

    /// Each change of a post begins where the one before ended.
    async fn assert_chain(&self, post: &Post) {
        let changes = self.store().changes(post.id).await.expect("changes");
        for pair in changes.windows(2) {
            if let [before, after] = pair {
                assert_eq!(before.to, after.from, "the changes of post {}: {changes:?}", post.id);
            }
        }
        if let Some(last) = changes.last() {
            assert_eq!(last.to, post.life.state.word(), "the last change of post {}", post.id);
        }
    }
}

/// How many of these notes are of this post, whatever the generation.
fn of(post: &Post, notes: impl Iterator<Item = Option<String>>) -> usize {
    let reference = format!("tidings:{}:", post.uuid);
    notes.flatten().filter(|notes| notes.starts_with(&reference)).count()
}

/// Runs a future until it has been polled so many times, then drops it where it stands. `None` if it
/// did not get to its end.
pub(crate) async fn cut<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            // The last poll has to wake itself, or the cut would wait for what never comes.
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
