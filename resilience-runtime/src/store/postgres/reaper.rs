//! Deletes what is over, a few rows at a time, in the background of some grants.

use std::sync::atomic::Ordering;

use super::PostgresStore;
use super::call::Call;
use super::statements::{REAP_LOCKS, REAP_RECORDS};

/// Every so many grants. A round deletes more rows than that many can have added.
const GRANTS_PER_ROUND: u64 = 64;
const ROWS_AT_ONCE: i64 = 256;

impl PostgresStore {
    /// Begins a round, when it is time for one. Other processes may be at it too: each skips what another has.
    pub(super) fn reap_sometimes(&self) {
        let before = self.shared.grants.fetch_add(1, Ordering::Relaxed);
        if before % GRANTS_PER_ROUND == GRANTS_PER_ROUND - 1 {
            let store = self.clone();
            tokio::spawn(async move { store.reap().await });
        }
    }

    async fn reap(&self) {
        for text in [REAP_RECORDS, REAP_LOCKS] {
            let call = Call::new("deleting what is over", text).number(ROWS_AT_ONCE);
            if let Err(error) = self.call(call).await {
                tracing::debug!(target: "resilience", %error, "nothing was deleted; the next round may");
            }
        }
    }
}
