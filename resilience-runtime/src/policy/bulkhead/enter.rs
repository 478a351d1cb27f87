//! A call on its way through a bulkhead.

use std::fmt;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::Bulkhead;
use super::place::{Place, Refused, Wait};
use crate::error::Error;
use crate::outcome::{Answer, Function, Outcome, Refusal};
use crate::policy::until::deadline_passed;
use crate::telemetry::{meter, names};

pin_project! {
    /// A call under a [`Bulkhead`], which is asked at the first poll.
    #[must_use = "futures do nothing unless polled"]
    pub struct Entered<F, T, E> {
        // Before the place: what the call holds is gone before another call begins.
        #[pin]
        call: F,
        place: Place,
        // While it waits.
        #[pin]
        wait: Option<Wait>,
        bulkhead: &'static Bulkhead,
        function: Function<Result<T, E>>,
    }
}

impl<F, T, E> Entered<F, T, E> {
    pub(super) fn new(
        bulkhead: &'static Bulkhead,
        call: F,
        function: Function<Result<T, E>>,
    ) -> Self {
        Self {
            call,
            place: Place::none(bulkhead),
            wait: None,
            bulkhead,
            function,
        }
    }
}

impl<F, T, E> fmt::Debug for Entered<F, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entered")
            .field("function", &self.function)
            .field("bulkhead", &self.bulkhead)
            .finish_non_exhaustive()
    }
}

impl<F, T, E> Future for Entered<F, T, E>
where
    F: Future<Output: Outcome<Ok = T, Err = E>>,
{
    type Output = Answer<T, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if !this.place.take_at_once(this.bulkhead) {
            match this.place.take(this.bulkhead, this.wait, context) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(refused)) => {
                    return Poll::Ready(refusal(this.bulkhead, refused, this.function));
                }
                // It waits; or it is polled again after its answer, and there is no more to come.
                Poll::Pending => return Poll::Pending,
            }
        }
        let watch = PanicWatch(this.place);
        let polled = this.call.poll(context);
        mem::forget(watch);
        let Poll::Ready(outcome) = polled else {
            return Poll::Pending;
        };
        let answer = outcome.into_answer();
        this.place.give_back();
        Poll::Ready(answer)
    }
}

/// Dropped only when the call panics in its poll: its place is free then, whoever keeps the future.
struct PanicWatch<'a>(&'a mut Place);

impl Drop for PanicWatch<'_> {
    fn drop(&mut self) {
        self.0.give_back();
    }
}

/// The answer to a call that was not let in.
#[cold]
fn refusal<T, E>(
    bulkhead: &'static Bulkhead,
    refused: Refused,
    function: &Function<Result<T, E>>,
) -> Answer<T, E> {
    let name = bulkhead.identity.name();
    let error = match refused {
        Refused::Conflict(conflict) => {
            return Answer::refused(conflict.error(bulkhead), Refusal::Final, function);
        }
        Refused::Full { waited } => Error::BulkheadFull {
            bulkhead: name,
            waited,
        },
        Refused::Deadline { waited } => deadline_passed(function.name, waited),
    };
    tracing::debug!(target: "resilience", bulkhead = name, function = function.name, %error, "rejected by a bulkhead");
    meter::count(names::BULKHEAD_REJECTIONS, "bulkhead", name);
    Answer::refused(error, Refusal::Rejected { retry_after: None }, function)
}
