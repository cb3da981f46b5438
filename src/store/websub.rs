//! Tables `websub` and `websub_key`: subscriptions to changes of feeds.
//!
//! Promises: a subscription is known by its feed and by the token in its callback's path. Must not:
//! keep the secret of a subscription, or show the key that they are made of.

use chrono::{DateTime, Utc};

use super::{Error, Store, Times, Tx, maybe_millis, millis, nonsense};

/// How a subscription stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nobody was asked yet.
    New,
    /// The hub was asked, and may verify that it was us.
    Asked,
    /// The hub verified it and sends until the lease ends.
    Active,
    /// The hub refused.
    Denied,
}

impl Standing {
    /// The word for it in the database.
    pub const fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Asked => "asked",
            Self::Active => "active",
            Self::Denied => "denied",
        }
    }

    const ALL: [Self; 4] = [Self::New, Self::Asked, Self::Active, Self::Denied];
}

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// The feed's name.
    pub feed: String,
    /// The address that the hub knows the feed under.
    pub topic: String,
    /// The hub's address.
    pub hub: String,
    /// The last part of our callback's path.
    pub token: String,
    /// How it stands.
    pub standing: Standing,
    /// When the hub was asked last.
    pub asked_at: Option<DateTime<Utc>>,
    /// Until when the hub sends.
    pub lease_until: Option<DateTime<Utc>>,
    /// When a push with the right signature came last; `None` while there is no reason to rely on
    /// pushes.
    pub pushed_at: Option<DateTime<Utc>>,
    /// When the hub is asked next.
    pub next_at: DateTime<Utc>,
    /// Failures in a row.
    pub failures: u32,
    /// What went wrong last.
    pub last_error: String,
}

struct Row {
    feed: String,
    topic: String,
    hub: String,
    token: String,
    state: String,
    asked_at: Option<i64>,
    lease_until: Option<i64>,
    pushed_at: Option<i64>,
    next_at: i64,
    failures: i64,
    last_error: String,
}

impl TryFrom<Row> for Subscription {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let times = Times::of("websub", &row.feed);
        let standing = Standing::ALL.into_iter().find(|it| it.word() == row.state);
        Ok(Self {
            standing: standing.ok_or_else(|| nonsense("websub", &row.feed, "state", &row.state))?,
            asked_at: times.maybe("asked_at", row.asked_at)?,
            lease_until: times.maybe("lease_until", row.lease_until)?,
            pushed_at: times.maybe("pushed_at", row.pushed_at)?,
            next_at: times.at("next_at", row.next_at)?,
            failures: times.count("failures", row.failures)?,
            feed: row.feed,
            topic: row.topic,
            hub: row.hub,
            token: row.token,
            last_error: row.last_error,
        })
    }
}

impl Store {
    /// All subscriptions, by feed.
    pub async fn subscriptions(&self) -> Result<Vec<Subscription>, Error> {
        sqlx::query_as!(Row, "select * from websub order by feed")
            .fetch_all(&self.read)
            .await
            .map_err(|source| Error::Sql { what: "read the subscriptions", source })?
            .into_iter()
            .map(TryInto::try_into)
            .collect()
    }

    /// The subscription of a feed.
    pub async fn subscription(&self, feed: &str) -> Result<Option<Subscription>, Error> {
        sqlx::query_as!(Row, "select * from websub where feed = ?", feed)
            .fetch_optional(&self.read)
            .await
            .map_err(|source| Error::Sql { what: "read a subscription", source })?
            .map(TryInto::try_into)
            .transpose()
    }

    /// The subscription whose callback has this token.
    pub async fn subscription_by_token(&self, token: &str) -> Result<Option<Subscription>, Error> {
        sqlx::query_as!(Row, "select * from websub where token = ?", token)
            .fetch_optional(&self.read)
            .await
            .map_err(|source| Error::Sql { what: "find a subscription", source })?
            .map(TryInto::try_into)
            .transpose()
    }

    /// The key that secrets are made of; `None` before the first subscription.
    pub async fn websub_key(&self) -> Result<Option<Vec<u8>>, Error> {
        sqlx::query_scalar!("select key from websub_key")
            .fetch_optional(&self.read)
            .await
            .map_err(|source| Error::Sql { what: "read the key of subscriptions", source })
    }
}

impl Tx {
    /// Keeps a subscription, whole.
    pub async fn save_subscription(&mut self, it: &Subscription) -> Result<(), Error> {
        let state = it.standing.word();
        let asked_at = maybe_millis(it.asked_at);
        let lease_until = maybe_millis(it.lease_until);
        let pushed_at = maybe_millis(it.pushed_at);
        let next_at = millis(it.next_at);
        sqlx::query!(
            "insert or replace into websub (feed, topic, hub, token, state, asked_at, lease_until,
                pushed_at, next_at, failures, last_error)
             values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            it.feed,
            it.topic,
            it.hub,
            it.token,
            state,
            asked_at,
            lease_until,
            pushed_at,
            next_at,
            it.failures,
            it.last_error,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "save a subscription", source })?;
        Ok(())
    }

    /// Forgets the subscription of a feed.
    pub async fn delete_subscription(&mut self, feed: &str) -> Result<(), Error> {
        sqlx::query!("delete from websub where feed = ?", feed)
            .execute(&mut *self.tx)
            .await
            .map_err(|source| Error::Sql { what: "forget a subscription", source })?;
        Ok(())
    }

    /// The key that secrets are made of; `fresh` becomes it where there is none yet.
    pub async fn websub_key(&mut self, fresh: &[u8]) -> Result<Vec<u8>, Error> {
        sqlx::query!(
            "insert into websub_key (only, key) values (1, ?) on conflict do nothing",
            fresh
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "save the key of subscriptions", source })?;
        sqlx::query_scalar!("select key from websub_key")
            .fetch_one(&mut *self.tx)
            .await
            .map_err(|source| Error::Sql { what: "read the key of subscriptions", source })
    }

    /// Has a feed asked at `at`, unless it is asked sooner anyway, is gone, or is being left alone
    /// after a failure. Says whether its time changed.
    pub async fn hasten_feed(&mut self, name: &str, at: DateTime<Utc>) -> Result<bool, Error> {
        let at = millis(at);
        let result = sqlx::query!(
            "update feed
             set next_poll_at = ?1
             where name = ?2 and next_poll_at > ?1 and failures = 0 and gone_at is null",
            at,
            name
        )
        .execute(&mut *self.tx)
        .await
        .map_err(|source| Error::Sql { what: "hasten a feed", source })?;
        Ok(result.rows_affected() == 1)
    }
}
