//! How a stack is collected: `cfg_attr`, qualified paths, a renamed crate.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::local::Failure;

/// Three attempts of 100 ms each with pauses of 1 s: only if the retry is outside.
async fn takes_three_attempts<F: Future<Output = Result<(), Failure>>>(call: F) {
    let start = Instant::now();
    assert!(call.await.is_err());
    assert_eq!(start.elapsed(), Duration::from_millis(3 * 100 + 2 * 1000));
}

mod hidden {
    use resilience::{circuit_breaker, retry, timeout};

    use super::Failure;

    #[retry(max_attempts = 3, backoff = fixed(1s), jitter = none)]
    #[cfg_attr(all(), timeout(100ms))]
    pub(super) async fn below() -> Result<(), Failure> {
        std::future::pending().await
    }

    #[cfg_attr(all(), retry(max_attempts = 3, backoff = fixed(1s), jitter = none))]
    #[timeout(100ms)]
    pub(super) async fn above() -> Result<(), Failure> {
        std::future::pending().await
    }

    #[retry(max_attempts = 3, backoff = fixed(1s), jitter = none)]
    #[cfg_attr(all(), circuit_breaker(failure_threshold = 50), timeout(100ms))]
    pub(super) async fn two_in_one() -> Result<(), Failure> {
        std::future::pending().await
    }

    #[retry(max_attempts = 3, backoff = fixed(1s), jitter = none)]
    #[cfg_attr(any(), timeout(1ms))]
    #[circuit_breaker(failure_threshold = 50)]
    #[cfg_attr(all(), cfg_attr(all(), timeout(100ms)))]
    pub(super) async fn nested_and_off() -> Result<(), Failure> {
        std::future::pending().await
    }

    #[retry(max_attempts = 3, backoff = fixed(1s), jitter = none)]
    #[cfg_attr(any(), timeout(1ms))]
    pub(super) async fn only_off(calls: &std::sync::atomic::AtomicU32) -> Result<(), Failure> {
        calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Err(Failure::Broken)
    }
}

#[tokio::test(start_paused = true)]
async fn a_layer_in_cfg_attr_keeps_its_place() {
    takes_three_attempts(hidden::below()).await;
    takes_three_attempts(hidden::above()).await;
    takes_three_attempts(hidden::two_in_one()).await;
    takes_three_attempts(hidden::nested_and_off()).await;
    let calls = AtomicU32::new(0);
    assert!(hidden::only_off(&calls).await.is_err());
    assert_eq!(calls.load(Ordering::Relaxed), 3);
}

#[::resilience::retry(max_attempts = 3, backoff = fixed(1s), jitter = none)]
#[resilience::timeout(100ms)]
async fn qualified() -> Result<(), Failure> {
    std::future::pending().await
}

/// A company's prelude, under which the crate has another name.
mod corp {
    pub(crate) use ::resilience as armour;
}

use crate::stacks::corp::armour;

#[armour::retry(max_attempts = 3, backoff = fixed(1s), jitter = none, crate = crate::stacks::corp::armour)]
#[armour::timeout(100ms)]
async fn renamed() -> Result<(), Failure> {
    std::future::pending().await
}

#[tokio::test(start_paused = true)]
async fn paths_are_followed() {
    takes_three_attempts(qualified()).await;
    takes_three_attempts(renamed()).await;
}
