//! The backends, one file each. A backend implements the narrow traits that the concerns define:
//! [`IdempotencyStore`](crate::idempotency::store::IdempotencyStore),
//! [`Journal`](crate::saga::journal::Journal) and [`Queue`](crate::dlq::Queue).

pub mod memory;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "redis")]
pub mod redis;
pub mod risk;
#[cfg(feature = "redis")]
pub(crate) mod sagaless;
#[cfg(feature = "sqlite")]
pub mod sqlite;
