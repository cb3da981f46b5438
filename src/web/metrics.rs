//! `/metrics`: what happens and how things stand, as Prometheus reads it.
//!
//! Promises: labels are bounded: networks, states, causes, and the first profiles of the config; never a
//! feed or a text of one. Must not: ask Ayrshare.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::trouble::Trouble;
use super::view::View;
use super::{Sitting, Web};
use crate::daemon::costs::Owner;
use crate::daemon::tally::{Counts, LATENESS_BOUNDS};
use crate::daemon::{Error, spoken};
use crate::domain::breaker::{Cause, Scope};
use crate::domain::cost::Usd;
use crate::domain::post::State as PostState;

/// Profiles with series of their own; those beyond are summed up as `other`.
const PROFILES_MAX: usize = 100;
/// The type of the answer.
const KIND: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Names that stand in several places.
const AGE: &str = "tidings_queue_oldest_age_seconds";
const OVERDUE: &str = "tidings_feed_overdue_seconds";
const SPENT: &str = "tidings_spent_month_dollars";
const LATENESS: &str = "tidings_lateness_seconds";
/// The label of profiles beyond [`PROFILES_MAX`].
const OTHER: &str = "other";

/// All of it.
pub(super) async fn metrics(State(web): State<Arc<Web>>) -> Response {
    match text(&web.sitting()).await {
        Ok(text) => ([(header::CONTENT_TYPE, KIND)], text).into_response(),
        Err(error) => Trouble::from(error).at("/metrics"),
    }
}

async fn text(present: &Sitting) -> Result<String, Error> {
    let mut page = Exposition::default();
    page.head("tidings_build_info", "gauge", "The version that runs.");
    page.line("tidings_build_info", &[("version", env!("CARGO_PKG_VERSION"))], "1");
    let ailing = present.daemon.ailing().await.is_some();
    page.head("tidings_healthy", "gauge", "1 while all loops turn and the database answers.");
    page.line("tidings_healthy", &[], if ailing { "0" } else { "1" });
    counters(&mut page, &present.daemon.tally.counts());
    let view = present.view();
    queue(&mut page, &view).await?;
    stops(&mut page, &view).await?;
    feeds(&mut page, &view).await?;
    money(&mut page, &view).await?;
    Ok(page.0)
}

/// What was counted since the start.
fn counters(page: &mut Exposition, counts: &Counts) {
    page.head("tidings_fetches_total", "counter", "Fetches of feeds, by how they ended.");
    for how in ["read", "not modified", "same body"] {
        let number = counts.fetches.get(how).copied().unwrap_or(0);
        page.number("tidings_fetches_total", &[("outcome", &how.replace(' ', "_"))], number);
    }
    page.number("tidings_fetches_total", &[("outcome", "failed")], counts.failed_fetches);
    page.head("tidings_entries_total", "counter", "Entries in what was fetched.");
    page.number("tidings_entries_total", &[("seen", "new")], counts.new_entries);
    page.number("tidings_entries_total", &[("seen", "known")], counts.known_entries);
    page.head("tidings_requests_total", "counter", "Requests to publish that left, by network.");
    for (platform, number) in &counts.requests {
        page.number("tidings_requests_total", &[("platform", platform)], *number);
    }
    page.head(
        "tidings_attempts_total",
        "counter",
        "How requests to publish ended: the state that the post came to.",
    );
    for ((platform, state), number) in &counts.outcomes {
        let labels = [("platform", platform.as_str()), ("outcome", outcome(*state))];
        page.number("tidings_attempts_total", &labels, *number);
    }
    page.head(
        "tidings_lookups_total",
        "counter",
        "Look-ups of doubtful posts that settled something.",
    );
    for (state, number) in &counts.lookups {
        page.number("tidings_lookups_total", &[("outcome", outcome(*state))], *number);
    }
    page.head("tidings_stops_total", "counter", "Stops that began, by cause.");
    for (cause, number) in &counts.stops {
        page.number("tidings_stops_total", &[("cause", cause)], *number);
    }
    lateness(page, counts);
}

/// `queued` after a request means that it is tried again.
const fn outcome(state: PostState) -> &'static str {
    match state {
        PostState::Queued => "retry",
        PostState::Held
        | PostState::Sending
        | PostState::Posted
        | PostState::Unconfirmed
        | PostState::Failed
        | PostState::Skipped
        | PostState::Expired => state.word(),
    }
}

