//! Cancelling a saga: durable first, and then heard at once by the process that runs it.

use super::journal::{CancelOutcome, SagaId};
use crate::core::Core;
use crate::error::StoreError;
use crate::operator::Operator;

/// Asks to cancel a saga. `None`: there is no such saga.
pub(super) async fn request(
    core: &Core,
    id: &SagaId,
    by: Operator,
) -> Result<Option<CancelOutcome>, StoreError> {
    let found = core.stores.journal.cancel(id.clone(), by).await?;
    if found == Some(CancelOutcome::Requested) {
        core.running.cancel(id);
    }
    Ok(found)
}
