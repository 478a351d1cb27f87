//! What a store must do beyond [`LockStore`] to be one node of several.

use crate::BoxFuture;
use crate::error::StoreError;
use crate::key::Digest;
use crate::lock::store::{Acquired, Acquiring, FencingToken, LockStore, Nonce};

/// A store that can be one node of [`Redlock`](super::Redlock).
///
/// A node does not make up its tokens from its own clock, because the nodes have as many clocks as there are nodes:
/// it takes them from who asks, and remembers the greatest, so that nodes which were asked the same things have
/// the same tokens.
pub trait Node: LockStore {
    /// As [`LockStore::acquire`], but for the token of a new holder: that is `floor`, or one more than the last
    /// token of the key where `floor` is not greater than that.
    fn acquire_from(
        &self,
        acquiring: Acquiring,
        floor: FencingToken,
    ) -> BoxFuture<'_, Result<Acquired, StoreError>>;

    /// Raises the token of the lock that `nonce` holds to `token`, so that the next holder's is greater; false when
    /// it does not hold the lock. A token is never lowered.
    fn raise(
        &self,
        key: Digest,
        nonce: Nonce,
        token: FencingToken,
    ) -> BoxFuture<'_, Result<bool, StoreError>>;
}
