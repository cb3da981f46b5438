//! WebSub against a hub on the loopback: found, subscribed, verified, pushed, renewed, denied; and
//! everything that a stranger may try at the callback.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use tidings::daemon::Daemon;
use tidings::daemon::websub::WebsubReport;
use tidings::store::websub::{Standing, Subscription};
use tokio::net::TcpListener;
use url::Url;

use crate::feed_server::Answer;
use crate::world::{BLOG, Setup, World, blog};

/// The public address that is told to hubs; the tests walk around it, as a proxy does.
const PUBLIC: &str = "public_url = \"http://127.0.0.1:8484/behind\"\n";
/// How often the blog is polled without pushes.
const INTERVAL: TimeDelta = TimeDelta::hours(1);

/// A hub that notes what it is asked.
#[derive(Clone)]
struct Hub {
    status: Arc<Mutex<StatusCode>>,
    asked: Arc<Mutex<Vec<HashMap<String, String>>>>,
    address: SocketAddr,
}

impl Hub {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let hub = Self {
            status: Arc::new(Mutex::new(StatusCode::ACCEPTED)),
            asked: Arc::default(),
            address: listener.local_addr().expect("an address"),
        };
        let answer = async |State(hub): State<Self>, body: String| hub.answer(&body);
        let router = Router::new().fallback(answer).with_state(hub.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        hub
    }

    fn answer(&self, body: &str) -> StatusCode {
        let form = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        self.asked.lock().expect("the list").push(form);
        *self.status.lock().expect("the status")
    }

    fn answers(&self, status: StatusCode) {
        *self.status.lock().expect("the status") = status;
    }

    fn asked(&self) -> Vec<HashMap<String, String>> {
        self.asked.lock().expect("the list").clone()
    }
}

/// A world with a hub, and the daemon with its page.
struct Pushed {
    world: World,
    hub: Hub,
    daemon: Arc<Daemon>,
    address: SocketAddr,
    client: reqwest::Client,
}

impl Pushed {
    /// The blog names the hub, and is read once.
    async fn open() -> Self {
        let hub = Hub::start().await;
        let mut setup = Setup::new(&format!("{PUBLIC}{BLOG}"));
        setup.environment.push(("TIDINGS__WEB__LISTEN", "127.0.0.1:8484"));
        let world = setup.open().await;
        let (daemon, address) = world.served().await;
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let it = Self { world, hub, daemon, address, client };
        it.offers([1]);
        it.poll().await;
        it
    }

    fn topic(&self) -> String {
        self.world.feeds.url("/self").to_string()
    }

    fn offers(&self, numbers: impl IntoIterator<Item = i32>) {
        let links = format!("<http://{}/>; rel=\"hub\", </self>; rel=\"self\"", self.hub.address);
        let answer = Answer::new(200, blog(numbers)).header("link", links);
        self.world.feeds.script("/blog", [answer]);
    }

    async fn poll(&self) -> usize {
        self.daemon.poll_tick().await.expect("polling goes on").polled
    }

    async fn tick(&self) -> WebsubReport {
        self.daemon.websub_tick().await.expect("asking goes on")
    }

    async fn subscription(&self) -> Subscription {
        self.daemon.store.subscription("blog").await.expect("reads").expect("a subscription")
    }

    /// What the hub was asked last.
    fn last(&self, name: &str) -> String {
        self.hub.asked().last().and_then(|form| form.get(name).cloned()).unwrap_or_default()
    }

    fn callback(&self) -> Url {
        let told = self.last("hub.callback");
        let path = told.strip_prefix("http://127.0.0.1:8484/behind/").expect("the public address");
        Url::parse(&format!("http://{}/{path}", self.address)).expect("a callback")
    }

