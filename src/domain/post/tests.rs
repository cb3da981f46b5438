use proptest::prelude::*;

use super::*;
use crate::domain::breaker::{Cause, Scope};

mod changes;

const RULES: Rules = Rules {
    reconcile_after: TimeDelta::minutes(3),
    retry: Backoff { first: TimeDelta::minutes(5), max: TimeDelta::hours(6) },
    jitter: Jitter::NONE,
};

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).expect("a valid time")
}

fn fresh(state: State) -> Life {
    Life {
        state,
        generation: 1,
        doubtful: false,
        accepted_before: false,
        refusals: 0,
        sends: 0,
        not_before: start(),
        expires_at: None,
        send_now: false,
        released: false,
        timed: false,
        reason: String::new(),
        lookups: Lookups::default(),
        receipt: Receipt::default(),
        posted_at: None,
    }
}

fn refusal() -> Refusal {
    Refusal { message: "no".into(), ..Refusal::default() }
}

fn look(found: Found) -> Event {
    Event::LookUp { found, sent_at: start() }
}

fn unknown(accepted_before: bool) -> Event {
    Event::Settle(Outcome::Unknown { accepted_before, refusal: refusal() })
}

fn after(life: &Life, event: &Event, now: DateTime<Utc>) -> Life {
    step(life, event, &RULES, now).expect("the event fits")
}

#[test]
fn a_text_without_its_refused_media_goes_at_once_under_a_new_key_and_the_refusal_counts() {
    let sent = after(&fresh(State::Queued), &Event::Claim, start());
    let event = Event::Settle(Outcome::WithoutMedia(refusal()));
    let bare = after(&sent, &event, start());
    assert_eq!((bare.state, bare.generation, bare.refusals), (State::Queued, 2, 1));
    assert_eq!(bare.not_before, start());
    assert_eq!(bare.reason, "once more without media: no");
    let last = after(&Life { refusals: REFUSALS_MAX - 1, ..sent.clone() }, &event, start());
    assert_eq!(last.state, State::Failed);
    let doubted = after(&Life { doubtful: true, ..sent }, &event, start());
    assert_eq!((doubted.state, doubted.generation), (State::Unconfirmed, 1));
}

#[test]
fn an_absent_post_is_sent_again_under_the_same_key_only_after_two_look_ups_far_enough_apart() {
    let sent = after(&fresh(State::Queued), &Event::Claim, start());
    let doubted = after(&sent, &unknown(false), start());
    assert_eq!(doubted.state, State::Unconfirmed);
    assert_eq!(doubted.lookups.next_at, Some(start() + TimeDelta::seconds(15)));

    assert_eq!(doubted.reason, "no");

    let first = after(&doubted, &look(Found::Absent), start() + TimeDelta::seconds(15));
    assert_eq!(first.state, State::Unconfirmed);
    assert_eq!(first.reason, "not in Ayrshare's history yet");
    assert_eq!(first.lookups.next_at, Some(start() + TimeDelta::seconds(15 + 180)));
    let too_soon = start() + TimeDelta::seconds(100);
    let second = after(&first, &look(Found::Absent), too_soon);
    assert_eq!(second.state, State::Unconfirmed, "85 s apart is not enough");
    let third = after(&second, &look(Found::Absent), start() + TimeDelta::seconds(15 + 180));
    assert_eq!((third.state, third.generation), (State::Queued, 1));
    assert!(third.doubtful, "the key stays doubtful until somebody knows");
}

#[test]
fn a_used_key_is_never_sent_again_without_a_person() {
    let sent = after(&fresh(State::Queued), &Event::Claim, start());
    let mut life = after(&sent, &unknown(true), start());
    let mut now = start();
    while let Some(at) = life.lookups.next_at {
        now = at;
        life = after(&life, &look(Found::Absent), now);
        assert_eq!(life.state, State::Unconfirmed);
    }
    assert!(now - start() > TimeDelta::hours(24), "it looks for more than a day");
    assert_eq!(life.lookups.made, LOOKUPS_MAX);
    let again = after(&life, &Event::Retry, now);
    assert_eq!((again.state, again.generation), (State::Queued, 2));
}

#[test]
fn a_stop_burns_nothing_and_takes_a_new_key() {
    let sent = after(&fresh(State::Queued), &Event::Claim, start());
    let stop = Event::Settle(Outcome::Stop {
        cause: Cause::NoCredit,
        scope: Scope::All,
        after: None,
        refusal: refusal(),
    });
    let waiting = after(&sent, &stop, start());
    assert_eq!((waiting.state, waiting.generation), (State::Queued, 2));
    assert_eq!((waiting.refusals, waiting.not_before), (0, start()));
}

