//! How many sagas a second, on SQLite: one at a time and 32 at a time, where the journal's writes share commits; on the
//! disk, and in memory (`/dev/shm`), where a sync costs nothing.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use resilience::Runtime;
use resilience::store::sqlite::SqliteStore;
use tokio::task::JoinSet;

use crate::Failure;
use crate::functions::{beside, checkout, undone};

/// How many are run at the same time, beside one.
const AT_A_TIME: u64 = 32;

/// How often each figure is measured.
const ROUNDS: usize = 5;

/// How long one measurement lasts.
const ROUND: Duration = Duration::from_secs(1);

/// What one measurement says.
#[derive(Debug, Clone, Copy)]
struct Figure {
    sagas_per_second: f64,
    commits_per_saga: f64,
    writes_per_saga: f64,
}

#[derive(Clone, Copy)]
enum Kind {
    InARow,
    Beside,
    Undone,
}

impl Kind {
    async fn run(self, order: u64) -> Result<(), resilience::Error> {
        match self {
            Self::InARow => checkout(order).await.map(drop),
            Self::Beside => beside(order).await.map(drop),
            // It fails, as it should.
            Self::Undone => Ok(drop(undone(order).await)),
        }
    }
}

pub(crate) async fn report(quick: bool) -> Result<(), Failure> {
    println!("| SQLite | sagas/s | × one at a time | commits per saga | writes per saga |");
    println!("|---|---:|---:|---:|---:|");
    let disk = std::env::temp_dir();
    let memory = Path::new("/dev/shm");
    let mut rows = vec![
        ("disk: three steps", disk.as_path(), Kind::InARow),
        ("disk: three beside each other", &disk, Kind::Beside),
        ("disk: the third fails, two are undone", &disk, Kind::Undone),
    ];
    if memory.is_dir() {
        rows.push(("memory (tmpfs): three steps", memory, Kind::InARow));
    }
    for (name, folder, kind) in rows {
        let (mut alone, mut many) = (Vec::new(), Vec::new());
        for _ in 0..if quick { 1 } else { ROUNDS } {
            let round = if quick { ROUND / 10 } else { ROUND };
            alone.push(measure(folder, kind, 1, round).await?);
            many.push(measure(folder, kind, AT_A_TIME, round).await?);
        }
        let (alone, many) = (median(alone), median(many));
        for (at_a_time, figure) in [(1, alone), (AT_A_TIME, many)] {
            println!(
                "| {name}, {at_a_time} at a time | {:.0} | {:.2} | {:.2} | {:.2} |",
                figure.sagas_per_second,
                figure.sagas_per_second / alone.sagas_per_second,
                figure.commits_per_saga,
                figure.writes_per_saga,
            );
        }
    }
    Ok(())
}

fn median(mut figures: Vec<Figure>) -> Figure {
    figures.sort_by(|one, other| one.sagas_per_second.total_cmp(&other.sagas_per_second));
    figures[figures.len() / 2]
}

/// Runs sagas for so long, on a fresh store.
async fn measure(
    folder: &Path,
    kind: Kind,
    at_a_time: u64,
    round: Duration,
) -> Result<Figure, Failure> {
    let folder = tempfile::tempdir_in(folder)?;
    let store = SqliteStore::open(&folder.path().join("sagas.db")).await?;
    let runtime = Runtime::on_store(Arc::new(store.clone())).open().await?;
    runtime.recovered().await;
    kind.run(0).await?;
    let (commits, writes) = store.commits();

    let began = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..at_a_time {
        callers.spawn(async move {
            let mut sagas = 0_u64;
            while began.elapsed() < round {
                kind.run(sagas).await?;
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
