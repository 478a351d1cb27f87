//! A call under a breaker.

use std::fmt;
use std::mem;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;

use super::CircuitBreaker;
use super::announce::{self, Ended};
use super::gate::{Admission, Gate, Refused};
use super::moment::Moment;
use super::rules::OnCancel;
use super::state::{Ticket, Verdict};
use crate::classify::Class;
use crate::error::{Effect, Error};
use crate::outcome::{Answer, Errors, Function, Judgement, Origin, Outcome, Refusal};

pin_project! {
    /// A call under a [`CircuitBreaker`]. The breaker is asked at the first poll.
    #[must_use = "futures do nothing unless polled"]
    pub struct Guarded<F, T, E, J = ByClass, G = &'static CircuitBreaker>
    where
        G: Gate,
    {
        #[pin]
        call: F,
        seat: Seat<G>,
        function: Function<Result<T, E>>,
        errors: Errors<Result<T, E>>,
        judge: J,
    }
}

/// What the errors of a body say about the dependency.
pub trait Judge<T, E> {
    /// What `result`, a body's error, says.
    fn judge(&self, result: &Result<T, E>, errors: &Errors<Result<T, E>>) -> Judgement;
}

/// As their type says by [`Classify`](crate::classify::Classify); else each is a failure.
#[derive(Debug, Clone, Copy)]
pub struct ByClass;

impl<T, E> Judge<T, E> for ByClass {
    fn judge(&self, result: &Result<T, E>, errors: &Errors<Result<T, E>>) -> Judgement {
        match errors.class(result) {
            None | Some(Class::Transient | Class::Throttled { .. }) => Judgement::Failure,
            Some(Class::Permanent) => Judgement::Success,
            Some(Class::Ignored) => Judgement::Ignored,
        }
    }
}

impl<T, E, J: Fn(&E) -> Judgement> Judge<T, E> for J {
    fn judge(&self, result: &Result<T, E>, _: &Errors<Result<T, E>>) -> Judgement {
        result.as_ref().err().map_or(Judgement::Success, self)
    }
}

impl<F, T, E, J, G: Gate> Guarded<F, T, E, J, G> {
    #[inline]
    pub(super) fn new(
        gate: G,
        call: F,
        function: Function<Result<T, E>>,
        errors: Errors<Result<T, E>>,
        judge: J,
    ) -> Self {
        Self {
            call,
            seat: Seat::not_taken(gate),
            function,
            errors,
            judge,
        }
    }
}

impl<F, T, E, J, G: Gate> fmt::Debug for Guarded<F, T, E, J, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded")
            .field("function", &self.function)
            .field("breaker", &self.seat.gate.name())
            .finish_non_exhaustive()
    }
}

impl<F, T, E, J, G> Future for Guarded<F, T, E, J, G>
where
    F: Future<Output: Outcome<Ok = T, Err = E>>,
    J: Judge<T, E>,
    G: Gate,
{
    type Output = Answer<T, E>;

    // Always: called, it would hand its answer over in memory, written in parts and read as a whole,
    // at every layer above it again.
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match this.seat.stage {
            Stage::Asking => {
                if !this.seat.take_quickly() {
                    if let Some(wait) = this.seat.reject_quickly(this.function.name) {
                        let wait = Duration::from_nanos(wait);
                        return Poll::Ready(rejection(this.seat.gate, wait, this.function));
                    }
                    if let Some(answer) = this.seat.take_slowly(this.function) {
                        return Poll::Ready(answer);
                    }
                }
            }
            Stage::Watched | Stage::Unwatched => {}
            // Polled again after its answer: there is no more to come.
            Stage::Ended => return Poll::Pending,
        }
        let watch = PanicWatch(this.seat);
        let polled = this.call.poll(context);
        mem::forget(watch);
        let Poll::Ready(outcome) = polled else {
            return Poll::Pending;
        };
        let Answer { result, origin } = outcome.into_answer();
        // The value is taken out and put back, and nobody is shown the place where it lies: written
        // to memory in parts and read as a whole it would cost more than all the rest.
        let answer = match result {
            Ok(value) if origin.effect() != Effect::DidNotRun => {
                this.seat.succeed();
                Answer {
                    result: Ok(value),
                    origin,
                }
            }
            result => {
                let answer = Answer { result, origin };
                this.seat.settle(answer, this.errors, this.judge)
            }
        };
        Poll::Ready(answer)
    }
}

