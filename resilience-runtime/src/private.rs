//! The names that generated code uses and nobody else may: they change without notice. The macro
//! crate is pinned to the exact version of this one.

use std::ops::ControlFlow;

pub use inventory::submit;

pub use crate::__compensation as compensation;
pub use crate::BoxFuture;
pub use crate::arguments::argument;
pub use crate::catalog::{Annotated, Entry};
pub use crate::classify::retry_after;
pub use crate::idempotency::{Idempotent, OnSchemaChange};
pub use crate::lock::Locked;
pub use crate::outcome::{
    Judgement, errors, failures, function, joined, kept, output, returns, stored, stored_errors,
};
pub use crate::policy::replay::Replay;
pub use crate::policy::retry::Verdict;
pub use crate::policy::single_flight::SingleFlight;
pub use crate::policy::verify;
pub use crate::registry::compensates::{Compensates, Lends};
pub use crate::registry::{
    CompensationError, JournaledCall, Place, SagaEntry, StateType, StepEntry, undone,
};
pub use crate::saga::{OnDead, Recover, Saga, SagaStep};

use crate::arguments::Arguments;
use crate::outcome::{Answer, Function, Kept, Stored};
use crate::saga::Taken;
use crate::saga::journal::StepConnection;

/// What is called where a type cannot do something by itself.
pub mod otherwise {
    // Without names, which would hide those of the author.
    pub use crate::arguments::Unrestorable as _;
    pub use crate::outcome::{
        Unclassified as _, Uncloned as _, Undescribed as _, Unkept as _, Unstorable as _,
        Unwrapped as _,
    };
}

/// A connection that is lent to a step for its transaction.
#[derive(Debug)]
pub struct Lent<'c, C>(&'c mut C);

/// The connection. One that no step can be taken on is one error, because what follows has no type then.
pub fn lent<C, How, Itself>(connection: &mut C) -> Lent<'_, Itself>
where
    C: Lends<How, Itself>,
{
    Lent(connection.itself())
}

impl<'c, C: StepConnection> Lent<'c, C> {
    /// As [`SagaStep::begin_in`].
    pub fn begin<T, E>(
        self,
        step: &SagaStep,
        arguments: Arguments,
        function: Function<Result<T, E>>,
        stored: Stored<T>,
        kept: Kept<E>,
    ) -> impl Future<Output = ControlFlow<Answer<T, E>, Taken<'c, C, T, E>>> + use<'c, C, T, E>
    {
        step.begin_in(self.0, arguments, function, stored, kept)
    }
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
