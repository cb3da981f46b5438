//! What the ledger says over spans of time: by profile and feed.
//!
//! Promises: one statement for any report, whether of days or of months. Must not: know zones, budgets
//! or groups; whoever asks brings the spans and adds up.

use chrono::{DateTime, Utc};

use super::{Error, Store, millis, nonsense};
use crate::domain::cost::Usd;

/// What one feed cost on the lanes of one profile in one span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spending {
    /// The span: its place among those that were asked for.
    pub span: usize,
    /// The profile.
    pub profile: String,
    /// The feed.
    pub feed: String,
    /// Requests to publish.
    pub attempts: u64,
    /// Requests to delete.
    pub deletions: u64,
    /// Posts that got out, each at its last request: also where a look-up told it.
    pub posted: u64,
    /// What X billed, or has to be taken as billed.
    pub billed: Usd,
    /// What X may have billed beside it for requests that it refused; budgets count it.
    pub risk: Usd,
}

impl Spending {
    /// As budgets count it.
    pub fn counted(&self) -> Usd {
        self.billed.plus(self.risk)
    }
}

impl Store {
    /// What the ledger holds for spans of time, each from its first instant to before its second.
    /// Spans may overlap. Profiles and feeds
    /// without a request in a span have no row for it; requests to delete have rows of their own.
    pub async fn spending(
        &self,
        spans: &[(DateTime<Utc>, DateTime<Utc>)],
    ) -> Result<Vec<Spending>, Error> {
        let spans: Vec<[i64; 2]> =
            spans.iter().map(|(from, to)| [millis(*from), millis(*to)]).collect();
        let spans = serde_json::json!(spans).to_string();
        // The spans are the outer loop: each one is a range of the index.
        let rows = sqlx::query!(
            r#"select cast(span.key as integer) as "span!: i64", profile as "profile!", feed as "feed!",
                count(*) as "attempts!: i64",
                0 as "deletions!: i64",
                sum(attempt.id = (select max(last.id) from attempt as last
                        where last.post_id = attempt.post_id)
                    and exists (select 1 from post
                        where post.id = attempt.post_id and post.state = 'posted'))
                    as "posted!: i64",
                sum(cost_micros) as "billed!: i64",
                sum(risk_micros) as "risk!: i64"
             from json_each(?1) as span
             cross join attempt indexed by attempt_spent_overall
             where started_at >= json_extract(span.value, '$[0]')
                and started_at < json_extract(span.value, '$[1]')
             group by 1, 2, 3
             union all
             select cast(span.key as integer), profile, feed,
                0, count(*), 0, sum(cost_micros), sum(risk_micros)
             from json_each(?1) as span
             cross join deletion indexed by deletion_spent
             where asked_at >= json_extract(span.value, '$[0]')
                and asked_at < json_extract(span.value, '$[1]')
             group by 1, 2, 3
             order by 1, 2, 3"#,
            spans
        )
        .fetch_all(&self.read)
        .await
        .map_err(|source| Error::Sql { what: "add up the ledger", source })?;
        let count = |what, number: i64| {
            u64::try_from(number).map_err(|_| nonsense("attempt", &"sum", what, &number))
        };
        rows.into_iter()
            .map(|row| {
                Ok(Spending {
                    span: usize::try_from(row.span)
                        .map_err(|_| nonsense("attempt", &"sum", "span", &row.span))?,
                    attempts: count("attempts", row.attempts)?,
                    deletions: count("deletions", row.deletions)?,
                    posted: count("posted", row.posted)?,
                    profile: row.profile,
                    feed: row.feed,
                    billed: Usd::from_micros(row.billed),
                    risk: Usd::from_micros(row.risk),
                })
            })
            .collect()
    }
}
