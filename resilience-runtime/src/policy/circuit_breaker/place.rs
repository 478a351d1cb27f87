//! Which of the tallies is a thread's.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The place of the next thread that asks.
static NEXT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static MINE: usize = NEXT.fetch_add(1, Ordering::Relaxed);
}

/// A number that few threads have in common, if any.
#[inline]
pub(super) fn mine() -> usize {
    MINE.with(|mine| *mine)
}