    /// A hub's question at our callback: status and body.
    async fn ask(&self, callback: &Url, query: &[(&str, &str)]) -> (u16, String) {
        let mut url = callback.clone();
        url.query_pairs_mut().extend_pairs(query);
        let answer = self.client.get(url).send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("a body"))
    }

    async fn verify(&self, lease: &str) -> (u16, String) {
        let topic = self.topic();
        let query = [
            ("hub.mode", "subscribe"),
            ("hub.topic", &topic),
            ("hub.challenge", "a challenge"),
            ("hub.lease_seconds", lease),
        ];
        self.ask(&self.callback(), &query).await
    }

    async fn push(&self, callback: &Url, signature: &str, body: Vec<u8>) -> u16 {
        let request = self.client.post(callback.clone()).header("x-hub-signature", signature);
        request.body(body).send().await.expect("an answer").status().as_u16()
    }

    /// A push as the hub signs it.
    async fn pushes(&self) -> u16 {
        let body = blog([9]).into_bytes();
        let signature = signed(&self.last("hub.secret"), &body);
        self.push(&self.callback(), &signature, body).await
    }

    async fn next_poll_at(&self) -> DateTime<Utc> {
        self.world.feed("blog").await.next_poll_at
    }

    async fn subscribed() -> Self {
        let it = Self::open().await;
        assert_eq!(it.tick().await.asked, 1);
        assert_eq!(it.verify("864000").await, (200, "a challenge".to_owned()));
        it
    }
}

fn signed(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(body);
    format!("sha256={:x}", mac.finalize().into_bytes())
}

#[tokio::test]
async fn a_hub_is_found_asked_and_verified_and_a_push_has_the_feed_asked_at_once() {
    let it = Pushed::open().await;
    assert_eq!(it.subscription().await.standing, Standing::New);
    assert_eq!(
        it.tick().await,
        WebsubReport { asked: 1, failed: 0, next_at: Some(it.world.now() + TimeDelta::days(1)) }
    );
    assert_eq!((it.last("hub.mode"), it.last("hub.topic")), ("subscribe".to_owned(), it.topic()));
    assert!(it.last("hub.secret").len() >= 32);
    assert_eq!(it.verify("864000").await, (200, "a challenge".to_owned()));
    let known = it.subscription().await;
    assert_eq!(known.standing, Standing::Active);
    assert_eq!(known.lease_until, Some(it.world.now() + TimeDelta::days(10)));
    assert_eq!(it.poll().await, 0, "nothing is due");
    it.offers([2, 1]);
    it.world.pass(TimeDelta::minutes(10));
    assert_eq!(it.pushes().await, 202);
    assert_eq!(it.next_poll_at().await, it.world.now());
    assert_eq!(it.poll().await, 1);
    it.world.run_until_quiet().await;
    assert_eq!(it.world.published().len(), 2, "what the feed has, not what the push said");
    it.world.assert_agrees().await;
}

#[tokio::test]
async fn only_what_we_asked_for_is_verified() {
    let it = Pushed::open().await;
    it.tick().await;
    let (callback, topic) = (it.callback(), it.topic());
    let stranger =
        Url::parse(&format!("http://{}/websub/0123456789abcdef", it.address)).expect("url");
    let long = "x".repeat(5000);
    for (callback, mode, topic, challenge) in [
        (&stranger, "subscribe", topic.as_str(), "c"),
        (&callback, "subscribe", "https://another.example/", "c"),
        (&callback, "unsubscribe", &topic, "c"),
        (&callback, "publish", &topic, "c"),
        (&callback, "subscribe", &topic, ""),
        (&callback, "subscribe", &topic, &long),
    ] {
        let query = [
            ("hub.mode", mode),
            ("hub.topic", topic),
            ("hub.challenge", challenge),
            ("hub.lease_seconds", "9"),
        ];
        assert_eq!(it.ask(callback, &query).await, (404, String::new()), "{mode} {topic}");
    }
    assert_eq!(it.ask(&callback, &[]).await.0, 404);
    assert_eq!(it.subscription().await.standing, Standing::Asked);
    it.world.pass(TimeDelta::hours(25));
    assert_eq!(it.verify("864000").await.0, 404, "too long ago");
    // Asked again, it may.
    assert_eq!(it.tick().await.asked, 1);
    assert_eq!(it.verify("864000").await.0, 200);
}

