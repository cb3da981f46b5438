//! What the database shows of troubles: feeds, posts that wait, entries that changed, a week's count.
//!
//! Promises: few rows, whatever the number of feeds and posts. Must not: judge what is a trouble.

use chrono::{DateTime, Utc};

use super::super::{Error, Store, Times, millis};
use crate::domain::alert::conditions::Week;
use crate::domain::breaker::Lane;
use crate::domain::cost::Usd;

/// A feed that found nothing new for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// Its name.
    pub feed: String,
    /// When it answered well last.
    pub last_good_at: DateTime<Utc>,
    /// When entries were found lately, but for its first reading; the newest first.
    pub arrivals: Vec<DateTime<Utc>>,
}

/// A feed that fails, or is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Its name.
    pub feed: String,
    /// What went wrong last.
    pub error: String,
    /// When its server said that it is gone for good.
    pub gone_at: Option<DateTime<Utc>>,
}

/// A post that needs a person, since it failed or nobody can tell whether it is out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TroubledPost {
    /// Its number.
    pub id: i64,
    /// Where it goes.
    pub lane: Lane,
    /// What it says.
    pub text: String,
    /// Why it is where it is.
    pub reason: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Whether nobody can tell; it failed otherwise.
    pub in_doubt: bool,
}

/// Posts of a feed that wait for approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldPosts {
    /// The feed.
    pub feed: String,
    /// How many.
    pub posts: i64,
    /// Why the first of them waits.
    pub reason: String,
}

/// A post that is out, and whose entry changed since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The post's number.
    pub post: i64,
    /// Its feed.
    pub feed: String,
    /// Where it went.
    pub lane: Lane,
    /// What it says.
    pub text: String,
    /// Where it is.
    pub url: Option<String>,
    /// What the entry is called now.
    pub title: String,
    /// When it changed.
    pub at: DateTime<Utc>,
}

/// How many arrivals make up a habit.
const ARRIVALS_MAX: i64 = 40;
/// Corrections that are looked at.
const CHANGED_MAX: i64 = 500;
/// Posts in trouble that are looked at, the newest.
const TROUBLED_MAX: i64 = 1_000;

