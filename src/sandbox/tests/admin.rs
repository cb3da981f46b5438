//! The sandbox's own pages.

use super::*;

#[tokio::test]
async fn the_books_show_what_came_and_no_secret() {
    let world = World::new().await;
    let picture =
        json!({"post": "one", "platforms": ["twitter"], "mediaUrls": ["https://a.example/b.png"]});
    world.post_as_acme(&picture).await;
    let wrong = world.bare(Method::GET, "/user").bearer_auth("WRONG-SECRET-5");
    got(wrong).await;
    world.sandbox.add_fault("hang:2,platform=linkedin").unwrap();
    let mut books = world.own(Method::GET, "books", &Value::Null).await.body;
    let text = pretty(&books);
    assert!(!text.contains("SECRET"), "{text}");
    let refused = books["requests"][1].take();
    assert_eq!((&refused["bearer"], &refused["answered"]), (&json!("wrong"), &json!(401)));
    assert_eq!((&refused["xApiKey"], &refused["xPair"]), (&json!("absent"), &json!("incomplete")));
    assert_eq!(books["faults"].take(), json!(["hang:2,platform=linkedin"]));
    let settings = books["settings"].take();
    assert_eq!(settings, json!(crate::sandbox::Settings::default()));
    let published = books["posts"].take();
    assert_eq!(published[0]["mediaUrls"], picture["mediaUrls"]);
    insta::assert_snapshot!(pretty(&books), @r#"
    {
      "doubles": [],
      "faults": null,
      "posts": null,
      "published": 1,
      "requests": [
        {
          "answered": 200,
          "at": "2026-11-02T08:00:00Z",
          "bearer": "right",
          "fault": null,
          "idempotencyKey": null,
          "method": "POST",
          "n": 1,
          "notes": null,
          "path": "/api/post",
          "platforms": [
            "twitter"
          ],
          "profile": "acme",
          "profileKey": "known",
          "xApiKey": "present",
          "xApiSecret": "present",
          "xPair": "right"
        },
        null
      ],
      "requestsTotal": 2,
      "settings": null
    }
    "#);
}

#[tokio::test]
async fn faults_are_asked_for_listed_and_taken_away() {
    let world = World::new().await;
    let ask = async |body: Value| world.own(Method::POST, "faults", &body).await;
    assert_eq!(ask(json!({"fault": "lost-answer:1"})).await.status, 200);
    let listed = ask(json!(["slow@3:*", {"fault": "401"}])).await.body;
    assert_eq!(listed, json!({"faults": ["lost-answer:1", "slow@3:*", "401:1"]}));
    for body in [json!({"fault": "nothing"}), json!({}), json!(["hang", 3])] {
        assert_eq!(ask(body).await.status, 400);
    }
    assert_eq!(world.sandbox.faults().len(), 3, "a bad list adds nothing");
    let left = world.own(Method::DELETE, "faults", &Value::Null).await.body;
    assert_eq!(left, json!({"faults": []}));
    let many = json!(vec!["hang"; 10_001]);
    assert_eq!(ask(many).await.status, 400);
}

#[tokio::test]
async fn settings_change_one_by_one() {
    let world = World::new().await;
    let ask = async |body: Value| world.own(Method::POST, "settings", &body).await;
    assert_eq!(ask(json!({"historyLagSeconds": 30})).await.status, 200);
    let changes =
        json!({"duplicates": "off", "errorPlace": "posts-errors", "traps": ["numeric-ids"]});
    let all = ask(changes).await.body;
    insta::assert_snapshot!(pretty(&all), @r#"
    {
      "duplicates": "off",
      "errorPlace": "posts-errors",
      "historyLagSeconds": 30,
      "keysChecked": true,
      "premium": false,
      "rateLimitEnforced": false,
      "rateLimitMax": 300,
      "traps": [
        "numeric-ids"
      ]
    }
    "#);
    assert_eq!(ask(json!({"unknown": 1})).await.status, 400);
    assert_eq!(world.own(Method::GET, "settings", &Value::Null).await.body, all);
}

#[tokio::test]
async fn a_release_ends_a_hang() {
    let world = World::new().await;
    world.sandbox.add_fault("hang").unwrap();
    let hanging = tokio::spawn(world.posting(&tweet("one")).send());
    world.until(|books| books.published().count() == 1).await;
    assert_eq!(world.own(Method::POST, "release", &Value::Null).await.status, 200);
    assert_eq!(hanging.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn the_first_page_says_what_this_is() {
    let world = World::new().await;
    let got = world.own(Method::GET, "", &Value::Null).await;
    insta::assert_snapshot!(got.body.as_str().expect("plain text"), @r#"
    This is Tidings' sandbox: a simulated Ayrshare. Nothing that is posted here leaves it.

      /api                      what a client of Ayrshare uses as its base_url
      GET    /sandbox/books     what was truly published, and every request
      POST   /sandbox/faults    asks for faults: {"fault":"lost-answer:1"}, or a list
      DELETE /sandbox/faults    takes them away
      POST   /sandbox/release   ends all hangs
      POST   /sandbox/settings  changes settings: {"historyLagSeconds":30}

    A fault is NAME[@SECONDS][:COUNT][,platform=P][,profile=P][,after=N].
    Without a COUNT it acts once, with * for ever.

      lost-answer               Published; then the connection is closed before any byte of the answer.
      lost-refusal              Refused by the network and in the history as an error; then the connection is closed before any byte of the answer.
      broken-answer             Published; the answer breaks off in the middle of its body.
      slow@SECONDS              Published; the answer comes SECONDS later.
      hang                      Published; the answer comes only after `POST /sandbox/release`.
      500-after                 Published; answered with 500 and a page of HTML.
      504-after                 Published; answered with 504 and a page of HTML.
      empty-200                 Published; answered with 200 and no body.
      garbage                   Published; answered with 200 and broken JSON.
      reset-before              Not published; the connection is reset.
      hang-before               Not published; never answered, and closed by `POST /sandbox/release`.
      500-before                Not published; answered with 500.
      502-html                  Not published; answered with 502 and a page of HTML.
      503                       Not published; answered with 503.
      empty-200-before          Not published; answered with 200 and no body.
      401                       Not published; the API key is refused.
      402                       Refused by X for want of credit, as HTTP status 402.
      402-nested                Refused by X for want of credit, inside errors of a 400.
      402-limit                 Refused by X because the spending limit is reached, as HTTP status 402.
      402-limit-nested          Refused by X because the spending limit is reached, inside errors of a 400.
      402-ayrshare              Not published; Ayrshare asks for payment.
      403-permission            Refused by X because the app may not write, as HTTP status 403.
      403-permission-nested     Refused by X because the app may not write, inside errors of a 400.
      403-suspended             Not published; the profile is suspended.
      403-callback              Not published; answered as though X did not know the callback addresses.
      401-x                     Refused by X: it does not take the key pair.
      419                       Not published; answered as though both X headers were missing.
      400-header                Not published; answered as though one X header were missing.
      101-retryable             Refused with code 101 and retryAvailable.
      101                       Refused with code 101.
      110                       Refused by X: status is a duplicate.
      111                       Refused: a long post without X Premium.
      132                       Refused: too long.
      136                       Refused: the media can't be fetched.
      137                       Refused: the same or a similar text within two days.
      156                       Refused: the network is not linked.
      169                       Refused: the plan lacks a feature.
      272                       Refused by X: unlink and link again.
      unknown-code              Refused with a code that nobody knows.
      429                       Not published; too many requests.
      429-retry-after@SECONDS   Not published; too many requests, with a Retry-After of SECONDS.
      key-reused                Answered as though the idempotency key had been used; not published.
      key-forgotten             The idempotency key is neither looked at nor kept.
      delete-refused            Not deleted; refused by the network.
      delete-500                Not deleted; answered with 500 and a page of HTML.
      delete-500-after          Deleted; answered with 500 and a page of HTML.
      delete-lost               Deleted; then the connection is closed before any byte of the answer.
      delete-404                Not deleted; answered as though the post had never been there.
      date-off@SECONDS          Answered well, with a Date that is SECONDS ahead.
      history-lag@SECONDS       Shows only posts that are at least SECONDS old.
      history-500               Answered with 500 and a page of HTML.
      history-empty             Answered as though nothing had ever been posted.
      history-error             Shows every post as an error, also those that were published.
      history-pending           Shows every post as still processing.
      history-lost              The connection is closed before any byte of the answer.
    "#);
}
