//! What a user sees of the attributes, through the public API, on paused time, with exact counts.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)] // Tests.

mod local;
mod order;
mod records;
mod shapes;
mod stacks;
