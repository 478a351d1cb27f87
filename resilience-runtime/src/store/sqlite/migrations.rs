//! The schema, and how a file gets it.

use sqlx::{Connection, SqliteConnection};

/// Each is applied once, in order; `PRAGMA user_version` counts them.
const MIGRATIONS: [&str; 1] = [include_str!("../../../migrations/sqlite/0001_initial.sql")];

/// How many migrations the file has.
pub(super) async fn version(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("PRAGMA user_version")
        .fetch_one(connection)
        .await
}

/// How many migrations this crate knows.
pub(super) fn known() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Brings the file to the schema of this crate, in one commit. Of two processes that try, the
/// second waits for the write lock, and finds the work done.
pub(super) async fn apply(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    if version(connection).await? >= known() {
        return Ok(());
    }
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let done = usize::try_from(version(&mut transaction).await?).unwrap_or(usize::MAX);
    for migration in MIGRATIONS.into_iter().skip(done) {
        sqlx::raw_sql(migration).execute(&mut *transaction).await?;
    }
    if done < MIGRATIONS.len() {
        let version = format!("PRAGMA user_version = {}", known());
        sqlx::raw_sql(sqlx::AssertSqlSafe(version))
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await
}
