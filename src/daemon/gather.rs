//! What waits for money is gathered: posts of a feed that a spent budget can't pay one by one become
//! one digest.
//!
//! Promises: posts join, and the digest gets their words, in one transaction; an entry is then in one
//! post that can be sent. Must not: send; touch what was sent, or what a person changed.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use tracing::info;

use super::news::News;
use super::recipe::Recipe;
use super::{Daemon, Error};
use crate::domain::breaker::Lane;
use crate::domain::compose::names_all;
use crate::domain::digest::{Digest, GATHERED_MAX, Gathered, gather};
use crate::domain::entry::Item;
use crate::domain::plan::{Priority, Purse, WhenSpent, gathers};
use crate::domain::post::{Event, State};
use crate::store::entries::SeenEntry;
use crate::store::posts::{Post, Who};

/// Digests of a feed that are begun at one look; the next one goes on.
const ROUNDS_MAX: usize = 8;

impl Daemon {
    /// Whether posts of a feed may be gathered on a lane. One with digests of its own has nothing to
    /// gather.
    pub(super) fn may_gather(&self, feed: &str, lane: &Lane) -> bool {
        let mut budgets = self.config.budgets_of(feed, lane);
        lane.is_x()
            && self.config.feed(feed).is_some_and(|feed| feed.digest.is_none())
            && budgets.any(|budget| budget.when_spent == WhenSpent::Digest)
    }

    /// Gathers what waits for money on a lane.
    pub(super) async fn gather(&self, lane: &Lane, now: DateTime<Utc>) -> Result<(), Error> {
        if !self.gathers || !lane.is_x() {
            return Ok(());
        }
        for served in self.store.served(lane).await? {
            let Some(feed) = self.config.feed(&served.feed) else { continue };
            if !self.may_gather(&feed.name, lane) {
                continue;
            }
            let purses = self.outlook().purses(&feed.name, lane, now).await?;
            let title = self.store.feed(&feed.name).await?.map(|state| state.title);
            let feed_title = title.as_deref().unwrap_or_default();
            let recipe = Recipe { config: &self.config, feed, feed_title };
            for priority in [Priority::Normal, Priority::Low] {
                for _ in 0..ROUNDS_MAX {
                    if !self.gather_once((recipe, lane), priority, (&purses, now)).await? {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// Fills or begins one digest; false where there was nothing to gather.
    async fn gather_once(
        &self,
        (recipe, lane): (Recipe<'_>, &Lane),
        priority: Priority,
        (purses, now): (&[Purse], DateTime<Utc>),
    ) -> Result<bool, Error> {
        let place = (recipe.feed.name.as_str(), lane);
        let waits = |post: &Post| gathers(self.outlook().cost_of(post), priority, purses, now);
        let mut loose = self.store.loose(place, priority, now).await?;
        loose.retain(waits);
        if loose.is_empty() {
            return Ok(false);
        }
        let open = self.store.open_digest(place, priority, now).await?.filter(waits);
        let mut told: HashMap<i64, Vec<Item>> = HashMap::new();
        for post in loose.iter().chain(&open) {
            let mut entries = self.store.digest_entries(post.id).await?;
            if entries.is_empty() {
                entries.extend(self.store.entry(post.entry_id).await?);
            }
            told.insert(post.id, entries.iter().map(item_of).collect());
        }
        let (setting, rules) = (recipe.setting(lane), Digest::default());
        let fits = |digest: i64, others: &[i64]| {
            let posts = std::iter::once(&digest).chain(others);
            let items = posts.filter_map(|post| told.get(post)).flatten();
            let all: Vec<_> = items.map(|item| recipe.ingredients(item)).collect();
            all.len() <= GATHERED_MAX && names_all(&all, &setting, &rules)
        };
        let ids: Vec<i64> = loose.iter().map(|post| post.id).collect();
        let Some(gathered) = gather(open.as_ref().map(|post| post.id), &ids, fits) else {
            return Ok(false);
        };
        let of = |id: &i64| loose.iter().chain(&open).find(|post| post.id == *id);
        let Some(digest) = of(&gathered.digest) else { return Ok(false) };
        let joining: Vec<&Post> = gathered.joins.iter().filter_map(of).collect();
        self.join(recipe, digest, &joining, &gathered).await
    }

    /// Puts posts into a digest, unless any of them changed since it was read.
    async fn join(
        &self,
        recipe: Recipe<'_>,
        digest: &Post,
        joining: &[&Post],
        gathered: &Gathered,
    ) -> Result<bool, Error> {
        let id = digest.id;
        let mut tx = self.store.begin(self.now()).await?;
        for post in std::iter::once(digest).chain(joining.iter().copied()) {
            if tx.post(post.id).await?.as_ref() != Some(post) {
                return Ok(false);
            }
        }
        if !tx.is_digest(id).await? {
            tx.join_digest(id, digest.entry_id, &digest.lane).await?;
        }
        for post in joining {
            tx.join_digest(id, post.entry_id, &post.lane).await?;
            tx.wait_as_long(id, post.id).await?;
            self.turn(&mut tx, post, &Event::Gather { digest: id }, Who::Daemon).await?;
        }
        let Some(now) = tx.post(id).await? else { return Ok(false) };
        self.word_digest(&mut tx, recipe, &now).await?;
        tx.commit().await?;
        info!(
            post.id = id,
            feed = digest.feed,
            "the budget is spent: {} more posts of feed {} are told in the digest of post {id}",
            gathered.joins.len(),
            digest.feed
        );
        for post in joining {
            self.tell(News::Settled {
                post: post.id,
                lane: post.lane.clone(),
                state: State::Skipped,
                reason: format!("told in the digest of post {id}"),
                url: None,
                by_lookup: false,
            });
        }
        Ok(true)
    }
}

fn item_of(entry: &SeenEntry) -> Item {
    serde_json::from_str(&entry.item).unwrap_or_default()
}
