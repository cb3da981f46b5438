//! A post's words, changed by a person.
//!
//! Promises: what is kept could be sent as it is; words that were sent, or may have been, under a
//! key stay as they are. Must not: compose.

use super::{Desk, wanted};
use crate::daemon::Error;
use crate::daemon::intake::hash;
use crate::domain::compose::{Flaw, rules_of, written};
use crate::domain::cost::Usd;
use crate::domain::hand::Deed;
use crate::domain::post::State;
use crate::domain::select::Choice;
use crate::domain::select::twins::words_alone;
use crate::store::Tx;
use crate::store::acts::On;
use crate::store::posts::{Post, Wording};

/// A note on a post that a person worded.
const NOTE: &str = "edited by hand";

/// What a text would be as a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The text as it would be sent.
    pub text: String,
    /// Its length, as the platform counts.
    pub weighted_length: u32,
    /// The longest that is allowed.
    pub limit: u32,
    /// Whether X will see a link in it.
    pub has_link: bool,
    /// What an attempt with it costs, with the post's media.
    pub cost: Usd,
    /// Why it can't be sent, for a person; `None` where it can.
    pub complaint: Option<Flaw>,
}

impl Desk<'_> {
    /// What a text would be as this post's; nothing is kept.
    pub fn check_text(&self, post: &Post, text: &str) -> Checked {
        let mut rules = rules_of(&post.lane.platform);
        rules.limit = self.config.length_limit(&post.feed, &post.lane.platform);
        let found = written(text, rules);
        Checked {
            cost: self.config.cost(&post.lane, found.has_link, &post.media),
            text: found.text,
            weighted_length: found.weighted_length,
            limit: found.limit,
            has_link: found.has_link,
            complaint: found.flaw,
        }
    }

    /// Gives a held, queued or failed post a person's words; gives it as it is then.
    ///
    /// # Errors
    ///
    /// Where there is no such post, its words may have been sent already, the text can't be sent, or
    /// another account on X has the same words and `same_text` doesn't allow it.
    pub async fn edit(&self, id: i64, text: &str) -> Result<Post, Error> {
        self.reword(id, text, Guard::SameText).await
    }

    /// As [`Self::edit`], also where another account on X has the same words.
    ///
    /// # Errors
    ///
    /// As for [`Self::edit`].
    pub async fn edit_to_the_same(&self, id: i64, text: &str) -> Result<Post, Error> {
        self.reword(id, text, Guard::Nothing).await
    }

    async fn reword(&self, id: i64, text: &str, guard: Guard) -> Result<Post, Error> {
        let mut tx = self.store.begin(self.now).await?;
        let post = wanted(&mut tx, id).await?;
        if let Some(why) = fixed(&post) {
            return Err(Error::CantChange { id, why });
        }
        let checked = self.check_text(&post, text);
        if let Some(flaw) = checked.complaint {
            return Err(Error::Text(flaw));
        }
        let words = if post.lane.is_x() { words_alone(&checked.text) } else { None };
        let words = words.map(|words| hash(&words));
        if let (Guard::SameText, Some(key)) = (guard, &words) {
            self.refuse_twin(&mut tx, &post, key).await?;
        }
        let mut notes: Vec<&str> = post.notes.lines().filter(|note| *note != NOTE).collect();
        notes.push(NOTE);
        let notes = notes.join("\n");
        let wording = Wording {
            text: &checked.text,
            weighted_length: checked.weighted_length,
            has_link: checked.has_link,
            notes: &notes,
            edited: true,
            media: &post.media,
            options: &post.options,
        };
        tx.edit_post(id, &wording).await?;
        if post.lane.is_x() {
            match &words {
                Some(key) => tx.keep_words(id, key).await?,
                None => tx.drop_words(id).await?,
            }
        }
        self.note(&mut tx, Deed::Edit, &On::Post(id), (&post.text, &checked.text)).await?;
        tx.commit().await?;
        Ok(Post {
            text: checked.text,
            weighted_length: checked.weighted_length,
            has_link: checked.has_link,
            notes,
            edited: true,
            ..post
        })
    }

    /// Complains where another account on X has the same words, unless the config allows it.
    async fn refuse_twin(&self, tx: &mut Tx, post: &Post, key: &str) -> Result<(), Error> {
        let Some(rules) = self.config.profile(&post.lane.profile).map(|it| &it.select) else {
            return Ok(());
        };
        let twin = tx.twin_by_words(key, &post.lane, tx.now - rules.window).await?;
        match twin.map(|twin| rules.of_text(&twin).0) {
            None | Some(Choice::Post) => Ok(()),
            Some(Choice::Hold { why } | Choice::Skip { why }) => {
                let id = post.id;
                let why = format!(
                    "can't be worded so: {why}; where you take the risk, say `tidings queue edit \
                     {id} --same-text`"
                );
                Err(Error::CantChange { id, why })
            }
        }
    }
}

/// What an edit is kept from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Guard {
    Nothing,
    /// The words that another account on X has.
    SameText,
}

/// Why a post's words can't be changed, if they can't.
fn fixed(post: &Post) -> Option<String> {
    let id = post.id;
    match post.life.state {
        State::Held | State::Queued if post.life.sends == 0 && !post.life.doubtful => None,
        State::Failed => None,
        State::Held | State::Queued => Some(
            "may be on its network with its present words, so they can't be edited: it is sent \
             again under the same key"
                .to_owned(),
        ),
        State::Sending => Some("is being sent right now, so it can't be edited".to_owned()),
        State::Unconfirmed => Some(format!(
            "may be on its network already, so it can't be edited: settle it first with `tidings \
             queue skip {id}` (it is there) or `tidings queue retry {id}` (it is not)"
        )),
        State::Posted => Some(format!(
            "is published, and networks don't let it be edited: `tidings delete {id}` takes it down"
        )),
        state @ (State::Skipped | State::Expired) => Some(format!(
            "is {}, so it can't be edited: bring it back first with `tidings queue retry {id}`",
            state.word()
        )),
    }
}
