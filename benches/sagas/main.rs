//! What sagas cost, ours alone: what is left is the journal. Beside the peers: the workspace `benches/peers`.
//!
//! `cargo bench -p resilience-benches --bench sagas [-- --quick] [throughput|long|finished|idle]`
//!
//! SQLite syncs every commit (`synchronous=FULL`) in the folder for temporary files (`TMPDIR` chooses another); PostgreSQL is a
//! private server with `fsync` and `synchronous_commit` on. Times are of the wall, because waiting for the disk is what is
//! measured; rows that are compared take turns.

mod finished;
mod functions;
mod idle;
mod long;
mod place;
mod throughput;

use std::error::Error;

use place::Place;

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let named: Vec<&str> = { arguments.iter() }
        .map(String::as_str)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let is_wanted = |part| named.is_empty() || named.contains(&part);
    if is_wanted("throughput") {
        throughput::report(quick).await?;
    }
    if named == ["throughput"] {
        return Ok(());
    }
    let places = Place::all();
    if is_wanted("long") {
        long::report(&places, quick).await?;
    }
    if is_wanted("finished") {
        finished::report(&places, quick).await?;
    }
    if is_wanted("idle") {
        idle::report(&places, quick).await?;
    }
    if quick {
        println!("\nA quick run: not to be quoted.");
    }
    Ok(())
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
