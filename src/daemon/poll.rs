//! Polling: which feed is asked now, and what its answer leaves in the database.
//!
//! Promises: entries, posts, validators and the next poll's time are kept in one transaction, all
//! or nothing; no feed is asked before its persisted time; one request at a time to a host, with a
//! gap between two, and none while it wants to be left alone. Must not: give a feed up for good,
//! except on a 410, and say so.

mod answer;
mod failure;
mod roster;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt};
use url::Url;

use super::{Daemon, Error};
use crate::config;
use crate::domain::backoff::ASKED_MAX;
use crate::domain::polling::host_of;
use crate::store::feeds::{FeedState, PollTime};
use crate::store::hosts::HostWait;

pub(super) use roster::Roster;

/// A poll that is planned for later than this is looked at twice: the clock may have been wrong.
const FAR: TimeDelta = TimeDelta::days(8);

/// So many feeds are read together, and what was read of them is good for so long: another process may
/// change it.
const KNOWN_AHEAD: usize = 64;
const KNOWN_FOR: TimeDelta = TimeDelta::seconds(2);

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
    /// The feeds to ask now.
    pub hosts: Vec<HostTurn>,
    /// When the next feed is due.
    pub next_at: Option<DateTime<Utc>>,
}

/// Feeds of one host that are asked one after the other.
#[derive(Debug, Clone)]
pub struct HostTurn {
    /// The host.
    pub host: String,
    /// The feeds' names.
    pub feeds: Vec<String>,
    /// How often any host had been told to be left alone when all hosts were looked at.
    heard: u64,
}

impl Daemon {
    /// Asks every feed that is due, and waits for all of them.
    ///
    /// # Errors
    ///
    /// Only where the database fails.
    pub async fn poll_tick(&self) -> Result<PollReport, Error> {
        let due = self.poll_due().await?;
        let mut report = PollReport::default();
        let mut hosts = stream::iter(due.hosts.iter().map(|turn| self.poll_host(turn)))
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
        report.next_at = self.poll_due().await?.next_at;
        Ok(report)
    }

    /// Asks every feed that is due, also those that have to wait a moment for others of their host.
    ///
    /// # Errors
    ///
    /// Only where the database fails.
    pub async fn poll_round(&self) -> Result<PollReport, Error> {
        let mut all = self.poll_tick().await?;
        // The first tick may have found every host asked a moment ago, by a run before this one; and a
        // feed that is due again at once must not make this endless.
        for _ in 0..self.config.feeds.len() {
            let next = all.next_at.filter(|at| *at <= self.now() + self.config.fetch.hosts.gap);
            let Some(at) = next else { break };
            tokio::select! {
                () = self.clock.sleep_until(at) => {}
                () = self.stop.drain.cancelled() => break,
            }
            let report = self.poll_tick().await?;
            all.polled += report.polled;
            all.failed += report.failed;
            all.new_entries += report.new_entries;
            all.posts += report.posts;
            all.next_at = report.next_at;
        }
        Ok(all)
    }

    /// The feeds whose time has come, but for those of hosts that want to be left alone or were
    /// asked a moment ago.
    ///
    /// # Errors
    ///
    /// Only where the database fails.
    pub async fn poll_due(&self) -> Result<PollDue, Error> {
        Ok(self.roster(None).await?.take(self.now(), usize::MAX))
    }

    /// All feeds by host and time, from the database; what an older roster has out stays out.
    ///
    /// # Errors
    ///
    /// Only where the database fails.
    pub(super) async fn roster(&self, older: Option<&Roster>) -> Result<Roster, Error> {
        let now = self.now();
        let fetch = &self.config.fetch;
        let known = self.store.poll_times().await?;
        let heard = self.host_waits.load(Ordering::Relaxed);
        let waits = self.store.host_waits(now).await?;
        let mut roster = Roster::new(fetch.per_host, fetch.hosts.gap, heard);
        if let Some(older) = older {
            roster = roster.after(older);
        }
        let known: HashMap<&str, &PollTime> =
            known.iter().map(|it| (it.name.as_str(), it)).collect();
        for feed in &self.config.feeds {
            self.file(&mut roster, feed, known.get(feed.name.as_str()).copied());
        }
        for wait in &waits {
            roster.leave_alone(&wait.name, until(wait, now));
        }
        roster.settle_all(now);
        Ok(roster)
    }

