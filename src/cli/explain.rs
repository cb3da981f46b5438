//! `tidings explain`: stage by stage, why an entry was, will be or won't be posted.
//!
//! Promises: every stage names its reason. Must not: decide again; it reads what was decided, and asks
//! the same plan as the daemon.

use chrono::TimeDelta;
use clap::Args;
use serde_json::json;

use super::out::{self, Tone};
use super::polling::{next_poll, next_poll_line};
use super::queue::{as_json, show_post};
use super::setup::{Place, View, open};
use super::{Done, Exit, acts};
use crate::domain::post::State;
use crate::feed::parse::Reader;
use crate::store::entries::SeenEntry;
use crate::store::posts::Post;

/// Entries that one search shows.
const FOUND_MAX: u32 = 5;
/// How far ahead a post's turn is looked for.
const AHEAD: TimeDelta = TimeDelta::days(30);

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// A post's number, an entry's link, or a part of its title
    entry: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(place: &Place, args: &ExplainArgs) -> Done {
    let view = open!(place);
    let entries = find(&view, &args.entry).await?;
    if entries.is_empty() {
        out::complain(&format!(
            "error: no entry has the link, and none has a title with {:?}: `tidings feeds list` \
             shows when each feed was read last",
            args.entry
        ));
        return Ok(Exit::Failed);
    }
    if args.json {
        let mut all = Vec::new();
        for entry in &entries {
            let posts = view.store.posts_of_entry(entry.id).await?;
            let feed = view.store.feed(&entry.feed).await?;
            all.push(json!({
                "entry": entry.id,
                "feed": entry.feed,
                "title": entry.title,
                "link": entry.link,
                "first_seen_at": entry.first_seen_at,
                "changed_at": entry.changed_at,
                "changes": entry.changes,
                "reader": feed.as_ref().map(|it| it.reader.as_str()),
                "repairs": feed.as_ref().map(|it| it.repairs.lines().collect::<Vec<_>>()),
                "choice": entry.choice,
                "reason": entry.reason,
                "acts": acts_of(&view, &posts).await?,
                "posts": posts.iter().map(|post| as_json(&view, post)).collect::<Vec<_>>(),
            }));
        }
        out::json(&all)?;
        return Ok(Exit::Done);
    }
    for entry in &entries {
        explain(&view, entry).await?;
    }
    Ok(Exit::Done)
}

/// What persons did to the posts of an entry, by the post's number.
async fn acts_of(view: &View, posts: &[Post]) -> Result<serde_json::Value, anyhow::Error> {
    let mut all = serde_json::Map::new();
    for post in posts {
        all.insert(post.id.to_string(), acts::of_post(view, post.id).await?);
    }
    Ok(all.into())
}

async fn find(view: &View, text: &str) -> Result<Vec<SeenEntry>, anyhow::Error> {
    if let Ok(number) = text.parse::<i64>()
        && let Some(post) = view.store.post(number).await?
    {
        let entries = view.store.digest_entries(post.id).await?;
        if !entries.is_empty() {
            return Ok(entries);
        }
        return Ok(view.store.entry(post.entry_id).await?.into_iter().collect());
    }
    Ok(view.store.find_entries(text, FOUND_MAX).await?)
}

async fn explain(view: &View, entry: &SeenEntry) -> Result<(), anyhow::Error> {
    let zone = view.home_zone();
    out::say(&out::tone(&out::short(&entry.title, 100), Tone::Head));
    if let Some(link) = &entry.link {
        out::say(&format!("  {link}"));
    }
    out::say(&format!(
        "fetched     first seen {} in feed {}",
        out::when(entry.first_seen_at, zone, view.now),
        entry.feed
    ));
    if let Some(feed) = view.store.feed(&entry.feed).await? {
        let repairs = feed.repairs.lines().collect::<Vec<_>>().join("; ");
        let repaired = if repairs.is_empty() { String::new() } else { format!(": {repairs}") };
        out::say(&format!("read        by {}{repaired}", Reader::told(&feed.reader)));
        let waits = view.store.host_waits(view.now).await?;
        if let Some(next) = next_poll(view, &feed, &waits) {
            out::say(&format!("next poll   {}", next_poll_line(view, &next)));
        }
    }
    if let Some(at) = entry.changed_at {
        out::say(&format!(
            "changed     {} by the feed, last {}; its title and link are shown as they are now",
            if entry.changes == 1 { "once".to_owned() } else { format!("{} times", entry.changes) },
            out::when(at, zone, view.now),
        ));
    }
    let why = if entry.reason.is_empty() { "new" } else { &entry.reason };
    let verdict = match entry.choice.as_str() {
        "skip" => "not posted",
        "hold" => "held for you",
        _ => "to be posted",
    };
    out::say(&format!("selected    {verdict}: {why}"));
    let posts = view.store.posts_of_entry(entry.id).await?;
    if posts.is_empty() && entry.choice != "skip" {
        out::say("composed    nothing: the feed has no profile with a platform");
    }
    for post in &posts {
        show_post(view, post).await?;
        if post.life.state == State::Queued {
            turn(view, post).await?;
        }
    }
    out::say("");
    Ok(())
}

/// When a queued post's turn comes, and why then.
async fn turn(view: &View, post: &Post) -> Result<(), anyhow::Error> {
    for breaker in view.store.open_breakers().await? {
        if breaker.scope.covers(&post.lane) {
            out::say(&format!(
                "  stopped: {}; {}",
                breaker.cause.sentence(),
                breaker.cause.remedy()
            ));
        }
    }
    if !view.config.has_lane(&post.lane) {
        out::say("  planned: never, the config does not know its lane any more");
        return Ok(());
    }
    let plan = view.outlook().plan_of(&post.lane, view.now, view.now + AHEAD).await?;
    if let Some(row) = plan.rows.iter().find(|row| row.id == post.id) {
        let at = out::when(row.at, view.zone(&post.lane), view.now);
        out::say(&format!("  planned: {at}, {}", row.rule.sentence()));
    } else if let Some((_, rule)) = plan.left.iter().find(|(id, _)| *id == post.id) {
        out::say(&format!("  planned: not within 30 days, {}", rule.sentence()));
    }
    Ok(())
}
