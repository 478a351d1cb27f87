//! Ingests documents into four independent stores, each document as one saga: it ends in all
//! stores or in none, also when stores fail and the process is killed.
//!
//! `pipeline.rs` is what to read first: the steps, their compensations, and the attributes that
//! make them survive.
#![allow(
    unreachable_pub,
    reason = "tests include these modules, and then `pub` is what they need"
)]

mod attempts;
mod audit;
mod chaos;
mod cli;
mod commands;
mod document;
mod error;
mod intake;
mod library;
mod pipeline;
mod progress;
mod read;
mod report;
mod reserve;
mod runtime;
mod sources;
mod stores;
mod terminal;
mod turns;
mod walk;

use std::process::ExitCode;

use cli::Cli;
use commands::Verdict;

#[tokio::main]
async fn main() -> ExitCode {
    quiet_about_damaged_files();
    match commands::run(&Cli::read()).await {
        Ok(Verdict::AllIsWell) => ExitCode::SUCCESS,
        Ok(Verdict::NotAll) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("ingest: {error}");
            ExitCode::from(2)
        }
    }
}

/// redb panics over some damaged files. Its store turns that into an error that names the file;
/// the panic's own report says nothing more.
fn quiet_about_damaged_files() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let redb = panic
            .location()
            .is_some_and(|place| place.file().contains("/redb-"));
        if !redb {
            report(panic);
        }
    }));
}
