//! What `#[idempotent]` costs on SQLite: the whole function, on a runtime.
//!
//! `cargo bench -p resilience-benches --bench sqlite`
//!
//! One task; the file is in the folder for temporary files (`TMPDIR` chooses another), and every commit is synced. The
//! operations take turns; times are of the wall, because waiting for the disk is part of it.

use std::error::Error;
use std::time::{Duration, Instant};

use resilience::{Runtime, idempotent};
use serde::{Deserialize, Serialize};

const ROUNDS: u64 = 4_000;
const ROUNDS_QUICK: u64 = 200;

/// Results are remembered for a minute.
const KEPT: Duration = Duration::from_secs(30);

type Failure = Box<dyn Error>;

/// What is stored of a call.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Charge {
    id: String,
    amount: u64,
    currency: String,
    status: String,
}

#[idempotent(key = number, ttl = 24h)]
async fn charge(number: u64) -> Result<Charge, resilience::Error> {
    Ok(Charge {
        id: "ch_3MqLiJLkdIwHu7ix0snN0B15".to_owned(),
        amount: number,
        currency: "eur".to_owned(),
        status: "succeeded".to_owned(),
    })
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let rounds = if quick { ROUNDS_QUICK } else { ROUNDS };
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite://{}", folder.path().join("records.db").display());
    // Two, because each remembers its own results.
    let runtime = Runtime::builder(&url).scoped().open().await?;
    let other = Runtime::builder(&url).scoped().open().await?;

    let mut rows = [
        ("hit from the memory of the process", "5", Vec::new()),
        ("hit from the file", "", Vec::new()),
        ("first run", "", Vec::new()),
    ];
    let mut hit = 0;
    let mut stored = Instant::now();
    runtime.scope(charge(hit)).await?;
    for number in 1..=rounds {
        if stored.elapsed() > KEPT {
            (hit, stored) = (u64::MAX - number, Instant::now());
            runtime.scope(charge(hit)).await?;
        }
        let mut took = |row: usize, since: Instant| rows[row].2.push(since.elapsed());

        let begun = Instant::now();
        runtime.scope(charge(hit)).await?;
        took(0, begun);

        let begun = Instant::now();
        other.scope(charge(hit)).await?;
        took(1, begun);

        // By the other one, so that what this one remembers is not pushed out.
        let begun = Instant::now();
        other.scope(charge(number)).await?;
        took(2, begun);
    }
    runtime.shutdown().await;
    other.shutdown().await;

    println!(
        "{:<36} {:>9} {:>9} {:>6}",
        "microseconds of a call", "median", "minimum", "reach"
    );
    for (name, reach, mut times) in rows {
        times.sort_unstable();
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        println!(
            "{name:<36} {:>9.1} {:>9.1} {reach:>6}",
            micros(times[times.len() / 2]),
            micros(times[0]),
        );
    }
    if quick {
        println!("\nA quick run: not to be quoted.");
    }
    Ok(())
}
