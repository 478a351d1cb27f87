//! Cancelling a saga: durable first, and then heard at once by the process that runs it.

use super::journal::{Cancel, SagaId};
use crate::core::Core;
use crate::error::StoreError;
use crate::operator::Operator;

/// Asks to cancel a saga. `None`: there is no such saga.
pub(super) async fn request(
    core: &Core,
    id: &SagaId,
    by: Operator,
) -> Result<Option<Cancel>, StoreError> {
    let found = core.stores.journal.cancel(id.clone(), by).await?;
    if found == Some(Cancel::Requested) {
        core.signals.cancel(id);
    }
    Ok(found)
}

/// Tells those sagas of this process that somebody else asked to cancel; how many run here.
pub(super) async fn heard(core: &Core) -> Result<usize, StoreError> {
    let cancelled = core.stores.journal.cancelled().await?;
    let here = cancelled.iter().filter(|id| core.signals.cancel(id));
    Ok(here.count())
}
