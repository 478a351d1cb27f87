//! What nobody works on.

use super::Sagas;
use crate::error::StoreError;
use crate::saga::journal::Unknown;

impl Sagas {
    /// What is unfinished and belongs to nobody who lives. A process that has the code takes it over within seconds: what stays
    /// is known to none.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn left_behind(&self) -> Result<Vec<Unknown>, StoreError> {
        self.core.stores.journal.unknown(Vec::new()).await
    }
}
