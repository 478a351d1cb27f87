//! The attributes as a model: only a valid policy can be built, and only a valid one expanded.

mod circuit_breaker;
mod idempotent;
mod retry;
mod saga;
mod saga_step;
mod timeout;

use proc_macro2::Span;

use crate::args::Args;
use crate::diagnostics::Diagnostics;

pub(crate) use circuit_breaker::{CircuitBreaker, CircuitBreakerOptions};
pub(crate) use idempotent::Idempotent;
pub(crate) use retry::{Again, Backoff, Jitter, Retry};
pub(crate) use saga::Saga;
pub(crate) use saga_step::{Compensation, SagaStep};
pub(crate) use timeout::Timeout;

/// The attributes that there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    CircuitBreaker,
    Idempotent,
    Retry,
    Saga,
    SagaStep,
    Timeout,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] = [
        Self::CircuitBreaker,
        Self::Idempotent,
        Self::Retry,
        Self::Saga,
        Self::SagaStep,
        Self::Timeout,
    ];

    /// The attribute's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CircuitBreaker => "circuit_breaker",
            Self::Idempotent => "idempotent",
            Self::Retry => "retry",
            Self::Saga => "saga",
            Self::SagaStep => "saga_step",
            Self::Timeout => "timeout",
        }
    }

    /// The attribute of this name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether the attribute keeps records in a store, and so writes arguments down.
    pub(crate) fn keeps_records(self) -> bool {
        matches!(self, Self::Idempotent | Self::Saga | Self::SagaStep)
    }
}

/// One valid policy.
#[expect(
    clippy::large_enum_variant,
    reason = "there is a handful of them per function"
)]
pub(crate) enum Policy {
    CircuitBreaker(CircuitBreaker),
    Idempotent(Idempotent),
    Retry(Retry),
    Saga(Saga),
    SagaStep(SagaStep),
    Timeout(Timeout),
}

impl Policy {
    /// The policy that `args` describe; mistakes are reported, and then there is none.
    pub(crate) fn parse(kind: Kind, args: Args, diagnostics: &Diagnostics) -> Option<Self> {
        match kind {
            Kind::CircuitBreaker => {
                CircuitBreaker::parse(args, diagnostics).map(Self::CircuitBreaker)
            }
            Kind::Idempotent => Idempotent::parse(args, diagnostics).map(Self::Idempotent),
            Kind::Retry => Retry::parse(args, diagnostics).map(Self::Retry),
            Kind::Saga => Saga::parse(args, diagnostics).map(Self::Saga),
            Kind::SagaStep => SagaStep::parse(args, diagnostics).map(Self::SagaStep),
            Kind::Timeout => Timeout::parse(args, diagnostics).map(Self::Timeout),
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::CircuitBreaker(_) => Kind::CircuitBreaker,
            Self::Idempotent(_) => Kind::Idempotent,
            Self::Retry(_) => Kind::Retry,
            Self::Saga(_) => Kind::Saga,
            Self::SagaStep(_) => Kind::SagaStep,
            Self::Timeout(_) => Kind::Timeout,
        }
    }

    /// Where the attribute stands.
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::CircuitBreaker(policy) => policy.span,
            Self::Idempotent(policy) => policy.span,
            Self::Retry(policy) => policy.span,
            Self::Saga(policy) => policy.span,
            Self::SagaStep(policy) => policy.span,
            Self::Timeout(policy) => policy.span,
        }
    }
}
