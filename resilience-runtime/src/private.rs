//! The names that generated code uses and nobody else may: they change without notice. The macro
//! crate is pinned to the exact version of this one.

pub use inventory::submit;

pub use crate::BoxFuture;
pub use crate::catalog::{Annotated, Entry};
pub use crate::classify::retry_after;
pub use crate::idempotency::Idempotent;
pub use crate::outcome::{
    Judgement, Unclassified, Undescribed, Unwrapped, errors, failures, function, returns, stored,
};
pub use crate::policy::replay::Replay;
pub use crate::registry::{
    CompensationError, JournaledCall, Place, SagaEntry, StateType, StepEntry, undone,
};
pub use crate::saga::{Saga, SagaStep};

/// Whether `predicate` holds for `error`. A closure called where it stands would not know the type
/// of its argument.
pub fn holds<E>(error: &E, predicate: impl FnOnce(&E) -> bool) -> bool {
    predicate(error)
}
