//! **One line above an async function, and it survives production.**
//!
//! ```
//! use resilience::{circuit_breaker, retry, timeout};
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
//! #[retry(max_attempts = 4, backoff = exponential(100ms, max = 5s), retry_on = QuoteError::Busy)]
//! #[circuit_breaker(name = "quotes", failure_threshold = 5, open_for = 30s)]
//! #[timeout(800ms)]
//! async fn quote(client: &Client, symbol: &str) -> Result<u64, QuoteError> {
//!     client.get(symbol).await
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() { assert_eq!(quote(&Client, "ACME").await.unwrap(), 7); }
//! ```
//!
//! The function keeps its signature, its name and its place: callers do not change. Order is what
//! the source shows, top is outermost: here the retries hold the breaker, and each attempt has its
//! own timeout.
//!
//! | attribute | what it does | needs a [`Runtime`] |
//! |---|---|---|
//! | [`macro@retry`] | runs the body again | no |
//! | [`macro@circuit_breaker`] | fails fast while a dependency is down | no |
//! | [`macro@timeout`] | bounds one attempt (below `retry`) or all of them (above it) | no |
//! | [`macro@idempotent`] | one execution per key, its result replayed | yes |
//! | [`macro@saga`], [`macro@saga_step`] | journaled steps with compensation | yes |
//!
//! # When the policy fails, not the function
//!
//! A function's own errors come back unchanged. When a policy refuses a call or cuts it off, its
//! failure is an [`Error`], and reaches the caller through the function's own error type, which is
//! `From<resilience::Error>`. [`Error::effect`] tells whether the body ran.
//!
//! `#[derive(`[`Classify`](macro@Classify)`)]` on the error type says once, for all policies, which of
//! its errors may be over at the next attempt.
//!
//! # The process
//!
//! [`catalog()`] lists every annotated function, [`switchboard()`] turns policies off while the program
//! runs, [`deadline()`] is the time by which the call that is being made must have answered. Spans,
//! events and metrics are in [`telemetry`].
//!
//! # The runtime
//!
//! Attributes that keep records need a store. `main` opens it once and annotated functions find it:
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
//! | `sqlite` | yes | the embedded store, one SQLite file; without it only `memory:` |
//!
//! With `default-features = false` the local policies and the store for tests are all that is
//! built.

/// Runs the function again when it fails.
///
/// ```
/// # #[derive(Debug, PartialEq)] enum FetchError { Busy, Gone }
/// # use std::sync::atomic::{AtomicU32, Ordering};
/// # static CALLS: AtomicU32 = AtomicU32::new(0);
/// #[resilience::retry(max_attempts = 3, backoff = fixed(1ms), retry_on = FetchError::Busy)]
/// async fn fetch(name: String) -> Result<String, FetchError> {
///     # match CALLS.fetch_add(1, Ordering::Relaxed) { 0 => return Err(FetchError::Busy), _ => {} }
///     // …
///     Ok(name)
/// }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// assert_eq!(fetch("a".to_owned()).await, Ok("a".to_owned()));
/// # assert_eq!(CALLS.load(Ordering::Relaxed), 2);
/// # }
/// ```
///
/// | option | default | |
/// |---|---|---|
/// | `max_attempts` | 4 | counts the first call too; at least 2 |
/// | `backoff` | `exponential(1s, factor = 2, max = 30s)` | or `fixed(500ms)` |
/// | `jitter` | `full` | `full`: 0 to the pause; `equal`: half the pause to the pause; `none` |
/// | `retry_on` | every error | a pattern of the function's error type |
/// | `when` | every error | a function or closure `fn(&E) -> bool`; with `retry_on`, both must agree |
///
/// **Result.** The first success, or the last error, unchanged. The error type needs no
/// conversion.
///
/// **Arguments.** Every attempt but the last gets a clone of each argument that is passed by value;
/// `&T` is shared and `&mut T` borrowed anew. A `?` or `return` in the body ends the attempt, not
/// the function.
///
/// **With other attributes.** Below it stands what each attempt gets, above it what bounds all of
/// them. Without `retry_on` and `when`, a timed-out attempt is retried, and a circuit breaker that is
/// open is waited for only when it may admit a call within the longest pause of the backoff; else
/// the retry gives up at once. With one of them, it alone decides, also about timeouts and
/// refusals, which it sees as the function's own error type: `retry_on = FetchError::Busy` retries
/// no timeout. The pause is never shorter than an open breaker asks for. What is refused for good
/// (a reused key, a record that could not be kept) is never retried.
///
/// **Cancellation.** Dropping the future drops the attempt or the pause it stands at.
///
/// **Cost.** Without a failure: no clock, no random number, no allocation.
pub use resilience_macros::retry;

