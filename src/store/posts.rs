//! Tables `post` and `transition`: the queue, and each change of a post's state.
//!
//! Promises: each change of a state leaves a row that says who did it and why. Must not: know which
//! changes are right; that is `domain/post`.

mod change;
mod gather;
mod hand;
mod orphans;
mod pages;
mod published;
mod row;

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::{Error, Store, Times, millis, nonsense};
use crate::domain::breaker::Lane;
use crate::domain::media::Media;
use crate::domain::options::Options;
use crate::domain::plan::Priority;
use crate::domain::post::{Life, State};
pub use pages::Census;
pub use published::Aftermath;
use row::posts;

/// One entry rendered for one lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// Its number, as the command line shows it.
    pub id: i64,
    /// Its identity at Ayrshare: the key and the notes are made of it.
    pub uuid: String,
    /// The entry.
    pub entry_id: i64,
    /// The entry's feed.
    pub feed: String,
    /// Where it goes.
    pub lane: Lane,
    /// 0 breaking, 1 normal, 2 low.
    pub priority: u8,
    /// Where a person put it among those of its lane: below 0 before all others, above 0 behind.
    pub place: i64,
    /// The final text.
    pub text: String,
    /// Its length as the platform counts.
    pub weighted_length: u32,
    /// Whether the platform will see a link in it.
    pub has_link: bool,
    /// What was cut, defused or left out, a line each.
    pub notes: String,
    /// Whether a person wrote the text.
    pub edited: bool,
    /// The images or the video beside the text.
    pub media: Media,
    /// Ayrshare's own options.
    pub options: Options,
    /// When it was queued.
    pub queued_at: DateTime<Utc>,
    /// When its state changed last.
    pub changed_at: DateTime<Utc>,
    /// Where it stands.
    pub life: Life,
    /// What became of it after it was published.
    pub aftermath: Aftermath,
}

impl Post {
    /// The idempotency key of its present generation (contract, section 4.1).
    pub fn key(&self) -> String {
        format!("{}:{}", self.uuid, self.life.generation)
    }

    /// Our reference, kept in `notes`, by which the history is searched.
    pub fn reference(&self) -> String {
        format!("tidings:{}", self.key())
    }
}

/// A post to be kept.
#[derive(Debug, Clone)]
pub struct NewPost<'a> {
    /// Its identity at Ayrshare.
    pub uuid: String,
    /// The entry.
    pub entry_id: i64,
    /// The entry's feed.
    pub feed: &'a str,
    /// Where it goes.
    pub lane: &'a Lane,
    /// The final text.
    pub text: &'a str,
    /// Its length as the platform counts.
    pub weighted_length: u32,
    /// Whether the platform will see a link in it.
    pub has_link: bool,
    /// What was cut, defused or left out, a line each.
    pub notes: &'a str,
    /// The images or the video beside the text.
    pub media: &'a Media,
    /// Ayrshare's own options.
    pub options: &'a Options,
    /// `held`, `queued`, or `failed` where it can't be composed.
    pub state: State,
    /// Why it stands there.
    pub reason: &'a str,
    /// How urgent it is.
    pub priority: Priority,
    /// Not to be sent earlier.
    pub not_before: DateTime<Utc>,
    /// Not to be sent later.
    pub expires_at: Option<DateTime<Utc>>,
}

/// What a post says, where it is rendered anew.
#[derive(Debug, Clone, Copy)]
pub struct Wording<'a> {
    /// The final text.
    pub text: &'a str,
    /// Its length as the platform counts.
    pub weighted_length: u32,
    /// Whether the platform will see a link in it.
    pub has_link: bool,
    /// What was cut, defused or left out, a line each.
    pub notes: &'a str,
    /// Whether a person wrote it.
    pub edited: bool,
    /// The images or the video beside the text.
    pub media: &'a Media,
    /// Ayrshare's own options.
    pub options: &'a Options,
}

/// What a listing shows of a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// Its feed.
    pub feed: String,
    /// The first `HEADING_CHARS_MAX` characters of its text.
    pub text: String,
}

/// Characters of a text that a listing can show.
const HEADING_CHARS_MAX: u32 = 200;

/// Which posts to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct PostFilter<'a> {
    /// Only in this state.
    pub state: Option<State>,
    /// Only of this feed.
    pub feed: Option<&'a str>,
    /// Only of this profile.
    pub profile: Option<&'a str>,
}

/// One change of a post's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// When.
    pub at: DateTime<Utc>,
    /// From which state.
    pub from: String,
    /// To which.
    pub to: String,
    /// `daemon` or `person`.
    pub who: String,
    /// Why.
    pub why: String,
}

/// Who changed a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The program by its rules.
    Daemon,
    /// A person by a command.
    Person,
}

