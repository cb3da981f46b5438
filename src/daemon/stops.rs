//! Breakers opened and closed.
//!
//! Promises: a stop is told once when it opens and once when it closes, with what to do. Must not:
//! decide what is a stop; `outcome` does.

use chrono::{DateTime, TimeDelta, Utc};
use tracing::{info, warn};

use super::news::News;
use super::{Daemon, Error};
use crate::domain::breaker::{Cause, Ending, Lane, Scope, is_due, next_probe};
use crate::domain::lookup::about_user;
use crate::killpoint;
use crate::store::Tx;
use crate::store::breakers::Breaker;

/// A stop that comes back within this time waits longer than the last one did.
const COMES_BACK_WITHIN: TimeDelta = TimeDelta::hours(24);

impl Daemon {
    /// Opens a breaker, or leaves an open one as it is. Gives the news, to be told after the
    /// commit.
    pub(super) async fn open(
        &self,
        tx: &mut Tx,
        (scope, cause): (&Scope, Cause),
        asked: Option<TimeDelta>,
        detail: &str,
    ) -> Result<Option<News>, Error> {
        let base = self.config.ayrshare.probe_after;
        let before = tx.breaker(scope, cause).await?;
        let strikes = match &before {
            Some(open @ Breaker { closed_at: None, .. }) => {
                let probe_at = next_probe(cause, base, open.strikes, asked, tx.now);
                let later = std::cmp::max(open.probe_at, probe_at);
                let kept = Breaker { probe_at: later, detail: detail.to_owned(), ..open.clone() };
                tx.save_breaker(&kept).await?;
                return Ok(None);
            }
            Some(Breaker { closed_at: Some(closed), strikes, .. })
                if tx.now - *closed < COMES_BACK_WITHIN =>
            {
                strikes.saturating_add(1)
            }
            Some(_) | None => 0,
        };
        let breaker = Breaker {
            scope: scope.clone(),
            cause,
            opened_at: tx.now,
            closed_at: None,
            strikes,
            probe_at: next_probe(cause, base, strikes, asked, tx.now),
            detail: detail.to_owned(),
            except_released: false,
        };
        tx.save_breaker(&breaker).await?;
        Ok(Some(News::Opened {
            scope: breaker.scope,
            cause,
            detail: breaker.detail,
            probe_at: breaker.probe_at,
        }))
    }

    /// A request of this lane that left at `sent_at` was accepted: every stop over it that is older
    /// is over, but a person's. One that began later knows better.
    pub(super) async fn passed(
        &self,
        tx: &mut Tx,
        lane: &Lane,
        sent_at: DateTime<Utc>,
    ) -> Result<Vec<News>, Error> {
        let mut news = Vec::new();
        for breaker in tx.breakers_over(lane).await? {
            if breaker.cause != Cause::Paused && breaker.opened_at < sent_at {
                news.push(close(tx, breaker).await?);
            }
        }
        tx.clear_strikes(lane, sent_at).await?;
        Ok(news)
    }

    /// Closes the stops that end by themselves and whose time is over.
    pub(super) async fn end_waits(&self, now: DateTime<Utc>) -> Result<(), Error> {
        let base = self.config.ayrshare.probe_after;
        let over = |breaker: &Breaker| match breaker.probe_at {
            None => false,
            // A person may well have said a time that is far off.
            Some(at) if breaker.cause == Cause::Paused => at <= now,
            Some(at) => breaker.cause.ending() == Ending::Wait && is_due(at, base, now),
        };
        if !self.store.open_breakers().await?.iter().any(over) {
            return Ok(());
        }
        let mut tx = self.store.begin(now).await?;
        let mut news = Vec::new();
        for breaker in tx.open_breakers().await? {
            if over(&breaker) {
                news.push(close(&mut tx, breaker).await?);
            }
        }
        tx.commit().await?;
        self.tell_stops(news);
        Ok(())
    }

    /// Asks `GET /user` for a stop that this can end.
    pub(super) async fn probe(&self, breaker: &Breaker) -> Result<(), Error> {
        let answer = match self.probe_lane(&breaker.scope) {
            // The config doesn't know the scope any more: the next look is later all the same.
            None => None,
            Some(lane) => {
                let reply = tokio::select! {
                    reply = self.ayrshare.user(self.credentials(&lane)?, self.now()) => reply,
                    () = self.stop.drain.cancelled() => return Ok(()),
                };
                Some(about_user(&reply, &lane.platform))
            }
        };
        let mut tx = self.store.begin(self.now()).await?;
        let Some(open) = tx.breaker(&breaker.scope, breaker.cause).await? else { return Ok(()) };
        if open.closed_at.is_some() {
            return Ok(());
        }
        if answer.is_some_and(|answer| answer.ends(breaker.cause)) {
            let news = close(&mut tx, open).await?;
            tx.commit().await?;
            self.tell_stops(vec![news]);
        } else {
            strike(&mut tx, open, self.config.ayrshare.probe_after).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// A lane through which a scope can be probed.
    fn probe_lane(&self, scope: &Scope) -> Option<Lane> {
        match scope {
            Scope::All => self.config.lanes().next(),
            Scope::Profile(name) => self.config.profile(name).and_then(|it| it.lanes().next()),
            Scope::Lane(lane) => self.config.has_lane(lane).then(|| lane.clone()),
            Scope::Feed(_) => None,
        }
    }

    /// Tells of stops, in the log and as news, once the transaction is through.
    pub(super) fn tell_stops(&self, news: Vec<News>) {
        for item in news {
            if let News::Opened { scope, cause, detail, probe_at } = &item {
                warn!(
                    breaker.scope = %scope,
                    breaker.cause = cause.word(),
                    breaker.probe_at = probe_at.map(|at| at.to_rfc3339()),
                    "sending stopped for {scope}: {}; {detail}; what to do: {}",
                    cause.sentence(),
                    cause.remedy(),
                );
            }
            if let News::Closed { scope, cause } = &item {
                info!(
                    breaker.scope = %scope,
                    breaker.cause = cause.word(),
                    "sending goes on for {scope}; what stopped it is over: {}",
                    cause.sentence(),
                );
            }
            self.tell(item);
        }
    }
}

/// Commits what opened or closed stops, with whatever else is in the transaction.
pub(super) async fn commit(tx: Tx, news: &[News]) -> Result<(), Error> {
    let opens = news.iter().any(|item| matches!(item, News::Opened { .. }));
    if opens {
        killpoint::reach("stopping").await;
    }
    tx.commit().await?;
    if opens {
        killpoint::reach("stopped").await;
    }
    Ok(())
}

/// Closes a breaker; its strikes are kept for the next one like it.
pub(super) async fn close(tx: &mut Tx, breaker: Breaker) -> Result<News, Error> {
    let closed = Breaker { closed_at: Some(tx.now), probe_at: None, ..breaker };
    tx.save_breaker(&closed).await?;
    Ok(News::Closed { scope: closed.scope, cause: closed.cause })
}

/// A probe failed, or goes out: the next one comes later.
pub(super) async fn strike(tx: &mut Tx, breaker: Breaker, base: TimeDelta) -> Result<(), Error> {
    let strikes = breaker.strikes.saturating_add(1);
    let probe_at = next_probe(breaker.cause, base, strikes, None, tx.now);
    tx.save_breaker(&Breaker { strikes, probe_at, ..breaker }).await?;
    Ok(())
}
