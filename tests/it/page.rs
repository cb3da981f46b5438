//! The page, the API and the metrics over HTTP: what a stranger tries, what a person does without a
//! script, what a program does. The judge of what went out is the sandbox's books.

#![expect(clippy::panic, reason = "a test may fail by panicking, in its helpers too")]
#![expect(clippy::indexing_slicing, reason = "a test may fail by panicking, in its helpers too")]
#![expect(clippy::disallowed_methods, reason = "how long guesses take is measured")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use reqwest::{Client, Method, RequestBuilder, StatusCode, header, redirect};
use serde_json::{Value, json};
use tidings::daemon::Daemon;
use tidings::domain::post::State;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::{Item, Setup, World, blog, item, rss};

/// A blog whose entries are held, one post an hour.
pub(crate) const HELD: &str = r#"
[[profile]]
name = "main"
platforms = ["twitter"]
min_gap = "1h"
budget = { usd = 20.0, per = "month" }

[[feed]]
name = "blog"
url = "SITE/blog"
first_run = "all"
hold_above = 100
hold = "all"
"#;
const PASSWORD: &str = "correct horse battery";
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A world with a page, and a browser without a script.
struct Page {
    world: World,
    daemon: Arc<Daemon>,
    address: SocketAddr,
    client: Client,
    cookie: String,
}

impl Page {
    async fn open(config: &str) -> Self {
        Self::of(Setup::new(config)).await
    }

    /// A page that asks for a password, and an API that asks for a token.
    async fn closed() -> Self {
        let doors = "password = { env = \"PAGE_PASSWORD\" }\ntoken = { env = \"PAGE_TOKEN\" }\n";
        let mut setup = Setup::new(&format!("{doors}{HELD}"));
        setup.environment.extend([
            ("TIDINGS__WEB__LISTEN", "127.0.0.1:8484"),
            ("PAGE_PASSWORD", PASSWORD),
            ("PAGE_TOKEN", TOKEN),
        ]);
        Self::of(setup).await
    }

    async fn of(setup: Setup) -> Self {
        let world = setup.open().await;
        let (daemon, address) = world.served().await;
        let client = Client::builder().no_proxy().redirect(redirect::Policy::none());
        let client = client.build().expect("a client");
        Self { world, daemon, address, client, cookie: String::new() }
    }

