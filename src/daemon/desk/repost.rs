//! A published post once more, on a person's word.
//!
//! Promises: nothing is repeated by itself; what is repeated has an entry and a key of its own, so that
//! each entry of a feed still goes out once; two wishes at once make one post. Must not: word anew.

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{Desk, shown, wanted};
use crate::daemon::Error;
use crate::domain::hand::Deed;
use crate::domain::plan::Priority;
use crate::domain::polling::span;
use crate::domain::post::State;
use crate::store::acts::On;
use crate::store::posts::{NewPost, Post};

/// Within this time the reposts of a lane are counted.
const MONTH: TimeDelta = TimeDelta::days(30);

impl Desk<'_> {
    /// Queues a published post once more on its lane, not before `at`; gives the new post.
    ///
    /// # Errors
    ///
    /// Where it is not published, was deleted, waits to be repeated already, or it is too soon.
    pub async fn repost(&self, id: i64, at: Option<DateTime<Utc>>) -> Result<Post, Error> {
        if !self.store.maybe_deleted(&[id]).await?.is_empty() {
            let why = format!(
                "was asked to be deleted, and nobody can tell whether it is down: say `tidings \
                 delete {id}` again, or look at the network"
            );
            return Err(Error::CantChange { id, why });
        }
        let mut tx = self.store.begin(self.now).await?;
        let post = wanted(&mut tx, id).await?;
        let first = match post.aftermath.repost_of {
            Some(first) => wanted(&mut tx, first).await?,
            None => post.clone(),
        };
        let others = tx.reposts_of(first.id).await?;
        let at = std::cmp::max(at.unwrap_or(self.now), self.now);
        let limits = self.config.profile(&post.lane.profile).map(|it| it.repost);
        let limits = limits.ok_or_else(|| Error::UnknownLane(post.lane.clone()))?;
        self.refuse(&post, (&first, &others), (at, limits.after))?;
        let repeated = tx.reposts_since(&post.lane, self.now - MONTH).await?;
        if repeated >= i64::from(limits.max_per_month) {
            let why = format!(
                "can't be repeated now: {repeated} posts of {} were repeated in the last 30 days, \
                 and `repost.max_per_month` of profile {} is {}",
                post.lane, post.lane.profile, limits.max_per_month
            );
            return Err(Error::CantChange { id, why });
        }
        let entry =
            tx.repeat_entry(post.entry_id, &format!("post {id} once more, by hand")).await?;
        let priority = Priority::ALL.get(usize::from(post.priority)).copied();
        let new = NewPost {
            uuid: uuid_of(&first, others.len()).to_string(),
            entry_id: entry,
            feed: &post.feed,
            lane: &post.lane,
            text: &post.text,
            weighted_length: post.weighted_length,
            has_link: post.has_link,
            notes: &post.notes,
            media: &post.media,
            options: &post.options,
            state: State::Queued,
            reason: &format!("post {id} once more, by hand"),
            priority: priority.unwrap_or_default(),
            not_before: at,
            expires_at: None,
        };
        let number = tx.insert_post(&new).await?;
        tx.mark_repost(number, first.id, post.edited).await?;
        let made = format!("post {number}, not before {}", shown(at));
        self.note(&mut tx, Deed::Repost, &On::Post(id), ("", &made)).await?;
        let new = wanted(&mut tx, number).await?;
        tx.commit().await?;
        Ok(new)
    }

    /// Why a post can't be repeated then, if it can't.
    fn refuse(
        &self,
        post: &Post,
        (first, others): (&Post, &[Post]),
        (at, after): (DateTime<Utc>, TimeDelta),
    ) -> Result<(), Error> {
        let id = post.id;
        let cant = |why: String| Err(Error::CantChange { id, why });
        if post.life.state != State::Posted {
            return cant(format!(
                "is {}, and only published posts can be repeated",
                post.life.state.word()
            ));
        }
        if post.aftermath.deleted_at.is_some() || first.aftermath.deleted_at.is_some() {
            return cant("was deleted, and what was deleted is never sent again".to_owned());
        }
        if !self.config.has_lane(&post.lane) {
            return Err(Error::UnknownLane(post.lane.clone()));
        }
        let open = others
            .iter()
            .find(|it| !matches!(it.life.state, State::Posted | State::Skipped | State::Expired));
        if let Some(open) = open {
            return cant(format!(
                "is repeated by post {} already, which is {}",
                open.id,
                open.life.state.word()
            ));
        }
        let out = others.iter().chain([first]).filter_map(|it| it.life.posted_at).max();
        let free = out.map_or(at, |out| out + after);
        if at < free {
            return cant(format!(
                "was published less than {} before, and `repost.after` of profile {} forbids it (48 \
                 hours at least, since Ayrshare refuses the same text within that time): say \
                 `tidings queue repost {id} --at {}` or later",
                span(after),
                post.lane.profile,
                shown(free)
            ));
        }
        Ok(())
    }
}

/// The identity of a repost: the same for the same number of reposts, so that Ayrshare refuses a
/// second one also where our database was restored from before the first.
fn uuid_of(first: &Post, number: usize) -> Uuid {
    let mut hash = Sha256::new();
    for part in ["tidings repost", first.uuid.as_str(), &number.to_string()] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(hash.finalize()) {
        *to = from;
    }
    Uuid::new_v8(bytes)
}
