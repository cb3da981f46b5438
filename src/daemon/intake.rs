//! What a feed's answer leaves: new entries, their posts, and what the next fetch needs.
//!
//! Promises: entries, posts, validators and the next poll's time are kept in one transaction, all
//! or nothing; an entry that was seen under any of its keys is never new again. Must not: fetch.

use std::borrow::Cow;

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, TimeDelta, Utc};
use tracing::{info, warn};

use super::lanes::{Fresh, Lanes};
use super::news::News;
use super::placing::{FreshPost, keep_post};
use super::poll::Polled;
use super::recipe::Recipe;
use super::sorted::Sorted;
use super::{Daemon, Error};
use crate::config;
use crate::domain::entry::{self, Entry, Item};
use crate::domain::hex::hex;
use crate::domain::select::filter::Subject;
use crate::domain::select::rules::select;
use crate::domain::select::twins::Pages;
use crate::domain::select::{Choice, Reading};
use crate::domain::text;
use crate::feed::fetch::New;
use crate::feed::sameness::{mark, mark_as_json};
use crate::killpoint;
use crate::store::Tx;
use crate::store::entries::NewEntry;
use crate::store::feeds::FeedState;

/// How much of an item's summary, and of its content, is kept, in characters.
const KEPT_TEXT_MAX: usize = 4096;

/// After the look that finds a headline unchanged, time for that look to be over.
const SETTLE_MARGIN: TimeDelta = TimeDelta::minutes(1);

