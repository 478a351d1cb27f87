//! What a body came to, on its way to the store.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::core::Core;
use crate::idempotency::store::{Completion, Nonce, Record};
use crate::key::Digest;
use crate::pauses::Patience;

/// A record that is being stored.
pub(super) struct Recording {
    pub(super) core: Arc<Core>,
    pub(super) key: Digest,
    pub(super) nonce: Nonce,
    /// How long a store that fails is asked again. The claim is renewed meanwhile.
    pub(super) patience: Duration,
}

/// What became of it.
#[derive(Debug)]
pub(super) enum Recorded {
    Stored,
    /// Another call ran, too, and was first: this is its record.
    Theirs(Record),
    /// Another call has taken the key, and has not come to its end, or has other arguments.
    Taken,
    /// The store failed, for this reason.
    Not(String),
}

impl Recording {
    pub(super) async fn record(self, record: &Record, ttl: Duration) -> Recorded {
        let store = Arc::clone(&self.core.stores.idempotency);
        let mut patience = Patience::of(self.patience);
        loop {
            let asked = Instant::now();
            // A try of which no answer comes is made again: the store knows it by the nonce.
            let until = (asked + self.patience / 3).min(patience.until());
            let completing = store.complete(self.key, self.nonce, record.clone(), ttl);
            let reason = match timeout_at(until, completing).await {
                Ok(Ok(Completion::Stored)) => {
                    self.core.results.remember(self.key, record, ttl, asked);
                    return Recorded::Stored;
                }
                Ok(Ok(Completion::Refused(Some(theirs))))
                    if theirs.fingerprint == record.fingerprint =>
                {
                    return Recorded::Theirs(theirs);
                }
                Ok(Ok(Completion::Refused(_))) => return Recorded::Taken,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "the store did not answer".to_owned(),
            };
            patience.pause().await;
            if patience.is_over() {
                return Recorded::Not(reason);
            }
        }
    }
}
