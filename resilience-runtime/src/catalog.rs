//! Every annotated function of the process, known before its first call.

use std::fmt;
use std::time::Duration;

use crate::policy::switch::Switch;

/// The kinds of policy, as the attributes are called.
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
    /// `#[rate_limit]`
    RateLimit,
    /// `#[retry]`
    Retry,
    /// `#[saga]`
    Saga,
    /// `#[saga_step]`
    SagaStep,
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
            Self::RateLimit => "rate_limit",
            Self::Retry => "retry",
            Self::Saga => "saga",
            Self::SagaStep => "saga_step",
            Self::Timeout => "timeout",
        }
    }
}

impl fmt::Display for PolicyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What the catalog and the switchboard know of a policy. Implemented by the types that the
/// attributes declare as statics; not meant for others.
pub trait Policy: Sync {
    /// Which attribute it is of.
    fn kind(&self) -> PolicyKind;

    /// Its own name; `None` when it goes by the name of its function.
    fn name(&self) -> Option<&'static str> {
        None
    }

    /// The options in force, as the attribute would have them: `max_attempts = 4, jitter = full`.
    ///
    /// # Errors
    /// Those of the formatter.
    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;

    /// How long a call may take at most when what stands below takes at most `inner`. `None` is
    /// without a bound.
    fn worst_case(&self, inner: Option<Duration>) -> Option<Duration> {
        inner
    }

    /// The switch, where the policy can be turned off.
    fn switch(&self) -> Option<&Switch> {
        None
    }
}

/// An annotated function: what the attributes on it declare, as one `static`.
pub struct Annotated {
    /// The path of the function.
    pub name: &'static str,
    /// The file it stands in, as the compiler names it.
    pub file: &'static str,
    /// The line of its first attribute.
    pub line: u32,
    /// Its policies, outermost first.
    pub policies: &'static [&'static dyn Policy],
}

impl fmt::Debug for Annotated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Annotated")
            .field("name", &self.name)
            .field("file", &self.file)
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}

/// What an annotated function submits at link time.
#[derive(Debug, Clone, Copy)]
pub struct Entry(pub &'static Annotated);

inventory::collect!(Entry);
