//! `tidings queue`: the posts that are not settled yet, and what a person does to them.
//!
//! Promises: whatever needs a person says what to do. Must not: send; the daemon does.

mod hand;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::delete::doubt;
use super::out::{self, Tone};
use super::setup::{Place, View, open};
use super::{Done, Exit, acts, digest, shown};
use crate::daemon::Error;
use crate::domain::post::{Event, State};
use crate::store::posts::{Post, PostFilter};
use hand::{EditArgs, ManyArgs, MoveArgs, RepostArgs, RescheduleArgs};

/// Numbers of posts in one sentence.
const IDS_MAX: usize = 12;
/// The posts of one listing.
const LIST_MAX: u32 = 1000;

#[derive(Debug, Subcommand)]
pub(super) enum QueueCommand {
    /// List the posts that are not settled yet, or those of one state
    List(ListArgs),
    /// Show one post whole: text, state, attempts
    Show(OneArgs),
    /// Let held posts go: one, all of a feed, or all
    Approve(ManyArgs),
    /// Leave posts out: one, or all held, queued and failed ones; for an unconfirmed one: it is on
    /// the network
    Skip(ManyArgs),
    /// Send a post again with a new key; for an unconfirmed one: it is not on the network
    Retry(OneArgs),
    /// Send a post at once, whatever the pace says
    SendNow(OneArgs),
    /// Give a held, queued or failed post another text
    Edit(EditArgs),
    /// Change the order of the posts that wait on a lane
    Move(MoveArgs),
    /// Say when a post may go
    Reschedule(RescheduleArgs),
    /// Queue a published post once more, at the earliest 48 hours after it went out
    Repost(RepostArgs),
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Only this state: held, queued, sending, unconfirmed, posted, failed, skipped, expired
    #[arg(long, value_parser = state)]
    state: Option<State>,
    /// Only this feed
    #[arg(long)]
    feed: Option<String>,
    /// Only this profile
    #[arg(long)]
    profile: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct OneArgs {
    /// The post's number, as `queue list` shows it
    #[arg(value_parser = number)]
    post: i64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn number(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| "give a number, as `tidings queue list` shows it".to_owned())
}

fn state(word: &str) -> Result<State, String> {
    State::parse(word).ok_or_else(|| {
        let words: Vec<&str> = State::ALL.into_iter().map(State::word).collect();
        format!("the states are {}", words.join(", "))
    })
}

pub(super) async fn run(place: &Place, command: &QueueCommand) -> Done {
    let view = open!(place);
    match command {
        QueueCommand::List(args) => list(&view, args).await,
        QueueCommand::Show(args) => show(&view, args).await,
        QueueCommand::Approve(args) => hand::approve(&view, args).await,
        QueueCommand::Skip(args) => hand::skip(&view, args).await,
        QueueCommand::Retry(args) => hand::one(&view, (args.post, args.json), &Event::Retry).await,
        QueueCommand::SendNow(args) => {
            hand::one(&view, (args.post, args.json), &Event::SendNow).await
        }
        QueueCommand::Edit(args) => hand::edit(place, &view, args).await,
        QueueCommand::Move(args) => hand::put(&view, args).await,
        QueueCommand::Reschedule(args) => hand::reschedule(&view, args).await,
        QueueCommand::Repost(args) => hand::repost(&view, args).await,
    }
}

async fn list(view: &View, args: &ListArgs) -> Done {
    let filter =
        |state| PostFilter { state, feed: args.feed.as_deref(), profile: args.profile.as_deref() };
    let states = args.state.map_or_else(
        || vec![State::Unconfirmed, State::Sending, State::Held, State::Queued, State::Failed],
        |state| vec![state],
    );
    let mut posts = Vec::new();
    let mut full = false;
    for state in states {
        let found = view.store.posts(&filter(Some(state)), LIST_MAX).await?;
        full |= u32::try_from(found.len()).is_ok_and(|number| number >= LIST_MAX);
        posts.extend(found);
    }
    if args.json {
        out::json(&posts.iter().map(|post| as_json(view, post)).collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    if posts.is_empty() {
        return Ok(none(view, args));
    }
    let rows: Vec<Vec<String>> = posts
        .iter()
        .map(|post| {
            vec![
                post.id.to_string(),
                post.life.state.word().to_owned(),
                post.lane.to_string(),
                post.feed.clone(),
                out::distance(post.queued_at, view.now),
                view.outlook().cost_of(post).to_string(),
                out::short(&post.text, 60),
            ]
        })
        .collect();
    let heads = ["POST", "STATE", "LANE", "FEED", "QUEUED", "COST", "TEXT"];
    out::say(&out::table(&heads, &rows));
    if full {
        out::say(&format!(
            "… only the first {LIST_MAX} of a state: --feed and --profile narrow it"
        ));
    }
    let waiting: Vec<&Post> = posts.iter().filter(|post| needs_person(post)).collect();
    for line in needs_together(&waiting) {
        out::say(&out::tone(&format!("\n{line}"), Tone::Bad));
    }
    Ok(Exit::Done)
}

/// What an empty listing says; a name that nobody knows is a slip.
fn none(view: &View, args: &ListArgs) -> Exit {
    let known = view.want_feed(args.feed.as_deref());
    if let Err(exit) = known.and_then(|()| view.want_profile(args.profile.as_deref())) {
        return exit;
    }
    out::say(&match args.state {
        Some(state) => format!("no post is {}", state.word()),
        None => "nothing is waiting: `tidings history` shows what was published".to_owned(),
    });
    Exit::Done
}

/// Whether nothing more happens to a post unless a person acts.
pub(super) fn needs_person(post: &Post) -> bool {
    post.life.needs_person()
}

/// What a person is to do about a post.
pub(super) fn needs(post: &Post) -> String {
    let (id, reason) = (post.id, &post.life.reason);
    match post.life.state {
        State::Held => {
            format!("{reason}; `tidings queue approve {id}` or `tidings queue skip {id}`")
        }
        State::Failed => {
            format!("{reason}; `tidings queue retry {id}` or `tidings queue skip {id}`")
        }
        State::Unconfirmed => format!(
            "nobody can tell whether it is on {}: look there, then `tidings queue skip {id}` if \
             it is, `tidings queue retry {id}` if it is not",
            post.lane
        ),
        State::Queued | State::Sending | State::Posted | State::Skipped | State::Expired => {
            reason.clone()
        }
    }
}

/// What a person is to do about several posts; those with the same trouble are told together.
pub(super) fn needs_together(posts: &[&Post]) -> Vec<String> {
    let mut groups: Vec<Vec<&Post>> = Vec::new();
    for post in posts {
        let trouble = |it: &Post| (it.life.state, it.life.reason.clone());
        let same = |group: &&mut Vec<&Post>| {
            group.first().is_some_and(|first| trouble(first) == trouble(post))
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(post),
            None => groups.push(vec![post]),
        }
    }
    groups
        .iter()
        .filter_map(|group| {
            let first = group.first()?;
            if group.len() == 1 {
                return Some(format!("post {} needs you: {}", first.id, needs(first)));
            }
            let mut ids: Vec<String> =
                group.iter().take(IDS_MAX).map(|post| post.id.to_string()).collect();
            if group.len() > IDS_MAX {
                ids.push("…".to_owned());
            }
            let reason = &first.life.reason;
            let what = match first.life.state {
                State::Held => format!(
                    "{reason}; one by one: `tidings queue approve POST` or `tidings queue skip POST`"
                ),
                State::Unconfirmed => "nobody can tell whether they are on their network: look \
                    there, then `tidings queue skip POST` if one is, `tidings queue retry POST` if \
                    it is not"
                    .to_owned(),
                State::Failed
                | State::Queued
                | State::Sending
                | State::Posted
                | State::Skipped
                | State::Expired => {
                    format!("{reason}; `tidings queue retry POST` or `tidings queue skip POST`")
                }
            };
            Some(format!("{} posts need you ({}): {what}", group.len(), ids.join(", ")))
        })
        .collect()
}

async fn show(view: &View, args: &OneArgs) -> Done {
    let Some(post) = view.store.post(args.post).await? else {
        return Err(Error::NoSuchPost(args.post).into());
    };
    if args.json {
        let attempts = view.store.attempts(post.id).await?;
        let mut whole = as_json(view, &post);
        if let Value::Object(fields) = &mut whole {
            fields.insert("attempts".to_owned(), attempts.iter().map(attempt_json).collect());
            fields.insert("acts".to_owned(), acts::of_post(view, post.id).await?);
            let doubts = view.store.maybe_deleted(&[post.id]).await?;
            fields.insert("maybe_deleted_at".to_owned(), json!(doubts.get(&post.id)));
            fields.insert("digest".to_owned(), digest::as_json(view, &post).await?);
        }
        out::json(&whole)?;
        return Ok(Exit::Done);
    }
    show_post(view, &post).await?;
    Ok(Exit::Done)
}

/// A post whole, for a person.
pub(super) async fn show_post(view: &View, post: &Post) -> Result<(), anyhow::Error> {
    let zone = view.zone(&post.lane);
    let limit = view.config.length_limit(&post.feed, &post.lane.platform);
    out::say(&out::tone(
        &format!("post {}: {} on {}", post.id, post.life.state.word(), post.lane),
        Tone::Head,
    ));
    for line in post.text.lines() {
        out::say(&format!("  │ {line}"));
    }
    out::say(&format!(
        "  {}/{limit}, {}{}",
        post.weighted_length,
        view.outlook().cost_of(post),
        if post.has_link { " with a link" } else { " without a link" }
    ));
    for line in shown::lines(&post.media, &post.options) {
        out::say(&format!("  {line}"));
    }
    for line in post.notes.lines().map(str::to_owned).chain(digest::lines(view, post).await?) {
        out::say(&format!("  {line}"));
    }
    if let Some(url) = &post.life.receipt.url {
        out::say(&format!("  {url}"));
    }
    for line in hand::aftermath(post, zone) {
        out::say(&format!("  {line}"));
    }
    if let Some(at) = view.store.maybe_deleted(&[post.id]).await?.get(&post.id) {
        let line = format!("asked to delete {}; {}", out::clock_time(*at, zone), doubt(post.id));
        out::say(&out::tone(&format!("  {line}"), Tone::Bad));
    }
    if needs_person(post) {
        out::say(&out::tone(&format!("  needs you: {}", needs(post)), Tone::Bad));
    } else if !post.life.reason.is_empty() {
        out::say(&format!("  {}", post.life.reason));
    }
    out::say(&format!("  queued {}", out::when(post.queued_at, zone, view.now)));
    for change in view.store.changes(post.id).await? {
        let by = if change.who == "person" { " by hand" } else { "" };
        let why = if change.why.is_empty() { String::new() } else { format!(": {}", change.why) };
        out::say(&format!(
            "  {}  {} → {}{by}{why}",
            out::exact_time(change.at, zone),
            change.from,
            change.to
        ));
    }
    for attempt in view.store.attempts(post.id).await? {
        let outcome = attempt.outcome.as_deref().unwrap_or("out");
        let code = attempt.code.map(|code| format!(" code {code}")).unwrap_or_default();
        let status = attempt.status.map(|status| format!(" HTTP {status}")).unwrap_or_default();
        let said = if attempt.message.is_empty() { "" } else { ": " };
        out::say(&format!(
            "  {}  attempt {} (key generation {}): {outcome}{status}{code}, {}{said}{}",
            out::exact_time(attempt.started_at, zone),
            attempt.id,
            attempt.generation,
            attempt.cost,
            attempt.message
        ));
    }
    for line in acts::lines(view, post.id, zone).await? {
        out::say(&format!("  {line}"));
    }
    Ok(())
}

/// A post as JSON.
pub(super) fn as_json(view: &View, post: &Post) -> Value {
    json!({
        "post": post.id,
        "uuid": post.uuid,
        "entry": post.entry_id,
        "feed": post.feed,
        "profile": post.lane.profile,
        "platform": post.lane.platform,
        "state": post.life.state.word(),
        "reason": post.life.reason,
        "needs_person": needs_person(post),
        "text": post.text,
        "weighted_length": post.weighted_length,
        "has_link": post.has_link,
        "cost_usd_micros": view.outlook().cost_of(post).micros(),
        "generation": post.life.generation,
        "priority": post.priority,
        "place": post.place,
        "edited": post.edited,
        "released": post.life.released,
        "queued_at": post.queued_at,
        "not_before": post.life.not_before,
        "expires_at": post.life.expires_at,
        "next_lookup_at": post.life.lookups.next_at,
        "posted_at": post.life.posted_at,
        "deleted_at": post.aftermath.deleted_at,
        "deleted_by": post.aftermath.deleted_by,
        "corrected_at": post.aftermath.corrected_at,
        "correction": post.aftermath.correction,
        "repost_of": post.aftermath.repost_of,
        "url": post.life.receipt.url,
        "network_id": post.life.receipt.network_id,
        "notes": post.notes.lines().collect::<Vec<_>>(),
        "media": shown::as_json(&post.media),
        "options": post.options,
    })
}

pub(super) fn attempt_json(attempt: &crate::store::attempts::Attempt) -> Value {
    json!({
        "attempt": attempt.id,
        "generation": attempt.generation,
        "started_at": attempt.started_at,
        "ended_at": attempt.ended_at,
        "outcome": attempt.outcome,
        "status": attempt.status,
        "code": attempt.code,
        "message": attempt.message,
        "cost_usd_micros": attempt.cost.micros(),
    })
}
