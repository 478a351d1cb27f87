//! A claim that nobody holds any more, on its way back to the store.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::BoxFuture;
use crate::core::{self, Core, Permit, Stores};
use crate::error::StoreError;
use crate::idempotency::flight::Leader;
use crate::idempotency::hold::{Claimed, may_hold};
use crate::idempotency::store::{Nonce, Release};
use crate::key::Digest;
use crate::lease::kept::Kept;

/// How long a claim is given back to a store that fails. Nobody waits for it, and where there are no leases a claim
/// that stays blocks its key until the process ends.
const PATIENCE: Duration = Duration::from_secs(600);

/// What is left of a [`Hold`](super::hold::Hold) that was dropped.
pub(super) struct GiveBack {
    pub(super) core: Arc<Core>,
    pub(super) leader: Option<Leader>,
    pub(super) permit: Option<Permit>,
    pub(super) key: Digest,
    pub(super) nonce: Nonce,
    pub(super) lease: Duration,
    pub(super) kept: Kept,
    pub(super) claiming: Option<BoxFuture<'static, Claimed>>,
    pub(super) how: Release,
}

impl GiveBack {
    /// Waits for the claim's answer, where there is none yet, and releases the claim.
    pub(super) async fn run(self) {
        let Self {
            core,
            leader,
            permit,
            key,
            nonce,
            lease,
            kept,
            claiming,
            how,
        } = self;
        if let Some(claiming) = claiming
            && !may_hold(&claiming.await)
        {
            return;
        }
        kept.end().await;
        // Who waits in this process asks for itself after one try, and a shutdown waits for that one, too.
        let waiting = (leader, permit);
        let released = core::give_back(core, PATIENCE, waiting, async |stores: Stores| {
            answered(lease, stores.idempotency.release(key, nonce, how)).await
        });
        if let Err(error) = released.await {
            tracing::error!(target: "resilience", %key, %error,
                "an idempotency key could not be released and stays busy until its lease or this process ends"
            );
        }
    }
}

/// A store that does not answer is not waited for longer than for a renewal: who waits in this process is to go on.
async fn answered(
    lease: Duration,
    releasing: BoxFuture<'_, Result<(), StoreError>>,
) -> Result<(), StoreError> {
    timeout(lease / 3, releasing).await.unwrap_or_else(|_| {
        let doing = "releasing an idempotency key";
        Err(StoreError::in_doubt(doing, "it did not answer"))
    })
}
