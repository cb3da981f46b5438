//! Alerts and messages outlive what they tell of, as long as they should.

use chrono::TimeDelta;

use super::queue::{World, at};
use crate::domain::alert::{Alert, Kind, Severity};
use crate::domain::post::State;

fn alert(key: &str) -> Alert {
    Alert::new((Kind::Stop, key), Severity::Critical, ("title", "body", "remedy"))
}

#[tokio::test]
async fn a_message_tells_what_it_was_made_of_also_where_the_alert_ended_meanwhile() {
    let world = World::new().await;
    let mut tx = world.begin(0).await;
    let id = tx.insert_alert(&alert("a")).await.expect("kept");
    tx.insert_note(id, "me", false).await.expect("kept");
    tx.make_message("me", &format!("{:036}", 1), 9).await.expect("made");
    tx.commit().await.expect("durable");
    let mut tx = world.begin(60).await;
    tx.close_alert(id).await.expect("kept");
    tx.insert_note(id, "me", true).await.expect("kept");
    tx.end_message(1, "sent", "").await.expect("kept");
    tx.make_message("me", &format!("{:036}", 2), 9).await.expect("made");
    tx.commit().await.expect("durable");
    let ends = |notes: Vec<crate::domain::alert::render::Note>| {
        notes.into_iter().map(|note| note.ended_at).collect::<Vec<_>>()
    };
    assert_eq!(ends(world.store.alert_notes(1).await.expect("notes")), [None]);
    assert_eq!(ends(world.store.alert_notes(2).await.expect("notes")), [Some(at(60))]);
}

#[tokio::test]
async fn alerts_are_forgotten_that_ended_long_ago_or_that_nobody_heard_of() {
    let world = World::new().await;
    let mut tx = world.begin(0).await;
    for key in ["open", "ended", "unheard", "later"] {
        let id = tx.insert_alert(&alert(key)).await.expect("kept");
        tx.alert_told(id).await.expect("kept");
        match key {
            "ended" => tx.close_alert(id).await.expect("kept"),
            "unheard" => tx.forget_alert(id).await.expect("kept"),
            _ => {}
        }
    }
    tx.commit().await.expect("durable");
    let mut tx = world.begin(60).await;
    tx.close_alert(4).await.expect("kept");
    tx.forget_old_alerts(at(60)).await.expect("forgotten");
    tx.commit().await.expect("durable");
    let told = world.store.told_alerts(9).await.expect("alerts");
    let keys: Vec<_> = told.iter().map(|one| one.note.key.as_str()).collect();
    assert_eq!(keys, ["stop:later", "stop:open"], "the newest first");
    assert_eq!(world.store.told_alerts(1).await.expect("alerts").len(), 1);
}

#[tokio::test]
async fn a_week_counts_what_went_out_what_failed_and_what_waits_for_a_person() {
    let world = World::new().await;
    for state in [State::Queued, State::Failed, State::Failed, State::Held] {
        world.post(state).await;
    }
    let week = world.store.week(&[], at(0)).await.expect("a week");
    assert_eq!((week.posted, week.failed, week.needs_person), (0, 2, 3));
    let later = world.store.week(&[], at(0) + TimeDelta::days(1)).await.expect("a week");
    assert_eq!((later.failed, later.needs_person), (0, 3), "they wait all the same");
    let other = world.store.week(&["other".to_owned()], at(0)).await.expect("a week");
    assert_eq!((other.failed, other.needs_person), (0, 0));
}
