//! A call under a span, counted at its end.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::observation::{self, Observation};
use crate::catalog::Annotated;
use crate::idempotency::replayed;
use crate::outcome::Outcome;

impl Annotated {
    /// Begins one call: in a span, and counted at its end, if somebody listens.
    #[inline]
    #[must_use]
    pub fn observe(&'static self) -> Observed {
        if observation::is_wanted() {
            return Observed(Observation::begin(self.name));
        }
        Observed(None)
    }
}

/// One call of an [`Annotated`] function. Dropped before its [`end`](Self::end), the call was
/// cancelled, or has panicked.
///
/// It stands beside the call and does not wrap it: a call that nobody listens to is polled where it
/// lies.
pub struct Observed(Option<Box<Observation>>);

impl Observed {
    /// What the call waits for now, inside of its span. It can be dropped at any time.
    #[inline]
    pub fn watch<'a, F: Future>(&'a mut self, call: Pin<&'a mut F>) -> Watched<'a, F> {
        Watched {
            call,
            observation: self.0.as_deref_mut(),
        }
    }

    /// The call has answered: what its caller gets.
    ///
    /// # Errors
    /// Whatever the body or a policy decided.
    #[inline]
    pub fn end<O: Outcome>(mut self, outcome: O) -> Result<O::Ok, O::Err> {
        let answer = outcome.into_answer();
        if answer.origin.is_refusal() {
            replayed::refused();
        }
        if let Some(observation) = self.0.take() {
            observation.answered(answer.result.is_ok(), answer.origin);
        }
        answer.result
    }
}

impl Drop for Observed {
    #[inline]
    fn drop(&mut self) {
        if let Some(observation) = self.0.take() {
            observation.dropped();
        }
    }
}

impl fmt::Debug for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Observed").field(&self.0).finish()
    }
}

/// A part of an [`Observed`] call.
#[must_use = "futures do nothing unless polled"]
pub struct Watched<'a, F> {
    call: Pin<&'a mut F>,
    observation: Option<&'a mut Observation>,
}

impl<F> fmt::Debug for Watched<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched")
            .field("observation", &self.observation)
            .finish_non_exhaustive()
    }
}

impl<F: Future> Future for Watched<'_, F> {
    type Output = F::Output;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        // One poll for both: a second one, beside it, would keep the compiler from inlining the call
        // into the place where nobody listens.
        let inside = Inside::enter(this.observation.as_deref_mut());
        let polled = this.call.as_mut().poll(context);
        inside.leave();
        polled
    }
}

/// While it lives the thread is inside of the span.
struct Inside<'a>(Option<&'a mut Observation>);

impl<'a> Inside<'a> {
    #[inline]
    fn enter(mut observation: Option<&'a mut Observation>) -> Self {
        if let Some(observation) = &mut observation {
            observation.enter();
        }
        Self(observation)
    }

    #[inline]
    fn leave(mut self) {
        if let Some(observation) = self.0.take() {
            observation.leave();
        }
    }
}

impl Drop for Inside<'_> {
    /// Only of a poll that panics.
    #[inline]
    fn drop(&mut self) {
        if let Some(observation) = self.0.take() {
            observation.panicked();
        }
    }
}