impl Daemon {
    /// Keeps what a feed's new body says, in one transaction. `before` holds already what every good
    /// answer leaves; `last_read_at` is when the one before this came.
    pub(super) async fn keep_new(
        &self,
        feed: &config::Feed,
        (before, last_read_at): (FeedState, Option<DateTime<Utc>>),
        new: New,
    ) -> Result<Polled, Error> {
        let entries = entry::identify(&new.feed);
        let sorted = self.sort(&feed.name, &entries).await?;
        let now = self.now();
        let reading = Reading {
            feed: &feed.name,
            had_entries: !sorted.seen.is_empty() || self.store.has_entries(&feed.name).await?,
            first_read_at: before.first_read_at,
            first_run: feed.first_run,
            hold_above: feed.hold_above,
            known: sorted.seen.len(),
            renamed: !before.title.is_empty() && before.title != new.feed.title,
            last_read_at,
            now,
        };
        let chosen = select(&sorted.unseen, &feed.select, new.feed.language.as_deref(), &reading);
        let choices = sorted.hold_doubtful(chosen);
        let pages = Pages::of(&new.feed);
        let said = self.store.said(sorted.seen.iter().map(|(_, number)| *number)).await?;
        let subscription = self.announced(feed, &new).await?;
        let mut state = FeedState {
            title: new.feed.title,
            etag: new.validators.etag,
            last_modified: new.validators.last_modified,
            validators_url: Some(new.final_url.to_string()),
            body_hash: Some(new.body_hash),
            reader: new.reader.word().to_owned(),
            repairs: new.repairs.join("\n"),
            first_read_at: before.first_read_at.or(Some(now)),
            ..before
        };
        let mut tx = self.store.begin_fetched(now).await?;
        sorted.learn_keys(&mut tx, &feed.name).await?;
        let mut news = Vec::new();
        let mut lanes = Lanes::new(&self.config);
        let settling = self.settling(feed, state.next_poll_at, new.fresh_for);
        let source = Source {
            config: &self.config,
            feed,
            feed_title: &state.title,
            pages: &pages,
            settling,
        };
        let mut is_settling = self.keep_changes(&mut tx, source, &sorted, &said).await?;
        // Oldest first, so that a feed's order of publishing is the order of its posts' numbers.
        let unseen = sorted.unseen.iter().zip(&choices).rev();
        let unseen: Vec<_> =
            unseen.map(|(entry, choice)| NewOne::of(source, entry, choice)).collect();
        for (number, new) in keep_entries(&mut tx, &feed.name, &unseen).await? {
            is_settling |=
                self.keep_posts(&mut tx, source, (new, number), (&mut lanes, &mut news)).await?;
        }
        self.word_digests(&mut tx, source, (&lanes, &mut news)).await?;
        if let Some(settling) = settling.filter(|_| is_settling) {
            state.next_poll_at = settling.next_look;
            "to see whether the headline has settled".clone_into(&mut state.next_poll_why);
        }
        tx.save_feed(&state).await?;
        subscription.keep(&mut tx).await?;
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

    /// When a feed whose headlines have to settle is asked next, and when what is new then settled.
    fn settling(
        &self,
        feed: &config::Feed,
        next_poll_at: DateTime<Utc>,
        fresh_for: Option<TimeDelta>,
    ) -> Option<Settling> {
        let settle = feed.select.settle.as_ref()?;
        let now = self.now();
        // Before that the server would only give the same again.
        let soonest = std::cmp::max(self.config.fetch.min_interval, fresh_for.unwrap_or_default());
        let next_look = std::cmp::min(next_poll_at, now + std::cmp::max(settle.wait, soonest));
        Some(Settling {
            next_look,
            until: std::cmp::max(now + settle.wait, next_look + SETTLE_MARGIN),
        })
    }

    /// A post for each lane of each profile of a new entry's feed. Says whether it has to settle.
    async fn keep_posts(
        &self,
        tx: &mut Tx,
        source: Source<'_>,
        (new, number): (&NewOne<'_>, i64),
        (lanes, news): (&mut Lanes<'_>, &mut Vec<News>),
    ) -> Result<bool, Error> {
        let (feed, entry, choice) = (source.feed, new.entry, new.choice);
        news.push(News::Found {
            feed: feed.name.clone(),
            title: new.title.clone(),
            choice: new.told().0,
            reason: new.told().1.to_owned(),
        });
        if matches!(choice, Choice::Skip { .. }) {
            return Ok(false);
        }
        let subject = Subject::of(&entry.item);
        let put_off_until = source
            .settling
            .filter(|_| feed.select.settles_for(&subject).is_some())
            .map(|it| it.until);
        let fresh = Fresh {
            feed: &feed.name,
            title: &new.title,
            link_key: new.link_key.as_deref(),
            subject: &subject,
        };
        let recipe = source.recipe();
        for lane in recipe.lanes() {
            let choice = choice.clone().and(lanes.judge(tx, &lane, &fresh).await?);
            let composed = recipe.compose(&entry.item, &lane);
            let placed = lanes.place(tx, &lane, (choice, composed), put_off_until).await?;
            let beside = recipe.beside(&entry.item, &lane);
            let fresh_post = FreshPost {
                feed,
                entry,
                number,
                lane: &lane,
                beside: &beside,
                priority: feed.pace.priority_of(&subject),
            };
            let seat = self.seat(tx, &fresh_post, &placed).await?;
            if let Some(seat) = seat {
                let placed = placed.in_digest();
                let id = self.take_seat(tx, &fresh_post, (&placed, seat), lanes).await?;
                lanes.note(tx, (id, &lane), &fresh, &placed).await?;
                continue;
            }
            let id = keep_post(tx, &fresh_post, &placed, None).await?;
            lanes.note(tx, (id, &lane), &fresh, &placed).await?;
            news.push(self.told(id, &lane, (&placed, &beside)));
        }
        Ok(put_off_until.is_some())
    }
}

/// An entry that was never seen before, and what is kept of it.
struct NewOne<'a> {
    entry: &'a Entry,
    choice: &'a Choice,
    title: String,
    item: String,
    said: String,
    link_key: Option<String>,
}

impl<'a> NewOne<'a> {
    fn of(source: Source<'_>, entry: &'a Entry, choice: &'a Choice) -> Self {
        let item = kept(&entry.item);
        Self {
            entry,
            choice,
            title: text::plain(&entry.item.title),
            said: hex(&mark(item.as_bytes())),
            item,
            link_key: source.link_key(&entry.item),
        }
    }

    /// What was chosen, in a word, and why.
    const fn told(&self) -> (&'static str, &'a str) {
        match self.choice {
            Choice::Post => ("post", ""),
            Choice::Hold { why } => ("hold", why.as_str()),
            Choice::Skip { why } => ("skip", why.as_str()),
        }
    }
}

/// Keeps new entries with their keys; gives the number of each.
async fn keep_entries<'e, 'a>(
    tx: &mut Tx,
    feed: &str,
    unseen: &'e [NewOne<'a>],
) -> Result<Vec<(i64, &'e NewOne<'a>)>, Error> {
    let rows: Vec<NewEntry<'_>> = unseen
        .iter()
        .map(|new| NewEntry {
            title: &new.title,
            link: new.entry.item.link.as_deref(),
            link_key: new.link_key.as_deref(),
            item: &new.item,
            said: &new.said,
            choice: new.told().0,
            reason: new.told().1,
        })
        .collect();
    let first = tx.insert_entries(feed, &rows).await?;
    let numbered: Vec<(i64, &NewOne<'_>)> = (first..).zip(unseen).collect();
    let keys: Vec<(&str, i64)> = numbered
        .iter()
        .flat_map(|(number, new)| new.entry.keys.iter().map(|key| (key.as_str(), *number)))
        .collect();
    tx.insert_keys(feed, &keys).await?;
    Ok(numbered)
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
pub(super) struct Source<'a> {
    pub(super) config: &'a config::Config,
    pub(super) feed: &'a config::Feed,
    pub(super) feed_title: &'a str,
    pub(super) pages: &'a Pages,
    /// Where the feed's headlines have to settle.
    pub(super) settling: Option<Settling>,
}

/// See [`Daemon::settling`].
#[derive(Clone, Copy)]
pub(super) struct Settling {
    /// When the feed is asked next.
    pub(super) next_look: DateTime<Utc>,
    /// Before which nothing new of it is sent.
    pub(super) until: DateTime<Utc>,
}

impl<'a> Source<'a> {
    /// A hash of the page that an item has for itself alone, whatever feed it is in.
    pub(super) fn link_key(&self, item: &Item) -> Option<String> {
        self.pages.key(item).map(|link| hash(&link))
    }

    /// How its entries become posts.
    pub(super) fn recipe(&self) -> Recipe<'a> {
        Recipe { config: self.config, feed: self.feed, feed_title: self.feed_title }
    }
}

/// The item as it is kept, as JSON: enough to render a post anew, not a copy of the publisher's
/// archive.
pub(super) fn kept(item: &Item) -> String {
    serde_json::to_string(shortened(item).as_ref()).unwrap_or_default()
}

/// The mark of an item as it is kept, by which a change of it is seen.
pub(super) fn said(item: &Item) -> String {
    hex(&mark_as_json(shortened(item).as_ref()))
}

fn shortened(item: &Item) -> Cow<'_, Item> {
    // No text has more characters than bytes.
    if std::cmp::max(item.summary.len(), item.content.len()) <= KEPT_TEXT_MAX {
        return Cow::Borrowed(item);
    }
    let short = |text: &str| text.chars().take(KEPT_TEXT_MAX).collect::<String>();
    Cow::Owned(Item {
        summary: short(&item.summary),
        content: short(&item.content),
        ..item.clone()
    })
}

/// A text as the database knows it again: the first 128 bits of its hash.
pub(super) fn hash(text: &str) -> String {
    hex(digest(&SHA256, text.as_bytes()).as_ref().get(..16).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_that_is_kept_is_seen_to_be_unchanged() {
        for length in [0, 10, KEPT_TEXT_MAX, KEPT_TEXT_MAX + 1, 3 * KEPT_TEXT_MAX] {
            let content = "\u{e9}".repeat(length);
            let item = Item { title: "one".to_owned(), content, ..Item::default() };
            assert_eq!(said(&item), hex(&mark(kept(&item).as_bytes())), "{length}");
            let other = Item { title: "two".to_owned(), ..item.clone() };
            assert_ne!(said(&other), said(&item));
        }
    }
}
