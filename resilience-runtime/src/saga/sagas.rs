//! Looking at the journal.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::journal::{SagaId, SagaRecord, Status};
use crate::core::Core;
use crate::error::StoreError;

/// The sagas in the journal, from [`Runtime::sagas`](crate::runtime::Runtime::sagas).
pub struct Sagas {
    core: Arc<Core>,
}

impl Sagas {
    pub(crate) fn of(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// How many sagas there are in each status that at least one is in, of this process and all others on the store. Looks at
    /// every saga.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn counts(&self) -> Result<Vec<(Status, u64)>, StoreError> {
        let statistics = self.core.stores.journal.statistics().await?;
        let mut counts = BTreeMap::new();
        for (status, count) in statistics.into_iter().flat_map(|name| name.counts) {
            *counts.entry(status).or_insert(0) += count;
        }
        Ok(counts.into_iter().collect())
    }

    /// The saga with its finished steps, or `None`.
    ///
    /// # Errors
    /// When the store cannot be asked, or the row cannot be read.
    pub async fn get(&self, id: &SagaId) -> Result<Option<SagaRecord>, StoreError> {
        self.core.stores.journal.load(id.clone()).await
    }
}

impl fmt::Debug for Sagas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sagas").finish_non_exhaustive()
    }
}
