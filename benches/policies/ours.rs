//! This project's rows: what a user writes.

use resilience::{bulkhead, circuit_breaker, fallback, hedge, rate_limit, retry, timeout};
use resilience_benches::{Bench, Side};

use crate::{FEW, Failure, MANY, MANY_CALLS, argument, broken, operation};

impl From<resilience::Error> for Failure {
    fn from(_: resilience::Error) -> Self {
        Self::Refused
    }
}

#[circuit_breaker(failure_threshold = 5, open_for = 1h)]
async fn guarded(number: u64) -> Result<u64, Failure> {
    operation(number).await
}

#[circuit_breaker(failure_rate = 0.5, count_window = 100, open_for = 1h)]
async fn counted(number: u64) -> Result<u64, Failure> {
    operation(number).await
}

#[circuit_breaker(failure_rate = 0.5, count_window = 100, open_for = 1h)]
async fn counted_with_failures(number: u64) -> Result<u64, Failure> {
    operation(number).await
}

#[circuit_breaker(failure_rate = 0.5, time_window = 5m, open_for = 1h)]
async fn timed_few(number: u64) -> Result<u64, Failure> {
    operation(number).await
}

#[circuit_breaker(failure_rate = 0.5, time_window = 5m, open_for = 1h)]
async fn timed_many(number: u64) -> Result<u64, Failure> {
    operation(number).await
}

#[bulkhead(max_concurrent = 64)]
async fn bounded(number: u64) -> Result<u64, Failure> {
    operation(number).await
}

#[rate_limit(rate = 4_000_000_000)]
async fn metered(number: u64) -> Result<u64, Failure> {
    operation(number).await
}

#[hedge(delay = 50ms, allow(hedge_without_idempotency))]
async fn hedged(number: u64) -> Result<u64, Failure> {
    operation(number).await
}

async fn instead(_: u64, failure: Failure) -> Result<u64, Failure> {
    Err(failure)
}

#[fallback(instead)]
async fn answered(number: u64) -> Result<u64, Failure> {
    operation(number).await
}

#[retry(max_attempts = 3, backoff = exponential(10ms))]
#[bulkhead(max_concurrent = 64)]
#[circuit_breaker(failure_threshold = 5, open_for = 1h)]
#[timeout(1s)]
async fn with_all_four(number: u64) -> Result<u64, Failure> {
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

pub(crate) fn count_window(bench: &mut Bench) {
    bench.block_on(async {
        for _ in 0..MANY {
            let _ = counted(argument()).await;
            let _ = counted_with_failures(argument()).await;
        }
    });
    bench.row(Side::Ours, "#[circuit_breaker], all well", async || {
        counted(argument()).await
    });
    let mut call = 0_u64;
    bench.row(
        Side::Ours,
        "#[circuit_breaker], one call in 100 fails",
        async move || {
            call += 1;
            let number = if call.is_multiple_of(100) {
                0
            } else {
                argument()
            };
            counted_with_failures(number).await
        },
    );
}

pub(crate) fn time_window(bench: &mut Bench) {
    bench.block_on(async {
        for _ in 0..FEW {
            let _ = timed_few(argument()).await;
        }
        for _ in 0..MANY_CALLS {
            let _ = timed_many(argument()).await;
        }
    });
    bench.row(
        Side::Ours,
        "#[circuit_breaker], from 100 calls",
        async || timed_few(argument()).await,
    );
    bench.row(
        Side::Ours,
        "#[circuit_breaker], from 100,000 calls",
        async || timed_many(argument()).await,
    );
}

pub(crate) fn bulkhead(bench: &mut Bench) {
    bench.row(Side::Ours, "#[bulkhead]", async || {
        bounded(argument()).await
    });
}

pub(crate) fn rate_limit(bench: &mut Bench) {
    bench.row(Side::Ours, "#[rate_limit]", async || {
        metered(argument()).await
    });
}

pub(crate) fn hedge(bench: &mut Bench) {
    bench.row(Side::Ours, "#[hedge]", async || hedged(argument()).await);
}

pub(crate) fn fallback(bench: &mut Bench) {
    bench.row(Side::Ours, "#[fallback]", async || {
        answered(argument()).await
    });
}

pub(crate) fn stack_of_four(bench: &mut Bench) {
    bench.row(
        Side::Ours,
        "#[retry] #[bulkhead] #[circuit_breaker] #[timeout]",
        async || with_all_four(argument()).await,
    );
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
