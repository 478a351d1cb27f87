//! The example's command line, run as its users do: in a process of its own.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use clap::Parser as _;
use resilience_test_support::child;

use crate::cli::Cli;
use crate::commands::{self, Verdict};

/// The exit statuses, as `ingest --help` explains them.
pub(crate) const ALL_IS_WELL: i32 = 0;
pub(crate) const NOT_ALL: i32 = 1;

/// In the child: does what the command line says, and ends the process with its exit status.
pub(crate) fn run(command_line: &OsString) -> ! {
    // Behind the words of the test harness.
    println!();
    let command_line = command_line.to_str().unwrap();
    let cli = Cli::try_parse_from(command_line.lines()).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let status = match runtime.block_on(commands::run(&cli)) {
        Ok(Verdict::AllIsWell) => ALL_IS_WELL,
        Ok(Verdict::NotAll) => NOT_ALL,
        Err(error) => {
            eprintln!("ingest: {error}");
            2
        }
    };
    std::process::exit(status);
}

/// `ingest` with these words on the command line: the test `name` again, which has to call [`run`].
pub(crate) fn ingest<'a>(name: &str, words: impl IntoIterator<Item = &'a str>) -> Command {
    let words: Vec<&str> = ["ingest"].into_iter().chain(words).collect();
    let mut command = child::again(name, words.join("\n"));
    command.stdout(Stdio::piped()).stderr(Stdio::inherit());
    command
}

/// How `ingest` ended, and what it said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: Option<i32>,
    pub(crate) text: String,
}

impl Said {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            status: output.status.code(),
            text: String::from_utf8(output.stdout).unwrap(),
        }
    }

    /// The figure of the report in the line that begins with `name`; 0 when there is no such line.
    pub(crate) fn figure(&self, name: &str) -> usize {
        let mut lines = self.text.lines();
        let figure = lines.find_map(|line| line.trim_start().strip_prefix(name));
        let word = figure.and_then(|rest| rest.split_whitespace().next());
        word.map_or(0, |figure| figure.parse().unwrap())
    }
}

/// Makes `count` pages with links below `folder`, and answers with their names.
pub(crate) fn pages(folder: &Path, count: usize) -> Vec<String> {
    std::fs::create_dir(folder).unwrap();
    let page = |number| {
        let next = (number + 1) % count;
        let name = format!("page-{number}.md");
        let text = format!("# Page {number}\n\nSee [the next](page-{next}.md).\n");
        std::fs::write(folder.join(&name), text).unwrap();
        name
    };
    (0..count).map(page).collect()
}
