//! `tidings man` and `tidings completions`: the program's own words for manuals and shells.
//!
//! Promises: made of the same definitions as `--help`, so that they can't disagree. Must not: need a
//! config.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{Done, Exit, out};

#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// Write a page for each command into this folder; left out: print the main page
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

pub(super) fn man(args: &ManArgs) -> Done {
    let command = super::Args::command();
    match &args.dir {
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page).context("cannot make the page")?;
            out::say(String::from_utf8_lossy(&page).trim_end());
        }
        Some(folder) => {
            std::fs::create_dir_all(folder)
                .and_then(|()| clap_mangen::generate_to(command, folder))
                .with_context(|| format!("cannot write into {}", folder.display()))?;
            out::say(&format!("the pages are in {}", folder.display()));
        }
    }
    Ok(Exit::Done)
}

pub(super) fn completions(args: &CompletionsArgs) -> Exit {
    let mut command = super::Args::command();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "tidings", &mut script);
    out::say(String::from_utf8_lossy(&script).trim_end());
    Exit::Done
}
