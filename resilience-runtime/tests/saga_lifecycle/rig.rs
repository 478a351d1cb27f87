//! What the tests of cancelling, starting, identities and nested sagas run: processes on one store in memory, whose writes
//! are listed and can be their last, and sagas that do what a test plans.
#![allow(dead_code, reason = "not every test needs all of it")]

#[path = "../saga_support/operations.rs"]
pub(crate) mod operations;
pub(crate) mod process;
pub(crate) mod spy;
pub(crate) mod trips;
pub(crate) mod world;
