//! The attributes as a model: only a valid policy can be built, and only a valid one expanded.

mod bulkhead;
mod circuit_breaker;
pub(crate) mod defaults;
mod fallback;
mod hedge;
mod idempotent;
mod locked;
pub(crate) mod owner;
mod rate_limit;
mod retry;
mod saga;
mod saga_step;
mod single_flight;
mod timeout;

use proc_macro2::Span;
use syn::{Ident, LitStr};

use crate::args::Args;
use crate::diagnostics::Diagnostics;

pub(crate) use bulkhead::{Bulkhead, BulkheadOptions};
pub(crate) use circuit_breaker::{
    CircuitBreaker, CircuitBreakerOptions, OnCancel, OpenFor, Probe, Window,
};
pub(crate) use fallback::{Fallback, Instead};
pub(crate) use hedge::{Hedge, HedgeOptions, HedgeStart};
pub(crate) use idempotent::{Idempotent, Leased, OnSchemaChange, Run, WhenUnavailable};
pub(crate) use locked::{Locked, Reach};
pub(crate) use owner::Owner;
pub(crate) use rate_limit::{RateLimit, RateLimitOptions};
pub(crate) use retry::{Again, Backoff, Budget, Jitter, Retry, RetryOptions};
pub(crate) use saga::{Identity, OnDead, Recover, Saga};
pub(crate) use saga_step::{Compensation, SagaStep};
pub(crate) use single_flight::SingleFlight;
pub(crate) use timeout::Timeout;

/// The attributes that there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Bulkhead,
    CircuitBreaker,
    Fallback,
    Hedge,
    Idempotent,
    Locked,
    RateLimit,
    Retry,
    Saga,
    SagaStep,
    SingleFlight,
    Timeout,
}

impl Kind {
    pub(crate) const ALL: [Self; 12] = [
        Self::Bulkhead,
        Self::CircuitBreaker,
        Self::Fallback,
        Self::Hedge,
        Self::Idempotent,
        Self::Locked,
        Self::RateLimit,
        Self::Retry,
        Self::Saga,
        Self::SagaStep,
        Self::SingleFlight,
        Self::Timeout,
    ];

    /// The attribute's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bulkhead => "bulkhead",
            Self::CircuitBreaker => "circuit_breaker",
            Self::Fallback => "fallback",
            Self::Hedge => "hedge",
            Self::Idempotent => "idempotent",
            Self::Locked => "locked",
            Self::RateLimit => "rate_limit",
            Self::Retry => "retry",
            Self::Saga => "saga",
            Self::SagaStep => "saga_step",
            Self::SingleFlight => "single_flight",
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

    /// Whether the policy can answer instead of the body, with a failure of its own that the error
    /// type must be able to carry.
    pub(crate) fn refuses(self) -> bool {
        !matches!(self, Self::Fallback | Self::Hedge | Self::Retry)
    }

    /// Whether the policy judges errors of the body.
    pub(crate) fn judges(self) -> bool {
        matches!(
            self,
            Self::CircuitBreaker | Self::Fallback | Self::Hedge | Self::Retry
        )
    }
}

/// One valid policy.
#[expect(
    clippy::large_enum_variant,
    reason = "there is a handful of them per function"
)]
pub(crate) enum Policy {
    Bulkhead(Bulkhead),
    CircuitBreaker(CircuitBreaker),
    Fallback(Fallback),
    Hedge(Hedge),
    Idempotent(Idempotent),
    Locked(Locked),
    RateLimit(RateLimit),
    Retry(Retry),
    Saga(Saga),
    SagaStep(SagaStep),
    SingleFlight(SingleFlight),
    Timeout(Timeout),
}

impl Policy {
    /// The policy that `args` describe; mistakes are reported, and then there is none.
    pub(crate) fn parse(kind: Kind, args: Args, diagnostics: &Diagnostics) -> Option<Self> {
        match kind {
            Kind::Bulkhead => Bulkhead::parse(args, diagnostics).map(Self::Bulkhead),
            Kind::CircuitBreaker => {
                CircuitBreaker::parse(args, diagnostics).map(Self::CircuitBreaker)
            }
            Kind::Fallback => Fallback::parse(args, diagnostics).map(Self::Fallback),
            Kind::Hedge => Hedge::parse(args, diagnostics).map(Self::Hedge),
            Kind::Idempotent => Idempotent::parse(args, diagnostics).map(Self::Idempotent),
            Kind::Locked => Locked::parse(args, diagnostics).map(Self::Locked),
            Kind::RateLimit => RateLimit::parse(args, diagnostics).map(Self::RateLimit),
            Kind::Retry => Retry::parse(args, diagnostics).map(Self::Retry),
            Kind::Saga => Saga::parse(args, diagnostics).map(Self::Saga),
            Kind::SagaStep => SagaStep::parse(args, diagnostics).map(Self::SagaStep),
            Kind::SingleFlight => SingleFlight::parse(args, diagnostics).map(Self::SingleFlight),
            Kind::Timeout => Timeout::parse(args, diagnostics).map(Self::Timeout),
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Bulkhead(_) => Kind::Bulkhead,
            Self::CircuitBreaker(_) => Kind::CircuitBreaker,
            Self::Fallback(_) => Kind::Fallback,
            Self::Hedge(_) => Kind::Hedge,
            Self::Idempotent(_) => Kind::Idempotent,
            Self::Locked(_) => Kind::Locked,
            Self::RateLimit(_) => Kind::RateLimit,
            Self::Retry(_) => Kind::Retry,
            Self::Saga(_) => Kind::Saga,
            Self::SagaStep(_) => Kind::SagaStep,
            Self::SingleFlight(_) => Kind::SingleFlight,
            Self::Timeout(_) => Kind::Timeout,
        }
    }

    /// Whether `#[state]` says something to the policy: it looks at the arguments by itself.
    pub(crate) fn reads_arguments(&self) -> bool {
        match self {
            Self::SingleFlight(policy) => policy.key.is_none(),
            policy => policy.kind().keeps_records(),
        }
    }

    /// The parameter that is the connection, where a policy shares a transaction with the body.
    pub(crate) fn transaction(&self) -> Option<&Ident> {
        match self {
            Self::Idempotent(policy) => policy.transaction(),
            Self::SagaStep(policy) => policy.transaction.as_ref(),
            _ => None,
        }
    }

    /// Whose method it is, where `#[saga_steps]` says so.
    pub(crate) fn owner(&self) -> Option<&Owner> {
        match self {
            Self::Saga(policy) => policy.owner.as_ref(),
            Self::SagaStep(policy) => policy.owner.as_ref(),
            _ => None,
        }
    }

    /// Where the attribute stands.
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Bulkhead(policy) => policy.span,
            Self::CircuitBreaker(policy) => policy.span,
            Self::Fallback(policy) => policy.span,
            Self::Hedge(policy) => policy.span,
            Self::Idempotent(policy) => policy.span,
            Self::Locked(policy) => policy.span,
            Self::RateLimit(policy) => policy.span,
            Self::Retry(policy) => policy.span,
            Self::Saga(policy) => policy.span,
            Self::SagaStep(policy) => policy.span,
            Self::SingleFlight(policy) => policy.span,
            Self::Timeout(policy) => policy.span,
        }
    }
}

/// What a function depends on: its circuit breaker is named after it, and the retries and hedges of
/// all that depend on it share a budget.
pub(crate) fn dependency(policies: &[Policy]) -> Option<&LitStr> {
    policies.iter().find_map(|policy| match policy {
        Policy::CircuitBreaker(breaker) => breaker.definition.here()?.name.as_ref(),
        _ => None,
    })
}
