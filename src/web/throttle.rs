//! Wrong passwords: each makes the next try from the same place wait longer.
//!
//! Promises: memory is bounded; what has to wait is refused before its password is looked at. Must
//! not: lock out everybody because somebody guesses; only all places together are held to a rate.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use chrono::{DateTime, TimeDelta, Utc};

/// Wrong passwords that cost nothing but their hashing.
const FREE: u32 = 3;
/// The wait after the first wrong password beyond those, doubled by each further one.
const FIRST_WAIT: TimeDelta = TimeDelta::seconds(2);
const WAIT_MAX: TimeDelta = TimeDelta::minutes(15);
/// After this long without a wrong password a place is forgotten.
const FORGOTTEN_AFTER: TimeDelta = TimeDelta::hours(1);
/// Places that are remembered; beyond them the one that waits the shortest is forgotten.
const PLACES_MAX: usize = 1024;
/// Passwords that are looked at in a minute, from all places together.
const PER_MINUTE: u32 = 60;

/// Who guessed wrong lately.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    places: HashMap<IpAddr, Wrong>,
    minute: Option<(DateTime<Utc>, u32)>,
}

#[derive(Debug, Clone, Copy)]
struct Wrong {
    times: u32,
    last_at: DateTime<Utc>,
    until: DateTime<Utc>,
}

impl Throttle {
    /// Whether a password from a place is looked at now. Until it proves right it counts as wrong, so
    /// that many at once are no way around.
    ///
    /// # Errors
    ///
    /// How long it has to wait.
    pub(super) fn admit(&mut self, from: IpAddr, now: DateTime<Utc>) -> Result<(), TimeDelta> {
        // An end beyond the longest wait comes from a clock that has stepped back since.
        let waits = |wrong: &&Wrong| wrong.until > now && wrong.until <= now + WAIT_MAX;
        if let Some(wrong) = self.places.get(&place(from)).filter(waits) {
            return Err(wrong.until - now);
        }
        let (began, tries) = self
            .minute
            .filter(|(began, _)| now - *began < TimeDelta::minutes(1) && *began <= now)
            .unwrap_or((now, 0));
        if tries >= PER_MINUTE {
            return Err(began + TimeDelta::minutes(1) - now);
        }
        self.minute = Some((began, tries + 1));
        self.wrong(from, now);
        Ok(())
    }

    fn wrong(&mut self, from: IpAddr, now: DateTime<Utc>) {
        self.places.retain(|_, wrong| now - wrong.last_at < FORGOTTEN_AFTER);
        let from = place(from);
        if self.places.len() >= PLACES_MAX
            && !self.places.contains_key(&from)
            && let Some(least) = self.places.iter().min_by_key(|(_, it)| it.until).map(|it| *it.0)
        {
            self.places.remove(&least);
        }
        let wrong = self.places.entry(from).or_insert(Wrong { times: 0, last_at: now, until: now });
        wrong.times = wrong.times.saturating_add(1);
        wrong.last_at = now;
        if let Some(beyond) = wrong.times.checked_sub(FREE + 1) {
            let wait = FIRST_WAIT * 2_i32.saturating_pow(std::cmp::min(beyond, 16));
            wrong.until = now + std::cmp::min(wait, WAIT_MAX);
        }
    }

    /// A password was right.
    pub(super) fn right(&mut self, from: IpAddr) {
        self.places.remove(&place(from));
    }
}

/// One person has a whole /64 of IPv6.
fn place(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn each_wrong_password_waits_longer_and_others_do_not_wait() {
        let mut throttle = Throttle::default();
        let mut now = DateTime::UNIX_EPOCH;
        let (guesser, owner) = (address("192.0.2.1"), address("192.0.2.2"));
        let mut waits = Vec::new();
        for _ in 0..8 {
            let mut wait = TimeDelta::zero();
            while let Err(longer) = throttle.admit(guesser, now) {
                now += longer;
                wait += longer;
            }
            waits.push(wait.num_seconds());
        }
        assert_eq!(waits, [0, 0, 0, 0, 2, 4, 8, 16]);
        assert!(throttle.admit(guesser, now).is_err());
        assert_eq!(throttle.admit(owner, now), Ok(()));
        throttle.right(guesser);
        assert_eq!(throttle.admit(guesser, now), Ok(()));
    }

    #[test]
    fn a_clock_that_steps_back_locks_nobody_out() {
        let mut throttle = Throttle::default();
        let (from, now) = (address("192.0.2.1"), DateTime::UNIX_EPOCH);
        for _ in 0..20 {
            throttle.wrong(from, now);
        }
        assert_eq!(throttle.admit(from, now), Err(WAIT_MAX));
        assert_eq!(throttle.admit(from, now - TimeDelta::days(1)), Ok(()));
    }

    #[test]
    fn all_places_together_are_held_to_a_rate_and_to_a_bound() {
        let mut throttle = Throttle::default();
        let now = DateTime::UNIX_EPOCH;
        let mut admitted = 0;
        for number in 0..5_000_u32 {
            let from = IpAddr::V4(std::net::Ipv4Addr::from_bits(number));
            admitted += u32::from(throttle.admit(from, now).is_ok());
            throttle.wrong(from, now);
        }
        assert_eq!(admitted, PER_MINUTE);
        assert_eq!(throttle.places.len(), PLACES_MAX);
        assert_eq!(throttle.admit(address("192.0.2.9"), now + TimeDelta::minutes(1)), Ok(()));
    }

    #[test]
    fn a_network_of_one_person_is_one_place() {
        assert_eq!(place(address("2001:db8::1")), place(address("2001:db8::ffff:1")));
        assert_ne!(place(address("2001:db8::1")), place(address("2001:db8:0:1::1")));
        assert_eq!(place(address("::ffff:192.0.2.1")), address("192.0.2.1"));
    }
}
