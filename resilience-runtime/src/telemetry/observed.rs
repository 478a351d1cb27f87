//! A call under a span, counted at its end.

use std::fmt;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::observation::{self, Observation};
use crate::catalog::Annotated;
use crate::outcome::{Answer, Outcome};

impl Annotated {
    /// `call`, seen by whoever listens when it begins: in a span, and counted at its end. It can be
    /// dropped at any time, and `call` is dropped with it, as one that was cancelled.
    pub fn observe<F>(&'static self, call: F) -> Observed<F>
    where
        F: Future<Output: Outcome>,
    {
        Observed {
            call: Some(call),
            observation: None,
            has_begun: false,
            annotated: self,
        }
    }
}

pin_project! {
    /// A call of an [`Annotated`] function, as its caller awaits it.
    #[must_use = "futures do nothing unless polled"]
    pub struct Observed<F> {
        // `None` once it has answered.
        #[pin]
        call: Option<F>,
        // `None` when nobody listened as the call began. Dropped by hand, so that a call which nobody
        // observes has nothing of it in its drop.
        observation: Option<ManuallyDrop<Box<Observation>>>,
        has_begun: bool,
        annotated: &'static Annotated,
    }

    impl<F> PinnedDrop for Observed<F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if let Some(observation) = this.observation.take() {
                end(observation, this.call);
            }
        }
    }
}

/// What is left of an observed call when it is dropped.
#[cold]
fn end<F>(observation: ManuallyDrop<Box<Observation>>, mut call: Pin<&mut Option<F>>) {
    let observation = ManuallyDrop::into_inner(observation);
    if call.is_some() {
        observation.dropped(|| call.set(None));
    }
}

impl<F> fmt::Debug for Observed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observed")
            .field("function", &self.annotated.name)
            .finish_non_exhaustive()
    }
}

impl<F> Future for Observed<F>
where
    F: Future<Output: Outcome>,
{
    type Output = AnswerOf<F::Output>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(call) = this.call.as_mut().as_pin_mut() else {
            // Polled again after its end: there is no more to come.
            return Poll::Pending;
        };
        if !*this.has_begun {
            *this.has_begun = true;
            if observation::is_wanted() {
                *this.observation = Observation::begin(this.annotated.name).map(ManuallyDrop::new);
            }
        }
        if let Some(observation) = this.observation {
            return poll_observed(observation, this.call, context);
        }
        let Poll::Ready(outcome) = call.poll(context) else {
            return Poll::Pending;
        };
        this.call.set(None);
        Poll::Ready(outcome.into_answer())
    }
}

/// The poll of a call that somebody listens to.
#[cold]
fn poll_observed<F>(
    observation: &mut Observation,
    mut call: Pin<&mut Option<F>>,
    context: &mut Context<'_>,
) -> Poll<AnswerOf<F::Output>>
where
    F: Future<Output: Outcome>,
{
    let polled = observation.observe(|| match call.as_mut().as_pin_mut() {
        Some(call) => call.poll(context),
        None => Poll::Pending,
    });
    let Poll::Ready(outcome) = polled else {
        return Poll::Pending;
    };
    call.set(None);
    let answer = outcome.into_answer();
    observation.answered(answer.result.is_ok(), answer.origin);
    Poll::Ready(answer)
}

/// What a call with this outcome answers.
type AnswerOf<O> = Answer<<O as Outcome>::Ok, <O as Outcome>::Err>;
