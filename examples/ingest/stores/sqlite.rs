//! What the two SQLite stores have in common: how a file is opened.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use super::Trouble;

/// How long is waited for another process that has the file.
const PATIENCE: Duration = Duration::from_secs(5);

/// Opens `file`, checks that it is sound, and makes its tables where they are missing.
///
/// Two processes may begin at the same moment, and SQLite does not wait by itself for another connection that changes
/// the mode of the file.
pub(super) async fn open(file: &Path, schema: &'static str) -> Result<SqlitePool, Trouble> {
    let give_up = tokio::time::Instant::now() + PATIENCE;
    loop {
        match try_open(file, schema).await {
            Err(error) if is_busy(&error) && tokio::time::Instant::now() < give_up => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            opened => return opened?,
        }
    }
}

/// The outer error is one of SQLite, the inner one of the file.
async fn try_open(
    file: &Path,
    schema: &'static str,
) -> Result<Result<SqlitePool, Trouble>, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // A step that is done stays done when the power fails.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(PATIENCE);
    // One writer is all that SQLite has: one connection saves waiting for its lock.
    let pool = SqlitePoolOptions::new().max_connections(1);
    let pool = pool.connect_with(options).await?;
    if let Err(trouble) = be_sound(&pool).await? {
        return Ok(Err(trouble));
    }
    sqlx::raw_sql(schema).execute(&pool).await?;
    Ok(Ok(pool))
}

/// `SQLITE_BUSY`, of whatever kind.
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    let code = code.and_then(|code| code.parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == 5)
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
        .busy_timeout(PATIENCE);
    let pool = SqlitePoolOptions::new().max_connections(1);
    let pool = pool.connect_with(options).await?;
    let sound = be_sound(&pool).await;
    pool.close().await;
    sound?
}

async fn be_sound(pool: &SqlitePool) -> Result<Result<(), Trouble>, sqlx::Error> {
    let check = sqlx::query_scalar("PRAGMA quick_check(1)");
    let sound: String = check.fetch_one(pool).await?;
    if sound == "ok" {
        return Ok(Ok(()));
    }
    Ok(Err(Trouble::new(&format!(
        "database disk image is malformed: {sound}"
    ))))
}

/// SQLite's integers have a sign.
pub(super) fn signed(number: u64) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// The other way; what was stored was never negative.
pub(super) fn unsigned(number: i64) -> u64 {
    number.try_into().unwrap_or(0)
}
