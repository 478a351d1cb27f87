//! The atomics and locks of what is model-checked: those of `std` here, `loom`'s in the models.

pub(crate) use std::sync::atomic::{AtomicU64, Ordering};
pub(crate) use std::sync::{Mutex, MutexGuard, PoisonError};
