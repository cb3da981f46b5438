//! When a post's turn is, as a person wishes it: its place among the posts of its lane, or a time
//! before which it does not go.
//!
//! Promises: only wishes are kept, never a due time; who goes before a moved post is what the plan
//! said at that moment. Must not: lift a limit of the pace, or put a post before breaking ones.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::{Desk, wanted};
use crate::daemon::Error;
use crate::domain::breaker::Lane;
use crate::domain::hand::Deed;
use crate::domain::pace::HORIZON_DAYS;
use crate::domain::plan::Priority;
use crate::domain::post::{Event, State};
use crate::store::acts::On;
use crate::store::posts::Post;

/// Posts of a lane that a person can put before all others, and as many behind them.
const PLACED_MAX: u32 = 1000;

/// Where a post is put among those of its lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Before all others but breaking ones.
    First,
    /// Behind all others.
    Last,
    /// Just before this post.
    Before(i64),
}

impl Desk<'_> {
    /// Puts a waiting post elsewhere in the order of its lane; gives it as it is then.
    ///
    /// # Errors
    ///
    /// Where there is no such post, it does not wait, or it can't stand there.
    pub async fn move_post(&self, id: i64, place: Place) -> Result<Post, Error> {
        let ahead = match place {
            Place::Before(other) => self.ahead_of(id, other).await?,
            Place::First | Place::Last => Vec::new(),
        };
        let mut tx = self.store.begin(self.now).await?;
        let post = wanted(&mut tx, id).await?;
        if let Some(why) = unmovable(&post) {
            return Err(Error::CantChange { id, why });
        }
        let mut first = tx.placed(&post.lane, true, PLACED_MAX).await?;
        let mut last = tx.placed(&post.lane, false, PLACED_MAX).await?;
        for side in [&mut first, &mut last] {
            side.retain(|it| *it != id);
        }
        let (word, on_top) = match place {
            Place::First => {
                first.insert(0, id);
                ("first".to_owned(), true)
            }
            Place::Last => {
                last.push(id);
                ("last".to_owned(), false)
            }
            Place::Before(other) => {
                let target = wanted(&mut tx, other).await?;
                check_target(&post, &target)?;
                let side = if target.place > 0 { &mut last } else { &mut first };
                if !side.contains(&other) {
                    let known: HashSet<i64> = side.iter().copied().collect();
                    side.extend(ahead.iter().copied().filter(|it| !known.contains(it)));
                    side.push(other);
                }
                let at = side.iter().position(|it| *it == other).unwrap_or_default();
                side.insert(at, id);
                (format!("before {other}"), target.place <= 0)
            }
        };
        let side = if on_top { first } else { last };
        let count = i64::try_from(side.len()).unwrap_or(i64::MAX);
        if count > i64::from(PLACED_MAX) {
            let why = format!(
                "can't be put there: more than {PLACED_MAX} posts would have to keep their order"
            );
            return Err(Error::CantChange { id, why });
        }
        for (number, one) in (1..).zip(&side) {
            tx.put_post(*one, if on_top { number - count - 1 } else { number }).await?;
        }
        let before = match post.place {
            0 => "",
            place if place < 0 => "among the first",
            _ => "among the last",
        };
        self.note(&mut tx, Deed::Move, &On::Post(id), (before, &word)).await?;
        let moved = wanted(&mut tx, id).await?;
        tx.commit().await?;
        Ok(moved)
    }

    /// The posts that go before another one by the present plan of its lane, in their order, but for
    /// those that go before all in any case.
    async fn ahead_of(&self, id: i64, other: i64) -> Result<Vec<i64>, Error> {
        let Some(target) = self.store.post(other).await? else {
            return Err(Error::NoSuchPost(other));
        };
        if target.place != 0 || !self.config.has_lane(&target.lane) {
            return Ok(Vec::new());
        }
        let order = self.order_of(&target.lane).await?;
        let mut ahead = Vec::new();
        for one in order.into_iter().take_while(|one| *one != other).filter(|one| *one != id) {
            if ahead.len() >= usize::try_from(PLACED_MAX).unwrap_or(usize::MAX) {
                let why = format!(
                    "is too far back in its lane: more than {PLACED_MAX} posts go before it"
                );
                return Err(Error::CantChange { id: other, why });
            }
            let natural = self.store.post(one).await?.filter(|post| {
                let released = post.life.send_now && !target.life.send_now;
                post.place == 0 && is_breaking(post) == is_breaking(&target) && !released
            });
            ahead.extend(natural.map(|post| post.id));
        }
        Ok(ahead)
    }

    /// All planned posts of a lane in the order of their turn, and behind them those without one.
    async fn order_of(&self, lane: &Lane) -> Result<Vec<i64>, Error> {
        let days = i64::try_from(HORIZON_DAYS).unwrap_or(i64::MAX);
        let until = self.now + chrono::TimeDelta::try_days(days).unwrap_or_default();
        let plan = self.outlook().plan_of(lane, self.now, until).await?;
        let left = plan.left.iter().map(|(id, _)| *id);
        Ok(plan.rows.iter().map(|row| row.id).chain(left).collect())
    }

    /// Says when a held or queued post may go, as its pace allows: not before `at`, or as soon as
    /// may be. Gives it as it is then.
    ///
    /// # Errors
    ///
    /// Where there is no such post, it does not wait, or it would be expired by then.
    pub async fn reschedule(&self, id: i64, at: Option<DateTime<Utc>>) -> Result<Post, Error> {
        let mut tx = self.store.begin(self.now).await?;
        let post = wanted(&mut tx, id).await?;
        let at = std::cmp::max(at.unwrap_or(self.now), self.now);
        if let Some(expiry) = post.life.expires_at.filter(|expiry| *expiry <= at) {
            let (at, expiry) = (shown(at), shown(expiry));
            let why = format!(
                "can't wait until {at}: it expires at {expiry}; give a time before that, or raise \
                 `expire_after` of its feed for later ones"
            );
            return Err(Error::CantChange { id, why });
        }
        let life = self.turn(&mut tx, &post, &Event::Reschedule { at }).await?;
        let times = (shown(post.life.not_before), shown(at));
        self.note(&mut tx, Deed::Reschedule, &On::Post(id), (&times.0, &times.1)).await?;
        tx.commit().await?;
        Ok(Post { life, ..post })
    }
}

