//! `tidings demo`: the whole job, with no account and no network.
//!
//! It runs the real daemon on a temporary folder, against the sample site and the sandbox on
//! loopback, tells each step as it happens, and judges the end by the sandbox's books.
//!
//! Promises: ends by itself within a minute, and with exit code 1 unless what was found is what was
//! posted. Must not: need a config, an account or a network, or leave anything behind.

mod judge;
mod tell;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use chrono::TimeDelta;
use tokio::net::TcpListener;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::Done;
use super::out::{self, Tone};
use super::scratch::Scratch;
use crate::clock::Clock;
use crate::config::secret::Secrets;
use crate::config::{self, Config, Environment};
use crate::daemon::Daemon;
use crate::daemon::news::News;
use crate::daemon::outlook::Outlook;
use crate::daemon::reload::Present;
use crate::domain::cost::Usd;
use crate::domain::post::State;
use crate::domain::weight::weighted_length;
use crate::sandbox::site::Site;
use crate::sandbox::{Options, Rule, Sandbox};
use crate::store::Store;
use crate::store::lock::DaemonLock;
use crate::store::posts::PostFilter;

/// The demo gives up after this long.
const LONGEST: Duration = Duration::from_secs(50);
/// The answer to the second request on X is lost, and the fourth one meets an empty account.
const FAULTS: [&str; 2] = [
    "lost-answer:1,platform=twitter,profile=primary,after=1",
    "402:1,platform=twitter,profile=primary,after=3",
];

pub(super) async fn run() -> Done {
    let folder = Scratch::new("demo")?;
    let site = Site::start(loopback().await?)?;
    let mut options = Options::new(Clock::System, weighted_length);
    options.settings.history_lag_seconds = 1;
    for fault in FAULTS {
        options.rules.push(fault.parse::<Rule>().context("a fault of the demo is unknown")?);
    }
    let sandbox = Sandbox::start(loopback().await?, options)?;
    let (config, secrets) = setup(folder.path(), &site, &sandbox)?;
    let lock = DaemonLock::take(&config.store.path)?;
    let store = Store::open(&config.store.path).await?;
    introduce(&sandbox, &config);
    let daemon = Arc::new(Daemon::new(Arc::clone(&config), secrets, store.clone(), Clock::System)?);
    let news = daemon.listen();
    let mut running = tokio::spawn(crate::daemon::run::run(Present::fixed(Arc::clone(&daemon))));
    let tally = tokio::select! {
        told = tokio::time::timeout(LONGEST, narrate(&daemon, news)) => match told {
            Ok(tally) => tally?,
            Err(_) => bail!("the demo did not end within {} s", LONGEST.as_secs()),
        },
        ended = &mut running => {
            ended.context("the daemon panicked")?.context("the daemon failed")?;
            bail!("the daemon ended before everything was posted")
        }
        _ = tokio::signal::ctrl_c() => bail!("stopped by hand before everything was posted"),
    };
    daemon.stop.drain.cancel();
    running.await.context("the daemon panicked")?.context("the daemon failed")?;
    let exit = judge::judge(&store, &sandbox.books(), tally).await?;
    store.close().await;
    drop(lock);
    sandbox.shutdown().await;
    Ok(exit)
}

async fn loopback() -> Result<TcpListener, anyhow::Error> {
    TcpListener::bind("127.0.0.1:0").await.context("cannot listen on 127.0.0.1")
}

/// Writes a config file such as a user would write, and loads it as `tidings run` does.
fn setup(
    folder: &Path,
    site: &Site,
    sandbox: &Sandbox,
) -> Result<(Arc<Config>, Secrets), anyhow::Error> {
    let text = format!(
        r#"[ayrshare]
base_url = "{base_url}"
reconcile_after = "2s"
probe_after = "3s"

[store]
path = "{database}"

[fetch]
allow_private = ["127.0.0.0/8"]
host_gap = "0s"

[web]
listen = ""

[[profile]]
name = "main"
platforms = ["twitter"]
time_zone = "Europe/Berlin"
min_gap = "1s"

[[profile]]
name = "workshop"
platforms = ["twitter", "linkedin"]
profile_key = {{ env = "WORKSHOP_PROFILE_KEY" }}
min_gap = "1s"

[defaults.feed]
first_run = "all"

[[feed]]
name = "blog"
url = "{blog}"
profiles = ["main"]

[[feed]]
name = "news"
url = "{news}"
profiles = ["main"]

[[feed]]
name = "notes"
url = "{notes}"
profiles = ["workshop"]
"#,
        base_url = sandbox.url(),
        database = folder.join("tidings.db").display(),
        blog = site.url("blog.xml"),
        news = site.url("news.atom"),
        notes = site.url("notes.json"),
    );
    let path = folder.join("tidings.toml");
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    let env: Environment = [
        ("AYRSHARE_API_KEY", "demo-api-key"),
        ("X_API_KEY", "demo-x-key"),
        ("X_API_SECRET", "demo-x-secret"),
        ("WORKSHOP_PROFILE_KEY", "demo-profile-key"),
    ]
    .into_iter()
    .collect();
    let config = config::load(&path, &env)?;
    let secrets = Secrets::read(&config, &env)?;
    Ok((Arc::new(config), secrets))
}

