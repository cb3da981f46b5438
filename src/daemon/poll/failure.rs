//! What a poll that failed leaves.
//!
//! Promises: no feed is given up for good, save by a 410; a trouble is told loudly once; an address
//! that the server gave us is left again when it fails. Must not: touch validators or what was seen.

use chrono::TimeDelta;
use tracing::{info, warn};
use url::Url;

use super::super::{Daemon, Error, jitter};
use super::Polled;
use crate::config;
use crate::daemon::news::News;
use crate::domain::polling::{self, Trouble};
use crate::feed::fetch::FailureKind;
use crate::store::feeds::FeedState;
use crate::store::hosts::HostWait;

/// An address that the server gave us is left after so many failures in a row.
const ADDRESS_FAILURES_MAX: u32 = 3;
/// What a failed poll told.
pub(super) struct Refusal {
    pub(super) kind: FailureKind,
    pub(super) why: String,
    pub(super) retry_after: Option<TimeDelta>,
    pub(super) status: Option<u16>,
    pub(super) refused_by: Option<Url>,
}

impl Daemon {
    pub(super) async fn keep_gone(
        &self,
        feed: &config::Feed,
        before: FeedState,
    ) -> Result<Polled, Error> {
        let now = self.now();
        if before.address.is_some() {
            let why = "the address that the feed had moved to is gone for good (410)".to_owned();
            let (kind, status) = (FailureKind::NotFound, Some(410));
            let refusal = Refusal { kind, why, retry_after: None, status, refused_by: None };
            return self.keep_failure(feed, before, refusal).await;
        }
        let why = "the server says that it is gone for good (410): remove it from the config, or \
                   ask again with `tidings feeds refresh`";
        let state = FeedState {
            last_polled_at: Some(now),
            last_error: why.to_owned(),
            gone_at: Some(now),
            next_poll_why: String::new(),
            ..before
        };
        self.save(&state, None).await?;
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
    pub(super) async fn keep_panic(&self, feed: &config::Feed) -> Result<Polled, Error> {
        let known = self.store.feed(&feed.name).await?;
        let before = self.before(feed, known, self.now()).await?;
        let why = "Tidings itself failed on what the feed says; please report it with the feed";
        let refusal = Refusal {
            kind: FailureKind::Refused,
            why: why.to_owned(),
            retry_after: None,
            status: None,
            refused_by: None,
        };
        self.keep_failure(feed, before, refusal).await
    }

    pub(super) async fn keep_failure(
        &self,
        feed: &config::Feed,
        before: FeedState,
        refusal: Refusal,
    ) -> Result<Polled, Error> {
        let now = self.now();
        let failures = before.failures.saturating_add(1);
        let rhythm = self.config.rhythm(feed);
        let trouble = (trouble_of(refusal.kind), failures);
        let next = polling::after_failure(&rhythm, trouble, refusal.retry_after, jitter(), now);
        let wait = refusal.host_wait(rhythm.shortest()).map(|(url, wait)| HostWait {
            name: self.host_of(url),
            until: now + wait,
            why: refusal.why.clone(),
        });
        // A 304 must not hide what the answer that could not be read would have said.
        let whole_next = if refusal.is_unreadable() { failures == 1 } else { before.whole_next };
        let leaves = failures >= ADDRESS_FAILURES_MAX || refusal.status == Some(410);
        let is_news = before.failures == 0 || before.last_error != refusal.why;
        let state = FeedState {
            last_polled_at: Some(now),
            next_poll_at: next.at,
            next_poll_why: next.rule.sentence(),
            failures,
            last_error: refusal.why.clone(),
            whole_next,
            address: before.address.clone().filter(|_| !leaves),
            ..before
        };
        self.save(&state, wait.as_ref()).await?;
        let next_at = state.next_poll_at.to_rfc3339();
        let (name, why) = (&state.name, &refusal.why);
        // Each trouble is told loudly once.
        if is_news {
            warn!(feed = name, failures, next_at, "feed {name} could not be read: {why}");
        } else {
            info!(feed = name, failures, next_at, "feed {name} could still not be read: {why}");
        }
        self.tell(News::PollFailed {
            feed: state.name,
            why: refusal.why,
            failures,
            next_at: Some(state.next_poll_at),
        });
        Ok(Polled { failed: true, ..Polled::default() })
    }
}

impl Refusal {
    /// Whether an answer came and could not be read.
    fn is_unreadable(&self) -> bool {
        matches!(
            self.kind,
            FailureKind::Empty
                | FailureKind::NotAFeed
                | FailureKind::Refused
                | FailureKind::TooLarge
        )
    }

    /// Who wants to be left alone with all its feeds, and for how long.
    fn host_wait(&self, shortest: TimeDelta) -> Option<(&Url, TimeDelta)> {
        let wait = polling::host_wait(self.status?, self.retry_after, shortest)?;
        Some((self.refused_by.as_ref()?, wait))
    }
}

fn trouble_of(kind: FailureKind) -> Trouble {
    match kind {
        FailureKind::NotFound => Trouble::Missing,
        FailureKind::Denied | FailureKind::Challenge => Trouble::Denied,
        FailureKind::Address
        | FailureKind::Network
        | FailureKind::Timeout
        | FailureKind::Redirect
        | FailureKind::TooMany
        | FailureKind::Server
        | FailureKind::Status
        | FailureKind::TooLarge
        | FailureKind::Empty
        | FailureKind::NotAFeed
        | FailureKind::Refused => Trouble::Passing,
    }
}
