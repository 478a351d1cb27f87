//! `resilience sagas`.

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use resilience_runtime::order::Order;
use resilience_runtime::saga::journal::{SagaFilter, SagaId, Status};
use resilience_runtime::timestamp::Timestamp;

use super::{Direction, Waiting, Who, word};
use crate::times::{When, moment};

#[derive(Debug, Subcommand)]
pub(crate) enum Sagas {
    /// List sagas, newest first
    List {
        #[command(flatten)]
        filters: SagaFilters,
        #[command(flatten)]
        direction: Direction,
        /// The maximum number of sagas
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// Begin after this saga, the last one of the previous page
        #[arg(long, value_name = "ID")]
        after: Option<String>,
    },
    /// Show one saga with its steps, its dead letters and what operators did to it
    Show {
        /// The id of the saga, or the beginning of it if no other id begins the same way
        id: String,
    },
    /// Request the cancellation of a saga: the program that runs it stops and undoes it
    Cancel {
        /// The id of the saga, as for `show`
        id: String,
        /// The reason, for the audit
        #[arg(long, value_name = "TEXT")]
        because: Option<String>,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Request that a saga be undone that waits for an operator because it is parked or could not be undone before
    Compensate {
        /// The id of the saga, as for `show`
        id: String,
        /// The reason, for the audit
        #[arg(long, value_name = "TEXT")]
        because: Option<String>,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Move an unfinished saga that no live program has into the dead letter queue, where it can be closed without its code
    Park {
        /// The id of the saga, as for `show`
        id: String,
        /// The reason, for the dead letter and the audit
        #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
        because: String,
        #[command(flatten)]
        who: Who,
    },
    /// Count the sagas of each name, and say how long they took
    Stats,
}

/// Which sagas.
#[derive(Debug, Args)]
pub(crate) struct SagaFilters {
    /// Only sagas of this name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Only sagas in these statuses: running, compensating, completed, compensated, failed, compensation_failed, parked, resolved
    #[arg(long, value_name = "STATUS", value_parser = status, value_delimiter = ',')]
    status: Vec<Status>,
    /// Only sagas started since: an age such as 90s, 1h or 2days, or a time such as 2026-03-01T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<When>,
    /// Only sagas started before; as for --since
    #[arg(long, value_name = "TIME", value_parser = moment)]
    before: Option<When>,
    /// Only sagas that this saga called
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
