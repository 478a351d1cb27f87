//! Who may still begin, and how many are inside.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

tokio::task_local! {
    static INSIDE: ();
}

/// Runs `future` as part of work that is inside: what it calls is let in for as long as that work is
/// waited for. Tasks that it spawns are not part of it.
///
/// Not an `async fn`, which would have a place for the future as its argument and another one for it
/// while it runs.
pub(crate) fn inside<F: Future>(future: F) -> impl Future<Output = F::Output> {
    INSIDE.scope((), future)
}

/// Whether the current code is part of work that is inside.
pub(crate) fn is_inside() -> bool {
    INSIDE.try_with(|()| ()).is_ok()
}

/// Counts the running work of a runtime, and closes for its shutdown.
#[derive(Clone)]
pub(crate) struct Gate(Arc<watch::Sender<State>>);

#[derive(Clone, Copy)]
struct State {
    phase: Phase,
    running: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// Nothing new; what runs is waited for.
    Draining,
    /// Nobody waits any more, and the store may be closed.
    Stopped,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(State {
            phase: Phase::Open,
            running: 0,
        })))
    }

    pub(crate) fn is_open(&self) -> bool {
        self.0.borrow().phase == Phase::Open
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.0.borrow().phase == Phase::Stopped
    }

    /// A place inside, until it is dropped. `inside` says that the caller belongs to work that is
    /// inside already, which is let in as long as that work is waited for.
    pub(crate) fn enter(&self, inside: bool) -> Option<Permit> {
        let mut entered = false;
        self.0.send_if_modified(|state| {
            entered = state.phase == Phase::Open || (inside && state.phase == Phase::Draining);
            state.running += u64::from(entered);
            // Nobody waits for the count to rise.
            false
        });
        entered.then(|| Permit(self.clone()))
    }

    /// Lets nothing new in, and says how much is inside.
    pub(crate) fn close(&self) -> u64 {
        self.0.send_modify(|state| {
            if state.phase == Phase::Open {
                state.phase = Phase::Draining;
            }
        });
        self.0.borrow().running
    }

    /// Stops waiting, and says how much is still inside.
    pub(crate) fn stop(&self) -> u64 {
        self.0.send_modify(|state| state.phase = Phase::Stopped);
        self.0.borrow().running
    }

    /// Resolves when nothing is inside.
    pub(crate) async fn idle(&self) {
        self.until(|state| state.running == 0).await;
    }

    /// Resolves when the gate closes.
    pub(crate) async fn closed(&self) {
        self.until(|state| state.phase != Phase::Open).await;
    }

    /// Resolves when the runtime is stopped.
    pub(crate) async fn stopped(&self) {
        self.until(|state| state.phase == Phase::Stopped).await;
    }

    /// Pauses; false, at once, when the runtime is stopped: the next process goes on then.
    pub(crate) async fn pause(&self, pause: Duration) -> bool {
        tokio::time::timeout(pause, self.stopped()).await.is_err()
    }

    async fn until(&self, condition: impl Fn(&State) -> bool) {
        // The sender lives as long as `self`, so the wait can only end with the condition.
        let _ = self.0.subscribe().wait_for(|state| condition(state)).await;
    }
}

/// A place inside the gate.
pub(crate) struct Permit(Gate);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.0.send_if_modified(|state| {
            state.running = state.running.saturating_sub(1);
            state.running == 0 && state.phase != Phase::Open
        });
    }
}
