//! Cancelling sagas, their timeouts, and how many run at once.

// Helpers of tests may panic like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "saga_cancel/cancelling.rs"]
mod cancelling;
#[path = "saga_cancel/limits.rs"]
mod limits;
#[path = "saga_support/operations.rs"]
mod operations;
#[path = "saga_cancel/operators.rs"]
mod operators;
#[allow(dead_code, reason = "not every test needs all of it")]
#[path = "saga_lifecycle/process.rs"]
mod process;
#[allow(dead_code, reason = "not every test needs all of it")]
#[path = "saga_lifecycle/spy.rs"]
mod spy;
#[path = "saga_cancel/timeouts.rs"]
mod timeouts;
#[allow(dead_code, reason = "not every test needs all of it")]
#[path = "saga_lifecycle/trips.rs"]
mod trips;
#[allow(dead_code, reason = "not every test needs all of it")]
#[path = "saga_lifecycle/world.rs"]
mod world;
