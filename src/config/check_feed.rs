//! `[[feed]]` and `[defaults.feed]`.
//!
//! Promises: every feed ends with at least one profile that exists. Must not: fetch anything.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use chrono::TimeDelta;

use super::check::{Names, tables};
use super::check_pace::FeedPaceKeys;
use super::check_polling::{self, mark};
use super::check_profile::section_of;
use super::check_select::FeedKeys;
use super::complaints::{Complaints, Fault, Origin, Shown, Talk};
use super::section::Section;
use super::tree::{Node, Table, Value, quoted};
use super::{
    Feed, Fetch, FirstRun, Profile, access, check_compose, check_digest, check_media,
    check_options, keys, times, values,
};
use crate::domain::digest::Digest;
use crate::domain::options::Options;

/// A fetch never yields more: larger feeds are cut there.
const ENTRIES: RangeInclusive<usize> = 0..=5_000;
const HOLD_ABOVE_DEFAULT: usize = 10;
/// Bounds of `expire_after`.
const EXPIRE_AFTER: RangeInclusive<TimeDelta> = TimeDelta::minutes(1)..=TimeDelta::days(366);
const FIRST_RUN_REMEDY: &str =
    "accepted are \"none\", \"all\", { latest = 3 } and { since = \"2026-11-01\" }";
/// The longest `folder`.
pub(super) const FOLDER_CHARS_MAX: usize = 200;
/// Names in a remedy.
const NAMES_SHOWN_MAX: usize = 10;

/// When a post that waits is given up.
#[derive(Debug, Clone, Copy)]
enum Expiry {
    Never,
    After(TimeDelta),
}

/// The keys of one table, each if it was given and right.
#[derive(Debug, Clone, Default)]
struct Keys {
    profiles: Option<Vec<String>>,
    polling: check_polling::Keys,
    first_run: Option<FirstRun>,
    hold_above: Option<usize>,
    expire_after: Option<Expiry>,
    allow_mentions: Option<bool>,
    select: FeedKeys,
    media: Option<check_media::MediaKeys>,
    options: Option<Options>,
    pace: FeedPaceKeys,
    digest: Option<Digest>,
}

/// What a feed may refer to.
struct Around {
    min_interval: TimeDelta,
    profiles: Names,
    /// Profiles that stand in the file, also those without a usable name.
    profile_count: usize,
}

/// All feeds.
pub(super) fn all(
    root: &Table,
    defaults: &Table,
    (fetch, known): (&Fetch, &[Profile]),
    talk: &mut Talk,
) -> Vec<Feed> {
    let min_interval = fetch.min_interval;
    let around = around(root, min_interval);
    let complaints = &mut talk.complaints;
    let section = Section::of(defaults, "feed", "[defaults.feed]", complaints);
    section.only(keys::feed_defaults(), complaints);
    let inherited = read(&section, &Keys::default(), &around, complaints);
    let composing = check_compose::Composing::new(&section, complaints);
    if let Some(media) = &inherited.media {
        // For its complaints, also where no feed inherits it.
        media.rules(composing.default(), complaints);
    }
    let mut names = Names::default();
    let mut feeds = Vec::new();
    for node in tables(root, "feed", complaints) {
        let section = section_of(node, "feed", complaints);
        section.only(keys::feed(), complaints);
        section.missing("name", "give it a short name: `name = \"blog\"`", complaints);
        section.missing(
            "url",
            "say where it is: `url = \"https://blog.example.com/feed.xml\"`",
            complaints,
        );
        let name = section.read("name", complaints, values::name);
        if let Some(name) = &name {
            names.take("feed", name, &section.origin, complaints);
        }
        let url = section
            .read("url", complaints, |node| values::url(node, "https://blog.example.com/feed.xml"));
        let own = read(&section, &inherited, &around, complaints);
        let compose = composing.of_feed(&section, complaints);
        let media = own.media.as_ref().or(inherited.media.as_ref());
        let media = media.map(|media| media.rules(&compose, complaints)).unwrap_or_default();
        let default = || only_profile(&section, defaults, &around, complaints);
        let profiles = own.profiles.or_else(|| inherited.profiles.clone()).unwrap_or_else(default);
        let expiry = own.expire_after.or(inherited.expire_after);
        let folder = section.read("folder", complaints, folder);
        let access = access::of_feed(&section, &fetch.route, complaints);
        let pace = own.pace.pace(&inherited.pace);
        expires_in_time(expiry, pace.embargo, &section, complaints);
        if let (Some(name), Some(url)) = (name, url) {
            let (interval, polling) = own.polling.settle(&inherited.polling, min_interval);
            let mut feed = Feed {
                name,
                url,
                profiles,
                interval,
                polling,
                first_run: own.first_run.or(inherited.first_run).unwrap_or(FirstRun::None),
                hold_above: own.hold_above.or(inherited.hold_above).unwrap_or(HOLD_ABOVE_DEFAULT),
                expire_after: match expiry {
                    Some(Expiry::After(delay)) => Some(delay),
                    Some(Expiry::Never) | None => None,
                },
                allow_mentions: own.allow_mentions.or(inherited.allow_mentions).unwrap_or(false),
                select: own.select.over(&inherited.select),
                media,
                options: own.options.or_else(|| inherited.options.clone()).unwrap_or_default(),
                folder,
                access,
                compose,
                pace,
                digest: own.digest.or_else(|| inherited.digest.clone()),
            };
            feed.polling.settings = mark(&feed);
            check_options::together(&feed, known, &section, complaints);
            feeds.push(feed);
        }
    }
    warn(&feeds, talk);
    feeds
}

