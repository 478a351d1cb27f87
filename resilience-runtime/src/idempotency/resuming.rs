//! How recovery calls an idempotent saga again without waiting for itself.

use std::cell::Cell;

tokio::task_local! {
    static RESUMING: Cell<bool>;
}

/// Makes a call that continues a saga which was begun under an idempotency key.
///
/// The first idempotent call that `call` makes is the annotated saga itself. While recovery works on
/// it, a new caller with the same key may have come first: that caller holds the key, has found the
/// saga in the journal, and waits for it to end. Were recovery to wait for the key in turn, the two
/// would wait for each other. So, where that first call finds its key busy, it runs without holding
/// it and stores nothing: the journal keeps the saga's steps from running twice, and the holder
/// stores the result when the saga ends. Where the key is free it is claimed and completed as always.
///
/// Only for a saga whose journal entry has a key: the mark would otherwise be taken by an idempotent
/// call inside the saga. Calls after the first one, and calls in tasks that `call` spawns, are not
/// affected.
pub(crate) async fn resuming<F: Future>(call: F) -> F::Output {
    RESUMING.scope(Cell::new(true), call).await
}

/// Whether the current call is the first one under [`resuming`]. Takes the mark.
pub(super) fn take() -> bool {
    RESUMING
        .try_with(|resuming| resuming.replace(false))
        .unwrap_or(false)
}
