//! What the integration tests share.
//!
//! | module | what it offers |
//! |---|---|
//! | [`server`] | a private Redis or PostgreSQL: stopped, continued, killed and restarted at will |
//! | [`proxy`] | a TCP proxy in front of one, with faults that are switched at run time |
//! | [`crash`] | a child process that is killed at its first durable write, its second, its third … |
//! | [`clock`] | child processes whose clock jumps |
//! | [`cancel`] | a future that is dropped at its first await, its second, its third … |
//! | [`child`] | a test that runs itself again as a child process |
//! | [`scratch`] | folders for what killed processes leave behind |
//! | [`log`] | what is logged |
//! | [`meter`] | what is written to metrics |
//! | [`wait`] | waiting for a condition with a deadline, instead of sleeping |
//!
//! Every loop here ends when nothing fires any more and says how often something did, so that a
//! test can demand a minimum: an injector that is broken must not pass for a system that is sound.

// This crate is linked into tests only, where a panic is the report.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod cancel;
pub mod child;
pub mod clock;
pub mod crash;
pub mod log;
pub mod meter;
pub mod proxy;
pub mod scratch;
pub mod server;
mod shim;
pub mod wait;