/// What an answer says about the dependency. A call whose body did not run, because an inner
/// policy refused it or had its result already, says nothing. What an inner policy refused after
/// the body had run is a failure, whatever the caller thinks of the error.
fn judgement<T, E>(
    answer: &Answer<T, E>,
    errors: &Errors<Result<T, E>>,
    judge: &impl Judge<T, E>,
) -> Judgement {
    match (answer.origin.effect(), &answer.result) {
        (Effect::DidNotRun, _) => Judgement::Ignored,
        (_, Ok(_)) => Judgement::Success,
        (_, Err(_)) if answer.origin.refusal().is_some() => Judgement::Failure,
        (_, Err(_)) => judge.judge(&answer.result, errors),
    }
}

/// The answer to a call that is rejected.
#[inline]
fn rejection<T, E>(
    gate: impl Gate,
    retry_after: Duration,
    function: &Function<Result<T, E>>,
) -> Answer<T, E> {
    let error = Error::CircuitOpen {
        breaker: gate.name(),
        retry_after,
        cause: gate.opening(),
    };
    Answer {
        result: (function.refuse)(error),
        origin: Origin::open_circuit(retry_after),
    }
}

/// The answer to a call of a breaker whose name another configuration has.
#[cold]
#[inline(never)]
fn conflict<T, E>(
    name: &'static str,
    [first, second]: [Option<&'static Location<'static>>; 2],
    function: &Function<Result<T, E>>,
) -> Answer<T, E> {
    let error = Error::NameConflict {
        kind: "circuit breaker",
        name,
        first: written(first),
        second: written(second),
    };
    Answer::refused(error, Refusal::Final, function)
}

fn written(place: Option<&'static Location<'static>>) -> String {
    place
        .map(|place| format!("{}:{}", place.file(), place.line()))
        .unwrap_or_default()
}

/// How far a guarded call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Asking,
    Watched,
    /// It runs, and the breaker does not want to hear of it.
    Unwatched,
    Ended,
}

/// The place of one call. Dropped before the call has ended, it comes back.
///
/// It is filled in where it lies. As an enum that holds the ticket it would be copied about, which
/// costs more than asking the breaker.
#[derive(Debug)]
struct Seat<G: Gate> {
    stage: Stage,
    /// Valid once admitted.
    ticket: Ticket,
    /// When the call was admitted, where slow calls are judged.
    since: Moment,
    /// The one that is asked, and from then on the one that admitted the call.
    gate: G,
}

impl<G: Gate> Seat<G> {
    #[inline]
    fn not_taken(gate: G) -> Self {
        Self {
            stage: Stage::Asking,
            ticket: Ticket::of(0),
            since: Moment::NEVER,
            gate,
        }
    }

    /// Takes it, if nothing is to be decided.
    #[inline]
    fn take_quickly(&mut self) -> bool {
        let Some(ticket) = self.gate.admit_quickly() else {
            return false;
        };
        self.ticket = ticket;
        self.stage = Stage::Watched;
        if self.gate.rules().judges_slow_calls() {
            self.note_time();
        }
        true
    }

    /// For how many nanoseconds the call is rejected, if that needs no lock.
    #[inline(never)]
    fn reject_quickly(&mut self, function: &'static str) -> Option<u64> {
        let wait = self.gate.reject_quickly()?;
        self.stage = Stage::Ended;
        announce::rejected(self.gate.name(), function, wait);
        Some(wait)
    }

