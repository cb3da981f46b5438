//! Several feeds, profiles and networks at once: each entry once per lane, at its turn, with the
//! right headers.

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc, Weekday};
use chrono_tz::{America::New_York, Europe::Berlin};
use tidings::domain::post::State;
use tidings::sandbox::{Published, Seen};

use crate::world::{World, blog};

const TWO_PROFILES: &str = r#"
[[profile]]
name = "main"
platforms = ["twitter"]
time_zone = "Europe/Berlin"
min_gap = "3h"
quiet_hours = ["22:00-07:30"]

[[profile]]
name = "client"
platforms = ["twitter", "linkedin"]
profile_key = { env = "CLIENT_PROFILE_KEY" }
x_api_key = { env = "CLIENT_X_API_KEY" }
x_api_secret = { env = "CLIENT_X_API_SECRET" }
time_zone = "America/New_York"
post_at = ["Mon-Fri 08:30", "Mon-Fri 12:00"]

[defaults.profile]
same_text = "allow"

[defaults.feed]
first_run = "all"

[[feed]]
name = "rss"
url = "SITE/rss"
profiles = ["main", "client"]

[[feed]]
name = "atom"
url = "SITE/atom"
profiles = ["main"]

[[feed]]
name = "json"
url = "SITE/json"
profiles = ["client"]
"#;

const ATOM: &str = r#"<feed xmlns="http://www.w3.org/2005/Atom"><title>Atom</title><id>urn:a</id>
<updated>2026-11-15T10:00:00Z</updated>
<entry><id>urn:a:1</id><title>An atom in the morning</title><updated>2026-11-15T09:00:00Z</updated><link href="https://atom.example.com/1"/></entry>
<entry><id>urn:a:2</id><title>An atom in the evening</title><updated>2026-11-15T10:00:00Z</updated><link href="https://atom.example.com/2"/></entry>
</feed>"#;

const JSON: &str = r#"{"version": "https://jsonfeed.org/version/1.1", "title": "JSON", "items": [
{"id": "j1", "url": "https://json.example.com/1", "title": "A thing in braces", "date_published": "2026-11-15T09:00:00Z"},
{"id": "j2", "title": "Words alone and no address", "date_published": "2026-11-15T10:00:00Z"}]}"#;

fn on<'a>(published: &'a [Published], profile: &str, platform: &str) -> Vec<&'a Published> {
    published.iter().filter(|it| it.profile == profile && it.platform == platform).collect()
}

async fn told() -> World {
    let world = World::open(TWO_PROFILES).await;
    world.offers("/rss", blog([3, 2, 1]));
    world.offers("/atom", ATOM.to_owned());
    world.offers("/json", JSON.to_owned());
    world.run_until_quiet().await;
    world
}

#[tokio::test]
async fn each_entry_of_each_feed_is_out_once_on_each_lane() {
    let world = told().await;
    let published = world.published();
    assert_eq!(on(&published, "primary", "twitter").len(), 5);
    assert_eq!(on(&published, "client", "twitter").len(), 5);
    assert_eq!(on(&published, "client", "linkedin").len(), 5);
    assert_eq!(published.len(), 15);
    assert!(world.states().await.iter().all(|state| *state == State::Posted));
    world.assert_agrees().await;
}

#[tokio::test]
async fn the_x_keys_travel_with_requests_to_x_alone_and_the_profile_key_with_its_profile_alone() {
    let world = told().await;
    let requests: Vec<Seen> = world.books().requests().cloned().collect();
    assert!(requests.len() >= 15);
    for seen in &requests {
        let to_x = seen.platforms == ["twitter"] && seen.path == "/api/post";
        let pair = if to_x { ("present", "present") } else { ("absent", "absent") };
        assert_eq!((seen.x_api_key, seen.x_api_secret), pair, "{seen:?}");
        assert_eq!(seen.x_pair, if to_x { "right" } else { "incomplete" }, "{seen:?}");
        assert_eq!(seen.bearer, "right");
        let keyed = seen.profile.as_deref() == Some("client");
        assert_eq!(seen.profile_key, if keyed { "known" } else { "absent" }, "{seen:?}");
        assert_eq!(seen.platforms.len(), 1, "one network per request");
    }
}

#[tokio::test]
async fn nothing_is_out_before_its_turn_in_the_zone_of_its_profile() {
    let world = told().await;
    let published = world.published();
    let times = |profile, platform| -> Vec<DateTime<Utc>> {
        on(&published, profile, platform).iter().map(|it| it.at).collect()
    };
    let main = times("primary", "twitter");
    for at in &main {
        let local = at.with_timezone(&Berlin);
        let minutes = local.hour() * 60 + local.minute();
        assert!((450..1320).contains(&minutes), "{local} is in the quiet hours");
    }
    for pair in main.windows(2) {
        assert!(pair[1] - pair[0] >= TimeDelta::hours(3), "{pair:?}");
    }
    for platform in ["twitter", "linkedin"] {
        let slots = times("client", platform);
        assert_eq!(slots.len(), 5);
        for at in &slots {
            let local = at.with_timezone(&New_York);
            let slot = [(8, 30), (12, 0)].contains(&(local.hour(), local.minute()));
            let weekend = [Weekday::Sat, Weekday::Sun].contains(&local.weekday());
            assert!(slot && !weekend, "{local} is no slot");
        }
        assert!(slots.windows(2).all(|pair| pair[0] < pair[1]), "one post for each slot");
    }
}

#[tokio::test]
async fn a_restart_posts_nothing_twice_and_asks_no_feed_early() {
    let mut world = told().await;
    let (out, asked) = (world.published().len(), world.feeds.asked().len());
    for _ in 0..3 {
        assert_eq!(world.restart().await, 0);
        assert_eq!(world.poll().await.polled, 0, "the next polls were kept");
        world.publish().await;
        world.reconcile().await;
    }
    assert_eq!(world.feeds.asked().len(), asked);
    world.run_for(TimeDelta::days(2)).await;
    assert_eq!(world.published().len(), out);
    world.assert_agrees().await;
}
