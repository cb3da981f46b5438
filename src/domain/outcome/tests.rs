use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::domain::breaker::{Lane, X};

fn answered(status: u16, body: &str) -> Reply {
    Reply::Answered { status, retry_after: None, body: body.to_owned() }
}

fn on(lane: &Lane, doubtful_before: bool, status: u16, body: &str) -> Outcome {
    classify(
        &answered(status, body),
        &Sent { lane, doubtful_before, with_profile_key: false, with_media: false },
    )
}

fn on_x(status: u16, body: &str) -> Outcome {
    on(&Lane::new("main", X), false, status, body)
}

fn after_doubt(status: u16, body: &str) -> Outcome {
    on(&Lane::new("main", X), true, status, body)
}

/// An outcome in a few words: `posted 1288`, `dead 110`, `stop api_key all`, `unknown`, …
fn words(outcome: &Outcome) -> String {
    let code = |refusal: &Refusal| refusal.code.map_or(String::new(), |code| format!(" {code}"));
    match outcome {
        Outcome::Posted(receipt) => format!(
            "posted {} {}",
            receipt.ayrshare_id.as_deref().unwrap_or("-"),
            receipt.network_id.as_deref().unwrap_or("-")
        ),
        Outcome::Retry { refusal, .. } => format!("retry{}", code(refusal)),
        Outcome::Unsent(_) => "unsent".into(),
        Outcome::WithoutMedia(refusal) => format!("without media{}", code(refusal)),
        Outcome::Dead(refusal) => format!("dead{}", code(refusal)),
        Outcome::Stop { cause, scope, .. } => format!("stop {} {scope}", cause.word()),
        Outcome::Unknown { accepted_before: true, .. } => "unknown accepted".into(),
        Outcome::Unknown { accepted_before: false, .. } => "unknown".into(),
    }
}

fn message(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Posted(_) => "",
        Outcome::Unsent(refusal)
        | Outcome::WithoutMedia(refusal)
        | Outcome::Dead(refusal)
        | Outcome::Retry { refusal, .. }
        | Outcome::Stop { refusal, .. }
        | Outcome::Unknown { refusal, .. } => &refusal.message,
    }
}

