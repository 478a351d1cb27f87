//! What the stores of the tests do as every store does: the operations of the traits, once.

#[allow(
    unused_imports,
    reason = "not every test has a store of its own for each trait"
)]
pub(crate) mod types {
    pub(crate) use std::time::Duration;

    pub(crate) use resilience_runtime::BoxFuture;
    pub(crate) use resilience_runtime::dlq::{
        AuditEntry, Closing, DeadLetter, DeadLetterFilter, DeadLetterId, DeadLetterStatistics,
        NewDeadLetter, Queue, RetryAs,
    };
    pub(crate) use resilience_runtime::error::StoreError;
    pub(crate) use resilience_runtime::idempotency::Digest;
    pub(crate) use resilience_runtime::idempotency::store::{
        Claim, Claiming, Completion, IdempotencyStore, Record, Release,
    };
    pub(crate) use resilience_runtime::lease::Nonce;
    pub(crate) use resilience_runtime::lock::store::{Acquired, Acquiring, LockStore};
    pub(crate) use resilience_runtime::operator::Operator;
    pub(crate) use resilience_runtime::saga::journal::{
        Advance, CancelOutcome, Event, Journal, NewSaga, OrphanedSagas, Park, ParkOutcome,
        SagaCursor, SagaFilter, SagaId, SagaRecord, SagaStatistics, SagaSummary, SagaVersion,
        Started, Written,
    };
    pub(crate) use resilience_runtime::store::memory::MemoryStore;
    pub(crate) use resilience_runtime::timestamp::Timestamp;
}