/// Complains where posts would expire before they may go.
fn expires_in_time(
    expiry: Option<Expiry>,
    embargo: TimeDelta,
    section: &Section<'_>,
    complaints: &mut Complaints,
) {
    if let Some(Expiry::After(delay)) = expiry
        && embargo >= delay
    {
        complaints.add(
            &section.origin,
            format!("{}: embargo is not shorter than expire_after", section.place),
            "its posts would expire before they may go: make one shorter or the other longer",
        );
    }
}

/// The names of the profiles as typed: a feed may refer to one whose other keys are wrong.
fn around(root: &Table, min_interval: TimeDelta) -> Around {
    // The profiles' own check has told these complaints.
    let mut told = Complaints::of_config(std::path::Path::new(""));
    let mut profiles = Names::default();
    let nodes = tables(root, "profile", &mut told);
    for node in &nodes {
        let section = Section::new(node, String::new(), &mut told);
        if let Some(name) = section.read("name", &mut told, values::name) {
            profiles.take("", &name, &Origin::File, &mut told);
        }
    }
    Around { min_interval, profiles, profile_count: nodes.len() }
}

fn read(
    section: &Section<'_>,
    inherited: &Keys,
    around: &Around,
    complaints: &mut Complaints,
) -> Keys {
    let polling =
        check_polling::Keys::read(section, &inherited.polling, around.min_interval, complaints);
    let first_run = section.read("first_run", complaints, first_run);
    let hold_above = section.read("hold_above", complaints, |node| values::whole(node, &ENTRIES));
    let expire_after = section.read("expire_after", complaints, |node| {
        if matches!(&node.value, Value::Text(text) if text == "never") {
            return Ok(Expiry::Never);
        }
        values::duration(node, &EXPIRE_AFTER).map(Expiry::After)
    });
    Keys {
        profiles: profiles(section, around, complaints),
        polling,
        first_run,
        hold_above,
        expire_after,
        allow_mentions: section.read("allow_mentions", complaints, values::flag),
        select: FeedKeys::read(section, complaints),
        media: check_media::read(section, complaints),
        options: check_options::read(section, complaints),
        pace: FeedPaceKeys::read(section, complaints),
        digest: check_digest::read(section, complaints),
    }
}

/// Where a feed stands among the others.
fn folder(node: &Node) -> Result<String, Fault> {
    const REMEDY: &str = "give a short text such as \"News / World\"";
    let folder = values::text(node, "a text", REMEDY)?;
    if folder.trim().is_empty()
        || folder.chars().count() > FOLDER_CHARS_MAX
        || folder.contains(char::is_control)
    {
        return Err(Fault::value(
            format!("is empty, longer than {FOLDER_CHARS_MAX} characters or not one line"),
            REMEDY,
        ));
    }
    Ok(folder.trim().to_owned())
}

