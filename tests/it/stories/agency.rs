//! An agency: what goes wrong for one client is of no concern to the others.

use chrono::TimeDelta;
use tidings::daemon::desk::Manner;
use tidings::domain::breaker::Scope;
use tidings::sandbox::{PLATFORMS, Profile};

use crate::world::{Item, Setup, World, item, rss, start};

const CLIENTS: i32 = 50;
/// Its keys are wrong.
const STRANGER: i32 = 0;
/// It is stopped by hand.
const PAUSED: i32 = 1;
/// Its feed has very much to say.
const FLOOD: i32 = 2;
const FLOOD_POSTS: i32 = 40;

fn name(client: i32) -> String {
    format!("client-{client}")
}

fn leaked(text: String) -> &'static str {
    text.leak()
}

async fn agency() -> World {
    let mut config = "[defaults.profile]\nplatforms = [\"twitter\"]\nmin_gap = \"1m\"\n\
        [defaults.feed]\nfirst_run = \"all\"\nhold_above = 100\n"
        .to_owned();
    for client in 0..CLIENTS {
        let text = format!(
            "[[profile]]\nname = \"{0}\"\nprofile_key = {{ env = \"KEY_{client}\" }}\n\
             [[feed]]\nname = \"{0}\"\nurl = \"SITE/{client}\"\nprofiles = [\"{0}\"]\n",
            name(client)
        );
        config.push_str(&text);
    }
    let mut setup = Setup::new(&config);
    for client in 0..CLIENTS {
        let key = format!("key-of-{client}");
        setup.environment.push((leaked(format!("KEY_{client}")), leaked(key.clone())));
        if client != STRANGER {
            setup.options.profiles.push(Profile {
                key,
                title: name(client),
                linked: PLATFORMS.map(str::to_owned).to_vec(),
            });
        }
    }
    let world = setup.open().await;
    for client in 0..CLIENTS {
        let posts = if client == FLOOD { FLOOD_POSTS } else { 2 };
        let story = |n| Item {
            title: format!("Number {n} of the stories of {}", name(client)),
            link: Some(format!("https://{}.example.com/{n}", name(client))),
            ..item(n)
        };
        world.offers(&format!("/{client}"), rss(&(1..=posts).map(story).collect::<Vec<_>>()));
    }
    world
}

#[tokio::test]
async fn a_stop_a_flood_and_a_bad_key_of_one_client_delay_no_other() {
    let world = agency().await;
    world
        .desk()
        .pause(&Scope::Profile(name(PAUSED)), None, Manner::Everything)
        .await
        .expect("paused");
    world.run_for(TimeDelta::minutes(5)).await;
    let published = world.published();
    let times_of = |client: i32| -> Vec<_> {
        let own = published.iter().filter(|it| it.profile == name(client));
        own.map(|it| it.at - start()).collect()
    };
    let on_time = [TimeDelta::zero(), TimeDelta::minutes(1)];
    let mut others = 0;
    for client in (0..CLIENTS).filter(|it| ![STRANGER, PAUSED, FLOOD].contains(it)) {
        assert_eq!(times_of(client), on_time, "client {client}");
        others += 1;
    }
    assert_eq!(others, 47);
    assert_eq!((times_of(STRANGER).len(), times_of(PAUSED).len()), (0, 0));
    assert_eq!(times_of(FLOOD).len(), 6, "a minute apart, as its pace wants it");
    let stops = world.stops().await;
    assert_eq!(stops.len(), 2, "{stops:?}");
    assert!(stops.iter().all(|stop| stop.contains("client-0") || stop.contains("client-1")));
    // The stranger is refused before its request is read, so the books know no reference of it.
    world.assert_nothing_twice().await;
}
