//! Listing and counting sagas.

use std::time::Duration;

use serde::Serialize;

use super::{Parking, SagaId, Status};
use crate::order::Order;
use crate::timestamp::Timestamp;

/// Selects sagas. An empty filter selects all of them.
#[derive(Debug, Clone, Default)]
pub struct SagaFilter {
    /// Only sagas of this name.
    pub name: Option<String>,
    /// Only sagas in one of these statuses; all if empty.
    pub statuses: Vec<Status>,
    /// Only sagas started at this time or later.
    pub since: Option<Timestamp>,
    /// Only sagas started before this time.
    pub before: Option<Timestamp>,
    /// Only sagas that this saga called.
    pub parent: Option<SagaId>,
    /// Only sagas whose id begins with exactly this text.
    pub id_prefix: Option<String>,
    /// The order by start; oldest first by default.
    pub order: Order,
}

/// A place in a list of sagas that is ordered by start. It stays valid when sagas are added or deleted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SagaCursor {
    /// When the last saga of the previous page was started.
    pub started_at: Timestamp,
    /// The id of that saga.
    pub id: SagaId,
}

/// A saga in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SagaSummary {
    /// Its id.
    pub id: SagaId,
    /// The name of its function.
    pub name: String,
    /// The version of its function.
    pub version: u32,
    /// Its status.
    pub status: Status,
    /// Why it is parked, if it is.
    pub parking: Option<Parking>,
    /// How many steps have ended or are in doubt.
    pub steps: u32,
    /// How many of them have been undone.
    pub undone: u32,
    /// A number that grows with every new owner.
    pub epoch: i64,
    /// Whether its cancellation was requested.
    pub cancelled: bool,
    /// Why it failed, or is parked.
    pub error: Option<String>,
    /// The saga that called it, if one did.
    pub parent: Option<SagaId>,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it last changed its status or its owner.
    pub updated_at: Timestamp,
}

impl SagaSummary {
    /// The place after this saga, where the next page begins.
    #[must_use]
    pub fn cursor(&self) -> SagaCursor {
        SagaCursor {
            started_at: self.started_at,
            id: self.id.clone(),
        }
    }
}

/// The numbers and durations of the sagas of one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SagaStatistics {
    /// The name of the saga function.
    pub name: String,
    /// The number of sagas in each status; statuses without sagas are left out.
    pub counts: Vec<(Status, u64)>,
    /// How long the completed ones took; `None` if there are none.
    pub completed: Option<Durations>,
}

/// How long sagas took, from their start to their end: of the last 10,000 of a name that completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Durations {
    /// The shortest.
    pub min: Duration,
    /// The average.
    pub mean: Duration,
    /// The 95th percentile: the shortest that at least 95 % of them did not exceed.
    pub p95: Duration,
    /// The longest.
    pub max: Duration,
}

/// Unfinished sagas of one function that belong to no live process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OrphanedSagas {
    /// The name in the journal.
    pub name: String,
    /// The version in the journal.
    pub version: u32,
    /// How many there are.
    pub count: u64,
}
