use croner::Cron;
use proptest::prelude::*;
use std::str::FromStr as _;
use url::Url;

use super::*;

const HOUR: TimeDelta = TimeDelta::hours(1);
const MINUTE: TimeDelta = TimeDelta::minutes(1);

/// Saturday, 21 November 2026, 12:00 UTC.
fn now() -> DateTime<Utc> {
    "2026-11-21T12:00:00Z".parse().expect("an instant")
}

fn rhythm() -> Rhythm {
    Rhythm {
        interval: HOUR,
        is_set: false,
        cron: None,
        adapt: false,
        own: false,
        min_interval: MINUTE * 15,
    }
}

fn cron(line: &str, zone: Tz) -> (Tz, PostAt) {
    (zone, PostAt::Cron(Box::new(Cron::from_str(line).expect("a cron expression"))))
}

fn answer() -> Answer {
    Answer { has_validators: true, ..Answer::default() }
}

fn wishes(minutes: u32) -> Wishes {
    Wishes { minutes: Some(minutes), ..Wishes::default() }
}

const STILL: Spread = Spread { phase: Jitter::ZERO, jitter: Jitter::ZERO };

fn told(rhythm: &Rhythm, answer: &Answer) -> (String, String) {
    let next = after_answer(rhythm, answer, STILL, now());
    (span(next.at - now()), next.rule.sentence())
}

#[test]
fn each_rule_decides_where_it_asks_for_the_longest_wait() {
    let set = Rhythm { is_set: true, ..rhythm() };
    let own = Rhythm { own: true, interval: MINUTE, ..rhythm() };
    let adapt = Rhythm { adapt: true, ..rhythm() };
    let fresh = |minutes| Answer { fresh_for: Some(MINUTE * minutes), ..answer() };
    let wish = |minutes| Answer { wishes: wishes(minutes), ..answer() };
    let paced = |hours| Answer { pace: Some(HOUR * hours), ..answer() };
    let table = [
        (rhythm(), answer(), "1 h", "it is asked every 1 h"),
        (rhythm(), fresh(30), "1 h", "it is asked every 1 h"),
        (rhythm(), fresh(120), "2 h", "fresh for 2 h"),
        (set.clone(), fresh(120), "2 h", "fresh for 2 h"),
        (rhythm(), fresh(60 * 24 * 30), "1 d", "fresh for 1 d"),
        (rhythm(), wish(15), "1 h", "it is asked every 1 h"),
        (rhythm(), wish(360), "6 h", "read every 6 h at most"),
        (rhythm(), wish(u32::MAX), "1 d", "read every 1 d at most"),
        (rhythm(), Answer { pace: Some(HOUR * 2), ..wish(1440) }, "2 h", "read every 2 h"),
        (rhythm(), Answer { fresh_for: Some(HOUR * 3), ..wish(120) }, "3 h", "fresh for 3 h"),
        (rhythm(), Answer::default(), "1 d", "neither ETag nor Last-Modified"),
        (rhythm(), Answer { has_validators: false, ..fresh(15) }, "1 h", "every 1 h"),
        (set, Answer::default(), "1 h", "it is asked every 1 h"),
        (own, Answer::default(), "1 min", "it is asked every 1 min"),
        (rhythm(), paced(100), "1 h", "it is asked every 1 h"),
        (adapt.clone(), answer(), "1 h", "it is asked every 1 h"),
        (adapt.clone(), paced(8), "2 h", "publishes every 8 h or so, and is therefore asked"),
        (adapt.clone(), paced(0), "15 min", "asked every 15 min"),
        (adapt.clone(), paced(1000), "1 d", "asked every 1 d"),
        (adapt, Answer { pace: Some(HOUR), ..fresh(90) }, "1 h 30 min", "fresh for 1 h 30 min"),
    ];
    for (rhythm, answer, wait, why) in table {
        let (told_wait, told_why) = told(&rhythm, &answer);
        assert_eq!(told_wait, wait, "{rhythm:?} {answer:?}");
        assert!(told_why.contains(why), "{told_why:?} has {why:?}");
    }
}

