//! Start, supervise, drain: the loops around the ticks.
//!
//! Promises: the first stop drains (no new request; one in flight is finished), the second one, or
//! the end of the grace, records what is in flight as unconfirmed; a loop that ends by itself takes
//! the program down with an error. Must not: hold any state that the database doesn't have.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Semaphore;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::agenda::Agenda;
use super::news::News;
use super::poll::{HostTurn, PollDue, Roster};
use super::publish::earlier;
use super::pulse::Pulse;
use super::reconcile::{Question, Topic};
use super::reload::{Present, reload_loop, watch_loop};
use super::{Daemon, Error, alerts, bell, storage, systemd, websub};
use crate::domain::breaker::Lane;
use crate::killpoint;
use crate::store::watch::Watch;

/// How long a request in flight may go on after the first stop.
pub const GRACE: Duration = Duration::from_secs(25);
/// A loop looks again at least this often, so that health can be told from it.
const LOOK_AGAIN: TimeDelta = TimeDelta::seconds(60);
/// All feeds are looked at anew at least this often. With ten thousand of them a look takes a twentieth of a
/// second, and nothing hangs on it: acts by hand, pushes and a new config have their own bells.
const LOOK_AT_ALL: TimeDelta = TimeDelta::minutes(10);
/// So many lanes are looked at before what was found due is sent: a look takes about a millisecond.
const LANES_AT_ONCE: usize = 32;
/// After an error of the database a loop waits this long.
const AFTER_ERROR: TimeDelta = TimeDelta::seconds(5);
/// After a look-up whose result could not be written it is asked again this much later.
const ASK_AGAIN: TimeDelta = TimeDelta::seconds(60);

/// The two ways to stop.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    /// Begin nothing new; finish what is in flight.
    pub drain: CancellationToken,
    /// Wait for nothing.
    pub abort: CancellationToken,
}

