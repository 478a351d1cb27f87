//! What happens inside one run of a saga's body: replay, parallel steps, helpers, steps in transactions.

// Helpers of tests may panic like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

#[path = "saga_execution/callers.rs"]
mod callers;
#[path = "saga_execution/connection.rs"]
mod connection;
#[path = "saga_execution/context.rs"]
mod context;
#[path = "saga_support/disk.rs"]
mod disk;
#[path = "saga_execution/helpers.rs"]
mod helpers;
#[path = "saga_execution/model.rs"]
mod model;
#[path = "saga_support/operations.rs"]
mod operations;
#[path = "saga_execution/poison.rs"]
mod poison;
#[path = "saga_support/queue.rs"]
mod queue;
#[path = "saga_execution/replay.rs"]
mod replay;
#[path = "saga_execution/settling.rs"]
mod settling;
#[path = "saga_support/store.rs"]
mod store;
#[path = "saga_execution/transactional.rs"]
mod transactional;
#[path = "saga_execution/world.rs"]
mod world;
