//! What belongs to sagas besides the attributes: functions that their bodies can call, functions that start a saga without waiting
//! for it, and the types that describe sagas.
//!
//! The attributes are [`macro@crate::saga`] and [`macro@crate::saga_step`]; [`Runtime::sagas`](crate::Runtime::sagas) lists sagas,
//! cancels and undoes them.
//!
//! ```
//! use resilience::{Error, Runtime, saga, saga_step};
//!
//! #[saga_step(compensate = release)]
//! async fn reserve(item: u32) -> Result<u64, Error> {
//!     Ok(17)
//! }
//!
//! async fn release(item: u32, reservation: &u64) -> Result<(), Error> {
//!     Ok(())
//! }
//!
//! #[saga]
//! async fn checkout(item: u32) -> Result<u64, Error> {
//!     reserve(item).await
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let runtime = Runtime::open("memory:").await?;
//! // When this answers, the saga is in the journal, and runs by itself.
//! let handle = saga::start(checkout(7)).await?;
//! println!("checkout {} is {:?}", handle.id(), handle.status().await?);
//! assert_eq!(handle.result().await?, 17);
//!
//! // The same, from its id alone; also in another process.
//! let found = runtime.sagas().handle::<u64, Error>(handle.id());
//! assert_eq!(found.result().await?, 17);
//! # runtime.shutdown().await;
//! # Ok(())
//! # }
//! ```

pub use resilience_runtime::dlq::AuditEntry;
pub use resilience_runtime::saga::journal::{
    CancelOutcome, Durations, OrphanedSagas, ParkOutcome, Parking, SagaCursor, SagaFilter, SagaId,
    SagaRecord, SagaStatistics, SagaSummary, SagaVersion, StartConnection, Status, StepConnection,
    StepOutcome, StepRecord,
};
pub use resilience_runtime::saga::{
    CompensateOutcome, SagaHandle, Sagas, current, idempotency_key, now, random, sleep, start,
    start_in, uuid,
};
