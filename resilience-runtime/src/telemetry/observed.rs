//! A call under a span, counted at its end.

use std::fmt;
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
            stage: Stage::NotStarted,
            annotated: self,
        }
    }
}

/// How far the observation is.
#[derive(Debug)]
enum Stage {
    NotStarted,
    /// Nobody listened when the call began.
    Unobserved,
    Observed(Box<Observation>),
}

pin_project! {
    /// A call of an [`Annotated`] function, as its caller awaits it.
    #[must_use = "futures do nothing unless polled"]
    pub struct Observed<F> {
        // `None` once it has answered.
        #[pin]
        call: Option<F>,
        stage: Stage,
        annotated: &'static Annotated,
    }

    impl<F> PinnedDrop for Observed<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let Stage::Observed(observation) = this.stage && this.call.is_some() {
                observation.dropped(|| this.call.set(None));
            }
        }
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
    type Output = Answer<<F::Output as Outcome>::Ok, <F::Output as Outcome>::Err>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(call) = this.call.as_mut().as_pin_mut() else {
            // Polled again after its end: there is no more to come.
            return Poll::Pending;
        };
        if let Stage::NotStarted = this.stage {
            *this.stage =
                match observation::is_wanted().then(|| Observation::begin(this.annotated.name)) {
                    Some(Some(observation)) => Stage::Observed(observation),
                    _ => Stage::Unobserved,
                };
        }
        let polled = match this.stage {
            Stage::Observed(observation) => observation.observe(|| call.poll(context)),
            _ => call.poll(context),
        };
        let Poll::Ready(outcome) = polled else {
            return Poll::Pending;
        };
        this.call.set(None);
        let answer = outcome.into_answer();
        if let Stage::Observed(observation) = this.stage {
            observation.answered(answer.result.is_ok(), answer.origin);
        }
        Poll::Ready(answer)
    }
}
