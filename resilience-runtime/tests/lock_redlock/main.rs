//! Redlock over nodes in memory, which fail, hang, lose answers and forget, on paused time.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "these are tests, helpers included"
)]

mod cluster;
mod drops;
mod model;
mod quorum;
mod tokens;
mod waiting;
