//! What many feeds cost: the released program polls feeds of a server in this process, and its processor
//! time, peak of memory and requests are printed for each round.
//!
//! `cargo bench --bench fleet`, or `cargo bench --bench fleet -- 10000` for as many feeds. Each round is
//! begun by `tidings feeds refresh` and is over when the program stands still.

#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark watches another process by the real time"
)]

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tokio::net::TcpListener;

use site::{ENTRIES, Site};

mod site;

/// Feeds, where nobody says how many.
const FEEDS: usize = 1_000;
/// The program stands still when it took no more than this in such a time.
const STILL: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(700));
/// How long it is watched while it has nothing to do.
const IDLE: Duration = Duration::from_secs(30);

/// The program at work; it ends with this.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Running {
    fn begin(config: &Path) -> Result<Self, anyhow::Error> {
        let child = program(config).arg("run").spawn()?;
        Ok(Self(child))
    }

    /// Processor time of all its threads, and how often they fell asleep.
    fn spent(&self) -> Result<(Duration, u64), anyhow::Error> {
        let (mut time, mut sleeps) = (0, 0);
        for task in fs::read_dir(format!("/proc/{}/task", self.0.id()))? {
            let task = task?.path();
            // A thread may end between two looks.
            let (Ok(ran), Ok(told)) = (
                fs::read_to_string(task.join("schedstat")),
                fs::read_to_string(task.join("status")),
            ) else {
                continue;
            };
            time += ran.split(' ').next().context("nanoseconds")?.parse::<u64>()?;
            sleeps += number_after(&told, "\nvoluntary_ctxt_switches:")?;
        }
        Ok((Duration::from_nanos(time), sleeps))
    }

    /// The peak of its memory in MB.
    fn peak(&self) -> Result<u64, anyhow::Error> {
        let told = fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        Ok(number_after(&told, "VmHWM:")? / 1024)
    }

    /// Waits until it stands still; gives the time up to there.
    fn settle(&self) -> Result<Duration, anyhow::Error> {
        let began = Instant::now();
        let (mut last, mut moved) = (self.spent()?.0, began);
        while moved.elapsed() < STILL.1 {
            std::thread::sleep(Duration::from_millis(20));
            let now = self.spent()?.0;
            if now.saturating_sub(last) > STILL.0 {
                (last, moved) = (now, Instant::now());
            }
        }
        Ok(moved - began)
    }
}

fn number_after(text: &str, name: &str) -> Result<u64, anyhow::Error> {
    let (_, rest) = text.split_once(name).with_context(|| format!("{name} is there"))?;
    Ok(rest.split_whitespace().next().context("a number")?.parse()?)
}

fn program(config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidings"));
    command.arg("--config").arg(config).env_clear().env("AYRSHARE_API_KEY", "key");
    // As the unit for systemd and the container have it.
    command.env("MALLOC_ARENA_MAX", "1");
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn text(folder: &Path, site: SocketAddr, feeds: usize) -> String {
    let mut text = format!(
        "[ayrshare]\nbase_url = \"http://127.0.0.1:1/api\"\n[store]\npath = \"{}\"\n[web]\nlisten = \"\"\n\
         [fetch]\nconcurrency = 64\nper_host = 64\nhost_gap = \"0s\"\nallow_private = [\"127.0.0.0/8\"]\n\
         [[profile]]\nname = \"main\"\nplatforms = [\"linkedin\"]\n",
        folder.join("tidings.db").display()
    );
    for number in 0..feeds {
        let feed = format!(
            "[[feed]]\nname = \"f{number}\"\nurl = \"http://{site}/{number}\"\ninterval = \"1h\"\n"
        );
        text.push_str(&feed);
    }
    text
}

fn main() -> Result<(), anyhow::Error> {
    let feeds = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(FEEDS);
    let site = Arc::new(Site::default());
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    runtime.spawn(site::serve(listener, Arc::clone(&site)));
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("tidings.toml");
    fs::write(&config, text(folder.path(), address, feeds))?;
    measure(&config, &site, feeds)
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn measure(config: &Path, site: &Site, feeds: usize) -> Result<(), anyhow::Error> {
    println!("{feeds} feeds of {ENTRIES} entries");
    println!("round                wall s   CPU s  us a feed  whole  304  peak MB");
    let daemon = Running::begin(config)?;
    let round = |name: &str, refresh: bool| -> Result<(), anyhow::Error> {
        let before = daemon.spent()?.0;
        site.whole.store(0, Ordering::Relaxed);
        site.unchanged.store(0, Ordering::Relaxed);
        if refresh {
            ensure!(program(config).args(["feeds", "refresh"]).status()?.success(), "no refresh");
        }
        let wall = daemon.settle()?.as_secs_f64();
        let spent = daemon.spent()?.0.saturating_sub(before).as_secs_f64();
        let (whole, unchanged) =
            (site.whole.load(Ordering::Relaxed), site.unchanged.load(Ordering::Relaxed));
        let each = 1e6 * spent / f64::from(u32::try_from(feeds)?);
        let peak = daemon.peak()?;
        println!("{name:18} {wall:8.2} {spent:7.3} {each:10.0} {whole:6} {unchanged:4} {peak:8}");
        ensure!(whole + unchanged == u64::try_from(feeds)?, "not every feed was asked once");
        Ok(())
    };
    round("start and cold", false)?;
    round("all 304", true)?;
    round("all 304 again", true)?;
    site.more.fetch_add(1, Ordering::Relaxed);
    round("one new each", true)?;
    site.latency.store(100, Ordering::Relaxed);
    round("all 304, 100 ms", true)?;
    site.latency.store(0, Ordering::Relaxed);
    site.forgets.store(true, Ordering::Relaxed);
    round("no validators", true)?;
    round("no validators again", true)?;
    let (before, sleeps) = daemon.spent()?;
    std::thread::sleep(IDLE);
    let (after, more) = daemon.spent()?;
    let share = 100.0 * (after.saturating_sub(before)).as_secs_f64() / IDLE.as_secs_f64();
    let wakes = more.saturating_sub(sleeps) * 60 / IDLE.as_secs();
    println!(
        "idle: {share:.2} % of a core, {wakes} wake-ups a minute, {} MB at most",
        daemon.peak()?
    );
    Ok(())
}
