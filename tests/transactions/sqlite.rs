//! SQLite.

use std::time::Duration;

use resilience::{Error, Runtime, idempotent};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqlitePool, SqlitePoolOptions};

use crate::{PayError, policy};

#[idempotent(key = order, tx = conn, ttl = 1h)]
async fn pay(conn: &mut SqliteConnection, order: u32, cents: i64) -> Result<i64, PayError> {
    sqlx::query("INSERT INTO payments (order_id, cents) VALUES ($1, $2)")
        .bind(order)
        .bind(cents)
        .execute(&mut *conn)
        .await?;
    if cents < 0 {
        return Err(PayError::Declined);
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    Ok(sqlx::query_scalar("SELECT count(*) FROM payments")
        .fetch_one(conn)
        .await?)
}

struct Shop {
    _folder: tempfile::TempDir,
    pool: SqlitePool,
}

impl Shop {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .busy_timeout(Duration::from_secs(30));
        let pool = SqlitePoolOptions::new()
            .connect_with(options)
            .await
            .unwrap();
        sqlx::raw_sql("CREATE TABLE payments (order_id INTEGER, cents INTEGER)")
            .execute(&pool)
            .await
            .unwrap();
        let url = format!("sqlite://{}", path.display());
        let runtime = Runtime::builder(url).scoped().open().await.unwrap();
        runtime.shutdown().await;
        Self {
            _folder: folder,
            pool,
        }
    }

    async fn payments(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM payments")
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn what_is_committed_is_replayed_and_what_is_rolled_back_never_was() {
    let shop = Shop::open().await;
    let mut tx = shop.pool.begin().await.unwrap();
    assert_eq!(pay(&mut tx, 1, 500).await.unwrap(), 1);
    assert!(!resilience::replayed());
    // Within the transaction it is done already.
    assert_eq!(pay(&mut tx, 1, 500).await.unwrap(), 1);
    assert!(resilience::replayed());
    tx.rollback().await.unwrap();
    assert_eq!(shop.payments().await, 0);

    for _ in 0..3 {
        let mut tx = shop.pool.begin().await.unwrap();
        assert_eq!(pay(&mut tx, 1, 500).await.unwrap(), 1);
        tx.commit().await.unwrap();
    }
    assert_eq!(shop.payments().await, 1);

    let mut tx = shop.pool.begin().await.unwrap();
    let error = policy(pay(&mut tx, 1, 700).await);
    assert!(matches!(error, Error::KeyReused { .. }), "{error:?}");
}

#[tokio::test]
async fn an_error_leaves_no_claim_whatever_the_caller_does_with_the_transaction() {
    let shop = Shop::open().await;
    let mut tx = shop.pool.begin().await.unwrap();
    assert!(matches!(pay(&mut tx, 1, -1).await, Err(PayError::Declined)));
    tx.commit().await.unwrap();
    assert_eq!(shop.payments().await, 1);
    let mut tx = shop.pool.begin().await.unwrap();
    assert_eq!(pay(&mut tx, 1, 500).await.unwrap(), 2);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_body_that_was_dropped_and_committed_runs_again() {
    let shop = Shop::open().await;
    let mut tx = shop.pool.begin().await.unwrap();
    let cut = tokio::time::timeout(Duration::from_millis(5), pay(&mut tx, 1, 500)).await;
    assert!(cut.is_err());
    tx.commit().await.unwrap();
    // It depends on the machine how far it got.
    let before = shop.payments().await;
    let mut tx = shop.pool.begin().await.unwrap();
    assert_eq!(pay(&mut tx, 1, 500).await.unwrap(), before + 1);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn duplicates_wait_for_the_first_and_read() {
    let shop = Shop::open().await;
    let duplicates = (0..20).map(|_| {
        let pool = shop.pool.clone();
        tokio::spawn(async move {
            let mut tx = pool.begin().await.unwrap();
            let paid = pay(&mut tx, 1, 500).await.unwrap();
            tx.commit().await.unwrap();
            paid
        })
    });
    for duplicate in duplicates.collect::<Vec<_>>() {
        assert_eq!(duplicate.await.unwrap(), 1);
    }
    assert_eq!(shop.payments().await, 1);
}

#[tokio::test]
async fn without_a_transaction_nothing_runs() {
    let shop = Shop::open().await;
    let mut connection = shop.pool.acquire().await.unwrap();
    let error = policy(pay(&mut connection, 1, 500).await);
    assert!(error.to_string().contains("in no transaction"), "{error}");
    assert_eq!(shop.payments().await, 0);
}

#[tokio::test]
async fn a_file_without_our_tables_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("a.db"))
        .create_if_missing(true);
    let pool = SqlitePool::connect_with(options).await.unwrap();
    let mut tx = pool.begin().await.unwrap();
    let error = policy(pay(&mut tx, 1, 500).await);
    assert!(
        error.to_string().contains("open a runtime on it"),
        "{error}"
    );
}

#[idempotent(key = order, name = "receipts", tx = conn)]
async fn number(conn: &mut SqliteConnection, order: u32) -> Result<i64, PayError> {
    pay_again(conn, order).await
}

#[idempotent(key = order, name = "receipts", tx = conn, on_schema_change = run_again)]
async fn text(conn: &mut SqliteConnection, order: u32) -> Result<String, PayError> {
    Ok(pay_again(conn, order).await?.to_string())
}

async fn pay_again(conn: &mut SqliteConnection, order: u32) -> Result<i64, PayError> {
    sqlx::query("INSERT INTO payments (order_id, cents) VALUES ($1, 100)")
        .bind(order)
        .execute(&mut *conn)
        .await?;
    Ok(sqlx::query_scalar("SELECT count(*) FROM payments")
        .fetch_one(conn)
        .await?)
}

#[tokio::test]
async fn a_result_of_another_type_is_refused_or_replaced_once() {
    let shop = Shop::open().await;
    let mut tx = shop.pool.begin().await.unwrap();
    assert_eq!(number(&mut tx, 1).await.unwrap(), 1);
    assert_eq!(text(&mut tx, 1).await.unwrap(), "2");
    // It is the record now.
    assert_eq!(text(&mut tx, 1).await.unwrap(), "2");
    assert!(resilience::replayed());
    let error = policy(number(&mut tx, 1).await);
    assert!(matches!(error, Error::SchemaChanged { .. }), "{error:?}");
    tx.commit().await.unwrap();
    assert_eq!(shop.payments().await, 2);
}
