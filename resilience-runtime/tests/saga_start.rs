//! Sagas that are started and not waited for.

// Helpers of tests may panic like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "saga_start/handles.rs"]
mod handles;
#[path = "saga_support/operations.rs"]
mod operations;
#[allow(dead_code, reason = "not every test needs all of it")]
#[path = "saga_lifecycle/process.rs"]
mod process;
#[allow(dead_code, reason = "not every test needs all of it")]
#[path = "saga_lifecycle/spy.rs"]
mod spy;
#[path = "saga_start/transactions.rs"]
mod transactions;
#[allow(dead_code, reason = "not every test needs all of it")]
#[path = "saga_lifecycle/trips.rs"]
mod trips;
#[allow(dead_code, reason = "not every test needs all of it")]
#[path = "saga_lifecycle/world.rs"]
mod world;
