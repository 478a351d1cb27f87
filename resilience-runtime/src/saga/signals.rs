//! The sagas whose bodies run in this process, and how they are told that somebody cancelled them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::journal::SagaId;

/// Every saga whose body runs, or waits for its turn, in this process.
#[derive(Default)]
pub(crate) struct Signals(Mutex<HashMap<SagaId, Running>>);

struct Running {
    cancelled: watch::Sender<bool>,
    name: &'static str,
    version: u32,
    parent: Option<SagaId>,
    /// How many calls have it at once: a resumed one may begin before the one before it has gone.
    calls: u32,
}

impl Signals {
    /// Notes that a saga is running, until what comes out is dropped.
    pub(super) fn enter(
        self: &Arc<Self>,
        id: &SagaId,
        name: &'static str,
        version: u32,
        parent: Option<SagaId>,
    ) -> Signal {
        let mut running = self.running();
        let entry = running.entry(id.clone()).or_insert_with(|| Running {
            cancelled: watch::Sender::new(false),
            name,
            version,
            parent,
            calls: 0,
        });
        entry.calls += 1;
        Signal {
            signals: Arc::clone(self),
            id: id.clone(),
            cancelled: entry.cancelled.subscribe(),
        }
    }

    /// Tells a saga that it is cancelled; false when it does not run in this process.
    pub(crate) fn cancel(&self, id: &SagaId) -> bool {
        let running = self.running();
        let found = running.get(id);
        if let Some(found) = found {
            found.cancelled.send_replace(true);
        }
        found.is_some()
    }

    /// Whether one of the sagas that called `id`, directly or not, is of this name and version and runs in this process.
    pub(super) fn is_within(&self, id: &SagaId, name: &str, version: u32) -> bool {
        let running = self.running();
        let mut parent = running.get(id).and_then(|saga| saga.parent.as_ref());
        while let Some(saga) = parent.and_then(|id| running.get(id)) {
            if (saga.name, saga.version) == (name, version) {
                return true;
            }
            parent = saga.parent.as_ref();
        }
        false
    }

    fn running(&self) -> MutexGuard<'_, HashMap<SagaId, Running>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A saga that is running.
pub(super) struct Signal {
    signals: Arc<Signals>,
    id: SagaId,
    cancelled: watch::Receiver<bool>,
}

impl Signal {
    /// Resolves when somebody cancels the saga.
    pub(super) async fn cancelled(&mut self) {
        // The sender stays for as long as this does.
        let _ = self.cancelled.wait_for(|cancelled| *cancelled).await;
    }
}

impl Drop for Signal {
    fn drop(&mut self) {
        if let Entry::Occupied(mut entry) = self.signals.running().entry(self.id.clone()) {
            entry.get_mut().calls -= 1;
            if entry.get().calls == 0 {
                entry.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_cancelled_saga_is_told_and_nothing_stays() {
        let signals = Arc::new(Signals::default());
        let (id, child) = (SagaId::generate(), SagaId::generate());
        assert!(!signals.cancel(&id));
        let mut parent = signals.enter(&id, "pay", 2, None);
        let again = signals.enter(&child, "ship", 1, Some(id.clone()));
        assert!(signals.is_within(&child, "pay", 2));
        assert!(!signals.is_within(&child, "pay", 1) && !signals.is_within(&id, "pay", 2));
        assert!(signals.cancel(&id));
        parent.cancelled().await;
        drop((parent, again));
        assert!(signals.running().is_empty());
    }
}