fn lateness(page: &mut Exposition, counts: &Counts) {
    page.head(LATENESS, "histogram", "How long after it was due each post left.");
    let mut sum = 0;
    let bounds = LATENESS_BOUNDS.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
    for (bound, number) in bounds.zip(counts.lateness) {
        sum += number;
        page.number("tidings_lateness_seconds_bucket", &[("le", &bound)], sum);
    }
    let (seconds, ms) = (counts.lateness_sum_ms / 1000, counts.lateness_sum_ms % 1000);
    page.line("tidings_lateness_seconds_sum", &[], &format!("{seconds}.{ms:03}"));
    page.number("tidings_lateness_seconds_count", &[], sum);
}

/// How many posts wait, and how long.
async fn queue(page: &mut Exposition, view: &View<'_>) -> Result<(), Error> {
    let profiles = Profiles::of(view);
    let mut depth: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
    let mut oldest: BTreeMap<&str, i64> = BTreeMap::new();
    let census = view.store.census().await?;
    for one in &census {
        let profile = profiles.label(&one.lane.profile);
        let key = (profile, one.lane.platform.as_str(), one.state.word());
        *depth.entry(key).or_default() += one.posts;
        if one.state == PostState::Queued {
            let age = std::cmp::max((view.now - one.oldest_at).num_seconds(), 0);
            let known = oldest.entry(profile).or_default();
            *known = std::cmp::max(*known, age);
        }
    }
    page.head("tidings_posts", "gauge", "Posts by the state that they are in.");
    for ((profile, platform, state), number) in &depth {
        let labels = [("profile", *profile), ("platform", platform), ("state", state)];
        page.number("tidings_posts", &labels, *number);
    }
    page.head(AGE, "gauge", "Since when the oldest queued post waits.");
    for (profile, age) in &oldest {
        page.line(AGE, &[("profile", profile)], &age.to_string());
    }
    Ok(())
}

/// What is stopped now; everything that can stop has a line, so that an alert sees the change.
async fn stops(page: &mut Exposition, view: &View<'_>) -> Result<(), Error> {
    let open = view.store.open_breakers().await?;
    page.head("tidings_breakers_open", "gauge", "Stops that are open, by cause and reach.");
    for cause in Cause::ALL {
        for scope in ["all", "profile", "lane", "feed"] {
            let reach = |it: &Scope| match it {
                Scope::All => "all",
                Scope::Profile(_) => "profile",
                Scope::Lane(_) => "lane",
                Scope::Feed(_) => "feed",
            };
            let number =
                open.iter().filter(|it| it.cause == cause && reach(&it.scope) == scope).count();
            let labels = [("cause", cause.word()), ("scope", scope)];
            page.line("tidings_breakers_open", &labels, &number.to_string());
        }
    }
    Ok(())
}

async fn feeds(page: &mut Exposition, view: &View<'_>) -> Result<(), Error> {
    let states = view.store.feeds().await?;
    let mut healths: BTreeMap<&str, u64> =
        ["ok", "new", "failing", "gone"].into_iter().map(|word| (word, 0)).collect();
    let states: std::collections::HashMap<_, _> =
        states.iter().map(|state| (state.name.as_str(), state)).collect();
    let mut overdue = 0;
    for feed in &view.config.feeds {
        let state = states.get(feed.name.as_str()).copied();
        *healths.entry(spoken::health(state)).or_default() += 1;
        if let Some(state) = state.filter(|state| state.gone_at.is_none()) {
            overdue = std::cmp::max(overdue, (view.now - state.next_poll_at).num_seconds());
        }
    }
    page.head("tidings_feeds", "gauge", "Feeds by their health.");
    for (health, number) in &healths {
        page.number("tidings_feeds", &[("health", health)], *number);
    }
    page.head(OVERDUE, "gauge", "How long the feed that waits the longest is due.");
    page.line(OVERDUE, &[], &overdue.to_string());
    Ok(())
}

