//! This project's rows: what a user writes.

use resilience::{circuit_breaker, retry, timeout};
use resilience_benches::{Bench, Side};

use crate::{Failure, MANY, argument, broken, operation};

impl From<resilience::Error> for Failure {
    fn from(_: resilience::Error) -> Self {
        Self::Refused
    }
}

#[circuit_breaker(failure_threshold = 5, open_for = 1h)]
async fn guarded(number: u64) -> Result<u64, Failure> {
    operation(number).await
}

#[retry(max_attempts = 3, backoff = exponential(10ms))]
async fn retried(number: u64) -> Result<u64, Failure> {
    operation(number).await
}

#[timeout(1s)]
async fn limited(number: u64) -> Result<u64, Failure> {
    operation(number).await
}

#[retry(max_attempts = 3, backoff = exponential(10ms))]
#[circuit_breaker(failure_threshold = 5, open_for = 1h)]
#[timeout(1s)]
async fn with_all_three(number: u64) -> Result<u64, Failure> {
    operation(number).await
}

#[circuit_breaker(failure_threshold = 5, open_for = 1h)]
async fn rejected(number: u64) -> Result<u64, Failure> {
    broken(number).await
}

pub(crate) fn circuit_breaker(bench: &mut Bench) {
    bench.row(Side::Ours, "#[circuit_breaker]", async || {
        guarded(argument()).await
    });
}

pub(crate) fn retry(bench: &mut Bench) {
    bench.row(Side::Ours, "#[retry]", async || retried(argument()).await);
}

pub(crate) fn timeout(bench: &mut Bench) {
    bench.row(Side::Ours, "#[timeout]", async || limited(argument()).await);
}

pub(crate) fn stack(bench: &mut Bench) {
    bench.row(
        Side::Ours,
        "#[retry] #[circuit_breaker] #[timeout]",
        async || with_all_three(argument()).await,
    );
}

pub(crate) fn open_breaker(bench: &mut Bench) {
    let last = bench.block_on(async {
        for _ in 0..MANY {
            let _ = rejected(argument()).await;
        }
        rejected(argument()).await
    });
    assert!(matches!(last, Err(Failure::Refused)), "it is not open");
    bench.row(Side::Ours, "#[circuit_breaker]", async || {
        rejected(argument()).await
    });
}
