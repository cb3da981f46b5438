//! Alerts: what is wrong and has to be told once, and what of it is new, goes on or is over.
//!
//! Promises: an alert is told once, its end at most once, and again only if it ended and came back;
//! whatever stands in one is a single line without control characters. Must not: know who is told.

pub mod conditions;
pub mod habit;
pub mod render;

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::visible::tidy;

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Sending stopped: a breaker is open.
    Stop,
    /// A post was refused for good.
    PostFailed,
    /// Nobody can tell whether a post is out.
    PostInDoubt,
    /// Posts of a feed wait for approval.
    PostHeld,
    /// An entry changed after it was posted.
    Correction,
    /// A feed can't be read for a day.
    FeedFailing,
    /// A feed's server said that it is gone for good.
    FeedGone,
    /// A feed is silent for longer than its habit.
    FeedQuiet,
    /// Most of a budget is spent.
    BudgetLow,
    /// A budget is spent.
    BudgetSpent,
    /// The disk of the database is nearly full.
    DiskLow,
    /// A backup failed.
    BackupFailed,
    /// The weekly proof of life.
    Weekly,
    /// A person wants to see whether alerts arrive.
    Test,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 14] = [
        Self::Stop,
        Self::PostFailed,
        Self::PostInDoubt,
        Self::PostHeld,
        Self::Correction,
        Self::FeedFailing,
        Self::FeedGone,
        Self::FeedQuiet,
        Self::BudgetLow,
        Self::BudgetSpent,
        Self::DiskLow,
        Self::BackupFailed,
        Self::Weekly,
        Self::Test,
    ];

    /// The word in the config, the database and messages.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::PostFailed => "post_failed",
            Self::PostInDoubt => "post_in_doubt",
            Self::PostHeld => "post_held",
            Self::Correction => "correction",
            Self::FeedFailing => "feed_failing",
            Self::FeedGone => "feed_gone",
            Self::FeedQuiet => "feed_quiet",
            Self::BudgetLow => "budget_low",
            Self::BudgetSpent => "budget_spent",
            Self::DiskLow => "disk_low",
            Self::BackupFailed => "backup_failed",
            Self::Weekly => "weekly",
            Self::Test => "test",
        }
    }

    /// Reads what [`Kind::word`] wrote.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Whether its end is worth a message; of the others a person ended it, or the calendar did.
    pub const fn tells_end(self) -> bool {
        match self {
            Self::Stop
            | Self::FeedFailing
            | Self::FeedGone
            | Self::FeedQuiet
            | Self::DiskLow
            | Self::BackupFailed => true,
            Self::PostFailed
            | Self::PostInDoubt
            | Self::PostHeld
            | Self::Correction
            | Self::BudgetLow
            | Self::BudgetSpent
            | Self::Weekly
            | Self::Test => false,
        }
    }

    /// Whether it is told when it happens, rather than found by looking at what is.
    pub const fn is_event(self) -> bool {
        matches!(self, Self::BackupFailed) || self.is_asked_for()
    }

    /// Whether a receiver gets it because it was asked for, rather than because something is wrong.
    pub const fn is_asked_for(self) -> bool {
        matches!(self, Self::Weekly | Self::Test)
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Somebody should look at it soon.
    Warning,
    /// Something is not published as long as nobody acts.
    Critical,
}

impl Severity {
    /// All, from the least.
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Critical];

    /// The word in the config, the database and messages.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// Reads what [`Severity::word`] wrote.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.word() == word)
    }
}

/// One thing to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// What it is about.
    pub kind: Kind,
    /// At most one alert of a key is open at a time.
    pub key: String,
    /// How bad it is.
    pub severity: Severity,
    /// The profiles that it concerns; none: everything.
    pub profiles: Vec<String>,
    /// What is wrong, in a few words.
    pub title: String,
    /// What is known about it.
    pub body: String,
    /// What to do.
    pub remedy: String,
    /// It is told only if it lasts so long.
    pub patience: TimeDelta,
    /// It is over only after it was away for so long.
    pub linger: TimeDelta,
}

/// The longest title, in characters.
const TITLE_MAX: usize = 150;
/// The longest body or remedy, in characters.
const TEXT_MAX: usize = 600;

impl Alert {
    /// An alert that is told at once, and over at once.
    ///
    /// What stands in the texts may come from feeds and servers: each becomes one line of bounded
    /// length without control characters.
    pub fn new(
        (kind, key): (Kind, &str),
        severity: Severity,
        (title, body, remedy): (&str, &str, &str),
    ) -> Self {
        Self {
            kind,
            key: format!("{}:{key}", kind.word()),
            severity,
            profiles: Vec::new(),
            title: line(title, TITLE_MAX),
            body: line(body, TEXT_MAX),
            remedy: line(remedy, TEXT_MAX),
            patience: TimeDelta::zero(),
            linger: TimeDelta::zero(),
        }
    }

    /// The same, for these profiles alone.
    #[must_use]
    pub fn of(self, profiles: Vec<String>) -> Self {
        Self { profiles, ..self }
    }

    /// The same, told only after a while, and over only after a while.
    #[must_use]
    pub fn after(self, patience: TimeDelta, linger: TimeDelta) -> Self {
        Self { patience, linger, ..self }
    }
}

/// One line of what can be seen of a text, cut where it is long.
pub fn line(text: &str, max: usize) -> String {
    let tidy = tidy(text);
    let mut signs = tidy.chars();
    let head: String = signs.by_ref().take(max).collect();
    if signs.next().is_some() { head + "…" } else { head }
}

