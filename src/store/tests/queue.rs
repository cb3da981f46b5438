//! Posts and acts as they are kept.

use chrono::TimeDelta;

use super::*;
use crate::domain::breaker::{Lane, X};
use crate::domain::cost::Usd;
use crate::domain::hand::{By, Deed, Door};
use crate::domain::media::Media;
use crate::domain::options::Options;
use crate::domain::outcome::Refusal;
use crate::domain::plan::Priority;
use crate::domain::post::{Life, State};
use crate::store::acts::{NewAct, On};
use crate::store::attempts::Ended;
use crate::store::entries::NewEntry;
use crate::store::posts::{NewPost, Post, Who};

/// An instant, in seconds.
pub(super) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

/// A database of its own.
pub(super) struct World {
    pub(super) folder: tempfile::TempDir,
    pub(super) store: Store,
}

impl World {
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(&folder).await.expect("a database");
        Self { folder, store }
    }

    pub(super) async fn begin(&self, seconds: i64) -> Tx {
        self.store.begin(at(seconds)).await.expect("it begins")
    }

    /// A new entry with one post on the lane main/twitter; gives the post's number.
    pub(super) async fn post(&self, state: State) -> i64 {
        let mut tx = self.begin(0).await;
        let entry = NewEntry {
            title: "title",
            link: None,
            link_key: None,
            item: "{}",
            said: "said",
            choice: "post",
            reason: "",
        };
        let entry_id = tx.insert_entries("feed", &[entry]).await.expect("kept");
        let post = NewPost {
            uuid: format!("{entry_id:036}"),
            entry_id,
            feed: "feed",
            lane: &Lane::new("main", X),
            text: "text",
            weighted_length: 4,
            has_link: false,
            notes: "",
            media: &Media::None,
            options: &Options::default(),
            state,
            reason: "",
            priority: Priority::Normal,
            not_before: at(0),
            expires_at: None,
        };
        let id = tx.insert_post(&post).await.expect("kept");
        tx.commit().await.expect("durable");
        id
    }
}

#[tokio::test]
async fn acts_are_forgotten_that_are_old_or_too_many() {
    let world = World::new().await;
    let by = By::new(Door::Command, "ada");
    let mut tx = world.begin(0).await;
    for second in 0..5 {
        tx.now = at(second);
        let on = On::Scope("all".to_owned());
        let act = NewAct { deed: Deed::Skip, on: &on, before: "", after: "" };
        tx.note_act(&by, &act).await.expect("kept");
    }
    assert_eq!(tx.prune_acts(at(1), 9).await.expect("forgotten"), 1, "the oldest");
    assert_eq!(tx.prune_acts(at(1), 9).await.expect("forgotten"), 0);
    assert_eq!(tx.prune_acts(at(0), 2).await.expect("forgotten"), 2, "all but two");
    tx.commit().await.expect("durable");
    let left = world.store.acts(None, 9).await.expect("acts");
    assert_eq!(left.iter().map(|act| act.at).collect::<Vec<_>>(), [at(4), at(3)]);
}

/// What a clock said that was set back later counts by its place, not by its time.
#[tokio::test]
async fn the_last_send_of_a_lane_is_the_one_that_began_last() {
    let world = World::new().await;
    let lane = Lane::new("main", X);
    assert_eq!(world.store.last_send_of_lane(&lane).await.expect("none"), None);
    let refusal = Refusal::default();
    for (second, outcome) in [(500, "posted"), (300, "unknown"), (400, "dead")] {
        let id = world.post(State::Queued).await;
        let post = world.store.post(id).await.expect("read").expect("there");
        let mut tx = world.begin(second).await;
        tx.insert_attempt(&post, Usd::ZERO).await.expect("kept");
        let ended = Ended { outcome, refusal: &refusal, billed: false };
        assert_eq!(tx.end_attempt(id, &ended).await.expect("kept"), at(second));
        tx.commit().await.expect("durable");
    }
    assert_eq!(world.store.last_send_of_lane(&lane).await.expect("one"), Some(at(300)));
    let sends = world.store.sends_of_lane(&lane, at(300)).await.expect("sends");
    assert_eq!(sends, [(at(300), "feed".to_owned()), (at(500), "feed".to_owned())]);
    assert_eq!(world.store.sends_of_lane(&lane, at(301)).await.expect("sends").len(), 1);
    let other = Lane::new("other", X);
    assert_eq!(world.store.last_send_of_lane(&other).await.expect("none"), None);
}

/// Each fact in turn, so that none takes the place of another.
#[tokio::test]
async fn a_life_is_read_back_as_it_was_written() {
    let world = World::new().await;
    let id = world.post(State::Queued).await;
    let first = world.store.post(id).await.expect("read").expect("there").life;
    let queued = |change: fn(&mut Life)| {
        let mut life = first.clone();
        change(&mut life);
        life
    };
    let lives = [
        queued(|life| life.generation = 2),
        queued(|life| life.doubtful = true),
        queued(|life| life.accepted_before = true),
        queued(|life| life.refusals = 3),
        queued(|life| life.sends = 4),
        queued(|life| life.not_before = at(5)),
        queued(|life| life.expires_at = Some(at(6))),
        queued(|life| life.send_now = true),
        queued(|life| life.released = true),
        queued(|life| life.timed = true),
        queued(|life| life.reason = "why".to_owned()),
        queued(|life| life.lookups.made = 7),
        queued(|life| life.lookups.first_absent_at = Some(at(8))),
        queued(|life| life.receipt.ayrshare_id = Some("a".to_owned())),
        queued(|life| life.receipt.network_id = Some("n".to_owned())),
        queued(|life| life.receipt.url = Some("u".to_owned())),
    ];
    for life in lives {
        let before = world.store.post(id).await.expect("read").expect("there");
        let mut tx = world.begin(1).await;
        tx.save_life(&before, &life, Who::Daemon).await.expect("kept");
        tx.commit().await.expect("durable");
        let after = world.store.post(id).await.expect("read").expect("there");
        assert_eq!(after, Post { life, ..before }, "and nothing else");
    }
}

/// A change is written down with who made it and why; the same state for the same reason is none.
#[tokio::test]
async fn each_change_of_a_state_or_its_reason_is_written_down() {
    let world = World::new().await;
    let id = world.post(State::Held).await;
    let mut lives = Vec::new();
    for (state, reason) in [
        (State::Held, ""),
        (State::Held, "because"),
        (State::Queued, "because"),
        (State::Queued, "because"),
        (State::Skipped, "by hand"),
    ] {
        let post = world.store.post(id).await.expect("read").expect("there");
        let life = Life { state, reason: reason.to_owned(), ..post.life.clone() };
        let mut tx = world.begin(60).await;
        tx.save_life(&post, &life, Who::Person).await.expect("kept");
        tx.commit().await.expect("durable");
        lives.push(world.store.post(id).await.expect("read").expect("there").changed_at);
    }
    assert_eq!(lives, [at(0), at(0), at(60), at(60), at(60)], "when its state changed last");
    let changes = world.store.changes(id).await.expect("changes");
    let told: Vec<_> =
        changes.iter().map(|it| format!("{} {} {} {}", it.from, it.to, it.who, it.why)).collect();
    assert_eq!(
        told,
        ["held held person because", "held queued person because", "queued skipped person by hand"]
    );
}
