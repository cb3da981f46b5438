use proptest::prelude::*;
use serde_json::json;

use super::super::breaker::X;
use super::super::outcome::tests::{any_body, is_for_a_person};
use super::*;

const REFERENCE: &str = "the reference";

fn answered(status: u16, body: &str) -> Reply {
    Reply::Answered { status, retry_after: None, body: body.to_owned() }
}

fn sent_at() -> DateTime<Utc> {
    instant(&json!("2026-11-01T12:00:00Z")).expect("a date")
}

/// What is found, in a few words.
fn look(status: u16, body: &str) -> String {
    match in_history(&answered(status, body), REFERENCE, (X, HISTORY_PAGE), sent_at()) {
        Found::Published(receipt) => format!(
            "published {} {}",
            receipt.ayrshare_id.as_deref().unwrap_or("-"),
            receipt.network_id.as_deref().unwrap_or("-")
        ),
        Found::Failed(refusal) => format!("failed {}", refusal.message),
        Found::Pending => "pending".into(),
        Found::Absent => "absent".into(),
        Found::NoAnswer(why) => format!("no answer: {why}"),
    }
}

fn item(value: &Value) -> String {
    let mut item = json!({"id": "a", "notes": REFERENCE, "platforms": ["twitter"],
        "post": "p", "created": "2026-11-01T12:00:01Z", "type": "now"});
    let (Some(item), Some(more)) = (item.as_object_mut(), value.as_object()) else {
        panic!("objects");
    };
    item.extend(more.clone());
    json!({ "history": [{"id": "z", "notes": "other", "status": "success"}, item], "count": 2 })
        .to_string()
}

#[test]
fn an_item_with_our_reference_tells_what_became_of_it() {
    let ids = json!([{"status": "success", "id": "1", "platform": "twitter"}]);
    let error = json!([{"code": 132, "message": "too long", "platform": "twitter"}]);
    for (value, expected) in [
        (json!({"status": "success", "errors": [], "postIds": ids}), "published a 1"),
        (
            json!({"status": "success", "notes": " the reference\n", "postIds": ids}),
            "published a 1",
        ),
        (json!({"status": "success"}), "published a -"),
        (json!({"status": "deleted", "postIds": ids}), "published a 1"),
        (json!({"status": "error", "errors": error, "postIds": []}), "failed too long"),
        (json!({"status": "error", "errors": error, "postIds": ids}), "published a 1"),
        (
            json!({"status": "error"}),
            "failed the history lists the post as failed, without a reason",
        ),
        (json!({"postIds": ids}), "published a 1"),
        (json!({"status": "pending"}), "pending"),
        (json!({"status": "processing"}), "pending"),
        (json!({"status": "awaiting approval"}), "pending"),
        (json!({"status": "scheduled"}), "pending"),
        (json!({"status": "Paused"}), "pending"),
        (
            json!({"status": "eaten"}),
            "no answer: the history lists the post with the status \"eaten\"",
        ),
        (
            json!({"status": "success", "errors": error}),
            "no answer: the history lists the post as published, with an error of the network",
        ),
        (
            json!({"status": "error", "errors": [{"code": 110, "message": "twice"}]}),
            "no answer: the history lists the post as failed, but it may be a duplicate of itself: twice",
        ),
        (
            json!({"status": "error", "errors": [{"code": 288, "message": "m"}]}),
            "no answer: the history lists the post as failed, but the network may have it all the same: m",
        ),
        (
            json!({"status": "error", "errors": [{"code": 156, "platform": "facebook"}]}),
            "no answer: the history tells of other networks only",
        ),
        (json!({"status": "success", "notes": "the reference:g2"}), "absent"),
        (json!({"status": "success", "notes": null}), "absent"),
    ] {
        assert_eq!(look(200, &item(&value)), expected, "{value}");
    }
}

#[test]
fn of_several_items_the_best_news_counts() {
    let list = |statuses: &[&str]| {
        let items: Vec<Value> = statuses
            .iter()
            .map(|status| json!({"id": status, "notes": REFERENCE, "status": status}))
            .collect();
        json!(items).to_string()
    };
    assert_eq!(look(200, &list(&["error", "pending", "success"])), "published success -");
    assert_eq!(look(200, &list(&["error", "pending"])), "pending");
    assert!(look(200, &list(&["error", "odd"])).starts_with("no answer"));
    assert!(look(200, &list(&["error"])).starts_with("failed"));
}

