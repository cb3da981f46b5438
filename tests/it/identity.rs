//! Which entry an item is, told from outside: whatever a publisher does to a feed, the sandbox's books
//! have each entry once. What can't be decided is held, says why, and goes where a person sends it.

use chrono::TimeDelta;
use tidings::daemon::poll::PollReport;
use tidings::domain::post::{Event, State};
use tidings::store::entries::SeenEntry;

use crate::world::{BLOG, Item, World, blog, item, rss, start};

/// What a publisher does to each item of a feed.
type Change = fn(Item) -> Item;

fn changed(numbers: impl IntoIterator<Item = i32>, change: Change) -> String {
    rss(&numbers.into_iter().map(item).map(change).collect::<Vec<_>>())
}

/// The next poll of the feed, and all that goes out after it.
async fn reads(world: &World, body: String) -> PollReport {
    world.offers("/blog", body);
    let report = world.poll_again("blog").await;
    world.run_until_quiet().await;
    report
}

/// The titles that are out, in order, without what stands around them.
fn titles(world: &World) -> Vec<String> {
    let title = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    world.published().iter().map(|it| title(&it.text)).collect()
}

async fn held(world: &World) -> Vec<SeenEntry> {
    let mut held = Vec::new();
    for post in world.posts().await {
        if post.life.state == State::Held {
            let entry = world.store().entry(post.entry_id).await.expect("reads");
            held.push(entry.expect("its entry"));
        }
    }
    held
}

fn link_of(item: &Item, change: impl Fn(&str) -> String) -> Option<String> {
    item.link.as_deref().map(change)
}

/// Items without guids: the link has to do.
fn bare(it: Item) -> Item {
    Item { guid: None, ..it }
}

/// Three entries are published; then all items change, twice over, while a fourth entry comes. It alone
/// goes out.
async fn survives(before: Change, after: Change) {
    let world = World::open(BLOG).await;
    world.offers("/blog", changed([3, 2, 1], before));
    world.run_until_quiet().await;
    assert_eq!(world.published().len(), 3);
    assert_eq!(reads(&world, changed([3, 2, 1], after)).await.new_entries, 0, "none twice");
    assert_eq!(reads(&world, changed([4, 3, 2, 1], after)).await.new_entries, 1, "none lost");
    assert_eq!(reads(&world, changed([4, 3, 2, 1], before)).await.new_entries, 0, "and back");
    assert_eq!(reads(&world, changed([5, 4, 3, 2, 1], after)).await.new_entries, 1);
    assert_eq!(world.published().len(), 5, "{:?}", titles(&world));
    world.assert_agrees().await;
}

#[tokio::test]
async fn http_becomes_https() {
    let before =
        |it: Item| bare(Item { link: link_of(&it, |link| link.replace("https:", "http:")), ..it });
    survives(before, bare).await;
    // And the same for guids that are addresses.
    let guid = |it: Item| Item { guid: it.link.clone(), link: None, ..it };
    let http = |it: Item| {
        let link = link_of(&it, |link| link.replace("https:", "http:"));
        Item { guid: link, link: None, ..it }
    };
    survives(http, guid).await;
}

#[tokio::test]
async fn www_comes_and_goes() {
    survives(bare, |it| {
        bare(Item { link: link_of(&it, |link| link.replace("blog.", "www.blog.")), ..it })
    })
    .await;
}

#[tokio::test]
async fn tracking_parameters_come_and_change() {
    let first = |it: Item| {
        bare(Item {
            link: link_of(&it, |link| format!("{link}?utm_source=rss&amp;utm_campaign=a")),
            ..it
        })
    };
    let then = |it: Item| {
        bare(Item { link: link_of(&it, |link| format!("{link}?fbclid=x{}#top", link.len())), ..it })
    };
    survives(first, then).await;
    survives(bare, first).await;
}

#[tokio::test]
async fn a_trailing_slash_comes() {
    survives(bare, |it| bare(Item { link: link_of(&it, |link| format!("{link}/")), ..it })).await;
}

#[tokio::test]
async fn guids_change() {
    survives(|it| it, |it| Item { guid: it.guid.map(|guid| format!("new-{guid}")), ..it }).await;
    survives(|it| it, bare).await;
}

