//! Sagas from start to end, as callers and operators see them.

// Helpers of tests may panic like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "saga_behaviour/again.rs"]
mod again;
#[path = "saga_behaviour/crash.rs"]
mod crash;
#[path = "saga_support/disk.rs"]
mod disk;
#[path = "saga_behaviour/letters.rs"]
mod letters;
#[path = "saga_support/operations.rs"]
mod operations;
#[path = "saga_support/process.rs"]
mod process;
#[path = "saga_support/queue.rs"]
mod queue;
#[path = "saga_behaviour/runs.rs"]
mod runs;
#[path = "saga_behaviour/runtime.rs"]
mod runtime;
#[path = "saga_support/shop.rs"]
mod shop;
#[path = "saga_support/store.rs"]
mod store;
