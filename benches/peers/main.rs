//! Three steps that do nothing, from the start to the result: what is left is the journal. Ours, its peers, and the floor of a
//! journal with `k + 1` commits through the same driver.
//!
//! On SQLite ours syncs every commit (`synchronous=FULL`), and so does the floor; durare does not (`NORMAL`). PostgreSQL is a private
//! server with `fsync` and `synchronous_commit` on. The rounds of all rows take turns, so that a change of the machine meets all.

mod floor;
mod ours;
mod peers;

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use resilience_test_support::server::Postgres;
use sqlx::{Connection as _, PgConnection};

pub(crate) type Failure = Box<dyn Error + Send + Sync>;
type Running = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

/// A way to run one saga.
pub(crate) type Run = Arc<dyn Fn(u64) -> Running + Send + Sync>;

/// Wraps a function that runs one saga.
pub(crate) fn run<F>(saga: impl Fn(u64) -> F + Send + Sync + 'static) -> Run
where
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    Arc::new(move |number| Box::pin(saga(number)))
}

struct Row {
    name: &'static str,
    run: Run,
    /// Sagas per second, one at a time and 32 at a time.
    rates: [Vec<f64>; 2],
    /// Syncs of the write-ahead log per saga, and transactions, on PostgreSQL.
    costs: [Vec<(f64, f64)>; 2],
}

const AT_A_TIME: [u64; 2] = [1, 32];

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let (rounds, round) = match quick {
        true => (1, Duration::from_millis(300)),
        false => (5, Duration::from_secs(2)),
    };
    let folder = tempfile::tempdir()?;
    let file = |name: &str| folder.path().join(name);
    let (sqlite_ours, ours) =
        ours::open(&format!("sqlite://{}", file("ours.db").display())).await?;
    let rows = vec![
        row(
            "floor, sqlx, 4 commits",
            floor::sqlite(&file("floor.db")).await?,
        ),
        row("resilience", ours),
        row(
            "durare (synchronous=NORMAL)",
            peers::durare(&format!(
                "sqlite://{}?mode=rwc",
                file("durare.db").display()
            ))
            .await?,
        ),
    ];
    report("SQLite", rows, rounds, round, None).await?;
    sqlite_ours.shutdown().await;

    let Some(server) = Postgres::start_syncing() else {
        return Err("PostgreSQL is not installed".into());
    };
    let database = |name: &str| server.create_database(name);
    let (postgres_ours, ours) = ours::open(&database("ours")).await?;
    let rows = vec![
        row(
            "floor, sqlx, 4 statements",
            floor::postgres(&database("floor")).await?,
        ),
        row("resilience", ours),
        row("durare", peers::durare(&database("durare")).await?),
        row("dbos", peers::dbos(&database("dbos")).await?),
    ];
    let statistics = PgConnection::connect(&server.url()).await?;
    report("PostgreSQL", rows, rounds, round, Some(statistics)).await?;
    postgres_ours.shutdown().await;
    if quick {
        println!("A quick run: not to be quoted.");
    }
    Ok(())
}

fn row(name: &'static str, run: Run) -> Row {
    Row {
        name,
        run,
        rates: [const { Vec::new() }; 2],
        costs: [const { Vec::new() }; 2],
    }
}

async fn report(
    store: &str,
    mut rows: Vec<Row>,
    rounds: usize,
    round: Duration,
    mut statistics: Option<PgConnection>,
) -> Result<(), Failure> {
    for row in &rows {
        (row.run)(u64::MAX).await?;
    }
    let mut next = 0;
    for _ in 0..rounds {
        for (index, at_a_time) in AT_A_TIME.into_iter().enumerate() {
            for row in &mut rows {
                let before = spent(&mut statistics).await?;
                let (sagas, taken) = measure(&row.run, at_a_time, round, &mut next).await?;
                // What the server counts is told to it with a delay.
                tokio::time::sleep(Duration::from_millis(if statistics.is_some() {
                    1200
                } else {
                    0
                }))
                .await;
                let after = spent(&mut statistics).await?;
                row.rates[index].push(sagas / taken);
                row.costs[index].push(((after.0 - before.0) / sagas, (after.1 - before.1) / sagas));
            }
        }
    }
    println!(
        "\n| {store}, sagas per second | one at a time | × floor | syncs, commits | 32 at a time | × floor | syncs, commits |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
    let floor = [median(&rows[0].rates[0]), median(&rows[0].rates[1])];
    for row in &rows {
        print!("| {} |", row.name);
        for index in 0..2 {
            let rate = median(&row.rates[index]);
            print!(" {rate:.0} | {:.2} |", rate / floor[index]);
            if statistics.is_some() {
                let of = |pick: fn(&(f64, f64)) -> f64| {
                    median(&row.costs[index].iter().map(pick).collect::<Vec<_>>())
                };
                print!(" {:.2}, {:.2} |", of(|cost| cost.0), of(|cost| cost.1));
            } else {
                print!("  |");
            }
        }
        println!();
    }
    Ok(())
}

/// Syncs of the log and transactions, so far.
async fn spent(statistics: &mut Option<PgConnection>) -> Result<(f64, f64), Failure> {
    let Some(connection) = statistics else {
        return Ok((0.0, 0.0));
    };
    let row: (f64, f64) = sqlx::query_as(
        "SELECT (SELECT wal_sync FROM pg_stat_wal)::float8, (SELECT sum(xact_commit) FROM pg_stat_database)::float8",
    )
    .fetch_one(connection)
    .await?;
    Ok(row)
}

async fn measure(
    run: &Run,
    at_a_time: u64,
    round: Duration,
    next: &mut u64,
) -> Result<(f64, f64), Failure> {
    let began = Instant::now();
    let mut callers = Vec::new();
    for caller in 0..at_a_time {
        let (run, first) = (Arc::clone(run), *next + (caller << 32));
        callers.push(tokio::spawn(async move {
            let mut sagas = 0;
            while began.elapsed() < round {
                run(first + sagas).await?;
                sagas += 1;
            }
            Ok::<u64, Failure>(sagas)
        }));
    }
    let mut sagas = 0;
    for caller in callers {
        sagas += caller.await??;
    }
    *next += 1 << 40;
    #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
    Ok((sagas as f64, began.elapsed().as_secs_f64()))
}

fn median(figures: &[f64]) -> f64 {
    let mut figures = figures.to_vec();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
