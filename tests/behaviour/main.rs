//! What a user sees of the attributes, through the public API, on paused time, with exact counts.

// Clippy lets tests panic, but not their helpers.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod classify;
mod defaults;
mod durable;
mod local;
mod order;
mod policies;
mod records;
mod round_trip;
mod shapes;
mod stacks;
