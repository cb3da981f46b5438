//! When a lane may send: slots, quiet hours, blackout days, minimum gap, caps and jitter, in the
//! profile's own zone.
//!
//! Promises: never inside quiet hours or on a blackout day, never closer than the gap, never above
//! a cap; a local time that does not exist fires at the first valid instant after it, one that
//! comes twice fires once; jitter only ever delays. Must not: know of posts or of money.

mod hold;
mod jitter;
mod sends;
mod slots;
#[cfg(test)]
mod tests;
pub(crate) mod zone;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc, Weekday};
use chrono_tz::Tz;

pub(super) use slots::next as next_slot;

pub use jitter::Jitter;
pub use sends::Sends;
pub use zone::{day as local_day, instant as local_instant};

/// The pace of one lane.
#[derive(Debug, Clone)]
pub struct Pace {
    /// The profile's zone; every local time here is in it.
    pub zone: Tz,
    /// When posts go out; empty: as soon as they may.
    pub post_at: Vec<PostAt>,
    /// Between two posts.
    pub min_gap: TimeDelta,
    /// Posts in any hour, by the clock of physics: a change of the zone's clocks makes it neither
    /// longer nor shorter.
    pub max_per_hour: Option<u32>,
    /// Posts on one local day.
    pub max_per_day: u32,
    /// No post from the first to the second local time; the second may lie on the next day.
    pub quiet_hours: Vec<QuietHours>,
    /// Local days without posts.
    pub blackout: Vec<Blackout>,
    /// By how much posts may be late, so that they don't go on the minute.
    pub jitter: Jitter,
    /// What breaking posts don't wait for.
    pub breaking_ignores: Ignores,
}

/// What breaking posts don't wait for. Caps, blackout days and X's ceiling hold them as well.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ignores {
    /// The slots.
    pub slots: bool,
    /// The minimum gap.
    pub min_gap: bool,
    /// The quiet hours.
    pub quiet_hours: bool,
}

/// One line of `post_at`. Each slot lets one post out.
#[derive(Debug, Clone)]
pub enum PostAt {
    /// A local time on some weekdays.
    Slot {
        /// The weekdays, at least one.
        days: Vec<Weekday>,
        /// The local time.
        time: NaiveTime,
    },
    /// A cron expression, in the profile's zone.
    Cron(Box<croner::Cron>),
}

/// A daily span without posts, in local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    /// Its first instant.
    pub from: NaiveTime,
    /// The first instant after it; not later than `from` means on the next day.
    pub until: NaiveTime,
}

/// Local days without posts, from the first to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blackout {
    /// The first day.
    pub from: NaiveDate,
    /// The last day, included.
    pub to: NaiveDate,
}

/// A slot that was missed, by a restart or the gap, may still be used for this long.
pub const SLOT_GRACE: TimeDelta = TimeDelta::minutes(30);

/// How far ahead an opening is searched for: more than a year, so that each date of the calendar
/// but 29 February comes by.
pub const HORIZON_DAYS: usize = 370;

/// Posts in any [`X_WINDOW`] (contract, section 9.3: 100 per 15 minutes and user). No setting
/// lifts it.
pub const X_CEILING: usize = 100;

/// The window of [`X_CEILING`].
pub const X_WINDOW: TimeDelta = TimeDelta::minutes(15);

/// Quiet hours that last longer than this without a break never end: each local minute comes by
/// once a day, save on the one or two days whose clocks skip it.
const QUIET_MAX: TimeDelta = TimeDelta::days(4);

/// The first time after an instant at which one line fires in a zone, if there is one within
/// [`HORIZON_DAYS`] days.
pub fn next_time(line: &PostAt, zone: Tz, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    slots::next(std::slice::from_ref(line), zone, after)
}

/// What keeps a lane from sending at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Brake {
    /// The slot that the lane waits for.
    Slot(DateTime<Tz>),
    /// Quiet hours, and when they end.
    QuietHours(DateTime<Tz>),
    /// The last post is too close.
    MinGap(TimeDelta),
    /// The last hour had all its posts.
    HourlyCap(u32),
    /// The local day has had all its posts.
    DailyCap(u32),
    /// A day without posts, and when the next one with posts begins.
    Blackout(DateTime<Tz>),
    /// Later by up to this much, so that posts don't go on the minute.
    Jitter(TimeDelta),
    /// X takes no more for some minutes.
    XCeiling,
    /// The pace has no opening at all.
    Never,
}

impl Brake {
    /// Which of two brakes in a row to name: days that are closed or spent explain the wait better
    /// than the quiet hours or the slot that follow on them, and anything better than jitter.
    fn weightier(earlier: Option<Self>, later: Self) -> Self {
        earlier.filter(|earlier| earlier.weight() > later.weight()).unwrap_or(later)
    }

    const fn weight(self) -> u8 {
        match self {
            Self::Blackout(_) => 3,
            Self::DailyCap(_) => 2,
            Self::Slot(_)
            | Self::QuietHours(_)
            | Self::MinGap(_)
            | Self::HourlyCap(_)
            | Self::XCeiling
            | Self::Never => 1,
            Self::Jitter(_) => 0,
        }
    }
}