/// What is spent and left in the present period of each budget, and what each profile's month cost.
async fn money(page: &mut Exposition, view: &View<'_>) -> Result<(), Error> {
    let profiles = Profiles::of(view);
    let month = crate::domain::plan::period_start(
        chrono_tz::Tz::UTC,
        crate::domain::plan::Period::Month,
        view.now,
    );
    let mut spent: BTreeMap<String, Usd> = BTreeMap::new();
    for one in view.store.spending(&[(month, view.now + chrono::TimeDelta::days(1))]).await? {
        let sum = spent.entry(profiles.label(&one.profile).to_owned()).or_default();
        *sum = sum.plus(one.billed);
    }
    page.head(SPENT, "gauge", "What X billed since the month began, in UTC.");
    for (profile, usd) in &spent {
        page.line(SPENT, &[("profile", profile)], &dollars(*usd));
    }
    let budgets = view.outlook().budgets(view.now).await?;
    let known = |owner: &Owner| match owner {
        Owner::All => Some(("all", String::new())),
        Owner::Profile(name) if profiles.label(name) == name => Some(("profile", name.clone())),
        // Feeds and groups have no labels: there may be thousands.
        Owner::Profile(_) | Owner::Feed(_) | Owner::Group(_) => None,
    };
    for (name, help) in [
        ("tidings_budget_dollars", "What may be spent in the present period."),
        ("tidings_budget_spent_dollars", "What of it is spent, as budgets count it."),
        ("tidings_budget_left_dollars", "What of it is left."),
    ] {
        page.head(name, "gauge", help);
        for state in &budgets {
            let Some((owner, profile)) = known(&state.owner) else { continue };
            let (usd, spent) = (state.spent.budget.usd, state.spent.spent);
            let left = Usd::from_micros(std::cmp::max(usd.micros() - spent.micros(), 0));
            let value = match name {
                "tidings_budget_dollars" => usd,
                "tidings_budget_spent_dollars" => spent,
                _ => left,
            };
            page.line(name, &[("owner", owner), ("profile", &profile)], &dollars(value));
        }
    }
    Ok(())
}

fn dollars(usd: Usd) -> String {
    let micros = usd.micros();
    let sign = if micros < 0 { "-" } else { "" };
    format!("{sign}{}.{:06}", micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000)
}

/// The profiles that have series of their own.
struct Profiles<'a>(Vec<&'a str>);

impl<'a> Profiles<'a> {
    fn of(view: &View<'a>) -> Self {
        let profiles = view.config.profiles.iter().take(PROFILES_MAX);
        Self(profiles.map(|profile| profile.name.as_str()).collect())
    }

    fn label<'b>(&self, profile: &'b str) -> &'b str {
        if self.0.contains(&profile) { profile } else { OTHER }
    }
}

/// The text format of Prometheus.
#[derive(Debug, Default)]
struct Exposition(String);

impl Exposition {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a text never fails.
        let _never = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}").is_ok();
    }

    fn number(&mut self, name: &str, labels: &[(&str, &str)], value: u64) {
        self.line(name, labels, &value.to_string());
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: &str) {
        let labels: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels =
            if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _never = writeln!(self.0, "{name}{labels} {value}").is_ok();
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_as_prometheus_wants_it() {
        let mut page = Exposition::default();
        page.head("a_total", "counter", "Things.");
        page.number("a_total", &[("name", "x\"y\\z\n")], 3);
        let counts = Counts { lateness: [2, 0, 1, 0, 0, 0, 0, 0, 0, 1], ..Counts::default() };
        lateness(&mut page, &counts);
        insta::assert_snapshot!(page.0, @r#"
        # HELP a_total Things.
        # TYPE a_total counter
        a_total{name="x\"y\\z\n"} 3
        # HELP tidings_lateness_seconds How long after it was due each post left.
        # TYPE tidings_lateness_seconds histogram
        tidings_lateness_seconds_bucket{le="1"} 2
        tidings_lateness_seconds_bucket{le="5"} 2
        tidings_lateness_seconds_bucket{le="15"} 3
        tidings_lateness_seconds_bucket{le="60"} 3
        tidings_lateness_seconds_bucket{le="300"} 3
        tidings_lateness_seconds_bucket{le="900"} 3
        tidings_lateness_seconds_bucket{le="3600"} 3
        tidings_lateness_seconds_bucket{le="21600"} 3
        tidings_lateness_seconds_bucket{le="86400"} 3
        tidings_lateness_seconds_bucket{le="+Inf"} 4
        tidings_lateness_seconds_sum 0.000
        tidings_lateness_seconds_count 4
        "#);
    }

    #[test]
    fn dollars_are_plain_numbers() {
        assert_eq!(dollars(Usd::from_micros(215_000)), "0.215000");
        assert_eq!(dollars(Usd::from_micros(-1_500_000)), "-1.500000");
    }
}
