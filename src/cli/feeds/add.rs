//! `tidings feeds add`: from the address of a feed or a site to a feed in the config.
//!
//! Promises: what is added was read once, unless the person says otherwise. Must not: write a config
//! that would not load.

use clap::Args;
use toml::{Table, Value};
use url::Url;

use super::adding::{Adding, Offer, Taken, address, given};
use crate::cli::out;
use crate::cli::setup::{Place, want};
use crate::cli::{Done, Exit};
use crate::clock::Clock;
use crate::config::secret::FeedSecrets;
use crate::daemon::access::Access;
use crate::feed::find::{How, find};
use crate::http::shown;

#[derive(Debug, Args)]
pub(in crate::cli) struct AddArgs {
    /// The address of a feed, or of a site whose feed is looked for
    url: String,
    /// Its name; left out: the feed's own title
    #[arg(long)]
    name: Option<String>,
    /// The profile that its entries go to; may be repeated
    #[arg(long = "profile", value_name = "PROFILE")]
    profiles: Vec<String>,
    /// How often it is asked, e.g. 30m
    #[arg(long)]
    interval: Option<String>,
    /// What happens to entries that are there already: none, all, latest=3, since=2026-11-01
    #[arg(long, value_name = "RULE", value_parser = first_run)]
    first_run: Option<Value>,
    /// Where it stands among the others, e.g. "News / World"
    #[arg(long)]
    folder: Option<String>,
    /// Add the address as it is, without asking it
    #[arg(long)]
    unasked: bool,
    /// Say what would be added, and write nothing
    #[arg(long)]
    dry_run: bool,
}

pub(in crate::cli) fn first_run(typed: &str) -> Result<Value, String> {
    let table =
        |key: &str, value: Value| Ok(Value::Table(Table::from_iter([(key.to_owned(), value)])));
    match typed.split_once('=') {
        None if matches!(typed, "none" | "all") => Ok(Value::String(typed.to_owned())),
        Some(("latest", count)) => {
            let count: i64 = count.parse().map_err(|_| format!("{count:?} is no number"))?;
            table("latest", Value::Integer(count))
        }
        Some(("since", day)) => table("since", Value::String(day.to_owned())),
        None | Some(_) => Err("give none, all, latest=3 or since=2026-11-01".to_owned()),
    }
}

pub(super) async fn run(place: &Place, args: &AddArgs) -> Done {
    let mut adding = match Adding::open(place)? {
        Ok(adding) => adding,
        Err(exit) => return Ok(exit),
    };
    let typed = match address(&args.url) {
        Ok(url) => url,
        Err(why) => {
            out::complain(&format!("error: the address can't be added: {why}"));
            return Ok(Exit::Usage);
        }
    };
    for profile in &args.profiles {
        let known = adding.config.profiles.iter().map(|profile| profile.name.as_str());
        if let Err(exit) = want("profile", Some(profile), known) {
            return Ok(exit);
        }
    }
    if let Some(name) = args.name.as_deref().filter(|name| adding.has(name)) {
        out::complain(&format!("error: there is a feed {name:?} already: give another --name"));
        return Ok(Exit::Usage);
    }
    let asked =
        if args.unasked { Ok((typed, String::new())) } else { ask(place, &adding, typed).await? };
    let (url, title) = match asked {
        Ok(found) => found,
        Err(exit) => return Ok(exit),
    };
    let mut keys = given(&args.profiles, args.interval.as_deref());
    keys.extend(args.first_run.clone().map(|rule| ("first_run".to_owned(), rule)));
    let folder = args.folder.clone().map(Value::String);
    keys.extend(folder.map(|folder| ("folder".to_owned(), folder)));
    let offer = Offer { name: args.name.clone(), title, keys };
    match adding.offer(&url, offer)? {
        Taken::There(name) => {
            out::say(&format!("feed {name} has this address already: {url}"));
            Ok(Exit::Done)
        }
        Taken::Added(name) => {
            out::say(&format!("feed {name}: {url}"));
            adding.finish(place, args.dry_run).await
        }
    }
}

/// Looks for the feed of an address; gives it with its title.
async fn ask(
    place: &Place,
    adding: &Adding,
    typed: Url,
) -> Result<Result<(Url, String), Exit>, anyhow::Error> {
    let config = &adding.config;
    let secrets = match FeedSecrets::read(config, [], &place.env) {
        Ok(secrets) => secrets,
        Err(complaints) => {
            out::complain(&complaints.to_string());
            return Ok(Err(Exit::Usage));
        }
    };
    let access = Access::new(config, [], &secrets)?;
    let visit = access.visit_any(config, &typed, Clock::System.now());
    let found = match find(&visit).await {
        Ok(found) => found,
        Err(missing) => {
            out::complain(&format!("error: {missing}"));
            out::complain("nothing was written; --unasked adds the address as it is");
            return Ok(Err(Exit::Failed));
        }
    };
    if found.how != How::Itself {
        out::say(&format!("the feed of {} is {}, {}", shown(&typed), found.url, found.how.words()));
    }
    for other in &found.others {
        out::say(&format!("the page names {other} too"));
    }
    out::say(&format!("it has {}", out::count(found.new.feed.items.len(), "entry")));
    Ok(Ok((found.url, found.new.feed.title)))
}
