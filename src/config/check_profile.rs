//! `[[profile]]` and `[defaults.profile]`.
//!
//! Promises: a bad value is told once, where it was typed; a profile that inherits it does not
//! repeat it. Must not: know of feeds.

use std::collections::HashMap;

use chrono_tz::Tz;

use super::check::{Names, tables};
use super::check_pace::Paces;
use super::check_repost::RepostKeys;
use super::check_select::ProfileKeys;
use super::complaints::{Complaints, Fault, Origin, Talk};
use super::secret::{self, SecretRef};
use super::section::Section;
use super::tree::{Node, Table, quoted};
use super::{Ayrshare, Budget, Profile, Whose, check_budget, check_options, keys, times, values};
use crate::domain::breaker::X;
use crate::domain::options::Options;
use crate::domain::pace::PostAt;

/// The keys of one table, each if it was given and right.
#[derive(Debug, Clone, Default)]
struct Keys {
    platforms: Option<Vec<String>>,
    profile_key: Option<SecretRef>,
    x_api_key: Option<SecretRef>,
    x_api_secret: Option<SecretRef>,
    time_zone: Option<Tz>,
    paces: Paces,
    budget: Option<Budget>,
    select: ProfileKeys,
    repost: RepostKeys,
    options: Option<Options>,
}

/// All profiles.
pub(super) fn all(
    root: &Table,
    defaults: &Table,
    ayrshare: Option<&Ayrshare>,
    talk: &mut Talk,
) -> Vec<Profile> {
    let complaints = &mut talk.complaints;
    let section = Section::of(defaults, "profile", "[defaults.profile]", complaints);
    section.only(keys::profile_defaults(), complaints);
    let inherited = read(&section, complaints);
    let tables = tables(root, "profile", complaints);
    if tables.is_empty() && !root.contains_key("profile") {
        complaints.add(
            &Origin::File,
            "there is no [[profile]], so nothing could be posted",
            "add one:\n[[profile]]\nname = \"main\"\nplatforms = [\"twitter\"]",
        );
    }
    let mut names = Names::default();
    let mut profiles = Vec::new();
    for node in tables {
        let section = section_of(node, "profile", complaints);
        section.only(keys::PROFILE, complaints);
        let name = section.read("name", complaints, values::name);
        section.missing("name", "give it a short name: `name = \"main\"`", complaints);
        if let Some(name) = &name {
            names.take("profile", name, &section.origin, complaints);
        }
        let group = section.read("group", complaints, values::name);
        let own = read(&section, complaints);
        foreign_paces(&section, &own, &inherited, complaints);
        if inherited.platforms.is_none() && !defaults_have(defaults, "platforms") {
            section.missing(
                "platforms",
                "say where it posts: `platforms = [\"twitter\"]`",
                complaints,
            );
        }
        if let (Some(name), Some(ayrshare)) = (name, ayrshare) {
            profiles.push(Profile { group, ..profile(name, own, &inherited, ayrshare) });
        }
    }
    warn(&profiles, talk);
    profiles
}

/// A table of `[[profile]]` or `[[feed]]`, named for complaints.
pub(super) fn section_of<'a>(
    node: &'a Node,
    noun: &str,
    complaints: &mut Complaints,
) -> Section<'a> {
    let mut section = Section::new(node, format!("[[{noun}]]"), complaints);
    if let Some(node) = section.node("name")
        && let Ok(name) = values::text(node, "", "")
    {
        section.place = format!("{noun} {}", quoted(name));
    }
    section
}

/// Whether the defaults give a key, right or wrong.
pub(super) fn defaults_have(defaults: &Table, key: &str) -> bool {
    defaults.values().any(
        |node| matches!(&node.value, super::tree::Value::Table(table) if table.contains_key(key)),
    )
}

fn read(section: &Section<'_>, complaints: &mut Complaints) -> Keys {
    let mut reference =
        |key, example: &str| section.read(key, complaints, |node| secret::reference(node, example));
    let profile_key = reference("profile_key", "AYRSHARE_PROFILE_KEY");
    let x_api_key = reference("x_api_key", secret::X_API_KEY);
    let x_api_secret = reference("x_api_secret", secret::X_API_SECRET);
    pair(section, complaints);
    let suggest = !complaints.overflows();
    let time_zone = section.read("time_zone", complaints, |node| times::zone(node, suggest));
    Keys {
        platforms: platforms(section, complaints),
        profile_key,
        x_api_key,
        x_api_secret,
        time_zone,
        paces: Paces::read(section, complaints),
        budget: check_budget::of(section, Whose::Profile, complaints),
        select: ProfileKeys::read(section, complaints),
        repost: RepostKeys::read(section, complaints),
        options: check_options::read(section, complaints),
    }
}

