//! `resilience dlq`.

use std::num::NonZeroU32;

use clap::{Args, Subcommand, ValueEnum};
use resilience_runtime::dlq::{
    DeadLetterId, DeadLetterKind, DeadLetterStatus, LetterFilter, Priority, RetryAs,
};
use resilience_runtime::saga::journal::SagaId;
use resilience_runtime::timestamp::Timestamp;

use super::{Direction, Waiting, Who, word};
use crate::times::{When, moment};

#[derive(Debug, Subcommand)]
pub(crate) enum Dlq {
    /// Shows dead letters, newest first; those that are unresolved unless a status is named
    List {
        #[command(flatten)]
        filters: LetterFilters,
        /// Only in these: open, retrying, settled, resolved, discarded
        #[arg(long, value_name = "STATUS", value_parser = status, value_delimiter = ',', conflicts_with = "all")]
        status: Vec<DeadLetterStatus>,
        /// In any status
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        direction: Direction,
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// Begins after this letter: the last one of the page before
        #[arg(long, value_name = "ID")]
        after: Option<DeadLetterId>,
    },
    /// Shows one letter with all that is kept, and what was done to it by hand
    Show {
        /// The letter
        id: DeadLetterId,
    },
    /// Asks for letters to be retried: by a program that has the code
    Retry {
        /// The letters
        #[arg(required_unless_present = "all", conflicts_with_all = ["all", "dry_run", "per_second", "limit", "after", "operation", "dependency", "saga", "priority", "kind", "since", "before"])]
        ids: Vec<DeadLetterId>,
        /// How: what failed again, or undoing the saga
        #[arg(long = "as", value_name = "WAY", value_enum, default_value_t = Way::Itself)]
        way: Way,
        /// Why, for the audit
        #[arg(long, value_name = "TEXT")]
        because: Option<String>,
        #[command(flatten)]
        many: RetryMany,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Closes letters whose work was done by hand
    Resolve {
        /// The letters
        #[arg(required = true)]
        ids: Vec<DeadLetterId>,
        /// What was done
        #[arg(long, value_name = "TEXT")]
        note: String,
        #[command(flatten)]
        who: Who,
    },
    /// Gives up the work of letters
    Discard {
        /// The letters
        #[arg(required = true)]
        ids: Vec<DeadLetterId>,
        /// Why, for the audit
        #[arg(long, value_name = "TEXT")]
        because: Option<String>,
        #[command(flatten)]
        who: Who,
    },
    /// Counts the letters
    Stats,
}

/// Which letters.
#[derive(Debug, Args)]
pub(crate) struct LetterFilters {
    /// Only of this operation
    #[arg(long, value_name = "NAME")]
    operation: Option<String>,
    /// Only of this dependency
    #[arg(long, value_name = "NAME")]
    dependency: Option<String>,
    /// Only of this saga
    #[arg(long, value_name = "ID")]
    pub(crate) saga: Option<String>,
    /// Only of this priority or a higher one: low, normal, high, critical
    #[arg(long, value_name = "PRIORITY", value_parser = priority)]
    priority: Option<Priority>,
    /// Only of this kind: compensation, saga, work
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Option<DeadLetterKind>,
    /// Only written since: 90s, 1h, 2days ago, or a moment such as 2026-03-01T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<When>,
    /// Only written before
    #[arg(long, value_name = "TIME", value_parser = moment)]
    before: Option<When>,
}

impl LetterFilters {
    /// Which they are at `now`; `saga` is the one that is named so.
    pub(crate) fn filter(self, saga: Option<SagaId>, now: Timestamp) -> LetterFilter {
        LetterFilter {
            kind: self.kind,
            operation: self.operation,
            dependency: self.dependency,
            saga,
            priority: self.priority,
            since: self.since.map(|it| it.at(now)),
            before: self.before.map(|it| it.at(now)),
            ..LetterFilter::default()
        }
    }
}

/// Retrying all that a filter lets through.
#[derive(Debug, Args)]
pub(crate) struct RetryMany {
    /// All that are open and that the filters let through
    #[arg(long, conflicts_with = "wait")]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) filters: LetterFilters,
    /// With --all: how many each second
    #[arg(long, value_name = "N", default_value = "10", requires = "all")]
    pub(crate) per_second: NonZeroU32,
    /// With --all: how many at most
    #[arg(long, value_name = "N", requires = "all")]
    pub(crate) limit: Option<u64>,
    /// With --all: begins after this letter, where another run ended
    #[arg(long, value_name = "ID", requires = "all")]
    pub(crate) after: Option<DeadLetterId>,
    /// With --all: says what would be done, and does nothing
    #[arg(long, requires = "all")]
    pub(crate) dry_run: bool,
}

/// How a letter is retried.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Way {
    /// What failed is done again: a parked saga goes on forward
    Itself,
    /// The saga is undone, also where it is parked
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
