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

/// Entries that are gathered in one post where the money doesn't reach for each.
pub const GATHERED_MAX: usize = 10;

/// A post that takes others in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gathered {
    /// The digest, or the post that becomes one.
    pub digest: i64,
    /// Those whose entries it tells from now on, in their order.
    pub joins: Vec<i64>,
}

/// Which of the posts that wait for money go into one: those in front into the `open` digest as far
/// as they fit, or else into the oldest of them. `None` where nothing can be gathered.
///
/// `fits` says whether a post can tell its own entries and those of these others.
pub fn gather(
    open: Option<i64>,
    loose: &[i64],
    mut fits: impl FnMut(i64, &[i64]) -> bool,
) -> Option<Gathered> {
    let mut into = |digest: i64, others: &[i64]| {
        let mut joins: Vec<i64> = Vec::new();
        for post in others {
            joins.push(*post);
            if !fits(digest, &joins) {
                joins.pop();
                break;
            }
        }
        (!joins.is_empty()).then_some(Gathered { digest, joins })
    };
    let joined = open.and_then(|digest| into(digest, loose));
    joined.or_else(|| loose.split_first().and_then(|(first, rest)| into(*first, rest)))
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
    fn what_waits_for_money_is_gathered_in_the_order_of_its_age() {
        let gathered = |digest, joins: &[i64]| Some(Gathered { digest, joins: joins.to_vec() });
        // How many posts a digest can take in: the open one, and one that begins.
        let table = [
            (None, &[][..], (9, 9), None),
            (None, &[1], (9, 9), None),
            (None, &[1, 2], (9, 9), gathered(1, &[2])),
            (None, &[3, 5, 8, 9], (9, 2), gathered(3, &[5, 8])),
            (None, &[1, 2], (9, 0), None),
            (Some(1), &[], (9, 9), None),
            (Some(1), &[4], (9, 9), gathered(1, &[4])),
            (Some(1), &[4, 5, 6], (2, 9), gathered(1, &[4, 5])),
            // Full: the next one begins, as soon as it has two to tell of.
            (Some(1), &[4, 5, 6], (0, 9), gathered(4, &[5, 6])),
            (Some(1), &[4], (0, 9), None),
        ];
        for (open, loose, (old, new), expected) in table {
            let fits =
                |digest, joins: &[i64]| joins.len() <= if Some(digest) == open { old } else { new };
            assert_eq!(gather(open, loose, fits), expected, "{open:?} {loose:?}");
        }
    }

    #[test]
    fn the_hour_follows_the_clock_on_the_wall() {
        let berlin = chrono_tz::Europe::Berlin;
        let seat = |from| evening(3).seat(&[], berlin, at(from));
        assert_eq!(seat("2026-10-24T16:00:00Z"), Some(Seat::New(at("2026-10-25T17:00:00Z"))));
        assert_eq!(seat("2026-03-28T17:00:00Z"), Some(Seat::New(at("2026-03-29T16:00:00Z"))));
    }
}
