//! For tests: how much work statements are, whatever the machine.
//!
//! Promises: what is counted are the steps of SQLite's own machine, so that the same statement on the
//! same rows always counts the same. Must not: be in the program.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::AssertSqlSafe;

use crate::store::Store;

/// Rows of the first copy have numbers below this.
const STRIDE: u32 = 10_000;
/// Each copy is older than the one before by five days, in milliseconds: ten copies fill a month.
const OLDER: u64 = 5 * 86_400_000;

/// The tables that grow for ever.
const TABLES: [&str; 6] = ["entry", "entry_key", "post", "post_words", "transition", "attempt"];

/// The steps that were taken since the last look.
pub(crate) struct Steps(Arc<AtomicU64>);

impl Steps {
    pub(crate) fn take(&self) -> u64 {
        self.0.swap(0, Ordering::Relaxed)
    }
}

impl Store {
    /// Counts from now on.
    pub(crate) async fn steps(&self) -> Steps {
        let steps = Arc::new(AtomicU64::new(0));
        let mut taken = Vec::new();
        for pool in [&self.write, &self.read] {
            for _ in 0..pool.options().get_max_connections() {
                let mut connection = pool.acquire().await.expect("a connection");
                let count = Arc::clone(&steps);
                connection.lock_handle().await.expect("a handle").set_progress_handler(
                    1,
                    move || {
                        count.fetch_add(1, Ordering::Relaxed);
                        true
                    },
                );
                taken.push(connection);
            }
        }
        Steps(steps)
    }

    /// Adds so many copies of all that was seen, queued and sent, each older than the one before.
    pub(crate) async fn multiply(&self, copies: u32) {
        let mut connection = self.write.acquire().await.expect("a connection");
        for table in TABLES {
            let columns: Vec<String> =
                sqlx::query_scalar("select name from pragma_table_info(?) order by cid")
                    .bind(table)
                    .fetch_all(&mut *connection)
                    .await
                    .expect("its columns");
            let values: Vec<String> = columns.iter().map(|column| copied(table, column)).collect();
            let statement = format!(
                "with recursive copies (copy) as
                    (select 1 union all select copy + 1 from copies where copy < {copies})
                 insert into {table} ({}) select {} from {table}, copies where true",
                columns.join(", "),
                values.join(", ")
            );
            sqlx::query(AssertSqlSafe(statement)).execute(&mut *connection).await.expect("copied");
        }
    }
}

/// A column's value in a copy.
fn copied(table: &str, column: &str) -> String {
    match (table, column) {
        (_, "id" | "entry_id" | "post_id") => format!("{column} + copy * {STRIDE}"),
        (_, "uuid") => format!("printf('%036d', id + copy * {STRIDE})"),
        (_, "link_key") | ("entry_key" | "post_words", "key") => format!("{column} || '-' || copy"),
        (_, "at") => format!("at - copy * {OLDER}"),
        (_, time) if time.ends_with("_at") || time == "not_before" => {
            format!("{time} - copy * {OLDER}")
        }
        (_, other) => other.to_owned(),
    }
}
