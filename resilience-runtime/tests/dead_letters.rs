//! The dead letter queue, as authors and operators see it.

// Helpers of tests may panic like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "dead_letters/dead_sagas.rs"]
mod dead_sagas;
#[path = "dead_letters/many.rs"]
mod many;
#[path = "dead_letters/works.rs"]
mod works;

use std::sync::Arc;

use dead_sagas::Counts;
use resilience_runtime::runtime::{Runtime, RuntimeBuilder};
use resilience_runtime::store::memory::MemoryStore;

/// A runtime of its own, on a store of its own.
fn builder() -> RuntimeBuilder {
    on(Arc::new(MemoryStore::new()), &Counts::default())
}

/// One that has the state of the saga that is linked into these tests.
fn on(store: Arc<MemoryStore>, counts: &Counts) -> RuntimeBuilder {
    Runtime::on_store(store).scoped().state(counts.clone())
}
