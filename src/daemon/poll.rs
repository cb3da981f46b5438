//! Polling: which feed is asked now, and what its answer leaves in the database.
//!
//! Promises: entries, posts, validators and the next poll's time are kept in one transaction, all
//! or nothing; no feed is asked before its persisted time; one request at a time to a host. Must
//! not: give a feed up for good, except on a 410, and say so.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt};
use tracing::{debug, info, warn};

use super::discovery::address_of;
use super::news::News;
use super::publish::earlier;
use super::{Daemon, Error, jitter};
use crate::config;
use crate::domain::backoff::Backoff;
use crate::feed::fetch::{Ask, FailureKind, Fetched, Validators, fetch};
use crate::killpoint;
use crate::store::feeds::{FeedState, PollTime};

/// No server makes us wait longer than this for the next poll.
const FRESH_MAX: TimeDelta = TimeDelta::hours(24);
/// A failing feed is asked at least this often.
const BACKOFF_MAX: TimeDelta = TimeDelta::hours(24);
/// The next poll is put off by up to this share of the interval, so that feeds spread.
const SPREAD: i32 = 20;

/// What one tick did.
#[derive(Debug, Default)]
pub struct PollReport {
    /// Feeds that were asked.
    pub polled: usize,
    /// Of these, how many failed.
    pub failed: usize,
    /// Entries never seen before.
    pub new_entries: usize,
    /// Posts made of them.
    pub posts: usize,
    /// When the next feed is due.
    pub next_at: Option<DateTime<Utc>>,
}

/// What came of one poll.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Polled {
    /// Whether it failed.
    pub failed: bool,
    /// Entries never seen before.
    pub new_entries: usize,
    /// Posts made of them.
    pub posts: usize,
}

/// The feeds to ask now, and when the next one is due.
#[derive(Debug, Default)]
pub struct PollDue {
    /// The feeds to ask now, grouped by host.
    pub hosts: Vec<Vec<String>>,
    /// When the next feed is due.
    pub next_at: Option<DateTime<Utc>>,
}

impl Daemon {
    /// Asks every feed that is due, and waits for all of them.
    ///
    /// # Errors
    ///
    /// Only where the database fails.
    pub async fn poll_tick(&self) -> Result<PollReport, Error> {
        let due = self.poll_due(&HashSet::new()).await?;
        let mut report = PollReport::default();
        let mut hosts = stream::iter(due.hosts.into_iter().map(|feeds| self.poll_host(feeds)))
            .buffer_unordered(self.config.fetch.concurrency);
        while let Some(polled) = hosts.next().await {
            for one in polled? {
                report.polled += 1;
                report.failed += usize::from(one.failed);
                report.new_entries += one.new_entries;
                report.posts += one.posts;
            }
        }
        drop(hosts);
        report.next_at = self.poll_due(&HashSet::new()).await?.next_at;
        Ok(report)
    }

    /// The feeds whose time has come, but for the `busy` ones.
    ///
    /// # Errors
    ///
    /// Only where the database fails.
    pub async fn poll_due(&self, busy: &HashSet<String>) -> Result<PollDue, Error> {
        let now = self.now();
        let known: HashMap<String, PollTime> =
            self.store.poll_times().await?.into_iter().map(|it| (it.name.clone(), it)).collect();
        let host_of = |feed: &config::Feed| feed.url.host_str().unwrap_or_default().to_owned();
        // While a host is being asked, its other feeds wait for their turn.
        let asked: HashSet<String> =
            busy.iter().filter_map(|name| self.config.feed(name)).map(host_of).collect();
        let mut hosts: HashMap<String, Vec<(DateTime<Utc>, String)>> = HashMap::new();
        let mut next_at = None;
        for feed in &self.config.feeds {
            let host = host_of(feed);
            if asked.contains(&host) {
                continue;
            }
            let at = match known.get(&feed.name).filter(|it| it.url == feed.url.as_str()) {
                // A new feed, or a new address of a known one.
                None => now,
                Some(PollTime { next_at: None, .. }) => continue,
                // A clock that was ahead may have left a time far off; no feed waits longer.
                Some(PollTime { next_at: Some(at), .. }) => {
                    let longest = now + FRESH_MAX + feed.interval * 2;
                    if *at > longest { now } else { *at }
                }
            };
            if at <= now {
                hosts.entry(host).or_default().push((at, feed.name.clone()));
            } else {
                next_at = earlier(next_at, Some(at));
            }
        }
        // The longest overdue first.
        let hosts = hosts.into_values().map(|mut feeds| {
            feeds.sort();
            feeds.into_iter().map(|(_, name)| name).collect()
        });
        Ok(PollDue { hosts: self.split(hosts), next_at })
    }

