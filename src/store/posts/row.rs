//! A row of table `post`, and the post that it means.
//!
//! Promises: a column that means nothing is an error that names it. Must not: leave this folder.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Post;
use crate::domain::breaker::Lane;
use crate::domain::media::Media;
use crate::domain::options::Options;
use crate::domain::outcome::Receipt;
use crate::domain::post::{Life, Lookups, State};
use crate::store::{Error, Times, nonsense};

pub(super) struct PostRow {
    pub(super) id: i64,
    pub(super) uuid: String,
    pub(super) entry_id: i64,
    pub(super) feed: String,
    pub(super) profile: String,
    pub(super) platform: String,
    pub(super) state: String,
    pub(super) priority: i64,
    pub(super) place: i64,
    pub(super) released: i64,
    pub(super) timed: i64,
    pub(super) text: String,
    pub(super) weighted_length: i64,
    pub(super) has_link: i64,
    pub(super) notes: String,
    pub(super) edited: i64,
    pub(super) generation: i64,
    pub(super) doubtful: i64,
    pub(super) accepted_before: i64,
    pub(super) refusals: i64,
    pub(super) sends: i64,
    pub(super) queued_at: i64,
    pub(super) not_before: i64,
    pub(super) expires_at: Option<i64>,
    pub(super) send_now: i64,
    pub(super) reason: String,
    pub(super) lookups: i64,
    pub(super) first_absent_at: Option<i64>,
    pub(super) next_lookup_at: Option<i64>,
    pub(super) ayrshare_id: Option<String>,
    pub(super) network_id: Option<String>,
    pub(super) url: Option<String>,
    pub(super) posted_at: Option<i64>,
    pub(super) changed_at: i64,
    pub(super) media: String,
    pub(super) options: String,
}

impl TryFrom<PostRow> for Post {
    type Error = Error;

    fn try_from(row: PostRow) -> Result<Self, Error> {
        let times = Times::of("post", &row.id);
        let life = Life {
            state: State::parse(&row.state)
                .ok_or_else(|| nonsense("post", &row.id, "state", &row.state))?,
            generation: times.count("generation", row.generation)?,
            doubtful: row.doubtful != 0,
            accepted_before: row.accepted_before != 0,
            refusals: times.count("refusals", row.refusals)?,
            sends: times.count("sends", row.sends)?,
            not_before: times.at("not_before", row.not_before)?,
            expires_at: times.maybe("expires_at", row.expires_at)?,
            send_now: row.send_now != 0,
            released: row.released != 0,
            timed: row.timed != 0,
            reason: row.reason,
            lookups: Lookups {
                made: times.count("lookups", row.lookups)?,
                first_absent_at: times.maybe("first_absent_at", row.first_absent_at)?,
                next_at: times.maybe("next_lookup_at", row.next_lookup_at)?,
            },
            receipt: Receipt {
                ayrshare_id: row.ayrshare_id,
                network_id: row.network_id,
                url: row.url,
            },
            posted_at: times.maybe("posted_at", row.posted_at)?,
        };
        Ok(Self {
            life,
            priority: u8::try_from(row.priority)
                .map_err(|_| nonsense("post", &row.id, "priority", &row.priority))?,
            place: row.place,
            weighted_length: times.count("weighted_length", row.weighted_length)?,
            queued_at: times.at("queued_at", row.queued_at)?,
            changed_at: times.at("changed_at", row.changed_at)?,
            id: row.id,
            uuid: row.uuid,
            entry_id: row.entry_id,
            feed: row.feed,
            lane: Lane::new(row.profile, row.platform),
            text: row.text,
            has_link: row.has_link != 0,
            notes: row.notes,
            edited: row.edited != 0,
            media: read(&row.media)
                .ok_or_else(|| nonsense("post", &row.id, "media", &row.media))?,
            options: read(&row.options)
                .ok_or_else(|| nonsense("post", &row.id, "options", &row.options))?,
        })
    }
}

/// What a column of JSON means; empty for nothing.
fn read<T: Default + DeserializeOwned>(text: &str) -> Option<T> {
    if text.is_empty() { Some(T::default()) } else { serde_json::from_str(text).ok() }
}

/// What stands in `media`.
pub(super) fn from_media(media: &Media) -> String {
    if *media == Media::None { String::new() } else { json(media) }
}

/// What stands in `options`.
pub(super) fn from_options(options: &Options) -> String {
    if options.is_empty() { String::new() } else { json(options) }
}

/// Their keys are texts, so nothing can fail.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// `posts!(executor, "where …", values…)`: the posts that the rest of the statement selects.
macro_rules! posts {
    ($executor:expr, $rest:literal $(, $value:expr)*) => {
        sqlx::query_as!($crate::store::posts::row::PostRow, "select * from post " + $rest $(, $value)*)
            .fetch_all($executor)
            .await
            .map_err(|source| $crate::store::Error::Sql { what: "read posts", source })?
            .into_iter()
            .map($crate::store::posts::Post::try_from)
            .collect::<Result<Vec<$crate::store::posts::Post>, $crate::store::Error>>()
    };
}
pub(super) use posts;
