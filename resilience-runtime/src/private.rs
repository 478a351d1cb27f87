//! The names that generated code uses and nobody else may: they change without notice. The macro
//! crate is pinned to the exact version of this one.

pub use inventory::submit;

pub use crate::BoxFuture;
pub use crate::catalog::{Annotated, Entry};
pub use crate::classify::retry_after;
pub use crate::idempotency::{Idempotent, OnSchemaChange};
pub use crate::lock::Locked;
pub use crate::outcome::{
    Judgement, errors, failures, function, joined, kept, returns, stored, stored_errors,
};
pub use crate::policy::replay::Replay;
pub use crate::policy::retry::Verdict;
pub use crate::policy::single_flight::SingleFlight;
pub use crate::policy::verify;
pub use crate::registry::{
    CompensationError, JournaledCall, Place, SagaEntry, StateType, StepEntry, undone,
};
pub use crate::saga::{OnDead, Recover, Saga, SagaStep};

/// What is called where an error type cannot do something by itself.
pub mod otherwise {
    pub use crate::outcome::{Unclassified, Uncloned, Undescribed, Unkept, Unwrapped};
}

/// The call of a step, which a saga awaits: the runtime moves sagas between threads.
pub fn sendable<F: Future + Send>(call: F) -> F {
    call
}

/// Whether `predicate` holds for `error`. A closure called where it stands would not know the type
/// of its argument.
pub fn holds<E>(error: &E, predicate: impl FnOnce(&E) -> bool) -> bool {
    predicate(error)
}

/// How long `error` asks to wait, by a function or a closure, which would not know the type of its
/// argument where it stands.
pub fn ask<E>(
    error: &E,
    after: impl FnOnce(&E) -> Option<std::time::Duration>,
) -> Option<std::time::Duration> {
    after(error)
}
