//! What makes a server a bad place for records that must not be lost, and who takes that upon himself.

use std::fmt;

/// A setting of a server with which a guarantee does not hold. Stores check for it when they are opened, and refuse
/// unless it is accepted by [`RuntimeBuilder::accept`](crate::runtime::RuntimeBuilder::accept).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Risk {
    /// Redis may evict records and locks when its memory is full: `maxmemory-policy` is not `noeviction`.
    Eviction,
    /// Redis forgets everything when it is restarted: neither an append-only file nor snapshots are on.
    NoPersistence,
    /// The server is older than what was tested.
    OldServer,
    /// A connection pooler in transaction mode stands before PostgreSQL: nobody can be woken, waiters ask again.
    TransactionPooler,
    /// PostgreSQL confirms commits before they are on its disk: `synchronous_commit` or `fsync` is off.
    NotDurable,
    /// The clock of the server is more than a minute away from the clock of this process: the times that operators
    /// read are not what they seem. (What is over is decided by the server's clock alone.)
    Clock,
    /// The user may not ask for the settings, so that nobody knows.
    Unknown,
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// The risks that were accepted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Accepted(Vec<Risk>);

impl Accepted {
    pub(crate) fn accept(&mut self, risk: Risk) {
        self.0.push(risk);
    }

    /// Whether the store may be opened all the same.
    #[cfg_attr(
        not(any(feature = "redis", feature = "postgres")),
        expect(dead_code, reason = "only servers have settings")
    )]
    pub(crate) fn covers(&self, risk: Risk) -> bool {
        self.0.contains(&risk)
    }
}
