//! From a path to a document in four stores, and no older version of it.

#[cfg(test)]
mod tests;

use std::path::Path;

use crate::document::Document;
use crate::error::IngestError;
use crate::library::Library;
use crate::pipeline::{ingest, retire};
use crate::read::{InputError, Source};
use crate::stores::{Backend, Store, Trouble};

/// How the ingestion of a file ended.
#[derive(Debug)]
pub enum Outcome {
    /// The document is in all four stores now.
    Stored {
        /// How many older versions were deleted.
        retired: u64,
        /// Why not all of them were. The next run tries again.
        left: Option<IngestError>,
    },
    /// It was there already.
    Replayed,
    /// It is in no store.
    Compensated(IngestError),
    /// It is in some stores, and a dead letter says what is left to do.
    DeadLettered(IngestError),
    /// How it stands could not be recorded, or it was not begun. The next run finishes it.
    Unsettled(IngestError),
    /// The file is not a document.
    BadInput(InputError),
}

/// Ingests the file at `path`, an absolute path.
pub async fn take_in(library: &Library, path: &Path) -> Outcome {
    let Some(name) = path.to_str() else {
        return Outcome::BadInput(InputError::NameNotUtf8);
    };
    // From here on, nobody else replaces this file's newest version.
    let _turn = library.turn(name).await;
    let source = match library.sources.load(path).await {
        Ok(source) => source,
        Err(error) => return Outcome::BadInput(error),
    };
    match library.identify(&source).await {
        Ok(document) => take_in_version(library, document, source).await,
        Err(error) => Outcome::Unsettled(error),
    }
}

async fn take_in_version(library: &Library, document: Document, source: Source) -> Outcome {
    let _held = library.sources.hold(&document, source.content);
    let result = ingest(library, document.clone()).await;
    let ran = library.attempts.finish(&document.id);
    if let Err(error) = result {
        if Trouble::new(&error.to_string()).disk_is_full() {
            // Also when it is the runtime that could not write.
            library.reserve.release();
        }
        return failed(error);
    }
    let (retired, left) = match retire_older(library, &document).await {
        Ok(retired) => (retired, None),
        Err(error) => (0, Some(error)),
    };
    if ran || retired > 0 || left.is_some() {
        Outcome::Stored { retired, left }
    } else {
        Outcome::Replayed
    }
}

fn failed(error: IngestError) -> Outcome {
    use resilience::Error as Policy;
    match error {
        IngestError::Policy(
            Policy::CompensationFailed { .. }
            | Policy::SagaParked { .. }
            | Policy::JournalMismatch { .. },
        ) => Outcome::DeadLettered(error),
        IngestError::Store { .. }
        | IngestError::Source { .. }
        | IngestError::Policy(Policy::TimedOut { .. } | Policy::CircuitOpen { .. }) => {
            Outcome::Compensated(error)
        }
        IngestError::Policy(_) => Outcome::Unsettled(error),
    }
}

/// Deletes the versions of the file that are older than `document`, which is complete.
async fn retire_older(library: &Library, document: &Document) -> Result<u64, IngestError> {
    let mut retired = 0;
    for old in library.rows.older(document).await? {
        retire(library, &old.document).await?;
        library.attempts.finish(&old.document.id);
        retired += 1;
    }
    Ok(retired)
}

/// Deletes the older versions that a killed run has left behind. Call it when no saga is
/// unfinished.
///
/// # Errors
/// When a store fails.
pub async fn retire_left_overs(library: &Library) -> Result<u64, IngestError> {
    let mut retired = 0;
    for newest in library.rows.superseding().await? {
        let document = newest.document;
        let _turn = library.turn(&document.path).await;
        let complete = has(&library.index, &document).await?
            && has(&library.graph, &document).await?
            && has(&library.cache, &document).await?;
        if complete {
            retired += retire_older(library, &document).await?;
        }
    }
    Ok(retired)
}

async fn has<B: Backend>(store: &Store<B>, document: &Document) -> Result<bool, IngestError> {
    Ok(store.entries().await?.contains_key(&document.id))
}
