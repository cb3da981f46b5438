//! `repost` of a profile: how soon and how often published posts may be repeated by hand.
//!
//! Promises: never sooner than Ayrshare and X take the same text again. Must not: know what was posted.

use std::ops::RangeInclusive;

use chrono::TimeDelta;

use super::complaints::Complaints;
use super::section::Section;
use super::{keys, values};

/// Ayrshare and X refuse the same text within two days (contract, section 4.4).
const AFTER: RangeInclusive<TimeDelta> = TimeDelta::hours(48)..=TimeDelta::days(3_660);
/// A clock may be a little off.
const AFTER_DEFAULT: TimeDelta = TimeDelta::hours(49);
const MAX_PER_MONTH: RangeInclusive<usize> = 0..=1_000;
const MAX_PER_MONTH_DEFAULT: u32 = 10;

/// `repost` of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repost {
    /// `after`: so long after it went out a post may go out once more; at least 48 hours.
    pub after: TimeDelta,
    /// `max_per_month`: so many posts of one lane may be repeated in 30 days; zero forbids it.
    pub max_per_month: u32,
}

/// The keys of `repost` in one table, each if it was given and right.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RepostKeys {
    after: Option<TimeDelta>,
    max_per_month: Option<u32>,
}

impl RepostKeys {
    /// Reads those of one table.
    pub(super) fn read(section: &Section<'_>, complaints: &mut Complaints) -> Self {
        let Some(node) = section.node("repost") else { return Self::default() };
        let inner = Section::new(node, format!("{}: repost", section.place), complaints);
        inner.only(keys::REPOST, complaints);
        Self {
            after: inner.read("after", complaints, |node| values::duration(node, &AFTER)),
            max_per_month: inner.read("max_per_month", complaints, |node| {
                let number = values::whole(node, &MAX_PER_MONTH)?;
                Ok(u32::try_from(number).unwrap_or(MAX_PER_MONTH_DEFAULT))
            }),
        }
    }

    /// With what is inherited where nothing was given.
    pub(super) fn over(self, inherited: Self) -> Repost {
        let max = self.max_per_month.or(inherited.max_per_month);
        Repost {
            after: self.after.or(inherited.after).unwrap_or(AFTER_DEFAULT),
            max_per_month: max.unwrap_or(MAX_PER_MONTH_DEFAULT),
        }
    }
}
