//! The stores, and what a store of your own implements.
//!
//! [`Runtime::open`](crate::Runtime::open) finds the built-in ones by their URLs. Another one has
//! four faces ([`IdempotencyStore`], [`LockStore`], [`Journal`] and [`Queue`], each with its contract) and
//! is given to [`Runtime::on_store`](crate::Runtime::on_store). Its connections are [`Transactional`] where
//! `#[idempotent(tx = conn)]` is to work on them.

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
