//! The store that `#[idempotent]` keeps its records in.

use std::sync::Arc;
use std::time::Duration;

use crate::BoxFuture;
use crate::error::StoreError;
use crate::key::Digest;
pub use crate::lease::{FencingToken, Nonce, Ownership};

/// The least time for which a store remembers that a run ended without a result, so that the next run counts as a
/// further attempt.
pub const TRACE: Duration = Duration::from_secs(86_400);

/// The arguments of [`IdempotencyStore::claim`].
#[derive(Debug, Clone)]
pub struct Claiming {
    /// The key of the call.
    pub key: Digest,
    /// The digest of its arguments.
    pub fingerprint: Digest,
    /// The caller.
    pub nonce: Nonce,
    /// The length of the lease, by the store's clock.
    pub lease: Duration,
    /// Whether the caller waits if the key is busy. If not, nothing has to be done to wake it.
    pub waits: bool,
    /// A record that the caller has read and does not accept. If this is the stored record, the key is
    /// granted all the same. Records are compared as a whole, so if two callers have read the same record,
    /// only one of them replaces it.
    pub replaces: Option<Record>,
}

/// The answer to [`IdempotencyStore::claim`].
pub enum Claim {
    /// The caller has the key. It runs the body, and then completes or releases the claim.
    Granted(Grant),
    /// The operation has already run; this is its record.
    Completed(Record),
    /// Another holder has the key.
    Busy(Busy),
    /// The key was used with other arguments.
    Mismatch,
}

/// A key that was granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// The number of this run under the key, from 1.
    pub attempt: u32,
    /// Whether the end of an earlier run was not seen.
    pub interrupted: bool,
    /// Greater than the token of every earlier grant of this key.
    pub token: FencingToken,
}

/// A key that another holder has.
pub struct Busy {
    /// How much is left of its lease; `None` if the store has no leases ([`Ownership::Process`]).
    pub left: Option<Duration>,
    /// Resolves when it may be worth asking again, with the record if the wake-up brought it along. No change
    /// after the claim was answered is missed. It may resolve too often, and, if the store or the connection to
    /// it was disturbed, not at all; waiters ask again every second anyway. A waiter leaves by dropping it. Never
    /// resolves if the caller does not wait.
    pub woken: BoxFuture<'static, Option<Record>>,
}

/// The record of a finished run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The digest of the arguments.
    pub fingerprint: Digest,
    /// The kind of the content.
    pub kind: RecordKind,
    /// The type from which the content was written, as a text that is compared and shown. Empty if it is not known:
    /// this is so for records of the first version of this crate in SQLite files, which are accepted as any type.
    pub schema: Arc<str>,
    /// JSON, or for a [`RecordKind::Tombstone`] the reason. It can be any text, even one with NUL characters.
    pub content: Arc<str>,
}

/// The kind of content of a [`Record`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    /// The value of an `Ok`, as JSON.
    Value,
    /// The value of an `Err`, as JSON.
    Error,
    /// The operation is done, but its result could not be kept; the content is the reason.
    Tombstone,
}

impl RecordKind {
    /// The word that stores use for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Error => "error",
            Self::Tombstone => "tombstone",
        }
    }

    /// The kind whose [`word`](Self::word) this is.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Value, Self::Error, Self::Tombstone]
            .into_iter()
            .find(|kind| kind.word() == word)
    }
}

/// The answer to [`IdempotencyStore::complete`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completion {
    /// The record is stored.
    Stored,
    /// Nothing was written, because another holder has the key or has completed it. With the record of that holder, if there
    /// is one.
    Refused(Option<Record>),
}

/// How a run ended without a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// It returned an error.
    Failed,
    /// Its end was not seen, because it was dropped or panicked.
    Interrupted,
    /// It never began.
    Unused,
}

/// The store in which `#[idempotent]` keeps claims and results.
///
/// A claim ends with [`complete`](Self::complete), with [`release`](Self::release), or, depending on the store's
/// [`ownership`](Self::ownership), with its lease or with the process that holds it.
///
/// # Rules for every method
///
/// - It is one transaction: another caller, in any process, sees all of it or nothing.
/// - When it answers `Ok`, its effect is as durable as the store.
/// - It can be repeated. If its future was dropped, or its answer was lost, it may have had its
///   effect; the same call then finds that effect, and answers as the first call would have.
/// - If it fails, [`StoreError::effect`] says whether it may have had its effect. A claim that may
///   have been granted is released, and a result that may have been stored is stored again.
/// - Only the store's clock decides what is over.
/// - Any number of calls may be under way at once.
pub trait IdempotencyStore: Send + Sync {
    /// How the store notices that a holder is gone.
    fn ownership(&self) -> Ownership;

    /// Finds the record, or takes the key.
    ///
    /// | what is stored under `key` | answer |
    /// |---|---|
    /// | nothing, or an expired record or trace | granted: attempt 1, not interrupted |
    /// | a trace of a failed run with another fingerprint | granted: attempt 1, not interrupted |
    /// | anything else with another fingerprint | [`Claim::Mismatch`] |
    /// | the record that the claim [`replaces`](Claiming::replaces) | granted: one more attempt, not interrupted; the record is deleted |
    /// | any other record | [`Claim::Completed`] |
    /// | a running claim with this nonce | granted, as it was |
    /// | a trace of a failed run | granted: one more attempt, not interrupted |
    /// | a trace of an interrupted run, a claim whose lease is over or whose process is gone | granted: one more attempt, interrupted |
    /// | any other claim | [`Claim::Busy`] |
    ///
    /// It never waits for another holder. A key that is found completed costs no write. Once a run was interrupted, the key
    /// counts as interrupted until it is completed or its trace expires, even if a later run fails.
    fn claim(&self, claiming: Claiming) -> BoxFuture<'_, Result<Claim, StoreError>>;

    /// Extends the lease to `lease` from now. Answers `false` if the key no longer belongs to this nonce, or if its lease was
    /// over. Not called if the ownership is [`Ownership::Process`].
    fn renew(
        &self,
        key: Digest,
        nonce: Nonce,
        lease: Duration,
    ) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Stores the record for `ttl` (by the store's clock), ends the claim, and wakes waiters.
    ///
    /// It is refused if the stored claim or record belongs to another nonce. If the claim has vanished or is over, and nobody
    /// else took the key, the record is stored, because it is the only trace of the run. A `ttl` that is too long for the
    /// store's clock means for ever.
    fn complete(
        &self,
        key: Digest,
        nonce: Nonce,
        record: Record,
        ttl: Duration,
    ) -> BoxFuture<'_, Result<Completion, StoreError>>;

    /// Ends the claim without a result, so that the next call runs, and wakes waiters.
    ///
    /// The attempt and how it ended are remembered for [`TRACE`]. Nothing is remembered of a run that never began
    /// ([`Release::Unused`]): the key is as it was before the claim, as far as the store can tell. It does nothing if the claim
    /// belongs to another nonce, if there is none, or if a record is stored: a release that comes after a `complete` whose
    /// answer was lost must not delete the record.
    fn release(
        &self,
        key: Digest,
        nonce: Nonce,
        how: Release,
    ) -> BoxFuture<'_, Result<(), StoreError>>;
}
