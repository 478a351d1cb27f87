//! What `ingest` can be told to do.

pub mod dlq;
pub mod ingest;
pub mod links;
pub mod search;
pub mod verify;

use std::path::Path;

use crate::cli::{Cli, Command};
use crate::error::{IngestError, StartError};
use crate::terminal::printable;

/// How a command ended, when it could begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Exit status 0.
    AllIsWell,
    /// Exit status 1.
    NotAll,
}

/// Does what the command line says.
///
/// # Errors
/// When the work could not begin.
pub async fn run(cli: &Cli) -> Result<Verdict, StartError> {
    let (servers, data) = (&cli.servers, &cli.data);
    match &cli.command {
        None => ingest::run(servers, data, &cli.ingest).await,
        Some(Command::Search { words, limit }) => search::run(data, words, *limit).await,
        Some(Command::Links { document }) => links::run(data, document).await,
        Some(Command::Verify) => verify::run(servers, data).await,
        Some(Command::Dlq { command }) => dlq::run(servers, data, command).await,
    }
}

impl Verdict {
    fn all_is_well(well: bool) -> Self {
        if well { Self::AllIsWell } else { Self::NotAll }
    }
}

/// A store that cannot even be read ends the command.
impl From<IngestError> for StartError {
    fn from(error: IngestError) -> Self {
        Self(error.to_string())
    }
}

/// `path` as seen from the working directory, when it is below that.
fn shown(path: &str) -> String {
    let directory = std::env::current_dir().unwrap_or_default();
    let below = Path::new(path).strip_prefix(directory);
    printable(&below.unwrap_or(Path::new(path)).display().to_string())
}
