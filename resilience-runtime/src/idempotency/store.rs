//! The store that `#[idempotent]` keeps its records in.

use std::time::Duration;

use crate::BoxFuture;
use crate::error::StoreError;
use crate::idempotency::digest::Digest;

/// What identifies a claim: random, so that a process which lost its claim and comes back cannot
/// be taken for the one that has it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Nonce(u128);

impl Nonce {
    /// A new nonce.
    #[must_use]
    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4().as_u128())
    }

    /// Its value, for a store to keep and to compare. It is never read back.
    #[must_use]
    pub const fn as_u128(self) -> u128 {
        self.0
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
///
/// # What holds for every method
///
/// - It is one transaction: another caller, in any process, sees all of it or nothing.
/// - It is durable when it answers `Ok`.
/// - It can be made again. When its future is dropped, or its answer was lost, it may have had its
///   effect; the same call then finds it and answers as it would have done.
/// - An error says by [`StoreError::effect`] whether it may have had its effect. A claim that may
///   have been granted is released, and a result that may have been stored is stored again.
/// - There is no bound on how many calls are under way.
pub trait IdempotencyStore: Send + Sync {
    /// Finds the stored result, or takes the key.
    ///
    /// | what is there under `key` | answer |
    /// |---|---|
    /// | nothing, or an expired result | [`Claim::Granted`] with attempt 1 |
    /// | anything else with another fingerprint | [`Claim::Mismatch`] |
    /// | a result | [`Claim::Completed`] |
    /// | a claim with this nonce | [`Claim::Granted`], with its attempt |
    /// | a claim whose process is gone | [`Claim::Granted`], with one attempt more |
    /// | any other claim | [`Claim::Busy`] |
    ///
    /// It never waits for another holder: waiting callers ask again, every 20 ms at most.
    fn claim(
        &self,
        key: Digest,
        fingerprint: Digest,
        nonce: Nonce,
    ) -> BoxFuture<'_, Result<Claim, StoreError>>;

    /// Stores the result for `ttl` (by the store's clock) and ends the claim. False when what is
    /// there belongs to another nonce (nothing is written then). A record that has vanished or
    /// expired is written anew: it is the only trace of the run. A `ttl` too long for the store's
    /// clock is for ever.
    fn complete(
        &self,
        key: Digest,
        fingerprint: Digest,
        nonce: Nonce,
        result: String,
        ttl: Duration,
    ) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Ends the claim without a result, so that the next call runs. Does nothing when the claim
    /// belongs to another nonce, when there is none, and when a result is stored: a release that
    /// comes after a `complete` whose answer was lost must not take the result away.
    fn release(&self, key: Digest, nonce: Nonce) -> BoxFuture<'_, Result<(), StoreError>>;
}
