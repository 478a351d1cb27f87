//! Opening the runtime.

use std::path::Path;
use std::time::Duration;

use clap::Args;

use crate::document::Document;
use crate::error::StartError;
use crate::library::Library;
use crate::stores;
use resilience::saga::SagaFilter;
use resilience::saga::Status;
use resilience::{Runtime, RuntimeBuilder, StoreError};

/// Where the runtime keeps its records, below the data directory.
const FILE: &str = "runtime.db";

/// What the runtime keeps its records in, where it is not a file in DIR.
#[derive(Debug, Default, Args)]
pub struct Servers {
    /// Keep the records of the runtime there, such as postgres://user@host/database, so that several processes can
    /// work on one DIR at once
    #[arg(long, value_name = "URL", global = true)]
    pub store: Option<String>,
    /// Keep locks and records of idempotent calls there, such as redis://host, and only sagas in the store
    #[arg(long, value_name = "URL", global = true)]
    pub redis: Option<String>,
    /// How long a process may be silent before the others on the store finish its documents, in seconds
    #[arg(long, value_name = "N", global = true, value_parser = clap::value_parser!(u16).range(1..))]
    pub lease: Option<u16>,
}

/// Opens the runtime with the stores that steps and compensations need, and waits until what an
/// earlier run began is finished.
///
/// # Errors
/// When its file cannot be opened, or is damaged, or its servers cannot be used.
pub async fn open(
    servers: &Servers,
    data: &Path,
    library: &Library,
) -> Result<Runtime, StartError> {
    // Recovery asks a journal that it cannot read again and again: it may be a network that is down.
    if servers.store.is_none() {
        let sound = stores::check(&data.join(FILE)).await;
        sound.map_err(|trouble| cannot_start(data, &trouble))?;
    }
    let runtime = builder(servers, data)
        .state(library.clone())
        .state(library.rows.clone())
        .state(library.index.clone())
        .state(library.graph.clone())
        .state(library.cache.clone())
        .open()
        .await
        .map_err(|error| cannot_open(servers, data, &error))?;
    runtime.recovered().await;
    Ok(runtime)
}

/// Opens the runtime only to look at its records.
///
/// # Errors
/// When its file cannot be opened.
pub async fn inspect(servers: &Servers, data: &Path) -> Result<Runtime, StartError> {
    let runtime = builder(servers, data).without_recovery();
    let runtime = runtime.open().await;
    runtime.map_err(|error| cannot_open(servers, data, &error))
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
    Ok((sum(Status::is_unfinished), sum(Status::is_dead)))
}

/// The documents that somebody still has to work on, each with how many of its steps are done; a thousand at most.
///
/// # Errors
/// When the records cannot be read.
pub async fn half_way(runtime: &Runtime) -> Result<Vec<(Document, u32)>, StoreError> {
    let sagas = runtime.sagas();
    let unfinished = SagaFilter {
        statuses: vec![Status::Running, Status::Compensating],
        ..SagaFilter::default()
    };
    let mut documents = Vec::new();
    for saga in sagas.list(unfinished, None, 1_000).await? {
        let record = sagas.get(&saga.id).await?;
        let document = record.and_then(|record| Document::among(&record.input));
        documents.extend(document.map(|document| (document, saga.steps)));
    }
    Ok(documents)
}

fn builder(servers: &Servers, data: &Path) -> RuntimeBuilder {
    let runtime = Runtime::builder(match &servers.store {
        Some(url) => url.clone(),
        None => format!("sqlite://{}", data.join(FILE).display()),
    });
    let runtime = match servers.lease {
        Some(seconds) => runtime.worker_lease(Duration::from_secs(seconds.into())),
        None => runtime,
    };
    match &servers.redis {
        Some(url) => runtime.redis(url),
        None => runtime,
    }
}

/// An error of the runtime names no URL: there may be a password in it.
fn cannot_open(servers: &Servers, data: &Path, error: &impl std::fmt::Display) -> StartError {
    if servers.store.is_some() || servers.redis.is_some() {
        return StartError(error.to_string());
    }
    cannot_start(data, error)
}

fn cannot_start(data: &Path, error: &impl std::fmt::Display) -> StartError {
    StartError(format!("{}: {error}", data.join(FILE).display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn damaged_records_are_reported_and_not_waited_for() {
        let data = tempfile::tempdir().unwrap();
        let file = data.path().join(FILE);
        let runtime = builder(&Servers::default(), data.path())
            .scoped()
            .without_recovery();
        runtime.open().await.unwrap().shutdown().await;
        assert!(stores::check(&file).await.is_ok());

        // Everything but the page that says that this is a database.
        let mut bytes = std::fs::read(&file).unwrap();
        bytes[4096..].fill(0xa5);
        std::fs::write(&file, bytes).unwrap();
        let trouble = stores::check(&file).await.unwrap_err();
        assert!(
            trouble.to_string().contains("the file is damaged"),
            "{trouble}"
        );
    }
}
