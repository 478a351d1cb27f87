//! What an error means to the policies.

use std::sync::Arc;
use std::time::Duration;

use crate::error::{Effect, Error};

/// What an error says about the dependency, and about whether another attempt makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Class {
    /// The problem may be gone at the next attempt. The call is retried, the circuit breaker counts a
    /// failure, and a fallback answers.
    Transient,
    /// The dependency asks for fewer calls. The call is retried, but not before `retry_after` has passed;
    /// the circuit breaker counts a failure, and a fallback answers.
    Throttled {
        /// How long the dependency asks callers to wait, if it says so.
        retry_after: Option<Duration>,
    },
    /// The dependency works, and this is its answer. The call is not retried, the circuit breaker counts
    /// a success, and a fallback passes the error on.
    Permanent,
    /// The error says nothing about the dependency; an example is a cancelled request. The call is not
    /// retried, the circuit breaker counts nothing, and a fallback passes the error on.
    Ignored,
}

/// An error type that says what each of its errors means. `#[derive(Classify)]` implements it.
///
/// `#[retry]`, `#[circuit_breaker]` and `#[fallback]` use it unless they have patterns of their own.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what its errors mean: it is not `Classify`",
    label = "the policies have nothing to ask",
    note = "derive `resilience::Classify` for `{Self}`, or give the variant that holds it a class of \
            its own instead of `transparent`"
)]
pub trait Classify {
    /// What this error means.
    fn classify(&self) -> Class;
}

impl<E: Classify + ?Sized> Classify for Box<E> {
    fn classify(&self) -> Class {
        (**self).classify()
    }
}

impl<E: Classify + ?Sized> Classify for Arc<E> {
    fn classify(&self) -> Class {
        (**self).classify()
    }
}

/// The class of a policy's failure, for error types that pass it on with `#[classify(transparent)]`.
///
/// | the failure | its class |
/// |---|---|
/// | `TimedOut`, `BulkheadFull`, `InProgress` | transient |
/// | `CircuitOpen`, `RateLimited` | throttled, for the time that they state |
/// | `RetryBudgetExhausted`, `DeadlineTooClose`, if the body ran or may have run | transient: it failed, and was not tried again |
/// | any other | ignored: a mistake in the program, or a matter of records |
impl Classify for Error {
    fn classify(&self) -> Class {
        match self {
            Self::TimedOut { .. } | Self::BulkheadFull { .. } | Self::InProgress { .. } => {
                Class::Transient
            }
            Self::CircuitOpen { retry_after, .. } | Self::RateLimited { retry_after, .. } => {
                Class::Throttled {
                    retry_after: Some(*retry_after),
                }
            }
            // The dependency failed, and a policy inside gave up on it: outside of that policy it is a
            // failure like the one that it ended with.
            Self::RetryBudgetExhausted { effect, .. } | Self::DeadlineTooClose { effect, .. }
                if *effect != Effect::DidNotRun =>
            {
                Class::Transient
            }
            // A mistake in the program, or a record: neither says how the dependency is, and another
            // attempt would meet the same.
            _ => Class::Ignored,
        }
    }
}

/// The type of a field that `#[classify(throttled(after = ..))]` can name: it says how long to wait.
#[diagnostic::on_unimplemented(
    message = "`after` names a field that says how long to wait, not a `{Self}`",
    label = "not a `Duration`",
    note = "give the field the type `std::time::Duration` or `Option<Duration>`"
)]
pub trait RetryAfter {
    /// How long to wait, if this is known.
    fn retry_after(&self) -> Option<Duration>;
}

impl RetryAfter for Duration {
    fn retry_after(&self) -> Option<Duration> {
        Some(*self)
    }
}

impl RetryAfter for Option<Duration> {
    fn retry_after(&self) -> Option<Duration> {
        *self
    }
}

/// How long `field` asks to wait.
pub fn retry_after(field: &impl RetryAfter) -> Option<Duration> {
    field.retry_after()
}
