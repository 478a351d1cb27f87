//! The stores, and the traits that a store of your own implements.
//!
//! [`Runtime::open`](crate::Runtime::open) chooses a built-in store by its URL. A store of your own implements
//! four traits ([`IdempotencyStore`], [`LockStore`], [`Journal`] and [`Queue`], each with its contract) and
//! is passed to [`Runtime::on_store`](crate::Runtime::on_store). If `#[idempotent(tx = conn)]` is to work on its
//! connections, they implement [`Transactional`].

pub use resilience_runtime::BoxFuture;
pub use resilience_runtime::dlq::Queue;
pub use resilience_runtime::idempotency::store::{
    Busy, Claim, Claiming, Completion, Grant, IdempotencyStore, Record, RecordKind, Release, TRACE,
};
pub use resilience_runtime::idempotency::transaction::{ClaimIn, ClaimingIn, Transactional};
pub use resilience_runtime::idempotency::{Digest, SagaKey};
pub use resilience_runtime::lease::{Nonce, Ownership};
pub use resilience_runtime::lock::store::{Acquired, Acquiring, LockStore, PLACE};
pub use resilience_runtime::saga::journal::{Advance, Journal, NewSaga, Started, Written};
pub use resilience_runtime::store::memory;
pub use resilience_runtime::store::risk::Risk;
pub use resilience_runtime::store::schema::SchemaVersion;
#[cfg(feature = "sqlite")]
pub use resilience_runtime::store::sqlite;
