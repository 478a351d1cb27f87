//! Asking the dependency itself, while a breaker is open.

use std::fmt;
use std::pin::pin;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::sleep;

use super::CircuitBreaker;
use super::core::Word;
use crate::BoxFuture;

/// A check whether a dependency is back, so that no caller has to find out.
///
/// ```
/// # use std::time::Duration;
/// # use resilience_runtime::policy::circuit_breaker::{CircuitBreaker, Probe};
/// static PING: Probe = Probe::every(Duration::from_secs(2), || Box::pin(async { true }));
/// static DB: CircuitBreaker = CircuitBreaker::named("db").probe(&PING);
/// ```
///
/// While the breaker is open, a task waits for `interval` and runs the check, again and again.
/// `true` makes the breaker half-open at once; `false` changes nothing.
/// Checks do not overlap, and a check is dropped when the breaker leaves the open state. After a
/// check that panics, there is no other one until the breaker opens again.
///
/// The task runs on the Tokio runtime of the call that opened the breaker, which needs its timer
/// enabled. If there was no runtime there are no checks, and only the time decides.
pub struct Probe {
    interval: Duration,
    ask: fn() -> BoxFuture<'static, bool>,
}

impl Probe {
    /// The default interval before each check: 5 s.
    pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);

    /// A probe that calls `ask`, waiting for `interval` before each call.
    ///
    /// # Panics
    /// When `interval` is zero, which in a `static` item is a compile error.
    #[must_use]
    #[track_caller]
    pub const fn every(interval: Duration, ask: fn() -> BoxFuture<'static, bool>) -> Self {
        assert!(
            !interval.is_zero(),
            "the interval of a probe must be longer than zero: it would ask without a pause"
        );
        Self { interval, ask }
    }
}

impl Probe {
    pub(super) fn interval(&self) -> Duration {
        self.interval
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe")
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}

impl CircuitBreaker {
    /// Probes as long as this generation, an open one, lasts.
    pub(super) fn start_probe(&'static self, generation: u64) {
        if let Some(probe) = self.probe
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(self.ask_until_it_is_back(probe, generation));
        }
    }

    async fn ask_until_it_is_back(&'static self, probe: &'static Probe, generation: u64) {
        let lasts = || Word::load(&self.word).is_open_in(generation);
        loop {
            sleep(probe.interval).await;
            if !lasts() {
                return;
            }
            let mut answer = pin!((probe.ask)());
            let back = loop {
                tokio::select! {
                    biased;
                    back = &mut answer => break back,
                    // A question without an answer must not outlive what it is about.
                    () = sleep(probe.interval) => if !lasts() {
                        return;
                    },
                }
            };
            if back {
                self.end_waiting(generation);
                return;
            }
        }
    }

    fn end_waiting(&'static self, generation: u64) {
        let Ok(shared) = self.shared() else { return };
        let ((), change) = shared
            .core()
            .lock(|machine| machine.end_waiting(generation));
        if let Some(change) = change {
            shared.changed(change, || None);
        }
    }
}
