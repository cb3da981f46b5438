//! Why an entry was, will be or won't be posted, stage by stage.
//!
//! Promises: every stage names its reason. Must not: decide again; it reads what was decided, and asks
//! the same plan as the daemon.

use chrono::TimeDelta;
use serde::Serialize;

use super::card::Card;
use super::{Moment, Money, View, web_address};
use crate::daemon::{Error, spoken};
use crate::domain::cost::Usd;
use crate::domain::post::State;
use crate::store::entries::SeenEntry;
use crate::store::posts::Post;

/// Entries that one search shows.
const FOUND_MAX: u32 = 5;
/// Posts of one entry; each is on a lane of its own.
const POSTS_MAX: usize = 50;
/// How far ahead a post's turn is looked for.
const AHEAD: TimeDelta = TimeDelta::days(31);

/// An entry and what became of it.
#[derive(Debug, Clone, Serialize)]
pub(in crate::web) struct Explained {
    pub(in crate::web) entry: i64,
    pub(in crate::web) feed: String,
    pub(in crate::web) title: String,
    pub(in crate::web) link: Option<String>,
    pub(in crate::web) first_seen_at: Moment,
    pub(in crate::web) changed_at: Option<Moment>,
    pub(in crate::web) changes: u32,
    /// `post`, `hold` or `skip`.
    pub(in crate::web) choice: String,
    pub(in crate::web) reason: String,
    pub(in crate::web) reader: String,
    pub(in crate::web) repairs: Vec<String>,
    pub(in crate::web) next_poll_at: Option<Moment>,
    pub(in crate::web) next_poll_why: String,
    pub(in crate::web) posts: Vec<Told>,
}

impl Explained {
    /// What was chosen, for a person.
    pub(in crate::web) fn verdict(&self) -> &'static str {
        match self.choice.as_str() {
            "skip" => "not posted",
            "hold" => "held for you",
            _ => "to be posted",
        }
    }
}

/// A post and its life.
#[derive(Debug, Clone, Serialize)]
pub(in crate::web) struct Told {
    #[serde(flatten)]
    pub(in crate::web) card: Card,
    /// What a digest tells of.
    pub(in crate::web) digest: Vec<Piece>,
    /// The rules that hold it until its turn, one after the other.
    pub(in crate::web) steps: Vec<Step>,
    pub(in crate::web) changes: Vec<Change>,
    pub(in crate::web) attempts: Vec<Attempt>,
}

#[derive(Debug, Clone, Serialize)]
pub(in crate::web) struct Piece {
    pub(in crate::web) entry: i64,
    pub(in crate::web) title: String,
}

#[derive(Debug, Clone, Serialize)]
pub(in crate::web) struct Step {
    pub(in crate::web) rule: &'static str,
    pub(in crate::web) why: String,
    pub(in crate::web) until: Option<Moment>,
}

#[derive(Debug, Clone, Serialize)]
pub(in crate::web) struct Change {
    pub(in crate::web) at: Moment,
    pub(in crate::web) from: String,
    pub(in crate::web) to: String,
    pub(in crate::web) who: String,
    pub(in crate::web) why: String,
}

#[derive(Debug, Clone, Serialize)]
pub(in crate::web) struct Attempt {
    #[serde(rename = "attempt")]
    pub(in crate::web) id: i64,
    pub(in crate::web) generation: u32,
    pub(in crate::web) started_at: Moment,
    pub(in crate::web) outcome: String,
    pub(in crate::web) status: Option<i64>,
    pub(in crate::web) code: Option<i64>,
    pub(in crate::web) message: String,
    #[serde(rename = "cost_usd_micros")]
    pub(in crate::web) cost: Money,
}

