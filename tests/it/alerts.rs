//! Alerts, each provoked, at real receivers on the loopback: webhooks, a mail server, a command.

#![expect(clippy::indexing_slicing, reason = "a test may fail by panicking, in its helpers too")]

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use chrono::{TimeDelta, Utc};
use serde_json::Value;
use tidings::domain::alert::Kind;
use tidings::domain::breaker::Scope;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::feed_server::Answer;
use crate::world::{BLOG, Item, Setup, World, blog, item, rss};

/// What a webhook was told.
#[derive(Debug, Clone)]
struct Told {
    path: String,
    id: String,
    authorization: String,
    body: Value,
}

impl Told {
    /// `open stop`, `over stop`, …: what it tells, in its order.
    fn notes(&self) -> Vec<String> {
        let word = |it: &Value, key: &str| it[key].as_str().unwrap_or_default().to_owned();
        let notes = self.body["alerts"].as_array().cloned().unwrap_or_default();
        notes.iter().map(|it| format!("{} {}", word(it, "status"), word(it, "kind"))).collect()
    }
}

/// A webhook that notes what it is told.
#[derive(Clone)]
struct Hook {
    told: Arc<Mutex<Vec<Told>>>,
    status: Arc<Mutex<StatusCode>>,
    url: String,
}

impl Hook {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let hook = Self { told: Arc::default(), status: Arc::new(Mutex::new(StatusCode::OK)), url };
        let answer =
            async |State(hook): State<Self>, uri: Uri, headers: HeaderMap, body: String| {
                let header = |name: &str| {
                    headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned()
                };
                hook.told.lock().expect("the list").push(Told {
                    path: uri.path().to_owned(),
                    id: header("tidings-message-id"),
                    authorization: header("authorization"),
                    body: serde_json::from_str(&body).expect("JSON"),
                });
                *hook.status.lock().expect("the status")
            };
        let router = Router::new().fallback(answer).with_state(hook.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        hook
    }

    fn answers(&self, status: StatusCode) {
        *self.status.lock().expect("the status") = status;
    }

    fn told(&self) -> Vec<Told> {
        self.told.lock().expect("the list").clone()
    }

    /// What was told since the last call, message by message.
    fn taken(&self) -> Vec<Vec<String>> {
        let told = std::mem::take(&mut *self.told.lock().expect("the list"));
        told.iter().map(Told::notes).collect()
    }
}

/// A mail server that notes what it is given: SMTP as far as a client needs it.
#[derive(Clone)]
struct Post {
    mails: Arc<Mutex<Vec<String>>>,
    port: u16,
}

impl Post {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let server = Self { mails: Arc::default(), port };
        let own = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(own.clone().serve(stream));
            }
        });
        server
    }

    async fn serve(self, stream: TcpStream) {
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        let mut mail: Option<String> = None;
        write.write_all(b"220 here\r\n").await.expect("written");
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some(text) = &mut mail {
                if line != "." {
                    text.push_str(&line);
                    text.push('\n');
                    continue;
                }
                self.mails.lock().expect("the list").extend(mail.take());
            }
            let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
            let answer = match verb.as_str() {
                "EHLO" => "250-here\r\n250 8BITMIME\r\n",
                "DATA" => {
                    mail = Some(String::new());
                    "354 go on\r\n"
                }
                "QUIT" => "221 bye\r\n",
                _ => "250 well\r\n",
            };
            write.write_all(answer.as_bytes()).await.expect("written");
        }
    }

    fn mails(&self) -> Vec<String> {
        self.mails.lock().expect("the list").clone()
    }
}

/// A world whose alerts go to a webhook and by mail.
struct Watched {
    world: World,
    hook: Hook,
    post: Post,
}

async fn watched(config: &str, variables: &[(&'static str, &'static str)]) -> Watched {
    let (hook, post) = (Hook::start().await, Post::start().await);
    let receivers = format!(
        "\n[[alert]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"{}/path\"\n\
         [[alert]]\nname = \"mail\"\nkind = \"email\"\nserver = \"127.0.0.1\"\nport = {}\n\
         security = \"none\"\nfrom = \"Tidings <tidings@example.com>\"\nto = [\"ops@example.com\"]\n",
        hook.url, post.port
    );
    let mut setup = Setup::new(&format!("{config}{receivers}"));
    setup.environment.extend(variables);
    Watched { world: setup.open().await, hook, post }
}

