//! `cargo torture`: the long tests whose figures stand in `docs/reliability.md`.
//!
//! Promises: the exit code is 1 where anything was lost or doubled, or a story could not be told.
//! Must not: judge by anything but the sandbox's books, or touch processes that are not its own.

#![expect(
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may fail by panicking, and tells what it does"
)]

#[expect(dead_code, reason = "the stories of tests/it use the rest")]
#[path = "../it/feed_server.rs"]
mod feed_server;
#[path = "../it/judge.rs"]
mod judge;
#[expect(dead_code, reason = "the stories of tests/it use the rest")]
#[path = "../it/process.rs"]
mod process;
#[expect(dead_code, reason = "the stories of tests/it use the rest")]
#[path = "../it/random.rs"]
mod random;
#[path = "../it/wire.rs"]
mod wire;

mod kill;
mod load;
mod place;
mod sweep;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Tortures the real program and judges it by the books of the simulated Ayrshare.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo torture")]
struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Kills it at random instants, under every fault of the network
    Kill(kill::Args),
    /// Ends it at its n-th system call, or lets that call fail, for each n
    Sweep(sweep::Args),
    /// Lets an hour pass over many feeds, profiles and posts, and measures
    Load(load::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    let is_innocent = match Args::parse().what {
        What::Kill(args) => kill::run(&args).await,
        What::Sweep(args) => sweep::run(&args).await,
        What::Load(args) => load::run(&args).await,
    };
    if is_innocent { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
