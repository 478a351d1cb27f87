//! Opening the runtime.

use std::path::Path;

use crate::error::StartError;
use crate::library::Library;
use resilience::{OpenError, Runtime, Status, StoreError};

/// Where the runtime keeps its records, below the data directory.
const FILE: &str = "runtime.db";

/// Opens the runtime with the stores that steps and compensations need, and waits until what an
/// earlier run began is finished.
///
/// # Errors
/// When its file cannot be opened.
pub async fn open(data: &Path, library: &Library) -> Result<Runtime, StartError> {
    let runtime = Runtime::builder(url(data))
        .state(library.clone())
        .state(library.rows.clone())
        .state(library.index.clone())
        .state(library.graph.clone())
        .state(library.cache.clone())
        .open()
        .await
        .map_err(|error| cannot_start(data, &error))?;
    runtime.recovered().await;
    Ok(runtime)
}

/// Opens the runtime only to look at its records.
///
/// # Errors
/// When its file cannot be opened.
pub async fn inspect(data: &Path) -> Result<Runtime, StartError> {
    let runtime = Runtime::builder(url(data)).without_recovery();
    let runtime = runtime.open().await;
    runtime.map_err(|error| cannot_start(data, &error))
}

/// How many sagas somebody still has to work on, and how many wait in the dead letter queue.
///
/// # Errors
/// When the records cannot be read.
pub async fn unfinished_and_dead(runtime: &Runtime) -> Result<(u64, u64), StoreError> {
    let counts = runtime.sagas().counts().await?;
    let sum = |wanted: fn(Status) -> bool| {
        let wanted = counts.iter().filter(|(status, _)| wanted(*status));
        wanted.map(|(_, count)| count).sum()
    };
    Ok((
        sum(Status::is_unfinished),
        sum(|status| status == Status::Dead),
    ))
}

fn url(data: &Path) -> String {
    format!("sqlite://{}", data.join(FILE).display())
}

fn cannot_start(data: &Path, error: &OpenError) -> StartError {
    StartError(format!("{}: {error}", data.join(FILE).display()))
}
