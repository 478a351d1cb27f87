//! The store that `#[idempotent]` keeps its records in.

use std::sync::Arc;
use std::time::Duration;

use crate::BoxFuture;
use crate::error::StoreError;
use crate::key::Digest;
pub use crate::lease::{FencingToken, Nonce, Ownership};

/// How long a store remembers, at least, that a run ended without a result: what makes the next one a second
/// attempt.
pub const TRACE: Duration = Duration::from_secs(86_400);

/// The question of [`IdempotencyStore::claim`].
#[derive(Debug, Clone)]
pub struct Claiming {
    /// Which call.
    pub key: Digest,
    /// The digest of its arguments.
    pub fingerprint: Digest,
    /// Who asks.
    pub nonce: Nonce,
    /// For how long the key is granted, by the store's clock.
    pub lease: Duration,
    /// Whether the caller waits where the key is busy. If not, nothing has to be done to wake it.
    pub waits: bool,
    /// A record that the caller has read and does not accept: where this one is what is stored, the key is
    /// granted all the same. It is compared as a whole, so that of two callers that have read one record
    /// only one replaces it.
    pub replaces: Option<Record>,
}

/// The answer to [`IdempotencyStore::claim`].
pub enum Claim {
    /// The key is the caller's: run the body, then complete or release.
    Granted(Grant),
    /// The operation ran before.
    Completed(Record),
    /// Another holder has the key.
    Busy(Busy),
    /// The key was used with other arguments.
    Mismatch,
}

/// A key that was granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// Which run under this key this one is; the first is 1.
    pub attempt: u32,
    /// Whether the end of an earlier run was not seen.
    pub interrupted: bool,
    /// Greater than the token of every earlier grant of this key.
    pub token: FencingToken,
}

/// A key that another holder has.
pub struct Busy {
    /// What is left of its lease; `None` where the store has none ([`Ownership::Process`]).
    pub left: Option<Duration>,
    /// Resolves when it may be worth to ask again, with the record where the wake-up brought it along. What
    /// changes after the claim was answered is not missed. It may come too often, and, when the store or
    /// the way to it was disturbed, not at all: waiters ask again every second. Dropping it is how a
    /// waiter leaves. Never resolves where the caller said that it does not wait.
    pub woken: BoxFuture<'static, Option<Record>>,
}

/// What is kept of a finished run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The digest of the arguments.
    pub fingerprint: Digest,
    /// What the content is.
    pub kind: RecordKind,
    /// Which type the content was written from, in words that are compared and shown. Empty where nobody knows: what
    /// the first version of this crate stored in SQLite files comes back so, and is accepted as any type.
    pub schema: Arc<str>,
    /// JSON, or for a [`RecordKind::Tombstone`] the reason. Any text: also with NUL characters.
    pub content: Arc<str>,
}

/// What the content of a [`Record`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    /// The value of an `Ok`, as JSON.
    Value,
    /// The value of an `Err`, as JSON.
    Error,
    /// The operation is done and its result could not be kept, for the reason in the content.
    Tombstone,
}

impl RecordKind {
    /// The word for it in a store.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Error => "error",
            Self::Tombstone => "tombstone",
        }
    }

    /// From [`word`](Self::word).
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
    /// The record is there.
    Stored,
    /// Another holder has the key, or has completed it: nothing was written. Its record, if it has one.
    Refused(Option<Record>),
}

/// How a run ended that has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// It failed, and said so.
    Failed,
    /// Its end was not seen: it was dropped, or panicked.
    Interrupted,
    /// It never began.
    Unused,
}

/// Where `#[idempotent]` keeps who runs, and what the result was.
///
/// A claim ends by [`complete`](Self::complete), by [`release`](Self::release), or, as the store's
/// [`ownership`](Self::ownership) says, with its lease or with the process that holds it.
///
/// # What holds for every method
///
/// - It is one transaction: another caller, in any process, sees all of it or nothing.
/// - It is as durable as the store when it answers `Ok`.
/// - It can be made again. When its future is dropped, or its answer was lost, it may have had its
///   effect; the same call then finds it and answers as it would have done.
/// - An error says by [`StoreError::effect`] whether it may have had its effect. A claim that may
///   have been granted is released, and a result that may have been stored is stored again.
/// - Only the clock of the store decides what is over.
/// - There is no bound on how many calls are under way.
pub trait IdempotencyStore: Send + Sync {
    /// How the store knows that a holder is gone.
    fn ownership(&self) -> Ownership;

    /// Finds the record, or takes the key.
    ///
    /// | what is there under `key` | answer |
    /// |---|---|
    /// | nothing, or an expired record or trace | granted: attempt 1, not interrupted |
    /// | a trace of a failed run with another fingerprint | granted: attempt 1, not interrupted |
    /// | anything else with another fingerprint | [`Claim::Mismatch`] |
    /// | the record that the claim [`replaces`](Claiming::replaces) | granted: one attempt more, not interrupted; the record is gone |
    /// | any other record | [`Claim::Completed`] |
    /// | a running claim with this nonce | granted, as it was |
    /// | a trace of a failed run | granted: one attempt more, not interrupted |
    /// | a trace of an interrupted run, a claim whose lease is over or whose process is gone | granted: one attempt more, interrupted |
    /// | any other claim | [`Claim::Busy`] |
    ///
    /// It never waits for another holder. A key that is found completed costs no write. "Interrupted" stays with
    /// the key until it is completed or its trace expires, also when a later run fails.
    fn claim(&self, claiming: Claiming) -> BoxFuture<'_, Result<Claim, StoreError>>;

    /// Extends the lease to `lease` from now; false when the key is not this nonce's any more, or its lease was
    /// over. Not called where the ownership is [`Ownership::Process`].
    fn renew(
        &self,
        key: Digest,
        nonce: Nonce,
        lease: Duration,
    ) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Stores the record for `ttl` (by the store's clock), ends the claim, and wakes who waits. Refused when what
    /// is there belongs to another nonce. A claim that has vanished or is over, and that nobody else took, is
    /// written: it is the only trace of the run. A `ttl` too long for the store's clock is for ever.
    fn complete(
        &self,
        key: Digest,
        nonce: Nonce,
        record: Record,
        ttl: Duration,
    ) -> BoxFuture<'_, Result<Completion, StoreError>>;

    /// Ends the claim without a result, so that the next call runs, and wakes who waits. The attempt and how it
    /// ended are remembered for [`TRACE`]; of one that never began ([`Release::Unused`]) nothing is: the key is
    /// as it was before the claim, as far as the store can tell. Does nothing when the claim belongs to another
    /// nonce, when there is none, and when a record is stored: a release that comes after a `complete` whose
    /// answer was lost must not take the record away.
    fn release(
        &self,
        key: Digest,
        nonce: Nonce,
        how: Release,
    ) -> BoxFuture<'_, Result<(), StoreError>>;
}