#[test]
fn a_stop_on_a_doubtful_key_proves_nothing() {
    let mut life = after(&fresh(State::Queued), &Event::Claim, start());
    life.doubtful = true;
    let retry = Event::Settle(Outcome::Retry { after: None, refusal: refusal() });
    let next = after(&life, &retry, start());
    assert_eq!((next.state, next.generation), (State::Unconfirmed, 1));
}

#[test]
fn what_never_left_keeps_its_key_and_its_place() {
    let sent = after(&fresh(State::Queued), &Event::Claim, start());
    let unsent = after(&sent, &Event::Settle(Outcome::Unsent(refusal())), start());
    assert_eq!((unsent.state, unsent.generation, unsent.sends), (State::Queued, 1, 0));
    assert_eq!(unsent.not_before, start());
}

#[test]
fn the_fifth_refusal_makes_a_dead_letter() {
    let mut life = fresh(State::Queued);
    let mut now = start();
    let retry = Event::Settle(Outcome::Retry { after: None, refusal: refusal() });
    for n in 1..=REFUSALS_MAX {
        life = after(&life, &Event::Claim, now);
        life = after(&life, &retry, now);
        assert_eq!(life.state, if n < REFUSALS_MAX { State::Queued } else { State::Failed });
        assert!(life.state == State::Failed || life.not_before > now);
        now = std::cmp::max(life.not_before, now);
    }
}

#[test]
fn a_silent_history_is_asked_for_two_days_before_a_person_is() {
    let sent = after(&fresh(State::Queued), &Event::Claim, start());
    let mut life = after(&sent, &unknown(false), start());
    let mut now = start();
    while let Some(at) = life.lookups.next_at {
        assert!(at - now <= TimeDelta::hours(1));
        now = at;
        life = after(&life, &look(Found::NoAnswer("HTTP 502".into())), now);
    }
    assert_eq!(life.state, State::Unconfirmed);
    assert!(now - start() >= TimeDelta::hours(48), "{}", now - start());
}

/// A look-up without an answer makes the pauses longer, and leaves all others their number.
#[test]
fn a_silent_history_uses_up_no_look_ups() {
    let silent = look(Found::NoAnswer("HTTP 502".into()));
    let asked = |made| {
        let lookups = Lookups { made, ..Lookups::default() };
        let doubted = Life { lookups, ..fresh(State::Unconfirmed) };
        let next = after(&doubted, &silent, start());
        let pause = next.lookups.next_at.expect("it looks again") - start();
        (next.lookups.made, pause.num_minutes(), next.reason)
    };
    let why = "the history did not answer: HTTP 502".to_owned();
    assert_eq!(asked(0), (1, 1, why.clone()));
    assert_eq!(asked(1), (2, 2, why.clone()));
    assert_eq!(asked(11), (12, 60, why.clone()));
    assert_eq!(asked(12), (12, 60, why.clone()));
    assert_eq!(asked(30), (30, 60, why));
    let last = TimeDelta::hours(48);
    let doubted = fresh(State::Unconfirmed);
    let before = after(&doubted, &silent, start() + last - TimeDelta::seconds(1));
    assert!(!before.needs_person());
    assert!(after(&doubted, &silent, start() + last).needs_person());
}

/// Absent since three minutes.
fn absent(sends: u32, now: DateTime<Utc>) -> Life {
    let first_absent_at = Some(now - RULES.reconcile_after);
    let lookups = Lookups { made: 1, first_absent_at, next_at: Some(now) };
    Life { doubtful: true, sends, lookups, ..fresh(State::Unconfirmed) }
}

#[test]
fn an_absent_post_is_sent_again_by_itself_only_a_few_times_and_soon() {
    let (soon, late) = (start() + TimeDelta::minutes(5), start() + TimeDelta::hours(24));
    let often = "sent several times without ever getting an answer";
    let old = "not in Ayrshare's history, but too long ago to send it again unasked";
    let again = "twice not in Ayrshare's history: sent again under the same key";
    let second = TimeDelta::seconds(1);
    let table = [
        (SENDS_MAX - 1, soon, State::Queued, again),
        (SENDS_MAX, soon, State::Unconfirmed, often),
        (1, start(), State::Queued, again),
        (1, late, State::Queued, again),
        (1, late + second, State::Unconfirmed, old),
        // The clock was set back behind the request: nobody knows how long ago that was.
        (1, start() - second, State::Unconfirmed, old),
    ];
    for (sends, now, state, reason) in table {
        let next = after(&absent(sends, now), &look(Found::Absent), now);
        assert_eq!((next.state, next.reason.as_str()), (state, reason), "{sends} {now}");
        assert_eq!(next.lookups.next_at, None, "nobody looks again");
        assert_eq!(next.lookups.made, 2);
        assert_eq!(next.needs_person(), state == State::Unconfirmed);
    }
}