impl Watched {
    async fn tick(&self) {
        self.world.daemon.alert_tick().await.expect("alerts go on");
    }

    /// Exactly this was told since the last time, each as one message at both receivers, and neither
    /// another look nor a restart tells it again.
    async fn expect(&mut self, notes: &[&str]) {
        let mails = self.post.mails().len();
        self.tick().await;
        let told: Vec<Vec<String>> = notes.iter().map(|it| vec![(*it).to_owned()]).collect();
        assert_eq!(self.hook.taken(), told);
        assert_eq!(self.post.mails().len() - mails, notes.len(), "{:?}", self.post.mails());
        self.tick().await;
        self.world.restart().await;
        self.tick().await;
        assert_eq!(self.hook.taken(), Vec::<Vec<String>>::new(), "told again");
        assert_eq!(self.post.mails().len() - mails, notes.len());
    }
}

async fn with_posts(numbers: impl IntoIterator<Item = i32>) -> Watched {
    let it = watched(BLOG, &[]).await;
    it.world.offers("/blog", blog(numbers));
    it.world.poll().await;
    it
}

#[tokio::test]
async fn a_stop_is_told_once_and_its_end_once() {
    let mut it = with_posts([2, 1]).await;
    it.expect(&[]).await;
    it.world.fault("272");
    it.world.publish().await;
    it.expect(&["open stop"]).await;
    let mail = it.post.mails().concat();
    for part in [
        "Subject: [tidings] Sending stopped for main/twitter",
        "To: ops@example.com",
        "Message-ID: <",
        "What to do: unlink X on Ayrshare's Social Accounts page",
    ] {
        assert!(mail.replace("=\n", "").contains(part), "{part}: {mail}");
    }
    it.world.desk().resume(&Scope::All).await.expect("it goes on");
    it.expect(&["over stop"]).await;
    it.world.pass(TimeDelta::seconds(2));
    it.world.fault("272");
    it.world.publish().await;
    it.expect(&["open stop"]).await;
}

#[tokio::test]
async fn a_stop_that_ends_by_itself_is_told_only_if_it_lasts_and_comes_and_goes_as_one() {
    let it = with_posts([1]).await;
    it.world.fault("429");
    it.world.publish().await;
    it.tick().await;
    it.world.run_until_quiet().await;
    for _ in 0..30 {
        it.world.pass(TimeDelta::minutes(1));
        it.tick().await;
    }
    assert_eq!(it.hook.taken(), Vec::<Vec<String>>::new(), "five minutes' pause");

    let it = with_posts([1]).await;
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        format!("http://{}/api", listener.local_addr().expect("an address"))
    };
    let url = it.world.sandbox.url();
    it.world.rewrite(&url, &nobody);
    let mut it = it;
    it.world.restart().await;
    for _ in 0..60 {
        it.world.run_for(TimeDelta::minutes(1)).await;
        it.tick().await;
    }
    assert_eq!(it.hook.taken(), [["open stop"]]);
    it.world.rewrite(&nobody, &url);
    it.world.restart().await;
    for _ in 0..30 {
        it.world.run_for(TimeDelta::minutes(1)).await;
        it.tick().await;
    }
    assert_eq!(it.hook.taken(), [["over stop"]]);
    assert_eq!(it.world.published().len(), 1);
}

#[tokio::test]
async fn posts_that_need_a_person_are_told_once() {
    let mut it = with_posts([1]).await;
    it.world.fault("137");
    it.world.publish().await;
    it.expect(&["open post_failed"]).await;

    let held = BLOG.replace("first_run", "hold = \"all\"\nfirst_run");
    let mut it = watched(&held, &[]).await;
    it.world.offers("/blog", blog([3, 2, 1]));
    it.world.poll().await;
    it.expect(&["open post_held"]).await;
    assert!(it.post.mails().concat().contains("3 posts wait for approval"));
}

#[tokio::test]
async fn a_post_in_doubt_is_told_once_nobody_can_tell_any_more() {
    let mut it = with_posts([1]).await;
    it.world.fault("key-reused");
    it.world.publish().await;
    it.expect(&[]).await;
    it.world.run_for(TimeDelta::days(7)).await;
    it.expect(&["open post_in_doubt"]).await;
}

