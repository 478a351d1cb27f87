//! What a second thread costs: the same call, of one and the same breaker, on one thread and on two at
//! the same time.
//!
//! `cargo bench -p resilience-benches --bench threads`
//!
//! CPU time of each thread per call; two threads begin together, and a round counts only if they
//! overlapped. A breaker that nobody writes to costs the same on two threads as on one.

use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use failsafe::futures::CircuitBreaker as _;
use recloser::{AsyncRecloser, Recloser};
use resilience::{Bulkhead, CircuitBreaker, bulkhead, circuit_breaker};
use resilience_benches::thread_cpu_time;

const CALLS: u32 = 400_000;
const ROUNDS: usize = 31;
const ROUNDS_QUICK: usize = 3;
const OPEN_FOR: Duration = Duration::from_secs(60 * 60);

#[derive(Debug, Clone, Copy)]
struct Failure;

impl From<resilience::Error> for Failure {
    fn from(_: resilience::Error) -> Self {
        Self
    }
}

async fn operation(number: u64) -> Result<u64, Failure> {
    match black_box(number) {
        0 => Err(Failure),
        number => Ok(number),
    }
}

static CONSECUTIVE: CircuitBreaker = CircuitBreaker::named("consecutive").open_for(OPEN_FOR);
static COUNTED: CircuitBreaker = CircuitBreaker::named("counted")
    .failure_rate(0.5)
    .count_window(100)
    .open_for(OPEN_FOR);
static PLACES: Bulkhead = Bulkhead::named("places").max_concurrent(64);

#[circuit_breaker(CONSECUTIVE)]
async fn consecutive(number: u64) -> Result<u64, Failure> {
    operation(number).await
}

#[circuit_breaker(COUNTED)]
async fn counted(number: u64) -> Result<u64, Failure> {
    operation(number).await
}

#[bulkhead(PLACES)]
async fn bounded(number: u64) -> Result<u64, Failure> {
    operation(number).await
}

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let rounds = if quick { ROUNDS_QUICK } else { ROUNDS };
    println!("CPU time of a thread per call, in nanoseconds\n");
    println!(
        "{:<44} {:>10} {:>12} {:>7}",
        "", "one thread", "two threads", "ratio"
    );
    row(rounds, "bare call", &async |n| operation(n).await);
    row(rounds, "#[circuit_breaker], in a row", &async |n| {
        consecutive(n).await
    });
    row(
        rounds,
        "#[circuit_breaker], window of 100 calls",
        &async |n| counted(n).await,
    );
    row(
        rounds,
        "#[circuit_breaker], window, 1 in 100 fails",
        &async |n| {
            let number = if n.is_multiple_of(100) { 0 } else { n };
            counted(number).await
        },
    );
    row(rounds, "#[bulkhead]", &async |n| bounded(n).await);

    let breaker = AsyncRecloser::from(
        Recloser::custom()
            .error_rate(0.5)
            .closed_len(100)
            .half_open_len(10)
            .open_wait(OPEN_FOR)
            .build(),
    );
    row(rounds, "recloser 1.4, window of 100 calls", &async |n| {
        breaker.call(operation(n)).await
    });
    let breaker = failsafe::Config::new()
        .failure_policy(failsafe::failure_policy::consecutive_failures(
            5,
            failsafe::backoff::constant(OPEN_FOR),
        ))
        .build();
    row(rounds, "failsafe 1.3, in a row", &async |n| {
        breaker.call(operation(n)).await
    });
    if quick {
        println!("\nA quick run: not to be quoted.");
    }
}

fn row<T>(rounds: usize, name: &str, call: &(impl AsyncFn(u64) -> T + Sync)) {
    let one = median(rounds, || (run(call, &Barrier::new(1)).0, true));
    let two = median(rounds, || {
        let together = Barrier::new(2);
        std::thread::scope(|scope| {
            let other = scope.spawn(|| run(call, &together));
            let mine = run(call, &together);
            let Ok(other) = other.join() else {
                return (f64::NAN, false);
            };
            // What the two have in common, of the longer one.
            let begun = mine.1.max(other.1);
            let ended = mine.2.min(other.2);
            let longest = (mine.2 - mine.1).max(other.2 - other.1);
            let overlap = ended.saturating_duration_since(begun);
            (
                f64::midpoint(mine.0, other.0),
                overlap.as_secs_f64() >= 0.85 * longest.as_secs_f64(),
            )
        })
    });
    println!("{name:<44} {one:>10.1} {two:>12.1} {:>7.2}", two / one);
}

/// The CPU time per call, and from when to when the calls were made.
fn run<T>(call: &impl AsyncFn(u64) -> T, together: &Barrier) -> (f64, Instant, Instant) {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
    {
        Ok(runtime) => runtime,
        Err(_) => return (f64::NAN, Instant::now(), Instant::now()),
    };
    together.wait();
    runtime.block_on(async {
        let (begun, used) = (Instant::now(), thread_cpu_time());
        for number in 1..=u64::from(CALLS) {
            black_box(call(number).await);
        }
        let used = thread_cpu_time().saturating_sub(used);
        let per_call = used.as_secs_f64() * 1e9 / f64::from(CALLS);
        (per_call, begun, Instant::now())
    })
}

/// The median of the rounds that count.
fn median(rounds: usize, mut round: impl FnMut() -> (f64, bool)) -> f64 {
    let mut figures = Vec::new();
    // On a busy machine two threads seldom run side by side.
    for _ in 0..rounds * 8 {
        let (figure, counts) = round();
        if counts {
            figures.push(figure);
        }
        if figures.len() == rounds {
            break;
        }
    }
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
