//! `tidings queue edit`, `move`, `reschedule`, `approve`, `skip`: what a person changes in the queue.
//!
//! Promises: a wrong text or state is told with what to do about it, and changes nothing. Must not:
//! decide what is allowed; the desk does.

use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use clap::{ArgGroup, Args};
use serde_json::json;

use super::super::scratch::Scratch;
use super::super::setup::{Place as Caller, View};
use super::super::{Done, Exit, out, times};
use super::{as_json, number};
use crate::daemon::desk::{Many, Place};
use crate::domain::post::{Event, State};
use crate::store::posts::Post;

/// Bytes of a text that are read: far more than any network takes.
const TEXT_BYTES_MAX: u64 = 1024 * 1024;

#[derive(Debug, Args)]
pub(in crate::cli) struct EditArgs {
    /// The post's number, as `queue list` shows it
    #[arg(value_parser = number)]
    post: i64,
    /// The new text; left out with --file too: your editor ($VISUAL or $EDITOR) opens
    #[arg(long, conflicts_with = "file")]
    text: Option<String>,
    /// A file with the new text; - for standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Also where another account on X has the same words, which X forbids
    #[arg(long)]
    same_text: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[group(skip)]
#[command(group(ArgGroup::new("where").required(true)))]
pub(in crate::cli) struct MoveArgs {
    /// The post's number, as `queue list` shows it
    #[arg(value_parser = number)]
    post: i64,
    /// Before all other posts of its lane, but for breaking ones
    #[arg(long, group = "where")]
    first: bool,
    /// Behind all other posts of its lane
    #[arg(long, group = "where")]
    last: bool,
    /// Just before this post of its lane
    #[arg(long, group = "where", value_name = "POST", value_parser = number)]
    before: Option<i64>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[group(skip)]
#[command(group(ArgGroup::new("when").required(true)))]
pub(in crate::cli) struct RescheduleArgs {
    /// The post's number, as `queue list` shows it
    #[arg(value_parser = number)]
    post: i64,
    /// Not before this time: 2h, 18:30, "2026-11-24 09:00" in the profile's zone, or with an offset
    #[arg(long, group = "when", value_name = "TIME", value_parser = times::typed)]
    at: Option<String>,
    /// As soon as its pace allows
    #[arg(long, group = "when")]
    asap: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[group(skip)]
#[command(group(ArgGroup::new("which").required(true)))]
pub(in crate::cli) struct ManyArgs {
    /// The post's number, as `queue list` shows it
    #[arg(group = "which", value_parser = number)]
    post: Option<i64>,
    /// All such posts of this feed
    #[arg(long, group = "which")]
    feed: Option<String>,
    /// All such posts
    #[arg(long, group = "which")]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RepostArgs {
    /// The published post's number, as `history` shows it
    #[arg(value_parser = number)]
    post: i64,
    /// Not before this time: 2d, "2026-11-24 09:00" in the profile's zone, or with an offset
    #[arg(long, value_name = "TIME", value_parser = times::typed)]
    at: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn approve(view: &View, args: &ManyArgs) -> Done {
    if let Some(post) = args.post {
        return one(view, (post, args.json), &Event::Approve).await;
    }
    if let Err(exit) = view.want_feed(args.feed.as_deref()) {
        return Ok(exit);
    }
    let posts = view.desk().approve_all(args.feed.as_deref()).await?;
    told(posts, "approved", args.json)
}

pub(super) async fn skip(view: &View, args: &ManyArgs) -> Done {
    if let Some(post) = args.post {
        return one(view, (post, args.json), &Event::Skip).await;
    }
    // A feed that is gone from the config may have left posts.
    let posts = view.desk().skip_all(args.feed.as_deref().map_or(Many::All, Many::Feed)).await?;
    if posts == 0
        && let Err(exit) = view.want_feed(args.feed.as_deref())
    {
        return Ok(exit);
    }
    told(posts, "skipped", args.json)
}

fn told(posts: usize, done: &str, json: bool) -> Done {
    if json {
        out::json(&json!({ done: posts }))?;
    } else {
        out::say(&format!("{done} {}", out::count(posts, "post")));
    }
    Ok(Exit::Done)
}

/// Does one thing to one post.
pub(super) async fn one(view: &View, (post, json): (i64, bool), event: &Event) -> Done {
    let post = view.desk().act(post, event).await?;
    if json {
        out::json(&as_json(view, &post))?;
    } else {
        out::say(&format!("post {} is {}{}", post.id, post.life.state.word(), next(view, &post)));
    }
    Ok(Exit::Done)
}

/// What comes next of a post that a person changed.
fn next(view: &View, post: &Post) -> &'static str {
    let running = crate::store::lock::DaemonLock::is_taken(view.store.path());
    match (post.life.state, running) {
        (State::Queued, true) => "; the daemon acts on it within a second",
        (State::Queued, false) => "; no daemon is running: `tidings run` sends it",
        _ => "",
    }
}

pub(super) async fn edit(place: &Caller, view: &View, args: &EditArgs) -> Done {
    let text = match (&args.text, &args.file) {
        (Some(text), _) => text.clone(),
        (None, Some(file)) if file.as_os_str() == "-" => read(std::io::stdin().lock())?,
        (None, Some(file)) => match std::fs::File::open(file) {
            Ok(open) => read(open)?,
            Err(error) => {
                out::complain(&format!("error: cannot read {}: {error}", file.display()));
                return Ok(Exit::Usage);
            }
        },
        (None, None) => match in_editor(place, view, args.post).await? {
            Ok(text) => text,
            Err(exit) => return Ok(exit),
        },
    };
    let before = view.store.post(args.post).await?.map(|post| view.outlook().cost_of(&post));
    let post = if args.same_text {
        view.desk().edit_to_the_same(args.post, &text).await?
    } else {
        view.desk().edit(args.post, &text).await?
    };
    if args.json {
        out::json(&as_json(view, &post))?;
        return Ok(Exit::Done);
    }
    out::say(&format!("post {} says now:", post.id));
    for line in post.text.lines() {
        out::say(&format!("  │ {line}"));
    }
    let limit = view.config.length_limit(&post.feed, &post.lane.platform);
    let cost = view.outlook().cost_of(&post);
    let was = before.filter(|before| *before != cost);
    let was = was.map(|before| format!(", it was {before}")).unwrap_or_default();
    let link = if post.has_link { "with a link" } else { "without a link" };
    out::say(&format!("  {}/{limit}, {cost} {link}{was}", post.weighted_length));
    Ok(Exit::Done)
}

fn read(from: impl std::io::Read) -> Result<String, anyhow::Error> {
    let mut text = String::new();
    from.take(TEXT_BYTES_MAX + 1).read_to_string(&mut text)?;
    Ok(text)
}

/// Has the person change a post's text in their editor.
async fn in_editor(
    place: &Caller,
    view: &View,
    id: i64,
) -> Result<Result<String, Exit>, anyhow::Error> {
    let post = view.store.post(id).await?.ok_or(crate::daemon::Error::NoSuchPost(id))?;
    let editor = ["VISUAL", "EDITOR"].iter().find_map(|name| place.env.get(name));
    let (Some(editor), true) = (editor, std::io::stdin().is_terminal()) else {
        out::complain(
            "error: say the new text with --text or --file; on a terminal your editor opens when \
             $VISUAL or $EDITOR names it",
        );
        return Ok(Err(Exit::Usage));
    };
    let folder = Scratch::new("edit")?;
    let file = folder.path().join(format!("post-{id}.txt"));
    std::fs::write(&file, format!("{}\n", post.text))?;
    let (editor, file_of) = (editor.to_owned(), file.clone());
    let ended = tokio::task::spawn_blocking(move || open(&editor, &file_of)).await??;
    if !ended.success() {
        out::complain(&format!("error: the editor ended with {ended}; nothing was changed"));
        return Ok(Err(Exit::Failed));
    }
    let text = read(std::fs::File::open(&file)?)?;
    if text.trim() == post.text {
        out::say("the text is as it was; nothing was changed");
        return Ok(Err(Exit::Done));
    }
    Ok(Ok(text))
}

/// Runs an editor, which may be named with arguments.
fn open(editor: &str, file: &Path) -> std::io::Result<std::process::ExitStatus> {
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or_default();
    Command::new(program).args(words).arg(file).status()
}

pub(super) async fn put(view: &View, args: &MoveArgs) -> Done {
    let (place, told) = match args.before {
        Some(other) => (Place::Before(other), format!("goes just before post {other}")),
        None if args.last => (Place::Last, "goes behind all others".to_owned()),
        None => (Place::First, "goes before all others".to_owned()),
    };
    let post = view.desk().move_post(args.post, place).await?;
    if args.json {
        out::json(&as_json(view, &post))?;
        return Ok(Exit::Done);
    }
    let lane = &post.lane;
    let but = if post.priority == 0 { "" } else { ", breaking ones aside" };
    let held = if post.life.state == State::Held { "; it still awaits your approval" } else { "" };
    out::say(&format!("post {} {told} of {lane}{but}{held}; `tidings plan` shows when", post.id));
    Ok(Exit::Done)
}

/// What `--at` means for a post; complains where that is no time, or a past one.
fn at(view: &View, typed: Option<&str>, zone: Tz) -> Result<Option<DateTime<Utc>>, Exit> {
    let Some(typed) = typed else { return Ok(None) };
    match times::read(typed, zone, view.now) {
        Some(at) if at > view.now => Ok(Some(at)),
        Some(at) => {
            let at = out::when(at, zone, view.now);
            out::complain(&format!(
                "error: --at lies in the past: {at}; without a time it goes as soon as its pace \
                 allows (`tidings queue reschedule POST --asap`)"
            ));
            Err(Exit::Usage)
        }
        None => {
            out::complain(&format!("error: --at {typed:?} is not a time; {}", times::FORMS));
            Err(Exit::Usage)
        }
    }
}

/// What became of a post after it was published, a line each.
pub(super) fn aftermath(post: &Post, zone: Tz) -> Vec<String> {
    let known = &post.aftermath;
    let mut lines = Vec::new();
    if let Some(first) = known.repost_of {
        lines.push(format!("post {first} once more, by hand"));
    }
    if let Some(at) = known.corrected_at {
        lines.push(format!(
            "corrected by its feed {}, after it was published: the headline is now {:?}",
            out::clock_time(at, zone),
            known.correction
        ));
    }
    if let Some(at) = known.deleted_at {
        let by = known.deleted_by.as_deref().unwrap_or("unknown");
        lines.push(format!("deleted {} by {by}", out::clock_time(at, zone)));
    }
    lines
}

pub(super) async fn repost(view: &View, args: &RepostArgs) -> Done {
    let post = view.store.post(args.post).await?;
    let post = post.ok_or(crate::daemon::Error::NoSuchPost(args.post))?;
    let zone = view.zone(&post.lane);
    let at = match at(view, args.at.as_deref(), zone) {
        Ok(at) => at,
        Err(exit) => return Ok(exit),
    };
    let new = view.desk().repost(args.post, at).await?;
    if args.json {
        out::json(&as_json(view, &new))?;
        return Ok(Exit::Done);
    }
    let cost = view.outlook().cost_of(&new);
    let when = at.map_or_else(
        || "as soon as its pace allows".to_owned(),
        |at| format!("not before {}", out::when(at, zone, view.now)),
    );
    out::say(&format!("post {} is queued: post {} once more, {when}, {cost}", new.id, args.post));
    Ok(Exit::Done)
}

pub(super) async fn reschedule(view: &View, args: &RescheduleArgs) -> Done {
    let post = view.store.post(args.post).await?;
    let post = post.ok_or(crate::daemon::Error::NoSuchPost(args.post))?;
    let zone = view.zone(&post.lane);
    let at = match at(view, args.at.as_deref(), zone) {
        Ok(at) => at,
        Err(exit) => return Ok(exit),
    };
    let post = view.desk().reschedule(args.post, at).await?;
    if args.json {
        out::json(&as_json(view, &post))?;
        return Ok(Exit::Done);
    }
    let when = at.map_or_else(
        || "goes as soon as its pace allows".to_owned(),
        |at| format!("goes not before {}", out::when(at, zone, view.now)),
    );
    let held = if post.life.state == State::Held { "; it still awaits your approval" } else { "" };
    out::say(&format!("post {} {when}{held}; `tidings plan` shows when", post.id));
    Ok(Exit::Done)
}