    /// Puts the feeds of a turn that is over to their new places.
    ///
    /// # Errors
    ///
    /// Only where the database fails.
    pub(super) async fn turn_over(
        &self,
        roster: &mut Roster,
        turn: &HostTurn,
    ) -> Result<(), Error> {
        let now = self.now();
        roster.back(turn);
        let known = self.store.poll_times_of(&turn.feeds).await?;
        for name in &turn.feeds {
            let Some(feed) = self.config.feed(name) else { continue };
            let host = self.file(roster, feed, known.iter().find(|it| it.name == *name));
            if host != turn.host {
                // It has moved to another host.
                roster.leave_alone(&host, self.left_alone_until(&host, now).await?);
                roster.settle(&host, now);
            }
        }
        // It can only be this one if some host was told so since all were looked at.
        if turn.heard != self.host_waits.load(Ordering::Relaxed) {
            roster.leave_alone(&turn.host, self.left_alone_until(&turn.host, now).await?);
        }
        roster.settle(&turn.host, now);
        Ok(())
    }

    /// Until when a host is left alone, as the database has it now.
    async fn left_alone_until(
        &self,
        host: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, Error> {
        Ok(self.store.host_wait(host, now).await?.and_then(|wait| until(&wait, now)))
    }

    /// Puts a feed to its place; gives its host.
    fn file(&self, roster: &mut Roster, feed: &config::Feed, known: Option<&PollTime>) -> String {
        let known = known.filter(|it| it.url == feed.url.as_str());
        let address = known.and_then(|it| Url::parse(it.address.as_deref()?).ok());
        let host = self.host_of(address.as_ref().unwrap_or(&feed.url));
        if let Some(at) = self.due_at(feed, known, self.now()) {
            roster.file(&host, (&feed.name, at), known.and_then(|it| it.last_at));
        }
        host
    }

    /// When a feed is due; `None` for one that is gone.
    fn due_at(
        &self,
        feed: &config::Feed,
        known: Option<&PollTime>,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        // A new feed, or a new address of a known one: before all others of its host.
        let Some(known) = known else { return Some(DateTime::UNIX_EPOCH) };
        let mut at = known.next_at?;
        // Settings that were changed act at once, save that the server's word is kept.
        if let Some(last_at) = known.last_at
            && known.failures == 0
            && !known.settings.is_empty()
            && known.settings != feed.polling.settings
        {
            let next_at = self.config.rhythm(feed).next(last_at);
            at = std::cmp::min(at, std::cmp::max(next_at, known.fresh_until.unwrap_or(last_at)));
        }
        // A clock that was ahead may have left a time far off.
        let is_wrong = at > now + FAR && at > self.config.rhythm(feed).latest(now);
        Some(if is_wrong { now } else { at })
    }

    /// The host of an address, as the config groups them.
    fn host_of(&self, url: &Url) -> String {
        host_of(url, &self.config.fetch.hosts.grouping)
    }

    /// Asks the feeds of one host, one after the other, until it wants to be left alone.
    ///
    /// # Errors
    ///
    /// Only where the database fails.
    pub async fn poll_host(&self, turn: &HostTurn) -> Result<Vec<Polled>, Error> {
        let mut all = Vec::with_capacity(turn.feeds.len());
        let mut failed = None;
        let mut known = KnownFeeds::default();
        let mut heard = turn.heard;
        for (number, name) in turn.feeds.iter().enumerate() {
            let Some(feed) = self.config.feed(name) else { continue };
            // It may have been told so meanwhile, also by way of another host that sends on to it.
            let heard_now = self.host_waits.load(Ordering::Relaxed);
            if std::mem::replace(&mut heard, heard_now) != heard_now
                && self.left_alone_until(&turn.host, self.now()).await?.is_some()
            {
                break;
            }
            let after = turn.feeds.get(number..).unwrap_or_default();
            let state = known.of(self, (name, after)).await?;
            // One feed's trouble stops no feed, also where it is ours.
            match AssertUnwindSafe(self.poll_known(feed, state)).catch_unwind().await {
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
}

/// What is known of the next feeds of a turn, read together; `None` where nothing is known.
#[derive(Debug, Default)]
struct KnownFeeds {
    states: HashMap<String, Option<FeedState>>,
    read_at: Option<DateTime<Utc>>,
}

impl KnownFeeds {
    /// What is known of a feed; those that come after it are read with it.
    async fn of(
        &mut self,
        daemon: &Daemon,
        (name, after): (&str, &[String]),
    ) -> Result<Option<FeedState>, Error> {
        let now = daemon.now();
        let is_fresh = self.read_at.is_some_and(|at| at <= now && now - at < KNOWN_FOR);
        if !is_fresh || !self.states.contains_key(name) {
            let some = after.get(..KNOWN_AHEAD).unwrap_or(after);
            let states = daemon.store.feeds_named(some).await?;
            self.states = some.iter().map(|name| (name.clone(), None)).collect();
            self.states.extend(states.into_iter().map(|it| (it.name.clone(), Some(it))));
            self.read_at = Some(now);
        }
        Ok(self.states.remove(name).flatten())
    }
}

/// Until when a host is left alone. A wait beyond the longest comes from a clock that was wrong.
fn until(wait: &HostWait, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    Some(wait.until).filter(|until| *until <= now + ASKED_MAX)
}
