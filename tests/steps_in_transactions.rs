//! `#[saga_step(tx = conn)]` on SQLite: effect and record are one commit.

#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use resilience::saga::Status;
use resilience::{Runtime, saga, saga_step, saga_steps, timeout};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqlitePool, SqlitePoolOptions};

#[derive(Debug, PartialEq)]
enum BankError {
    Declined,
    Other(String),
}

impl From<resilience::Error> for BankError {
    fn from(error: resilience::Error) -> Self {
        Self::Other(error.to_string())
    }
}

impl From<sqlx::Error> for BankError {
    fn from(error: sqlx::Error) -> Self {
        Self::Other(error.to_string())
    }
}

impl std::fmt::Display for BankError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

#[derive(Clone)]
struct Bank {
    pool: SqlitePool,
}

#[saga_steps]
impl Bank {
    /// Answers with how many entries there are.
    #[saga(key = order)]
    async fn transfer(&self, order: u32, cents: i64) -> Result<i64, BankError> {
        let mut conn = self.pool.acquire().await?;
        let entry = self.withdraw(&mut conn, order, cents).await?;
        assert_eq!(entry, 1);
        deposit(&mut conn, order, cents).await
    }

    #[saga_step(compensate = give_back, tx = conn)]
    async fn withdraw(
        &self,
        conn: &mut SqliteConnection,
        order: u32,
        cents: i64,
    ) -> Result<i64, BankError> {
        enter(conn, order, -cents).await
    }

    /// Without the connection, which was that of the body.
    async fn give_back(&self, order: u32, cents: i64, entry: &i64) -> Result<(), BankError> {
        assert_eq!(*entry, 1);
        let mut conn = self.pool.acquire().await?;
        enter(&mut conn, order, cents).await?;
        Ok(())
    }
}

#[saga_step(compensate = none, tx = conn)]
#[timeout(10s)]
async fn deposit(conn: &mut SqliteConnection, order: u32, cents: i64) -> Result<i64, BankError> {
    let entries = enter(conn, order, cents).await?;
    if cents < 0 {
        return Err(BankError::Declined);
    }
    Ok(entries)
}

async fn enter(conn: &mut SqliteConnection, order: u32, cents: i64) -> Result<i64, BankError> {
    sqlx::query("INSERT INTO entries (order_id, cents) VALUES ($1, $2)")
        .bind(order)
        .bind(cents)
        .execute(&mut *conn)
        .await?;
    let count = sqlx::query_scalar("SELECT count(*) FROM entries");
    Ok(count.fetch_one(conn).await?)
}

impl Bank {
    async fn open(folder: &tempfile::TempDir) -> (Self, Runtime) {
        let path = folder.path().join("bank.db");
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .busy_timeout(Duration::from_secs(30));
        let pool = SqlitePoolOptions::new()
            .connect_with(options)
            .await
            .unwrap();
        sqlx::raw_sql("CREATE TABLE entries (order_id INTEGER, cents INTEGER)")
            .execute(&pool)
            .await
            .unwrap();
        let bank = Self { pool };
        let url = format!("sqlite://{}", path.display());
        let builder = Runtime::builder(url).state(bank.clone()).scoped();
        (bank, builder.open().await.unwrap())
    }

    async fn entries(&self) -> Vec<i64> {
        sqlx::query_scalar("SELECT cents FROM entries ORDER BY rowid")
            .fetch_all(&self.pool)
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn a_step_has_its_effect_once() {
    let folder = tempfile::tempdir().unwrap();
    let (bank, runtime) = Bank::open(&folder).await;
    for _ in 0..2 {
        assert_eq!(runtime.scope(bank.transfer(1, 500)).await.unwrap(), 2);
    }
    assert_eq!(bank.entries().await, [-500, 500]);
    runtime.shutdown().await;
}

#[tokio::test]
async fn a_step_that_fails_leaves_nothing_and_those_before_it_are_undone() {
    let folder = tempfile::tempdir().unwrap();
    let (bank, runtime) = Bank::open(&folder).await;
    let failed = runtime.scope(bank.transfer(1, -500)).await;
    assert_eq!(failed, Err(BankError::Declined));
    // What was withdrawn is given back, and what was deposited was rolled back.
    assert_eq!(bank.entries().await, [500, -500]);
    runtime.shutdown().await;
}

#[tokio::test]
async fn outside_a_saga_the_transaction_is_the_callers() {
    let folder = tempfile::tempdir().unwrap();
    let (bank, runtime) = Bank::open(&folder).await;
    let mut transaction = bank.pool.begin().await.unwrap();
    assert_eq!(deposit(&mut transaction, 1, 500).await.unwrap(), 1);
    transaction.rollback().await.unwrap();
    assert!(bank.entries().await.is_empty());
    let mut conn = bank.pool.acquire().await.unwrap();
    assert_eq!(deposit(&mut conn, 1, 500).await.unwrap(), 1);
    drop(conn);
    assert_eq!(bank.entries().await, [500]);
    runtime.shutdown().await;
}

#[tokio::test]
async fn a_step_begins_its_transaction_itself() {
    let folder = tempfile::tempdir().unwrap();
    let (bank, runtime) = Bank::open(&folder).await;
    let failed = runtime.scope(in_vain(&bank)).await;
    let error = failed.unwrap_err().to_string();
    assert!(error.contains("in a transaction"), "{error}");
    assert!(bank.entries().await.is_empty());
    runtime.shutdown().await;
}

#[saga]
async fn in_vain(#[state] bank: &Bank) -> Result<i64, BankError> {
    let mut transaction = bank.pool.begin().await?;
    deposit(&mut transaction, 1, 500).await
}

/// Nothing is committed elsewhere, and nobody is told that another process has the saga.
#[tokio::test]
async fn a_connection_to_another_database_is_refused() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let (bank, runtime) = Bank::open(&folders[0]).await;
    let (other, elsewhere) = Bank::open(&folders[1]).await;
    // The code of the one, on the connections of the other.
    let Err(BankError::Other(text)) = runtime.scope(other.transfer(1, 500)).await else {
        panic!("it was committed");
    };
    assert!(
        text.contains("another database than the journal's"),
        "{text}"
    );
    assert!(other.entries().await.is_empty() && bank.entries().await.is_empty());
    let counts = runtime.sagas().counts().await.unwrap();
    assert_eq!(counts, [(Status::Failed, 1)]);
    for runtime in [runtime, elsewhere] {
        runtime.shutdown().await;
    }
}

#[saga]
async fn in_haste(#[state] bank: &Bank) -> Result<i64, BankError> {
    let mut conn = bank.pool.acquire().await?;
    commit_early(&mut conn, 9).await
}

/// It ends the transaction, which is for the step to end.
#[saga_step(compensate = none, tx = conn)]
async fn commit_early(conn: &mut SqliteConnection, order: u32) -> Result<i64, BankError> {
    let entries = enter(conn, order, 100).await?;
    sqlx::raw_sql("COMMIT").execute(conn).await?;
    Ok(entries)
}

#[tokio::test]
async fn a_body_that_commits_by_itself_is_told_that_its_effect_is_not_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let (bank, runtime) = Bank::open(&folder).await;
    let answer = runtime.scope(in_haste(&bank)).await;
    let Err(BankError::Other(error)) = answer else {
        panic!("{answer:?}");
    };
    for part in ["has run", "the body has ended the transaction"] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(bank.entries().await, [100]);
    let sagas = runtime.sagas();
    let all = sagas.list(Default::default(), None, 9).await.unwrap();
    assert_eq!((all.len(), all[0].status), (1, Status::Failed));
    runtime.shutdown().await;
}