/// A pace for a platform on which the profile posts nothing is a slip.
fn foreign_paces(section: &Section<'_>, own: &Keys, inherited: &Keys, complaints: &mut Complaints) {
    let (Some(platforms), Some(node)) =
        (own.platforms.as_ref().or(inherited.platforms.as_ref()), section.node("pace"))
    else {
        return;
    };
    // A group's profiles need not all post on all of its platforms.
    if complaints.is_shared(&node.origin) {
        return;
    }
    for platform in own.paces.platforms() {
        if !platforms.iter().any(|one| one == platform) {
            let fault = Fault::key(
                format!("it has keys for {platform}, where the profile posts nothing"),
                format!("add \"{platform}\" to platforms, or take it out of pace"),
            );
            section.complain("pace", node, &fault, complaints);
        }
    }
}

/// X's two secrets belong to one app: half a pair is a mistake.
fn pair(section: &Section<'_>, complaints: &mut Complaints) {
    for (given, absent) in [("x_api_key", "x_api_secret"), ("x_api_secret", "x_api_key")] {
        if let (Some(node), None) = (section.node(given), section.node(absent)) {
            let fault = Fault::key(
                format!("given without {absent}"),
                "the two belong to one X app: give both or none",
            );
            section.complain(given, node, &fault, complaints);
        }
    }
}

fn platforms(section: &Section<'_>, complaints: &mut Complaints) -> Option<Vec<String>> {
    let platforms = section.list("platforms", "[\"twitter\"]", complaints, |node| {
        let all = || format!("Ayrshare knows {}", keys::PLATFORMS.join(", "));
        let typed = values::text(node, "the name of a network", &all())?;
        if keys::PLATFORMS.contains(&typed) {
            return Ok(typed.to_owned());
        }
        let near = if typed.eq_ignore_ascii_case("x") {
            Some(X)
        } else {
            keys::nearest(typed, keys::PLATFORMS)
        };
        Err(Fault::value(
            "is not a network that Ayrshare knows",
            near.map_or_else(all, |near| format!("did you mean `{near}`?")),
        ))
    })?;
    let node = section.node("platforms")?;
    let complete =
        matches!(&node.value, super::tree::Value::List(items) if items.len() == platforms.len());
    let mut unique = platforms.clone();
    unique.sort();
    unique.dedup();
    if unique.len() < platforms.len() {
        let fault = Fault::key("a network is named twice", "name each once");
        section.complain("platforms", node, &fault, complaints);
    }
    if platforms.is_empty() && complete {
        let fault = Fault::key(
            "the list is empty, so nothing could be posted",
            "say where it posts: `platforms = [\"twitter\"]`",
        );
        section.complain("platforms", node, &fault, complaints);
    }
    Some(platforms)
}

fn profile(name: String, own: Keys, inherited: &Keys, ayrshare: &Ayrshare) -> Profile {
    let inherited = inherited.clone();
    // The pair is inherited as a pair; half a one has been complained about.
    let x_api_key = own.x_api_key.or(inherited.x_api_key);
    let x_api_secret = own.x_api_secret.or(inherited.x_api_secret);
    let platforms = own.platforms.or(inherited.platforms).unwrap_or_default();
    let zone = own.time_zone.or(inherited.time_zone).unwrap_or(Tz::UTC);
    let on = |platform: &String| own.paces.on(&inherited.paces, zone, (&name, platform));
    Profile {
        pace: own.paces.general(&inherited.paces, zone, &name),
        lane_paces: platforms.iter().map(on).collect(),
        budget: own.budget.or(inherited.budget).map(|budget| Budget { zone, ..budget }),
        name,
        group: None,
        platforms,
        profile_key: own.profile_key.or(inherited.profile_key),
        x_api_key: x_api_key.unwrap_or_else(|| ayrshare.x_api_key.clone()),
        x_api_secret: x_api_secret.unwrap_or_else(|| ayrshare.x_api_secret.clone()),
        select: own.select.over(&inherited.select),
        repost: own.repost.over(inherited.repost),
        options: own.options.or(inherited.options).unwrap_or_default(),
    }
}

/// Says what is allowed and yet hardly meant.
fn warn(profiles: &[Profile], talk: &mut Talk) {
    let mut accounts: HashMap<(Option<&SecretRef>, &str), &str> = HashMap::new();
    for profile in profiles {
        let shown = quoted(&profile.name);
        for platform in &profile.platforms {
            let account = (profile.profile_key.as_ref(), platform.as_str());
            if let Some(other) = accounts.insert(account, &profile.name)
                && other != profile.name
            {
                talk.warn(format!(
                    "profiles {} and {shown} have the same profile_key, or none, and so post to the same {platform} account",
                    quoted(other)
                ));
            }
        }
        for slot in &profile.pace.post_at {
            if let PostAt::Slot { time, .. } = slot
                && times::is_quiet(&profile.pace.quiet_hours, *time)
            {
                talk.warn(format!(
                    "profile {shown}: post_at {} lies in quiet_hours, so nothing goes out then",
                    times::show_time(*time)
                ));
            }
        }
    }
}
