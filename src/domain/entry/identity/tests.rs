use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::*;

fn at(hours: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).expect("date") + TimeDelta::hours(hours)
}

fn item(guid: &str, link: &str, title: &str, published: Option<DateTime<Utc>>) -> Item {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Item {
        guid: some(guid),
        link: some(link),
        title: title.to_owned(),
        published,
        ..Item::default()
    }
}

fn feed(items: &[Item]) -> ParsedFeed {
    ParsedFeed {
        site: Some("https://blog.example/".into()),
        items: items.to_vec(),
        ..ParsedFeed::default()
    }
}

/// Reads fetches one after the other, as the store does; gives the titles of what was new each time.
fn new_in_each(fetches: &[&[Item]]) -> Vec<Vec<String>> {
    let mut known: BTreeSet<Key> = BTreeSet::new();
    fetches
        .iter()
        .map(|items| {
            let entries = identify(&feed(items));
            let unseen: Vec<_> = entries
                .iter()
                .filter(|entry| !entry.keys.iter().any(|key| known.contains(key)))
                .map(|entry| entry.item.title.clone())
                .collect();
            known.extend(entries.into_iter().flat_map(|entry| entry.keys));
            unseen
        })
        .collect()
}

const NONE: [&str; 0] = [];

#[test]
fn links_that_lead_to_the_same_page_are_one() {
    for (one, other) in [
        ("http://www.Example.com/a/", "https://example.com/a"),
        ("https://example.com:443/a#top", "http://example.com/a"),
        ("https://example.com/a?utm_source=rss&id=7", "https://example.com/a?id=7"),
        ("https://example.com/a?fbclid=x", "https://example.com/a?"),
        ("https://example.com/a?ref=rss", "https://example.com/a"),
    ] {
        assert_eq!(normal_link(one), normal_link(other));
    }
    for (one, other) in [
        ("https://example.com/a?id=7", "https://example.com/a?id=8"),
        ("https://example.com/a", "https://example.com/A"),
        ("https://example.com/a?b=1&c=2", "https://example.com/a?c=2&b=1"),
        ("https://example.com/a", "https://blog.example.com/a"),
    ] {
        assert_ne!(normal_link(one), normal_link(other));
    }
}

#[test]
fn an_edited_entry_is_the_same_entry() {
    let long = "A title of some substance";
    let before = item("g1", "https://blog.example/a", long, Some(at(0)));
    for after in [
        item("g1", "https://blog.example/a", "Corrected", Some(at(0))),
        item("g1", "https://blog.example/new-slug", long, Some(at(5))),
        item("new", "http://www.blog.example/a/?utm_medium=x", "Other", None),
        item("new", "https://moved.example/x", long, Some(at(0))),
        item("", "https://blog.example/a", long, None),
        item("g1", "", "Other", None),
    ] {
        let new = new_in_each(&[std::slice::from_ref(&before), &[after]]);
        assert_eq!(new[1], NONE);
    }
}

#[test]
fn a_site_move_posts_nothing_again_and_a_daily_column_is_posted_daily() {
    let title = "Weather for the whole country";
    let monday = item("1", "https://blog.example/1", title, Some(at(0)));
    let moved = item("n1", "https://new.example/p1", title, Some(at(0)));
    let evening = item("2", "https://blog.example/2", title, Some(at(6)));
    let tuesday = item("3", "https://blog.example/3", title, Some(at(24)));
    let new = new_in_each(&[
        std::slice::from_ref(&monday),
        &[moved],
        std::slice::from_ref(&evening),
        &[tuesday, evening.clone()],
    ]);
    assert_eq!(new.iter().map(Vec::len).collect::<Vec<_>>(), [1, 0, 1, 1]);
}

#[test]
fn without_guid_the_day_is_enough_and_with_both_it_is_not() {
    let title = "A title of some substance";
    let first = item("", "https://blog.example/a", title, Some(at(0)));
    let later = item("", "https://blog.example/b", title, Some(at(1)));
    assert_eq!(new_in_each(&[&[first], &[later]])[1], NONE);
    let first = item("1", "https://blog.example/a", title, Some(at(0)));
    let later = item("2", "https://blog.example/b", title, Some(at(1)));
    assert_eq!(new_in_each(&[&[first], &[later]])[1], [title]);
}

#[test]
fn guids_that_are_all_alike_and_links_to_the_front_page_are_no_keys() {
    let one =
        |n: i64| item("same", &format!("https://blog.example/{n}"), &format!("t{n}"), Some(at(n)));
    let new = new_in_each(&[&[one(1), one(2)], &[one(2)], &[one(3), one(2)], &[one(3)]]);
    assert_eq!(new, [vec!["t1", "t2"], vec![], vec!["t3"], vec![]]);
    let one = |n: i64| item(&format!("g{n}"), "https://www.blog.example", &format!("t{n}"), None);
    let new = new_in_each(&[&[one(1)], &[one(2)], &[one(2), one(3)], &[one(1)]]);
    assert_eq!(new, [vec!["t1"], vec!["t2"], vec!["t3"], vec![]]);
    let one = |n: i64| item("", "https://blog.example/", &format!("t{n}"), Some(at(n)));
    let new = new_in_each(&[&[one(1), one(2)], &[one(2)], &[one(3)]]);
    assert_eq!(new, [vec!["t1", "t2"], vec![], vec!["t3"]]);
}

