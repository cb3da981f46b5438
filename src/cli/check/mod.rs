//! `tidings check`: config, secrets, machine, database and feeds, and with `--live` also Ayrshare and X;
//! each fault by its name.
//!
//! Promises: posts nothing, changes nothing, and goes on after a fault. Must not: make a database, or
//! cost anything unless it was asked to.

mod feeds;
mod live;
mod machine;
mod report;

use clap::Args;

use self::report::Report;
use super::out;
use super::setup::Place;
use super::{Done, Exit};
use crate::config::Config;
use crate::config::secret::Secrets;

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Leave the feeds unread
    #[arg(long)]
    no_feeds: bool,
    #[command(flatten)]
    ayrshare: AyrshareArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct AyrshareArgs {
    /// Ask Ayrshare too: keys, links, headers, plan; posts nothing
    #[arg(long)]
    live: bool,
    /// Have Ayrshare read each X account, which shows key pair and credit; X bills about $0.01 for each
    #[arg(long, requires = "live")]
    analytics: bool,
}

pub(super) async fn run(place: &Place, args: &CheckArgs) -> Done {
    let config = match place.config() {
        Ok(config) => config,
        Err(exit) => return Ok(exit),
    };
    let mut report = Report::new(args.json);
    for warning in &config.warnings {
        if args.json {
            report.warn("config", warning.as_str());
        } else {
            out::complain(&format!("warning: {warning}"));
        }
    }
    report.good(
        "config",
        format!(
            "{}, {} in {}",
            out::count(config.profiles.len(), "profile"),
            out::count(config.feeds.len(), "feed"),
            config.file.display()
        ),
    );
    let secrets = read_secrets(&mut report, &config, place);
    machine::clock(&mut report);
    machine::zones(&mut report, &config);
    machine::store(&mut report, &config).await;
    if !args.no_feeds {
        feeds::feeds(&mut report, &config, &place.env).await;
    }
    match &secrets {
        Some(secrets) if args.ayrshare.live => {
            live::ayrshare(&mut report, &config, secrets, args.ayrshare.analytics).await?;
        }
        None if args.ayrshare.live => {
            report.warn("Ayrshare", "not asked, since secrets are missing");
        }
        Some(_) | None => {}
    }
    // Secrets are a part of the config.
    let exit = if secrets.is_none() { Exit::Usage } else { Exit::Failed };
    let hint = if args.ayrshare.live {
        "`tidings run` may start"
    } else {
        "`tidings check --live` asks Ayrshare too, `tidings preview` shows what would be posted"
    };
    report.end(exit, hint)
}

fn read_secrets(report: &mut Report, config: &Config, place: &Place) -> Option<Secrets> {
    match Secrets::read(config, &place.env) {
        Ok(secrets) => {
            for warning in &secrets.warnings {
                report.warn("secrets", warning.as_str());
            }
            report.good("secrets", "all there");
            Some(secrets)
        }
        Err(complaints) => {
            let noun = if complaints.len() == 1 { "is" } else { "are" };
            let lines = complaints.to_string();
            let lines = lines.lines().filter(|line| !line.ends_with("nothing was started"));
            report.bad_with(
                "secrets",
                format!("{} {noun} missing or wrong", complaints.len()),
                lines.map(str::to_owned).collect(),
            );
            None
        }
    }
}
