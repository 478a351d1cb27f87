//! The store for tests: everything is in memory, and nothing survives the process.

mod audit;
mod idempotency;
mod journal;
mod letters;
mod lock;
mod queue;
mod sagas;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::watch;
use tokio::time::Instant;

use self::audit::Audit;
use self::idempotency::Entry;
use self::letters::Letters;
use self::lock::Lock;
use self::sagas::Sagas;
use crate::idempotency::Digest;
use crate::timestamp::Timestamp;

/// A store in memory, for tests. It measures time by `tokio::time`, so a paused clock works: its clock starts at
/// the time of this machine when the store is created, and then follows `tokio::time`.
///
/// A store belongs to a *worker*, which stands for a process: no other worker takes what it holds until the
/// last clone of its store is dropped, or until its lease is over. [`another_worker`](Self::another_worker) creates a
/// store on the same data for another worker, so that a test can simulate a crash and the recovery after it. A worker
/// that shuts down in order calls [`close`](Self::close).
///
/// Each operation takes effect when its future is first polled. The store never fails, except on
/// a contradiction in the journal.
#[derive(Clone)]
pub struct MemoryStore {
    data: Arc<Mutex<Data>>,
    /// The last fencing token.
    tokens: Arc<AtomicU64>,
    clock: Clock,
    /// Says that there may be something to take over or to cancel.
    changes: Arc<watch::Sender<()>>,
    worker: Arc<Worker>,
}

/// A process, as far as this store knows one.
#[derive(Debug)]
struct Worker {
    /// The changes that it has not heard of.
    changes: Mutex<watch::Receiver<()>>,
}

/// The worker that has a record or a saga. The last clone of its store takes it along.
type Owner = Weak<Worker>;

/// Makes moments out of those of `tokio::time`.
#[derive(Clone, Copy)]
struct Clock {
    began: Instant,
    at: Timestamp,
}

impl Clock {
    fn start() -> Self {
        Self {
            began: Instant::now(),
            at: Timestamp::of_this_machine(),
        }
    }

    fn now(self) -> Timestamp {
        self.at.after(self.began.elapsed())
    }
}

/// Who asks for something, and when.
struct Asking {
    owner: Owner,
    now: Timestamp,
}

#[derive(Default)]
struct Data {
    records: HashMap<Digest, Entry>,
    /// With more records than these it is time to look for what is over.
    many: usize,
    locks: HashMap<Digest, Lock>,
    sagas: Sagas,
    letters: Letters,
    audit: Audit,
}

impl MemoryStore {
    /// Creates an empty store, with its first worker.
    #[must_use]
    pub fn new() -> Self {
        let (changes, _) = watch::channel(());
        Self {
            data: Arc::default(),
            tokens: Arc::default(),
            clock: Clock::start(),
            worker: Worker::begin(&changes),
            changes: Arc::new(changes),
        }
    }

    /// Creates a store on the same data, for another worker.
    #[must_use]
    pub fn another_worker(&self) -> Self {
        Self {
            data: Arc::clone(&self.data),
            tokens: Arc::clone(&self.tokens),
            clock: self.clock,
            worker: Worker::begin(&self.changes),
            changes: Arc::clone(&self.changes),
        }
    }

    /// Shuts the worker down in order: its unfinished sagas, and the dead letters on which it works, are released and can be
    /// taken at once. Other clones must not be used any more. What it holds under a lease becomes free when the last clone is
    /// dropped, or when the lease is over.
    pub async fn close(self) {
        let mut data = self.data();
        data.sagas.leave(&self.owner());
        data.letters.leave(&self.owner());
        drop(data);
        self.announce();
    }

    fn data(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The data, for somebody who asks now.
    fn asked(&self) -> (MutexGuard<'_, Data>, Asking) {
        let data = self.data();
        let asking = Asking {
            owner: self.owner(),
            // Under the lock, so that what is written later is never earlier.
            now: self.clock.now(),
        };
        (data, asking)
    }

    fn announce(&self) {
        self.changes.send_replace(());
    }

    /// Resolves when there is a change that this worker has not heard of.
    async fn next_change(&self) {
        let lock = || {
            let changes = self.worker.changes.lock();
            changes.unwrap_or_else(PoisonError::into_inner)
        };
        let mut changes = lock().clone();
        // It fails when the store is gone, which this is a clone of.
        let _ = changes.changed().await;
        *lock() = changes;
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

impl Worker {
    fn begin(changes: &watch::Sender<()>) -> Arc<Self> {
        Arc::new(Self {
            changes: Mutex::new(changes.subscribe()),
        })
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
