//! What makes a server a bad place for records that must not be lost, and who takes that upon himself.

use std::error::Error as StdError;
use std::fmt;

use crate::error::StoreError;

/// A setting of a server under which a guarantee does not hold. Stores check for it when they are opened, and refuse
/// to open unless it is accepted with [`RuntimeBuilder::accept`](crate::runtime::RuntimeBuilder::accept).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Risk {
    /// Redis may evict records and locks when its memory is full: `maxmemory-policy` is not `noeviction`.
    Eviction,
    /// Redis forgets everything when it is restarted: neither an append-only file nor snapshots are on.
    NoPersistence,
    /// The server is older than the versions that were tested.
    OldServer,
    /// There is a connection pooler in transaction mode in front of PostgreSQL: waiters cannot be woken, and poll instead.
    TransactionPooler,
    /// PostgreSQL confirms commits before they are on its disk: `synchronous_commit` or `fsync` is off.
    NotDurable,
    /// The clock of the server is more than a minute away from the clock of this process: the times that operators
    /// read are not what they seem. (What is over is decided by the server's clock alone.)
    Clock,
    /// The user may not read the server's settings, so it is unknown whether the guarantees hold.
    Unknown,
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// The risks that were accepted.
#[derive(Debug, Clone, Default)]
pub struct Accepted(Vec<Risk>);

impl Accepted {
    /// These, and none else.
    #[must_use]
    pub fn only(risks: &[Risk]) -> Self {
        Self(risks.to_vec())
    }

    pub(crate) fn accept(&mut self, risk: Risk) {
        self.0.push(risk);
    }

    /// Whether the store may be opened all the same.
    #[must_use]
    pub fn covers(&self, risk: Risk) -> bool {
        self.0.contains(&risk)
    }
}

/// Why a store on a server was not opened.
#[derive(Debug)]
pub enum Unopened {
    /// The server has a setting with which a guarantee does not hold.
    Risky {
        /// Which one.
        risk: Risk,
        /// What was found, and how to change it.
        finding: String,
    },
    /// It cannot be reached, or cannot be used.
    Failed(StoreError),
}

impl From<StoreError> for Unopened {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

impl fmt::Display for Unopened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Risky { risk, finding } => write!(f, "{finding} (Risk::{risk})"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl StdError for Unopened {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Risky { .. } => None,
            Self::Failed(error) => Some(error),
        }
    }
}