/// Fails fast while a dependency is down.
///
/// ```
/// # type Row = u8;
/// # async fn select(_: u64) -> Result<Row, std::io::Error> { Ok(1) }
/// #[resilience::circuit_breaker(name = "orders-db", failure_threshold = 5, open_for = 60s)]
/// async fn load(id: u64) -> Result<Row, std::io::Error> {
///     select(id).await
/// }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() { load(1).await.unwrap(); }
/// ```
///
/// | option | default | |
/// |---|---|---|
/// | `name` | the function's path | functions that give the same name share one breaker |
/// | `failure_threshold` | 5 | consecutive failures that open it |
/// | `open_for` | `60s` | how long it refuses before it lets probes through |
/// | `half_open_permits` | 3, or `success_threshold` if that is more | probes that are admitted while half-open, running and succeeded ones together |
/// | `success_threshold` | 3, or `half_open_permits` if that is less | successful probes that close it; one failure opens it again |
///
/// Instead of options, the path of a `static` that several functions share:
///
/// ```
/// use resilience::CircuitBreaker;
/// use std::time::Duration;
///
/// static WAREHOUSE: CircuitBreaker =
///     CircuitBreaker::named("warehouse").failure_threshold(3).open_for(Duration::from_secs(30));
///
/// #[resilience::circuit_breaker(WAREHOUSE)]
/// async fn reserve(item: u64) -> Result<(), std::io::Error> {
///     # let _ = item;
///     Ok(())
/// }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() { reserve(1).await.unwrap(); }
/// ```
///
/// **What counts.** Every `Err` of the body, a timeout below it, and a panic are failures. A call
/// that an inner policy refused, or answered from a record, without running the body counts as
/// nothing, and so does one that was dropped; a dropped probe gives its place back. A probe that hangs for longer than `open_for`
/// loses its place to the next. A result that arrives in another state than the one that admitted
/// it is ignored.
///
/// **Result.** A refusal is [`Error::CircuitOpen`]; the body did not run.
///
/// **Generic functions.** All instances share the breaker.
///
/// **Cost.** Closed and healthy: two atomic loads. No lock, no write, no clock, no allocation.
pub use resilience_macros::circuit_breaker;

/// Bounds the time of what stands below it.
///
/// ```
/// # async fn connect() -> Result<(), std::io::Error> { Ok(()) }
/// #[resilience::timeout(2s)]
/// async fn ping() -> Result<(), std::io::Error> {
///     connect().await
/// }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() { ping().await.unwrap(); }
/// ```
///
/// Below `#[retry]` it bounds each attempt, above it all attempts and pauses together.
///
/// **Time** is a literal with a unit (`250ms`, `1.5s`, `2m`, `24h`, `"1d"`), or any constant
/// expression of type `Duration`. It runs from the first poll.
///
/// **Result.** [`Error::TimedOut`]: the body was dropped at the await it stood at, and may have had
/// its effect. A body that answers in the poll in which the time is up has answered.
///
/// **Cost.** One clock read; a timer only when the body has to wait.
pub use resilience_macros::timeout;

/// Runs the function once per key, and answers later calls with the first one's result.
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize, Clone)] struct Order { id: u64 }
/// # #[derive(Debug)] struct ShopError;
/// # impl From<resilience::Error> for ShopError { fn from(_: resilience::Error) -> Self { Self } }
/// # impl std::fmt::Display for ShopError {
/// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("shop") }
/// # }
/// # use std::sync::atomic::{AtomicU32, Ordering};
/// # static CALLS: AtomicU32 = AtomicU32::new(0);
/// #[resilience::idempotent(key = order.id, ttl = 24h)]
/// async fn place(order: Order) -> Result<u32, ShopError> {
///     // … runs once per order …
///     # Ok(CALLS.fetch_add(1, Ordering::Relaxed) + 1)
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let runtime = resilience::Runtime::builder("memory:").scoped().open().await?;
/// let order = Order { id: 7 };
/// assert_eq!(runtime.scope(place(order.clone())).await.unwrap(), 1);
/// assert_eq!(runtime.scope(place(order)).await.unwrap(), 1); // replayed
/// # runtime.shutdown().await;
/// # Ok(()) }
/// ```
///
/// | option | default | |
/// |---|---|---|
/// | `key` | all arguments without `#[state]`; on a method it must be given | any expression that is `Serialize`; a tuple may borrow |
/// | `ttl` | `24h` | how long a result is kept, by the store's clock |
/// | `wait` | `5s` | how long a duplicate waits for a running first call; `0s` is not at all |
/// | `name` | the function's path | the operation's name in the key; set it before you move the function |
///
/// **Key.** SHA-256 over the operation's name and the key, as typed values: the order of fields and
/// of map entries does not matter, `1` and `"1"` are two keys. The arguments are bound to the key:
/// the same key with other arguments is [`Error::KeyReused`] and runs nothing. A parameter marked
/// `#[state]` (a pool, a client) is not part of either.
///
/// **Result.** The success type is `Serialize` and `Deserialize`. An `Err` is not kept: it frees the
/// key. A success that JSON would change (NaN, an infinity, `Some(None)`), and one that the store does
/// not take for five seconds, is [`Error::NotRecorded`], and frees the key too.
///
/// **Concurrent duplicates** wait for the first call and get its result. If it fails, one of them
/// runs. A function that calls itself with its own key is such a duplicate: it waits in vain, and gets
/// [`Error::InProgress`].
///
/// **Cancellation and panics** free the key. A result that is already there is stored even if the
/// caller is gone.
///
/// **After a crash** the key of a dead process is free at once; the next call runs the body again.
/// Between the body's effect and its record a crash can therefore lead to a second run: make the
/// effect itself repeatable, or put `#[saga]` below.
pub use resilience_macros::idempotent;

