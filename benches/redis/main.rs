//! What Redis costs: round trips of `#[idempotent]` and `#[locked]` against a `PING` on the same kind of connection,
//! against the flow of six commands that is written by hand, and against rslock.
//!
//! `cargo bench -p resilience-benches --bench redis`
//!
//! The servers are private ones on this machine, without persistence. Times are of the wall. Everything runs in one
//! thread, beside the servers. Rows are measured in turn, a sample each, round after round; a figure is the median of
//! its samples. The rows with an attribute are whole functions, on runtimes; the others are the store below them.
//! `ROWS=hit` leaves out, beside `PING`, the rows that do not have the word in their name.

mod attributes;
mod by_hand;
mod contended;
mod rows;
mod servers;
mod waiting;

use std::error::Error;

use servers::Servers;

type Failure = Box<dyn Error + Send + Sync>;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
struct Effort {
    /// Samples of each figure.
    rounds: usize,
    /// Calls in a sample, of one task.
    calls: u64,
    /// Calls of each of many tasks.
    calls_each: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let is_quick = std::env::args().any(|argument| argument == "--quick");
    let effort = if is_quick {
        Effort {
            rounds: 3,
            calls: 50,
            calls_each: 5,
        }
    } else {
        Effort {
            rounds: 21,
            calls: 1000,
            calls_each: 100,
        }
    };
    let Some(servers) = Servers::start().await? else {
        return Ok(());
    };
    rows::print(&servers, effort).await?;
    waiting::print(&servers, effort).await?;
    contended::print(&servers, effort).await?;
    if is_quick {
        println!("\nA quick run: not to be quoted.");
    }
    Ok(())
}

/// The median of some figures.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
