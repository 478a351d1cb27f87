//! The backends, a folder each. A backend implements the narrow traits that the concerns define:
//! [`IdempotencyStore`](crate::idempotency::store::IdempotencyStore),
//! [`LockStore`](crate::lock::store::LockStore), [`Journal`](crate::saga::journal::Journal) and
//! [`Queue`](crate::dlq::Queue); and, for connections of its database,
//! [`Transactional`](crate::idempotency::transaction::Transactional). Redis keeps no sagas, and has the first two.

#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod away;
pub mod memory;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "redis")]
pub mod redis;
pub mod risk;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod rows;
#[cfg(feature = "redis")]
pub(crate) mod sagaless;
pub mod schema;
#[cfg(feature = "sqlite")]
pub mod sqlite;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "redis"))]
mod waiters;