#[test]
fn cron_is_local_keeps_the_bounds_and_loses_no_time_to_its_own_spread() {
    let berlin = |line| Rhythm { cron: Some(cron(line, chrono_tz::Europe::Berlin)), ..rhythm() };
    let at = |rhythm: &Rhythm, answer: &Answer, now: &str| {
        let now = now.parse().expect("an instant");
        let next = after_answer(rhythm, answer, STILL, now);
        format!("{} {:?}", next.at.format("%d %H:%M"), next.rule)
    };
    let daily = berlin("30 2 * * *");
    // In winter 02:30 is 01:30 UTC; on 28 March 2027 it does not exist, and the first instant after the
    // gap is 01:00 UTC.
    assert_eq!(at(&daily, &answer(), "2027-03-26T12:00:00Z"), "27 01:30 Cron");
    assert_eq!(at(&daily, &answer(), "2027-03-27T12:00:00Z"), "28 01:00 Cron");
    assert_eq!(at(&daily, &answer(), "2027-03-28T12:00:00Z"), "29 00:30 Cron");
    // On 25 October 2026 it comes twice, and counts once.
    assert_eq!(at(&daily, &answer(), "2026-10-25T00:29:00Z"), "26 01:30 Cron");
    let often = berlin("* * * * *");
    assert_eq!(at(&often, &answer(), "2026-11-21T12:00:30Z"), "21 12:15 Cron");
    let quarter = berlin("*/15 * * * *");
    assert_eq!(at(&quarter, &answer(), "2026-11-21T12:00:30Z"), "21 12:15 Cron");
    let fresh = Answer { fresh_for: Some(HOUR), ..answer() };
    assert_eq!(
        at(&quarter, &fresh, "2026-11-21T12:00:30Z"),
        format!("21 13:15 {:?}", Rule::Fresh(HOUR))
    );
    let spread = Spread { phase: Jitter::NONE, jitter: Jitter::NONE };
    let next = after_answer(&daily, &answer(), spread, now());
    assert_eq!(next.at.format("%H:%M:%S").to_string(), "01:31:00");
}

#[test]
fn skipped_hours_and_days_are_gmt_and_starve_nobody() {
    let skip = |hours: &[u32], days: &[u32]| {
        let wishes = Wishes {
            minutes: None,
            skip_hours: hours.iter().fold(0, |bits, hour| bits | 1 << hour),
            skip_days: days.iter().fold(0, |bits, day| bits | 1 << day),
        };
        let next = after_answer(&rhythm(), &Answer { wishes, ..answer() }, STILL, now());
        format!("{} {}", next.at.format("%a %H:%M"), next.rule == Rule::Skip)
    };
    let all_but = |hours: &[u32]| (0..24).filter(|hour| !hours.contains(hour)).collect::<Vec<_>>();
    assert_eq!(skip(&[], &[]), "Sat 13:00 false");
    assert_eq!(skip(&[12], &[]), "Sat 13:00 false");
    assert_eq!(skip(&[13, 14], &[]), "Sat 15:00 true");
    assert_eq!(skip(&[], &[5, 6]), "Mon 00:00 true");
    assert_eq!(skip(&all_but(&[12]), &[5, 6]), "Mon 12:00 true");
    assert_eq!(skip(&all_but(&[]), &[0, 1, 2, 3, 4, 5, 6]), "Sat 13:00 false");
    // All but Friday: three days are the most.
    assert_eq!(skip(&[], &[0, 1, 2, 3, 5, 6]), "Tue 13:00 true");
}

#[test]
fn failures_are_waited_for_by_their_kind() {
    let wait = |trouble, failures, asked: Option<TimeDelta>| {
        let next = after_failure(&rhythm(), (trouble, failures), asked, Jitter::NONE, now());
        (span(next.at - now()), next.rule.sentence())
    };
    let waits = |trouble| -> Vec<String> {
        [1, 2, 3, 6, 9, 12].map(|failures| wait(trouble, failures, None).0).to_vec()
    };
    assert_eq!(waits(Trouble::Passing), ["30 min", "1 h", "2 h", "16 h", "1 d", "1 d"]);
    assert_eq!(waits(Trouble::Missing), ["30 min", "1 h", "2 h", "16 h", "5 d 8 h", "7 d"]);
    assert_eq!(waits(Trouble::Denied), ["4 h", "8 h", "16 h", "1 d", "1 d", "1 d"]);
    let (long, why) = wait(Trouble::Passing, 1, Some(HOUR * 5));
    assert_eq!(
        (long.as_str(), why.as_str()),
        ("5 h 15 min", "the server asks to be left alone for 5 h")
    );
    assert_eq!(wait(Trouble::Passing, 1, Some(MINUTE)).0, "30 min");
    assert_eq!(wait(Trouble::Passing, 1, Some(HOUR * 1000)).0, "1 d 30 min");
    assert_eq!(
        wait(Trouble::Missing, 1, None).1,
        "it was not found once, so it is asked less often"
    );
}

