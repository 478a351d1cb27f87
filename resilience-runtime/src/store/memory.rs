//! The store for tests: everything in memory, nothing survives the process.

mod idempotency;
mod journal;
mod lock;
mod queue;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use self::idempotency::Entry;
use self::journal::Saga;
use self::lock::Lock;
use crate::dlq::{DeadLetter, DeadLetterId};
use crate::idempotency::Digest;
use crate::saga::journal::SagaId;

/// A store in memory, for tests. It keeps time by `tokio::time`, so that a paused clock works.
///
/// A store belongs to a *worker*, which stands for a process: what one worker holds, no other
/// takes, until the last clone of its store is dropped, or until its lease is over. [`another_worker`](Self::another_worker)
/// makes a store on the same data for another worker, so that a test can play a crash and the
/// recovery after it.
///
/// Its futures do what they do when they are first polled; it never answers an error, except for
/// a contradiction in the journal.
#[derive(Clone)]
pub struct MemoryStore {
    data: Arc<Mutex<Data>>,
    /// The last fencing token.
    tokens: Arc<AtomicU64>,
    worker: Arc<Worker>,
}

/// A process, as far as this store knows one.
#[derive(Debug)]
struct Worker;

/// The worker that has a record or a saga. The last clone of its store takes it along.
type Owner = Weak<Worker>;

#[derive(Default)]
struct Data {
    records: HashMap<Digest, Entry>,
    /// With more records than these it is time to look for what is over.
    many: usize,
    locks: HashMap<Digest, Lock>,
    sagas: BTreeMap<SagaId, Saga>,
    letters: BTreeMap<DeadLetterId, DeadLetter>,
}

impl MemoryStore {
    /// An empty store, with its first worker.
    #[must_use]
    pub fn new() -> Self {
        Self {
            data: Arc::default(),
            tokens: Arc::default(),
            worker: Arc::new(Worker),
        }
    }

    /// A store on the same data, for another worker.
    #[must_use]
    pub fn another_worker(&self) -> Self {
        Self {
            data: Arc::clone(&self.data),
            tokens: Arc::clone(&self.tokens),
            worker: Arc::new(Worker),
        }
    }

    fn data(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the next fencing token.
    fn tokens(&self) -> u64 {
        self.tokens.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The same, and not less than `floor`.
    fn tokens_from(&self, floor: u64) -> u64 {
        let next = |last: u64| Some((last + 1).max(floor));
        let last = self
            .tokens
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        (last.unwrap_or_default() + 1).max(floor)
    }

    fn raise_tokens(&self, token: u64) {
        self.tokens.fetch_max(token, Ordering::Relaxed);
    }

    fn owner(&self) -> Owner {
        Arc::downgrade(&self.worker)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

fn is_gone(owner: &Owner) -> bool {
    owner.strong_count() == 0
}
