//! What a client sees of the past.

use chrono::TimeDelta;

use super::*;
use crate::sandbox::Trap;

/// The texts that a history holds, newest first.
fn texts(got: &Got) -> Vec<&str> {
    let items = got.body["history"].as_array().into_iter().flatten();
    items.filter_map(|item| item["post"].as_str()).collect()
}

#[tokio::test]
async fn an_empty_history_is_an_error() {
    let world = World::new().await;
    let got = world.get("/history?limit=25&platforms=twitter&lastDays=1").await;
    assert_eq!(got.status, 400);
    insta::assert_snapshot!(pretty(&got.body), @r#"
    {
      "history": {
        "code": 221,
        "message": "No history found.",
        "status": "error"
      }
    }
    "#);
}

#[tokio::test]
async fn a_post_comes_back_with_its_notes_after_the_lag() {
    let world = World::new().await;
    world.sandbox.change(|settings| settings.history_lag_seconds = 30);
    world.post(&tweet("one")).await;
    world.clock.advance(TimeDelta::seconds(29));
    assert_eq!(world.get("/history").await.status, 400);
    world.clock.advance(TimeDelta::seconds(1));
    let got = world.get("/history").await;
    assert_eq!(got.status, 200);
    insta::assert_snapshot!(pretty(&got.body), @r#"
    {
      "count": 1,
      "history": [
        {
          "created": "2026-11-02T08:00:00Z",
          "errors": [],
          "id": "sbx06ae8430000000001",
          "mediaUrls": [],
          "notes": "ref:one",
          "platforms": [
            "twitter"
          ],
          "post": "one",
          "postIds": [
            {
              "id": "2117164808401846273",
              "platform": "twitter",
              "postUrl": "https://twitter.com/sandbox/status/2117164808401846273",
              "status": "success"
            }
          ],
          "profileTitle": "primary",
          "refId": "5b7072696d617279",
          "scheduleDate": "2026-11-02T08:00:00Z",
          "shortenLinks": false,
          "status": "success",
          "type": "now",
          "urls": []
        }
      ],
      "lastUpdated": "2026-11-02T08:00:30Z",
      "nextUpdate": "2026-11-02T08:00:30Z"
    }
    "#);
}

#[tokio::test]
async fn platforms_are_read_in_all_three_spellings() {
    let world = World::new().await;
    for platform in ["twitter", "linkedin", "telegram"] {
        world.post(&json!({"post": platform, "platforms": [platform]})).await;
    }
    for query in [
        "platforms[0]=twitter&platforms[1]=telegram",
        "platforms%5B0%5D=twitter&platforms%5B1%5D=telegram",
        "platforms[]=twitter&platforms[]=telegram",
        "platforms=twitter,telegram",
        "platforms=twitter&platforms=telegram",
    ] {
        let got = world.get(&format!("/history?{query}")).await;
        assert_eq!(texts(&got), ["telegram", "twitter"], "{query}");
    }
    assert_eq!(world.get("/history?platforms=reddit").await.body["history"]["code"], 221);
}

#[tokio::test]
async fn dates_states_and_limits_narrow_it() {
    let world = World::new().await;
    for text in ["one", "two", "three"] {
        world.post(&tweet(text)).await;
        world.clock.advance(TimeDelta::days(10));
    }
    world.sandbox.add_fault("272").unwrap();
    world.post(&tweet("four")).await;
    for (query, expected) in [
        ("", vec!["four", "three", "two", "one"]),
        ("limit=2", vec!["four", "three"]),
        ("lastDays=15", vec!["four", "three"]),
        ("lastDays=0&status=success", vec!["three", "two", "one"]),
        ("status=error", vec!["four"]),
        ("type=immediate&limit=1", vec!["four"]),
        (
            "startDate=2026-11-12T08:00:00Z&endDate=2026-11-22T08:00:00Z&lastDays=1",
            vec!["three", "two"],
        ),
        ("endDate=2026-11-12T08:00:00Z", vec!["two", "one"]),
    ] {
        assert_eq!(texts(&world.get(&format!("/history?{query}")).await), expected, "{query}");
    }
    for query in ["type=scheduled", "status=deleted"] {
        assert_eq!(world.get(&format!("/history?{query}")).await.body["history"]["code"], 221);
    }
    for query in
        ["limit=0", "limit=1001", "limit=a", "lastDays=-1", "status=x", "type=x", "startDate=x"]
    {
        assert_eq!(world.get(&format!("/history?{query}")).await.body["code"], 400, "{query}");
    }
}

#[tokio::test]
async fn more_than_25_results_are_up_to_a_minute_old() {
    let world = World::new().await;
    assert_eq!(world.get("/history?limit=26").await.status, 400);
    world.post(&tweet("one")).await;
    assert_eq!(world.get("/history?limit=26").await.status, 400, "cached");
    assert_eq!(world.get("/history?limit=25").await.status, 200);
    world.clock.advance(TimeDelta::minutes(1));
    assert_eq!(world.get("/history?limit=26").await.status, 200);
}

#[tokio::test]
async fn a_profile_sees_its_own_posts_alone() {
    let world = World::new().await;
    let id = world.post(&tweet("one")).await.body["id"].clone();
    let id = id.as_str().unwrap();
    let acme = |path: &str| world.keyed(Method::GET, path).header("Profile-Key", ACME_KEY);
    assert_eq!(got(acme("/history")).await.status, 400);
    let unknown = got(acme(&format!("/post/{id}"))).await;
    assert_eq!((unknown.status, &unknown.body["code"]), (404, &json!(114)));
    let own = world.get(&format!("/post/{id}")).await;
    assert_eq!((own.status, &own.body["post"]), (200, &json!("one")));
    assert_eq!(world.get(&format!("/history/{id}")).await.body["notes"], "ref:one");
}

#[tokio::test]
async fn a_deleted_post_shows_only_when_asked_for() {
    let world = World::new().await;
    let id = world.post(&tweet("one")).await.body["id"].clone();
    let delete = async |body: Value| got(world.keyed(Method::DELETE, "/post").json(&body)).await;
    let deleted = delete(json!({"id": id})).await;
    assert_eq!((deleted.status, &deleted.body["twitter"]["action"]), (200, &json!("delete")));
    assert_eq!(delete(json!({"bulk": [id]})).await.body["code"], 383);
    assert_eq!(delete(json!({"id": "unknown"})).await.body["code"], 114);
    assert_eq!(delete(json!({})).await.status, 400);
    assert_eq!(world.get("/history").await.body["history"]["code"], 221);
    assert_eq!(texts(&world.get("/history?status=deleted").await), ["one"]);
    assert_eq!(world.published(), 1, "the books do not forget it");
}

#[tokio::test]
async fn history_can_be_sparse_and_its_dates_objects() {
    let world = World::new().await;
    world.post(&tweet("one")).await;
    world.sandbox.change(|settings| settings.traps = [Trap::DateObjects].into());
    let item = world.get("/history").await.body["history"][0].clone();
    assert_eq!(item["scheduleDate"]["utc"], "2026-11-02T08:00:00Z");
    world.sandbox.change(|settings| settings.traps = [Trap::SparseHistory].into());
    let got = world.get("/history").await;
    insta::assert_snapshot!(pretty(&got.body), @r#"
    {
      "count": 1,
      "history": [
        {
          "created": "2026-11-02T08:00:00Z",
          "id": "sbx06ae8430000000001",
          "notes": "ref:one",
          "platforms": [
            "twitter"
          ],
          "post": "one",
          "status": "success",
          "type": "now"
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn its_faults_hide_or_misstate_what_was_published() {
    let world = World::new().await;
    world.post(&tweet("one")).await;
    let ask = async |fault: &str| {
        world.sandbox.add_fault(fault).unwrap();
        let met = world.get("/history").await;
        assert_eq!(texts(&world.get("/history").await), ["one"], "{fault} is over");
        met
    };
    assert_eq!(ask("history-lag@5").await.body["history"]["code"], 221);
    assert_eq!(ask("history-empty").await.body["history"]["code"], 221);
    let failed = ask("history-500").await;
    assert_eq!((failed.status, failed.body.is_string()), (500, true));
    let error = ask("history-error").await.body["history"][0].clone();
    assert_eq!((&error["status"], &error["postIds"]), (&json!("error"), &json!([])));
    let pending = ask("history-pending").await.body["history"][0].clone();
    assert_eq!((&pending["status"], &pending["postIds"]), (&json!("processing"), &json!([])));
    world.sandbox.add_fault("history-lost,platform=linkedin").unwrap();
    assert_eq!(world.get("/history?platforms=twitter").await.status, 200);
    assert!(world.keyed(Method::GET, "/history").send().await.is_err());
}
