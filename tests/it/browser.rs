//! The page in a real browser: headless Chromium, driven through chromedriver, where both are
//! installed. The judge of what went out is the sandbox's books; pictures for a person to look at go to
//! `target/screenshots/`.

#![expect(clippy::panic, reason = "a test may fail by panicking, in its helpers too")]
#![expect(clippy::indexing_slicing, reason = "a test may fail by panicking, in its helpers too")]
#![expect(clippy::print_stdout, reason = "what is left out is said")]
#![expect(clippy::disallowed_methods, reason = "a browser keeps its own time")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use serde_json::{Value, json};
use tempfile::TempDir;
use tidings::daemon::Daemon;
use tidings::domain::post::State;

use crate::page::{HELD, entitled};
use crate::world::{World, rss};

/// What a step in the browser may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// The name of an element in `WebDriver`'s answers.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";

struct Browser {
    driver: Child,
    address: SocketAddr,
    session: String,
    client: reqwest::Client,
    page: String,
    _profile: TempDir,
}

impl Browser {
    /// Starts it; none, after it was said why, where there is none.
    async fn start(page: String) -> Option<Self> {
        let spawned = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut driver = match spawned {
            Ok(driver) => driver,
            Err(error) => {
                println!(
                    "left out: chromedriver can't be started ({error}); `apt-get install chromium chromium-driver` has it"
                );
                return None;
            }
        };
        let out = BufReader::new(driver.stdout.take().expect("its output"));
        let port = out.lines().map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        let address = SocketAddr::from(([127, 0, 0, 1], port.expect("a port")));
        let profile = tempfile::tempdir().expect("a folder");
        let data = format!("--user-data-dir={}", profile.path().display());
        let args = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--window-size=1280,900",
            &data,
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "args": args },
            "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_mins(2))
            .build()
            .expect("a client");
        let mut browser =
            Self { driver, address, session: String::new(), client, page, _profile: profile };
        let begun = browser.call("POST", "", &wanted).await;
        browser.session = format!("/{}", begun["sessionId"].as_str().expect("a session"));
        Some(browser)
    }

    async fn try_call(&self, method: &str, path: &str, body: &Value) -> Result<Value, Value> {
        let url = format!("http://{}/session{}{path}", self.address, self.session);
        let request = if method == "POST" {
            self.client.post(url).header("content-type", "application/json").body(body.to_string())
        } else {
            self.client.get(url)
        };
        let answer = request.send().await.expect("chromedriver answers");
        let is_good = answer.status().is_success();
        let text = answer.text().await.expect("a text");
        let mut value: Value = serde_json::from_str(&text).expect("JSON");
        let value = value["value"].take();
        if is_good { Ok(value) } else { Err(value) }
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        self.try_call(method, path, body)
            .await
            .unwrap_or_else(|error| panic!("{path} {body}: {error}"))
    }

    async fn go(&self, path: &str) {
        self.call("POST", "/url", &json!({ "url": format!("{}{path}", self.page) })).await;
    }

    async fn run(&self, script: &str) -> Value {
        self.call("POST", "/execute/sync", &json!({ "script": script, "args": [] })).await
    }

    /// Waits until an expression is true.
    async fn until(&self, expression: &str) {
        let began = Instant::now();
        while self.run(&format!("return Boolean({expression})")).await != json!(true) {
            if began.elapsed() > PATIENCE {
                let text = self.run("return location.href + '\\n' + document.body.innerText").await;
                panic!("never: {expression}\n{}", text.as_str().unwrap_or_default());
            }
        }
    }

    async fn find(&self, css: &str) -> String {
        let wanted = json!({ "using": "css selector", "value": css });
        let found = self.call("POST", "/element", &wanted).await;
        found[ELEMENT].as_str().expect("an element").to_owned()
    }

    async fn click(&self, css: &str) {
        self.run(&format!("document.querySelector({css:?}).scrollIntoView({{ block: 'center' }})"))
            .await;
        let element = self.find(css).await;
        self.call("POST", &format!("/element/{element}/click"), &json!({})).await;
    }

    async fn write(&self, css: &str, text: &str) {
        let element = self.find(css).await;
        self.call("POST", &format!("/element/{element}/clear"), &json!({})).await;
        self.call("POST", &format!("/element/{element}/value"), &json!({ "text": text })).await;
    }

    /// Presses a key wherever the focus is.
    async fn press(&self, key: &str) {
        let press = json!({ "actions": [{ "type": "key", "id": "keys", "actions": [
            { "type": "keyDown", "value": key }, { "type": "keyUp", "value": key },
        ] }] });
        self.call("POST", "/actions", &press).await;
    }

    /// Presses Tab until this element has the focus, which has to be seen.
    async fn tab_to(&self, css: &str) {
        for _ in 0..200 {
            self.press(TAB).await;
            if self.run(&format!("return document.activeElement.matches({css:?})")).await
                == json!(true)
            {
                let outline = self.run("const it = getComputedStyle(document.activeElement); return it.outlineStyle + it.outlineWidth").await;
                assert_eq!(outline, "solid3px", "the focus on {css} is seen");
                return;
            }
        }
        panic!("Tab never comes to {css}");
    }

    async fn developer(&self, command: &str, params: Value) -> Value {
        self.call("POST", "/goog/cdp/execute", &json!({ "cmd": command, "params": params })).await
    }

    async fn picture(&self, name: &str) {
        let shot = self
            .developer("Page.captureScreenshot", json!({ "captureBeyondViewport": true }))
            .await;
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../screenshots");
        std::fs::create_dir_all(&folder).expect("a folder");
        let bytes = from_base64(shot["data"].as_str().expect("a picture"));
        assert!(bytes.starts_with(b"\x89PNG"));
        std::fs::write(folder.join(format!("{name}.png")), bytes).expect("written");
    }

    /// What the browser complained about: a breach of the policy among it.
    async fn complaints(&self) -> Vec<String> {
        let log = self.call("POST", "/se/log", &json!({ "type": "browser" })).await;
        let severe = |it: &&Value| it["level"] == "SEVERE";
        let lines = log.as_array().expect("a log").iter().filter(severe);
        lines.map(|it| it["message"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // chromedriver ends the browser that it started.
        if let Ok(mut stream) = TcpStream::connect(self.address) {
            let request = format!(
                "DELETE /session{} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                self.session
            );
            drop(stream.write_all(request.as_bytes()));
            drop(stream.set_read_timeout(Some(PATIENCE)));
            drop(std::io::copy(&mut stream, &mut std::io::sink()));
        }
        drop(self.driver.kill());
        drop(self.driver.wait());
    }
}

fn from_base64(text: &str) -> Vec<u8> {
    let value = |sign: u8| match sign {
        b'A'..=b'Z' => sign - b'A',
        b'a'..=b'z' => sign - b'a' + 26,
        b'0'..=b'9' => sign - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let signs: Vec<u8> = text.bytes().filter(|sign| *sign != b'=').map(value).collect();
    let mut bytes = Vec::new();
    for four in signs.chunks(4) {
        let number = four.iter().fold(0_u32, |sum, six| sum << 6 | u32::from(*six))
            << (6 * (4 - four.len()));
        bytes.extend(number.to_be_bytes()[1..four.len()].iter());
    }
    bytes
}

/// A world with held posts, two of them with titles that would like to be more than text.
async fn world() -> (World, Arc<Daemon>, SocketAddr) {
    let world = World::open(HELD).await;
    let titles = [
        "A calm morning at the harbour, and what the gulls had to say about it",
        "The library opens its reading room again",
        "Twelve bridges, one winter: what the city learned",
        "<script>window.hacked = 1</script> in a title",
        "\"><img src=x onerror=\"window.hacked = 2\"> as well",
        "A very long title that goes on and on, so that a person can see how a text is cut where it has to be cut, since the network takes no more than so many letters, and this one has many more of them than it would ever like to take, as everybody sees",
        "日本語の見出しも読める",
    ];
    world.offers("/blog", rss(&entitled(titles)));
    let (daemon, address) = world.served().await;
    daemon.poll_tick().await.expect("polling goes on");
    assert_eq!(world.states().await, [State::Held; 7]);
    // What composing leaves of such titles is little; a person may write what no feed gets through.
    for (id, title) in (4..=5).zip(&titles[3..]) {
        world.desk().edit(id, title).await.expect("edited");
    }
    (world, daemon, address)
}

async fn publish(daemon: &Daemon) {
    while !daemon.publish_tick().await.expect("publishing goes on").sent.is_empty() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_works_with_the_page() {
    let (world, daemon, address) = world().await;
    let Some(browser) = Browser::start(format!("http://{address}")).await else { return };
    // By keyboard: past the navigation, to the first post, approved.
    browser.go("/queue").await;
    browser.until("document.documentElement.dataset.live").await;
    browser.press(TAB).await;
    assert_eq!(browser.run("return document.activeElement.textContent").await, "Skip to content");
    browser.press(ENTER).await;
    browser.until("document.activeElement.id === 'main'").await;
    browser.tab_to("#approve-1").await;
    browser.press(ENTER).await;
    browser
        .until("document.querySelector('[role=status]').textContent.includes('Post 1 is approved')")
        .await;
    assert_eq!(world.post(1).await.life.state, State::Queued);
    // Titles are text, and no more.
    let text = browser.run("return document.body.innerText").await;
    let text = text.as_str().expect("a text").replace('\u{200b}', "");
    assert!(text.contains("<script>window.hacked = 1</script> in a title"), "{text}");
    assert!(text.contains("<img src=x onerror="), "{text}");
    assert_eq!(
        browser.run("return document.querySelectorAll('main script, main img').length").await,
        0
    );
    assert_eq!(browser.run("return window.hacked === undefined").await, true);
    edits(&browser, &world).await;
    // Skipped, and sent at once: the books have it.
    browser.click("#skip-3").await;
    browser.until("document.querySelector('[role=status]').textContent.includes('left out')").await;
    assert_eq!(world.post(3).await.life.state, State::Skipped);
    browser.click("#now-2 summary").await;
    browser.click("#now-2 button").await;
    browser
        .until("document.querySelector('[role=status]').textContent.includes('sent at once')")
        .await;
    browser.go("/").await;
    browser.until("document.documentElement.dataset.live").await;
    assert_eq!(world.published().len(), 0);
    publish(&daemon).await;
    let sent: Vec<String> = world.published().into_iter().map(|it| it.text).collect();
    assert_eq!(
        sent.first().map(String::as_str),
        Some("A reading room, and a link https://blog.example.com/2")
    );
    // Nobody loads the page: it shows the post by itself.
    browser.until("document.getElementById('live').dataset.renewed").await;
    browser.until("document.querySelector('.lines').innerText.includes('A reading room')").await;
    in_use(&browser, &daemon, address).await;
    assert_eq!(browser.complaints().await, [""; 0]);
    world.assert_nothing_twice().await;
}

/// A text is edited, with the server's own count while it is typed.
async fn edits(browser: &Browser, world: &World) {
    browser.click("#change-2 summary").await;
    browser.write("#text-2", &"far too long ".repeat(40)).await;
    browser.until("document.getElementById('count-2').classList.contains('over')").await;
    browser.write("#text-2", "A reading room, and a link https://blog.example.com/2").await;
    browser.until("document.getElementById('count-2').textContent === '50/280, $0.20'").await;
    browser.click("#change-2 form.edit button").await;
    browser.until("document.querySelector('[role=status]').textContent.includes('new text')").await;
    let post = world.post(2).await;
    assert_eq!((post.edited, post.weighted_length), (true, 50));
}

/// What a person is typing is not taken away when something happens.
async fn in_use(browser: &Browser, daemon: &Daemon, address: SocketAddr) {
    browser.go("/posts/4").await;
    browser.until("document.documentElement.dataset.live").await;
    browser.click("#change-4 summary").await;
    browser.write("#text-4", "Half a senten").await;
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let act = client.post(format!("http://{address}/api/v1/posts/6/approve"));
    let act = act.header("content-type", "application/json").body("{}").send().await;
    assert!(act.expect("an answer").status().is_success());
    publish(daemon).await;
    browser.until("!document.getElementById('changed').hidden").await;
    assert_eq!(
        browser.run("return document.getElementById('text-4').value").await,
        "Half a senten"
    );
    browser.click("#show").await;
    browser.until("document.getElementById('changed').hidden").await;
}

/// Pages of which there are pictures.
const PAGES: [(&str, &str); 9] = [
    ("now", "/"),
    ("queue", "/queue"),
    ("post", "/posts/5"),
    ("history", "/history"),
    ("feeds", "/feeds"),
    ("cost", "/cost"),
    ("explain", "/explain?q=5"),
    ("pause", "/pause"),
    ("fault", "/posts/999"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_page_fits_a_phone_and_has_its_picture() {
    let (world, daemon, address) = world().await;
    let Some(browser) = Browser::start(format!("http://{address}")).await else { return };
    // A little of everything: posted over some days, one refused, one skipped, one paused profile.
    let desk = world.desk();
    for id in [1, 2, 6, 7] {
        desk.act(id, &tidings::domain::post::Event::Approve).await.expect("approved");
        publish(&daemon).await;
        world.pass(TimeDelta::hours(26));
    }
    desk.act(3, &tidings::domain::post::Event::Skip).await.expect("skipped");
    desk.act(5, &tidings::domain::post::Event::Approve).await.expect("approved");
    assert_eq!(world.published().len(), 4);
    for (look, phone, scheme) in [
        ("light", false, "light"),
        ("dark", false, "dark"),
        ("phone", true, "light"),
        ("phone-dark", true, "dark"),
    ] {
        let (width, height) = if phone { (390, 844) } else { (1280, 900) };
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone });
        browser.developer("Emulation.setDeviceMetricsOverride", size).await;
        let scheme = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        browser.developer("Emulation.setEmulatedMedia", scheme).await;
        for (name, path) in PAGES {
            browser.go(path).await;
            let fits = "return document.documentElement.scrollWidth <= innerWidth";
            assert_eq!(browser.run(fits).await, true, "{name} at {width}");
            let heads = browser.run("return Array.from(document.querySelectorAll('h1, h2, h3'), it => Number(it.tagName[1]))").await;
            let heads: Vec<i64> =
                heads.as_array().expect("heads").iter().filter_map(Value::as_i64).collect();
            assert_eq!(heads.first(), Some(&1), "{name}");
            assert!(heads.windows(2).all(|pair| pair[1] - pair[0] <= 1), "{name}: {heads:?}");
            assert_eq!(faint(&browser).await, json!([]), "{name} in {look}: contrast");
            let bare = "return Array.from(document.querySelectorAll('input:not([type=hidden]), textarea, select')).filter(it => it.labels.length === 0).length";
            assert_eq!(browser.run(bare).await, 0, "{name}: fields without a label");
            browser.picture(&format!("{name}-{look}")).await;
        }
    }
    let complaints = browser.complaints().await;
    assert!(complaints.iter().all(|it| it.contains("404")), "{complaints:?}");
}

/// The texts whose colour is nearer to their ground than WCAG AA allows.
async fn faint(browser: &Browser) -> Value {
    browser.run(r"
        const rgb = text => (text.match(/[\d.]+/g) || []).map(Number);
        const light = ([r, g, b]) => [r, g, b].map(it => it / 255)
            .map(it => it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4)
            .reduce((sum, it, place) => sum + it * [0.2126, 0.7152, 0.0722][place], 0);
        const ground = it => {
            for (let at = it; at; at = at.parentElement) {
                const [r, g, b, a] = rgb(getComputedStyle(at).backgroundColor);
                if (a === undefined || a > 0.99) return [r, g, b];
            }
            return [255, 255, 255];
        };
        const wrong = [];
        for (const it of document.querySelectorAll('body *')) {
            const own = Array.from(it.childNodes).some(node => node.nodeType === 3 && node.data.trim());
            if (!own || it.closest('svg') || !it.getClientRects().length) continue;
            const [one, other] = [light(rgb(getComputedStyle(it).color)), light(ground(it))].sort((a, b) => b - a);
            const ratio = (one + 0.05) / (other + 0.05);
            if (ratio < 4.5) wrong.push(it.tagName + '.' + it.className + ' ' + ratio.toFixed(2) + ' ' + it.textContent.trim().slice(0, 30));
        }
        return wrong;
    ").await
}
