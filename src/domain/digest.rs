//! Digests: several entries of a feed in one post.
//!
//! Promises: a digest goes at one of its instants, never holds more than its most, and takes nothing in
//! once a person has changed it. Must not: word it; that is `domain/compose`.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::pace::{PostAt, next_slot};

/// Entries of a digest where the config says nothing.
pub const ENTRIES_DEFAULT: usize = 5;

/// `digest` of a feed.
#[derive(Debug, Clone)]
pub struct Digest {
    /// `every`: when one goes, in the zone of the lane's profile.
    pub every: Vec<PostAt>,
    /// `max`: the most entries of one.
    pub max: usize,
    /// `link`: the only link in it.
    pub link: DigestLink,
    /// `title`: a line of the user's above the entries.
    pub title: Option<String>,
}

impl Default for Digest {
    fn default() -> Self {
        Self { every: Vec::new(), max: ENTRIES_DEFAULT, link: DigestLink::default(), title: None }
    }
}

/// Where a digest leads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum DigestLink {
    /// To its first entry.
    #[default]
    First,
    /// Nowhere: X bills it as a post without a link.
    None,
    /// To one address, whatever is in it.
    Address(String),
}

/// A digest that waits for its instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Its post.
    pub post: i64,
    /// Not sent earlier.
    pub at: DateTime<Utc>,
    /// Its entries so far.
    pub entries: usize,
    /// Whether a person wrote its text, which then stays.
    pub edited: bool,
}

/// Where an entry goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seat {
    /// Into a digest that waits: its post.
    In(i64),
    /// Into a new one, which goes then.
    New(DateTime<Utc>),
}

impl Digest {
    /// Where an entry goes that may not be out before an instant. `None` where no digest goes within
    /// a year.
    pub fn seat(&self, waiting: &[Waiting], zone: Tz, earliest: DateTime<Utc>) -> Option<Seat> {
        let is_open = |it: &&Waiting| !it.edited && it.entries < self.max && it.at >= earliest;
        if let Some(open) = waiting.iter().filter(is_open).min_by_key(|it| (it.at, it.post)) {
            return Some(Seat::In(open.post));
        }
        let mut after = earliest;
        for _ in 0..=waiting.len() {
            let at = next_slot(&self.every, zone, after)?;
            if waiting.iter().all(|it| it.at != at) {
                return Some(Seat::New(at));
            }
            after = at;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use chrono::{NaiveTime, Weekday};

    use super::*;

    fn evening(max: usize) -> Digest {
        let time = NaiveTime::from_hms_opt(18, 0, 0).expect("a time");
        let days = vec![
            Weekday::Mon,
            Weekday::Tue,
            Weekday::Wed,
            Weekday::Thu,
            Weekday::Fri,
            Weekday::Sat,
            Weekday::Sun,
        ];
        Digest { every: vec![PostAt::Slot { days, time }], max, ..Digest::default() }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    fn waiting(post: i64, when: &str, entries: usize) -> Waiting {
        Waiting { post, at: at(when), entries, edited: false }
    }

    #[test]
    fn an_entry_finds_its_digest() {
        let berlin = chrono_tz::Europe::Berlin;
        let noon = at("2026-11-16T12:00:00Z");
        let (today, tomorrow) = ("2026-11-16T17:00:00Z", "2026-11-17T17:00:00Z");
        let new = |when| Some(Seat::New(at(when)));
        let edited = Waiting { edited: true, ..waiting(1, today, 1) };
        let table = [
            (vec![], noon, new(today)),
            (vec![waiting(1, today, 2)], noon, Some(Seat::In(1))),
            (vec![waiting(1, today, 3)], noon, new(tomorrow)),
            (vec![waiting(1, today, 3), waiting(2, tomorrow, 1)], noon, Some(Seat::In(2))),
            (vec![waiting(2, tomorrow, 1), waiting(1, today, 1)], noon, Some(Seat::In(1))),
            // What has to wait longer than the digest goes into a later one.
            (vec![waiting(1, today, 1)], at("2026-11-16T17:30:00Z"), new(tomorrow)),
            (vec![edited], noon, new(tomorrow)),
            // A later one waits already, and today's place is free.
            (vec![waiting(2, tomorrow, 3)], noon, new(today)),
            // At the instant itself it is too late.
            (vec![], at(today), new(tomorrow)),
        ];
        for (waiting, earliest, expected) in table {
            assert_eq!(evening(3).seat(&waiting, berlin, earliest), expected, "{waiting:?}");
        }
        assert_eq!(Digest::default().seat(&[], berlin, noon), None);
    }

    #[test]
    fn the_hour_follows_the_clock_on_the_wall() {
        let berlin = chrono_tz::Europe::Berlin;
        let seat = |from| evening(3).seat(&[], berlin, at(from));
        assert_eq!(seat("2026-10-24T16:00:00Z"), Some(Seat::New(at("2026-10-25T17:00:00Z"))));
        assert_eq!(seat("2026-03-28T17:00:00Z"), Some(Seat::New(at("2026-03-29T16:00:00Z"))));
    }
}
