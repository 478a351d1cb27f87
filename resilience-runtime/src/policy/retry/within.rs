//! An attempt that knows until when the call has time.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::time::Instant;

use crate::policy::deadline::Scope;

pin_project! {
    /// One attempt under the deadline of its [`Retry`](super::Retry), if that has one. It can be
    /// dropped at any time.
    #[must_use = "futures do nothing unless polled"]
    pub struct Within<F> {
        deadline: Option<Instant>,
        #[pin]
        attempt: F,
    }
}

impl<F> Within<F> {
    #[inline]
    pub(super) const fn new(deadline: Option<Instant>, attempt: F) -> Self {
        Self { deadline, attempt }
    }
}

impl<F> fmt::Debug for Within<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Within")
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

impl<F: Future> Future for Within<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let _scope = this.deadline.map(Scope::enter);
        this.attempt.poll(context)
    }
}
