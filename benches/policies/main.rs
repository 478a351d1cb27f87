//! What a policy costs a call when all is well: nothing fails, nothing is late, nothing is open.
//! And what a call costs that an open circuit breaker rejects.
//!
//! `cargo bench -p resilience-benches --bench policies`
//!
//! Every row makes the same call, a future that is ready at once, so that the figures are the
//! policies' alone. Configurations: retry with 3 attempts, exponential from 10 ms; breakers open
//! after 5 failures in a row, or, where a library has no such rule, at 50 % of 100 calls, for an
//! hour; bulkheads have 64 places; rate limits admit 4,000,000,000 calls per second; timeouts of 1 s. A `tower` service is used through one `&mut` handle, which is the best
//! that it can do: a shared function would have to clone it for each call.

mod ours;
mod peers;

use std::fmt;
use std::hint::black_box;
use std::time::Duration;

use resilience_benches::{Bench, Side};

const ATTEMPTS: usize = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const FAILURES: u32 = 5;
/// More failures than any of the breakers waits for.
const MANY: usize = 200;
const OPEN_FOR: Duration = Duration::from_secs(60 * 60);
const LIMIT: Duration = Duration::from_secs(1);
const PLACES: usize = 64;
const RATE: u32 = 4_000_000_000;
/// Calls that a time window holds while it is measured.
const FEW: usize = 100;
const MANY_CALLS: usize = 100_000;

/// The error of the call: what a client of some service might have.
#[derive(Debug, Clone, Copy)]
enum Failure {
    /// The service answered with this code.
    Code(u64),
    /// A policy refused the call or cut it off.
    Refused,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "the call failed with {code}"),
            Self::Refused => f.write_str("the call was refused"),
        }
    }
}

impl std::error::Error for Failure {}

/// The call. Whether it fails is not known to the compiler. (Were the whole result hidden from it,
/// as by a `black_box` around it, every row would above all measure how the processor reads back
/// at once what was written in halves.)
async fn operation(number: u64) -> Result<u64, Failure> {
    match black_box(number) {
        0 => Err(Failure::Code(number)),
        number => Ok(number),
    }
}

/// The call, to a service that is down.
async fn broken(number: u64) -> Result<u64, Failure> {
    operation(number - argument()).await
}

/// The argument of the call, which the compiler does not know.
fn argument() -> u64 {
    black_box(7)
}

fn main() -> std::io::Result<()> {
    let mut bench = Bench::new()?;
    bench.group("no policy");
    bench.row(Side::Bare, "bare call", async || {
        operation(argument()).await
    });

    bench.group("circuit breaker, closed");
    ours::circuit_breaker(&mut bench);
    peers::circuit_breakers(&mut bench);

    bench.group("circuit breaker, closed, sliding window of 100 calls");
    ours::count_window(&mut bench);
    peers::count_windows(&mut bench);

    bench.group("circuit breaker, closed, sliding window of five minutes");
    ours::time_window(&mut bench);
    peers::time_windows(&mut bench);

    bench.group("retry, no failure");
    ours::retry(&mut bench);
    peers::retries(&mut bench);

    bench.group("timeout, ready at once");
    ours::timeout(&mut bench);
    peers::timeouts(&mut bench);

    bench.group("bulkhead, with a free place");
    ours::bulkhead(&mut bench);
    peers::bulkheads(&mut bench);

    bench.group("rate limit, not used up");
    ours::rate_limit(&mut bench);
    peers::rate_limits(&mut bench);

    bench.group("hedge, ready at once");
    ours::hedge(&mut bench);

    bench.group("fallback, not needed");
    ours::fallback(&mut bench);

    bench.group("retry over circuit breaker over timeout");
    ours::stack(&mut bench);
    peers::stacks(&mut bench);

    bench.group("retry over bulkhead over circuit breaker over timeout");
    ours::stack_of_four(&mut bench);
    peers::stacks_of_four(&mut bench);

    bench.group("circuit breaker, open: the call is rejected");
    ours::open_breaker(&mut bench);
    peers::open_breakers(&mut bench);

    bench.run();
    Ok(())
}
