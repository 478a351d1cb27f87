//! The schema, and how a database gets it.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::session::Schema;

/// Each is applied once, in order; `resilience_schema` counts them.
const MIGRATIONS: [&str; 3] = [
    include_str!("../../../migrations/postgres/0001_once.sql"),
    include_str!("../../../migrations/postgres/0002_sagas.sql"),
    concat!(
        include_str!("../../../migrations/postgres/0003_tables.sql"),
        include_str!("../../../migrations/postgres/0003_functions.sql"),
    ),
];

/// Of two processes that migrate a database, the second waits for the first. The number is ours alone.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7308321453049733)";

/// How many migrations this crate knows.
pub(super) fn known() -> i32 {
    i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX)
}

/// How many migrations the schema has.
pub(super) async fn version(
    connection: &mut PgConnection,
    schema: &Schema,
) -> Result<i32, sqlx::Error> {
    if !schema.exists(connection, "resilience_schema").await? {
        return Ok(0);
    }
    let text = format!(
        "{}SELECT max(version)::text FROM resilience_schema",
        schema.local()
    );
    let version: Option<String> = super::session::one(connection, text).await?;
    Ok(version.and_then(|it| it.parse().ok()).unwrap_or(0))
}

/// Brings the schema to the one of this crate, in one commit, and returns the version that it has then:
/// more than [`known`], and nothing is changed, if a newer version of the crate was there first. Needs no
/// right to create anything when the tables are there.
pub(super) async fn apply(
    connection: &mut PgConnection,
    schema: &Schema,
) -> Result<i32, sqlx::Error> {
    let found = version(connection, schema).await?;
    if found >= known() {
        return Ok(found);
    }
    let mut transaction = connection.begin().await?;
    let prelude = format!("{}{LOCK}", schema.local());
    sqlx::raw_sql(AssertSqlSafe(prelude))
        .execute(&mut *transaction)
        .await?;
    let found = version(&mut transaction, schema).await?;
    if found >= known() {
        transaction.rollback().await?;
        return Ok(found);
    }
    let done = usize::try_from(found).unwrap_or(0);
    for migration in MIGRATIONS.into_iter().skip(done) {
        sqlx::raw_sql(migration).execute(&mut *transaction).await?;
    }
    let note = format!(
        "CREATE TABLE IF NOT EXISTS resilience_schema (version integer NOT NULL);
         DELETE FROM resilience_schema;
         INSERT INTO resilience_schema VALUES ({})",
        known()
    );
    sqlx::raw_sql(AssertSqlSafe(note))
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(known())
}
