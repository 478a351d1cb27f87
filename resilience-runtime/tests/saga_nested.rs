//! Sagas that call sagas.

// Helpers of tests may panic like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "saga_nested/crashes.rs"]
mod crashes;
#[path = "saga_nested/ends.rs"]
mod ends;
#[path = "saga_nested/interrupted.rs"]
mod interrupted;
#[allow(dead_code, reason = "not every test needs all of it")]
#[path = "saga_recovery/mortal.rs"]
mod mortal;
#[path = "saga_lifecycle/rig.rs"]
mod rig;
#[path = "saga_nested/shutdown.rs"]
mod shutdown;

use rig::{operations, process, spy, trips, world};
