//! What becomes of known entries whose feed says something else about them by now.
//!
//! Promises: what was sent is never sent again for it; words that a person wrote stay; a post that a
//! person let go does not go out with words that the person has not seen. Must not: make posts.

use std::collections::{HashMap, HashSet};

use tracing::{info, warn};

use super::digest::Worded;
use super::intake::{self, Source, hash, kept};
use super::news::News;
use super::recipe::{Beside, Recipe};
use super::sorted::Sorted;
use super::{Daemon, Error};
use crate::domain::breaker::Lane;
use crate::domain::compose::{Composed, Unfit};
use crate::domain::entry::{Entry, Item, normal_link};
use crate::domain::post::{Event, State};
use crate::domain::select::Choice;
use crate::domain::select::filter::Subject;
use crate::domain::select::rules::{OnUpdate, SETTLE_RESTARTS_MAX};
use crate::domain::select::twins::words_alone;
use crate::domain::text::plain;
use crate::store::Tx;
use crate::store::entries::Revision;
use crate::store::posts::{Post, Who};

/// Characters of a headline that a reason shows.
const SHOWN_CHARS_MAX: usize = 80;
const NOTE: &str = "reworded: the feed changed the entry";

/// An entry as it was and as it is.
struct Change<'a> {
    before: &'a Item,
    after: &'a Item,
    /// What filters see of both.
    subjects: (Subject, Subject),
    title_before: &'a str,
    /// Whether the headline is another, and hasn't been so often already that nobody waits for it.
    restarts: bool,
}

impl Daemon {
    /// Keeps what known entries say by now, and has their unsent posts say it too, as the feed's
    /// `on_update` wants it. Says whether a headline has to settle anew.
    pub(super) async fn keep_changes(
        &self,
        tx: &mut Tx,
        source: Source<'_>,
        sorted: &Sorted<'_>,
        said: &HashMap<i64, Option<String>>,
    ) -> Result<bool, Error> {
        let mut told = HashSet::new();
        let mut is_settling = false;
        for (entry, number) in &sorted.seen {
            // A feed that lists an entry twice shows the newer one first.
            if !told.insert(*number) {
                continue;
            }
            let now_said = intake::said(&entry.item);
            let before = said.get(number).and_then(Option::as_deref);
            if before != Some(&now_said) {
                let new = (kept(&entry.item), now_said);
                is_settling |= self.keep_change(tx, source, (entry, *number), new).await?;
            }
        }
        Ok(is_settling)
    }

    async fn keep_change(
        &self,
        tx: &mut Tx,
        source: Source<'_>,
        (entry, number): (&Entry, i64),
        (item, said): (String, String),
    ) -> Result<bool, Error> {
        let (item, said) = (item.as_str(), said.as_str());
        let Some(seen) = tx.entry(number).await? else {
            return Ok(false);
        };
        let title = plain(&entry.item.title);
        let page = |link: Option<&str>| link.map(normal_link);
        let link = entry.item.link.as_deref();
        let is_other = title != seen.title || page(link) != page(seen.link.as_deref());
        let link_key = source.link_key(&entry.item);
        let revision =
            Revision { title: &title, link, link_key: link_key.as_deref(), item, said, is_other };
        tx.revise_entry(number, &revision).await?;
        if title != seen.title {
            self.watch_correction(tx, number, (&seen.title, &title)).await?;
        }
        // What can't be read any more can't be compared: the new words are kept for the next time.
        let Ok(before) = serde_json::from_str::<Item>(&seen.item) else {
            return Ok(false);
        };
        if source.feed.select.on_update == OnUpdate::Ignore {
            return Ok(false);
        }
        let after = serde_json::from_str::<Item>(item).unwrap_or_default();
        let subjects = (Subject::of(&before), Subject::of(&after));
        let settles = source.feed.select.settles_for(&subjects.1).is_some();
        let change = Change {
            before: &before,
            after: &after,
            subjects,
            title_before: &seen.title,
            restarts: is_other && settles && seen.changes < SETTLE_RESTARTS_MAX,
        };
        let mut is_settling = false;
        for post in tx.unsent_of_entry(number).await? {
            is_settling |= self.revise_post(tx, source, &post, &change).await?;
        }
        Ok(is_settling)
    }

