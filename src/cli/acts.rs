//! What persons did by hand, as `history --acts`, `queue show` and `explain` tell it.
//!
//! Promises: each line says when, who, what, on what, and how it was before. Must not: change
//! anything.

use chrono_tz::Tz;
use serde_json::{Value, json};

use super::out;
use super::setup::View;
use super::{Done, Exit};
use crate::store::acts::{Act, On};

/// Acts on one post that are shown.
const OF_POST_MAX: u32 = 20;
/// Columns of what was before, and of what is since then.
const SAID_MAX: usize = 60;

/// The newest acts as a table.
pub(super) async fn list(view: &View, limit: u32, json: bool) -> Done {
    let acts = view.store.acts(None, limit).await?;
    if json {
        out::json(&acts.iter().map(as_json).collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    if acts.is_empty() {
        out::say("nobody did anything by hand yet");
        return Ok(Exit::Done);
    }
    let zone = view.home_zone();
    let rows: Vec<Vec<String>> = acts
        .iter()
        .map(|act| {
            let on = match &act.on {
                On::Post(post) => format!("post {post}"),
                On::Scope(scope) => scope.clone(),
            };
            let (who, what) = (who(act), act.deed.word().to_owned());
            vec![out::clock_time(act.at, zone), who, what, on, change(act)]
        })
        .collect();
    out::say(&out::table(&["WHEN", "WHO", "WHAT", "ON", "BEFORE → AFTER"], &rows));
    Ok(Exit::Done)
}

/// The lines of what was done to one post, oldest first.
pub(super) async fn lines(view: &View, post: i64, zone: Tz) -> Result<Vec<String>, anyhow::Error> {
    let mut acts = view.store.acts(Some(post), OF_POST_MAX).await?;
    acts.reverse();
    let line = |act: &Act| {
        let at = out::exact_time(act.at, zone);
        format!("{at}  {} by {}: {}", act.deed.word(), who(act), change(act))
    };
    Ok(acts.iter().map(line).collect())
}

/// What was done to one post, newest first, for machines.
pub(super) async fn of_post(view: &View, post: i64) -> Result<Value, anyhow::Error> {
    Ok(view.store.acts(Some(post), OF_POST_MAX).await?.iter().map(as_json).collect())
}

fn who(act: &Act) -> String {
    format!("{} ({})", act.by.name(), act.by.door().word())
}

fn change(act: &Act) -> String {
    let said = |text: &str| out::short(text, SAID_MAX);
    match (act.before.as_str(), act.after.as_str()) {
        ("", after) => said(after),
        (before, after) => format!("{} → {}", said(before), said(after)),
    }
}

fn as_json(act: &Act) -> Value {
    let (post, scope) = match &act.on {
        On::Post(post) => (Some(*post), None),
        On::Scope(scope) => (None, Some(scope.as_str())),
    };
    json!({
        "at": act.at,
        "who": act.by.name(),
        "from": act.by.door().word(),
        "what": act.deed.word(),
        "post": post,
        "scope": scope,
        "before": act.before,
        "after": act.after,
    })
}
