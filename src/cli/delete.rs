//! `tidings delete`: takes a published post down.
//!
//! Promises: says what it costs and asks first; works beside a running daemon. Must not: take a
//! refusal for a deletion.

use std::io::{BufRead as _, IsTerminal as _};
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::setup::{Place, open};
use super::{Done, Exit, out};
use crate::clock::Clock;
use crate::config::secret::Secrets;
use crate::daemon::Daemon;
use crate::domain::deletion::Deletion;

#[derive(Debug, Args)]
pub(super) struct DeleteArgs {
    /// The post's number, as `history` shows it
    post: i64,
    /// Don't ask first
    #[arg(long)]
    yes: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What a person is to do about a post that may be deleted.
pub(super) fn doubt(id: i64) -> String {
    format!("unknown whether it is down: look at the network, or say `tidings delete {id}` again")
}

pub(super) async fn run(place: &Place, args: &DeleteArgs) -> Done {
    let view = open!(place);
    let secrets = match Secrets::read(&view.config, &place.env) {
        Ok(secrets) => secrets,
        Err(complaints) => {
            out::complain(&complaints.to_string());
            return Ok(Exit::Usage);
        }
    };
    let config = Arc::clone(&view.config);
    let daemon = Daemon::new(config, secrets, view.store.clone(), Clock::System)?;
    let post = daemon.deletable(args.post).await?;
    let cost = daemon.price_of_deleting(&post);
    if !args.yes {
        out::complain(&format!(
            "delete post {} from {}: {:?}; X bills {cost} for it",
            post.id,
            post.lane,
            out::short(&post.text, 60)
        ));
        if !std::io::stdin().is_terminal() {
            out::complain("error: say --yes to delete it");
            return Ok(Exit::Usage);
        }
        out::complain("type yes to delete it:");
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        if answer.trim() != "yes" {
            out::say("nothing was deleted");
            return Ok(Exit::Failed);
        }
    }
    let deletion = daemon.delete(args.post, &view.by).await?;
    let exit = if deletion == Deletion::Deleted { Exit::Done } else { Exit::Failed };
    if args.json {
        out::json(&json!({
            "post": post.id,
            "outcome": deletion.word(),
            "message": deletion.message(),
            "cost_usd_micros": cost.micros(),
        }))?;
        return Ok(exit);
    }
    match &deletion {
        Deletion::Deleted => {
            out::say(&format!("post {} is deleted; X bills {cost}", post.id));
        }
        Deletion::Refused(why) => {
            out::complain(&format!("error: post {} was not deleted: {why}", post.id));
        }
        Deletion::Unsent(why) => {
            out::complain(&format!("error: post {} was not deleted: {why}; try again", post.id));
        }
        Deletion::Unknown(why) => out::complain(&format!(
            "error: nobody can tell whether post {} was deleted: {why}; try again, which does no \
             harm, or look at the network",
            post.id
        )),
    }
    Ok(exit)
}
