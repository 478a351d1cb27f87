//! **One line above an async function, and it survives production.**
//!
//! Attribute macros that add retries, circuit breakers, timeouts, bulkheads, rate limits, fallbacks, hedges, idempotency, locks and
//! sagas to async functions on tokio. Options and combinations of attributes are checked at compile time. Records and the journals of
//! sagas live in one SQLite file without a server, or in PostgreSQL and Redis.
//!
//! ```
//! use resilience::{Error, circuit_breaker, retry, timeout};
//!
//! # #[derive(Debug)]
//! # enum QuoteError { Busy, Unknown, Resilience(resilience::Error) }
//! # impl From<resilience::Error> for QuoteError {
//! #     fn from(error: resilience::Error) -> Self { Self::Resilience(error) }
//! # }
//! # struct Client;
//! # impl Client {
//! #     async fn get(&self, _: &str) -> Result<u64, QuoteError> { Ok(7) }
//! # }
//! #[retry(
//!     max_attempts = 4,
//!     backoff = exponential(100ms, max = 5s),
//!     retry_on = QuoteError::Busy | QuoteError::Resilience(Error::TimedOut { .. })
//! )]
//! #[circuit_breaker(name = "quotes", failure_threshold = 5, open_for = 30s)]
//! #[timeout(800ms)]
//! async fn quote(client: &Client, symbol: &str) -> Result<u64, QuoteError> {
//!     client.get(symbol).await
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() { assert_eq!(quote(&Client, "ACME").await.unwrap(), 7); }
//! ```
//!
//! The function keeps its signature, its name and its place, so callers do not change. The top attribute
//! is the outermost, as the source shows it: here each attempt of the retry asks the breaker, and has
//! its own timeout.
//!
//! | attribute | what it does | needs a [`Runtime`] |
//! |---|---|---|
//! | [`macro@retry`] | runs the body again | no |
//! | [`macro@circuit_breaker`] | fails fast while a dependency is down | no |
//! | [`macro@timeout`] | limits the time of one attempt (below `retry`) or of all of them (above it) | no |
//! | [`macro@bulkhead`] | limits how many calls run at once, and how many wait | no |
//! | [`macro@rate_limit`] | limits how many calls begin per unit of time | no |
//! | [`macro@fallback`] | gives another answer when everything inside has failed | no |
//! | [`macro@hedge`] | starts another attempt beside a slow one | no |
//! | [`macro@idempotent`] | one execution per key; its result is replayed | yes |
//! | [`macro@locked`] | one call at a time per key, across all processes on a store | yes, unless it is `local` |
//! | [`macro@single_flight`] | calls that arrive while one of them runs share its answer | no |
//! | [`macro@saga`], [`macro@saga_step`], [`macro@saga_steps`] | journaled steps with compensation | yes |
//!
//! Each page has the options, says what the policy judges, and what its place in the stack means.
//! What all policies have in common is in [`policies`].
//!
//! # When the policy fails, not the function
//!
//! A function's own errors come back unchanged. When a policy refuses a call or cuts it off, its
//! failure is an [`Error`]. It reaches the caller through the function's own error type, which implements
//! `From<resilience::Error>`. [`Error::effect`] says whether the body ran.
//!
//! `#[derive(`[`Classify`](macro@Classify)`)]` on the error type says once, for all policies, which of
//! its errors are worth another attempt.
//!
//! # Once, and one at a time
//!
//! [`idempotency`] and [`locking`] explain how to use them well, [`guarantees`] says what holds after which failure, and [`redis`]
//! is for those who operate a server. In a body you can call [`attempt()`], [`interrupted()`] and [`fencing_token()`]; after a call,
//! [`replayed()`]. Locks and flights also exist as values: [`Runtime::lock`], [`KeyedLock`], [`SingleFlightGroup`].
//!
//! # Sagas
//!
//! [`sagas`] is the guide. [`mod@saga`] has the functions that bodies can call, and those that start sagas. Work that cannot be undone
//! waits in the dead letter queue ([`dead_letters`]): use [`Runtime::dead_letters`], or the command line tool ([`command_line`]).
//!
//! # The process
//!
//! [`catalog()`] lists every annotated function. [`switchboard()`] turns policies off while the program
//! runs. [`deadline()`] is the time by which the current call must have answered. Spans, events and
//! metrics are in [`telemetry`].
//!
//! # The runtime
//!
//! Attributes that keep records need a store. `main` opens it once, and annotated functions find it:
//!
//! ```no_run
//! # #[cfg(feature = "sqlite")]
//! # async fn open() -> Result<(), Box<dyn std::error::Error>> {
//! let runtime = resilience::Runtime::open("sqlite://app.db").await?;
//! // …
//! runtime.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `metrics` | yes | counters, gauges and histograms through the `metrics` facade |
//! | `sqlite` | yes | the embedded store, one SQLite file |
//! | `postgres` | no | PostgreSQL, for several machines |
//! | `redis` | no | records and locks in Redis: single, Sentinel, Cluster, Redlock |
//!
//! With `default-features = false`, only the local policies and the in-memory store for tests are
//! built.