#[test]
fn what_is_sent_again_waits_for_no_clock_that_was_ahead() {
    let now = start() + TimeDelta::minutes(5);
    let ahead = Life { not_before: now + TimeDelta::days(1), ..absent(1, now) };
    assert_eq!(after(&ahead, &look(Found::Absent), now).not_before, now);
}

#[test]
fn a_clock_that_was_set_back_since_the_first_look_up_starts_over() {
    let now = start() + TimeDelta::minutes(10);
    let back = start() + TimeDelta::minutes(1);
    let first = after(&absent(1, now), &look(Found::Absent), back);
    assert_eq!(first.state, State::Unconfirmed);
    assert_eq!(first.lookups.first_absent_at, Some(back));
    assert_eq!(first.lookups.next_at, Some(back + RULES.reconcile_after));
}

/// Ayrshare says that it failed: nothing is in doubt any more.
#[test]
fn a_post_that_failed_by_the_history_is_in_no_doubt() {
    let doubted = Life { accepted_before: true, ..absent(1, start()) };
    let failed = after(&doubted, &look(Found::Failed(refusal())), start());
    assert_eq!((failed.state, failed.reason.as_str()), (State::Failed, "no"));
    assert!(!failed.doubtful && !failed.accepted_before && failed.needs_person());
}

fn any_refusal() -> impl Strategy<Value = Refusal> {
    (any::<Option<u16>>(), any::<Option<i64>>(), "[a-z ]{0,12}")
        .prop_map(|(status, code, message)| Refusal { status, code, message })
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(Outcome::Posted(Receipt::default())),
        (proptest::option::of(0_i64..100_000), any_refusal()).prop_map(|(after, refusal)| {
            Outcome::Retry { after: after.map(TimeDelta::seconds), refusal }
        }),
        any_refusal().prop_map(Outcome::Unsent),
        any_refusal().prop_map(Outcome::Dead),
        any_refusal().prop_map(Outcome::WithoutMedia),
        (0..Cause::ALL.len(), any_refusal()).prop_map(|(cause, refusal)| Outcome::Stop {
            cause: Cause::ALL[cause],
            scope: Scope::All,
            after: None,
            refusal,
        }),
        (any::<bool>(), any_refusal())
            .prop_map(|(accepted_before, refusal)| Outcome::Unknown { accepted_before, refusal }),
    ]
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        1 => Just(Event::Approve),
        1 => Just(Event::Hold { why: "its entry changed".into() }),
        6 => Just(Event::Claim),
        6 => any_outcome().prop_map(Event::Settle),
        1 => Just(Event::Recover),
        4 => prop_oneof![
            Just(Found::Published(Receipt::default())),
            any_refusal().prop_map(Found::Failed),
            Just(Found::Pending),
            Just(Found::Absent),
            Just(Found::NoAnswer("HTTP 500".into())),
        ]
        .prop_map(look),
        1 => Just(Event::Gather { digest: 1 }),
        1 => Just(Event::Expire),
        1 => Just(Event::Skip),
        1 => Just(Event::Retry),
        1 => Just(Event::SendNow),
    ]
}

/// What Ayrshare would know of one post, told by what really happened rather than by our word.
#[derive(Debug, Default)]
struct Network {
    /// Keys under which a request was accepted.
    accepted: Vec<u32>,
}

/// One move of the world: how the next request goes, what the next look-up sees, how the clock
/// jumps.
#[derive(Debug, Clone)]
enum Move {
    Request { accepted: bool, answer: Answer },
    LookUp { sees: bool, answers: bool },
    Crash,
    Jump(i64),
    Skip,
}

#[derive(Debug, Clone, Copy)]
enum Answer {
    Told,
    Lost,
    Stop,
    Retry,
}

fn any_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        4 => (any::<bool>(), prop_oneof![
            Just(Answer::Told), Just(Answer::Lost), Just(Answer::Stop), Just(Answer::Retry)
        ]).prop_map(|(accepted, answer)| Move::Request { accepted, answer }),
        4 => (any::<bool>(), any::<bool>()).prop_map(|(sees, answers)| Move::LookUp { sees, answers }),
        1 => Just(Move::Crash),
        2 => (-7200_i64..7200).prop_map(Move::Jump),
        1 => Just(Move::Skip),
    ]
}

