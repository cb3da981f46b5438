//! The command line: one file per command; the only place that prints.
//!
//! Promises: data on standard output, talk on standard error; exit code 0 done, 1 failed, 2 wrong
//! usage or config. Must not: decide anything that the daemon or the page would have to decide too.

mod acts;
mod alerts;
mod backup;
mod budgets;
mod check;
mod corrections;
mod cost;
mod delete;
mod demo;
mod digest;
mod explain;
mod feeds;
mod health;
mod history;
mod init;
mod out;
mod pause;
mod plan;
mod polling;
mod preview;
mod progress;
mod queue;
mod report;
mod run;
mod sandbox;
mod scratch;
mod setup;
mod shown;
mod status;
mod times;
mod web;
mod width;
mod words;

use std::env::ArgsOs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::Environment;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// Failed; what failed was said.
    Failed,
    /// Wrong usage or config; what is wrong was said.
    Usage,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::SUCCESS,
            Exit::Failed => Self::from(1),
            Exit::Usage => Self::from(2),
        }
    }
}

/// What a command gives: how it ended, or an error that `main` prints with its causes.
type Done = Result<Exit, anyhow::Error>;

/// Publishes the entries of RSS, Atom and JSON feeds to X and other networks through Ayrshare, each
/// once, at its time, with your own X keys.
#[derive(Debug, Parser)]
#[command(name = "tidings", version, max_term_width = 100, disable_help_subcommand = true)]
#[command(
    after_help = "Start with `tidings demo`: the whole job, with no account and no network.\n\
    Exit codes: 0 done, 1 failed, 2 wrong usage or config."
)]
struct Args {
    /// The config file
    #[arg(long, short, global = true, value_name = "FILE", default_value = "tidings.toml")]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the whole job with a sample site and a simulated Ayrshare; needs no account and no network
    Demo,
    /// Find the feed of a site, write a config and show what it would post
    Init(init::InitArgs),
    /// Run the daemon: poll the feeds, queue what is new, publish each post at its time
    Run(run::RunArgs),
    /// Check config, secrets, database, clock and feeds; posts nothing
    Check(check::CheckArgs),
    /// Show what would be posted: text, weighted length, cost
    Preview(preview::PreviewArgs),
    /// Tell stage by stage why an entry was, will be or won't be posted
    Explain(explain::ExplainArgs),
    /// Show what goes out when, on which lane, at which cost
    Plan(plan::PlanArgs),
    /// Show what was spent by profile, feed, day or month, and how long the budgets last
    Cost(cost::CostArgs),
    /// Write what was published in a month, for a client: Markdown, CSV or JSON
    Report(report::ReportArgs),
    /// Look at the queue, and change it by hand
    #[command(subcommand)]
    Queue(queue::QueueCommand),
    /// Show what was published, failed, skipped or expired, newest first
    History(history::HistoryArgs),
    /// Take a published post down on its network
    Delete(delete::DeleteArgs),
    /// Show what is: stops, lanes, feeds, what comes next, what needs you
    Status(status::StatusArgs),
    /// Stop sending; the queue keeps filling
    Pause(pause::PauseArgs),
    /// Send again, and end all other stops
    Resume(pause::ResumeArgs),
    /// See what was told as wrong, and test whether it arrives
    #[command(subcommand)]
    Alerts(alerts::AlertsCommand),
    /// Look at the feeds, add and remove them, have them asked again
    #[command(subcommand)]
    Feeds(feeds::FeedsCommand),
    /// Copy the database while the daemon runs
    Backup(backup::BackupArgs),
    /// Put a backup back; what may have been sent since is looked up before it is sent
    Restore(backup::RestoreArgs),
    /// Run the simulated Ayrshare alone, with faults to choose
    Sandbox(sandbox::SandboxArgs),
    /// Make the password of the page
    #[command(subcommand)]
    Web(web::WebCommand),
    /// Print the manual page, or write one for each command
    Man(words::ManArgs),
    /// Print the completions of a shell
    Completions(words::CompletionsArgs),
    /// Ask a running daemon whether it is well; for containers and monitors
    Health,
}

/// Runs one command line. Nothing is printed elsewhere. Not generic: else all of the program would be
/// compiled a second time where it is called.
pub fn main(args: ArgsOs) -> ExitCode {
    std::panic::set_hook(Box::new(|panic| out::complain(&out::panic_line(panic))));
    let args = match Args::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => {
            // Help and version are no faults; clap knows where each belongs.
            let code = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            drop(error.print());
            return code.into();
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            out::complain(&format!("error: cannot start the runtime: {error}"));
            return Exit::Failed.into();
        }
    };
    let exit = match runtime.block_on(dispatch(args)) {
        Ok(exit) => exit,
        Err(error) => {
            out::complain(&format!("error: {}", out::causes(&error)));
            Exit::Failed
        }
    };
    // A blocking task, such as a parse, must not hold the exit up.
    runtime.shutdown_background();
    exit.into()
}

async fn dispatch(args: Args) -> Done {
    let env = Environment::of_process();
    let at = setup::Place { config: args.config, env };
    match args.command {
        Command::Demo => demo::run().await,
        Command::Init(args) => init::run(&at, &args).await,
        Command::Run(args) => run::run(&at, &args).await,
        Command::Check(args) => check::run(&at, &args).await,
        Command::Preview(args) => preview::run(&at, &args).await,
        Command::Explain(args) => explain::run(&at, &args).await,
        Command::Plan(args) => plan::run(&at, &args).await,
        Command::Cost(args) => cost::run(&at, &args).await,
        Command::Report(args) => report::run(&at, &args).await,
        Command::Queue(command) => queue::run(&at, &command).await,
        Command::History(args) => history::run(&at, &args).await,
        Command::Delete(args) => delete::run(&at, &args).await,
        Command::Status(args) => status::run(&at, &args).await,
        Command::Pause(args) => pause::pause(&at, &args).await,
        Command::Resume(args) => pause::resume(&at, &args).await,
        Command::Alerts(command) => alerts::run(&at, &command).await,
        Command::Feeds(command) => feeds::run(&at, &command).await,
        Command::Backup(args) => backup::backup(&at, &args).await,
        Command::Restore(args) => backup::restore(&at, &args).await,
        Command::Sandbox(args) => sandbox::run(&args).await,
        Command::Web(command) => web::run(&command),
        Command::Man(args) => words::man(&args),
        Command::Completions(args) => Ok(words::completions(&args)),
        Command::Health => health::run(&at).await,
    }
}
