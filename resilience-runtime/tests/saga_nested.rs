//! Sagas that call sagas.

// Helpers of tests may panic like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "saga_nested/crashes.rs"]
mod crashes;
#[path = "saga_nested/ends.rs"]
mod ends;
#[path = "saga_support/operations.rs"]
mod operations;
#[allow(dead_code, reason = "not every test needs all of it")]
#[path = "saga_lifecycle/process.rs"]
mod process;
#[path = "saga_nested/shutdown.rs"]
mod shutdown;
#[allow(dead_code, reason = "not every test needs all of it")]
#[path = "saga_lifecycle/spy.rs"]
mod spy;
#[allow(dead_code, reason = "not every test needs all of it")]
#[path = "saga_lifecycle/trips.rs"]
mod trips;
#[allow(dead_code, reason = "not every test needs all of it")]
#[path = "saga_lifecycle/world.rs"]
mod world;
