//! WebSub: subscriptions at the hubs that feeds name, so that news are known at once.
//!
//! Promises: a push is a hint and nothing more, the feed itself is asked; no push has a feed asked
//! more often than once a minute or while it is left alone after a failure; a hub's question is
//! answered only for what we asked it; polling goes on, slower while pushes prove right. Must not:
//! read what a push says, or log a secret.

use chrono::{DateTime, TimeDelta, Utc};
use tracing::{debug, info, warn};
use url::{Host, Url};
use uuid::Uuid;

use super::poll::Polled;
use super::publish::earlier;
use super::reload::Present;
use super::run::{soon, wait_after};
use super::{Daemon, Error, jitter};
use crate::config;
use crate::domain::backoff::Backoff;
use crate::feed::fetch::New;
use crate::feed::websub::{Request, secret_of, subscribe, verifies};
use crate::store::Tx;
use crate::store::websub::{Standing, Subscription};

/// A push has a feed asked at most this often.
const SPACING: TimeDelta = TimeDelta::minutes(1);
/// While pushes prove right, a feed is asked this many times less often,
const SLOWER: i32 = 4;
/// yet at least this often.
const SLOWEST: TimeDelta = TimeDelta::hours(24);
/// What we ask for; hubs commonly give ten days at most.
const LEASE: TimeDelta = TimeDelta::days(10);
/// No lease counts as longer.
const LEASE_MAX: TimeDelta = TimeDelta::days(30);
/// A lease is never renewed sooner than this after it began.
const RENEW_MIN: TimeDelta = TimeDelta::minutes(10);
/// For how long a hub may verify what it was asked; after that it is asked again.
const VERIFY_WITHIN: TimeDelta = TimeDelta::hours(24);
/// A hub that refused is asked again after this time.
const DENIED_FOR: TimeDelta = TimeDelta::days(7);
/// Between requests that a hub did not take.
const ASK_AGAIN: Backoff = Backoff { first: TimeDelta::hours(1), max: TimeDelta::hours(24) };
/// The longest challenge that is answered, in bytes.
const CHALLENGE_MAX: usize = 4096;
/// How much of a hub's reason is kept, in characters.
const REASON_MAX: usize = 200;

/// What one tick did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct WebsubReport {
    /// Hubs that were asked for a subscription.
    pub asked: usize,
    /// Of these, how many failed.
    pub failed: usize,
    /// When the next one is due.
    pub next_at: Option<DateTime<Utc>>,
}

/// What a hub asks at our callback, to verify that we asked it.
#[derive(Debug, Clone, Default)]
pub struct Verification {
    /// `hub.mode`
    pub mode: String,
    /// `hub.topic`
    pub topic: String,
    /// `hub.challenge`
    pub challenge: String,
    /// `hub.lease_seconds`
    pub lease_seconds: Option<i64>,
    /// `hub.reason`
    pub reason: String,
}

/// What came of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// There is no such subscription.
    Unknown,
    /// It is not signed with our secret.
    Dropped,
    /// It is the hub's; the feed is asked.
    Heeded,
}

/// What a feed's answer means for its subscription.
pub(super) enum Announcement {
    Same,
    Gone(String),
    New(Box<Subscription>),
}

impl Announcement {
    pub(super) async fn keep(&self, tx: &mut Tx) -> Result<(), Error> {
        match self {
            Self::Same => {}
            Self::Gone(feed) => tx.delete_subscription(feed).await?,
            Self::New(subscription) => tx.save_subscription(subscription).await?,
        }
        Ok(())
    }
}

impl Daemon {
    /// Compares what a feed announces with its subscription.
    pub(super) async fn announced(
        &self,
        feed: &config::Feed,
        new: &New,
    ) -> Result<Announcement, Error> {
        if self.config.web.public_url.is_none() {
            return Ok(Announcement::Same);
        }
        let known = self.store.subscription(&feed.name).await?;
        let hub = new.announced.hubs.iter().find(|hub| keeps_secrets(hub));
        let topic = new.announced.own.as_ref().unwrap_or(&new.final_url);
        Ok(match (hub, known) {
            (None, None) => Announcement::Same,
            (None, Some(known)) => Announcement::Gone(known.feed),
            (Some(hub), Some(known))
                if known.hub == hub.as_str() && known.topic == topic.as_str() =>
            {
                Announcement::Same
            }
            (Some(hub), _) => Announcement::New(Box::new(Subscription {
                feed: feed.name.clone(),
                topic: topic.to_string(),
                hub: hub.to_string(),
                token: Uuid::new_v4().simple().to_string(),
                standing: Standing::New,
                asked_at: None,
                lease_until: None,
                pushed_at: None,
                next_at: self.now(),
                failures: 0,
                last_error: String::new(),
            })),
        })
    }

