//! Sagas that are started and not waited for.

// Helpers of tests may panic like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "saga_start/handles.rs"]
mod handles;
#[path = "saga_lifecycle/rig.rs"]
mod rig;
#[path = "saga_start/transactions.rs"]
mod transactions;

use rig::{process, trips, world};
