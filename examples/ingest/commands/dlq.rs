//! `ingest dlq`: work that failed for good.

use std::collections::HashSet;
use std::path::Path;

use super::{Verdict, shown};
use crate::cli::Dlq;
use crate::document::Document;
use crate::error::StartError;
use crate::library::{Library, check_exists};
use crate::runtime::{self, Servers};
use crate::terminal::{Paint, printable, say};
use resilience::dead_letters::RetryOutcome;
use resilience::{DeadLetter, DeadLetterId, DeadLetterStatus, Operator, Runtime};

/// How many letters are asked for at once.
const PAGE: u32 = 100;

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
            "{}  {} of {}, tried {} times, since {}",
            paint.bold(&letter.id.to_string()),
            letter.work.operation,
            subject(letter),
            letter.work.attempts,
            letter.created_at
        ));
        say(&format!(
            "    {}",
            paint.bad(&printable(&letter.work.error))
        ));
    }
    if letters.is_empty() {
        say("the dead letter queue is empty");
    }
    Ok(Verdict::AllIsWell)
}

/// Retries the letters `ids`, or all when there are none. The other letters of a document go along with its first one.
async fn retry(runtime: &Runtime, ids: &[i64]) -> Result<Verdict, StartError> {
    let ids = if ids.is_empty() {
        let mut letters = open_letters(runtime).await?;
        let mut documents = HashSet::new();
        letters.retain(|letter| documents.insert(letter.saga.clone()));
        letters.iter().map(|letter| letter.id).collect()
    } else {
        ids.to_vec()
    };
    let mut well = true;
    for id in &ids {
        match runtime.dead_letters().retry(*id, operator()).await {
            Ok(RetryOutcome::Settled) => say(&format!("{id}: done")),
            Ok(RetryOutcome::FailedAgain { operation, error }) => {
                well = false;
                say(&format!("{id}: {operation} failed again: {error}"));
            }
            Ok(other) => say(&format!("{id}: {other:?}")),
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
    let resolved = runtime.dead_letters().resolve(id, note, operator()).await;
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

/// Whom the audit names.
fn operator() -> Operator {
    let user = std::env::var("USER").unwrap_or_else(|_| "somebody".to_owned());
    Operator::named(user).because("asked for with `ingest dlq`")
}

/// The document that a dead letter is about.
fn subject(letter: &DeadLetter) -> String {
    let document = Document::among(&letter.work.arguments);
    document.map_or("?".to_owned(), |document| shown(&document.path))
}
