//! What a user sees of the attributes, through the public API, on paused time, with exact counts.

#![allow(missing_docs)] // Tests.

mod local;
mod order;
mod records;
mod shapes;
mod stacks;
