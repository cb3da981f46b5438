//! Every fault of a post: what the client is told, and what is true.

use std::collections::BTreeSet;
use std::error::Error as _;
use std::io::ErrorKind;

use chrono::TimeDelta;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::sandbox::{Fault, Target};

/// What a client is told.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    /// Nothing: the connection is gone.
    Gone,
    /// A status and the start of a body that never ends.
    Half(u16),
    /// An answer with the code that lies at the top or in `errors[]`.
    Code(u16, i64),
    /// An answer without a code.
    Text(u16, &'static str),
}

const PUBLISHED: usize = 1;
const NOT: usize = 0;

/// Each fault that is answered at once, what it tells and whether the post is published.
fn table() -> Vec<(&'static str, Told, usize)> {
    use Told::{Code, Gone, Half, Text};
    vec![
        ("lost-answer", Gone, PUBLISHED),
        ("lost-refusal", Gone, NOT),
        ("broken-answer", Half(200), PUBLISHED),
        ("500-after", Text(500, "<html>"), PUBLISHED),
        ("504-after", Text(504, "<html>"), PUBLISHED),
        ("empty-200", Text(200, ""), PUBLISHED),
        ("garbage", Text(200, "{\"status\":\"success\""), PUBLISHED),
        ("reset-before", Gone, NOT),
        ("500-before", Code(500, 500), NOT),
        ("502-html", Text(502, "<html>"), NOT),
        ("503", Code(503, 503), NOT),
        ("empty-200-before", Text(200, ""), NOT),
        ("401", Code(401, 401), NOT),
        ("402", Code(402, 402), NOT),
        ("402-nested", Code(400, 402), NOT),
        ("402-limit", Code(402, 402), NOT),
        ("402-limit-nested", Code(400, 402), NOT),
        ("402-ayrshare", Code(402, 402), NOT),
        ("403-permission", Code(403, 403), NOT),
        ("403-permission-nested", Code(400, 403), NOT),
        ("403-suspended", Code(403, 403), NOT),
        ("403-callback", Code(403, 403), NOT),
        ("401-x", Code(400, 401), NOT),
        ("419", Code(419, 419), NOT),
        ("400-header", Code(400, 400), NOT),
        ("101-retryable", Code(400, 101), NOT),
        ("101", Code(400, 101), NOT),
        ("110", Code(400, 110), NOT),
        ("111", Code(400, 111), NOT),
        ("132", Code(400, 132), NOT),
        ("136", Code(400, 136), NOT),
        ("137", Code(400, 137), NOT),
        ("156", Code(400, 156), NOT),
        ("169", Code(400, 169), NOT),
        ("272", Code(400, 272), NOT),
        ("unknown-code", Code(400, 987), NOT),
        ("429", Code(429, 429), NOT),
        ("429-retry-after@90", Code(429, 429), NOT),
        ("key-reused", Text(400, "{\"action\":\"post\""), NOT),
        ("key-forgotten", Text(200, "{\"errors\":[]"), PUBLISHED),
    ]
}

/// Posts, and says whether what came back is what was expected.
async fn check(world: &World, expected: &Told) {
    let sent = world.posting(&tweet("one")).send().await;
    match (expected, sent) {
        (Told::Gone, Err(error)) => assert!(error.is_request() && error.source().is_some()),
        (Told::Half(status), Ok(answer)) => {
            assert_eq!(answer.status(), *status);
            assert!(answer.content_length().expect("a length") > 100);
            assert!(answer.text().await.is_err());
        }
        (Told::Code(status, code), Ok(answer)) => {
            assert_eq!(answer.status(), *status);
            let body: Value = answer.json().await.unwrap();
            let nested = &body["errors"][0]["code"];
            let found = body["code"].as_i64().or(nested.as_i64());
            assert_eq!(found, Some(*code), "{body}");
        }
        (Told::Text(status, start), Ok(answer)) => {
            assert_eq!(answer.status(), *status);
            let text = answer.text().await.unwrap();
            assert!(text.starts_with(start), "{text}");
            assert_eq!(text.is_empty(), start.is_empty());
        }
        (Told::Gone | Told::Half(_) | Told::Code(..) | Told::Text(..), other) => {
            panic!("expected {expected:?}, got {other:?}")
        }
    }
}

