//! Undoing: in which order, how often, for how long, and what is left of it when it fails.

// Helpers of tests may panic like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[macro_use]
#[path = "saga_recovery/process.rs"]
mod process;

#[path = "saga_compensation/attempts.rs"]
mod attempts;
#[path = "saga_compensation/breakers.rs"]
mod breakers;
#[path = "saga_compensation/letters.rs"]
mod letters;
#[path = "saga_recovery/mortal.rs"]
mod mortal;
#[path = "saga_support/operations.rs"]
mod operations;
#[path = "saga_recovery/shop.rs"]
mod shop;
