//! The store that `#[idempotent]` keeps its records in.

use std::time::Duration;

use crate::BoxFuture;
use crate::error::StoreError;
use crate::idempotency::digest::Digest;

/// What identifies a claim: random, so that a process which lost its claim and comes back cannot
/// be taken for the one that has it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Nonce(pub(crate) u128);

impl Nonce {
    /// A new nonce.
    #[must_use]
    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4().as_u128())
    }
}

/// The answer to [`IdempotencyStore::claim`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// The key is the caller's: run the body, then complete or release.
    Granted {
        /// 1 for the first claim of the key; more when an earlier holder died.
        attempt: u32,
    },
    /// The operation ran before; this is its result, as JSON.
    Completed {
        /// The result, as JSON.
        result: String,
    },
    /// A live holder has the key.
    Busy,
    /// The key was used with other arguments, by a finished or a running call.
    Mismatch,
}

/// Where `#[idempotent]` keeps who runs, and what the result was.
///
/// A claim ends by [`complete`](Self::complete), by [`release`](Self::release), or with the process
/// that holds it. How a store sees that a process is gone is its own affair: it must never take
/// a claim from a live one.
pub trait IdempotencyStore: Send + Sync {
    /// Finds the stored result, or takes the key, atomically. Expired records do not count.
    fn claim(
        &self,
        key: Digest,
        fingerprint: Digest,
        nonce: Nonce,
    ) -> BoxFuture<'_, Result<Claim, StoreError>>;

    /// Stores the result for `ttl` (by the store's clock) and ends the claim. False when the claim
    /// belongs to another nonce (nothing is written then). A record that has vanished is written
    /// anew: it is the only trace of the run.
    fn complete(
        &self,
        key: Digest,
        fingerprint: Digest,
        nonce: Nonce,
        result: String,
        ttl: Duration,
    ) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Ends the claim without a result, so that the next call runs. Does nothing when the claim
    /// belongs to another nonce.
    fn release(&self, key: Digest, nonce: Nonce) -> BoxFuture<'_, Result<(), StoreError>>;
}
