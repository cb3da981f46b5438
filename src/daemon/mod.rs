//! The daemon: what is due is decided by the pure domain from the database, and done here.
//!
//! Promises: each loop is a `tick`, and tests call the same one; the intent to send is durable
//! before the first byte leaves; an error of one feed, post or lane stays there. Must not: decide
//! what an answer means, when a post is due or how a state changes.

pub mod access;
pub mod agenda;
pub mod alerts;
mod backup;
mod bell;
pub mod costs;
mod delete;
pub mod desk;
mod digest;
mod discovery;
mod gather;
mod intake;
mod lanes;
pub mod media;
pub mod news;
pub mod orphans;
pub mod outlook;
pub mod passing;
mod pay;
mod placing;
pub mod poll;
pub mod publish;
pub mod pulse;
pub mod recipe;
pub mod reconcile;
pub mod reload;
mod restored;
pub mod run;
mod settle;
mod sorted;
pub mod spoken;
pub mod stops;
mod storage;
pub mod systemd;
pub mod tally;
mod updates;
pub mod websub;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Notify, broadcast, watch};

use crate::ayrshare::{self, Credentials};
use crate::clock::Clock;
use crate::config::secret::{Secrets, WebSecrets};
use crate::config::{self, Config};
use crate::domain::backoff::{Backoff, Jitter};
use crate::domain::breaker::Lane;
use crate::domain::compose::Flaw;
use crate::domain::post::{self, Event, Life, Rules};
use crate::feed::fetch::Limits;
use crate::http;
use crate::store::posts::{Post, Who};
use crate::store::{self, Store, Tx};
use access::{Access, AccessError};
use news::News;
use outlook::Outlook;
use pulse::Pulse;
use run::Stop;
use tally::Tally;

/// News that a slow listener may lag behind before it misses some.
const NEWS_KEPT: usize = 4096;

/// After a refusal that may pass later: from five minutes to six hours.
const RETRY: Backoff = Backoff { first: TimeDelta::minutes(5), max: TimeDelta::hours(6) };

/// What every part of the daemon works with.
#[derive(Debug)]
pub struct Daemon {
    /// The checked config.
    pub config: Arc<Config>,
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    secrets: Secrets,
    /// Whether a budget of the config gathers what it can't pay: every choice asks.
    gathers: bool,
    access: Access,
    ayrshare: ayrshare::Client,
    news: broadcast::Sender<News>,
    /// Counts what was posted, settled or stopped: the reconcile loop looks again.
    changes: watch::Sender<u64>,
    /// Counts what a person did: every loop looks again at everything.
    by_hand: watch::Sender<u64>,
    /// Counts signs of life that were asked for: every loop turns once.
    nudges: watch::Sender<u64>,
    /// Counts how often a host was told to be left alone.
    host_waits: Arc<AtomicU64>,
    /// Whether a write found the disk full, and nothing was written since.
    full: Arc<AtomicBool>,
    /// Has it tried whether there is room again.
    room: Arc<Notify>,
    /// How to stop it.
    pub stop: Stop,
    /// When each loop looked last.
    pub pulse: Arc<Pulse>,
    /// What happened since the start, counted.
    pub tally: Arc<Tally>,
}

