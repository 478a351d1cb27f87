//! Sagas that nobody works on: who takes them over, what becomes of them, and when.

// Helpers of tests may panic like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[macro_use]
#[path = "saga_recovery/process.rs"]
mod process;

#[path = "saga_recovery/decisions.rs"]
mod decisions;
#[path = "saga_recovery/fairness.rs"]
mod fairness;
#[path = "saga_recovery/forward.rs"]
mod forward;
#[path = "saga_recovery/mortal.rs"]
mod mortal;
#[path = "saga_support/operations.rs"]
mod operations;
#[path = "saga_recovery/poison.rs"]
mod poison;
#[path = "saga_recovery/rounds.rs"]
mod rounds;
#[path = "saga_recovery/shop.rs"]
mod shop;
#[cfg(feature = "metrics")]
#[path = "saga_recovery/telemetry.rs"]
mod telemetry;
