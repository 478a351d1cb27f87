//! Sagas in several processes that are killed, stopped and cut off from their store: what holds is judged from a ledger of effects
//! that the runtime knows nothing of.
//!
//! Which test kills a process at which durable write. On SQLite that is before, in and after every write and every sync of the file;
//! on PostgreSQL before, in and after every message to the server, each of which is one commit.
//!
//! | durable write | SQLite, in `tests/faults/` | PostgreSQL, here |
//! |---|---|---|
//! | start | `writes` (a saga that succeeds, on a new file) | `freezes` (stages `None`; `Running, 0, 0`) |
//! | step 1, 2, 3 | `writes` (a saga that succeeds) | `freezes` (`Running, 1, 0`; `Running, 2, 0`; `Completed, 3, 0`) |
//! | step in doubt, before it begins again | `takeovers` (in a step in doubt) | `takeovers` (in a step in doubt) |
//! | step in a transaction of its own | `writes` (a step in a transaction) | `freezes` (a step in a transaction) |
//! | decision to undo | `writes` (a saga that is undone) | `freezes` (`Compensating, 2, 0`) |
//! | compensation 3, 2, 1 | `writes` (a saga all of whose steps are undone) | `freezes` (`Compensating, 3, 1`; `Compensating, 3, 2`; `Compensated, 3, 3`) |
//! | finish, with what came out last | `writes` (all of them) | `freezes` (`Completed`; `Compensated`; `CompensationFailed`) |
//! | dead letter, in the commit that ends the saga | `writes` (a saga that cannot be undone) | `freezes` (`CompensationFailed, 2, 1`) |
//! | claim of what somebody has left | `takeovers` (all of them) | `takeovers` (all of them), from the opening of the store on |
//! | renewal of a lease | none: a lock of the kernel | `renewals` |
//!
//! Before and after each effect a process dies in `kills` of `tests/faults/`, and so does the one that recovers from it; on PostgreSQL
//! an effect lies between two messages, and is killed before and after with them. Anywhere, twenty times: `storm`.

#![cfg(all(feature = "sqlite", feature = "postgres"))]
#![allow(missing_docs)] // Tests.
// Clippy lets tests panic, but not their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod builds;
mod clocks;
mod contents;
mod damaged;
mod entries;
mod freezes;
mod ground;
mod judge;
mod ledger;
mod outages;
mod poison;
mod renewals;
mod shop;
mod stops;
mod storm;
mod takeovers;
mod worker;
