//! What is now: stops, what goes next, what happened last, what needs a person.
//!
//! Promises: what is stopped and what needs a person comes with what to do. Must not: change
//! anything.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::Serialize;

use super::card::Card;
use super::lists::questions;
use super::{Moment, View, holds_lane};
use crate::daemon::passing::Passing;
use crate::daemon::{Error, spoken};
use crate::domain::breaker::{Cause, Ending, Lane, Scope};
use crate::domain::plan::{Decision, Row, Rule};
use crate::domain::post::State;
use crate::domain::told;
use crate::store::breakers::Breaker;
use crate::store::posts::PostFilter;

/// Lanes that are asked for their next post; an agency has hundreds.
const LANES_MAX: usize = 200;
/// Next posts that are shown.
const NEXT_MAX: usize = 6;
/// What happened last.
const LAST_MAX: u32 = 8;
/// Open questions that are shown of each kind.
const QUESTIONS_MAX: u32 = 6;

/// All of it.
#[derive(Debug, Clone, Serialize)]
pub(in crate::web) struct Now {
    #[serde(rename = "now")]
    pub(in crate::web) at: Moment,
    pub(in crate::web) stops: Vec<Stop>,
    /// Whether a person paused everything.
    pub(in crate::web) paused: bool,
    pub(in crate::web) next: Vec<Card>,
    pub(in crate::web) last: Vec<Card>,
    pub(in crate::web) questions: Vec<Card>,
    /// How many posts are in each state.
    pub(in crate::web) posts: BTreeMap<&'static str, u64>,
    pub(in crate::web) lanes: Vec<LaneStatus>,
    /// How many lanes there are beyond those in `lanes`.
    pub(in crate::web) more_lanes: usize,
    /// How many feeds are in each kind of health.
    pub(in crate::web) feeds: BTreeMap<&'static str, usize>,
    pub(in crate::web) next_poll_at: Option<Moment>,
}

impl Now {
    /// How many posts wait for a person or are in doubt.
    pub(in crate::web) fn open(&self) -> u64 {
        ["held", "failed", "unconfirmed"].iter().filter_map(|state| self.posts.get(state)).sum()
    }

    pub(in crate::web) fn queued(&self) -> u64 {
        self.posts.get("queued").copied().unwrap_or(0)
    }

    pub(in crate::web) fn failing_feeds(&self) -> usize {
        ["failing", "gone"].iter().filter_map(|health| self.feeds.get(health)).sum()
    }
}

/// A stop.
#[derive(Debug, Clone, Serialize)]
pub(in crate::web) struct Stop {
    pub(in crate::web) scope: String,
    pub(in crate::web) reach: String,
    /// The profile whose sending it stops; none for everything.
    pub(in crate::web) profile: Option<String>,
    /// The feed whose posts it stops.
    pub(in crate::web) feed: Option<String>,
    pub(in crate::web) cause: &'static str,
    pub(in crate::web) sentence: &'static str,
    pub(in crate::web) remedy: &'static str,
    pub(in crate::web) detail: String,
    pub(in crate::web) opened_at: Moment,
    pub(in crate::web) probe_at: Option<Moment>,
    /// What happens at `probe_at`.
    pub(in crate::web) then: &'static str,
}

/// A lane.
#[derive(Debug, Clone, Serialize)]
pub(in crate::web) struct LaneStatus {
    pub(in crate::web) profile: String,
    pub(in crate::web) platform: String,
    pub(in crate::web) posts: BTreeMap<&'static str, u64>,
    pub(in crate::web) next: String,
}

impl LaneStatus {
    pub(in crate::web) fn count(&self, state: &str) -> u64 {
        self.posts.get(state).copied().unwrap_or(0)
    }
}

/// What a lane does next.
enum Next {
    Never(String),
    Post { row: Row, told: String },
}