/// Journals the steps that the function calls, undoes them when it fails, and finishes what a
/// crash interrupted.
///
/// ```
/// # use resilience::{Runtime, saga, saga_step};
/// # #[derive(Debug)] struct TripError(String);
/// # impl From<resilience::Error> for TripError {
/// #     fn from(error: resilience::Error) -> Self { Self(error.to_string()) }
/// # }
/// # impl std::fmt::Display for TripError {
/// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(&self.0) }
/// # }
/// #[saga_step(compensate = cancel_flight)]
/// async fn book_flight(traveller: &str) -> Result<u32, TripError> {
///     # let _ = traveller;
///     Ok(815)
/// }
///
/// async fn cancel_flight(traveller: &str, flight: &u32) -> Result<(), TripError> {
///     println!("flight {flight} of {traveller} is cancelled");
///     Ok(())
/// }
///
/// #[saga_step(compensate = none)]
/// async fn book_hotel(_traveller: &str) -> Result<u32, TripError> {
///     Err(TripError("no room".to_owned()))
/// }
///
/// #[saga]
/// async fn trip(traveller: String) -> Result<(u32, u32), TripError> {
///     let flight = book_flight(&traveller).await?;
///     let hotel = book_hotel(&traveller).await?;
///     Ok((flight, hotel))
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let runtime = Runtime::builder("memory:").scoped().open().await?;
/// let failed = runtime.scope(trip("Ada".to_owned())).await;
/// assert_eq!(failed.unwrap_err().0, "no room"); // and the flight is cancelled
/// # runtime.shutdown().await;
/// # Ok(()) }
/// ```
///
/// The body calls functions under [`macro@saga_step`], in any control flow that depends only on its
/// arguments and on step results. What it does besides must be repeatable: after a crash the
/// function is called again with the journaled arguments, and finished steps answer from the
/// journal.
///
/// | option | default | |
/// |---|---|---|
/// | `name` | the function's name | the name in the journal; set it before you rename the function |
///
/// **Function.** A free `async fn`, not generic. Arguments are `Serialize` and `Deserialize`, passed
/// by value or by `&`; pools and clients are marked `#[state]`, taken by `&`, and given to
/// [`RuntimeBuilder::state`]. The success type is `Serialize` and `Deserialize`; the error type is
/// `Display`.
///
/// **Tasks and nesting.** Steps are journaled where the body itself awaits them, also side by side
/// (`join!`); in a task that the body spawns they are plain calls. A step that a step calls is part
/// of that step. A saga that a saga or a step calls is a saga of its own, which is not undone with
/// the outer one.
///
/// **Failure.** When the function returns an error or panics, that decision is written first; then finished
/// steps are undone, newest first, each compensation tried three times, up to 60 s each. The caller gets the
/// original error. What cannot be undone goes to the dead letter queue, and the caller gets
/// [`Error::CompensationFailed`].
///
/// **Cancellation.** A dropped caller does not lose the saga: it goes on in the background.
///
/// **After a crash** (kill -9) every saga whose start was acknowledged is finished or undone by the
/// next process that opens the store. With `#[idempotent]` above, a later call with the same key
/// joins it, or gets its result; `ttl` after its completion the key is new. The key of a saga in the
/// dead letter queue stays taken until an operator has settled it.
///
/// **Cost.** `k + 1` durable writes for `k` steps; concurrent sagas share commits.
pub use resilience_macros::saga;