#[tokio::test]
async fn a_headline_that_changed_after_the_post_went_out_is_told_once() {
    let mut it = with_posts([1]).await;
    it.world.run_until_quiet().await;
    let title = "The story of number 1, corrected:&#13;&#10;Bcc: x@example.com &amp;lt;!channel&amp;gt; @everyone **b** \"quoted\" \u{202E}x";
    it.world.offers("/blog", rss(&[Item { title: title.to_owned(), ..item(1) }]));
    it.world.poll_again("blog").await;
    it.tick().await;
    let told = it.hook.told();
    assert!(told[0].body["alerts"][0]["body"].as_str().expect("text").contains("corrected: Bcc:"));
    it.hook.taken();
    let mail = it.post.mails().concat();
    let (head, _) = mail.split_once("\n\n").expect("a head");
    assert!(!head.to_lowercase().contains("\nbcc"), "{head}");
    assert_eq!(it.post.mails().len(), 1);
    it.expect(&[]).await;
    assert_eq!(it.world.published().len(), 1, "nothing is sent twice for it");
}

#[tokio::test]
async fn a_feed_that_fails_is_told_after_a_day_and_when_it_is_back() {
    let mut it = with_posts([1]).await;
    it.world.feeds.script("/blog", [Answer::new(500, "oops")]);
    it.world.poll_again("blog").await;
    it.expect(&[]).await;
    it.world.pass(TimeDelta::hours(23));
    it.expect(&[]).await;
    it.world.pass(TimeDelta::hours(2));
    it.world.poll_again("blog").await;
    it.expect(&["open feed_failing"]).await;
    it.world.offers("/blog", blog([1]));
    it.world.poll_again("blog").await;
    it.expect(&["over feed_failing"]).await;
}

#[tokio::test]
async fn a_feed_that_is_gone_is_told_once() {
    let mut it = with_posts([1]).await;
    it.world.feeds.script("/blog", [Answer::new(410, "gone")]);
    it.world.poll_again("blog").await;
    it.expect(&["open feed_gone"]).await;
}

#[tokio::test]
async fn a_feed_that_is_quieter_than_its_habit_is_told_once_and_when_it_speaks_again() {
    let daily = |last: i32| {
        let at = |n: i32| Some(crate::world::start() + TimeDelta::days(i64::from(n) - 1));
        let items: Vec<Item> = (1..=last).rev().map(|n| Item { at: at(n), ..item(n) }).collect();
        rss(&items)
    };
    let mut it = watched(BLOG, &[]).await;
    for number in 1..=12 {
        it.world.offers("/blog", daily(number));
        it.world.poll_again("blog").await;
        it.world.pass(TimeDelta::days(1));
    }
    it.world.pass(TimeDelta::days(2));
    it.world.poll_again("blog").await;
    it.expect(&[]).await;
    it.world.pass(TimeDelta::days(3));
    it.world.poll_again("blog").await;
    it.expect(&["open feed_quiet"]).await;
    it.world.offers("/blog", daily(13));
    it.world.poll_again("blog").await;
    it.expect(&["over feed_quiet"]).await;
}

#[tokio::test]
async fn a_budget_is_told_at_80_percent_and_when_it_is_spent() {
    let config = BLOG
        .replace("min_gap = \"1s\"", "min_gap = \"1s\"\nbudget = { usd = 1.0, per = \"month\" }");
    let mut it = watched(&config, &[]).await;
    it.world.offers("/blog", blog([6, 5, 4, 3, 2, 1]));
    it.world.poll().await;
    for _ in 0..4 {
        it.world.publish().await;
        it.world.pass(TimeDelta::seconds(1));
    }
    it.expect(&["open budget_low"]).await;
    it.world.publish().await;
    it.expect(&["open budget_spent"]).await;
    it.world.run_for(TimeDelta::days(16)).await;
    it.expect(&[]).await;
}

#[tokio::test]
async fn a_disk_without_room_and_a_backup_that_failed_are_told_once_and_when_they_are_well() {
    let mut it = watched(BLOG, &[("TIDINGS__STORE__MIN_FREE", "1000000000 MiB")]).await;
    it.expect(&["open disk_low"]).await;
    it.world.environment.retain(|(name, _)| *name != "TIDINGS__STORE__MIN_FREE");
    it.world.environment.push(("TIDINGS__STORE__MIN_FREE", "0"));
    it.world.restart().await;
    it.tick().await;
    it.world.pass(TimeDelta::minutes(31));
    it.expect(&["over disk_low"]).await;
    for _ in 0..2 {
        it.world.daemon.backup_failed("no room").await.expect("kept");
    }
    it.expect(&["open backup_failed"]).await;
    for _ in 0..2 {
        it.world.daemon.backup_worked().await.expect("kept");
    }
    it.expect(&["over backup_failed"]).await;
}

