//! What a post shows beside its text: wished when it is composed, settled before its first request.
//!
//! Promises: what goes out is in the post's row before the intent, so that each request under one
//! key has the same body; a slow host of images holds up one lane for [`CHOOSE_WITHIN`] at most;
//! what can't be used is left out with a note, and the post goes out without it. Must not: decide
//! which image is best; that is `domain/media`.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use ipnet::IpNet;
use tracing::info;
use url::Url;

use super::{Daemon, Error};
use crate::clock::Clock;
use crate::domain::entry::Item;
use crate::domain::media::{self, Choice, Look, Media, MediaRules, Next, Wish};
use crate::domain::post::State;
use crate::feed::look::{look, read_page};
use crate::feed::page::images_of;

/// All looks for one post together may take so long.
pub const CHOOSE_WITHIN: TimeDelta = TimeDelta::seconds(10);

/// What an entry offers of what the user wants; `alt` is what the template of its alt texts gives.
pub(super) fn wished(item: &Item, rules: &MediaRules, alt: Option<&str>) -> Media {
    let base = item.link.as_deref().and_then(|link| Url::parse(link).ok());
    let mut found = images_of(&item.content, base.as_ref());
    if found.is_empty() {
        found = images_of(&item.summary, base.as_ref());
    }
    media::wish(item, &found, rules, alt)
}

/// Looks at what is wished until the choice is clear or the time is over.
pub async fn choose(
    client: &reqwest::Client,
    wish: &Wish,
    allow_private: &[IpNet],
    clock: &Clock,
) -> Choice {
    let end = clock.now() + CHOOSE_WITHIN;
    let mut seen = BTreeMap::new();
    loop {
        let (url, is_page) = match media::next(wish, &seen) {
            Next::Done(choice) => return choice,
            Next::Look(url) => (url, false),
            Next::Read(url) => (url, true),
        };
        let seeing = async {
            if is_page {
                read_page(client, &url, allow_private).await
            } else {
                look(client, &url, allow_private).await
            }
        };
        let saw = tokio::select! {
            biased;
            () = clock.sleep_until(end) => {
                Look::Not(format!("no answer within {} s", CHOOSE_WITHIN.num_seconds()))
            }
            saw = seeing => saw,
        };
        seen.insert(url, saw);
    }
}

/// Notes with more of them below.
pub(super) fn noted(notes: &str, more: &[String]) -> String {
    let lines = notes.lines().map(str::to_owned).chain(more.iter().cloned());
    lines.collect::<Vec<_>>().join("\n")
}

impl Daemon {
    /// Settles what a post shows, unless that is settled. False where the post changed meanwhile, or
    /// the program is to end.
    pub(super) async fn prepare(&self, id: i64) -> Result<bool, Error> {
        let Some(post) = self.store.post(id).await? else {
            return Ok(false);
        };
        let Media::Wished(wish) = &post.media else {
            return Ok(true);
        };
        let allow_private = &self.config.fetch.allow_private;
        let client = self.access.client_of(self.config.feed(&post.feed));
        let choice = tokio::select! {
            choice = choose(client, wish, allow_private, &self.clock) => choice,
            () = self.stop.drain.cancelled() => return Ok(false),
        };
        let mut tx = self.store.begin(self.now()).await?;
        let present = tx.post(id).await?;
        // A person may have acted, or the entry may have been rendered anew.
        let same = |present: &crate::store::posts::Post| {
            present.life.state == State::Queued && present.media == post.media
        };
        let Some(present) = present.filter(same) else {
            return Ok(false);
        };
        let notes = noted(&present.notes, &choice.notes);
        let shown = choice.attachments.len();
        tx.save_media(id, &Media::Chosen(choice.attachments), &notes).await?;
        tx.commit().await?;
        for note in choice.notes {
            info!(post.id = id, lane = %post.lane, "post {id}: {note}");
        }
        info!(post.id = id, lane = %post.lane, media = shown, "the media of post {id} are settled");
        Ok(true)
    }
}