    /// Takes it; or answers, if the call may not run.
    #[cold]
    #[inline(never)]
    fn take_slowly<T, E>(&mut self, function: &Function<Result<T, E>>) -> Option<Answer<T, E>> {
        self.stage = Stage::Ended;
        let name = self.gate.name();
        match self.gate.admit_slowly() {
            Ok(Admission::Watched(ticket)) => {
                self.ticket = ticket;
                self.stage = Stage::Watched;
            }
            Ok(Admission::Unwatched) => self.stage = Stage::Unwatched,
            Err(refused) => {
                announce::count(name, Ended::Rejected);
                return Some(match refused {
                    Refused::Open { retry_after } => {
                        announce::rejected_aloud(name, function.name, retry_after);
                        rejection(self.gate, retry_after, function)
                    }
                    Refused::NameConflict(places) => conflict(name, places, function),
                });
            }
        }
        if self.gate.rules().judges_slow_calls() {
            self.note_time();
        }
        None
    }

    #[inline(never)]
    fn note_time(&mut self) {
        self.since = Moment::now();
    }

    /// The call has ended well.
    #[inline]
    fn succeed(&mut self) {
        let quick = self.stage == Stage::Watched
            && !self.gate.rules().judges_slow_calls()
            && self.gate.succeed_quickly(self.ticket);
        if quick {
            self.stage = Stage::Ended;
            announce::count(self.gate.name(), Ended::Succeeded);
        } else {
            self.give_back(Judgement::Success, || None);
        }
    }

    /// The call has ended otherwise.
    #[cold]
    #[inline(never)]
    fn settle<T, E>(
        &mut self,
        answer: Answer<T, E>,
        errors: &Errors<Result<T, E>>,
        judge: &impl Judge<T, E>,
    ) -> Answer<T, E> {
        let judgement = judgement(&answer, errors, judge);
        self.give_back(judgement, || errors.text(&answer.result));
        answer
    }

    #[inline(never)]
    fn give_back(&mut self, judgement: Judgement, cause: impl FnOnce() -> Option<String>) {
        let watched = self.stage == Stage::Watched;
        self.stage = Stage::Ended;
        if !watched {
            return;
        }
        let (verdict, ended) = match judgement {
            Judgement::Success => (
                Verdict::Success {
                    slow: self.is_slow(),
                },
                Ended::Succeeded,
            ),
            Judgement::Failure => (
                Verdict::Failure {
                    slow: self.is_slow(),
                },
                Ended::Failed,
            ),
            Judgement::Ignored => (Verdict::Withdrawn, Ended::Otherwise),
        };
        let quick =
            verdict == Verdict::Success { slow: false } && self.gate.succeed_quickly(self.ticket);
        if !quick {
            self.gate.settle_slowly(self.ticket, verdict, cause);
        }
        announce::count(self.gate.name(), ended);
    }

    #[inline]
    fn is_slow(&self) -> bool {
        let rules = self.gate.rules();
        rules.judges_slow_calls() && Moment::now().since(self.since) >= rules.slow_after()
    }

    #[cold]
    fn cancel(&mut self) {
        let judgement = match self.gate.rules().on_cancel {
            OnCancel::Ignore => Judgement::Ignored,
            OnCancel::Failure => Judgement::Failure,
        };
        self.give_back(judgement, || None);
    }
}

impl<G: Gate> Drop for Seat<G> {
    #[inline]
    fn drop(&mut self) {
        if self.stage == Stage::Watched {
            self.cancel();
        }
    }
}

/// Dropped only when the call panics in its poll, which is a failure. (A flag of the thread would
/// not do: the call may be polled by a destructor of a thread that panics already.)
struct PanicWatch<'a, G: Gate>(&'a mut Seat<G>);

impl<G: Gate> Drop for PanicWatch<'_, G> {
    fn drop(&mut self) {
        self.0
            .give_back(Judgement::Failure, || Some("a panic".to_owned()));
    }
}
