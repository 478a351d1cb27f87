//! What holds when processes are killed, disks fail, servers go away and callers lose patience: the
//! attributes on real files, real processes and real servers. Which test kills at which durable write of a saga is
//! said in `tests/sagas/main.rs`.

#![allow(missing_docs)] // Tests.
// Clippy lets tests panic, but not their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod broken_disk;
mod checker;
mod drops;
mod errors;
mod full_disk;
mod journal;
mod keys;
mod kills;
mod ledger;
#[cfg(all(feature = "sqlite", feature = "postgres", feature = "redis"))]
mod matrix;
mod place;
mod process;
mod processes;
mod servers;
mod shop;
mod takeovers;
mod writes;
