//! PostgreSQL.

use std::time::Duration;

use resilience::store::Risk;
use resilience::{Error, Runtime, idempotent};
use resilience_test_support::server::Postgres;
use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions};

use crate::{PayError, policy};

#[idempotent(key = order, tx = conn, ttl = 1h)]
async fn pay(conn: &mut PgConnection, order: i32, cents: i64) -> Result<i64, PayError> {
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
    pool: PgPool,
    server: Postgres,
}

impl Shop {
    async fn open() -> Option<Self> {
        let server = Postgres::start()?;
        let pool = PgPoolOptions::new()
            .max_connections(20)
            .connect(&server.url())
            .await
            .unwrap();
        sqlx::raw_sql("CREATE TABLE payments (order_id integer, cents bigint)")
            .execute(&pool)
            .await
            .unwrap();
        let runtime = Runtime::builder(server.url())
            .scoped()
            // The private server does not sync, to be fast.
            .accept(Risk::NotDurable)
            .open()
            .await
            .unwrap();
        runtime.shutdown().await;
        Some(Self { pool, server })
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
    let Some(shop) = Shop::open().await else {
        return;
    };
    let mut tx = shop.pool.begin().await.unwrap();
    assert_eq!(pay(&mut tx, 1, 500).await.unwrap(), 1);
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
async fn an_error_or_a_drop_leaves_no_claim_whatever_the_caller_does_then() {
    let Some(shop) = Shop::open().await else {
        return;
    };
    let mut tx = shop.pool.begin().await.unwrap();
    assert!(matches!(pay(&mut tx, 1, -1).await, Err(PayError::Declined)));
    tx.commit().await.unwrap();
    let mut tx = shop.pool.begin().await.unwrap();
    let cut = tokio::time::timeout(Duration::from_millis(15), pay(&mut tx, 1, 500)).await;
    assert!(cut.is_err());
    tx.commit().await.unwrap();
    let mut tx = shop.pool.begin().await.unwrap();
    let before = shop.payments().await;
    assert_eq!(pay(&mut tx, 1, 500).await.unwrap(), before + 1);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn of_duplicates_in_many_transactions_one_has_an_effect() {
    let Some(shop) = Shop::open().await else {
        return;
    };
    let duplicates = (0..200).map(|call| {
        let pool = shop.pool.clone();
        tokio::spawn(async move {
            let mut tx = pool.begin().await.unwrap();
            let paid = pay(&mut tx, call % 10, 500).await.unwrap();
            tx.commit().await.unwrap();
            (call % 10, paid)
        })
    });
    let mut results = std::collections::HashMap::new();
    for duplicate in duplicates.collect::<Vec<_>>() {
        let (key, paid) = duplicate.await.unwrap();
        assert_eq!(*results.entry(key).or_insert(paid), paid);
    }
    assert_eq!(shop.payments().await, 10);
}

#[tokio::test]
async fn a_duplicate_runs_at_once_when_the_first_one_dies() {
    let Some(shop) = Shop::open().await else {
        return;
    };
    let mut first = shop.pool.begin().await.unwrap();
    assert_eq!(pay(&mut first, 1, 500).await.unwrap(), 1);
    let backend: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(&mut *first)
        .await
        .unwrap();
    let pool = shop.pool.clone();
    let second = tokio::spawn(async move {
        let mut tx = pool.begin().await.unwrap();
        let paid = pay(&mut tx, 1, 500).await.unwrap();
        tx.commit().await.unwrap();
        paid
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!second.is_finished());
    sqlx::query("SELECT pg_terminate_backend($1)")
        .bind(backend)
        .execute(&shop.pool)
        .await
        .unwrap();
    assert_eq!(second.await.unwrap(), 1);
    assert!(first.commit().await.is_err());
    assert_eq!(shop.payments().await, 1);
}

#[tokio::test]
async fn a_server_that_stops_before_the_commit_leaves_neither_effect_nor_record() {
    let Some(mut shop) = Shop::open().await else {
        return;
    };
    let mut tx = shop.pool.begin().await.unwrap();
    assert_eq!(pay(&mut tx, 1, 500).await.unwrap(), 1);
    shop.server.stop_immediately();
    assert!(tx.commit().await.is_err());
    shop.server.restart();
    shop.pool = PgPool::connect(&shop.server.url()).await.unwrap();
    assert_eq!(shop.payments().await, 0);
    let mut tx = shop.pool.begin().await.unwrap();
    assert_eq!(pay(&mut tx, 1, 500).await.unwrap(), 1);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn the_callers_patience_with_locks_is_the_callers() {
    let Some(shop) = Shop::open().await else {
        return;
    };
    let mut first = shop.pool.begin().await.unwrap();
    assert_eq!(pay(&mut first, 1, 500).await.unwrap(), 1);
    let mut second = shop.pool.begin().await.unwrap();
    sqlx::query("SET LOCAL lock_timeout = '50ms'")
        .execute(&mut *second)
        .await
        .unwrap();
    let error = policy(pay(&mut second, 1, 500).await);
    assert!(matches!(error, Error::InProgress { .. }), "{error:?}");
}
