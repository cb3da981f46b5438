//! The last look at the money before an intent is written.
//!
//! Promises: whatever other lanes spent since the plan was made, no budget is overdrawn; a link that
//! the money doesn't reach for is left out in the transaction of the intent. Must not: send.

use chrono::{DateTime, Utc};
use tracing::info;

use super::{Daemon, Error};
use crate::domain::compose::rules_of;
use crate::domain::linkless::linkless;
use crate::domain::plan::{Pay, Rule};
use crate::store::Tx;
use crate::store::posts::{Post, Wording};

impl Daemon {
    /// A post as the budgets pay for it; `None` where they don't, since another lane was faster.
    ///
    /// The ledger is read beside the transaction: nobody else writes while it is open.
    pub(super) async fn payable(
        &self,
        tx: &mut Tx,
        post: Post,
        now: DateTime<Utc>,
    ) -> Result<Option<Post>, Error> {
        let budget = match self.outlook().pay_of(&post, now).await? {
            Pay::Full => return Ok(Some(post)),
            Pay::Later(..) | Pay::Never(_) => return Ok(None),
            Pay::WithoutLink(budget) => budget,
        };
        let Some(text) = linkless(&post.text) else {
            return Ok(None);
        };
        let why = Rule::WithoutLink(budget).sentence();
        let notes = [post.notes.as_str(), &why].join("\n").trim_start().to_owned();
        let weighted_length = rules_of(&post.lane.platform).weigh.length(&text);
        let wording = Wording {
            text: &text,
            weighted_length,
            has_link: false,
            notes: &notes,
            media: &post.media,
            options: &post.options,
            edited: post.edited,
        };
        if !tx.reword_post(post.id, &wording).await? {
            return Ok(None);
        }
        info!(post.id = post.id, lane = %post.lane, "post {} goes without its link: {why}", post.id);
        Ok(Some(Post { text, weighted_length, has_link: false, notes, ..post }))
    }
}
