//! `resilience sagas`.

use clap::{Args, Subcommand};
use resilience_runtime::order::Order;
use resilience_runtime::saga::journal::{SagaFilter, SagaId, Status};
use resilience_runtime::timestamp::Timestamp;

use super::{Direction, Waiting, Who, word};
use crate::times::{When, moment};

#[derive(Debug, Subcommand)]
pub(crate) enum Sagas {
    /// Shows sagas, newest first
    List {
        #[command(flatten)]
        filters: SagaFilters,
        #[command(flatten)]
        direction: Direction,
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// Begins after this saga: the last one of the page before
        #[arg(long, value_name = "ID")]
        after: Option<String>,
    },
    /// Shows one saga with its steps, its dead letters and what was done to it by hand
    Show {
        /// The saga: its id, or so much of the beginning that no other one begins so
        id: String,
    },
    /// Asks the program that runs a saga to stop and undo it
    Cancel {
        /// The saga, as for `show`
        id: String,
        /// Why, for the audit
        #[arg(long, value_name = "TEXT")]
        because: Option<String>,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Asks for a saga to be undone that waits for an operator: one that is parked, or could not be undone before
    Compensate {
        /// The saga, as for `show`
        id: String,
        /// Why, for the audit
        #[arg(long, value_name = "TEXT")]
        because: Option<String>,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Counts the sagas of each name, and says how long they took
    Stats,
}

/// Which sagas.
#[derive(Debug, Args)]
pub(crate) struct SagaFilters {
    /// Only of this name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Only in these: running, compensating, completed, compensated, failed, compensation_failed, parked, resolved
    #[arg(long, value_name = "STATUS", value_parser = status, value_delimiter = ',')]
    status: Vec<Status>,
    /// Only started since: 90s, 1h, 2days ago, or a moment such as 2026-03-01T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<When>,
    /// Only started before
    #[arg(long, value_name = "TIME", value_parser = moment)]
    before: Option<When>,
    /// Only called by this saga
    #[arg(long, value_name = "ID")]
    pub(crate) parent: Option<String>,
}

impl SagaFilters {
    /// Which they are at `now`; `parent` is the saga that is named so.
    pub(crate) fn filter(self, parent: Option<SagaId>, order: Order, now: Timestamp) -> SagaFilter {
        SagaFilter {
            name: self.name,
            statuses: self.status,
            since: self.since.map(|it| it.at(now)),
            before: self.before.map(|it| it.at(now)),
            parent,
            order,
            ..SagaFilter::default()
        }
    }
}

fn status(text: &str) -> Result<Status, String> {
    word(Status::ALL, Status::as_str, text)
}
