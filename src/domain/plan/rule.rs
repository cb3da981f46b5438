//! The rule that decided when a post goes, and its sentence.
//!
//! Promises: each rule has a word for machines and a sentence for a person. Must not: decide.

use chrono::{DateTime, TimeDelta};
use chrono_tz::Tz;

use super::{Budget, Period};
use crate::domain::pace::{Brake, HORIZON_DAYS};

/// Which rule decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Nothing held it.
    AsSoonAsPossible,
    /// Released by hand.
    SendNow,
    /// Wished for, or set by a retry.
    NotBefore(DateTime<Tz>),
    /// It uses, or waits for, this slot.
    Slot(DateTime<Tz>),
    /// Quiet hours until then.
    QuietHours(DateTime<Tz>),
    /// The gap after the post before.
    MinGap(TimeDelta),
    /// The posts of a local day are used up.
    DailyCap(u32),
    /// X takes no more for some minutes.
    XCeiling,
    /// The money of the period is spent, or what is left of it is too little.
    Budget(Budget),
    /// It costs more than the whole budget of a period.
    TooDear(Budget),
    /// It expires before its turn.
    Expires,
    /// Others go first.
    Queue,
    /// The pace has no opening.
    Never,
}

impl Rule {
    /// The word for this rule in listings for machines.
    pub const fn word(self) -> &'static str {
        match self {
            Self::AsSoonAsPossible => "as_soon_as_possible",
            Self::SendNow => "send_now",
            Self::NotBefore(_) => "not_before",
            Self::Slot(_) => "slot",
            Self::QuietHours(_) => "quiet_hours",
            Self::MinGap(_) => "min_gap",
            Self::DailyCap(_) => "daily_cap",
            Self::XCeiling => "x_ceiling",
            Self::Budget(_) => "budget",
            Self::TooDear(_) => "too_dear",
            Self::Expires => "expires",
            Self::Queue => "queue",
            Self::Never => "never",
        }
    }

    /// What it says, for a person.
    pub fn sentence(self) -> String {
        match self {
            Self::AsSoonAsPossible => "as soon as possible".to_owned(),
            Self::SendNow => "released by hand".to_owned(),
            Self::NotBefore(at) => format!("not before {}", at.format("%a %-d %b %H:%M")),
            Self::Slot(at) => format!("slot {}", at.format("%a %-d %b %H:%M")),
            Self::QuietHours(until) => format!("quiet until {}", until.format("%H:%M")),
            Self::MinGap(gap) => format!("{} after the last post", span(gap)),
            Self::DailyCap(1) => "the one post of the day is used up".to_owned(),
            Self::DailyCap(posts) => format!("the {posts} posts of the day are used up"),
            Self::XCeiling => "X takes at most 100 posts in 15 min".to_owned(),
            Self::Budget(budget) => format!("budget {} spent", budget.words()),
            Self::TooDear(budget) => format!("costs more than the budget {}", budget.words()),
            Self::Expires => "expires before its turn".to_owned(),
            Self::Queue => "others go first".to_owned(),
            Self::Never => {
                format!("no slot outside the quiet hours and caps in the next {HORIZON_DAYS} days")
            }
        }
    }

    /// Whether nothing but a change of the config or of the post ends it.
    pub const fn is_for_ever(self) -> bool {
        matches!(self, Self::TooDear(_) | Self::Never)
    }
}

impl From<Brake> for Rule {
    fn from(brake: Brake) -> Self {
        match brake {
            Brake::Slot(at) => Self::Slot(at),
            Brake::QuietHours(until) => Self::QuietHours(until),
            Brake::MinGap(gap) => Self::MinGap(gap),
            Brake::DailyCap(posts) => Self::DailyCap(posts),
            Brake::XCeiling => Self::XCeiling,
            Brake::Never => Self::Never,
        }
    }
}

impl Budget {
    fn words(self) -> String {
        let per = match self.per {
            Period::Day => "day",
            Period::Month => "month",
        };
        format!("{} per {per}", self.usd)
    }
}

/// `20 min`, `1 h 30 min`, `45 s`, `2 d`.
fn span(span: TimeDelta) -> String {
    let parts = [
        (span.num_days(), "d"),
        (span.num_hours() % 24, "h"),
        (span.num_minutes() % 60, "min"),
        (span.num_seconds() % 60, "s"),
    ];
    let words: Vec<String> = parts
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, unit)| format!("{number} {unit}"))
        .collect();
    if words.is_empty() { "0 s".to_owned() } else { words.join(" ") }
}
