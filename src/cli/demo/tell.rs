//! The demo's news in plain lines.
//!
//! Promises: shows which headers went out and never what was in them. Must not: print; it gives
//! lines.

use super::super::out::{self, Tone};
use crate::daemon::news::News;
use crate::domain::post::State;

/// One piece of news in plain lines.
pub(super) fn lines(item: &News) -> Vec<String> {
    match item {
        News::Polled { feed, new, .. } => {
            vec![format!("read      {feed}: {}", out::count(*new, "new entry"))]
        }
        News::PollFailed { feed, why, .. } => vec![format!("failed    {feed}: {why}")],
        News::Found { feed, title, .. } => {
            let title = if title.is_empty() { "(without a title)" } else { title };
            vec![format!("found     {feed}: {}", out::short(title, 70))]
        }
        News::Queued { post, lane, text, weighted_length, cost, .. } => {
            let limit = crate::domain::compose::rules_of(&lane.platform).limit;
            let head =
                format!("queued    post {post} for {lane}, {weighted_length}/{limit}, {cost}");
            let text = text.lines().map(|line| format!("          │ {line}"));
            std::iter::once(head).chain(text).collect()
        }
        News::Sending { post, lane, headers, cost, .. } => vec![format!(
            "sending   post {post} to {lane}, {cost}, with {}",
            headers.iter().map(|name| format!("{name}: ••••")).collect::<Vec<_>>().join(", ")
        )],
        News::Settled { post, state: State::Posted, url, by_lookup, .. } => {
            let how = if *by_lookup { "found in the history: published" } else { "published" };
            let url = url.as_deref().unwrap_or("(no address told)");
            vec![out::tone(&format!("posted    post {post} {how}, {url}"), Tone::Good)]
        }
        News::Settled { post, state: State::Unconfirmed, reason, by_lookup, .. } => {
            let head = if *by_lookup { "looked up" } else { "unknown  " };
            vec![out::tone(&format!("{head} post {post}: {reason}"), Tone::Waiting)]
        }
        News::Settled { post, state: State::Queued, reason, .. } => {
            let what = format!("refused   post {post}, which waits for its next try: {reason}");
            vec![out::tone(&what, Tone::Waiting)]
        }
        News::Settled { post, state, reason, .. } => {
            vec![out::tone(&format!("{:<9} post {post}: {reason}", state.word()), Tone::Waiting)]
        }
        News::Corrected { post, before, after, .. } => {
            vec![format!("corrected post {post} by its feed: {before:?} is now {after:?}")]
        }
        News::Opened { scope, cause, detail, probe_at } => {
            let next = probe_at.map_or_else(String::new, |at| {
                format!("; tries one post again at {}", at.format("%H:%M:%S UTC"))
            });
            vec![
                out::tone(
                    &format!("STOPPED   {}: {}{next}", out::reach(scope), cause.sentence()),
                    Tone::Bad,
                ),
                format!("          said: {detail}"),
                format!("          do: {}", cause.remedy()),
            ]
        }
        News::Reloaded { .. }
        | News::ReloadRefused { .. }
        | News::BackupFailed { .. }
        | News::DiskFull
        | News::DiskHasRoom => Vec::new(),
        News::Closed { scope, cause } => vec![out::tone(
            &format!("goes on   {}: no longer stopped ({})", out::reach(scope), cause.sentence()),
            Tone::Good,
        )],
    }
}
