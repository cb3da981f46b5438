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
use crate::domain::select::twins::words_alone;
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
    /// Where there is no such post, its words may have been sent already, or the text can't be sent.
    pub async fn edit(&self, id: i64, text: &str) -> Result<Post, Error> {
        let mut tx = self.store.begin(self.now).await?;
        let post = wanted(&mut tx, id).await?;
        if let Some(why) = fixed(&post) {
            return Err(Error::CantChange { id, why });
        }
        let checked = self.check_text(&post, text);
        if let Some(flaw) = checked.complaint {
            return Err(Error::Text(flaw));
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
            match words_alone(&checked.text) {
                Some(words) => tx.keep_words(id, &hash(&words)).await?,
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