    /// Each host's feeds, dealt out to as many queues as it may have connections.
    fn split(&self, hosts: impl Iterator<Item = Vec<String>>) -> Vec<Vec<String>> {
        let per_host = std::cmp::max(self.config.fetch.per_host, 1);
        hosts
            .flat_map(|feeds| {
                let size = std::cmp::max(feeds.len().div_ceil(per_host), 1);
                feeds.chunks(size).map(<[String]>::to_vec).collect::<Vec<_>>()
            })
            .collect()
    }

    /// Asks the feeds of one host, one after the other.
    ///
    /// # Errors
    ///
    /// Only where the database fails.
    pub async fn poll_host(&self, feeds: Vec<String>) -> Result<Vec<Polled>, Error> {
        let mut all = Vec::with_capacity(feeds.len());
        let mut failed = None;
        for name in feeds {
            let Some(feed) = self.config.feed(&name) else { continue };
            // One feed's trouble stops no feed, also where it is ours.
            match AssertUnwindSafe(self.poll(feed)).catch_unwind().await {
                Ok(Ok(polled)) => all.push(polled),
                Ok(Err(error)) => failed = failed.or(Some(error)),
                Err(_) => match self.keep_panic(feed).await {
                    Ok(polled) => all.push(polled),
                    Err(error) => failed = failed.or(Some(error)),
                },
            }
        }
        match failed {
            None => Ok(all),
            Some(error) => Err(error),
        }
    }

    /// Asks one feed and keeps what it says.
    ///
    /// # Errors
    ///
    /// Only where the database fails.
    pub async fn poll(&self, feed: &config::Feed) -> Result<Polled, Error> {
        let now = self.now();
        let before = match self.known(feed).await? {
            Some(state) if state.url == feed.url.as_str() => state,
            // Another address: what the old one sent is of no use, what was seen stays seen.
            Some(state) => FeedState {
                title: state.title,
                first_read_at: state.first_read_at,
                ..FeedState::new(&feed.name, feed.url.as_str(), now)
            },
            None => FeedState::new(&feed.name, feed.url.as_str(), now),
        };
        let validators =
            Validators { etag: before.etag.clone(), last_modified: before.last_modified.clone() };
        let url = address_of(feed, &before);
        let visit = self.access.visit(&self.config, feed, &url, now);
        let ask = Ask {
            url: &url,
            validators: &validators,
            validators_url: before.validators_url.as_deref(),
            body_hash: before.body_hash.as_deref(),
            max_body: self.config.fetch.max_body,
            allow_private: &self.config.fetch.allow_private,
            credentials: visit.credentials,
            now,
        };
        let fetched = tokio::select! {
            fetched = fetch(visit.client, &ask) => fetched,
            // Nothing of a fetch is kept before it is whole, so it can be dropped at any time.
            () = self.stop.drain.cancelled() => return Ok(Polled::default()),
        };
        let Some((before, fetched)) = self.follow_page(feed, before, fetched).await else {
            return Ok(Polled::default());
        };
        killpoint::reach("fetched").await;
        let last_polled_at = before.last_polled_at;
        let polled = match fetched {
            Fetched::New(new) => self.keep_new(feed, before, *new).await,
            Fetched::Unchanged { validators, final_url, fresh_for, how } => {
                let state = FeedState {
                    etag: validators.etag,
                    last_modified: validators.last_modified,
                    validators_url: Some(final_url.to_string()),
                    ..self.good(feed, before, fresh_for)
                };
                self.keep_unchanged(state, how.words()).await
            }
            Fetched::Gone => self.keep_gone(before).await,
            Fetched::Failed { kind, why, retry_after, .. } => {
                self.keep_failure(feed, before, (kind, &why), retry_after).await
            }
        }?;
        self.heed_pushes(feed, polled, (last_polled_at, now)).await?;
        Ok(polled)
    }

    /// What is known of a feed. One that was only given another name in the config is known: else
    /// all its entries would be new.
    async fn known(&self, feed: &config::Feed) -> Result<Option<FeedState>, Error> {
        if let Some(state) = self.store.feed(&feed.name).await? {
            return Ok(Some(state));
        }
        let same = self.store.feeds_at(feed.url.as_str()).await?;
        let Some(old) = same.into_iter().find(|old| self.config.feed(&old.name).is_none()) else {
            return Ok(None);
        };
        let mut tx = self.store.begin(self.now()).await?;
        tx.rename_feed(&old.name, &feed.name).await?;
        tx.commit().await?;
        info!(
            feed = feed.name,
            "feed {} was called {} before: what was seen stays seen", feed.name, old.name
        );
        Ok(Some(FeedState { name: feed.name.clone(), ..old }))
    }

