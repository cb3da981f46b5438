//! What a feed's answer leaves: new entries, their posts, and what the next fetch needs.
//!
//! Promises: entries, posts, validators and the next poll's time are kept in one transaction, all
//! or nothing; an entry that was seen under any of its keys is never new again. Must not: fetch.

use std::collections::HashMap;

use sha2::{Digest, Sha256};
use tracing::{info, warn};
use uuid::Uuid;

use super::news::News;
use super::poll::Polled;
use super::{Daemon, Error};
use crate::config;
use crate::domain::breaker::Lane;
use crate::domain::compose::{self, Composed, Ingredients};
use crate::domain::entry::{self, Entry, Item, Key};
use crate::domain::post::State;
use crate::domain::select::{self, Choice, Reading};
use crate::domain::text;
use crate::feed::fetch::New;
use crate::killpoint;
use crate::store::Tx;
use crate::store::entries::NewEntry;
use crate::store::feeds::FeedState;
use crate::store::posts::NewPost;

/// How much of an item's summary, and of its content, is kept, in characters.
const KEPT_TEXT_MAX: usize = 4096;

/// The entries of one fetch, told apart by whether they were seen before.
struct Sorted<'a> {
    /// Seen before, with their numbers.
    seen: Vec<(&'a Entry, i64)>,
    /// Never seen before.
    unseen: Vec<&'a Entry>,
    /// The known keys among all of theirs.
    known: HashMap<String, i64>,
}

impl Daemon {
    /// Keeps what a feed's new body says, in one transaction. `before` holds already what every good
    /// answer leaves.
    pub(super) async fn keep_new(
        &self,
        feed: &config::Feed,
        before: FeedState,
        new: New,
    ) -> Result<Polled, Error> {
        let entries = entry::identify(&new.feed);
        let sorted = self.sort(&feed.name, &entries).await?;
        let now = self.now();
        let reading = Reading {
            feed: &feed.name,
            had_entries: self.store.has_entries(&feed.name).await?,
            first_read_at: before.first_read_at,
            first_run: feed.first_run,
            hold_above: feed.hold_above,
            known: sorted.seen.len(),
            now,
        };
        let choices = select::choose(&sorted.unseen, &reading);
        let state = FeedState {
            title: new.feed.title,
            etag: new.validators.etag,
            last_modified: new.validators.last_modified,
            validators_url: Some(new.final_url.to_string()),
            body_hash: Some(new.body_hash.to_vec()),
            reader: new.reader.word().to_owned(),
            repairs: new.repairs.join("\n"),
            first_read_at: before.first_read_at.or(Some(now)),
            ..before
        };
        let mut tx = self.store.begin(now).await?;
        learn_keys(&mut tx, &feed.name, &sorted).await?;
        let mut news = Vec::new();
        // Oldest first, so that a feed's order of publishing is the order of its posts' numbers.
        for (entry, choice) in sorted.unseen.iter().zip(&choices).rev() {
            let source = Source { feed, feed_title: &state.title };
            self.keep_entry(&mut tx, source, (entry, choice), &mut news).await?;
        }
        tx.save_feed(&state).await?;
        tx.commit().await?;
        killpoint::reach("stored").await;
        let posts = news.iter().filter(|item| matches!(item, News::Queued { .. })).count();
        let polled = Polled { failed: false, new_entries: sorted.unseen.len(), posts };
        self.tell_read(&state, &sorted, polled);
        warn_of_held(&feed.name, &choices);
        for item in news {
            self.tell(item);
        }
        Ok(polled)
    }

