//! Reconciling: what became of posts whose answer was lost; and the probes of stops.
//!
//! Promises: only reads at Ayrshare; what is found is settled in one transaction; one that hangs
//! delays no other. Must not: send a post; a post that is certainly absent goes back to the queue,
//! and `publish` sends it under the same key.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use tracing::{error, info, warn};

use super::news::News;
use super::publish::earlier;
use super::{Daemon, Error, stops};
use crate::domain::breaker::{Cause, Ending, Scope, is_due};
use crate::domain::lookup::{self, HISTORY_PAGE};
use crate::domain::outcome::Reply;
use crate::domain::post::{Event, Found, Life, State};
use crate::killpoint;
use crate::store::attempts::Doubts;
use crate::store::breakers::Breaker;
use crate::store::posts::{Post, Who};

/// Unconfirmed posts that are considered at once; those whose look-up is nearest.
const LOOKUPS_SEEN: u32 = 500;
/// Look-ups and probes that are out at the same time.
const ASKED_AT_ONCE: usize = 16;
/// The longest page of the history; it may be a minute old (contract, section 5.1).
const LONG_PAGE: usize = 1000;

/// Something to be asked at Ayrshare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// What became of a post.
    Post(Box<Post>),
    /// Whether a stop is over.
    Stop(Breaker),
}

/// What tells a question from the others while it is out.
pub type Topic = Result<i64, (Scope, Cause)>;

impl Question {
    /// What it is about.
    pub fn topic(&self) -> Topic {
        match self {
            Self::Post(post) => Ok(post.id),
            Self::Stop(breaker) => Err((breaker.scope.clone(), breaker.cause)),
        }
    }
}

/// What is to be asked now, and when to look again.
#[derive(Debug, Default)]
pub struct Questions {
    /// To be asked now, side by side.
    pub now: Vec<Question>,
    /// When to look again.
    pub next_at: Option<DateTime<Utc>>,
}

/// What one tick did.
#[derive(Debug, Default)]
pub struct ReconcileReport {
    /// Each post that was looked up, and where it stands now.
    pub looked_up: Vec<(i64, State)>,
    /// When to look again.
    pub next_at: Option<DateTime<Utc>>,
}

