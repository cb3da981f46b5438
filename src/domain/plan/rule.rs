//! The rule that decided when a post goes, and its sentence.
//!
//! Promises: each rule has a word for machines and a sentence for a person. Must not: decide.

use chrono::{DateTime, TimeDelta};
use chrono_tz::Tz;

use super::{Budget, Period, Priority, WhenSpent, Whose};
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
    /// The posts of an hour are used up.
    HourlyCap(u32),
    /// The posts of a local day are used up.
    DailyCap(u32),
    /// A day without posts, until then.
    Blackout(DateTime<Tz>),
    /// Later by up to this much, so that posts don't go on the minute.
    Jitter(TimeDelta),
    /// The gap after the post before from the same feed.
    FeedGap(TimeDelta),
    /// The feed's posts of an hour are used up.
    FeedHourlyCap(u32),
    /// The feed's posts of a local day are used up.
    FeedDailyCap(u32),
    /// X takes no more for some minutes.
    XCeiling,
    /// The money of the period is spent, or what is left of it is too little.
    Budget(Budget),
    /// What is left of the money is kept for more urgent posts than those of this priority.
    Reserve(Budget, Priority),
    /// The money does not reach for its link, so it goes without.
    WithoutLink(Budget),
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
            Self::HourlyCap(_) => "hourly_cap",
            Self::DailyCap(_) => "daily_cap",
            Self::Blackout(_) => "blackout",
            Self::Jitter(_) => "jitter",
            Self::FeedGap(_) => "feed_gap",
            Self::FeedHourlyCap(_) => "feed_hourly_cap",
            Self::FeedDailyCap(_) => "feed_daily_cap",
            Self::XCeiling => "x_ceiling",
            Self::Budget(_) => "budget",
            Self::Reserve(..) => "reserve",
            Self::WithoutLink(_) => "without_link",
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
            Self::HourlyCap(posts) => used_up(posts, "an hour"),
            Self::DailyCap(posts) => used_up(posts, "the day"),
            Self::Blackout(until) => {
                format!("no posts on these days, until {}", until.format("%a %-d %b %H:%M"))
            }
            Self::Jitter(most) => format!("up to {} later, by jitter", span(most)),
            Self::FeedGap(gap) => format!("{} after the last post of its feed", span(gap)),
            Self::FeedHourlyCap(posts) => format!("{} for its feed", used_up(posts, "an hour")),
            Self::FeedDailyCap(posts) => format!("{} for its feed", used_up(posts, "the day")),
            Self::XCeiling => "X takes at most 100 posts in 15 min".to_owned(),
            Self::Budget(budget) if budget.when_spent == WhenSpent::Digest => {
                format!("{} spent, what waits of a feed is gathered in one post", budget.words())
            }
            Self::Budget(budget) => format!("{} spent", budget.words()),
            Self::Reserve(budget, Priority::Low) => {
                format!(
                    "80 % of the {} spent, the rest is for posts that aren't low",
                    budget.words()
                )
            }
            Self::Reserve(budget, Priority::Normal | Priority::Breaking) => {
                format!("95 % of the {} spent, the rest is for breaking posts", budget.words())
            }
            Self::WithoutLink(budget) => {
                format!("{} does not reach for the link, so it goes without", budget.words())
            }
            Self::TooDear(budget) => format!("costs more than the {}", budget.words()),
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
            Brake::HourlyCap(posts) => Self::HourlyCap(posts),
            Brake::DailyCap(posts) => Self::DailyCap(posts),
            Brake::Blackout(until) => Self::Blackout(until),
            Brake::Jitter(most) => Self::Jitter(most),
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
        let whose = match self.whose {
            Whose::Profile => "budget",
            Whose::Feed => "budget of its feed,",
            Whose::Group => "budget of its group,",
            Whose::All => "budget of all profiles,",
        };
        format!("{whose} {} per {per}", self.usd)
    }
}

/// Of a cap.
fn used_up(posts: u32, of: &str) -> String {
    match posts {
        1 => format!("the one post of {of} is used up"),
        _ => format!("the {posts} posts of {of} are used up"),
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
