//! Alerts: compares what is with what was told, and has the receivers of the config told.
//!
//! Promises: an alert is kept together with whom it has to be told, so that a restart neither loses
//! nor repeats it; telling is tried in a loop of its own and delays no post. Must not: decide what is
//! worth a word; the domain does.

mod deliver;
mod look;
pub mod send;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::broadcast::error::RecvError;
use tracing::{info, warn};

use super::news::News;
use super::reload::Present;
use super::run::{soon, wait_after};
use super::{Daemon, Error};
use crate::config::alerts::Receiver;
use crate::domain::alert::conditions::{backup_failed, weekly};
use crate::domain::alert::{Alert, Kind, Known, Step, compare};
use crate::domain::pace::next_time;
use crate::domain::post::State;
use crate::store::Tx;
use crate::store::alerts::Kept;

/// The habits of feeds are looked at this often.
const HABITS_EVERY: TimeDelta = TimeDelta::minutes(15);
/// Between two rounds, however much happens.
const BREATH: Duration = Duration::from_secs(1);
/// What ended is remembered for so long.
const KEPT_FOR: TimeDelta = TimeDelta::days(90);

/// What a round did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertReport {
    /// Messages that got through, by receiver.
    pub sent: Vec<String>,
    /// Messages that did not: receiver and why.
    pub failed: Vec<(String, String)>,
    /// When a message is tried next, or may be made.
    pub next_at: Option<DateTime<Utc>>,
}

impl Daemon {
    /// Looks at everything that may be wrong, keeps what is new and what is over, and has the
    /// receivers told.
    ///
    /// # Errors
    ///
    /// Where the database fails.
    pub async fn alert_tick(&self) -> Result<AlertReport, Error> {
        self.alert_round(true).await
    }

    async fn alert_round(&self, habits: bool) -> Result<AlertReport, Error> {
        self.notice(habits).await?;
        self.weekly().await?;
        self.deliver().await
    }

    /// A backup failed: it is told once, until one works.
    ///
    /// # Errors
    ///
    /// Where the database fails.
    pub async fn backup_failed(&self, why: &str) -> Result<(), Error> {
        let alert = backup_failed(why);
        let mut tx = self.store.begin(self.now()).await?;
        if tx.open_alert(&alert.key).await?.is_none() {
            self.begin_alert(&mut tx, &alert).await?;
            tx.commit().await?;
            self.wake();
        }
        Ok(())
    }

    /// A backup worked: what was told of one that failed is over.
    ///
    /// # Errors
    ///
    /// Where the database fails.
    pub async fn backup_worked(&self) -> Result<(), Error> {
        let mut tx = self.store.begin(self.now()).await?;
        if let Some(open) = tx.open_alert(&backup_failed("").key).await? {
            self.end_alert(&mut tx, &open).await?;
            tx.commit().await?;
            self.wake();
        }
        Ok(())
    }

