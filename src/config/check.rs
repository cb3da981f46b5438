//! The tree → the checked config: the sections that exist once, and the order of the rest.
//!
//! Promises: a fault in one section hides none in another. Must not: read a file or the process
//! environment.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use url::Url;

use super::complaints::{Complaints, Fault, Origin, Talk};
use super::environment::Environment;
use super::secret::{self, SecretRef};
use super::section::Section;
use super::tree::{Node, Table, Value, quoted};
use super::{
    Ayrshare, Config, Fetch, Group, Named, Route, Store, access, check_alert, check_backup,
    check_budget, check_feed, check_polling, check_profile, check_select, check_web, keys, values,
};
use crate::domain::cost::Prices;

/// Bounds of every time-out.
const TIMEOUT: RangeInclusive<TimeDelta> = TimeDelta::seconds(1)..=TimeDelta::minutes(10);
/// Ayrshare's own advice: who gives up sooner sends twice.
const TIMEOUT_ADVISED: TimeDelta = TimeDelta::seconds(30);
/// Bounds of the waits for Ayrshare.
const WAIT: RangeInclusive<TimeDelta> = TimeDelta::seconds(1)..=TimeDelta::days(1);
/// Bounds of `fetch.min_interval`.
const MIN_INTERVAL: RangeInclusive<TimeDelta> = TimeDelta::seconds(1)..=TimeDelta::days(7);
/// Asked more often than this, publishers begin to refuse.
const MIN_INTERVAL_ADVISED: TimeDelta = TimeDelta::minutes(1);
const CONCURRENCY: RangeInclusive<usize> = 1..=1_024;
const PER_HOST: RangeInclusive<usize> = 1..=256;
const MAX_BODY: RangeInclusive<usize> = 1_024..=100 * 1_024 * 1_024;
const MAX_BODY_DEFAULT: usize = 10 * 1_024 * 1_024;
const MIN_FREE_DEFAULT: usize = 200 * 1_024 * 1_024;
const MIN_FREE_MAX: usize = 1_024 * 1_024 * 1_024 * 1_024 * 1_024;
const BASE_URL_DEFAULT: &str = "https://api.ayrshare.com/api";
const DATABASE: &str = "tidings.db";

/// The whole config, or `None` after a complaint.
pub(super) fn config(
    (file, groups): (&Path, Vec<Group>),
    root: &Table,
    environment: &Environment,
    talk: &mut Talk,
) -> Option<Config> {
    top(root, &mut talk.complaints);
    let ayrshare = ayrshare(root, talk);
    let store = store(root, environment, &mut talk.complaints);
    let fetch = fetch(root, talk);
    let web = check_web::web(root, &mut talk.complaints);
    let backup = check_backup::backup(root, &mut talk.complaints);
    let prices = prices(root, &mut talk.complaints);
    let defaults = defaults(root, &mut talk.complaints);
    let profiles = check_profile::all(root, &defaults, ayrshare.as_ref(), talk);
    let budget = check_budget::overall(root, &mut talk.complaints);
    let mut feeds = check_feed::all(root, &defaults, (&fetch, &profiles), talk);
    let alerts = check_alert::all(root, &profiles, talk);
    check_select::warn(&profiles, &feeds, talk);
    check_budget::settle_zones(&mut feeds, &profiles);
    check_budget::warn_of_odd_ones((&profiles, &feeds), budget, prices, talk);
    Some(Config {
        file: file.to_owned(),
        ayrshare: ayrshare?,
        store,
        backup,
        fetch,
        web,
        prices,
        budget,
        groups,
        profiles: Named::new(profiles, |profile| &profile.name),
        feeds: Named::new(feeds, |feed| &feed.name),
        alerts,
        warnings: std::mem::take(&mut talk.warnings),
    })
}