fn profiles(
    section: &Section<'_>,
    around: &Around,
    complaints: &mut Complaints,
) -> Option<Vec<String>> {
    let suggest = !complaints.overflows();
    let names = section.list("profiles", "[\"main\"]", complaints, |node| {
        let typed = values::text(node, "the name of a profile", "for example [\"main\"]")?;
        if around.profiles.has(typed) {
            return Ok(typed.to_owned());
        }
        if !suggest {
            return Err(Fault::value("is not the name of a profile", ""));
        }
        let near = keys::nearest(typed, around.profiles.iter());
        Err(Fault::value(
            "is not the name of a profile",
            near.map_or_else(
                || these(&around.profiles),
                |near| format!("did you mean {}?", quoted(near)),
            ),
        ))
    })?;
    let node = section.node("profiles")?;
    let mut unique = names.clone();
    unique.sort();
    unique.dedup();
    if unique.len() < names.len() {
        let fault = Fault::key("a profile is named twice", "name each once");
        section.complain("profiles", node, &fault, complaints);
    }
    if matches!(&node.value, Value::List(items) if items.is_empty()) {
        let fault = Fault::key(
            "the list is empty, so its entries would go nowhere",
            these(&around.profiles),
        );
        section.complain("profiles", node, &fault, complaints);
    }
    Some(names)
}

/// The profiles of a feed that names none: the only one, if there is only one.
fn only_profile(
    section: &Section<'_>,
    defaults: &Table,
    around: &Around,
    complaints: &mut Complaints,
) -> Vec<String> {
    let mut names = around.profiles.iter();
    if let (Some(name), None, 1) = (names.next(), names.next(), around.profile_count) {
        return vec![name.to_owned()];
    }
    // A list that was given and wrong has been told, and so has a file without profiles.
    let inherits = matches!(
        defaults.get("feed").map(|node| &node.value),
        Some(Value::Table(table)) if table.contains_key("profiles")
    );
    if section.node("profiles").is_none() && !inherits && around.profile_count > 1 {
        // Beyond what is shown, listing thousands of names for thousands of feeds would take long.
        let remedy = if complaints.overflows() { String::new() } else { these(&around.profiles) };
        section.missing("profiles", &remedy, complaints);
    }
    Vec::new()
}

/// "the profiles are …"
fn these(profiles: &Names) -> String {
    let mut names: Vec<String> = profiles.iter().map(quoted).collect();
    names.sort();
    let more = names.len().saturating_sub(NAMES_SHOWN_MAX);
    names.truncate(NAMES_SHOWN_MAX);
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    match names.len() {
        0 => "there is no [[profile]] with a name yet".to_owned(),
        1 => format!("the only profile is {}", names.join("")),
        _ => format!("the profiles are {}{tail}", names.join(", ")),
    }
}

fn first_run(node: &Node) -> Result<FirstRun, Fault> {
    let table = match &node.value {
        Value::Text(text) => {
            return match text.as_str() {
                "none" => Ok(FirstRun::None),
                "all" => Ok(FirstRun::All),
                _ => Err(Fault::value("is not a policy", FIRST_RUN_REMEDY)),
            };
        }
        Value::Table(table) => table,
        Value::Number(_) | Value::Flag(_) | Value::Date(_) | Value::List(_) => {
            return Err(values::wrong_type(node, "a text or a table", FIRST_RUN_REMEDY));
        }
    };
    match (table.len(), table.get("latest"), table.get("since")) {
        (1, Some(latest), None) => values::whole(latest, &(1..=*ENTRIES.end()))
            .map(FirstRun::Latest)
            .map_err(|fault| match fault.shown {
                Shown::Value => {
                    Fault::key(format!("latest = {} {}", latest.shown(), fault.what), fault.remedy)
                }
                Shown::Key => Fault::key(format!("latest: {}", fault.what), fault.remedy),
            }),
        (1, None, Some(since)) => times::since(since).map(FirstRun::Since),
        _ => Err(Fault::key("the table needs one key, latest or since", FIRST_RUN_REMEDY)),
    }
}

/// Says what is allowed and yet hardly meant.
fn warn(feeds: &[Feed], talk: &mut Talk) {
    if feeds.is_empty() && talk.complaints.is_empty() {
        talk.warn("there is no [[feed]] yet; add one with a name and a url".to_owned());
    }
    let mut urls: HashMap<&str, &str> = HashMap::new();
    for feed in feeds {
        if feed.url.scheme() == "http"
            && feed.access.has_credentials()
            && !values::is_loopback(&feed.url)
        {
            talk.warn(format!(
                "feed {}: what its server is shown travels in the open, since its url is not https",
                quoted(&feed.name)
            ));
        }
        if let Some(other) = urls.insert(feed.url.as_str(), &feed.name)
            && other != feed.name
        {
            talk.warn(format!(
                "feeds {} and {} have the same url",
                quoted(other),
                quoted(&feed.name)
            ));
        }
    }
}
