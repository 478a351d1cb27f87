//! Sagas and dead letters through the runtime, on every store that keeps them: two runtimes on one store, shutdowns in every
//! phase, operators who race each other, and futures that are dropped.

#![cfg(all(feature = "sqlite", feature = "postgres"))]
// Helpers of tests may panic like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[macro_use]
#[path = "saga_stores/ground.rs"]
mod ground;
#[path = "saga_stores/deletions.rs"]
mod deletions;
#[path = "saga_stores/dropped.rs"]
mod dropped;
#[path = "saga_stores/dropped_starts.rs"]
mod dropped_starts;
#[path = "saga_stores/pairs.rs"]
mod pairs;
#[path = "saga_stores/parking.rs"]
mod parking;
#[path = "saga_stores/races.rs"]
mod races;
#[path = "saga_stores/shutdowns.rs"]
mod shutdowns;
#[allow(dead_code, reason = "not every test needs all of it")]
#[path = "saga_lifecycle/trips.rs"]
mod trips;
#[allow(dead_code, reason = "not every test needs all of it")]
#[path = "saga_lifecycle/world.rs"]
mod world;