    /// Compares what is seen with what is open, and keeps the difference.
    async fn notice(&self, habits: bool) -> Result<(), Error> {
        let now = self.now();
        let open = self.store.open_alerts().await?;
        let sight = self.look(habits, now).await?;
        let known: Vec<Known> = open.iter().map(Kept::known).collect();
        let steps = compare(&known, sight.seen, &sight.looked, now);
        if steps.is_empty() {
            return Ok(());
        }
        let mut tx = self.store.begin(now).await?;
        for step in steps {
            self.take(&mut tx, &open, step).await?;
        }
        tx.forget_old_alerts(now - KEPT_FOR).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn take(&self, tx: &mut Tx, open: &[Kept], step: Step) -> Result<(), Error> {
        let find = |id: i64| open.iter().find(|it| it.id == id);
        match step {
            Step::Begin(alert) => self.begin_alert(tx, &alert).await?,
            Step::Tell(id) => {
                if let Some(it) = find(id) {
                    self.tell_of(tx, it, false).await?;
                }
            }
            Step::Away(id) => tx.alert_away(id, Some(tx.now)).await?,
            Step::Back(id) => tx.alert_away(id, None).await?,
            Step::End(id) => {
                if let Some(it) = find(id) {
                    self.end_alert(tx, it).await?;
                }
            }
            Step::Forget(id) => tx.forget_alert(id).await?,
        }
        Ok(())
    }

    async fn begin_alert(&self, tx: &mut Tx, alert: &Alert) -> Result<(), Error> {
        let id = tx.insert_alert(alert).await?;
        if alert.patience <= TimeDelta::zero()
            && let Some(it) = tx.alert(id).await?
        {
            self.tell_of(tx, &it, false).await?;
        }
        Ok(())
    }

    async fn end_alert(&self, tx: &mut Tx, it: &Kept) -> Result<(), Error> {
        tx.close_alert(it.id).await?;
        if it.note.kind.tells_end() {
            self.tell_of(tx, it, true).await?;
        }
        Ok(())
    }

    /// Puts down whom an alert, or its end, has to be told.
    async fn tell_of(&self, tx: &mut Tx, it: &Kept, is_end: bool) -> Result<(), Error> {
        let (kind, title) = (it.note.kind.word(), &it.note.title);
        if is_end {
            info!(alert.kind = kind, "alert over: {title}");
        } else {
            warn!(alert.kind = kind, "alert: {title}; what to do: {}", it.note.remedy);
            tx.alert_told(it.id).await?;
        }
        for receiver in &self.config.alerts {
            if receiver.hears(it.note.kind, it.note.severity, &it.note.profiles) {
                tx.insert_note(it.id, &receiver.name, is_end).await?;
            }
        }
        Ok(())
    }

    /// The proof of life, for each receiver that wants it and whose time has come.
    async fn weekly(&self) -> Result<(), Error> {
        let now = self.now();
        for receiver in &self.config.alerts {
            let Some(line) = &receiver.weekly else { continue };
            let since = self.store.weekly_since(&receiver.name).await?;
            // The first one comes at the first time after it was wished for; a clock that was set
            // back begins anew.
            let Some(since) = since.filter(|since| *since <= now) else {
                let mut tx = self.store.begin(now).await?;
                tx.set_weekly_since(&receiver.name).await?;
                tx.commit().await?;
                continue;
            };
            if next_time(line, receiver.zone, since).is_some_and(|at| at <= now) {
                self.report_week(receiver, since).await?;
            }
        }
        Ok(())
    }

    async fn report_week(&self, receiver: &Receiver, since: DateTime<Utc>) -> Result<(), Error> {
        let mut week = self.store.week(&receiver.profiles, since).await?;
        let all = receiver.profiles.is_empty();
        for open in self.store.open_alerts().await? {
            let concerns =
                all || open.note.profiles.iter().any(|it| receiver.profiles.contains(it));
            if !concerns || open.told_at.is_none() {
                continue;
            }
            match open.note.kind {
                Kind::FeedQuiet => week.quiet += 1,
                Kind::FeedFailing | Kind::FeedGone => week.failing += 1,
                Kind::Stop => week.stops += 1,
                Kind::PostFailed
                | Kind::PostInDoubt
                | Kind::PostHeld
                | Kind::Correction
                | Kind::BudgetLow
                | Kind::BudgetSpent
                | Kind::DiskLow
                | Kind::BackupFailed
                | Kind::Weekly
                | Kind::Test => {}
            }
        }
        let mut tx = self.store.begin(self.now()).await?;
        let alert = weekly(&receiver.name, &week, (since, tx.now));
        let id = tx.insert_alert(&alert).await?;
        tx.alert_told(id).await?;
        tx.close_alert(id).await?;
        tx.insert_note(id, &receiver.name, false).await?;
        tx.set_weekly_since(&receiver.name).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Looks and tells as things happen.
pub(super) async fn alert_loop(present: Present) -> Result<(), Error> {
    let mut daemon = present.get();
    let mut news = daemon.listen();
    let mut by_hand = daemon.by_hand.subscribe();
    let mut habits_at = daemon.now();
    while !daemon.stop.drain.is_cancelled() {
        by_hand.mark_unchanged();
        daemon = present.get();
        let now = daemon.now();
        let habits = now >= habits_at;
        if habits {
            habits_at = now + HABITS_EVERY;
        }
        let next_at = match daemon.alert_round(habits).await {
            Ok(report) => report.next_at,
            Err(error) => Some(wait_after(&daemon, "alert", &error)),
        };
        tokio::select! {
            () = daemon.stop.drain.cancelled() => return Ok(()),
            () = tokio::time::sleep(BREATH) => {}
        }
        tokio::select! {
            () = daemon.stop.drain.cancelled() => {}
            () = trouble(&mut news) => {}
            _ = by_hand.changed() => {}
            () = daemon.clock.sleep_until(soon(&daemon, next_at)) => {}
        }
    }
    Ok(())
}

/// Waits for news that may be worth an alert, or end one.
async fn trouble(news: &mut tokio::sync::broadcast::Receiver<News>) {
    loop {
        match news.recv().await {
            Ok(
                News::Opened { .. }
                | News::Closed { .. }
                | News::Settled { state: State::Failed | State::Unconfirmed, .. }
                | News::Corrected { .. }
                | News::BackupFailed { .. }
                | News::DiskFull
                | News::DiskHasRoom,
            )
            | Err(RecvError::Lagged(_) | RecvError::Closed) => return,
            Ok(
                News::Polled { .. }
                | News::Reloaded { .. }
                | News::ReloadRefused { .. }
                | News::PollFailed { .. }
                | News::Found { .. }
                | News::Queued { .. }
                | News::Sending { .. }
                | News::Settled { .. },
            ) => {}
        }
    }
}