    /// With the blog read: these items, all held.
    async fn with_blog(numbers: impl IntoIterator<Item = i32>) -> Self {
        let page = Self::open(HELD).await;
        // The newest stands first in a feed: so the numbers are those of the posts, too.
        let mut numbers: Vec<i32> = numbers.into_iter().collect();
        numbers.reverse();
        page.world.offers("/blog", blog(numbers));
        page.daemon.poll_tick().await.expect("polling goes on");
        page
    }

    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("http://{}{path}", self.address));
        if self.cookie.is_empty() { request } else { request.header("cookie", &self.cookie) }
    }

    async fn status(&self, request: RequestBuilder) -> StatusCode {
        request.send().await.expect("an answer").status()
    }

    async fn text(&self, path: &str) -> String {
        let answer = self.ask(Method::GET, path).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.text().await.expect("a text")
    }

    /// Looks at a page as a browser does: keeps its cookie; gives the word of its forms.
    async fn look(&mut self, path: &str) -> String {
        let answer = self.ask(Method::GET, path).send().await.expect("an answer");
        self.keep(answer.headers());
        let text = answer.text().await.expect("a text");
        let (_, rest) = text.split_once("name=\"csrf\" value=\"").expect("a form");
        rest.split('"').next().expect("a word").to_owned()
    }

    fn keep(&mut self, headers: &header::HeaderMap) {
        if let Some(cookie) = headers.get("set-cookie") {
            let cookie = cookie.to_str().expect("text");
            assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{cookie}");
            cookie.split(';').next().expect("a pair").clone_into(&mut self.cookie);
        }
    }

    fn form(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let body =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.ask(Method::POST, path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("origin", format!("http://{}", self.address))
            .header("sec-fetch-site", "same-origin")
            .body(body)
    }

    /// Sends a form as our own page does; gives where it leads.
    async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> (StatusCode, String) {
        let word = self.look("/pause").await;
        let mut all = vec![("csrf", word.as_str())];
        all.extend(fields);
        let answer = self.form(path, &all).send().await.expect("an answer");
        let to = answer.headers().get("location").and_then(|it| it.to_str().ok());
        let to = to.unwrap_or_default().to_owned();
        (answer.status(), to)
    }

    async fn api(&self, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        let mut request = self.ask(method.clone(), &format!("/api/v1{path}"));
        if method == Method::POST {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status();
        let text = answer.text().await.expect("a text");
        (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("{path}: {text}")))
    }

    async fn get(&self, path: &str) -> Value {
        let (status, value) = self.api(Method::GET, path, &Value::Null).await;
        assert_eq!(status, StatusCode::OK, "{path}: {value}");
        value
    }

    async fn do_it(&self, path: &str, body: Value) -> Value {
        let (status, value) = self.api(Method::POST, path, &body).await;
        assert_eq!(status, StatusCode::OK, "{path}: {value}");
        value
    }

    /// Sends what is due until nothing more is.
    async fn publish(&self) {
        while !self.daemon.publish_tick().await.expect("publishing goes on").sent.is_empty() {}
    }

    fn texts(&self) -> Vec<String> {
        self.world.published().into_iter().map(|it| it.text).collect()
    }

    /// An answer to a request that is written as it stands.
    async fn raw(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.expect("a connection");
        stream.write_all(request.as_bytes()).await.expect("written");
        let mut answer = Vec::new();
        let reading = stream.read_to_end(&mut answer);
        drop(tokio::time::timeout(Duration::from_secs(5), reading).await);
        String::from_utf8_lossy(&answer).into_owned()
    }
}

/// Items of a feed with these titles, the first one the oldest; markup in them is meant as text.
pub(crate) fn entitled<const N: usize>(titles: [&str; N]) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    for (n, title) in (1..).zip(titles) {
        let escaped = title.replace('&', "&amp;").replace('<', "&amp;lt;").replace('>', "&amp;gt;");
        items.insert(0, Item { title: escaped, ..item(n) });
    }
    items
}

const PAGES: [&str; 9] = [
    "/",
    "/queue",
    "/posts?state=held",
    "/posts/1",
    "/history",
    "/feeds",
    "/cost",
    "/explain?q=story",
    "/pause",
];

