//! The first stage of an entry's way, told: how its feed was found, asked and read.
//!
//! Promises: says what was stored. Must not: ask the feed.

use serde_json::{Value, json};

use crate::cli::out::{self, Tone};
use crate::cli::polling::{next_poll, next_poll_line};
use crate::cli::setup::View;
use crate::feed::parse::Reader;
use crate::store::feeds::FeedState;
use crate::store::websub::{Standing, Subscription};

/// A few lines for a person.
pub(super) async fn say(view: &View, feed: &FeedState) -> Result<(), anyhow::Error> {
    let zone = view.home_zone();
    if feed.asked() != feed.url {
        let how =
            if feed.found_url.is_some() { "found on the site" } else { "moved for good from" };
        out::say(&format!("found       at {}, {how} {}", feed.asked(), feed.url));
    }
    match feed.last_polled_at {
        Some(at) if !feed.last_error.is_empty() => out::say(&out::tone(
            &format!("asked       last {}: {}", out::when(at, zone, view.now), feed.last_error),
            Tone::Bad,
        )),
        Some(at) => {
            out::say(&format!(
                "asked       last {}, with a good answer",
                out::when(at, zone, view.now)
            ));
        }
        None => {}
    }
    let repairs = feed.repairs.lines().collect::<Vec<_>>().join("; ");
    let repaired = if repairs.is_empty() { String::new() } else { format!(": {repairs}") };
    out::say(&format!("read        by {}{repaired}", Reader::told(&feed.reader)));
    if let Some(it) = view.store.subscription(&feed.name).await? {
        out::say(&format!("pushes      {}", standing(view, &it)));
    }
    let waits = view.store.host_waits(view.now).await?;
    if let Some(next) = next_poll(view, feed, &waits) {
        out::say(&format!("next poll   {}", next_poll_line(view, &next)));
    }
    Ok(())
}

fn standing(view: &View, it: &Subscription) -> String {
    let zone = view.home_zone();
    let pushed = it.pushed_at.map_or_else(
        || "none came so far".to_owned(),
        |at| format!("the last one {}", out::when(at, zone, view.now)),
    );
    match it.standing {
        Standing::New => format!("the hub {} is asked for them next", it.hub),
        Standing::Asked => format!("the hub {} was asked for them", it.hub),
        Standing::Active => format!("from the hub {}, {pushed}", it.hub),
        Standing::Denied => format!("refused by the hub {}", it.hub),
    }
}

/// The same for machines.
pub(super) async fn as_json(view: &View, feed: &FeedState) -> Result<Value, anyhow::Error> {
    let waits = view.store.host_waits(view.now).await?;
    let next = next_poll(view, feed, &waits);
    let subscription = view.store.subscription(&feed.name).await?;
    Ok(json!({
        "url": feed.url,
        "asked_url": feed.asked(),
        "found_url": feed.found_url,
        "first_read_at": feed.first_read_at,
        "last_polled_at": feed.last_polled_at,
        "last_good_at": feed.last_good_at,
        "last_error": feed.last_error,
        "failures": feed.failures,
        "next_poll_at": next.as_ref().map(|it| it.at),
        "next_poll_why": next.as_ref().map(|it| it.why.as_str()),
        "subscription": subscription.map(|it| json!({
            "hub": it.hub,
            "standing": it.standing.word(),
            "pushed_at": it.pushed_at,
            "lease_until": it.lease_until,
        })),
    }))
}
