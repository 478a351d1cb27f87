//! A call on its way through a rate limit.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::bucket::{Bucket, Limiter};
use super::limits::Limits;
use super::wait::{self, NotYet, Waiting};
use super::{KeyedRateLimit, RateLimit};
use crate::catalog::PolicyKind;
use crate::error::{Effect, Error};
use crate::outcome::{Answer, Function, Outcome, Refusal};
use crate::policy::identity::{self, Conflict, Shared};
use crate::policy::switch::{PolicyMode, Switch};
use crate::telemetry::{meter, names};

pin_project! {
    /// A call under a [`RateLimit`], which is asked at the first poll.
    #[must_use = "futures do nothing unless polled"]
    pub struct Admitted<F, T, E> {
        #[pin]
        call: F,
        stage: Stage,
        // While it waits.
        #[pin]
        wait: Option<Waiting>,
        gate: Gate,
        function: Function<Result<T, E>>,
    }
}

impl<F, T, E> Admitted<F, T, E> {
    pub(super) fn new(gate: Gate, call: F, function: Function<Result<T, E>>) -> Self {
        Self {
            call,
            stage: Stage::Asking,
            wait: None,
            gate,
            function,
        }
    }
}

impl<F, T, E> fmt::Debug for Admitted<F, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admitted")
            .field("function", &self.function)
            .field("limit", &self.gate.name())
            .finish_non_exhaustive()
    }
}

impl<F, T, E> Future for Admitted<F, T, E>
where
    F: Future<Output: Outcome<Ok = T, Err = E>>,
{
    type Output = Answer<T, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if !this.stage.is_admitted(this.gate) {
            match this.stage.go_on(this.gate, this.wait, context) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(refused)) => {
                    return Poll::Ready(refusal(this.gate, refused, this.function));
                }
                // It waits; or it is polled again after its answer, and there is no more to come.
                Poll::Pending => return Poll::Pending,
            }
        }
        let Poll::Ready(outcome) = this.call.poll(context) else {
            return Poll::Pending;
        };
        *this.stage = Stage::Ended;
        Poll::Ready(outcome.into_answer())
    }
}

/// The limit that is asked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Gate {
    Plain(&'static RateLimit),
    /// With the hash of the key.
    Keyed(&'static KeyedRateLimit, u64),
}

/// How far a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Asking,
    /// In the line of a bucket.
    Waiting,
    Admitted,
    Ended,
}

/// Why a call was not admitted.
#[derive(Clone, Copy)]
enum Refused {
    NotYet(NotYet),
    Conflict(Conflict),
}

impl Stage {
    /// Whether the call may run now: it was admitted before, or is admitted at once.
    #[inline]
    fn is_admitted(&mut self, gate: &Gate) -> bool {
        match self {
            Self::Admitted => return true,
            Self::Waiting | Self::Ended => return false,
            Self::Asking => {}
        }
        // The others go the long way from the start.
        let Gate::Plain(limit) = *gate else {
            return false;
        };
        let (PolicyMode::Enforced, Ok(first)) = (limit.switch.mode(), identity::first(limit))
        else {
            return false;
        };
        let (limiter, bucket) = first.state();
        let is_admitted = limiter.try_take(bucket);
        if is_admitted {
            *self = Self::Admitted;
        }
        is_admitted
    }

    #[inline(never)]
    fn go_on(
        &mut self,
        gate: &Gate,
        mut wait: Pin<&mut Option<Waiting>>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Refused>> {
        if *self == Self::Asking {
            // Ended, unless it is admitted.
            *self = Self::Ended;
            match ask(gate, context)? {
                Some(waiting) => {
                    *self = Self::Waiting;
                    wait.set(Some(waiting));
                }
                None => *self = Self::Admitted,
            }
        }
        let (Self::Waiting, Some(waiting)) = (*self, wait.as_mut().as_pin_mut()) else {
            return match self {
                Self::Admitted => Poll::Ready(Ok(())),
                _ => Poll::Pending,
            };
        };
        let Poll::Ready(waited) = waiting.poll(context) else {
            return Poll::Pending;
        };
        // Out of the line.
        wait.set(None);
        *self = match waited {
            Ok(()) => Self::Admitted,
            Err(_) => Self::Ended,
        };
        Poll::Ready(waited.map_err(Refused::NotYet))
    }
}

/// Whether a call is admitted at once, or waits.
fn ask(gate: &Gate, context: &Context<'_>) -> Result<Option<Waiting>, Refused> {
    let mode = gate.switch().mode();
    if mode == PolicyMode::Disabled {
        return Ok(None);
    }
    let (limits, limiter, bucket) = match (gate.bucket(), mode) {
        (Ok(found), _) => found,
        (Err(conflict), PolicyMode::Enforced) => return Err(Refused::Conflict(conflict)),
        (Err(_), _) => {
            gate.would_have_acted();
            return Ok(None);
        }
    };
    if mode == PolicyMode::Shadow {
        if wait::would_be_refused(limits, limiter, &bucket) {
            gate.would_have_acted();
        }
        return Ok(None);
    }
    if limiter.try_take(&bucket) {
        return Ok(None);
    }
    Waiting::begin(limits, limiter, bucket, context.waker()).map_err(Refused::NotYet)
}

impl Gate {
    fn name(&self) -> &'static str {
        match self {
            Self::Plain(limit) => limit.identity().name(),
            Self::Keyed(limit, _) => limit.identity().name(),
        }
    }

    fn switch(&self) -> &'static Switch {
        match *self {
            Self::Plain(limit) => &limit.switch,
            Self::Keyed(limit, _) => &limit.switch,
        }
    }

    fn bucket(&self) -> Result<(&'static Limits, &'static Limiter, Bucket), Conflict> {
        match *self {
            Self::Plain(limit) => {
                let first = identity::first(limit)?;
                let (limiter, bucket) = first.state();
                Ok((&first.limits, limiter, bucket.clone()))
            }
            Self::Keyed(limit, key) => {
                let first = identity::first(limit)?;
                let (limiter, bucket) = first.bucket(key);
                Ok((first.limits(), limiter, bucket))
            }
        }
    }

    fn conflict(&self, conflict: Conflict) -> Error {
        match *self {
            Self::Plain(limit) => conflict.error(limit),
            Self::Keyed(limit, _) => conflict.error(limit),
        }
    }

    #[cold]
    fn would_have_acted(&self) {
        self.switch().note(PolicyKind::RateLimit, self.name());
    }
}

/// The answer to a call that was not admitted.
#[cold]
fn refusal<T, E>(gate: &Gate, refused: Refused, function: &Function<Result<T, E>>) -> Answer<T, E> {
    let limit = gate.name();
    let not_yet = match refused {
        Refused::NotYet(not_yet) => not_yet,
        Refused::Conflict(conflict) => {
            return Answer::refused(gate.conflict(conflict), Refusal::Final, function);
        }
    };
    let error = match not_yet.left {
        None => Error::RateLimited {
            limit,
            retry_after: not_yet.needed,
        },
        Some(left) => Error::DeadlineTooClose {
            function: function.name,
            needed: not_yet.needed,
            left,
            effect: Effect::DidNotRun,
            source: None,
        },
    };
    tracing::debug!(target: "resilience", limit, function = function.name, %error, "rejected by a rate limit");
    meter::count(names::RATE_LIMIT_REJECTIONS, "limit", limit);
    let retry_after = Some(not_yet.needed);
    Answer::refused(error, Refusal::Rejected { retry_after }, function)
}
