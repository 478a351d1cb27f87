//! The sagas whose bodies run in this process, and how they are told that somebody cancelled them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::execution::Execution;
use super::journal::SagaId;
use super::options::Saga;

/// Every saga whose body runs, or waits for its turn, in this process.
#[derive(Default)]
pub(crate) struct Signals(Mutex<HashMap<SagaId, Entry>>);

struct Entry {
    execution: Arc<Execution>,
    /// How many sagas of a name its body has started with `saga::start`.
    started: HashMap<&'static str, u32>,
}

impl Signals {
    /// Notes that a saga is running, until what comes out is dropped.
    pub(super) fn enter(&self, execution: &Arc<Execution>) -> Signal {
        let entry = Entry {
            execution: Arc::clone(execution),
            started: HashMap::new(),
        };
        self.running().insert(execution.id.clone(), entry);
        Signal(Arc::clone(execution))
    }

    /// Tells a saga that it is cancelled; false when it does not run in this process.
    pub(crate) fn cancel(&self, id: &SagaId) -> bool {
        let running = self.running();
        let found = running.get(id);
        if let Some(found) = found {
            found.execution.cancel();
        }
        found.is_some()
    }

    /// The sagas that run and that `id` has called.
    pub(super) fn children(&self, id: &SagaId) -> Vec<SagaId> {
        let running = self.running();
        let executions = running.values().map(|entry| &entry.execution);
        let children = executions.filter(|execution| execution.parent.as_ref() == Some(id));
        children.map(|execution| execution.id.clone()).collect()
    }

    /// Whether `id`, or a saga that called it, directly or not, fits, and runs in this process.
    pub(super) fn has(&self, id: &SagaId, fits: impl Fn(&Execution) -> bool) -> bool {
        let running = self.running();
        let mut next = Some(id);
        while let Some(entry) = next.and_then(|id| running.get(id)) {
            if fits(&entry.execution) {
                return true;
            }
            next = entry.execution.parent.as_ref();
        }
        false
    }

    /// What `id`, if it runs in this process, was told, and the saga that called it.
    pub(super) fn of(&self, id: &SagaId) -> Option<(Saga, Option<SagaId>)> {
        let running = self.running();
        let execution = &running.get(id)?.execution;
        Some((execution.options, execution.parent.clone()))
    }

    /// Counts the sagas of this name that the body of `id` starts, from 0.
    pub(super) fn start(&self, id: &SagaId, name: &'static str) -> u32 {
        let mut running = self.running();
        let Some(entry) = running.get_mut(id) else {
            return 0;
        };
        let started = entry.started.entry(name).or_insert(0);
        *started += 1;
        *started - 1
    }

    fn running(&self) -> MutexGuard<'_, HashMap<SagaId, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A saga that is running.
pub(super) struct Signal(Arc<Execution>);

impl Drop for Signal {
    fn drop(&mut self) {
        let mut running = self.0.core.signals.running();
        // Another run of it may have begun by now.
        let is_this = |entry: &Entry| Arc::ptr_eq(&entry.execution, &self.0);
        let gone = match running.get(&self.0.id).is_some_and(is_this) {
            true => running.remove(&self.0.id),
            false => None,
        };
        drop(running);
        drop(gone);
    }
}
