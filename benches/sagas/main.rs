//! How many sagas a second: three steps that do nothing, through the attributes, on SQLite with
//! every commit synced to the disk. What is left is the journal.
//!
//! `cargo bench -p resilience-benches --bench sagas`
//!
//! Measured one at a time and 32 at a time, where the journal's writes share commits; in the
//! folder for temporary files (`TMPDIR` chooses another), and in memory (`/dev/shm`), where a sync
//! costs nothing. Times are of the wall, because waiting for the disk is what is measured.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use resilience::store::sqlite::SqliteStore;
use resilience::{Runtime, saga, saga_step};
use tokio::task::JoinSet;

/// How many are run at the same time.
const AT_A_TIME: [u64; 2] = [1, 32];

/// How often each figure is measured.
const ROUNDS: usize = 5;

/// How long one measurement lasts.
const ROUND: Duration = Duration::from_secs(1);

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
#[derive(Debug, Clone, Copy)]
struct Figure {
    sagas_per_second: f64,
    commits_per_saga: f64,
    writes_per_saga: f64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    println!(
        "{:<26} {:>10} {:>10} {:>14} {:>14}",
        "three steps, median", "sagas/s", "x one", "commits/saga", "writes/saga"
    );
    let memory = Path::new("/dev/shm");
    for (name, folder) in [
        ("disk", Some(std::env::temp_dir())),
        ("memory", memory.is_dir().then(|| memory.to_owned())),
    ] {
        let Some(folder) = folder else { continue };
        let mut alone = None;
        for at_a_time in AT_A_TIME {
            let figure = median(&folder, at_a_time, quick).await?;
            let alone = *alone.get_or_insert(figure.sagas_per_second);
            println!(
                "{:<26} {:>10.0} {:>10.2} {:>14.2} {:>14.2}",
                format!("{name}, {at_a_time} at a time"),
                figure.sagas_per_second,
                figure.sagas_per_second / alone,
                figure.commits_per_saga,
                figure.writes_per_saga,
            );
        }
    }
    if quick {
        println!("\nA quick run: not to be quoted.");
    }
    Ok(())
}

async fn median(folder: &Path, at_a_time: u64, quick: bool) -> Result<Figure, Box<dyn Error>> {
    let (rounds, round) = if quick {
        (1, ROUND / 10)
    } else {
        (ROUNDS, ROUND)
    };
    let mut figures = Vec::new();
    for _ in 0..rounds {
        figures.push(measure(folder, at_a_time, round).await?);
    }
    figures.sort_by(|one, other| one.sagas_per_second.total_cmp(&other.sagas_per_second));
    Ok(figures[figures.len() / 2])
}

/// Runs sagas for so long, on a fresh store.
async fn measure(folder: &Path, at_a_time: u64, round: Duration) -> Result<Figure, Box<dyn Error>> {
    let folder = tempfile::tempdir_in(folder)?;
    let store = SqliteStore::open(&folder.path().join("sagas.db")).await?;
    let runtime = Runtime::on_store(Arc::new(store.clone())).open().await?;
    runtime.recovered().await;
    checkout(0).await?;
    let (commits, writes) = store.commits();

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

    let (commits_after, writes_after) = store.commits();
    runtime.shutdown().await;
    store.close().await?;
    // Exact up to 2^53.
    #[expect(clippy::cast_precision_loss, reason = "see above")]
    let per_saga = |count: u64| count as f64 / sagas as f64;
    #[expect(clippy::cast_precision_loss, reason = "see above")]
    let sagas_per_second = sagas as f64 / taken.as_secs_f64();
    Ok(Figure {
        sagas_per_second,
        commits_per_saga: per_saga(commits_after - commits),
        writes_per_saga: per_saga(writes_after - writes),
    })
}
