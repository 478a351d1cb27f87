//! Looking at the journal.

use std::fmt;
use std::sync::Arc;

use super::journal::{SagaId, SagaRecord};
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
