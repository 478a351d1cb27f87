//! Looking at many sagas.

use std::time::Duration;

use serde::Serialize;

use super::{Parking, SagaId, Status};
use crate::order::Order;
use crate::timestamp::Timestamp;

/// Which sagas to list. Empty: all.
#[derive(Debug, Clone, Default)]
pub struct SagaFilter {
    /// Only of this name.
    pub name: Option<String>,
    /// Only in one of these; all when empty.
    pub statuses: Vec<Status>,
    /// Only started at this moment or later.
    pub since: Option<Timestamp>,
    /// Only started before this moment.
    pub before: Option<Timestamp>,
    /// Only called by this saga.
    pub parent: Option<SagaId>,
    /// Only with an id that begins like this, letter by letter.
    pub id_prefix: Option<String>,
    /// By when they were started: the oldest first unless set.
    pub order: Order,
}

/// A place in a list of sagas, which is in the order in which they were started, or the other way round. Stays right
/// whatever is added or deleted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SagaCursor {
    /// When the last one of the page before was started.
    pub started_at: Timestamp,
    /// Which it was.
    pub id: SagaId,
}

/// A saga in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SagaSummary {
    /// Its identity.
    pub id: SagaId,
    /// The name of its function.
    pub name: String,
    /// The version of its function.
    pub version: u32,
    /// Where it stands.
    pub status: Status,
    /// Why it is parked.
    pub parking: Option<Parking>,
    /// How many steps have come out.
    pub steps: u32,
    /// How many of them are undone.
    pub undone: u32,
    /// Counts the owners.
    pub epoch: i64,
    /// Whether somebody asked to cancel it.
    pub cancelled: bool,
    /// Why it failed.
    pub error: Option<String>,
    /// The saga that called it.
    pub parent: Option<SagaId>,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it last changed its status or its owner.
    pub updated_at: Timestamp,
}

impl SagaSummary {
    /// Where the next page begins.
    #[must_use]
    pub fn cursor(&self) -> SagaCursor {
        SagaCursor {
            started_at: self.started_at,
            id: self.id.clone(),
        }
    }
}

/// What there is of one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SagaStatistics {
    /// The name of the saga function.
    pub name: String,
    /// How many sagas are in each status that at least one is in.
    pub counts: Vec<(Status, u64)>,
    /// How long those took that completed last; `None` when none has.
    pub completed: Option<Durations>,
}

/// How long sagas took, from their start to their end: of the last 10,000 of a name that completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Durations {
    /// The shortest.
    pub min: Duration,
    /// On average.
    pub mean: Duration,
    /// As long as the slowest twentieth at least: the 95th percentile.
    pub p95: Duration,
    /// The longest.
    pub max: Duration,
}

/// Unfinished sagas of one function that belong to nobody who lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OrphanedSagas {
    /// The name in the journal.
    pub name: String,
    /// The version in the journal.
    pub version: u32,
    /// How many.
    pub count: u64,
}