#[tokio::test]
async fn a_push_that_is_not_the_hubs_is_dropped_without_a_word() {
    let it = Pushed::subscribed().await;
    let callback = it.callback();
    let body = blog([9]).into_bytes();
    let right = signed(&it.last("hub.secret"), &body);
    it.world.pass(TimeDelta::minutes(10));
    let due = it.next_poll_at().await;
    for wrong in
        ["", "sha256=", "sha256=00", &right.replace("sha256", "sha1"), &signed("another", &body)]
    {
        assert_eq!(it.push(&callback, wrong, body.clone()).await, 202, "{wrong}");
    }
    assert_eq!(it.push(&callback, &right, b"other words".to_vec()).await, 202);
    assert_eq!(it.next_poll_at().await, due, "and nothing came of it");
    assert_eq!(it.subscription().await.pushed_at, None);
    let stranger =
        Url::parse(&format!("http://{}/websub/0123456789abcdef", it.address)).expect("url");
    assert_eq!(it.push(&stranger, &right, body.clone()).await, 404);
    let large = vec![b'x'; 5 * 1024 * 1024];
    assert_eq!(it.push(&callback, &signed(&it.last("hub.secret"), &large), large).await, 413);
    assert_eq!(it.push(&callback, &right, body).await, 202);
    assert!(it.next_poll_at().await < due);
}

#[tokio::test]
async fn pushes_neither_hammer_a_feed_nor_end_a_stop() {
    let it = Pushed::subscribed().await;
    it.world.pass(TimeDelta::minutes(10));
    assert_eq!((it.pushes().await, it.poll().await), (202, 1));
    let polled_at = it.world.now();
    for _ in 0..5 {
        it.world.pass(TimeDelta::seconds(5));
        assert_eq!((it.pushes().await, it.poll().await), (202, 0));
    }
    assert_eq!(it.next_poll_at().await, polled_at + TimeDelta::minutes(1));
    it.world.pass(TimeDelta::minutes(1));
    let busy = Answer::new(429, "").header("retry-after", "7200");
    it.world.feeds.script("/blog", [busy]);
    assert_eq!(it.poll().await, 1);
    let left_alone_until = it.next_poll_at().await;
    assert!(left_alone_until >= it.world.now() + TimeDelta::hours(2));
    it.world.pass(TimeDelta::minutes(30));
    assert_eq!((it.pushes().await, it.poll().await), (202, 0));
    assert_eq!(it.next_poll_at().await, left_alone_until);
}

#[tokio::test]
async fn polling_goes_on_slower_while_pushes_prove_right() {
    let it = Pushed::subscribed().await;
    let wait = async || it.next_poll_at().await - it.world.now();
    let again = async || {
        it.world.clock.set(it.next_poll_at().await);
        assert_eq!(it.poll().await, 1);
    };
    // No push was seen yet.
    again().await;
    assert!(wait().await < INTERVAL * 2, "{}", wait().await);
    it.world.pass(TimeDelta::minutes(10));
    it.offers([2, 1]);
    assert_eq!((it.pushes().await, it.poll().await), (202, 1));
    assert!((INTERVAL * 4..=INTERVAL * 5).contains(&wait().await), "{}", wait().await);
    again().await;
    assert!(wait().await >= INTERVAL * 4, "{}", wait().await);
    // Something comes without a push: the hub is not relied on until it pushes again.
    it.offers([3, 2, 1]);
    again().await;
    assert!(wait().await < INTERVAL * 2, "{}", wait().await);
    it.world.pass(TimeDelta::minutes(10));
    assert_eq!((it.pushes().await, it.poll().await), (202, 1));
    assert!(wait().await >= INTERVAL * 4, "{}", wait().await);
    // The lease ends, and nobody renews it.
    it.world.pass(TimeDelta::days(11));
    assert_eq!(it.poll().await, 1);
    assert!(wait().await < INTERVAL * 2, "{}", wait().await);
}

