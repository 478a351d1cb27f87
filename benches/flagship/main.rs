//! How much faster twenty simultaneous operations are than the same twenty one after another: the
//! example's own pipeline, on its own four stores, each time on fresh ones.
//!
//! `cargo bench -p resilience-benches --bench flagship`
//!
//! The operations are the ones of `tests/flagship`: ten documents, one document five times, five
//! versions of one file. At once, a version that is replaced before anybody has read it is not
//! stored, so that fewer sagas run than one after another; the last group has nothing to share
//! and shows what is gained by running at the same time alone.
//!
//! *Local*: the stores as they are, files on this machine; every durable write waits for the one
//! disk. *At 5 ms*: every insert into a store and every delete takes 5 ms longer, as if the stores
//! were servers in the same region; the journal stays local.
//!
//! Times are of the wall, because waiting is what is measured.

#[path = "../../examples/ingest"]
#[allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    unused_imports,
    clippy::all,
    clippy::unwrap_used,
    clippy::panic,
    reason = "the example's commands use the rest; its lints are checked where it is built"
)]
mod app {
    pub mod attempts;
    pub mod audit;
    pub mod document;
    pub mod error;
    pub mod intake;
    pub mod library;
    pub mod pipeline;
    pub mod read;
    pub mod reserve;
    pub mod runtime;
    pub mod sources;
    pub mod stores;
    pub mod turns;
}

mod chaos;
#[allow(dead_code, reason = "the test uses the rest")]
#[path = "../../tests/flagship/scenario.rs"]
mod scenario;

use std::error::Error;
use std::time::{Duration, Instant};

// Where the modules of the example look for each other.
use app::{
    attempts, audit, document, error, intake, library, pipeline, read, reserve, runtime, sources,
    stores, turns,
};
use chaos::Chaos;
use intake::Outcome;
use library::Library;
use scenario::{Kind, Operation, at_once, operations};

/// How often each pair is measured.
const ROUNDS: usize = 9;

/// What a run took, and how many sagas it was.
#[derive(Debug, Clone, Copy)]
struct Run {
    taken: Duration,
    sagas: u64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let rounds = if quick { 1 } else { ROUNDS };
    println!(
        "{:<28} {:>14} {:>14} {:>8} {:>16}",
        "wall time, median", "one by one", "at once", "ratio", "sagas"
    );
    let all: fn(&Operation) -> bool = |_| true;
    let distinct: fn(&Operation) -> bool = |operation| operation.kind == Kind::Distinct;
    let far = Duration::from_millis(5);
    for (name, chosen, distance) in [
        ("20 operations, local", all, Duration::ZERO),
        ("20 operations, at 5 ms", all, far),
        ("10 documents, local", distinct, Duration::ZERO),
        ("10 documents, at 5 ms", distinct, far),
    ] {
        let (mut serial, mut together) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            serial.push(run(chosen, distance, false).await?);
            together.push(run(chosen, distance, true).await?);
        }
        let (serial, together) = (median(serial), median(together));
        println!(
            "{name:<28} {:>11.1} ms {:>11.1} ms {:>8.2} {:>16}",
            milliseconds(serial),
            milliseconds(together),
            serial.taken.as_secs_f64() / together.taken.as_secs_f64(),
            format!("{} and {}", serial.sagas, together.sagas),
        );
    }
    if quick {
        println!("\nA quick run: not to be quoted.");
    }
    Ok(())
}

/// One run on fresh stores.
async fn run(
    chosen: fn(&Operation) -> bool,
    distance: Duration,
    together: bool,
) -> Result<Run, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let mut operations = operations(&folder.path().join("documents"))?;
    operations.retain(chosen);
    let library = Library::open(&data, Chaos::at_distance(distance)).await?;
    let runtime = runtime::open(&runtime::Servers::default(), &data, &library).await?;
    let began = Instant::now();
    let outcomes = if together {
        let ended = at_once(&library, &operations).await;
        ended.into_iter().map(|(_, outcome)| outcome).collect()
    } else {
        one_by_one(&library, &operations).await
    };
    let taken = began.elapsed();
    for outcome in outcomes {
        if !matches!(
            outcome,
            Outcome::Stored { left: None, .. } | Outcome::Replayed
        ) {
            return Err(format!("an operation failed: {outcome:?}").into());
        }
    }
    let audit = audit::audit(&library).await?;
    if let Some(difference) = audit.differences().first() {
        return Err(format!("the stores disagree: {difference}").into());
    }
    let counts = runtime.sagas().counts().await?;
    runtime.shutdown().await;
    Ok(Run {
        taken,
        sagas: counts.into_iter().map(|(_, count)| count).sum(),
    })
}

async fn one_by_one(library: &Library, operations: &[Operation]) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for operation in operations {
        outcomes.push(operation.perform(library).await);
    }
    outcomes
}

fn median(mut runs: Vec<Run>) -> Run {
    runs.sort_by_key(|run| run.taken);
    runs[runs.len() / 2]
}

fn milliseconds(run: Run) -> f64 {
    run.taken.as_secs_f64() * 1e3
}