#[test]
fn a_host_is_what_shares_a_limit() {
    let grouping = Grouping {
        together: vec!["tumblr.com".to_owned()],
        apart: vec!["bridge.example".to_owned()],
    };
    let host = |url: &str| host_of(&Url::parse(url).expect("an address"), &grouping);
    assert_eq!(host("https://Blog.example.com:8443/feed?x=1"), "blog.example.com");
    assert_eq!(host("https://one.tumblr.com/rss"), "tumblr.com");
    assert_eq!(host("https://tumblr.com/rss"), "tumblr.com");
    assert_eq!(host("https://nottumblr.com/rss"), "nottumblr.com");
    assert_eq!(host("http://bridge.example/a?x"), "bridge.example/a");
    assert_eq!(host_wait(429, Some(HOUR), MINUTE), Some(HOUR));
    assert_eq!(host_wait(429, None, MINUTE), Some(MINUTE));
    assert_eq!(host_wait(429, Some(HOUR * 99), MINUTE), Some(HOUR * 24));
    assert_eq!(host_wait(503, Some(HOUR), MINUTE), Some(HOUR));
    assert_eq!(host_wait(503, None, MINUTE), None);
    assert_eq!(host_wait(404, Some(HOUR), MINUTE), None);
}

#[test]
fn a_move_is_proven_by_many_equal_answers_over_days() {
    let at = |hours: i64| now() + HOUR * i32::try_from(hours).expect("few");
    let mut seen = None;
    for hours in 0..72 {
        seen = Move::after(seen, Some("https://new.example/"), at(hours));
        assert!(!seen.as_ref().expect("a move").is_proven(at(hours)), "after {hours} h");
    }
    seen = Move::after(seen, Some("https://new.example/"), at(72));
    assert!(seen.as_ref().expect("a move").is_proven(at(72)));
    // Another answer begins anew.
    let other = Move::after(seen.clone(), Some("https://other.example/"), at(73)).expect("a move");
    assert_eq!((other.seen, other.is_proven(at(500))), (1, false));
    assert_eq!(Move::after(seen, None, at(73)), None);
    // Long, but seldom.
    let rare = Move { to: String::new(), since: now(), seen: 4 };
    assert!(!rare.is_proven(at(1000)));
}

#[test]
fn a_pace_is_known_after_some_days() {
    assert_eq!(pace(100, now() - HOUR * 71, now()), None);
    assert_eq!(pace(24, now() - HOUR * 72, now()), Some(HOUR * 3));
    assert_eq!(pace(0, now() - HOUR * 72, now()), Some(HOUR * 72));
}

#[test]
fn a_feed_that_never_changes_is_fetched_whole_once_a_week() {
    assert!(!wants_whole(None, now()));
    assert!(!wants_whole(Some(now() - HOUR * 167), now()));
    assert!(wants_whole(Some(now() - HOUR * 168), now()));
    assert!(!wants_whole(Some(whole_failed(now())), now() + HOUR * 23));
    assert!(wants_whole(Some(whole_failed(now())), now() + HOUR * 24));
}

fn some_wishes() -> impl Strategy<Value = Wishes> {
    (any::<Option<u32>>(), any::<u32>(), any::<u8>())
        .prop_map(|(minutes, skip_hours, skip_days)| Wishes { minutes, skip_hours, skip_days })
}

proptest! {
    #[test]
    fn no_answer_comes_too_soon_or_starves_a_feed(
        (interval, set, adapt, own) in (15_i64..50_000, any::<bool>(), any::<bool>(), any::<bool>()),
        (fresh, pace) in (any::<Option<u32>>(), any::<Option<u32>>()),
        (has_validators, wishes) in (any::<bool>(), some_wishes()),
        (phase, jitter) in (any::<u64>(), any::<u64>()),
        on_cron in any::<bool>(),
    ) {
        let cron = on_cron.then(|| cron("*/7 * * * *", chrono_tz::Europe::Berlin));
        let interval = TimeDelta::minutes(interval);
        let rhythm = Rhythm { interval, is_set: set, adapt, own, cron, ..rhythm() };
        let seconds = |count: Option<u32>| count.map(|count| TimeDelta::seconds(count.into()));
        let answer =
            Answer { fresh_for: seconds(fresh), has_validators, wishes, pace: seconds(pace) };
        let spread =
            Spread { phase: Jitter::from_random(phase), jitter: Jitter::from_random(jitter) };
        let next = after_answer(&rhythm, &answer, spread, now());
        let wait = next.at - now();
        prop_assert!(wait >= rhythm.shortest());
        if !adapt && !on_cron {
            prop_assert!(wait >= interval);
        }
        prop_assert!(wait >= std::cmp::min(answer.fresh_for.unwrap_or_default(), HINT_MAX));
        let longest = std::cmp::max(interval, HINT_MAX) + TimeDelta::hours(1 + 72);
        prop_assert!(wait <= longest, "{next:?}");
        prop_assert!(next.at <= rhythm.latest(now()));
        if !wants_pace(&rhythm, wishes) {
            let unpaced = Answer { pace: None, ..answer };
            prop_assert_eq!(after_answer(&rhythm, &unpaced, spread, now()), next);
        }
    }
}