#[doc = include_str!("../docs/attributes/retry.md")]
///
/// See also [`Retry`], [`Backoff`], [`Jitter`], [`RetryBudget`], [`trait@Classify`], [`Error`].
pub use resilience_macros::retry;

#[doc = include_str!("../docs/attributes/circuit_breaker.md")]
///
/// See also [`CircuitBreaker`], [`KeyedCircuitBreaker`], [`OnCancel`], [`trait@Classify`], [`Error::CircuitOpen`].
pub use resilience_macros::circuit_breaker;

#[doc = include_str!("../docs/attributes/timeout.md")]
///
/// See also [`Timeout`], [`deadline()`], [`with_deadline`], [`Error::TimedOut`].
pub use resilience_macros::timeout;

#[doc = include_str!("../docs/attributes/bulkhead.md")]
///
/// See also [`Bulkhead`], [`Error::BulkheadFull`], [`deadline()`].
pub use resilience_macros::bulkhead;

#[doc = include_str!("../docs/attributes/rate_limit.md")]
///
/// See also [`RateLimit`], [`KeyedRateLimit`], [`Error::RateLimited`], [`deadline()`].
pub use resilience_macros::rate_limit;

#[doc = include_str!("../docs/attributes/fallback.md")]
///
/// See also [`Fallback`], [`trait@Classify`].
pub use resilience_macros::fallback;

#[doc = include_str!("../docs/attributes/hedge.md")]
///
/// See also [`Hedge`], [`RetryBudget`].
pub use resilience_macros::hedge;

#[doc = include_str!("../docs/attributes/idempotent.md")]
///
/// See also [`macro@saga`], [`Runtime`], [`Error::KeyReused`],
/// [`Error::KeyMissing`], [`Error::InProgress`], [`Error::ResultLost`], [`Error::SchemaChanged`], [`Error::LeaseLost`],
/// [`Error::NotRecorded`], [`attempt`], [`interrupted`], [`fencing_token`].
pub use resilience_macros::idempotent;

#[doc = include_str!("../docs/attributes/locked.md")]
///
/// See also [`macro@idempotent`], [`macro@single_flight`], [`Runtime`], [`fencing_token`], [`Error::LeaseLost`].
pub use resilience_macros::locked;

#[doc = include_str!("../docs/attributes/single_flight.md")]
///
/// See also [`macro@idempotent`], [`macro@locked`], [`Error::JoinedFailure`].
pub use resilience_macros::single_flight;

#[doc = include_str!("../docs/attributes/saga.md")]
///
/// See also [`mod@saga`], [`macro@saga_step`], [`Runtime::sagas`], [`RuntimeBuilder::state`], [`DeadLetters`],
/// [`Error::CompensationFailed`], [`Error::SagaConflict`], [`Error::SagaFailed`], [`Error::SagaCancelled`],
/// [`Error::SagaTimedOut`], [`Error::SagaParked`].
pub use resilience_macros::saga;

