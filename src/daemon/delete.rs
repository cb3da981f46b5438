//! A published post taken down again, on a person's word.
//!
//! Promises: the intent is on disk before the request leaves; a deleted post stays `posted` and is
//! never sent again. Must not: delete what nobody asked for.

use chrono::TimeDelta;

use super::{Daemon, Error};
use crate::domain::cost::Usd;
use crate::domain::deletion::Deletion;
use crate::domain::hand::{By, Deed};
use crate::domain::post::State;
use crate::store::Tx;
use crate::store::acts::{NewAct, On};
use crate::store::posts::Post;

/// Beyond the time-out of a request its process is taken for dead.
const MARGIN: TimeDelta = TimeDelta::seconds(60);

impl Daemon {
    /// What deleting a post costs at X.
    pub fn price_of_deleting(&self, post: &Post) -> Usd {
        if post.lane.is_x() { self.config.prices.delete } else { Usd::ZERO }
    }

    /// Whether a post can be deleted.
    ///
    /// # Errors
    ///
    /// Where there is no such post, it is not published, or it can't be named at Ayrshare.
    pub async fn deletable(&self, id: i64) -> Result<Post, Error> {
        let post = self.store.post(id).await?.ok_or(Error::NoSuchPost(id))?;
        ayrshare_id(&post)?;
        Ok(post)
    }

    /// Deletes a published post on its network; says what came of it.
    ///
    /// # Errors
    ///
    /// Where it can't be deleted, somebody else is at it, or the database fails.
    pub async fn delete(&self, id: i64, by: &By) -> Result<Deletion, Error> {
        let mut tx = self.store.begin(self.now()).await?;
        let post = tx.post(id).await?.ok_or(Error::NoSuchPost(id))?;
        let ayrshare_id = ayrshare_id(&post)?;
        let credentials = self.credentials(&post.lane)?;
        if let Some(asked_at) = tx.open_deletion(id).await? {
            if (tx.now - asked_at).abs() < self.config.ayrshare.timeout + MARGIN {
                let why = "is being deleted right now, by another command".to_owned();
                return Err(Error::CantChange { id, why });
            }
            let lost = "the program ended before the answer came".to_owned();
            tx.end_deletion(id, &Deletion::Unknown(lost)).await?;
        }
        tx.begin_deletion(&post, by.name(), self.price_of_deleting(&post)).await?;
        note(&mut tx, by, id, ("published", "to be deleted")).await?;
        tx.commit().await?;
        let reply = self
            .ayrshare
            .delete(credentials, (&post.lane.platform, &ayrshare_id), self.now())
            .await;
        let deletion = Deletion::of(&reply);
        let mut tx = self.store.begin(self.now()).await?;
        if tx.open_deletion(id).await?.is_some() {
            tx.end_deletion(id, &deletion).await?;
        }
        if deletion == Deletion::Deleted {
            tx.mark_deleted(id, by.name()).await?;
        }
        note(&mut tx, by, id, ("to be deleted", deletion.word())).await?;
        tx.commit().await?;
        Ok(deletion)
    }
}

async fn note(tx: &mut Tx, by: &By, id: i64, (before, after): (&str, &str)) -> Result<(), Error> {
    let on = On::Post(id);
    tx.note_act(by, &NewAct { deed: Deed::Delete, on: &on, before, after }).await?;
    Ok(())
}

/// Under which id Ayrshare knows a post that can be deleted.
fn ayrshare_id(post: &Post) -> Result<String, Error> {
    let id = post.id;
    let cant = |why: String| Err(Error::CantChange { id, why });
    if post.life.state != State::Posted {
        return cant(format!(
            "is {}, not published: to leave it out, `tidings queue skip {id}`",
            post.life.state.word()
        ));
    }
    if post.aftermath.deleted_at.is_some() {
        return cant("was deleted already".to_owned());
    }
    match &post.life.receipt.ayrshare_id {
        Some(id) => Ok(id.clone()),
        None => cant(format!(
            "can't be deleted from here, since Ayrshare's id of it is not known: delete it on {} \
             itself",
            post.lane.platform
        )),
    }
}
