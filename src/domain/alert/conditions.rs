//! Each alert in words: what is wrong, what is known of it, what to do.
//!
//! Promises: every remedy names a command or a place. Must not: find out what is wrong.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Alert, Kind, Severity, line};
use crate::domain::breaker::{Cause, Ending, Lane, Scope};
use crate::domain::cost::Usd;

/// A stop that ends by itself is told only if it comes back for so long, and is over only after it
/// stayed away for so long.
const WAITS: TimeDelta = TimeDelta::minutes(10);
/// How long a feed fails before anybody hears of it.
const FAILING_FOR: TimeDelta = TimeDelta::days(1);
/// The disk has room again only after so long: files that come and go are no news.
const DISK_LINGERS: TimeDelta = TimeDelta::minutes(30);
/// Characters of a post that are shown.
const POST_SHOWN: usize = 120;

/// Sending stopped.
pub fn stop(scope: &Scope, cause: Cause, opened_at: DateTime<Utc>, detail: &str) -> Alert {
    let (place, profiles) = match scope {
        Scope::All => ("all lanes".to_owned(), Vec::new()),
        Scope::Profile(name) => (format!("profile {name}"), vec![name.clone()]),
        // Which profiles it has, the alert can't know: all are told.
        Scope::Feed(name) => (format!("feed {name}"), Vec::new()),
        Scope::Lane(lane) => (lane.to_string(), vec![lane.profile.clone()]),
    };
    let waits = cause.ending() == Ending::Wait;
    let severity = if cause == Cause::Paused {
        Severity::Info
    } else if waits {
        Severity::Warning
    } else {
        Severity::Critical
    };
    // What goes away by itself for a moment is still the same trouble.
    let since = if waits { 0 } else { opened_at.timestamp_millis() };
    let said = if detail.is_empty() { String::new() } else { format!(" It was said: {detail}") };
    let alert = Alert::new(
        (Kind::Stop, &format!("{scope}:{}:{since}", cause.word())),
        severity,
        (
            &format!("Sending stopped for {place}: {}", cause.sentence()),
            &format!("Nothing is lost: the queue keeps filling.{said}"),
            cause.remedy(),
        ),
    );
    let patience = if waits { WAITS } else { TimeDelta::zero() };
    alert.of(profiles).after(patience, patience)
}

/// What is told of a post.
#[derive(Debug, Clone, Copy)]
pub struct PostFacts<'a> {
    /// Its number.
    pub id: i64,
    /// Where it goes.
    pub lane: &'a Lane,
    /// Its text.
    pub text: &'a str,
    /// Why it is where it is.
    pub reason: &'a str,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// A post was refused for good.
pub fn post_failed(post: PostFacts<'_>) -> Alert {
    let PostFacts { id, lane, text, reason, since } = post;
    Alert::new(
        (Kind::PostFailed, &format!("{id}:{}", since.timestamp_millis())),
        Severity::Warning,
        (
            &format!("Post {id} failed on {lane}"),
            &format!("{reason}. It reads: {}", line(text, POST_SHOWN)),
            &format!("look at it with `tidings queue show {id}`, then `tidings queue retry {id}` or `tidings queue skip {id}`"),
        ),
    )
    .of(vec![lane.profile.clone()])
}

/// Nobody can tell whether a post is out.
pub fn post_in_doubt(post: PostFacts<'_>) -> Alert {
    let PostFacts { id, lane, text, since, .. } = post;
    Alert::new(
        (Kind::PostInDoubt, &format!("{id}:{}", since.timestamp_millis())),
        Severity::Critical,
        (
            &format!("Post {id} needs you: nobody can tell whether it is on {lane}"),
            &format!("Neither the answer nor the history says. It reads: {}", line(text, POST_SHOWN)),
            &format!("look at {lane}, then `tidings queue skip {id}` if it is there, `tidings queue retry {id}` if it is not"),
        ),
    )
    .of(vec![lane.profile.clone()])
}

/// Posts of a feed wait for approval.
pub fn posts_held(feed: &str, posts: i64, reason: &str, profiles: Vec<String>) -> Alert {
    let noun = if posts == 1 { "1 post waits" } else { &format!("{posts} posts wait") };
    Alert::new(
        (Kind::PostHeld, feed),
        Severity::Warning,
        (
            &format!("{noun} for approval, of feed {feed}"),
            reason,
            "look with `tidings queue list --state held`, then `tidings queue approve POST` or `tidings queue skip POST`",
        ),
    )
    .of(profiles)
}

