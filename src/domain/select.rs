//! Which entries become posts: filters, the first-run policy, the anomaly hold, twins.
//!
//! Promises: a first run, a restart, a burst or a regenerated feed never floods; what is left out or
//! held says by which rule. Must not: know of times of sending.

pub mod filter;
pub mod pattern;
pub mod rules;
pub mod twins;

use chrono::{DateTime, TimeDelta, Utc};

use super::entry::{Entry, Item};

/// What happens to the entries that a feed has when it is read for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstRun {
    /// None is posted.
    None,
    /// All are posted, at the profile's pace.
    All,
    /// The newest few are posted.
    Latest(usize),
    /// Those published since are posted.
    Since(DateTime<Utc>),
}

/// What becomes of a new entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// It becomes posts.
    Post,
    /// It becomes posts that wait for a person.
    Hold {
        /// What is odd, and what to do, for a person.
        why: String,
    },
    /// It is remembered and never posted.
    Skip {
        /// By which rule, for a person.
        why: String,
    },
}

/// What is known around a fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading<'a> {
    /// The feed's name in the config, for the sentences.
    pub feed: &'a str,
    /// When the feed was read for the first time; `None`: it is now.
    pub first_read_at: Option<DateTime<Utc>>,
    /// Whether any entry of this feed is known from earlier.
    pub had_entries: bool,
    /// What the config says about the first reading.
    pub first_run: FirstRun,
    /// A fetch with more new entries than this is held.
    pub hold_above: usize,
    /// How many entries of this fetch were known already.
    pub known: usize,
    /// Whether the feed gives itself another title than before.
    pub renamed: bool,
    /// When the feed answered well before this time.
    pub last_read_at: Option<DateTime<Utc>>,
    /// The present.
    pub now: DateTime<Utc>,
}

/// An entry that turns up with an older date than this was most likely there before: restored,
/// re-tagged, or moved from elsewhere.
pub const OLD_AFTER: TimeDelta = TimeDelta::days(30);
/// An entry that is dated so long before the last reading should have been there then.
const LATE_AFTER: TimeDelta = TimeDelta::days(1);
/// So many late entries at once are no accident.
const LATE_MIN: usize = 3;

/// Decides about the unseen entries of a fetch, given in the feed's order; one choice for each.
pub fn choose(new: &[&Entry], reading: &Reading<'_>) -> Vec<Choice> {
    let Some(first_read_at) = reading.first_read_at else {
        return first_run(new, reading);
    };
    // A feed that was empty so far: what is older than its first reading was there before.
    let policy = if reading.had_entries { Vec::new() } else { first_run(new, reading) };
    let feed = reading.feed;
    let remedy = format!("post them with `tidings queue approve --feed {feed}`, or skip them");
    let count = new.len();
    let anomaly = if count > reading.hold_above {
        let limit = reading.hold_above;
        Some(format!(
            "{count} new entries in one fetch of {feed} are more than `hold_above` ({limit}); {remedy}"
        ))
    } else if reading.had_entries && reading.known == 0 && (count > 1 || reading.renamed) {
        // A single entry that replaces a single entry is how some feeds work.
        Some(format!(
            "all {count} entries of {feed} are new at once, as if the feed were regenerated or another's; {remedy}"
        ))
    } else {
        None
    };
    let late = |entry: &&&Entry| is_late(&entry.item, reading);
    let late_count = new.iter().filter(late).count();
    let many_late = late_count >= LATE_MIN && late_count * 2 >= count;
    let chosen = new.iter().map(|entry| match &anomaly {
        Some(why) => Choice::Hold { why: why.clone() },
        None if many_late && late(&entry) => Choice::Hold {
            why: format!(
                "{late_count} entries of {feed} turned up at once that are dated before it was read last, as if it were regenerated or showed more of its past; {remedy}"
            ),
        },
        None => by_age(&entry.item, reading),
    });
    if reading.had_entries {
        return chosen.collect();
    }
    let is_younger = |entry: &&&Entry| date(&entry.item).is_some_and(|at| at > first_read_at);
    let pairs = new.iter().zip(chosen.zip(policy));
    pairs
        .map(|(entry, (chosen, policy))| if is_younger(&entry) { chosen } else { policy })
        .collect()
}

/// Whether an entry should have been seen at the last reading, by its date.
fn is_late(item: &Item, reading: &Reading<'_>) -> bool {
    let last = reading.last_read_at.filter(|_| reading.had_entries);
    last.zip(date(item)).is_some_and(|(last, at)| at < last - LATE_AFTER)
}

fn by_age(item: &Item, reading: &Reading<'_>) -> Choice {
    match date(item) {
        Some(at) if at < reading.now - OLD_AFTER => Choice::Hold {
            why: format!(
                "it turned up now but is dated {}; post it with `tidings queue approve --feed {}`, or skip it",
                at.format("%Y-%m-%d"),
                reading.feed
            ),
        },
        Some(_) | None => Choice::Post,
    }
}

fn date(item: &Item) -> Option<DateTime<Utc>> {
    item.published.or(item.updated)
}

