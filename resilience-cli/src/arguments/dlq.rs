//! `resilience dlq`.

use std::num::NonZeroU32;

use clap::{Args, Subcommand, ValueEnum};
use resilience_runtime::dlq::{
    DeadLetterFilter, DeadLetterId, DeadLetterKind, DeadLetterStatus, Priority, RetryAs,
};
use resilience_runtime::saga::journal::SagaId;
use resilience_runtime::timestamp::Timestamp;

use super::{Direction, Waiting, Who, word};
use crate::times::{When, moment};

#[derive(Debug, Subcommand)]
pub(crate) enum Dlq {
    /// List dead letters, newest first; without --status or --all, only unresolved ones
    List {
        #[command(flatten)]
        filters: LetterFilters,
        /// Only letters in these statuses: open, retrying, settled, resolved, discarded
        #[arg(long, value_name = "STATUS", value_parser = status, value_delimiter = ',', conflicts_with = "all")]
        status: Vec<DeadLetterStatus>,
        /// Letters in any status
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        direction: Direction,
        /// The maximum number of letters
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// Begin after this letter, the last one of the previous page
        #[arg(long, value_name = "ID")]
        after: Option<DeadLetterId>,
    },
    /// Show one letter with everything that is kept, and what operators did to it
    Show {
        /// The id of the letter
        id: DeadLetterId,
    },
    /// Request a retry of letters; a program that has the code takes it up
    Retry {
        /// The ids of the letters
        #[arg(required_unless_present = "all", conflicts_with_all = ["all", "dry_run", "per_second", "limit", "after", "operation", "dependency", "saga", "priority", "kind", "since", "before"])]
        ids: Vec<DeadLetterId>,
        /// How to retry
        #[arg(long = "as", value_name = "WAY", value_enum, default_value_t = Way::Itself)]
        way: Way,
        /// The reason, for the audit
        #[arg(long, value_name = "TEXT")]
        because: Option<String>,
        #[command(flatten)]
        many: RetryMany,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Close letters whose work was done by hand
    Resolve {
        /// The ids of the letters
        #[arg(required = true)]
        ids: Vec<DeadLetterId>,
        /// What was done, for the audit
        #[arg(long, value_name = "TEXT")]
        note: String,
        #[command(flatten)]
        who: Who,
    },
    /// Close letters whose work is given up
    Discard {
        /// The ids of the letters
        #[arg(required = true)]
        ids: Vec<DeadLetterId>,
        /// The reason, for the audit
        #[arg(long, value_name = "TEXT")]
        because: Option<String>,
        #[command(flatten)]
        who: Who,
    },
    /// Count the letters
    Stats,
}

/// Which letters.
#[derive(Debug, Args)]
pub(crate) struct LetterFilters {
    /// Only letters of this operation
    #[arg(long, value_name = "NAME")]
    operation: Option<String>,
    /// Only letters of this dependency
    #[arg(long, value_name = "NAME")]
    dependency: Option<String>,
    /// Only letters of this saga
    #[arg(long, value_name = "ID")]
    pub(crate) saga: Option<String>,
    /// Only letters of this priority or a higher one: low, normal, high, critical
    #[arg(long, value_name = "PRIORITY", value_parser = priority)]
    priority: Option<Priority>,
    /// Only letters of this kind: compensation, saga, work
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Option<DeadLetterKind>,
    /// Only letters written since: an age such as 90s, 1h or 2days, or a time such as 2026-03-01T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<When>,
    /// Only letters written before; as for --since
    #[arg(long, value_name = "TIME", value_parser = moment)]
    before: Option<When>,
}

impl LetterFilters {
    /// Which they are at `now`; `saga` is the one that is named so.
    pub(crate) fn filter(self, saga: Option<SagaId>, now: Timestamp) -> DeadLetterFilter {
        DeadLetterFilter {
            kind: self.kind,
            operation: self.operation,
            dependency: self.dependency,
            saga,
            priority: self.priority,
            since: self.since.map(|it| it.at(now)),
            before: self.before.map(|it| it.at(now)),
            ..DeadLetterFilter::default()
        }
    }
}

/// Retrying all that a filter lets through.
#[derive(Debug, Args)]
pub(crate) struct RetryMany {
    /// All open letters that match the filters
    #[arg(long, conflicts_with = "wait")]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) filters: LetterFilters,
    /// With --all: how many letters per second
    #[arg(long, value_name = "N", default_value = "10", requires = "all")]
    pub(crate) per_second: NonZeroU32,
    /// With --all: the maximum number of letters
    #[arg(long, value_name = "N", requires = "all")]
    pub(crate) limit: Option<u64>,
    /// With --all: begin after this letter, where another run ended
    #[arg(long, value_name = "ID", requires = "all")]
    pub(crate) after: Option<DeadLetterId>,
    /// With --all: say what would be done, and do nothing
    #[arg(long, requires = "all")]
    pub(crate) dry_run: bool,
}

/// How a letter is retried.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Way {
    /// Do again what failed; a parked saga continues forward
    Itself,
    /// Undo the saga, even if it is parked
    Compensation,
}

impl From<Way> for RetryAs {
    fn from(way: Way) -> Self {
        match way {
            Way::Itself => Self::Itself,
            Way::Compensation => Self::Compensation,
        }
    }
}

fn status(text: &str) -> Result<DeadLetterStatus, String> {
    word(DeadLetterStatus::ALL, DeadLetterStatus::as_str, text)
}

fn kind(text: &str) -> Result<DeadLetterKind, String> {
    word(DeadLetterKind::ALL, DeadLetterKind::as_str, text)
}

fn priority(text: &str) -> Result<Priority, String> {
    word(Priority::ALL, Priority::as_str, text)
}
