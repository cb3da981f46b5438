//! The entries of one fetch, told apart by whether they were seen before.
//!
//! Promises: an entry that was seen under any of its keys is never new again; one that may be another
//! one under a known guid or link is new, and doubtful. Must not: choose, or keep.

use std::collections::HashMap;

use super::{Daemon, Error};
use crate::domain::entry::{self, Entry, Item, Key};
use crate::domain::select::Choice;
use crate::store::Tx;

/// The entries of one fetch.
pub(super) struct Sorted<'a> {
    /// Seen before, with their numbers.
    pub(super) seen: Vec<(&'a Entry, i64)>,
    /// Never seen before.
    pub(super) unseen: Vec<&'a Entry>,
    /// The known keys among all of theirs.
    known: HashMap<String, i64>,
    /// Of the unseen ones, those that stand under another one's guid or link.
    doubtful: Vec<(&'a Entry, String)>,
}

impl Sorted<'_> {
    /// The choices, but that what is doubtful waits for a person.
    pub(super) fn hold_doubtful(&self, choices: Vec<Choice>) -> Vec<Choice> {
        let held = |(entry, choice): (&&Entry, Choice)| {
            let doubt = self.doubtful.iter().find(|(doubtful, _)| std::ptr::eq(*doubtful, *entry));
            match (choice, doubt) {
                (Choice::Post, Some((_, why))) => Choice::Hold { why: why.clone() },
                (choice, _) => choice,
            }
        };
        self.unseen.iter().zip(choices).map(held).collect()
    }

    /// A known entry that shows keys it did not have before is known by them too from now on.
    pub(super) async fn learn_keys(&self, tx: &mut Tx, feed: &str) -> Result<(), Error> {
        let keys: Vec<(&str, i64)> = self
            .seen
            .iter()
            .flat_map(|(entry, number)| entry.keys.iter().map(|key| (key.as_str(), *number)))
            .filter(|(key, _)| !self.known.contains_key(*key))
            .collect();
        Ok(tx.insert_keys(feed, &keys).await?)
    }
}

impl Daemon {
    /// Tells the entries of a fetch apart.
    pub(super) async fn sort<'a>(
        &self,
        feed: &str,
        entries: &'a [Entry],
    ) -> Result<Sorted<'a>, Error> {
        let keys = entries.iter().flat_map(|entry| entry.keys.iter().map(Key::as_str));
        let known = self.store.known_keys(feed, keys).await?;
        let mut seen = Vec::new();
        let mut unseen = Vec::new();
        let mut doubtful = Vec::new();
        for entry in entries {
            match entry.keys.iter().find_map(|key| known.get(key.as_str())) {
                Some(number) => match self.doubt(feed, entry, (*number, &known)).await? {
                    Some(why) => {
                        unseen.push(entry);
                        doubtful.push((entry, why));
                    }
                    None => seen.push((entry, *number)),
                },
                None => unseen.push(entry),
            }
        }
        Ok(Sorted { seen, unseen, known, doubtful })
    }

    /// Why an entry may be another one than that by whose guid or link it is known.
    async fn doubt(
        &self,
        feed: &str,
        entry: &Entry,
        (number, known): (i64, &HashMap<String, i64>),
    ) -> Result<Option<String>, Error> {
        let is_known = |key: &str| known.contains_key(key);
        // Nearly always more is known of it than one key, and no row is read.
        if entry.keys.iter().filter(|key| is_known(key.as_str())).count() > 2 {
            return Ok(None);
        }
        let Some(seen) = self.store.entry(number).await? else { return Ok(None) };
        let Ok(item) = serde_json::from_str::<Item>(&seen.item) else { return Ok(None) };
        Ok(entry::is_another(&item, entry, is_known).then(|| {
            format!(
                "it stands under the guid or link of {:?}, seen on {}, and all else is different: if it is \
                 a new entry, post it with `tidings queue approve --feed {feed}`, or skip it",
                seen.title,
                seen.first_seen_at.format("%Y-%m-%d")
            )
        }))
    }
}
