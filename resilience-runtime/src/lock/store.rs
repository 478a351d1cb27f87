//! The store that keeps locks.

use std::time::Duration;

use crate::BoxFuture;
use crate::error::StoreError;
use crate::key::Digest;
pub use crate::lease::{FencingToken, Nonce, Ownership};

/// How long a place in the line is kept for a waiter that does not ask again: one that died would otherwise block
/// the line.
pub const PLACE: Duration = Duration::from_secs(3);

/// The question of [`LockStore::acquire`].
#[derive(Debug, Clone, Copy)]
pub struct Acquiring {
    /// Which lock.
    pub key: Digest,
    /// Who asks.
    pub nonce: Nonce,
    /// For how long the lock is granted, by the store's clock.
    pub lease: Duration,
    /// Whether the caller waits where the lock is taken: it gets a place at the end of the line, or keeps the one
    /// that it has.
    pub waits: bool,
    /// How many replicas must have the lock before it is granted; where that cannot be had, the lock is given
    /// back and the answer is an error. 0 for stores without replicas.
    pub replicas: u32,
}

/// The answer to [`LockStore::acquire`].
pub enum Acquired {
    /// The lock is the caller's.
    Granted {
        /// Greater than the token of every earlier holder.
        token: FencingToken,
        /// How long it may be relied on from before the question was sent, where that is less than the lease
        /// (less the drift): what a quorum of nodes leaves of it.
        validity: Option<Duration>,
    },
    /// Another holder has it, or somebody is before the caller in the line.
    Busy {
        /// What is left of the holder's lease; `None` where the store has none or does not know.
        left: Option<Duration>,
        /// Resolves when it may be worth to ask again. What changes after the answer is not missed, but when the
        /// store or the way to it was disturbed: waiters ask again every second. Dropping it does not give up the
        /// place, [`LockStore::release`] does. Never resolves where the caller said that it does not wait.
        woken: BoxFuture<'static, ()>,
    },
}

/// Where locks are kept.
///
/// A lock ends by [`release`](Self::release), or, as the store's [`ownership`](Self::ownership) says, with its
/// lease or with the process that holds it. Waiters stand in line: while one is waiting whose place is kept
/// ([`PLACE`]), nobody who came later gets the lock.
///
/// What holds for every method of [`IdempotencyStore`](crate::idempotency::store::IdempotencyStore) holds for these.
pub trait LockStore: Send + Sync {
    /// How the store knows that a holder is gone.
    fn ownership(&self) -> Ownership;

    /// Takes the lock, if it is free and the caller is the first in line. Asked again by its holder (the answer
    /// to the first question was lost) it is granted again, with the same token.
    fn acquire(&self, acquiring: Acquiring) -> BoxFuture<'_, Result<Acquired, StoreError>>;

    /// Extends the lease to `lease` from now; false when the lock is not this nonce's any more, or its lease was
    /// over. Not called where the ownership is [`Ownership::Process`].
    fn renew(
        &self,
        key: Digest,
        nonce: Nonce,
        lease: Duration,
    ) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Gives the lock, or the place in the line, back, and wakes who is next. Does nothing when the nonce has
    /// neither.
    fn release(&self, key: Digest, nonce: Nonce) -> BoxFuture<'_, Result<(), StoreError>>;
}
