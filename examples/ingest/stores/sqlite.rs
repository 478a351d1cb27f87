//! What the two SQLite stores have in common: how a file is opened.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use super::Trouble;

/// Opens `file`, checks that it is sound, and makes its tables where they are missing.
pub(super) async fn open(file: &Path, schema: &'static str) -> Result<SqlitePool, Trouble> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // A step that is done stays done when the power fails.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5));
    // One writer is all that SQLite has: one connection saves waiting for its lock.
    let pool = SqlitePoolOptions::new().max_connections(1);
    let pool = pool.connect_with(options).await?;
    be_sound(&pool).await?;
    sqlx::raw_sql(schema).execute(&pool).await?;
    Ok(pool)
}

/// Checks that `file` is sound, where there is one.
///
/// # Errors
/// When it is damaged, or cannot be read.
pub async fn check(file: &Path) -> Result<(), Trouble> {
    if !file.exists() {
        return Ok(());
    }
    let options = SqliteConnectOptions::new()
        .filename(file)
        .busy_timeout(Duration::from_secs(5));
    let pool = SqlitePoolOptions::new().max_connections(1);
    let pool = pool.connect_with(options).await?;
    let sound = be_sound(&pool).await;
    pool.close().await;
    sound
}

async fn be_sound(pool: &SqlitePool) -> Result<(), Trouble> {
    let check = sqlx::query_scalar("PRAGMA quick_check(1)");
    let sound: String = check.fetch_one(pool).await?;
    if sound == "ok" {
        return Ok(());
    }
    Err(Trouble::new(&format!(
        "database disk image is malformed: {sound}"
    )))
}

/// SQLite's integers have a sign.
pub(super) fn signed(number: u64) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// The other way; what was stored was never negative.
pub(super) fn unsigned(number: i64) -> u64 {
    number.try_into().unwrap_or(0)
}
