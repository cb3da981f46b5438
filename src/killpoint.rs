//! Named places at which a test may hold the process, to end it there with `kill -9`.
//!
//! Promises: without `TIDINGS_KILLPOINT` in the environment they cost one comparison and do
//! nothing. Must not: change what the program does in any other way.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// All places, in the order in which a post meets them.
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
    debug_assert!(ALL.contains(&name) || OF_LOOPS.contains(&name), "unknown killpoint {name}");
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
