//! The store that keeps locks.

use std::time::Duration;

use crate::BoxFuture;
use crate::error::StoreError;
use crate::key::Digest;
pub use crate::lease::{FencingToken, Nonce, Ownership};

/// How long a place in the queue is kept for a waiter that does not ask again, so that a waiter that has died does
/// not block the queue.
pub const PLACE: Duration = Duration::from_secs(3);

/// The arguments of [`LockStore::acquire`].
#[derive(Debug, Clone, Copy)]
pub struct Acquiring {
    /// The key of the lock.
    pub key: Digest,
    /// The caller.
    pub nonce: Nonce,
    /// The length of the lease, by the store's clock.
    pub lease: Duration,
    /// Whether the caller waits if the lock is taken: it gets a place at the end of the queue, or keeps the one
    /// that it has.
    pub waits: bool,
    /// The number of replicas that must have the lock before it is granted. If fewer have it, the lock is given
    /// back and the answer is an error. 0 for stores that do not
    /// [wait for replicas](LockStore::waits_for_replicas).
    pub replicas: u32,
}

/// The answer to [`LockStore::acquire`].
pub enum Acquired {
    /// The caller has the lock.
    Granted {
        /// Greater than the token of every earlier holder.
        token: FencingToken,
        /// How long the lock is valid, counted from before the request was sent, if that is less than the lease
        /// minus the drift: this is so for a quorum of nodes.
        validity: Option<Duration>,
    },
    /// Another holder has the lock, or somebody is ahead of the caller in the queue.
    Busy {
        /// How much is left of the holder's lease; `None` if the store has no leases or does not know.
        left: Option<Duration>,
        /// Resolves when it may be worth asking again. No change after the answer is missed, unless the store or the
        /// connection to it was disturbed; waiters ask again every second anyway. Dropping it does not give up the
        /// place in the queue; [`LockStore::release`] does. Never resolves if the caller does not wait.
        woken: BoxFuture<'static, ()>,
    },
}

/// The store that keeps locks.
///
/// A lock ends with [`release`](Self::release), or, depending on the store's [`ownership`](Self::ownership), with its
/// lease or with the process that holds it. Waiters form a queue: as long as the place of a waiter is kept ([`PLACE`]),
/// nobody who came later gets the lock.
///
/// The rules for every method of [`IdempotencyStore`](crate::idempotency::store::IdempotencyStore) apply here, too.
pub trait LockStore: Send + Sync {
    /// How the store notices that a holder is gone.
    fn ownership(&self) -> Ownership;

    /// Whether the store respects [`Acquiring::replicas`]. If it does not, a lock that asks for replicas is refused.
    fn waits_for_replicas(&self) -> bool {
        false
    }

    /// Takes the lock if it is free and the caller is first in the queue. If its holder asks again, because the answer
    /// to the first request was lost, the lock is granted again with the same token.
    fn acquire(&self, acquiring: Acquiring) -> BoxFuture<'_, Result<Acquired, StoreError>>;

    /// Extends the lease to `lease` from now. Answers `false` if the lock no longer belongs to this nonce, or if its lease was
    /// over. Not called if the ownership is [`Ownership::Process`].
    fn renew(
        &self,
        key: Digest,
        nonce: Nonce,
        lease: Duration,
    ) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Gives back the lock, or the place in the queue, and wakes the next waiter. Does nothing if the nonce has
    /// neither.
    fn release(&self, key: Digest, nonce: Nonce) -> BoxFuture<'_, Result<(), StoreError>>;
}
