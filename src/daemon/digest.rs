//! Digests: entries join one that waits, or begin a new one, and its text tells of all of them.
//!
//! Promises: an entry and the digest's words change in one transaction; what a person wrote, and what may
//! have been sent, is never worded anew. Must not: send.

use tracing::{info, warn};

use super::intake::{Source, hash};
use super::lanes::{Lanes, Placed};
use super::news::News;
use super::placing::{FreshPost, keep_post};
use super::recipe::{Beside, Recipe};
use super::{Daemon, Error};
use crate::domain::compose::{Composed, Unfit, compose_digest};
use crate::domain::digest::Seat;
use crate::domain::entry::Item;
use crate::domain::post::{Event, State};
use crate::domain::select::Choice;
use crate::domain::select::twins::{SameText, words_alone};
use crate::store::Tx;
use crate::store::posts::{Post, Who};

const WHY_GATHERED: &str = "the budget does not pay for each";

/// A digest's words, and what goes beside them.
pub(super) struct Worded {
    pub(super) composed: Result<Composed, Unfit>,
    pub(super) beside: Beside,
}

impl Daemon {
    /// Where a new entry goes in the digests of its feed; `None` where it is a post of its own: the feed
    /// has no digests, or the entry is not to go out as it is.
    pub(super) async fn seat(
        &self,
        tx: &mut Tx,
        fresh: &FreshPost<'_>,
        placed: &Placed,
    ) -> Result<Option<Seat>, Error> {
        let Some(rules) = fresh.feed.digest.as_ref().filter(|_| placed.state == State::Queued)
        else {
            return Ok(None);
        };
        let waiting = tx.waiting_digests(&fresh.feed.name, fresh.lane).await?;
        let embargo = tx.now + fresh.feed.pace.embargo;
        let earliest = placed.not_before.map_or(embargo, |at| std::cmp::max(at, embargo));
        let zone = self.config.zone(&fresh.lane.profile);
        Ok(rules.seat(&waiting, zone, earliest))
    }

    /// Puts a new entry into its digest; gives the digest's post.
    pub(super) async fn take_seat(
        &self,
        tx: &mut Tx,
        fresh: &FreshPost<'_>,
        (placed, seat): (&Placed, Seat),
        lanes: &mut Lanes<'_>,
    ) -> Result<i64, Error> {
        let post = match seat {
            Seat::In(post) => post,
            Seat::New(at) => keep_post(tx, fresh, placed, Some(at)).await?,
        };
        tx.join_digest(post, fresh.number, fresh.lane).await?;
        let is_new = matches!(seat, Seat::New(_));
        lanes.digests.entry(post).or_insert(is_new);
        Ok(post)
    }

    /// Words the digests that got entries.
    pub(super) async fn word_digests(
        &self,
        tx: &mut Tx,
        source: Source<'_>,
        (lanes, news): (&Lanes<'_>, &mut Vec<News>),
    ) -> Result<(), Error> {
        for (id, is_new) in &lanes.digests {
            let Some(post) = tx.post(*id).await? else { continue };
            self.word_digest(tx, source.recipe(), &post).await?;
            let Some(post) = tx.post(*id).await?.filter(|_| *is_new) else { continue };
            news.push(News::Queued {
                post: post.id,
                state: post.life.state,
                cost: self.outlook().cost_of(&post),
                text: post.text,
                weighted_length: post.weighted_length,
                lane: post.lane,
            });
        }
        Ok(())
    }

    /// Has a digest say what its entries say now.
    pub(super) async fn word_digest(
        &self,
        tx: &mut Tx,
        recipe: Recipe<'_>,
        post: &Post,
    ) -> Result<(), Error> {
        let Some(worded) = self.digest_words(tx, recipe, post).await? else {
            return Ok(());
        };
        let objection = match &worded.composed {
            Ok(composed) => {
                let notes = composed.notes.join("\n");
                let wording = worded.beside.wording(composed, &notes);
                if !tx.reword_post(post.id, &wording).await? {
                    return Ok(());
                }
                self.guard_words(tx, post, &composed.text).await?
            }
            Err(unfit) => Some(unfit.to_string()),
        };
        info!(
            post.id = post.id,
            feed = post.feed,
            "digest {} has the words of its entries",
            post.id
        );
        if let Some(why) = objection {
            warn!(post.id = post.id, feed = post.feed, "digest {} is held: {why}", post.id);
            self.turn(tx, post, &Event::Hold { why }, Who::Daemon).await?;
        }
        Ok(())
    }

    /// Keeps a digest's words and puts it off where another account says the same; why a person has to
    /// look, if anybody has to.
    async fn guard_words(
        &self,
        tx: &mut Tx,
        post: &Post,
        text: &str,
    ) -> Result<Option<String>, Error> {
        let Some(words) = words_alone(text).filter(|_| post.lane.is_x()) else {
            return Ok(None);
        };
        let key = hash(&words);
        tx.keep_words(post.id, &key).await?;
        let Some(profile) = self.config.profile(&post.lane.profile) else { return Ok(None) };
        let rules = &profile.select;
        if rules.same_text == SameText::Allow {
            return Ok(None);
        }
        let Some(twin) = tx.twin_by_words(&key, &post.lane, tx.now - rules.window).await? else {
            return Ok(None);
        };
        let (choice, from) = rules.of_text(&twin);
        if let Some(from) = from {
            tx.put_off(post.id, from).await?;
        }
        Ok(match choice {
            Choice::Post => None,
            // Its entries may not be lost for the words of one moment.
            Choice::Hold { why } | Choice::Skip { why } => Some(why),
        })
    }

    /// What a digest says of its entries as they are now; `None` where the post is no digest.
    pub(super) async fn digest_words(
        &self,
        tx: &mut Tx,
        recipe: Recipe<'_>,
        post: &Post,
    ) -> Result<Option<Worded>, Error> {
        let entries = tx.digest_entries(post.id).await?;
        let items: Vec<Item> = entries
            .iter()
            .map(|entry| serde_json::from_str(&entry.item).unwrap_or_default())
            .collect();
        let Some(first) = items.first() else { return Ok(None) };
        let ingredients: Vec<_> = items.iter().map(|item| recipe.ingredients(item)).collect();
        let rules = recipe.feed.digest.clone().unwrap_or_default();
        let mut composed = compose_digest(&ingredients, &recipe.setting(&post.lane), &rules);
        if let (Ok(composed), None) = (&mut composed, &recipe.feed.digest) {
            let note = format!("{} entries are gathered in one post: {WHY_GATHERED}", items.len());
            composed.notes.push(note);
        }
        Ok(Some(Worded { composed, beside: recipe.beside(first, &post.lane) }))
    }
}
