//! The parts of the journal that are written in a caller's own transaction.

use super::{NewSaga, SagaId, StepRecord, Written};
use crate::BoxFuture;
use crate::error::StoreError;

/// A connection to the journal's database on which a step can be run: the parameter that `#[saga_step(tx = ..)]` names.
///
/// The database needs the tables of this crate; opening a [`Runtime`](crate::runtime::Runtime) on it creates them.
pub trait StepConnection: Send {
    /// A transaction that the step has begun. If it is dropped, it is rolled back.
    type Transaction<'c>: StepTransaction<Connection = Self>
    where
        Self: 'c;

    /// Begins a transaction.
    ///
    /// # Errors
    /// [`StoreError`] without effect; also if the connection already is in a transaction.
    fn begin_step(&mut self) -> BoxFuture<'_, Result<Self::Transaction<'_>, StoreError>>;
}

/// A transaction that a step has begun.
pub trait StepTransaction: Send + Sized {
    /// The type of the connection on which it was begun.
    type Connection: ?Sized;

    /// The connection, for the body.
    fn connection(&mut self) -> &mut Self::Connection;

    /// Writes `step` into the journal, if `epoch` is still the epoch of `saga`, and commits; rolls back otherwise.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::ended_by_body`] if the body has ended the transaction by itself.
    fn commit<'c>(
        self,
        saga: SagaId,
        epoch: i64,
        step: StepRecord,
        pivots: bool,
    ) -> BoxFuture<'c, Result<Written, StoreError>>
    where
        Self: 'c;

    /// Rolls the transaction back.
    fn roll_back<'c>(self) -> BoxFuture<'c, Result<(), StoreError>>
    where
        Self: 'c;
}

/// A connection, in the caller's transaction or not, on which a saga can be started.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no connection that a saga can be started on",
    label = "needs a connection of sqlx 0.9: `&mut PgConnection`, `&mut SqliteConnection`, or a `&mut Transaction<'_, _>`",
    note = "if it is one, turn on the feature `postgres` or `sqlite` of `resilience`"
)]
pub trait StartConnection: Send {
    /// Writes a new saga without an owner and with epoch 0: the first process that sees it after the commit takes it over.
    /// If the store can wake processes, the commit wakes those that wait on [`Journal::changed`](super::Journal::changed).
    fn start_saga(&mut self, saga: NewSaga) -> BoxFuture<'_, Result<StartedIn, StoreError>>;
}

/// The answer to [`StartConnection::start_saga`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartedIn {
    /// The saga was written.
    New,
    /// There already is a saga with this id or key, as far as this transaction can see.
    Present {
        /// Its id.
        id: SagaId,
        /// Its name.
        name: String,
        /// Its arguments.
        input: String,
    },
}
