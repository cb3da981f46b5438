//! What each event changes of a post, and that it changes nothing else.

use super::*;

/// A post that has been through much: each field says so. Nothing of it is in doubt.
fn worn(state: State) -> Life {
    Life {
        state,
        generation: 3,
        doubtful: false,
        accepted_before: false,
        refusals: 2,
        sends: 2,
        not_before: start() + TimeDelta::hours(1),
        expires_at: Some(start() + TimeDelta::hours(9)),
        send_now: true,
        released: true,
        timed: true,
        reason: "before".into(),
        lookups: Lookups {
            made: 4,
            first_absent_at: Some(start() - TimeDelta::hours(1)),
            next_at: Some(start()),
        },
        receipt: Receipt { ayrshare_id: Some("a".into()), ..Receipt::default() },
        posted_at: None,
    }
}

/// The fields in words, times in minutes from the start.
fn fields(life: &Life) -> [String; 15] {
    let minutes = |at: DateTime<Utc>| format!("{:+} min", (at - start()).num_minutes());
    let maybe = |at: Option<DateTime<Utc>>| at.map_or_else(|| "none".to_owned(), minutes);
    let lookups = &life.lookups;
    [
        life.state.word().to_owned(),
        format!("generation {}", life.generation),
        format!("doubtful {}", life.doubtful),
        format!("accepted {}", life.accepted_before),
        format!("refusals {}", life.refusals),
        format!("sends {}", life.sends),
        format!("not before {}", minutes(life.not_before)),
        format!("expires {}", maybe(life.expires_at)),
        format!("at once {}", life.send_now),
        format!("released {}", life.released),
        format!("timed {}", life.timed),
        format!("{:?}", life.reason),
        format!(
            "look-ups {}, absent {}, next {}",
            lookups.made,
            maybe(lookups.first_absent_at),
            maybe(lookups.next_at)
        ),
        format!("id {}", life.receipt.ayrshare_id.as_deref().unwrap_or("none")),
        format!("posted {}", maybe(life.posted_at)),
    ]
}

/// What an event changes, in a line: also of a post of which no person said anything yet.
fn told(life: &Life, event: &Event) -> String {
    let untouched = Life { send_now: false, released: false, timed: false, ..life.clone() };
    let mut changed = Vec::new();
    for life in [life, &untouched] {
        let next = match step(life, event, &RULES, start()) {
            Ok(next) => next,
            Err(refused) => return refused.to_string(),
        };
        let pairs = fields(life).into_iter().zip(fields(&next)).enumerate();
        changed.extend(pairs.filter(|(_, (old, new))| old != new).map(|(at, (_, new))| (at, new)));
    }
    changed.sort();
    changed.dedup();
    changed.into_iter().map(|(_, new)| new).collect::<Vec<_>>().join(", ")
}

fn settle(outcome: Outcome) -> Event {
    Event::Settle(outcome)
}

fn published() -> Receipt {
    Receipt { ayrshare_id: Some("b".into()), ..Receipt::default() }
}

/// All events, with a name.
fn events() -> Vec<(&'static str, Event)> {
    let stop = |cause| Outcome::Stop { cause, scope: Scope::All, after: None, refusal: refusal() };
    vec![
        ("approve", Event::Approve),
        ("hold", Event::Hold { why: "changed".into() }),
        ("gather", Event::Gather { digest: 7 }),
        ("claim", Event::Claim),
        ("posted", settle(Outcome::Posted(published()))),
        ("retry", settle(Outcome::Retry { after: None, refusal: refusal() })),
        ("unsent", settle(Outcome::Unsent(refusal()))),
        ("bare", settle(Outcome::WithoutMedia(refusal()))),
        ("dead", settle(Outcome::Dead(refusal()))),
        ("stop", settle(stop(Cause::NoCredit))),
        ("unknown", unknown(false)),
        ("used key", unknown(true)),
        ("recover", Event::Recover),
        ("doubt", Event::Doubt("restored".into())),
        ("found", look(Found::Published(published()))),
        ("found failed", look(Found::Failed(refusal()))),
        ("found pending", look(Found::Pending)),
        ("expire", Event::Expire),
        ("skip", Event::Skip),
        ("again", Event::Retry),
        ("at once", Event::SendNow),
        ("another time", Event::Reschedule { at: start() + TimeDelta::hours(2) }),
    ]
}