impl Daemon {
    /// Asks what is due, and waits for all answers.
    ///
    /// # Errors
    ///
    /// Only where the database fails.
    pub async fn reconcile_tick(&self) -> Result<ReconcileReport, Error> {
        let due = self.questions(&HashSet::new()).await?;
        let mut report = ReconcileReport::default();
        let mut failed = None;
        for done in join_all(due.now.iter().map(|question| self.ask(question))).await {
            match done {
                Ok(looked_up) => report.looked_up.extend(looked_up),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        let left = self.questions(&HashSet::new()).await?;
        // A stop that just ended lets a lane go on at once.
        let probed = due.now.iter().any(|question| matches!(question, Question::Stop(_)));
        let again = (probed || !left.now.is_empty()).then(|| self.now());
        report.next_at = earlier(left.next_at, again);
        Ok(report)
    }

    /// What is to be asked now, but for what is out already.
    ///
    /// # Errors
    ///
    /// Only where the database fails.
    pub async fn questions(&self, out: &HashSet<Topic>) -> Result<Questions, Error> {
        let (now, rules) = (self.now(), self.rules());
        let breakers = self.store.open_breakers().await?;
        let mut questions = Questions::default();
        let room = ASKED_AT_ONCE.saturating_sub(out.len());
        for breaker in &breakers {
            let Some(at) = breaker.probe_at else { continue };
            let question = Question::Stop(breaker.clone());
            if breaker.cause.ending() != Ending::AskUser || out.contains(&question.topic()) {
                continue;
            }
            if is_due(at, self.config.ayrshare.probe_after, now) {
                questions.now.push(question);
            } else {
                questions.next_at = earlier(questions.next_at, Some(at));
            }
        }
        for post in self.store.lookups(LOOKUPS_SEEN).await? {
            // The rate limit counts reads as well (contract, section 6.1).
            let limited = breakers
                .iter()
                .find(|it| it.cause == Cause::RateLimit && it.scope.covers(&post.lane));
            let lookups = post.life.lookups;
            let question = Question::Post(Box::new(post));
            if out.contains(&question.topic()) {
                continue;
            }
            if let Some(breaker) = limited {
                let at = breaker.probe_at.filter(|at| *at > now);
                questions.next_at = earlier(questions.next_at, at);
            } else if lookups.is_due(&rules, now) {
                questions.now.push(question);
            } else {
                questions.next_at = earlier(questions.next_at, lookups.next_at);
            }
        }
        questions.now.truncate(room);
        Ok(questions)
    }

    /// Asks one question and settles what the answer says.
    ///
    /// # Errors
    ///
    /// Only where the database fails.
    pub async fn ask(&self, question: &Question) -> Result<Option<(i64, State)>, Error> {
        match question {
            Question::Stop(breaker) => self.probe(breaker).await.map(|()| None),
            Question::Post(post) => self.look_up(post).await.map(Some),
        }
    }

    async fn look_up(&self, post: &Post) -> Result<(i64, State), Error> {
        let doubts = self.store.doubts(post).await?;
        let doubts = doubts.unwrap_or(Doubts { first: post.changed_at, last: post.changed_at });
        let forgotten = self.forgotten_since(post).await?;
        let found = tokio::select! {
            found = self.search(post, forgotten, doubts.first) => found?,
            () = self.stop.drain.cancelled() => return Ok((post.id, post.life.state)),
        };
        killpoint::reach("looked-up").await;
        let state = self.reconcile(post, &found, doubts).await?;
        killpoint::reach("reconciled").await;
        Ok((post.id, state))
    }

    /// Looks for a post in the history: in the newest page, and in a long one where that is full.
    /// What may be `forgotten` is looked for since then, and under later keys, too.
    async fn search(
        &self,
        post: &Post,
        forgotten: Option<DateTime<Utc>>,
        sent_at: DateTime<Utc>,
    ) -> Result<Found, Error> {
        let sent_at = forgotten.map_or(sent_at, |since| std::cmp::min(since, sent_at));
        let lane = &post.lane;
        let Ok(credentials) = self.credentials(lane) else {
            return Ok(Found::NoAnswer("the config does not know its lane any more".into()));
        };
        let mut found = Found::Absent;
        for limit in [HISTORY_PAGE, LONG_PAGE] {
            let now = self.now();
            let days = history_days(sent_at, now);
            let reply =
                self.ayrshare.history(credentials, (&lane.platform, days, limit), now).await;
            if let Reply::Answered { status: 429, retry_after, .. } = &reply {
                self.limited(post, *retry_after).await?;
            }
            let page = (lane.platform.as_str(), limit);
            found = if forgotten.is_some() {
                let first = (post.uuid.as_str(), post.life.generation);
                lookup::in_history_from(&reply, first, page, sent_at)
            } else {
                lookup::in_history(&reply, &post.reference(), page, sent_at)
            };
            if !lookup::is_cut_off(&reply, limit, &found) {
                break;
            }
        }
        Ok(found)
    }

    /// A look-up met the rate limit: it holds for sending too.
    async fn limited(&self, post: &Post, asked: Option<TimeDelta>) -> Result<(), Error> {
        let scope = Scope::Profile(post.lane.profile.clone());
        let mut tx = self.store.begin(self.now()).await?;
        let detail = "the history answers 429";
        let news = self.open(&mut tx, (&scope, Cause::RateLimit), asked, detail).await?;
        let news: Vec<News> = news.into_iter().collect();
        stops::commit(tx, &news).await?;
        self.tell_stops(news);
        Ok(())
    }

    async fn reconcile(&self, post: &Post, found: &Found, doubts: Doubts) -> Result<State, Error> {
        let mut tx = self.store.begin(self.now()).await?;
        let Some(present) = tx.post(post.id).await? else {
            return Err(Error::NoSuchPost(post.id));
        };
        let same = |life: &Life| (life.state, life.generation, life.sends);
        if same(&present.life) != same(&post.life) {
            // A person, or another answer, was quicker.
            return Ok(present.life.state);
        }
        let event = Event::LookUp { found: found.clone(), sent_at: doubts.first };
        let life = self.turn(&mut tx, &present, &event, Who::Daemon).await?;
        let mut stops = Vec::new();
        if life.state != State::Unconfirmed {
            tx.remember(post.id).await?;
        }
        match found {
            Found::Published(_) => {
                tx.settle_ledger(post.id, true).await?;
                stops = self.passed(&mut tx, &post.lane, doubts.last).await?;
            }
            Found::Failed(_) => tx.settle_ledger(post.id, false).await?,
            Found::Pending | Found::Absent | Found::NoAnswer(_) => {}
        }
        tx.commit().await?;
        log_looked_up(post, found, &life);
        self.tell(News::Settled {
            post: post.id,
            lane: post.lane.clone(),
            state: life.state,
            reason: life.reason,
            url: life.receipt.url,
            by_lookup: true,
        });
        self.tell_stops(stops);
        Ok(life.state)
    }
}

/// How many days back the history is asked: whole days on the safe side, 0 for all of it.
fn history_days(sent_at: DateTime<Utc>, now: DateTime<Utc>) -> u32 {
    let days = (now - sent_at).num_days();
    if (0..28).contains(&days) { u32::try_from(days + 2).unwrap_or(0) } else { 0 }
}

fn log_looked_up(post: &Post, found: &Found, life: &Life) {
    let (id, lane, reason) = (post.id, &post.lane, &life.reason);
    match found {
        Found::Published(_) => {
            info!(post.id = id, %lane, "post {id} is published on {lane}: the history has it");
        }
        Found::Failed(_) => {
            warn!(post.id = id, %lane, "post {id} was refused, says the history: {reason}");
        }
        Found::Pending | Found::Absent | Found::NoAnswer(_) => {
            if life.state == State::Unconfirmed && life.lookups.next_at.is_none() {
                error!(
                    post.id = id,
                    %lane,
                    "nobody can tell whether post {id} is on {lane}: look there, then say \
                     `tidings queue skip {id}` if it is, or `tidings queue retry {id}` if it is not",
                );
            } else {
                info!(post.id = id, %lane, "post {id} looked up: {reason}");
            }
        }
    }
}