    /// Tells of a headline that was changed after it was published; nothing is sent for it.
    async fn watch_correction(
        &self,
        tx: &mut Tx,
        entry: i64,
        (before, after): (&str, &str),
    ) -> Result<(), Error> {
        for post in tx.mark_corrected(entry, after).await? {
            warn!(
                post.id = post.id,
                lane = %post.lane,
                "post {} is published, and its feed changed the headline since: {before:?} is now \
                 {after:?}; `tidings delete {}` takes it down",
                post.id,
                post.id
            );
            self.tell(News::Corrected {
                post: post.id,
                lane: post.lane,
                before: before.to_owned(),
                after: after.to_owned(),
            });
        }
        Ok(())
    }

    /// Has one post say what its entry says by now; says whether it has to settle anew.
    async fn revise_post(
        &self,
        tx: &mut Tx,
        source: Source<'_>,
        post: &Post,
        change: &Change<'_>,
    ) -> Result<bool, Error> {
        if post.edited {
            return Ok(false);
        }
        let objection = objection(source.recipe(), &post.lane, change);
        let (reworded, after, beside) = self.new_words(tx, source, post, change).await?;
        if let (true, Ok(composed)) = (reworded, &after) {
            let mut notes = composed.notes.clone();
            notes.push(NOTE.to_owned());
            let notes = notes.join("\n");
            if !tx.reword_post(post.id, &beside.wording(composed, &notes)).await? {
                return Ok(false);
            }
            if let Some(words) = words_alone(&composed.text).filter(|_| post.lane.is_x()) {
                tx.keep_words(post.id, &hash(&words)).await?;
            }
            let (id, feed) = (post.id, post.feed.as_str());
            info!(post.id = id, feed, "post {id} got the new words of its entry");
        }
        let why = match (objection, &after) {
            (Some(why), _) => Some(format!("its entry changed: {why}")),
            (None, Err(unfit)) => Some(format!("its entry changed: {unfit}")),
            (None, Ok(_)) if !reworded => None,
            (None, Ok(_)) => self.wants_a_look(tx, source, post, change).await?,
        };
        if post.life.state != State::Queued {
            return Ok(false);
        }
        if let Some(why) = why {
            warn!(post.id = post.id, feed = post.feed, "post {} is held: {why}", post.id);
            self.turn(tx, post, &Event::Hold { why }, Who::Daemon).await?;
            return Ok(false);
        }
        match source.settling.filter(|_| change.restarts && !post.life.send_now) {
            Some(settling) => {
                tx.put_off(post.id, settling.until).await?;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// Whether a post reads otherwise now, how, and what goes beside it.
    async fn new_words(
        &self,
        tx: &mut Tx,
        source: Source<'_>,
        post: &Post,
        change: &Change<'_>,
    ) -> Result<(bool, Result<Composed, Unfit>, Beside), Error> {
        if let Some(Worded { composed, beside }) =
            self.digest_words(tx, source.recipe(), post).await?
        {
            let reworded = composed.as_ref().map_or(true, |it| it.text != post.text);
            return Ok((reworded, composed, beside));
        }
        let before = source.recipe().compose(change.before, &post.lane);
        let after = source.recipe().compose(change.after, &post.lane);
        let beside = source.recipe().beside(change.after, &post.lane);
        Ok((before != after, after, beside))
    }

    /// Why a person has to see the new words first, if anybody has to.
    async fn wants_a_look(
        &self,
        tx: &mut Tx,
        source: Source<'_>,
        post: &Post,
        change: &Change<'_>,
    ) -> Result<Option<String>, Error> {
        let was: String = change.title_before.chars().take(SHOWN_CHARS_MAX).collect();
        let was = if was.is_empty() { String::new() } else { format!(" (it was {was:?})") };
        if tx.was_released(post.id).await? {
            return Ok(Some(format!(
                "its entry changed after you let it go{was}: look at the new text, and approve it"
            )));
        }
        Ok((source.feed.select.on_update == OnUpdate::Hold).then(|| {
            format!("on_update: its entry changed{was}: look at the new text, and approve it")
        }))
    }
}

/// What the filters have against an entry that they had nothing against before.
fn objection(recipe: Recipe<'_>, lane: &Lane, change: &Change<'_>) -> Option<String> {
    let before = recipe.judge(&change.subjects.0, lane);
    match recipe.judge(&change.subjects.1, lane) {
        Choice::Skip { why } | Choice::Hold { why } if before == Choice::Post => Some(why),
        Choice::Post | Choice::Skip { .. } | Choice::Hold { .. } => None,
    }
}