    /// What every good answer leaves.
    pub(super) fn good(
        &self,
        feed: &config::Feed,
        before: FeedState,
        fresh_for: Option<TimeDelta>,
    ) -> FeedState {
        let now = self.now();
        let fresh = std::cmp::min(fresh_for.unwrap_or(TimeDelta::zero()), FRESH_MAX);
        let wait = std::cmp::max(feed.interval, fresh);
        FeedState {
            last_polled_at: Some(now),
            last_good_at: Some(now),
            next_poll_at: now + wait + spread(&feed.name, wait),
            failures: 0,
            last_error: String::new(),
            gone_at: None,
            ..before
        }
    }

    /// Keeps a feed of which nothing but its own state changed.
    async fn save(&self, state: &FeedState) -> Result<(), Error> {
        let mut tx = self.store.begin(self.now()).await?;
        tx.save_feed(state).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn keep_unchanged(&self, state: FeedState, how: &'static str) -> Result<Polled, Error> {
        self.save(&state).await?;
        debug!(feed = state.name, how, "feed {} is unchanged", state.name);
        self.tell(News::Polled {
            feed: state.name,
            new: 0,
            known: 0,
            how,
            next_at: state.next_poll_at,
        });
        Ok(Polled::default())
    }

    async fn keep_gone(&self, before: FeedState) -> Result<Polled, Error> {
        let now = self.now();
        let why = "the server says that it is gone for good (410): remove it from the config, or \
                   ask again with `tidings feeds refresh`";
        let state = FeedState {
            last_polled_at: Some(now),
            last_error: why.to_owned(),
            gone_at: Some(now),
            ..before
        };
        self.save(&state).await?;
        warn!(feed = state.name, "feed {}: {why}", state.name);
        self.tell(News::PollFailed {
            feed: state.name,
            why: why.to_owned(),
            failures: state.failures,
            next_at: None,
        });
        Ok(Polled { failed: true, ..Polled::default() })
    }

    /// Reading a feed panicked: it is put off like one that can't be read.
    async fn keep_panic(&self, feed: &config::Feed) -> Result<Polled, Error> {
        let now = self.now();
        let before = self.store.feed(&feed.name).await?;
        let before = before.unwrap_or_else(|| FeedState::new(&feed.name, feed.url.as_str(), now));
        let why = "Tidings itself failed on what the feed says; please report it with the feed";
        self.keep_failure(feed, before, (FailureKind::Refused, why), None).await
    }

    async fn keep_failure(
        &self,
        feed: &config::Feed,
        before: FeedState,
        (kind, why): (FailureKind, &str),
        retry_after: Option<TimeDelta>,
    ) -> Result<Polled, Error> {
        let now = self.now();
        let failures = before.failures.saturating_add(1);
        let unreadable = matches!(
            kind,
            FailureKind::Empty
                | FailureKind::NotAFeed
                | FailureKind::Refused
                | FailureKind::TooLarge
        );
        let max = std::cmp::max(BACKOFF_MAX, feed.interval);
        // Of a delay at least a half is used, and no feed is asked more often than `min_interval`.
        let backoff = Backoff { first: self.config.fetch.min_interval * 2, max };
        let state = FeedState {
            last_polled_at: Some(now),
            next_poll_at: now + backoff.delay(failures, jitter(), retry_after),
            failures,
            last_error: why.to_owned(),
            // After an answer that can't be read, the next one must come whole.
            etag: before.etag.filter(|_| !unreadable),
            last_modified: before.last_modified.filter(|_| !unreadable),
            body_hash: before.body_hash.filter(|_| !unreadable),
            ..before
        };
        self.save(&state).await?;
        warn!(
            feed = state.name,
            failures,
            next_at = state.next_poll_at.to_rfc3339(),
            "feed {} could not be read: {why}",
            state.name
        );
        self.tell(News::PollFailed {
            feed: state.name,
            why: why.to_owned(),
            failures,
            next_at: Some(state.next_poll_at),
        });
        Ok(Polled { failed: true, ..Polled::default() })
    }
}

/// A feed's own phase: up to a twentieth of the wait, the same for the same feed at each poll, so
/// that feeds of one interval don't come together.
fn spread(name: &str, wait: TimeDelta) -> TimeDelta {
    let hash =
        name.bytes().fold(0_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte)));
    let share = i32::try_from(hash % 1000).unwrap_or(0);
    (wait / SPREAD / 1000).checked_mul(share).unwrap_or(TimeDelta::zero())
}
