//! Noticing that somebody is about to wait for himself: what the code that is being polled holds, which is the locks
//! and the flights that it is inside of.
//!
//! A variable of the thread that is set for the duration of each poll, like the deadline: tasks that the code spawns
//! hold nothing.

use std::cell::RefCell;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::key::Digest;

thread_local! {
    /// From the outermost to the innermost.
    static HELD: RefCell<Vec<Held>> = const { RefCell::new(Vec::new()) };
}

/// Something that one can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    /// By its address, which is nothing else's while it is held.
    Here(usize),
    /// At the store of the runtime with this address.
    AtStore(usize, Digest),
}

impl Held {
    pub(crate) fn here<T>(place: &Arc<T>) -> Self {
        Self::Here(Arc::as_ptr(place).addr())
    }

    pub(crate) fn at_store<T>(runtime: &Arc<T>, key: Digest) -> Self {
        Self::AtStore(Arc::as_ptr(runtime).addr(), key)
    }

    /// Whether the code that is being polled is inside of this.
    pub(crate) fn is_held(&self) -> bool {
        HELD.with_borrow(|held| held.contains(self))
    }

    /// `future`, inside of this.
    pub(crate) fn during<F: Future>(self, future: F) -> During<F> {
        During { held: self, future }
    }
}

pin_project! {
    /// A future that is polled inside of something.
    #[must_use = "futures do nothing unless polled"]
    pub(crate) struct During<F> {
        held: Held,
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for During<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let _inside = Inside::enter(*this.held);
        this.future.poll(context)
    }
}

/// While it lives, the code is inside. It restores what was there before, also in a panic.
struct Inside(usize);

impl Inside {
    fn enter(held: Held) -> Self {
        HELD.with_borrow_mut(|all| {
            let before = all.len();
            all.push(held);
            Self(before)
        })
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        HELD.with_borrow_mut(|all| all.truncate(self.0));
    }
}
