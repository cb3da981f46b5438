//! When a lane may send: slots, quiet hours, minimum gap, daily cap, in the profile's own zone.
//!
//! Promises: never inside quiet hours, never closer than the gap, never above the cap; a local time
//! that does not exist fires at the first valid instant after it, one that comes twice fires once.
//! Must not: know of posts or of money.

mod slots;
#[cfg(test)]
mod tests;
pub(super) mod zone;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc, Weekday};
use chrono_tz::Tz;

/// The pace of one lane.
#[derive(Debug, Clone)]
pub struct Pace {
    /// The profile's zone; every local time here is in it.
    pub zone: Tz,
    /// When posts go out; empty: as soon as they may.
    pub post_at: Vec<PostAt>,
    /// Between two posts.
    pub min_gap: TimeDelta,
    /// Posts on one local day.
    pub max_per_day: u32,
    /// No post from the first to the second local time; the second may lie on the next day.
    pub quiet_hours: Vec<QuietHours>,
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
    /// The local day has had all its posts.
    DailyCap(u32),
    /// X takes no more for some minutes.
    XCeiling,
    /// The pace has no opening at all.
    Never,
}

impl Brake {
    /// Which of two brakes in a row to name: a spent day explains the wait better than the quiet
    /// hours or the slot that follow on it.
    fn weightier(earlier: Option<Self>, later: Self) -> Self {
        match earlier {
            Some(cap @ Self::DailyCap(_)) => cap,
            Some(
                Self::Slot(_)
                | Self::QuietHours(_)
                | Self::MinGap(_)
                | Self::XCeiling
                | Self::Never,
            )
            | None => later,
        }
    }
}

/// What a lane sent lately.
#[derive(Debug, Clone, Default)]
pub struct Sends {
    last: Option<DateTime<Utc>>,
    all: Vec<DateTime<Utc>>,
}

impl Sends {
    /// From the latest send (in the order of sending, which a clock that was set back does not
    /// change) and the instants of the last 48 hours.
    pub fn new(last: Option<DateTime<Utc>>, mut all: Vec<DateTime<Utc>>) -> Self {
        all.sort_unstable();
        Self { last: last.or_else(|| all.last().copied()), all }
    }

    /// One more.
    pub fn record(&mut self, at: DateTime<Utc>) {
        self.last = Some(at);
        self.all.insert(self.before_or_at(at), at);
    }

    /// The latest in the order of sending.
    pub fn last(&self) -> Option<DateTime<Utc>> {
        self.last
    }

    fn before(&self, at: DateTime<Utc>) -> usize {
        self.all.partition_point(|sent| *sent < at)
    }

    fn before_or_at(&self, at: DateTime<Utc>) -> usize {
        self.all.partition_point(|sent| *sent <= at)
    }

