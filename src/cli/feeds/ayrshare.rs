//! `tidings feeds import --ayrshare`: the feeds that Ayrshare itself polls, into the config.
//!
//! Promises: changes nothing at Ayrshare; says of each feed what became of it, and where Ayrshare
//! would still post it. Must not: add a site that has no feed.

use std::collections::BTreeMap;

use toml::{Table, Value};
use url::Url;

use super::adding::{Adding, Offer, Taken, given};
use super::import::ImportArgs;
use crate::ayrshare::feeds::{Listed, Listing, listed};
use crate::ayrshare::{Client, Credentials};
use crate::cli::out;
use crate::cli::progress::Progress;
use crate::cli::setup::Place;
use crate::cli::{Done, Exit};
use crate::clock::Clock;
use crate::config::secret::{SecretRef, Secrets};
use crate::daemon::access::Access;
use crate::domain::entry::normal_link;
use crate::domain::outcome::Reply;
use crate::feed::find::find;
use crate::http;

/// Two posts of one entry would be the price of silence.
const WARNING: &str = "Ayrshare goes on posting its feeds to its other networks until you delete them there: \
    see that no network gets an entry from both";

/// A feed of Ayrshare's, found.
struct Wanted {
    url: Url,
    title: String,
    profiles: Vec<String>,
    /// Keys that stand for its settings at Ayrshare.
    settings: Vec<(String, Value)>,
}

pub(super) async fn run(place: &Place, mut adding: Adding, args: &ImportArgs) -> Done {
    let config = std::sync::Arc::clone(&adding.config);
    let secrets = match Secrets::read(&config, &place.env) {
        Ok(secrets) => secrets,
        Err(complaints) => {
            out::complain(&complaints.to_string());
            return Ok(Exit::Usage);
        }
    };
    let access = Access::new(&config, [], &secrets.feeds)?;
    let timeout = config.ayrshare.timeout.to_std().unwrap_or_default();
    let client = Client::new(http::ayrshare_client(timeout)?, &config.ayrshare.base_url);
    let mut wanted: Vec<Wanted> = Vec::new();
    let mut failed = false;
    for (_, profiles) in by_key(&adding, args) {
        let whose = profiles.join(", ");
        let listing = match ask(&client, &secrets, &profiles).await {
            Ok(listing) => listing,
            Err(why) => {
                failed = true;
                out::complain(&format!("profile {whose}: {why}"));
                continue;
            }
        };
        out::complain(&format!(
            "profile {whose}: Ayrshare has {}",
            out::count(listing.feeds.len(), "feed")
        ));
        failed |= gather(&mut wanted, &access, &adding, (&listing, &profiles)).await;
    }
    put(&mut adding, wanted, args.interval.as_deref())?;
    let exit = adding.finish(place, args.dry_run).await?;
    out::complain(WARNING);
    Ok(if exit == Exit::Done && failed { Exit::Failed } else { exit })
}

/// Takes the feeds of a list that was saved before, for all profiles.
pub(in crate::cli) async fn take_listing(
    access: &Access,
    adding: &mut Adding,
    listing: &Listing,
) -> Result<(), anyhow::Error> {
    let mut wanted = Vec::new();
    // What was left out was said.
    let _left_out = gather(&mut wanted, access, adding, (listing, &[])).await;
    put(adding, wanted, None)?;
    out::complain(WARNING);
    Ok(())
}

/// Finds the feeds of a list; gives whether some were left out.
async fn gather(
    wanted: &mut Vec<Wanted>,
    access: &Access,
    adding: &Adding,
    (listing, profiles): (&Listing, &[String]),
) -> bool {
    let mut failed = false;
    for name in &listing.without_address {
        out::say(&format!("left out  {name}: Ayrshare tells no address"));
    }
    let mut progress = Progress::new("feed", listing.feeds.len());
    for row in &listing.feeds {
        progress.next(&row.title);
        let found = locate(access, adding, row).await;
        progress.clear();
        match found {
            Ok(url) => merge(wanted, url, row, profiles),
            Err(why) => {
                failed = true;
                out::say(&format!("left out  {}: {why}", row.title));
            }
        }
    }
    failed
}

