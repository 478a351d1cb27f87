//! What a body can learn about the run that it is: which attempt, and under which fencing token.
//!
//! A variable of the thread that is set for the duration of each poll, like the deadline: tasks that the body
//! spawns do not see it.

use std::cell::Cell;

use crate::lease::FencingToken;

/// The run that is being polled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Execution {
    pub(crate) attempt: u32,
    pub(crate) interrupted: bool,
    pub(crate) token: Option<FencingToken>,
}

thread_local! {
    static CURRENT: Cell<Execution> = const { Cell::new(Execution::NONE) };
}

impl Execution {
    /// Outside of everything.
    pub(crate) const NONE: Self = Self {
        attempt: 1,
        interrupted: false,
        token: None,
    };

    /// The one that is being polled now.
    pub(crate) fn current() -> Self {
        CURRENT.get()
    }

    /// Polls as this one.
    pub(crate) fn enter<R>(self, poll: impl FnOnce() -> R) -> R {
        struct Restore(Execution);
        impl Drop for Restore {
            fn drop(&mut self) {
                CURRENT.set(self.0);
            }
        }
        let _restore = Restore(CURRENT.replace(self));
        poll()
    }
}

/// Which run of its key this is, in the body of an `#[idempotent]` function: 1 for the first, more when earlier
/// ones failed, were dropped, panicked, or died with their process. 1 outside of one.
#[must_use]
pub fn attempt() -> u32 {
    Execution::current().attempt
}

/// Whether an earlier run of the key did not come to its end as far as the store knows: it was dropped, it
/// panicked, its process died, or its lease ran out. It may have had its effect, or part of it. False outside of
/// an `#[idempotent]` function.
#[must_use]
pub fn interrupted() -> bool {
    Execution::current().interrupted
}

/// The fencing token of the innermost `#[locked]` or `#[idempotent]` function that is running: send it along with
/// writes to a resource that can compare it. `None` outside of one, and for locks that are local to the process.
#[must_use]
pub fn fencing_token() -> Option<FencingToken> {
    Execution::current().token
}
