//! Opening the file: the one connection that writes, and the few that read.

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::failure::{BUSY, CORRUPT, NOTADB, primary_code};
use super::migrations;
use crate::error::StoreError;

/// How long a connection waits for the write lock, when another process has it.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
const BUSY_PAUSE: Duration = Duration::from_millis(10);
/// Batches differ in the kinds of operation that they hold; each combination is one text.
const STATEMENTS_MAX: usize = 256;
const ROWS_BUFFERED: usize = 1024;
const DOING: &str = "opening the SQLite file";

/// Opens the file for the first time in this store: refuses what it cannot use before anything is
/// written to it, and brings it to the schema of this crate.
pub(super) async fn prepare(path: &Path) -> Result<SqliteConnection, StoreError> {
    check_place(path)?;
    let mut connection = options(path)
        .create_if_missing(true)
        .connect()
        .await
        .map_err(|error| explain(path, &error))?;
    check_content(path, &mut connection).await?;
    configure(&mut connection)
        .await
        .map_err(|error| explain(path, &error))?;
    let version = migrations::apply(&mut connection)
        .await
        .map_err(|error| explain(path, &error))?;
    check_version(path, version)?;
    Ok(connection)
}

/// Opens a file that [`prepare`] has seen before.
pub(super) async fn reopen(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    let mut connection = options(path).connect().await?;
    configure(&mut connection).await?;
    Ok(connection)
}

pub(super) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true)
        .statement_cache_capacity(STATEMENTS_MAX)
        .row_buffer_size(ROWS_BUFFERED)
        // The texts are constant and the slow ones are slow because a disk is.
        .disable_statement_logging()
}

