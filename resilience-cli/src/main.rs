//! `resilience`: sagas and dead letters from the command line.
//!
//! The tool has none of the code of the sagas. It reads the store, and what it asks for is written into the store,
//! where a program that has the code takes it up. `docs/command-line.md` of the repository is its manual.

mod arguments;
mod commands;
mod failure;
mod output;
mod store;
mod times;
mod usage;
mod views;

use std::process::ExitCode;

use clap::Parser as _;

use arguments::{Cli, Command};
use output::Output;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage::refuse(&error),
    };
    let output = Output::new(cli.json);
    match run(cli, &output).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            failure.code()
        }
    }
}

async fn run(cli: Cli, output: &Output) -> Result<(), failure::Failure> {
    let url = store::url(cli.url)?;
    match cli.command {
        Command::Sagas { command } => commands::sagas::run(&url, command, output).await,
        Command::Dlq { command } => commands::dlq::run(&url, command, output).await,
        Command::Migrate => commands::migrate::run(&url, output).await,
        Command::Doctor(doctor) => commands::doctor::run(&url, &doctor, output).await,
    }
}
