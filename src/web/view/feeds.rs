//! The feeds: how each is, and when it is asked next.
//!
//! Promises: an address is shown without what may be a secret in it. Must not: fetch.

use std::collections::HashMap;

use serde::Serialize;

use super::{Moment, View};
use crate::config::Feed;
use crate::daemon::{Error, spoken};
use crate::http;
use crate::store::feeds::FeedState;
use crate::store::hosts::HostWait;

/// Feeds of one page.
pub(in crate::web) const FEEDS_PAGE: usize = 100;

/// A page of feeds.
#[derive(Debug, Clone, Serialize)]
pub(in crate::web) struct Feeds {
    #[serde(rename = "feeds")]
    pub(in crate::web) page: Vec<FeedStatus>,
    /// How many feeds there are in all.
    pub(in crate::web) all: usize,
    /// The number of the first feed of the next page, where there is one.
    pub(in crate::web) next: Option<usize>,
}

/// A feed.
#[derive(Debug, Clone, Serialize)]
pub(in crate::web) struct FeedStatus {
    pub(in crate::web) feed: String,
    pub(in crate::web) url: String,
    pub(in crate::web) folder: Option<String>,
    pub(in crate::web) title: String,
    pub(in crate::web) profiles: Vec<String>,
    pub(in crate::web) health: &'static str,
    pub(in crate::web) entries: i64,
    pub(in crate::web) failures: u32,
    pub(in crate::web) last_error: String,
    pub(in crate::web) last_polled_at: Option<Moment>,
    pub(in crate::web) last_good_at: Option<Moment>,
    pub(in crate::web) next_poll_at: Option<Moment>,
    pub(in crate::web) next_poll_why: String,
    pub(in crate::web) moved_to: Option<String>,
    pub(in crate::web) repairs: Vec<String>,
}

impl FeedStatus {
    /// Where its posts are.
    pub(in crate::web) fn queue_link(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        format!("/queue?{}", query.append_pair("feed", &self.feed).finish())
    }
}

impl View<'_> {
    /// A page of feeds, in the config's order, those that fail first.
    pub(in crate::web) async fn feeds(&self, from: usize) -> Result<Feeds, Error> {
        let states = self.store.feeds().await?;
        let states: HashMap<&str, &FeedState> =
            states.iter().map(|state| (state.name.as_str(), state)).collect();
        let entries = self.store.entries_by_feed().await?;
        let waits = self.store.host_waits(self.now).await?;
        let mut feeds: Vec<(&Feed, Option<&FeedState>)> = self
            .config
            .feeds
            .iter()
            .map(|feed| (feed, states.get(feed.name.as_str()).copied()))
            .collect();
        feeds.sort_by_key(|(_, state)| !matches!(spoken::health(*state), "failing" | "gone"));
        let all = feeds.len();
        let page = feeds.into_iter().skip(from).take(FEEDS_PAGE);
        Ok(Feeds {
            page: page
                .map(|(feed, state)| {
                    let entries = entries.get(&feed.name).copied().unwrap_or(0);
                    self.feed(feed, state, (entries, &waits))
                })
                .collect(),
            all,
            next: Some(from.saturating_add(FEEDS_PAGE)).filter(|next| *next < all),
        })
    }

    fn feed(
        &self,
        feed: &Feed,
        state: Option<&FeedState>,
        (entries, waits): (i64, &[HostWait]),
    ) -> FeedStatus {
        let next = state.and_then(|state| spoken::next_poll(self.config, state, waits));
        let lines = |text: &str| text.lines().map(str::to_owned).collect();
        FeedStatus {
            feed: feed.name.clone(),
            url: http::shown(&feed.url),
            folder: feed.folder.clone(),
            title: state.map(|it| it.title.clone()).unwrap_or_default(),
            profiles: feed.profiles.clone(),
            health: spoken::health(state),
            entries,
            failures: state.map_or(0, |it| it.failures),
            last_error: state.map(|it| it.last_error.clone()).unwrap_or_default(),
            last_polled_at: state.and_then(|it| it.last_polled_at).map(|at| self.at_home(at)),
            last_good_at: state.and_then(|it| it.last_good_at).map(|at| self.at_home(at)),
            next_poll_at: next.as_ref().map(|it| self.at_home(it.at)),
            next_poll_why: next.map(|it| it.why).unwrap_or_default(),
            moved_to: state.and_then(|it| it.address.clone()),
            repairs: state.map(|it| lines(&it.repairs)).unwrap_or_default(),
        }
    }
}