#[tokio::test]
async fn who_is_down_is_told_later_with_the_same_identity_and_what_came_meanwhile_together() {
    let mut it = with_posts((1..=8).rev()).await;
    it.hook.answers(StatusCode::SERVICE_UNAVAILABLE);
    it.world.fault("137:4");
    it.world.publish().await;
    it.tick().await;
    for _ in 0..3 {
        it.world.pass(TimeDelta::seconds(1));
        it.world.publish().await;
        it.tick().await;
    }
    assert_eq!(it.post.mails().len(), 4, "the other receiver does not wait");
    it.world.restart().await;
    it.hook.answers(StatusCode::OK);
    it.world.pass(TimeDelta::hours(2));
    it.tick().await;
    let told = it.hook.told();
    assert_eq!(told[0].id.len(), 36);
    let first: Vec<_> = told.iter().filter(|one| one.id == told[0].id).collect();
    assert!(first.len() >= 2, "tried again: {told:?}");
    assert_eq!(told.last().expect("one").notes(), ["open post_failed"]);
    let mut ids: Vec<&str> = told.iter().map(|one| one.id.as_str()).collect();
    ids.dedup();
    assert_eq!(ids.len(), 4, "each message under one identity");
}

#[tokio::test]
async fn a_flood_is_one_message() {
    let config =
        BLOG.replace("platforms = [\"twitter\"]", "platforms = [\"twitter\"]\nmax_per_day = 1000");
    let it = watched(&config, &[]).await;
    it.world.offers("/blog", blog((1..=20).rev()));
    it.world.poll().await;
    for _ in 0..5 {
        it.world.fault("137");
        it.world.publish().await;
        it.world.pass(TimeDelta::seconds(1));
    }
    it.tick().await;
    let told = it.hook.taken();
    // Five refusals in a row are a stop, too.
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].len(), 6, "{told:?}");
    assert_eq!(it.post.mails().len(), 1);
}

#[tokio::test]
async fn services_get_their_own_forms_and_secrets_stay_secret() {
    let hook = Hook::start().await;
    let mut config = format!(
        "{BLOG}\n[[alert]]\nname = \"json\"\nkind = \"webhook\"\n\
         url = {{ env = \"HOOK_URL\" }}\ntoken = {{ env = \"HOOK_TOKEN\" }}\n"
    );
    config.extend(["slack", "discord", "ntfy"].map(|format| {
        format!(
            "[[alert]]\nname = \"{format}\"\nkind = \"webhook\"\nformat = \"{format}\"\nurl = \"{}/{format}\"\n",
            hook.url
        )
    }));
    let mut setup = Setup::new(&config);
    let url: &'static str = format!("{}/hush-hush", hook.url).leak();
    setup.environment.extend([("HOOK_URL", url), ("HOOK_TOKEN", "the-hook-token")]);
    let world = setup.open().await;
    world.offers("/blog", blog([1]));
    world.poll().await;
    world.fault("272");
    world.publish().await;
    hook.answers(StatusCode::FORBIDDEN);
    let report = world.daemon.alert_tick().await.expect("alerts go on");
    assert_eq!(report.failed.len(), 4);
    let told = hook.told();
    let of = |path: &str| told.iter().find(|it| it.path == path).expect(path).clone();
    assert_eq!(of("/hush-hush").authorization, "Bearer the-hook-token");
    assert!(of("/slack").body["text"].as_str().expect("text").starts_with("Sending stopped"));
    assert_eq!(of("/discord").body["allowed_mentions"]["parse"], serde_json::json!([]));
    assert_eq!(of("/").body["topic"], "ntfy");
    assert_eq!(of("/").body["priority"], 5);
    let said = format!("{report:?} {:?} {:?}", world.daemon.config, world.daemon);
    let database = std::fs::read(world.path("tidings.db")).expect("the database");
    let log = std::fs::read(world.path("tidings.db-wal")).unwrap_or_default();
    let stored = String::from_utf8_lossy(&[database, log].concat()).into_owned();
    for secret in ["hush-hush", "the-hook-token", "/discord", "/slack"] {
        assert!(!said.contains(secret), "{secret} is in {said}");
        assert!(!stored.contains(secret), "{secret} is in the database");
    }
}

