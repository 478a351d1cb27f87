//! Sagas from start to end, as callers and operators see them.

// Helpers of tests may panic like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "saga_support/again.rs"]
mod again;
#[path = "saga_support/crash.rs"]
mod crash;
#[path = "saga_support/disk.rs"]
mod disk;
#[path = "saga_support/letters.rs"]
mod letters;
#[path = "saga_support/operations.rs"]
mod operations;
#[path = "saga_support/process.rs"]
mod process;
#[path = "saga_support/queue.rs"]
mod queue;
#[path = "saga_support/runs.rs"]
mod runs;
#[path = "saga_support/runtime.rs"]
mod runtime;
#[path = "saga_support/shop.rs"]
mod shop;
#[path = "saga_support/store.rs"]
mod store;
