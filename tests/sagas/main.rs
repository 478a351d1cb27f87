//! Sagas in several processes that are killed, stopped and cut off from their store: what holds is judged from a ledger of effects
//! that the runtime knows nothing of.

#![cfg(all(feature = "sqlite", feature = "postgres"))]
#![allow(missing_docs)] // Tests.
// Clippy lets tests panic, but not their helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod contents;
mod damaged;
mod entries;
mod freezes;
mod ground;
mod judge;
mod ledger;
mod outages;
mod poison;
mod shop;
mod stops;
mod storm;
mod takeovers;
mod worker;