    /// After a poll: slower while pushes prove right, at once again if one came meanwhile.
    /// `asked` is when the feed was asked before, and when this time.
    pub(super) async fn heed_pushes(
        &self,
        feed: &config::Feed,
        polled: Polled,
        asked: (Option<DateTime<Utc>>, DateTime<Utc>),
    ) -> Result<(), Error> {
        if polled.failed || self.config.web.public_url.is_none() {
            return Ok(());
        }
        let Some(known) = self.store.subscription(&feed.name).await? else {
            return Ok(());
        };
        let (Some(pushed_at), Some(state)) = (known.pushed_at, self.store.feed(&feed.name).await?)
        else {
            return Ok(());
        };
        let now = self.now();
        let mut tx = self.store.begin(now).await?;
        if pushed_at > asked.1 {
            tx.hasten_feed(&feed.name, now + SPACING).await?;
        } else if polled.new_entries > 0 && asked.0.is_some_and(|before| pushed_at <= before) {
            // Something came that no push told of: until one does, pushes are not relied on.
            tx.save_subscription(&Subscription { pushed_at: None, ..known }).await?;
        } else if is_alive(&known, now) {
            let wait = state.next_poll_at - now;
            let slow = wait.checked_mul(SLOWER).unwrap_or(SLOWEST);
            let wait = std::cmp::max(wait, std::cmp::min(slow, SLOWEST));
            tx.set_poll_time(&feed.name, now + wait).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Asks every hub that is due.
    ///
    /// # Errors
    ///
    /// Only where the database fails.
    pub async fn websub_tick(&self) -> Result<WebsubReport, Error> {
        let mut report = WebsubReport::default();
        let Some(public_url) = &self.config.web.public_url else {
            return Ok(report);
        };
        for known in self.store.subscriptions().await? {
            if self.stop.drain.is_cancelled() {
                break;
            }
            if self.config.feed(&known.feed).is_none() {
                let mut tx = self.store.begin(self.now()).await?;
                tx.delete_subscription(&known.feed).await?;
                tx.commit().await?;
            } else if known.next_at <= self.now() {
                report.asked += 1;
                report.failed += usize::from(!self.subscribe(public_url, known).await?);
            }
        }
        let next = self.store.subscriptions().await?;
        report.next_at = next.iter().fold(None, |next, it| earlier(next, Some(it.next_at)));
        Ok(report)
    }

    /// Asks one hub; the intent is kept first, since the hub may verify it before it answers.
    async fn subscribe(&self, public_url: &Url, known: Subscription) -> Result<bool, Error> {
        let now = self.now();
        let standing = match known.standing {
            Standing::Active => Standing::Active,
            Standing::New | Standing::Asked | Standing::Denied => Standing::Asked,
        };
        let next_at = now + VERIFY_WITHIN;
        let known = Subscription { standing, asked_at: Some(now), next_at, ..known };
        let mut tx = self.store.begin(now).await?;
        let key = tx.websub_key(&random_key()).await?;
        tx.save_subscription(&known).await?;
        tx.commit().await?;
        let (feed, token) = (&known.feed, &known.token);
        let asked = match (Url::parse(&known.hub), public_url.join(&format!("websub/{token}"))) {
            (Ok(hub), Ok(callback)) => {
                let request = Request {
                    hub: &hub,
                    topic: &known.topic,
                    callback: callback.as_str(),
                    secret: &secret_of(&key, token),
                    lease_seconds: LEASE.num_seconds(),
                };
                let client = self.access.client_of(self.config.feed(feed));
                subscribe(client, &request, &self.config.fetch.allow_private).await
            }
            (Err(_), _) | (_, Err(_)) => Err("its address is none".to_owned()),
        };
        let Err(why) = asked else {
            debug!(feed, hub = known.hub, "a subscription to feed {feed} was asked for");
            return Ok(true);
        };
        // Meanwhile the hub may have verified all the same.
        if let Some(known) = self.store.subscription_by_token(token).await? {
            let failures = known.failures.saturating_add(1);
            let next_at = now + ASK_AGAIN.delay(failures, jitter(), None);
            let mut tx = self.store.begin(now).await?;
            let last_error = why.clone();
            tx.save_subscription(&Subscription { next_at, failures, last_error, ..known }).await?;
            tx.commit().await?;
        }
        warn!(feed, "no pushes for feed {feed}, it is polled instead: the hub {why}");
        Ok(false)
    }

    /// What a hub gets that asks whether we asked: its challenge, or nothing.
    ///
    /// # Errors
    ///
    /// Only where the database fails.
    pub async fn verify(&self, token: &str, asked: &Verification) -> Result<Option<String>, Error> {
        let now = self.now();
        let known = self.store.subscription_by_token(token).await?;
        let Some(known) = known.filter(|known| known.topic == asked.topic) else {
            return Ok(None);
        };
        let ours = known.asked_at.is_some_and(|at| now - at <= VERIFY_WITHIN);
        let challenge = asked.challenge.as_str();
        let (known, answer) = match asked.mode.as_str() {
            "subscribe" if ours && (1..=CHALLENGE_MAX).contains(&challenge.len()) => {
                let lease = TimeDelta::try_seconds(asked.lease_seconds.unwrap_or_default());
                let lease = lease.filter(|it| *it > TimeDelta::zero()).unwrap_or(LEASE);
                let lease = std::cmp::min(lease, LEASE_MAX);
                let known = Subscription {
                    standing: Standing::Active,
                    lease_until: Some(now + lease),
                    next_at: now + std::cmp::max(lease / 5 * 4, RENEW_MIN),
                    failures: 0,
                    last_error: String::new(),
                    ..known
                };
                info!(feed = known.feed, hub = known.hub, "feed {} is pushed to us", known.feed);
                (known, Some(challenge.to_owned()))
            }
            "denied" => {
                let told = asked.reason.chars().filter(|sign| !sign.is_control());
                let reason: String = told.take(REASON_MAX).collect();
                warn!(feed = known.feed, "the hub of feed {} refuses: {reason}", known.feed);
                let known = Subscription {
                    standing: Standing::Denied,
                    pushed_at: None,
                    next_at: now + DENIED_FOR,
                    last_error: reason,
                    ..known
                };
                (known, Some(String::new()))
            }
            // We never ask to be unsubscribed: leases end by themselves.
            _ => return Ok(None),
        };
        let mut tx = self.store.begin(now).await?;
        tx.save_subscription(&known).await?;
        tx.commit().await?;
        self.wake();
        Ok(answer)
    }

    /// Whether a callback is one of ours, to know before a body is read.
    ///
    /// # Errors
    ///
    /// Only where the database fails.
    pub async fn expects_push(&self, token: &str) -> Result<bool, Error> {
        Ok(self.store.subscription_by_token(token).await?.is_some())
    }

    /// Takes a push for a hint, if it is signed with our secret.
    ///
    /// # Errors
    ///
    /// Only where the database fails.
    pub async fn pushed(&self, token: &str, signature: &str, body: &[u8]) -> Result<Pushed, Error> {
        let now = self.now();
        let known = self.store.subscription_by_token(token).await?;
        let (Some(known), Some(key)) = (known, self.store.websub_key().await?) else {
            return Ok(Pushed::Unknown);
        };
        if !verifies(secret_of(&key, token).as_bytes(), signature, body) {
            debug!(feed = known.feed, "a push without our signature was dropped");
            return Ok(Pushed::Dropped);
        }
        let asked = self.store.feed(&known.feed).await?.and_then(|feed| feed.last_polled_at);
        let at = asked.map_or(now, |asked| std::cmp::max(now, asked + SPACING));
        let feed = known.feed.clone();
        let mut tx = self.store.begin(now).await?;
        tx.save_subscription(&Subscription { pushed_at: Some(now), ..known }).await?;
        tx.hasten_feed(&feed, at).await?;
        tx.commit().await?;
        debug!(feed, at = at.to_rfc3339(), "a push: feed {feed} is asked");
        // The poll loop looks again.
        self.by_hand.send_modify(|count| *count = count.wrapping_add(1));
        Ok(Pushed::Heeded)
    }
}

/// Whether pushes are to be expected.
fn is_alive(known: &Subscription, now: DateTime<Utc>) -> bool {
    known.standing == Standing::Active && known.lease_until.is_some_and(|until| until > now)
}

/// Whether a secret sent there is not readable on the way.
fn keeps_secrets(hub: &Url) -> bool {
    hub.scheme() == "https"
        || match hub.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(_)) | None => false,
        }
}

/// 244 random bits.
fn random_key() -> [u8; 32] {
    let mut key = [0; 32];
    let random = [Uuid::new_v4(), Uuid::new_v4()];
    for (to, from) in key.iter_mut().zip(random.iter().flat_map(Uuid::as_bytes)) {
        *to = *from;
    }
    key
}

/// Asks hubs as they become due.
pub(super) async fn websub_loop(present: &Present) -> Result<(), Error> {
    let mut daemon = present.get();
    let mut changes = daemon.changes();
    while !daemon.stop.drain.is_cancelled() {
        changes.mark_unchanged();
        daemon = present.get();
        let next_at = match daemon.websub_tick().await {
            Ok(report) => report.next_at,
            Err(error) => Some(wait_after(&daemon, "websub", &error)),
        };
        tokio::select! {
            () = daemon.stop.drain.cancelled() => {}
            _ = changes.changed(), if daemon.config.web.public_url.is_some() => {}
            () = daemon.clock.sleep_until(soon(&daemon, next_at)) => {}
        }
    }
    Ok(())
}
