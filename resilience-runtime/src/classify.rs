//! What the errors of a type mean to the policies.

use std::sync::Arc;
use std::time::Duration;

use crate::error::{Effect, Error};

/// What an error says about another attempt, and about the dependency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Class {
    /// It may be over at the next attempt: retried, a failure for the circuit breaker, answered by a
    /// fallback.
    Transient,
    /// The dependency asks for less: retried, but not before `retry_after`; a failure for the
    /// circuit breaker; answered by a fallback.
    Throttled {
        /// How long the dependency asks to wait, where it says so.
        retry_after: Option<Duration>,
    },
    /// The dependency works, and this is its answer: not retried, a success for the circuit
    /// breaker, handed on by a fallback.
    Permanent,
    /// It says nothing about the dependency, a cancelled request for example: not retried, not
    /// counted by the circuit breaker, handed on by a fallback.
    Ignored,
}

/// An error type that says what each of its errors means. `#[derive(Classify)]` writes it.
///
/// `#[retry]`, `#[circuit_breaker]` and `#[fallback]` ask it where they name no patterns.
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

/// For errors that carry a policy's failure of a call inside: `#[classify(transparent)]`.
///
/// | the failure | its class |
/// |---|---|
/// | `TimedOut`, `BulkheadFull`, `InProgress` | transient |
/// | `CircuitOpen`, `RateLimited` | throttled, for as long as they say |
/// | `RetryBudgetExhausted`, `DeadlineTooClose`, when the body ran | transient: it failed, and was not tried again |
/// | every other | ignored: a mistake in the program, or a record |
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

/// What `#[classify(throttled(after = ..))]` can name: a field that says how long to wait.
#[diagnostic::on_unimplemented(
    message = "`after` names a field that says how long to wait, not a `{Self}`",
    label = "not a `Duration`",
    note = "give the field the type `std::time::Duration` or `Option<Duration>`"
)]
pub trait RetryAfter {
    /// The time, where it is known.
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
