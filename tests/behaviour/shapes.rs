//! Every shape of function that can carry an attribute, run once with a failure in front of the
//! success, from a spawned task: the future must be `Send`, and `?`, coercions and borrows must work
//! as in the plain function.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

macro_rules! stacked {
    ($($item:item)*) => { $(
        #[resilience::retry(max_attempts = 3, backoff = fixed(1ms))]
        #[resilience::circuit_breaker]
        #[resilience::timeout(1s)]
        $item
    )* };
}

mod beside;
mod free;
mod made;
mod methods;
mod traits;

#[derive(Debug, Clone, PartialEq)]
enum Failure {
    Once,
    Parse,
    Policy(String),
}

impl From<resilience::Error> for Failure {
    fn from(error: resilience::Error) -> Self {
        Self::Policy(error.to_string())
    }
}

impl From<std::num::ParseIntError> for Failure {
    fn from(_: std::num::ParseIntError) -> Self {
        Self::Parse
    }
}

/// Fails on its first use.
#[derive(Default, Clone)]
struct Flaky(Arc<AtomicU32>);

impl Flaky {
    async fn touch(&self) -> Result<u32, Failure> {
        tokio::task::yield_now().await;
        match self.0.fetch_add(1, Ordering::Relaxed) {
            0 => Err(Failure::Once),
            n => Ok(n),
        }
    }
}

async fn spawned<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    tokio::spawn(future).await.unwrap()
}
