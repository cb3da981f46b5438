//! `tidings report`: what was published for one client in a month, to be sent to that client.
//!
//! Promises: Markdown, CSV or JSON of the same facts; what a feed says can neither break the table nor
//! run in a spreadsheet. Must not: show keys, or anything of another client.

use clap::Args;
use serde_json::{Value, json};

use super::cost::month;
use super::out;
use super::setup::{Place, View, open, want};
use super::{Done, Exit};
use crate::daemon::costs::{Span, last_days, month_of};
use crate::domain::cost::Usd;
use crate::domain::post::State;
use crate::store::posts::Post;

/// Posts of one report; an account can't publish more in a month.
const POSTS_MAX: u32 = 100_000;
/// Columns of a text in Markdown.
const TEXT_MAX: usize = 120;

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// The profiles of this group
    #[arg(long)]
    group: Option<String>,
    /// This profile
    #[arg(long, conflicts_with = "group")]
    profile: Option<String>,
    /// This month, such as 2026-11; left out: the present one
    #[arg(long, value_parser = month)]
    month: Option<chrono::NaiveDate>,
    /// Print CSV
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What a report tells.
struct Report {
    whose: String,
    span: Span,
    cost: Usd,
    posts: Vec<Post>,
}

impl Report {
    fn count(&self, state: State) -> usize {
        self.posts.iter().filter(|post| post.life.state == state).count()
    }
}

pub(super) async fn run(place: &Place, args: &ReportArgs) -> Done {
    let view = open!(place);
    let groups = view.config.groups.iter().map(|group| group.name.as_str());
    let known = want("group", args.group.as_deref(), groups);
    if let Err(exit) = known.and_then(|()| view.want_profile(args.profile.as_deref())) {
        return Ok(exit);
    }
    let report = report(&view, args).await?;
    if args.json {
        out::json(&as_json(&report))?;
    } else if args.csv {
        out::say(as_csv(&view, &report)?.trim_end());
    } else {
        say_markdown(&view, &report);
    }
    Ok(Exit::Done)
}

async fn report(view: &View, args: &ReportArgs) -> Result<Report, anyhow::Error> {
    let (whose, profiles) = match (&args.group, &args.profile) {
        (Some(group), _) => (group.clone(), view.config.members(group)),
        (None, Some(profile)) => (profile.clone(), vec![profile.as_str()]),
        (None, None) => (
            "all profiles".to_owned(),
            view.config.profiles.iter().map(|profile| profile.name.as_str()).collect(),
        ),
    };
    let zone = profiles.first().map_or_else(|| view.home_zone(), |name| view.config.zone(name));
    let today =
        last_days(zone, view.now, 1).first().map_or_else(|| view.now.date_naive(), |it| it.first);
    let span = month_of(zone, args.month.unwrap_or(today));
    let times = (span.from, span.to);
    let spendings = view.store.spending(&[times]).await?;
    let is_theirs = |name: &str| profiles.contains(&name);
    let cost = spendings.iter().filter(|one| is_theirs(&one.profile)).map(|one| one.billed).sum();
    let posts = view.store.settled_between(&profiles, times, POSTS_MAX).await?;
    Ok(Report { whose, span, cost, posts })
}

/// The states that a client is told of.
const TOLD: [State; 4] = [State::Posted, State::Failed, State::Skipped, State::Expired];

fn say_markdown(view: &View, report: &Report) {
    out::say(&format!("# {}, {}\n", escaped(&report.whose), report.span.first.format("%B %Y")));
    let counts: Vec<String> =
        TOLD.iter().map(|state| format!("{} {}", report.count(*state), state.word())).collect();
    out::say(&format!("{}; cost at X: {}\n", counts.join(", "), report.cost));
    let of = |published: bool| {
        report.posts.iter().filter(move |it| (it.life.state == State::Posted) == published)
    };
    let when = |post: &Post| out::clock_time(post.changed_at, view.zone(&post.lane));
    let text = |post: &Post| escaped(&out::short(&post.text, TEXT_MAX));
    if of(true).next().is_some() {
        out::say("| When | Profile | Network | Text | Link |\n|---|---|---|---|---|");
    }
    for post in of(true) {
        let url = post.life.receipt.url.as_deref().map_or_else(String::new, link);
        let (lane, text) = (&post.lane, text(post));
        out::say(&format!(
            "| {} | {} | {} | {text} | {url} |",
            when(post),
            escaped(&lane.profile),
            lane.platform
        ));
    }
    if of(false).next().is_some() {
        out::say(
            "\n## Not published\n\n| When | Profile | Network | Text | Why |\n|---|---|---|---|---|",
        );
    }
    for post in of(false) {
        let (lane, text) = (&post.lane, text(post));
        let why = escaped(&out::short(&post.life.reason, TEXT_MAX));
        out::say(&format!(
            "| {} | {} | {} | {text} | {}: {why} |",
            when(post),
            escaped(&lane.profile),
            lane.platform,
            post.life.state.word()
        ));
    }
}

/// A text that means nothing in Markdown but itself.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for sign in text.chars() {
        if "\\`*_[]<>|#!&".contains(sign) {
            escaped.push('\\');
        }
        escaped.push(if sign.is_control() { ' ' } else { sign });
    }
    escaped
}

/// An address as a link of its own; what can't be one is shown as text.
fn link(url: &str) -> String {
    let is_plain = |sign: char| sign.is_ascii_graphic() && !"<>|`".contains(sign);
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    if is_web && url.chars().all(is_plain) { format!("<{url}>") } else { escaped(url) }
}

fn as_csv(view: &View, report: &Report) -> Result<String, anyhow::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["when", "profile", "network", "feed", "state", "text", "link", "why"])?;
    for post in &report.posts {
        let when = post.changed_at.with_timezone(&view.zone(&post.lane)).to_rfc3339();
        writer.write_record([
            &when,
            &cell(&post.lane.profile),
            &post.lane.platform,
            &cell(&post.feed),
            post.life.state.word(),
            &cell(&post.text),
            &cell(post.life.receipt.url.as_deref().unwrap_or_default()),
            &cell(&post.life.reason),
        ])?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

/// A cell that no spreadsheet takes for a formula.
fn cell(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

fn as_json(report: &Report) -> Value {
    let posts: Vec<Value> = report
        .posts
        .iter()
        .map(|post| {
            json!({
                "post": post.id,
                "at": post.changed_at,
                "profile": post.lane.profile,
                "platform": post.lane.platform,
                "feed": post.feed,
                "state": post.life.state.word(),
                "text": post.text,
                "url": post.life.receipt.url,
                "reason": post.life.reason,
            })
        })
        .collect();
    let counts = TOLD.map(|state| (state.word().to_owned(), Value::from(report.count(state))));
    json!({
        "whose": report.whose,
        "from": report.span.from,
        "to": report.span.to,
        "counts": counts.into_iter().collect::<serde_json::Map<_, _>>(),
        "billed_usd_micros": report.cost.micros(),
        "posts": posts,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_breaks_no_table_and_runs_in_no_spreadsheet() {
        assert_eq!(escaped("a | b\n<b>*x*</b>"), r"a \| b \<b\>\*x\*\</b\>");
        assert_eq!(link("https://x.com/a/status/1"), "<https://x.com/a/status/1>");
        assert_eq!(link("javascript:a|b"), r"javascript:a\|b");
        assert_eq!(cell("=HYPERLINK(1)"), "'=HYPERLINK(1)");
        assert_eq!(cell("plain"), "plain");
    }
}
