//! The program where nobody types: as process 1, as in a container, and with its log read by systemd.

#![expect(clippy::panic, reason = "a test may fail by panicking, in its helpers too")]

use std::process::{Command, Stdio};
use std::time::Duration;

use super::cli::{Home, Running, rss, sandbox};
use super::feed_server::FeedServer;
use tidings::sandbox::Sandbox;

/// Every wait ends after this long.
const LOOKS: usize = 1200;

/// Whether a command can be process 1 of a namespace here.
fn permitted() -> bool {
    let tried = Command::new("unshare")
        .args(["--user", "--map-root-user", "--pid", "--fork", "true"])
        .stderr(Stdio::null())
        .status();
    tried.is_ok_and(|status| status.success())
}

#[tokio::test(flavor = "multi_thread")]
async fn as_process_1_it_ends_on_sigterm() {
    if !permitted() {
        println!("skipped: this machine lets nobody make a PID namespace (unshare)");
        return;
    }
    let (feeds, sandbox) = (FeedServer::start().await, sandbox().await);
    let home = Home::new().with_secrets();
    configure(&home, &feeds, &sandbox);
    let program = home.command(&["run"]);
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--pid", "--fork", "--kill-child"])
        .arg(program.get_program())
        .args(program.get_args())
        .current_dir(home.path(""))
        .env_clear()
        .envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut running = Running(command.spawn().expect("it starts"));
    let outside = running.0.id();
    wait("it posts", || sandbox.read_books(|books| books.published().count()) == 1).await;
    // The one child of `unshare` is process 1 in there.
    let children = std::fs::read_to_string(format!("/proc/{outside}/task/{outside}/children"));
    let first = children.expect("its children").trim().to_owned();
    let status = std::fs::read_to_string(format!("/proc/{first}/status")).expect("its status");
    let pids = status.lines().find(|line| line.starts_with("NSpid:")).expect("its numbers");
    assert!(pids.ends_with("\t1"), "{pids}");
    let sent = Command::new("kill").args(["-TERM", &first]).status().expect("kill runs");
    assert!(sent.success());
    let mut ended = None;
    wait("it ends", || {
        ended = running.0.try_wait().expect("a status");
        ended.is_some()
    })
    .await;
    assert_eq!(ended.and_then(|it| it.code()), Some(0), "a drain is a good end");
}

fn configure(home: &Home, feeds: &FeedServer, sandbox: &Sandbox) {
    feeds.script("/blog.xml", [rss("blog", &["One"])]);
    home.write(
        "tidings.toml",
        format!(
            "[ayrshare]\nbase_url = \"{}\"\n[fetch]\nallow_private = [\"127.0.0.0/8\"]\n[web]\nlisten = \"\"\n\
             [[profile]]\nname = \"main\"\nplatforms = [\"twitter\"]\n\
             [[feed]]\nname = \"blog\"\nurl = \"{}\"\nfirst_run = \"all\"\n",
            sandbox.url(),
            feeds.url("/blog.xml"),
        ),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_json_for_systemd_and_text_for_others() {
    let (feeds, sandbox) = (FeedServer::start().await, sandbox().await);
    for (home, is_json) in [
        (Home::new().with_secrets().with("JOURNAL_STREAM", "9:12345"), true),
        (Home::new().with_secrets(), false),
    ] {
        configure(&home, &feeds, &sandbox);
        let said = home.run(&["run", "--sandbox", "--once"]).await;
        let log: Vec<&str> =
            said.expect(0).err.lines().filter(|line| !line.starts_with("nothing left")).collect();
        assert!(!log.is_empty(), "{}", said.err);
        for line in log {
            let event = serde_json::from_str::<serde_json::Value>(line);
            assert_eq!(event.is_ok(), is_json, "{line}");
            if let Ok(event) = event {
                assert!(event["level"].is_string() && event["message"].is_string(), "{line}");
            }
        }
        assert!(!said.err.contains("\u{1b}["), "no colours: {}", said.err);
    }
}

async fn wait(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..LOOKS {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what}: it did not");
}