    async fn sort<'a>(&self, feed: &str, entries: &'a [Entry]) -> Result<Sorted<'a>, Error> {
        let keys = entries.iter().flat_map(|entry| entry.keys.iter().map(Key::as_str));
        let known = self.store.known_keys(feed, keys).await?;
        let mut seen = Vec::new();
        let mut unseen = Vec::new();
        for entry in entries {
            match entry.keys.iter().find_map(|key| known.get(key.as_str())) {
                Some(number) => seen.push((entry, *number)),
                None => unseen.push(entry),
            }
        }
        Ok(Sorted { seen, unseen, known })
    }

    fn tell_read(&self, state: &FeedState, sorted: &Sorted<'_>, polled: Polled) {
        info!(
            feed = state.name,
            new = polled.new_entries,
            known = sorted.seen.len(),
            posts = polled.posts,
            next_at = state.next_poll_at.to_rfc3339(),
            "feed {} was read: {} new entries, {} posts",
            state.name,
            polled.new_entries,
            polled.posts,
        );
        self.tell(News::Polled {
            feed: state.name.clone(),
            new: polled.new_entries,
            known: sorted.seen.len(),
            how: "read",
            next_at: state.next_poll_at,
        });
    }

    /// One new entry, its keys, and a post for each lane of each profile of its feed.
    async fn keep_entry(
        &self,
        tx: &mut Tx,
        source: Source<'_>,
        (entry, choice): (&Entry, &Choice),
        news: &mut Vec<News>,
    ) -> Result<(), Error> {
        let feed = source.feed;
        let (word, reason) = match choice {
            Choice::Post => ("post", ""),
            Choice::Hold { why } => ("hold", why.as_str()),
            Choice::Skip { why } => ("skip", why.as_str()),
        };
        let title = text::plain(&entry.item.title);
        let new = NewEntry {
            feed: &feed.name,
            title: &title,
            link: entry.item.link.as_deref(),
            item: &kept(&entry.item),
            choice: word,
            reason,
        };
        let number = tx.insert_entry(&new).await?;
        for key in &entry.keys {
            tx.insert_key(&feed.name, key.as_str(), number).await?;
        }
        news.push(News::Found {
            feed: feed.name.clone(),
            title,
            choice: word,
            reason: reason.to_owned(),
        });
        let state = match choice {
            Choice::Post => State::Queued,
            Choice::Hold { .. } => State::Held,
            Choice::Skip { .. } => return Ok(()),
        };
        let profiles = feed.profiles.iter().filter_map(|name| self.config.profile(name));
        for lane in profiles.flat_map(config::Profile::lanes) {
            let composed = source.compose(&entry.item, &lane);
            let (composed, state, reason) = match composed {
                Ok(composed) => (composed, state, reason.to_owned()),
                Err(unfit) => (Composed::default(), State::Failed, unfit.to_string()),
            };
            let kept =
                self.keep_post(tx, (number, feed, entry), &lane, (&composed, state, &reason));
            news.push(kept.await?);
        }
        Ok(())
    }

    async fn keep_post(
        &self,
        tx: &mut Tx,
        (entry_id, feed, entry): (i64, &config::Feed, &Entry),
        lane: &Lane,
        (composed, state, reason): (&Composed, State, &str),
    ) -> Result<News, Error> {
        let mut uuid = uuid_of(feed, entry, lane).to_string();
        if tx.has_uuid(&uuid).await? {
            uuid = Uuid::new_v4().to_string();
        }
        let post = NewPost {
            uuid,
            entry_id,
            feed: &feed.name,
            lane,
            text: &composed.text,
            weighted_length: composed.weighted_length,
            has_link: composed.has_link,
            notes: &composed.notes.join("\n"),
            state,
            reason,
            expires_at: feed.expire_after.map(|after| tx.now + after),
        };
        let id = tx.insert_post(&post).await?;
        Ok(News::Queued {
            post: id,
            lane: lane.clone(),
            state,
            cost: self.config.prices.attempt(lane.is_x(), composed.has_link),
            text: composed.text.clone(),
            weighted_length: composed.weighted_length,
        })
    }
}

/// What is held waits for a person, who has to hear of it.
fn warn_of_held(feed: &str, choices: &[Choice]) {
    let held: Vec<&str> = choices
        .iter()
        .filter_map(|choice| match choice {
            Choice::Hold { why } => Some(why.as_str()),
            Choice::Post | Choice::Skip { .. } => None,
        })
        .collect();
    if let Some(why) = held.first() {
        warn!(feed, held = held.len(), "{} entries of feed {feed} are held: {why}", held.len());
    }
}

/// Where an entry comes from.
#[derive(Clone, Copy)]
struct Source<'a> {
    feed: &'a config::Feed,
    feed_title: &'a str,
}

impl Source<'_> {
    fn compose(&self, item: &Item, lane: &Lane) -> Result<Composed, compose::Unfit> {
        let ingredients = Ingredients::of(item, self.feed_title);
        let mut rules = compose::rules_of(&lane.platform);
        rules.allow_mentions = self.feed.allow_mentions;
        compose::compose(&ingredients, &rules)
    }
}

/// The identity of a post, and with it its idempotency key: the same for the same entry on the same
/// lane, so that Ayrshare refuses it a second time also where our database was lost or restored.
fn uuid_of(feed: &config::Feed, entry: &Entry, lane: &Lane) -> Uuid {
    let mut hash = Sha256::new();
    let key = entry.keys.first().map_or("", Key::as_str);
    for part in ["tidings", feed.url.as_str(), key, &lane.profile, &lane.platform] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(hash.finalize()) {
        *to = from;
    }
    Uuid::new_v8(bytes)
}

/// The item as it is kept, as JSON: enough to render a post anew, not a copy of the publisher's
/// archive.
fn kept(item: &Item) -> String {
    let short = |text: &str| text.chars().take(KEPT_TEXT_MAX).collect::<String>();
    let item =
        Item { summary: short(&item.summary), content: short(&item.content), ..item.clone() };
    serde_json::to_string(&item).unwrap_or_default()
}

/// A known entry that shows keys it did not have before is known by them too from now on.
async fn learn_keys(tx: &mut Tx, feed: &str, sorted: &Sorted<'_>) -> Result<(), Error> {
    for (entry, number) in &sorted.seen {
        for key in &entry.keys {
            if !sorted.known.contains_key(key.as_str()) {
                tx.insert_key(feed, key.as_str(), *number).await?;
            }
        }
    }
    Ok(())
}
