//! A table beside the journal, and steps whose effect is a row in it.

use std::str::FromStr as _;
use std::time::Duration;

use resilience::saga_step;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqlitePoolOptions};
use sqlx::{PgConnection, PgPool, SqlitePool};

use crate::shop::ShopError;

/// A state of the sagas.
#[derive(Debug, Clone)]
pub(crate) enum Entries {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Entries {
    /// Connects when it is asked for something.
    pub(crate) fn at(url: &str) -> Self {
        if url.starts_with("sqlite:") {
            let options = SqliteConnectOptions::from_str(url).expect("a URL");
            let options = options.create_if_missing(true);
            let options = options.busy_timeout(Duration::from_secs(30));
            Self::Sqlite(SqlitePoolOptions::new().connect_lazy_with(options))
        } else {
            Self::Postgres(PgPool::connect_lazy(url).expect("a URL"))
        }
    }

    /// Makes the table.
    pub(crate) async fn create(&self) {
        const TABLE: &str = "CREATE TABLE entries (order_id BIGINT NOT NULL)";
        let is_made = match self {
            Self::Sqlite(pool) => sqlx::raw_sql(TABLE).execute(pool).await.is_ok(),
            Self::Postgres(pool) => sqlx::raw_sql(TABLE).execute(pool).await.is_ok(),
        };
        assert!(is_made, "a table");
        self.close().await;
    }

    /// Takes the step.
    pub(crate) async fn enter(&self, order: u64) -> Result<u32, ShopError> {
        match self {
            Self::Sqlite(pool) => {
                let mut conn = pool.acquire().await?;
                enter_sqlite(&mut conn, order).await
            }
            Self::Postgres(pool) => {
                let mut conn = pool.acquire().await?;
                enter_postgres(&mut conn, order).await
            }
        }
    }

    /// How often the step had its effect for this order.
    pub(crate) async fn count(&self, order: u64) -> i64 {
        const COUNT: &str = "SELECT count(*) FROM entries WHERE order_id = $1";
        let order = i64::try_from(order).expect("small");
        let count = match self {
            Self::Sqlite(pool) => sqlx::query_scalar(COUNT).bind(order).fetch_one(pool).await,
            Self::Postgres(pool) => sqlx::query_scalar(COUNT).bind(order).fetch_one(pool).await,
        };
        count.expect("a count")
    }

    /// Changes rows of the runtime's own tables that belong to a saga, behind its back.
    pub(crate) async fn tamper(&self, change: &'static str, saga: &str) {
        let changed = match self {
            Self::Sqlite(pool) => {
                let changed = sqlx::query(change).bind(saga).execute(pool).await;
                changed.expect("it is changed").rows_affected()
            }
            Self::Postgres(pool) => {
                let changed = sqlx::query(change).bind(saga).execute(pool).await;
                changed.expect("it is changed").rows_affected()
            }
        };
        assert_eq!(changed, 1, "{change}");
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

const ENTER: &str = "INSERT INTO entries (order_id) VALUES ($1)";

#[saga_step(compensate = none, tx = conn)]
async fn enter_sqlite(conn: &mut SqliteConnection, order: u64) -> Result<u32, ShopError> {
    let order = i64::try_from(order).expect("small");
    sqlx::query(ENTER).bind(order).execute(conn).await?;
    Ok(2)
}

#[saga_step(compensate = none, tx = conn)]
async fn enter_postgres(conn: &mut PgConnection, order: u64) -> Result<u32, ShopError> {
    let order = i64::try_from(order).expect("small");
    sqlx::query(ENTER).bind(order).execute(conn).await?;
    Ok(2)
}
