//! What one poll asks, and what its answer leaves for the next one.
//!
//! Promises: validators go back only where they mean something; a body comes whole where a 304
//! could hide something. Must not: decide when to ask again; the domain does.

use std::sync::atomic::Ordering;

use chrono::{DateTime, TimeDelta, Utc};
use tracing::{debug, info, warn};
use url::Url;

use super::super::discovery::address_of;
use super::super::{Daemon, Error, jitter};
use super::Polled;
use super::failure::Refusal;
use crate::config;
use crate::daemon::news::News;
use crate::domain::entry::Wishes;
use crate::domain::polling::{self, Answer, HINT_MAX, Move, PACE_OVER, Spread};
use crate::feed::fetch::{Ask, Fetched, New, Sameness, Validators, fetch};
use crate::feed::parse::BREAKS_OFF;
use crate::killpoint;
use crate::store::feeds::FeedState;
use crate::store::hosts::HostWait;

/// Hours and days that exist.
const HOURS: u32 = 0x00ff_ffff;
const DAYS: u8 = 0x7f;

/// What a good answer told.
struct Told<'a> {
    fresh_for: Option<TimeDelta>,
    has_validators: bool,
    moved_to: Option<&'a Url>,
    wishes: Wishes,
    /// Whether its body came, rather than a 304.
    is_whole: bool,
}

impl Daemon {
    /// Asks one feed and keeps what it says.
    ///
    /// # Errors
    ///
    /// Only where the database fails.
    pub async fn poll(&self, feed: &config::Feed) -> Result<Polled, Error> {
        let known = self.store.feed(&feed.name).await?;
        self.poll_known(feed, known).await
    }