#[tokio::test]
async fn each_fault_tells_what_it_says_and_publishes_or_not() {
    let mut met = BTreeSet::from([Fault::Slow, Fault::Hang, Fault::HangBefore]);
    for (fault, told, published) in table() {
        let world = World::new().await;
        world.sandbox.add_fault(fault).unwrap();
        met.insert(world.sandbox.faults()[0].fault);
        check(&world, &told).await;
        assert_eq!(world.published(), published, "{fault}");
        assert!(world.sandbox.faults().is_empty(), "{fault} is used up");
        let books = world.sandbox.books();
        let seen = books.requests().next().expect("it is in the books");
        assert_eq!(seen.fault, fault.split('@').next());
        assert_eq!(seen.idempotency_key.as_deref(), Some("key:one"));
    }
    let all = Fault::ALL.iter().copied();
    let of_posts: BTreeSet<Fault> = all.filter(|fault| fault.target() == Target::Post).collect();
    assert_eq!(met, of_posts, "every fault is tested");
}

#[tokio::test]
async fn connections_break_at_the_socket() {
    let world = World::new().await;
    let body = tweet("one").to_string();
    let request = format!(
        "POST /api/post HTTP/1.1\r\nHost: sandbox\r\nAuthorization: Bearer {API_KEY}\r\nX-Twitter-OAuth1-Api-Key: {X_KEY}\r\nX-Twitter-OAuth1-Api-Secret: {X_SECRET}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let ask = async |fault: &str| {
        world.sandbox.add_fault(fault).unwrap();
        let mut stream = TcpStream::connect(world.sandbox.address()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let read = stream.read_to_string(&mut answer).await;
        read.map(|_length| answer).map_err(|error| error.kind())
    };
    assert_eq!(ask("reset-before").await, Err(ErrorKind::ConnectionReset));
    assert_eq!(ask("lost-answer").await, Ok(String::new()));
    world.sandbox.change(|settings| settings.keys_checked = false);
    let half = ask("broken-answer").await.expect("a part of an answer");
    let (head, rest) = half.split_once("\r\n\r\n").expect("all of the headers");
    let promised = head.split_once("content-length: ").expect("a length").1;
    assert_eq!(promised.parse::<usize>().unwrap() / 2, rest.len());
}

#[tokio::test]
async fn a_lost_refusal_is_an_error_in_the_history() {
    let world = World::new().await;
    world.sandbox.add_fault("lost-refusal").unwrap();
    assert!(world.posting(&tweet("one")).send().await.is_err());
    let item = world.get("/history").await.body["history"][0].clone();
    assert_eq!((&item["status"], &item["notes"]), (&json!("error"), &json!("ref:one")));
    assert_eq!(item["errors"][0]["code"], 101);
}

#[tokio::test]
async fn credit_and_permission_come_with_the_contracts_words() {
    let world = World::new().await;
    for (fault, words) in [
        (
            "402",
            "CreditsDepleted: Your enrolled account does not have any credits to fulfill this request.",
        ),
        ("402-nested", "does not have any credits"),
        ("402-limit", "spending limit"),
        (
            "403-permission",
            "Your client app is not configured with the appropriate OAuth1 app permissions.",
        ),
        ("403-permission-nested", "OAuth1 app permissions"),
        ("403-suspended", "suspended"),
        ("101-retryable", "\"retryAvailable\": true"),
    ] {
        world.sandbox.add_fault(fault).unwrap();
        let body = pretty(&world.post(&tweet(fault)).await.body);
        assert!(body.contains(words), "{body}");
    }
    world.sandbox.add_fault("429-retry-after@90").unwrap();
    let answer = world.posting(&tweet("wait")).send().await.unwrap();
    assert_eq!(answer.headers()["retry-after"], "90");
}

#[tokio::test]
async fn a_slow_answer_waits_for_the_clock() {
    let world = World::new().await;
    world.sandbox.add_fault("slow@130").unwrap();
    let slow = tokio::spawn(world.posting(&tweet("one")).send());
    world.until(|books| books.published().count() == 1).await;
    world.clock.advance(TimeDelta::seconds(129));
    assert!(world.get("/user").await.status == 200 && !slow.is_finished());
    world.clock.advance(TimeDelta::seconds(1));
    assert_eq!(slow.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn hangs_end_when_they_are_released() {
    let world = World::new().await;
    world.sandbox.add_fault("hang").unwrap();
    let hanging = tokio::spawn(world.posting(&tweet("one")).send());
    world.until(|books| books.published().count() == 1).await;
    world.sandbox.add_fault("hang-before").unwrap();
    let lost = tokio::spawn(world.posting(&tweet("two")).send());
    world.until(|books| books.requests().filter(|seen| seen.fault.is_some()).count() == 2).await;
    assert!(!hanging.is_finished() && !lost.is_finished());
    world.sandbox.release();
    assert_eq!(hanging.await.unwrap().unwrap().status(), 200);
    assert!(lost.await.unwrap().is_err());
    assert_eq!(world.published(), 1);
}

#[tokio::test]
async fn a_client_that_leaves_a_hang_leaves_the_post_behind() {
    let world = World::new().await;
    world.sandbox.add_fault("hang").unwrap();
    let hanging = tokio::spawn(world.posting(&tweet("one")).send());
    world.until(|books| books.published().count() == 1).await;
    hanging.abort();
    assert_eq!(world.get("/history").await.body["history"][0]["notes"], "ref:one");
    let books = world.sandbox.books();
    assert_eq!(books.requests().next().expect("the first").answered, None);
}

#[tokio::test]
async fn a_fault_keeps_to_its_network_its_profile_and_its_turn() {
    let world = World::new().await;
    world.sandbox.add_fault("503:*,platform=linkedin").unwrap();
    world.sandbox.add_fault("401:1,profile=acme").unwrap();
    world.sandbox.add_fault("272:2,after=2,platform=twitter,profile=primary").unwrap();
    let mut statuses = Vec::new();
    for n in 0..5 {
        statuses.push(world.post(&tweet(&n.to_string())).await.status);
    }
    assert_eq!(statuses, [200, 200, 400, 400, 200]);
    for n in 0..3 {
        let body = json!({"post": n.to_string(), "platforms": ["linkedin"]});
        assert_eq!(world.post(&body).await.status, 503);
    }
    assert_eq!(world.post_as_acme(&tweet("a")).await.status, 401);
    assert_eq!(world.post_as_acme(&tweet("a")).await.status, 200);
    let both = json!({"post": "both", "platforms": ["twitter", "linkedin"]});
    world.sandbox.clear_faults();
    world.sandbox.add_fault("272,platform=twitter").unwrap();
    let got = world.post(&both).await;
    assert_eq!(got.body["errors"][0]["platform"], "twitter");
    assert_eq!(got.body["postIds"][0]["platform"], "linkedin");
}

#[tokio::test]
async fn a_forgotten_key_lets_a_double_through_and_the_books_show_it() {
    let world = World::new().await;
    world.sandbox.change(|settings| settings.duplicates = crate::sandbox::Duplicates::Off);
    world.post(&tweet("one")).await;
    world.sandbox.add_fault("key-forgotten").unwrap();
    assert_eq!(world.post(&tweet("one")).await.status, 200);
    let doubles = world.sandbox.books().doubles();
    assert_eq!(doubles.len(), 1);
    assert_eq!((doubles[0].value.as_str(), doubles[0].ids.len()), ("ref:one", 2));
}

#[tokio::test]
async fn a_stop_ends_even_what_hangs() {
    let world = World::new().await;
    world.sandbox.add_fault("hang").unwrap();
    let hanging = tokio::spawn(world.posting(&tweet("one")).send());
    world.until(|books| books.published().count() == 1).await;
    world.sandbox.shutdown().await;
    assert!(hanging.await.unwrap().is_err());
}
