//! The rules of the contract, one by one.

use chrono::TimeDelta;

use super::*;
use crate::sandbox::{Duplicates, PLATFORMS, Place, Trap, sample_feeds};

#[tokio::test]
async fn a_published_post_is_answered_at_the_top_level() {
    let world = World::new().await;
    let got = world.post(&tweet("one")).await;
    assert_eq!(got.status, 200);
    insta::assert_snapshot!(pretty(&got.body), @r#"
    {
      "errors": [],
      "id": "sbx06ae8430000000001",
      "post": "one",
      "postIds": [
        {
          "id": "2117164808401846273",
          "platform": "twitter",
          "postUrl": "https://twitter.com/sandbox/status/2117164808401846273",
          "status": "success"
        }
      ],
      "refId": "5b7072696d617279",
      "status": "success"
    }
    "#);
    insta::assert_snapshot!(pretty(&json!(world.sandbox.books().published().collect::<Vec<_>>())), @r#"
    [
      {
        "at": "2026-11-02T08:00:00Z",
        "deleted": false,
        "id": "sbx06ae8430000000001",
        "idempotencyKey": "key:one",
        "mediaUrls": [],
        "networkId": "2117164808401846273",
        "notes": "ref:one",
        "platform": "twitter",
        "profile": "primary",
        "text": "one"
      }
    ]
    "#);
}

#[tokio::test]
async fn with_a_profile_key_everything_is_wrapped() {
    let world = World::new().await;
    let good = world.post_as_acme(&tweet("one")).await;
    insta::assert_snapshot!(pretty(&good.body), @r#"
    {
      "posts": [
        {
          "errors": [],
          "id": "sbx06ae8430000000001",
          "post": "one",
          "postIds": [
            {
              "id": "2117164808401846273",
              "platform": "twitter",
              "postUrl": "https://twitter.com/sandbox/status/2117164808401846273",
              "status": "success"
            }
          ],
          "profileTitle": "acme",
          "refId": "5b61636d65",
          "status": "success"
        }
      ],
      "status": "success"
    }
    "#);
    let empty = world.post_as_acme(&json!({"platforms": ["twitter"]})).await;
    assert_eq!(empty.status, 400);
    insta::assert_snapshot!(pretty(&empty.body), @r#"
    {
      "posts": [
        {
          "action": "post",
          "message": "Missing post parameter",
          "status": "error"
        }
      ],
      "status": "error"
    }
    "#);
    let refused = world.post_as_acme(&json!({"platforms": ["linkedin"], "post": "two"})).await;
    assert_eq!(refused.status, 400);
    insta::assert_snapshot!(pretty(&refused.body), @r#"
    {
      "posts": [
        {
          "errors": [
            {
              "action": "post",
              "code": 156,
              "message": "Linkedin is not linked with Ayrshare. Please confirm the linkage on the Social Accounts page in your dashboard.",
              "platform": "linkedin",
              "post": "two",
              "status": "error"
            }
          ],
          "id": "sbx06ae8430000000002",
          "postIds": [],
          "status": "error"
        }
      ],
      "status": "error"
    }
    "#);
}

#[tokio::test]
async fn the_api_key_must_be_there_and_right() {
    let world = World::new().await;
    for request in [
        world.bare(Method::GET, "/user"),
        world.bare(Method::GET, "/user").bearer_auth("wrong"),
        world.bare(Method::GET, "/user").header("Authorization", API_KEY),
        world.bare(Method::POST, "/post").json(&tweet("one")),
        world.bare(Method::GET, "/nothing"),
    ] {
        let got = got(request).await;
        assert_eq!((got.status, &got.body["code"]), (401, &json!(401)));
    }
    assert_eq!(world.get("/user").await.status, 200);
    assert_eq!(world.published(), 0);
}

#[tokio::test]
async fn any_key_will_do_where_none_is_listed() {
    let open = |options: &mut Options| {
        options.api_keys.clear();
        options.x_pairs.clear();
        options.profiles.clear();
    };
    let world = World::with(open).await;
    let request = |key: &str, profile: &str| {
        let request = world.bare(Method::POST, "/post").bearer_auth(key);
        request
            .header("X-Twitter-OAuth1-Api-Key", "some")
            .header("X-Twitter-OAuth1-Api-Secret", "thing")
            .header("Profile-Key", profile)
            .json(&tweet("one"))
    };
    assert_eq!(got(request("any", "a")).await.status, 200);
    assert_eq!(got(request("any", "b")).await.status, 200);
    assert_eq!(got(request("any", "a")).await.status, 400, "the key is used");
    assert_eq!(got(request("", "a")).await.status, 401);
    let books = world.sandbox.books();
    let profiles: Vec<_> = books.published().map(|post| post.profile).collect();
    assert_eq!(profiles, ["profile-1", "profile-2"]);
}

#[tokio::test]
async fn x_wants_both_headers_and_other_networks_none() {
    let world = World::new().await;
    let ask = async |key: Option<&str>, secret: Option<&str>, body: &Value| {
        let mut request = world.bare(Method::POST, "/post").bearer_auth(API_KEY);
        for (name, value) in [("Api-Key", key), ("Api-Secret", secret)] {
            if let Some(value) = value {
                request = request.header(format!("X-Twitter-OAuth1-{name}"), value);
            }
        }
        got(request.json(body)).await
    };
    for (key, secret) in [(None, None), (Some(""), Some("")), (None, Some(" "))] {
        let got = ask(key, secret, &tweet("one")).await;
        assert_eq!(got.status, 419);
        assert_eq!(got.body["code"], 419);
        assert_eq!(got.body["action"], "x_credentials_required");
    }
    for (key, secret, lacks) in [
        (Some(X_KEY), None, "not X-Twitter-OAuth1-Api-Secret"),
        (Some(X_KEY), Some(""), "not X-Twitter-OAuth1-Api-Secret"),
        (None, Some(X_SECRET), "not X-Twitter-OAuth1-Api-Key"),
    ] {
        let got = ask(key, secret, &tweet("one")).await;
        assert_eq!((got.status, &got.body["code"]), (400, &json!(400)));
        let message = got.body["message"].as_str().unwrap();
        assert!(message.contains(lacks), "{message}");
    }
    let wrong = ask(Some(X_KEY), Some("other"), &tweet("one")).await;
    assert_eq!(wrong.status, 400);
    assert_eq!(wrong.body["errors"][0]["code"], 272);
    let elsewhere = json!({"post": "one", "platforms": ["linkedin"]});
    assert_eq!(ask(None, None, &elsewhere).await.status, 200);
    assert_eq!(world.published(), 1);
}

#[tokio::test]
async fn other_requests_that_target_x_want_the_headers_too() {
    let world = World::new().await;
    let id = world.post(&tweet("one")).await.body["id"].clone();
    let bare = |method, path| world.bare(method, path).bearer_auth(API_KEY);
    let analytics = json!({"platforms": ["twitter"]});
    let asked = got(bare(Method::POST, "/analytics/social").json(&analytics)).await;
    assert_eq!(asked.status, 419);
    let asked = got(bare(Method::DELETE, "/post").json(&json!({"id": id}))).await;
    assert_eq!(asked.status, 419);
    assert_eq!(got(bare(Method::GET, "/history")).await.status, 200);
}

#[tokio::test]
async fn an_unknown_profile_key_is_forbidden() {
    let world = World::new().await;
    let request = world.posting(&tweet("one")).header("Profile-Key", "other");
    let got = got(request).await;
    assert_eq!((got.status, &got.body["code"]), (403, &json!(403)));
    let books = world.sandbox.books();
    let seen = books.requests().next().expect("it is in the books");
    assert_eq!((seen.profile_key, seen.answered), ("unknown", Some(403)));
}

#[tokio::test]
async fn what_a_post_needs_is_asked_for_and_the_rest_ignored() {
    let world = World::new().await;
    for (body, message) in [
        (json!({"platforms": ["twitter"]}), "Missing post parameter"),
        (json!({"post": "", "platforms": ["twitter"]}), "Missing post parameter"),
        (json!({"post": {"linkedin": "a"}, "platforms": ["twitter"]}), "Missing post parameter"),
        (json!({"post": "a"}), "Missing platforms parameter"),
        (json!({"post": "a", "platforms": []}), "Missing platforms parameter"),
        (
            json!({"post": "a", "platforms": ["twitter", "x"]}),
            "The platforms parameter has an unknown value: \"x\"",
        ),
        (
            json!({"post": "a", "platforms": ["twitter"], "scheduleDate": "soon"}),
            "scheduleDate is not valid.",
        ),
    ] {
        let got = world.post(&body).await;
        assert_eq!((got.status, &got.body["message"]), (400, &json!(message)));
    }
    let broken = world.keyed(Method::POST, "/post").body("{\"post\":");
    assert_eq!(got(broken).await.status, 400);
    assert_eq!(world.published(), 0);
    let odd = json!({"post": "a", "platforms": ["twitter"], "source": "npm", "scheduleDate": "2020-01-01T00:00:00Z"});
    assert_eq!(world.post(&odd).await.status, 200);
    let picture =
        json!({"post": "", "platforms": ["twitter"], "mediaUrls": ["https://a.example/b.png"]});
    assert_eq!(world.post(&picture).await.status, 200);
    let parted =
        json!({"post": {"twitter": "t", "default": "d"}, "platforms": ["twitter", "linkedin"]});
    assert_eq!(world.post(&parted).await.status, 200);
    let texts: Vec<_> = world.sandbox.books().published().map(|post| post.text).collect();
    assert_eq!(texts, ["a", "", "t", "d"]);
}

#[tokio::test]
async fn a_used_key_is_an_error_whatever_became_of_the_first() {
    let world = World::new().await;
    world.sandbox.change(|settings| settings.duplicates = Duplicates::Off);
    assert_eq!(world.post(&tweet("one")).await.status, 200);
    let again = world.post(&tweet("one")).await;
    assert_eq!(again.status, 400);
    insta::assert_snapshot!(pretty(&again.body), @r#"
    {
      "action": "post",
      "message": "Duplicate idempotencyKey: a post with this idempotency key was already submitted.",
      "status": "error"
    }
    "#);
    assert_eq!(world.post_as_acme(&tweet("one")).await.status, 200, "keys are per profile");
    let wrapped = world.post_as_acme(&tweet("one")).await;
    assert!(wrapped.body["posts"][0]["message"].as_str().unwrap().contains("idempoten"));

    world.sandbox.add_fault("110").unwrap();
    assert_eq!(world.post(&tweet("two")).await.body["errors"][0]["code"], 110);
    assert!(pretty(&world.post(&tweet("two")).await.body).contains("idempoten"));

    world.sandbox.add_fault("hang").unwrap();
    let flying = tokio::spawn(world.posting(&tweet("three")).send());
    world.until(|books| books.published().count() == 3).await;
    assert!(pretty(&world.post(&tweet("three")).await.body).contains("idempoten"));
    flying.abort();
    assert_eq!(world.published(), 3);
    assert!(world.sandbox.books().doubles().is_empty());

    world.sandbox.change(|settings| settings.keys_checked = false);
    assert_eq!(world.post(&tweet("one")).await.status, 200);
    assert_eq!(world.sandbox.books().doubles().len(), 1);
}

#[tokio::test]
async fn a_request_that_was_refused_at_the_door_burns_no_key() {
    let world = World::new().await;
    for fault in ["401", "419", "429", "500-before", "reset-before"] {
        world.sandbox.add_fault(fault).unwrap();
        let _refused = world.posting(&tweet("one")).send().await;
    }
    assert_eq!(world.post(&tweet("one")).await.status, 200);
}

#[tokio::test]
async fn length_is_weighed_for_x_alone() {
    let world = World::new().await;
    let fits = "a".repeat(280);
    assert_eq!(world.post(&tweet(&fits)).await.status, 200);
    let long = "b".repeat(300);
    let got = world.post(&tweet(&long)).await;
    assert_eq!((got.status, &got.body["code"]), (400, &json!(132)));
    assert_eq!(got.body["message"], "Please shorten to 280 characters. Overage: 20 characters.");
    let id = got.body["id"].as_str().expect("an id even so");
    assert_eq!(world.get(&format!("/history/{id}")).await.body["status"], "error");
    let elsewhere = json!({"post": long, "platforms": ["linkedin"]});
    assert_eq!(world.post(&elsewhere).await.status, 200);
    let thread = format!("{}\n\n{}", "c".repeat(200), "d".repeat(200));
    let thread =
        json!({"post": thread, "platforms": ["twitter"], "twitterOptions": {"thread": true}});
    assert_eq!(world.post(&thread).await.status, 200);
    let unmarked = json!({"post": long, "platforms": ["twitter"]});
    let long =
        json!({"post": long, "platforms": ["twitter"], "twitterOptions": {"longPost": true}});
    assert_eq!(world.post(&long).await.body["code"], 111);
    world.sandbox.change(|settings| settings.premium = true);
    let got = world.post(&unmarked).await;
    assert_eq!(got.body["code"], 132, "not asked for: {}", got.body);
    assert_eq!(world.post(&long).await.status, 200);
}

#[tokio::test]
async fn the_same_or_a_similar_text_is_refused_for_two_days() {
    let world = World::new().await;
    let plain = |text: &str| json!({"post": text, "platforms": ["twitter"]});
    assert_eq!(world.post(&plain("News: it rains")).await.status, 200);
    world.clock.advance(TimeDelta::hours(47));
    let again = world.post(&plain("news – it RAINS!")).await;
    assert_eq!((again.status, &again.body["code"]), (400, &json!(137)));
    world.sandbox.change(|settings| settings.duplicates = Duplicates::X);
    let again = world.post(&plain("News: it rains")).await;
    assert_eq!((again.status, &again.body["errors"][0]["code"]), (400, &json!(110)));
    assert_eq!(world.post_as_acme(&plain("News: it rains")).await.status, 200);
    let elsewhere = json!({"post": "News: it rains", "platforms": ["linkedin"]});
    assert_eq!(world.post(&elsewhere).await.status, 200);
    world.clock.advance(TimeDelta::hours(1));
    assert_eq!(world.post(&plain("News: it rains")).await.status, 200);
    world.sandbox.change(|settings| settings.duplicates = Duplicates::Off);
    assert_eq!(world.post(&plain("News: it rains")).await.status, 200);
    let free = json!({"post": "again", "platforms": ["telegram"]});
    assert_eq!(world.post(&free).await.status, 200);
    assert_eq!(world.post(&free).await.status, 200, "telegram has no gate");
}

#[tokio::test]
async fn an_unlinked_network_and_bad_media_are_refused() {
    let world = World::with(|options| options.linked = vec!["linkedin".into()]).await;
    let got = world.post(&tweet("one")).await;
    assert_eq!(got.status, 400);
    insta::assert_snapshot!(pretty(&got.body), @r#"
    {
      "errors": [
        {
          "action": "post",
          "code": 156,
          "message": "Twitter is not linked with Ayrshare. Please confirm the linkage on the Social Accounts page in your dashboard.",
          "platform": "twitter",
          "post": "one",
          "status": "error"
        }
      ],
      "id": "sbx06ae8430000000001",
      "postIds": [],
      "status": "error"
    }
    "#);
    let media =
        json!({"post": "two", "platforms": ["linkedin"], "mediaUrls": ["http://a.example/b.png"]});
    let got = world.post(&media).await;
    assert_eq!((got.status, &got.body["code"]), (400, &json!(136)));
    let both = json!({"post": "three", "platforms": ["twitter", "linkedin"]});
    let got = world.post(&both).await;
    assert_eq!((got.status, &got.body["status"]), (400, &json!("error")));
    assert_eq!(got.body["errors"][0]["platform"], "twitter");
    assert_eq!(got.body["postIds"][0]["platform"], "linkedin", "partial success is an error");
    assert_eq!(world.published(), 1);
}

#[tokio::test]
async fn an_error_can_lie_at_each_of_the_four_places() {
    let world = World::new().await;
    let mut n = 0;
    for (place, pointer) in [
        (Place::Top, ""),
        (Place::Errors, "/errors/0"),
        (Place::Posts, "/posts/0"),
        (Place::PostsErrors, "/posts/0/errors/0"),
    ] {
        world.sandbox.change(|settings| settings.error_place = Some(place));
        for (fault, code) in [("132", json!(132)), ("272", json!(272)), ("key-reused", Value::Null)]
        {
            n += 1;
            world.sandbox.add_fault(fault).unwrap();
            let got = world.post(&tweet(&n.to_string())).await;
            assert_eq!(got.status, 400);
            let item = got.body.pointer(pointer).expect("the error lies there");
            assert_eq!(item["code"], code);
            assert!(item["message"].is_string());
        }
        let missing = world.post(&json!({"platforms": ["twitter"]})).await;
        let item = missing.body.pointer(pointer).expect("the error lies there");
        assert_eq!(item["message"], "Missing post parameter");
    }
}

#[tokio::test]
async fn a_success_can_take_awkward_shapes() {
    let world = World::new().await;
    for (n, trap) in [
        Trap::NoPostUrl,
        Trap::NumericIds,
        Trap::PendingIds,
        Trap::Warnings,
        Trap::NoErrors,
        Trap::ExtraFields,
    ]
    .into_iter()
    .enumerate()
    {
        world.sandbox.change(|settings| settings.traps = [trap].into());
        let body = world.post(&tweet(&n.to_string())).await.body;
        let item = &body["postIds"][0];
        match trap {
            Trap::NoPostUrl => assert!(item.get("postUrl").is_none()),
            Trap::NumericIds => assert!(item["id"].is_number()),
            Trap::PendingIds => assert_eq!(item["id"], "pending"),
            Trap::Warnings => assert_eq!(item["warnings"][0]["code"], 518),
            Trap::NoErrors => assert!(body.get("errors").is_none()),
            Trap::ExtraFields => assert!(body["xSomething"].is_object()),
            Trap::SparseHistory | Trap::DateObjects => unreachable!("shapes of the history"),
        }
    }
}

#[tokio::test]
async fn the_rate_limit_is_counted_and_enforced_on_demand() {
    let world = World::new().await;
    world.sandbox.change(|settings| settings.rate_limit_max = 2);
    let ask = async || world.keyed(Method::GET, "/user").send().await.unwrap();
    for n in 1..=3 {
        let answer = ask().await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["x-ratelimit-max"], "2");
        assert_eq!(answer.headers()["x-ratelimit-count"], n.to_string().as_str());
    }
    world.sandbox.change(|settings| settings.rate_limit_enforced = true);
    assert_eq!(ask().await.status(), 429);
    world.clock.advance(TimeDelta::minutes(5));
    assert_eq!(ask().await.status(), 200);
    world.sandbox.change(|settings| settings.rate_limit_max = 0);
    for _ in 1..1000 {
        assert_eq!(ask().await.status(), 429);
    }
    assert_eq!(ask().await.status(), 403, "a thousand refusals suspend the profile");
}

#[tokio::test]
async fn the_account_tells_its_links() {
    let world = World::new().await;
    let user = world.get("/user").await.body;
    assert_eq!(user["activeSocialAccounts"], json!(PLATFORMS));
    assert_eq!(user["displayNames"][11]["username"], "sandbox");
    let bare = World::with(|options| options.linked.clear()).await;
    let user = bare.get("/user").await.body;
    assert!(user.get("activeSocialAccounts").is_none(), "absent altogether");

    let ask = async |platforms: Value| {
        let body = json!({"platforms": platforms});
        let request = world.keyed(Method::POST, "/analytics/social");
        got(request.header("Profile-Key", ACME_KEY).json(&body)).await
    };
    let good = ask(json!(["twitter"])).await;
    assert_eq!((good.status, &good.body["status"]), (200, &json!("success")));
    assert_eq!(good.body["twitter"]["analytics"]["username"], "sandbox");
    let partial = ask(json!(["twitter", "linkedin"])).await;
    assert_eq!((partial.status, &partial.body["status"]), (200, &json!("partial")));
    let none = ask(json!(["linkedin"])).await;
    assert_eq!((none.status, &none.body["linkedin"]["code"]), (400, &json!(156)));
    assert_eq!(ask(json!([])).await.status, 400);
}

#[tokio::test]
async fn a_post_can_be_validated_without_publishing_it() {
    let world = World::new().await;
    let ask =
        async |body: Value| got(world.keyed(Method::POST, "/validate/post").json(&body)).await;
    let good = ask(tweet("one")).await;
    assert_eq!((good.status, &good.body["status"]), (200, &json!("success")));
    assert_eq!(ask(tweet(&"a".repeat(281))).await.body["code"], 132);
    assert_eq!(ask(json!({"post": "a", "platforms": ["x"]})).await.status, 400);
    let request = world.keyed(Method::POST, "/validate/post");
    let unlinked = json!({"post": "a", "platforms": ["linkedin"]});
    let warned = got(request.header("Profile-Key", ACME_KEY).json(&unlinked)).await;
    assert_eq!(warned.body["warnings"][0]["code"], 156);
    assert_eq!(world.published(), 0);
}

#[tokio::test]
async fn feeds_are_listed_in_all_their_shapes() {
    let world = World::with(|options| options.feeds = sample_feeds("https://a.example/")).await;
    let feeds = world.get("/feed").await.body["feeds"].clone();
    let fields = ["link", "rssURL", "feedURL", "url", "url"];
    assert_eq!(feeds.as_array().expect("a list").len(), fields.len());
    for (n, field) in fields.into_iter().enumerate() {
        assert!(feeds[n][field].as_str().unwrap().starts_with("https://a.example"));
    }
}

#[tokio::test]
async fn unknown_routes_and_methods_are_refused_in_json() {
    let world = World::new().await;
    let got = world.get("/nothing").await;
    assert_eq!((got.status, &got.body["code"]), (404, &json!(404)));
    assert_eq!(world.get("/post").await.body["code"], 405);
    let large = json!({"post": "a".repeat(1024 * 1024), "platforms": ["twitter"]});
    assert_eq!(world.post(&large).await.status, 413);
    let books = world.sandbox.books();
    let paths: Vec<_> = books.requests().map(|seen| seen.path.as_str()).collect();
    assert_eq!(paths, ["/api/nothing", "/api/post", "/api/post"]);
}

#[tokio::test]
async fn media_and_options_are_held_against_the_contract() {
    let world = World::new().await;
    let image = "https://a.example/b.png";
    let long = "x".repeat(1_001);
    let refused = [
        json!({"mediaUrls": ["https://a.example/b c.png"]}),
        json!({"mediaUrls": ["https://a.example/ü.png"]}),
        json!({"mediaUrls": [image, image, image, image, image]}),
        json!({"mediaUrls": [image], "twitterOptions": {"altText": [long]}}),
        json!({"mediaUrls": [image], "twitterOptions": {"altText": ["a", "b"]}}),
        json!({"mediaUrls": [image], "twitterOptions": {"altText": "a"}}),
        json!({"mediaUrls": ["https://a.example/b.mp4"], "twitterOptions": {"altText": ["a"]}}),
        json!({"mediaUrls": [image], "isVideo": true, "twitterOptions": {"altText": ["a"]}}),
        json!({"twitterOptions": {"quoteTweetId": "1"}}),
        json!({"twitterOptions": {"poll": {"duration": "long"}}}),
        json!({"twitterOptions": true}),
        json!({"shortenLinks": "yes"}),
        json!({"autoHashtag": {"max": 11}}),
        json!({"firstComment": "More"}),
    ];
    for (n, fields) in refused.iter().enumerate() {
        let mut post = json!({"post": format!("text {n}"), "platforms": ["twitter"]});
        let fields = fields.as_object().expect("fields").clone();
        post.as_object_mut().expect("a post").extend(fields);
        let got = world.post(&post).await;
        assert!(got.status >= 400, "{post}: {}", got.body);
    }
    let good = json!({
        "post": "good", "platforms": ["twitter"], "mediaUrls": [image, image, image, image],
        "shortenLinks": true, "autoHashtag": {"max": 10, "position": "auto"},
        "twitterOptions": {"altText": ["a", "", "", ""], "replySettings": "following"},
        "whatever": 1,
    });
    assert_eq!(world.post(&good).await.status, 200);
    let books = world.sandbox.books();
    let published: Vec<_> = books.published().collect();
    assert_eq!(published.len(), 1);
    let names: Vec<&str> = published[0].options.keys().map(String::as_str).collect();
    assert_eq!(names, ["autoHashtag", "shortenLinks", "twitterOptions", "whatever"]);
}