impl View<'_> {
    /// The entries of a post's number, of a link, or with a title that holds a text.
    pub(in crate::web) async fn explain(&self, text: &str) -> Result<Vec<Explained>, Error> {
        let text = text.trim();
        let mut found: Vec<SeenEntry> = Vec::new();
        if text.is_empty() {
            return Ok(Vec::new());
        }
        if let Ok(number) = text.parse::<i64>()
            && let Some(post) = self.store.post(number).await?
        {
            found = self.store.digest_entries(post.id).await?;
            if found.is_empty() {
                found.extend(self.store.entry(post.entry_id).await?);
            }
        }
        if found.is_empty() {
            found = self.store.find_entries(text, FOUND_MAX).await?;
        }
        let mut explained = Vec::new();
        for entry in &found {
            explained.push(self.explained(entry).await?);
        }
        Ok(explained)
    }

    async fn explained(&self, entry: &SeenEntry) -> Result<Explained, Error> {
        let state = self.store.feed(&entry.feed).await?;
        let waits = self.store.host_waits(self.now).await?;
        let next = state.as_ref().and_then(|it| spoken::next_poll(self.config, it, &waits));
        let mut posts = Vec::new();
        for post in self.store.posts_of_entry(entry.id).await?.iter().take(POSTS_MAX) {
            posts.push(self.told(post).await?);
        }
        Ok(Explained {
            entry: entry.id,
            feed: entry.feed.clone(),
            title: entry.title.clone(),
            link: entry.link.as_deref().and_then(web_address),
            first_seen_at: self.at_home(entry.first_seen_at),
            changed_at: entry.changed_at.map(|at| self.at_home(at)),
            changes: entry.changes,
            choice: entry.choice.clone(),
            reason: entry.reason.clone(),
            reader: state.as_ref().map(|it| it.reader.clone()).unwrap_or_default(),
            repairs: state
                .map(|it| it.repairs.lines().map(str::to_owned).collect())
                .unwrap_or_default(),
            next_poll_at: next.as_ref().map(|it| self.at_home(it.at)),
            next_poll_why: next.map(|it| it.why).unwrap_or_default(),
            posts,
        })
    }

    /// A post with its life.
    pub(in crate::web) async fn told(&self, post: &Post) -> Result<Told, Error> {
        let moment = |at| self.moment(at, &post.lane);
        let digest = self.store.digest_entries(post.id).await?;
        let changes = self.store.changes(post.id).await?;
        let attempts = self.store.attempts(post.id).await?;
        Ok(Told {
            card: self.post(post.id).await?.unwrap_or_else(|| self.card(post)),
            digest: digest
                .into_iter()
                .map(|entry| Piece { entry: entry.id, title: entry.title })
                .collect(),
            steps: self.steps(post).await?,
            changes: changes
                .into_iter()
                .map(|change| Change {
                    at: moment(change.at),
                    from: change.from,
                    to: change.to,
                    who: change.who,
                    why: change.why,
                })
                .collect(),
            attempts: attempts
                .into_iter()
                .map(|attempt| Attempt {
                    id: attempt.id,
                    generation: attempt.generation,
                    started_at: moment(attempt.started_at),
                    outcome: attempt.outcome.unwrap_or_else(|| "out".to_owned()),
                    status: attempt.status,
                    code: attempt.code,
                    message: attempt.message,
                    cost: Money(attempt.cost),
                })
                .collect(),
        })
    }

    async fn steps(&self, post: &Post) -> Result<Vec<Step>, Error> {
        if post.life.state != State::Queued || !self.config.has_lane(&post.lane) {
            return Ok(Vec::new());
        }
        let trace = self.outlook().trace_of(post, self.now, self.now + AHEAD).await?;
        let steps = trace.map(|trace| trace.steps).unwrap_or_default();
        Ok(steps
            .into_iter()
            .map(|step| Step {
                rule: step.rule.word(),
                why: step.rule.sentence(),
                until: step.until.map(|at| self.moment(at, &post.lane)),
            })
            .collect())
    }
}

impl Told {
    /// What its attempts cost together.
    pub(in crate::web) fn spent(&self) -> Money {
        Money(self.attempts.iter().map(|it| it.cost.0).sum::<Usd>())
    }
}
