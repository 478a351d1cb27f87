//! The command line.

mod dlq;
mod sagas;

use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use resilience_runtime::operator::Operator;
use resilience_runtime::order::Order;
use resilience_runtime::store::risk::Risk;

pub(crate) use dlq::{Dlq, LetterFilters, RetryMany};
pub(crate) use sagas::{SagaFilters, Sagas};

const AFTER: &str = "\
This tool runs no sagas or handlers itself: it writes requests into the store, and a program that has the code takes them up. \
All times are in UTC, by the clock of the store.

Exit status:
  0  done
  1  it was tried and failed; with `doctor`: a check failed
  2  the command line is not valid, or the beginning of an id matches several sagas
  3  there is no such saga or dead letter
  4  conflict: somebody else was first, or its status does not allow this
  5  the store cannot be reached or used";

/// Inspects and operates the sagas and dead letters of programs that use the crate `resilience`
#[derive(Debug, Parser)]
#[command(name = "resilience", version, after_help = AFTER)]
pub(crate) struct Cli {
    /// The store: the path of an SQLite file, or a postgres:// URL. Default: the environment variable RESILIENCE_URL, which keeps
    /// a password out of the process list
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Print JSON, for programs
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Sagas: list, show, cancel, undo and count them
    Sagas {
        #[command(subcommand)]
        command: Sagas,
    },
    /// Dead letters (work that failed for good): list, show, retry, close and count them
    Dlq {
        #[command(subcommand)]
        command: Dlq,
    },
    /// Migrate the store to the schema of this version, or create it if there is none
    Migrate,
    /// Check the store and the work that waits in it
    Doctor(Doctor),
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// The number of unresolved dead letters from which on the check fails
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub(crate) dead_letter_limit: u64,
    /// A risk that the programs accept; it is then only a warning
    #[arg(long, value_name = "RISK", value_parser = risk)]
    pub(crate) accept: Vec<Risk>,
}

/// Who acts, for the audit.
#[derive(Debug, Args)]
pub(crate) struct Who {
    /// Who does this, for the audit; default: $USER
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

impl Who {
    pub(crate) fn operator(&self, because: Option<&str>) -> Operator {
        let variable = |name| std::env::var(name).ok().filter(|it| !it.is_empty());
        let given = self.by.clone();
        let name = given
            .or_else(|| variable("USER"))
            .or_else(|| variable("LOGNAME"));
        let operator = Operator::named(name.unwrap_or_else(|| "unknown".to_owned()));
        match because {
            Some(reason) => operator.because(reason),
            None => operator,
        }
    }
}

/// Which end a list begins at.
#[derive(Debug, Args)]
pub(crate) struct Direction {
    /// Newest first (the default)
    #[arg(long, conflicts_with = "oldest")]
    newest: bool,
    /// Oldest first
    #[arg(long)]
    oldest: bool,
}

impl Direction {
    pub(crate) fn order(&self) -> Order {
        match self.oldest {
            true => Order::OldestFirst,
            false => Order::NewestFirst,
        }
    }

    /// What says the same to the next page.
    pub(crate) fn option(&self) -> &'static str {
        match self.oldest {
            true => " --oldest",
            false => "",
        }
    }
}

/// Whether to wait for what a request comes to.
#[derive(Debug, Args)]
pub(crate) struct Waiting {
    /// Wait for the outcome
    #[arg(long)]
    pub(crate) wait: bool,
    /// With --wait: how long to wait
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration, requires = "wait")]
    pub(crate) timeout: Duration,
}

fn risk(text: &str) -> Result<Risk, String> {
    const RISKS: [Risk; 7] = [
        Risk::Eviction,
        Risk::NoPersistence,
        Risk::OldServer,
        Risk::TransactionPooler,
        Risk::NotDurable,
        Risk::Clock,
        Risk::Unknown,
    ];
    let mut risks = RISKS.into_iter();
    risks
        .find(|risk| risk.to_string().eq_ignore_ascii_case(text))
        .ok_or_else(|| {
            let names: Vec<_> = RISKS.iter().map(ToString::to_string).collect();
            format!("a risk is one of {}", names.join(", "))
        })
}

/// One of the words of a status, a kind or a priority.
fn word<T: Copy>(all: &[T], name: fn(T) -> &'static str, text: &str) -> Result<T, String> {
    let found = all.iter().copied().find(|it| name(*it) == text);
    found.ok_or_else(|| {
        let names: Vec<_> = all.iter().map(|it| name(*it)).collect();
        format!("one of {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_definition_is_sound() {
        super::Cli::command().debug_assert();
    }
}
