//! Locks at a store: who holds, who waits, who is stopped, and what comes back when.

// A panic is the report.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod drops;
mod lost;
#[cfg(feature = "metrics")]
mod metered;
mod named;
mod order;
mod recursion;
mod store;
mod trouble;

use std::sync::Arc;
use std::time::Duration;

use resilience_runtime::error::Error;
use resilience_runtime::lock::{LockRequest, Locked};
use resilience_runtime::outcome::{Function, function};
use resilience_runtime::runtime::Runtime;
use resilience_runtime::store::memory::MemoryStore;

use store::Store;

/// The lock of most tests, as an attribute would declare it.
const LOCKED: Locked = Locked::named("documents").lease(LEASE).wait(WAIT);
const LEASE: Duration = Duration::from_secs(30);
const WAIT: Duration = Duration::from_secs(5);

fn call() -> Function<Result<u32, Error>> {
    function::<Result<u32, Error>>("shop::publish")
}

async fn open(store: &Arc<Store>) -> Runtime {
    let runtime = Runtime::builder("memory:")
        .locks(Arc::clone(store) as _)
        .scoped();
    runtime.open().await.unwrap()
}

/// Two processes on one store.
async fn two() -> [(Arc<Store>, Runtime); 2] {
    let memory = MemoryStore::new();
    let (one, other) = (Store::new(&memory), Store::new(&memory));
    let runtimes = (open(&one).await, open(&other).await);
    [(one, runtimes.0), (other, runtimes.1)]
}

async fn one() -> (Arc<Store>, Runtime) {
    let store = Store::new(&MemoryStore::new());
    let runtime = open(&store).await;
    (store, runtime)
}

/// The lock that [`LOCKED`] takes for the key 7.
fn lock(runtime: &Runtime) -> LockRequest {
    runtime.lock("documents", &7).lease(LEASE).wait(WAIT)
}

/// Whether somebody has the lock.
async fn is_held(runtime: &Runtime) -> bool {
    lock(runtime).try_acquire().await.unwrap().is_none()
}
