//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Ingests documents into four stores: rows, a full-text index, a graph of links, and a cache.
/// Every document ends in all of them or in none.
#[derive(Debug, Parser)]
#[command(
    name = "ingest",
    args_conflicts_with_subcommands = true,
    after_help = "What is stored is not done again: to see --chaos and --kill-after at work, give \
                  them documents that are new, or a --data directory that is.\n\nA path called \
                  like a command is written ./search. Exit status: 0 when all is well, 1 when some \
                  inputs were bad, some documents are not stored or nothing was found, 2 when the \
                  work could not begin."
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub ingest: Ingest,
    /// The directory of the stores
    #[arg(long, value_name = "DIR", default_value = "ingest-data", global = true)]
    pub data: PathBuf,
    /// Where the runtime keeps its records, such as postgres://user@host/database, so that several processes can work
    /// on one DIR at once; a file in DIR when it is not given
    #[arg(long, value_name = "URL", global = true)]
    pub store: Option<String>,
}

#[derive(Debug, Args)]
pub struct Ingest {
    /// Files and directories; this repository's own documents when there are none
    pub paths: Vec<PathBuf>,
    /// How many documents are in work at a time
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub jobs: u16,
    /// Let this share of all calls of stores fail, hang or answer late, from 0 to 1
    #[arg(long, value_name = "RATE", default_value_t = 0.0, value_parser = rate)]
    pub chaos: f64,
    /// What decides which calls go wrong
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Kill this process with SIGKILL once it has stored N documents
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub kill_after: Option<u64>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Find the documents that have all the words
    Search {
        /// Whole words, in any order
        #[arg(required = true)]
        words: Vec<String>,
        /// How many documents at most
        #[arg(long, value_name = "N", default_value_t = 10)]
        limit: u32,
    },
    /// Show what a document links to, and what links to it
    Links {
        /// Its path, or the end of its path
        document: PathBuf,
    },
    /// Compare the four stores
    Verify,
    /// Look after work that failed for good
    Dlq {
        #[command(subcommand)]
        command: Dlq,
    },
}

#[derive(Debug, Subcommand)]
pub enum Dlq {
    /// Show what waits
    List,
    /// Try again what is left to do
    Retry {
        /// The dead letters
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        ids: Vec<i64>,
        /// All that wait
        #[arg(long)]
        all: bool,
    },
    /// Close a dead letter whose work was done by hand
    Resolve {
        /// The dead letter
        id: i64,
        /// What was done
        #[arg(long, value_name = "TEXT")]
        note: String,
    },
}

impl Cli {
    /// Reads the command line of this process; ends the process when it makes no sense.
    pub fn read() -> Self {
        Self::parse_from(command_first(std::env::args_os().collect()))
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse::<f64>().ok();
    rate.filter(|rate| (0.0..=1.0).contains(rate))
        .ok_or_else(|| "a share is a number from 0 to 1, such as 0.2".to_owned())
}

/// `ingest --data DIR search …` as `ingest search --data DIR …`: after an option, the parser would
/// take the command for a path.
fn command_first(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let text = |at: usize| arguments.get(at).and_then(|argument| argument.to_str());
    let at = match text(1) {
        Some("--data") => 3,
        Some(argument) if argument.starts_with("--data=") => 2,
        _ => return arguments,
    };
    if matches!(
        text(at),
        Some("search" | "links" | "verify" | "dlq" | "help")
    ) {
        let command = arguments.remove(at);
        arguments.insert(1, command);
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Cli {
        let arguments = ["ingest"].iter().chain(arguments);
        Cli::try_parse_from(command_first(arguments.map(OsString::from).collect())).unwrap()
    }

    #[test]
    fn the_definition_is_sound() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }

    #[test]
    fn data_goes_before_and_after_the_command() {
        for arguments in [
            &["--data", "d", "search", "tea"][..],
            &["--data=d", "search", "tea"],
            &["search", "tea", "--data", "d"],
        ] {
            let cli = parse(arguments);
            assert_eq!(cli.data, PathBuf::from("d"));
            assert!(
                matches!(cli.command, Some(Command::Search { .. })),
                "{arguments:?}"
            );
        }
    }

    #[test]
    fn a_path_may_be_called_like_a_command() {
        let cli = parse(&["--data", "d", "./search", "docs", "--jobs", "3"]);
        assert!(cli.command.is_none());
        assert_eq!(cli.ingest.paths, ["./search", "docs"].map(PathBuf::from));
        assert_eq!(cli.ingest.jobs, 3);
        assert!(parse(&[]).ingest.paths.is_empty());
    }
}