#[doc = include_str!("../docs/attributes/saga_step.md")]
///
/// See also [`macro@saga`], [`macro@saga_steps`], [`Runtime`].
pub use resilience_macros::saga_step;

#[doc = include_str!("../docs/attributes/saga_steps.md")]
///
/// See also [`macro@saga`], [`macro@saga_step`], [`RuntimeBuilder::state`].
pub use resilience_macros::saga_steps;

/// Says what each error of a type means, once, for all policies.
///
/// ```
/// use resilience::{Class, Classify};
/// use std::time::Duration;
///
/// #[derive(Debug, Classify)]
/// enum PayError {
///     #[classify(transient)]
///     Unreachable,
///     #[classify(throttled(after = retry_after))]
///     TooManyRequests { retry_after: Option<Duration> },
///     #[classify(permanent)]
///     CardDeclined,
///     #[classify(ignored)]
///     Cancelled,
///     #[classify(transparent)]
///     Resilience(resilience::Error),
/// }
/// # impl From<resilience::Error> for PayError {
/// #     fn from(error: resilience::Error) -> Self { Self::Resilience(error) }
/// # }
///
/// // Tried again only while the gateway is unreachable or asks for fewer calls.
/// #[resilience::retry(max_attempts = 3)]
/// async fn charge(card: &str) -> Result<(), PayError> {
///     # let _ = card;
///     Err(PayError::CardDeclined)
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let error = PayError::TooManyRequests { retry_after: Some(Duration::from_secs(2)) };
/// assert_eq!(error.classify(), Class::Throttled { retry_after: Some(Duration::from_secs(2)) });
/// # assert!(charge("4242").await.is_err());
/// # }
/// ```
///
/// | above a variant, or a struct | tried again | the circuit breaker counts | a fallback |
/// |---|---|---|---|
/// | `#[classify(transient)]` | yes | a failure | answers |
/// | `#[classify(throttled)]` | yes | a failure | answers |
/// | `#[classify(throttled(after = field))]` | yes, not before `field` has passed | a failure | answers |
/// | `#[classify(permanent)]` | no | a success: the dependency answered | passes it on |
/// | `#[classify(ignored)]` | no | nothing | passes it on |
/// | `#[classify(transparent)]` | as the class of its only field says | | |
///
/// Every variant must have a class, so a variant that is added later cannot be forgotten. `field` is a `Duration` or
/// an `Option<Duration>`; `after = 0` is the first field of a tuple variant. The field under `transparent` must
/// itself implement [`trait@Classify`], as [`Error`] does. If that field is generic, this becomes a bound of the `impl`.
///
/// A policy asks the type only if it has no patterns of its own (`retry_on = ..`). It never asks
/// about a refusal by another policy of the same function, because it knows what that means.
///
/// `#[classify(crate = ::path::to::resilience)]` above the type names the crate if it is not
/// called `::resilience`.
pub use resilience_macros::Classify;

#[doc(hidden)]
pub use resilience_macros::__outer;

pub use resilience_runtime::catalog::{
    Annotated, Catalog, Conflict, Policy, PolicyKind, Switchboard, Switched, UnknownPolicy,
    catalog, switchboard,
};
pub use resilience_runtime::classify::{Class, Classify};