/// An instant at which a lane may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// The instant.
    pub at: DateTime<Utc>,
    /// The slot that it uses; none on a lane without slots.
    pub slot: Option<DateTime<Utc>>,
    /// What kept the lane from sending earlier.
    pub brake: Option<Brake>,
}

impl Opening {
    /// The instant by which a post must have been ready to use this opening.
    pub fn ready_by(&self) -> DateTime<Utc> {
        self.slot.unwrap_or(self.at)
    }
}

impl Pace {
    /// A pace that nothing holds but X's ceiling.
    pub const fn unpaced(zone: Tz) -> Self {
        Self {
            zone,
            post_at: Vec::new(),
            min_gap: TimeDelta::zero(),
            max_per_hour: None,
            max_per_day: u32::MAX,
            quiet_hours: Vec::new(),
            blackout: Vec::new(),
            jitter: Jitter::NONE,
            breaking_ignores: Ignores { slots: false, min_gap: false, quiet_hours: false },
        }
    }

    /// The pace of the lane's breaking posts: without what they ignore, and without jitter.
    #[must_use]
    pub fn for_breaking(&self) -> Self {
        let ignores = self.breaking_ignores;
        let mut pace = Self { jitter: Jitter::NONE, ..self.clone() };
        if ignores.slots {
            pace.post_at.clear();
        }
        if ignores.min_gap {
            pace.min_gap = TimeDelta::zero();
        }
        if ignores.quiet_hours {
            pace.quiet_hours.clear();
        }
        pace
    }

    /// The first opening not before `from` and before `until`; otherwise what stands against it,
    /// and nothing if `from` itself is too late. Tells `note` each brake on the way, and until when
    /// it held.
    pub fn opening(
        &self,
        sends: &Sends,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
        note: &mut impl FnMut(Brake, DateTime<Utc>),
    ) -> Result<Opening, Option<Brake>> {
        let mut at = from;
        let mut brake = None;
        loop {
            if at >= until {
                return Err(brake);
            }
            let (free, held) = match self.hold(sends, at)? {
                Some(held) => held,
                None => match self.slot(sends, at) {
                    Slot::None => return Ok(Opening { at, slot: None, brake }),
                    Slot::Usable(slot) => return Ok(Opening { at, slot: Some(slot), brake }),
                    Slot::Early { slot, free } => (free, Brake::Slot(self.local(slot))),
                    Slot::Past(after) => {
                        let next = self.next_slot(after).ok_or(Some(Brake::Never))?;
                        (next, Brake::Slot(self.local(next)))
                    }
                },
            };
            note(held, free);
            brake = Some(Brake::weightier(brake, held));
            at = free;
        }
    }

    /// The first slot after an instant, if there is one within [`HORIZON_DAYS`] days.
    pub fn next_slot(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        slots::next(&self.post_at, self.zone, after)
    }

    /// An instant in the profile's zone.
    pub fn local(&self, at: DateTime<Utc>) -> DateTime<Tz> {
        at.with_timezone(&self.zone)
    }

    /// Whether an instant lies in quiet hours.
    pub fn is_quiet(&self, at: DateTime<Utc>) -> bool {
        self.quiet_at(at).is_some()
    }

    /// Whether an instant that no rule holds can use a slot. Only the latest slot counts, so missed
    /// slots never add up; its grace ends with its local day, so the turn of the day, which renews
    /// caps and budgets, sends nothing by itself; and in quiet hours there are no slots.
    fn slot(&self, sends: &Sends, at: DateTime<Utc>) -> Slot {
        if self.post_at.is_empty() {
            return Slot::None;
        }
        let Some(slot) = slots::last(&self.post_at, self.zone, at) else {
            return Slot::Past(at);
        };
        let grace_end = later(slot, SLOT_GRACE);
        if at > grace_end
            || self.is_quiet(slot)
            || zone::day(self.zone, slot) != zone::day(self.zone, at)
        {
            return Slot::Past(at);
        }
        match sends.first_from(slot) {
            Some(used) if used <= grace_end => Slot::Past(std::cmp::max(at, used)),
            Some(_) | None => {
                let free = later(slot, self.slot_jitter(slot));
                if at < free { Slot::Early { slot, free } } else { Slot::Usable(slot) }
            }
        }
    }
}

/// What slots say about an instant.
enum Slot {
    /// The lane has no slots.
    None,
    /// This one lets a post out.
    Usable(DateTime<Utc>),
    /// This one will, when its jitter is over.
    Early { slot: DateTime<Utc>, free: DateTime<Utc> },
    /// None; the next one to look at is the first after this instant.
    Past(DateTime<Utc>),
}

/// The sum; a negative span counts as none, one beyond the calendar as its end.
fn later(at: DateTime<Utc>, span: TimeDelta) -> DateTime<Utc> {
    at.checked_add_signed(std::cmp::max(span, TimeDelta::zero()))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}
