//! Every statement of the program, as SQLite plans it: none reads a whole table that grows, but for those
//! that are named here with the reason.

#![expect(clippy::panic, clippy::indexing_slicing, reason = "a test may fail by panicking")]

use std::path::Path;

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection};
use tidings::store::Store;

/// Tables that grow with each feed, entry, post or act.
const GROW: [&str; 9] = [
    "act",
    "attempt",
    "digest_entry",
    "entry",
    "entry_key",
    "feed",
    "post",
    "post_words",
    "transition",
];

/// How a statement that may read a whole table begins, and why it may.
const MAY_SCAN: [(&str, &str); 16] = [
    ("select feed, count(*) as \"entries!", "a listing counts all entries"),
    ("select * from act order by id desc", "ends at its limit"),
    ("select * from feed order by name", "a listing of all feeds"),
    ("select * from post where (?1 is null", "a listing, which ends at its limit"),
    ("select name, last_error, gone_at from feed", "a look for alerts at all feeds"),
    ("select name, first_read_at as", "a look for alerts at all feeds, every hour"),
    ("select profile, platform, state, count(*)", "a listing counts the posts"),
    ("update post set feed", "a feed got another name, once"),
    ("with recursive line(profile", "jumps from lane to lane"),
    ("select profile as \"profile!\", platform as", "metrics count the posts"),
    ("delete from act where", "the audit trail is cut to its length, once a day"),
    ("insert into entry (feed, title,", "keys are only read where one waits for its entry: never"),
    ("insert into entry (id, feed,", "the same"),
    ("insert or ignore into forgotten", "a restore, once"),
    ("select name, url, next_poll_at, gone_at, last_polled_at", "a new look at all feeds"),
    ("select * from entry where link = ?1 or instr", "a person's search by a part of a title"),
];

/// What SQLite says that it will do, a line for each step.
async fn plan(database: &mut SqliteConnection, statement: &str) -> Vec<String> {
    let text = format!("explain query plan {statement}");
    let mut query = sqlx::query(AssertSqlSafe(text));
    // A value for each place; what is bound beyond them would be refused.
    for _ in 0..places(statement) {
        query = query.bind(None::<i64>);
    }
    let rows = query.fetch_all(database).await;
    let rows = rows.unwrap_or_else(|error| panic!("{statement}: {error}"));
    rows.iter().map(|row| row.get::<String, _>("detail")).collect()
}

/// How many values a statement takes.
fn places(statement: &str) -> usize {
    let mut most = 0;
    let mut rest = statement;
    while let Some((_, after)) = rest.split_once('?') {
        let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
        most = digits.parse().map_or(most + 1, |number| std::cmp::max(most, number));
        rest = after;
    }
    most
}

fn statements() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx");
    let files = std::fs::read_dir(folder).expect("the folder");
    let mut all: Vec<String> = files
        .map(|file| std::fs::read_to_string(file.expect("a file").path()).expect("text"))
        .map(|text| serde_json::from_str::<Value>(&text).expect("JSON"))
        .map(|told| told["query"].as_str().expect("a statement").to_owned())
        .collect();
    all.sort();
    all
}

#[tokio::test]
async fn no_statement_reads_a_whole_table_that_grows() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tidings.db");
    Store::open(&path).await.expect("a database").close().await;
    let address = format!("sqlite://{}", path.display());
    let mut database = SqliteConnection::connect(&address).await.expect("the database");
    let mut used = [false; MAY_SCAN.len()];
    let mut wrong = Vec::new();
    let all = statements();
    for statement in &all {
        let one_line = statement.split_whitespace().collect::<Vec<_>>().join(" ");
        let steps = plan(&mut database, statement).await;
        let scan = steps.iter().find(|step| {
            let mut words = step.split(' ');
            words.next() == Some("SCAN") && words.next().is_some_and(|name| GROW.contains(&name))
        });
        let Some(scan) = scan else { continue };
        match MAY_SCAN.iter().position(|(begins, _)| one_line.starts_with(begins)) {
            Some(at) => used[at] = true,
            None => wrong.push(format!("{scan}: {one_line}")),
        }
    }
    assert!(all.len() > 150, "only {} statements", all.len());
    assert_eq!(wrong, [""; 0]);
    let idle: Vec<&str> = MAY_SCAN
        .iter()
        .zip(used)
        .filter(|(_, used)| !used)
        .map(|((begins, _), _)| *begins)
        .collect();
    assert_eq!(idle, [""; 0], "these read no whole table any more");
}