fn introduce(sandbox: &Sandbox, config: &Config) {
    out::say(&out::tone(
        "Tidings demo: no account, no network, nothing leaves this machine",
        Tone::Head,
    ));
    out::say(&format!(
        "A simulated Ayrshare listens at {}. It will lose one answer and",
        sandbox.url()
    ));
    out::say("run out of X credit once. A sample site offers these feeds:");
    for feed in &config.feeds {
        out::say(&format!("  {:<6} {} → {}", feed.name, feed.url, feed.profiles.join(", ")));
    }
    out::say("");
}

/// What was told.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    /// Entries that the feeds held.
    entries: usize,
    /// Posts made of them.
    posts: usize,
    /// Posts that are on their network.
    posted: usize,
    /// Of these, those whose answer was lost and that a look-up found.
    looked_up: usize,
    /// Stops that began.
    stopped: usize,
    /// Stops that ended.
    lifted: usize,
}

/// Tells each step until every post is settled.
async fn narrate(daemon: &Daemon, mut news: Receiver<News>) -> Result<Tally, anyhow::Error> {
    let mut tally = Tally::default();
    let mut feeds_left = daemon.config.feeds.len();
    let mut planned = false;
    loop {
        let item = match news.recv().await {
            Ok(item) => item,
            Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => bail!("the daemon ended before everything was posted"),
        };
        for line in tell::lines(&item) {
            out::say(&line);
        }
        let is_post = matches!(item, News::Queued { .. });
        match item {
            News::Polled { .. } => feeds_left = feeds_left.saturating_sub(1),
            News::PollFailed { feed, why, .. } => bail!("feed {feed} could not be read: {why}"),
            News::Found { .. } => tally.entries += 1,
            News::Queued { .. } => tally.posts += 1,
            News::Settled { state: State::Posted, by_lookup, .. } => {
                tally.posted += 1;
                tally.looked_up += usize::from(by_lookup);
            }
            News::Settled { state: State::Failed, reason, .. } => bail!("a post failed: {reason}"),
            News::Opened { .. } => tally.stopped += 1,
            News::Closed { .. } => tally.lifted += 1,
            News::Settled { .. }
            | News::Sending { .. }
            | News::Corrected { .. }
            | News::Reloaded { .. }
            | News::ReloadRefused { .. }
            | News::BackupFailed { .. }
            | News::DiskHasRoom => {}
            News::DiskFull => bail!("the disk is full"),
        }
        // The last feed's posts come as news right after it was read.
        if feeds_left == 0 && !planned && is_post {
            planned = plan(daemon, tally.posts).await?;
        }
        let all_posted = tally.posts > 0 && tally.posted == tally.posts;
        if feeds_left == 0 && all_posted && tally.stopped == tally.lifted {
            return Ok(tally);
        }
    }
}

/// Tells what is planned, once the last feed's posts are all in; says whether they are.
async fn plan(daemon: &Daemon, posts: usize) -> Result<bool, anyhow::Error> {
    let all = daemon.store.posts(&PostFilter::default(), 1000).await?;
    if all.len() > posts {
        return Ok(false);
    }
    let now = daemon.clock.now();
    let outlook = Outlook { store: &daemon.store, config: &daemon.config };
    for lane in daemon.config.lanes() {
        let plan = outlook.plan_of(&lane, now, now + TimeDelta::hours(1)).await?;
        let cost: Usd = plan.rows.iter().map(|row| row.cost).sum();
        if let Some((first, last)) = plan.rows.first().zip(plan.rows.last()) {
            out::say(&format!(
                "planned   {lane}: {} to go from {} to {}, {}, {cost}",
                out::count(plan.rows.len(), "post"),
                first.at.format("%H:%M:%S UTC"),
                last.at.format("%H:%M:%S UTC"),
                last.rule.sentence(),
            ));
        }
    }
    Ok(true)
}