/// An entry changed after it was posted.
pub fn correction(post: PostFacts<'_>, title: &str, url: Option<&str>) -> Alert {
    let PostFacts { id, lane, text, since, .. } = post;
    let place = url.map_or_else(|| lane.to_string(), ToOwned::to_owned);
    Alert::new(
        (Kind::Correction, &format!("{id}:{}", since.timestamp_millis())),
        Severity::Warning,
        (
            &format!("Post {id} is out, and its entry changed since"),
            &format!("Its headline is now: {}. The post reads: {}", line(title, POST_SHOWN), line(text, POST_SHOWN)),
            &format!("look at {place}; if the change matters, answer there, or take the post down with `tidings delete {id}`: Tidings sends nothing twice"),
        ),
    )
    .of(vec![lane.profile.clone()])
}

/// A feed can't be read; told when that lasts for a day.
pub fn feed_failing(feed: &str, error: &str, profiles: Vec<String>) -> Alert {
    Alert::new(
        (Kind::FeedFailing, feed),
        Severity::Warning,
        (
            &format!("Feed {feed} can't be read, for a day now"),
            error,
            &format!("open its address in a browser; mend it in the config if it moved, then `tidings feeds refresh {feed}`"),
        ),
    )
    .of(profiles)
    .after(FAILING_FOR, TimeDelta::zero())
}

/// A feed's server said that it is gone for good.
pub fn feed_gone(feed: &str, gone_at: DateTime<Utc>, profiles: Vec<String>) -> Alert {
    Alert::new(
        (Kind::FeedGone, &format!("{feed}:{}", gone_at.timestamp_millis())),
        Severity::Warning,
        (
            &format!("Feed {feed} is gone: its server answers 410"),
            "It is not asked any more. What is queued of it still goes out.",
            &format!("give its new address in the config, or take it out with `tidings feeds remove {feed}`; `tidings feeds refresh {feed}` asks once more"),
        ),
    )
    .of(profiles)
}

/// A feed is silent for longer than its habit.
pub fn feed_quiet(
    feed: &str,
    last: DateTime<Utc>,
    worrying: TimeDelta,
    profiles: Vec<String>,
) -> Alert {
    Alert::new(
        (Kind::FeedQuiet, feed),
        Severity::Warning,
        (
            &format!("Feed {feed} is quieter than its habit"),
            &format!(
                "Its last new entry came on {}; by its habit there is never more than {} between two. It can be read, so the address answers.",
                last.format("%Y-%m-%d"),
                span(worrying)
            ),
            "look at the site: is something published that its feed doesn't have?",
        ),
    )
    .of(profiles)
}

/// What is told of a budget.
#[derive(Debug, Clone)]
pub struct Spending {
    /// Whose it is, for a person.
    pub whose: String,
    /// How much there is for a period.
    pub budget: Usd,
    /// `day` or `month`.
    pub per: &'static str,
    /// How much was spent in this period.
    pub spent: Usd,
    /// What the next post costs at most.
    pub next: Usd,
    /// When the period began.
    pub since: DateTime<Utc>,
    /// The profiles that it concerns.
    pub profiles: Vec<String>,
}

/// The share of a budget, in percent, that is worth a word.
const LOW_PERCENT: i128 = 80;

/// A budget that is spent, or nearly so.
pub fn budget(it: &Spending) -> Option<Alert> {
    let key = format!("{}:{}", it.whose, it.since.timestamp_millis());
    let per = it.per;
    let body = format!("{} of {} are spent in this {per}.", it.spent, it.budget);
    let raise = "raise `budget` in the config if that is too early";
    let alert = if it.spent.plus(it.next) > it.budget {
        Alert::new(
            (Kind::BudgetSpent, &key),
            Severity::Critical,
            (
                &format!("The budget of {} is spent", it.whose),
                &format!("{body} It does not pay for one more post with a link ({}).", it.next),
                &format!("{raise}; `tidings plan` shows what waits for the next {per}"),
            ),
        )
    } else if i128::from(it.spent.micros()) * 100 >= i128::from(it.budget.micros()) * LOW_PERCENT {
        Alert::new(
            (Kind::BudgetLow, &key),
            Severity::Warning,
            (
                &format!("{LOW_PERCENT} % of the budget of {} are spent", it.whose),
                &body,
                &format!("{raise}; `tidings plan` shows for how long it lasts"),
            ),
        )
    } else {
        return None;
    };
    Some(alert.of(it.profiles.clone()))
}

/// The disk of the database is nearly full.
pub fn disk_low(free: u64, min_free: u64) -> Option<Alert> {
    (free < min_free).then(|| {
        let mib = |bytes: u64| bytes / (1024 * 1024);
        Alert::new(
            (Kind::DiskLow, "database"),
            Severity::Critical,
            (
                &format!("The disk of the database is nearly full: {} MiB are free", mib(free)),
                &format!("Less than {} MiB (`min_free`) are left. When nothing is left, nothing is taken in and nothing is sent.", mib(min_free)),
                "make room on it, or move the database (`path` in [store])",
            ),
        )
        .after(TimeDelta::zero(), DISK_LINGERS)
    })
}

