//! The schema, and how a file gets it.
//!
//! The version is in a table of ours: the file may be the user's own database, whose
//! `PRAGMA user_version` is the user's.

use sqlx::{Connection, SqliteConnection};

/// Each is applied once, in order; `resilience_schema` counts them.
const MIGRATIONS: [&str; 3] = [
    include_str!("../../../migrations/sqlite/0001_initial.sql"),
    include_str!("../../../migrations/sqlite/0002_leases.sql"),
    include_str!("../../../migrations/sqlite/0003_operators.sql"),
];

/// How many migrations this crate knows.
pub(super) fn known() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// How many migrations the file has.
pub(super) async fn version(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    let tables: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'resilience_schema'",
    )
    .fetch_one(&mut *connection)
    .await?;
    if tables == 0 {
        return Ok(0);
    }
    sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM resilience_schema")
        .fetch_one(connection)
        .await
}

/// Brings the file to the schema of this crate, in one commit, and returns the version that it has
/// then: more than [`known`], and nothing is changed, if a newer version of the crate was there
/// first. Of two processes that try, the second waits for the write lock, and finds the work done.
pub(super) async fn apply(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    let found = version(connection).await?;
    if found >= known() {
        return Ok(found);
    }
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let found = version(&mut transaction).await?;
    if found >= known() {
        transaction.rollback().await?;
        return Ok(found);
    }
    let done = usize::try_from(found).unwrap_or(0);
    for migration in MIGRATIONS.into_iter().skip(done) {
        sqlx::raw_sql(migration).execute(&mut *transaction).await?;
    }
    sqlx::raw_sql(
        "CREATE TABLE IF NOT EXISTS resilience_schema (version INTEGER NOT NULL);
         DELETE FROM resilience_schema;",
    )
    .execute(&mut *transaction)
    .await?;
    sqlx::query("INSERT INTO resilience_schema (version) VALUES ($1)")
        .bind(known())
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(known())
}
