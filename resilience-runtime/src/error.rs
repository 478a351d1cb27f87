//! What a policy says when the policy itself, and not the user's function, is why a call failed.

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

/// The failure of a policy: the body was refused, cut off, or its record could not be kept.
///
/// A function under an attribute keeps its own error type; that type is
/// `From<resilience::Error>`, so a policy's failure reaches the caller through it. What the
/// *body* returned is never wrapped in this type.
///
/// [`Error::effect`] says which of three things happened to the body, which is what a caller needs
/// to know before it tries again.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A circuit breaker is open, or half-open with all its probes taken. The body did not run.
    CircuitOpen {
        /// The name of the breaker.
        breaker: &'static str,
        /// When the breaker will admit a call again, as far as it knows.
        retry_after: Duration,
        /// What opened it.
        cause: Opening,
    },
    /// A bulkhead is full, and so is its queue; or the call waited in the queue for as long as it
    /// may. The body did not run.
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
        /// When the limit will admit this call.
        retry_after: Duration,
    },
    /// The last attempt failed, and the budget for retries is used up: there was no other attempt.
    RetryBudgetExhausted {
        /// The annotated function.
        function: &'static str,
        /// The name of the budget.
        budget: &'static str,
        /// What the attempts did together.
        effect: Effect,
        /// The error of the last attempt.
        source: BoxError,
    },
    /// A retry or a wait would have outlived the deadline of the call, so it was not begun.
    DeadlineTooClose {
        /// The annotated function.
        function: &'static str,
        /// How long the pause or the wait would have been.
        needed: Duration,
        /// How much time was left.
        left: Duration,
        /// What the call did before.
        effect: Effect,
        /// The error of the last attempt, where there was one.
        source: Option<BoxError>,
    },
    /// The body did not answer in time and was dropped at the await it stood at.
    TimedOut {
        /// The function that was cut off.
        function: &'static str,
        /// The time it was given.
        after: Duration,
    },
    /// Two policies of one kind have one name and different configurations. The body did not run.
    NameConflict {
        /// What is named, for example `circuit breaker`.
        kind: &'static str,
        /// The name both claim.
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
    /// A `#[state]` parameter has a type that the runtime was not given.
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
        /// What is left of the lease of the call that runs, if it does not renew it; `None` where the store
        /// has no leases.
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
        /// Why it is none.
        reason: String,
    },
    /// The operation ran before, with success, and its result could not be kept. The body did not run again.
    ResultLost {
        /// The annotated function.
        function: &'static str,
        /// The key, in words, with its hash.
        key: String,
        /// Why there is no result.
        reason: String,
    },
    /// The operation ran before, and its result was stored as another type than the function returns today.
    /// The body did not run again.
    SchemaChanged {
        /// The annotated function.
        function: &'static str,
        /// The key, in words, with its hash.
        key: String,
        /// The type that was stored.
        stored: String,
        /// The type of today.
        current: String,
    },
    /// The lease of a key or a lock was lost while the body ran: it was dropped at the await it stood at,
    /// because another call may have it by now.
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
        /// What is left of the holder's lease, if it does not renew it; `None` where it is not known.
        lease_left: Option<Duration>,
    },
    /// The call is inside of another one that holds what it asks for: it would wait for itself. The body did not
    /// run.
    Recursive {
        /// The annotated function, or the name of the lock.
        function: String,
        /// The key, in words.
        key: String,
    },
    /// The call joined another one that ran, and that one failed with an error that cannot be cloned.
    JoinedFailure {
        /// The annotated function.
        function: &'static str,
        /// The error, in words.
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
    /// A stored value could not be read back as the type that the code has today.
    Decode {
        /// The annotated function.
        function: &'static str,
        /// What could not be read.
        what: String,
        /// Why.
        source: serde_json::Error,
    },
    /// The store could not be asked. The body did not run.
    Store {
        /// The annotated function.
        function: &'static str,
        /// Why.
        source: StoreError,
    },
    /// The store failed so that nobody can tell whether it has the start of a saga. The body did
    /// not run yet. If the store turns out to have the saga, it is withdrawn, or, where it has an `id` or a `key`
    /// of its author's, run: the same call made again finds it. When this process ends before that, the next one may find the
    /// saga in the journal, and run it.
    StartInDoubt {
        /// The name of the saga.
        saga: &'static str,
        /// Its id, as the journal would have it.
        id: String,
        /// Why.
        source: StoreError,
    },
    /// The body ran and succeeded, and its result could not be recorded: a later call with the same
    /// key may run it again.
    NotRecorded {
        /// The annotated function.
        function: &'static str,
        /// Why, in one sentence.
        reason: String,
    },
    /// A step failed, and undoing the steps before it failed too. What is left to undo is in the
    /// dead letter queue.
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
    /// There is a saga with this id or key, and it is another one: of another name, or with other arguments. The body
    /// did not run.
    SagaConflict {
        /// The name of the saga that was called.
        saga: &'static str,
        /// The id that both have.
        id: String,
        /// The name of the saga that is there.
        existing: String,
        /// The names of the arguments that differ. Their values may be secrets.
        arguments: Vec<String>,
    },
    /// The saga has failed, and its error cannot be given again as it was: it panicked, it was another call that ran it,
    /// and the error has no JSON form, or an operator settled what was left of it.
    SagaFailed {
        /// The name of the saga.
        saga: &'static str,
        /// Its id, as the journal has it.
        id: String,
        /// Why it failed.
        cause: String,
        /// Whether everything that was done is undone. If not, there was nothing to undo, or an operator settled it.
        compensated: bool,
    },
    /// The saga was cancelled before its end.
    SagaCancelled {
        /// The name of the saga.
        saga: &'static str,
        /// Its id, as the journal has it.
        id: String,
        /// Whether there was something to undo. It is undone.
        compensated: bool,
    },
    /// The saga did not end within its `timeout`.
    SagaTimedOut {
        /// The name of the saga.
        saga: &'static str,
        /// Its id, as the journal has it.
        id: String,
        /// How long it had.
        after: Duration,
        /// Whether there was something to undo. It is undone.
        compensated: bool,
    },
    /// The saga cannot go on, and nothing is decided: it waits in the dead letter queue for an operator, or for code that
    /// fits its journal.
    SagaParked {
        /// The name of the saga.
        saga: &'static str,
        /// Its id, as the journal has it.
        id: String,
        /// Why it is parked.
        reason: Parking,
        /// The same in words.
        cause: String,
        /// The entry in the dead letter queue.
        dead_letter: String,
    },
    /// The journal has no saga of this id.
    SagaNotFound {
        /// The id.
        id: String,
    },
    /// The future that `saga::start` or `saga::start_in` was given ended, and it started no saga.
    NoSagaStarted,
    /// In the body of a saga: its journal and its code differ. The body must end; its caller gets
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

/// What a failed call did to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The body was not started: calling again is safe.
    DidNotRun,
    /// The body was started and its end was not seen: it may have had its effect.
    MayHaveRun,
    /// The body ran to its end.
    Ran,
}
