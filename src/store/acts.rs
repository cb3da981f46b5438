//! Table `act`: what persons did by hand.
//!
//! Promises: append-only; each row is written with what it tells of, or not at all. Must not: keep a
//! text longer than a listing needs.

use chrono::{DateTime, Utc};

use super::{Error, Store, Times, Tx, millis, nonsense};
use crate::domain::hand::{By, Deed, Door};

/// Characters of what was before and after that are kept: the longest post of X.
const SAID_CHARS_MAX: usize = 25_000;

/// What an act was done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum On {
    /// A post, by its number.
    Post(i64),
    /// Something else by its name: the reach of a stop as `all` or `profile:NAME`, or `feed:NAME`.
    Scope(String),
}

/// An act to be kept.
#[derive(Debug, Clone, Copy)]
pub struct NewAct<'a> {
    /// What was done.
    pub deed: Deed,
    /// To what.
    pub on: &'a On,
    /// How it was; empty for nothing to tell.
    pub before: &'a str,
    /// How it is since then.
    pub after: &'a str,
}

/// One act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Its number.
    pub id: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who, and from where.
    pub by: By,
    /// What was done.
    pub deed: Deed,
    /// To what.
    pub on: On,
    /// How it was; empty for nothing to tell.
    pub before: String,
    /// How it is since then.
    pub after: String,
}

struct ActRow {
    id: i64,
    at: i64,
    who: String,
    door: String,
    deed: String,
    post_id: Option<i64>,
    scope: Option<String>,
    before: String,
    after: String,
}

impl TryFrom<ActRow> for Act {
    type Error = Error;

    fn try_from(row: ActRow) -> Result<Self, Error> {
        let times = Times::of("act", &row.id);
        let door = Door::parse(&row.door);
        Ok(Self {
            id: row.id,
            at: times.at("at", row.at)?,
            by: By::new(door.ok_or_else(|| nonsense("act", &row.id, "door", &row.door))?, &row.who),
            deed: Deed::parse(&row.deed)
                .ok_or_else(|| nonsense("act", &row.id, "deed", &row.deed))?,
            on: match (row.post_id, row.scope) {
                (Some(post), _) => On::Post(post),
                (None, scope) => On::Scope(scope.unwrap_or_default()),
            },
            before: row.before,
            after: row.after,
        })
    }
}

impl Store {
    /// The newest acts, those on one post where that is asked for, newest first, at most `limit`.
    pub async fn acts(&self, post: Option<i64>, limit: u32) -> Result<Vec<Act>, Error> {
        let rows = match post {
            Some(post) => {
                sqlx::query_as!(
                    ActRow,
                    "select * from act where post_id = ? order by id desc limit ?",
                    post,
                    limit
                )
                .fetch_all(&self.read)
                .await
            }
            None => {
                sqlx::query_as!(ActRow, "select * from act order by id desc limit ?", limit)
                    .fetch_all(&self.read)
                    .await
            }
        };
        rows.map_err(|source| Error::Sql { what: "read what was done by hand", source })?
            .into_iter()
            .map(Act::try_from)
            .collect()
    }
}

impl Tx {
    /// Keeps what a person does in this transaction, and tells a running daemon of it.
    pub async fn note_act(&mut self, by: &By, act: &NewAct<'_>) -> Result<(), Error> {
        let now = millis(self.now);
        let (who, door, deed) = (by.name(), by.door().word(), act.deed.word());
        let (post, scope) = match act.on {
            On::Post(post) => (Some(*post), None),
            On::Scope(scope) => (None, Some(scope.as_str())),
        };
        let said = |text: &str| text.chars().take(SAID_CHARS_MAX).collect::<String>();
        let (before, after) = (said(act.before), said(act.after));
        sqlx::query!(
            "insert into act (at, who, door, deed, post_id, scope, before, after)
             values (?, ?, ?, ?, ?, ?, ?, ?)",
            now,
            who,
            door,
            deed,
            post,
            scope,
            before,
            after,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "keep an act by hand", source })?;
        self.by_hand().await
    }

    /// Forgets acts from before `since`, and those beyond the newest `kept`.
    pub async fn prune_acts(&mut self, since: DateTime<Utc>, kept: u32) -> Result<u64, Error> {
        let since = millis(since);
        let result = sqlx::query!(
            "delete from act
             where at < ?1 or id <= (select id from act order by id desc limit 1 offset ?2)",
            since,
            kept
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "forget old acts by hand", source })?;
        Ok(result.rows_affected())
    }
}