#[test]
fn each_event_changes_what_it_says_and_nothing_else() {
    let mut lines = Vec::new();
    for state in State::ALL {
        for (name, event) in events() {
            let life = worn(state);
            if step(&life, &event, &RULES, start()).is_ok() {
                lines.push(format!("{} {name}: {}", state.word(), told(&life, &event)));
            }
        }
    }
    insta::assert_snapshot!(lines.join("\n"), @r#"
    held approve: queued, not before +0 min, released true, ""
    held expire: expired, "its time passed before its turn came"
    held skip: skipped, "skipped by hand"
    held at once: queued, not before +0 min, at once true, released true, timed false, "released by hand"
    held another time: not before +120 min, at once false, timed true
    queued claim: sending, sends 3, "", look-ups 0, absent none, next none
    queued doubt: unconfirmed, doubtful true, "restored", look-ups 0, absent none, next +0 min
    queued expire: expired, "its time passed before its turn came"
    queued skip: skipped, "skipped by hand"
    queued at once: not before +0 min, at once true, released true, timed false, "released by hand"
    queued another time: not before +120 min, at once false, timed true
    sending posted: posted, "", look-ups 4, absent -60 min, next none, id b, posted +0 min
    sending retry: queued, generation 4, refusals 3, sends 0, not before +20 min, "no", look-ups 0, absent none, next none
    sending unsent: queued, sends 1, "no"
    sending bare: queued, generation 4, refusals 3, sends 0, not before +0 min, "once more without media: no", look-ups 0, absent none, next none
    sending dead: failed, "no", look-ups 4, absent -60 min, next none
    sending stop: queued, generation 4, sends 0, "no", look-ups 0, absent none, next none
    sending unknown: unconfirmed, doubtful true, "no", look-ups 0, absent none, next +0 min
    sending used key: unconfirmed, doubtful true, accepted true, "no", look-ups 0, absent none, next +0 min
    sending recover: unconfirmed, doubtful true, "the program ended while the request was out", look-ups 0, absent none, next +0 min
    unconfirmed found: posted, "", look-ups 4, absent -60 min, next none, id b, posted +0 min
    unconfirmed found failed: failed, "no", look-ups 4, absent -60 min, next none
    unconfirmed found pending: "Ayrshare is still working on it", look-ups 5, absent none, next +16 min
    unconfirmed skip: posted, "taken as published, by hand", look-ups 4, absent -60 min, next none, posted +0 min
    unconfirmed again: queued, generation 4, refusals 0, sends 0, not before +0 min, expires none, released true, timed false, "sent again by hand", look-ups 0, absent none, next none
    failed skip: skipped, "skipped by hand"
    failed again: queued, generation 4, refusals 0, sends 0, not before +0 min, expires none, released true, timed false, "sent again by hand", look-ups 0, absent none, next none
    failed at once: queued, generation 4, refusals 0, sends 0, not before +0 min, expires none, at once true, released true, timed false, "released by hand", look-ups 0, absent none, next none
    skipped again: queued, generation 4, refusals 0, sends 0, not before +0 min, expires none, released true, timed false, "sent again by hand", look-ups 0, absent none, next none
    skipped at once: queued, generation 4, refusals 0, sends 0, not before +0 min, expires none, at once true, released true, timed false, "released by hand", look-ups 0, absent none, next none
    expired again: queued, generation 4, refusals 0, sends 0, not before +0 min, expires none, released true, timed false, "sent again by hand", look-ups 0, absent none, next none
    expired at once: queued, generation 4, refusals 0, sends 0, not before +0 min, expires none, at once true, released true, timed false, "released by hand", look-ups 0, absent none, next none
    "#);
}

#[test]
fn what_was_never_sent_can_be_held_and_gathered_and_nothing_else_can() {
    let (hold, gather) = (Event::Hold { why: "changed".into() }, Event::Gather { digest: 7 });
    let unsent = Life { sends: 0, ..worn(State::Queued) };
    assert_eq!(told(&unsent, &hold), r#"held, at once false, released false, "changed""#);
    assert_eq!(told(&unsent, &gather), r#"skipped, "told in the digest of post 7""#);
    for life in [worn(State::Queued), Life { doubtful: true, ..unsent }, worn(State::Held)] {
        let state = life.state.word();
        assert_eq!(told(&life, &hold), format!("a post that is {state} can't be held any more"));
        let no = format!("a post that is {state} can't go into a digest any more");
        assert_eq!(told(&life, &gather), no);
    }
}

/// A time that a person said stays; any other is no reason to wait for what a person lets go.
#[test]
fn what_a_person_lets_go_waits_only_for_the_time_that_a_person_said() {
    let held = |timed, minutes| {
        let not_before = start() + TimeDelta::minutes(minutes);
        let next =
            after(&Life { not_before, timed, ..worn(State::Held) }, &Event::Approve, start());
        (next.not_before - start()).num_minutes()
    };
    assert_eq!(
        [held(true, 30), held(true, -30), held(false, 30), held(false, -30)],
        [30, -30, 0, -30]
    );
}

/// It is due from that word on: neither later, nor since a time that passed while it stood still.
#[test]
fn what_a_person_sends_at_once_or_again_is_due_from_then_on_whatever_was_said_before() {
    let words = [
        (State::Held, Event::SendNow),
        (State::Queued, Event::SendNow),
        (State::Failed, Event::SendNow),
        (State::Failed, Event::Retry),
        (State::Skipped, Event::Retry),
    ];
    for (state, event) in words {
        for (timed, minutes) in [(true, 30), (true, -30), (false, 30), (false, -30)] {
            let not_before = start() + TimeDelta::minutes(minutes);
            let next = after(&Life { not_before, timed, ..worn(state) }, &event, start());
            let case = format!("{} {event:?} {timed} {minutes}", state.word());
            assert_eq!((next.not_before, next.timed), (start(), false), "{case}");
        }
    }
}

/// Nobody said that a post that was left out or expired is not on the network.
#[test]
fn a_key_in_doubt_is_kept_until_somebody_knows() {
    for (state, kept) in [
        (State::Expired, true),
        (State::Skipped, true),
        (State::Failed, false),
        (State::Unconfirmed, false),
    ] {
        let doubted = Life { doubtful: true, accepted_before: true, ..worn(state) };
        let again = after(&doubted, &Event::Retry, start());
        assert_eq!((again.generation, again.doubtful), if kept { (3, true) } else { (4, false) });
        assert_eq!(again.accepted_before, kept);
        assert_eq!(again.sends, 0, "a person's word lets it be tried as often as the first time");
    }
    let waiting = Life { doubtful: true, ..worn(State::Sending) };
    for outcome in
        [Outcome::Retry { after: None, refusal: refusal() }, Outcome::WithoutMedia(refusal())]
    {
        let next = after(&waiting, &settle(outcome), start());
        assert_eq!((next.state, next.generation), (State::Unconfirmed, 3));
    }
    let before = Life { accepted_before: true, ..waiting };
    assert!(after(&before, &unknown(false), start()).accepted_before);
}

#[test]
fn states_are_read_as_they_are_written() {
    for state in State::ALL {
        assert_eq!(State::parse(state.word()), Some(state));
    }
    assert_eq!(State::parse("gone"), None);
}

#[test]
fn what_waits_for_a_person_says_so() {
    let needs = State::ALL.into_iter().filter(|state| worn(*state).needs_person());
    assert_eq!(needs.collect::<Vec<_>>(), [State::Held, State::Failed]);
    let lookups = Lookups { next_at: None, ..Lookups::default() };
    assert!(Life { lookups, ..worn(State::Unconfirmed) }.needs_person());
}

#[test]
fn a_look_up_is_due_at_its_time_or_where_that_lies_further_off_than_any_pause() {
    let due = |rules: &Rules, seconds: Option<i64>| {
        let next_at = seconds.map(|seconds| start() + TimeDelta::seconds(seconds));
        Lookups { next_at, ..Lookups::default() }.is_due(rules, start())
    };
    let table = [(None, false), (Some(-1), true), (Some(0), true), (Some(1), false)];
    for (seconds, expected) in table {
        assert_eq!(due(&RULES, seconds), expected, "{seconds:?}");
    }
    assert_eq!([due(&RULES, Some(7200)), due(&RULES, Some(7201))], [false, true]);
    let patient = Rules { reconcile_after: TimeDelta::hours(2), ..RULES };
    assert_eq!([due(&patient, Some(14_400)), due(&patient, Some(14_401))], [false, true]);
}