/// An open alert, as far as it matters for what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its number.
    pub id: i64,
    /// What it is about.
    pub kind: Kind,
    /// See [`Alert::key`].
    pub key: String,
    /// Not told before.
    pub tell_at: DateTime<Utc>,
    /// Whether it was told.
    pub is_told: bool,
    /// See [`Alert::linger`].
    pub linger: TimeDelta,
    /// Since when it is not there any more.
    pub away_since: Option<DateTime<Utc>>,
}

/// What becomes of an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It begins; it is told at once unless it has patience.
    Begin(Alert),
    /// It lasted long enough to be told.
    Tell(i64),
    /// It is away; whether for good is not known yet.
    Away(i64),
    /// It was away and is back.
    Back(i64),
    /// It is over.
    End(i64),
    /// It is over, and nobody ever heard of it.
    Forget(i64),
}

/// Compares what is open with what is seen now. Only kinds that were `looked` at can end.
pub fn compare(
    known: &[Known],
    seen: Vec<Alert>,
    looked: &[Kind],
    now: DateTime<Utc>,
) -> Vec<Step> {
    let open: HashMap<&str, &Known> = known.iter().map(|it| (it.key.as_str(), it)).collect();
    let keys: HashSet<String> = seen.iter().map(|it| it.key.clone()).collect();
    let mut begun = HashSet::new();
    let mut steps = Vec::new();
    for it in known {
        if looked.contains(&it.kind) && !keys.contains(&it.key) {
            steps.extend(gone(it, now));
        }
    }
    for alert in seen {
        match open.get(alert.key.as_str()) {
            None => {
                if begun.insert(alert.key.clone()) {
                    steps.push(Step::Begin(alert));
                }
            }
            Some(it) => {
                if it.away_since.is_some() {
                    steps.push(Step::Back(it.id));
                }
                if !it.is_told && it.tell_at <= now {
                    steps.push(Step::Tell(it.id));
                }
            }
        }
    }
    steps
}

/// What becomes of an alert whose cause is not seen.
fn gone(it: &Known, now: DateTime<Utc>) -> Option<Step> {
    let lingers = match it.away_since {
        _ if it.linger <= TimeDelta::zero() => false,
        // A clock that was set back begins the wait anew.
        None => return Some(Step::Away(it.id)),
        Some(since) if since > now => return Some(Step::Away(it.id)),
        Some(since) => now - since < it.linger,
    };
    match (lingers, it.is_told) {
        (true, _) => None,
        (false, true) => Some(Step::End(it.id)),
        (false, false) => Some(Step::Forget(it.id)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(key: &str) -> Alert {
        Alert::new((Kind::Stop, key), Severity::Critical, ("title", "body", "remedy"))
    }

    fn known(key: &str) -> Known {
        let tell_at = DateTime::UNIX_EPOCH;
        let linger = TimeDelta::zero();
        let key = format!("stop:{key}");
        Known { id: 1, kind: Kind::Stop, key, tell_at, is_told: true, linger, away_since: None }
    }

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    #[test]
    fn what_is_open_is_not_begun_again_and_ends_once() {
        let looked = [Kind::Stop];
        let begin = compare(&[], vec![alert("a"), alert("a")], &looked, at(0));
        assert_eq!(begin, [Step::Begin(alert("a"))]);
        assert_eq!(compare(&[known("a")], vec![alert("a")], &looked, at(1)), []);
        assert_eq!(compare(&[known("a")], vec![], &looked, at(1)), [Step::End(1)]);
        assert_eq!(compare(&[known("a")], vec![], &[Kind::DiskLow], at(1)), [], "nobody looked");
    }

    #[test]
    fn what_passes_before_its_patience_is_over_is_never_told() {
        let looked = [Kind::Stop];
        let waits = Known { is_told: false, tell_at: at(10), ..known("a") };
        let step =
            |known: &Known, seen, now| compare(std::slice::from_ref(known), seen, &looked, now);
        assert_eq!(step(&waits, vec![alert("a")], at(9)), []);
        assert_eq!(step(&waits, vec![alert("a")], at(10)), [Step::Tell(1)]);
        assert_eq!(step(&waits, vec![], at(9)), [Step::Forget(1)]);
    }

    #[test]
    fn what_comes_and_goes_is_one_alert() {
        let looked = [Kind::Stop];
        let lingers = Known { linger: TimeDelta::minutes(10), ..known("a") };
        let step =
            |known: &Known, seen, now| compare(std::slice::from_ref(known), seen, &looked, now);
        assert_eq!(step(&lingers, vec![], at(1)), [Step::Away(1)]);
        let away = Known { away_since: Some(at(1)), ..lingers };
        assert_eq!(step(&away, vec![], at(10)), []);
        assert_eq!(step(&away, vec![alert("a")], at(10)), [Step::Back(1)]);
        assert_eq!(step(&away, vec![], at(11)), [Step::End(1)]);
        assert_eq!(step(&away, vec![], at(0)), [Step::Away(1)], "a clock that was set back");
    }

    #[test]
    fn texts_are_single_lines_of_bounded_length() {
        let hostile = format!("a\r\nBcc: x@y\u{0}\u{202E}\u{1b}[31m{}", "x".repeat(10_000));
        let made = Alert::new((Kind::Stop, "a"), Severity::Info, (&hostile, &hostile, &hostile));
        for text in [&made.title, &made.body, &made.remedy] {
            assert!(!text.chars().any(char::is_control), "{text}");
            assert!(text.starts_with("a Bcc: x@y") && text.chars().count() <= TEXT_MAX + 1);
        }
    }

    #[test]
    fn words_read_back() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.word()), Some(kind));
        }
        for severity in Severity::ALL {
            assert_eq!(Severity::parse(severity.word()), Some(severity));
        }
    }
}
