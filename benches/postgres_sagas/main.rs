//! How many sagas a second on PostgreSQL: three steps that do nothing, through the attributes, on a private server that
//! waits for its disk. What is left is the journal.
//!
//! `cargo bench -p resilience-benches --bench postgres_sagas`
//!
//! Measured one at a time and 32 at a time, where the journal's writes share commits; beside it the floor: the same number
//! of statements by hand with sqlx, a row per saga, each statement a commit. The two take turns. Times are of the wall,
//! because waiting for the server is what is measured.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use resilience::{Runtime, saga, saga_step};
use resilience_runtime::saga::journal::SagaId;
use resilience_runtime::store::postgres::PostgresStore;
use resilience_runtime::store::risk::Accepted;
use resilience_test_support::server::Postgres;
use sqlx::{Connection as _, PgConnection};
use tokio::task::JoinSet;

/// How many are run at the same time.
const AT_A_TIME: [u64; 2] = [1, 32];

/// How often each figure is measured.
const ROUNDS: usize = 5;

/// How long one measurement lasts.
const ROUND: Duration = Duration::from_secs(2);

type Failure = Box<dyn Error + Send + Sync>;

#[saga]
async fn checkout(order: u64) -> Result<u64, resilience::Error> {
    let reserved = reserve(order).await?;
    let charged = charge(order, reserved).await?;
    ship(order, charged).await
}

#[saga_step(compensate = release)]
async fn reserve(order: u64) -> Result<u64, resilience::Error> {
    Ok(order)
}

async fn release(_order: u64, _reserved: &u64) -> Result<(), resilience::Error> {
    Ok(())
}

#[saga_step(compensate = refund)]
async fn charge(order: u64, reserved: u64) -> Result<u64, resilience::Error> {
    Ok(order + reserved)
}

async fn refund(_order: u64, _reserved: u64, _charged: &u64) -> Result<(), resilience::Error> {
    Ok(())
}

#[saga_step(compensate = none)]
async fn ship(order: u64, charged: u64) -> Result<u64, resilience::Error> {
    Ok(order + charged)
}

/// What one measurement says.
#[derive(Debug, Clone, Copy, Default)]
struct Figure {
    sagas_per_second: f64,
    commits_per_saga: f64,
    syncs_per_saga: f64,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let (rounds, round) = match quick {
        true => (1, ROUND / 10),
        false => (ROUNDS, ROUND),
    };
    let Some(server) = Postgres::start_syncing() else {
        return Ok(());
    };
    println!(
        "{:<32} {:>10} {:>10} {:>14} {:>14}",
        "three steps, median", "sagas/s", "x floor", "commits/saga", "syncs/saga"
    );
    for at_a_time in AT_A_TIME {
        let (mut ours, mut floor) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            floor.push(by_hand(&server, at_a_time, round).await?);
            ours.push(measure(&server, at_a_time, round).await?);
        }
        let (ours, floor) = (median(ours), median(floor));
        for (name, figure) in [("by hand", floor), ("ours", ours)] {
            println!(
                "{:<32} {:>10.0} {:>10.2} {:>14.2} {:>14.2}",
                format!("{name}, {at_a_time} at a time"),
                figure.sagas_per_second,
                figure.sagas_per_second / floor.sagas_per_second,
                figure.commits_per_saga,
                figure.syncs_per_saga,
            );
        }
    }
    if quick {
        println!("\nA quick run: not to be quoted.");
    }
    Ok(())
}

fn median(mut figures: Vec<Figure>) -> Figure {
    figures.sort_by(|one, other| one.sagas_per_second.total_cmp(&other.sagas_per_second));
    figures[figures.len() / 2]
}

/// Runs sagas for so long.
async fn measure(server: &Postgres, at_a_time: u64, round: Duration) -> Result<Figure, Failure> {
    let store = PostgresStore::open(&server.url(), &Accepted::default()).await?;
    let runtime = Runtime::on_store(Arc::new(store.clone())).open().await?;
    runtime.recovered().await;
    checkout(0).await?;
    let before = counters(server).await?;

    let began = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..at_a_time {
        callers.spawn(async move {
            let mut sagas = 0_u64;
            while began.elapsed() < round {
                checkout(sagas).await?;
                sagas += 1;
            }
            Ok::<_, resilience::Error>(sagas)
        });
    }
    let mut sagas = 0;
    for caller in callers.join_all().await {
        sagas += caller?;
    }
    let taken = began.elapsed();
    runtime.shutdown().await;
    store.close().await;
    figure(sagas, taken, before, counters(server).await?)
}

/// The same number of statements, each on its row, with a connection per caller.
async fn by_hand(server: &Postgres, at_a_time: u64, round: Duration) -> Result<Figure, Failure> {
    let mut connections = Vec::new();
    for _ in 0..at_a_time {
        connections.push(PgConnection::connect(&server.url()).await?);
    }
    if let Some(connection) = connections.first_mut() {
        const TABLE: &str = "CREATE TABLE IF NOT EXISTS by_hand (id text PRIMARY KEY, status text NOT NULL, \
                             epoch bigint NOT NULL, input text NOT NULL, outputs text)";
        sqlx::raw_sql(TABLE).execute(connection).await?;
    }
    let before = counters(server).await?;
    let began = Instant::now();
    let mut callers = JoinSet::new();
    for mut connection in connections {
        callers.spawn(async move {
            let mut sagas = 0_u64;
            while began.elapsed() < round {
                saga_by_hand(&mut connection).await?;
                sagas += 1;
            }
            connection.close().await?;
            Ok::<_, sqlx::Error>(sagas)
        });
    }
    let mut sagas = 0;
    for caller in callers.join_all().await {
        sagas += caller?;
    }
    figure(sagas, began.elapsed(), before, counters(server).await?)
}

async fn saga_by_hand(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let id = SagaId::generate();
    sqlx::query("INSERT INTO by_hand VALUES ($1, 'running', 1, $2)")
        .bind(id.as_str())
        .bind(r#"{"order":17}"#)
        .execute(&mut *connection)
        .await?;
    for (step, status) in [(0_i64, "running"), (1, "running"), (2, "completed")] {
        sqlx::query(
            "UPDATE by_hand SET outputs = concat(outputs, $3), status = $4 WHERE id = $1 AND epoch = $2",
        )
        .bind(id.as_str())
        .bind(1_i64)
        .bind(format!(r#"{{"step":{step},"arguments":{{"order":17}},"output":17}}"#))
        .bind(status)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Commits, and syncs of the log. Sessions that have ended have told theirs.
async fn counters(server: &Postgres) -> Result<(i64, i64), Failure> {
    let mut connection = PgConnection::connect(&server.url()).await?;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let counters = sqlx::query_as(
        "SELECT (SELECT sum(xact_commit)::int8 FROM pg_stat_database), (SELECT wal_sync FROM pg_stat_wal)",
    );
    Ok(counters.fetch_one(&mut connection).await?)
}

fn figure(
    sagas: u64,
    taken: Duration,
    before: (i64, i64),
    after: (i64, i64),
) -> Result<Figure, Failure> {
    // Exact up to 2^53.
    #[expect(clippy::cast_precision_loss, reason = "see above")]
    let per_saga = |count: i64| count as f64 / sagas as f64;
    #[expect(clippy::cast_precision_loss, reason = "see above")]
    let sagas_per_second = sagas as f64 / taken.as_secs_f64();
    Ok(Figure {
        sagas_per_second,
        commits_per_saga: per_saga(after.0 - before.0),
        syncs_per_saga: per_saga(after.1 - before.1),
    })
}