impl Store {
    /// The feeds that fail or are gone, by name.
    pub async fn feed_troubles(&self) -> Result<Vec<Trouble>, Error> {
        sqlx::query!(
            "select name, last_error, gone_at from feed
             where failures > 0 or gone_at is not null order by name"
        )
        .fetch_all(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "read which feeds fail", source })?
        .into_iter()
        .map(|row| {
            let gone_at = Times::of("feed", &row.name).maybe("gone_at", row.gone_at)?;
            Ok(Trouble { feed: row.name, error: row.last_error, gone_at })
        })
        .collect()
    }

    /// The feeds that answer well and had nothing new since `since`, with what shows their habit.
    pub async fn silent_feeds(&self, since: DateTime<Utc>) -> Result<Vec<Silence>, Error> {
        let failed = |source| Error::Sql { what: "read which feeds are silent", source };
        let since = millis(since);
        let rows = sqlx::query!(
            r#"select name, first_read_at as "first_read_at!: i64",
                last_good_at as "last_good_at!: i64" from feed
             where failures = 0 and gone_at is null and first_read_at is not null
                and last_good_at is not null
                and (select first_seen_at from entry where entry.feed = feed.name
                     order by id desc limit 1) < ?
             order by name"#,
            since
        )
        .fetch_all(&self.read)
        .await
        .map_err(failed)?;
        let mut silences = Vec::with_capacity(rows.len());
        for row in rows {
            let times = Times::of("feed", &row.name);
            let arrivals = sqlx::query_scalar!(
                "select distinct first_seen_at from entry
                 where feed = ? and first_seen_at > ? order by id desc limit ?",
                row.name,
                row.first_read_at,
                ARRIVALS_MAX
            )
            .fetch_all(&self.read)
            .await
            .map_err(failed)?
            .into_iter()
            .map(|at| times.at("first_seen_at", at))
            .collect::<Result<Vec<_>, Error>>()?;
            let last_good_at = times.at("last_good_at", row.last_good_at)?;
            silences.push(Silence { feed: row.name, last_good_at, arrivals });
        }
        Ok(silences)
    }

    /// The posts that failed, or of which nobody can tell whether they are out; the newest first.
    pub async fn troubled_posts(&self) -> Result<Vec<TroubledPost>, Error> {
        sqlx::query!(
            r#"select id, profile, platform, text, reason, changed_at,
                state = 'unconfirmed' as "in_doubt!: bool" from post
             where state in ('failed', 'unconfirmed')
                and (state = 'failed' or next_lookup_at is null)
             order by id desc limit ?"#,
            TROUBLED_MAX
        )
        .fetch_all(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "read which posts need a person", source })?
        .into_iter()
        .map(|row| {
            Ok(TroubledPost {
                since: Times::of("post", &row.id).at("changed_at", row.changed_at)?,
                id: row.id,
                lane: Lane::new(row.profile, row.platform),
                text: row.text,
                reason: row.reason,
                in_doubt: row.in_doubt,
            })
        })
        .collect()
    }

    /// The posts that wait for approval, by feed.
    pub async fn held_by_feed(&self) -> Result<Vec<HeldPosts>, Error> {
        sqlx::query_as!(
            HeldPosts,
            r#"select feed as "feed!: String", count(*) as "posts!: i64", min(reason) as "reason!: String"
               from post where state = 'held' group by feed order by feed"#
        )
        .fetch_all(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "count the held posts", source })
    }

    /// The posts that went out before their entries changed, which they did after `since`.
    pub async fn changed_since_posted(&self, since: DateTime<Utc>) -> Result<Vec<Changed>, Error> {
        let since = millis(since);
        sqlx::query!(
            r#"select post.id, post.feed, post.profile, post.platform, post.text, post.url,
                entry.title, entry.changed_at as "changed_at!: i64"
             from entry join post on post.entry_id = entry.id
             where entry.changed_at > ? and post.state = 'posted'
                and post.posted_at < entry.changed_at
             order by entry.changed_at desc, post.id limit ?"#,
            since,
            CHANGED_MAX
        )
        .fetch_all(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "read which entries changed", source })?
        .into_iter()
        .map(|row| {
            Ok(Changed {
                at: Times::of("entry", &row.id).at("changed_at", row.changed_at)?,
                post: row.id,
                feed: row.feed,
                lane: Lane::new(row.profile, row.platform),
                text: row.text,
                url: row.url,
                title: row.title,
            })
        })
        .collect()
    }

    /// What was posted, what failed and what it cost since, of these profiles; of none named, of all.
    pub async fn week(&self, profiles: &[String], since: DateTime<Utc>) -> Result<Week, Error> {
        let failed = |source| Error::Sql { what: "count a week", source };
        let since = millis(since);
        let profiles = serde_json::Value::from(profiles.to_vec()).to_string();
        let cost = sqlx::query_scalar!(
            r#"select coalesce(sum(cost_micros), 0)
                + (select coalesce(sum(cost_micros), 0) from deletion where asked_at >= ?1
                    and (?2 = '[]' or profile in (select value from json_each(?2)))) as "cost!: i64"
             from attempt where started_at >= ?1
                and (?2 = '[]' or profile in (select value from json_each(?2)))"#,
            since,
            profiles
        )
        .fetch_one(&self.read)
        .await
        .map_err(failed)?;
        let posts = sqlx::query!(
            r#"select
                (select count(*) from post where posted_at >= ?1 and state = 'posted'
                    and (?2 = '[]' or profile in (select value from json_each(?2))))
                    as "posted!: i64",
                (select count(*) from post where state = 'failed' and changed_at >= ?1
                    and (?2 = '[]' or profile in (select value from json_each(?2))))
                    as "failed!: i64",
                (select count(*) from post where (state in ('failed', 'held')
                        or (state = 'unconfirmed' and next_lookup_at is null))
                    and (?2 = '[]' or profile in (select value from json_each(?2))))
                    as "needs!: i64""#,
            since,
            profiles
        )
        .fetch_one(&self.read)
        .await
        .map_err(failed)?;
        Ok(Week {
            posted: posts.posted,
            failed: posts.failed,
            cost: Usd::from_micros(cost),
            needs_person: posts.needs,
            ..Week::default()
        })
    }
}
