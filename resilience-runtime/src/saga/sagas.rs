//! Looking at the journal.

mod left_behind;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::journal::{
    Cancel, SagaCursor, SagaFilter, SagaId, SagaRecord, SagaStatistics, SagaSummary, Status,
};
use crate::core::Core;
use crate::dlq::AuditEntry;
use crate::error::StoreError;
use crate::operator::Operator;

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

    /// A page of at most `limit` sagas, oldest first, from after `after`.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn list(
        &self,
        filter: SagaFilter,
        after: Option<SagaCursor>,
        limit: u32,
    ) -> Result<Vec<SagaSummary>, StoreError> {
        self.core.stores.journal.list(filter, after, limit).await
    }

    /// What there is of each name. Looks at every saga.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn statistics(&self) -> Result<Vec<SagaStatistics>, StoreError> {
        self.core.stores.journal.statistics().await
    }

    /// Asks to cancel a saga, durably; `None` where there is none with this id.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn cancel(
        &self,
        id: &SagaId,
        by: impl Into<Operator>,
    ) -> Result<Option<Cancel>, StoreError> {
        self.core.stores.journal.cancel(id.clone(), by.into()).await
    }

    /// What was done to this saga and its letters, by whom, when and why.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn audit(&self, id: &SagaId) -> Result<Vec<AuditEntry>, StoreError> {
        self.core.stores.queue.audit_of_saga(id.clone()).await
    }
}

impl fmt::Debug for Sagas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sagas").finish_non_exhaustive()
    }
}
