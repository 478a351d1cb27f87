//! What a journal of `k + 1` durable writes costs at least through sqlx, one write at a time: the start, two steps, and the last
//! step with the end.

use std::path::Path;
use std::str::FromStr as _;

use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::{Failure, Run, run};

const OUTPUT: &str = r#"{"output":"as long as what the others write down of a step of theirs"}"#;

pub(crate) async fn sqlite(path: &Path) -> Result<Run, Failure> {
    let options = SqliteConnectOptions::from_str(&format!("sqlite://{}", path.display()))?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(options)
        .await?;
    sqlx::raw_sql(
        "CREATE TABLE sagas (id INTEGER PRIMARY KEY, status TEXT NOT NULL);
         CREATE TABLE steps (saga INTEGER, position INTEGER, output TEXT, PRIMARY KEY (saga, position)) WITHOUT ROWID",
    )
    .execute(&pool)
    .await?;
    Ok(run(move |number| {
        let pool = pool.clone();
        async move {
            let id = i64::from_ne_bytes(number.to_ne_bytes());
            sqlx::query("INSERT INTO sagas VALUES (?1, 'running')")
                .bind(id)
                .execute(&pool)
                .await?;
            for position in 0..2 {
                sqlx::query("INSERT INTO steps SELECT ?1, ?2, ?3 FROM sagas WHERE id = ?1 AND status = 'running'")
                    .bind(id)
                    .bind(position)
                    .bind(OUTPUT)
                    .execute(&pool)
                    .await?;
            }
            let mut transaction = pool.begin().await?;
            sqlx::query("INSERT INTO steps VALUES (?1, 2, ?2)")
                .bind(id)
                .bind(OUTPUT)
                .execute(&mut *transaction)
                .await?;
            sqlx::query("UPDATE sagas SET status = 'completed' WHERE id = ?1")
                .bind(id)
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await?;
            Ok(())
        }
    }))
}

pub(crate) async fn postgres(url: &str) -> Result<Run, Failure> {
    let pool = PgPoolOptions::new()
        .max_connections(32)
        .connect(url)
        .await?;
    sqlx::raw_sql(
        "CREATE TABLE sagas (id int8 PRIMARY KEY, status text NOT NULL);
         CREATE TABLE steps (saga int8, position int4, output text, PRIMARY KEY (saga, position))",
    )
    .execute(&pool)
    .await?;
    Ok(run(move |number| {
        let pool = pool.clone();
        async move {
            let id = i64::from_ne_bytes(number.to_ne_bytes());
            sqlx::query("INSERT INTO sagas VALUES ($1, 'running')")
                .bind(id)
                .execute(&pool)
                .await?;
            for position in 0..2 {
                sqlx::query("INSERT INTO steps SELECT $1, $2, $3 FROM sagas WHERE id = $1 AND status = 'running'")
                    .bind(id)
                    .bind(position)
                    .bind(OUTPUT)
                    .execute(&pool)
                    .await?;
            }
            sqlx::query(
                "WITH last AS (INSERT INTO steps VALUES ($1, 2, $2))
                 UPDATE sagas SET status = 'completed' WHERE id = $1",
            )
            .bind(id)
            .bind(OUTPUT)
            .execute(&pool)
            .await?;
            Ok(())
        }
    }))
}