pub use resilience_runtime::dlq::{
    AddDeadLetter, AuditEntry, DeadLetter, DeadLetterError, DeadLetterFilter, DeadLetterId,
    DeadLetterKind, DeadLetterStatistics, DeadLetterStatus, DeadLetters, NewDeadLetter, Priority,
};
pub use resilience_runtime::error::{Effect, EncodeError, Error, Opening, StoreError};
pub use resilience_runtime::idempotency::replayed;
pub use resilience_runtime::invocation::{attempt, fencing_token, interrupted};
pub use resilience_runtime::lease::FencingToken;
pub use resilience_runtime::lock::{LockGuard, LockRequest};
pub use resilience_runtime::operator::Operator;
pub use resilience_runtime::order::Order;
pub use resilience_runtime::policy::bulkhead::Bulkhead;
pub use resilience_runtime::policy::circuit_breaker::{
    CircuitBreaker, CircuitState, CircuitStatistics, KeyedCircuitBreaker, OnCancel, Probe,
};
pub use resilience_runtime::policy::deadline::{WithDeadline, deadline, with_deadline};
pub use resilience_runtime::policy::fallback::Fallback;
pub use resilience_runtime::policy::hedge::Hedge;
pub use resilience_runtime::policy::keyed_lock::{KeyedGuard, KeyedLock};
pub use resilience_runtime::policy::rate_limit::{KeyedRateLimit, RateLimit};
pub use resilience_runtime::policy::retry::{Backoff, Jitter, Retry, RetryBudget};
pub use resilience_runtime::policy::single_flight::SingleFlightGroup;
pub use resilience_runtime::policy::switch::{PolicyMode, Switch};
pub use resilience_runtime::policy::timeout::Timeout;
pub use resilience_runtime::runtime::{
    MissingState, OpenError, Runtime, RuntimeBuilder, ShutdownReport,
};
pub use resilience_runtime::saga::Sagas;
pub use resilience_runtime::saga::journal::{SagaId, SagaRecord, StepRecord};
pub use resilience_runtime::timestamp::Timestamp;

pub mod saga;
pub mod store;

#[doc = include_str!("../docs/policies.md")]
pub mod policies {}

#[doc = include_str!("../docs/idempotency.md")]
pub mod idempotency {}

#[doc = include_str!("../docs/locking.md")]
pub mod locking {}

#[doc = include_str!("../docs/guarantees.md")]
pub mod guarantees {}

/// [dead letter]: crate::dead_letters
/// [guarantees]: crate::guarantees
///
#[doc = include_str!("../docs/sagas.md")]
pub mod sagas {}

// A page links to files, which is right in the repository; of two definitions the first one counts.
/// [command line]: crate::command_line
/// [`add`]: crate::DeadLetters::add
/// [`audit`]: crate::DeadLetters::audit
/// [`dead_letter_limit`]: crate::RuntimeBuilder::dead_letter_limit
/// [`discard`]: crate::DeadLetters::discard
/// [`get`]: crate::DeadLetters::get
/// [`list`]: crate::DeadLetters::list
/// [`payload_limit`]: crate::RuntimeBuilder::payload_limit
/// [`poll_interval`]: crate::RuntimeBuilder::poll_interval
/// [`request_retry`]: crate::DeadLetters::request_retry
/// [`resolve`]: crate::DeadLetters::resolve
/// [`retention`]: crate::RuntimeBuilder::retention
/// [`retry_all`]: crate::DeadLetters::retry_all
/// [`retry_as`]: crate::DeadLetters::retry_as
/// [`retry`]: crate::DeadLetters::retry
/// [`statistics`]: crate::DeadLetters::statistics
/// [`unresolved`]: crate::DeadLetters::unresolved
///
#[doc = include_str!("../docs/dead-letters.md")]
pub mod dead_letters {
    // At the root of the crate, next to `Retry` and `RetryBudget`, they would seem to belong to `#[retry]`.
    pub use resilience_runtime::dlq::{
        RetryAll, RetryAllError, RetryAs, RetryOutcome, RetryProgress,
    };
}

/// [dead letters]: crate::dead_letters
///
#[doc = include_str!("../docs/command-line.md")]
pub mod command_line {}

#[doc = include_str!("../docs/redis.md")]
pub mod redis {}

#[doc = include_str!("../docs/telemetry.md")]
pub mod telemetry {}

#[doc(hidden)]
pub use resilience_runtime::private as __private;
