//! When a feed is asked next, why then, and what about its server the operator should know.
//!
//! Promises: says what the daemon will do. Must not: decide; it reads what was decided.

use super::out;
use super::setup::View;
use crate::config::Feed;
use crate::daemon::spoken;
pub(super) use crate::daemon::spoken::NextPoll;
use crate::domain::polling::Rule;
use crate::store::feeds::FeedState;
use crate::store::hosts::HostWait;

/// When a feed is asked next; `None` if it is gone for good.
pub(super) fn next_poll(view: &View, state: &FeedState, waits: &[HostWait]) -> Option<NextPoll> {
    spoken::next_poll(&view.config, state, waits)
}

/// The next poll in words.
pub(super) fn next_poll_line(view: &View, next: &NextPoll) -> String {
    let at = out::when(next.at, view.home_zone(), view.now);
    if next.why.is_empty() { at } else { format!("{at}: {}", next.why) }
}

/// What a person should know of how a feed is asked, a sentence each.
pub(super) fn remarks(
    view: &View,
    feed: &Feed,
    state: &FeedState,
    waits: &[HostWait],
) -> Vec<String> {
    let mut all = Vec::new();
    let usual = [Rule::Interval(feed.interval), Rule::Cron];
    let is_usual = |why: &str| usual.iter().any(|rule| rule.sentence() == why);
    if let Some(next) = next_poll(view, state, waits).filter(|next| !is_usual(&next.why))
        && !next.why.is_empty()
    {
        all.push(format!("next poll {}", next_poll_line(view, &next)));
    }
    if let Some(address) = &state.address {
        all.push(format!(
            "moved for good to {address}, which is asked instead: give it as its `url` in the config"
        ));
    }
    if let Some(moved) = &state.moved {
        let since = out::clock_time(moved.since, view.home_zone());
        all.push(format!(
            "redirects for good to {} since {since}; once that has held for some days, it is asked there",
            moved.to
        ));
    }
    let is_dear = state.etag.is_none() && state.last_modified.is_none();
    let is_told = state.next_poll_why == Rule::NoValidators.sentence();
    if is_dear && !is_told && state.failures == 0 && state.last_good_at.is_some() {
        all.push(
            "the server gives neither ETag nor Last-Modified, so every request fetches all of it"
                .to_owned(),
        );
    }
    all
}
