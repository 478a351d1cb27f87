//! The whole scenario on the real stores, through the modules of the example: twenty simultaneous
//! operations leave exactly twelve documents in each of the four stores, and when the stores fail,
//! every document is in all of them or in none, or a dead letter says what is left to do.
//!
//! A process has one runtime, and one circuit breaker per name: each scenario is a process of its
//! own, a child of the test.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic)] // Tests.

#[path = "../../examples/ingest"]
#[allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    clippy::all,
    reason = "the example's commands use the rest; its lints are checked where it is built"
)]
mod app {
    pub mod attempts;
    pub mod audit;
    pub mod chaos;
    pub mod cli;
    pub mod commands;
    pub mod document;
    pub mod error;
    pub mod intake;
    pub mod library;
    pub mod pipeline;
    pub mod progress;
    pub mod read;
    pub mod report;
    pub mod reserve;
    pub mod runtime;
    pub mod sources;
    pub mod stores;
    pub mod terminal;
    pub mod turns;
    pub mod walk;
}

mod command;
mod failing;
#[cfg(all(feature = "postgres", feature = "redis"))]
mod killed;
mod ledger;
mod queue;
mod scenario;
#[cfg(all(feature = "postgres", feature = "redis"))]
mod shared;
mod sound;

use std::future::Future;
use std::process::Stdio;

// Where the modules of the example look for each other.
use app::{
    attempts, audit, chaos, cli, commands, document, error, intake, library, pipeline, progress,
    read, report, reserve, runtime, sources, stores, terminal, turns, walk,
};
use resilience_test_support::{child, wait};

/// Runs `scenario` with each argument in a child process of the test `name`, all at once.
fn in_processes<F: Future<Output = ()>>(
    name: &str,
    arguments: &[&str],
    scenario: impl FnOnce(String) -> F,
) {
    if let Some(argument) = child::role(name) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        return runtime.block_on(scenario(argument.into_string().unwrap()));
    }
    let spawn = |argument| {
        let mut command = child::again(name, argument);
        command.stderr(Stdio::inherit()).spawn().unwrap()
    };
    let children: Vec<_> = arguments.iter().map(spawn).collect();
    for (argument, mut running) in arguments.iter().zip(children) {
        let mut status = None;
        // Where every call fails, each is retried for as long as its policies say.
        let ended = wait::holds_within(4 * wait::PATIENCE, || {
            status = running.try_wait().unwrap();
            status.is_some()
        });
        if !ended {
            let _ = running.kill();
        }
        let succeeded = status.is_some_and(|status| status.success());
        assert!(succeeded, "{name} {argument}: {status:?}");
    }
}
