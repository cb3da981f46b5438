//! Feeds that were asked at about the same time are kept in one transaction: with ten thousand of them, a
//! transaction for each would cost more than asking them.
//!
//! Promises: whoever keeps a feed goes on when it is kept; one feed that can't be kept spoils no other.
//! Must not: keep anything back for later; the first one begins at once, and those that come while it
//! is at work are next.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::oneshot;

use super::feeds::FeedState;
use super::{Error, Store};

/// So many feeds share a transaction: it must not keep others from writing for long.
const TOGETHER_MAX: usize = 64;

/// A feed to be kept.
#[derive(Debug)]
struct Keeping {
    state: FeedState,
    /// Whether the database knows all but the times of its poll.
    is_but_polled: bool,
}

/// The feeds that wait to be kept.
#[derive(Debug, Default)]
pub(super) struct Together {
    waiting: Mutex<Vec<(Arc<Keeping>, oneshot::Sender<()>)>>,
    /// Who has it keeps all that wait.
    turn: tokio::sync::Mutex<()>,
}

impl Together {
    fn put(&self, keeping: Arc<Keeping>) -> oneshot::Receiver<()> {
        let (kept, told) = oneshot::channel();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push((keeping, kept));
        told
    }

    /// The next ones in the order in which they came.
    fn take(&self) -> Vec<(Arc<Keeping>, oneshot::Sender<()>)> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let some = std::cmp::min(waiting.len(), TOGETHER_MAX);
        waiting.drain(..some).collect()
    }
}

impl Store {
    /// Keeps a feed of which nothing but its own state changed, as [`Store::begin_fetched`] keeps things.
    /// `before` is what was last read of it, where it is known.
    ///
    /// # Errors
    ///
    /// Where the database fails.
    pub async fn keep_feed(
        &self,
        before: Option<FeedState>,
        state: FeedState,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let is_but_polled = before.is_some_and(|before| state.is_but_polled(before));
        let keeping = Arc::new(Keeping { state, is_but_polled });
        let mut told = self.together.put(Arc::clone(&keeping));
        loop {
            let turn = self.together.turn.lock().await;
            match told.try_recv() {
                Ok(()) => return Ok(()),
                // It was tried with others, which failed.
                Err(oneshot::error::TryRecvError::Closed) => {
                    return self.keep_feeds(&[&keeping], now).await;
                }
                Err(oneshot::error::TryRecvError::Empty) => {}
            }
            let some = self.together.take();
            let feeds: Vec<&Keeping> = some.iter().map(|(keeping, _)| keeping.as_ref()).collect();
            let all_kept = self.keep_feeds(&feeds, now).await.is_ok();
            for (_, kept) in some {
                // What is dropped unsent tells of the failure; who doesn't listen any more needs no answer.
                let _nobody = all_kept && kept.send(()).is_err();
            }
            drop(turn);
        }
    }

