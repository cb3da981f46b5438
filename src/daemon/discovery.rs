//! A site in the place of a feed: its feed is found once, kept, and looked for anew when it fails.
//!
//! Promises: usual places are tried at most twice in a row of failures, never at each poll; the feed
//! of a configured address is never another's after one bad answer. Must not: keep anything itself.

use tracing::info;
use url::Url;

use super::Daemon;
use crate::config;
use crate::feed::discover::by_rule;
use crate::feed::fetch::{FailureKind, Fetched};
use crate::feed::find::among;
use crate::http::shown;
use crate::store::feeds::FeedState;

/// After so many failures in a row, the feed of a site is looked for anew.
const LOOK_AGAIN: u32 = 3;

/// Where a feed is asked: where it moved to for good, where it was found, or where its site has its feeds, or as configured.
pub(super) fn address_of(feed: &config::Feed, state: &FeedState) -> Url {
    let known = state.address.as_deref().or(state.found_url.as_deref());
    let found = known.and_then(|url| Url::parse(url).ok());
    found.or_else(|| by_rule(&feed.url)).unwrap_or_else(|| feed.url.clone())
}

impl Daemon {
    /// Follows a web page in the place of a feed to the feed; lets go of a found one that fails
    /// again and again. `None` if the daemon is told to stop.
    pub(super) async fn follow_page(
        &self,
        feed: &config::Feed,
        before: FeedState,
        fetched: Fetched,
    ) -> Option<(FeedState, Fetched)> {
        let is_found = before.found_url.is_some();
        match fetched {
            Fetched::Failed {
                kind: FailureKind::NotAFeed,
                why,
                retry_after,
                status,
                named,
                refused_by,
            } if !is_found => {
                let guess = matches!(before.failures, 0 | LOOK_AGAIN);
                let visit = self.access.visit(&self.config, feed, &feed.url, self.now());
                let found = tokio::select! {
                    found = among(&visit, named, guess) => found,
                    () = self.stop.drain.cancelled() => return None,
                };
                Some(match found {
                    Ok(found) => {
                        info!(
                            feed = feed.name,
                            "feed {}: {} is a web page; its feed is {}, {}",
                            feed.name,
                            shown(&feed.url),
                            shown(&found.url),
                            found.how.words()
                        );
                        let found_url = Some(String::from(found.url));
                        (FeedState { found_url, ..before }, Fetched::New(found.new))
                    }
                    Err(missing) => {
                        let (kind, why) =
                            missing.map_or((FailureKind::NotAFeed, why), |it| (it.kind, it.why));
                        let named = Vec::new();
                        let failed =
                            Fetched::Failed { kind, why, retry_after, status, named, refused_by };
                        (before, failed)
                    }
                })
            }
            // The site may have another feed now: only its own 410 retires it.
            Fetched::Gone if is_found => {
                let why = format!(
                    "the feed that was found at {} is gone for good (410); the site is asked for \
                     another one at the next poll",
                    before.found_url.as_deref().unwrap_or_default()
                );
                let failed = Fetched::Failed {
                    kind: FailureKind::NotFound,
                    why,
                    retry_after: None,
                    status: Some(410),
                    named: Vec::new(),
                    refused_by: None,
                };
                Some((FeedState { found_url: None, ..before }, failed))
            }
            Fetched::Failed { .. } if is_found && before.failures + 1 >= LOOK_AGAIN => {
                Some((FeedState { found_url: None, ..before }, fetched))
            }
            Fetched::New(_)
            | Fetched::Unchanged { .. }
            | Fetched::Gone
            | Fetched::Failed { .. } => Some((before, fetched)),
        }
    }
}