#[test]
fn absence_is_proven_or_not_said() {
    for (status, body) in [
        (400, r#"{"history":{"status":"error","code":221,"message":"none"}}"#),
        (400, r#"{"history":{"status":"error","code":"221"}}"#),
        (200, r#"{"history":{"status":"error","code":221}}"#),
        (400, r#"{"status":"error","code":221,"message":"none"}"#),
        (400, r#"{"status":"error","errors":[{"code":221}]}"#),
        (200, r#"{"history":[]}"#),
        (200, r#"{"history":[],"count":0,"status":"success"}"#),
        (200, "[]"),
        (200, r#"[{"id":"a","status":"success"}]"#),
    ] {
        assert_eq!(look(status, body), "absent", "{status} {body}");
    }
    for (status, body) in [
        (200, ""),
        (200, "{}"),
        (200, "null"),
        (200, "<html>"),
        (200, r#"{"history":["#),
        (200, r#"{"history":null}"#),
        (200, r#"{"history":{}}"#),
        (200, r#"{"history":["a"]}"#),
        (200, r#"{"history":{"status":"error","code":222,"message":"m"}}"#),
        (200, r#"{"status":"error","message":"m","history":[]}"#),
        (200, r#"{"history":[],"count":3}"#),
        (204, ""),
        (400, r#"{"history":[]}"#),
        (400, r#"{"code":221,"errors":[{"code":777}]}"#),
        (401, r#"{"history":{"code":221}}"#),
        (404, "<html>"),
        (429, "[]"),
        (500, r#"{"history":{"code":221}}"#),
        (503, r#"{"history":[]}"#),
        (302, "[]"),
    ] {
        let found = look(status, body);
        assert!(found.starts_with("no answer: "), "{status} {body}: {found}");
    }
    assert_eq!(look(401, r#"{"message":"bad key"}"#), "no answer: HTTP 401: bad key");
    let lost = Reply::Lost { why: "reset".into() };
    assert_eq!(
        in_history(&lost, REFERENCE, (X, HISTORY_PAGE), sent_at()),
        Found::NoAnswer("reset".into())
    );
    let found = in_history(&answered(200, r#"[{"notes":""}]"#), " ", (X, HISTORY_PAGE), sent_at());
    assert!(matches!(found, Found::NoAnswer(_)));
}

#[test]
fn a_full_page_proves_absence_only_if_it_reaches_back() {
    let page = |oldest: &Value| {
        let items: Vec<Value> = (0..25)
            .map(|n| match n {
                24 => json!({"id": "o", "status": "success", "created": oldest}),
                _ => json!({"id": "n", "status": "success", "created": "2026-11-01T12:30:00Z"}),
            })
            .collect();
        look(200, &json!({ "history": items }).to_string())
    };
    let young = "no answer: the history shows only the newest 25 posts, all younger than this one";
    assert_eq!(page(&json!("2026-11-01T12:10:00Z")), young);
    assert_eq!(page(&json!("2026-11-01T11:58:00Z")), young, "clocks may differ");
    assert_eq!(page(&json!("yesterday")), young);
    assert_eq!(page(&json!(null)), young);
    for created in [
        json!("2026-11-01T11:00:00Z"),
        json!("2026-11-01T12:00:00+01:00"),
        json!("2026-11-01T11:00:00.123"),
        json!("2026-11-01 11:00:00"),
        json!("Sun, 01 Nov 2026 11:00:00 GMT"),
        json!({"_seconds": 1_793_530_800, "_nanoseconds": 5}),
        json!({"_seconds": 1, "utc": "2026-11-01T11:00:00Z"}),
    ] {
        assert_eq!(page(&created), "absent", "{created}");
    }
}

#[test]
fn the_user_tells_key_link_and_name() {
    let ask = |status, body: &str| about_user(&answered(status, body), X);
    let linked = |name: Option<&str>| UserAnswer::Linked { username: name.map(str::to_owned) };
    assert_eq!(
        ask(
            200,
            r#"{"activeSocialAccounts":["facebook","twitter"],"displayNames":[{"platform":"facebook","username":"f"},{"platform":"twitter","id":"1","username":"handle","displayName":"H"}],"refId":"r"}"#
        ),
        linked(Some("handle"))
    );
    assert_eq!(ask(200, r#"{"activeSocialAccounts":["twitter"]}"#), linked(None));
    assert_eq!(
        ask(200, r#"{"email":"e","displayNames":[{"platform":"twitter","displayName":"H"}]}"#),
        linked(Some("H"))
    );
    assert_eq!(ask(200, r#"{"activeSocialAccounts":["facebook"]}"#), UserAnswer::NotLinked);
    assert_eq!(ask(200, r#"{"activeSocialAccounts":[]}"#), UserAnswer::NotLinked);
    assert_eq!(ask(200, r#"{"refId":"r","created":"c"}"#), UserAnswer::NotLinked);
    assert_eq!(
        ask(
            200,
            r#"{"refId":"r","title":"the suspended account of a user","activeSocialAccounts":[]}"#
        ),
        UserAnswer::NotLinked
    );
}

#[test]
fn a_user_answer_that_refuses_or_tells_nothing() {
    let ask = |status, body: &str| about_user(&answered(status, body), X);
    for (status, body) in [(401, ""), (401, "<html>"), (403, r#"{"message":"API Key not valid"}"#)]
    {
        assert!(matches!(ask(status, body), UserAnswer::KeyRefused(_)), "{status} {body}");
    }
    assert!(matches!(
        ask(403, r#"{"status":"error","message":"Profile suspended"}"#),
        UserAnswer::Suspended(refusal) if refusal.message == "Profile suspended"
    ));
    for (status, body) in [
        (200, ""),
        (200, "{}"),
        (200, "[]"),
        (200, "<html>"),
        (200, r#"{"activeSocialAccounts":"twitter"}"#),
        (200, r#"{"status":"error","message":"m"}"#),
        (302, ""),
        (403, ""),
        (404, r#"{"message":"no"}"#),
        (429, ""),
        (500, r#"{"activeSocialAccounts":["twitter"]}"#),
        (503, "<html>"),
    ] {
        assert!(matches!(ask(status, body), UserAnswer::NoAnswer(_)), "{status} {body}");
    }
    let never = Reply::NotSent { why: "dns".into() };
    assert_eq!(about_user(&never, X), UserAnswer::NoAnswer("dns".into()));
}

/// After a restore a post may be out under a later key than the one that we know.
#[test]
fn a_post_that_may_have_got_further_is_found_under_its_later_keys_only() {
    let found = |notes: &str| {
        let body = json!({ "history": [{"id": "a", "notes": notes, "status": "success",
            "platforms": ["twitter"], "created": "2026-11-01T12:00:01Z"}] });
        let reply = answered(200, &body.to_string());
        in_history_from(&reply, ("u-1", 2), (X, HISTORY_PAGE), sent_at())
    };
    for notes in ["tidings:u-1:2", "tidings:u-1:3", " tidings:u-1:12 "] {
        assert!(matches!(found(notes), Found::Published(_)), "{notes}");
    }
    for notes in ["tidings:u-1:1", "tidings:u-12:2", "tidings:u-1:", "tidings:u-1:2x", "u-1:2"] {
        assert_eq!(found(notes), Found::Absent, "{notes}");
    }
}

proptest! {
    #[test]
    fn any_answer_can_be_looked_at(
        status in prop_oneof![any::<u16>(), Just(200), Just(400)],
        body in any_body(),
        listed: bool,
    ) {
        let body = if listed { format!(r#"{{"history":[{body}]}}"#) } else { body };
        let reply = answered(status, &body);
        let found = in_history(&reply, REFERENCE, (X, HISTORY_PAGE), sent_at());
        match &found {
            Found::Published(_) | Found::Failed(_) | Found::Pending => {
                prop_assert!((200..300).contains(&status));
            }
            Found::Absent => prop_assert!(status < 500),
            Found::NoAnswer(why) => prop_assert!(is_for_a_person(why) && !why.is_empty()),
        }
        if let Found::Failed(refusal) = &found {
            prop_assert!(is_for_a_person(&refusal.message));
        }
        match about_user(&reply, X) {
            UserAnswer::Linked { .. } | UserAnswer::NotLinked => {
                prop_assert!((200..300).contains(&status));
            }
            UserAnswer::KeyRefused(refusal) | UserAnswer::Suspended(refusal) => {
                prop_assert!(is_for_a_person(&refusal.message));
            }
            UserAnswer::NoAnswer(why) => prop_assert!(is_for_a_person(&why)),
        }
    }
}