#[tokio::test]
async fn a_lease_is_renewed_before_it_ends_with_the_same_callback_and_secret_across_restarts() {
    let mut it = Pushed::subscribed().await;
    let first = (it.last("hub.callback"), it.last("hub.secret"));
    let renewed_at = it.subscription().await.next_at;
    assert_eq!(renewed_at, it.world.now() + TimeDelta::days(8));
    assert_eq!(it.tick().await.asked, 0);
    (it.daemon, it.address) = it.world.served().await;
    it.world.clock.set(renewed_at);
    assert_eq!(it.tick().await.asked, 1);
    assert_eq!((it.last("hub.callback"), it.last("hub.secret")), first);
    assert_eq!(it.subscription().await.standing, Standing::Active, "until the lease ends");
    assert_eq!(it.verify("60").await.0, 200);
    let known = it.subscription().await;
    assert_eq!(known.lease_until, Some(renewed_at + TimeDelta::seconds(60)));
    assert!(known.next_at >= renewed_at + TimeDelta::minutes(10), "no hub has us hurry");
    it.world.pass(TimeDelta::minutes(10));
    it.tick().await;
    assert_eq!(it.verify(&i64::MAX.to_string()).await.0, 200);
    let longest = it.world.now() + TimeDelta::days(30);
    assert!(it.subscription().await.lease_until.is_some_and(|until| until <= longest));
}

#[tokio::test]
async fn a_hub_that_refuses_fails_or_goes_leaves_the_feed_polled() {
    let it = Pushed::open().await;
    it.hub.answers(StatusCode::INTERNAL_SERVER_ERROR);
    let report = it.tick().await;
    assert_eq!((report.asked, report.failed), (1, 1));
    let known = it.subscription().await;
    assert!(known.last_error.contains("500"), "{}", known.last_error);
    assert!(known.next_at >= it.world.now() + TimeDelta::minutes(30));
    assert_eq!(it.tick().await.asked, 0, "not over and over");
    it.hub.answers(StatusCode::ACCEPTED);
    it.world.clock.set(known.next_at);
    assert_eq!(it.tick().await.asked, 1);
    let topic = it.topic();
    let query =
        [("hub.mode", "denied"), ("hub.topic", topic.as_str()), ("hub.reason", "not\u{7} here")];
    assert_eq!(it.ask(&it.callback(), &query).await.0, 200);
    let known = it.subscription().await;
    assert_eq!((known.standing, known.last_error.as_str()), (Standing::Denied, "not here"));
    assert!(known.next_at >= it.world.now() + TimeDelta::days(7));
    // The publisher takes the hub out.
    it.world.offers("/blog", blog([2, 1]));
    it.world.clock.set(it.next_poll_at().await);
    assert_eq!(it.poll().await, 1);
    assert_eq!(it.daemon.store.subscription("blog").await.expect("reads"), None);
}

#[tokio::test]
async fn no_hub_is_asked_that_lies_in_a_private_network_or_in_the_open_or_unless_it_is_set_up() {
    let it = Pushed::open().await;
    let before = it.hub.asked().len();
    for (n, hub, subscribes) in [
        (2, "http://hub.example.com/", false),
        (3, "https://10.0.0.1/", true),
        (4, "ftp://hub.example.com/", false),
    ] {
        let answer = Answer::new(200, blog([n, 1])).header("link", format!("<{hub}>; rel=hub"));
        it.world.feeds.script("/blog", [answer]);
        it.world.clock.set(it.next_poll_at().await);
        assert_eq!(it.poll().await, 1);
        let known = it.daemon.store.subscription("blog").await.expect("reads");
        assert_eq!(known.is_some(), subscribes, "{hub}");
        if subscribes {
            assert_eq!(it.tick().await.failed, 1);
            assert!(it.subscription().await.last_error.contains("10.0.0.1"), "the guard speaks");
        }
    }
    assert_eq!(it.hub.asked().len(), before);
    // Without `public_url` there is neither a subscription nor a callback.
    let world = World::open(BLOG).await;
    let answer = Answer::new(200, blog([1]))
        .header("link", format!("<http://{}/>; rel=hub", it.hub.address));
    world.feeds.script("/blog", [answer]);
    let (daemon, address) = world.served().await;
    assert_eq!(daemon.poll_tick().await.expect("polls").polled, 1);
    assert_eq!(daemon.websub_tick().await.expect("asks"), WebsubReport::default());
    assert_eq!(daemon.store.subscription("blog").await.expect("reads"), None);
    let url = Url::parse(&format!("http://{address}/websub/x")).expect("url");
    assert_eq!(it.push(&url, "", Vec::new()).await, 404);
}
