//! Feeds that were asked at about the same time are kept in one transaction: with ten thousand of them, a
//! transaction for each would cost more than asking them.
//!
//! Promises: whoever keeps a feed goes on when it is kept; one feed that can't be kept spoils no other.
//! Must not: keep anything back for later; the first one begins at once, and those that come while it
//! is at work are next.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::oneshot;

use super::feeds::FeedState;
use super::{Error, Store};

/// So many feeds share a transaction: it must not keep others from writing for long.
const TOGETHER_MAX: usize = 64;

/// The feeds that wait to be kept.
#[derive(Debug, Default)]
pub(super) struct Together {
    waiting: Mutex<Vec<(FeedState, oneshot::Sender<()>)>>,
    /// Who has it keeps all that wait.
    turn: tokio::sync::Mutex<()>,
}

impl Together {
    fn put(&self, state: FeedState) -> oneshot::Receiver<()> {
        let (kept, told) = oneshot::channel();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push((state, kept));
        told
    }

    /// The next ones in the order in which they came.
    fn take(&self) -> Vec<(FeedState, oneshot::Sender<()>)> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let some = std::cmp::min(waiting.len(), TOGETHER_MAX);
        waiting.drain(..some).collect()
    }
}

impl Store {
    /// Keeps a feed of which nothing but its own state changed, as [`Store::begin_fetched`] keeps things.
    ///
    /// # Errors
    ///
    /// Where the database fails.
    pub async fn keep_feed(&self, state: &FeedState, now: DateTime<Utc>) -> Result<(), Error> {
        let mut told = self.together.put(state.clone());
        loop {
            let turn = self.together.turn.lock().await;
            match told.try_recv() {
                Ok(()) => return Ok(()),
                // It was tried with others, which failed.
                Err(oneshot::error::TryRecvError::Closed) => {
                    return self.keep_feeds(&[state], now).await;
                }
                Err(oneshot::error::TryRecvError::Empty) => {}
            }
            let some = self.together.take();
            let states: Vec<&FeedState> = some.iter().map(|(state, _)| state).collect();
            if self.keep_feeds(&states, now).await.is_ok() {
                for (_, kept) in some {
                    // Who doesn't listen any more needs no answer.
                    let _nobody = kept.send(()).is_err();
                }
            }
            drop(turn);
        }
    }

    async fn keep_feeds(&self, states: &[&FeedState], now: DateTime<Utc>) -> Result<(), Error> {
        let mut tx = self.begin_fetched(now).await?;
        tx.save_feeds(states).await?;
        tx.commit().await
    }
}
