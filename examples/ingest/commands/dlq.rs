//! `ingest dlq`: work that failed for good.

use std::path::Path;

use super::{Verdict, shown};
use crate::cli::Dlq;
use crate::document::Document;
use crate::error::StartError;
use crate::library::{Library, check_exists};
use crate::runtime::{self, Servers};
use crate::terminal::{Paint, say};
use resilience::{DeadLetter, DeadLetterId, DeadLetterStatus, Retried, Runtime};

/// How many letters are asked for at once.
const PAGE: u32 = 100;
/// Whom the audit names.
const WHO: &str = "ingest dlq";

/// Lists, retries or resolves dead letters.
///
/// # Errors
/// When a store or the runtime cannot be opened.
pub async fn run(servers: &Servers, data: &Path, command: &Dlq) -> Result<Verdict, StartError> {
    check_exists(data)?;
    match command {
        Dlq::List => {
            let runtime = runtime::inspect(servers, data).await?;
            let waiting = list(&runtime).await;
            runtime.shutdown().await;
            waiting
        }
        Dlq::Retry { ids, .. } => {
            let library = Library::open_existing(data).await?;
            let runtime = runtime::open(servers, data, &library).await?;
            let retried = retry(&runtime, ids).await;
            runtime.shutdown().await;
            retried
        }
        Dlq::Resolve { id, note } => {
            let runtime = runtime::inspect(servers, data).await?;
            let resolved = resolve(&runtime, *id, note).await;
            runtime.shutdown().await;
            Ok(resolved)
        }
    }
}

async fn list(runtime: &Runtime) -> Result<Verdict, StartError> {
    let paint = Paint::for_stdout();
    let letters = open_letters(runtime).await?;
    for letter in &letters {
        say(&format!(
            "{}  {} of {}, tried {} times",
            paint.bold(&letter.id.to_string()),
            letter.work.operation,
            subject(letter),
            letter.work.attempts
        ));
        say(&format!("    {}", paint.bad(&letter.work.error)));
    }
    if letters.is_empty() {
        say("the dead letter queue is empty");
    }
    Ok(Verdict::AllIsWell)
}

/// Retries the letters `ids`, or all when there are none.
async fn retry(runtime: &Runtime, ids: &[i64]) -> Result<Verdict, StartError> {
    let ids = if ids.is_empty() {
        let letters = open_letters(runtime).await?;
        letters.iter().map(|letter| letter.id).collect()
    } else {
        ids.to_vec()
    };
    let mut well = true;
    for id in &ids {
        match runtime.dead_letters().retry(*id, WHO).await {
            Ok(Retried::Settled) => say(&format!("{id}: done")),
            Ok(Retried::FailedAgain { step, error }) => {
                well = false;
                say(&format!("{id}: {step} failed again: {error}"));
            }
            Err(error) => {
                well = false;
                say(&format!("{id}: {error}"));
            }
        }
    }
    if ids.is_empty() {
        say("the dead letter queue is empty");
    }
    Ok(Verdict::all_is_well(well))
}

async fn resolve(runtime: &Runtime, id: i64, note: &str) -> Verdict {
    let resolved = runtime.dead_letters().resolve(id, note, WHO).await;
    match &resolved {
        Ok(()) => say(&format!("{id}: resolved")),
        Err(error) => say(&format!("{id}: {error}")),
    }
    Verdict::all_is_well(resolved.is_ok())
}

async fn open_letters(runtime: &Runtime) -> Result<Vec<DeadLetter>, StartError> {
    let queue = runtime.dead_letters();
    let mut letters: Vec<DeadLetter> = Vec::new();
    loop {
        let last: Option<DeadLetterId> = letters.last().map(|letter| letter.id);
        let page = queue.list(DeadLetterStatus::Open, last, PAGE).await;
        let page = page.map_err(|error| StartError(error.to_string()))?;
        if page.is_empty() {
            return Ok(letters);
        }
        letters.extend(page);
    }
}

/// The document that a dead letter is about.
fn subject(letter: &DeadLetter) -> String {
    let arguments = serde_json::from_str::<serde_json::Value>(&letter.work.arguments);
    let document = arguments
        .ok()
        .and_then(|arguments| arguments.get("document").cloned());
    let document = document.and_then(|value| serde_json::from_value::<Document>(value).ok());
    document.map_or("?".to_owned(), |document| shown(&document.path))
}
