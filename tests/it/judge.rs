//! The judge: what is truly out, by the sandbox's books, against what ought to be.
//!
//! Promises: an entry that is missing, out twice or never expected is named. Must not: ask the daemon.

use std::collections::BTreeMap;
use std::fmt;

use tidings::sandbox::Books;

use super::process::Item;

/// One entry on one lane, as it must be found in the books exactly once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Expected {
    pub(crate) profile: String,
    pub(crate) platform: String,
    pub(crate) token: String,
}

/// Every item on each of a profile's lanes.
pub(crate) fn expect(profile: &str, platforms: &[&str], items: &[Item]) -> Vec<Expected> {
    platforms
        .iter()
        .flat_map(|platform| {
            items.iter().map(|item| Expected {
                profile: profile.to_owned(),
                platform: (*platform).to_owned(),
                token: item.token.clone(),
            })
        })
        .collect()
}

/// What the judge found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) lost: Vec<String>,
    pub(crate) doubled: Vec<String>,
    pub(crate) strange: Vec<String>,
}

impl Verdict {
    pub(crate) fn is_innocent(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lost {}, doubled {}", self.lost.len(), self.doubled.len())
    }
}

/// Our post's own part of a reference, whatever its generation.
pub(crate) fn uuid_of(notes: Option<&str>) -> Option<&str> {
    notes?.strip_prefix("tidings:")?.rsplit_once(':').map(|(uuid, _generation)| uuid)
}

/// Judges by what is truly published: each expected entry once on its lane, each of our references
/// once under whatever generation, nothing twice by the sandbox's own reckoning, nothing else.
pub(crate) fn judge(books: &Books, expected: &[Expected]) -> Verdict {
    let published: Vec<_> = books.published().collect();
    let mut verdict = Verdict::default();
    for one in expected {
        let on_lane = |it: &&tidings::sandbox::Published| {
            it.profile == one.profile && it.platform == one.platform && it.text.contains(&one.token)
        };
        match published.iter().filter(on_lane).count() {
            0 => verdict.lost.push(format!("{one:?}")),
            1 => {}
            times => verdict.doubled.push(format!("{times} times {one:?}")),
        }
    }
    let mut references: BTreeMap<&str, usize> = BTreeMap::new();
    for post in &published {
        match uuid_of(post.notes.as_deref()) {
            Some(uuid) => *references.entry(uuid).or_default() += 1,
            None => verdict.strange.push(format!("without our reference: {post:?}")),
        }
        if !expected.iter().any(|one| {
            post.profile == one.profile
                && post.platform == one.platform
                && post.text.contains(&one.token)
        }) {
            verdict.strange.push(format!("nobody expected {post:?}"));
        }
    }
    for (uuid, times) in references.into_iter().filter(|(_, times)| *times > 1) {
        verdict.doubled.push(format!("{times} times the reference {uuid}"));
    }
    verdict.doubled.extend(books.doubles().iter().map(|double| format!("{double:?}")));
    verdict
}
