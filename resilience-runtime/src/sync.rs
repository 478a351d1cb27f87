//! What code without locks is made of: `std`'s here. That code names it from here, so that a model
//! checker can put its own in place of it.

pub(crate) use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
pub(crate) use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many tallies a circuit breaker has. A model checker does with fewer.
pub(crate) const TALLIES: usize = 4;
