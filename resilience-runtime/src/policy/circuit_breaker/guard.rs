//! A call under a breaker.

use std::fmt;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::time::Instant;

use super::state::{Ticket, Verdict};
use super::{CircuitBreaker, NotAdmitted};
use crate::error::{Effect, Error, Opening};
use crate::outcome::{Answer, Function, Outcome, Refusal};

pin_project! {
    /// A call under a [`CircuitBreaker`]. The breaker is asked at the first poll.
    #[must_use = "futures do nothing unless polled"]
    pub struct Guarded<F, T, E> {
        #[pin]
        call: F,
        seat: Seat,
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
            seat: Seat::not_taken(breaker),
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

impl<F, T, E> Future for Guarded<F, T, E>
where
    F: Future<Output: Outcome<Ok = T, Err = E>>,
{
    type Output = Answer<T, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match this.seat.stage {
            Stage::Asking => {
                if let Err(refused) = this.seat.take() {
                    return Poll::Ready(refusal(this.breaker, refused, this.function));
                }
            }
            Stage::Admitted => {}
            // Polled again after its answer: there is no more to come.
            Stage::Ended => return Poll::Pending,
        }
        let watch = PanicWatch(this.seat);
        let polled = this.call.poll(context);
        mem::forget(watch);
        let Poll::Ready(outcome) = polled else {
            return Poll::Pending;
        };
        let answer = outcome.into_answer();
        this.seat.give_back(judge(&answer));
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
                cause: Opening::UNKNOWN,
            },
            Refusal::Rejected {
                retry_after: Some(retry_after),
            },
        ),
        NotAdmitted::NameConflict { first } => (
            Error::NameConflict {
                kind: "circuit breaker",
                name,
                first: first.place(),
                second: breaker.place(),
            },
            Refusal::Final,
        ),
    };
    Answer::refused(error, refusal, function)
}

/// How far a guarded call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Asking,
    Admitted,
    Ended,
}

/// The place of one call. Dropped before the call has ended, it comes back, and the call counts as
/// nothing.
///
/// It is filled in where it lies. As an enum that holds the ticket it would be copied about, which
/// costs more than asking the breaker.
#[derive(Debug)]
struct Seat {
    stage: Stage,
    /// Valid once admitted.
    ticket: Ticket,
    /// The one that is asked, and from then on the one that admitted the call.
    breaker: &'static CircuitBreaker,
}

impl Seat {
    fn not_taken(breaker: &'static CircuitBreaker) -> Self {
        Self {
            stage: Stage::Asking,
            ticket: Ticket::FIRST,
            breaker,
        }
    }

    #[inline]
    fn take(&mut self) -> Result<(), NotAdmitted> {
        if let Some(ticket) = self.breaker.admit_when_quiet() {
            self.ticket = ticket;
            self.stage = Stage::Admitted;
            return Ok(());
        }
        self.stage = Stage::Ended;
        let (breaker, ticket) = self.breaker.admit_slowly()?;
        self.breaker = breaker;
        self.ticket = ticket;
        self.stage = Stage::Admitted;
        Ok(())
    }

    #[inline]
    fn give_back(&mut self, verdict: Verdict) {
        if self.stage == Stage::Admitted {
            self.stage = Stage::Ended;
            self.breaker.settle(self.ticket, verdict);
        }
    }
}

impl Drop for Seat {
    #[inline]
    fn drop(&mut self) {
        // A closed breaker keeps no places.
        if self.ticket.probe.is_some() {
            self.give_back(Verdict::Withdrawn);
        }
    }
}

/// Dropped only when the call panics in its poll, which is a failure. (A flag of the thread would
/// not do: the call may be polled by a destructor of a thread that panics already.)
struct PanicWatch<'a>(&'a mut Seat);

impl Drop for PanicWatch<'_> {
    fn drop(&mut self) {
        self.0.give_back(Verdict::Failure { at: Instant::now() });
    }
}
