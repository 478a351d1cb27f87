//! The error of a call that failed because of a policy and not because of the user's function.

mod display;
mod effect;
mod encode;
mod opening;
mod saga;
mod store;
mod time;

use std::error::Error as StdError;
use std::time::Duration;

pub use encode::EncodeError;
pub use opening::Opening;
pub(crate) use opening::{Key, Opened};
pub use store::StoreError;

use crate::saga::journal::Parking;

/// The error of a function, kept as the source of a policy's failure.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// The failure of a policy: it refused the call, cut the body off, or could not keep its record.
///
/// A function under an attribute keeps its own error type. That type implements
/// `From<resilience::Error>`, so a policy's failure reaches the caller through it. An error that the
/// *body* returned is never wrapped in this type.
///
/// [`Error::effect`] says whether the body ran, which a caller needs to know before it tries again.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A circuit breaker is open, or half-open with all its probes taken. The body did not run.
    CircuitOpen {
        /// The name of the breaker.
        breaker: &'static str,
        /// How long it will be until the breaker may admit a call again, as far as it knows.
        retry_after: Duration,
        /// The error that opened it.
        cause: Opening,
    },
    /// A bulkhead and its queue are full, or the call waited in the queue for the longest time allowed.
    /// The body did not run.
    BulkheadFull {
        /// The name of the bulkhead.
        bulkhead: &'static str,
        /// How long the call waited for a place.
        waited: Duration,
    },
    /// A rate limit is used up. The body did not run.
    RateLimited {
        /// The name of the limit.
        limit: &'static str,
        /// How long it will be until the limit admits this call.
        retry_after: Duration,
    },
    /// An attempt failed, and the retry budget is used up, so there was no further attempt.
    RetryBudgetExhausted {
        /// The annotated function.
        function: &'static str,
        /// The name of the budget.
        budget: &'static str,
        /// Whether the body ran in any of the attempts.
        effect: Effect,
        /// The error of the last attempt.
        source: BoxError,
    },
    /// A pause before a retry, or another wait, would have lasted beyond the deadline of the call, so it was not begun.
    DeadlineTooClose {
        /// The annotated function.
        function: &'static str,
        /// How long the pause or the wait would have been.
        needed: Duration,
        /// How much time was left.
        left: Duration,
        /// Whether the body had run by then.
        effect: Effect,
        /// The error of the last attempt, if there was one.
        source: Option<BoxError>,
    },
    /// The body did not answer in time and was dropped at the `.await` that it had reached.
    TimedOut {
        /// The function that was cut off.
        function: &'static str,
        /// The time it was given.
        after: Duration,
    },
    /// Two policies of the same kind have the same name but different configurations. The body did not run.
    NameConflict {
        /// The kind of policy, for example `circuit breaker`.
        kind: &'static str,
        /// The name that both have.
        name: &'static str,
        /// Where the name was configured first, as `file:line`.
        first: String,
        /// Where it was configured differently, as `file:line`.
        second: String,
    },
    /// The attribute needs a store, and no runtime is open. The body did not run.
    NoRuntime {
        /// The attribute that needs the runtime, for example `idempotent`.
        attribute: &'static str,
        /// The annotated function.
        function: &'static str,
    },
    /// The runtime is shutting down and takes no new work. The body did not run.
    ShuttingDown {
        /// The function that was called.
        function: &'static str,
    },
    /// A `#[state]` parameter has a type for which the runtime was given no value.
    MissingState {
        /// The function that needs it.
        function: &'static str,
        /// The type, as the compiler names it.
        type_name: &'static str,
    },
    /// Another call with the same key is still running, and this one stopped waiting for it. The body did
    /// not run.
    InProgress {
        /// The annotated function.
        function: &'static str,
        /// The key, in words, with its hash.
        key: String,
        /// How long this call waited.
        waited: Duration,
        /// How much is left of the running call's lease, unless the call renews it; `None` if the store has no
        /// leases.
        lease_left: Option<Duration>,
    },
    /// The key was used before with other arguments. The body did not run.
    KeyReused {
        /// The annotated function.
        function: &'static str,
        /// The key, in words, with its hash.
        key: String,
    },
    /// The caller gave no key, or an empty one. The body did not run.
    KeyMissing {
        /// The annotated function.
        function: &'static str,
        /// What is wrong with the key.
        reason: String,
    },
    /// The operation has already succeeded, but its result could not be kept. The body did not run again.
    ResultLost {
        /// The annotated function.
        function: &'static str,
        /// The key, in words, with its hash.
        key: String,
        /// Why there is no result.
        reason: String,
    },
    /// The operation has already run, and its result was stored as another type than the function returns now.
    /// The body did not run again.
    SchemaChanged {
        /// The annotated function.
        function: &'static str,
        /// The key, in words, with its hash.
        key: String,
        /// The type of the stored result.
        stored: String,
        /// The type that the function returns now.
        current: String,
    },
    /// The lease of a key or a lock was lost while the body ran. The body was dropped at the `.await` that it had
    /// reached, because another call may hold the lease by now.
    LeaseLost {
        /// The annotated function.
        function: &'static str,
        /// The key, in words, with its hash.
        key: String,
    },
    /// The lock is held by another call, and this one stopped waiting for it. The body did not run.
    LockBusy {
        /// The name of the lock.
        lock: String,
        /// The key, in words, with its hash.
        key: String,
        /// How long this call waited.
        waited: Duration,
        /// How much is left of the holder's lease, unless the holder renews it; `None` if this is not known.
        lease_left: Option<Duration>,
    },
    /// The call was made inside another call that holds the same key or lock, so it would wait for itself. The
    /// body did not run.
    Recursive {
        /// The annotated function, or the name of the lock.
        function: String,
        /// The key, in words.
        key: String,
    },
    /// The call joined another call that was running, and that call failed with an error that cannot be cloned.
    JoinedFailure {
        /// The annotated function.
        function: &'static str,
        /// The text of the error.
        error: String,
    },
    /// An argument or the key could not be serialised. The body did not run.
    Encode {
        /// The annotated function.
        function: &'static str,
        /// What could not be serialised, for example ``argument `order` ``.
        what: String,
        /// Why.
        source: EncodeError,
    },
    /// A stored value could not be read as the type that the code has now.
    Decode {
        /// The annotated function.
        function: &'static str,
        /// What could not be read.
        what: String,
        /// Why.
        source: serde_json::Error,
    },
    /// The store could not be reached, or failed. The body did not run.
    Store {
        /// The annotated function.
        function: &'static str,
        /// Why.
        source: StoreError,
    },
    /// The store failed while a saga was being started, and it is unknown whether the store has recorded the start. The
    /// body has not run yet. If it turns out that the store has the saga, a saga with an `id` or a `key` is run, and the
    /// same call made again finds it; any other saga is withdrawn. If this process ends before that, the next process may
    /// find the saga in the journal and run it.
    StartInDoubt {
        /// The name of the saga.
        saga: &'static str,
        /// The id that the saga has in the journal, if it is there.
        id: String,
        /// Why.
        source: StoreError,
    },
    /// The body ran and succeeded, but its result could not be recorded. A later call with the same
    /// key may run it again.
    NotRecorded {
        /// The annotated function.
        function: &'static str,
        /// Why, in one sentence.
        reason: String,
    },
    /// A saga had to be undone, and undoing one of its steps failed too. What is left to undo is in
    /// the dead letter queue.
    CompensationFailed {
        /// The name of the saga.
        saga: &'static str,
        /// Its id, as the journal has it.
        id: String,
        /// The step whose compensation failed.
        step: String,
        /// Why the saga had to be undone.
        cause: String,
        /// The entry in the dead letter queue.
        dead_letter: String,
    },
    /// The id or key belongs to a different saga: one of another name, or with other arguments. The body did not run.
    SagaConflict {
        /// The name of the saga that was called.
        saga: &'static str,
        /// The id that both have.
        id: String,
        /// The name of the saga that already has the id.
        existing: String,
        /// The names of the arguments that differ. Values are left out, because they may be secrets.
        arguments: Vec<String>,
    },
    /// The saga failed, and the function's own error is not available: the saga panicked, or another call ran it and the
    /// error type has no JSON form, or an operator settled what was left of it.
    SagaFailed {
        /// The name of the saga.
        saga: &'static str,
        /// Its id, as the journal has it.
        id: String,
        /// Why it failed.
        cause: String,
        /// Whether every step that was done has been undone. If `false`, there was nothing to undo, or an operator settled it.
        compensated: bool,
    },
    /// The saga was cancelled before its end.
    SagaCancelled {
        /// The name of the saga.
        saga: &'static str,
        /// Its id, as the journal has it.
        id: String,
        /// Whether there was something to undo. If so, it has been undone.
        compensated: bool,
    },
    /// The saga did not end within its `timeout`.
    SagaTimedOut {
        /// The name of the saga.
        saga: &'static str,
        /// Its id, as the journal has it.
        id: String,
        /// The `timeout`.
        after: Duration,
        /// Whether there was something to undo. If so, it has been undone.
        compensated: bool,
    },
    /// The saga cannot go on, and whether it will complete or be undone is still open. It waits in the dead letter queue for
    /// an operator, or for code that fits its journal.
    SagaParked {
        /// The name of the saga.
        saga: &'static str,
        /// Its id, as the journal has it.
        id: String,
        /// Why it is parked.
        reason: Parking,
        /// The reason in words.
        cause: String,
        /// The entry in the dead letter queue.
        dead_letter: String,
    },
    /// The journal has no saga with this id.
    SagaNotFound {
        /// The id.
        id: String,
    },
    /// The future that was passed to `saga::start` or `saga::start_in` ended without starting a saga.
    NoSagaStarted,
    /// In the body of a saga: the journal and the code do not match. The body must return; its caller gets
    /// [`Error::SagaParked`].
    JournalMismatch {
        /// The name of the saga.
        saga: &'static str,
        /// Its id, as the journal has it.
        id: String,
        /// What the journal says, and what the code asked for.
        difference: String,
    },
    /// This process is no longer the owner of the saga: another one took it over.
    Superseded {
        /// The name of the saga.
        saga: &'static str,
        /// Its id, as the journal has it.
        id: String,
    },
}

/// Whether the body of a failed call ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The body was not started. Calling again is safe.
    DidNotRun,
    /// The body may have been started, and its end was not seen. It may have had its effect.
    MayHaveRun,
    /// The body ran to its end.
    Ran,
}