impl View<'_> {
    /// What is now.
    pub(in crate::web) async fn now(&self) -> Result<Now, Error> {
        let breakers = self.store.open_breakers().await?;
        let census = self.store.census().await?;
        let mut posts = BTreeMap::new();
        for one in &census {
            *posts.entry(one.state.word()).or_default() += one.posts;
        }
        let mut lanes: Vec<Lane> = self.config.lanes().collect();
        for one in &census {
            if !lanes.contains(&one.lane) && lanes.len() < LANES_MAX {
                lanes.push(one.lane.clone());
            }
        }
        let more_lanes = lanes.len().saturating_sub(LANES_MAX);
        let mut next = Vec::new();
        let mut statuses = Vec::new();
        for lane in lanes.iter().take(LANES_MAX) {
            let of_lane = census.iter().filter(|one| one.lane == *lane);
            let posts: BTreeMap<_, _> = of_lane.map(|one| (one.state.word(), one.posts)).collect();
            let told = match self.next_of(lane, &breakers).await? {
                Next::Never(told) => told,
                Next::Post { row, told } => {
                    next.push(row);
                    told
                }
            };
            statuses.push(LaneStatus {
                profile: lane.profile.clone(),
                platform: lane.platform.clone(),
                posts,
                next: told,
            });
        }
        let (feeds, next_poll_at) = self.feeds_at_a_glance().await?;
        let last = self.store.settled_before(&PostFilter::default(), None, LAST_MAX).await?;
        Ok(Now {
            at: self.at_home(self.now),
            paused: breakers.iter().any(|it| it.scope == Scope::All && it.cause == Cause::Paused),
            stops: breakers.iter().map(|breaker| self.stop(breaker)).collect(),
            next: self.next_cards(next).await?,
            last: last.iter().map(|post| self.card(post)).collect(),
            questions: questions(self, &PostFilter::default(), QUESTIONS_MAX).await?,
            posts,
            lanes: statuses,
            more_lanes,
            feeds,
            next_poll_at,
        })
    }

    async fn next_cards(&self, mut rows: Vec<Row>) -> Result<Vec<Card>, Error> {
        rows.sort_by_key(|row| (row.at, row.id));
        let mut cards = Vec::new();
        for row in rows.iter().take(NEXT_MAX) {
            if let Some(post) = self.store.post(row.id).await? {
                // What the lane does next tells no price.
                let cost = self.card(&post).cost;
                cards.push(Card { cost, ..self.card_in_turn(&post, row) });
            }
        }
        Ok(cards)
    }

    async fn next_of(&self, lane: &Lane, breakers: &[Breaker]) -> Result<Next, Error> {
        if !self.config.has_lane(lane) {
            return Ok(Next::Never("never: the config does not know this lane".to_owned()));
        }
        if let Some(breaker) = breakers.iter().find(|it| holds_lane(it, lane)) {
            return Ok(Next::Never(format!("stopped: {}", breaker.cause.sentence())));
        }
        let row = |id, at, rule: Rule, without_link| Row {
            id,
            at,
            rule,
            cost: crate::domain::cost::Usd::ZERO,
            without_link,
        };
        let passing = Passing::under(breakers, lane);
        let (row, told) = match self.outlook().next_of(lane, self.now, &passing).await? {
            Decision::Idle => return Ok(Next::Never("nothing queued".to_owned())),
            Decision::Send { id, rule, without_link, .. } => {
                (row(id, self.now, rule, without_link), format!("post {id} now"))
            }
            Decision::Wait { until, rule, id } => {
                let at = told::when(until, self.config.zone(&lane.profile), self.now);
                (row(id, until, rule, false), format!("post {id} {at}, {}", rule.sentence()))
            }
        };
        Ok(Next::Post { row, told })
    }

    /// What is stopped, oldest first.
    pub(in crate::web) async fn stops(&self) -> Result<Vec<Stop>, Error> {
        let breakers = self.store.open_breakers().await?;
        Ok(breakers.iter().map(|breaker| self.stop(breaker)).collect())
    }

    pub(in crate::web) fn stop(&self, breaker: &Breaker) -> Stop {
        Stop {
            scope: breaker.scope.to_string(),
            reach: told::reach(&breaker.scope),
            profile: match &breaker.scope {
                Scope::All | Scope::Feed(_) => None,
                Scope::Profile(name) => Some(name.clone()),
                Scope::Lane(lane) => Some(lane.profile.clone()),
            },
            feed: match &breaker.scope {
                Scope::Feed(name) => Some(name.clone()),
                Scope::All | Scope::Profile(_) | Scope::Lane(_) => None,
            },
            cause: breaker.cause.word(),
            sentence: breaker.cause.sentence(),
            remedy: breaker.cause.remedy(),
            detail: breaker.detail.clone(),
            opened_at: self.at_home(breaker.opened_at),
            probe_at: breaker.probe_at.map(|at| self.at_home(at)),
            then: match (breaker.cause, breaker.cause.ending()) {
                (Cause::Paused, _) | (_, Ending::Wait) => "goes on by itself",
                (_, Ending::AskUser) => "asks Ayrshare again",
                (_, Ending::TryOne) => "tries one post again",
                (_, Ending::Person) => "looks again",
            },
        }
    }

    async fn feeds_at_a_glance(
        &self,
    ) -> Result<(BTreeMap<&'static str, usize>, Option<Moment>), Error> {
        let states: std::collections::HashMap<_, _> = self
            .store
            .feeds()
            .await?
            .into_iter()
            .map(|state| (state.name.clone(), state))
            .collect();
        let mut feeds = BTreeMap::new();
        let mut next = None;
        for feed in &self.config.feeds {
            let state = states.get(&feed.name);
            *feeds.entry(spoken::health(state)).or_default() += 1;
            let at = state.filter(|it| it.gone_at.is_none()).map(|it| it.next_poll_at);
            next = [next, at].into_iter().flatten().min();
        }
        let soon = next.map(|at| std::cmp::max(at, self.now + TimeDelta::zero()));
        Ok((feeds, soon.map(|at| self.at_home(at))))
    }
}

/// The states of which a post may need a person.
pub(super) const OPEN: [State; 3] = [State::Unconfirmed, State::Held, State::Failed];
