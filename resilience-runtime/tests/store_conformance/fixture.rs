//! The store under test, and how the tests speak to it.
//!
//! A store is tested by what it implements: `records!` for an `IdempotencyStore`, `lock_holders!` and `lock_line!`
//! for a `LockStore`, `sagas!` for one that keeps all. Each takes an expression that makes the fixture, and whether
//! the clock is paused.

use std::time::Duration;

use resilience_runtime::error::StoreError;
use resilience_runtime::idempotency::Digest;
use resilience_runtime::lease::Ownership;

/// The lease of what is to be lost, or extended: short, because some stores have a clock that cannot be paused.
pub(crate) const SHORT: Duration = Duration::from_millis(300);
/// The lease of what is to be held.
pub(crate) const LONG: Duration = Duration::from_secs(60);
/// How long something is kept that is to stay.
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
/// What happens at all happens within this time.
pub(crate) const AT_LAST: Duration = Duration::from_secs(60);
/// What does not happen in this time is taken to happen never.
pub(crate) const NEVER: Duration = Duration::from_millis(150);

/// Data, and the workers on it.
pub(crate) trait Fixture {
    type Store: Clone + Send + Sync + 'static;

    /// A store on the data, for a worker of its own: what another process would have.
    async fn worker(&self) -> Self::Store;

    /// Ends the worker without a word to anybody; the store is its last clone. What it holds under a lease may
    /// live on until the lease is over.
    async fn end(&self, store: Self::Store);
}

/// How often a scenario is played at most: the last time with leases of 9.6 s.
const TRIES: u32 = 6;

/// Plays a scenario whose leases must not end too early. If one may have ended because the machine was slow, the scenario answers
/// [`TooSlow`] and has proved nothing: then it is played again, with another key and with leases that are twice as long.
pub(crate) async fn until_proven(scenario: impl AsyncFn(u32, Duration) -> Result<(), TooSlow>) {
    let mut lease = SHORT;
    for key in 1..=TRIES {
        if scenario(key, lease).await.is_ok() {
            return;
        }
        lease *= 2;
    }
    panic!("{TRIES} times a lease may have ended too early, although the last ones were long");
}

/// A lease may have been over before the scenario came to its end.
pub(crate) struct TooSlow;

/// The earliest end of a lease that is asked for from now on.
pub(crate) struct EarliestEnd(tokio::time::Instant);

impl EarliestEnd {
    pub(crate) fn of(lease: Duration) -> Self {
        Self(tokio::time::Instant::now() + lease)
    }

    pub(crate) fn must_be_ahead(&self) -> Result<(), TooSlow> {
        match tokio::time::Instant::now() < self.0 {
            true => Ok(()),
            false => Err(TooSlow),
        }
    }
}

/// Waits until a lease of [`SHORT`] that was granted before is over.
pub(crate) async fn lease_is_over() {
    is_over(SHORT).await;
}

/// Waits until `lease`, which was granted before, is over.
pub(crate) async fn is_over(lease: Duration) {
    tokio::time::sleep(lease + lease / 10).await;
}

/// Plays the death of `store`: what it held for [`SHORT`] is free.
pub(crate) async fn dies<F: Fixture>(fixture: &F, store: F::Store, ownership: Ownership) {
    fixture.end(store).await;
    if ownership == Ownership::Lease {
        lease_is_over().await;
    }
}

pub(crate) fn digest(number: u32) -> Digest {
    let mut bytes = [7; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    Digest::from_bytes(bytes)
}

/// Runs `task` `count` times at once, and returns what each answered.
pub(crate) async fn at_once<T, F>(count: u32, task: impl Fn(u32) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T, StoreError>> + Send + 'static,
{
    let tasks: Vec<_> = (0..count).map(|n| tokio::spawn(task(n))).collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap().unwrap());
    }
    answers
}

/// Makes a test of each function.
macro_rules! instantiate {
    ($suite:ident, $fixture:expr, $paused:tt: $($topic:ident: $($name:ident),+;)+) => {
        $(mod $topic {
            $(#[tokio::test(start_paused = $paused)]
            async fn $name() {
                crate::$suite::$topic::$name($fixture).await;
            })+
        })+
    };
}