#[tokio::test]
async fn titles_are_edited() {
    let edited = |it: Item| Item { title: format!("Updated, with news: {}", it.title), ..it };
    survives(|it| it, edited).await;
    survives(bare, |it| bare(Item { title: format!("Now: {}", it.title), ..it })).await;
    let linkless = |it: Item| Item { link: None, ..it };
    survives(linkless, |it| Item {
        title: format!("Other words for {:?}", it.guid),
        link: None,
        ..it
    })
    .await;
}

#[tokio::test]
async fn dates_change_or_go() {
    survives(|it| it, |it| Item { at: it.at.map(|at| at + TimeDelta::days(3)), ..it }).await;
    survives(|it| it, |it| Item { at: None, ..it }).await;
    survives(bare, |it| bare(Item { at: None, ..it })).await;
}

#[tokio::test]
async fn a_feed_is_regenerated_with_new_guids_and_links() {
    let anew: Change = |it| Item {
        link: link_of(&it, |link| link.replace(".com/", ".com/archive/of/")),
        guid: it
            .guid
            .map(|guid| format!("https://blog.example.com/?p={}", guid.replace("guid-", "9"))),
        ..it
    };
    survives(|it| it, anew).await;
    // Titles too short to be a key by themselves are enough with the time.
    let shortened: Change = |it| Item { title: "Note".into(), ..it };
    let shortened_anew: Change = |it| Item {
        title: "Note".into(),
        link: link_of(&it, |link| link.replace(".com/", ".com/n/")),
        guid: it.guid.map(|guid| format!("new-{guid}")),
        ..it
    };
    survives(shortened, shortened_anew).await;
}

#[tokio::test]
async fn a_site_moves_to_another_name() {
    let moved: Change = |it| Item {
        guid: None,
        link: link_of(&it, |link| link.replace("blog.example.com", "new-name.example.org")),
        ..it
    };
    survives(bare, moved).await;
    // Without times the paths have to do; they are made of words, and the feed names its new site.
    let worded = |site: &str| {
        let site = site.to_owned();
        move |n: i32| Item {
            guid: None,
            link: Some(format!("https://{site}/2026/an-article-with-words-{n}")),
            at: None,
            ..item(n)
        }
    };
    let old: Vec<Item> = [3, 2, 1].map(worded("blog.example.com")).to_vec();
    let new: Vec<Item> = [4, 3, 2, 1].map(worded("new-name.example.org")).to_vec();
    let world = World::open(BLOG).await;
    world.offers("/blog", rss(&old));
    world.run_until_quiet().await;
    let body = rss(&new).replace("https://blog.example.com/<", "https://new-name.example.org/<");
    let edited = body.replace("The story", "A story, edited");
    assert_eq!(reads(&world, edited).await.new_entries, 1);
    assert_eq!(world.published().len(), 4, "{:?}", titles(&world));
    world.assert_agrees().await;
}

#[tokio::test]
async fn all_guids_are_equal() {
    let equal: Change = |it| Item { guid: Some("https://blog.example.com/".into()), ..it };
    survives(equal, equal).await;
    survives(|it| it, equal).await;
    // Guid and link both: only titles and times tell.
    let same: Change = |it| Item {
        guid: Some("feed".into()),
        link: Some("https://blog.example.com/".into()),
        ..it
    };
    survives(same, same).await;
}

#[tokio::test]
async fn entries_leave_and_return_in_any_order() {
    let world = World::with_blog([6, 5, 4, 3, 2, 1]).await;
    world.run_until_quiet().await;
    assert_eq!(world.published().len(), 6);
    for window in [vec![6], vec![], vec![1, 4, 2], vec![3], vec![6, 5, 4, 3, 2, 1], vec![2, 6]] {
        assert_eq!(reads(&world, blog(window)).await.new_entries, 0);
    }
    // One in the middle and one at the end are new.
    assert_eq!(reads(&world, blog([5, 8, 1, 7])).await.new_entries, 2);
    assert_eq!(world.published().len(), 8);
    world.assert_agrees().await;
}

