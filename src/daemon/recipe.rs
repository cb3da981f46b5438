//! How the entries of a feed become posts, as far as the config alone decides it: filters, words,
//! images, options.
//!
//! Promises: the daemon and `preview` ask here, so they can't disagree. Must not: know what was
//! posted or seen before; reach the network or the database.

use chrono::{DateTime, Utc};

use super::media::wished;
use crate::config::{Config, Feed};
use crate::domain::breaker::Lane;
use crate::domain::compose::{self, Composed, Ingredients, Setting, Unfit};
use crate::domain::entry::Item;
use crate::domain::media::{Alt, Media};
use crate::domain::options::Options;
use crate::domain::select::Choice;
use crate::domain::select::filter::Subject;
use crate::domain::template::Fault;
use crate::store::posts::Wording;

/// A feed in its config.
#[derive(Debug, Clone, Copy)]
pub struct Recipe<'a> {
    /// The config.
    pub config: &'a Config,
    /// The feed.
    pub feed: &'a Feed,
    /// Its publisher's title.
    pub feed_title: &'a str,
}

/// What goes out beside a text.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    /// The images or the video.
    pub media: Media,
    /// Ayrshare's own options.
    pub options: Options,
}

impl Beside {
    /// What a post says where it is worded anew by the program, with these notes.
    pub(super) fn wording<'w>(&'w self, composed: &'w Composed, notes: &'w str) -> Wording<'w> {
        Wording {
            text: &composed.text,
            weighted_length: composed.weighted_length,
            has_link: composed.has_link,
            notes,
            media: &self.media,
            options: &self.options,
            edited: false,
        }
    }
}

impl<'a> Recipe<'a> {
    /// The lanes of its profiles.
    pub fn lanes(&self) -> impl Iterator<Item = Lane> + use<'a> {
        let (config, feed) = (self.config, self.feed);
        let profiles = feed.profiles.iter().filter_map(|name| config.profile(name));
        profiles.flat_map(crate::config::Profile::lanes)
    }

    /// What the rules of the feed and of a lane's profile say about an entry that is first seen at
    /// `now`; `language` is the whole feed's.
    pub fn screen(
        &self,
        item: &Item,
        language: Option<&str>,
        now: DateTime<Utc>,
        lane: &Lane,
    ) -> Choice {
        let by_feed = self.feed.select.screen(item, language, now);
        by_feed.and(self.judge_by_profile(&Subject::of(item), lane))
    }

    /// What the filters of the feed and of a lane's profile say about an entry that is known.
    pub fn judge(&self, subject: &Subject, lane: &Lane) -> Choice {
        let by_feed = self.feed.select.filters.judge("", subject);
        by_feed.and(self.judge_by_profile(subject, lane))
    }

    fn judge_by_profile(&self, subject: &Subject, lane: &Lane) -> Choice {
        let profile = self.config.profile(&lane.profile);
        profile.map_or(Choice::Post, |profile| profile.select.judge(&profile.name, subject))
    }

    /// The text of an item on a lane; dates are in the zone of the lane's profile.
    ///
    /// # Errors
    ///
    /// Where nothing of the item can be posted there.
    pub fn compose(&self, item: &Item, lane: &Lane) -> Result<Composed, Unfit> {
        let mut composed = compose::compose(&self.ingredients(item), &self.setting(lane))?;
        if let Some(Err(fault)) = self.alt(item, lane) {
            composed
                .notes
                .push(format!("alt text: the title is used, the template fails: {fault}"));
        }
        Ok(composed)
    }

    /// What goes out beside the text of an item on a lane.
    pub fn beside(&self, item: &Item, lane: &Lane) -> Beside {
        let alt = self.alt(item, lane).and_then(Result::ok);
        let media = wished(item, &self.feed.media, alt.as_deref());
        let none = Options::default();
        let profile = self.config.profile(&lane.profile);
        let general = profile.map_or(&none, |profile| &profile.options);
        Beside { media, options: self.feed.options.over(general).on(&lane.platform) }
    }

    /// What the user's template of alt texts gives; they go to X alone.
    fn alt(&self, item: &Item, lane: &Lane) -> Option<Result<String, Fault>> {
        match &self.feed.media.alt {
            Alt::Template(template) if lane.is_x() => {
                Some(compose::alt_text(&self.ingredients(item), &self.setting(lane), template))
            }
            Alt::Off | Alt::Title | Alt::Template(_) => None,
        }
    }

    pub(super) fn ingredients<'i>(&'i self, item: &'i Item) -> Ingredients<'i> {
        Ingredients::of(item, &self.feed.name, self.feed_title)
    }

    pub(super) fn setting<'i>(&'i self, lane: &'i Lane) -> Setting<'i> {
        Setting {
            platform: &lane.platform,
            profile: &lane.profile,
            zone: self.config.zone(&lane.profile),
            manner: self.feed.compose.manner(&lane.platform),
            allow_mentions: self.feed.allow_mentions,
        }
    }
}
