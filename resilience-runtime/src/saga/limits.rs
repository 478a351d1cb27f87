//! `max_concurrent`: how many sagas of one function run their bodies at once in this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places of each saga function that has a bound, by its name and version.
#[derive(Default)]
pub(crate) struct ConcurrencyLimits(Mutex<HashMap<(&'static str, u32), Arc<Semaphore>>>);

/// A place, until it is dropped.
pub(super) struct ConcurrencyPlace(
    #[expect(dead_code, reason = "held for its drop")] OwnedSemaphorePermit,
);

impl ConcurrencyLimits {
    /// Waits for a place, in the order of the calls. Dropped, the call has left the line.
    pub(super) async fn take(
        &self,
        name: &'static str,
        version: u32,
        most: u32,
    ) -> Option<ConcurrencyPlace> {
        let places = {
            let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let new = || {
                let most = usize::try_from(most).unwrap_or(usize::MAX);
                Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)))
            };
            Arc::clone(places.entry((name, version)).or_insert_with(new))
        };
        // It is never closed.
        places.acquire_owned().await.ok().map(ConcurrencyPlace)
    }
}
