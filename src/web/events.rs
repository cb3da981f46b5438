//! `/events`: tells open pages that something changed (server-sent events).
//!
//! Promises: a bounded number of listeners, at most one event a second for each; an event says which
//! part changed and nothing of a feed. Must not: carry what the page shows; the page fetches that.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, broadcast, watch};
use tokio_util::sync::CancellationToken;

use super::Web;
use super::trouble::Trouble;
use crate::daemon::news::News;

/// Pages that listen at once.
pub(super) const LISTENERS_MAX: usize = 32;
/// What comes in quick succession is told once.
const PAUSE: Duration = Duration::from_secs(1);
/// How often a line is sent when nothing happens, so that a lost connection is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

struct Listener {
    news: broadcast::Receiver<News>,
    acts: watch::Receiver<u64>,
    drain: CancellationToken,
    is_first: bool,
    _seat: OwnedSemaphorePermit,
}

/// Listens until the page is closed or the daemon drains.
pub(super) async fn events(State(web): State<Arc<Web>>) -> Response {
    let Ok(seat) = Arc::clone(&web.seats).try_acquire_owned() else {
        let remedy =
            "close a page that you don't need; this one shows what is new when it is loaded";
        return Trouble::new(StatusCode::SERVICE_UNAVAILABLE, "too many pages listen", remedy)
            .at("/events");
    };
    let listener = Listener {
        news: web.daemon().listen(),
        acts: web.daemon().acts(),
        drain: web.daemon().stop.drain.clone(),
        is_first: true,
        _seat: seat,
    };
    let told = stream::unfold(listener, |mut listener| async {
        let part = listener.next().await?;
        let event = Event::default().event("change").data(part);
        Some((Ok::<_, Infallible>(event), listener))
    });
    Sse::new(told).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

impl Listener {
    /// Which part changed next; none when it is over.
    async fn next(&mut self) -> Option<&'static str> {
        if self.is_first {
            // So that a page knows that it is heard.
            self.is_first = false;
            return Some("hello");
        }
        let part = tokio::select! {
            () = self.drain.cancelled() => return None,
            news = self.news.recv() => match news {
                Ok(news) => part(&news),
                Err(RecvError::Lagged(_)) => "queue",
                Err(RecvError::Closed) => return None,
            },
            acted = self.acts.changed() => {
                acted.ok()?;
                "queue"
            }
        };
        let pause = self.drain.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
        pause?;
        // What came meanwhile is told by the same event.
        self.acts.mark_unchanged();
        let mut part = part;
        while let Ok(news) = self.news.try_recv() {
            if self::part(&news) == "queue" {
                part = "queue";
            }
        }
        Some(part)
    }
}

const fn part(news: &News) -> &'static str {
    match news {
        News::Polled { .. } | News::PollFailed { .. } => "feeds",
        News::Found { .. }
        | News::Queued { .. }
        | News::Sending { .. }
        | News::Settled { .. }
        | News::Opened { .. }
        | News::Closed { .. }
        | News::Corrected { .. }
        | News::Reloaded { .. }
        | News::ReloadRefused { .. }
        | News::BackupFailed { .. }
        | News::DiskFull
        | News::DiskHasRoom => "queue",
    }
}
