//! What somebody holds at a store and wants no more, on its way back.

use std::sync::Arc;
use std::time::Duration;

use super::{Core, Stores};
use crate::error::StoreError;
use crate::pauses::Patience;

/// Gives something back, and tries that again for as long as `patience` says. `waiting` is dropped after the first try: who waits for it
/// goes on then. Where it could not be given back this is the last error.
///
/// A runtime that is closed meanwhile is not kept open: what it held ended with it, or ends with its lease.
pub(crate) async fn give_back<F>(
    core: Arc<Core>,
    patience: Duration,
    waiting: impl Send,
    release: impl Fn(Stores) -> F,
) -> Result<(), StoreError>
where
    F: Future<Output = Result<(), StoreError>>,
{
    let mut released = release(core.stores.clone()).await;
    drop(waiting);
    let weak = Arc::downgrade(&core);
    drop(core);
    let mut patience = Patience::of(patience);
    while let Err(error) = released {
        if !patience.pause().await {
            return Err(error);
        }
        let Some(core) = weak.upgrade() else {
            return Ok(());
        };
        let stores = core.stores.clone();
        drop(core);
        released = release(stores).await;
    }
    Ok(())
}
