//! Whether a known guid or link stands at a new article.
//!
//! Promises: pure; what differs in one thing alone is the same entry. Must not: settle it; a person is
//! asked.

use super::identity::{letters, normal_guid};
use super::{Entry, Item, normal_link};

/// Whether an entry that is known by its guid alone, or by its link alone, is most likely another one:
/// everything else that both tell is different, and it is younger.
///
/// `matched` says which of its keys are known.
pub fn is_another(known: &Item, shown: &Entry, matched: impl Fn(&str) -> bool) -> bool {
    let kinds: Vec<&str> = shown
        .keys
        .iter()
        .filter(|key| matched(key.as_str()))
        .filter_map(|key| key.as_str().split(':').next())
        .collect();
    let by_guid = kinds == ["guid"];
    let by_link = !kinds.is_empty() && kinds.iter().all(|kind| matches!(*kind, "link" | "path"));
    if !by_guid && !by_link {
        return false;
    }
    let item = &shown.item;
    let differ = |one: Option<String>, other: Option<String>| {
        one.zip(other).is_some_and(|(one, other)| one != other)
    };
    let guid = |item: &Item| item.guid.as_deref().map(|guid| normal_guid(guid.trim()));
    let link = |item: &Item| item.link.as_deref().map(normal_link);
    let title = |item: &Item| Some(letters(&item.title)).filter(|title| !title.is_empty());
    let younger = match (known.published, item.published) {
        (Some(before), Some(now)) => now > before,
        // Guids are made to stay; a link without times says less.
        (None, None) => by_guid && known.updated.is_none() && item.updated.is_none(),
        (Some(_), None) | (None, Some(_)) => false,
    };
    let others =
        if by_guid { differ(link(known), link(item)) } else { differ(guid(known), guid(item)) };
    younger && others && differ(title(known), title(item))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::super::Key;
    use super::*;

    fn item(guid: &str, link: &str, title: &str, at: Option<i64>) -> Item {
        Item {
            guid: Some(guid.to_owned()),
            link: Some(format!("https://blog.example/{link}")),
            title: title.to_owned(),
            published: at.and_then(|at| DateTime::from_timestamp(at, 0)),
            ..Item::default()
        }
    }

    #[test]
    fn only_what_differs_in_everything_else_is_another() {
        let old = item("g", "one", "One", Some(100));
        let undated = item("g", "one", "One", None);
        for (known, shown, keys, expected) in [
            (&old, item("g", "two", "Two", Some(200)), "guid", true),
            (&old, item("h", "one", "Two", Some(200)), "link path", true),
            (&old, item("h", "one", "Two", Some(200)), "link when", false),
            (&old, item("g", "two", "Two", Some(100)), "guid", false),
            (&old, item("g", "two", "Two", Some(50)), "guid", false),
            (&old, item("g", "two", "<b>One</b>", Some(200)), "guid", false),
            (&old, item("g", "one?utm_source=x", "Two", Some(200)), "guid", false),
            (&old, item("g", "two", "Two", None), "guid", false),
            (&undated, item("g", "two", "Two", None), "guid", true),
            (&undated, item("h", "one", "Two", None), "link", false),
        ] {
            let entry = Entry {
                keys: keys.split(' ').map(|it| Key(format!("{it}:0"))).collect(),
                item: shown,
            };
            assert_eq!(is_another(known, &entry, |_| true), expected, "{keys} {:?}", entry.item);
            assert!(!is_another(known, &entry, |_| false));
        }
    }
}