/// Makes a function a step of the [`macro@saga`]s that call it.
///
/// ```standalone_crate
/// # use resilience::{saga_step, retry, timeout};
/// # use serde::{Deserialize, Serialize};
/// # struct Warehouse;
/// # #[derive(Serialize, Deserialize)] struct Order;
/// # #[derive(Serialize, Deserialize)] struct Reservation;
/// # impl Warehouse {
/// #     async fn reserve(&self, _: &Order) -> Result<Reservation, std::io::Error> { Ok(Reservation) }
/// #     async fn release(&self, _: &Reservation) -> Result<(), std::io::Error> { Ok(()) }
/// # }
/// #[saga_step(compensate = release)]
/// #[retry(max_attempts = 4)]
/// #[timeout(2s)]
/// async fn reserve(#[state] warehouse: &Warehouse, order: &Order) -> Result<Reservation, std::io::Error> {
///     warehouse.reserve(order).await
/// }
///
/// /// The step's parameters, then its output.
/// async fn release(warehouse: &Warehouse, _: &Order, held: &Reservation) -> Result<(), std::io::Error> {
///     warehouse.release(held).await
/// }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() { reserve(&Warehouse, &Order).await.unwrap(); }
/// ```
///
/// | option | default | |
/// |---|---|---|
/// | `compensate` | must be given | the function that undoes the step, or `none` |
/// | `in_doubt` | a failed step is not undone | `compensate`: also undo a step that failed and may have had its effect; the compensation then takes `Option<&Output>` |
/// | `name` | the function's name | the name in the journal |
///
/// **Place.** At the top of the stack: a finished step answers from the journal before any policy
/// is asked.
///
/// **Guarantee.** At least once: a crash between the step's effect and its record runs it again.
/// A step whose record is durable is never run again. A step is durable before the next one begins.
///
/// **Outside a saga** the function runs as if the attribute were not there. A task that the body
/// spawns is outside: its steps are neither journaled nor undone. Run steps side by side with
/// `tokio::join!`, not with `tokio::spawn`. So is the body of another step. A saga that a saga calls
/// is one of its own, which is not undone with its caller.
pub use resilience_macros::saga_step;

/// Bounds how many calls run at the same time, and how many may wait for a place.
pub use resilience_macros::bulkhead;

/// Bounds calls per time.
pub use resilience_macros::rate_limit;

/// Starts another attempt beside one that is slow.
pub use resilience_macros::hedge;

/// Gives another answer when everything inside failed.
pub use resilience_macros::fallback;

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
/// // Tried again only while the gateway is unreachable or asks for less.
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
/// | `#[classify(permanent)]` | no | a success: the dependency answered | hands it on |
/// | `#[classify(ignored)]` | no | nothing | hands it on |
/// | `#[classify(transparent)]` | what the only field says | | |
///
/// Every variant has a class: one that is added later cannot be forgotten. `field` is a `Duration` or
/// an `Option<Duration>`; `after = 0` is the first field of a tuple. The field under `transparent` is
/// itself [`trait@Classify`], as [`Error`] is. A generic field makes that a bound of the `impl`.
///
/// A policy asks the type only where it names no patterns of its own (`retry_on = ..`), and never
/// about what another policy of the same function refused: that it knows better.
///
/// `#[classify(crate = ::path::to::resilience)]` above the type names the crate where it is not
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
    DeadLetter, DeadLetterError, DeadLetterId, DeadLetterStatus, DeadLetters, Kind, NewDeadLetter,
    Retried,
};
pub use resilience_runtime::error::{Effect, EncodeError, Error, StoreError};
pub use resilience_runtime::policy::circuit_breaker::{CircuitBreaker, State};
pub use resilience_runtime::policy::deadline::{WithDeadline, deadline, with_deadline};
pub use resilience_runtime::policy::retry::{Backoff, Jitter, Retry};
pub use resilience_runtime::policy::switch::{Mode, Switch};
pub use resilience_runtime::policy::timeout::Timeout;
pub use resilience_runtime::runtime::{OpenError, Runtime, RuntimeBuilder, ShutdownReport};
pub use resilience_runtime::saga::Sagas;
pub use resilience_runtime::saga::journal::{SagaId, SagaRecord, Status, StepRecord};

pub mod store;

#[doc = include_str!("../docs/telemetry.md")]
pub mod telemetry {}

#[doc(hidden)]
pub use resilience_runtime::private as __private;
