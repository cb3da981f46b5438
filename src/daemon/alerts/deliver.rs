//! Telling: from the notes that wait to messages, one after the other for each receiver.
//!
//! Promises: a message is on disk before it leaves and keeps its identity until it is through; a
//! receiver that is down delays no other; a flood becomes few messages. Must not: hold a transaction
//! while it sends.

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use tracing::{debug, warn};

use super::super::publish::earlier;
use super::super::{Daemon, Error, jitter};
use super::AlertReport;
use super::send::Teller;
use crate::config::alerts::Receiver;
use crate::domain::alert::render::Message;
use crate::domain::backoff::Backoff;
use crate::store::alerts::{Due, Outbox};

/// Messages to one receiver within an hour;
const PER_HOUR: u32 = 10;
/// beyond these, one in this time.
const SPACING: TimeDelta = TimeDelta::minutes(10);
/// So many alerts are told one by one; more of them in one message,
const ALONE_MAX: u32 = 3;
/// which has so many at most.
const TOGETHER_MAX: u32 = 1_000;
/// After a message did not get through.
const RETRY: Backoff = Backoff { first: TimeDelta::seconds(30), max: TimeDelta::hours(1) };
/// A message that did not get through for so long is given up.
const GIVEN_UP_AFTER: TimeDelta = TimeDelta::days(3);
/// Messages to one receiver in one round.
const ROUND_MAX: u32 = PER_HOUR + 1;

/// What is done about a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Move {
    /// Nothing is to be told.
    Rest,
    /// Not before this time.
    Wait(DateTime<Utc>),
    /// A message is made of the first few notes.
    Make(u32),
    /// The message is tried.
    Try(Due),
}

/// What is to be done about a receiver at `now`.
fn next_move(outbox: Outbox, now: DateTime<Utc>) -> Move {
    if let Some(due) = outbox.message {
        // A time beyond any wait was written by a clock that was ahead.
        let is_due = due.next_at <= now || due.next_at - now > RETRY.max * 2;
        return if is_due { Move::Try(due) } else { Move::Wait(due.next_at) };
    }
    if outbox.waiting == 0 {
        return Move::Rest;
    }
    let next_at = outbox.last_at.filter(|at| *at <= now).map(|at| at + SPACING);
    match next_at {
        Some(at) if outbox.lately >= PER_HOUR && at > now => Move::Wait(at),
        Some(_) | None if outbox.waiting <= ALONE_MAX => Move::Make(1),
        Some(_) | None => Move::Make(TOGETHER_MAX),
    }
}

impl Daemon {
    /// Tells every receiver what it is to be told by now.
    pub(super) async fn deliver(&self) -> Result<AlertReport, Error> {
        let mut report = AlertReport::default();
        if self.config.alerts.is_empty() {
            return Ok(report);
        }
        let teller = Teller::new(&self.secrets.alerts);
        let served = self.config.alerts.iter().map(|receiver| self.serve(receiver, &teller));
        for served in join_all(served).await {
            let one = served?;
            report.sent.extend(one.sent);
            report.failed.extend(one.failed);
            report.next_at = earlier(report.next_at, one.next_at);
        }
        Ok(report)
    }

    async fn serve(&self, receiver: &Receiver, teller: &Teller<'_>) -> Result<AlertReport, Error> {
        let mut report = AlertReport::default();
        for _ in 0..ROUND_MAX * 2 {
            if self.stop.drain.is_cancelled() {
                break;
            }
            let now = self.now();
            let hour = now - TimeDelta::hours(1);
            let outbox = self.store.alert_outbox(&receiver.name, hour).await?;
            match next_move(outbox, now) {
                Move::Rest => break,
                Move::Wait(at) => {
                    report.next_at = Some(at);
                    break;
                }
                Move::Make(notes) => {
                    let uuid = uuid::Uuid::new_v4().to_string();
                    let mut tx = self.store.begin(now).await?;
                    tx.make_message(&receiver.name, &uuid, notes).await?;
                    tx.commit().await?;
                }
                Move::Try(due) => self.try_message(receiver, teller, &due, &mut report).await?,
            }
        }
        Ok(report)
    }

    async fn try_message(
        &self,
        receiver: &Receiver,
        teller: &Teller<'_>,
        due: &Due,
        report: &mut AlertReport,
    ) -> Result<(), Error> {
        let notes = self.store.alert_notes(due.id).await?;
        let message = Message { id: due.uuid.clone(), notes, zone: receiver.zone };
        let told = tokio::select! {
            told = teller.tell(receiver, &message, self.now()) => told,
            // It is tried again, with the same identity, after the next start.
            () = self.stop.drain.cancelled() => return Ok(()),
        };
        let name = receiver.name.clone();
        let mut tx = self.store.begin(self.now()).await?;
        match told {
            Ok(()) => {
                debug!(receiver = name, message = due.uuid, "told {name}: {}", message.subject());
                tx.end_message(due.id, "sent", "").await?;
                report.sent.push(name);
            }
            Err(why) if tx.now - due.made_at >= GIVEN_UP_AFTER => {
                warn!(
                    receiver = name,
                    "{name} could not be told for three days, and won't be: {}; {why}; try \
                     `tidings alerts test`",
                    message.subject()
                );
                tx.end_message(due.id, "given_up", &why).await?;
                report.failed.push((name, why));
            }
            Err(why) => {
                let next_at = tx.now + RETRY.delay(due.tries.saturating_add(1), jitter(), None);
                warn!(receiver = name, "{name} could not be told, tried again later: {why}");
                tx.retry_message(due.id, next_at, &why).await?;
                report.failed.push((name, why));
            }
        }
        tx.commit().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    fn outbox(waiting: u32, lately: u32, last_at: Option<i64>) -> Outbox {
        Outbox { message: None, waiting, lately, last_at: last_at.map(at) }
    }

    #[test]
    fn few_alerts_go_one_by_one_and_a_flood_goes_together_and_seldom() {
        let now = at(100);
        let table = [
            (outbox(0, 0, None), Move::Rest),
            (outbox(3, 0, None), Move::Make(1)),
            (outbox(3, 9, Some(100)), Move::Make(1)),
            (outbox(4, 0, None), Move::Make(TOGETHER_MAX)),
            (outbox(1, 10, Some(95)), Move::Wait(at(105))),
            (outbox(4, 10, Some(90)), Move::Make(TOGETHER_MAX)),
            (outbox(1, 10, Some(500)), Move::Make(1)),
        ];
        for (outbox, expected) in table {
            assert_eq!(next_move(outbox.clone(), now), expected, "{outbox:?}");
        }
    }

    #[test]
    fn a_message_that_is_under_way_comes_first() {
        let due = |next_at| Due { id: 1, uuid: String::new(), made_at: at(0), tries: 1, next_at };
        let with = |next_at| Outbox { message: Some(due(next_at)), ..outbox(9, 0, None) };
        assert_eq!(next_move(with(at(5)), at(5)), Move::Try(due(at(5))));
        assert_eq!(next_move(with(at(6)), at(5)), Move::Wait(at(6)));
        assert_eq!(next_move(with(at(9_999)), at(5)), Move::Try(due(at(9_999))));
    }
}