/// What would be an obscure message of SQLite, in plain words.
pub(super) fn check_place(path: &Path) -> Result<(), StoreError> {
    let shown = path.display();
    // Sqlx and SQLite know it as a database without a file.
    if path.as_os_str() == ":memory:" {
        let text =
            "`:memory:` names no file; the store in memory, for tests, has the URL `memory:`";
        return Err(StoreError::refused(DOING, text));
    }
    if path.is_dir() {
        let text = format!("{shown} is a directory; name a file in it");
        return Err(StoreError::refused(DOING, text));
    }
    // To open a pipe is to wait for somebody at its other end.
    if std::fs::metadata(path).is_ok_and(|it| !it.is_file()) {
        let text = format!("{shown} is no file");
        return Err(StoreError::refused(DOING, text));
    }
    let parent = path.parent().filter(|it| !it.as_os_str().is_empty());
    if let Some(parent) = parent.filter(|parent| !parent.is_dir()) {
        let text = format!(
            "the directory {} of {shown} does not exist; create it first",
            parent.display()
        );
        return Err(StoreError::refused(DOING, text));
    }
    let mut start = Vec::new();
    match std::fs::File::open(path) {
        Ok(file) => {
            let read = file.take(16).read_to_end(&mut start);
            read.map_err(|error| StoreError::refused(DOING, format!("{shown}: {error}")))?;
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(StoreError::refused(DOING, format!("{shown}: {error}"))),
    }
    if !start.is_empty() && start != b"SQLite format 3\0" {
        return Err(not_a_database(path));
    }
    Ok(())
}

async fn check_content(path: &Path, connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let version = migrations::version(connection)
        .await
        .map_err(|error| explain(path, &error))?;
    check_version(path, version)
}

fn check_version(path: &Path, version: i64) -> Result<(), StoreError> {
    if version > migrations::known() {
        let text = format!(
            "the tables of this crate in {} have schema version {version}, and this version of the \
             crate knows {} at most; upgrade the crate, or give it another file",
            path.display(),
            migrations::known()
        );
        return Err(StoreError::refused(DOING, text));
    }
    Ok(())
}

/// Write-ahead log, and a sync at each commit: a commit that was answered survives power loss.
/// Set and then read back, because SQLite takes a setting that it cannot honour in silence.
async fn configure(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let mode = write_ahead_log(connection).await?;
    sqlx::raw_sql("PRAGMA synchronous = FULL")
        .execute(&mut *connection)
        .await?;
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous")
        .fetch_one(&mut *connection)
        .await?;
    let foreign_keys: i64 = sqlx::query_scalar("PRAGMA foreign_keys")
        .fetch_one(&mut *connection)
        .await?;
    if mode != "wal" || synchronous != 2 || foreign_keys != 1 {
        let text = format!(
            "the file system does not allow journal_mode = wal with synchronous = full: \
             got {mode} with {synchronous}, and foreign_keys = {foreign_keys}"
        );
        return Err(sqlx::Error::Configuration(text.into()));
    }
    Ok(())
}

/// SQLite does not wait by itself when another connection changes the mode at the same moment.
async fn write_ahead_log(connection: &mut SqliteConnection) -> Result<String, sqlx::Error> {
    let give_up = tokio::time::Instant::now() + BUSY_TIMEOUT;
    loop {
        let mode = sqlx::query_scalar("PRAGMA journal_mode = WAL")
            .fetch_one(&mut *connection)
            .await;
        match mode {
            Err(error)
                if primary_code(&error) == Some(BUSY) && tokio::time::Instant::now() < give_up =>
            {
                tokio::time::sleep(BUSY_PAUSE).await;
            }
            mode => return mode,
        }
    }
}

/// Closes the connection; SQLite moves the log into the file when it is the last one.
pub(super) async fn close(connection: SqliteConnection) -> Result<(), sqlx::Error> {
    connection.close().await
}

fn not_a_database(path: &Path) -> StoreError {
    let text = format!(
        "{} is not an SQLite database, or is damaged; it was not touched. \
         Name another file, or restore this one from a backup",
        path.display()
    );
    StoreError::refused(DOING, text)
}

pub(super) fn explain(path: &Path, error: &sqlx::Error) -> StoreError {
    const READONLY: i64 = 8;
    const CANTOPEN: i64 = 14;
    let shown = path.display();
    match primary_code(error) {
        Some(NOTADB | CORRUPT) => not_a_database(path),
        Some(READONLY | CANTOPEN) => StoreError::refused(
            DOING,
            format!(
                "{shown} cannot be written: {error}; \
                 the file and its directory must be writable by this process"
            ),
        ),
        _ => StoreError::refused(DOING, format!("{shown}: {error}")),
    }
}

/// How SQLite goes about a query, in its words.
#[cfg(test)]
pub(super) async fn plan(
    connection: &mut SqliteConnection,
    query: sqlx::QueryBuilder<sqlx::Sqlite>,
) -> Vec<String> {
    let text = format!("EXPLAIN QUERY PLAN {}", query.sql().as_str());
    let parameters = text.matches('?').count();
    let mut query = sqlx::query(sqlx::AssertSqlSafe(text));
    for _ in 0..parameters {
        query = query.bind(None::<i64>);
    }
    let rows = query.fetch_all(connection).await.unwrap();
    rows.iter().map(|row| sqlx::Row::get(row, 3)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::identity::Identity;
    use super::super::readers::Readers;
    use super::*;

    #[tokio::test]
    async fn commits_are_synced_and_readers_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let first = prepare(&path).await.unwrap();
        let again = reopen(&path).await.unwrap();
        for mut connection in [first, again] {
            for (pragma, expected) in [
                ("PRAGMA journal_mode", "wal"),
                ("PRAGMA synchronous", "2"),
                ("PRAGMA foreign_keys", "1"),
                ("PRAGMA busy_timeout", "10000"),
            ] {
                let row = sqlx::query(pragma)
                    .fetch_one(&mut connection)
                    .await
                    .unwrap();
                let value = sqlx::Row::try_get_unchecked::<String, _>(&row, 0).unwrap();
                assert_eq!(value, expected, "{pragma}");
            }
        }
        let readers = Readers::of(Identity::of(&path).unwrap(), &path);
        let written = sqlx::query("DELETE FROM resilience_sagas").execute(readers.pool());
        assert!(written.await.is_err());
    }
}