#[tokio::test]
async fn pages_overlap() {
    let world = World::with_blog([12, 11, 10]).await;
    world.run_until_quiet().await;
    // The feed is asked at whichever page it is at: 9 and 8 were never seen, and are no news.
    for (page, new) in [([11, 10, 9], 1), ([10, 9, 8], 1), ([13, 12, 11], 1), ([12, 11, 10], 0)] {
        assert_eq!(reads(&world, blog(page)).await.new_entries, new, "{page:?}");
    }
    assert_eq!(world.published().len(), 6);
    // A feed that suddenly shows much more of its past floods nobody.
    let report = reads(&world, blog((1..=13).rev())).await;
    assert_eq!(report.new_entries, 7);
    assert_eq!((world.published().len(), held(&world).await.len()), (6, 7));
    assert!(
        held(&world).await.iter().all(|it| it.reason.contains("dated before it was read last"))
    );
    world.assert_agrees().await;
}

#[tokio::test]
async fn a_burst_larger_than_the_window_is_held_and_then_goes_out_once() {
    let world = World::with_blog([5, 4, 3, 2, 1]).await;
    world.run_until_quiet().await;
    // Meanwhile so much was published that nothing known is left in the feed.
    let late = |n: i32| Item { at: Some(start() + TimeDelta::minutes(n.into())), ..item(n) };
    let burst: Vec<Item> = (30..35).rev().map(late).collect();
    world.pass(TimeDelta::hours(2));
    assert_eq!(reads(&world, rss(&burst)).await.new_entries, 5);
    assert_eq!((world.published().len(), held(&world).await.len()), (5, 5));
    let next: Vec<Item> = (31..36).rev().map(late).collect();
    assert_eq!(reads(&world, rss(&next)).await.new_entries, 1, "what follows is news");
    assert_eq!(world.published().len(), 6);
    assert_eq!(world.desk().approve_all(Some("blog")).await.expect("approves"), 5);
    world.run_until_quiet().await;
    assert_eq!(world.published().len(), 11);
    world.assert_agrees().await;
}

#[tokio::test]
async fn a_storm_of_guids_is_held_explained_and_asked_about() {
    let storm = |n: i32, now| Item {
        guid: Some(format!("storm-{n}")),
        title: format!("Again, in other words, number {n}"),
        link: Some(format!("https://blog.example.com/again/{n}")),
        at: Some(now),
    };
    for approve in [true, false] {
        let world = World::with_blog([4, 3, 2, 1]).await;
        world.run_until_quiet().await;
        let now = world.now();
        let body = rss(&(1..=4).rev().map(|n| storm(n, now)).collect::<Vec<_>>());
        assert_eq!(reads(&world, body.clone()).await.new_entries, 4);
        world.run_for(TimeDelta::days(2)).await;
        assert_eq!(world.published().len(), 4, "nothing goes out by itself");
        let waiting = held(&world).await;
        assert_eq!(waiting.len(), 4);
        insta::allow_duplicates! {
            insta::assert_snapshot!(waiting.first().map(|it| it.reason.as_str()).unwrap_or_default(), @"all 4 entries of blog are new at once, as if the feed were regenerated or another's; post them with `tidings queue approve --feed blog`, or skip them");
        }
        if approve {
            assert_eq!(world.desk().approve_all(Some("blog")).await.expect("approves"), 4);
        } else {
            for post in world.posts().await {
                if post.life.state == State::Held {
                    world.desk().act(post.id, &Event::Skip).await.expect("skips");
                }
            }
        }
        world.run_until_quiet().await;
        let out = if approve { 8 } else { 4 };
        assert_eq!(world.published().len(), out);
        // Once settled, it is known like anything else.
        assert_eq!(reads(&world, body).await.new_entries, 0);
        assert_eq!(world.published().len(), out);
        world.assert_agrees().await;
    }
}

#[tokio::test]
async fn a_feed_that_is_suddenly_anothers_is_held() {
    let parked = |entries: usize| {
        let foreign = |n: i32| Item {
            guid: Some(format!("parked-{n}")),
            title: format!("This domain is for sale, offer {n}"),
            link: Some(format!("https://parking.example.net/{n}")),
            at: Some(start()),
        };
        let items: Vec<Item> = (1..).map(foreign).take(entries).collect();
        rss(&items)
            .replace("A blog", "Domains for sale")
            .replace("blog.example.com", "parking.example.net")
    };
    for entries in [1, 3] {
        let world = World::with_blog([3, 2, 1]).await;
        world.run_until_quiet().await;
        assert_eq!(reads(&world, parked(entries)).await.new_entries, entries);
        assert_eq!((world.published().len(), held(&world).await.len()), (3, entries));
        assert!(held(&world).await.iter().all(|it| it.reason.contains("another's")));
        // The rightful owner is back.
        assert_eq!(reads(&world, blog([4, 3, 2, 1])).await.new_entries, 1);
        assert_eq!((world.published().len(), held(&world).await.len()), (4, entries));
        world.assert_agrees().await;
    }
}