#[tokio::test]
async fn every_answer_forbids_what_no_page_of_ours_needs() {
    let page = Page::with_blog(1..=4).await;
    let others = [
        "/healthz",
        "/readyz",
        "/metrics",
        "/login",
        "/assets/tidings.css?v=1",
        "/assets/tidings.js",
        "/api/v1/status",
        "/api/v1/nothing",
        "/nothing",
        "/posts/99",
        "/posts/x",
    ];
    for path in PAGES.into_iter().chain(others) {
        let answer = page.ask(Method::GET, path).send().await.expect("an answer");
        let header = |name: &str| {
            let value = answer.headers().get(name).unwrap_or_else(|| panic!("{name} of {path}"));
            value.to_str().expect("text").to_owned()
        };
        let policy = header("content-security-policy");
        for rule in [
            "default-src 'none'",
            "script-src 'self';",
            "style-src 'self';",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        ] {
            assert!(policy.contains(rule), "{rule} of {path}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "same-origin");
        let cached = header("cache-control");
        assert_eq!(cached == "no-store", !path.starts_with("/assets/"), "{path}: {cached}");
    }
    for path in PAGES {
        assert_eq!(page.status(page.ask(Method::GET, path)).await, StatusCode::OK, "{path}");
        let text = page.text(path).await;
        assert!(!text.contains(" style=") && !text.contains("<script>"), "{path}");
    }
    for (path, status) in
        [("/nothing", 404), ("/posts/99", 404), ("/posts/x", 404), ("/api/v1/nothing", 404)]
    {
        assert_eq!(page.status(page.ask(Method::GET, path)).await.as_u16(), status, "{path}");
    }
    assert_eq!(
        page.status(page.ask(Method::DELETE, "/queue")).await,
        StatusCode::METHOD_NOT_ALLOWED
    );
}

#[tokio::test]
async fn a_name_that_is_not_ours_is_refused() {
    // The password is not asked for, since nothing listens by the config.
    let hosts = "hosts = [\"tidings.example.com\"]\npassword = { env = \"NOBODY\" }\n";
    let page = Page::open(&format!("{hosts}{HELD}")).await;
    let port = page.address.port();
    let ask = |host: String| page.ask(Method::GET, "/queue").header("host", host);
    for host in ["127.0.0.1", "localhost", "LOCALHOST", "[::1]", "tidings.example.com"] {
        assert_eq!(page.status(ask(format!("{host}:{port}"))).await, StatusCode::OK, "{host}");
    }
    for host in [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "192.0.2.1",
        "x@localhost",
        "tidings.example.com.evil.example",
        "[",
        "a b",
    ] {
        let status = page.status(ask(format!("{host}:{port}"))).await;
        assert!(
            status == StatusCode::MISDIRECTED_REQUEST || status == StatusCode::BAD_REQUEST,
            "{host}: {status}"
        );
    }
    for request in [
        "GET /queue HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        "GET /queue HTTP/1.1\r\nConnection: close\r\n\r\n",
        "GET http://evil.example/queue HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    ] {
        let answer = page.raw(request).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{request}: {answer}");
    }
}

#[tokio::test]
async fn another_page_can_do_nothing_here() {
    let mut page = Page::with_blog(1..=4).await;
    let word = page.look("/queue").await;
    let own = format!("http://{}", page.address);
    let fields = [("csrf", word.as_str())];
    let evil = [
        "http://evil.example",
        "https://evil.example",
        "null",
        "http://127.0.0.1:1",
        "",
        "http://localhost",
    ];
    for origin in evil {
        let request = page.form("/posts/1/approve", &fields);
        let request = request.header("origin", origin);
        assert_eq!(page.status(request).await, StatusCode::FORBIDDEN, "two origins: {origin}");
        let request = page.ask(Method::POST, "/posts/1/approve").header("origin", origin);
        assert_eq!(page.status(request).await, StatusCode::FORBIDDEN, "{origin}");
        let request = page.ask(Method::POST, "/api/v1/pause").header("origin", origin);
        let request = request.header("content-type", "application/json").body("{}");
        assert_eq!(page.status(request).await, StatusCode::FORBIDDEN, "{origin}");
    }
    for site in ["cross-site", "same-site", "none"] {
        let request = page.ask(Method::POST, "/pause").header("origin", &own);
        let request = request.header("sec-fetch-site", site);
        assert_eq!(page.status(request).await, StatusCode::FORBIDDEN, "{site}");
        let request = page.ask(Method::GET, "/events").header("sec-fetch-site", site);
        assert_eq!(page.status(request).await, StatusCode::FORBIDDEN, "{site}");
    }
    // A form without the word, with a wrong one, with another session's, and without a session.
    for fields in [&[][..], &[("csrf", "")], &[("csrf", "0000")]] {
        let request = page.form("/posts/1/approve", fields);
        assert_eq!(page.status(request).await, StatusCode::FORBIDDEN);
    }
    let cookie = std::mem::replace(&mut page.cookie, format!("tidings_session={}", "0".repeat(64)));
    assert_eq!(page.status(page.form("/posts/1/approve", &fields)).await, StatusCode::FORBIDDEN);
    page.cookie = String::new();
    assert_eq!(page.status(page.form("/posts/1/approve", &fields)).await, StatusCode::FORBIDDEN);
    // What a form of another page can send to the API.
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let request =
            page.ask(Method::POST, "/api/v1/pause").header("content-type", kind).body("{}");
        assert_eq!(page.status(request).await, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}");
    }
    assert_eq!(page.world.states().await, [State::Held; 4]);
    assert_eq!(page.world.stops().await, [""; 0]);
    page.cookie = cookie;
    assert_eq!(page.status(page.form("/posts/1/approve", &fields)).await, StatusCode::SEE_OTHER);
    assert_eq!(page.world.post(1).await.life.state, State::Queued);
}

#[tokio::test]
async fn tricks_with_paths_lead_nowhere() {
    let page = Page::with_blog(1..=1).await;
    for path in [
        "/../etc/passwd",
        "/assets/../Cargo.toml",
        "/assets/%2e%2e/Cargo.toml",
        "/assets/..%2fCargo.toml",
        "//evil.example/",
        "/\\evil.example",
        "/assets/",
        "/assets/tidings.css/x",
        "/posts/1/../../pause",
        "/posts/%00",
        "/posts/1%2fapprove",
        "/api/v1/posts/..",
        "/api/v2/status",
        "/API/v1/status",
        "/queue/",
        "/.env",
        "/posts/99999999999999999999999999",
        "/posts/-1",
        "/websub/x",
    ] {
        let answer = page
            .raw(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
            .await;
        let line = answer.lines().next().unwrap_or_default().to_owned();
        assert!(
            line.starts_with("HTTP/1.1 404") || line.starts_with("HTTP/1.1 400"),
            "{path}: {line}"
        );
    }
    let long = format!("/{}", "a".repeat(70_000));
    let answer = page.raw(&format!("GET {long} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 4"), "{}", answer.lines().next().unwrap_or_default());
    let body = format!("{{\"text\": \"{}\"}}", "a".repeat(70_000));
    let request =
        page.ask(Method::POST, "/api/v1/posts/1/count").header("content-type", "application/json");
    assert_eq!(page.status(request.body(body)).await, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn without_the_password_nothing_is_shown() {
    let mut page = Page::closed().await;
    for path in PAGES {
        let answer = page.ask(Method::GET, path).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{path}");
        assert_eq!(answer.headers()["location"], "/login", "{path}");
    }
    for path in ["/api/v1/status", "/api/v1/openapi.json", "/metrics", "/events"] {
        let answer = page.ask(Method::GET, path).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(answer.headers()["www-authenticate"], "Bearer", "{path}");
    }
    for shown in [
        "Bearer wrong",
        "Bearer",
        "Basic eDp5",
        TOKEN,
        &format!("Bearer {TOKEN}x"),
        &format!("Bearer {PASSWORD}"),
    ] {
        let request = page.ask(Method::GET, "/api/v1/status").header("authorization", shown);
        assert_eq!(page.status(request).await, StatusCode::UNAUTHORIZED, "{shown}");
    }
    for path in ["/api/v1/status", "/metrics"] {
        let request = page.ask(Method::GET, path).bearer_auth(TOKEN);
        assert_eq!(page.status(request).await, StatusCode::OK, "{path}");
    }
    // The token needs no page of ours around it; a session does.
    let paused = page.ask(Method::POST, "/api/v1/pause").bearer_auth(TOKEN).body("{}");
    assert_eq!(page.status(paused).await, StatusCode::OK);
    let word = page.look("/login").await;
    let before = page.cookie.clone();
    let answer = page.form("/login", &[("csrf", &word), ("password", PASSWORD)]).send().await;
    let answer = answer.expect("an answer");
    assert_eq!(
        (answer.status(), &answer.headers()["location"]),
        (StatusCode::SEE_OTHER, &header::HeaderValue::from_static("/"))
    );
    page.keep(answer.headers());
    assert_ne!(page.cookie, before, "the session is a new one");
    assert!(page.text("/").await.contains("Log out"));
    assert_eq!(page.status(page.ask(Method::GET, "/api/v1/status")).await, StatusCode::OK);
    let now = page.cookie.clone();
    page.cookie = before;
    assert_eq!(
        page.status(page.ask(Method::GET, "/")).await,
        StatusCode::SEE_OTHER,
        "the old session"
    );
    page.cookie = now;
    assert_eq!(page.submit("/logout", &[]).await, (StatusCode::SEE_OTHER, "/login".to_owned()));
    assert_eq!(page.status(page.ask(Method::GET, "/")).await, StatusCode::SEE_OTHER, "logged out");
    let shown = page.text("/login").await + &format!("{:?}", page.daemon);
    assert!(!shown.contains(PASSWORD) && !shown.contains(TOKEN));
}

#[tokio::test]
async fn a_thousand_wrong_passwords_are_refused_in_time() {
    let mut page = Page::closed().await;
    let word = page.look("/login").await;
    let began = std::time::Instant::now();
    let mut looked_at = 0;
    for number in 0..1000 {
        let guess = format!("guess number {number}");
        let request = page.form("/login", &[("csrf", &word), ("password", &guess)]);
        match page.status(request).await {
            StatusCode::FORBIDDEN => looked_at += 1,
            StatusCode::TOO_MANY_REQUESTS => {}
            other => panic!("guess {number}: {other}"),
        }
    }
    assert_eq!(looked_at, 4, "guesses that cost a hash");
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    let right = [("csrf", word.as_str()), ("password", PASSWORD)];
    let answer = page.form("/login", &right).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS, "also the right one waits");
    assert!(answer.headers().contains_key("retry-after"));
    page.world.pass(TimeDelta::minutes(2));
    assert_eq!(page.status(page.form("/login", &right)).await, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn what_a_feed_says_is_text() {
    let page = Page::open(HELD).await;
    let titles = [
        "<script>alert(1)</script> one",
        "\"><img src=x onerror=alert(2)> two",
        "{{ 7 * 7 }} three",
        "</textarea><b>four",
    ];
    let items = entitled(titles);
    let body = rss(&items)
        .replace("<title>A blog</title>", "<title>&lt;script&gt;alert(3)&lt;/script&gt;</title>");
    page.world.offers("/blog", body);
    page.daemon.poll_tick().await.expect("polling goes on");
    assert_eq!(page.world.posts().await.len(), 4);
    // What composing leaves of it is little; a person may write what no feed gets through.
    for (id, title) in (1..).zip(titles) {
        page.world.desk().edit(id, title).await.expect("edited");
    }
    let first = page.world.post(1).await.text;
    assert!(first.starts_with("<script>alert(1)</script> one"), "{first}");
    for path in PAGES.into_iter().chain([
        "/explain?q=%3Cscript%3E",
        "/explain?q=%22%3E%3Cimg",
        "/queue?feed=%22%3E%3Cscript%3E&profile=%3Cb%3E",
        "/posts?state=held&feed=blog",
        "/history?state=%22%3E%3Cimg&cursor=%3Cb%3E",
        "/?done=%3Cscript%3E",
        "/?done=skip.%3Cb%3E",
    ]) {
        let text = page.text(path).await;
        for wrong in ["<script>", "<img", "onerror=alert(2)>", "</textarea><b>", "<b>"] {
            assert!(!text.contains(wrong), "{wrong} on {path}");
        }
    }
    assert!(page.text("/queue").await.contains("alert(1)"));
    let missing = page.ask(Method::GET, "/posts/%3Cscript%3E").send().await.expect("an answer");
    assert!(!missing.text().await.expect("a text").contains("<script>"));
}

#[tokio::test]
async fn all_of_it_works_without_a_script() {
    let mut page = Page::with_blog(1..=4).await;
    let (status, to) = page.submit("/posts/1/approve", &[("back", "/queue")]).await;
    assert_eq!((status, to.as_str()), (StatusCode::SEE_OTHER, "/queue?done=approve.1"));
    assert!(page.text(&to).await.contains("Post 1 is approved"));
    assert_eq!(page.submit("/posts/2/skip", &[]).await.1, "/?done=skip.2");
    let words = "My own words https://blog.example.com/3";
    page.submit("/posts/3/edit", &[("text", words)]).await;
    page.submit("/posts/3/approve", &[]).await;
    page.publish().await;
    assert_eq!(page.texts(), ["The story of number 1\nhttps://blog.example.com/1"]);
    // The pace holds the next one for an hour; a person does not wait.
    let queue = page.text("/queue").await;
    assert!(queue.contains("1 h after the last post"), "why it waits");
    page.submit("/posts/3/send-now", &[]).await;
    page.publish().await;
    assert_eq!(page.texts().last().map(String::as_str), Some(words));
    // Another time: in the profile's zone, which is UTC here.
    page.submit("/posts/4/approve", &[]).await;
    page.submit("/posts/4/reschedule", &[("at", "2026-11-17T09:30")]).await;
    assert_eq!(page.world.post(4).await.life.not_before.to_rfc3339(), "2026-11-17T09:30:00+00:00");
    assert_eq!(page.submit("/posts/4/move", &[("to", "first")]).await.0, StatusCode::SEE_OTHER);
    // What can't be done says so, and what was typed is not lost.
    let (status, _) = page.submit("/posts/1/approve", &[]).await;
    assert_eq!(status, StatusCode::CONFLICT);
    let long = format!("{} the end", "too long ".repeat(40));
    let word = page.look("/pause").await;
    let answer = page
        .form("/posts/4/edit", &[("csrf", &word), ("text", &long)])
        .send()
        .await
        .expect("an answer");
    assert!(answer.status().is_client_error(), "{}", answer.status());
    let text = answer.text().await.expect("a text");
    assert!(text.contains("the end</textarea>") && text.contains("role=\"alert\""));
    // Paused and resumed.
    page.submit("/pause", &[("profile", "main"), ("until", "2026-11-18T08:00")]).await;
    assert_eq!(page.world.stops().await, ["profile:main paused"]);
    assert!(page.text("/").await.contains("Stopped: profile main"));
    page.submit("/resume", &[("profile", "main")]).await;
    assert_eq!(page.world.stops().await, [""; 0]);
    let (_, to) = page.submit("/feeds/refresh", &[("feed", "blog")]).await;
    assert_eq!(to, "/feeds?done=refresh");
    assert_eq!(page.daemon.poll_tick().await.expect("polling goes on").polled, 1);
    page.world.assert_nothing_twice().await;
    let history = page.text("/history").await;
    assert!(history.contains("skipped") && history.contains("https://"), "links to the posts");
}

#[tokio::test]
async fn the_history_is_paged_and_bounded() {
    let page = Page::with_blog(1..=65).await;
    let store = &page.daemon.store;
    let desk = page.world.desk();
    for post in page.world.posts().await {
        desk.act(post.id, &tidings::domain::post::Event::Skip).await.expect("skipped");
        page.world.pass(TimeDelta::milliseconds(i64::from(post.id % 2 == 0)));
    }
    assert_eq!(store.open_breakers().await.expect("reads").len(), 0);
    let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let found = page.get(&format!("/history?state=skipped{cursor}")).await;
        let posts = found["posts"].as_array().expect("posts");
        seen.extend(posts.iter().filter_map(|post| post["post"].as_i64()));
        pages += 1;
        match found["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(pages, 3);
    seen.sort_unstable();
    assert!(seen.iter().copied().eq(1..=65), "{seen:?}");
    assert!(page.text("/history").await.contains("rel=\"next\""));
}

#[tokio::test]
async fn a_program_can_do_what_the_page_can() {
    let page = Page::with_blog(1..=5).await;
    let status = page.get("/status").await;
    assert_eq!(status["status"]["posts"]["held"], 5);
    let one = page.get("/posts/1").await;
    assert_eq!(
        (one["state"].as_str(), one["cost_usd_micros"].as_i64()),
        (Some("held"), Some(200_000))
    );
    let count = page.do_it("/posts/1/count", json!({ "text": "Short, and no link" })).await;
    assert_eq!(
        (count["weighted_length"].as_u64(), count["cost"].as_str(), &count["complaint"]),
        (Some(18), Some("$0.015"), &Value::Null)
    );
    let count = page.do_it("/posts/1/count", json!({ "text": "x".repeat(300) })).await;
    assert!(count["complaint"].is_string(), "{count}");
    assert_eq!(
        page.do_it("/posts/1/edit", json!({ "text": "Short, and no link" })).await["edited"],
        true
    );
    assert_eq!(page.do_it("/posts/1/approve", json!({})).await["state"], "queued");
    assert_eq!(page.do_it("/posts/2/skip", json!({})).await["state"], "skipped");
    assert_eq!(page.do_it("/approve", json!({ "feed": "blog" })).await["approved"], 3);
    assert_eq!(page.do_it("/posts/5/move", json!({ "before": 1 })).await["post"], 5);
    let plan = page.get("/plan?days=2").await;
    let order: Vec<i64> = plan[0]["posts"]
        .as_array()
        .expect("posts")
        .iter()
        .filter_map(|it| it["post"].as_i64())
        .collect();
    assert_eq!(order, [5, 1, 3, 4]);
    page.do_it("/posts/3/reschedule", json!({ "at": "2026-11-20T09:00:00+01:00" })).await;
    page.do_it("/pause", json!({})).await;
    page.publish().await;
    assert_eq!(page.texts(), [""; 0], "paused");
    assert_eq!(page.get("/status").await["status"]["paused"], true);
    assert!(page.get("/posts/1").await["waits"].as_str().expect("why").contains("paused"));
    assert_eq!(page.do_it("/resume", json!({})).await["ended"].as_array().map(Vec::len), Some(1));
    page.publish().await;
    page.do_it("/posts/4/send-now", json!({})).await;
    page.publish().await;
    page.world.pass(TimeDelta::hours(2));
    page.publish().await;
    let text = |n| format!("The story of number {n}\nhttps://blog.example.com/{n}");
    assert_eq!(page.texts(), [text(5), text(4), "Short, and no link".to_owned()]);
    let cost = page.get("/cost").await;
    assert_eq!(
        (cost["total_usd_micros"].as_i64(), cost["posted"].as_i64()),
        (Some(415_000), Some(3))
    );
    assert_eq!(cost["budgets"][0]["left_usd_micros"], 20_000_000 - 415_000);
    let explained = page.get("/explain?q=2").await;
    assert_eq!(explained[0]["posts"][0]["changes"][0]["who"], "person");
    assert_eq!(page.get("/feeds").await["feeds"][0]["health"], "ok");
    assert_eq!(page.do_it("/feeds/refresh", json!({})).await["feeds"], 1);
    faults_are_told_with_a_remedy(&page).await;
    page.world.assert_nothing_twice().await;
}

async fn faults_are_told_with_a_remedy(page: &Page) {
    for (method, path, body, wanted) in [
        (Method::GET, "/posts/99", Value::Null, 404),
        (Method::GET, "/posts?state=lost", Value::Null, 400),
        (Method::GET, "/history?cursor=x", Value::Null, 400),
        (Method::GET, "/plan?days=0", Value::Null, 400),
        (Method::GET, "/queue?colour=red", Value::Null, 400),
        (Method::GET, "/explain", Value::Null, 400),
        (Method::GET, "/explain?q=nothing+like+it", Value::Null, 404),
        (Method::POST, "/posts/5/approve", json!({}), 409),
        (Method::POST, "/posts/3/edit", json!({ "text": "x".repeat(300) }), 400),
        (Method::POST, "/posts/3/edit", json!({ "words": "x" }), 400),
        (Method::POST, "/posts/3/move", json!({ "to": "middle" }), 400),
        (Method::POST, "/posts/3/reschedule", json!({ "at": "soon" }), 400),
        (Method::POST, "/posts/3/dance", json!({}), 404),
        (Method::POST, "/pause", json!({ "profile": "nobody" }), 404),
        (Method::POST, "/pause", json!({ "until": "2020-01-01T00:00:00Z" }), 400),
        (Method::POST, "/feeds/refresh", json!({ "feed": "nobody" }), 404),
        (Method::POST, "/queue", json!({}), 405),
    ] {
        let (status, said) = page.api(method, path, &body).await;
        assert_eq!(status.as_u16(), wanted, "{path} {body}: {said}");
        let error = &said["error"];
        assert!(error["what"].is_string() && error["remedy"].is_string(), "{path}: {said}");
    }
}

#[tokio::test]
async fn monitors_read_what_happens() {
    let page = Page::with_blog(1..=4).await;
    page.do_it("/posts/1/approve", json!({})).await;
    page.world.pass(TimeDelta::seconds(30));
    page.publish().await;
    page.do_it("/pause", json!({})).await;
    let text = page.text("/metrics").await;
    let value = |line: &str| {
        let found = text.lines().find_map(|it| it.strip_prefix(line)?.strip_prefix(' '));
        found.unwrap_or_else(|| panic!("{line} in\n{text}")).to_owned()
    };
    assert_eq!(value("tidings_fetches_total{outcome=\"read\"}"), "1");
    assert_eq!(value("tidings_entries_total{seen=\"new\"}"), "4");
    assert_eq!(value("tidings_posts{profile=\"main\",platform=\"twitter\",state=\"held\"}"), "3");
    assert_eq!(value("tidings_attempts_total{platform=\"twitter\",outcome=\"posted\"}"), "1");
    assert_eq!(value("tidings_lateness_seconds_bucket{le=\"15\"}"), "0");
    assert_eq!(value("tidings_lateness_seconds_count"), "1");
    assert_eq!(value("tidings_breakers_open{cause=\"paused\",scope=\"all\"}"), "1");
    assert_eq!(
        value("tidings_budget_left_dollars{owner=\"profile\",profile=\"main\"}"),
        "19.800000"
    );
    assert_eq!(value("tidings_spent_month_dollars{profile=\"main\"}"), "0.200000");
    assert_eq!(value("tidings_feeds{health=\"ok\"}"), "1");
    // Each line is a sample, or says what the samples of a name are; each name says it once.
    let mut named = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a kind");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(!named.contains(&name.to_owned()), "{name} twice");
            named.push(name.to_owned());
        } else if !line.starts_with("# HELP ") {
            let name: String =
                line.chars().take_while(|it| it.is_ascii_alphanumeric() || *it == '_').collect();
            assert!(named.iter().any(|known| name.starts_with(known.as_str())), "{line}");
            let number = line.rsplit(' ').next().expect("a value");
            assert!(number.parse::<f64>().is_ok(), "{line}");
        }
    }
    assert!(named.len() >= 18, "{named:?}");
    assert!(!text.contains("story") && !text.contains("blog"), "nothing of a feed");
    for path in ["/healthz", "/readyz"] {
        let status = page.status(page.ask(Method::GET, path)).await;
        // The loops don't run in this story.
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
    }
}

#[tokio::test]
async fn an_open_page_hears_what_happens_and_seats_are_bounded() {
    let page = Page::with_blog(1..=4).await;
    let mut events = page.ask(Method::GET, "/events").send().await.expect("an answer");
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    let first = events.chunk().await.expect("a chunk").expect("an event");
    assert_eq!(&first[..], b"event: change\ndata: hello\n\n");
    page.do_it("/posts/1/approve", json!({})).await;
    let next = tokio::time::timeout(Duration::from_secs(10), events.chunk()).await;
    let next = next.expect("in time").expect("a chunk").expect("an event");
    assert_eq!(&next[..], b"event: change\ndata: queue\n\n");
    let mut open = vec![events];
    let mut refused = 0;
    for _ in 0..40 {
        let answer = page.ask(Method::GET, "/events").send().await.expect("an answer");
        if answer.status() == StatusCode::SERVICE_UNAVAILABLE {
            refused += 1;
        } else {
            open.push(answer);
        }
    }
    assert_eq!((open.len(), refused), (32, 9));
    // They don't hold up the end.
    page.daemon.stop.drain.cancel();
    let mut last = open.pop().expect("one");
    let end = async { while last.chunk().await.expect("a chunk").is_some() {} };
    tokio::time::timeout(Duration::from_secs(10), end).await.expect("it ends");
}
