//! Which saga a call asks for, and what it answers for good.

// Helpers of tests may panic like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "saga_identity/ids.rs"]
mod ids;
#[path = "saga_identity/keys.rs"]
mod keys;
#[path = "saga_identity/nobody.rs"]
mod nobody;
#[path = "saga_lifecycle/rig.rs"]
mod rig;

use rig::{process, trips, world};
