//! `tidings sandbox`: the simulated Ayrshare alone, on a port, with faults to choose.
//!
//! Promises: ends with exit code 1 if anything was published twice. Must not: reach any network.

use std::net::SocketAddr;

use anyhow::Context;
use clap::Args;
use tokio::net::TcpListener;

use super::out;
use super::{Done, Exit};
use crate::clock::Clock;
use crate::domain::weight::weighted_length;
use crate::sandbox::{self, Options, Rule, Sandbox};

#[derive(Debug, Args)]
#[command(after_help = sandbox::listing())]
pub(super) struct SandboxArgs {
    /// Where to listen; port 0 takes any free one
    #[arg(long, default_value = "127.0.0.1:8485")]
    listen: SocketAddr,
    /// The faults that it starts with
    #[arg(
        long = "fault",
        value_name = "FAULT",
        value_parser = rule,
        help = "A fault, as NAME[@SECONDS][:COUNT][,platform=P][,profile=P][,after=N][,on=REQUEST]; may be repeated"
    )]
    faults: Vec<Rule>,
    /// How long a post takes to show up in the history, in seconds
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    history_lag: u32,
}

fn rule(text: &str) -> Result<Rule, String> {
    text.parse::<Rule>().map_err(|why| format!("{why}; `tidings sandbox --help` lists the faults"))
}

pub(super) async fn run(args: &SandboxArgs) -> Done {
    let listener = TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("cannot listen on {}: take another port", args.listen))?;
    let mut options = Options::new(Clock::System, weighted_length);
    options.rules.clone_from(&args.faults);
    options.settings.history_lag_seconds = args.history_lag;
    let sandbox = Sandbox::start(listener, options).context("cannot start the sandbox")?;
    out::say(&format!("base_url = \"{}\"", sandbox.url()));
    out::say(&format!("what was published: {}books", sandbox.admin_url()));
    for fault in &args.faults {
        out::say(&format!("fault: {fault}"));
    }
    out::complain("put base_url into [ayrshare] of a config; Ctrl-C ends it");
    stopped().await?;
    let books = sandbox.books();
    let doubles = books.doubles();
    out::say(&format!(
        "{} published, {} twice",
        out::count(books.published().count(), "post"),
        doubles.len()
    ));
    sandbox.shutdown().await;
    Ok(if doubles.is_empty() { Exit::Done } else { Exit::Failed })
}

async fn stopped() -> Result<(), anyhow::Error> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
