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

#[idempotent(key = order, tx = conn, ttl = 1h)]
async fn pay_and_roll_back(conn: &mut PgConnection, order: i32) -> Result<i64, PayError> {
    sqlx::query("INSERT INTO payments (order_id, cents) VALUES ($1, 1)")
        .bind(order)
        .execute(&mut *conn)
        .await?;
    sqlx::raw_sql("ROLLBACK").execute(&mut *conn).await?;
    Ok(1)
}

#[tokio::test]
async fn a_body_that_rolls_back_leaves_no_record_of_what_it_has_undone() {
    let Some(shop) = Shop::open().await else {
        return;
    };
    for _ in 0..2 {
        let mut tx = shop.pool.begin().await.unwrap();
        let error = policy(pay_and_roll_back(&mut tx, 1).await);
        assert!(matches!(error, Error::NotRecorded { .. }), "{error}");
        tx.rollback().await.unwrap();
        assert_eq!(shop.payments().await, 0);
    }
    let records =
        sqlx::query_scalar::<_, i64>("SELECT count(*) FROM resilience_idempotency_records");
    assert_eq!(records.fetch_one(&shop.pool).await.unwrap(), 0);
}

/// The tables are found by the connection of the caller, and it may look elsewhere.
#[tokio::test]
async fn a_database_without_the_tables_is_told_so() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let pool = PgPool::connect(&server.url()).await.unwrap();
    let mut tx = pool.begin().await.unwrap();
    let error = policy(pay(&mut tx, 1, 1).await).to_string();
    assert!(error.contains("has no tables of this crate"), "{error}");
}

/// Two keys in the one and in the other order: the server ends one of the two, which ran nothing.
#[tokio::test]
async fn of_two_transactions_that_wait_for_each_other_one_is_refused() {
    let Some(shop) = Shop::open().await else {
        return;
    };
    let have_one_each = tokio::sync::Barrier::new(2);
    let both = |first: i32, second: i32| {
        let (pool, have_one_each) = (shop.pool.clone(), &have_one_each);
        async move {
            let mut tx = pool.begin().await.unwrap();
            pay(&mut tx, first, 1).await.unwrap();
            have_one_each.wait().await;
            match pay(&mut tx, second, 1).await {
                Ok(_) => {
                    tx.commit().await.unwrap();
                    true
                }
                Err(error) => {
                    let error = policy::<()>(Err(error));
                    assert_eq!(error.effect(), resilience::Effect::DidNotRun);
                    assert!(error.to_string().contains("deadlock"), "{error}");
                    tx.rollback().await.unwrap();
                    false
                }
            }
        }
    };
    let (one, other) = tokio::join!(both(1, 2), both(2, 1));
    assert!(one != other);
    assert_eq!(shop.payments().await, 2);
}

/// Under the stricter isolations a transaction does not see what was committed after it began to look, and cannot
/// read the record; begun again it does. The body runs in neither case.
#[tokio::test]
async fn a_record_that_the_snapshot_does_not_have_refuses_the_call() {
    let Some(shop) = Shop::open().await else {
        return;
    };
    for (order, isolation) in [(1, "REPEATABLE READ"), (2, "SERIALIZABLE")] {
        let mut late = shop.pool.begin().await.unwrap();
        let begin = match order {
            1 => "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM payments",
            _ => "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; SELECT 1 FROM payments",
        };
        sqlx::raw_sql(begin).execute(&mut *late).await.unwrap();
        let mut tx = shop.pool.begin().await.unwrap();
        let paid = pay(&mut tx, order, 1).await.unwrap();
        tx.commit().await.unwrap();
        let error = policy(pay(&mut late, order, 1).await);
        assert!(matches!(error, Error::Store { .. }), "{isolation}: {error}");
        late.rollback().await.unwrap();
        let mut again = shop.pool.begin().await.unwrap();
        assert_eq!(pay(&mut again, order, 1).await.unwrap(), paid);
        assert_eq!(shop.payments().await, i64::from(order));
    }
}
