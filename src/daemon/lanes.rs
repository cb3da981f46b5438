//! What becomes of an entry on one lane: the profile's filters, and what the lane or another account
//! has already.
//!
//! Promises: looks only at posts of a bounded window; posts made earlier in the same fetch count. Must
//! not: write an entry or a post.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use super::Error;
use super::intake::hash;
use crate::config::{Config, LaneSelection};
use crate::domain::breaker::Lane;
use crate::domain::compose::{Composed, Unfit};
use crate::domain::post::State;
use crate::domain::select::Choice;
use crate::domain::select::filter::Subject;
use crate::domain::select::twins::{OnTwin, SameText, Twin, words_alone};
use crate::domain::similar::Headline;
use crate::store::Tx;

/// Posts of a lane whose titles a new one is compared with: more than X lets out in three days.
const TITLES_MAX: u32 = 2_000;

/// An entry that comes to lanes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fresh<'a> {
    /// Its feed.
    pub(super) feed: &'a str,
    /// Its title, plain.
    pub(super) title: &'a str,
    /// Its page, hashed.
    pub(super) link_key: Option<&'a str>,
    /// What filters look at.
    pub(super) subject: &'a Subject,
}

/// A post as it is to be kept.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    /// Its words.
    pub(super) composed: Composed,
    /// Where it begins.
    pub(super) state: State,
    /// Why there.
    pub(super) reason: String,
    /// Not to be sent earlier, where it waits for something.
    pub(super) not_before: Option<DateTime<Utc>>,
    /// A hash of its words, on X.
    words: Option<String>,
}

impl Placed {
    /// As one of several in a digest, which has words and a time of its own.
    pub(super) fn in_digest(self) -> Self {
        Self { not_before: None, words: None, ..self }
    }
}

/// The lanes that the entries of one fetch come to.
#[derive(Debug)]
pub(super) struct Lanes<'a> {
    config: &'a Config,
    /// What each lane had lately; read when it is first needed.
    titles: HashMap<Lane, Vec<(Twin, Headline)>>,
    /// Digests that got an entry and have to be worded; whether they are new.
    pub(super) digests: BTreeMap<i64, bool>,
}

impl<'a> Lanes<'a> {
    /// Those of a config.
    pub(super) fn new(config: &'a Config) -> Self {
        Self { config, titles: HashMap::new(), digests: BTreeMap::new() }
    }

    fn rules(&self, lane: &Lane) -> Option<&'a LaneSelection> {
        self.config.profile(&lane.profile).map(|profile| &profile.select)
    }

    /// What the profile's filters and the lane's other posts say about an entry.
    pub(super) async fn judge(
        &mut self,
        tx: &mut Tx,
        lane: &Lane,
        fresh: &Fresh<'_>,
    ) -> Result<Choice, Error> {
        let Some(rules) = self.rules(lane) else {
            return Ok(Choice::Post);
        };
        let mut choice = rules.judge(&lane.profile, fresh.subject);
        let since = tx.now - rules.window;
        if let Some(key) = fresh.link_key
            && rules.same_link != OnTwin::Allow
            && let Some(twin) = tx.twin_by_link(key, fresh.feed, lane, since).await?
        {
            choice = choice.and(rules.of_link(&twin));
        }
        if rules.like_title != OnTwin::Allow {
            let title = Headline::of(fresh.title);
            let had = self.titles_of(tx, lane, since).await?;
            if let Some((twin, _)) = had.iter().find(|(_, other)| other.is_like(&title)) {
                choice = choice.and(rules.of_title(twin));
            }
        }
        Ok(choice)
    }

    async fn titles_of(
        &mut self,
        tx: &mut Tx,
        lane: &Lane,
        since: DateTime<Utc>,
    ) -> Result<&mut Vec<(Twin, Headline)>, Error> {
        if !self.titles.contains_key(lane) {
            let titles = tx.titles_on(lane, since, TITLES_MAX).await?;
            let ready = titles.into_iter().map(|(twin, title)| (twin, Headline::of(&title)));
            self.titles.insert(lane.clone(), ready.collect());
        }
        Ok(self.titles.entry(lane.clone()).or_default())
    }

    /// The post that the choice makes of composed words, unless another account says the same.
    pub(super) async fn place(
        &self,
        tx: &mut Tx,
        lane: &Lane,
        (choice, composed): (Choice, Result<Composed, Unfit>),
        put_off_until: Option<DateTime<Utc>>,
    ) -> Result<Placed, Error> {
        let composed = match composed {
            Ok(composed) => composed,
            Err(unfit) => {
                return Ok(Placed {
                    composed: Composed::default(),
                    state: State::Failed,
                    reason: unfit.to_string(),
                    not_before: None,
                    words: None,
                });
            }
        };
        let words = if lane.is_x() { words_alone(&composed.text) } else { None };
        let words = words.map(|words| hash(&words));
        let (mut choice, mut not_before) = (choice, put_off_until);
        if let (Some(key), Some(rules)) = (&words, self.rules(lane))
            && rules.same_text != SameText::Allow
            && !matches!(choice, Choice::Skip { .. })
            && let Some(twin) = tx.twin_by_words(key, lane, tx.now - rules.window).await?
        {
            let (guarded, from) = rules.of_text(&twin);
            choice = choice.and(guarded);
            not_before = std::cmp::max(not_before, from);
        }
        let (state, reason) = match choice {
            Choice::Post => (State::Queued, String::new()),
            Choice::Hold { why } => (State::Held, why),
            Choice::Skip { why } => (State::Skipped, why),
        };
        Ok(Placed { composed, state, reason, not_before, words })
    }

    /// Notes what a later entry may be a twin of, and puts off what has to wait.
    pub(super) async fn note(
        &mut self,
        tx: &mut Tx,
        (post, lane): (i64, &Lane),
        fresh: &Fresh<'_>,
        placed: &Placed,
    ) -> Result<(), Error> {
        if let Some(at) = placed.not_before {
            tx.put_off(post, at).await?;
        }
        if let Some(key) = &placed.words {
            tx.keep_words(post, key).await?;
        }
        if let Some(titles) = self.titles.get_mut(lane)
            && matches!(placed.state, State::Queued | State::Held)
        {
            let twin = Twin {
                post,
                feed: fresh.feed.to_owned(),
                profile: lane.profile.clone(),
                from: tx.now,
            };
            titles.push((twin, Headline::of(fresh.title)));
        }
        Ok(())
    }
}
