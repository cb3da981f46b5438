//! What a feed's answer leaves: new entries, their posts, and what the next fetch needs.
//!
//! Promises: entries, posts, validators and the next poll's time are kept in one transaction, all
//! or nothing; an entry that was seen under any of its keys is never new again. Must not: fetch.

use std::collections::HashMap;
use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};
use tracing::{info, warn};

use super::lanes::{Fresh, Lanes};
use super::news::News;
use super::placing::{FreshPost, keep_post};
use super::poll::Polled;
use super::recipe::Recipe;
use super::{Daemon, Error};
use crate::config;
use crate::domain::entry::{self, Entry, Item, Key};
use crate::domain::select::filter::Subject;
use crate::domain::select::rules::select;
use crate::domain::select::twins::Pages;
use crate::domain::select::{Choice, Reading};
use crate::domain::text;
use crate::feed::fetch::New;
use crate::killpoint;
use crate::store::Tx;
use crate::store::entries::NewEntry;
use crate::store::feeds::FeedState;

/// How much of an item's summary, and of its content, is kept, in characters.
const KEPT_TEXT_MAX: usize = 4096;

/// After the look that finds a headline unchanged, time for that look to be over.
const SETTLE_MARGIN: TimeDelta = TimeDelta::minutes(1);

/// The entries of one fetch, told apart by whether they were seen before.
pub(super) struct Sorted<'a> {
    /// Seen before, with their numbers.
    pub(super) seen: Vec<(&'a Entry, i64)>,
    /// Never seen before.
    unseen: Vec<&'a Entry>,
    /// The known keys among all of theirs.
    known: HashMap<String, i64>,
    /// Of the unseen ones, those that stand under another one's guid or link.
    doubtful: Vec<(&'a Entry, String)>,
}

impl Sorted<'_> {
    /// The choices, but that what is doubtful waits for a person.
    fn hold_doubtful(&self, choices: Vec<Choice>) -> Vec<Choice> {
        let held = |(entry, choice): (&&Entry, Choice)| {
            let doubt = self.doubtful.iter().find(|(doubtful, _)| std::ptr::eq(*doubtful, *entry));
            match (choice, doubt) {
                (Choice::Post, Some((_, why))) => Choice::Hold { why: why.clone() },
                (choice, _) => choice,
            }
        };
        self.unseen.iter().zip(choices).map(held).collect()
    }
}

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
            had_entries: self.store.has_entries(&feed.name).await?,
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
            body_hash: Some(new.body_hash.to_vec()),
            reader: new.reader.word().to_owned(),
            repairs: new.repairs.join("\n"),
            first_read_at: before.first_read_at.or(Some(now)),
            ..before
        };
        let mut tx = self.store.begin(now).await?;
        learn_keys(&mut tx, &feed.name, &sorted).await?;
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
        for (entry, choice) in sorted.unseen.iter().zip(&choices).rev() {
            is_settling |=
                self.keep_entry(&mut tx, source, (entry, choice), (&mut lanes, &mut news)).await?;
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

    async fn sort<'a>(&self, feed: &str, entries: &'a [Entry]) -> Result<Sorted<'a>, Error> {
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

    /// One new entry, its keys, and a post for each lane of each profile of its feed. Says whether it
    /// has to settle.
    async fn keep_entry(
        &self,
        tx: &mut Tx,
        source: Source<'_>,
        (entry, choice): (&Entry, &Choice),
        (lanes, news): (&mut Lanes<'_>, &mut Vec<News>),
    ) -> Result<bool, Error> {
        let feed = source.feed;
        let (word, reason) = match choice {
            Choice::Post => ("post", ""),
            Choice::Hold { why } => ("hold", why.as_str()),
            Choice::Skip { why } => ("skip", why.as_str()),
        };
        let title = text::plain(&entry.item.title);
        let (item, link_key) = (kept(&entry.item), source.link_key(&entry.item));
        let new = NewEntry {
            feed: &feed.name,
            title: &title,
            link: entry.item.link.as_deref(),
            link_key: link_key.as_deref(),
            item: &item,
            said: &hash(&item),
            choice: word,
            reason,
        };
        let number = tx.insert_entry(&new).await?;
        for key in &entry.keys {
            tx.insert_key(&feed.name, key.as_str(), number).await?;
        }
        news.push(News::Found {
            feed: feed.name.clone(),
            title: title.clone(),
            choice: word,
            reason: reason.to_owned(),
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
            title: &title,
            link_key: link_key.as_deref(),
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
    let short = |text: &str| text.chars().take(KEPT_TEXT_MAX).collect::<String>();
    let item =
        Item { summary: short(&item.summary), content: short(&item.content), ..item.clone() };
    serde_json::to_string(&item).unwrap_or_default()
}

/// A text as the database knows it again: the first 128 bits of its hash.
pub(super) fn hash(text: &str) -> String {
    let bytes = Sha256::digest(text.as_bytes());
    bytes.iter().take(16).fold(String::with_capacity(32), |mut text, byte| {
        // Writing to a string can't fail.
        let _always_ok = write!(text, "{byte:02x}").is_ok();
        text
    })
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
