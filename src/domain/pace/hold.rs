//! The rules that forbid an instant, and until when.
//!
//! Promises: one send more never makes a rule let go earlier, so what was found closed stays
//! closed. Must not: know of slots, but for the jitter that follows on them.

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::{Blackout, Brake, Pace, QUIET_MAX, QuietHours, SLOT_GRACE, Sends, later, zone};

/// What holds an instant, and when it lets go; `Err` if it never does.
type Held = Result<Option<(DateTime<Utc>, Brake)>, Option<Brake>>;

impl Pace {
    /// Which rule forbids an instant, and until when; `Err` if it does so for ever.
    pub fn hold(&self, sends: &Sends, at: DateTime<Utc>) -> Held {
        let free = sends.below_ceiling(at);
        if free > at {
            return Ok(Some((free, Brake::XCeiling)));
        }
        if let Some(held) = self.gap(sends, at) {
            return Ok(Some(held));
        }
        if let Some(held) = self.hour(sends, at)? {
            return Ok(Some(held));
        }
        if let Some(held) = self.calendar(sends, at)? {
            return Ok(Some(held));
        }
        self.blur(sends, at)
    }

    /// The gap after the last send, if `at` lies in it.
    ///
    /// A last send that lies ahead by more than the gap was dated by a clock that has been set back
    /// since, and says nothing about how long ago it was: it is passed over, so one post may come
    /// early, and the gap counts from that one on. If it lies ahead by less, its gap is waited for,
    /// which takes twice the gap at most.
    ///
    /// Jitter lengthens the gap of each send by its own delay, and sends just before the last one,
    /// which may have had a longer one, keep theirs.
    fn gap(&self, sends: &Sends, at: DateTime<Utc>) -> Option<(DateTime<Utc>, Brake)> {
        let last = sends.last()?;
        let bare = later(last, self.min_gap);
        let free = if self.jitter.is_none() || !self.post_at.is_empty() {
            bare
        } else {
            let window = earlier(last, self.jitter.most());
            let ends = sends.within(window, last).iter().chain([&last]);
            ends.map(|sent| later(later(*sent, self.min_gap), self.jitter.after(*sent)))
                .max()
                .unwrap_or(bare)
        };
        if at >= free || last > later(at, free - last) {
            return None;
        }
        let brake =
            if at < bare { Brake::MinGap(self.min_gap) } else { Brake::Jitter(self.jitter.most()) };
        Some((free, brake))
    }

    fn hour(&self, sends: &Sends, at: DateTime<Utc>) -> Held {
        let Some(most) = self.max_per_hour else {
            return Ok(None);
        };
        if most == 0 {
            return Err(Some(Brake::Never));
        }
        let count = usize::try_from(most).unwrap_or(usize::MAX);
        let free = sends.below(count, TimeDelta::hours(1), at);
        Ok((free > at).then_some((free, Brake::HourlyCap(most))))
    }

    /// The rules of local days and hours.
    fn calendar(&self, sends: &Sends, at: DateTime<Utc>) -> Held {
        if let Some(free) = self.cap_end(sends, at)? {
            return Ok(Some((free, Brake::DailyCap(self.max_per_day))));
        }
        if let Some(free) = self.blackout_end(at) {
            return Ok(Some((free, Brake::Blackout(self.local(free)))));
        }
        let free = self.quiet_end(at).ok_or(Some(Brake::Never))?;
        Ok((free > at).then(|| (free, Brake::QuietHours(self.local(free)))))
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
        if sends.count() < cap {
            return Ok(None);
        }
        let day = zone::day(self.zone, at);
        let end = zone::day_end(self.zone, day);
        let sent = sends.before(end) - sends.before(zone::day_start(self.zone, day));
        Ok((sent >= cap).then_some(end))
    }

    /// The end of the blackout that an instant lies in.
    fn blackout_end(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.blackout.is_empty() {
            return None;
        }
        let day = zone::day(self.zone, at);
        let covers = |span: &&Blackout| span.from <= day && day <= span.to;
        let last = self.blackout.iter().filter(covers).map(|span| span.to).max()?;
        Some(zone::day_end(self.zone, last))
    }

    /// The first instant not before `at` outside all quiet hours; `None` if there is none.
    pub(super) fn quiet_end(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut free = at;
        while let Some(span) = self.quiet_at(free) {
            if free >= later(at, QUIET_MAX) {
                return None;
            }
            free = span.end_after(self.zone, free);
        }
        Some(free)
    }

    pub(super) fn quiet_at(&self, at: DateTime<Utc>) -> Option<QuietHours> {
        if self.quiet_hours.is_empty() {
            return None;
        }
        let time = zone::time_of_day(self.zone, at);
        self.quiet_hours.iter().copied().find(|span| span.covers(time))
    }

    /// Jitter after quiet hours, blackouts and spent days: what they held must not all go in the
    /// second in which they end. Spans shorter than the jitter are left as they are.
    fn blur(&self, sends: &Sends, at: DateTime<Utc>) -> Held {
        if self.jitter.is_none() || !self.post_at.is_empty() {
            return Ok(None);
        }
        let held = self.calendar(sends, earlier(at, self.jitter.most()))?;
        Ok(held.and_then(|(end, _)| {
            let free = later(end, self.jitter.after(end));
            (end <= at && at < free).then(|| (free, Brake::Jitter(self.jitter.most())))
        }))
    }

    /// The delay after a slot: none where it would lead out of the slot's day or grace, into quiet
    /// hours or past the next slot, since the slot would then be lost.
    pub(super) fn slot_jitter(&self, slot: DateTime<Utc>) -> TimeDelta {
        if self.jitter.is_none() {
            return TimeDelta::zero();
        }
        let delay = self.jitter.after(slot);
        let at = later(slot, delay);
        let fits = delay <= SLOT_GRACE
            && zone::day(self.zone, at) == zone::day(self.zone, slot)
            && !self.is_quiet(at)
            && self.next_slot(slot).is_none_or(|next| at < next);
        if fits { delay } else { TimeDelta::zero() }
    }
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

fn earlier(at: DateTime<Utc>, span: TimeDelta) -> DateTime<Utc> {
    at.checked_sub_signed(span).unwrap_or(DateTime::<Utc>::MIN_UTC)
}
