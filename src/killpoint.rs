//! Named places at which a test may hold the process, to end it there with `kill -9`.
//!
//! Promises: without `TIDINGS_KILLPOINT` in the environment they cost one comparison and do
//! nothing. Must not: change what the program does in any other way.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The places on a post's way, in the order in which it meets them.
pub const ALL: [&str; 9] = [
    "fetched",
    "stored",
    "prepared",
    "claiming",
    "intended",
    "answered",
    "settled",
    "looked-up",
    "reconciled",
];

/// The places of what lasts beside the posts, each just before it is durable and just after: a stop
/// opens, a changed config holds, a copy of the database has its name, the schema is today's.
pub const BESIDE: [&str; 8] = [
    "stopping",
    "stopped",
    "reloading",
    "reloaded",
    "backing-up",
    "backed-up",
    "migrating",
    "migrated",
];

/// Places that a loop meets at each turn; held there, it is stuck.
pub const OF_LOOPS: [&str; 1] = ["looking"];

struct Wanted {
    name: String,
    left: AtomicU32,
}

static WANTED: OnceLock<Option<Wanted>> = OnceLock::new();

/// Reaches a place. If the environment names it as `TIDINGS_KILLPOINT=NAME` or `NAME:N`, the N-th
/// arrival says so on standard error and never goes on.
pub async fn reach(name: &'static str) {
    debug_assert!(
        [&ALL[..], &BESIDE, &OF_LOOPS].iter().any(|known| known.contains(&name)),
        "unknown killpoint {name}"
    );
    let Some(wanted) = WANTED.get_or_init(wanted) else {
        return;
    };
    if wanted.name == name && wanted.left.fetch_sub(1, Ordering::SeqCst) == 1 {
        announce(name);
        std::future::pending::<()>().await;
    }
}

#[expect(clippy::print_stderr, reason = "the test that holds the process reads it")]
fn announce(name: &str) {
    eprintln!("killpoint {name} reached");
}

#[expect(clippy::disallowed_methods, reason = "not a setting: only tests know of it")]
fn wanted() -> Option<Wanted> {
    let value = std::env::var("TIDINGS_KILLPOINT").ok()?;
    let (name, count) = value.split_once(':').unwrap_or((&value, "1"));
    Some(Wanted { name: name.to_owned(), left: AtomicU32::new(count.parse().unwrap_or(1)) })
}