/// Each row: HTTP status, body, expected words.
fn check(rows: &[(u16, &str, &str)], classify: impl Fn(u16, &str) -> Outcome) {
    assert!(!rows.is_empty());
    let wrong: Vec<String> = rows
        .iter()
        .filter_map(|(status, body, expected)| {
            let got = words(&classify(*status, body));
            (got != *expected).then(|| format!("{status} {body}\n  got {got}, want {expected}"))
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The rows of one part of `answers.txt`.
fn rows(title: &str) -> Vec<(u16, &'static str, &'static str)> {
    let (_, rest) =
        include_str!("answers.txt").split_once(&format!("## {title}\n")).expect("the part");
    rest.lines()
        .take_while(|line| !line.is_empty())
        .map(|line| {
            let (answer, expected) = line.rsplit_once(" => ").expect("a meaning");
            let (status, body) = answer.split_once(' ').unwrap_or((answer, ""));
            (status.parse().expect("a status"), body, expected)
        })
        .collect()
}

#[test]
fn success_needs_evidence_and_no_error() {
    check(&rows("Success needs evidence and no error"), on_x);
    assert_eq!(words(&on_x(200, " \n")), "unknown");
    let marked = "\u{feff}{\"status\":\"success\",\"id\":\"a\"}";
    assert_eq!(words(&on_x(200, marked)), "posted a -");
}

#[test]
fn errors_are_found_wherever_they_lie() {
    check(&rows("Errors are found wherever they lie"), on_x);
}

#[test]
fn statuses_and_texts_name_the_cause() {
    check(&rows("Statuses and texts name the cause"), on_x);
}

#[test]
fn of_several_errors_the_most_careful_counts() {
    check(&rows("Of several errors the most careful counts"), on_x);
}

#[test]
fn a_used_key_or_a_duplicate_after_doubt_proves_an_earlier_request() {
    let used = rows("A used key proves an earlier request");
    check(&used, on_x);
    check(&used, after_doubt);
    check(&rows("After doubt"), after_doubt);
}

/// X forbids single posts for reasons of its own; what Ayrshare itself forbids concerns them all.
#[test]
fn a_403_of_the_network_is_about_one_post() {
    let of_x = r#"{"status":"error","errors":[{"code":403,"platform":"twitter","message":"m"}]}"#;
    assert_eq!(words(&on_x(400, of_x)), "dead 403");
    let of_ayrshare = r#"{"status":"error","code":403,"message":"m"}"#;
    assert_eq!(words(&on_x(403, of_ayrshare)), "stop forbidden profile:main");
}

#[test]
fn a_401_with_a_profile_key_stops_that_profile_alone() {
    let lane = Lane::new("main", X);
    let sent = |with_profile_key| Sent {
        lane: &lane,
        doubtful_before: false,
        with_profile_key,
        with_media: false,
    };
    let refused = answered(401, r#"{"status":"error","message":"m"}"#);
    assert_eq!(words(&classify(&refused, &sent(true))), "stop api_key profile:main");
    assert_eq!(words(&classify(&refused, &sent(false))), "stop api_key all");
}

#[test]
fn every_code_has_its_meaning() {
    let nested = |status: u16, code: &str| {
        let at_top = format!(r#"{{"status":"error","code":{code},"message":"je ne sais quoi"}}"#);
        let inside = format!(
            r#"{{"status":"error","posts":[{{"status":"error","errors":[{{"code":{code},"platform":"twitter"}}]}}]}}"#
        );
        let outcome = on_x(status, &at_top);
        assert_eq!(words(&outcome), words(&on_x(status, &inside)), "{code}");
        outcome
    };
    check(
        &[
            (400, "101", "dead 101"),
            (400, "107", "dead 107"),
            (400, "108", "unknown"),
            (400, "110", "dead 110"),
            (400, "111", "dead 111"),
            (400, "132", "dead 132"),
            (400, "136", "dead 136"),
            (400, "137", "dead 137"),
            (400, "138", "dead 138"),
            (400, "156", "stop not_linked lane:main/twitter"),
            (400, "161", "stop relink lane:main/twitter"),
            (400, "169", "stop plan lane:main/twitter"),
            (403, "169", "stop plan lane:main/twitter"),
            (400, "272", "stop relink lane:main/twitter"),
            (400, "288", "unknown"),
            (400, "479", "retry 479"),
            (400, "419", "stop headers lane:main/twitter"),
            (400, "429", "stop rate_limit profile:main"),
            (429, "110", "stop rate_limit profile:main"),
            (400, "503", "unknown"),
            (400, "400", "dead 400"),
            (400, "146", "dead 146"),
            (400, "518", "dead 518"),
            (400, "99999", "dead 99999"),
        ],
        nested,
    );
    check(
        &[
            (400, r#"{"code":101,"retryAvailable":true}"#, "retry 101"),
            (400, r#"{"code":777,"retryAvailable":true}"#, "retry 777"),
            (400, r#"{"code":777,"retryAvailable":false}"#, "dead 777"),
            (400, r#"{"retryAvailable":true,"errors":["too bad"]}"#, "retry"),
            (
                400,
                r#"{"status":"error","retryAvailable":true,"errors":[{"code":777}]}"#,
                "retry 777",
            ),
            (400, r#"{"code":136,"retryAvailable":true}"#, "dead 136"),
            (400, r#"{"status":"error","message":"m","retryAvailable":"true"}"#, "retry"),
        ],
        on_x,
    );
}

#[test]
fn other_networks_have_their_own_errors() {
    let lane = Lane::new("a/b", "facebook");
    check(
        &[
            (400, r#"{"errors":[{"code":107,"platform":"facebook"}]}"#, "dead 107"),
            (
                400,
                r#"{"errors":[{"code":161,"platform":"facebook"}]}"#,
                "stop relink lane:a/b/facebook",
            ),
            (400, r#"{"errors":[{"code":110,"platform":"twitter"}]}"#, "unknown"),
            (400, r#"{"errors":[{"code":402,"platform":"facebook"}]}"#, "stop payment all"),
        ],
        |status, body| on(&lane, false, status, body),
    );
}

/// Only Ayrshare's definite word about the media, while nothing is in doubt, lets the text go alone.
#[test]
fn a_refusal_of_media_that_went_along_leaves_the_text() {
    let lane = Lane::new("main", X);
    let with = |with_media, doubtful_before, status, body: &str| {
        let sent = Sent { lane: &lane, doubtful_before, with_profile_key: false, with_media };
        words(&classify(&answered(status, body), &sent))
    };
    let refused = r#"{"status":"error","code":136,"message":"Media URLs invalid."}"#;
    assert_eq!(with(true, false, 400, refused), "without media 136");
    assert_eq!(with(false, false, 400, refused), "dead 136");
    assert_eq!(with(true, true, 400, refused), "unknown");
    assert_eq!(with(true, false, 500, refused), "unknown");
    assert_eq!(with(true, false, 429, refused), "stop rate_limit profile:main");
    let both = r#"{"status":"error","errors":[{"code":136,"platform":"twitter"},{"code":132,"platform":"twitter"}]}"#;
    assert_eq!(with(true, false, 400, both), "dead 132");
    let wrapped =
        r#"{"status":"error","code":400,"message":"Bad request","details":[{"code":136}]}"#;
    assert_eq!(with(true, false, 400, wrapped), "without media 136");
}

#[test]
fn what_never_left_and_what_was_lost() {
    let lane = Lane::new("main", X);
    let sent =
        Sent { lane: &lane, doubtful_before: false, with_profile_key: false, with_media: false };
    let why = "connection refused\nby 10.0.0.1".to_owned();
    let unsent = classify(&Reply::NotSent { why: why.clone() }, &sent);
    assert_eq!(words(&unsent), "unsent");
    assert_eq!(message(&unsent), "connection refused by 10.0.0.1");
    assert_eq!(words(&classify(&Reply::Lost { why }, &sent)), "unknown");
}

#[test]
fn the_wait_that_was_asked_for_is_passed_on() {
    let lane = Lane::new("main", X);
    let wait = Some(TimeDelta::seconds(30));
    let outcome = classify(
        &Reply::Answered { status: 429, retry_after: wait, body: String::new() },
        &Sent { lane: &lane, doubtful_before: false, with_profile_key: false, with_media: false },
    );
    assert!(matches!(outcome, Outcome::Stop { after, .. } if after == wait));
}

#[test]
fn messages_are_ayrshares_or_tell_what_arrived() {
    let told = |status, body: &str| message(&on_x(status, body)).to_owned();
    assert_eq!(
        told(400, r#"{"errors":[{"code":132,"message":" Please\n\tshorten\u0007 \u202eit "}]}"#),
        "Please shorten it"
    );
    assert_eq!(told(502, "<html>"), "HTTP 502 with an HTML page instead of JSON");
    assert_eq!(
        told(502, "<html><head><title>Bad\ngateway</title>"),
        "HTTP 502 with an HTML page instead of JSON: Bad gateway"
    );
    assert_eq!(told(503, ""), "HTTP 503 with an empty body");
    assert_eq!(told(200, "{\"st"), "HTTP 200 with broken JSON");
    assert_eq!(told(400, "{}"), "HTTP 400 without a message");
    assert_eq!(told(400, r#"{"code":132}"#), "HTTP 400 without a message (code 132)");
    assert_eq!(
        told(302, ""),
        "HTTP 302 with an empty body; the address redirects elsewhere: check `base_url` and the proxy"
    );
    let page = "the address is not Ayrshare's: check `base_url` and the proxy";
    let none = r#"{"code":404}"#;
    assert_eq!(told(404, none), format!("HTTP 404 without a message; {page}"));
    let two = r#"{"errors":[{"message":"one","details":"more"},{"message":"two"}]}"#;
    assert_eq!(told(404, two), format!("HTTP 404: one; {page}"));
    assert_eq!(told(429, two), "one");
    assert_eq!(told(500, two), "one");
    let dead = r#"{"errors":[{"code":138,"message":"one"},{"code":111,"message":"two"}]}"#;
    assert_eq!(told(429, dead), "one");
    assert_eq!(told(400, r#"{"errors":["too bad"]}"#), "too bad");
    assert_eq!(told(200, r#"{"status":"error"}"#), "the answer reports an error without a reason");
    let long = format!(r#"{{"message":"{}"}}"#, "é ".repeat(100_000));
    assert_eq!(told(400, &long).chars().count(), 500);
    assert_eq!(told(500, &"x".repeat(1_048_576)).chars().count(), 499);
}

#[test]
fn of_endless_errors_the_first_64_are_read() {
    let errors = |known| vec![r#"{"code":777}"#; known].join(",");
    let told = |known| format!(r#"{{"errors":[{},{{"code":156}}]}}"#, errors(known));
    assert_eq!(words(&on_x(400, &told(63))), "stop not_linked lane:main/twitter");
    assert_eq!(words(&on_x(400, &told(64))), "dead 777");
}

#[test]
fn refusals_of_single_posts_are_familiar() {
    let familiar = |status, body: &str| {
        let outcome = on_x(status, body);
        let Outcome::Dead(refusal) = &outcome else {
            panic!("{outcome:?}");
        };
        refusal.is_familiar()
    };
    for code in [107, 110, 111, 132, 136, 137, 138] {
        assert!(familiar(400, &format!(r#"{{"code":{code}}}"#)));
    }
    assert!(familiar(403, r#"{"detail":"no duplicate content","status":403}"#));
    assert!(!familiar(400, r#"{"code":777}"#));
    assert!(!familiar(400, ""));
}

/// Arbitrary JSON out of the words that answers are made of.
pub(in crate::domain) fn any_json() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        Just("success".to_owned()),
        Just("error".to_owned()),
        Just("pending".to_owned()),
        Just("twitter".to_owned()),
        Just("the reference".to_owned()),
        Just("idempotency".to_owned()),
        "\\PC{0,8}",
        "[\\x00-\\x20\u{80}-\u{9f}]{0,4}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (100_i64..600).prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    let key = proptest::sample::select(vec![
        "status",
        "errors",
        "error",
        "details",
        "posts",
        "postIds",
        "id",
        "code",
        "message",
        "platform",
        "action",
        "retryAvailable",
        "history",
        "notes",
        "created",
        "count",
        "utc",
        "_seconds",
        "postUrl",
        "twitter",
        "activeSocialAccounts",
        "displayNames",
        "username",
        "email",
    ]);
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map(key.clone().prop_map(str::to_owned), inner, 0..8)
                .prop_map(|map| json!(map)),
        ]
    })
}

/// Arbitrary bodies: bytes, and JSON.
pub(in crate::domain) fn any_body() -> impl Strategy<Value = String> {
    prop_oneof![
        1 => proptest::collection::vec(any::<u8>(), 0..200)
            .prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        3 => any_json().prop_map(|value| value.to_string()),
    ]
}

pub(in crate::domain) fn is_for_a_person(message: &str) -> bool {
    message.chars().count() <= 500 && !message.chars().any(char::is_control)
}

proptest! {
    #[test]
    fn every_answer_has_one_careful_meaning(
        status in prop_oneof![any::<u16>(), 200_u16..204, 400_u16..505],
        body in any_body(),
        doubtful: bool,
    ) {
        let outcome = on(&Lane::new("main", X), doubtful, status, &body);
        prop_assert!(is_for_a_person(message(&outcome)));
        let good = (200..300).contains(&status);
        match &outcome {
            Outcome::Posted(_) => prop_assert!(good),
            Outcome::Unknown { refusal, .. } => prop_assert!(!refusal.message.is_empty()),
            Outcome::Dead(refusal) => {
                prop_assert!(!(500..600).contains(&status));
                prop_assert!(!refusal.message.is_empty());
            }
            Outcome::Retry { refusal, .. } | Outcome::Stop { refusal, .. } => {
                prop_assert!(status < 500);
                prop_assert!(!refusal.message.is_empty());
            }
            Outcome::WithoutMedia(_) => prop_assert!(false, "there were none"),
            Outcome::Unsent(_) => prop_assert!(false, "an answer came"),
        }
        if doubtful && let Outcome::Dead(refusal) = &outcome {
            prop_assert!(matches!(refusal.code, Some(111 | 132)));
        }
    }

    #[test]
    fn lines_are_for_a_person(text in "(?s).{0,700}") {
        prop_assert!(is_for_a_person(&one_line(&text)));
    }
}