#[tokio::test]
async fn a_guid_or_a_link_that_is_used_again_is_asked_about() {
    let other: [Change; 2] = [
        |it| Item { guid: Some("guid-3".into()), ..it },
        |it| Item { link: Some("https://blog.example.com/3".into()), ..it },
    ];
    for change in other {
        let world = World::with_blog([3, 2, 1]).await;
        world.run_until_quiet().await;
        let report = reads(&world, rss(&[change(item(7)), item(2), item(1)])).await;
        assert_eq!((report.new_entries, report.posts), (1, 1), "not lost");
        assert_eq!(world.published().len(), 3, "and not sent unasked");
        let reason = held(&world).await.first().map(|it| it.reason.clone()).unwrap_or_default();
        assert!(reason.contains("under the guid or link of \"The story of number 3\""), "{reason}");
        // It stays one entry, edited, and also beside the first one.
        let edited = Item { title: "The story of number 7, edited".into(), ..change(item(7)) };
        assert_eq!(reads(&world, rss(&[edited.clone(), item(2), item(1)])).await.new_entries, 0);
        assert_eq!(reads(&world, rss(&[edited, item(3), item(2), item(1)])).await.new_entries, 0);
        assert_eq!(world.desk().approve_all(Some("blog")).await.expect("approves"), 1);
        world.run_until_quiet().await;
        assert_eq!(world.published().len(), 4);
        world.assert_agrees().await;
    }
}

#[tokio::test]
async fn entries_of_one_title_are_different_ones() {
    let warning = |n: i64, hours: i64| Item {
        guid: None,
        title: "Weather warning for the coast".into(),
        link: Some(format!("https://blog.example.com/warning/{n}")),
        at: Some(start() + TimeDelta::hours(hours)),
    };
    let world = World::open(BLOG).await;
    world.offers("/blog", rss(&[warning(1, 0)]));
    world.run_until_quiet().await;
    assert_eq!(
        reads(&world, rss(&[warning(2, 3), warning(1, 0)])).await.new_entries,
        1,
        "the same day"
    );
    assert_eq!(
        reads(&world, rss(&[warning(3, 24), warning(2, 3)])).await.new_entries,
        1,
        "the next day"
    );
    assert_eq!(reads(&world, rss(&[warning(4, 48)])).await.new_entries, 1, "and alone");
    assert_eq!(world.published().len(), 4);
    world.assert_agrees().await;
}

#[tokio::test]
async fn entries_without_links_guids_or_dates_are_posted_once() {
    let bare: [Change; 4] = [
        |it| Item { guid: None, link: None, ..it },
        |it| Item { guid: None, at: None, ..it },
        |it| Item { link: None, at: None, ..it },
        |it| Item { guid: None, link: None, at: None, ..it },
    ];
    for change in bare {
        let world = World::open(BLOG).await;
        world.offers("/blog", changed([2, 1], change));
        world.run_until_quiet().await;
        for window in [vec![1, 2], vec![2], vec![], vec![2, 1, 2]] {
            assert_eq!(reads(&world, changed(window, change)).await.new_entries, 0);
        }
        assert_eq!(reads(&world, changed([3, 2, 1], change)).await.new_entries, 1);
        assert_eq!(world.published().len(), 3);
        world.assert_agrees().await;
    }
    // A note of which the title is edited is known by its text, and the other way round.
    let note = |title: &str, text: &str| {
        blog([]).replace(
            "</channel>",
            &format!(
                "<item><title>{title}</title><description>{text}</description></item></channel>"
            ),
        )
    };
    let text = "The harbour is closed tonight because of the fog, and the ferry waits.";
    let world = World::open(BLOG).await;
    world.offers("/blog", note("Harbour closed tonight", text));
    world.run_until_quiet().await;
    assert_eq!(reads(&world, note("Harbour closed, ferry waits", text)).await.new_entries, 0);
    assert_eq!(
        reads(&world, note("Harbour closed, ferry waits", "Open again.")).await.new_entries,
        0
    );
    assert_eq!(world.published().len(), 1);
    world.assert_agrees().await;
}
