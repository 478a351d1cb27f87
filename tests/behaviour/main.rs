//! What a user sees of the attributes, through the public API, on paused time, with exact counts.

#![allow(missing_docs)] // Tests.

mod durable;
mod local;
mod order;
mod shapes;
mod stacks;