    /// The same, where what is known of the feed was just read.
    pub(super) async fn poll_known(
        &self,
        feed: &config::Feed,
        known: Option<FeedState>,
    ) -> Result<Polled, Error> {
        let now = self.now();
        let before = self.before(feed, known.clone(), now).await?;
        let is_changed = !before.settings.is_empty() && before.settings != feed.polling.settings;
        let is_stuck = before.failures == 0 && polling::wants_whole(before.whole_at, now);
        let validators = if is_changed || is_stuck || before.whole_next {
            Validators::default()
        } else {
            Validators { etag: before.etag.clone(), last_modified: before.last_modified.clone() }
        };
        let url = address_of(feed, &before);
        let visit = self.access.visit(&self.config, feed, &url, now);
        let ask = Ask {
            url: &url,
            validators: &validators,
            validators_url: before.validators_url.as_deref(),
            // After a change of the settings the same body is read anew.
            body_hash: before.body_hash.as_deref().filter(|_| !is_changed),
            limits: visit.limits,
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
        let polled = self.keep(feed, (known, before), fetched, (is_changed, is_stuck)).await?;
        self.heed_pushes(feed, polled, (last_polled_at, now)).await?;
        Ok(polled)
    }

    async fn keep(
        &self,
        feed: &config::Feed,
        (known, before): (Option<FeedState>, FeedState),
        fetched: Fetched,
        (is_changed, is_stuck): (bool, bool),
    ) -> Result<Polled, Error> {
        match fetched {
            Fetched::New(new) => self.keep_read(feed, before, *new).await,
            Fetched::Unchanged { validators, final_url, moved_to, fresh_for, how } => {
                let told = Told {
                    fresh_for,
                    has_validators: validators != Validators::default(),
                    moved_to: moved_to.as_ref(),
                    wishes: before.wishes,
                    is_whole: how == Sameness::SameBody,
                };
                let state = FeedState {
                    etag: validators.etag,
                    last_modified: validators.last_modified,
                    validators_url: Some(final_url.to_string()),
                    ..self.good(feed, before, told).await?
                };
                self.keep_unchanged(known, state, how.words()).await
            }
            Fetched::Gone => self.keep_gone(feed, before).await,
            Fetched::Failed { kind, why, retry_after, status, refused_by, .. } => {
                let whole_at = if is_stuck && !is_changed && !before.whole_next {
                    Some(polling::whole_failed(self.now()))
                } else {
                    before.whole_at
                };
                let before = FeedState { whole_at, ..before };
                let refusal = Refusal { kind, why, retry_after, status, refused_by };
                self.keep_failure(feed, before, refusal).await
            }
        }
    }

    /// What is known of a feed before it is asked.
    pub(super) async fn before(
        &self,
        feed: &config::Feed,
        known: Option<FeedState>,
        now: DateTime<Utc>,
    ) -> Result<FeedState, Error> {
        let url = feed.url.as_str();
        let known = match known {
            Some(known) => Some(known),
            None => self.known_otherwise(feed).await?,
        };
        Ok(match known {
            Some(state) if state.url == url => state,
            // The config was given the address that the server had told: nothing else changed.
            Some(state) if state.address.as_deref() == Some(url) => {
                FeedState { url: url.to_owned(), address: None, ..state }
            }
            // Another address: what the old one sent is of no use, what was seen stays seen.
            Some(state) => FeedState {
                title: state.title,
                first_read_at: state.first_read_at,
                ..FeedState::new(&feed.name, url, now)
            },
            None => FeedState::new(&feed.name, url, now),
        })
    }

    /// What is known of a feed by another name. One that was only given another name in the config is
    /// known: else all its entries would be new.
    async fn known_otherwise(&self, feed: &config::Feed) -> Result<Option<FeedState>, Error> {
        let same = self.store.feeds_at(feed.url.as_str()).await?;
        let Some(old) = same.into_iter().find(|old| self.config.feed(&old.name).is_none()) else {
            return Ok(None);
        };
        let mut tx = self.store.begin(self.now()).await?;
        tx.rename_feed(&old.name, &feed.name).await?;
        let orphans = self.mind_orphans_in(&mut tx).await?;
        tx.commit().await?;
        info!(
            feed = feed.name,
            "feed {} was called {} before: what was seen stays seen", feed.name, old.name
        );
        orphans.log();
        Ok(Some(FeedState { name: feed.name.clone(), ..old }))
    }

    async fn keep_read(
        &self,
        feed: &config::Feed,
        before: FeedState,
        mut new: New,
    ) -> Result<Polled, Error> {
        let told = Told {
            fresh_for: new.fresh_for,
            has_validators: new.validators != Validators::default(),
            moved_to: new.moved_to.as_ref(),
            wishes: new.feed.wishes,
            is_whole: true,
        };
        if new.repairs.iter().any(|repair| repair.starts_with(BREAKS_OFF)) {
            // Its validators would hide the rest for ever; those of the last whole body may stay.
            let stay = before.validators_url.as_deref() == Some(new.final_url.as_str());
            new.validators = Validators {
                etag: before.etag.clone().filter(|_| stay),
                last_modified: before.last_modified.clone().filter(|_| stay),
            };
        }
        let last_read_at = before.last_good_at;
        let state = self.good(feed, before, told).await?;
        self.keep_new(feed, (state, last_read_at), new).await
    }

    /// What every good answer leaves.
    async fn good(
        &self,
        feed: &config::Feed,
        before: FeedState,
        told: Told<'_>,
    ) -> Result<FeedState, Error> {
        let now = self.now();
        let wishes = Wishes {
            minutes: told.wishes.minutes,
            skip_hours: told.wishes.skip_hours & HOURS,
            skip_days: told.wishes.skip_days & DAYS,
        };
        let rhythm = self.config.rhythm(feed);
        let pace = match before.first_read_at {
            Some(first) if polling::wants_pace(&rhythm, wishes) => {
                let since = std::cmp::max(first, now - PACE_OVER);
                polling::pace(self.store.entries_since(&feed.name, since).await?, since, now)
            }
            Some(_) | None => None,
        };
        let answer =
            Answer { fresh_for: told.fresh_for, has_validators: told.has_validators, wishes, pace };
        let phase = polling::phase(&format!("{} {}", feed.name, feed.url));
        let spread = Spread { phase, jitter: jitter() };
        let next = polling::after_answer(&rhythm, &answer, spread, now);
        let (moved, address) = follow_move(&before, told.moved_to, now);
        Ok(FeedState {
            last_polled_at: Some(now),
            last_good_at: Some(now),
            next_poll_at: next.at,
            next_poll_why: next.rule.sentence(),
            fresh_until: told.fresh_for.map(|fresh| now + std::cmp::min(fresh, HINT_MAX)),
            failures: 0,
            last_error: String::new(),
            gone_at: None,
            wishes,
            settings: feed.polling.settings.clone(),
            whole_at: before.whole_at.filter(|_| !told.is_whole).or(Some(now)),
            whole_next: false,
            moved,
            address,
            ..before
        })
    }

    /// Keeps a feed of which nothing but its own state changed.
    pub(super) async fn save(
        &self,
        state: &FeedState,
        wait: Option<&HostWait>,
    ) -> Result<(), Error> {
        let Some(wait) = wait else {
            return Ok(self.store.keep_feed(None, state.clone(), self.now()).await?);
        };
        let mut tx = self.store.begin(self.now()).await?;
        tx.save_feed(state).await?;
        tx.save_host_wait(wait).await?;
        tx.commit().await?;
        self.host_waits.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn keep_unchanged(
        &self,
        known: Option<FeedState>,
        state: FeedState,
        how: &'static str,
    ) -> Result<Polled, Error> {
        let (feed, next_at) = (state.name.clone(), state.next_poll_at);
        self.store.keep_feed(known, state, self.now()).await?;
        debug!(feed, how, "feed {feed} is unchanged");
        self.mention(News::Polled { feed, new: 0, known: 0, how, next_at });
        Ok(Polled::default())
    }
}

/// What is known of a feed's move after an answer: what still has to prove itself, and the address
/// to ask from now on.
fn follow_move(
    before: &FeedState,
    told: Option<&Url>,
    now: DateTime<Utc>,
) -> (Option<Move>, Option<String>) {
    let moved = Move::after(before.moved.clone(), told.map(Url::as_str), now);
    match moved {
        Some(moved) if moved.is_proven(now) => {
            warn!(
                feed = before.name,
                "feed {} has moved for good to {}, which is asked from now on: give it as its \
                 `url` in the config",
                before.name,
                told.map(crate::http::shown).unwrap_or_default()
            );
            (None, Some(moved.to))
        }
        moved => (moved, before.address.clone()),
    }
}