impl Who {
    const fn word(self) -> &'static str {
        match self {
            Self::Daemon => "daemon",
            Self::Person => "person",
        }
    }
}

impl Store {
    /// One post by its number.
    pub async fn post(&self, id: i64) -> Result<Option<Post>, Error> {
        Ok(posts!(&self.read, "where id = ?", id)?.pop())
    }

    /// Posts in the order of their numbers, at most `limit`.
    pub async fn posts(&self, filter: &PostFilter<'_>, limit: u32) -> Result<Vec<Post>, Error> {
        let state = filter.state.map(State::word);
        posts!(
            &self.read,
            "where (?1 is null or state = ?1) and (?2 is null or feed = ?2)
                and (?3 is null or profile = ?3)
             order by id
             limit ?4",
            state,
            filter.feed,
            filter.profile,
            limit
        )
    }

    /// What a listing shows of posts, by their numbers; those that are gone are left out.
    pub async fn headings(&self, posts: &[i64]) -> Result<HashMap<i64, Heading>, Error> {
        let posts = serde_json::json!(posts).to_string();
        let rows = sqlx::query!(
            r#"select id, feed, substr(text, 1, ?2) as "text!: String" from post
               where id in (select value from json_each(?1))"#,
            posts,
            HEADING_CHARS_MAX,
        )
        .fetch_all(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "read what posts are about", source })?;
        let heading = |feed, text| Heading { feed, text };
        Ok(rows.into_iter().map(|row| (row.id, heading(row.feed, row.text))).collect())
    }

    /// All posts of one entry, with the digests that it is in.
    pub async fn posts_of_entry(&self, entry: i64) -> Result<Vec<Post>, Error> {
        posts!(
            &self.read,
            "where entry_id = ?1 or id in (select post_id from digest_entry where entry_id = ?1)
             order by id",
            entry
        )
    }

    /// All unconfirmed posts that are looked up at some time, the next one first, at most `limit`.
    pub async fn lookups(&self, limit: u32) -> Result<Vec<Post>, Error> {
        posts!(
            &self.read,
            "where next_lookup_at is not null order by next_lookup_at limit ?",
            limit
        )
    }

    /// When the next held or queued post expires.
    pub async fn next_expiry_at(&self) -> Result<Option<DateTime<Utc>>, Error> {
        let row = sqlx::query_scalar!(
            r#"select min(expires_at) as "at: i64" from post indexed by post_expiry
               where expires_at is not null and state in ('held', 'queued')"#
        )
        .fetch_one(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "read the next expiry", source })?;
        Times::of("post", &"any").maybe("expires_at", row)
    }

    /// How many posts are in each state, by lane.
    pub async fn post_counts(&self) -> Result<HashMap<(Lane, State), i64>, Error> {
        let rows = sqlx::query!(
            r#"select profile, platform, state, count(*) as "posts!: i64" from post
               group by profile, platform, state"#
        )
        .fetch_all(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "count the posts", source })?;
        rows.into_iter()
            .map(|row| {
                let state = State::parse(&row.state)
                    .ok_or_else(|| nonsense("post", &"any", "state", &row.state))?;
                Ok(((Lane::new(row.profile, row.platform), state), row.posts))
            })
            .collect()
    }

    /// What was settled last, newest first, at most `limit`.
    pub async fn settled(&self, profile: Option<&str>, limit: u32) -> Result<Vec<Post>, Error> {
        posts!(
            &self.read,
            "where state in ('posted', 'failed', 'skipped', 'expired')
                and (?1 is null or profile = ?1)
             order by changed_at desc, id desc
             limit ?2",
            profile,
            limit
        )
    }

    /// What was settled for some profiles in a span of time, oldest first, at most `limit`.
    pub async fn settled_between(
        &self,
        profiles: &[&str],
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        limit: u32,
    ) -> Result<Vec<Post>, Error> {
        let profiles = serde_json::json!(profiles).to_string();
        let (from, to) = (millis(from), millis(to));
        posts!(
            &self.read,
            "where state in ('posted', 'failed', 'skipped', 'expired')
                and profile in (select value from json_each(?1))
                and changed_at >= ?2 and changed_at < ?3
             order by changed_at, id
             limit ?4",
            profiles,
            from,
            to,
            limit
        )
    }

    /// The changes of a post's state, oldest first.
    pub async fn changes(&self, post: i64) -> Result<Vec<Change>, Error> {
        let rows = sqlx::query!(
            "select at, from_state, to_state, who, why from transition where post_id = ? order by id",
            post
        )
        .fetch_all(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "read the life of a post", source })?;
        let times = Times::of("transition", &post);
        rows.into_iter()
            .map(|row| {
                Ok(Change {
                    at: times.at("at", row.at)?,
                    from: row.from_state,
                    to: row.to_state,
                    who: row.who,
                    why: row.why,
                })
            })
            .collect()
    }
}
