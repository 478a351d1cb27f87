//! `ingest`: from paths to documents in four stores.

use std::path::{Path, PathBuf};
use std::time::Instant;

use tokio::task::JoinSet;

use super::verify::say_differences;
use super::{Verdict, shown};
use crate::audit::audit;
use crate::chaos::Chaos;
use crate::cli::Ingest;
use crate::error::StartError;
use crate::intake::{Outcome, retire_left_overs, take_in};
use crate::library::Library;
use crate::progress::Progress;
use crate::report::{self, Tally};
use crate::runtime;
use crate::terminal::{Paint, say};
use crate::walk::{Found, walk};

/// Ingests what is below the paths, and says what came of it.
///
/// # Errors
/// When a store or the runtime cannot be opened.
pub async fn run(
    store: Option<&str>,
    data: &Path,
    arguments: &Ingest,
) -> Result<Verdict, StartError> {
    let began = Instant::now();
    let library = Library::open(data, Chaos::new(arguments.chaos, arguments.seed)).await?;
    if store.is_some() {
        library.graph.share();
    }
    let runtime = runtime::open_at(store, data, &library).await?;
    let mut tally = Tally {
        recovered: library.attempts.finish_all(),
        ..Tally::default()
    };
    tally.retired = retire_left_overs(&library).await?;

    let found = find(data, &arguments.paths, &mut tally);
    take_in_all(&library, found, arguments, &mut tally).await;
    runtime.shutdown().await;

    tally.retried = library.attempts.repeated();
    let paint = Paint::for_stdout();
    say(tally.table(paint).trim_end());
    let agree = match store {
        None => say_differences(&library, &audit(&library).await?, paint).await?,
        // Other processes may be in the middle of documents; `verify` compares when they are done.
        Some(_) => true,
    };
    say(&format!(
        "{}, in {}",
        report::speed(&tally, began.elapsed()),
        data.display()
    ));
    if let Some(hint) = hint(&tally, arguments) {
        say(&paint.dim(&format!("  {hint}")));
    }
    Ok(Verdict::all_is_well(agree && tally.is_clean()))
}

/// What to do when faults were asked for and could not strike.
fn hint(tally: &Tally, arguments: &Ingest) -> Option<&'static str> {
    let asked = arguments.chaos > 0.0 || arguments.kill_after.is_some();
    let nothing_new = tally.replayed > 0 && tally.stored + tally.compensated == 0;
    (asked && nothing_new).then_some(
        "nothing was new, so nothing could go wrong: give it other documents, or a new --data DIR",
    )
}

/// The documents below `paths`; what is wrong with these is said and counted.
fn find(data: &Path, paths: &[PathBuf], tally: &mut Tally) -> Found {
    let own = [PathBuf::from(env!("CARGO_MANIFEST_DIR"))];
    let roots = if paths.is_empty() { &own } else { paths };
    let found = walk(roots, &data.canonicalize().unwrap_or_default());
    for problem in &found.problems {
        tally.bad += 1;
        eprintln!("{problem}");
    }
    tally.passed_over = found.passed_over.len().try_into().unwrap_or(u64::MAX);
    found
}

/// Ingests documents, several at a time, until there are no more or somebody interrupts.
async fn take_in_all(library: &Library, found: Found, arguments: &Ingest, tally: &mut Tally) {
    let mut progress = Progress::new(found.documents.len());
    let mut waiting = found.documents.into_iter();
    let mut in_work = JoinSet::new();
    let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
    let mut stopping = false;
    loop {
        while !stopping && in_work.len() < arguments.jobs.into() {
            let Some(path) = waiting.next() else { break };
            let library = library.clone();
            in_work.spawn(async move {
                let outcome = take_in(&library, &path).await;
                (path, outcome)
            });
        }
        tokio::select! {
            _ = &mut interrupted, if !stopping => {
                stopping = true;
                progress.say("interrupted: finishing the documents that are in work");
            }
            ended = in_work.join_next() => match ended {
                None => break,
                Some(Ok((path, outcome))) => {
                    if let Some(news) = tally.count(&outcome) {
                        progress.say(&format!("{} {news}", shown(&path.to_string_lossy())));
                    }
                    progress.advance();
                    if library.reserve.is_spent() && !stopping {
                        stopping = true;
                        progress.say("the disk is full: undoing the documents that are in work");
                    }
                    kill_if_due(&outcome, tally, arguments.kill_after, &progress);
                }
                Some(Err(panic)) => {
                    tally.unsettled += 1;
                    progress.say(&format!("a document is left to the next run: {panic}"));
                }
            },
        }
    }
    let skipped = waiting.count();
    if skipped > 0 {
        tally.unsettled += u64::try_from(skipped).unwrap_or(u64::MAX);
    }
}

/// Dies as a process does that the system kills: nothing is flushed, nothing is told.
fn kill_if_due(outcome: &Outcome, tally: &Tally, kill_after: Option<u64>, progress: &Progress) {
    let stored = matches!(outcome, Outcome::Stored { .. });
    if stored && kill_after == Some(tally.stored) {
        progress.say(&format!(
            "killed after {} documents, in the middle of others; run it again to have them finished",
            tally.stored
        ));
        let process = rustix::process::getpid();
        let killed = rustix::process::kill_process(process, rustix::process::Signal::KILL);
        eprintln!("could not kill this process: {killed:?}");
    }
}
