//! What a body can learn about its own run: which attempt it is, and under which fencing token it runs.
//!
//! A variable of the thread that is set for the duration of each poll, like the deadline: tasks that the body
//! spawns do not see it.

use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::lease::FencingToken;

/// The run that is being polled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Invocation {
    pub(crate) attempt: u32,
    pub(crate) interrupted: bool,
    pub(crate) token: Option<FencingToken>,
}

thread_local! {
    static CURRENT: Cell<Invocation> = const { Cell::new(Invocation::NONE) };
}

impl Invocation {
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
        struct Restore(Invocation);
        impl Drop for Restore {
            fn drop(&mut self) {
                CURRENT.set(self.0);
            }
        }
        let _restore = Restore(CURRENT.replace(self));
        poll()
    }

    /// `future`, polled as this one.
    pub(crate) fn during<F: Future>(self, future: F) -> During<F> {
        During {
            invocation: self,
            future,
        }
    }
}

pin_project! {
    /// A future that is polled as some run.
    #[must_use = "futures do nothing unless polled"]
    pub(crate) struct During<F> {
        invocation: Invocation,
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for During<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.invocation.enter(|| this.future.poll(context))
    }
}

/// The number of the current attempt, from 1.
///
/// In the body of an `#[idempotent]` function it counts the runs of its key: it is greater than 1 if earlier runs failed,
/// were dropped, panicked, or died with their process.
///
/// In a `#[saga_step]` it counts how often the step may have been begun, as far as the journal knows. 1 means that it
/// certainly was not begun before; a greater number says in how many runs the saga came to where the step may have begun.
///
/// Elsewhere it is 1.
#[must_use]
pub fn attempt() -> u32 {
    Invocation::current().attempt
}

/// Whether an earlier attempt was interrupted, so that it may have had its effect, or part of it.
///
/// In the body of an `#[idempotent]` function: whether, as far as the store knows, an earlier run of the key did not reach
/// its end, because it was dropped, it panicked, its process died, or its lease ran out.
///
/// In a `#[saga_step]`: whether an earlier run of the saga may have begun the step.
///
/// Elsewhere it is `false`.
#[must_use]
pub fn interrupted() -> bool {
    Invocation::current().interrupted
}

/// The fencing token of the innermost `#[locked]` or `#[idempotent]` function that is running. Send it along with writes to
/// a resource that can compare it. `None` outside such a function, and for locks that are local to the process.
///
/// In a `#[saga_step]` it is the epoch of the saga, which grows with each process that takes the saga over. It can be
/// compared only with other tokens of the same saga.
#[must_use]
pub fn fencing_token() -> Option<FencingToken> {
    Invocation::current().token
}