    /// The first instant not before `from` at which X takes one more.
    ///
    /// Sends that lie ahead, because the clock was set back, count as long as they are closer than
    /// the window.
    pub fn below_ceiling(&self, from: DateTime<Utc>) -> DateTime<Utc> {
        let mut at = from;
        loop {
            let known = self.before(later(at, X_WINDOW));
            let full = known
                .checked_sub(X_CEILING)
                .and_then(|index| self.all.get(index))
                .map(|oldest| later(*oldest, X_WINDOW));
            match full {
                Some(free) if free > at => at = free,
                Some(_) | None => return at,
            }
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
    /// The first opening not before `from` and before `until`; otherwise what stands against it,
    /// and nothing if `from` itself is too late.
    pub fn opening(
        &self,
        sends: &Sends,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Opening, Option<Brake>> {
        let mut at = from;
        let mut brake = None;
        loop {
            if at >= until {
                return Err(brake);
            }
            if let Some((free, held)) = self.hold(sends, at)? {
                brake = Some(Brake::weightier(brake, held));
                at = free;
                continue;
            }
            let slot = match self.slot(sends, at) {
                Slot::None => None,
                Slot::Usable(slot) => Some(slot),
                Slot::Past(after) => {
                    let next = self.next_slot(after).ok_or(Some(Brake::Never))?;
                    let held = Brake::Slot(self.local(next));
                    brake = Some(Brake::weightier(brake, held));
                    at = next;
                    continue;
                }
            };
            return Ok(Opening { at, slot, brake });
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

    /// Which rule forbids an instant, and until when; `Err` if it does so for ever.
    fn hold(
        &self,
        sends: &Sends,
        at: DateTime<Utc>,
    ) -> Result<Option<(DateTime<Utc>, Brake)>, Option<Brake>> {
        let free = sends.below_ceiling(at);
        if free > at {
            return Ok(Some((free, Brake::XCeiling)));
        }
        if let Some(free) = self.gap_end(sends, at) {
            return Ok(Some((free, Brake::MinGap(self.min_gap))));
        }
        if let Some(free) = self.cap_end(sends, at)? {
            return Ok(Some((free, Brake::DailyCap(self.max_per_day))));
        }
        let free = self.quiet_end(at).ok_or(Some(Brake::Never))?;
        Ok((free > at).then(|| (free, Brake::QuietHours(self.local(free)))))
    }

    /// The end of the gap after the last send, if `at` lies before it.
    ///
    /// A last send that lies ahead by more than the gap was dated by a clock that has been set back
    /// since, and says nothing about how long ago it was: it is passed over, so one post may come
    /// early, and the gap counts from that one on. If it lies ahead by less, its gap is waited for,
    /// which takes twice the gap at most.
    fn gap_end(&self, sends: &Sends, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let last = sends.last?;
        let free = later(last, self.min_gap);
        (at < free && last <= later(at, self.min_gap)).then_some(free)
    }

    /// The end of the local day, if it has had all its posts.
    fn cap_end(
        &self,
        sends: &Sends,
        at: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, Option<Brake>> {
        if self.max_per_day == 0 {
            return Err(Some(Brake::Never));
        }
        let cap = usize::try_from(self.max_per_day).unwrap_or(usize::MAX);
        if sends.all.len() < cap {
            return Ok(None);
        }
        let day = zone::day(self.zone, at);
        let end = zone::day_end(self.zone, day);
        let sent = sends.before(end) - sends.before(zone::day_start(self.zone, day));
        Ok((sent >= cap).then_some(end))
    }

    /// The first instant not before `at` outside all quiet hours; `None` if there is none.
    fn quiet_end(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut free = at;
        while let Some(span) = self.quiet_at(free) {
            if free >= later(at, QUIET_MAX) {
                return None;
            }
            free = span.end_after(self.zone, free);
        }
        Some(free)
    }

    fn quiet_at(&self, at: DateTime<Utc>) -> Option<QuietHours> {
        if self.quiet_hours.is_empty() {
            return None;
        }
        let time = zone::time_of_day(self.zone, at);
        self.quiet_hours.iter().copied().find(|span| span.covers(time))
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
        match sends.all.get(sends.before(slot)) {
            Some(used) if *used <= grace_end => Slot::Past(std::cmp::max(at, *used)),
            Some(_) | None => Slot::Usable(slot),
        }
    }
}

/// What slots say about an instant.
enum Slot {
    /// The lane has no slots.
    None,
    /// This one lets a post out.
    Usable(DateTime<Utc>),
    /// None; the next one to look at is the first after this instant.
    Past(DateTime<Utc>),
}

impl QuietHours {
    /// Whether a local time lies in the span.
    fn covers(self, time: NaiveTime) -> bool {
        if self.from < self.until {
            self.from <= time && time < self.until
        } else {
            self.from <= time || time < self.until
        }
    }

    /// The end of the span around an instant, or the next change of the zone's clocks if that comes
    /// first.
    fn end_after(self, zone: Tz, at: DateTime<Utc>) -> DateTime<Utc> {
        let time = zone::time_of_day(zone, at);
        let left = self.until.signed_duration_since(time);
        let left = if left > TimeDelta::zero() { left } else { left + TimeDelta::days(1) };
        let end = later(at, left);
        if zone::offset(zone, end) == zone::offset(zone, at) {
            end
        } else {
            zone::change(zone, at, end)
        }
    }
}

/// The sum; a negative span counts as none, one beyond the calendar as its end.
fn later(at: DateTime<Utc>, span: TimeDelta) -> DateTime<Utc> {
    at.checked_add_signed(std::cmp::max(span, TimeDelta::zero()))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}