fn top(root: &Table, complaints: &mut Complaints) {
    for (key, node) in root {
        if keys::TOP.contains(&key.as_str()) {
            continue;
        }
        let name = |known: &str| match known {
            "profile" | "feed" | "alert" => format!("[[{known}]]"),
            "defaults" => "[defaults.profile] or [defaults.feed]".to_owned(),
            "include" => "include".to_owned(),
            "group" => "[group.NAME]".to_owned(),
            _ => format!("[{known}]"),
        };
        let of_feed: Vec<&str> = keys::feed().collect();
        let several: [(&str, &[&str]); 3] =
            [("profile", &keys::PROFILE), ("feed", &of_feed), ("alert", &keys::ALERT)];
        let owner = keys::PLAIN_SECTIONS
            .iter()
            .chain(&several)
            .find(|(_, keys)| keys.contains(&key.as_str()));
        let remedy = if let Some(near) = keys::nearest(key, keys::TOP) {
            format!("did you mean {}?", name(near))
        } else if let Some((section, _)) = owner {
            format!("it belongs below {}", name(section))
        } else {
            format!("the sections are {}", keys::TOP.map(name).join(", "))
        };
        let shown = quoted(key);
        let shown = shown.trim_matches('"');
        complaints.add(&node.origin, format!("unknown key `{shown}`"), remedy);
    }
}

fn defaults(root: &Table, complaints: &mut Complaints) -> Table {
    let section = Section::of(root, "defaults", "[defaults]", complaints);
    section.only(keys::DEFAULTS, complaints);
    keys::DEFAULTS
        .into_iter()
        .filter_map(|key| Some((key.to_owned(), section.node(key)?.clone())))
        .collect()
}

/// The tables of `[[profile]]` or `[[feed]]`.
pub(super) fn tables<'a>(root: &'a Table, key: &str, complaints: &mut Complaints) -> Vec<&'a Node> {
    let Some(node) = root.get(key) else {
        return Vec::new();
    };
    if let Value::List(items) = &node.value {
        return items.iter().collect();
    }
    let remedy = format!("write [[{key}]] with two brackets: there can be several");
    let what = format!("expected a list of tables `{key}`, found {}", node.kind());
    complaints.add(&node.origin, what, remedy);
    Vec::new()
}

/// Where each name was given first, so that a second one can name both lines.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<String, Origin>);

impl Names {
    /// Takes a name; complains where it is taken.
    pub(super) fn take(
        &mut self,
        noun: &str,
        name: &str,
        at: &Origin,
        complaints: &mut Complaints,
    ) {
        let Some(first) = self.0.insert(name.to_owned(), at.clone()) else {
            return;
        };
        let first_line = match &first {
            Origin::Line(line) => format!(" (line {line})"),
            Origin::Included(file, line) | Origin::Row(file, line) => format!(" ({file}:{line})"),
            Origin::File | Origin::Variable(_) | Origin::Secret(_) => String::new(),
        };
        complaints.add(
            at,
            format!("a second {noun} with the name {}{first_line}", quoted(name)),
            "give each its own name",
        );
        self.0.insert(name.to_owned(), first);
    }

