//! Telling those who wait for a saga that it ended.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::journal::SagaId;

/// Who waits for which saga. Empty when nobody does.
#[derive(Default)]
pub(crate) struct Endings(Mutex<HashMap<SagaId, watch::Sender<()>>>);

impl Endings {
    /// The saga ended, and the journal says so.
    pub(crate) fn announce(&self, saga: &SagaId) {
        if let Some(waiting) = self.waiting().remove(saga) {
            waiting.send_replace(());
        }
    }

    /// From now on the end of `saga` is not missed.
    pub(super) fn expect(&self, saga: &SagaId) -> Expected<'_> {
        let mut waiting = self.waiting();
        let sender = waiting
            .entry(saga.clone())
            .or_insert_with(|| watch::Sender::new(()));
        Expected {
            endings: self,
            saga: saga.clone(),
            end: Some(sender.subscribe()),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<SagaId, watch::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who waits for the end of a saga.
pub(super) struct Expected<'a> {
    endings: &'a Endings,
    saga: SagaId,
    end: Option<watch::Receiver<()>>,
}

impl Expected<'_> {
    /// Resolves at the announcement.
    pub(super) async fn ended(mut self) {
        if let Some(end) = &mut self.end {
            // An error says that the sender is gone: it was announced just now.
            let _ = end.changed().await;
        }
    }
}

impl Drop for Expected<'_> {
    fn drop(&mut self) {
        let mut waiting = self.endings.waiting();
        drop(self.end.take());
        // The last one to leave takes the entry along.
        if let Entry::Occupied(entry) = waiting.entry(self.saga.clone())
            && entry.get().receiver_count() == 0
        {
            entry.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_those_who_wait_for_the_saga_are_woken_and_nothing_stays() {
        let endings = Endings::default();
        let (one, other) = (SagaId::generate(), SagaId::generate());
        let (first, second) = (endings.expect(&one), endings.expect(&other));
        let third = endings.expect(&one);
        endings.announce(&one);
        first.ended().await;
        third.ended().await;
        assert_eq!(endings.waiting().len(), 1);
        let pending = tokio::time::timeout(std::time::Duration::ZERO, second.ended()).await;
        assert!(pending.is_err());
        assert!(endings.waiting().is_empty());
    }
}