/// A backup failed.
pub fn backup_failed(why: &str) -> Alert {
    Alert::new(
        (Kind::BackupFailed, "database"),
        Severity::Critical,
        (
            "The backup of the database failed",
            why,
            "mend what it names; the next backup that works ends this alert",
        ),
    )
}

/// What happened in a week.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Week {
    /// Posts that went out.
    pub posted: i64,
    /// Posts that failed.
    pub failed: i64,
    /// What it cost at X.
    pub cost: Usd,
    /// Feeds that are quieter than their habit.
    pub quiet: usize,
    /// Feeds that can't be read.
    pub failing: usize,
    /// Posts that wait for a person.
    pub needs_person: i64,
    /// Stops that are open.
    pub stops: usize,
}

/// The weekly proof of life.
pub fn weekly(receiver: &str, week: &Week, (since, now): (DateTime<Utc>, DateTime<Utc>)) -> Alert {
    let count = |number: usize, one: &str, many: &str| match number {
        0 => String::new(),
        1 => format!(", 1 {one}"),
        _ => format!(", {number} {many}"),
    };
    let needs = usize::try_from(week.needs_person).unwrap_or_default();
    let title = format!(
        "{} posted, {} failed, {}{}{}{}{}",
        week.posted,
        week.failed,
        week.cost,
        count(week.quiet, "feed quiet", "feeds quiet"),
        count(week.failing, "feed failing", "feeds failing"),
        count(needs, "post needs you", "posts need you"),
        count(week.stops, "stop", "stops"),
    );
    Alert::new(
        (Kind::Weekly, &format!("{receiver}:{}", now.timestamp_millis())),
        Severity::Info,
        (
            &title,
            &format!("From {} to {}.", since.format("%Y-%m-%d"), now.format("%Y-%m-%d")),
            "nothing, if that is as you expect: `tidings status` shows what is",
        ),
    )
}

/// `6 days`, `30 hours`.
fn span(time: TimeDelta) -> String {
    if time < TimeDelta::hours(48) {
        format!("{} hours", time.num_hours())
    } else {
        format!("{} days", time.num_days())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spending(spent: i64) -> Spending {
        Spending {
            whose: "profile main".to_owned(),
            budget: Usd::from_micros(10_000_000),
            per: "month",
            spent: Usd::from_micros(spent),
            next: Usd::from_micros(200_000),
            since: DateTime::UNIX_EPOCH,
            profiles: Vec::new(),
        }
    }

    #[test]
    fn a_budget_is_told_at_80_percent_and_when_it_pays_for_no_more() {
        let kind = |spent| budget(&spending(spent)).map(|alert| alert.kind);
        assert_eq!(kind(0), None);
        assert_eq!(kind(7_999_999), None);
        assert_eq!(kind(8_000_000), Some(Kind::BudgetLow));
        assert_eq!(kind(9_800_000), Some(Kind::BudgetLow));
        assert_eq!(kind(9_800_001), Some(Kind::BudgetSpent));
        assert_eq!(kind(i64::MAX), Some(Kind::BudgetSpent));
    }

    #[test]
    fn every_stop_names_its_remedy_and_those_that_pass_by_themselves_wait() {
        for cause in Cause::ALL {
            let scope = Scope::Lane(Lane::new("main", "twitter"));
            let alert = stop(&scope, cause, DateTime::UNIX_EPOCH, "said so");
            assert_eq!(alert.remedy, line(cause.remedy(), 600));
            assert_eq!(alert.patience > TimeDelta::zero(), cause.ending() == Ending::Wait);
            assert_eq!(alert.profiles, ["main"]);
        }
    }

    #[test]
    fn a_week_in_one_line() {
        let week =
            Week { posted: 12, cost: Usd::from_micros(2_400_000), quiet: 2, ..Week::default() };
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(7);
        let title = |week: &Week| weekly("ops", week, (DateTime::UNIX_EPOCH, now)).title;
        assert_eq!(title(&week), "12 posted, 0 failed, $2.40, 2 feeds quiet");
        let bad = Week { failing: 1, needs_person: 3, stops: 1, quiet: 0, ..week };
        assert_eq!(
            title(&bad),
            "12 posted, 0 failed, $2.40, 1 feed failing, 3 posts need you, 1 stop"
        );
    }

    #[test]
    fn only_too_little_room_is_told() {
        assert_eq!(disk_low(10, 10), None);
        assert_eq!(disk_low(0, 0), None);
        assert_eq!(disk_low(9, 10).map(|alert| alert.kind), Some(Kind::DiskLow));
    }
}
