//! `tidings explain`: stage by stage, why an entry was, will be or won't be posted.
//!
//! Promises: every stage names its reason. Must not: decide again; it reads what was decided, and asks
//! the same plan as the daemon.

mod source;
mod turn;

use clap::Args;
use serde_json::{Value, json};

use super::out::{self, Tone};
use super::queue::{as_json as post_json, attempt_json, show_post};
use super::setup::{Place, View, open};
use super::{Done, Exit, acts, digest};
use crate::store::entries::SeenEntry;
use crate::store::posts::Change;

/// Entries that one search shows.
const FOUND_MAX: u32 = 5;

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
            all.push(as_json(&view, entry).await?);
        }
        out::json(&all)?;
        return Ok(Exit::Done);
    }
    for entry in &entries {
        explain(&view, entry).await?;
    }
    Ok(Exit::Done)
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
        source::say(view, &feed).await?;
    }
    let keys = view.store.keys_of_entry(entry).await?;
    out::say(&format!("identified  by {}", out::short(&keys.join(", "), 300)));
    if let Some(at) = entry.changed_at {
        out::say(&format!(
            "changed     {} by the feed, last {}; its title and link are shown as they are now",
            if entry.changes == 1 { "once".to_owned() } else { format!("{} times", entry.changes) },
            out::when(at, zone, view.now),
        ));
    }
    out::say(&format!("selected    {}: {}", verdict(entry), why(entry)));
    let posts = view.store.posts_of_entry(entry.id).await?;
    if posts.is_empty() && entry.choice != "skip" {
        out::say("composed    nothing: the feed has no profile with a platform");
    }
    for post in &posts {
        show_post(view, post).await?;
        turn::say(view, post).await?;
    }
    out::say("");
    Ok(())
}

fn why(entry: &SeenEntry) -> &str {
    if entry.reason.is_empty() { "new" } else { &entry.reason }
}

fn verdict(entry: &SeenEntry) -> &'static str {
    match entry.choice.as_str() {
        "skip" => "not posted",
        "hold" => "held for you",
        _ => "to be posted",
    }
}

async fn as_json(view: &View, entry: &SeenEntry) -> Result<Value, anyhow::Error> {
    let feed = view.store.feed(&entry.feed).await?;
    let fetched = match &feed {
        Some(feed) => source::as_json(view, feed).await?,
        None => Value::Null,
    };
    let mut posts = Vec::new();
    for post in view.store.posts_of_entry(entry.id).await? {
        let mut whole = post_json(view, &post);
        if let Value::Object(fields) = &mut whole {
            let attempts = view.store.attempts(post.id).await?;
            let changes = view.store.changes(post.id).await?;
            fields.insert("digest".to_owned(), digest::as_json(view, &post).await?);
            fields.insert("planned".to_owned(), turn::as_json(view, &post).await?);
            fields.insert("sent".to_owned(), attempts.iter().map(attempt_json).collect());
            fields.insert("acts".to_owned(), acts::of_post(view, post.id).await?);
            fields.insert("settled".to_owned(), changes.iter().map(change_json).collect());
        }
        posts.push(whole);
    }
    Ok(json!({
        "entry": entry.id,
        "feed": entry.feed,
        "title": entry.title,
        "link": entry.link,
        "first_seen_at": entry.first_seen_at,
        "changed_at": entry.changed_at,
        "changes": entry.changes,
        "reader": feed.as_ref().map(|it| it.reader.as_str()),
        "repairs": feed.as_ref().map(|it| it.repairs.lines().collect::<Vec<_>>()),
        "fetched": fetched,
        "identified": view.store.keys_of_entry(entry).await?,
        "choice": entry.choice,
        "reason": entry.reason,
        "posts": posts,
    }))
}

fn change_json(change: &Change) -> Value {
    json!({
        "at": change.at,
        "from": change.from,
        "to": change.to,
        "who": change.who,
        "why": change.why,
    })
}