fn shown(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

fn is_breaking(post: &Post) -> bool {
    Priority::ALL.get(usize::from(post.priority)) == Some(&Priority::Breaking)
}

/// Why a post has no place in the order, if it has none.
fn unmovable(post: &Post) -> Option<String> {
    match post.life.state {
        State::Held | State::Queued => None,
        state @ (State::Sending
        | State::Posted
        | State::Unconfirmed
        | State::Failed
        | State::Skipped
        | State::Expired) => {
            Some(format!("is {}, and only held and queued posts can be moved", state.word()))
        }
    }
}

fn check_target(post: &Post, target: &Post) -> Result<(), Error> {
    let id = post.id;
    let cant = |why: String| Err(Error::CantChange { id, why });
    if target.id == id {
        return cant("can't be put before itself".to_owned());
    }
    if target.lane != post.lane {
        return cant(format!(
            "goes to {}, and post {} to {}: only posts of one lane have an order",
            post.lane, target.id, target.lane
        ));
    }
    if let Some(why) = unmovable(target) {
        return Err(Error::CantChange { id: target.id, why });
    }
    if is_breaking(target) && !is_breaking(post) {
        return cant(format!(
            "can't go before post {}, which is breaking: `tidings queue send-now {id}` sends it at \
             once",
            target.id
        ));
    }
    if target.life.send_now && !post.life.send_now {
        return cant(format!(
            "can't go before post {}, which is sent at once: `tidings queue send-now {id}` does \
             the same for this one",
            target.id
        ));
    }
    Ok(())
}
