//! What a process holds at a store, and for how long: the claim of `#[idempotent]`, the lock of `#[locked]`.
//!
//! A holder is known by its [`Nonce`]. It holds for a *lease*, by the store's clock, and renews it at a third
//! while it works. Its own deadline is the lease counted from *before* the question was sent, by the monotonic
//! clock of the process, less the drift: after that moment nothing of the holder is polled any more,
//! so a process that was stopped and comes back does nothing beside the one that replaced it. What a pause in
//! the middle of one poll can still do is what the [`FencingToken`] is for.

pub(crate) mod kept;

use std::fmt;
use std::time::Duration;

/// For how long something is granted unless something else is chosen.
pub(crate) const DEFAULT: Duration = Duration::from_secs(30);
/// What can still be renewed in time: a shorter lease is over before a store has answered twice.
pub(crate) const SHORTEST: Duration = Duration::from_millis(100);
/// As good as for ever, and no trouble for a clock.
pub(crate) const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

/// `lease`, or the longest that a clock can count.
pub(crate) const fn bounded(lease: Duration) -> Duration {
    if lease.as_secs() < LONGEST.as_secs() {
        lease
    } else {
        LONGEST
    }
}

/// A waiter asks again after this time in any case: a wake-up that got lost costs no more.
const ASKED_AGAIN: Duration = Duration::from_secs(1);
/// The lease of a holder that died is over at the store a little later than its answer said.
const A_LITTLE: Duration = Duration::from_millis(5);

/// After what time a waiter asks again if nothing wakes it; `left` is what is left of the holder's lease.
pub(crate) fn asked_again(left: Option<Duration>) -> Duration {
    left.map_or(ASKED_AGAIN, |left| (left + A_LITTLE).min(ASKED_AGAIN))
}

/// A random number that identifies a holder, so that a process that lost what it held cannot be mistaken for the one
/// that holds it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Nonce(u128);

impl Nonce {
    /// Generates a new nonce from the operating system's randomness.
    #[must_use]
    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4().as_u128())
    }

    /// The nonce with this value, for stores.
    #[must_use]
    pub const fn from_u128(value: u128) -> Self {
        Self(value)
    }

    /// The value, for a store to keep and to compare.
    #[must_use]
    pub const fn as_u128(self) -> u128 {
        self.0
    }
}

/// 32 hexadecimal digits.
impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A number that grows with every holder of a key. A resource that remembers the greatest token that it has seen,
/// and refuses smaller ones, cannot be written to by a holder that was replaced.
///
/// A token is greater than that of every earlier holder of the key; there may be gaps. If a store has forgotten a key, the
/// tokens of that key begin again with the time (microseconds since 1970 by the server's clock), so they do not decrease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FencingToken(u64);

impl FencingToken {
    /// The token with this number, for stores.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number, to be sent along with a write.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

impl fmt::Display for FencingToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How a store notices that a holder is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// Its lease was not renewed.
    Lease,
    /// Its process has ended, which the store can see. There is nothing to renew, and a holder that is merely
    /// slow or stopped is never replaced.
    Process,
}
