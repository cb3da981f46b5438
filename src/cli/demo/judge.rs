//! Whether the demo did its job.
//!
//! Promises: what counts is what the sandbox truly published, not our own word. Must not: change
//! anything.

use super::super::out::{self, Tone};
use super::super::{Done, Exit};
use super::Tally;
use crate::domain::cost::Usd;
use crate::sandbox::{Books, Seen};
use crate::store::Store;
use crate::store::posts::{Post, PostFilter};

/// Judges by what the sandbox truly published, not by our own word.
pub(super) async fn judge(store: &Store, books: &Books, found: Tally) -> Done {
    let posts = store.posts(&PostFilter::default(), 1000).await?;
    let published: Vec<_> = books.published().collect();
    let times = |post: &Post| {
        let reference = format!("tidings:{}:", post.uuid);
        published
            .iter()
            .filter(|it| it.notes.as_ref().is_some_and(|notes| notes.starts_with(&reference)))
            .count()
    };
    let lost = posts.iter().filter(|post| times(post) == 0).count();
    let doubled = posts.iter().filter(|post| times(post) > 1).count() + books.doubles().len();
    let requests: Vec<_> =
        books.requests().filter(|it| it.method == "POST" && it.path == "/api/post").collect();
    let to_x = |it: &&&Seen| it.platforms.iter().any(|name| name == "twitter");
    let x = requests.iter().filter(to_x).count();
    let x_right = requests.iter().filter(to_x).filter(|it| it.x_pair == "right").count();
    let elsewhere = requests.len() - x;
    let leaked = requests.iter().filter(|it| !to_x(it) && it.x_api_key != "absent").count();
    let mut spent = Usd::ZERO;
    for post in &posts {
        for attempt in store.attempts(post.id).await? {
            spent = spent.plus(attempt.cost);
        }
    }
    out::say(&out::tone("\nWhat the simulated Ayrshare has in its books", Tone::Head));
    out::say(&format!(
        "  {} found, {} made of them",
        out::count(found.entries, "entry"),
        out::count(found.posts, "post")
    ));
    out::say(&format!("  {} published, {lost} lost, {doubled} twice", published.len()));
    out::say(&format!(
        "  {} lost and found by look-up, {} met and lifted",
        out::count(found.looked_up, "answer"),
        out::count(found.lifted, "stop")
    ));
    out::say(&format!(
        "  {} to X, {x_right} with both keys in the headers",
        out::count(x, "request")
    ));
    out::say(&format!("  {} elsewhere, {leaked} with them", out::count(elsewhere, "request")));
    out::say(&format!("  {spent} would have been billed by X"));
    let mut faults = Vec::new();
    if found.posts != published.len() || posts.len() != found.posts || lost + doubled > 0 {
        faults.push("found and posted differ");
    }
    if x != x_right || leaked > 0 {
        faults.push("the X keys were not where they belong");
    }
    if found.looked_up != 1 {
        faults.push("the lost answer was not found by look-up");
    }
    if found.lifted != 1 {
        faults.push("the stop was not lifted");
    }
    if !faults.is_empty() {
        let faults = faults.join(", ");
        out::say(&out::tone(&format!("\n{faults}: this is a fault of Tidings"), Tone::Bad));
        return Ok(Exit::Failed);
    }
    out::say(&out::tone("\nfound = posted, each once", Tone::Good));
    out::say(
        "Next: copy config.example.toml to tidings.toml, then `tidings check` and `tidings preview`",
    );
    Ok(Exit::Done)
}
