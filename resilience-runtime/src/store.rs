//! The backends, one file each. A backend implements the narrow traits that the concerns define:
//! [`IdempotencyStore`](crate::idempotency::store::IdempotencyStore),
//! [`Journal`](crate::saga::journal::Journal) and [`Queue`](crate::dlq::Queue).

pub mod memory;
pub mod risk;
#[cfg(feature = "sqlite")]
pub mod sqlite;