#[tokio::test]
async fn a_receiver_hears_what_it_asked_for_and_a_command_gets_it_on_its_input() {
    let hook = Hook::start().await;
    let config = format!(
        "{BLOG}\n[[alert]]\nname = \"others\"\nkind = \"webhook\"\nurl = \"{0}/others\"\non = [\"disk_low\"]\n\
         [[alert]]\nname = \"worst\"\nkind = \"webhook\"\nurl = \"{0}/worst\"\nmin_severity = \"critical\"\n\
         [[alert]]\nname = \"main\"\nkind = \"webhook\"\nurl = \"{0}/main\"\nprofiles = [\"main\"]\n\
         [[alert]]\nname = \"command\"\nkind = \"command\"\ncommand = [\"sh\", \"-c\", \"cat > \\\"$0\\\"; env >> \\\"$0\\\"\", \"SINK\"]\n",
        hook.url
    );
    let folder = tempfile::tempdir().expect("a folder");
    let sink = folder.path().join("sink");
    let world = World::open(&config.replace("SINK", &sink.display().to_string())).await;
    world.offers("/blog", blog([1]));
    world.poll().await;
    world.fault("137");
    world.publish().await;
    let report = world.daemon.alert_tick().await.expect("alerts go on");
    assert_eq!(report.failed, []);
    let paths: Vec<String> = hook.told().iter().map(|it| it.path.clone()).collect();
    assert_eq!(paths, ["/main"]);
    let got = std::fs::read_to_string(&sink).expect("the command ran");
    let (message, environment) = got.split_once('\n').expect("a line");
    let message: Value = serde_json::from_str(message).expect("JSON");
    assert_eq!(message["alerts"][0]["kind"], Kind::PostFailed.word());
    assert!(!environment.contains("HOME=") && !environment.contains("CARGO"), "{environment}");
}

#[tokio::test]
async fn the_week_is_told_at_its_local_time_and_once() {
    let hook = Hook::start().await;
    let config = format!(
        "{BLOG}\n[[alert]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"{}\"\nmin_severity = \"critical\"\n\
         weekly = \"Mon 09:00\"\ntime_zone = \"Europe/Berlin\"\n",
        hook.url
    );
    let mut world = World::open(&config).await;
    world.offers("/blog", blog([3, 2, 1]));
    world.poll().await;
    world.daemon.alert_tick().await.expect("alerts go on");
    world.run_until_quiet().await;
    let monday = "2026-11-23T08:00:00Z".parse::<chrono::DateTime<Utc>>().expect("an instant");
    world.clock.set("2026-11-16T08:00:00Z".parse().expect("an instant"));
    world.daemon.alert_tick().await.expect("alerts go on");
    assert_eq!(hook.told().len(), 1);
    assert_eq!(hook.told()[0].body["alerts"][0]["title"], "3 posted, 0 failed, $0.60");
    world.clock.set(monday - TimeDelta::seconds(1));
    world.restart().await;
    world.daemon.alert_tick().await.expect("alerts go on");
    assert_eq!(hook.told().len(), 1);
    world.clock.set(monday + TimeDelta::days(15));
    for _ in 0..2 {
        world.daemon.alert_tick().await.expect("alerts go on");
    }
    assert_eq!(hook.told().len(), 2, "after a pause one report, not one for each week");
    assert_eq!(hook.told()[1].body["alerts"][0]["title"], "0 posted, 0 failed, $0.00");
}

#[tokio::test]
async fn without_a_receiver_nothing_is_sent_and_alerts_are_kept() {
    let world = World::with_blog([1]).await;
    world.fault("272");
    world.publish().await;
    let report = world.daemon.alert_tick().await.expect("alerts go on");
    assert_eq!(report, tidings::daemon::alerts::AlertReport::default());
    let open = world.store().open_alerts().await.expect("alerts");
    assert_eq!(open.iter().map(|it| it.note.kind).collect::<Vec<_>>(), [Kind::Stop]);
}
