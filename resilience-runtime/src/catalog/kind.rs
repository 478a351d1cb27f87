//! The kinds of policy.

use std::fmt;

/// The kinds of policy, which are named like the attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum PolicyKind {
    /// `#[bulkhead]`
    Bulkhead,
    /// `#[circuit_breaker]`
    CircuitBreaker,
    /// `#[fallback]`
    Fallback,
    /// `#[hedge]`
    Hedge,
    /// `#[idempotent]`
    Idempotent,
    /// `#[locked]`
    Locked,
    /// `#[rate_limit]`
    RateLimit,
    /// `#[retry]`
    Retry,
    /// `#[saga]`
    Saga,
    /// `#[saga_step]`
    SagaStep,
    /// `#[single_flight]`
    SingleFlight,
    /// `#[timeout]`
    Timeout,
}

impl PolicyKind {
    /// The name of the attribute.
    #[must_use]
    pub const fn name(self) -> &'static str {
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

    /// Whether policies of this kind keep records or locks, and so cannot be turned off: what they did for one
    /// call binds the next one.
    #[must_use]
    pub const fn keeps_records(self) -> bool {
        matches!(
            self,
            Self::Idempotent | Self::Locked | Self::Saga | Self::SagaStep
        )
    }
}

impl fmt::Display for PolicyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
