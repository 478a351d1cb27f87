//! Work that outlives the caller who waits for it.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

use crate::BoxFuture;

/// A future that its owner polls, and that goes on as a task of its own when the owner is dropped.
/// Unlike a task from the start, it costs no change of threads while the owner stays.
pub(crate) struct FinishOnDrop<T: Send + 'static> {
    future: Option<BoxFuture<'static, T>>,
    handle: Option<Handle>,
}

impl<T: Send + 'static> FinishOnDrop<T> {
    pub(crate) fn new(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self {
            future: Some(Box::pin(future)),
            handle: Handle::try_current().ok(),
        }
    }
}

impl<T: Send + 'static> Future for FinishOnDrop<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        // Taken out for the time of the poll: a future that panicked is not polled again.
        let Some(mut future) = self.future.take() else {
            return Poll::Pending;
        };
        let poll = future.as_mut().poll(context);
        if poll.is_pending() {
            self.future = Some(future);
        }
        poll
    }
}

impl<T: Send + 'static> Drop for FinishOnDrop<T> {
    fn drop(&mut self) {
        if let (Some(future), Some(handle)) = (self.future.take(), self.handle.take()) {
            handle.spawn(future);
        }
    }
}
