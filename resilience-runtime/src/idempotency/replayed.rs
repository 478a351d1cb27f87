//! Whether the last answer came from a record.
//!
//! A variable of the thread, with the task that it is meant for: between the end of a call and the question right
//! after it nothing else runs on the thread, and a question from elsewhere is not answered by chance.

use std::cell::Cell;

use tokio::task::Id;

#[derive(Clone, Copy)]
struct Mark {
    /// `None` outside of every task, as in `block_on`.
    task: Option<Id>,
    replayed: bool,
}

thread_local! {
    static LAST: Cell<Mark> = const { Cell::new(Mark { task: None, replayed: false }) };
}

/// Says how an idempotent call of this task has ended.
pub(super) fn mark(replayed: bool) {
    let task = tokio::task::try_id();
    LAST.set(Mark { task, replayed });
}

/// Says that a call was refused by a policy around it: whatever was marked inside is no answer of it.
#[cold]
pub(crate) fn refused() {
    LAST.set(Mark {
        task: None,
        replayed: false,
    });
}

/// Whether the `#[idempotent]` call that this task has just awaited was answered with the result of an earlier
/// call, so that its own body did not run. An HTTP service can tell its client this in a header.
///
/// Ask right after the `.await`, before the next one. The answer is `false` if the call ran its body or was refused,
/// and in any task other than the one that awaited the call.
///
/// ```
/// # async fn pay() -> Result<(), ()> { Ok(()) }
/// # async fn handler() {
/// let answer = pay().await;
/// let replayed = resilience_runtime::idempotency::replayed();
/// # let _ = (answer, replayed);
/// # }
/// ```
#[must_use]
pub fn replayed() -> bool {
    let last = LAST.get();
    last.replayed && last.task == tokio::task::try_id()
}
