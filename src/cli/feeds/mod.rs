//! `tidings feeds`: how the feeds are, adding and removing them, taking lists of them in and out.
//!
//! Promises: the config file is changed by single feeds' lines and stays as it was elsewhere. Must
//! not: tell a running daemon anything but by the database.

mod add;
mod adding;
mod ayrshare;
mod export;
mod import;
mod list;
mod remove;

use clap::Subcommand;

use super::Done;
use super::setup::{Place, open};
pub(super) use add::first_run;
pub(super) use adding::{Adding, Offer, address};
pub(super) use ayrshare::take_listing;
pub(super) use import::{ImportArgs, read_file, take_list};
pub(super) use list::{NO_FEEDS, health};

#[derive(Debug, Subcommand)]
pub(super) enum FeedsCommand {
    /// List the feeds: health, last good answer, next poll
    List(list::ListArgs),
    /// Have a feed, or all feeds, asked again at once
    Refresh(list::RefreshArgs),
    /// Find the feed of an address and put it into the config
    Add(add::AddArgs),
    /// Take a feed out of the config
    Remove(remove::RemoveArgs),
    /// Put the feeds of an OPML file, or those that Ayrshare polls, into the config
    Import(ImportArgs),
    /// Write the feeds of the config as OPML
    Export(export::ExportArgs),
}

pub(super) async fn run(place: &Place, command: &FeedsCommand) -> Done {
    match command {
        FeedsCommand::List(args) => list::list(&open!(place), args).await,
        FeedsCommand::Refresh(args) => list::refresh(&open!(place), args).await,
        FeedsCommand::Add(args) => add::run(place, args).await,
        FeedsCommand::Remove(args) => remove::run(place, args).await,
        FeedsCommand::Import(args) => import::run(place, args).await,
        FeedsCommand::Export(args) => export::run(place, args),
    }
}
