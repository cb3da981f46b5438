//! Databases of older schemas are brought to this one with every row as it was.
//!
//! Promises: `tests/data/schema/` keeps a database, as text, of each released version, made by that
//! version itself. Must not: be changed after the release; an edited migration fails here.

use std::path::Path;

use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};
use tidings::domain::post::State;
use tidings::store::Store;
use tidings::store::posts::PostFilter;

static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// Each released version with its database.
const RELEASED: [(&str, &str); 1] = [("0.1.0", include_str!("../data/schema/0.1.0.sql"))];

async fn connect(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    SqliteConnection::connect_with(&options).await.expect("it opens")
}

/// The columns of each table, and then all rows of these columns, as text.
async fn columns(database: &mut SqliteConnection) -> Vec<(String, String)> {
    sqlx::query_as(
        "select t.name, group_concat('quote(\"' || c.name || '\")', ' || '','' || ') \
         from sqlite_master t, pragma_table_info(t.name) c \
         where t.type = 'table' and t.name not like 'sqlite%' and t.name <> '_sqlx_migrations' \
         group by t.name order by t.name",
    )
    .fetch_all(database)
    .await
    .expect("the tables")
}

async fn rows(
    database: &mut SqliteConnection,
    tables: &[(String, String)],
) -> Vec<(String, Vec<String>)> {
    let mut all = Vec::new();
    for (table, columns) in tables {
        let text = format!("select {columns} from \"{table}\" order by 1");
        let rows = sqlx::query_scalar(AssertSqlSafe(text)).fetch_all(&mut *database).await;
        all.push((table.clone(), rows.expect("the rows")));
    }
    all
}

/// The schema as SQLite tells it.
async fn schema(database: &mut SqliteConnection) -> Vec<String> {
    sqlx::query_scalar(
        "select name || ': ' || coalesce(sql, '') from sqlite_master \
         where name not like 'sqlite%' order by name",
    )
    .fetch_all(database)
    .await
    .expect("the schema")
}

#[tokio::test]
async fn a_database_of_each_released_version_keeps_all_its_rows() {
    for (version, dump) in RELEASED {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tidings.db");
        let mut old = connect(&path).await;
        sqlx::raw_sql(dump).execute(&mut old).await.expect("the dump");
        let tables = columns(&mut old).await;
        let before = rows(&mut old, &tables).await;
        old.close().await.expect("it closes");
        let filled = before.iter().filter(|(_, rows)| !rows.is_empty()).count();
        assert!(filled >= 8, "{version}: only {filled} tables have rows");

        let store = Store::open(&path).await.expect("it is brought to this schema");
        let posts = store.posts(&PostFilter::default(), 100).await.expect("posts");
        let states: Vec<State> = posts.iter().map(|post| post.life.state).collect();
        for wanted in [State::Posted, State::Queued, State::Unconfirmed, State::Failed] {
            assert!(states.contains(&wanted), "{version}: {states:?}");
        }
        assert_eq!(store.open_breakers().await.expect("stops").len(), 1, "{version}");
        assert_eq!(store.integrity().await.expect("the check"), None, "{version}");
        store.close().await;

        let mut new = connect(&path).await;
        assert_eq!(rows(&mut new, &tables).await, before, "{version}: rows changed");
        new.close().await.expect("it closes");
    }
}

#[tokio::test]
async fn every_stage_of_the_schema_is_brought_to_todays() {
    let folder = tempfile::tempdir().expect("a folder");
    let fresh = folder.path().join("fresh.db");
    Store::open(&fresh).await.expect("a new one").close().await;
    let todays = schema(&mut connect(&fresh).await).await;
    let all: Vec<_> = MIGRATOR.iter().cloned().collect();
    assert!(all.len() >= 16, "{} migrations", all.len());
    for stage in 1..all.len() {
        let path = folder.path().join(format!("{stage}.db"));
        let mut old = connect(&path).await;
        let some = all.iter().take(stage).cloned().collect();
        Migrator::with_migrations(some).run(&mut old).await.expect("a stage");
        old.close().await.expect("it closes");
        Store::open(&path).await.expect("it is brought to this schema").close().await;
        assert_eq!(schema(&mut connect(&path).await).await, todays, "after {stage} migrations");
    }
}
