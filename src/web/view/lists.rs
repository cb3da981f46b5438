//! Queue, plan and history, page by page.
//!
//! Promises: a page has at most [`PAGE`] posts, and says where the next one begins. Must not: change
//! anything.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::card::Card;
use super::now::OPEN;
use super::{Money, View, holds_lane, stop_of};
use crate::daemon::Error;
use crate::domain::breaker::{Lane, Scope};
use crate::domain::plan::Row;
use crate::domain::post::State;
use crate::store::breakers::Breaker;
use crate::store::posts::{Post, PostFilter};

/// Posts of one page.
pub(in crate::web) const PAGE: u32 = 30;
/// Lanes whose plan is made for one page; a profile narrows it.
const LANES_MAX: usize = 20;
/// How far ahead the queue is planned.
const AHEAD: TimeDelta = TimeDelta::days(31);
/// Posts that one plan tells.
const PLANNED_MAX: usize = 1_000;

/// What is wanted of a listing.
#[derive(Debug, Clone, Default)]
pub(in crate::web) struct Wanted {
    pub(in crate::web) state: Option<State>,
    pub(in crate::web) feed: Option<String>,
    pub(in crate::web) profile: Option<String>,
    pub(in crate::web) cursor: Option<Cursor>,
}

impl Wanted {
    fn filter(&self, state: Option<State>) -> PostFilter<'_> {
        PostFilter { state, feed: self.feed.as_deref(), profile: self.profile.as_deref() }
    }
}

/// Where a page begins: behind this instant and number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) struct Cursor {
    at: i64,
    id: i64,
}

impl Cursor {
    /// Reads what [`Cursor`]'s `Display` wrote.
    pub(in crate::web) fn parse(text: &str) -> Option<Self> {
        let (at, id) = text.split_once('.')?;
        Some(Self { at: at.parse().ok()?, id: id.parse().ok()? })
    }

    fn time(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.at).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.at, self.id)
    }
}

/// A page of posts.
#[derive(Debug, Clone, Default, Serialize)]
pub(in crate::web) struct Page {
    pub(in crate::web) posts: Vec<Card>,
    /// What to ask for the next page with, where there is one.
    pub(in crate::web) next: Option<String>,
}

/// The queue.
#[derive(Debug, Clone, Serialize)]
pub(in crate::web) struct Queue {
    /// What needs a person, or is in doubt.
    pub(in crate::web) questions: Vec<Card>,
    /// Whether there are more questions than these.
    pub(in crate::web) more_questions: bool,
    pub(in crate::web) sending: Vec<Card>,
    /// What is queued, in the order in which it goes; what has no turn comes last.
    pub(in crate::web) queued: Vec<Card>,
    /// Whether there is more queued than this.
    pub(in crate::web) more_queued: bool,
}

/// The plan of one lane.
#[derive(Debug, Clone, Serialize)]
pub(in crate::web) struct LanePlan {
    profile: String,
    platform: String,
    posts: Vec<Planned>,
    left: Vec<Left>,
}

#[derive(Debug, Clone, Serialize)]
struct Planned {
    post: i64,
    at: DateTime<Utc>,
    rule: &'static str,
    why: String,
    cost_usd_micros: Money,
    without_link: bool,
}

#[derive(Debug, Clone, Serialize)]
struct Left {
    post: i64,
    rule: &'static str,
    why: String,
}

/// What needs a person or is in doubt, at most `limit` of each state.
pub(super) async fn questions(
    view: &View<'_>,
    filter: &PostFilter<'_>,
    limit: u32,
) -> Result<Vec<Card>, Error> {
    let mut cards = Vec::new();
    for state in OPEN {
        let filter = PostFilter { state: Some(state), ..*filter };
        let posts = view.store.posts_after(&filter, 0, limit).await?;
        cards.extend(posts.iter().map(|post| view.card(post)));
    }
    Ok(cards)
}

