//! The dead letter queue: work that failed for good, with everything that is needed to finish it.

mod letters;

pub use letters::{DeadLetterError, DeadLetters, Retried};

use crate::BoxFuture;
use crate::error::StoreError;
use crate::saga::id::SagaId;

/// The identity of a dead letter.
pub type DeadLetterId = i64;

/// Work that failed for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDeadLetter {
    /// What kind of work.
    pub kind: Kind,
    /// The name that the operation is registered under: the step whose compensation failed, or
    /// the saga whose journal does not match.
    pub operation: String,
    /// The arguments, as a JSON object.
    pub arguments: String,
    /// The output of the step, as JSON, where there is one.
    pub output: Option<String>,
    /// The last error.
    pub error: String,
    /// How often it was tried. A letter that is written while the saga has an open one about the
    /// same work replaces it, and the store adds up the attempts.
    pub attempts: u32,
}

/// What kind of work a dead letter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A step of a saga that could not be undone.
    Compensation,
    /// A saga whose journal and code do not match.
    Saga,
}

impl Kind {
    /// As the stores spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Compensation => "compensation",
            Self::Saga => "saga",
        }
    }

    /// What a store read back, or `None` for a word that no version of this crate has written.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        [Self::Compensation, Self::Saga]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

/// Where a dead letter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadLetterStatus {
    /// Waits for an operator.
    Open,
    /// Its work was done after all.
    Settled,
    /// An operator closed it with a note.
    Resolved,
}

impl DeadLetterStatus {
    /// As the stores spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Settled => "settled",
            Self::Resolved => "resolved",
        }
    }

    /// What a store read back, or `None` for a word that no version of this crate has written.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        [Self::Open, Self::Settled, Self::Resolved]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
}

/// An entry of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its identity.
    pub id: DeadLetterId,
    /// The saga that it belongs to.
    pub saga: SagaId,
    /// The name of that saga.
    pub saga_name: String,
    /// The work.
    pub work: NewDeadLetter,
    /// Where it stands.
    pub status: DeadLetterStatus,
    /// When it was written, in seconds since 1970 by the store's clock.
    pub created_at: i64,
    /// What the operator wrote when resolving it.
    pub note: Option<String>,
}

/// The store of the dead letter queue. Entries are *written* by the journal, in the commit that
/// ends their saga ([`crate::saga::journal::Advance`]); this is how they are read and closed.
pub trait Queue: Send + Sync {
    /// The entries with this status, oldest first, from after the entry `after`, at most `limit`.
    fn list(
        &self,
        status: DeadLetterStatus,
        after: Option<DeadLetterId>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<DeadLetter>, StoreError>>;

    /// One entry, or `None`.
    fn get(&self, id: DeadLetterId) -> BoxFuture<'_, Result<Option<DeadLetter>, StoreError>>;

    /// Closes an open entry with a note, and its dead saga as compensated, in one commit. False
    /// when the entry is not open (any more).
    fn resolve(&self, id: DeadLetterId, note: String) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// How many entries there are in each status.
    fn counts(&self) -> BoxFuture<'_, Result<Vec<(DeadLetterStatus, u64)>, StoreError>>;
}

/// The open entry of `saga`, for a message.
pub(crate) async fn name_of(queue: &dyn Queue, saga: &SagaId) -> String {
    const PAGE: u32 = 256;
    let mut after = None;
    // The entry has just been written and is most likely on the last page; this is the path of a
    // saga that cannot be undone, and may take its time.
    while let Ok(page) = queue.list(DeadLetterStatus::Open, after, PAGE).await {
        if let Some(letter) = page.iter().find(|letter| letter.saga == *saga) {
            return letter.id.to_string();
        }
        match page.last() {
            Some(last) => after = Some(last.id),
            None => break,
        }
    }
    format!("of saga {saga}")
}
