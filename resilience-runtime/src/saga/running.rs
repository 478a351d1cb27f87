//! The sagas whose bodies run in this process, and how they are told that somebody cancelled them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::execution::Execution;
use super::journal::SagaId;
use super::options::Saga;

/// Every saga whose body runs, or waits for its turn, in this process.
#[derive(Default)]
pub(crate) struct RunningSagas(Mutex<HashMap<SagaId, Entry>>);

struct Entry {
    execution: Arc<Execution>,
    /// How many sagas of a name its body has started with `saga::start`.
    started: HashMap<&'static str, u32>,
}

impl RunningSagas {
    /// Notes that a saga is running, until what comes out is dropped.
    pub(super) fn enter(&self, execution: &Arc<Execution>) -> Entered {
        let entry = Entry {
            execution: Arc::clone(execution),
            started: HashMap::new(),
        };
        self.entries().insert(execution.id.clone(), entry);
        Entered(Arc::clone(execution))
    }

    /// Tells a saga that it is cancelled, if it runs in this process.
    pub(super) fn cancel(&self, id: &SagaId) {
        if let Some(entry) = self.entries().get(id) {
            entry.execution.cancel();
        }
    }

    /// The sagas that run and that `id` has called.
    pub(super) fn children(&self, id: &SagaId) -> Vec<SagaId> {
        let entries = self.entries();
        let executions = entries.values().map(|entry| &entry.execution);
        let children = executions.filter(|execution| execution.parent.as_ref() == Some(id));
        children.map(|execution| execution.id.clone()).collect()
    }

    /// Whether `id` is `caller`, or called it, directly or not, as far as they run in this process.
    pub(super) fn is_above(&self, caller: &SagaId, id: &SagaId) -> bool {
        let entries = self.entries();
        let mut next = Some(caller);
        while let Some(entry) = next.and_then(|next| entries.get(next)) {
            if entry.execution.id == *id {
                return true;
            }
            next = entry.execution.parent.as_ref();
        }
        false
    }

    /// What `id`, if it runs in this process, was told, and the saga that called it.
    pub(super) fn options_and_parent(&self, id: &SagaId) -> Option<(Saga, Option<SagaId>)> {
        let entries = self.entries();
        let execution = &entries.get(id)?.execution;
        Some((execution.options, execution.parent.clone()))
    }

    /// Counts the sagas of this name that the body of `id` starts, from 0.
    pub(super) fn count_start(&self, id: &SagaId, name: &'static str) -> u32 {
        let mut entries = self.entries();
        let Some(entry) = entries.get_mut(id) else {
            return 0;
        };
        let started = entry.started.entry(name).or_insert(0);
        *started += 1;
        *started - 1
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<SagaId, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A saga that is noted as running, until this is dropped.
pub(super) struct Entered(Arc<Execution>);

impl Drop for Entered {
    fn drop(&mut self) {
        let mut entries = self.0.core.running.entries();
        // Another run of it may have begun by now.
        let is_this = |entry: &Entry| Arc::ptr_eq(&entry.execution, &self.0);
        let gone = match entries.get(&self.0.id).is_some_and(is_this) {
            true => entries.remove(&self.0.id),
            false => None,
        };
        drop(entries);
        drop(gone);
    }
}
