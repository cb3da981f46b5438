//! `tidings history`: what was published, failed, skipped or expired, newest first.
//!
//! Promises: each line says where a post is, or why it is not. Must not: ask Ayrshare.

use clap::Args;
use serde_json::{Value, json};

use super::delete::doubt;
use super::out;
use super::queue::as_json;
use super::setup::{Place, open};
use super::{Done, Exit, acts};
use crate::store::posts::Post;

#[derive(Debug, Args)]
pub(super) struct HistoryArgs {
    /// Only this profile
    #[arg(long)]
    profile: Option<String>,
    /// How many to show
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// What persons did by hand instead: when, who, what, before and after
    #[arg(long, conflicts_with = "profile")]
    acts: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(place: &Place, args: &HistoryArgs) -> Done {
    let view = open!(place);
    if args.acts {
        return acts::list(&view, args.limit, args.json).await;
    }
    let posts = view.store.settled(args.profile.as_deref(), args.limit).await?;
    let ids: Vec<i64> = posts.iter().map(|post| post.id).collect();
    let doubts = view.store.maybe_deleted(&ids).await?;
    if args.json {
        let with_doubt = |post: &Post| {
            let mut whole = as_json(&view, post);
            if let Value::Object(fields) = &mut whole {
                fields.insert("maybe_deleted_at".to_owned(), json!(doubts.get(&post.id)));
            }
            whole
        };
        out::json(&posts.iter().map(with_doubt).collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    if posts.is_empty() {
        if let Err(exit) = view.want_profile(args.profile.as_deref()) {
            return Ok(exit);
        }
        out::say("nothing was published yet: `tidings plan` shows what will be");
        return Ok(Exit::Done);
    }
    let rows: Vec<Vec<String>> = posts
        .iter()
        .map(|post| {
            let told = post.life.receipt.url.as_deref().unwrap_or(&post.life.reason);
            vec![
                out::clock_time(post.changed_at, view.zone(&post.lane)),
                post.id.to_string(),
                post.life.state.word().to_owned(),
                post.lane.to_string(),
                post.feed.clone(),
                out::short(&post.text, 50),
                if doubts.contains_key(&post.id) { doubt(post.id) } else { out::short(told, 80) },
            ]
        })
        .collect();
    out::say(&out::table(
        &["WHEN", "POST", "STATE", "LANE", "FEED", "TEXT", "WHERE OR WHY"],
        &rows,
    ));
    Ok(Exit::Done)
}
