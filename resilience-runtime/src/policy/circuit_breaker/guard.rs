//! A call under a breaker.

use std::fmt;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::time::Instant;

use super::state::{Ticket, Verdict};
use super::{CircuitBreaker, NotAdmitted};
use crate::error::{Effect, Error};
use crate::outcome::{Answer, Function, Outcome, Refusal};

pin_project! {
    /// A call under a [`CircuitBreaker`]. The breaker is asked at the first poll.
    #[must_use = "futures do nothing unless polled"]
    pub struct Guarded<F, T, E> {
        #[pin]
        call: F,
        stage: Stage,
        breaker: &'static CircuitBreaker,
        function: Function<Result<T, E>>,
    }
}

impl<F, T, E> Guarded<F, T, E> {
    pub(super) fn new(
        breaker: &'static CircuitBreaker,
        call: F,
        function: Function<Result<T, E>>,
    ) -> Self {
        Self {
            call,
            stage: Stage::Asking,
            breaker,
            function,
        }
    }
}

impl<F, T, E> fmt::Debug for Guarded<F, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded")
            .field("function", &self.function)
            .field("breaker", &self.breaker.name)
            .finish_non_exhaustive()
    }
}

/// How far a guarded call is.
#[derive(Debug)]
enum Stage {
    Asking,
    Admitted(Permit),
    Ended,
}

impl Stage {
    /// Ends the call, with what the breaker should know of it.
    fn end(&mut self, verdict: impl FnOnce() -> Verdict) {
        if let Self::Admitted(permit) = mem::replace(self, Self::Ended) {
            permit.settle(verdict());
        }
    }
}

impl<F, T, E> Future for Guarded<F, T, E>
where
    F: Future<Output: Outcome<Ok = T, Err = E>>,
{
    type Output = Answer<T, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match this.stage {
            Stage::Asking => match this.breaker.admit() {
                Ok(permit) => *this.stage = Stage::Admitted(permit),
                Err(refused) => {
                    *this.stage = Stage::Ended;
                    return Poll::Ready(refusal(this.breaker, refused, this.function));
                }
            },
            Stage::Admitted(_) => {}
            // Polled again after its answer: there is no more to come.
            Stage::Ended => return Poll::Pending,
        }
        let watch = PanicWatch(this.stage);
        let polled = this.call.poll(context);
        mem::forget(watch);
        let Poll::Ready(outcome) = polled else {
            return Poll::Pending;
        };
        let answer = outcome.into_answer();
        this.stage.end(|| judge(&answer));
        Poll::Ready(answer)
    }
}

/// What an answer says about the dependency. A call whose body did not run, because an inner
/// policy refused it or had its result already, says nothing.
fn judge<T, E>(answer: &Answer<T, E>) -> Verdict {
    match (answer.origin.effect, &answer.result) {
        (Effect::DidNotRun, _) => Verdict::Withdrawn,
        (_, Ok(_)) => Verdict::Success,
        (_, Err(_)) => Verdict::Failure { at: Instant::now() },
    }
}

/// The answer to a call that was not admitted.
fn refusal<T, E>(
    breaker: &'static CircuitBreaker,
    refused: NotAdmitted,
    function: &Function<Result<T, E>>,
) -> Answer<T, E> {
    let name = breaker.name;
    let (error, refusal) = match refused {
        NotAdmitted::Open { retry_after } => (
            Error::CircuitOpen {
                breaker: name,
                retry_after,
            },
            Refusal::Rejected {
                retry_after: Some(retry_after),
            },
        ),
        NotAdmitted::NameConflict { first, second } => (
            Error::NameConflict {
                kind: "circuit breaker",
                name,
                first,
                second,
            },
            Refusal::Final,
        ),
    };
    Answer::refused(error, refusal, function)
}

/// Dropped only when the call panics in its poll, which is a failure. (A flag of the thread would
/// not do: the call may be polled by a destructor of a thread that panics already.)
struct PanicWatch<'a>(&'a mut Stage);

impl Drop for PanicWatch<'_> {
    fn drop(&mut self) {
        self.0.end(|| Verdict::Failure { at: Instant::now() });
    }
}

/// The place of one admitted call. Dropped before the call has ended, it comes back, and the call
/// counts as nothing.
#[derive(Debug)]
pub(super) struct Permit {
    pub(super) breaker: &'static CircuitBreaker,
    pub(super) ticket: Ticket,
}

impl Permit {
    fn settle(self, verdict: Verdict) {
        self.breaker.settle(self.ticket, verdict);
        mem::forget(self);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        // A closed breaker gives no places away.
        if self.ticket.probe.is_some() {
            self.breaker.settle(self.ticket, Verdict::Withdrawn);
        }
    }
}