/// Those operations of a trait that a double of a store does not make itself.
///
/// `through`: they are asked of the store in memory that `self.through("operation")` gives. `refused`: they are an error,
/// because no test asks for them.
macro_rules! operations {
    ($how:ident $trait:ident: $($name:ident)*) => {
        $(operations! { @signature $how $trait $name })*
    };

    (@through $trait:path, $name:ident($($argument:ident: $type:ty),*) -> $answer:ty) => {
        fn $name(
            &self,
            $($argument: $type),*
        ) -> types::BoxFuture<'_, Result<$answer, types::StoreError>> {
            Box::pin(async move {
                let store = self.through(stringify!($name)).await?;
                <types::MemoryStore as $trait>::$name(&store, $($argument),*).await
            })
        }
    };
    (@refused $trait:path, $name:ident($($argument:ident: $type:ty),*) -> $answer:ty) => {
        fn $name(
            &self,
            $(_: $type),*
        ) -> types::BoxFuture<'_, Result<$answer, types::StoreError>> {
            Box::pin(async {
                Err(types::StoreError::refused(
                    stringify!($name),
                    "no test asks for it",
                ))
            })
        }
    };

    (@signature $how:ident Journal start) => {
        operations! { @$how types::Journal, start(saga: types::NewSaga) -> types::Started }
    };
    (@signature $how:ident Journal advance) => {
        operations! { @$how types::Journal, advance(saga: types::SagaId, epoch: i64, advance: types::Advance) -> types::Written }
    };
    (@signature $how:ident Journal take_over) => {
        operations! { @$how types::Journal, take_over(known: Vec<types::SagaVersion>, limit: u32) -> Vec<types::SagaRecord> }
    };
    (@signature $how:ident Journal take_parked) => {
        operations! { @$how types::Journal, take_parked(known: Vec<types::SagaVersion>, before: types::Timestamp, limit: u32) -> Vec<types::SagaRecord> }
    };
    (@signature $how:ident Journal revive) => {
        operations! { @$how types::Journal, revive(saga: types::SagaId, event: types::Event, by: Option<types::Operator>) -> Option<types::SagaRecord> }
    };
    (@signature $how:ident Journal cancel) => {
        operations! { @$how types::Journal, cancel(saga: types::SagaId, by: types::Operator) -> Option<types::CancelOutcome> }
    };
    (@signature $how:ident Journal park) => {
        operations! { @$how types::Journal, park(saga: types::SagaId, park: types::Park, by: types::Operator) -> Option<types::ParkOutcome> }
    };
    (@signature $how:ident Journal cancelled) => {
        operations! { @$how types::Journal, cancelled() -> Vec<types::SagaId> }
    };
    (@signature $how:ident Journal load) => {
        operations! { @$how types::Journal, load(saga: types::SagaId) -> Option<types::SagaRecord> }
    };
    (@signature $how:ident Journal list) => {
        operations! { @$how types::Journal, list(filter: types::SagaFilter, after: Option<types::SagaCursor>, limit: u32) -> Vec<types::SagaSummary> }
    };
    (@signature $how:ident Journal statistics) => {
        operations! { @$how types::Journal, statistics() -> Vec<types::SagaStatistics> }
    };
    (@signature $how:ident Journal orphaned) => {
        operations! { @$how types::Journal, orphaned(known: Vec<types::SagaVersion>) -> Vec<types::OrphanedSagas> }
    };
    (@signature $how:ident Journal purge) => {
        operations! { @$how types::Journal, purge(retention: types::Duration, limit: u32) -> u64 }
    };

    (@signature $how:ident Queue add) => {
        operations! { @$how types::Queue, add(letter: types::NewDeadLetter, nonce: String, by: types::Operator) -> types::DeadLetterId }
    };
    (@signature $how:ident Queue list) => {
        operations! { @$how types::Queue, list(filter: types::DeadLetterFilter, after: Option<types::DeadLetterId>, limit: u32) -> Vec<types::DeadLetter> }
    };
    (@signature $how:ident Queue get) => {
        operations! { @$how types::Queue, get(id: types::DeadLetterId) -> Option<types::DeadLetter> }
    };
    (@signature $how:ident Queue close) => {
        operations! { @$how types::Queue, close(id: types::DeadLetterId, closing: types::Closing, by: types::Operator) -> bool }
    };
    (@signature $how:ident Queue request_retry) => {
        operations! { @$how types::Queue, request_retry(id: types::DeadLetterId, how: types::RetryAs, by: types::Operator) -> bool }
    };
    (@signature $how:ident Queue take_work) => {
        operations! { @$how types::Queue, take_work(operations: Vec<String>, limit: u32) -> Vec<types::DeadLetter> }
    };
    (@signature $how:ident Queue end_work) => {
        operations! { @$how types::Queue, end_work(id: types::DeadLetterId, failed: Option<String>) -> bool }
    };
    (@signature $how:ident Queue statistics) => {
        operations! { @$how types::Queue, statistics() -> types::DeadLetterStatistics }
    };
    (@signature $how:ident Queue unresolved) => {
        operations! { @$how types::Queue, unresolved() -> u64 }
    };
    (@signature $how:ident Queue audit) => {
        operations! { @$how types::Queue, audit(id: types::DeadLetterId) -> Vec<types::AuditEntry> }
    };
    (@signature $how:ident Queue audit_of_saga) => {
        operations! { @$how types::Queue, audit_of_saga(saga: types::SagaId) -> Vec<types::AuditEntry> }
    };
    (@signature $how:ident Queue purge_letters) => {
        operations! { @$how types::Queue, purge_letters(retention: types::Duration, limit: u32) -> u64 }
    };

    (@signature $how:ident IdempotencyStore claim) => {
        operations! { @$how types::IdempotencyStore, claim(claiming: types::Claiming) -> types::Claim }
    };
    (@signature $how:ident IdempotencyStore renew) => {
        operations! { @$how types::IdempotencyStore, renew(key: types::Digest, nonce: types::Nonce, lease: types::Duration) -> bool }
    };
    (@signature $how:ident IdempotencyStore complete) => {
        operations! { @$how types::IdempotencyStore, complete(key: types::Digest, nonce: types::Nonce, record: types::Record, ttl: types::Duration) -> types::Completion }
    };
    (@signature $how:ident IdempotencyStore release) => {
        operations! { @$how types::IdempotencyStore, release(key: types::Digest, nonce: types::Nonce, how: types::Release) -> () }
    };

    (@signature $how:ident LockStore acquire) => {
        operations! { @$how types::LockStore, acquire(acquiring: types::Acquiring) -> types::Acquired }
    };
    (@signature $how:ident LockStore renew) => {
        operations! { @$how types::LockStore, renew(key: types::Digest, nonce: types::Nonce, lease: types::Duration) -> bool }
    };
    (@signature $how:ident LockStore release) => {
        operations! { @$how types::LockStore, release(key: types::Digest, nonce: types::Nonce) -> () }
    };
}

pub(crate) use operations;