/// Runs the daemon until it is told to stop.
///
/// # Errors
///
/// Where the start fails, or a loop ended by itself.
pub async fn run(present: Present) -> Result<(), Error> {
    let daemon = present.get();
    let watch = tokio::select! {
        begun = begin(&daemon) => begun?,
        // Another process may hold the database for long. What was begun is one transaction each,
        // and the program ends.
        () = daemon.stop.drain.cancelled() => return Ok(()),
    };
    let mut loops: JoinSet<(&'static str, Result<(), Error>)> = JoinSet::new();
    let it = present.clone();
    loops.spawn(async move { ("poll", poll_loop(it).await) });
    let it = present.clone();
    loops.spawn(async move { ("publish", publish_loop(it).await) });
    let it = present.clone();
    loops.spawn(async move { ("reconcile", reconcile_loop(it).await) });
    let it = present.clone();
    loops.spawn(async move { ("watch", watch_loop(it, watch).await) });
    let it = present.clone();
    loops.spawn(async move { ("reload", reload_loop(it).await) });
    let it = present.clone();
    loops.spawn(async move { ("watchdog", systemd::watchdog_loop(&it).await) });
    let it = present.clone();
    loops.spawn(async move { ("alerts", alerts::alert_loop(it).await) });
    let it = present.clone();
    loops.spawn(async move { ("bell", bell::ring(&it).await) });
    let it = present.clone();
    loops.spawn(async move { ("storage", storage::storage_loop(&it).await) });
    loops.spawn(async move { ("websub", websub::websub_loop(&present).await) });
    systemd::ready();
    supervise(&daemon, &mut loops).await
}

/// Settles what the last process and a changed config left.
async fn begin(daemon: &Daemon) -> Result<Watch, Error> {
    let recovered = daemon.recover().await?;
    if recovered > 0 {
        info!(posts = recovered, "{recovered} posts were in flight when the program ended");
    }
    daemon.begin().await?;
    daemon.pulse.begin(daemon.now());
    // From here on an act by hand is seen, also before the loops look for the first time.
    let mut watch = daemon.store.watch().await?;
    watch.changed().await?;
    Ok(watch)
}

/// Waits for the first stop, or for a loop to end; then drains.
async fn supervise(
    daemon: &Daemon,
    loops: &mut JoinSet<(&'static str, Result<(), Error>)>,
) -> Result<(), Error> {
    let drain = daemon.stop.drain.clone();
    let mut result = Ok(());
    let early = tokio::select! {
        () = drain.cancelled() => None,
        ended = loops.join_next() => ended,
    };
    if let Some(ended) = early {
        // A loop that stops as it was told to may be seen before the stop itself.
        let as_told = drain.is_cancelled() && matches!(ended, Ok((_, Ok(()))));
        if !as_told {
            result = Err(why_ended(ended));
        }
        drain.cancel();
    }
    systemd::stopping();
    let abort = daemon.stop.abort.clone();
    let grace = tokio::spawn(async move {
        tokio::time::sleep(GRACE).await;
        abort.cancel();
    });
    while let Some(ended) = loops.join_next().await {
        match ended {
            Ok((_, Ok(()))) => {}
            other => result = result.and(Err(why_ended(other))),
        }
    }
    grace.abort();
    result
}

fn why_ended(ended: Result<(&'static str, Result<(), Error>), tokio::task::JoinError>) -> Error {
    match ended {
        Ok((name, Ok(()))) => Error::Ended(name),
        Ok((_, Err(error))) => error,
        Err(error) => Error::Panicked("daemon", error.to_string()),
    }
}

/// Polls feeds as they become due.
async fn poll_loop(present: Present) -> Result<(), Error> {
    let mut daemon = present.get();
    let mut by_hand = daemon.by_hand.subscribe();
    let mut nudges = daemon.nudges.subscribe();
    let mut permits = Arc::new(Semaphore::new(daemon.config.fetch.concurrency));
    let mut turns: JoinSet<HostTurn> = JoinSet::new();
    let mut roster: Option<Roster> = None;
    let mut look_at = daemon.now();
    while !daemon.stop.drain.is_cancelled() {
        let before = std::mem::replace(&mut daemon, present.get());
        if before.config.fetch.concurrency != daemon.config.fetch.concurrency {
            permits = Arc::new(Semaphore::new(daemon.config.fetch.concurrency));
        }
        if !Arc::ptr_eq(&before, &daemon) {
            look_at = daemon.now();
        }
        // What changed elsewhere, or the clock, is seen by looking at all feeds now and then.
        let due = match on_time(&daemon, &mut roster, &mut look_at).await {
            Err(error) => {
                PollDue { next_at: Some(wait_after(&daemon, "poll", &error)), ..PollDue::default() }
            }
            Ok(roster) => {
                Pulse::beat(&daemon.pulse.poll, daemon.now());
                // While the disk is full, what is found could not be kept.
                let room = if daemon.is_full() { 0 } else { permits.available_permits() };
                roster.take(daemon.now(), room)
            }
        };
        for turn in due.hosts {
            turns.spawn(poll_turn(present.clone(), turn, Arc::clone(&permits)));
        }
        tokio::select! {
            () = daemon.stop.drain.cancelled() => {}
            Some(done) = turns.join_next(), if !turns.is_empty() => {
                let turn = done.map_err(|error| Error::Panicked("poll", error.to_string()))?;
                if let Some(roster) = &mut roster
                    && let Err(error) = daemon.turn_over(roster, &turn).await
                {
                    look_at = wait_after(&daemon, "poll", &error);
                }
            }
            _ = by_hand.changed() => look_at = daemon.now(),
            _ = nudges.changed() => {}
            () = daemon.clock.sleep_until(soon(&daemon, earlier(due.next_at, Some(look_at)))) => {}
        }
    }
    while turns.join_next().await.is_some() {}
    Ok(())
}

/// The roster, made anew where it is time for a new look.
async fn on_time<'a>(
    daemon: &Daemon,
    roster: &'a mut Option<Roster>,
    look_at: &mut DateTime<Utc>,
) -> Result<&'a mut Roster, Error> {
    let now = daemon.now();
    let is_old = *look_at <= now || *look_at > now + LOOK_AT_ALL;
    if let Some(fresh) = roster.take_if(|_| !is_old) {
        return Ok(roster.insert(fresh));
    }
    let fresh = daemon.roster(roster.as_ref()).await?;
    *look_at = now + LOOK_AT_ALL;
    Ok(roster.insert(fresh))
}

/// Asks the feeds of one turn.
async fn poll_turn(present: Present, turn: HostTurn, permits: Arc<Semaphore>) -> HostTurn {
    let permit = permits.acquire_owned().await;
    let daemon = present.get();
    let polled = daemon.poll_host(&turn).await;
    // Whoever waits below takes no other feed's place.
    drop(permit);
    if let Err(error) = polled {
        wait_after(&daemon, "poll", &error);
        // What can't be kept must not be fetched over and over.
        pause(&daemon, daemon.config.fetch.min_interval).await;
    }
    let now = present.get();
    // What it queued may be of a feed that is gone by now.
    if !Arc::ptr_eq(&now, &daemon)
        && let Err(error) = now.mind_orphans().await
    {
        wait_after(&now, "poll", &error);
    }
    turn
}

/// Sends posts as they become due; a lane has one request out at most.
async fn publish_loop(present: Present) -> Result<(), Error> {
    let mut daemon = present.get();
    let mut news = daemon.listen();
    let mut by_hand = daemon.by_hand.subscribe();
    let mut nudges = daemon.nudges.subscribe();
    let mut agenda = Agenda::by(LANES_AT_ONCE);
    let mut busy: HashSet<Lane> = HashSet::new();
    let mut sends: JoinSet<Lane> = JoinSet::new();
    while !daemon.stop.drain.is_cancelled() {
        // What a person did may have come together with what the loop woke for.
        if by_hand.borrow_and_update().has_changed() {
            agenda.clear();
        }
        daemon = present.get();
        killpoint::reach("looking").await;
        let next_at = match daemon.due(&busy, &mut agenda).await {
            // An answer could not be kept.
            Ok(_) if daemon.is_full() => {
                Pulse::beat(&daemon.pulse.publish, daemon.now());
                agenda.clear();
                None
            }
            Err(error) => {
                agenda.clear();
                Some(wait_after(&daemon, "publish", &error))
            }
            Ok(due) => {
                Pulse::beat(&daemon.pulse.publish, daemon.now());
                for (lane, post) in due.ready {
                    busy.insert(lane.clone());
                    sends.spawn(send(Arc::clone(&daemon), lane, post));
                }
                due.next_at
            }
        };
        tokio::select! {
            () = daemon.stop.drain.cancelled() => {}
            Some(done) = sends.join_next(), if !sends.is_empty() => {
                let lane = done.map_err(|error| Error::Panicked("publish", error.to_string()))?;
                agenda.touch(&lane);
                busy.remove(&lane);
            }
            () = heard(&mut news, &mut agenda) => {}
            _ = by_hand.changed() => agenda.clear(),
            _ = nudges.changed() => {}
            () = daemon.clock.sleep_until(soon(&daemon, next_at)) => {}
        }
        while let Ok(item) = news.try_recv() {
            note(&mut agenda, Ok(item));
        }
    }
    // A request in flight is finished, or recorded as unconfirmed when the grace is over.
    while sends.join_next().await.is_some() {}
    Ok(())
}

/// Waits for news that means something for the agenda of the lanes.
async fn heard(news: &mut broadcast::Receiver<News>, agenda: &mut Agenda) {
    while !note(agenda, news.recv().await) {}
}

/// What a piece of news means for the agenda of the lanes, if anything.
fn note(agenda: &mut Agenda, item: Result<News, RecvError>) -> bool {
    match item {
        Ok(News::Queued { lane, .. } | News::Settled { lane, .. }) => agenda.touch(&lane),
        Ok(News::Opened { .. } | News::Closed { .. }) | Err(_) => agenda.clear(),
        Ok(
            News::Polled { .. }
            | News::PollFailed { .. }
            | News::Found { .. }
            | News::Corrected { .. }
            | News::Sending { .. }
            | News::Reloaded { .. }
            | News::ReloadRefused { .. }
            | News::BackupFailed { .. }
            | News::DiskFull
            | News::DiskHasRoom,
        ) => return false,
    }
    true
}

/// Sends one post; after an error of the database only this lane waits.
async fn send(daemon: Arc<Daemon>, lane: Lane, post: i64) -> Lane {
    if let Err(error) = daemon.send(&lane, post).await {
        wait_after(&daemon, "publish", &error);
        pause(&daemon, AFTER_ERROR).await;
    }
    lane
}

/// Looks up unconfirmed posts and probes stops as they become due, side by side.
async fn reconcile_loop(present: Present) -> Result<(), Error> {
    let mut daemon = present.get();
    let mut changes = daemon.changes();
    let mut out: HashSet<Topic> = HashSet::new();
    let mut asked: JoinSet<Topic> = JoinSet::new();
    while !daemon.stop.drain.is_cancelled() {
        changes.mark_unchanged();
        daemon = present.get();
        let next_at = match daemon.questions(&out).await {
            Err(error) => Some(wait_after(&daemon, "reconcile", &error)),
            Ok(questions) => {
                Pulse::beat(&daemon.pulse.reconcile, daemon.now());
                for question in questions.now {
                    out.insert(question.topic());
                    asked.spawn(ask(Arc::clone(&daemon), question));
                }
                questions.next_at
            }
        };
        tokio::select! {
            () = daemon.stop.drain.cancelled() => {}
            Some(done) = asked.join_next(), if !asked.is_empty() => {
                let topic =
                    done.map_err(|error| Error::Panicked("reconcile", error.to_string()))?;
                out.remove(&topic);
            }
            _ = changes.changed() => {}
            () = daemon.clock.sleep_until(soon(&daemon, next_at)) => {}
        }
    }
    while asked.join_next().await.is_some() {}
    Ok(())
}

/// Asks one question. What can't be written down is not asked again at once: reads are counted by
/// Ayrshare's rate limit.
async fn ask(daemon: Arc<Daemon>, question: Question) -> Topic {
    if let Err(error) = daemon.ask(&question).await {
        wait_after(&daemon, "reconcile", &error);
        pause(&daemon, ASK_AGAIN).await;
    }
    question.topic()
}

/// Waits, but not longer than the daemon runs.
async fn pause(daemon: &Daemon, length: TimeDelta) {
    tokio::select! {
        () = daemon.clock.sleep_until(daemon.now() + length) => {}
        () = daemon.stop.drain.cancelled() => {}
    }
}

/// Logs an error of the database and says when to try again.
pub(super) fn wait_after(daemon: &Daemon, name: &'static str, error: &Error) -> DateTime<Utc> {
    let chain = crate::http::chain(error);
    if matches!(error, Error::Store(error) if error.is_disk_full()) {
        daemon.note_full();
        error!(
            "the disk is full: nothing is taken in and nothing is sent until there is room \
             (what is queued stays queued): {chain}"
        );
    } else {
        error!("the {name} loop could not go on, tries again in 5 s: {chain}");
    }
    daemon.now() + AFTER_ERROR
}

pub(super) fn soon(daemon: &Daemon, next_at: Option<DateTime<Utc>>) -> DateTime<Utc> {
    let latest = daemon.now() + LOOK_AGAIN;
    earlier(next_at, Some(latest)).unwrap_or(latest)
}
