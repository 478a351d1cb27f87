//! `#[circuit_breaker(name = "warehouse", failure_threshold = 5, open_for = 60s)]`, or
//! `#[circuit_breaker(WAREHOUSE)]` for a `static`.

mod options;

use proc_macro2::Span;
use syn::{Expr, Pat};

use crate::args::Args;
use crate::diagnostics::Diagnostics;
use crate::options::{Definition, Options};

pub(crate) use options::{CircuitBreakerOptions, OnCancel, OpenFor, Probe, Window};

const OPTIONS: [&str; 20] = [
    "name",
    "failure_threshold",
    "failure_rate",
    "count_window",
    "time_window",
    "minimum_calls",
    "slow_call_duration",
    "slow_call_rate",
    "open_for",
    "half_open_permits",
    "success_threshold",
    "half_open_success_rate",
    "recovery",
    "on_cancel",
    "probe",
    "probe_every",
    "failure_on",
    "ignore_on",
    "key",
    "max_keys",
];

/// Calls are refused while the dependency is down.
pub(crate) struct CircuitBreaker {
    pub(crate) span: Span,
    pub(crate) definition: Definition<CircuitBreakerOptions>,
    /// One breaker per value of this expression.
    pub(crate) key: Option<Expr>,
    /// Which errors are failures; the others are answers of a dependency that works.
    pub(crate) failure_on: Option<Pat>,
    /// Which errors say nothing.
    pub(crate) ignore_on: Option<Pat>,
}

impl CircuitBreaker {
    pub(crate) fn parse(args: Args, diagnostics: &Diagnostics) -> Option<Self> {
        let mut options = Options::new(args, diagnostics);
        let span = options.span();
        let key = options.expression("key");
        let failure_on = options.pattern("failure_on");
        let ignore_on = options.pattern("ignore_on");
        let keyed = key.is_some();
        let definition = options.definition("CircuitBreaker", "breaker", &OPTIONS, |options| {
            Some(CircuitBreakerOptions::take(options, keyed))
        })?;
        Some(Self {
            span,
            definition,
            key,
            failure_on,
            ignore_on,
        })
    }
}