    /// Whether the name was given.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// All names.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

fn ayrshare(root: &Table, talk: &mut Talk) -> Option<Ayrshare> {
    let complaints = &mut talk.complaints;
    let section = Section::of(root, "ayrshare", "[ayrshare]", complaints);
    section.only(keys::AYRSHARE, complaints);
    let base_url = section.read("base_url", complaints, base_url);
    let mut reference = |key, name: &str| {
        section
            .read(key, complaints, |node| secret::reference(node, name))
            .unwrap_or_else(|| SecretRef::Env(name.to_owned()))
    };
    let api_key = reference("api_key", secret::API_KEY);
    let x_api_key = reference("x_api_key", secret::X_API_KEY);
    let x_api_secret = reference("x_api_secret", secret::X_API_SECRET);
    let mut duration = |key, bounds, default| {
        section.read(key, complaints, |node| values::duration(node, &bounds)).unwrap_or(default)
    };
    let timeout = duration("timeout", TIMEOUT, TimeDelta::seconds(120));
    let reconcile_after = duration("reconcile_after", WAIT, TimeDelta::minutes(3));
    let probe_after = duration("probe_after", WAIT, TimeDelta::minutes(15));
    if timeout < TIMEOUT_ADVISED {
        talk.warn(format!(
            "[ayrshare]: timeout = \"{}\" is below 30 s: Ayrshare may still publish what we gave up on, and each such post must then be looked up before it can be sent again",
            values::show_duration(timeout)
        ));
    }
    // The default is an address, so `None` comes only after a complaint.
    let base_url = match base_url {
        Some(url) => url,
        None => Url::parse(BASE_URL_DEFAULT).ok()?,
    };
    Some(Ayrshare {
        base_url,
        api_key,
        x_api_key,
        x_api_secret,
        timeout,
        reconcile_after,
        probe_after,
    })
}

fn base_url(node: &Node) -> Result<Url, Fault> {
    let mut url = values::url(node, BASE_URL_DEFAULT)?;
    if url.scheme() != "https" && !values::is_loopback(&url) {
        return Err(Fault::value(
            "is not https, so the keys would travel in the open",
            "use https; http only for 127.0.0.1, [::1] or localhost",
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Fault::key(
            "an address to which paths are added can't have a `?` or `#`",
            "leave that part out",
        ));
    }
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty();
    }
    Ok(url)
}

fn store(root: &Table, environment: &Environment, complaints: &mut Complaints) -> Store {
    let section = Section::of(root, "store", "[store]", complaints);
    section.only(keys::STORE, complaints);
    let path = section.read("path", complaints, values::path);
    let min_free =
        section.read("min_free", complaints, |node| values::size(node, &(0..=MIN_FREE_MAX)));
    Store {
        min_free: u64::try_from(min_free.unwrap_or(MIN_FREE_DEFAULT)).unwrap_or(u64::MAX),
        path: path.unwrap_or_else(|| {
            // systemd gives several directories with colons between them.
            environment
                .get("STATE_DIRECTORY")
                .and_then(|directories| directories.split(':').find(|one| !one.is_empty()))
                .map_or_else(
                    || PathBuf::from(DATABASE),
                    |directory| Path::new(directory).join(DATABASE),
                )
        }),
    }
}

fn fetch(root: &Table, talk: &mut Talk) -> Fetch {
    let complaints = &mut talk.complaints;
    let section = Section::of(root, "fetch", "[fetch]", complaints);
    section.only(keys::FETCH, complaints);
    let contact = section.read("contact", complaints, |node| {
        values::line(node, "give an address or page, e.g. \"https://example.com/about\"")
    });
    let fetch = Fetch {
        min_interval: section
            .read("min_interval", complaints, |node| values::duration(node, &MIN_INTERVAL))
            .unwrap_or(TimeDelta::minutes(15)),
        concurrency: section
            .read("concurrency", complaints, |node| values::whole(node, &CONCURRENCY))
            .unwrap_or(64),
        per_host: section
            .read("per_host", complaints, |node| values::whole(node, &PER_HOST))
            .unwrap_or(1),
        hosts: check_polling::hosts(&section, complaints),
        timeout: section
            .read("timeout", complaints, |node| values::duration(node, &TIMEOUT))
            .unwrap_or(TimeDelta::seconds(30)),
        max_body: section
            .read("max_body", complaints, |node| values::size(node, &MAX_BODY))
            .unwrap_or(MAX_BODY_DEFAULT),
        contact: contact.filter(|contact| !contact.is_empty()),
        allow_private: section
            .list("allow_private", "[\"127.0.0.0/8\"]", complaints, values::network)
            .unwrap_or_default(),
        route: access::route(&section, &Route::default(), complaints),
    };
    if fetch.min_interval < MIN_INTERVAL_ADVISED {
        talk.warn(format!(
            "[fetch]: min_interval = \"{}\" is below a minute: publishers may refuse to answer so many requests",
            values::show_duration(fetch.min_interval)
        ));
    }
    fetch
}

fn prices(root: &Table, complaints: &mut Complaints) -> Prices {
    let section = Section::of(root, "prices", "[prices]", complaints);
    section.only(keys::PRICES, complaints);
    let default = Prices::default();
    let mut price = |key, default| section.read(key, complaints, values::usd).unwrap_or(default);
    Prices {
        post: price("post", default.post),
        post_with_link: price("post_with_link", default.post_with_link),
        alt_text: price("alt_text", default.alt_text),
        delete: price("delete", default.delete),
    }
}
