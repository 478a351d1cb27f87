//! Cancelling sagas, their timeouts, and how many run at once.

// Helpers of tests may panic like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "saga_cancel/cancelling.rs"]
mod cancelling;
#[path = "saga_cancel/limits.rs"]
mod limits;
#[path = "saga_cancel/operators.rs"]
mod operators;
#[path = "saga_lifecycle/rig.rs"]
mod rig;
#[path = "saga_cancel/timeouts.rs"]
mod timeouts;

use rig::{process, trips, world};
