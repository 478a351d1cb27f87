//! Which saga a call asks for, and what it answers for good.

// Helpers of tests may panic like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "saga_identity/ids.rs"]
mod ids;
#[path = "saga_identity/keys.rs"]
mod keys;
#[path = "saga_identity/nobody.rs"]
mod nobody;
#[path = "saga_support/operations.rs"]
mod operations;
#[allow(dead_code, reason = "not every test needs all of it")]
#[path = "saga_lifecycle/process.rs"]
mod process;
#[allow(dead_code, reason = "not every test needs all of it")]
#[path = "saga_lifecycle/spy.rs"]
mod spy;
#[allow(dead_code, reason = "not every test needs all of it")]
#[path = "saga_lifecycle/trips.rs"]
mod trips;
#[allow(dead_code, reason = "not every test needs all of it")]
#[path = "saga_lifecycle/world.rs"]
mod world;