impl Network {
    /// Ayrshare's part of a request: a used key is refused whatever became of the first one.
    fn request(&mut self, life: &Life, accepts: bool, answer: Answer) -> Option<Outcome> {
        if self.accepted.contains(&life.generation) {
            return (!matches!(answer, Answer::Lost))
                .then(|| Outcome::Unknown { accepted_before: true, refusal: refusal() });
        }
        match (accepts, answer) {
            (_, Answer::Stop) => Some(Outcome::Stop {
                cause: Cause::RateLimit,
                scope: Scope::All,
                after: None,
                refusal: refusal(),
            }),
            (true, Answer::Told) => {
                self.accepted.push(life.generation);
                Some(Outcome::Posted(Receipt::default()))
            }
            (true, Answer::Lost) => {
                self.accepted.push(life.generation);
                None
            }
            (_, Answer::Retry) | (false, Answer::Told) => {
                Some(Outcome::Retry { after: None, refusal: refusal() })
            }
            (false, Answer::Lost) => None,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_events_in_any_order_keep_the_rules(events in prop::collection::vec((any_event(), -4000_i64..8000), 0..60)) {
        let mut life = fresh(State::Queued);
        let mut now = start();
        for (event, seconds) in events {
            now += TimeDelta::seconds(seconds);
            let Ok(next) = step(&life, &event, &RULES, now) else { continue };
            prop_assert!(next.generation >= life.generation);
            prop_assert!(life.state != State::Posted, "nothing leads out of posted");
            prop_assert_eq!(next.state == State::Posted, next.posted_at.is_some());
            prop_assert!(next.lookups.next_at.is_none() || next.state == State::Unconfirmed);
            if next.generation > life.generation {
                let by_hand = matches!(event, Event::Retry | Event::SendNow);
                prop_assert!(by_hand || !life.doubtful, "a new key while the old one is doubtful");
            }
            if matches!(event, Event::Gather { .. }) {
                prop_assert!(life.sends == 0 && !life.doubtful, "it may be out by itself");
            }
            if life.accepted_before && next.state == State::Queued {
                prop_assert!(matches!(event, Event::Retry | Event::SendNow));
            }
            life = next;
        }
    }

    /// Against a network that refuses a used key, no sequence of lost answers, crashes, wrong
    /// histories and clock jumps publishes twice, as long as no person says so.
    #[test]
    fn a_lane_never_publishes_twice(moves in prop::collection::vec(any_move(), 0..80)) {
        let mut network = Network::default();
        let mut life = fresh(State::Queued);
        let mut now = start();
        for one in moves {
            now += TimeDelta::seconds(1);
            match one {
                Move::Jump(seconds) => now += TimeDelta::seconds(seconds),
                Move::Crash => {
                    if life.state == State::Sending {
                        life = after(&life, &Event::Recover, now);
                    }
                }
                Move::Request { accepted, answer } if life.state == State::Queued => {
                    let sending = after(&life, &Event::Claim, now);
                    life = match network.request(&sending, accepted, answer) {
                        Some(outcome) => after(&sending, &Event::Settle(outcome), now),
                        None => after(&sending, &unknown(false), now),
                    };
                }
                Move::LookUp { sees, answers } if life.state == State::Unconfirmed => {
                    let there = network.accepted.contains(&life.generation);
                    let found = match (answers, there && sees) {
                        (false, _) => Found::NoAnswer("HTTP 500".into()),
                        (true, true) => Found::Published(Receipt::default()),
                        (true, false) => Found::Absent,
                    };
                    life = after(&life, &look(found), now);
                }
                Move::Skip | Move::Request { .. } | Move::LookUp { .. } => {}
            }
            prop_assert!(network.accepted.len() <= 1, "published twice: {:?}", network.accepted);
            if life.state == State::Posted {
                prop_assert_eq!(network.accepted.len(), 1, "posted without being published");
            }
        }
    }
}

/// After a restore a queued post may be out: looked up, and sent under the same key only if it is
/// absent twice.
#[test]
fn a_post_in_doubt_after_a_restore_is_looked_up_before_it_is_sent() {
    let doubt = Event::Doubt("restored".to_owned());
    let doubted = after(&fresh(State::Queued), &doubt, start());
    assert_eq!((doubted.state, doubted.generation), (State::Unconfirmed, 1));
    assert!(doubted.doubtful && doubted.lookups.next_at.is_some());
    for state in State::ALL.into_iter().filter(|it| *it != State::Queued) {
        assert!(step(&fresh(state), &doubt, &RULES, start()).is_err(), "{state:?}");
    }
}
