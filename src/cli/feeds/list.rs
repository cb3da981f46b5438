//! `tidings feeds list` and `refresh`: how the feeds are, and having them asked again.
//!
//! Promises: a feed that fails says why. Must not: fetch; the daemon does.

use clap::Args;
use serde_json::{Value, json};

use crate::cli::out::{self, Tone};
use crate::cli::polling::{NextPoll, next_poll, remarks};
use crate::cli::setup::View;
use crate::cli::{Done, Exit};
use crate::config::Feed;
pub(in crate::cli) use crate::daemon::spoken::health;
use crate::feed::parse::Reader;
use crate::store::feeds::FeedState;

/// What an empty list of feeds says.
pub(in crate::cli) const NO_FEEDS: &str =
    "there is no feed in the config yet: `tidings feeds add` with the address of a site adds one";

#[derive(Debug, Args)]
pub(in crate::cli) struct ListArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RefreshArgs {
    /// The feed's name; left out: all feeds
    feed: Option<String>,
}

pub(super) async fn list(view: &View, args: &ListArgs) -> Done {
    let states = view.store.feeds().await?;
    let entries = view.store.entries_by_feed().await?;
    let waits = view.store.host_waits(view.now).await?;
    let state_of = |feed: &Feed| states.iter().find(|state| state.name == feed.name);
    if args.json {
        let all: Vec<_> = view
            .config
            .feeds
            .iter()
            .map(|feed| {
                let state = state_of(feed);
                let next = state.and_then(|state| next_poll(view, state, &waits));
                as_json(feed, (state, next), entries.get(&feed.name).copied())
            })
            .collect();
        out::json(&all)?;
        return Ok(Exit::Done);
    }
    if view.config.feeds.is_empty() {
        out::say(NO_FEEDS);
        return Ok(Exit::Done);
    }
    let ago =
        |at: Option<_>| at.map_or_else(|| "never".to_owned(), |at| out::distance(at, view.now));
    let rows: Vec<Vec<String>> = view
        .config
        .feeds
        .iter()
        .map(|feed| {
            let state = state_of(feed);
            vec![
                feed.name.clone(),
                health(state).to_owned(),
                entries.get(&feed.name).copied().unwrap_or(0).to_string(),
                ago(state.and_then(|it| it.last_good_at)),
                state.map_or_else(
                    || "at once".to_owned(),
                    |it| match next_poll(view, it, &waits) {
                        None => "never".to_owned(),
                        Some(next) => out::distance(next.at, view.now),
                    },
                ),
                state.map_or_else(String::new, |it| it.reader.clone()),
                state.and_then(|it| it.found_url.clone()).unwrap_or_else(|| feed.url.to_string()),
            ]
        })
        .collect();
    let heads = ["FEED", "HEALTH", "ENTRIES", "LAST GOOD", "NEXT POLL", "READER", "URL"];
    out::say(&out::table(&heads, &rows));
    for state in states.iter().filter(|state| !state.last_error.is_empty()) {
        if view.config.feed(&state.name).is_some() {
            out::say(&out::tone(&format!("\n{}: {}", state.name, state.last_error), Tone::Bad));
        }
    }
    for state in states.iter().filter(|state| !state.repairs.is_empty()) {
        if view.config.feed(&state.name).is_some() {
            let repairs = state.repairs.lines().collect::<Vec<_>>().join("; ");
            let reader = Reader::told(&state.reader);
            out::say(&format!("\n{}: read by {reader}: {repairs}", state.name));
        }
    }
    for feed in &view.config.feeds {
        let remarks = state_of(feed).map(|state| remarks(view, feed, state, &waits));
        for remark in remarks.into_iter().flatten() {
            out::say(&format!("\n{}: {remark}", feed.name));
        }
    }
    Ok(Exit::Done)
}

fn as_json(
    feed: &Feed,
    (state, next): (Option<&FeedState>, Option<NextPoll>),
    entries: Option<i64>,
) -> Value {
    json!({
        "feed": feed.name,
        "url": feed.url.as_str(),
        "found_url": state.and_then(|it| it.found_url.as_deref()),
        "folder": feed.folder,
        "health": health(state),
        "title": state.map(|it| it.title.as_str()),
        "entries": entries.unwrap_or(0),
        "reader": state.map(|it| it.reader.as_str()),
        "repairs": state.map(|it| it.repairs.lines().collect::<Vec<_>>()),
        "last_polled_at": state.and_then(|it| it.last_polled_at),
        "last_good_at": state.and_then(|it| it.last_good_at),
        "next_poll_at": next.as_ref().map(|it| it.at),
        "next_poll_why": next.as_ref().map(|it| it.why.as_str()),
        "moved_to": state.and_then(|it| it.address.as_deref()),
        "failures": state.map_or(0, |it| it.failures),
        "last_error": state.map(|it| it.last_error.as_str()),
    })
}

pub(super) async fn refresh(view: &View, args: &RefreshArgs) -> Done {
    if let Err(exit) = view.want_feed(args.feed.as_deref()) {
        return Ok(exit);
    }
    let names: Vec<&str> = view
        .config
        .feeds
        .iter()
        .map(|feed| feed.name.as_str())
        .filter(|name| args.feed.as_deref().is_none_or(|wanted| wanted == *name))
        .collect();
    if names.is_empty() {
        out::say(NO_FEEDS);
        return Ok(Exit::Done);
    }
    view.desk().refresh(&names).await?;
    let running = crate::store::lock::DaemonLock::is_taken(view.store.path());
    out::say(&format!(
        "{} {}",
        out::count(names.len(), "feed"),
        if running {
            "will be asked within a second"
        } else {
            "will be asked at the next `tidings run`"
        }
    ));
    Ok(Exit::Done)
}