/// What can go wrong in the daemon itself.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The HTTP clients can't be made.
    #[error("cannot set up HTTP")]
    Http(#[from] reqwest::Error),
    /// The feeds can't be reached as the config says.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// A post can't do what was asked of it.
    #[error(transparent)]
    Refused(#[from] post::Refused),
    /// A lane that the config doesn't know.
    #[error("lane {0} is not in the config any more")]
    UnknownLane(Lane),
    /// There is no such post.
    #[error("there is no post {0}: `tidings queue list` shows what there is")]
    NoSuchPost(i64),
    /// The post could not be composed.
    #[error(
        "post {0} has no text, since nothing could be made of its entry: leave it out with `tidings queue skip {0}`"
    )]
    NothingToSend(i64),
    /// Its entry is told in another post.
    #[error(
        "post {post} is told in the digest of post {digest}: sent by itself its entry might be out twice; see `tidings queue show {digest}`"
    )]
    ToldElsewhere {
        /// The post.
        post: i64,
        /// The digest.
        digest: i64,
    },
    /// There is no such profile.
    #[error("there is no profile {name:?} in the config; there are: {known}")]
    NoSuchProfile {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// There is no such feed.
    #[error("there is no feed {0:?} in the config: `tidings feeds list` shows what there is")]
    NoSuchFeed(String),
    /// What can't be done with a post, and what to do instead.
    #[error("post {id} {why}")]
    CantChange {
        /// Its number.
        id: i64,
        /// Why not, as the end of the sentence.
        why: String,
    },
    /// A person's text can't be sent.
    #[error(transparent)]
    Text(#[from] Flaw),
    /// A loop of the daemon ended by itself.
    #[error("the {0} loop ended by itself")]
    Ended(&'static str),
    /// A loop of the daemon panicked.
    #[error("the {0} loop panicked: {1}")]
    Panicked(&'static str, String),
}

impl Daemon {
    /// Puts the parts together; does no I/O.
    ///
    /// # Errors
    ///
    /// Where the HTTP clients can't be made.
    pub fn new(
        config: Arc<Config>,
        secrets: Secrets,
        store: Store,
        clock: Clock,
    ) -> Result<Self, Error> {
        let access = Access::new(&config, &config.feeds, &secrets.feeds)?;
        let timeout = config.ayrshare.timeout.to_std().unwrap_or_default();
        let client =
            ayrshare::Client::new(http::ayrshare_client(timeout)?, &config.ayrshare.base_url);
        let (news, _) = broadcast::channel(NEWS_KEPT);
        Ok(Self {
            gathers: config.gathers(),
            config,
            store,
            clock,
            secrets,
            access,
            ayrshare: client,
            news,
            changes: watch::Sender::new(0),
            by_hand: watch::Sender::new(0),
            nudges: watch::Sender::new(0),
            host_waits: Arc::default(),
            full: Arc::default(),
            room: Arc::default(),
            stop: Stop::default(),
            pulse: Arc::default(),
            tally: Arc::default(),
        })
    }

    /// The same daemon under another config: what is known and who listens stays.
    ///
    /// # Errors
    ///
    /// Where the HTTP clients can't be made.
    fn under(&self, config: Arc<Config>, secrets: Secrets) -> Result<Self, Error> {
        let fresh = Self::new(config, secrets, self.store.clone(), self.clock.clone())?;
        Ok(Self {
            news: self.news.clone(),
            changes: self.changes.clone(),
            by_hand: self.by_hand.clone(),
            nudges: self.nudges.clone(),
            host_waits: Arc::clone(&self.host_waits),
            full: Arc::clone(&self.full),
            room: Arc::clone(&self.room),
            stop: self.stop.clone(),
            pulse: Arc::clone(&self.pulse),
            tally: Arc::clone(&self.tally),
            ..fresh
        })
    }

    /// A listener to everything that happens from now on.
    pub fn listen(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }

    fn tell(&self, news: News) {
        self.mention(news);
        self.wake();
    }

    /// Tells what gives no loop anything to do.
    fn mention(&self, news: News) {
        self.tally.note(&news);
        // Nobody has to listen.
        drop(self.news.send(news));
    }

    /// Has the reconcile loop look again.
    fn wake(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Has every loop look again at everything.
    pub(crate) fn look_again(&self) {
        self.by_hand.send_modify(|count| *count = count.wrapping_add(1));
        self.wake();
    }

    /// Has every loop turn once, without a new look at everything.
    fn nudge(&self) {
        self.nudges.send_modify(|count| *count = count.wrapping_add(1));
        self.wake();
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// A listener to what a person did, in whichever process.
    pub fn acts(&self) -> watch::Receiver<u64> {
        self.by_hand.subscribe()
    }

    /// What opens the page and the API.
    pub const fn doors(&self) -> &WebSecrets {
        &self.secrets.web
    }

    /// What is wrong with the daemon itself, if anything: a loop that doesn't turn, or a database
    /// that doesn't answer.
    pub async fn ailing(&self) -> Option<String> {
        if let Err(error) = self.store.open_breakers().await {
            return Some(format!("the database does not answer: {}", http::chain(&error)));
        }
        if self.is_full() {
            return Some(
                "the disk is full: nothing is taken in or sent until there is room".into(),
            );
        }
        let stuck = self.pulse.stuck(self.now());
        (!stuck.is_empty()).then(|| format!("stuck: {}", stuck.join(", ")))
    }

    fn rules(&self) -> Rules {
        Rules {
            reconcile_after: self.config.ayrshare.reconcile_after,
            retry: RETRY,
            jitter: jitter(),
        }
    }

    /// What it will send when.
    pub fn outlook(&self) -> Outlook<'_> {
        Outlook { store: &self.store, config: &self.config }
    }

    /// The headers' values for one lane: the X pair only where X is the target.
    fn credentials(&self, lane: &Lane) -> Result<Credentials<'_>, Error> {
        let profile =
            self.secrets.profile(&lane.profile).ok_or_else(|| Error::UnknownLane(lane.clone()))?;
        Ok(Credentials {
            api_key: &self.secrets.api_key,
            profile_key: profile.profile_key.as_ref(),
            x: profile
                .x
                .as_ref()
                .filter(|_| lane.is_x())
                .map(|pair| ayrshare::XPair { key: &pair.key, secret: &pair.secret }),
        })
    }

    /// Has something happen to a post, in a transaction: the pure step, then the row.
    async fn turn(&self, tx: &mut Tx, post: &Post, event: &Event, who: Who) -> Result<Life, Error> {
        turn(tx, post, event, &self.rules(), who).await
    }

    /// The present, by the daemon's clock.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }
}

/// Has something happen to a post, in a transaction: the pure step, then the row.
async fn turn(
    tx: &mut Tx,
    post: &Post,
    event: &Event,
    rules: &Rules,
    who: Who,
) -> Result<Life, Error> {
    let life = post::step(&post.life, event, rules, tx.now)?;
    tx.save_life(post, &life, who).await?;
    Ok(life)
}

/// A host that can't be connected to within this time is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How feeds are fetched: as whom, with the operator's contact, and within which bounds.
fn feed_options(fetch: &config::Fetch) -> http::Options {
    let program = concat!("tidings/", env!("CARGO_PKG_VERSION"));
    let timeout = fetch.timeout.to_std().unwrap_or(CONNECT_TIMEOUT);
    http::Options {
        user_agent: fetch
            .contact
            .as_ref()
            .map_or_else(|| program.to_owned(), |contact| format!("{program} (+{contact})")),
        timeout,
        connect_timeout: std::cmp::min(timeout, CONNECT_TIMEOUT),
        allow_private: fetch.allow_private.clone(),
        route: http::Route::default(),
    }
}

/// The bounds of one fetch.
pub fn feed_limits(fetch: &config::Fetch) -> Limits<'_> {
    Limits {
        timeout: fetch.timeout.to_std().unwrap_or(CONNECT_TIMEOUT),
        max_body: fetch.max_body,
        allow_private: &fetch.allow_private,
        allow_http: false,
    }
}

/// A random share of a wait; the only randomness beside the posts' names.
fn jitter() -> Jitter {
    let (random, _) = uuid::Uuid::new_v4().as_u64_pair();
    Jitter::from_random(random)
}

#[cfg(test)]
mod tests {
    mod growth;
}