fn first_run(new: &[&Entry], reading: &Reading<'_>) -> Vec<Choice> {
    let skip = |why: &str| Choice::Skip { why: why.into() };
    match reading.first_run {
        FirstRun::All => new.iter().map(|_| Choice::Post).collect(),
        FirstRun::None => new
            .iter()
            .map(|_| {
                skip("it was in the feed before Tidings first read it (`first_run = \"none\"`)")
            })
            .collect(),
        FirstRun::Latest(count) => {
            let newest = newest(new, count, reading.now);
            (0..new.len())
                .map(|at| {
                    if newest.contains(&at) {
                        Choice::Post
                    } else {
                        skip(&format!(
                            "it was not among the newest {count} when Tidings first read the feed (`first_run`)"
                        ))
                    }
                })
                .collect()
        }
        FirstRun::Since(since) => new
            .iter()
            .map(|entry| match date(&entry.item) {
                Some(at) if at >= since => Choice::Post,
                Some(_) => skip(&format!(
                    "it was published before {} (`first_run`)",
                    since.format("%Y-%m-%d %H:%M UTC")
                )),
                None => skip("it has no date, and `first_run` asks for entries since one"),
            })
            .collect(),
    }
}

/// Where the newest entries stand: by date, those without one last, then by the feed's own order. A
/// date in the future counts as now, so that it wins no place by being wrong.
fn newest(new: &[&Entry], count: usize, now: DateTime<Utc>) -> Vec<usize> {
    let mut order: Vec<(Option<DateTime<Utc>>, usize)> = new
        .iter()
        .enumerate()
        .map(|(at, entry)| (date(&entry.item).map(|date| std::cmp::min(date, now)), at))
        .collect();
    order.sort_by_key(|(date, at)| (std::cmp::Reverse(*date), *at));
    order.into_iter().take(count).map(|(_, at)| at).collect()
}

#[cfg(test)]
mod tests {
    use super::super::entry::{ParsedFeed, identify};
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).expect("date")
    }

    /// Entries with the given ages in days; `None` for one without a date.
    fn entries(ages: &[Option<i64>]) -> Vec<Entry> {
        let items = ages
            .iter()
            .enumerate()
            .map(|(n, age)| Item {
                guid: Some(n.to_string()),
                published: age.map(|days| now() - TimeDelta::days(days)),
                ..Item::default()
            })
            .collect();
        identify(&ParsedFeed { items, ..ParsedFeed::default() })
    }

    fn reading() -> Reading<'static> {
        Reading {
            feed: "blog",
            first_read_at: Some(DateTime::UNIX_EPOCH),
            had_entries: true,
            first_run: FirstRun::None,
            hold_above: 5,
            known: 10,
            renamed: false,
            last_read_at: Some(now() - TimeDelta::hours(1)),
            now: now(),
        }
    }

    /// One letter for each choice.
    fn letters(ages: &[Option<i64>], reading: Reading<'_>) -> String {
        let entries = entries(ages);
        let new: Vec<&Entry> = entries.iter().collect();
        choose(&new, &reading)
            .iter()
            .map(|choice| match choice {
                Choice::Post => 'P',
                Choice::Hold { .. } => 'H',
                Choice::Skip { .. } => 'S',
            })
            .collect()
    }

    #[test]
    fn the_first_run_goes_by_its_policy() {
        let first = |first_run| Reading {
            first_read_at: None,
            had_entries: false,
            known: 0,
            first_run,
            ..reading()
        };
        let since = FirstRun::Since(now() - TimeDelta::days(2));
        for (ages, policy, expected) in [
            (vec![Some(0), Some(900)], FirstRun::None, "SS"),
            (vec![Some(0), Some(900)], FirstRun::All, "PP"),
            (vec![Some(9), Some(1), Some(5), Some(2)], FirstRun::Latest(2), "SPSP"),
            (vec![None, None, None], FirstRun::Latest(1), "PSS"),
            (vec![None, Some(3), None], FirstRun::Latest(2), "PPS"),
            (vec![Some(1), Some(-400), Some(0)], FirstRun::Latest(2), "SPP"),
            (vec![Some(1)], FirstRun::Latest(0), "S"),
            (vec![Some(1), Some(3), None, Some(2)], since, "PSSP"),
            (vec![], FirstRun::All, ""),
        ] {
            assert_eq!(letters(&ages, first(policy)), expected, "{policy:?} {ages:?}");
        }
    }

    #[test]
    fn later_runs_post_what_is_new_and_hold_what_is_odd() {
        let fresh = |count| vec![Some(0); count];
        for (ages, reading, expected) in [
            (fresh(5), reading(), "PPPPP"),
            (fresh(6), reading(), "HHHHHH"),
            (vec![Some(1), None, Some(31)], reading(), "PPH"),
            (fresh(3), Reading { known: 0, ..reading() }, "HHH"),
            (fresh(1), Reading { known: 0, ..reading() }, "P"),
            (fresh(1), Reading { known: 0, renamed: true, ..reading() }, "H"),
            (fresh(2), Reading { renamed: true, ..reading() }, "PP"),
            (vec![Some(2), Some(3), Some(4)], reading(), "HHH"),
            (vec![Some(2), Some(3), Some(4), Some(0), None], reading(), "HHHPP"),
            (vec![Some(2), Some(3), Some(0), Some(0)], reading(), "PPPP"),
            (
                vec![Some(2), Some(3), Some(4)],
                Reading { last_read_at: Some(now() - TimeDelta::days(9)), ..reading() },
                "PPP",
            ),
            (fresh(3), Reading { known: 0, had_entries: false, ..reading() }, "PPP"),
            (vec![], reading(), ""),
        ] {
            assert_eq!(letters(&ages, reading), expected, "{ages:?}");
        }
    }

    #[test]
    fn a_hold_says_what_is_odd_and_what_to_do() {
        let entries = entries(&[Some(0); 6]);
        let new: Vec<&Entry> = entries.iter().collect();
        let choices = choose(&new, &reading());
        let Some(Choice::Hold { why }) = choices.first() else {
            panic!("held");
        };
        insta::assert_snapshot!(why, @"6 new entries in one fetch of blog are more than `hold_above` (5); post them with `tidings queue approve --feed blog`, or skip them");
    }
}