    async fn keep_feeds(&self, feeds: &[&Keeping], now: DateTime<Utc>) -> Result<(), Error> {
        let mut tx = self.begin_fetched(now).await?;
        let polled: Vec<&FeedState> =
            feeds.iter().filter(|it| it.is_but_polled).map(|it| &it.state).collect();
        let all_known = polled.is_empty() || tx.save_poll_times(&polled).await?;
        for feed in feeds {
            // One that is not there any more, though it was read a moment ago, is kept whole.
            if !feed.is_but_polled || !all_known {
                tx.save_feed(&feed.state).await?;
            }
        }
        tx.commit().await
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::domain::entry::Wishes;
    use crate::domain::polling::Move;

    /// A feed in which each field that may be filled is.
    fn full(number: u32) -> FeedState {
        let at = DateTime::UNIX_EPOCH + TimeDelta::milliseconds(i64::from(number));
        let text = |text: &str| format!("{text} \u{1f600} \"'\\ {number}");
        FeedState {
            title: text("title"),
            etag: Some(b"W/\"a\xe9\0b\"".to_vec()),
            last_modified: Some(Vec::new()),
            validators_url: Some(text("validators")),
            body_hash: Some((0..=255).collect()),
            reader: "own".to_owned(),
            repairs: text("one\ntwo"),
            first_read_at: Some(at),
            last_polled_at: Some(at),
            last_good_at: Some(at),
            failures: number,
            last_error: text("error"),
            gone_at: Some(at),
            found_url: Some(text("found")),
            next_poll_why: text("why"),
            fresh_until: Some(at),
            wishes: Wishes { minutes: Some(number), skip_hours: 5, skip_days: 3 },
            settings: text("settings"),
            whole_at: Some(at),
            whole_next: true,
            moved: Some(Move { to: text("to"), since: at, seen: 7 }),
            address: Some(text("address")),
            ..FeedState::new(&format!("feed {number:03}"), "https://a.example/", at)
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn feeds_that_come_together_are_all_kept_as_they_are() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("tidings.db")).await.expect("a database");
        let now = DateTime::UNIX_EPOCH;
        let mut states: Vec<FeedState> = (0..150).map(full).collect();
        states.push(FeedState::new("feed that is empty", "https://b.example/", now));
        let kept = states.iter().cloned().map(|state| {
            let store = store.clone();
            tokio::spawn(async move { store.keep_feed(None, state, now).await })
        });
        for kept in futures_util::future::join_all(kept).await {
            kept.expect("no panic").expect("kept");
        }
        assert_eq!(store.feeds().await.expect("feeds"), states);
    }

    #[tokio::test]
    async fn who_was_tried_with_others_that_failed_is_kept_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("tidings.db")).await.expect("a database");
        let (state, now) = (full(1), DateTime::UNIX_EPOCH);
        let turn = store.together.turn.lock().await;
        let waits = tokio::spawn({
            let (store, state) = (store.clone(), state.clone());
            async move { store.keep_feed(None, state, now).await }
        });
        // It waits for its turn; whoever had it failed, and let go what it had taken.
        while store.together.waiting.lock().expect("lock").is_empty() {
            tokio::task::yield_now().await;
        }
        drop(store.together.take());
        drop(turn);
        waits.await.expect("no panic").expect("kept");
        assert_eq!(store.feeds().await.expect("feeds"), [state]);
    }

    #[tokio::test]
    async fn of_a_feed_that_was_only_polled_nothing_but_the_times_is_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("tidings.db")).await.expect("a database");
        let (before, now) = (full(1), DateTime::UNIX_EPOCH);
        store.keep_feed(None, before.clone(), now).await.expect("kept");
        let later = now + TimeDelta::hours(1);
        let polled = FeedState {
            last_polled_at: Some(later),
            last_good_at: Some(later),
            next_poll_at: later + TimeDelta::hours(1),
            fresh_until: None,
            whole_at: Some(later),
            ..before.clone()
        };
        // What is written is seen by a column that was changed from outside in between.
        let by_hand = FeedState { repairs: "by hand".to_owned(), ..before.clone() };
        store.keep_feed(None, by_hand.clone(), now).await.expect("kept");
        store.keep_feed(Some(before.clone()), polled.clone(), later).await.expect("kept");
        let kept = store.feed(&before.name).await.expect("read").expect("a feed");
        assert_eq!(kept, FeedState { repairs: by_hand.repairs, ..polled.clone() });

        let titled = FeedState { title: "another".to_owned(), ..polled };
        store.keep_feed(Some(before), titled.clone(), later).await.expect("kept");
        assert_eq!(store.feeds().await.expect("feeds"), [titled]);
    }

    #[tokio::test]
    async fn a_feed_that_is_not_there_any_more_is_kept_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("tidings.db")).await.expect("a database");
        let state = full(1);
        let now = DateTime::UNIX_EPOCH;
        store.keep_feed(Some(state.clone()), state.clone(), now).await.expect("kept");
        assert_eq!(store.feeds().await.expect("feeds"), [state]);
    }

    #[tokio::test]
    async fn of_feeds_that_share_a_transaction_each_is_kept_as_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("tidings.db")).await.expect("a database");
        let now = DateTime::UNIX_EPOCH;
        let later = |state: FeedState| FeedState { whole_at: None, next_poll_at: now, ..state };
        for known in [1, 2] {
            store.keep_feed(None, full(known), now).await.expect("kept");
        }
        let polled = |state| Keeping { state, is_but_polled: true };
        let mut kept = [
            polled(later(full(1))),
            Keeping { state: later(full(2)), is_but_polled: false },
            // Not there any more; so all of them are kept whole.
            polled(later(full(3))),
        ];
        store.keep_feeds(&kept.each_ref(), now).await.expect("kept");
        let states = kept.each_ref().map(|it| it.state.clone());
        assert_eq!(store.feeds().await.expect("feeds"), states);
        for one in &mut kept {
            one.state.next_poll_at = now + TimeDelta::hours(1);
        }
        store.keep_feeds(&kept.each_ref(), now).await.expect("kept");
        assert_eq!(store.feeds().await.expect("feeds"), kept.map(|it| it.state));
    }
}