#[test]
fn a_link_that_was_shared_once_makes_nothing_new_later() {
    let a = item("a", "https://other.example/story", "First take", Some(at(0)));
    let b = item("b", "https://other.example/story", "Second take", Some(at(1)));
    let (a_only, b_only) = (std::slice::from_ref(&a), std::slice::from_ref(&b));
    let new = new_in_each(&[&[a.clone(), b.clone()], a_only, b_only, &[b.clone(), a.clone()]]);
    assert_eq!(new, [vec!["First take", "Second take"], vec![], vec![], vec![]]);
    // The other way round: alone at first, then beside another.
    let new = new_in_each(&[a_only, &[a.clone(), b.clone()], b_only]);
    assert_eq!(new, [vec!["First take"], vec!["Second take"], vec![]]);
}

#[test]
fn an_entry_listed_twice_is_one() {
    let edited = item("g", "https://blog.example/a", "New title", Some(at(0)));
    let first = item("g", "https://blog.example/a", "Title", Some(at(0)));
    let entries = identify(&feed(&[edited.clone(), first, edited]));
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].item.title, "New title");
}

#[test]
fn items_without_anything_are_known_by_their_text() {
    let say = |text: &str| Item { summary: text.into(), ..Item::default() };
    let (one, two) = (say("<p>One</p>"), say("Two"));
    let new =
        new_in_each(&[&[one.clone(), two.clone(), one.clone()], &[two, one], &[say("Three")]]);
    assert_eq!(new.iter().map(Vec::len).collect::<Vec<_>>(), [2, 0, 1]);
    assert_eq!(identify(&feed(&[Item::default()]))[0].keys.len(), 1);
}

#[test]
fn hostile_titles_take_no_quadratic_time() {
    let long = Item { title: "<".repeat(400_000), summary: "&".repeat(400_000), ..Item::default() };
    assert_eq!(identify(&feed(&[long])).len(), 1);
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one thing that may or may not have happened"
)]
/// What publishers do to a feed without changing its entries.
#[derive(Debug, Clone)]
struct Wear {
    scheme: bool,
    www: bool,
    tracking: bool,
    slash: bool,
    title: bool,
    twice: bool,
}

fn wear() -> impl Strategy<Value = Wear> {
    any::<(bool, bool, bool, bool, bool, bool)>().prop_map(
        |(scheme, www, tracking, slash, title, twice)| Wear {
            scheme,
            www,
            tracking,
            slash,
            title,
            twice,
        },
    )
}

fn worn(item: &Item, wear: &Wear) -> Item {
    let mut item = item.clone();
    let change = |link: String| {
        let (scheme, www) =
            (if wear.scheme { "http" } else { "https" }, if wear.www { "www." } else { "" });
        let mut link = link.replace("https://", &format!("{scheme}://{www}"));
        if wear.slash {
            link.push('/');
        }
        if wear.tracking {
            link.push_str("?utm_source=feed&fbclid=1");
        }
        link
    };
    item.link = item.link.map(change);
    item.guid = item.guid.map(|guid| if guid.starts_with("https") { change(guid) } else { guid });
    // Where the title is all there is, an edited one is another entry.
    if wear.title && (item.link.is_some() || item.guid.is_some()) {
        item.title.push_str(" (updated)");
    }
    item
}

proptest! {
    #[test]
    fn wear_and_reordering_make_nothing_new(
        kinds in prop::collection::vec(0_u8..5, 1..20),
        wear in wear(),
        turn in 0_usize..20,
        dated in any::<bool>(),
    ) {
        let items: Vec<Item> = kinds.iter().enumerate().map(|(n, kind)| {
            let link = format!("https://blog.example/p/{n}");
            let title = format!("The entry with number {n}");
            let when = dated.then(|| at(i64::try_from(n).expect("small") * 24));
            match kind {
                0 => item(&format!("id-{n}"), &link, &title, when),
                1 => item(&link, &link, &title, when),
                2 => item("", &link, &title, when),
                3 => item(&format!("id-{n}"), "", &title, when),
                _ => item("", "", &title, when),
            }
        }).collect();
        let mut later: Vec<Item> = items.iter().map(|item| worn(item, &wear)).collect();
        later.rotate_left(turn % items.len());
        // An undated item beside an edited copy of itself can't be told from a neighbour that shares
        // its guid or link.
        if wear.twice && (dated || !wear.title) {
            later.extend(items.clone());
        }
        let fresh = item("brand-new", "https://blog.example/brand-new", "Something new", Some(at(-50)));
        later.push(fresh);
        let new = new_in_each(&[&items, &later, &items]);
        prop_assert_eq!(new[0].len(), items.len());
        prop_assert_eq!(&new[1], &["Something new"]);
        prop_assert_eq!(&new[2], &NONE);
    }

    #[test]
    fn keys_are_never_none_and_never_shared(
        parts in prop::collection::vec(("[ab]?", "[cd]?", "[ef]?", 0_i64..3), 0..12)
    ) {
        let items: Vec<Item> = parts.iter().map(|(guid, link, title, day)| {
            let link = if link.is_empty() { String::new() } else { format!("https://x.example/{link}") };
            item(guid, &link, title, (*day > 0).then(|| at(*day)))
        }).collect();
        let entries = identify(&feed(&items));
        let mut seen = BTreeSet::new();
        for entry in &entries {
            prop_assert!(!entry.keys.is_empty());
            for key in &entry.keys {
                prop_assert!(key.as_str().len() <= 30);
                prop_assert!(seen.insert(key.clone()), "shared: {key}");
            }
        }
        prop_assert_eq!(identify(&feed(&items)), entries);
    }
}
