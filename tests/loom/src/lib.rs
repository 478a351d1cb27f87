//! The code without locks under a model checker, which tries every order of its steps.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --release -p resilience-loom --target-dir target/loom`
//!
//! The files are those of the runtime; only what they call `crate::sync` is the checker's. Without
//! the flag there is nothing here.

#![cfg(loom)]
#![cfg_attr(
    loom,
    allow(dead_code, reason = "the models do not need all of the files")
)]

mod sync {
    pub(crate) use loom::sync::Mutex;
    pub(crate) use loom::sync::atomic::{AtomicI64, AtomicU64, Ordering};
    pub(crate) use std::sync::PoisonError;

    /// One for each thread.
    pub(crate) const TALLIES: usize = 2;
}

mod circuit_breaker {
    #[path = "../../../../resilience-runtime/src/policy/circuit_breaker/core.rs"]
    pub(crate) mod core;
    #[path = "../../../../resilience-runtime/src/policy/circuit_breaker/moment.rs"]
    pub(crate) mod moment;
    #[path = "../../../../resilience-runtime/src/policy/circuit_breaker/rules.rs"]
    pub(crate) mod rules;
    #[path = "../../../../resilience-runtime/src/policy/circuit_breaker/state.rs"]
    pub(crate) mod state;
    #[path = "../../../../resilience-runtime/src/policy/circuit_breaker/trial.rs"]
    pub(crate) mod trial;
    #[path = "../../../../resilience-runtime/src/policy/circuit_breaker/watch.rs"]
    pub(crate) mod watch;
    #[path = "../../../../resilience-runtime/src/policy/circuit_breaker/window.rs"]
    pub(crate) mod window;

    #[cfg(test)]
    mod models;
}