impl View<'_> {
    /// The queue at its beginning.
    pub(in crate::web) async fn queue(&self, wanted: &Wanted) -> Result<Queue, Error> {
        let filter = wanted.filter(None);
        let questions = questions(self, &filter, PAGE).await?;
        let of = |state| PostFilter { state: Some(state), ..filter };
        let sending = self.store.posts_after(&of(State::Sending), 0, PAGE).await?;
        let breakers = self.store.open_breakers().await?;
        let mut queued = self.queued_in_order(wanted, &breakers).await?;
        let limit = usize::try_from(PAGE).unwrap_or(usize::MAX);
        // What the plan has no place for, and what waits behind a stop.
        let all = self.store.posts_after(&of(State::Queued), 0, PAGE * 4).await?;
        for post in &all {
            if queued.len() <= limit && !queued.iter().any(|card| card.post == post.id) {
                let waits = self.why_without_turn(post, &breakers).await?;
                queued.push(Card { waits: Some(waits), ..self.card(post) });
            }
        }
        let more_queued = queued.len() > limit || all.len() > limit;
        queued.truncate(limit);
        Ok(Queue {
            more_questions: questions.len() >= limit,
            questions,
            sending: sending.iter().map(|post| self.card(post)).collect(),
            more_queued,
            queued,
        })
    }

    /// One page of posts of a state, in the order of their numbers.
    pub(in crate::web) async fn posts(&self, wanted: &Wanted) -> Result<Page, Error> {
        let after = wanted.cursor.map_or(0, |cursor| cursor.id);
        let found = self.store.posts_after(&wanted.filter(wanted.state), after, PAGE).await?;
        Ok(self.page(&found, |_| 0))
    }

    /// One page of what was settled, newest first.
    pub(in crate::web) async fn history(&self, wanted: &Wanted) -> Result<Page, Error> {
        let before = wanted.cursor.map(|cursor| (cursor.time(), cursor.id));
        let found = self.store.settled_before(&wanted.filter(wanted.state), before, PAGE).await?;
        Ok(self.page(&found, |post| post.changed_at.timestamp_millis()))
    }

    fn page(&self, found: &[Post], at: impl Fn(&Post) -> i64) -> Page {
        let is_full = u32::try_from(found.len()).is_ok_and(|number| number >= PAGE);
        Page {
            posts: found.iter().map(|post| self.card(post)).collect(),
            next: found
                .last()
                .filter(|_| is_full)
                .map(|post| Cursor { at: at(post), id: post.id }.to_string()),
        }
    }

    /// One post, with its turn.
    pub(in crate::web) async fn post(&self, id: i64) -> Result<Option<Card>, Error> {
        let Some(post) = self.store.post(id).await? else { return Ok(None) };
        if post.life.state != State::Queued {
            return Ok(Some(self.card(&post)));
        }
        let breakers = self.store.open_breakers().await?;
        if stop_of(&breakers, &post).is_none() && self.config.has_lane(&post.lane) {
            let plan = self.outlook().plan_of(&post.lane, self.now, self.now + AHEAD).await?;
            if let Some(row) = plan.rows.iter().find(|row| row.id == id) {
                return Ok(Some(self.card_in_turn(&post, row)));
            }
        }
        let waits = Some(self.why_without_turn(&post, &breakers).await?);
        Ok(Some(Card { waits, ..self.card(&post) }))
    }

    /// Why a queued post has no turn.
    async fn why_without_turn(&self, post: &Post, breakers: &[Breaker]) -> Result<String, Error> {
        if let Some(breaker) = stop_of(breakers, post) {
            let what = match breaker.scope {
                Scope::All => "sending is stopped",
                Scope::Profile(_) | Scope::Lane(_) => "its lane is stopped",
                Scope::Feed(_) => "its feed is stopped",
            };
            return Ok(format!("{what}: {}", breaker.cause.sentence()));
        }
        if !self.config.has_lane(&post.lane) {
            return Ok("the config does not know its lane any more".to_owned());
        }
        let trace = self.outlook().trace_of(post, self.now, self.now + AHEAD).await?;
        let last = trace.and_then(|trace| trace.steps.last().copied());
        Ok(last.map_or_else(|| "its turn is far off".to_owned(), |step| step.rule.sentence()))
    }

    /// The queued posts of the first lanes, in the order in which they go.
    async fn queued_in_order(
        &self,
        wanted: &Wanted,
        breakers: &[Breaker],
    ) -> Result<Vec<Card>, Error> {
        let mut rows: Vec<Row> = Vec::new();
        for lane in self.lanes_in_line(wanted.profile.as_deref(), breakers).await? {
            rows.extend(self.outlook().plan_of(&lane, self.now, self.now + AHEAD).await?.rows);
        }
        rows.sort_by_key(|row| (row.at, row.id));
        let mut cards = Vec::new();
        for row in rows {
            if cards.len() > usize::try_from(PAGE).unwrap_or(usize::MAX) {
                break;
            }
            let post = self.store.post(row.id).await?;
            let is_wanted = |post: &Post| {
                wanted.feed.as_ref().is_none_or(|feed| *feed == post.feed)
                    && stop_of(breakers, post).is_none()
            };
            if let Some(post) = post.filter(is_wanted) {
                cards.push(self.card_in_turn(&post, &row));
            }
        }
        Ok(cards)
    }

    /// The lanes that have queued posts and are not stopped.
    async fn lanes_in_line(
        &self,
        profile: Option<&str>,
        breakers: &[Breaker],
    ) -> Result<Vec<Lane>, Error> {
        let mut lanes = self.store.lanes_in_line().await?;
        lanes.retain(|lane| {
            self.config.has_lane(lane)
                && profile.is_none_or(|name| name == lane.profile)
                && !breakers.iter().any(|it| holds_lane(it, lane))
        });
        lanes.sort();
        lanes.truncate(LANES_MAX);
        Ok(lanes)
    }

    /// What goes out when within so many days, were nothing stopped.
    pub(in crate::web) async fn plan(
        &self,
        days: i64,
        profile: Option<&str>,
    ) -> Result<Vec<LanePlan>, Error> {
        let until = self.now + TimeDelta::try_days(days).unwrap_or(AHEAD);
        let mut plans = Vec::new();
        let mut lanes = self.store.lanes_in_line().await?;
        lanes.retain(|lane| {
            self.config.has_lane(lane) && profile.is_none_or(|name| name == lane.profile)
        });
        lanes.sort();
        for lane in lanes.into_iter().take(LANES_MAX) {
            let plan = self.outlook().plan_of(&lane, self.now, until).await?;
            let rows = plan.rows.iter().take(PLANNED_MAX);
            let left = plan.left.iter().take(PLANNED_MAX);
            plans.push(LanePlan {
                posts: rows
                    .map(|row| Planned {
                        post: row.id,
                        at: row.at,
                        rule: row.rule.word(),
                        why: row.rule.sentence(),
                        cost_usd_micros: Money(row.cost),
                        without_link: row.without_link,
                    })
                    .collect(),
                left: left
                    .map(|(post, rule)| Left {
                        post: *post,
                        rule: rule.word(),
                        why: rule.sentence(),
                    })
                    .collect(),
                profile: lane.profile,
                platform: lane.platform,
            });
        }
        Ok(plans)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_what_it_wrote_and_no_nonsense() {
        let cursor = Cursor { at: 1_795_000_000_000, id: 7 };
        assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        for text in ["", ".", "1", "1.", "a.b", "1.2.3", "99999999999999999999.1"] {
            assert_eq!(Cursor::parse(text), None, "{text}");
        }
        assert_eq!(Cursor { at: i64::MAX, id: 1 }.time(), DateTime::<Utc>::MAX_UTC);
    }
}