/// Adds what was found.
fn put(
    adding: &mut Adding,
    wanted: Vec<Wanted>,
    interval: Option<&str>,
) -> Result<(), anyhow::Error> {
    // With one profile there is nothing to choose.
    let single = adding.config.profiles.len() == 1;
    for Wanted { url, title, profiles, settings } in wanted {
        let profiles = if single { Vec::new() } else { profiles };
        let mut keys = given(&profiles, interval);
        let carried: Vec<String> =
            settings.iter().map(|(key, value)| format!(", {key} = {value}")).collect();
        let carried = carried.concat();
        keys.extend(settings);
        match adding.offer(&url, Offer { name: None, title, keys })? {
            Taken::Added(name) => out::say(&format!("added     {name}: {url}{carried}")),
            Taken::There(name) => out::say(&format!("there     {name}: {url}")),
        }
    }
    Ok(())
}

/// The profiles, those together that are one profile at Ayrshare.
fn by_key(adding: &Adding, args: &ImportArgs) -> BTreeMap<Option<SecretRef>, Vec<String>> {
    let mut by_key: BTreeMap<Option<SecretRef>, Vec<String>> = BTreeMap::new();
    for profile in &adding.config.profiles {
        if args.profiles.is_empty() || args.profiles.contains(&profile.name) {
            by_key.entry(profile.profile_key.clone()).or_default().push(profile.name.clone());
        }
    }
    by_key
}

async fn ask(client: &Client, secrets: &Secrets, profiles: &[String]) -> Result<Listing, String> {
    let profile_key = profiles
        .first()
        .and_then(|name| secrets.profile(name))
        .and_then(|profile| profile.profile_key.as_ref());
    let credentials = Credentials { api_key: &secrets.api_key, profile_key, x: None };
    match client.feeds(credentials, Clock::System.now()).await {
        Reply::Answered { status: 200, body, .. } => {
            listed(&body).ok_or_else(|| "the answer of Ayrshare lists no feeds".to_owned())
        }
        Reply::Answered { status, body, .. } => {
            let body: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
            let message = body.get("message").and_then(serde_json::Value::as_str);
            Err(format!(
                "Ayrshare answers {status}: {} (feeds need its Premium plan or a larger one)",
                out::short(message.unwrap_or("no message"), 200)
            ))
        }
        Reply::NotSent { why } | Reply::Lost { why } => Err(why),
    }
}

/// The feed of a row: Ayrshare takes sites, too, so what it tells is asked.
async fn locate(access: &Access, adding: &Adding, row: &Listed) -> Result<Url, String> {
    if adding.at(&row.url).is_some() {
        return Ok(row.url.clone());
    }
    if !row.url.username().is_empty() || row.url.password().is_some() {
        return Err("its address holds a user name or password (not shown here); add it by hand, \
                    with `auth`"
            .to_owned());
    }
    let visit = access.visit_any(&adding.config, &row.url, Clock::System.now());
    match find(&visit).await {
        Ok(found) => Ok(found.url),
        // A feed that is down today is a feed all the same.
        Err(missing) if row.is_feed && missing.may_pass() => {
            out::complain(&format!("{}: {missing}", row.title));
            Ok(row.url.clone())
        }
        Err(missing) => Err(missing.why),
    }
}

/// Adds a feed to those that are wanted; one that several profiles have is wanted once.
fn merge(wanted: &mut Vec<Wanted>, url: Url, row: &Listed, profiles: &[String]) {
    let same = |it: &&mut Wanted| normal_link(it.url.as_str()) == normal_link(url.as_str());
    if let Some(known) = wanted.iter_mut().find(same) {
        for profile in profiles {
            if !known.profiles.contains(profile) {
                known.profiles.push(profile.clone());
            }
        }
        return;
    }
    let mut settings = Vec::new();
    if row.first_image {
        let one = Table::from_iter([("max".to_owned(), Value::Integer(1))]);
        settings.push(("media".to_owned(), Value::Table(one)));
    }
    if let Some(most) = row.hashtags {
        let most = Table::from_iter([(
            "max".to_owned(),
            Value::Integer(i64::try_from(most).unwrap_or(1)),
        )]);
        let hashtags = Table::from_iter([("autoHashtag".to_owned(), Value::Table(most))]);
        settings.push(("options".to_owned(), Value::Table(hashtags)));
    }
    wanted.push(Wanted { url, title: row.title.clone(), profiles: profiles.to_vec(), settings });
}
