//! `[group.NAME]`: profiles of one client, with what they have in common.
//!
//! Promises: a profile's own key wins over its group's, and that over `[defaults]`; a fault in a group
//! is told once, at its own line. Must not: let a group reach the credentials of feeds.

use std::collections::BTreeMap;

use super::check_profile::section_of;
use super::complaints::{Complaints, Fault};
use super::section::Section;
use super::tree::{Node, Table, Value, quoted};
use super::{Group, check_budget, keys, values};

/// Secrets that belong together: where a profile gives one, none is inherited.
const PAIR: [&str; 2] = ["x_api_key", "x_api_secret"];

/// What a group hands down.
#[derive(Debug, Default)]
struct Heritage {
    profile: Table,
    feed: Table,
}

/// Reads the groups, and lays what they hand down into the tables of their profiles, and of the feeds
/// whose first profile is in them.
pub(super) fn spread(root: &mut Table, complaints: &mut Complaints) -> Vec<Group> {
    let Some(node) = root.remove("group") else {
        complain_of_strangers(root, &BTreeMap::new(), complaints);
        return Vec::new();
    };
    let Value::Table(tables) = &node.value else {
        complaints.add(
            &node.origin,
            format!("group: expected tables, found {}", node.kind()),
            "write [group.NAME], with [group.NAME.profile] below it",
        );
        return Vec::new();
    };
    share(&node, complaints);
    let mut groups = Vec::new();
    let mut heritages = BTreeMap::new();
    for (name, node) in tables {
        let place = format!("group {}", quoted(name));
        if let Err(fault) = values::name(&text(node, name)) {
            complaints.add(&node.origin, format!("{place}: its name {}", fault.what), fault.remedy);
            continue;
        }
        let section = Section::new(node, place.clone(), complaints);
        section.only(keys::GROUP, complaints);
        let budget = check_budget::of_group(&section, complaints);
        let mut heritage = Heritage::default();
        for (key, to) in [("profile", &mut heritage.profile), ("feed", &mut heritage.feed)] {
            let Some(node) = section.node(key) else { continue };
            let inner = Section::new(node, format!("{place}: {key}"), complaints);
            if key == "profile" {
                inner.only(keys::profile_defaults(), complaints);
            } else {
                inner.only(keys::feed_defaults().filter(|key| *key != "profiles"), complaints);
            }
            if let Value::Table(table) = &node.value {
                to.clone_from(table);
            }
        }
        heritages.insert(name.clone(), heritage);
        groups.push(Group { name: name.clone(), budget });
    }
    complain_of_strangers(root, &heritages, complaints);
    let of_profiles = hand_down_to_profiles(root, &heritages);
    hand_down_to_feeds(root, &heritages, &of_profiles);
    groups
}

/// What stands below a group comes to many profiles: its faults are told once.
fn share(node: &Node, complaints: &mut Complaints) {
    complaints.share(&node.origin);
    match &node.value {
        Value::Table(table) => table.values().for_each(|node| share(node, complaints)),
        Value::List(items) => items.iter().for_each(|node| share(node, complaints)),
        Value::Text(_) | Value::Number(_) | Value::Flag(_) | Value::Date(_) => {}
    }
}

fn text(at: &Node, text: &str) -> Node {
    Node { origin: at.origin.clone(), value: Value::Text(text.to_owned()), typed: None }
}

/// The group that a profile names, if it names one.
fn group_of(node: &Node) -> Option<&str> {
    let Value::Table(table) = &node.value else { return None };
    text_of(table, "group")
}

fn complain_of_strangers(
    root: &Table,
    known: &BTreeMap<String, Heritage>,
    complaints: &mut Complaints,
) {
    for node in items(root.get("profile")) {
        let Some(name) = group_of(node).filter(|name| !known.contains_key(*name)) else { continue };
        let section = section_of(node, "profile", complaints);
        let Some(node) = section.node("group") else { continue };
        let near = keys::nearest(name, known.keys().map(String::as_str));
        let remedy = near.map_or_else(
            || format!("begin it with [group.{name}], or leave the key out"),
            |near| format!("did you mean {}?", quoted(near)),
        );
        section.complain(
            "group",
            node,
            &Fault::value("is not the name of a group", remedy),
            complaints,
        );
    }
}

fn items(node: Option<&Node>) -> &[Node] {
    if let Some(Node { value: Value::List(items), .. }) = node { items } else { &[] }
}

fn items_mut<'t>(root: &'t mut Table, key: &str) -> &'t mut [Node] {
    match root.get_mut(key) {
        Some(Node { value: Value::List(items), .. }) => items,
        Some(_) | None => &mut [],
    }
}

/// Gives the group of each profile by its name.
fn hand_down_to_profiles(
    root: &mut Table,
    heritages: &BTreeMap<String, Heritage>,
) -> BTreeMap<String, String> {
    let mut of_profiles = BTreeMap::new();
    for node in items_mut(root, "profile") {
        let Some(group) = group_of(node).map(str::to_owned) else { continue };
        let (Some(heritage), Value::Table(table)) = (heritages.get(&group), &mut node.value) else {
            continue;
        };
        let has_own_pair = PAIR.iter().any(|key| table.contains_key(*key));
        for (key, value) in &heritage.profile {
            let is_of_pair = has_own_pair && PAIR.contains(&key.as_str());
            if !is_of_pair && !table.contains_key(key) {
                table.insert(key.clone(), value.clone());
            }
        }
        if let Some(name) = text_of(table, "name") {
            of_profiles.insert(name.to_owned(), group);
        }
    }
    of_profiles
}

fn hand_down_to_feeds(
    root: &mut Table,
    heritages: &BTreeMap<String, Heritage>,
    of_profiles: &BTreeMap<String, String>,
) {
    // A feed that names no profile has the one that all have, or the only one.
    let usual = table_of(root, "defaults").and_then(|it| table_of(it, "feed")).and_then(first_of);
    let only = match items(root.get("profile")) {
        [Node { value: Value::Table(table), .. }] => text_of(table, "name").map(str::to_owned),
        [] | [_, ..] => None,
    };
    let usual = usual.or(only);
    for node in items_mut(root, "feed") {
        let Value::Table(table) = &mut node.value else { continue };
        let first = first_of(table).or_else(|| usual.clone());
        let group = first.and_then(|name| of_profiles.get(&name));
        let Some(heritage) = group.and_then(|group| heritages.get(group)) else { continue };
        for (key, value) in &heritage.feed {
            if !table.contains_key(key) && !keys::is_of_access(key) {
                table.insert(key.clone(), value.clone());
            }
        }
    }
}

/// The first profile that a feed names.
fn first_of(feed: &Table) -> Option<String> {
    let Value::Text(name) = &items(feed.get("profiles")).first()?.value else { return None };
    Some(name.clone())
}

fn text_of<'a>(table: &'a Table, key: &str) -> Option<&'a str> {
    let Value::Text(text) = &table.get(key)?.value else { return None };
    Some(text)
}

fn table_of<'a>(table: &'a Table, key: &str) -> Option<&'a Table> {
    let Value::Table(table) = &table.get(key)?.value else { return None };
    Some(table)
}
