//! The deadline of the call that is being made, as a value that everything inside it can see.
//!
//! It is a variable of the thread, set for the duration of each poll: what runs inside the poll sees
//! it, what the poll spawns does not. Reading it costs no clock.

use std::cell::Cell;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::time::Instant;

thread_local! {
    static DEADLINE: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// The time by which the current call must have answered: the earliest deadline of all timeouts,
/// retries and [`with_deadline`]s around it. `None` if there is none.
///
/// A saga goes on without its caller, so inside a saga only deadlines that are set inside it count.
///
/// A spawned task does not inherit the deadline: pass the deadline to it, and use [`with_deadline`] in it.
#[must_use]
pub fn deadline() -> Option<Instant> {
    DEADLINE.get()
}

/// Runs `future` with `at` as its [`deadline`], or with the deadline around it if that is earlier.
///
/// `future` is not cut off at the deadline; retries and waits inside it respect the deadline. Use it to
/// pass a deadline into a task, or to set one that came with a request.
pub fn with_deadline<F: Future>(at: Instant, future: F) -> WithDeadline<F> {
    WithDeadline { at, future }
}

pin_project! {
    /// A future with a [`deadline`].
    #[must_use = "futures do nothing unless polled"]
    pub struct WithDeadline<F> {
        at: Instant,
        #[pin]
        future: F,
    }
}

impl<F> fmt::Debug for WithDeadline<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithDeadline")
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

impl<F: Future> Future for WithDeadline<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let _scope = Scope::enter(*this.at);
        this.future.poll(context)
    }
}

/// `future`, in which the [`deadline`] around it is not seen where `is_free`: for work that goes on
/// whether or not somebody waits for it. Deadlines of its own it has as always.
pub(crate) const fn free<F: Future>(is_free: bool, future: F) -> Free<F> {
    Free { is_free, future }
}

pin_project! {
    /// A future without the deadline of its caller.
    #[must_use = "futures do nothing unless polled"]
    pub(crate) struct Free<F> {
        is_free: bool,
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for Free<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let _scope = this.is_free.then(Scope::free);
        this.future.poll(context)
    }
}

/// While it lives, [`deadline`] is no later than what it was entered with, or none. It restores what
/// was there before, also in a panic.
#[derive(Debug)]
pub(crate) struct Scope {
    before: Option<Instant>,
}

impl Scope {
    #[inline]
    pub(crate) fn enter(at: Instant) -> Self {
        let before = DEADLINE.get();
        if before.is_none_or(|before| at < before) {
            DEADLINE.set(Some(at));
        }
        Self { before }
    }

    fn free() -> Self {
        let before = DEADLINE.take();
        Self { before }
    }
}

impl Drop for Scope {
    #[inline]
    fn drop(&mut self) {
        DEADLINE.set(self.before);
    }
}
